//! How the phase turns within a block, beside what the station kernel takes out: it moves bins, and turns the voltage of a sub-band.

use super::grid::SUB_BINS;
use crate::geometry::BlockDelay;
use mirinae_simd::{Kernel, LANES16, Lanes, Simd};
use num_complex::{Complex32, Complex64};

/// Samples of a sub-band from block to block.
pub(super) const HOP: usize = SUB_BINS / 8 * 7;
/// Samples that it has in two blocks.
pub(super) const BOTH: usize = SUB_BINS - HOP;

/// Real and imaginary parts.
pub(super) struct Parts<T> {
    pub re: Vec<T>,
    pub im: Vec<T>,
}

impl<T: Copy + Default> Parts<T> {
    pub fn zeros(n: usize) -> Self {
        Self { re: vec![T::default(); n], im: vec![T::default(); n] }
    }
}

/// The turns of a block's phase.
pub(super) struct Turning {
    /// Whole turns over the block: bins by which frequencies are moved.
    pub whole: i64,
    /// What is left of them over a sub-band's samples.
    left: Parts<f32>,
    /// The same in units of 2^-15.
    units: Parts<i16>,
    simd: Simd,
}

impl Turning {
    /// None.
    pub fn new(simd: Simd) -> Self {
        Self { whole: 0, left: Parts::zeros(SUB_BINS), units: Parts::zeros(SUB_BINS), simd }
    }

    /// How the phase turns within a block, beside that of its centre which the kernel takes out: exp(-2 pi i s (n / N - 1 / 2)), N samples.
    pub fn set(&mut self, delay: &BlockDelay, lo_hz: f64, samples: usize) {
        let n = samples as f64;
        let turns = lo_hz * delay.step_s * n;
        let whole = turns.round();
        self.whole = whole as i64;
        // Bins that are moved were turned for a delay at another frequency.
        let moved = whole * delay.fraction_samples / n;
        let unit = |turns: f64| {
            let (sin, cos) = libm::sincos(-std::f64::consts::TAU * (turns - turns.round()));
            Complex64::new(cos, sin)
        };
        let step = (turns - whole) / SUB_BINS as f64;
        let (mut fine, mut coarse) = ([[0.0; AT_ONCE]; 2], [[0.0; SUB_BINS / AT_ONCE]; 2]);
        fill(&mut fine, Complex64::ONE, unit(step));
        fill(&mut coarse, unit(moved - 0.5 * turns), unit(step * AT_ONCE as f64));
        let (left, units) = (&mut self.left, &mut self.units);
        self.simd.run(Left { fine: &fine, coarse: &coarse, left, units });
    }

    /// What is left in units of 2^-15, real and imaginary parts.
    pub fn units(&self) -> (&[i16], &[i16]) {
        (&self.units.re, &self.units.im)
    }

    /// Adds the voltage of a sub-band: what the block before has, too, is added to that; the rest is the first that is there.
    pub fn add(&self, voltage: (&[f32], &[f32]), sum: Piece) {
        let left = (&self.left.re[..], &self.left.im[..]);
        match sum {
            Piece::Floats(sum) => self.simd.run(Turned { left, voltage, sum: bytemuck::cast_slice_mut(sum) }),
            Piece::Whole(sum, unit) => {
                let mut turned = [0.0; 2 * SUB_BINS];
                self.simd.run(Turned { left, voltage, sum: &mut turned });
                self.simd.run(Rounded { turned: &turned, unit, sum });
            }
        }
    }
}

/// Phasors from one on, each turned by a step from the one before.
fn fill<const N: usize>([re, im]: &mut [[f32; N]; 2], mut z: Complex64, step: Complex64) {
    for (re, im) in re.iter_mut().zip(im) {
        (*re, *im) = (z.re as f32, z.im as f32);
        z *= step;
    }
}

/// Products of fine phasors and coarse ones.
struct Left<'a> {
    fine: &'a [[f32; AT_ONCE]; 2],
    coarse: &'a [[f32; SUB_BINS / AT_ONCE]; 2],
    left: &'a mut Parts<f32>,
    units: &'a mut Parts<i16>,
}

impl Kernel for Left<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        let ([a, b], [coarse_re, coarse_im]) = (self.fine, self.coarse);
        for k in 0..SUB_BINS / AT_ONCE {
            let (c, d, at) = (coarse_re[k], coarse_im[k], k * AT_ONCE);
            let (mut re, mut im) = ([0.0f32; AT_ONCE], [0.0f32; AT_ONCE]);
            for i in 0..AT_ONCE {
                re[i] = a[i] * c - b[i] * d;
            }
            for i in 0..AT_ONCE {
                im[i] = a[i] * d + b[i] * c;
            }
            self.left.re[at..at + AT_ONCE].copy_from_slice(&re);
            self.left.im[at..at + AT_ONCE].copy_from_slice(&im);
            self.units.re[at..at + AT_ONCE].copy_from_slice(&whole(&re, UNITS));
            self.units.im[at..at + AT_ONCE].copy_from_slice(&whole(&im, UNITS));
        }
    }
}

/// Voltages of a sub-band over a block.
pub(super) enum Piece<'a> {
    /// Numbers.
    Floats(&'a mut [Complex32]),
    /// Whole ones, 16 real parts and 16 imaginary ones in turn, so many of a voltage of 1.
    Whole(&'a mut [i16], f32),
}

/// Turns a voltage and adds it.
struct Turned<'a> {
    left: (&'a [f32], &'a [f32]),
    voltage: (&'a [f32], &'a [f32]),
    /// Real and imaginary parts in turn.
    sum: &'a mut [f32],
}

/// Samples that vectors work on at once.
const AT_ONCE: usize = LANES16;

impl Kernel for Turned<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        let (a, b) = (&self.left.0[..SUB_BINS], &self.left.1[..SUB_BINS]);
        let (c, d) = (&self.voltage.0[..SUB_BINS], &self.voltage.1[..SUB_BINS]);
        let sum = &mut self.sum[..2 * SUB_BINS];
        let mut at = 0;
        while at < SUB_BINS {
            let (a, b) = (&a[at..at + AT_ONCE], &b[at..at + AT_ONCE]);
            let (c, d) = (&c[at..at + AT_ONCE], &d[at..at + AT_ONCE]);
            let mut turned = [0.0f32; 2 * AT_ONCE];
            for i in 0..AT_ONCE {
                turned[2 * i] = a[i] * c[i] - b[i] * d[i];
                turned[2 * i + 1] = a[i] * d[i] + b[i] * c[i];
            }
            let here = &mut sum[2 * at..][..2 * AT_ONCE];
            if at < BOTH {
                for i in 0..2 * AT_ONCE {
                    turned[i] += here[i];
                }
            }
            here.copy_from_slice(&turned);
            at += AT_ONCE;
        }
    }
}

/// The largest whole number.
const WHOLE: f32 = 32_767.0;
/// Units of fractions.
const UNITS: f32 = 32_768.0;

/// The nearest whole numbers to those times a factor.
#[inline(always)]
fn whole(x: &[f32; AT_ONCE], factor: f32) -> [i16; AT_ONCE] {
    /// Adding it leaves the nearest whole number in the lowest bits.
    const ROUND: f32 = 12_582_912.0;
    let mut numbers = [0i16; AT_ONCE];
    for i in 0..AT_ONCE {
        let x = x[i] * factor;
        let low = if x > -WHOLE { x } else { -WHOLE };
        let within = if low < WHOLE { low } else { WHOLE };
        numbers[i] = (within + ROUND).to_bits() as i16;
    }
    numbers
}

/// Adds voltages as whole numbers.
struct Rounded<'a> {
    /// Real and imaginary parts in turn.
    turned: &'a [f32; 2 * SUB_BINS],
    unit: f32,
    /// [`AT_ONCE`] real parts and as many imaginary ones in turn.
    sum: &'a mut [i16],
}

impl Kernel for Rounded<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        let mut at = 0;
        while at < SUB_BINS {
            let turned = &self.turned[2 * at..][..2 * AT_ONCE];
            let (mut re, mut im) = ([0.0f32; AT_ONCE], [0.0f32; AT_ONCE]);
            for i in 0..AT_ONCE {
                (re[i], im[i]) = (turned[2 * i], turned[2 * i + 1]);
            }
            let (to_re, to_im) = self.sum[2 * at..][..2 * AT_ONCE].split_at_mut(AT_ONCE);
            let (mut re, mut im) = (whole(&re, self.unit), whole(&im, self.unit));
            if at < BOTH {
                for i in 0..AT_ONCE {
                    re[i] = re[i].saturating_add(to_re[i]);
                    im[i] = im[i].saturating_add(to_im[i]);
                }
            }
            to_re.copy_from_slice(&re);
            to_im.copy_from_slice(&im);
            at += AT_ONCE;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mirinae_simd::{SimdPath, place16};
    use std::f64::consts::TAU;

    #[test]
    fn moved_bins_and_what_is_left_are_the_turns_of_the_phase() {
        let (samples, lo_hz) = (1 << 14, 22e9);
        for turns in [0.0, 3.3, -11.48, 0.5] {
            let delay = BlockDelay {
                nearest_sample: 0,
                fraction_samples: 0.25,
                first_s: 0.0,
                step_s: turns / lo_hz / samples as f64,
                centre_s: 0.0,
            };
            let (ones, zeros) = (vec![1.0; SUB_BINS], vec![0.0; SUB_BINS]);
            for path in SimdPath::ALL {
                let mut turning = Turning::new(Simd::new(path));
                turning.set(&delay, lo_hz, samples);
                let mut sum = vec![Complex32::new(0.5, 0.0); SUB_BINS];
                turning.add((&ones, &zeros), Piece::Floats(&mut sum));
                // The same in whole numbers.
                let mut parts = [[500; AT_ONCE], [0; AT_ONCE]].concat().repeat(SUB_BINS / AT_ONCE);
                turning.add((&ones, &zeros), Piece::Whole(&mut parts, 1000.0));
                for (j, z) in sum.iter().enumerate() {
                    let place = place16(j);
                    let [re, im] = [parts[place], parts[place + AT_ONCE]].map(f32::from);
                    let whole = Complex32::new(re, im) / 1000.0;
                    assert!((whole - z).norm() < 0.001, "{path:?}: {whole} {z}");
                }
                for (j, z) in sum.iter().enumerate() {
                    let share = j as f64 / SUB_BINS as f64;
                    let before = if j < BOTH { 0.5 } else { 0.0 };
                    let got = Complex64::new(f64::from(z.re) - before, z.im.into());
                    let whole = turning.whole as f64;
                    let moved = Complex64::from_polar(1.0, -TAU * whole * share);
                    let wanted = turns * (share - 0.5) + whole * 0.25 / samples as f64;
                    let wanted = Complex64::from_polar(1.0, -TAU * wanted);
                    assert!((got * moved - wanted).norm() < 1e-5, "{turns} {path:?} {j}");
                }
            }
        }
    }
}
