//! What the cross test says of a signal: celestial, or why not.

use super::super::chance::{ln_chance, of_any};
use super::cross::{CrossTest, FieldOfRates, Fit, Track, closure};
use super::find::Line;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Probability that noise correlates as much anywhere in the field, at most, for a signal to pass.
pub const MOST_FALSE: f64 = 1e-6;
/// z that every other station must have: 4 standard deviations of an amplitude.
pub const LEAST_Z: f64 = 8.0;
/// Probability below which a station's power along the line is taken for the signal.
const POWER_CHANCE: f64 = 1e-4;
/// Channels over a stretch by which the drifts of one celestial signal may differ between stations.
const SAME_DRIFT: i64 = 2;

/// The outcome of the cross test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Outcome {
    /// All stations have it at the rates of one direction in the field.
    Passes,
    /// Some stations have it so, others do not.
    NotEverywhere,
    /// All stations have it, but no direction in the field gives its rates.
    NoPosition,
    /// Another station has a signal that crosses it with another drift.
    DriftDiffers,
    /// Other stations have power there that is not coherent.
    NoCorrelation,
    /// No other station has it.
    OneStation,
    /// No other station has data.
    Untested,
}

impl Outcome {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Passes,
        Self::NotEverywhere,
        Self::NoPosition,
        Self::DriftDiffers,
        Self::NoCorrelation,
        Self::OneStation,
        Self::Untested,
    ];
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Passes => "passes",
            Self::NotEverywhere => "not at every station",
            Self::NoPosition => "rates of no position in the field",
            Self::DriftDiffers => "drift differs",
            Self::NoCorrelation => "no correlation",
            Self::OneStation => "at one station alone",
            Self::Untested => "no other station has data",
        })
    }
}

/// The outcome with its figures.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// Outcome.
    pub outcome: Outcome,
    /// The best direction; `None` where nothing could be correlated.
    pub fit: Option<Fit>,
    /// Stations and closure phase with its error (degrees), of triangles with the signal's station.
    pub closures: Vec<([usize; 3], f64, f64)>,
}

/// Judges the signal of station `a`. `lines_m` are the lines found at each station in the same powers.
pub fn judge(
    test: &CrossTest,
    track: &Track,
    (a, line): (usize, &Line),
    field: &FieldOfRates,
    lines_m: &[Vec<Line>],
) -> Verdict {
    let members = track.z_mtk.len();
    let has_data = |b: &usize| track.power(*b, 0).1 * 2 > track.spectra;
    let others: Vec<usize> = (0..members).filter(|b| *b != a).filter(has_data).collect();
    if others.is_empty() {
        return Verdict { outcome: Outcome::Untested, fit: None, closures: Vec::new() };
    }
    let fit = test.fit(track, a, &others, field);
    let here = |b: &&usize| fit.z_m[**b] >= LEAST_Z;
    let coherent = fit.false_alarm <= MOST_FALSE;
    let outcome = if coherent && others.iter().all(|b| here(&b)) {
        Outcome::Passes
    } else if others.iter().all(|&b| at_any_rate(test, track, (a, b))) {
        Outcome::NoPosition
    } else if crossed(track, (a, line), &others, lines_m) {
        Outcome::DriftDiffers
    } else if coherent && others.iter().filter(here).count() > 0 {
        Outcome::NotEverywhere
    } else if others.iter().any(|&b| has_power(track, b)) {
        Outcome::NoCorrelation
    } else {
        Outcome::OneStation
    };
    let mut closures = Vec::new();
    if outcome == Outcome::Passes {
        for (i, &b) in others.iter().enumerate() {
            for &c in &others[i + 1..] {
                let (degrees, error) = closure(track, [a, b, c], field, fit.at);
                closures.push(([a, b, c], degrees, error));
            }
        }
    }
    Verdict { outcome, fit: Some(fit), closures }
}

/// Whether a pair correlates at any rate that the track shows.
fn at_any_rate(test: &CrossTest, track: &Track, pair: (usize, usize)) -> bool {
    let half = near(track);
    let top = (-half..=half).flat_map(|k| test.rates(track, pair, k)).fold(0.0, f64::max);
    let trials = ((2 * half + 1) as usize * track.spectra * 4) as f64;
    of_any(-top, trials) <= MOST_FALSE
}

/// Channels to either side in which a signal is looked for at other stations.
fn near(track: &Track) -> i64 {
    (track.half as i64).min(16)
}

/// Whether a station has power along the line, or beside it.
fn has_power(track: &Track, b: usize) -> bool {
    let half = near(track);
    let chance = |k: i64| {
        let (sum, n) = track.power(b, k);
        ln_chance(n, sum)
    };
    let least = (-half..=half).map(chance).fold(0.0, f64::min);
    of_any(least, (2 * half + 1) as f64) <= POWER_CHANCE
}

/// Whether another station's signal crosses the line with another drift.
fn crossed(track: &Track, (_, line): (usize, &Line), others: &[usize], lines_m: &[Vec<Line>]) -> bool {
    let half = near(track);
    let crosses = |other: &Line| {
        let ends = [0, track.spectra - 1];
        let apart = ends.map(|t| other.channel(track.spectra, t) - line.channel(track.spectra, t));
        let meets = apart[0].signum() != apart[1].signum() || apart.iter().any(|d| d.abs() <= half);
        meets && (other.drift - line.drift).abs() > SAME_DRIFT
    };
    others.iter().any(|&b| lines_m.get(b).is_some_and(|lines| lines.iter().any(crosses)))
}
