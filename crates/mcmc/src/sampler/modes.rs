//! The peaks that climbs from many places have found: duplicates merged, the best first.

use super::Likelihood;
use super::climb::Climb;
use super::flow::{Place, square};
use super::laplace::laplace;
use super::linear::Matrix;
use super::streams::{Purpose, stream};
use rand::RngExt;
use rand_distr::StandardNormal;
use serde::{Deserialize, Serialize};

/// Peaks that hold less than this of the posterior's mass, by its logarithm, are left out.
const NEGLIGIBLE: f64 = -12.0;
/// Climbs that end within this many standard deviations have found the same peak.
const SAME: f64 = 1.0;

/// A peak of the posterior.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Mode {
    /// Its place.
    pub place: Place,
    /// ln density: likelihood times the standard normal prior, without the prior's constant.
    pub ln_density: f64,
    /// Factor of the covariance around it.
    pub factor: Matrix,
    /// Logarithm of the mass that a normal distribution of this height and covariance has: the evidence, if this were the
    /// only peak.
    pub ln_mass: f64,
    /// Climbs that ended here.
    pub hits: usize,
}

/// Where `index` starts its climb: a draw of the prior.
pub fn climb_start(seed: u64, index: usize, dim: usize) -> Vec<f64> {
    let mut rng = stream(seed, Purpose::Climb, index, 0);
    (0..dim).map(|_| rng.sample(StandardNormal)).collect()
}

/// The mode's number that item `index` of `total` starts at, so that each mode gets its share.
fn assigned(shares: &[f64], index: usize, total: usize) -> usize {
    let mut left = (index as f64 + 0.5) / total as f64;
    let found = shares.iter().position(|share| {
        left -= share;
        left < 0.0
    });
    found.unwrap_or(0)
}

/// The mode at which group `index` of `total` starts.
pub fn mode_of(modes: &[Mode], index: usize, total: usize) -> &Mode {
    &modes[assigned(&shares(modes), index, total)]
}

/// Merges climbs that ended at the same peak; peaks without weight are left out. Also returns the gradients computed.
pub fn merge(climbs: &[Climb], likelihood: &mut impl Likelihood) -> (Vec<Mode>, u64) {
    let mut ends: Vec<&Climb> = climbs.iter().filter(|c| c.ln_density.is_finite()).collect();
    ends.sort_by(|a, b| b.ln_density.total_cmp(&a.ln_density));
    let mut modes: Vec<Mode> = Vec::new();
    let mut gradients = 0;
    for end in ends {
        if let Some(mode) = modes.iter_mut().find(|m| m.holds(&end.place.z)) {
            mode.hits += 1;
            continue;
        }
        // Not worth the gradients where even the widest peak would have no mass.
        let best = modes.first().map_or(f64::NEG_INFINITY, |m| m.ln_mass);
        if !end.converged && !modes.is_empty() || end.ln_density < best + NEGLIGIBLE {
            continue;
        }
        let fit = laplace(likelihood, &end.place);
        gradients += u64::from(fit.gradients);
        let ln_mass = end.ln_density - 0.5 * fit.ln_det;
        let (place, ln_density) = (end.place.clone(), end.ln_density);
        modes.push(Mode { place, ln_density, factor: fit.factor, ln_mass, hits: 1 });
    }
    modes.sort_by(|a, b| b.ln_mass.total_cmp(&a.ln_mass));
    if let Some(best) = modes.first().map(|m| m.ln_mass) {
        modes.retain(|m| m.ln_mass > best + NEGLIGIBLE);
    }
    (modes, gradients)
}

impl Mode {
    /// Standard deviation in every parameter; 1 is the prior's.
    pub fn scales(&self) -> Vec<f64> {
        let dim = self.factor.dim();
        (0..dim).map(|i| (0..dim).map(|j| self.factor.at(i, j).powi(2)).sum::<f64>().sqrt()).collect()
    }

    /// The evidence, if the posterior were the normal distribution that fits this peak and no other: its mass, with a prior
    /// of mass 1.
    pub fn ln_evidence(&self) -> f64 {
        // The prior's constant (2 pi)^(-d/2) and the normal integral's (2 pi)^(d/2) cancel.
        self.ln_mass
    }

    /// Whether `z` lies within the same peak.
    fn holds(&self, z: &[f64]) -> bool {
        let offset: Vec<f64> = z.iter().zip(&self.place.z).map(|(a, b)| a - b).collect();
        let mut white = vec![0.0; offset.len()];
        self.factor.inverse().times(&offset, &mut white);
        square(&white) < SAME * SAME * offset.len() as f64
    }
}

/// Shares of the modes in the posterior's mass.
pub fn shares(modes: &[Mode]) -> Vec<f64> {
    let best = modes.iter().map(|m| m.ln_mass).fold(f64::NEG_INFINITY, f64::max);
    let masses: Vec<f64> = modes.iter().map(|m| libm::exp(m.ln_mass - best)).collect();
    let sum: f64 = masses.iter().sum();
    masses.into_iter().map(|m| m / sum).collect()
}

/// Places where `superchains` start, one each: drawn from the normal distributions around the modes, by their shares.
pub fn starts(seed: u64, modes: &[Mode], superchains: usize, likelihood: &mut impl Likelihood) -> Vec<Place> {
    (0..superchains).map(|s| start_near(seed, mode_of(modes, s, superchains), s, likelihood)).collect()
}

/// A draw from the normal distribution around a mode, drawn closer until the density there is one that such draws have.
fn start_near(seed: u64, mode: &Mode, superchain: usize, likelihood: &mut impl Likelihood) -> Place {
    let dim = mode.place.z.len();
    let mut rng = stream(seed, Purpose::Start, superchain, 0);
    let white: Vec<f64> = (0..dim).map(|_| rng.sample(StandardNormal)).collect();
    let mut offset = vec![0.0; dim];
    mode.factor.times(&white, &mut offset);
    let mut scale = 1.0;
    for _ in 0..20 {
        let z: Vec<f64> = mode.place.z.iter().zip(&offset).map(|(m, o)| m + scale * o).collect();
        let place = Place::at(&z, likelihood);
        if place.ln_density(1.0) > mode.ln_density - 2.0 * dim as f64 - 10.0 {
            return place;
        }
        scale *= 0.5;
    }
    mode.place.clone()
}
