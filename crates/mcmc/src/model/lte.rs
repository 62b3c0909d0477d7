//! Plans the LTE model and evaluates it.

use super::amplitude::Segment;
use super::error::{EvalError, EvalProblem, ModelError};
use super::kernel::{OpacityScratch, add_brightness, add_opacity};
use super::lines::LineSet;
use super::params::SpeciesParams;
use super::window::{Grid, Window};
use crate::catalog::{Line, Species, VelocityRange};
use crate::physics::C_KMS;
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// What a model is planned with, besides species and windows.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ModelOptions {
    /// Background temperature (K), behind the source.
    pub t_bg_k: f64,
    /// Velocities at which lines are looked for, wings included.
    pub velocity: VelocityRange,
    /// Error (K) allowed to the cuts of line wings and of weak lines, in a channel.
    pub tolerance_k: f64,
}

impl ModelOptions {
    /// The cosmic background (2.73 K) and 1e-4 K, for centroids from `v_min_kms` to `v_max_kms` and
    /// widths up to `fwhm_max_kms` (km/s).
    pub fn for_velocities(v_min_kms: f64, v_max_kms: f64, fwhm_max_kms: f64) -> Self {
        let velocity = VelocityRange::of_centroids(v_min_kms, v_max_kms, fwhm_max_kms);
        Self { t_bg_k: 2.73, velocity, tolerance_k: 1.0e-4 }
    }

    fn check(&self) -> Result<(), ModelError> {
        let error = |name, value, problem| Err(ModelError::Option { name, value, problem });
        if !(self.t_bg_k >= 0.0 && self.t_bg_k.is_finite()) {
            return error("t_bg_k", self.t_bg_k, "must be zero or positive");
        }
        if !(self.tolerance_k > 0.0 && self.tolerance_k.is_finite()) {
            return error("tolerance_k", self.tolerance_k, "must be positive");
        }
        let width_kms = self.velocity.max_kms - self.velocity.min_kms;
        if !(width_kms > 0.0 && width_kms.is_finite()) {
            return error("velocity range", width_kms, "must be finite and not empty");
        }
        let fastest_kms = self.velocity.max_kms.max(-self.velocity.min_kms);
        if fastest_kms >= C_KMS {
            return error("velocity range", fastest_kms, "reaches the speed of light");
        }
        Ok(())
    }
}

/// A window as planned.
#[derive(Debug, Clone)]
pub(super) struct PlannedWindow {
    pub window: Window,
    pub grid: Grid,
    pub segments: Vec<Segment>,
    /// Its place in the output.
    pub channels: Range<usize>,
}

/// A species as planned.
#[derive(Debug, Clone)]
pub(super) struct PlannedSpecies {
    /// With the lines of the windows only.
    pub species: Species,
    /// A set a window.
    pub lines: Vec<LineSet>,
}

/// Work space of one evaluating thread: see [`LteModel::scratch`].
#[derive(Debug, Clone)]
pub struct Scratch {
    opacity: OpacityScratch,
}

/// The LTE model of some species on some windows, planned once.
#[derive(Debug, Clone)]
pub struct LteModel {
    pub(super) species: Vec<PlannedSpecies>,
    pub(super) windows: Vec<PlannedWindow>,
    pub(super) options: ModelOptions,
    n_channels: usize,
}

impl LteModel {
    /// Plans the model. Every species must have a line in some window. The output's channels are
    /// those of the windows, one window after the other, in the order given.
    pub fn new(species: &[Species], windows: &[Window], options: ModelOptions) -> Result<Self, ModelError> {
        options.check()?;
        let mut planned = Vec::with_capacity(windows.len());
        let mut n_channels = 0;
        for window in windows {
            window.check()?;
            let grid = Grid::new(&window.freq_mhz);
            let segments = Segment::cut(&grid, &window.beam, options.t_bg_k);
            let channels = n_channels..n_channels + grid.len();
            n_channels = channels.end;
            planned.push(PlannedWindow { window: window.clone(), grid, segments, channels });
        }
        let species =
            species.iter().map(|s| plan_species(s, &planned, &options)).collect::<Result<_, _>>()?;
        Ok(Self { species, windows: planned, options, n_channels })
    }

    /// Number of channels of all windows: the length of the output.
    pub fn n_channels(&self) -> usize {
        self.n_channels
    }

    /// Number of species: the length of the parameters.
    pub fn n_species(&self) -> usize {
        self.species.len()
    }

    /// Names of the species.
    pub fn species_names(&self) -> impl Iterator<Item = &str> {
        self.species.iter().map(|s| s.species.name())
    }

    /// Number of lines of a species in all windows; one in two overlapping windows counts twice.
    pub fn n_lines(&self, species: usize) -> usize {
        self.species[species].lines.iter().map(LineSet::len).sum()
    }

    /// Channel centres (MHz) of all windows, in the order of the output.
    pub fn freq_mhz(&self) -> impl Iterator<Item = f64> {
        self.windows.iter().flat_map(|w| w.grid.freq_mhz.iter().copied())
    }

    /// The channels of each window within the output.
    pub fn window_channels(&self) -> impl Iterator<Item = Range<usize>> {
        self.windows.iter().map(|w| w.channels.clone())
    }

    /// The options that the model was planned with.
    pub fn options(&self) -> &ModelOptions {
        &self.options
    }

    /// Work space for one thread.
    pub fn scratch(&self) -> Scratch {
        let n_channels = self.windows.iter().map(|w| w.grid.len()).max().unwrap_or(0);
        let n_lines = self.species.iter().flat_map(|s| &s.lines).map(LineSet::len).max().unwrap_or(0);
        Scratch { opacity: OpacityScratch::new(n_channels, n_lines) }
    }

    /// Brightness temperature (K) of all species together at the channel centres. One parameter set a
    /// species; `out_t_k` has [`n_channels`](Self::n_channels) values. Allocates nothing.
    ///
    /// # Panics
    /// When the lengths do not fit the model.
    pub fn evaluate(
        &self,
        params: &[SpeciesParams],
        scratch: &mut Scratch,
        out_t_k: &mut [f64],
    ) -> Result<(), EvalError> {
        assert_eq!(params.len(), self.species.len(), "one parameter set a species");
        assert_eq!(out_t_k.len(), self.n_channels, "one output value a channel");
        for (index, params) in params.iter().enumerate() {
            self.check(index, params)?;
        }
        out_t_k.fill(0.0);
        for (index, params) in params.iter().enumerate() {
            self.add_species(index, params, scratch, out_t_k)?;
        }
        Ok(())
    }

    /// Adds the brightness temperature (K) of one species to `out_t_k`. Allocates nothing.
    pub fn add_species(
        &self,
        index: usize,
        params: &SpeciesParams,
        scratch: &mut Scratch,
        out_t_k: &mut [f64],
    ) -> Result<(), EvalError> {
        let ln_n_over_q = self.check(index, params)?;
        for (window, lines) in self.windows.iter().zip(&self.species[index].lines) {
            let out_t_k = &mut out_t_k[window.channels.clone()];
            let opacity = &mut scratch.opacity;
            if add_opacity(window, lines, params, (ln_n_over_q, self.options.tolerance_k), opacity) {
                add_brightness(window, params, opacity, out_t_k);
            }
        }
        Ok(())
    }

    /// Brightness temperature (K) of each species alone: one row of `n_channels` a species.
    pub fn contributions(
        &self,
        params: &[SpeciesParams],
        scratch: &mut Scratch,
    ) -> Result<Vec<Vec<f64>>, EvalError> {
        assert_eq!(params.len(), self.species.len(), "one parameter set a species");
        let row = |(index, params): (usize, &SpeciesParams)| {
            let mut row = vec![0.0; self.n_channels];
            self.add_species(index, params, scratch, &mut row).map(|()| row)
        };
        params.iter().enumerate().map(row).collect()
    }

    /// Checks the parameters of a species; ln(N/Q) (cm^-2).
    pub(super) fn check(&self, index: usize, params: &SpeciesParams) -> Result<f64, EvalError> {
        let error = |problem| EvalError { species: index, problem };
        params.check().map_err(error)?;
        let (v_kms, fwhm_kms) = (params.v_kms, params.fwhm_kms);
        if !self.options.velocity.holds(v_kms, fwhm_kms) {
            return Err(error(EvalProblem::Velocity { v_kms, fwhm_kms }));
        }
        let q = self.species[index].species.q().at(params.tex_k).map_err(|e| error(e.into()))?;
        Ok(params.log10_n_cm2 * std::f64::consts::LN_10 - q.ln_q)
    }
}

fn plan_species(
    species: &Species,
    windows: &[PlannedWindow],
    options: &ModelOptions,
) -> Result<PlannedSpecies, ModelError> {
    let ends: Vec<(f64, f64)> =
        windows.iter().map(|w| (w.grid.freq_mhz[0], w.grid.freq_mhz[w.grid.len() - 1])).collect();
    let seen = |(low, high): &(f64, f64)| -> &[Line] { species.lines_in(*low, *high, options.velocity) };
    let lines: Vec<LineSet> = ends.iter().map(|ends| LineSet::new(seen(ends), species.q_300())).collect();
    if lines.iter().all(|lines| lines.len() == 0) {
        return Err(ModelError::NoLines {
            species: species.name().to_owned(),
            source_name: species.source().to_owned(),
            low_mhz: ends.iter().fold(f64::INFINITY, |low, ends| low.min(ends.0)),
            high_mhz: ends.iter().fold(0.0, |high: f64, ends| high.max(ends.1)),
        });
    }
    Ok(PlannedSpecies { species: species.for_windows(&ends, options.velocity), lines })
}
