//! The lines of one species in one window, as the kernel wants them.

use super::amplitude::{N_NODES, NODES};
use super::simd::MAX_LANES;
use crate::catalog::Line;
use crate::physics::{C_CM_S, C_KMS, FWHM_PER_SIGMA, HK_K_PER_MHZ};

/// Lines as columns of numbers, ascending in frequency, padded to whole vectors with lines that are
/// never seen.
#[derive(Debug, Clone, Default)]
pub(super) struct LineSet {
    /// Number of lines, without the padding.
    n: usize,
    /// Rest frequency (MHz).
    pub freq_mhz: Vec<f64>,
    /// Its inverse (1/MHz).
    pub per_freq: Vec<f64>,
    /// Lower energy (K).
    pub e_low_k: Vec<f64>,
    /// `h nu / k` (K).
    pub hnu_k: Vec<f64>,
    /// ln of the peak opacity per `N/Q exp(-E_l/kT) (1 - exp(-h nu/kT)) / FWHM` (cm^2 km/s); see [`peak_strength`].
    pub ln_strength: Vec<f64>,
    /// Where they lie within a small range of frequency.
    pub span: Option<Span>,
}

/// A range of frequency over which functions of `h nu/kT` are cubics.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    pub mid_mhz: f64,
    pub per_half_mhz: f64,
    /// `h nu / k` (K) at the nodes of a cubic, twice over.
    pub hnu_k: [f64; MAX_LANES],
}

/// The widest range, relative to its frequency: a cubic is right to 4e-10 over it.
const SPAN: f64 = 0.02;

impl Span {
    /// Of lines that ascend in frequency.
    fn of(lines: &[Line]) -> Option<Self> {
        let (low, high) = (lines.first()?.freq_mhz, lines.last()?.freq_mhz);
        // A single line has no width: any positive one will do.
        let (mid_mhz, half_mhz) = (0.5 * (low + high), (0.5 * (high - low)).max(1.0e-9 * high));
        let node = |i: usize| HK_K_PER_MHZ * (mid_mhz + half_mhz * NODES[i % N_NODES]);
        let hnu_k = std::array::from_fn(node);
        (high <= low * (1.0 + SPAN)).then_some(Self { mid_mhz, per_half_mhz: 1.0 / half_mhz, hnu_k })
    }
}

/// ln of the strength of the lines of the padding: no column makes it seen.
const NEVER: f64 = -1.0e30;

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
        let column = |value: &dyn Fn(&Line) -> f64, padding: f64| -> Vec<f64> {
            let mut column: Vec<f64> = lines.iter().map(value).collect();
            column.resize(lines.len().next_multiple_of(MAX_LANES), padding);
            column
        };
        Self {
            n: lines.len(),
            freq_mhz: column(&|line| line.freq_mhz, 1.0),
            per_freq: column(&|line| 1.0 / line.freq_mhz, 1.0),
            e_low_k: column(&Line::e_low_k, 0.0),
            hnu_k: column(&|line| HK_K_PER_MHZ * line.freq_mhz, 1.0),
            ln_strength: column(&|line| libm::log(peak_strength(line, q_300)), NEVER),
            span: Span::of(lines),
        }
    }

    pub fn len(&self) -> usize {
        self.n
    }
}
