//! The radiation that shines on the molecules from outside of the cloud.

use crate::physics::HCK_CM_K;
use serde::{Deserialize, Serialize};

/// Black bodies: the cosmic background and, if wanted, a diluted one of dust or a star.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Background {
    /// Temperature of the cosmic background (K).
    pub t_bg_k: f64,
    /// Temperature (K) and dilution (0 to 1) of another black body.
    pub extra: Option<(f64, f64)>,
}

/// Fewer photons than that per mode do nothing; a floor keeps all levels connected.
const LEAST: f64 = 1.0e-60;

impl Background {
    /// The cosmic background alone.
    pub fn cosmic(t_bg_k: f64) -> Self {
        Self { t_bg_k, extra: None }
    }

    /// The same and another black body of temperature `t_k` (K), which fills a part `dilution` (0 to 1) of the sky.
    ///
    /// # Errors
    /// Where a number is out of its range, in words.
    pub fn with(t_bg_k: f64, t_k: f64, dilution: f64) -> Result<Self, String> {
        if !(t_k > 0.0 && t_k.is_finite()) {
            return Err(format!("a radiation field of {t_k} K: a temperature above 0 is needed"));
        }
        if !(dilution > 0.0 && dilution <= 1.0) {
            return Err(format!("a dilution of {dilution}: it is a part of the sky, above 0 and at most 1"));
        }
        Ok(Self { t_bg_k, extra: Some((t_k, dilution)) })
    }

    /// Photons per mode at a wave number (1/cm).
    pub(super) fn photons(&self, wavenumber_cm1: f64) -> f64 {
        let black = |t_k: f64| {
            if t_k > 0.0 { 1.0 / libm::expm1(HCK_CM_K * wavenumber_cm1 / t_k) } else { 0.0 }
        };
        let extra = self.extra.map_or(0.0, |(t_k, dilution)| dilution * black(t_k));
        (black(self.t_bg_k) + extra).max(LEAST)
    }
}
