//! The cross test of a signal: spectra of all stations along its line, correlated at the rates of directions on the sky.
//!
//! With X_a the spectra of the station that has the signal and X_b those of another, divided by the roots of their noise,
//! z(r) = |sum_t X_a(t) conj(X_b(t)) exp(-2 pi i r t)|^2 / sum_t |X_a(t)|^2. Whatever X_a is, z is exponential with mean 1
//! where X_b is noise. What the signal carries cancels, and the rates r of all stations follow from one direction: r = f d/dt(D_a -
//! D_b), D = -(u l + v m) / c the delay beyond the pointing centre's. The sum of z over all
//! pairs (a the stronger of the two) is Erlang's where no more than one station has anything but noise.

use super::super::SPEED_OF_LIGHT;
use super::super::chance::{ln_chance as ln_chance_of, of_any};
use super::grid::STEPS;
use mirinae_fourier::{Fft, FftDirection, Instructions, double};
use num_complex::{Complex32, Complex64};
use std::f64::consts::{PI, TAU};
use std::sync::Arc;

/// Points of a rate's grid in one independent cell.
const PER_CELL: usize = 4;
/// Steps of a direction's grid in the narrowest cell.
const PER_STEP: f64 = 3.0;
/// Directions tried at most.
pub const MOST_DIRECTIONS: f64 = 4e6;

/// Spectra of all stations around one signal's line, in units of the roots of their noise.
#[derive(Debug, Clone, PartialEq)]
pub struct Track {
    /// Spectra.
    pub spectra: usize,
    /// Steps to either side of the line.
    pub half: usize,
    /// By station, spectrum and step; 0 where a spectrum is not used.
    pub z_mtk: Vec<Vec<Complex32>>,
}

impl Track {
    /// Room for `members` stations.
    pub fn new(members: usize, spectra: usize, half: usize) -> Self {
        Self { spectra, half, z_mtk: vec![vec![Complex32::default(); spectra * (2 * half + 1)]; members] }
    }

    /// A value: station, spectrum, steps above the line.
    pub fn at(&self, member: usize, t: usize, above: i64) -> Complex32 {
        let place = self.half as i64 + above;
        let row = 2 * self.half as i64 + 1;
        if !(0..row).contains(&place) {
            return Complex32::default();
        }
        self.z_mtk[member][t * row as usize + place as usize]
    }

    /// Sum of the powers of a station along the line, so far above it, and the number of spectra that are used.
    pub fn power(&self, member: usize, above: i64) -> (f64, usize) {
        let powers = (0..self.spectra).map(|t| f64::from(self.at(member, t, above).norm_sqr()));
        powers.fold((0.0, 0), |(sum, n), p| if p > 0.0 { (sum + p, n + 1) } else { (sum, n) })
    }
}

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

    /// z over the rates of a grid, for the other station's spectra so many steps above those of the signal's own.
    pub fn rates(&self, track: &Track, (a, b): (usize, usize), above: i64) -> Vec<f64> {
        let mut sums = vec![Complex64::default(); self.points];
        let mut norm = 0.0;
        for (t, sum) in sums.iter_mut().enumerate().take(track.spectra) {
            let (x, y) = (track.at(a, t, 0), track.at(b, t, above));
            if y != Complex32::default() {
                norm += f64::from(x.norm_sqr());
            }
            *sum = wide(x) * wide(y).conj();
        }
        self.fft.process(&mut sums);
        sums.iter().map(|s| if norm > 0.0 { s.norm_sqr() / norm } else { 0.0 }).collect()
    }

    /// The direction of the field at which the pairs together have most of the signal.
    pub fn fit(&self, track: &Track, pairs: &[(usize, usize)], field: &FieldOfRates) -> Fit {
        let length_s = track.spectra as f64 / field.channel_hz;
        let most = (field.most_rate() / field.channel_hz * STEPS as f64 + 0.5).floor() as i64;
        let most = most.min(track.half as i64);
        let table = |&pair| (-most..=most).map(|k| self.rates(track, pair, k)).collect::<Vec<_>>();
        let tables: Vec<Vec<Vec<f64>>> = pairs.iter().map(table).collect();
        let (steps, step) = field.grid(length_s);
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
        let at = refine(track, pairs, field, (best.0, step));
        let z: Vec<f64> = pairs.iter().map(|&pair| exact(track, pair, field, at).0).collect();
        let ln_chance = ln_chance_of(pairs.len(), z.iter().sum());
        let false_alarm = of_any(ln_chance, field.directions(length_s));
        let given = pairs.iter().map(|&pair| coherence(track, pair, field, at)).sum();
        let ln_coherence =
            (ln_chance_of(pairs.len(), given) + libm::log(field.directions(length_s))).min(0.0);
        let error = errors(track, pairs, &z, field);
        Fit { at, ln_chance, false_alarm, ln_coherence, error }
    }
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
fn above(rate: f64) -> i64 {
    (-rate * STEPS as f64).round() as i64
}

fn wide(z: Complex32) -> Complex64 {
    Complex64::new(z.re.into(), z.im.into())
}

/// z of a pair at a direction, and the sum whose power it is.
pub fn exact(track: &Track, (a, b): (usize, usize), field: &FieldOfRates, at: [f64; 2]) -> (f64, Complex64) {
    let rate = field.rate((a, b), at) / field.channel_hz;
    let above = above(rate);
    let (mut sum, mut norm) = (Complex64::default(), 0.0);
    for t in 0..track.spectra {
        let (x, y) = (track.at(a, t, 0), track.at(b, t, above));
        if y != Complex32::default() {
            norm += f64::from(x.norm_sqr());
        }
        let turns = rate * t as f64;
        let (sin, cos) = libm::sincos(-TAU * (turns - turns.round()));
        sum += wide(x) * wide(y).conj() * Complex64::new(cos, sin);
    }
    if norm > 0.0 { (sum.norm_sqr() / norm, sum) } else { (0.0, sum) }
}

/// What is exponential with mean 1 whatever powers the noise has: -(n - 1) ln(1 - c), c the share of the power of one station that is
/// coherent with the other's; of n random numbers it exceeds c with probability (1 - c)^(n - 1).
fn coherence(track: &Track, (a, b): (usize, usize), field: &FieldOfRates, at: [f64; 2]) -> f64 {
    let (z, _) = exact(track, (a, b), field, at);
    let (power, n) = track.power(b, above(field.rate((a, b), at) / field.channel_hz));
    let share = (z / power.max(1e-300)).min(1.0 - 1e-12);
    -(n.max(1) as f64 - 1.0) * libm::log1p(-share)
}

/// z of a station with all the others together, turned to the phases that they have among themselves: more sensitive than with
/// any of them, and exponential where the station has nothing but noise.
pub fn with_others(track: &Track, (b, others): (usize, &[usize]), field: &FieldOfRates, at: [f64; 2]) -> f64 {
    let Some((&first, rest)) = others.split_first() else { return 0.0 };
    let turned = |c: usize, t: usize| {
        let rate = field.rate((first, c), at) / field.channel_hz;
        let turns = rate * t as f64;
        let (sin, cos) = libm::sincos(TAU * (turns - turns.round()));
        wide(track.at(c, t, above(rate))) * Complex64::new(cos, sin)
    };
    let phase = |&c: &usize| {
        let (_, sum) = exact(track, (first, c), field, at);
        (c, sum / sum.norm().max(1e-300))
    };
    let phases: Vec<(usize, Complex64)> = rest.iter().map(phase).collect();
    let (mut sum, mut norm) = (Complex64::default(), 0.0);
    for t in 0..track.spectra {
        let y = turned(b, t);
        if y == Complex64::default() {
            continue;
        }
        let x = turned(first, t) + phases.iter().map(|(c, phase)| turned(*c, t) * phase).sum::<Complex64>();
        norm += x.norm_sqr();
        sum += x * y.conj();
    }
    if norm > 0.0 { sum.norm_sqr() / norm } else { 0.0 }
}

/// Errors of a direction from those of the rates, sqrt(12) / (2 pi T) times those of the phases of the sums. With powers p over
/// noise at both stations these have the variance (p_a + p_b + 1) / (2 n p_a p_b), where n p_a p_b = z (1 + p_a).
/// What a station's noise adds to p_a + p_b is the same in all its pairs: it counts once for a station, not for each of them.
fn errors(track: &Track, pairs: &[(usize, usize)], z: &[f64], field: &FieldOfRates) -> Option<[f64; 3]> {
    let length_s = track.spectra as f64 / field.channel_hz;
    let stations = pairs.iter().flat_map(|p| [p.0, p.1]).collect::<std::collections::BTreeSet<_>>().len();
    let shared = if pairs.len() >= stations { 0.5 * stations as f64 } else { 1.0 };
    let mut fisher = [0.0f64; 3];
    for (&(a, b), &z) in pairs.iter().zip(z) {
        let (sum, n) = track.power(a, 0);
        let p_a = (sum / n.max(1) as f64 - 1.0).max(0.1);
        let both = (z * (1.0 + p_a)).max(0.5);
        let p_b = both / (n.max(1) as f64 * p_a);
        let phase = ((1.0 + shared * (p_a + p_b)) / (2.0 * both)).sqrt();
        let sigma = 12.0f64.sqrt() / (TAU * length_s) * phase;
        let s = [0, 1].map(|k| (field.slopes[a][k] - field.slopes[b][k]) / sigma);
        fisher = [fisher[0] + s[0] * s[0], fisher[1] + s[0] * s[1], fisher[2] + s[1] * s[1]];
    }
    let determinant = fisher[0] * fisher[2] - fisher[1] * fisher[1];
    if determinant <= 1e-9 * fisher[0] * fisher[2] || determinant <= 0.0 {
        return None;
    }
    let (l, m) = ((fisher[2] / determinant).sqrt(), (fisher[0] / determinant).sqrt());
    Some([l, m, -fisher[1] / determinant / (l * m)])
}

/// Phase closure of three stations at a direction and its error, degrees: 0 for one signal of one place.
pub fn closure(track: &Track, [a, b, c]: [usize; 3], field: &FieldOfRates, at: [f64; 2]) -> (f64, f64) {
    let sides = [(a, b), (b, c), (c, a)].map(|pair| exact(track, pair, field, at));
    let product = sides.iter().fold(Complex64::new(1.0, 0.0), |p, s| p * s.1 / s.1.norm().max(1e-300));
    let error = sides.iter().map(|s| 1.0 / (2.0 * s.0).max(0.5)).sum::<f64>().sqrt();
    (product.arg().to_degrees(), error.min(PI / 3.0f64.sqrt()).to_degrees())
}
