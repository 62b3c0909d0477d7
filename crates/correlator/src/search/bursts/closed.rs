//! How much all pairs of stations have of one signal, whose phases close.
//!
//! x_ab = V_ab / sqrt(N_ab), the correlations of P pairs at a direction, are of noise complex Gaussian with <|x|^2> = 1. A signal of one direction
//! turns them by phases of stations, not of pairs: u = max_phi sum_ab Re(x_ab exp(-i (phi_a - phi_b))) / sqrt(P / 2) has noise in N - 1 phases,
//! where the sum of |x_ab|^2 has it in N (N - 1) / 2. Of noise, it is the top of a stationary Gaussian field on a torus of D = N - 1 phases, that
//! exceeds u with the probability V (2 pi)^(-(D + 1) / 2) He_(D - 1)(u) exp(-u^2 / 2), V = (2 pi)^D sqrt(T / P^D) being the volume of the torus and T the
//! number of spanning trees of the pairs: the mean Euler characteristic (Adler and Taylor, Random Fields and Geometry, 2007, sections 11.7 and 12.4).
//! He_(D - 1)(u) <= u^(D - 1), so that u^2 / 2 has at most C times the tail of a gamma distribution of shape (D + 1) / 2, and the sum of M bands C^M times that of
//! a shape M times as large.

use super::super::chance::ln_chance_of_halves;
use super::cross::Correlations;
use super::field::FieldOfDelays;
use num_complex::Complex64;
use std::f64::consts::TAU;
use std::ops::Range;

/// How often the phases of stations are turned to each other.
const TURNS: usize = 8;
/// The correction for few products is this share at most.
const MOST_SKEW: f64 = 1.0 / 3.0;

/// All pairs that have data in a coherent band, at a direction.
struct Band {
    /// Stations.
    stations: Vec<usize>,
    /// x by two stations, 0 where there is none.
    x_ab: Vec<Complex64>,
    pairs: usize,
    /// Products of a pair, the fewest.
    count: f64,
}

impl Band {
    fn new(all: &Correlations, channels: &Range<usize>, at: (&FieldOfDelays, [f64; 2])) -> Self {
        let norms: Vec<f64> = (0..all.pairs.len()).map(|pair| all.norm(pair, channels)).collect();
        let used = || all.pairs.iter().zip(&norms).enumerate().filter(|(_, (_, norm))| **norm > 0.0);
        let mut stations: Vec<usize> = used().flat_map(|(_, (&(a, b), _))| [a, b]).collect();
        stations.sort_unstable();
        stations.dedup();
        let n = stations.len();
        let place = |m: usize| stations.binary_search(&m).unwrap_or(0);
        let mut x_ab = vec![Complex64::default(); n * n];
        let (mut pairs, mut count) = (0, f64::INFINITY);
        for (pair, (&(a, b), norm)) in used() {
            let x = all.at(pair, channels, at.0, at.1) / norm.sqrt();
            (x_ab[place(a) * n + place(b)], x_ab[place(b) * n + place(a)]) = (x, x.conj());
            pairs += 1;
            count = count.min(all.count(pair, channels));
        }
        Self { stations, x_ab, pairs, count }
    }

    /// Sum of what a station has with all the others, turned to their phases.
    fn sum(&self, m: usize, phases: &[Complex64]) -> Complex64 {
        let n = self.stations.len();
        self.x_ab[m * n..][..n].iter().zip(phases).map(|(x, phase)| x * phase).sum()
    }

    /// Climbs to the top of u from the phases that all stations have with one of them, each in turn.
    fn u(&self) -> f64 {
        let n = self.stations.len();
        let unit = |z: Complex64| if z.norm() > 0.0 { z / z.norm() } else { Complex64::new(1.0, 0.0) };
        let from = |first: usize| {
            let mut phases: Vec<Complex64> = (0..n).map(|m| unit(self.x_ab[m * n + first])).collect();
            for _ in 0..TURNS {
                (0..n).for_each(|m| phases[m] = unit(self.sum(m, &phases)));
            }
            (0..n).map(|m| (self.sum(m, &phases) * phases[m].conj()).re).sum::<f64>()
        };
        let top = (0..n).map(from).fold(0.0, f64::max);
        // Every pair is in that sum twice.
        0.5 * top / (0.5 * self.pairs as f64).sqrt()
    }

    /// Spanning trees: Kirchhoff's theorem.
    fn trees(&self) -> f64 {
        let n = self.stations.len();
        let joined = |a: usize, b: usize| a != b && self.x_ab[a * n + b] != Complex64::default();
        let entry = |a: usize, b: usize| {
            if a == b {
                (0..n).filter(|c| joined(a, *c)).count() as f64
            } else {
                -f64::from(u8::from(joined(a, b)))
            }
        };
        let reduced = (1..n).flat_map(|a| (1..n).map(move |b| (a, b))).map(|(a, b)| entry(a, b)).collect();
        determinant(reduced, n.saturating_sub(1))
    }

    /// Triangles of pairs.
    fn triangles(&self) -> f64 {
        let n = self.stations.len();
        let joined = |a: usize, b: usize| self.x_ab[a * n + b] != Complex64::default();
        let third = |a: usize, b: usize| (b + 1..n).filter(|c| joined(a, *c) && joined(b, *c)).count();
        let of = |a: usize| (a + 1..n).filter(|b| joined(a, *b)).map(|b| third(a, b)).sum::<usize>();
        (0..n).map(of).sum::<usize>() as f64
    }

    /// u^2 / 2, less what noise of few products has more: <x_ab x_bc x_ca> = 1 / sqrt(n) gives u a third cumulant, and the logarithm of its tail
    /// the sixth part of that times u^3 (saddle point).
    fn half_square(&self) -> f64 {
        let u = self.u();
        let third = 1.5 * self.triangles() / (0.5 * self.pairs as f64).powf(1.5) / self.count.max(1.0).sqrt();
        0.5 * u * u * (1.0 - (third * u / 3.0).min(MOST_SKEW))
    }
}

/// Of a symmetric matrix without negative eigenvalues.
fn determinant(mut matrix: Vec<f64>, n: usize) -> f64 {
    let mut product = 1.0;
    for k in 0..n {
        let pivot = matrix[k * n + k];
        if pivot <= 1e-9 {
            return 0.0;
        }
        product *= pivot;
        for row in k + 1..n {
            let by = matrix[row * n + k] / pivot;
            (k..n).for_each(|c| matrix[row * n + c] -= by * matrix[k * n + c]);
        }
    }
    product
}

/// Sum of u^2 / 2 over the coherent bands at a direction, corrected for few products.
pub(super) fn half_squares(all: &Correlations, field: &FieldOfDelays, at: [f64; 2]) -> f64 {
    all.coherent.iter().map(|channels| Band::new(all, channels, (field, at)).half_square()).sum()
}

/// What all coherent bands have at a direction, and how rare it is.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Closed {
    /// Stations.
    stations: usize,
    /// Twice the shape of the gamma distribution that the sum has; 0 where pairs do not join all stations.
    halves: usize,
    /// Natural logarithm of what its tail is to be multiplied by.
    ln_more: f64,
    half_square: f64,
}

impl Closed {
    pub fn new(all: &Correlations, field: &FieldOfDelays, at: [f64; 2]) -> Self {
        let mut found = Self { stations: 0, halves: 0, ln_more: 0.0, half_square: 0.0 };
        for channels in &all.coherent {
            let band = Band::new(all, channels, (field, at));
            if band.pairs == 0 {
                continue;
            }
            let (d, trees) = (band.stations.len() - 1, band.trees());
            if trees < 0.5 {
                return Self { halves: 0, ..found };
            }
            found.stations = found.stations.max(band.stations.len());
            found.halves += d + 1;
            found.ln_more += ln_tail(d, trees / (band.pairs as f64).powi(d as i32));
            found.half_square += band.half_square();
        }
        found
    }

    /// The sum as an amplitude in standard deviations.
    pub fn u(&self) -> f64 {
        (2.0 * self.half_square).sqrt()
    }

    /// Natural logarithm of the probability that noise has as much at this direction.
    pub fn ln_chance(&self) -> f64 {
        self.ln_tail(self.u())
    }

    fn ln_tail(&self, u: f64) -> f64 {
        (ln_chance_of_halves(self.halves, 0.5 * u * u) + self.ln_more).min(0.0)
    }

    /// Weight of u beside the standard deviations of the powers: of N alike stations it has the root of N - 1 times as many of these.
    pub fn share(&self) -> f64 {
        let n = self.stations.max(2) as f64;
        ((n - 1.0) / n).sqrt()
    }

    /// The same for t = share u + sqrt(1 - share^2) s, s being the standard deviations of the powers, and t: Gaussian as u, but all that changes with
    /// the phases, bands and directions does so by the share of u.
    pub fn ln_chance_with(&self, s: f64) -> (f64, f64) {
        let share = self.share();
        let t = share * self.u() + (1.0 - share * share).sqrt() * s;
        let ln_slower = self.halves.saturating_sub(1) as f64 * libm::log(share);
        ((self.ln_tail(t) + ln_slower).min(0.0), t)
    }
}

/// Natural logarithm of C for D phases, from the determinant of the torus.
fn ln_tail(d: usize, determinant: f64) -> f64 {
    let shape = 0.5 * (d as f64 + 1.0);
    let ln_volume = (d as f64 - shape) * TAU.ln() + 0.5 * libm::log(determinant);
    (ln_volume + (shape - 1.0) * 2f64.ln() + libm::lgamma(shape)).max(0.0)
}
