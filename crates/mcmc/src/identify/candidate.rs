//! A species of the line lists with its model on the data's channels.

use super::Data;
use crate::catalog::{Species, VelocityRange};
use crate::model::{LteModel, ModelOptions, Scratch, SpeciesParams, Transition};

/// Parameters of a species that fills the beam by a part.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct State {
    /// log10 of the column density (cm^-2), within the filled part of the beam.
    pub log10_n: f64,
    /// Excitation temperature (K).
    pub tex_k: f64,
    /// Width of the lines (km/s).
    pub fwhm_kms: f64,
    /// Velocity (km/s).
    pub v_kms: f64,
    /// Filled part of the beam, at most 1; of absorption: how deep opaque lines are, in units of what they would emit.
    pub filling: f64,
}

/// A species that has lines in the windows.
pub struct Candidate {
    /// Lines and Q, of the windows.
    pub species: Species,
    model: LteModel,
    scratch: Scratch,
    /// Temperatures (K) that Q allows.
    pub t_range_k: (f64, f64),
}

/// The temperatures (K) at which a species is looked for lie within.
const T_RANGE_K: (f64, f64) = (8.0, 400.0);
/// An opacity per column is taken at this log10 N.
const REFERENCE_LOG10_N: f64 = 14.0;

impl Candidate {
    /// With velocities up to `v_kms` (lowest, highest) and lines of at most `fwhm_kms`. None: no line in the windows.
    pub fn new(species: &Species, data: &Data, v_kms: (f64, f64), fwhm_kms: f64) -> Option<Self> {
        let options = ModelOptions::for_velocities(v_kms.0, v_kms.1, fwhm_kms);
        let ends: Vec<(f64, f64)> =
            data.windows.iter().map(|w| (w.freq_mhz[0], w.freq_mhz[w.freq_mhz.len() - 1])).collect();
        let species = species.for_windows(&ends, VelocityRange::of_centroids(v_kms.0, v_kms.1, fwhm_kms));
        let model = LteModel::new(std::slice::from_ref(&species), &data.windows, options).ok()?;
        let (low, high) = species.q().range_k();
        let t_range_k = (low.max(T_RANGE_K.0), high.min(T_RANGE_K.1));
        let scratch = model.scratch();
        (t_range_k.0 < t_range_k.1).then_some(Self { species, model, scratch, t_range_k })
    }

    /// The spectrum (K) of a state. False: there is no model.
    pub fn spectrum(&mut self, state: &State, out_t_k: &mut [f64]) -> bool {
        let good = self.model.evaluate(&[params(state)], &mut self.scratch, out_t_k).is_ok();
        out_t_k.iter_mut().for_each(|t| *t *= state.filling);
        good
    }

    /// The same for one who does it once.
    pub fn spectrum_once(&self, state: &State, out_t_k: &mut [f64]) -> bool {
        let good = self.model.evaluate(&[params(state)], &mut self.model.scratch(), out_t_k).is_ok();
        out_t_k.iter_mut().for_each(|t| *t *= state.filling);
        good
    }

    /// The transitions in the windows, with what they do in a state; none where there is no model.
    pub fn transitions(&self, state: &State) -> Vec<Transition> {
        let mut all = self.model.transitions(0, &params(state), 0.0).unwrap_or_default();
        all.iter_mut().for_each(|t| t.peak_k *= state.filling);
        all
    }

    /// log10 of the column density at which the strongest line in the windows has an opacity, as far as it is not
    /// absurd. None: no line is in the windows at this velocity.
    pub fn log10_n_of(&self, peak_tau: f64, state: &State) -> Option<f64> {
        let reference = State { log10_n: REFERENCE_LOG10_N, ..*state };
        let strongest = self.transitions(&reference).iter().map(|t| t.peak_tau).fold(0.0, f64::max);
        let log10_n = REFERENCE_LOG10_N + (peak_tau / strongest).log10();
        (strongest > 0.0 && log10_n < HIGHEST_LOG10_N).then_some(log10_n)
    }
}

/// No source has a higher column density of anything but H2 and CO.
pub(super) const HIGHEST_LOG10_N: f64 = 20.0;

fn params(state: &State) -> SpeciesParams {
    SpeciesParams::from_array([state.log10_n, state.tex_k, state.fwhm_kms, state.v_kms, f64::INFINITY])
}
