//! What each transition does at given parameters: for tables and labels on figures.

use super::error::{EvalError, EvalProblem};
use super::excitation::ExcitedLine;
use super::lte::LteModel;
use super::params::SpeciesParams;
use crate::physics::{C_KMS, rayleigh_jeans_k};
use serde::{Deserialize, Serialize};

/// One transition of a species in one window, at given parameters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Transition {
    /// Index of the species.
    pub species: usize,
    /// Index of the window.
    pub window: usize,
    /// Quantum numbers, `upper - lower`; empty where the catalogue gives none.
    pub qn: String,
    /// Rest frequency (MHz).
    pub rest_mhz: f64,
    /// Frequency (MHz) at which it appears, `nu0 (1 - v/c)`.
    pub observed_mhz: f64,
    /// Upper energy (K).
    pub e_up_k: f64,
    /// Einstein coefficient (s^-1).
    pub a_ul: f64,
    /// Upper degeneracy, as in the catalogue.
    pub g_up: u32,
    /// Excitation temperature (K); negative where the levels are inverted.
    pub tex_k: f64,
    /// Opacity at the line's centre, of this transition alone.
    pub peak_tau: f64,
    /// Brightness temperature (K) at the line's centre, of this transition alone.
    pub peak_k: f64,
}

impl LteModel {
    /// The lines of a species with an excitation of its own, by frequency (MHz); none where it is in LTE.
    fn excited(
        &self,
        species: usize,
        params: &SpeciesParams,
    ) -> Result<Vec<(f64, ExcitedLine)>, EvalProblem> {
        let Some(excitation) = &self.ways.excitations[species] else { return Ok(Vec::new()) };
        let mut lines = vec![ExcitedLine::default(); excitation.freq_mhz().len()];
        excitation.excite(params, &mut vec![0.0; excitation.n_work()], &mut lines)?;
        let mut lines: Vec<_> = excitation.freq_mhz().iter().copied().zip(lines).collect();
        lines.sort_by(|a, b| a.0.total_cmp(&b.0));
        Ok(lines)
    }

    /// Opacity at the centre of every line of a species that is not in LTE, inside of the windows or not, by frequency
    /// (MHz); none where it is in LTE.
    ///
    /// # Errors
    /// Where the model is not defined.
    pub fn excited_opacities(
        &self,
        species: usize,
        params: &SpeciesParams,
    ) -> Result<Vec<(f64, f64)>, EvalError> {
        let lines = self.excited(species, params).map_err(|problem| EvalError { species, problem })?;
        Ok(lines.into_iter().map(|(freq_mhz, line)| (freq_mhz, line.tau)).collect())
    }

    /// The transitions of one species whose centres fall into a window, by window, then by frequency;
    /// only those that peak above `min_peak_k` (K) (in modulus).
    pub fn transitions(
        &self,
        species: usize,
        params: &SpeciesParams,
        min_peak_k: f64,
    ) -> Result<Vec<Transition>, EvalError> {
        let n_over_q = self.check(species, params)?.ln_n_over_q.exp();
        let entry = &self.species[species].species;
        let excited = self.excited(species, params).map_err(|problem| EvalError { species, problem })?;
        let doppler = 1.0 - params.v_kms / C_KMS;
        let mut found = Vec::new();
        for (index, planned) in self.windows.iter().enumerate() {
            let freq = &planned.grid.freq_mhz;
            let (low, high) = (freq[0], freq[freq.len() - 1]);
            let lines = entry.lines_in(low, high, self.options.velocity);
            let strengths = &self.species[species].lines[index];
            // Both ascend in frequency.
            let mut excited = excited.iter();
            for (line, (ln_strength, hnu_k)) in
                lines.iter().zip(strengths.ln_strength.iter().zip(&strengths.hnu_k))
            {
                let observed_mhz = line.freq_mhz * doppler;
                let j_bg_k = match self.options.t_bg_k {
                    0.0 => 0.0,
                    t_bg_k => rayleigh_jeans_k(observed_mhz, t_bg_k),
                };
                let population = (-line.e_low_k() / params.tex_k).exp();
                let stimulated = -(-hnu_k / params.tex_k).exp_m1();
                let peak_tau =
                    ln_strength.exp() * n_over_q * population * stimulated / (params.fwhm_kms * doppler);
                let eta = planned.window.beam.filling(observed_mhz, params.theta_arcsec);
                let j_k = rayleigh_jeans_k(observed_mhz, params.tex_k) - j_bg_k;
                let in_lte = (params.tex_k, peak_tau, -j_k * (-peak_tau).exp_m1());
                let own = excited.find(|(freq_mhz, _)| *freq_mhz == line.freq_mhz);
                let (tex_k, peak_tau, beamless_k) = own.map_or(in_lte, |(freq_mhz, excited)| {
                    (excited.tex_k(*freq_mhz), excited.tau, excited.brightness_k(j_bg_k))
                });
                let peak_k = eta * beamless_k;
                if (low..=high).contains(&observed_mhz) && peak_k.abs() >= min_peak_k {
                    found.push(Transition {
                        species,
                        window: index,
                        qn: line.qn.clone(),
                        rest_mhz: line.freq_mhz,
                        observed_mhz,
                        e_up_k: line.e_up_k(),
                        a_ul: line.a_ul(entry.q_300()),
                        g_up: line.g_up,
                        tex_k,
                        peak_tau,
                        peak_k,
                    });
                }
            }
        }
        Ok(found)
    }
}
