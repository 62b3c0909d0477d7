//! Temperatures of parallel tempering: the first ladder, where its chains start, how they exchange places.
//!
//! Geyer (1991) and Earl & Deem (2005, Phys. Chem. Chem. Phys. 7, 3910). The rung k samples likelihood^beta_k times prior, from
//! the posterior (beta 1) down to the prior (beta 0).

use super::Likelihood;
use super::flow::{Place, Tuning};
use super::linear::Matrix;
use super::modes::{Mode, climb_start};
use super::spacing::MOST;
use super::streams::{Purpose, stream};
use super::warmup::first_step;
use rand::{Rng, RngExt};
use rand_distr::StandardNormal;
use serde::{Deserialize, Serialize};

/// Steps of ln beta, in units of sqrt(2/dim): a normal posterior then exchanges two times in five.
const SPACING: f64 = 1.0;

/// First inverse temperatures for `dim` parameters where ln likelihood falls by `range` from the peak to the prior: geometric
/// from 1 until the likelihood hardly counts, and the prior itself.
pub fn ladder(dim: usize, range: f64) -> Vec<f64> {
    let lowest = 1.0 / range.max(2.0);
    let rungs = (-libm::log(lowest) / (SPACING * (2.0 / dim as f64).sqrt())).ceil() as usize;
    let rungs = rungs.clamp(3, MOST - 1);
    let mut betas: Vec<f64> =
        (0..=rungs).map(|k| libm::exp(libm::log(lowest) * k as f64 / rungs as f64)).collect();
    betas[0] = 1.0;
    betas.push(0.0);
    betas
}

/// How far ln likelihood falls from its `peak` to a typical draw of the prior.
pub fn range(seed: u64, dim: usize, peak: f64, likelihood: &mut impl Likelihood) -> f64 {
    let mut of_prior: Vec<f64> =
        (0..33).map(|k| Place::at(&climb_start(seed, k, dim), likelihood).ln_like).collect();
    of_prior.sort_by(f64::total_cmp);
    let range = peak - of_prior[of_prior.len() / 2];
    if range.is_finite() { range } else { peak.abs() }
}

/// First tunings: the normal distribution that fits a peak, tempered.
pub fn tunings(mode: &Mode, betas: &[f64]) -> Vec<Tuning> {
    let step = first_step(mode.place.z.len());
    betas.iter().map(|&beta| Tuning { beta, step, factor: tempered(mode, beta).1 }).collect()
}

/// Mean and factor of the covariance of a normal peak whose likelihood has the power `beta`: the precision is
/// beta (P - 1) + 1, with P that of the posterior.
fn tempered(mode: &Mode, beta: f64) -> (Vec<f64>, Matrix) {
    let dim = mode.place.z.len();
    let covariance = mode.factor.product(&mode.factor.transposed()).symmetric();
    let (values, vectors) = covariance.eigen();
    let mut along = vec![0.0; dim];
    vectors.transpose_times(&mode.place.z, &mut along);
    let mut factor = vectors.clone();
    for (k, c) in values.into_iter().enumerate() {
        let variance = 1.0 / (beta * (1.0 / c - 1.0).max(0.0) + 1.0);
        along[k] *= beta * variance / c;
        (0..dim).for_each(|i| *factor.at_mut(i, k) *= variance.sqrt());
    }
    let mut mean = vec![0.0; dim];
    vectors.times(&along, &mut mean);
    (mean, factor)
}

/// Starts of one group: at each temperature a draw from the tempered normal distribution of a peak.
pub fn starts(
    seed: u64,
    group: usize,
    mode: &Mode,
    betas: &[f64],
    likelihood: &mut impl Likelihood,
) -> Vec<Place> {
    let dim = mode.place.z.len();
    let one = |(rung, &beta): (usize, &f64)| {
        let (mean, factor) = tempered(mode, beta);
        let mut rng = stream(seed, Purpose::Start, group * MOST + rung, 1);
        let white: Vec<f64> = (0..dim).map(|_| rng.sample(StandardNormal)).collect();
        let mut offset = vec![0.0; dim];
        factor.times(&white, &mut offset);
        let mut scale = 1.0;
        for _ in 0..10 {
            let z: Vec<f64> = mean.iter().zip(&offset).map(|(m, o)| m + scale * o).collect();
            let place = Place::at(&z, likelihood);
            if place.ln_like.is_finite() {
                return place;
            }
            scale *= 0.5;
        }
        mode.place.clone()
    };
    betas.iter().enumerate().map(one).collect()
}

/// How often two neighbouring temperatures tried to exchange, and did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Swaps {
    /// Attempts.
    pub tried: u64,
    /// Exchanges.
    pub done: u64,
}

/// What goes on between the temperatures of one group of chains.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Traffic {
    /// Exchanges of each temperature with the next hotter one.
    pub swaps: Vec<Swaps>,
    /// Whether the place at each temperature has been at the prior since it was last at the posterior.
    from_prior: Vec<bool>,
    /// Places that have come from the prior to the posterior.
    pub arrivals: u64,
}

impl Traffic {
    /// None yet, between `rungs` temperatures.
    pub fn new(rungs: usize) -> Self {
        let swaps = vec![Swaps::default(); rungs.saturating_sub(1)];
        Self { swaps, from_prior: vec![false; rungs], arrivals: 0 }
    }

    /// Lets neighbours exchange places, even and odd pairs in turn, as many times as there are temperatures. So a place goes on in
    /// its direction as long as it is accepted, and gets from end to end in a time that grows with the number of temperatures,
    /// not its square (Syed et al. 2022). Exchanges cost no likelihood: a place goes at once as far as its likelihood lets it.
    pub fn exchange(&mut self, key: (u64, usize, u64), tunings: &[Tuning], places: &mut [Place]) {
        let (seed, group, transitions) = key;
        let mut rng = stream(seed, Purpose::Swap, group, transitions);
        for pass in 0..tunings.len() {
            self.pass(pass % 2, &mut rng, tunings, places);
        }
    }

    /// One exchange of the pairs of even (0) or odd (1) temperatures with the next.
    fn pass(&mut self, first: usize, rng: &mut impl Rng, tunings: &[Tuning], places: &mut [Place]) {
        for k in (first..self.swaps.len()).step_by(2) {
            let ln_odds =
                (tunings[k].beta - tunings[k + 1].beta) * (places[k + 1].ln_like - places[k].ln_like);
            let u: f64 = rng.random();
            self.swaps[k].tried += 1;
            if u < libm::exp(ln_odds.min(0.0)) {
                places.swap(k, k + 1);
                self.from_prior.swap(k, k + 1);
                self.swaps[k].done += 1;
            }
        }
        if let [posterior, .., prior] = &mut self.from_prior[..] {
            self.arrivals += u64::from(*posterior);
            (*posterior, *prior) = (false, true);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ladders_go_from_the_posterior_to_the_prior() {
        let betas = ladder(8, 1e4);
        assert!(betas[0] == 1.0 && betas[betas.len() - 1] == 0.0 && betas.windows(2).all(|w| w[0] > w[1]));
    }
}
