//! The parameters of one species.

use super::error::EvalProblem;
use serde::{Deserialize, Serialize};

/// Number of parameters of a species.
pub const N_SPECIES_PARAMS: usize = 7;

/// Parameters of one species (one velocity component).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SpeciesParams {
    /// log10 of the column density (cm^-2).
    pub log10_n_cm2: f64,
    /// Excitation temperature (K); where an [`super::Excitation`] populates the levels, the kinetic temperature.
    pub tex_k: f64,
    /// Full width at half maximum of the (optically thin) profile (km/s).
    pub fwhm_kms: f64,
    /// Centroid (km/s), radio convention, in the frame of the spectrum's frequencies.
    pub v_kms: f64,
    /// Source size, FWHM of a Gaussian (arcsec); infinite where the source fills the beam.
    pub theta_arcsec: f64,
    /// Full width at half maximum of the Lorentzian part of a Voigt profile (km/s); without meaning for others.
    pub lorentz_kms: f64,
    /// log10 of the density of H2 (cm^-3); without meaning for lines in LTE.
    pub log10_nh2_cm3: f64,
}

/// All parameters of a model: one set a species, and those of dust and continuum
/// ([`super::Structure::n_extra`]). A slice of sets alone will do for models without those.
#[derive(Debug, Clone, Copy)]
pub struct ModelParams<'a> {
    /// A set a species.
    pub species: &'a [SpeciesParams],
    /// Dust and continuum.
    pub extra: &'a [f64],
}

impl<'a> From<&'a [SpeciesParams]> for ModelParams<'a> {
    fn from(species: &'a [SpeciesParams]) -> Self {
        Self { species, extra: &[] }
    }
}

impl<'a> From<&'a Vec<SpeciesParams>> for ModelParams<'a> {
    fn from(species: &'a Vec<SpeciesParams>) -> Self {
        Self { species, extra: &[] }
    }
}

impl<'a, const N: usize> From<&'a [SpeciesParams; N]> for ModelParams<'a> {
    fn from(species: &'a [SpeciesParams; N]) -> Self {
        Self { species, extra: &[] }
    }
}

impl SpeciesParams {
    /// From the order log10 N, Tex, FWHM, v, theta: a Gaussian profile.
    pub fn from_array(values: [f64; 5]) -> Self {
        let [log10_n_cm2, tex_k, fwhm_kms, v_kms, theta_arcsec] = values;
        Self { log10_n_cm2, tex_k, fwhm_kms, v_kms, theta_arcsec, lorentz_kms: 0.0, log10_nh2_cm3: 0.0 }
    }

    /// Places of parameters in the order of [`from_quantities`](Self::from_quantities).
    pub const LOG10_N: usize = 0;
    /// See [`LOG10_N`](Self::LOG10_N).
    pub const TEX: usize = 1;
    /// See [`LOG10_N`](Self::LOG10_N).
    pub const FWHM: usize = 2;
    /// See [`LOG10_N`](Self::LOG10_N).
    pub const LOG10_NH2: usize = 6;

    /// From the order log10 N, Tex, FWHM, v, theta, Lorentzian width, log10 n(H2).
    pub fn from_quantities(values: [f64; N_SPECIES_PARAMS]) -> Self {
        let [log10_n_cm2, tex_k, fwhm_kms, v_kms, theta_arcsec, lorentz_kms, log10_nh2_cm3] = values;
        Self { log10_n_cm2, tex_k, fwhm_kms, v_kms, theta_arcsec, lorentz_kms, log10_nh2_cm3 }
    }

    /// In the order of [`from_quantities`](Self::from_quantities).
    pub fn to_array(self) -> [f64; N_SPECIES_PARAMS] {
        [
            self.log10_n_cm2,
            self.tex_k,
            self.fwhm_kms,
            self.v_kms,
            self.theta_arcsec,
            self.lorentz_kms,
            self.log10_nh2_cm3,
        ]
    }

    /// Checks that all are finite, and positive where the model needs it.
    pub(super) fn check(&self) -> Result<(), EvalProblem> {
        let named = [
            ("log10 N", self.log10_n_cm2, false),
            ("Tex", self.tex_k, true),
            ("FWHM", self.fwhm_kms, true),
            ("v", self.v_kms, false),
            ("log10 n(H2)", self.log10_nh2_cm3, false),
        ];
        for (name, value, positive) in named {
            if !value.is_finite() || (positive && value <= 0.0) {
                return Err(EvalProblem::Parameter { name, value, positive });
            }
        }
        if !(self.lorentz_kms >= 0.0 && self.lorentz_kms.is_finite()) {
            let value = self.lorentz_kms;
            return Err(EvalProblem::Parameter { name: "Lorentzian width", value, positive: true });
        }
        // An infinite source fills the beam; NaN and zero are no sizes.
        if self.theta_arcsec.is_nan() || self.theta_arcsec <= 0.0 {
            let value = self.theta_arcsec;
            return Err(EvalProblem::Parameter { name: "theta", value, positive: true });
        }
        Ok(())
    }
}
