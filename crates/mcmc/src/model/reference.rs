//! The slow twin of the model: every line on every channel, library functions, no cuts, no recurrence.
//!
//! It shares the catalogue and the constants with the fast kernel, and nothing else.

use super::params::SpeciesParams;
use super::window::Window;
use crate::catalog::{PartitionError, Species};
use crate::physics::{C_CM_S, C_KMS, FWHM_PER_SIGMA, HK_K_PER_MHZ, rayleigh_jeans_k};

/// Integrated opacity `int tau dnu` (MHz) of each line of a species: Mangum & Shirley 2015, PASP 127, 266.
pub fn integrated_opacities_mhz(
    species: &Species,
    params: &SpeciesParams,
) -> Result<Vec<f64>, PartitionError> {
    let t_k = params.tex_k;
    let n_over_q = 10f64.powf(params.log10_n_cm2) / species.q().at(t_k)?.ln_q.exp();
    let opacity = |line: &crate::catalog::Line| {
        let nu_hz = line.freq_mhz * 1.0e6;
        let stimulated = 1.0 - (-HK_K_PER_MHZ * line.freq_mhz / t_k).exp();
        let a_ul_g_up = line.a_ul_g_up(species.q_300());
        C_CM_S.powi(2) / (8.0 * std::f64::consts::PI * nu_hz.powi(2))
            * a_ul_g_up
            * n_over_q
            * (-line.e_low_k() / t_k).exp()
            * stimulated
            * 1.0e-6
    };
    Ok(species.lines().iter().map(opacity).collect())
}

/// Opacity of a species at each frequency (MHz): the sum of its lines' Gaussians.
pub fn opacity(
    species: &Species,
    params: &SpeciesParams,
    freq_mhz: &[f64],
) -> Result<Vec<f64>, PartitionError> {
    let mut tau = vec![0.0; freq_mhz.len()];
    let areas_mhz = integrated_opacities_mhz(species, params)?;
    for (line, area_mhz) in species.lines().iter().zip(areas_mhz) {
        let centre_mhz = line.freq_mhz * (1.0 - params.v_kms / C_KMS);
        let sigma_mhz = params.fwhm_kms / FWHM_PER_SIGMA / C_KMS * centre_mhz;
        let peak = area_mhz / (sigma_mhz * (2.0 * std::f64::consts::PI).sqrt());
        for (tau, f) in tau.iter_mut().zip(freq_mhz) {
            *tau += peak * (-0.5 * ((f - centre_mhz) / sigma_mhz).powi(2)).exp();
        }
    }
    Ok(tau)
}

/// Brightness temperature (K) of all species on the channels of all windows, one after the other.
pub fn evaluate(
    species: &[Species],
    windows: &[Window],
    t_bg_k: f64,
    params: &[SpeciesParams],
) -> Result<Vec<f64>, PartitionError> {
    let mut out_t_k = Vec::new();
    for window in windows {
        let mut t_k = vec![0.0; window.freq_mhz.len()];
        for (species, params) in species.iter().zip(params) {
            let tau = opacity(species, params, &window.freq_mhz)?;
            for ((t_k, f), tau) in t_k.iter_mut().zip(&window.freq_mhz).zip(tau) {
                let eta = window.beam.filling(*f, params.theta_arcsec);
                let j_k = rayleigh_jeans_k(*f, params.tex_k) - rayleigh_jeans_k(*f, t_bg_k);
                *t_k += eta * j_k * (1.0 - (-tau).exp());
            }
        }
        out_t_k.extend(t_k);
    }
    Ok(out_t_k)
}
