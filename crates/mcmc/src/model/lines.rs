//! The lines of one species in one window, as the kernel wants them.

use crate::catalog::Line;
use crate::physics::{C_CM_S, C_KMS, FWHM_PER_SIGMA, HK_K_PER_MHZ};

/// Lines as columns of numbers, ascending in frequency.
#[derive(Debug, Clone, Default)]
pub(super) struct LineSet {
    /// Rest frequency (MHz).
    pub freq_mhz: Vec<f64>,
    /// Lower energy (K).
    pub e_low_k: Vec<f64>,
    /// `h nu / k` (K).
    pub hnu_k: Vec<f64>,
    /// Peak opacity per `N/Q exp(-E_l/kT) (1 - exp(-h nu/kT)) / FWHM` (cm^2 km/s); see [`peak_strength`].
    pub strength: Vec<f64>,
}

/// Integrated opacity per `N/Q exp(-E_l/kT) (1 - exp(-h nu/kT))` (MHz cm^2):
/// `c^2 / (8 pi nu^2) A_ul g_u`.
pub(super) fn integrated_strength(line: &Line, q_300: f64) -> f64 {
    let nu_hz = line.freq_mhz * 1.0e6;
    let per_hz = C_CM_S * C_CM_S / (8.0 * std::f64::consts::PI * nu_hz * nu_hz) * line.a_ul_g_up(q_300);
    per_hz * 1.0e-6
}

/// The same over the profile's peak: a Gaussian of area 1 and width FWHM (km/s) around `nu` peaks at
/// `FWHM_PER_SIGMA / sqrt(2 pi) c / (nu FWHM)` (1/MHz).
fn peak_strength(line: &Line, q_300: f64) -> f64 {
    let peak_kms_per_mhz = FWHM_PER_SIGMA / (2.0 * std::f64::consts::PI).sqrt() * C_KMS / line.freq_mhz;
    integrated_strength(line, q_300) * peak_kms_per_mhz
}

impl LineSet {
    pub fn new(lines: &[Line], q_300: f64) -> Self {
        Self {
            freq_mhz: lines.iter().map(|line| line.freq_mhz).collect(),
            e_low_k: lines.iter().map(Line::e_low_k).collect(),
            hnu_k: lines.iter().map(|line| HK_K_PER_MHZ * line.freq_mhz).collect(),
            strength: lines.iter().map(|line| peak_strength(line, q_300)).collect(),
        }
    }

    pub fn len(&self) -> usize {
        self.freq_mhz.len()
    }
}
