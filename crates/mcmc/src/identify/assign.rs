//! Says of each peak which lines of the accepted species it is, and what else it could be.

use super::Data;
use super::candidate::{Candidate, State};
use super::peaks::Peak;
use super::search::{Found, count_lines, residual};
use crate::model::Transition;
use crate::physics::C_KMS;

/// What a species has at a peak.
#[derive(Debug, Clone, PartialEq)]
pub struct Share {
    /// Place of the species among the candidates.
    pub candidate: usize,
    /// Model of the species (K) at the peak.
    pub model_k: f64,
    /// Its strongest line near the peak.
    pub line: Option<Transition>,
}

/// A peak with what it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Assignment {
    /// The peak.
    pub peak: Peak,
    /// Index of its window.
    pub window: usize,
    /// Species that have a notable part of it, the largest first.
    pub shares: Vec<Share>,
    /// Model of all species (K) at the peak.
    pub model_k: f64,
    /// Not identified: species that could have a line here (place, expected lines, lines that are there), the most likely
    /// first.
    pub possible: Vec<(usize, usize, usize)>,
}

impl Assignment {
    /// Whether accepted species explain the peak.
    pub fn is_identified(&self) -> bool {
        self.model_k >= EXPLAINED * self.peak.t_k && !self.shares.is_empty()
    }
}

/// A species with this part of a peak is named.
const NAMED: f64 = 0.2;
/// Species together explain a peak from this part on.
const EXPLAINED: f64 = 0.5;
/// How far from a peak its line may be (in the lines' FWHM, and in channels).
const NEAR_FWHM: f64 = 0.7;
const NEAR_CHANNELS: f64 = 0.8;
/// How many possibilities are told.
const POSSIBLE: usize = 3;

/// Assigns all peaks (with their windows' indices).
pub fn assign(
    data: &Data,
    candidates: &mut [Candidate],
    found: &[Found],
    peaks: Vec<(usize, Peak)>,
    (v_kms, fwhm_kms): (f64, f64),
) -> Vec<Assignment> {
    let mut spectra: Vec<Vec<f64>> = Vec::new();
    let mut lines: Vec<Vec<Transition>> = Vec::new();
    for f in found {
        let mut model_k = vec![0.0; data.t_k.len()];
        candidates[f.candidate].spectrum(&f.state, &mut model_k);
        spectra.push(model_k);
        lines.push(candidates[f.candidate].transitions(&f.state));
    }
    let left = residual(data, candidates, found);
    let firsts: Vec<usize> = data
        .windows
        .iter()
        .scan(0, |first, w| {
            let this = *first;
            *first += w.freq_mhz.len();
            Some(this)
        })
        .collect();
    let mut all = Vec::new();
    for (window, peak) in peaks {
        let channel = firsts[window] + peak.channel;
        let near_mhz = tolerance_mhz(data, window, &peak, fwhm_kms);
        let share = |k: usize| Share {
            candidate: found[k].candidate,
            model_k: spectra[k][channel],
            line: nearest(&lines[k], window, peak.freq_mhz, near_mhz),
        };
        let mut shares: Vec<Share> =
            (0..found.len()).map(share).filter(|s| s.model_k >= NAMED * peak.t_k).collect();
        shares.sort_by(|a, b| b.model_k.total_cmp(&a.model_k));
        let model_k = spectra.iter().map(|s| s[channel]).sum();
        let mut assignment = Assignment { peak, window, shares, model_k, possible: Vec::new() };
        if !assignment.is_identified() {
            let taken = |k: &usize| found.iter().all(|f| f.candidate != *k);
            let others: Vec<usize> = (0..candidates.len()).filter(taken).collect();
            let state = State { log10_n: 0.0, tex_k: 0.0, fwhm_kms, v_kms, filling: 1.0 };
            assignment.possible =
                possible(data, candidates, &others, (&left, &assignment.peak, near_mhz, state));
        }
        all.push(assignment);
    }
    all
}

fn tolerance_mhz(data: &Data, window: usize, peak: &Peak, fwhm_kms: f64) -> f64 {
    let freq = &data.windows[window].freq_mhz;
    let step = (freq[freq.len() - 1] - freq[0]) / (freq.len() - 1).max(1) as f64;
    (NEAR_FWHM * fwhm_kms / C_KMS * peak.freq_mhz).max(NEAR_CHANNELS * step)
}

/// The strongest line within a distance of a frequency.
fn nearest(lines: &[Transition], window: usize, freq_mhz: f64, near_mhz: f64) -> Option<Transition> {
    let close = |t: &&Transition| t.window == window && (t.observed_mhz - freq_mhz).abs() <= near_mhz;
    lines.iter().filter(close).max_by(|a, b| a.peak_k.total_cmp(&b.peak_k)).cloned()
}

/// Species that have a line at a peak, with how many of the lines that they would show then are there.
fn possible(
    data: &Data,
    candidates: &mut [Candidate],
    others: &[usize],
    (left, peak, near_mhz, state): (&[f64], &Peak, f64, State),
) -> Vec<(usize, usize, usize)> {
    let mut all = Vec::new();
    for &k in others {
        let candidate = &mut candidates[k];
        let mut best: Option<(usize, usize)> = None;
        for tex_k in [30.0, 100.0, 200.0] {
            let tex_k = f64::clamp(tex_k, candidate.t_range_k.0, candidate.t_range_k.1);
            let Some(log10_n) = candidate.log10_n_of(0.1, &State { tex_k, ..state }) else { continue };
            let mut at = State { tex_k, log10_n, ..state };
            let lines = candidate.transitions(&at);
            let close = |t: &&Transition| (t.observed_mhz - peak.freq_mhz).abs() <= near_mhz;
            let strongest = lines.iter().filter(close).map(|t| t.peak_k).fold(0.0, f64::max);
            let brightest = lines.iter().map(|t| t.peak_k).fold(0.0, f64::max);
            // A line that is weak among its species' own would need the others to be seen all over the spectrum.
            if strongest < 0.02 * brightest || strongest <= 0.0 {
                continue;
            }
            at.filling = peak.t_k / strongest;
            let (expected, there) = count_lines(data, left, candidate, &at);
            let better = |b: (usize, usize)| there * b.0.max(1) > b.1 * expected.max(1);
            if best.is_none_or(better) {
                best = Some((expected, there));
            }
        }
        all.extend(best.map(|(expected, there)| (k, expected, there)));
    }
    let part = |(_, expected, there): &(usize, usize, usize)| *there as f64 / (*expected).max(1) as f64;
    all.sort_by(|a, b| part(b).total_cmp(&part(a)).then(b.2.cmp(&a.2)));
    all.truncate(POSSIBLE);
    all
}
