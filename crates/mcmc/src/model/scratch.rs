//! Work space of one evaluation: what the passes hand to one another.

use super::lines::LineSet;
use super::lte::LteModel;
use super::params::SpeciesParams;
use super::simd::{MAX_LANES, MIN_LANES};

/// A species at its parameters.
#[derive(Debug, Clone, Copy)]
pub(super) struct SpeciesState {
    pub params: SpeciesParams,
    /// ln(N/Q) (cm^-2).
    pub ln_n_over_q: f64,
    /// d ln Q / d ln T.
    pub q_slope: f64,
}

/// A line that is seen.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Active {
    /// ln of the peak opacity over the opacity at which profiles are cut.
    pub z0: f64,
    /// Centre (MHz).
    pub centre_mhz: f64,
    /// One over sigma (1/MHz).
    pub per_sigma: f64,
    /// Derivative of the peak's logarithm by Tex, without that of Q (1/K).
    pub by_tex: f64,
    /// The first channel of the first vector that it reaches, and one past the last vector.
    pub first: u32,
    pub end: u32,
}

/// Where a species' lines and samples in one window stand.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Part {
    /// Its lines in [`Scratch::active`].
    pub first_active: usize,
    pub end_active: usize,
    /// Its samples in [`Scratch::screen`].
    pub first_screen: usize,
    pub end_screen: usize,
}

/// Derivatives of a function of the spectrum by what all lines of a species share.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sums {
    /// By the logarithm of the peaks.
    pub by_peak: f64,
    /// By Tex, through the levels' populations, without Q.
    pub by_tex: f64,
    /// By a shift of all lines, in sigma.
    pub by_x: f64,
    /// By the logarithm of sigma, at constant peaks.
    pub by_sigma: f64,
    /// By the logarithm of the cut.
    pub by_cut: f64,
    /// By Tex, through the source function.
    pub by_source: f64,
    /// By the source's size.
    pub by_theta: f64,
}

/// Work space of one evaluating thread: see [`LteModel::scratch`].
#[derive(Debug, Clone)]
pub struct Scratch {
    pub(super) states: Vec<SpeciesState>,
    pub(super) active: Vec<Active>,
    /// Vectors with opacity: a set a species, see [`super::touched`].
    pub(super) touched: Vec<u64>,
    /// Of each species in each window.
    pub(super) parts: Vec<Part>,
    /// Opacity over the cut, a sample; all zero between two uses. With samples within channels it is packed:
    /// see [`Sampling`].
    pub(super) tau: Vec<f64>,
    /// `1 - exp(-tau)` of all samples of all species, in the order in which they were computed.
    pub(super) screen: Vec<f64>,
    pub(super) sampling: Sampling,
    /// Derivatives of chi^2 / 2, a species.
    pub(super) sums: Vec<Sums>,
    /// The model (K), padded.
    pub(super) sum_k: Vec<f64>,
    /// Derivative of chi^2 / 2 by the model (1/K), padded.
    pub(super) pull_per_k: Vec<f64>,
}

/// How each vector of channels is sampled within its channels: by species, then by vector.
#[derive(Debug, Clone)]
pub(super) struct Sampling {
    /// Sum of the peak opacities of the lines that reach a vector; all zero between two uses.
    pub depth: Vec<f64>,
    /// Index of the rule (0: mean opacity); one set a species.
    pub rule: Vec<u8>,
    /// Place of the vector's first sample in `tau`; one set a species.
    pub offset: Vec<u32>,
}

impl Sampling {
    /// Place of the first sample and rule of a vector.
    #[inline(always)]
    pub fn of(&self, vector: usize) -> (usize, usize) {
        (self.offset[vector] as usize, self.rule[vector] as usize)
    }
}

impl Scratch {
    pub(super) fn new(model: &LteModel) -> Self {
        let n_padded = model.n_padded();
        let largest = model.windows.iter().map(|w| w.grid.padded_mhz.len()).max().unwrap_or(0);
        let n_lines: usize = model.species.iter().flat_map(|s| &s.lines).map(LineSet::len).sum();
        let (n_species, n_windows) = (model.species.len(), model.windows.len());
        let n_vectors = n_padded / MIN_LANES;
        let (n_rules, n_screens) = if model.averages() { (n_species * n_vectors, 0) } else { (0, n_species) };
        Self {
            states: Vec::with_capacity(n_species),
            active: vec![Active::default(); n_lines + MAX_LANES],
            touched: vec![0; n_species * model.n_words],
            parts: vec![Part::default(); n_species * n_windows],
            sums: vec![Sums::default(); n_species],
            tau: vec![0.0; largest],
            screen: vec![0.0; n_screens * n_padded],
            sampling: Sampling {
                depth: vec![0.0; n_vectors],
                rule: vec![0; n_rules],
                offset: vec![0; n_rules],
            },
            sum_k: vec![0.0; n_padded],
            pull_per_k: vec![0.0; n_padded],
        }
    }
}
