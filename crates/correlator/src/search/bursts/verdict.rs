//! What the cross test says of a burst: celestial, or why not.

use super::super::chance::{ln_chance, of_any};
use super::cross::Correlations;
use super::field::{FieldOfDelays, PER_STEP};
use super::find::Burst;
use super::fit::{Fit, fit};
use super::phased;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Probability that noise correlates as much anywhere in the field, at most, for a burst to pass.
const MOST_FALSE: f64 = 1e-6;
/// The same where no station stands out by its powers, as interference does, and these are weak.
const MOST_FALSE_EVEN: f64 = 1e-2;
/// What is coherent correlates less likely in noise than this power of the chance of its powers.
const COHERENT: f64 = 0.3;
/// Standard deviations by which one station stands out from the mean of the others.
const OUT_S: f64 = 4.0;
/// Probability that noise of a single station correlates as much with all the others together, at most.
const MOST_FALSE_STATION: f64 = 1e-2;
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

/// Whether one of the stations is stronger than the others by more than noise makes it.
fn stands_out(burst: &Burst, stations: &[usize]) -> bool {
    let s_m: Vec<f64> =
        stations.iter().map(|m| burst.sum_m[*m].0 / burst.sum_m[*m].1.max(1.0).sqrt()).collect();
    let (top, others) = (s_m.iter().copied().fold(f64::MIN, f64::max), (s_m.len() - 1).max(1) as f64);
    let mean = (s_m.iter().sum::<f64>() - top) / others;
    top - mean > OUT_S * (1.0 + 1.0 / others).sqrt()
}

/// Probability that noise correlates as much, at most.
fn most_false(burst: &Burst, stations: &[usize]) -> f64 {
    if stands_out(burst, stations) {
        return MOST_FALSE;
    }
    libm::exp(COHERENT * burst.ln_chance).clamp(MOST_FALSE, MOST_FALSE_EVEN)
}

/// Judges a burst by the correlations of all stations in the best of so many boxcars; the fit is `None` where there is nothing to be
/// correlated.
pub(super) fn judge(
    burst: &Burst,
    all: &Correlations,
    field: &FieldOfDelays,
    boxcars: f64,
) -> (Outcome, Option<Fit>) {
    let stations = asked(burst);
    let used = all.used();
    if stations.len() < 2 || used.is_empty() {
        return (Outcome::Untested, None);
    }
    let fit = fit(all, field, boxcars);
    // A steady source that a burst of one station weakens correlates less than beside it, not more.
    let (with, beside) = all.powers(field, fit.at);
    let most_false = most_false(burst, &stations);
    let coherent = libm::exp(fit.ln_coherence()) <= most_false && with > beside;
    // Points of the grid are not independent; a station alone has one delay with the others, of the two of a direction.
    let delays = (fit.directions / (PER_STEP * PER_STEP)).max(1.0).sqrt();
    let at = (field, fit.at);
    let here = |m: &&usize| phased::chance(all, (**m, burst.share_m.len()), at, delays) <= MOST_FALSE_STATION;
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
