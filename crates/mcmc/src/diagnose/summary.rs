//! What a chain says about each parameter.

use super::quantile::{quantile, sorted};
use super::{ess_bulk, ess_tail, integrated_time, r_hat};
use ndarray::{ArrayView2, ArrayView3, Axis};
use serde::{Deserialize, Serialize};

/// The probability below mean - 1 sigma of a normal distribution.
const BELOW_1_SIGMA: f64 = 0.158_655_253_931_457_05;

/// A chain that cannot be summarised.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum DiagnoseError {
    /// There is no draw.
    #[error("the chain is empty: nothing is left of it after the burn-in")]
    Empty,
    /// The arrays do not fit together.
    #[error(
        "samples of shape {samples:?} (draw, walker, parameter) do not fit to log densities of shape \
         {log_density:?} and {names} names"
    )]
    Shape {
        /// Shape of the samples.
        samples: Vec<usize>,
        /// Shape of the log densities.
        log_density: Vec<usize>,
        /// Number of names.
        names: usize,
    },
}

/// One parameter's posterior and convergence. Quantities that the draws are too few for are NaN.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ParameterSummary {
    /// Its name.
    pub name: String,
    /// Mean.
    pub mean: f64,
    /// Standard deviation.
    pub sd: f64,
    /// Median.
    pub median: f64,
    /// Quantile 15.865 %: the lower end of the 68 % interval.
    pub lower_68: f64,
    /// Quantile 84.135 %: the upper end of the 68 % interval.
    pub upper_68: f64,
    /// Quantile 2.5 %: the lower end of the 95 % interval.
    pub lower_95: f64,
    /// Quantile 97.5 %: the upper end of the 95 % interval.
    pub upper_95: f64,
    /// Quantile 95 %: the upper limit where the parameter is not detected.
    pub limit_95: f64,
    /// Value in the sample of highest density.
    pub best: f64,
    /// Integrated autocorrelation time in draws.
    pub tau: f64,
    /// Draws of all walkers divided by `tau`.
    pub ess_tau: f64,
    /// Bulk effective sample size.
    pub ess_bulk: f64,
    /// Tail effective sample size.
    pub ess_tail: f64,
    /// Rank-normalised split R-hat.
    pub r_hat: f64,
}

/// The sample of highest density.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Best {
    /// Its draw.
    pub draw: usize,
    /// Its walker.
    pub walker: usize,
    /// Its log density.
    pub log_density: f64,
    /// Its parameters.
    pub values: Vec<f64>,
}

/// A whole chain.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Diagnosis {
    /// Number of draws of each walker.
    pub draws: usize,
    /// Number of walkers.
    pub walkers: usize,
    /// One entry a parameter, in their order.
    pub parameters: Vec<ParameterSummary>,
    /// The sample of highest density; the earliest of equal ones.
    pub best: Best,
}

impl Diagnosis {
    /// The smallest bulk effective sample size over the parameters (NaN if one is NaN).
    pub fn smallest_ess(&self) -> f64 {
        fold_nan(self.parameters.iter().map(|p| p.ess_bulk), f64::INFINITY, f64::min)
    }

    /// The largest R-hat over the parameters (NaN if one is NaN).
    pub fn largest_r_hat(&self) -> f64 {
        fold_nan(self.parameters.iter().map(|p| p.r_hat), 0.0, f64::max)
    }

    /// The largest autocorrelation time over the parameters, in draws (NaN if one is NaN).
    pub fn largest_tau(&self) -> f64 {
        fold_nan(self.parameters.iter().map(|p| p.tau), 0.0, f64::max)
    }
}

/// `f64::min` and `f64::max` pass over NaN; here one NaN is the result.
fn fold_nan(values: impl Iterator<Item = f64>, start: f64, f: impl Fn(f64, f64) -> f64) -> f64 {
    values.fold(start, |a, b| if a.is_nan() || b.is_nan() { f64::NAN } else { f(a, b) })
}

/// Summarises samples of shape (draw, walker, parameter) with log densities of shape (draw, walker).
///
/// # Errors
/// [`DiagnoseError`] if there is no draw or the shapes do not fit.
pub fn diagnose(
    names: &[String],
    samples: ArrayView3<'_, f64>,
    log_density: ArrayView2<'_, f64>,
) -> Result<Diagnosis, DiagnoseError> {
    let (draws, walkers, dim) = samples.dim();
    if log_density.dim() != (draws, walkers) || names.len() != dim {
        let (samples, log_density) = (samples.shape().to_vec(), log_density.shape().to_vec());
        return Err(DiagnoseError::Shape { samples, log_density, names: names.len() });
    }
    let mut best: Option<(usize, usize, f64)> = None;
    for ((draw, walker), &l) in log_density.indexed_iter() {
        if best.is_none_or(|b| l > b.2) {
            best = Some((draw, walker, l));
        }
    }
    let (draw, walker, highest) = best.ok_or(DiagnoseError::Empty)?;
    let values: Vec<f64> = (0..dim).map(|k| samples[(draw, walker, k)]).collect();
    let one = |(k, name): (usize, &String)| summarise(name, samples.index_axis(Axis(2), k), values[k]);
    let parameters = names.iter().enumerate().map(one).collect();
    Ok(Diagnosis { draws, walkers, parameters, best: Best { draw, walker, log_density: highest, values } })
}

fn summarise(name: &str, samples: ArrayView2<'_, f64>, best: f64) -> ParameterSummary {
    let values = sorted(samples.iter().copied());
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let sd = (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt();
    let tau = integrated_time(samples);
    ParameterSummary {
        name: name.to_string(),
        mean,
        sd,
        median: quantile(&values, 0.5),
        lower_68: quantile(&values, BELOW_1_SIGMA),
        upper_68: quantile(&values, 1.0 - BELOW_1_SIGMA),
        lower_95: quantile(&values, 0.025),
        upper_95: quantile(&values, 0.975),
        limit_95: quantile(&values, 0.95),
        best,
        tau,
        ess_tau: n / tau,
        ess_bulk: ess_bulk(samples),
        ess_tail: ess_tail(samples),
        r_hat: r_hat(samples),
    }
}
