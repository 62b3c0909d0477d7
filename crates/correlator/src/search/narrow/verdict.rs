//! What the cross test says of a signal: celestial, or why not.

use super::super::chance::{ln_chance, of_any};
use super::cross::{CrossTest, FieldOfRates, Fit, all_pairs, with_others};
use super::errors::closure;
use super::find::Line;
use super::grid::STEPS;
use super::tracks::Track;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Probability that noise correlates as much anywhere in the field, at most, for a signal to pass.
pub const MOST_FALSE: f64 = 1e-6;
/// The same for a signal of all stations together: no station has it alone, so that it is hardly one station's interference.
pub const MOST_FALSE_OF_ALL: f64 = 1e-4;
/// z that every station must have with all the others: 3.5 standard deviations of an amplitude.
pub const LEAST_Z: f64 = 6.0;
/// Share of the sky frequency within which other stations have a satellite's signal: their ways to one thousands of kilometres away change
/// differently by some hundred metres a second.
const SATELLITE_SHARE: f64 = 1e-6;
/// How much stronger over noise a satellite may be at one station than at another.
const SATELLITE_FACTOR: f64 = 1.7;
/// Probability below which a station's power along the line is taken for the signal.
const POWER_CHANCE: f64 = 1e-4;
/// Steps to either side in which a signal is looked for at other stations.
pub const NEAR: usize = 16 * STEPS;
/// Steps over a stretch by which the drifts of one celestial signal may differ between stations.
const SAME_DRIFT: i64 = 2 * STEPS as i64;

/// The outcome of the cross test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Outcome {
    /// All stations have it at the rates of one direction in the field.
    Passes,
    /// Some stations have it so, others do not.
    NotEverywhere,
    /// All stations have it, or one as strong at another frequency, but no direction in the field gives its rates.
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
    /// z of every station with all the others there, by station.
    pub z_m: Vec<f64>,
    /// Stations and closure phase with its error (degrees), of triangles with the signal's station.
    pub closures: Vec<([usize; 3], f64, f64)>,
}

/// Judges the signal of station `a`, or of all stations together. `lines_m` are the lines found at each station in the same powers.
pub fn judge(
    test: &CrossTest,
    track: &Track,
    (a, line): (Option<usize>, &Line),
    field: &FieldOfRates,
    lines_m: &[Vec<Line>],
) -> Verdict {
    let members = track.z_mtk.len();
    let has_data = |b: &usize| track.power(*b, 0).1 * 2 > track.spectra;
    let mut with_data: Vec<usize> = (0..members).filter(has_data).collect();
    with_data.sort_by(|&b, &c| track.power(c, 0).0.total_cmp(&track.power(b, 0).0));
    // The station that has the signal, or most of it.
    let Some(first) = a.or(with_data.first().copied()) else { return Verdict::untested() };
    let others: Vec<usize> = with_data.iter().copied().filter(|b| *b != first).collect();
    if others.is_empty() {
        return Verdict::untested();
    }
    let pairs = all_pairs(&with_data);
    // The signal's own station is asked, too: the others may have something else in common.
    let most_false = if a.is_some() { MOST_FALSE } else { MOST_FALSE_OF_ALL };
    let fit = test.fit(track, &pairs, field);
    let mut z_m = vec![0.0; members];
    for &b in &with_data {
        let mut rest: Vec<usize> = with_data.iter().copied().filter(|c| *c != b).collect();
        // Phases are those of the station that has the signal.
        rest.sort_by_key(|c| *c != first);
        z_m[b] = with_others(track, (b, &rest), field, fit.at);
    }
    let here = |b: &&usize| z_m[**b] >= LEAST_Z;
    let coherent = fit.false_alarm <= most_false;
    let outcome = if coherent && with_data.iter().all(|b| here(&b)) {
        Outcome::Passes
    } else if others.iter().all(|&b| at_any_rate(test, track, (first, b)))
        || a.is_some() && others.iter().all(|&b| moved(line, lines_m.get(b), field))
    {
        Outcome::NoPosition
    } else if crossed(track, line, &others, lines_m) {
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
                let (degrees, error) = closure(track, [first, b, c], field, fit.at);
                closures.push(([first, b, c], degrees, error));
            }
        }
    }
    Verdict { outcome, fit: Some(fit), z_m, closures }
}

impl Verdict {
    fn untested() -> Self {
        Self { outcome: Outcome::Untested, fit: None, z_m: Vec::new(), closures: Vec::new() }
    }
}

/// Whether a pair correlates at any rate that the track shows.
fn at_any_rate(test: &CrossTest, track: &Track, pair: (usize, usize)) -> bool {
    let half = near(track);
    let top = (-half..=half).flat_map(|k| test.rates(track, pair, k)).fold(0.0, f64::max);
    let trials = ((2 * half + 1) as usize * track.spectra * 4) as f64;
    of_any(-top, trials) <= MOST_FALSE
}

/// Whether a station has a signal as strong at a frequency that something near, moving past, may have there.
fn moved(line: &Line, lines: Option<&Vec<Line>>, field: &FieldOfRates) -> bool {
    let reach = (SATELLITE_SHARE * field.sky_hz / field.channel_hz * STEPS as f64) as i64;
    let alike = |other: &Line| {
        let factor = other.excess() / line.excess();
        (other.middle() - line.middle()).abs() <= reach
            && (1.0 / SATELLITE_FACTOR..SATELLITE_FACTOR).contains(&factor)
    };
    lines.is_some_and(|lines| lines.iter().any(alike))
}

/// Those of them that a track has.
fn near(track: &Track) -> i64 {
    track.half.min(NEAR) as i64
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
fn crossed(track: &Track, line: &Line, others: &[usize], lines_m: &[Vec<Line>]) -> bool {
    let half = near(track);
    let crosses = |other: &Line| {
        let ends = [0, track.spectra - 1];
        let apart = ends.map(|t| other.step(track.spectra, t) - line.step(track.spectra, t));
        let meets = apart[0].signum() != apart[1].signum() || apart.iter().any(|d| d.abs() <= half);
        meets && (other.drift - line.drift).abs() > SAME_DRIFT
    };
    others.iter().any(|&b| lines_m.get(b).is_some_and(|lines| lines.iter().any(crosses)))
}
