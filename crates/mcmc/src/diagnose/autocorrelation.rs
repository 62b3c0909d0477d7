//! Autocorrelation times of ensembles.

use mirinae_fourier::{Fft, FftDirection, Instructions, double};
use ndarray::{ArrayView1, ArrayView2};
use num_complex::Complex64;
use std::sync::Arc;

/// Computes autocovariances of series of one length by Fourier transform.
pub(super) struct Autocovariance {
    n: usize,
    forward: Arc<dyn Fft<f64>>,
    inverse: Arc<dyn Fft<f64>>,
    buffer: Vec<Complex64>,
    scratch: Vec<Complex64>,
}

impl Autocovariance {
    /// For series of length `n`, padded to twice that or more. The scalar transform gives the same bits on every
    /// processor.
    pub(super) fn new(n: usize) -> Self {
        let padded = (2 * n).next_power_of_two();
        let plan = |direction| double(padded, direction, Instructions::Scalar);
        let (forward, inverse) = (plan(FftDirection::Forward), plan(FftDirection::Inverse));
        let scratch = forward.get_inplace_scratch_len().max(inverse.get_inplace_scratch_len());
        let zero = Complex64::new(0.0, 0.0);
        Self { n, forward, inverse, buffer: vec![zero; padded], scratch: vec![zero; scratch] }
    }

    /// Writes the autocovariance of `series` at lags 0 to n - 1, divided by n at every lag, into `out`.
    pub(super) fn compute(&mut self, series: ArrayView1<'_, f64>, out: &mut [f64]) {
        let n = self.n as f64;
        let mean = series.sum() / n;
        let padded = self.buffer.len() as f64;
        self.buffer.fill(Complex64::new(0.0, 0.0));
        self.buffer.iter_mut().zip(series).for_each(|(b, &x)| b.re = x - mean);
        self.forward.process_with_scratch(&mut self.buffer, &mut self.scratch);
        self.buffer.iter_mut().for_each(|b| *b = Complex64::new(b.norm_sqr(), 0.0));
        self.inverse.process_with_scratch(&mut self.buffer, &mut self.scratch);
        out.iter_mut().zip(&self.buffer).for_each(|(o, b)| *o = b.re / (padded * n));
    }
}

/// The autocorrelation at lags 0 to n - 1, averaged over the walkers of `samples`, shape (draw, walker).
///
/// A walker that never moved counts as fully correlated at all lags.
pub fn walker_mean_autocorrelation(samples: ArrayView2<'_, f64>) -> Vec<f64> {
    let (n, walkers) = samples.dim();
    let mut transform = Autocovariance::new(n);
    let mut mean = vec![0.0; n];
    let mut one = vec![0.0; n];
    for series in samples.columns() {
        transform.compute(series, &mut one);
        let variance = one[0];
        for (m, &c) in mean.iter_mut().zip(&one) {
            *m += if variance > 0.0 { c / variance } else { 1.0 };
        }
    }
    mean.iter_mut().for_each(|m| *m /= walkers as f64);
    mean
}

/// The integrated autocorrelation time in draws, of `samples` of shape (draw, walker).
///
/// Estimator of emcee (Foreman-Mackey et al. 2013): the autocorrelation averaged over the walkers, summed up to the
/// first lag M >= 5 tau(M) (Sokal 1996). It is trustworthy when there are 50 times as many draws. Not below
/// 1/log10(draws x walkers), where antithetic series could otherwise end at zero or less. NaN without draws.
pub fn integrated_time(samples: ArrayView2<'_, f64>) -> f64 {
    if samples.is_empty() {
        return f64::NAN;
    }
    let mut tau = -1.0;
    for (lag, rho) in walker_mean_autocorrelation(samples).into_iter().enumerate() {
        tau += 2.0 * rho;
        if lag as f64 >= 5.0 * tau {
            break;
        }
    }
    tau.max(least_time(samples.len()))
}

/// The least autocorrelation time that is believed of `n` draws (Vehtari et al. 2021, section 3.2).
pub(super) fn least_time(n: usize) -> f64 {
    1.0 / (n as f64).log10().max(f64::MIN_POSITIVE)
}
