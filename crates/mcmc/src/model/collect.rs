//! Finds the lines of one species along a sight line, and their source functions.

use super::find::{Common, find};
use super::lte::{LteModel, PlannedWindow};
use super::scratch::{Active, Glow, Scratch};
use super::simd::{Lanes, MAX_LANES};
use super::vector::{EXP_LIMIT, exp, one_minus_exp_neg};
use super::voigt::{damping, reach_sigma};
use crate::physics::{C_KMS, FWHM_PER_SIGMA, HK_K_PER_MHZ};

/// The hottest source function for which lines along sight lines are cut at their share of the tolerance (K).
const HOTTEST_K: f64 = 1000.0;

/// The opacity at which lines along sight lines are cut: the same for all, so that it needs no derivative.
pub(super) fn cut(cut_k: f64) -> f64 {
    cut_k / HOTTEST_K
}

/// Writes the lines of a species that are seen in a window into the work space, from `scratch.end_active`.
#[inline(always)]
pub(super) fn collect<L: Lanes>(
    model: &LteModel,
    window: &PlannedWindow,
    (w, species): (usize, usize),
    beyond_mhz: f64,
    scratch: &mut Scratch,
) {
    let first = scratch.end_active;
    let state = scratch.states[species];
    let cut = cut(model.cut_k());
    let common = Common {
        doppler: 1.0 - state.params.v_kms / C_KMS,
        sigma_per_freq: state.params.fwhm_kms / (FWHM_PER_SIGMA * C_KMS),
        ln_cut: libm::log(cut),
        cut,
    };
    let is_voigt = model.ways.voigt[species];
    let a = if is_voigt { damping(state.params.lorentz_kms, state.params.fwhm_kms) } else { 0.0 };
    if model.ways.excitations[species].is_some() {
        excited::<L>(window, &common, (species, a), beyond_mhz, scratch);
    } else {
        // The wings of a Voigt profile decide for themselves how far they reach.
        let beyond_mhz = if is_voigt { 1.0e9 } else { beyond_mhz };
        let lines = &model.species[species].lines[w];
        let n = find::<L, true>(window, lines, &state, &common, beyond_mhz, &mut scratch.active[first..]);
        scratch.end_active = first + n;
        let (active, glows) = (&scratch.active[first..first + n], &mut scratch.glows[first..first + n]);
        for (lines, glows) in active.chunks(L::N).zip(glows.chunks_mut(L::N)) {
            source_functions::<L>(lines, cut, state.params.tex_k, glows);
        }
    }
    if is_voigt {
        reach_of_wings::<L>(window, a, beyond_mhz, first, scratch);
    }
}

/// The source functions of up to a vector of lines in LTE.
#[inline(always)]
fn source_functions<L: Lanes>(lines: &[Active], cut: f64, tex_k: f64, glows: &mut [Glow]) {
    let mut centre_mhz = [1.0; MAX_LANES];
    lines.iter().zip(&mut centre_mhz).for_each(|(line, out)| *out = line.centre_mhz);
    let (freq, per_t, one) = (L::load(&centre_mhz), L::splat(1.0 / tex_k), L::splat(1.0));
    let hnu_k = freq.mul(L::splat(HK_K_PER_MHZ));
    let x = hnu_k.mul(per_t).min(L::splat(EXP_LIMIT));
    let j_k = hnu_k.mul(exp(L::splat(0.0).sub(x))).div(one_minus_exp_neg(x));
    // dJ/dT = (J/T) (J/T + x), dJ/dnu = (J/nu) (1 - x - J/T).
    let j_per_t = j_k.mul(per_t);
    let by_tex = j_per_t.mul(j_per_t.add(x));
    let slope = j_k.div(freq).mul(one.sub(x).sub(j_per_t));
    let mut columns = [[0.0; MAX_LANES]; 3];
    [j_k, slope, by_tex].iter().zip(&mut columns).for_each(|(value, column)| value.store(column));
    for (i, glow) in glows.iter_mut().enumerate() {
        *glow = Glow {
            opacity: cut,
            emission_k: cut * columns[0][i],
            slope_k_per_mhz: cut * columns[1][i],
            by_tex: cut * columns[2][i],
            line: 0,
        };
    }
}

/// The lines of a species with an excitation of its own.
#[inline(always)]
fn excited<L: Lanes>(
    window: &PlannedWindow,
    common: &Common,
    (species, a): (usize, f64),
    beyond_mhz: f64,
    scratch: &mut Scratch,
) {
    let Scratch { excited, active, glows, end_active, .. } = scratch;
    let Some(excited) = &excited[species] else { return };
    for (index, (line, rest_mhz)) in excited.lines.iter().zip(&excited.freq_mhz).enumerate() {
        let strength = line.strength();
        // Stronger than the cut, and a number.
        if !matches!(strength.partial_cmp(&common.cut), Some(std::cmp::Ordering::Greater)) {
            continue;
        }
        let z0 = libm::log(strength) - common.ln_cut;
        let centre_mhz = rest_mhz * common.doppler;
        let sigma_mhz = centre_mhz * common.sigma_per_freq;
        let reach_mhz = reach_sigma(z0, a) * sigma_mhz + beyond_mhz;
        let (first, end) = window.grid.vectors(centre_mhz - reach_mhz, centre_mhz + reach_mhz, L::N);
        if first < end {
            active[*end_active] =
                Active { z0, centre_mhz, per_sigma: 1.0 / sigma_mhz, by_tex: 0.0, first, end };
            let opacity = common.cut * line.tau / strength;
            let emission_k = common.cut * line.emission_k / strength;
            glows[*end_active] =
                Glow { opacity, emission_k, slope_k_per_mhz: 0.0, by_tex: 0.0, line: index as u32 };
            *end_active += 1;
        }
    }
}

/// Which channels the wings of Voigt profiles reach.
#[inline(always)]
fn reach_of_wings<L: Lanes>(
    window: &PlannedWindow,
    a: f64,
    beyond_mhz: f64,
    first: usize,
    scratch: &mut Scratch,
) {
    let Scratch { active, glows, end_active, .. } = scratch;
    let mut n = first;
    for i in first..*end_active {
        let mut line = active[i];
        let reach_mhz = reach_sigma(line.z0, a) / line.per_sigma + beyond_mhz;
        (line.first, line.end) =
            window.grid.vectors(line.centre_mhz - reach_mhz, line.centre_mhz + reach_mhz, L::N);
        if line.first < line.end {
            active[n] = line;
            glows[n] = glows[i];
            n += 1;
        }
    }
    *end_active = n;
}
