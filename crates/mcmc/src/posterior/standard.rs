//! The free parameters as standard normal variables: z such that the prior of z is normal, whatever the prior.
//!
//! x = F^-1(Phi(z)), with the prior's cumulative distribution F. A flat prior becomes a normal one, without edges, so that
//! gradient samplers never meet one; a posterior much narrower than the prior keeps its shape.

use super::{Posterior, Prior, Work};
use crate::normal::{normal_below, normal_density, normal_quantile};
use crate::sampler::Likelihood;
use libm::{exp, log};

/// Beyond this the normal distribution's tail does not move x any more.
const FARTHEST: f64 = 8.0;

impl Prior {
    /// x and dx/dz at z.
    pub fn from_standard(self, z: f64) -> (f64, f64) {
        match self {
            Self::Uniform { low, high } => {
                let width = high - low;
                // From the nearer end: exact there.
                let x = if z < 0.0 { low + width * normal_below(z) } else { high - width * normal_below(-z) };
                (x.clamp(low, high), width * normal_density(z))
            }
            Self::LogUniform { low, high } => {
                let (ln_x, slope) = Self::Uniform { low: log(low), high: log(high) }.from_standard(z);
                let x = exp(ln_x);
                (x.clamp(low, high), x * slope)
            }
            Self::Normal { mean, sd, .. } => {
                let Some((below, above)) = self.cut() else { return (mean + sd * z, sd) };
                let left = 1.0 - below - above;
                let u = if z < 0.0 {
                    normal_quantile(below + left * normal_below(z))
                } else {
                    -normal_quantile(above + left * normal_below(-z))
                };
                let (low, high) = self.limits();
                ((mean + sd * u).clamp(low, high), sd * left * normal_density(z) / normal_density(u))
            }
        }
    }

    /// z at x; within 8 standard deviations.
    pub fn to_standard(self, x: f64) -> f64 {
        let z = match self {
            Self::Uniform { low, high } => between(x - low, high - x),
            Self::LogUniform { low, high } => between(log(x / low), log(high / x)),
            Self::Normal { mean, sd, .. } => {
                let u = (x - mean) / sd;
                match self.cut() {
                    None => u,
                    Some((below, above)) => between(normal_below(u) - below, normal_below(-u) - above),
                }
            }
        };
        z.clamp(-FARTHEST, FARTHEST)
    }

    /// What the limits of a normal prior cut off below and above; `None` where it is next to nothing.
    fn cut(self) -> Option<(f64, f64)> {
        let Self::Normal { mean, sd, low, high } = self else { return None };
        let (below, above) = ((low - mean) / sd, (high - mean) / sd);
        let whole = below <= -0.999 * FARTHEST && above >= 0.999 * FARTHEST;
        (!whole).then(|| (normal_below(below), normal_below(-above)))
    }
}

/// The normal quantile of the share that `below` has of `below + above`.
fn between(below: f64, above: f64) -> f64 {
    let (below, above) = (below.max(0.0), above.max(0.0));
    // At a limit itself the quantile would not be a number.
    if below == 0.0 {
        return -FARTHEST;
    }
    if above == 0.0 {
        return FARTHEST;
    }
    let sum = below + above;
    if below < above { normal_quantile(below / sum) } else { -normal_quantile(above / sum) }
}

/// A posterior over z, with its work space.
pub struct Standard<'a> {
    posterior: &'a Posterior,
    work: Work,
    theta: Vec<f64>,
    dx_dz: Vec<f64>,
}

impl<'a> Standard<'a> {
    /// For one thread.
    pub fn new(posterior: &'a Posterior) -> Self {
        Self::without(posterior, &[])
    }

    /// Of a model without some species (by index): their own parameters then follow their priors.
    pub fn without(posterior: &'a Posterior, absent: &[usize]) -> Self {
        let dim = posterior.layout().parameters.len();
        let work = posterior.work_without(absent);
        Self { posterior, work, theta: vec![0.0; dim], dx_dz: vec![0.0; dim] }
    }

    /// The free parameters at `z`.
    pub fn theta(&self, z: &[f64]) -> Vec<f64> {
        let parameters = &self.posterior.layout().parameters;
        parameters.iter().zip(z).map(|(p, &z)| p.prior.from_standard(z).0).collect()
    }

    /// z at the free parameters.
    pub fn z(&self, theta: &[f64]) -> Vec<f64> {
        let parameters = &self.posterior.layout().parameters;
        parameters.iter().zip(theta).map(|(p, &x)| p.prior.to_standard(x)).collect()
    }
}

impl Likelihood for Standard<'_> {
    fn dim(&self) -> usize {
        self.theta.len()
    }

    fn ln_likelihood(&mut self, z: &[f64], gradient: &mut [f64]) -> f64 {
        let layout = self.posterior.layout();
        let parameters = &layout.parameters;
        for (((x, slope), p), &z) in self.theta.iter_mut().zip(&mut self.dx_dz).zip(parameters).zip(z) {
            (*x, *slope) = p.prior.from_standard(z);
        }
        let ln_density = self.posterior.ln_density_and_gradient(&self.theta, &mut self.work, gradient);
        if ln_density == f64::NEG_INFINITY {
            return ln_density;
        }
        for (((g, &x), &slope), p) in gradient.iter_mut().zip(&self.theta).zip(&self.dx_dz).zip(parameters) {
            *g = (*g - p.prior.slope_of_ln_density(x)) * slope;
        }
        ln_density - layout.ln_prior(&self.theta)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn priors() -> Vec<Prior> {
        let inf = f64::INFINITY;
        vec![
            Prior::Uniform { low: -3.0, high: 7.0 },
            Prior::LogUniform { low: 0.01, high: 50.0 },
            Prior::Normal { mean: 2.0, sd: 3.0, low: -22.0, high: 26.0 },
            Prior::Normal { mean: 2.0, sd: 3.0, low: 0.0, high: inf },
            Prior::Normal { mean: 2.0, sd: 3.0, low: 1.0, high: 4.0 },
        ]
    }

    #[test]
    fn there_and_back() {
        for prior in priors() {
            for z in [-4.0, -1.3, 0.0, 0.2, 2.5, 4.5] {
                let (x, slope) = prior.from_standard(z);
                assert!((prior.to_standard(x) - z).abs() < 1e-6, "{prior:?} {z}: {x}");
                let h = 1e-5;
                let numeric = (prior.from_standard(z + h).0 - prior.from_standard(z - h).0) / (2.0 * h);
                assert!((slope / numeric - 1.0).abs() < 1e-5, "{prior:?} {z}: {slope} {numeric}");
            }
        }
    }

    #[test]
    fn the_prior_becomes_standard_normal() {
        for prior in priors() {
            for z in [-3.0, -0.5, 0.0, 1.0, 2.9] {
                let (x, slope) = prior.from_standard(z);
                let density = exp(prior.ln_density(x)) * slope;
                assert!((density / normal_density(z) - 1.0).abs() < 1e-6, "{prior:?} {z}");
            }
        }
    }

    #[test]
    fn far_out_stays_within_the_limits() {
        for prior in priors() {
            let (low, high) = prior.limits();
            assert_eq!(prior.to_standard(low), -8.0, "{prior:?}");
            for z in [-8.0, 8.0] {
                let (x, slope) = prior.from_standard(z);
                assert!((low..=high).contains(&x) && slope >= 0.0 && slope.is_finite(), "{prior:?} {z} {x}");
            }
        }
    }
}
