//! The direction of the field that explains the correlations of a burst best.

use super::super::chance::{deviation, ln_chance, ln_joint};
use super::super::information::Information;
use super::closed::{Closed, half_squares};
use super::cross::Correlations;
use super::field::FieldOfDelays;
use std::f64::consts::TAU;

/// Share of a probability that is left to correlations whose phases close; the rest is for those that need not.
const CLOSED: f64 = 0.75;

/// A direction that explains a burst best.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Fit {
    /// Direction cosines towards east and north.
    pub at: [f64; 2],
    /// z of every pair there; 0 of those without data.
    pub z_p: Vec<f64>,
    /// Natural logarithm of the probability that noise has such z anywhere in the field.
    ln_open: f64,
    /// What of that has phases that close.
    closed: Closed,
    anywhere: Anywhere,
    /// Directions that were tried.
    pub directions: f64,
    /// One standard deviation in l and m, and their correlation; `None` where delays do not tell both.
    pub error: Option<[f64; 3]>,
}

/// The direction of the field at which all pairs together have most of the burst, which is the best of so many boxcars.
pub(super) fn fit(all: &Correlations, field: &FieldOfDelays, boxcars: f64) -> Fit {
    let used = all.used();
    let span_hz = Correlations::span_hz(&all.sky_hz, &all.coherent);
    let tables: Vec<(Vec<f64>, f64)> =
        used.iter().map(|&p| all.delays(p, field.most_s(all.pairs[p]))).collect();
    let (steps, step) = field.grid(span_hz);
    let slopes: Vec<[f64; 2]> = used.iter().map(|&p| field.slope_s(all.pairs[p])).collect();
    let mut best = ([0.0, 0.0], -1.0);
    for y in -steps..=steps {
        for x in -steps..=steps {
            let at = [x as f64 * step, y as f64 * step];
            let of = |((table, step_s), slope): (&(Vec<f64>, f64), &[f64; 2])| {
                let place = ((slope[0] * at[0] + slope[1] * at[1]) / step_s).round() as i64;
                table.get((place + table.len() as i64 / 2) as usize).copied().unwrap_or(0.0)
            };
            let sum: f64 = tables.iter().zip(&slopes).map(of).sum();
            if sum > best.1 {
                best = (at, sum);
            }
        }
    }
    let exact = |at: [f64; 2]| used.iter().map(|&p| all.exact(p, field, at)).sum::<f64>();
    let at = climb(&exact, field, (best.0, step));
    let mut z_p = vec![0.0; all.pairs.len()];
    used.iter().for_each(|&p| z_p[p] = all.exact(p, field, at));
    let n: usize = used.iter().map(|&p| all.parts(p)).sum();
    let anywhere = Anywhere::new(all, &used, field, boxcars);
    let z: f64 = z_p.iter().sum();
    let ln_open = (ln_chance(n, z) + anywhere.ln_peaks((2.0 * z).sqrt())).min(0.0);
    let closed_at = climb(&|at| half_squares(all, field, at), field, (at, 0.5 * step));
    let closed = Closed::new(all, field, closed_at);
    let error = errors(all, &z_p, field);
    Fit { at, z_p, ln_open, closed, anywhere, directions: field.directions(span_hz), error }
}

impl Fit {
    /// Natural logarithm of the probability that noise correlates as much anywhere in the field.
    pub fn ln_coherence(&self) -> f64 {
        let ln_closed = self.closed.ln_chance() + self.anywhere.ln_peaks(self.closed.u());
        either(self.ln_open, ln_closed)
    }

    /// Natural logarithm of the probability that noise has such powers and correlates as much, if powers were looked at down to `ln_first`.
    pub fn ln_joint(&self, ln_power: f64, ln_first: f64) -> f64 {
        let (ln_closed, t) = self.closed.ln_chance_with(deviation(ln_power));
        let ln_peaks = self.anywhere.ln_peaks(self.closed.share() * t);
        either(ln_joint(ln_power, self.ln_open, ln_first), ln_closed + ln_peaks)
    }
}

/// Of two probabilities of which the smaller one is taken: each has its share.
fn either(ln_open: f64, ln_closed: f64) -> f64 {
    (ln_open - libm::log(1.0 - CLOSED)).min(ln_closed - libm::log(CLOSED)).min(0.0)
}

/// How many times likelier noise has something anywhere in the field than at one direction, in the best of some boxcars.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Anywhere {
    edges: f64,
    area: f64,
    boxcars: f64,
}

impl Anywhere {
    fn new(all: &Correlations, used: &[usize], field: &FieldOfDelays, boxcars: f64) -> Self {
        let pairs: Vec<(usize, usize)> = used.iter().map(|&p| all.pairs[p]).collect();
        let spread = |channels| used.iter().map(|&p| all.spread_hz(p, channels)).fold(0.0, f64::max);
        let spread_hz = all.coherent.iter().map(spread).fold(0.0, f64::max);
        let [edges, area] = field.extent(spread_hz, &pairs);
        Self { edges, area, boxcars }
    }

    /// Natural logarithm of the factor for u standard deviations: the mean Euler characteristic of a Gaussian field over a rectangle (Adler and
    /// Taylor, Random Fields and Geometry, 2007, theorem 11.7.2).
    fn ln_peaks(&self, u: f64) -> f64 {
        let by = u / TAU.sqrt();
        libm::log(self.boxcars * (1.0 + self.edges * by + self.area * by * by))
    }
}

/// Climbs from a point of the grid to the top of a value of directions within the field.
fn climb(
    value: &dyn Fn([f64; 2]) -> f64,
    field: &FieldOfDelays,
    (mut at, mut step): ([f64; 2], f64),
) -> [f64; 2] {
    let mut top = value(at);
    for _ in 0..12 {
        step *= 0.5;
        for _ in 0..4 {
            let around = [[step, 0.0], [-step, 0.0], [0.0, step], [0.0, -step], [step, step], [-step, -step]];
            let inside = |x: f64| x.clamp(-field.half, field.half);
            let tries = around.map(|d| [inside(at[0] + d[0]), inside(at[1] + d[1])]);
            let better =
                tries.into_iter().map(|p| (p, value(p))).reduce(|p, q| if q.1 > p.1 { q } else { p });
            match better.filter(|b| b.1 > top) {
                Some(b) => (at, top) = b,
                None => break,
            }
        }
    }
    at
}

/// Errors of a direction from those of the delays, 1 / (2 pi B sqrt(2 z)) with B the spread of the frequencies (Thompson, Moran
/// and Swenson, section 9.8).
fn errors(all: &Correlations, z_p: &[f64], field: &FieldOfDelays) -> Option<[f64; 3]> {
    let mut information = Information::default();
    for (pair, &z) in z_p.iter().enumerate() {
        let slope_s = field.slope_s(all.pairs[pair]);
        let parts = all.parts(pair).max(1) as f64;
        for channels in all.coherent.iter().filter(|c| all.norm(pair, c) > 0.0) {
            // One of z is noise.
            let signal = (z / parts - 1.0).max(0.25);
            let sigma_s = 1.0 / (TAU * all.spread_hz(pair, channels).max(1.0) * (2.0 * signal).sqrt());
            information.add(slope_s.map(|slope| slope / sigma_s));
        }
    }
    information.errors()
}
