//! The slow twin of the model: every line on every channel, library functions, no cuts, no recurrence.
//!
//! It shares the catalogue and the constants with the fast kernel, and nothing else.

use super::params::{ModelParams, SpeciesParams};
use super::structure::{Group, Structure};
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

/// `H(a, u) = a/pi int exp(-t^2) / ((u - t)^2 + a^2) dt` by the trapezoidal rule, whose error is `exp(-2 pi a / step)`;
/// a Gaussian without damping.
pub fn voigt(a: f64, u: f64) -> f64 {
    if a == 0.0 {
        return (-u * u).exp();
    }
    let step = (a / 6.0).min(0.05);
    let n = (7.0 / step) as i32;
    let term = |i: i32| {
        let t = f64::from(i) * step;
        (-t * t).exp() / ((u - t).powi(2) + a * a)
    };
    (-n..=n).map(term).sum::<f64>() * step * a / std::f64::consts::PI
}

/// Opacity of a species at each frequency (MHz): the sum of its lines' profiles, Voigt where they have a Lorentzian part.
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
        let half_lorentz_mhz = 0.5 * params.lorentz_kms / C_KMS * centre_mhz;
        let peak = area_mhz / (sigma_mhz * (2.0 * std::f64::consts::PI).sqrt());
        let width_mhz = sigma_mhz * std::f64::consts::SQRT_2;
        for (tau, f) in tau.iter_mut().zip(freq_mhz) {
            *tau += peak * voigt(half_lorentz_mhz / width_mhz, (f - centre_mhz) / width_mhz);
        }
    }
    Ok(tau)
}

/// Brightness temperature (K) of all species on the channels of all windows, one after the other: each a core of its
/// own.
pub fn evaluate(
    species: &[Species],
    windows: &[Window],
    t_bg_k: f64,
    params: &[SpeciesParams],
) -> Result<Vec<f64>, PartitionError> {
    let alone = |i: usize| Group { name: String::new(), layer: 0, members: vec![i], dust: None };
    let structure = Structure { groups: (0..species.len()).map(alone).collect(), ..Structure::default() };
    evaluate_structure(species, windows, t_bg_k, params.into(), &structure)
}

/// The same with groups, layers, dust and continuum: [`Structure`] has the equations. Its groups must be given.
pub fn evaluate_structure(
    species: &[Species],
    windows: &[Window],
    t_bg_k: f64,
    params: ModelParams,
    structure: &Structure,
) -> Result<Vec<f64>, PartitionError> {
    let mut out_t_k = Vec::new();
    for window in windows {
        let opacities = species
            .iter()
            .zip(params.species)
            .map(|(species, params)| opacity(species, params, &window.freq_mhz))
            .collect::<Result<Vec<_>, _>>()?;
        for (channel, &freq_mhz) in window.freq_mhz.iter().enumerate() {
            let tau: Vec<f64> = opacities.iter().map(|tau| tau[channel]).collect();
            let sky = Sky { window, freq_mhz, j_bg_k: rayleigh_jeans_k(freq_mhz, t_bg_k), params, structure };
            let background = if structure.keeps_continuum {
                sky.j_bg_k
            } else {
                sky.brightness_k(&vec![0.0; species.len()])
            };
            out_t_k.push(sky.brightness_k(&tau) - background);
        }
    }
    Ok(out_t_k)
}

/// All that shines at one frequency.
struct Sky<'a> {
    window: &'a Window,
    freq_mhz: f64,
    j_bg_k: f64,
    params: ModelParams<'a>,
    structure: &'a Structure,
}

impl Sky<'_> {
    /// Brightness in front of all layers, of lines with these opacities.
    fn brightness_k(&self, tau: &[f64]) -> f64 {
        let mut extra = self.params.extra.iter().copied();
        let mut next = || extra.next().unwrap_or(f64::NAN);
        // Dust comes first among the extra parameters, in the order of the groups.
        let dust: Vec<(f64, f64)> = self
            .structure
            .groups
            .iter()
            .map(|group| {
                group.dust.map_or((0.0, 0.0), |dust| {
                    let (log10_n, beta, t_k) = (next(), next(), next());
                    let kappa = dust.kappa0_cm2_g * (self.freq_mhz / dust.nu0_mhz).powf(beta);
                    let tau = kappa * 10f64.powf(log10_n) * 2.8 * 1.673_557_5e-24 / dust.gas_to_dust;
                    (tau, tau * rayleigh_jeans_k(self.freq_mhz, t_k))
                })
            })
            .collect();
        let mut bright_k = self.j_bg_k;
        if let Some(continuum) = self.structure.continuum {
            let (t_k, index) = (next(), next());
            bright_k += t_k * (self.freq_mhz / continuum.nu0_mhz).powf(index);
        }
        let last = self.structure.groups.iter().map(|group| group.layer).max().unwrap_or(0);
        for layer in 0..=last {
            let behind_k = bright_k;
            for (group, (mut total, mut emission_k)) in self.structure.groups.iter().zip(dust.iter().copied())
            {
                if group.layer != layer {
                    continue;
                }
                for &member in &group.members {
                    total += tau[member];
                    emission_k +=
                        tau[member] * rayleigh_jeans_k(self.freq_mhz, self.params.species[member].tex_k);
                }
                if total > 0.0 {
                    let theta = self.params.species[group.members[0]].theta_arcsec;
                    let eta = self.window.beam.filling(self.freq_mhz, theta);
                    bright_k -= eta * (emission_k / total - behind_k) * (-total).exp_m1();
                }
            }
        }
        bright_k
    }
}
