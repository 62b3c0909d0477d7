//! What the cross test says of a burst: celestial, or why not.

use super::super::chance::{ln_chance, of_any};
use super::cross::Correlations;
use super::field::{FieldOfDelays, PER_STEP};
use super::find::Burst;
use super::fit::{Fit, fit};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Probability that noise correlates as much anywhere in the field, at most, for a burst to pass.
pub(super) const MOST_FALSE: f64 = 1e-6;
/// The same for a single station with the others, at most.
pub(super) const MOST_FALSE_STATION: f64 = 1e-3;
/// Probability below which a station's power is taken for the burst.
const POWER_CHANCE: f64 = 1e-4;
/// A station without this share of a burst's powers is not asked.
const LEAST_SHARE: f64 = 0.5;

/// The outcome of the cross test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Outcome {
    /// All stations have it with the delays of one direction in the field.
    Passes,
    /// Some stations have it so, others do not.
    NotEverywhere,
    /// All stations have it, but no direction in the field gives its delays.
    NoPosition,
    /// Several stations have power there that is not coherent.
    NoCorrelation,
    /// No other station has it.
    OneStation,
    /// No other station has data.
    Untested,
}

impl Outcome {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Passes,
        Self::NotEverywhere,
        Self::NoPosition,
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
            Self::NoPosition => "delays of no position in the field",
            Self::NoCorrelation => "no correlation",
            Self::OneStation => "at one station alone",
            Self::Untested => "no other station has data",
        })
    }
}

/// Stations that have data of a burst.
pub(super) fn asked(burst: &Burst) -> Vec<usize> {
    (0..burst.share_m.len()).filter(|m| burst.share_m[*m] >= LEAST_SHARE).collect()
}

/// Judges a burst by the correlations of all stations; the fit is `None` where there is nothing to be correlated.
pub(super) fn judge(burst: &Burst, all: &Correlations, field: &FieldOfDelays) -> (Outcome, Option<Fit>) {
    let stations = asked(burst);
    let used = all.used();
    if stations.len() < 2 || used.is_empty() {
        return (Outcome::Untested, None);
    }
    let fit = fit(all, field);
    // A steady source that a burst of one station weakens correlates less than beside it, not more.
    let (with, beside) = all.powers(field, fit.at);
    let coherent = fit.false_alarm <= MOST_FALSE && with > beside;
    let mean = |m: usize| {
        let with = used.iter().filter(|p| all.pairs[**p].0 == m || all.pairs[**p].1 == m);
        let (sum, n) = with.fold((0.0, 0), |(sum, n), p| (sum + fit.z_p[*p], n + 1));
        if n > 0 { sum / f64::from(n) } else { 0.0 }
    };
    // Other stations' parts of its pairs may be one signal: as if there were one pair. Points of the grid are not independent.
    let cells = (fit.directions / (PER_STEP * PER_STEP)).max(1.0);
    let parts = used.iter().map(|p| all.parts(*p)).max().unwrap_or(1);
    let here = |m: &&usize| of_any(ln_chance(parts, mean(**m)), cells) <= MOST_FALSE_STATION;
    let count = stations.iter().filter(here).count();
    let outcome = if coherent && count == stations.len() {
        Outcome::Passes
    } else if stations.iter().all(|m| at_any_delay(all, &used, *m)) {
        Outcome::NoPosition
    } else if coherent && count >= 2 || used.iter().any(|p| correlated(all, *p)) {
        Outcome::NotEverywhere
    } else if alone(burst, &stations) {
        Outcome::OneStation
    } else {
        Outcome::NoCorrelation
    };
    (outcome, Some(fit))
}

/// Whether a pair correlates at any delay that spectra show.
fn correlated(all: &Correlations, pair: usize) -> bool {
    let (z, _) = all.delays(pair, all.longest_s);
    let top = z.iter().copied().fold(0.0, f64::max);
    of_any(ln_chance(all.parts(pair), top), z.len() as f64) <= MOST_FALSE
}

/// Whether a station correlates with any other one at any delay.
fn at_any_delay(all: &Correlations, used: &[usize], m: usize) -> bool {
    let with = |p: &&usize| all.pairs[**p].0 == m || all.pairs[**p].1 == m;
    used.iter().filter(with).any(|p| correlated(all, *p))
}

/// Whether the burst's own station, or one where the sum has it, is the only one with power.
fn alone(burst: &Burst, stations: &[usize]) -> bool {
    let least = libm::log(POWER_CHANCE);
    let has = |m: &&usize| **m == burst.stream || burst.ln_chance_m[**m] <= least;
    stations.iter().filter(has).count() == 1
}
