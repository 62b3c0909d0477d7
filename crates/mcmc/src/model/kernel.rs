//! The inner loops: opacity of a species in a window, and its brightness temperature.

use super::exp::{exp, one_minus_exp_neg};
use super::lines::LineSet;
use super::lte::PlannedWindow;
use super::params::SpeciesParams;
use crate::physics::{C_KMS, FWHM_PER_SIGMA};

/// Channels that are marked together as touched by a line.
const BLOCK: usize = 8;
/// Channels that the recurrence works on at once.
const LANES: usize = 4;
/// Channel width over sigma above which a profile is so narrow that it is computed channel by channel.
const NARROW: f64 = 2.0;
/// The share of the tolerance that one cut wing, or one line left out, may take.
const TOLERANCE_SHARE: f64 = 0.05;

/// Work space for the opacity of one species in one window.
#[derive(Debug, Clone)]
pub(super) struct OpacityScratch {
    /// Opacity a channel, with room behind the last for a whole block.
    tau: Vec<f64>,
    /// Whether a block has opacity.
    touched: Vec<bool>,
    /// Peak opacity a line.
    peak: Vec<f64>,
}

impl OpacityScratch {
    pub fn new(n_channels: usize, n_lines: usize) -> Self {
        let n_blocks = n_channels.div_ceil(BLOCK) + 1;
        Self { tau: vec![0.0; n_blocks * BLOCK], touched: vec![false; n_blocks], peak: vec![0.0; n_lines] }
    }

    fn mark(&mut self, first: usize, last: usize) {
        self.touched[first / BLOCK..=last / BLOCK].fill(true);
    }
}

/// Rough ln(x) for positive x: at most 0.06 too large, never too small.
fn ln_above(x: f64) -> f64 {
    let bits = x.to_bits() >> 32;
    // Exponent and mantissa read as one number are log2 with the mantissa linear: 0 to 0.0861 too small.
    let log2 = bits as f64 / f64::from(1u32 << 20) - 1023.0;
    (log2 + 0.0862) * std::f64::consts::LN_2
}

/// Computes the opacity of a species in a window into the scratch; whether there is any worth adding.
/// `scale` is ln(N/Q) (cm^-2) and the tolerance (K) for cut wings.
pub(super) fn add_opacity(
    window: &PlannedWindow,
    lines: &LineSet,
    params: &SpeciesParams,
    scale: (f64, f64),
    scratch: &mut OpacityScratch,
) -> bool {
    let (ln_n_over_q, tolerance_k) = scale;
    let largest_k = window
        .segments
        .iter()
        .map(|segment| segment.cubic(params.tex_k, params.theta_arcsec).largest_k)
        .fold(0.0, f64::max);
    if lines.len() == 0 || largest_k == 0.0 {
        return false;
    }
    // A line matters where its opacity exceeds this: 1 - exp(-tau) never changes faster than tau.
    let tau_min = TOLERANCE_SHARE * tolerance_k / largest_k;
    peak_opacities(lines, params, ln_n_over_q, &mut scratch.peak[..lines.len()]);
    scratch.tau.fill(0.0);
    scratch.touched.fill(false);
    let doppler = 1.0 - params.v_kms / C_KMS;
    let sigma_per_freq = params.fwhm_kms / (FWHM_PER_SIGMA * C_KMS);
    let mut any = false;
    for (i, freq_mhz) in lines.freq_mhz.iter().enumerate() {
        let peak = scratch.peak[i];
        if peak > tau_min {
            // Beyond this many sigma, exp(-x^2/2) peak < tau_min: the cut grows with the opacity.
            let cut = (2.0 * ln_above(peak / tau_min)).sqrt();
            let centre_mhz = freq_mhz * doppler;
            let line = Profile { peak, centre_mhz, sigma_mhz: sigma_per_freq * centre_mhz, cut };
            any |= match window.grid.even {
                Some((first_mhz, step_mhz)) => line.add_even(first_mhz, step_mhz, window.grid.len(), scratch),
                None => line.add_uneven(&window.grid.freq_mhz, scratch),
            };
        }
    }
    any
}

/// Peak opacity of every line.
fn peak_opacities(lines: &LineSet, params: &SpeciesParams, ln_n_over_q: f64, peak: &mut [f64]) {
    let per_t = 1.0 / params.tex_k;
    // The profile's width in frequency is that at the shifted centre.
    let scale = 1.0 / (params.fwhm_kms * (1.0 - params.v_kms / C_KMS));
    let columns = lines.e_low_k.iter().zip(&lines.hnu_k).zip(&lines.strength);
    for (peak, ((e_low_k, hnu_k), strength)) in peak.iter_mut().zip(columns) {
        let population = exp(ln_n_over_q - e_low_k * per_t);
        *peak = scale * strength * population * one_minus_exp_neg(hnu_k * per_t);
    }
}

/// One Gaussian opacity profile.
struct Profile {
    peak: f64,
    centre_mhz: f64,
    sigma_mhz: f64,
    /// Where it is cut, in sigma.
    cut: f64,
}

impl Profile {
    /// Adds the profile to the channels of an even grid; whether it touches any.
    fn add_even(&self, first_mhz: f64, step_mhz: f64, n: usize, scratch: &mut OpacityScratch) -> bool {
        // Channel width and distance of the centre, in sigma and in channels.
        let d = step_mhz / self.sigma_mhz;
        let centre = (self.centre_mhz - first_mhz) / step_mhz;
        let reach = self.cut / d;
        let (low, high) = ((centre - reach).ceil().max(0.0), (centre + reach).floor());
        if low > high.min((n - 1) as f64) {
            return false;
        }
        let (first, last) = (low as usize, (high as usize).min(n - 1));
        scratch.mark(first, last);
        let x = (low - centre) * d;
        if d > NARROW {
            for (i, tau) in scratch.tau[first..=last].iter_mut().enumerate() {
                let x = x + d * i as f64;
                *tau += self.peak * exp(-0.5 * x * x);
            }
        } else {
            // Runs over the end by up to LANES - 1 channels: true values too, in the same or a spare block.
            let end = first + (last + 1 - first).next_multiple_of(LANES);
            self.recur(x, d, &mut scratch.tau[first..end]);
        }
        true
    }

    /// Adds `peak exp(-(x + i d)^2 / 2)` to the i-th value by recurrence, four values at a time:
    /// `g(i + 4) = g(i) R(i)`, `R(i + 4) = R(i) q^16`, with `q = exp(-d^2)`.
    #[inline(always)]
    fn recur(&self, x: f64, d: f64, tau: &mut [f64]) {
        let half = exp(-0.5 * d * d);
        let q = half * half;
        let mut g = [self.peak * exp(-0.5 * x * x); LANES];
        let mut ratio = exp(-x * d) * half;
        let mut ratios = [ratio; 2 * LANES - 1];
        for i in 0..2 * LANES - 2 {
            if i < LANES - 1 {
                g[i + 1] = g[i] * ratio;
            }
            ratio *= q;
            ratios[i + 1] = ratio;
        }
        let mut step = [0.0; LANES];
        for i in 0..LANES {
            step[i] = (ratios[i] * ratios[i + 1]) * (ratios[i + 2] * ratios[i + 3]);
        }
        let (q2, q4) = (q * q, (q * q) * (q * q));
        let q16 = (q4 * q4) * (q4 * (q2 * q2));
        for tau in tau.chunks_exact_mut(LANES) {
            for i in 0..LANES {
                tau[i] += g[i];
                g[i] *= step[i];
                step[i] *= q16;
            }
        }
    }

    /// Adds the profile to channels at any frequencies; whether it touches any.
    fn add_uneven(&self, freq_mhz: &[f64], scratch: &mut OpacityScratch) -> bool {
        let reach_mhz = self.cut * self.sigma_mhz;
        let first = freq_mhz.partition_point(|f| *f < self.centre_mhz - reach_mhz);
        let end = freq_mhz.partition_point(|f| *f <= self.centre_mhz + reach_mhz);
        if first >= end {
            return false;
        }
        scratch.mark(first, end - 1);
        let per_sigma = 1.0 / self.sigma_mhz;
        for (tau, f) in scratch.tau[first..end].iter_mut().zip(&freq_mhz[first..end]) {
            let x = (f - self.centre_mhz) * per_sigma;
            *tau += self.peak * exp(-0.5 * x * x);
        }
        true
    }
}

/// Adds `eta (J(Tex) - J(Tbg)) (1 - exp(-tau))` to a window's channels, where there is opacity.
pub(super) fn add_brightness(
    window: &PlannedWindow,
    params: &SpeciesParams,
    scratch: &OpacityScratch,
    out_t_k: &mut [f64],
) {
    for segment in &window.segments {
        let cubic = segment.cubic(params.tex_k, params.theta_arcsec);
        for block in segment.start / BLOCK..segment.end.div_ceil(BLOCK) {
            if !scratch.touched[block] {
                continue;
            }
            let first = (block * BLOCK).max(segment.start);
            let end = ((block + 1) * BLOCK).min(segment.end);
            let (freq, tau) = (&window.grid.freq_mhz[first..end], &scratch.tau[first..end]);
            for ((out, f), tau) in out_t_k[first..end].iter_mut().zip(freq).zip(tau) {
                *out += cubic.at(*f) * one_minus_exp_neg(*tau);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rough_logarithm_is_a_bound() {
        for i in -3000..3000 {
            let x = 10f64.powf(f64::from(i) * 0.01);
            let excess = ln_above(x) - x.ln();
            assert!((0.0..0.061).contains(&excess), "{x}: {excess}");
        }
    }

    #[test]
    fn recurrence_is_the_gaussian() {
        for d in [0.003, 0.05, 0.4, 1.1, 2.0] {
            let profile = Profile { peak: 50.0, centre_mhz: 0.0, sigma_mhz: 1.0, cut: 7.0 };
            let n = ((14.0 / d) as usize).next_multiple_of(LANES);
            let mut tau = vec![0.0; n];
            profile.recur(-7.0, d, &mut tau);
            for (i, tau) in tau.iter().enumerate() {
                let x = -7.0 + d * i as f64;
                let exact = 50.0 * (-0.5 * x * x).exp();
                assert!((tau - exact).abs() < 1e-9 * exact.max(1e-3), "d {d}, x {x}: {tau} {exact}");
            }
        }
    }
}
