//! How one station correlates with all the others together, each turned to the phase that it has with the rest.

use super::super::chance::{ln_chance, of_any};
use super::cross::Correlations;
use super::field::FieldOfDelays;
use num_complex::Complex64;
use std::ops::Range;

/// How often the phases of the others are turned to each other.
const TURNS: usize = 8;

/// What all pairs have at a direction, in some coherent bands.
struct Matrix {
    stations: usize,
    /// <x_a conj(x_b)>, summed; 0 where there is none.
    sum_ab: Vec<Complex64>,
    /// Its variance.
    norm_ab: Vec<f64>,
    /// Products that were summed.
    count: f64,
}

impl Matrix {
    fn new(
        all: &Correlations,
        stations: usize,
        channels: &Range<usize>,
        at: (&FieldOfDelays, [f64; 2]),
    ) -> Self {
        let mut matrix = Self {
            stations,
            sum_ab: vec![Complex64::default(); stations * stations],
            norm_ab: vec![0.0; stations * stations],
            count: 0.0,
        };
        for (pair, &(a, b)) in all.pairs.iter().enumerate() {
            let norm = all.norm(pair, channels);
            if norm > 0.0 {
                let sum = all.at(pair, channels, at.0, at.1);
                (matrix.sum_ab[a * stations + b], matrix.sum_ab[b * stations + a]) = (sum, sum.conj());
                (matrix.norm_ab[a * stations + b], matrix.norm_ab[b * stations + a]) = (norm, norm);
                matrix.count = matrix.count.max(all.count(pair, channels));
            }
        }
        matrix
    }

    fn sum(&self, a: usize, b: usize) -> Complex64 {
        self.sum_ab[a * self.stations + b]
    }

    fn norm(&self, a: usize, b: usize) -> f64 {
        self.norm_ab[a * self.stations + b]
    }

    /// Phases of the signal at some stations, from their correlations with one another.
    fn phases(&self, others: &[usize]) -> Vec<Complex64> {
        let mut phases = vec![Complex64::new(1.0, 0.0); others.len()];
        for _ in 0..TURNS {
            for j in 0..others.len() {
                let with = (0..others.len()).filter(|k| *k != j);
                let sum: Complex64 = with.map(|k| self.sum(others[j], others[k]) * phases[k]).sum();
                if sum.norm() > 0.0 {
                    phases[j] = sum / sum.norm();
                }
            }
        }
        phases
    }

    /// |sum x_m conj(y)|^2 over its variance, y being all the others turned to their phases: exponential with mean 1 if x_m is
    /// noise, whatever the others have. `None` where there is nothing.
    fn z(&self, m: usize) -> Option<f64> {
        let others: Vec<usize> = (0..self.stations).filter(|j| self.norm(m, *j) > 0.0).collect();
        let phases = self.phases(&others);
        let (mut sum, mut norm) = (Complex64::default(), 0.0);
        for (j, &a) in others.iter().enumerate() {
            sum += self.sum(m, a) * phases[j];
            norm += self.norm(m, a);
            for (k, &b) in others.iter().enumerate().filter(|(k, b)| *k > j && self.norm(a, **b) > 0.0) {
                // The others have a signal in common: y is stronger than they are one by one. Mean power of m:
                let power = (self.norm(m, a) * self.norm(m, b) / (self.norm(a, b) * self.count)).sqrt();
                norm += 2.0 * power * (phases[j].conj() * self.sum(a, b) * phases[k]).re.max(0.0);
            }
        }
        (norm > 0.0).then(|| sum.norm_sqr() / norm)
    }
}

/// Probability that noise at station `m` correlates as much with all the others together, at one of so many delays.
pub(super) fn chance(
    all: &Correlations,
    (m, stations): (usize, usize),
    (field, at): (&FieldOfDelays, [f64; 2]),
    delays: f64,
) -> f64 {
    let of = |channels: &Range<usize>| Matrix::new(all, stations, channels, (field, at)).z(m);
    let z: Vec<f64> = all.coherent.iter().filter_map(of).collect();
    if z.is_empty() { 1.0 } else { of_any(ln_chance(z.len(), z.iter().sum()), delays) }
}
