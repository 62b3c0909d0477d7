//! A fast first fit: the most probable parameters by Levenberg-Marquardt, with their covariance.
//!
//! What is made small is chi2 plus the squares of normal priors, within the limits of all priors: the mode of the
//! posterior but for the slope of log-uniform priors. The covariance is that of the linearised model there, which a
//! posterior with bent or cut-off sides does not have: it is a first look, not a substitute for `alma-fit run`.

mod problem;

pub use problem::SpectrumProblem;

use crate::cost::prior_points;
use crate::levenberg::{Covariance, Limits, Minimum};
use crate::posterior::{Posterior, WindowData, Work};
use crate::sampler::start::{Search, recommended_population};
use crate::sampler::{FnEvaluator, SamplerError};
use mirinae_common::random;
use ndarray::Array2;

/// Stream of the draws from the prior: far from those of a fit.
const STREAM: u64 = 0x00f1 << 48;
/// Generations of the global search between two fits.
const GENERATIONS: u64 = 25;
/// Fits from the search's best member at most.
const ROUNDS: usize = 12;
/// Two fits that differ by less than this in chi2 have found the same minimum.
const SAME_CHI2: f64 = 0.1;

/// A first look that found nothing.
#[derive(Debug, thiserror::Error)]
pub enum FirstLookError {
    /// No model at the given parameters.
    #[error("the model is not defined at the start (outside of the priors, or Q(T) beyond its table)")]
    Start,
    /// The search cannot begin.
    #[error(transparent)]
    Search(#[from] SamplerError),
}

/// The result.
#[derive(Debug, Clone)]
pub struct FirstLook {
    /// The minimum.
    pub minimum: Minimum,
    /// The covariance there.
    pub covariance: Covariance,
    /// Fits from different starts that were made.
    pub fits: usize,
    /// Fits that ended at this minimum.
    pub agreeing: usize,
    /// Generations of the global search; 0: the start was given.
    pub generations: u64,
}

/// Fits from given parameters.
///
/// # Errors
/// [`FirstLookError::Start`].
pub fn from_start(
    posterior: &Posterior,
    data: &[WindowData],
    theta: &[f64],
) -> Result<FirstLook, FirstLookError> {
    let mut problem = SpectrumProblem::new(posterior, data);
    let minimum = problem.fit(theta, Limits::default()).ok_or(FirstLookError::Start)?;
    let covariance = Covariance::of(&minimum);
    Ok(FirstLook { minimum, covariance, fits: 1, agreeing: 1, generations: 0 })
}

/// Searches the prior for a start, and fits from what it has found every few generations, until two fits of different
/// starts agree on the lowest minimum so far.
///
/// # Errors
/// [`FirstLookError::Search`] where the prior has too few points with a model, [`FirstLookError::Start`].
pub fn search(posterior: &Posterior, data: &[WindowData], seed: u64) -> Result<FirstLook, FirstLookError> {
    let mut problem = SpectrumProblem::new(posterior, data);
    let mut work: Work = posterior.work();
    let mut evaluator = FnEvaluator(|theta: &[f64]| posterior.ln_density(theta, &mut work));
    let names: Vec<String> = posterior.layout().parameters.iter().map(|p| p.name.clone()).collect();
    let mut search = Search::new(seed, &names, draws(posterior, seed).view(), &mut evaluator)?;
    let mut found: Vec<Minimum> = Vec::new();
    for round in 1..=ROUNDS {
        search.run(search.generation + GENERATIONS, &mut evaluator)?;
        let start = search.best().0.to_vec();
        if let Some(minimum) = problem.fit(&start, Limits::default()) {
            found.push(minimum);
        }
        let best = found.iter().map(|m| m.sum).fold(f64::INFINITY, f64::min);
        let agreeing = found.iter().filter(|m| m.sum - best < SAME_CHI2).count();
        let settled = agreeing >= 2 || search.settled();
        if (settled || round == ROUNDS)
            && let Some(minimum) = found.iter().find(|m| m.sum == best)
        {
            let covariance = Covariance::of(minimum);
            let (fits, generations) = (found.len(), search.generation);
            return Ok(FirstLook { minimum: minimum.clone(), covariance, fits, agreeing, generations });
        }
    }
    Err(FirstLookError::Start)
}

/// The search's first members: points of the prior, drawn again where the model is not defined as far as there are any.
fn draws(posterior: &Posterior, seed: u64) -> Array2<f64> {
    let parameters = &posterior.layout().parameters;
    let n = recommended_population(parameters.len());
    let inside = prior_points(posterior, seed);
    let mut draws = Array2::zeros((n, parameters.len()));
    for (k, mut row) in draws.outer_iter_mut().enumerate() {
        let mut rng = random::stream(seed, STREAM | k as u64, 0);
        match inside.get(k) {
            Some(point) => row.iter_mut().zip(point).for_each(|(x, p)| *x = *p),
            None => row.iter_mut().zip(parameters).for_each(|(x, p)| *x = p.prior.draw(&mut rng)),
        }
    }
    draws
}

#[cfg(test)]
mod tests;
