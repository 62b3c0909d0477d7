//! What a window has of its own: how its noise is distributed, and what may be fitted of it besides the species.

use serde::{Deserialize, Serialize};
use std::f64::consts::PI;

/// Number of values that [`WindowParams`] holds.
pub const N_WINDOW_PARAMS: usize = 4;

/// How the noise of a window is distributed.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct WindowNoise {
    /// Correlation of channels 1, 2, ... apart; none: independent.
    pub correlation: Vec<f64>,
    /// The distribution of one channel's noise.
    pub scatter: Scatter,
}

impl WindowNoise {
    /// In words, after the noise; nothing where it is Gaussian and independent.
    pub fn describe(&self) -> String {
        let student = match self.scatter {
            Scatter::Gaussian => String::new(),
            Scatter::Student { dof } => format!(" (Student's t, {dof} degrees of freedom)"),
        };
        let rounded: Vec<f64> = self.correlation.iter().map(|r| (r * 1e4).round() / 1e4).collect();
        if rounded.is_empty() { student } else { format!("{student} (correlated by {rounded:?})") }
    }
}

/// The distribution of one channel's noise.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub enum Scatter {
    /// Normal.
    #[default]
    Gaussian,
    /// Student's t: wide wings, in which a bad channel costs little. Independent channels only.
    Student {
        /// Degrees of freedom, positive.
        dof: f64,
    },
}

/// What may be fitted of a window besides the species.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WindowParams {
    /// Factor on the model.
    pub calibration: f64,
    /// Added to it (K).
    pub offset_k: f64,
    /// The same, per GHz from the window's middle (K/GHz).
    pub slope_k_per_ghz: f64,
    /// Standard deviation of noise on top of the known one (K), correlated as that is.
    pub jitter_k: f64,
}

impl WindowParams {
    /// In the order of the fields.
    pub fn from_array([calibration, offset_k, slope_k_per_ghz, jitter_k]: [f64; N_WINDOW_PARAMS]) -> Self {
        Self { calibration, offset_k, slope_k_per_ghz, jitter_k }
    }

    /// The noise of each channel (K) with the extra noise in it.
    pub fn noise_k(&self, sigma_k: &[f64]) -> Vec<f64> {
        sigma_k.iter().map(|sigma| (sigma * sigma + self.jitter_k * self.jitter_k).sqrt()).collect()
    }

    /// The model spectrum as the window shows it, in place; channels by frequency (MHz).
    pub fn apply(&self, freq_mhz: &[f64], t_k: &mut [f64]) {
        let Some(middle_mhz) = middle(freq_mhz) else { return };
        for (t_k, freq) in t_k.iter_mut().zip(freq_mhz) {
            let x_ghz = 1.0e-3 * (freq - middle_mhz);
            *t_k = self.calibration * *t_k + self.offset_k + self.slope_k_per_ghz * x_ghz;
        }
    }
}

impl Default for WindowParams {
    fn default() -> Self {
        Self::from_array([1.0, 0.0, 0.0, 0.0])
    }
}

/// Middle of the channels (MHz), where slopes are zero.
pub(super) fn middle(freq_mhz: &[f64]) -> Option<f64> {
    Some(0.5 * (freq_mhz.first()? + freq_mhz.last()?))
}

impl Scatter {
    /// ln of the density's height for a channel of this weight (one over sigma, 1/K).
    pub(super) fn constant(self, weight_per_k: f64) -> f64 {
        let ln_weight = libm::log(weight_per_k);
        match self {
            Scatter::Gaussian => ln_weight - 0.5 * libm::log(2.0 * PI),
            Scatter::Student { dof } => {
                let ratio = libm::lgamma(0.5 * (dof + 1.0)) - libm::lgamma(0.5 * dof);
                ln_weight + ratio - 0.5 * libm::log(dof * PI)
            }
        }
    }
}
