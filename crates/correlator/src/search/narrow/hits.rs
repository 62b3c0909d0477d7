//! Signals that a unit found: numbered, with the powers around them.

use super::super::chance::{ln_chance_of_alike, ln_joint, power_of};
use super::find::Line;
use super::grid::STEPS;
use super::tracks::Track;
use super::verdict::{Outcome, Verdict};
use serde::{Deserialize, Serialize};

/// Channels to either side of a line that are kept for its picture.
pub const PICTURE_HALF: usize = 40;
/// Signals of a unit that did not pass and have pictures.
const MOST_PICTURES: usize = 8;
/// Steps over a stretch within which the lines of two stations are one signal.
const SAME_STEPS: i64 = 3 * STEPS as i64;

/// A signal at one station or in the sum of all, with its outcome.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Hit {
    /// Place of the station among the band's; `None`: the powers of all of them together.
    pub member: Option<usize>,
    /// The line; `first` is in steps from the band's lower edge here.
    pub line: Line,
    /// Natural logarithm of the probability that noise has such powers on one line, with what stations have in common.
    pub ln_powers: f64,
    /// Sum of the powers of all stations along the line, and how many these are.
    pub all: (f64, usize),
    /// Natural logarithm of the probability that noise has such powers on one line and is as coherent.
    pub ln_joint: f64,
    /// Outcome of the cross test.
    pub outcome: Outcome,
    /// z of the other stations at the best direction, by member.
    pub z_m: Vec<f64>,
    /// Probability that noise correlates as much anywhere in the field.
    pub cross_false_alarm: f64,
    /// Best direction: direction cosines from the pointing.
    pub at: Option<[f64; 2]>,
    /// Errors of l and m, and their correlation.
    pub error: Option<[f64; 3]>,
    /// Stations, closure phase and its error in degrees.
    pub closures: Vec<([usize; 3], f64, f64)>,
    /// Number of the signal in its unit: hits of several stations that are one have the same.
    pub signal: usize,
    /// Powers around the line by member, spectrum and channel ([`PICTURE_HALF`] to either side of the line's middle).
    pub picture_mtf: Vec<f32>,
}

impl Hit {
    /// The hit of a line whose steps are counted from `first_step`; lines are looked at that noise makes with a probability of at most
    /// exp(`ln_first`).
    pub(super) fn new(
        (member, line): (Option<usize>, &Line),
        track: &Track,
        verdict: Verdict,
        (first_step, ln_first): (i64, f64),
    ) -> Self {
        let mut line = *line;
        // A line of a unit's own begins in the band, or a margin below it: never far below 0.
        line.first = (line.first as i64 + first_step).max(0) as usize;
        let powers = (0..track.z_mtk.len()).map(|m| track.power(m, 0));
        let fit = verdict.fit.as_ref();
        let (ln_powers, ln_first) = of_noise(member, &line, track, ln_first);
        let ln_joint = ln_joint(ln_powers, fit.map_or(0.0, |f| f.ln_coherence), ln_first);
        Self {
            member,
            line,
            ln_powers,
            ln_joint,
            all: powers.fold((0.0, 0), |a, p| (a.0 + p.0, a.1 + p.1)),
            outcome: verdict.outcome,
            z_m: verdict.z_m,
            cross_false_alarm: fit.map_or(1.0, |f| f.false_alarm),
            at: fit.filter(|f| f.error.is_some()).map(|f| f.at),
            error: fit.and_then(|f| f.error),
            closures: verdict.closures,
            signal: 0,
            picture_mtf: Vec::new(),
        }
    }
}

/// Natural logarithms of the probabilities that noise has the powers of a line, and the least powers that are looked at: those of all stations
/// together scatter more where stations have noise in common.
fn of_noise(member: Option<usize>, line: &Line, track: &Track, ln_first: f64) -> (f64, f64) {
    let Some(common) = track.common.as_ref().filter(|_| member.is_none()) else {
        return (line.ln_chance(), ln_first);
    };
    let of = |sum: f64| ln_chance_of_alike((line.used, track.stations()), common.coherence, sum);
    (of(line.sum), of(power_of(line.used, ln_first)))
}

/// Gives hits of several stations that are one signal the same number: what passes is the strongest's, and those that follow its line.
pub(super) fn number(hits: &mut [Hit], spectra: usize) {
    let mut order: Vec<usize> = (0..hits.len()).collect();
    order.sort_by(|&i, &j| hits[i].line.ln_chance().total_cmp(&hits[j].line.ln_chance()));
    let mut firsts: Vec<usize> = Vec::new();
    for &i in &order {
        let same = |&j: &usize| {
            let near = |t: usize| {
                let apart = hits[i].line.step(spectra, t) - hits[j].line.step(spectra, t);
                apart.abs() <= SAME_STEPS
            };
            hits[i].member != hits[j].member
                && hits[i].outcome == Outcome::Passes
                && hits[j].outcome == Outcome::Passes
                && near(0)
                && near(spectra - 1)
        };
        match firsts.iter().position(same) {
            Some(signal) => hits[i].signal = signal,
            None => {
                hits[i].signal = firsts.len();
                firsts.push(i);
            }
        }
    }
}

/// Keeps the powers around what passes, and around the strongest of the others; `track(i, half)` makes the spectra around hit `i`, so many
/// steps to either side.
pub(super) fn keep_pictures(hits: &mut [Hit], lines: &[Line], track: &mut dyn FnMut(usize, usize) -> Track) {
    let mut others: Vec<usize> = (0..hits.len()).filter(|&i| hits[i].outcome != Outcome::Passes).collect();
    others.sort_by(|&i, &j| hits[i].line.ln_chance().total_cmp(&hits[j].line.ln_chance()));
    let strongest = &others[..others.len().min(MOST_PICTURES)];
    for i in 0..hits.len() {
        if hits[i].outcome == Outcome::Passes || strongest.contains(&i) {
            // Pictures show what is around the middle of a line: further from its ends.
            let half = STEPS * PICTURE_HALF + lines[i].drift.unsigned_abs() as usize / 2 + 1;
            hits[i].picture_mtf = picture(&lines[i], &track(i, half));
        }
    }
}

/// Powers around a line's middle, in place of around the line.
fn picture(line: &Line, track: &Track) -> Vec<f32> {
    let half = PICTURE_HALF as i64;
    let mut powers = Vec::new();
    for member in 0..track.z_mtk.len() {
        for t in 0..track.spectra {
            let above = line.middle() - line.step(track.spectra, t);
            let at = |k: i64| track.at(member, t, above + k * STEPS as i64).norm_sqr();
            powers.extend((-half..=half).map(at));
        }
    }
    powers
}
