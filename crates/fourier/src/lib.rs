//! Plans Fourier transforms by rustfft, whose code would otherwise be compiled again in every crate that plans one.

use rustfft::{FftNum, FftPlanner, FftPlannerAvx, FftPlannerScalar};
use std::sync::Arc;

pub use rustfft::{Fft, FftDirection};

/// Instructions that a transform may use. Which ones it uses is seen in its last bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Instructions {
    /// The fastest that this machine has.
    Any,
    /// AVX and FMA where this machine has them, no vectors elsewhere.
    Avx,
    /// No vectors: the same bits on every machine.
    Scalar,
}

/// A transform of `n` points in single precision, not normalised.
pub fn single(n: usize, direction: FftDirection, instructions: Instructions) -> Arc<dyn Fft<f32>> {
    plan(n, direction, instructions)
}

/// A transform of `n` points in double precision, not normalised.
pub fn double(n: usize, direction: FftDirection, instructions: Instructions) -> Arc<dyn Fft<f64>> {
    plan(n, direction, instructions)
}

fn plan<T: FftNum>(n: usize, direction: FftDirection, instructions: Instructions) -> Arc<dyn Fft<T>> {
    match instructions {
        Instructions::Any => FftPlanner::new().plan_fft(n, direction),
        Instructions::Avx => match FftPlannerAvx::new() {
            Ok(mut planner) => planner.plan_fft(n, direction),
            Err(()) => plan(n, direction, Instructions::Scalar),
        },
        Instructions::Scalar => FftPlannerScalar::new().plan_fft(n, direction),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustfft::num_complex::Complex;

    #[test]
    fn all_instructions_give_one_transform() {
        let n = 96;
        let wave = |k: usize| Complex::from_polar(1.0, std::f64::consts::TAU * (5 * k) as f64 / n as f64);
        for instructions in [Instructions::Any, Instructions::Avx, Instructions::Scalar] {
            for (direction, place) in [(FftDirection::Forward, 5), (FftDirection::Inverse, n - 5)] {
                let mut wide: Vec<Complex<f64>> = (0..n).map(wave).collect();
                let mut narrow: Vec<Complex<f32>> =
                    wide.iter().map(|z| Complex::new(z.re as f32, z.im as f32)).collect();
                double(n, direction, instructions).process(&mut wide);
                single(n, direction, instructions).process(&mut narrow);
                for k in 0..n {
                    let wanted = if k == place { n as f64 } else { 0.0 };
                    assert!((wide[k] - wanted).norm() < 1e-11, "{instructions:?} {direction} {k}");
                    assert!((narrow[k] - wanted as f32).norm() < 1e-3, "{instructions:?} {direction} {k}");
                }
            }
        }
    }
}
