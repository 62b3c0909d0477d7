//! The spectra of a fit as a least-squares problem.

use crate::levenberg::{self, LeastSquares, Limits, Minimum, numerical_jacobian};
use crate::posterior::{Posterior, Prior, WindowData, Work};
use ndarray::Array2;

/// Residuals of all channels with data, made independent, then those of normal priors.
pub struct SpectrumProblem<'a> {
    posterior: &'a Posterior,
    data: &'a [WindowData],
    bounds: Vec<(f64, f64)>,
    /// The length over which the model may change much with each parameter.
    scale: Vec<f64>,
    work: Work,
}

/// How the name of extra noise ends: least squares cannot tell it, so that it is held.
const EXTRA_NOISE: &str = ".jitter_k";

/// The widest length, as a part of the range that the prior allows, over which a derivative is taken.
const PART_OF_RANGE: f64 = 0.25;

impl<'a> SpectrumProblem<'a> {
    /// The windows are those that the posterior was made with.
    pub fn new(posterior: &'a Posterior, data: &'a [WindowData]) -> Self {
        let priors = || posterior.layout().parameters.iter().map(|p| p.prior);
        let bounds: Vec<(f64, f64)> = priors().map(Prior::limits).collect();
        let width = |prior: Prior| match prior {
            Prior::Normal { sd, low, high, .. } => (2.0 * sd).min(high - low),
            _ => prior.limits().1 - prior.limits().0,
        };
        let scale = priors().map(|p| PART_OF_RANGE * width(p)).collect();
        Self { posterior, data, bounds, scale, work: posterior.work() }
    }

    /// Fits from a start; extra noise stays what it is there.
    pub fn fit(&mut self, start: &[f64], limits: Limits) -> Option<Minimum> {
        let mut bounds = self.bounds.clone();
        for ((bound, parameter), x) in bounds.iter_mut().zip(&self.posterior.layout().parameters).zip(start) {
            if parameter.name.ends_with(EXTRA_NOISE) {
                let x = x.clamp(bound.0, bound.1);
                *bound = (x, x);
            }
        }
        levenberg::fit(self, start, &bounds, limits)
    }
}

fn write_residuals(
    posterior: &Posterior,
    data: &[WindowData],
    work: &mut Work,
    theta: &[f64],
    out: &mut Vec<f64>,
) -> bool {
    let Ok(model_k) = posterior.spectrum(theta, work) else { return false };
    out.clear();
    let (mut first, mut z) = (0, Vec::new());
    for (index, (window, params)) in data.iter().zip(posterior.window_params(theta)).enumerate() {
        let model_k = &model_k[first..first + window.t_k.len()];
        first += window.t_k.len();
        let noise_k = params.noise_k(&window.sigma_k);
        z.clear();
        z.extend(window.t_k.iter().zip(model_k).zip(noise_k).map(|((t, m), s)| (t - m) / s));
        posterior.likelihood().whiten(index, &mut z);
        out.extend(z.iter().zip(&window.sigma_k).filter(|(_, s)| s.is_finite()).map(|(z, _)| z));
    }
    for (parameter, x) in posterior.layout().parameters.iter().zip(theta) {
        if let Prior::Normal { mean, sd, .. } = parameter.prior {
            out.push((x - mean) / sd);
        }
    }
    true
}

impl LeastSquares for SpectrumProblem<'_> {
    fn residuals(&mut self, x: &[f64], out: &mut Vec<f64>) -> bool {
        write_residuals(self.posterior, self.data, &mut self.work, x, out)
    }

    fn jacobian(&mut self, x: &[f64], at_x: &[f64]) -> Option<Array2<f64>> {
        let Self { posterior, data, work, .. } = self;
        // Positive parameters with a wide range change the model over a part of themselves.
        let scale: Vec<f64> = x
            .iter()
            .zip(&self.scale)
            .zip(&self.bounds)
            .map(|((x, scale), b)| if b.0 > 0.0 { scale.min(*x) } else { *scale })
            .collect();
        numerical_jacobian(x, at_x, &scale, &self.bounds, |x, out| {
            write_residuals(posterior, data, work, x, out)
        })
    }
}
