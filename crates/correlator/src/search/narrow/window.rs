//! The window of a block of samples.

use super::grid::SUB_BINS;
use super::turning::BOTH;
use mirinae_simd::{Kernel, Lanes, Simd};

/// Sidelobes of the slope, and the width of its main lobe: 2 bins of the taper to the first zero, sidelobes of -40 dB.
const BETA: f64 = 5.44;

/// A block's window: rises over its first part as the integral of Kaiser's window (Harris 1978, Proc. IEEE 66, 51) does, and
/// falls over the last one, so that windows add to 1. Its spectrum falls to -70 dB (of power) within a sub-band's guard.
pub(super) fn window(samples: usize) -> Vec<f32> {
    let taper = samples / SUB_BINS * BOTH;
    let slope = |n: usize| {
        let x = (2.0 * n as f64 + 1.0) / taper as f64 - 1.0;
        bessel_i0(BETA * (1.0 - x * x).sqrt())
    };
    let all: f64 = (0..taper).map(slope).sum();
    let mut before = 0.0;
    let rise = (0..taper).map(|n| {
        let here = slope(n);
        before += here;
        ((before - 0.5 * here) / all) as f32
    });
    let mut window = vec![1.0; samples];
    for (n, w) in rise.enumerate() {
        (window[n], window[samples - 1 - n]) = (w, w);
    }
    window
}

/// The modified Bessel function of the first kind and order 0 (Abramowitz and Stegun, 9.6.12).
fn bessel_i0(x: f64) -> f64 {
    let (mut term, mut sum, mut k) = (1.0, 1.0, 1.0);
    while term > 1e-17 * sum {
        term *= (0.5 * x / k).powi(2);
        sum += term;
        k += 1.0;
    }
    sum
}

/// Multiplies samples with a window.
pub(super) fn multiply(simd: Simd, numbers: &mut [f32], window: &[f32]) {
    simd.run(Windowed { numbers, window });
}

struct Windowed<'a> {
    numbers: &'a mut [f32],
    window: &'a [f32],
}

impl Kernel for Windowed<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        let n = self.numbers.len();
        let (numbers, window) = (&mut self.numbers[..n], &self.window[..n]);
        for i in 0..n {
            numbers[i] *= window[i];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::grid::GUARD_BINS;
    use super::super::turning::HOP;
    use super::*;

    #[test]
    fn windows_add_to_1_and_end_within_the_guard() {
        let samples = 1 << 12;
        let all = window(samples);
        let hop = samples / SUB_BINS * HOP;
        (0..samples - hop).for_each(|n| assert!((all[n] + all[hop + n] - 1.0).abs() < 1e-6, "{n}"));
        assert!(all[samples - hop..hop].iter().all(|w| *w == 1.0));
        let bin = |k: usize| {
            let turn = |n: usize| std::f64::consts::TAU * (k * n % samples) as f64 / samples as f64;
            let (re, im) = all.iter().enumerate().fold((0.0, 0.0), |(re, im), (n, w)| {
                let (sin, cos) = libm::sincos(turn(n));
                (re + f64::from(*w) * cos, im + f64::from(*w) * sin)
            });
            re.hypot(im)
        };
        let whole = bin(0);
        for k in GUARD_BINS..64 {
            assert!(bin(k) < 3e-4 * whole, "{k}: {}", bin(k) / whole);
        }
    }
}
