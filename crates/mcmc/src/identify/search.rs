//! Takes species one by one, the one that explains most of what is left first.

use super::Data;
use super::candidate::{Candidate, State};
use super::gain::gain;
use super::refine::{Freedom, refine};

/// An accepted species.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// Its place among the candidates.
    pub candidate: usize,
    /// Its parameters.
    pub state: State,
    /// What it explains: signal to noise squared.
    pub gain: f64,
    /// Lines that are expected above the threshold, and how many of them are in the data.
    pub lines: (usize, usize),
}

/// What is known before the search.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// Velocity of the source (km/s).
    pub v_kms: f64,
    /// Typical width of its lines (km/s).
    pub fwhm_kms: f64,
    /// Most species that are taken.
    pub most: usize,
    /// Part of the expected lines that must be there.
    pub part_found: f64,
    /// Emission or absorption.
    pub side: Side,
}

/// Lines brighter than what is behind them, or darker; the data of the latter come with their sign turned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Brighter.
    Emission,
    /// Darker: a layer in front of the continuum, or of other lines.
    Absorption,
}

impl Side {
    /// A word for tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Emission => "emission",
            Self::Absorption => "absorption",
        }
    }

    /// Temperatures (K) at which species are looked for: what absorbs is cold.
    fn tex_k(self) -> &'static [f64] {
        match self {
            Self::Emission => &[20.0, 50.0, 100.0, 180.0, 300.0],
            Self::Absorption => &[10.0, 20.0, 50.0, 120.0],
        }
    }

    /// The temperature (K) at which the velocity is looked for.
    fn typical_k(self) -> f64 {
        match self {
            Self::Emission => 120.0,
            Self::Absorption => 20.0,
        }
    }

    /// The largest filled part of the beam. An opaque line takes away the continuum, whatever its own temperature would give.
    pub(super) fn most_filling(self) -> f64 {
        match self {
            Self::Emission => 1.0,
            Self::Absorption => 1.0e4,
        }
    }
}

/// Opacities of the strongest line at which species are looked for.
const PEAK_TAU: [f64; 4] = [0.05, 0.7, 3.0, 15.0];
/// Offsets from the velocity of the source, in FWHM.
const OFFSETS_FWHM: [f64; 5] = [0.0, 0.3, -0.3, 0.6, -0.6];
/// Offsets beyond this (in FWHM) make a species less likely.
const OFFSET_SIGMA: f64 = 0.5;
/// A line is there where the data have at least this part of what is expected, but for the noise.
const THERE: f64 = 0.5;

/// The velocity (km/s) within a range at which the candidates together explain most, at one temperature.
pub fn find_velocity(
    data: &Data,
    candidates: &mut [Candidate],
    side: Side,
    range_kms: (f64, f64),
    fwhm_kms: f64,
) -> f64 {
    let n = ((range_kms.1 - range_kms.0) / (0.4 * fwhm_kms)).ceil().clamp(1.0, 400.0) as usize;
    let mut model_k = vec![0.0; data.t_k.len()];
    let mut score = |v_kms: f64| -> f64 {
        let mut sum = 0.0;
        for candidate in candidates.iter_mut() {
            let tex_k = side.typical_k().clamp(candidate.t_range_k.0, candidate.t_range_k.1);
            let mut best = 0.0f64;
            for peak_tau in [0.1, 3.0] {
                let mut state = State { log10_n: 0.0, tex_k, fwhm_kms, v_kms, filling: 1.0 };
                let Some(log10_n) = candidate.log10_n_of(peak_tau, &state) else { continue };
                state.log10_n = log10_n;
                if candidate.spectrum(&state, &mut model_k) {
                    best = best.max(gain(&data.t_k, &data.per_k, &model_k, f64::INFINITY).1);
                }
            }
            sum += best;
        }
        sum
    };
    let at = |i: usize| range_kms.0 + (range_kms.1 - range_kms.0) * i as f64 / n as f64;
    let scored = (0..=n).map(|i| (at(i), score(at(i))));
    scored.max_by(|a, b| a.1.total_cmp(&b.1)).map_or(0.0, |best| best.0)
}

/// The species that are in the data, strongest first.
pub fn search(data: &Data, candidates: &mut [Candidate], settings: &Settings) -> Vec<Found> {
    let (v_kms, fwhm_kms) = (settings.v_kms, settings.fwhm_kms);
    let freedom = Freedom { v_kms: (v_kms, fwhm_kms), fwhm_kms, most_filling: settings.side.most_filling() };
    let least = data.threshold * data.threshold * LEAST_GAIN;
    let mut found: Vec<Found> = Vec::new();
    let mut refused: Vec<usize> = Vec::new();
    let mut left = data.clone();
    let mut bounds: Vec<f64> = vec![f64::INFINITY; candidates.len()];
    while found.len() < settings.most {
        let Some(next) = best(&left, candidates, settings, &mut bounds, &refused) else { break };
        if next.gain < least {
            break;
        }
        refused.push(next.candidate);
        found.push(next);
        refine(data, candidates, &mut found, &freedom);
        check(data, candidates, &mut found, settings, least);
        left.t_k = residual(data, candidates, &found);
        // What has been refined may have given back what others explain.
        bounds.iter_mut().for_each(|bound| *bound *= 1.2);
    }
    refine(data, candidates, &mut found, &freedom);
    check(data, candidates, &mut found, settings, least);
    found.sort_by(|a, b| b.gain.total_cmp(&a.gain));
    found
}

/// A species must explain this many times the square of the threshold.
const LEAST_GAIN: f64 = 2.0;

/// The data without the model of the species so far.
pub(super) fn residual(data: &Data, candidates: &mut [Candidate], found: &[Found]) -> Vec<f64> {
    let mut left = data.t_k.clone();
    let mut model_k = vec![0.0; left.len()];
    for f in found {
        if candidates[f.candidate].spectrum(&f.state, &mut model_k) {
            left.iter_mut().zip(&model_k).for_each(|(t, m)| *t -= m);
        }
    }
    left
}

/// The candidate that explains most. `bounds` hold what each explained when it was last computed: as data are taken away it
/// can only explain less, and is computed again only where it might still be the best.
fn best(
    data: &Data,
    candidates: &mut [Candidate],
    settings: &Settings,
    bounds: &mut [f64],
    refused: &[usize],
) -> Option<Found> {
    let mut order: Vec<usize> = (0..candidates.len()).filter(|k| !refused.contains(k)).collect();
    order.sort_by(|&a, &b| bounds[b].total_cmp(&bounds[a]));
    let mut best: Option<Found> = None;
    for k in order {
        if best.as_ref().is_some_and(|b| b.gain >= bounds[k]) {
            break;
        }
        let explained = explain(data, &mut candidates[k], settings);
        bounds[k] = explained.map_or(0.0, |e| e.1);
        if let Some((state, gain)) = explained
            && best.as_ref().is_none_or(|b| gain > b.gain)
        {
            best = Some(Found { candidate: k, state, gain, lines: (0, 0) });
        }
    }
    best
}

/// The state in which a candidate explains most, and how much.
fn explain(data: &Data, candidate: &mut Candidate, settings: &Settings) -> Option<(State, f64)> {
    let mut model_k = vec![0.0; data.t_k.len()];
    let mut best: Option<(State, f64)> = None;
    let (low, high) = candidate.t_range_k;
    for tex_k in settings.side.tex_k().iter().filter(|t| (low..=high).contains(*t)) {
        for offset in OFFSETS_FWHM {
            let v_kms = settings.v_kms + offset * settings.fwhm_kms;
            let likely = (-0.5 * (offset / OFFSET_SIGMA).powi(2)).exp();
            let mut state =
                State { log10_n: 0.0, tex_k: *tex_k, fwhm_kms: settings.fwhm_kms, v_kms, filling: 1.0 };
            for peak_tau in PEAK_TAU {
                let Some(log10_n) = candidate.log10_n_of(peak_tau, &state) else { continue };
                state.log10_n = log10_n;
                if !candidate.spectrum(&state, &mut model_k) {
                    continue;
                }
                let (filling, explained) =
                    gain(&data.t_k, &data.per_k, &model_k, settings.side.most_filling());
                if explained * likely > best.map_or(0.0, |b| b.1) {
                    best = Some((State { filling, ..state }, explained * likely));
                }
                state.filling = 1.0;
            }
        }
    }
    best
}

/// Counts the lines of each species and what it explains of the data without the others; drops those that explain too
/// little, or of which too few lines are there.
fn check(data: &Data, candidates: &mut [Candidate], found: &mut Vec<Found>, settings: &Settings, least: f64) {
    let all = residual(data, candidates, found);
    let mut own_k = vec![0.0; data.t_k.len()];
    for f in found.iter_mut() {
        let candidate = &mut candidates[f.candidate];
        candidate.spectrum(&f.state, &mut own_k);
        let without_others: Vec<f64> = all.iter().zip(&own_k).map(|(left, own)| left + own).collect();
        f.gain = own_k
            .iter()
            .zip(&without_others)
            .zip(&data.per_k)
            .map(|((m, d), w)| m * (2.0 * d.min(*m) - m) * w * w)
            .sum();
        f.lines = count_lines(data, &without_others, candidate, &f.state);
    }
    found.retain(|f| {
        f.gain >= least && f.lines.1 as f64 >= settings.part_found * f.lines.0 as f64 && f.lines.1 > 0
    });
}

/// How many lines are expected above the threshold, and how many of them `left_k` has: peaks of the species' model, so
/// that lines which run into one count once.
pub(super) fn count_lines(
    data: &Data,
    left_k: &[f64],
    candidate: &mut Candidate,
    state: &State,
) -> (usize, usize) {
    let mut own_k = vec![0.0; data.t_k.len()];
    candidate.spectrum(state, &mut own_k);
    let n = own_k.len();
    let (mut expected, mut there) = (0, 0);
    for i in 0..n {
        let signal = own_k[i] * data.per_k[i];
        let is_top = (i == 0 || own_k[i] > own_k[i - 1]) && (i + 1 == n || own_k[i] >= own_k[i + 1]);
        if signal < data.threshold || !is_top {
            continue;
        }
        expected += 1;
        // The brightest of the neighbours: frequencies are known to a part of a channel.
        let near = i.saturating_sub(1)..(i + 2).min(n);
        let brightest = left_k[near].iter().copied().fold(f64::NEG_INFINITY, f64::max);
        there += usize::from(brightest >= THERE * own_k[i]);
    }
    (expected, there)
}
