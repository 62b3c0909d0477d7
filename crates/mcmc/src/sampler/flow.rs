//! Hamiltonian motion in whitened space.
//!
//! Positions are z = z0 + L y with the factor L of a covariance (L L' is near that of the posterior), momenta belong to
//! y and have unit mass: the same as a mass matrix (L L')^-1 in z (Neal 2011, Handbook of MCMC, chapter 5, section 4.1),
//! with dot products of momenta where the general form needs the matrix.

use super::Likelihood;
use super::linear::Matrix;
use rand::{Rng, RngExt};
use rand_distr::StandardNormal;
use serde::{Deserialize, Serialize};

/// What a chain at one temperature has learned in its warm-up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tuning {
    /// Inverse temperature: the power of the likelihood, 1 for the posterior, 0 for the prior.
    pub beta: f64,
    /// Step of the leapfrog in whitened space.
    pub step: f64,
    /// The factor L.
    pub factor: Matrix,
}

/// How a step along a trajectory is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Scheme {
    /// One gradient a step: half a kick, a drift, half a kick.
    Leapfrog,
    /// Two gradients a step, five parts: Blanes, Casas & Sanz-Serna (2014, SIAM J. Sci. Comput. 36, A1556). In a normal
    /// distribution the error of the energy at step 2 is 1/100 of that of two leapfrogs of step 1.
    TwoStage,
}

impl Scheme {
    /// Gradients of one step.
    pub fn gradients(self) -> u32 {
        match self {
            Self::Leapfrog => 1,
            Self::TwoStage => 2,
        }
    }
}

/// First and last kick of the two-stage scheme: the share with the least error of the energy over steps up to 2.
const OUTER_KICK: f64 = 0.2118;

/// Where a chain stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Place {
    /// Parameters (prior: standard normal).
    pub z: Vec<f64>,
    /// Derivatives of ln likelihood.
    pub gradient: Vec<f64>,
    /// ln likelihood.
    pub ln_like: f64,
}

impl Place {
    /// Evaluates the likelihood at `z`.
    pub fn at(z: &[f64], likelihood: &mut impl Likelihood) -> Self {
        let mut gradient = vec![0.0; z.len()];
        let ln_like = likelihood.ln_likelihood(z, &mut gradient);
        Self { z: z.to_vec(), gradient, ln_like }
    }

    /// A place to be overwritten.
    pub(super) fn empty(dim: usize) -> Self {
        Self { z: vec![0.0; dim], gradient: vec![0.0; dim], ln_like: f64::NEG_INFINITY }
    }

    /// Logarithm of likelihood^beta times prior, without the prior's constant.
    pub fn ln_density(&self, beta: f64) -> f64 {
        // At beta 0 the likelihood does not count, even where it is zero.
        let tempered = if beta == 0.0 { 0.0 } else { beta * self.ln_like };
        tempered - 0.5 * square(&self.z)
    }

    pub(super) fn copy_from(&mut self, other: &Self) {
        self.z.copy_from_slice(&other.z);
        self.gradient.copy_from_slice(&other.gradient);
        self.ln_like = other.ln_like;
    }
}

/// A place with a momentum.
#[derive(Debug, Clone)]
pub(super) struct Phase {
    pub place: Place,
    pub momentum: Vec<f64>,
    /// Derivatives of the tempered density by y.
    pub force: Vec<f64>,
}

impl Phase {
    pub fn new(dim: usize) -> Self {
        Self { place: Place::empty(dim), momentum: vec![0.0; dim], force: vec![0.0; dim] }
    }

    pub fn copy_from(&mut self, other: &Self) {
        self.place.copy_from(&other.place);
        self.momentum.copy_from_slice(&other.momentum);
        self.force.copy_from_slice(&other.force);
    }
}

/// The motion: a likelihood, a tuning, and scratch.
pub(super) struct Flow<'a, L> {
    pub likelihood: &'a mut L,
    pub tuning: &'a Tuning,
    pub scheme: Scheme,
    scratch: Vec<f64>,
}

impl<'a, L: Likelihood> Flow<'a, L> {
    pub fn new(likelihood: &'a mut L, tuning: &'a Tuning, scheme: Scheme) -> Self {
        let scratch = vec![0.0; likelihood.dim()];
        Self { likelihood, tuning, scheme, scratch }
    }

    /// Puts `phase` at `place` with a random momentum.
    pub fn launch(&mut self, place: &Place, rng: &mut impl Rng, phase: &mut Phase) {
        phase.place.copy_from(place);
        phase.momentum.iter_mut().for_each(|p| *p = rng.sample(StandardNormal));
        self.feel(phase);
    }

    /// The Hamiltonian; infinite where the likelihood is zero.
    pub fn energy(&self, phase: &Phase) -> f64 {
        0.5 * square(&phase.momentum) - phase.place.ln_density(self.tuning.beta)
    }

    /// One step of the scheme; `step` may be negative. Returns whether the new place can be evaluated.
    pub fn advance(&mut self, phase: &mut Phase, step: f64) -> bool {
        match self.scheme {
            Scheme::Leapfrog => {
                kick(phase, 0.5 * step);
                if !self.drift(phase, step) {
                    return false;
                }
                kick(phase, 0.5 * step);
            }
            Scheme::TwoStage => {
                kick(phase, OUTER_KICK * step);
                if !self.drift(phase, 0.5 * step) {
                    return false;
                }
                kick(phase, (1.0 - 2.0 * OUTER_KICK) * step);
                if !self.drift(phase, 0.5 * step) {
                    return false;
                }
                kick(phase, OUTER_KICK * step);
            }
        }
        true
    }

    fn drift(&mut self, phase: &mut Phase, time: f64) -> bool {
        self.tuning.factor.times(&phase.momentum, &mut self.scratch);
        phase.place.z.iter_mut().zip(&self.scratch).for_each(|(z, v)| *z += time * v);
        let Place { z, gradient, ln_like } = &mut phase.place;
        *ln_like = self.likelihood.ln_likelihood(z, gradient);
        let inside = ln_like.is_finite();
        if inside {
            self.feel(phase);
        }
        inside
    }

    /// force = L' (beta grad ln likelihood - z).
    fn feel(&mut self, phase: &mut Phase) {
        let Place { z, gradient, .. } = &phase.place;
        for ((s, &g), &z) in self.scratch.iter_mut().zip(gradient).zip(z) {
            *s = self.tuning.beta * g - z;
        }
        self.tuning.factor.transpose_times(&self.scratch, &mut phase.force);
    }
}

fn kick(phase: &mut Phase, step: f64) {
    phase.momentum.iter_mut().zip(&phase.force).for_each(|(p, f)| *p += step * f);
}

/// Sum of squares.
pub(super) fn square(x: &[f64]) -> f64 {
    x.iter().map(|v| v * v).sum()
}

/// Dot product.
pub(super) fn dot(x: &[f64], y: &[f64]) -> f64 {
    x.iter().zip(y).map(|(a, b)| a * b).sum()
}
