//! Evaluates the planned model: spectra, chi^2, and its gradient.

use super::average_forward::AverageForward;
use super::average_reverse::AverageReverse;
use super::chi2::{ChannelData, Chi2};
use super::error::{EvalError, EvalProblem};
use super::forward::Forward;
use super::lte::LteModel;
use super::params::{ModelParams, N_SPECIES_PARAMS, SpeciesParams};
use super::response::hanning;
use super::reverse::Reverse;
use super::scratch::{Scratch, SpeciesState};
use super::sight_forward::SightForward;

impl LteModel {
    /// Brightness temperature (K) of all species together in the channels. One parameter set a
    /// species; `out_t_k` has [`n_channels`](Self::n_channels) values. Allocates nothing.
    ///
    /// # Panics
    /// When the lengths do not fit the model.
    pub fn evaluate<'a>(
        &self,
        params: impl Into<ModelParams<'a>>,
        scratch: &mut Scratch,
        out_t_k: &mut [f64],
    ) -> Result<(), EvalError> {
        self.set(params.into(), scratch)?;
        self.forward::<false>(scratch);
        self.copy_out(scratch, out_t_k);
        Ok(())
    }

    /// What each species adds to the brightness temperature (K): one row of `n_channels` a species. That of a species
    /// in a group or behind a layer is what the spectrum would lack without it.
    pub fn contributions<'a>(
        &self,
        params: impl Into<ModelParams<'a>>,
        scratch: &mut Scratch,
    ) -> Result<Vec<Vec<f64>>, EvalError> {
        self.set(params.into(), scratch)?;
        let mut rows = vec![vec![0.0; self.n_channels]; self.species.len()];
        for &species in &self.ways.plain {
            scratch.sum_k.fill(0.0);
            self.forward_plain::<false>(&[species], scratch);
            self.smooth(&mut scratch.sum_k);
            self.copy_out(scratch, &mut rows[species]);
        }
        let mut without = vec![0.0; self.n_channels];
        for (index, sightline) in self.ways.sightlines.iter().enumerate() {
            for (_, species) in sightline.members() {
                for (left_out, out) in [(None, &mut rows[species]), (Some(species), &mut without)] {
                    scratch.sum_k.fill(0.0);
                    self.forward_sight(index, false, left_out, scratch);
                    self.smooth(&mut scratch.sum_k);
                    self.copy_out(scratch, out);
                }
                rows[species].iter_mut().zip(&without).for_each(|(all, without)| *all -= without);
            }
        }
        Ok(rows)
    }

    /// Checks the parameters and works out what follows from them alone.
    pub(super) fn set(&self, params: ModelParams, scratch: &mut Scratch) -> Result<(), EvalError> {
        assert_eq!(params.species.len(), self.species.len(), "one parameter set a species");
        assert_eq!(params.extra.len(), self.n_extra, "the parameters of dust and continuum");
        scratch.states.clear();
        for (index, params) in params.species.iter().enumerate() {
            let state = self.check(index, params)?;
            scratch.states.push(state);
        }
        self.set_sightlines(params, scratch)
    }

    /// Computes the model into the scratch.
    pub(super) fn forward<const KEEP: bool>(&self, scratch: &mut Scratch) {
        scratch.sum_k.fill(0.0);
        (scratch.end_active, scratch.end_plane) = (0, 0);
        self.forward_plain::<KEEP>(&self.ways.plain, scratch);
        for index in 0..self.ways.sightlines.len() {
            self.forward_sight(index, KEEP, None, scratch);
        }
        self.smooth(&mut scratch.sum_k);
    }

    fn forward_plain<const KEEP: bool>(&self, species: &[usize], scratch: &mut Scratch) {
        if self.averages() {
            self.simd.run(AverageForward::<KEEP> { model: self, species, scratch });
        } else {
            self.simd.run(Forward::<KEEP> { model: self, species, scratch });
        }
    }

    fn forward_sight(&self, index: usize, keep: bool, without: Option<usize>, scratch: &mut Scratch) {
        self.simd.run(SightForward { model: self, index, keep, without, scratch });
    }

    /// `chi^2`, the sum of squares of (data - model) times the weight. Allocates nothing.
    ///
    /// # Panics
    /// When the lengths do not fit the model.
    pub fn chi2<'a>(
        &self,
        params: impl Into<ModelParams<'a>>,
        data: &ChannelData,
        scratch: &mut Scratch,
    ) -> Result<f64, EvalError> {
        self.set(params.into(), scratch)?;
        self.forward::<false>(scratch);
        Ok(self.simd.run(Chi2::<false> { data, scratch }))
    }

    /// `chi^2` and its derivatives by the parameters of each species, in their order; that by the source size of a group
    /// stands at its first species. Those by dust and continuum are in [`Scratch::by_extra`].
    ///
    /// # Panics
    /// When the lengths do not fit the model.
    pub fn chi2_and_gradient<'a>(
        &self,
        params: impl Into<ModelParams<'a>>,
        data: &ChannelData,
        scratch: &mut Scratch,
        gradient: &mut [[f64; N_SPECIES_PARAMS]],
    ) -> Result<f64, EvalError> {
        assert_eq!(gradient.len(), self.species.len(), "one row a species");
        self.set(params.into(), scratch)?;
        self.forward::<true>(scratch);
        let chi2 = self.simd.run(Chi2::<true> { data, scratch });
        self.reverse(scratch, gradient);
        Ok(chi2)
    }

    /// From the derivatives of half a function by the channels (`scratch.pull_per_k`) to those of the whole by all
    /// parameters; after a forward pass that has kept what is needed.
    pub(super) fn reverse(&self, scratch: &mut Scratch, gradient: &mut [[f64; N_SPECIES_PARAMS]]) {
        self.smooth(&mut scratch.pull_per_k);
        if self.averages() {
            self.simd.run(AverageReverse { model: self, scratch });
        } else {
            self.simd.run(Reverse { model: self, scratch });
        }
        for &species in &self.ways.plain {
            let (sums, state) = (&scratch.sums[species], &scratch.states[species]);
            gradient[species] = sums.by_params(state, self.options.t_bg_k).map(|half| 2.0 * half);
        }
        self.reverse_sightlines(scratch, gradient);
    }

    /// Data and weights (one over the noise; 0: not used) of all channels, laid out for [`chi2`](Self::chi2).
    ///
    /// # Panics
    /// When the lengths do not fit the model.
    pub fn channel_data(&self, t_k: &[f64], weight_per_k: &[f64]) -> ChannelData {
        ChannelData { t_k: self.pad(t_k, 0.0), weight_per_k: self.pad(weight_per_k, 0.0) }
    }

    /// Smooths the windows that are so: the model, or (the matrix being symmetric) derivatives by it, which are zero on
    /// guards.
    fn smooth(&self, padded: &mut [f64]) {
        for window in self.windows.iter().filter(|w| w.window.response.hanning) {
            hanning(&mut padded[window.computed()]);
        }
    }

    fn copy_out(&self, scratch: &Scratch, out_t_k: &mut [f64]) {
        assert_eq!(out_t_k.len(), self.n_channels, "one output value a channel");
        for window in &self.windows {
            out_t_k[window.channels.clone()].copy_from_slice(&scratch.sum_k[window.own()]);
        }
    }

    /// Values of all channels in the order of the scratch: padded with `padding`.
    pub(super) fn pad(&self, values: &[f64], padding: f64) -> Vec<f64> {
        assert_eq!(values.len(), self.n_channels, "one value a channel");
        let mut padded = vec![padding; self.n_padded()];
        for window in &self.windows {
            padded[window.own()].copy_from_slice(&values[window.channels.clone()]);
        }
        padded
    }

    /// Checks the parameters of a species.
    pub(super) fn check(&self, index: usize, params: &SpeciesParams) -> Result<SpeciesState, EvalError> {
        let error = |problem| EvalError { species: index, problem };
        params.check().map_err(error)?;
        let (v_kms, fwhm_kms) = (params.v_kms, params.fwhm_kms);
        if !self.options.velocity.holds(v_kms, fwhm_kms) {
            return Err(error(EvalProblem::Velocity { v_kms, fwhm_kms }));
        }
        let q = self.species[index].species.q().at(params.tex_k).map_err(|e| error(e.into()))?;
        let ln_n_over_q = params.log10_n_cm2 * std::f64::consts::LN_10 - q.ln_q;
        Ok(SpeciesState { params: *params, ln_n_over_q, q_slope: q.slope })
    }
}
