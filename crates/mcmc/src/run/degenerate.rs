//! Pairs of species that the data do not tell apart.

use super::detection::{DETECTED, Detection, Leaving};
use super::products::Material;
use crate::report::csv_field;
use mirinae_common::atomic;
use ndarray::Axis;
use std::io::Write as _;
use std::path::Path;

/// Column densities (log10) that are correlated by more than this cannot be told apart.
const CORRELATED: f64 = 0.9;
/// Without both, ln likelihood falls by this factor more than without the one and without the other: each stands in for the other.
const STANDS_IN: f64 = 2.0;

/// Two species that cannot be told apart.
pub(super) struct Pair {
    /// Index of one of them.
    pub(super) first: usize,
    /// Index of the other.
    pub(super) second: usize,
    /// Correlation of their log10 N over the draws.
    correlation: f64,
    /// Significance of the pair, where neither is detected alone.
    together: Option<f64>,
}

impl Pair {
    /// Whether one of the two is there, and none knows which.
    pub(super) fn is_there(&self) -> bool {
        self.together.is_some()
    }

    /// A sentence on the pair.
    pub(super) fn text(&self, species: &[Detection]) -> String {
        let (a, b) = (&species[self.first], &species[self.second]);
        let (of_a, of_b, r) = (&a.species, &b.species, self.correlation);
        self.together.map_or_else(
            || format!("{of_a} and {of_b} are degenerate: their column densities (log10) are correlated by {r:.2}"),
            |sigma| {
                format!(
                    "{of_a} and {of_b} are degenerate: neither is detected alone ({:.1} and {:.1} sigma), the two together are \
                     ({sigma:.1} sigma): either explains the lines",
                    a.sigma, b.sigma
                )
            },
        )
    }
}

/// All pairs whose column densities are strongly correlated, or that are detected together and not alone.
pub(super) fn find(material: &Material, leaving: &Leaving, species: &[Detection]) -> Vec<Pair> {
    let samples = material.samples();
    let column = |k: usize| samples.index_axis(Axis(2), species[k].parameter).into_iter().copied();
    let mut pairs = Vec::new();
    for second in 0..species.len() {
        for first in 0..second {
            let correlation = correlation(column(first), column(second));
            let both = [species[first].parameter, species[second].parameter];
            let alone = [first, second].iter().any(|&k| species[k].sigma >= DETECTED);
            // A fit cannot but make the fall smaller: where that is too small already, none is made.
            let worth_a_fit = !alone && leaving.most(&both) >= DETECTED * DETECTED;
            let apart = species[first].twice_ln_ratio.max(0.0) + species[second].twice_ln_ratio.max(0.0);
            let together = worth_a_fit
                .then(|| leaving.fit(&both))
                .filter(|w| w.sigma >= DETECTED && w.twice_ln_ratio > STANDS_IN * apart)
                .map(|w| w.sigma);
            if together.is_some() || correlation.abs() > CORRELATED {
                pairs.push(Pair { first, second, correlation, together });
            }
        }
    }
    pairs
}

/// Writes degenerate.csv.
pub(super) fn write(path: &Path, pairs: &[Pair], species: &[Detection]) -> anyhow::Result<()> {
    Ok(atomic::write(path, |file| {
        writeln!(file, "species_1,species_2,correlation_of_logn,sigma_1,sigma_2,sigma_together")?;
        pairs.iter().try_for_each(|p| {
            let (a, b) = (&species[p.first], &species[p.second]);
            let together = p.together.map_or_else(String::new, |s| s.to_string());
            let (of_a, of_b) = (csv_field(&a.species), csv_field(&b.species));
            writeln!(file, "{of_a},{of_b},{},{},{},{together}", p.correlation, a.sigma, b.sigma)
        })
    })?)
}

fn correlation(x: impl Iterator<Item = f64> + Clone, y: impl Iterator<Item = f64> + Clone) -> f64 {
    let n = x.clone().count() as f64;
    let (mean_x, mean_y) = (x.clone().sum::<f64>() / n, y.clone().sum::<f64>() / n);
    let product: f64 = x.clone().zip(y.clone()).map(|(a, b)| (a - mean_x) * (b - mean_y)).sum();
    let (square_x, square_y): (f64, f64) =
        (x.map(|a| (a - mean_x).powi(2)).sum(), y.map(|b| (b - mean_y).powi(2)).sum());
    product / (square_x * square_y).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn correlations_have_their_sign_and_size() {
        let x = [1.0, 2.0, 3.0, 4.0];
        let of = |y: [f64; 4]| correlation(x.into_iter(), y.into_iter());
        assert!((of([2.0, 4.0, 6.0, 8.0]) - 1.0).abs() < 1e-12);
        assert!((of([4.0, 3.0, 2.0, 1.0]) + 1.0).abs() < 1e-12);
        assert!(of([1.0, -1.0, -1.0, 1.0]).abs() < 1e-12);
    }
}
