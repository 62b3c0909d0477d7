//! The cross test of a signal: spectra of all stations along its line, correlated at the rates of directions on the sky.
//!
//! With X_a the spectra of the station that has the signal and X_b those of another, divided by the roots of their noise,
//! z(r) = |sum_t X_a(t) conj(X_b(t)) exp(-2 pi i r t)|^2 / sum_t |X_a(t)|^2. Whatever X_a is, z is exponential with mean 1
//! where X_b is noise. What the signal carries cancels, and the rates r of all stations follow from one direction: r = f d/dt(D_a -
//! D_b), D = -(u l + v m) / c the delay beyond the pointing centre's. The sum of z over all
//! pairs (a the stronger of the two) is Erlang's where no more than one station has anything but noise.

use super::super::SPEED_OF_LIGHT;
use super::super::chance::{ln_chance as ln_chance_of, of_any};
use super::common::centre;
use super::errors::errors;
use super::grid::STEPS;
use super::tracks::{Track, wide};
use mirinae_fourier::{Fft, FftDirection, Instructions, double};
use num_complex::Complex64;
use std::f64::consts::TAU;
use std::sync::Arc;

/// Points of a rate's grid in one independent cell.
const PER_CELL: usize = 4;
/// Steps of a direction's grid in the narrowest cell.
const PER_STEP: f64 = 3.0;
/// Directions tried at most.
pub const MOST_DIRECTIONS: f64 = 4e6;

/// What the directions of a field do to rates at one station: Hz per unit of l and m.
pub type Slope = [f64; 2];

/// The slope of a station from its u, v at two times (m, s) and a sky frequency.
pub fn slope(uvw: [[f64; 3]; 2], between_s: f64, sky_hz: f64) -> Slope {
    let of = |k: usize| -sky_hz * (uvw[1][k] - uvw[0][k]) / between_s / SPEED_OF_LIGHT;
    [of(0), of(1)]
}

/// What the test needs to know of the field.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldOfRates {
    /// Half its width, direction cosine.
    pub half: f64,
    /// By station.
    pub slopes: Vec<Slope>,
    /// Fine channel, Hz.
    pub channel_hz: f64,
    /// Sky frequency of the band's middle, Hz.
    pub sky_hz: f64,
}

/// A direction that explains a signal best.
#[derive(Debug, Clone, PartialEq)]
pub struct Fit {
    /// Direction cosines towards east and north.
    pub at: [f64; 2],
    /// Natural logarithm of the probability that noise does as much in one direction.
    pub ln_chance: f64,
    /// Probability that it does anywhere in the field.
    pub false_alarm: f64,
    /// Natural logarithm of the probability that noise is as coherent there, given the powers that it has at the stations: what the cross
    /// test adds to the chance of these powers.
    pub ln_coherence: f64,
    /// One standard deviation in l and m, and their correlation; `None` where rates do not tell both.
    pub error: Option<[f64; 3]>,
}

impl FieldOfRates {
    /// The rate of a pair at a direction, Hz.
    pub fn rate(&self, (a, b): (usize, usize), at: [f64; 2]) -> f64 {
        let (a, b) = (self.slopes[a], self.slopes[b]);
        (a[0] - b[0]) * at[0] + (a[1] - b[1]) * at[1]
    }

    /// Largest rate of any pair in the field, Hz.
    pub fn most_rate(&self) -> f64 {
        self.steepest() * std::f64::consts::SQRT_2 * self.half
    }

    fn steepest(&self) -> f64 {
        let pairs = self.slopes.iter().flat_map(|a| self.slopes.iter().map(move |b| (a, b)));
        pairs.map(|(a, b)| (a[0] - b[0]).hypot(a[1] - b[1])).fold(0.0, f64::max)
    }

    /// Steps by which signals of the field are higher at one station than at another, at most, as far as a track reaches.
    pub fn most_steps(&self, half: usize) -> i64 {
        ((self.most_rate() / self.channel_hz * STEPS as f64 + 0.5).floor() as i64).min(half as i64)
    }

    /// Steps from the middle of the field's grid to an edge, for stretches of a length, and the step.
    pub fn grid(&self, length_s: f64) -> (i64, f64) {
        let step = 1.0 / (PER_STEP * length_s * self.steepest().max(1e-300));
        let steps = (self.half / step).ceil().min(1e6);
        (steps as i64, if steps > 0.0 { self.half / steps } else { self.half })
    }

    /// Directions of the grid.
    pub fn directions(&self, length_s: f64) -> f64 {
        (2.0 * self.grid(length_s).0 as f64 + 1.0).powi(2)
    }
}

/// Tests signals; owns the transform.
pub struct CrossTest {
    fft: Arc<dyn Fft<f64>>,
    points: usize,
}

impl CrossTest {
    /// For stretches of so many spectra.
    pub fn new(spectra: usize) -> Self {
        let points = PER_CELL * spectra;
        Self { fft: double(points, FftDirection::Forward, Instructions::Any), points }
    }

    /// Sums over the rates of a grid.
    pub fn transform(&self, products: impl Iterator<Item = Complex64>) -> Vec<Complex64> {
        let mut sums: Vec<Complex64> = products.collect();
        sums.resize(self.points, Complex64::default());
        self.fft.process(&mut sums);
        sums
    }

    /// z over the rates of a grid, for the other station's spectra so many steps above those of the signal's own.
    pub fn rates(&self, track: &Track, pair: (usize, usize), above: i64) -> Vec<f64> {
        let mut norm = 0.0;
        let product = |t: usize| {
            let (product, variance) = track.product(pair, above, t);
            norm += variance;
            product
        };
        let sums = self.transform((0..track.spectra).map(product));
        sums.iter().map(|s| if norm > 0.0 { s.norm_sqr() / norm } else { 0.0 }).collect()
    }

    /// The direction of the grid with the largest sum over pairs of what a table has for a pair and so many steps, at most `most`, over
    /// its rates; and that sum.
    pub fn of_grid(
        &self,
        spectra: usize,
        (pairs, field, most): (&[(usize, usize)], &FieldOfRates, i64),
        table: &dyn Fn((usize, usize), i64) -> Vec<f64>,
    ) -> ([f64; 2], f64) {
        let table = |&pair| (-most..=most).map(|k| table(pair, k)).collect::<Vec<_>>();
        let tables: Vec<Vec<Vec<f64>>> = pairs.iter().map(table).collect();
        let (steps, step) = field.grid(spectra as f64 / field.channel_hz);
        let mut best = ([0.0, 0.0], -1.0);
        for y in -steps..=steps {
            for x in -steps..=steps {
                let at = [x as f64 * step, y as f64 * step];
                let of = |(pair, table): (&(usize, usize), &Vec<Vec<f64>>)| {
                    let rate = field.rate(*pair, at) / field.channel_hz;
                    let place = (rate * self.points as f64).round() as i64;
                    let row = table.get((above(rate) + most) as usize);
                    row.map_or(0.0, |row| row[place.rem_euclid(self.points as i64) as usize])
                };
                let sum: f64 = pairs.iter().zip(&tables).map(of).sum();
                if sum > best.1 {
                    best = (at, sum);
                }
            }
        }
        best
    }

    /// The direction of the field at which the pairs together have most of the signal.
    pub fn fit(&self, track: &Track, pairs: &[(usize, usize)], field: &FieldOfRates) -> Fit {
        let length_s = track.spectra as f64 / field.channel_hz;
        let of_field = (pairs, field, field.most_steps(track.half));
        let (best, _) = self.of_grid(track.spectra, of_field, &|pair, k| self.rates(track, pair, k));
        let at = refine(track, pairs, field, (best, field.grid(length_s).1));
        let z: Vec<f64> = pairs.iter().map(|&pair| exact(track, pair, field, at).0).collect();
        // Pairs of one station share what the others have in common: so many times the power may be coherent by chance.
        let alike = track.common.as_ref().map_or(0.0, |common| common.of_pairs(field, at));
        let shared = 1.0 + track.stations().saturating_sub(2) as f64 * alike;
        let ln_chance = ln_chance_of(pairs.len(), z.iter().sum::<f64>() / shared);
        let false_alarm = of_any(ln_chance, field.directions(length_s));
        let given = pairs.iter().map(|&pair| coherence(track, pair, field, at)).sum();
        let ln_coherence =
            (ln_chance_of(pairs.len(), given) + libm::log(field.directions(length_s))).min(0.0);
        let error = errors(track, pairs, &z, field);
        Fit { at, ln_chance, false_alarm, ln_coherence, error }
    }
}

/// All pairs of stations, in their order.
pub fn all_pairs(stations: &[usize]) -> Vec<(usize, usize)> {
    let pair = |(i, &b): (usize, &usize)| stations[i + 1..].iter().map(move |&c| (b, c)).collect::<Vec<_>>();
    stations.iter().enumerate().flat_map(pair).collect()
}

/// Climbs from a point of the grid to the top, with exact rates, within the field.
fn refine(
    track: &Track,
    pairs: &[(usize, usize)],
    field: &FieldOfRates,
    (mut at, mut step): ([f64; 2], f64),
) -> [f64; 2] {
    let value = |at: [f64; 2]| pairs.iter().map(|&pair| exact(track, pair, field, at).0).sum::<f64>();
    let mut top = value(at);
    for _ in 0..60 {
        step *= 0.5;
        for _ in 0..8 {
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
        if step < 1e-12 {
            break;
        }
    }
    at
}

/// Steps by which a signal is higher at the second station of a pair, for the pair's rate in channels.
pub fn above(rate: f64) -> i64 {
    (-rate * STEPS as f64).round() as i64
}

/// z of a pair at a direction, and the sum whose power it is.
pub fn exact(track: &Track, pair: (usize, usize), field: &FieldOfRates, at: [f64; 2]) -> (f64, Complex64) {
    let rate = field.rate(pair, at) / field.channel_hz;
    let (mut sum, mut norm) = (Complex64::default(), 0.0);
    let (mut phasor, step) = (Complex64::new(1.0, 0.0), turned(-rate));
    for t in 0..track.spectra {
        let (product, variance) = track.product(pair, above(rate), t);
        norm += variance;
        sum += product * phasor;
        phasor *= step;
    }
    if norm > 0.0 { (sum.norm_sqr() / norm, sum) } else { (0.0, sum) }
}

/// exp(2 pi i turns).
fn turned(turns: f64) -> Complex64 {
    let (sin, cos) = libm::sincos(TAU * (turns - turns.round()));
    Complex64::new(cos, sin)
}

/// What is exponential with mean 1 whatever powers the noise has: -(n - 1) ln(1 - c), c the share of the power of one station that is
/// coherent with the other's; of n random numbers it exceeds c with probability (1 - c)^(n - 1). Of what noise has in common, the
/// nearest that these powers allow is taken off.
pub fn coherence(track: &Track, pair: (usize, usize), field: &FieldOfRates, at: [f64; 2]) -> f64 {
    let (_, sum) = exact(track, pair, field, at);
    let (a, b, n) = track.powers_of_both(pair, above(field.rate(pair, at) / field.channel_hz));
    let power = (a * b).sqrt().max(1e-300);
    let in_common = track.common.as_ref().map_or(Complex64::default(), |c| c.at(pair, field, at));
    let share = (sum + in_common * n as f64) / power;
    let excess = share - centre(share, in_common, power / n.max(1) as f64);
    -(n.max(1) as f64 - 1.0) * libm::log1p(-excess.norm_sqr().min(1.0 - 1e-12))
}

/// z of a station with all the others together, turned to the phases that they have among themselves: more sensitive than with
/// any of them, and exponential where the station has nothing but noise.
pub fn with_others(track: &Track, (b, others): (usize, &[usize]), field: &FieldOfRates, at: [f64; 2]) -> f64 {
    let Some(&first) = others.first() else { return 0.0 };
    let rate = |c: usize| field.rate((first, c), at) / field.channel_hz;
    let value = |c: usize, t: usize| wide(track.at(c, t, above(rate(c)))) * turned(rate(c) * t as f64);
    let phase = |&c: &usize| {
        let (_, sum) = exact(track, (first, c), field, at);
        (c, if c == first { Complex64::new(1.0, 0.0) } else { sum / sum.norm().max(1e-300) })
    };
    let phases: Vec<(usize, Complex64)> = others.iter().map(phase).collect();
    let (mut sum, mut norm) = (Complex64::default(), 0.0);
    for t in 0..track.spectra {
        let y = value(b, t);
        if y == Complex64::default() {
            continue;
        }
        let x = phases.iter().map(|(c, phase)| value(*c, t) * phase).sum::<Complex64>();
        norm += x.norm_sqr();
        sum += x * y.conj();
        let Some(common) = &track.common else { continue };
        for (c, phase) in &phases {
            let (mean, variance) = common.product((*c, b), above(rate(b)) - above(rate(*c)), t);
            norm += variance;
            sum -= phase * mean * turned((rate(*c) - rate(b)) * t as f64);
        }
    }
    if norm > 0.0 { sum.norm_sqr() / norm } else { 0.0 }
}
