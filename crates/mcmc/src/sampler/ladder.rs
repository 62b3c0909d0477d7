//! Temperatures of parallel tempering: where they lie, where their chains start, how they exchange places.
//!
//! Geyer (1991) and Earl & Deem (2005, Phys. Chem. Chem. Phys. 7, 3910). The rung k samples likelihood^beta_k times prior, from
//! the posterior (beta 1) down to the prior (beta 0).

use super::Likelihood;
use super::flow::{Place, Tuning};
use super::leg::Leg;
use super::linear::Matrix;
use super::modes::Mode;
use super::streams::{Purpose, stream};
use super::warmup::first_step;
use rand::RngExt;
use rand_distr::StandardNormal;
use serde::{Deserialize, Serialize};

/// Steps of ln beta, in units of sqrt(2/dim): a normal posterior then exchanges two times in five.
const SPACING: f64 = 1.0;
/// Temperatures at most.
const MOST: usize = 64;

/// Inverse temperatures for `dim` parameters where ln likelihood falls by `range` from the peak to the prior: geometric
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

/// Places the inner temperatures anew, so that all neighbours lie at the same thermodynamic distance, the integral of the
/// standard deviation of ln likelihood over beta (`sds`, one a rung): then all exchange about as often.
pub(super) fn respace(betas: &[f64], sds: &[f64]) -> Vec<f64> {
    // The distance grows about linearly in ln beta, where sd goes as 1/beta.
    let mut lengths = vec![0.0];
    for k in 1..betas.len() {
        let step = (betas[k - 1] - betas[k]) * 0.5 * (sds[k - 1] + sds[k]);
        lengths.push(lengths[k - 1] + step.max(1e-9));
    }
    let total = lengths[betas.len() - 1];
    let mut result = betas.to_vec();
    for (j, beta) in result.iter_mut().enumerate().take(betas.len() - 1).skip(1) {
        let aim = total * j as f64 / (betas.len() - 1) as f64;
        let k = lengths.iter().rposition(|&l| l <= aim).unwrap_or(0).min(betas.len() - 2);
        let share = (aim - lengths[k]) / (lengths[k + 1] - lengths[k]);
        *beta = if betas[k + 1] > 0.0 {
            libm::exp(libm::log(betas[k]) + share * (libm::log(betas[k + 1]) - libm::log(betas[k])))
        } else {
            betas[k] * (1.0 - share)
        };
    }
    result
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

/// Lets neighbours exchange places, all even pairs or all odd ones; counts in `swaps`.
pub(super) fn exchange(
    (seed, group, transitions): (u64, usize, u64),
    tunings: &[Tuning],
    places: &mut [Place],
    swaps: &mut [Swaps],
) {
    let mut rng = stream(seed, Purpose::Swap, group, transitions);
    let first = usize::from(rng.random::<bool>());
    for k in (first..tunings.len().saturating_sub(1)).step_by(2) {
        let ln_odds = (tunings[k].beta - tunings[k + 1].beta) * (places[k + 1].ln_like - places[k].ln_like);
        let u: f64 = rng.random();
        swaps[k].tried += 1;
        if u < libm::exp(ln_odds.min(0.0)) {
            places.swap(k, k + 1);
            swaps[k].done += 1;
        }
    }
}

/// Standard deviation of ln likelihood at every temperature, over all groups.
pub(super) fn sds(legs: &[Vec<Leg>], rungs: usize) -> Vec<f64> {
    (0..rungs)
        .map(|rung| {
            let all: Vec<f64> = legs.iter().flat_map(|group| group[rung].ln_like.iter().copied()).collect();
            let mean = all.iter().sum::<f64>() / all.len() as f64;
            (all.iter().map(|l| (l - mean).powi(2)).sum::<f64>() / all.len() as f64).sqrt()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ladders_go_from_the_posterior_to_the_prior() {
        let betas = ladder(8, 1e4);
        assert!(betas[0] == 1.0 && betas[betas.len() - 1] == 0.0 && betas.windows(2).all(|w| w[0] > w[1]));
        // A normal likelihood: sd of ln likelihood sqrt(dim/2)/beta; the geometric ladder is kept.
        let sds: Vec<f64> = betas.iter().map(|b| 2.0 / b.max(1e-4)).collect();
        let again = respace(&betas, &sds);
        assert!(again.windows(2).all(|w| w[0] > w[1]), "{again:?}");
        assert!((again[5] / betas[5]).ln().abs() < 0.5, "{again:?} {betas:?}");
    }
}
