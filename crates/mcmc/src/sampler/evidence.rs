//! The evidence from the temperatures: stepping stones (Xie et al. 2011, Syst. Biol. 60, 150) and thermodynamic
//! integration (Lartillot & Philippe 2006, Syst. Biol. 55, 195), with errors from how far the groups of chains differ.

use super::flow::Tuning;
use super::leg::Leg;
use serde::{Deserialize, Serialize};

/// Sums over the draws of one group at one temperature.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Sums {
    draws: u64,
    ln_like: f64,
    ln_like_square: f64,
    /// ln of the sum of exp((beta of the next colder - beta) ln likelihood).
    ln_ratio: f64,
}

/// Collects what the evidence follows from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stones {
    betas: Vec<f64>,
    /// Shape (group, temperature).
    sums: Vec<Vec<Sums>>,
}

/// An evidence with its error.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// Natural logarithm of the evidence, by stepping stones.
    pub ln_z: f64,
    /// Its standard error.
    pub error: f64,
    /// The same by thermodynamic integration.
    pub ln_z_integrated: f64,
}

impl Stones {
    /// Nothing yet, for `groups` groups at the temperatures of `tunings`.
    pub fn new(tunings: &[Tuning], groups: usize) -> Self {
        let none = Sums { draws: 0, ln_like: 0.0, ln_like_square: 0.0, ln_ratio: f64::NEG_INFINITY };
        let betas: Vec<f64> = tunings.iter().map(|t| t.beta).collect();
        let sums = vec![vec![none; betas.len()]; groups];
        Self { betas, sums }
    }

    /// Adds a round, `legs` of shape (group, temperature).
    pub fn add(&mut self, legs: &[Vec<Leg>]) {
        for (group, sums) in legs.iter().zip(&mut self.sums) {
            for (k, (leg, sum)) in group.iter().zip(sums).enumerate() {
                let step = if k == 0 { 0.0 } else { self.betas[k - 1] - self.betas[k] };
                for &l in &leg.ln_like {
                    sum.draws += 1;
                    sum.ln_like += l;
                    sum.ln_like_square += l * l;
                    sum.ln_ratio = log_add(sum.ln_ratio, step * l);
                }
            }
        }
    }

    /// The evidence; `None` before the first round.
    pub fn evidence(&self) -> Option<Evidence> {
        let all: Vec<usize> = (0..self.sums.len()).collect();
        let ln_z = self.stones(&all)?;
        // Jackknife over the groups, which do not know of one another.
        let n = all.len() as f64;
        let without: Option<Vec<f64>> = (0..all.len())
            .map(|out| self.stones(&all.iter().copied().filter(|&g| g != out).collect::<Vec<_>>()))
            .collect();
        let error = without.map_or(f64::NAN, |values| {
            let mean = values.iter().sum::<f64>() / n;
            ((n - 1.0) / n * values.iter().map(|v| (v - mean).powi(2)).sum::<f64>()).sqrt()
        });
        Some(Evidence { ln_z, error, ln_z_integrated: self.integrated()? })
    }

    /// Sum over neighbouring temperatures of ln of the mean of the ratio of their densities.
    fn stones(&self, groups: &[usize]) -> Option<f64> {
        (1..self.betas.len()).map(|k| self.stone(groups, k)).sum()
    }

    /// ln of the mean over the draws at temperature `k` of the ratio of the next colder density to theirs.
    fn stone(&self, groups: &[usize], k: usize) -> Option<f64> {
        let of = || groups.iter().map(|&g| self.sums[g][k]);
        let draws: u64 = of().map(|s| s.draws).sum();
        let ln_sum = of().map(|s| s.ln_ratio).fold(f64::NEG_INFINITY, log_add);
        (draws > 0).then(|| ln_sum - libm::log(draws as f64))
    }

    /// The integral over beta of the mean of ln likelihood, by the trapezium rule with its correction from the slopes at both
    /// ends, the variances (Friel, Hurn & Wyse 2014, Stat. Comput. 24, 709). The stretch to the prior is a stone: draws of the
    /// prior may lie so far from the data that ln likelihood has no mean there worth the name.
    fn integrated(&self) -> Option<f64> {
        let moments = |k: usize| {
            let sum = |part: fn(&Sums) -> f64| self.sums.iter().map(|g| part(&g[k])).sum::<f64>();
            let n = sum(|s| s.draws as f64);
            let mean = sum(|s| s.ln_like) / n;
            (mean, (sum(|s| s.ln_like_square) / n - mean * mean).max(0.0))
        };
        let all: Vec<usize> = (0..self.sums.len()).collect();
        let one = |k: usize| {
            if self.betas[k] <= 0.0 {
                return self.stone(&all, k);
            }
            let (step, colder, hotter) = (self.betas[k - 1] - self.betas[k], moments(k - 1), moments(k));
            Some(0.5 * step * (colder.0 + hotter.0) + step * step / 12.0 * (hotter.1 - colder.1))
        };
        (1..self.betas.len()).map(one).sum()
    }
}

/// ln(e^a + e^b).
pub(super) fn log_add(a: f64, b: f64) -> f64 {
    let (low, high) = if a < b { (a, b) } else { (b, a) };
    if high == f64::NEG_INFINITY { high } else { high + libm::log1p(libm::exp(low - high)) }
}
