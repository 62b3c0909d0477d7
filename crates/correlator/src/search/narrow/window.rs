//! The window of a block of samples.

use super::grid::SUB_BINS;
use super::turning::BOTH;
use mirinae_simd::{Kernel, Lanes, Simd};

/// A block's window: rises over its first quarter as the integral of a window of Blackman and Harris (four terms; Harris 1978, Proc. IEEE 66, 51) does,
/// and falls over the last quarter, so that windows add to 1. Its spectrum ends, to 1e-5, within a sub-band's guard.
pub(super) fn window(n: usize, samples: usize) -> f32 {
    let taper = samples / SUB_BINS * BOTH;
    let rise = |n: usize| {
        let x = (n as f64 + 0.5) / taper as f64;
        let terms = [(-0.488_29, 1.0), (0.141_28, 2.0), (-0.011_68, 3.0)];
        let wave = |(a, k): (f64, f64)| {
            a / 0.358_75 * libm::sin(std::f64::consts::TAU * k * x) / (std::f64::consts::TAU * k)
        };
        x + terms.into_iter().map(wave).sum::<f64>()
    };
    let left = samples - 1 - n;
    if n < taper {
        rise(n) as f32
    } else if left < taper {
        rise(left) as f32
    } else {
        1.0
    }
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
        let all: Vec<f32> = (0..samples).map(|n| window(n, samples)).collect();
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
            assert!(bin(k) < 2e-5 * whole, "{k}: {}", bin(k) / whole);
        }
    }
}
