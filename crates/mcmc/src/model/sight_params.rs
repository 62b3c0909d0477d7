//! What sight lines need of the parameters, and what derivatives along them mean for the parameters.

use super::error::{EvalError, EvalProblem};
use super::lte::LteModel;
use super::params::{ModelParams, N_SPECIES_PARAMS};
use super::scratch::{Scratch, SightSums, SpeciesState, Sums};
use super::sight_reverse::{N_MOMENT_LANES, SightReverse};
use super::simd::MAX_LANES;
use super::voigt::{SQRT_LN_2, damping};

impl LteModel {
    /// Excites the lines that ask for it, and works out the smooth functions of all sight lines.
    pub(super) fn set_sightlines(&self, params: ModelParams, scratch: &mut Scratch) -> Result<(), EvalError> {
        scratch.extra.copy_from_slice(params.extra);
        for (species, excitation) in self.ways.excitations.iter().enumerate() {
            if let (Some(excitation), Some(excited)) = (excitation, &mut scratch.excited[species]) {
                excitation
                    .excite(&params.species[species], &mut excited.work, &mut excited.lines)
                    .map_err(|problem| EvalError { species, problem })?;
            }
        }
        for sightline in &self.ways.sightlines {
            self.check_extra(sightline, params.extra)?;
            for (w, window) in self.windows.iter().enumerate() {
                for (s, segment) in window.segments.iter().enumerate() {
                    let cubics = &mut scratch.smooth[sightline.smooth_range(w, s)];
                    let theta = |species: usize| params.species[species].theta_arcsec;
                    sightline.fill_smooth(segment, theta, params.extra, cubics);
                }
            }
        }
        Ok(())
    }

    fn check_extra(&self, sightline: &super::sight::Sightline, extra: &[f64]) -> Result<(), EvalError> {
        let species = sightline.groups[0].members[0];
        let error = |name, value, positive| {
            Err(EvalError { species, problem: EvalProblem::Parameter { name, value, positive } })
        };
        for (_, first) in sightline.groups.iter().filter_map(|group| group.dust) {
            for (name, value) in [("log10 N(H2)", extra[first]), ("beta", extra[first + 1])] {
                if !value.is_finite() {
                    return error(name, value, false);
                }
            }
            let t_k = extra[first + 2];
            if !(t_k > 0.0 && t_k.is_finite()) {
                return error("T of dust", t_k, true);
            }
        }
        for value in sightline.continuum.iter().flat_map(|(_, first)| &extra[*first..]) {
            if !value.is_finite() {
                return error("continuum", *value, false);
            }
        }
        Ok(())
    }

    /// Derivatives by the parameters of the species on sight lines, and by those of dust and continuum.
    pub(super) fn reverse_sightlines(&self, scratch: &mut Scratch, gradient: &mut [[f64; N_SPECIES_PARAMS]]) {
        scratch.by_extra.fill(0.0);
        scratch.moments.fill(0.0);
        for excited in scratch.excited.iter_mut().flatten() {
            excited.by_params.fill(0.0);
        }
        for index in 0..self.ways.sightlines.len() {
            self.simd.run(SightReverse { model: self, index, scratch });
            self.pull_on_smooth(index, scratch);
            for (_, species) in self.ways.sightlines[index].members() {
                let state = &scratch.states[species];
                let through_lines = scratch.excited[species].as_ref().map(|excited| excited.by_params);
                let half = scratch.sight_sums[species].by_params(state, through_lines, self.options.t_bg_k);
                gradient[species] = half.map(|half| 2.0 * half);
            }
        }
    }

    /// From the moments of the smooth functions to source sizes, dust and continuum.
    fn pull_on_smooth(&self, index: usize, scratch: &mut Scratch) {
        let sightline = &self.ways.sightlines[index];
        let Scratch { moments, by_extra, sight_sums, states, extra, sums_of_moments, .. } = scratch;
        for (w, window) in self.windows.iter().enumerate() {
            for (s, segment) in window.segments.iter().enumerate() {
                let range = sightline.smooth_range(w, s);
                let lanes = &moments[range.start * N_MOMENT_LANES..range.end * N_MOMENT_LANES];
                sums_of_moments.clear();
                sums_of_moments.extend(lanes.chunks_exact(N_MOMENT_LANES).map(|of_function| {
                    std::array::from_fn(|k| of_function[k * MAX_LANES..(k + 1) * MAX_LANES].iter().sum())
                }));
                let mut by_theta = |species: usize, by: f64| sight_sums[species].by_theta += by;
                let params = |species: usize| states[species].params;
                sightline.pull_smooth(segment, params, extra, sums_of_moments, (&mut by_theta, by_extra));
            }
        }
    }
}

impl SightSums {
    /// Derivatives by the parameters of the species, in their order. Those of excited lines come through the lines'
    /// peaks; here are then those through the profile alone.
    fn by_params(
        &self,
        state: &SpeciesState,
        through_lines: Option<[f64; N_SPECIES_PARAMS]>,
        t_bg_k: f64,
    ) -> [f64; N_SPECIES_PARAMS] {
        let params = &state.params;
        let sums = Sums {
            by_peak: self.by_peak,
            by_tex: self.by_tex,
            by_x: self.by_x,
            by_sigma: self.by_sigma,
            by_theta: self.by_theta,
            ..Sums::default()
        };
        let mut by = sums.by_params(state, t_bg_k);
        if let Some(through_lines) = through_lines {
            // Its sums have no peaks: those are in the lines.
            debug_assert_eq!(self.by_peak, 0.0);
            by.iter_mut().zip(through_lines).for_each(|(by, more)| *by += more);
        }
        // a = sqrt(ln 2) lorentz / FWHM.
        let a = damping(params.lorentz_kms, params.fwhm_kms);
        by[2] -= self.by_damping * a / params.fwhm_kms;
        by[5] += self.by_damping * SQRT_LN_2 / params.fwhm_kms;
        by
    }
}
