//! Lines whose levels are not populated by one temperature: what a solver of the excitation gives to the model.

use super::error::EvalProblem;
use super::params::{N_SPECIES_PARAMS, SpeciesParams};
use crate::physics::HK_K_PER_MHZ;

/// Opacity and emission of one line at given parameters, with their derivatives by all parameters of the species.
///
/// Both are linear in the levels' populations, so that inverted levels (negative opacity) and lines without opacity
/// need no special case.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct ExcitedLine {
    /// Opacity at the centre of a Gaussian profile of the species' FWHM.
    pub tau: f64,
    /// The same times the line's source function `J(Tex)` (K).
    pub emission_k: f64,
    /// Derivatives of `tau`.
    pub tau_by: [f64; N_SPECIES_PARAMS],
    /// Derivatives of `emission_k`.
    pub emission_by: [f64; N_SPECIES_PARAMS],
}

/// Populates the levels of one species.
pub trait Excitation: std::fmt::Debug + Send + Sync {
    /// Rest frequencies of its lines (MHz); the order of the lines.
    fn freq_mhz(&self) -> &[f64];

    /// Numbers of work space that [`excite`](Self::excite) wants.
    fn n_work(&self) -> usize;

    /// Opacity and emission of every line. Allocates nothing.
    ///
    /// # Errors
    /// Where there is no solution, or a parameter is out of range: outside of the prior.
    fn excite(
        &self,
        params: &SpeciesParams,
        work: &mut [f64],
        lines: &mut [ExcitedLine],
    ) -> Result<(), EvalProblem>;
}

/// Brightness (K) whose line counts as much as an opacity of 1 where lines are cut.
const REFERENCE_K: f64 = 100.0;

impl ExcitedLine {
    /// The excitation temperature (K) of the line at `freq_mhz` (MHz); negative where its levels are inverted.
    pub fn tex_k(&self, freq_mhz: f64) -> f64 {
        let hnu_k = HK_K_PER_MHZ * freq_mhz;
        hnu_k / libm::log1p(hnu_k * self.tau / self.emission_k)
    }

    /// Brightness (K) at the line's centre, over a background of `j_bg_k` (K).
    pub(super) fn brightness_k(&self, j_bg_k: f64) -> f64 {
        let h = if self.tau == 0.0 { 1.0 } else { -libm::expm1(-self.tau) / self.tau };
        h * (self.emission_k - j_bg_k * self.tau)
    }

    /// How strong it is: `sqrt(tau^2 + (emission / 100 K)^2)`; zero: never seen.
    pub(super) fn strength(&self) -> f64 {
        libm::hypot(self.tau, self.emission_k / REFERENCE_K)
    }

    /// Adds the derivatives by all parameters, from those by the logarithm of the strength and by opacity and emission
    /// over the strength.
    pub(super) fn pull(
        &self,
        [by_ln, by_tau, by_emission]: [f64; 3],
        gradient: &mut [f64; N_SPECIES_PARAMS],
    ) {
        let s = self.strength();
        let (tau, e) = (self.tau / s, self.emission_k / s);
        let per_k2 = 1.0 / (REFERENCE_K * REFERENCE_K);
        // d ln s = (tau dtau + e de / K^2) / s; d(tau/s) = dtau/s - tau/s dln s.
        let along = by_ln - by_tau * tau - by_emission * e;
        let (by_tau, by_emission) = ((by_tau + along * tau) / s, (by_emission + along * e * per_k2) / s);
        for (k, g) in gradient.iter_mut().enumerate() {
            *g += by_tau * self.tau_by[k] + by_emission * self.emission_by[k];
        }
    }
}
