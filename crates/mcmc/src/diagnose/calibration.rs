//! Whether ranks of the truth among posterior draws are uniform: simulation-based calibration.
//!
//! Talts et al. (2018, arXiv:1804.06788); the bands, within which the whole empirical distribution lies with a given
//! probability, follow from simulated uniform ranks as in Säilynoja, Bürkner & Vehtari (2022, Stat. Comput. 32, 32).

use mirinae_common::random;
use rand::RngExt;

/// Sets of uniform ranks that are simulated for the width of the bands.
const SETS: usize = 4000;

/// Lower and upper ends of the simultaneous bands, as fractions, one for each k = 1 .. bins - 1.
#[derive(Debug, Clone, PartialEq)]
pub struct Bands {
    /// Lower ends.
    pub low: Vec<f64>,
    /// Upper ends.
    pub high: Vec<f64>,
}

/// Fraction of the `ranks` (0 to bins - 1) below k, for k = 1 .. bins - 1; k/bins is expected.
pub fn ecdf(ranks: &[usize], bins: usize) -> Vec<f64> {
    (1..bins).map(|k| ranks.iter().filter(|&&r| r < k).count() as f64 / ranks.len() as f64).collect()
}

/// Bands that `n` uniform ranks in `bins` bins leave with probability `alpha`.
pub fn bands(n: usize, bins: usize, alpha: f64) -> Bands {
    let tables: Vec<Vec<f64>> = (1..bins).map(|k| binomial_below(n, k as f64 / bins as f64)).collect();
    // The smaller of the probabilities to lie as low, or as high, as x.
    let unusual = |table: &[f64], x: usize| table[x].min(1.0 - if x == 0 { 0.0 } else { table[x - 1] });
    let mut least: Vec<f64> = (0..SETS as u64)
        .map(|set| {
            let mut rng = random::stream(1, set, 0);
            let mut counts = vec![0usize; bins];
            (0..n).for_each(|_| counts[rng.random_range(0..bins)] += 1);
            let mut below = 0;
            let one = |(table, count): (&Vec<f64>, &usize)| {
                below += count;
                unusual(table, below)
            };
            tables.iter().zip(&counts).map(one).fold(1.0, f64::min)
        })
        .collect();
    least.sort_by(f64::total_cmp);
    let gamma = least[(alpha * SETS as f64) as usize];
    let ends = |table: &Vec<f64>| {
        let inside = |x: &usize| unusual(table, *x) >= gamma;
        let low = (0..=n).find(inside).unwrap_or(0);
        let high = (0..=n).rev().find(inside).unwrap_or(n);
        (low as f64 / n as f64, high as f64 / n as f64)
    };
    let (low, high) = tables.iter().map(ends).unzip();
    Bands { low, high }
}

impl Bands {
    /// Whether an empirical distribution lies within the bands everywhere.
    pub fn hold(&self, ecdf: &[f64]) -> bool {
        ecdf.iter().zip(&self.low).zip(&self.high).all(|((e, l), h)| l <= e && e <= h)
    }
}

/// P(X <= x) for x = 0 .. n of a binomial variable.
fn binomial_below(n: usize, p: f64) -> Vec<f64> {
    let ln_choose = |x: usize| {
        let ln_factorial = |m: usize| libm::lgamma(m as f64 + 1.0);
        ln_factorial(n) - ln_factorial(x) - ln_factorial(n - x)
    };
    let mut sum = 0.0;
    (0..=n)
        .map(|x| {
            sum += libm::exp(ln_choose(x) + x as f64 * libm::log(p) + (n - x) as f64 * libm::log1p(-p));
            sum.min(1.0)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uniform_ranks_hold_and_others_do_not() {
        let bands = bands(500, 100, 0.05);
        let held = (0..200)
            .filter(|&s| {
                let mut rng = random::stream(2, s, 0);
                let ranks: Vec<usize> = (0..500).map(|_| rng.random_range(0..100)).collect();
                bands.hold(&ecdf(&ranks, 100))
            })
            .count();
        assert!((181..=198).contains(&held), "{held} of 200 within 95 % bands");
        // Posteriors 1.5 times too narrow.
        let mut rng = random::stream(3, 0, 0);
        let narrow: Vec<usize> = (0..500)
            .map(|_| {
                let truth: f64 = 1.5 * rng.sample::<f64, _>(rand_distr::StandardNormal);
                (100.0 * crate::normal::normal_below(truth)).min(99.0) as usize
            })
            .collect();
        assert!(!bands.hold(&ecdf(&narrow, 100)));
    }
}
