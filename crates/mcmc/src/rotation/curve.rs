//! The curve of growth of a group of lines: how its flux follows its opacity.

use crate::physics::C_KMS;
use std::f64::consts::{LN_2, PI};

/// Steps of the integration in a FWHM.
const STEPS: f64 = 24.0;

/// Where a group lies on its curve of growth.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Curve {
    /// `int tau dv` (km/s).
    pub thin_kms: f64,
    /// `int (1 - exp(-tau)) dv` (km/s).
    pub grown_kms: f64,
    /// Its logarithm's derivative by that of the opacity: 1 where thin, falling towards 0.
    pub slope: f64,
    /// Largest opacity.
    pub peak_tau: f64,
}

impl Curve {
    /// The factor by which the opacity lowers the flux: at least 1.
    pub fn correction(&self) -> f64 {
        if self.grown_kms > 0.0 { self.thin_kms / self.grown_kms } else { 1.0 }
    }
}

/// The curve for Gaussian lines at `observed_mhz` with areas `areas_kms` (`int tau dv`, km/s) and one width, by the
/// trapezoidal rule over the range (MHz) in which the flux is taken.
pub fn growth(observed_mhz: &[f64], areas_kms: &[f64], fwhm_kms: f64, range_mhz: (f64, f64)) -> Curve {
    let middle = observed_mhz[observed_mhz.len() / 2];
    let v: Vec<f64> = observed_mhz.iter().map(|f| (middle - f) / middle * C_KMS).collect();
    let [low, high] = [range_mhz.1, range_mhz.0].map(|f| (middle - f) / middle * C_KMS);
    let n = ((high - low) / fwhm_kms * STEPS).ceil().clamp(8.0, 20_000.0) as usize;
    let step = (high - low) / n as f64;
    let peak = |area: f64| area * 2.0 * (LN_2 / PI).sqrt() / fwhm_kms;
    let (mut grown, mut changed, mut peak_tau) = (0.0, 0.0, 0.0f64);
    for i in 0..=n {
        let at = low + step * i as f64;
        let profile = |(v, area): (&f64, &f64)| {
            let x = (at - v) / fwhm_kms;
            peak(*area) * libm::exp(-4.0 * LN_2 * x * x)
        };
        let tau: f64 = v.iter().zip(areas_kms).map(profile).sum();
        let weight = if i == 0 || i == n { 0.5 * step } else { step };
        grown -= weight * libm::expm1(-tau);
        changed += weight * tau * libm::exp(-tau);
        peak_tau = peak_tau.max(tau);
    }
    let slope = if grown > 0.0 { changed / grown } else { 1.0 };
    // Opacity outside of the range counts as well: the correction makes the whole of it of what is seen.
    Curve { thin_kms: areas_kms.iter().sum(), grown_kms: grown, slope, peak_tau }
}
