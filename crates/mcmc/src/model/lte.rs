//! Plans the LTE model; [`super::evaluate`] evaluates it.

use super::amplitude::Segment;
use super::error::ModelError;
use super::excitation::Excitation;
use super::find::Common;
use super::limits::LimitCurves;
use super::lines::LineSet;
use super::nodes::Rules;
use super::scratch::{Scratch, SpeciesState};
use super::sight::Ways;
use super::simd::{Lanes, MIN_LANES, Simd, SimdPath};
use super::structure::Structure;
use super::touched;
use super::voigt::Faddeeva;
use super::window::{Grid, Window};
use crate::catalog::{Line, Species, VelocityRange};
use crate::physics::C_KMS;
use serde::{Deserialize, Serialize};
use std::ops::Range;
use std::sync::Arc;

/// What a model is planned with, besides species and windows.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ModelOptions {
    /// Background temperature (K), behind the source.
    pub t_bg_k: f64,
    /// Velocities at which lines are looked for, wings included.
    pub velocity: VelocityRange,
    /// Error (K) allowed to the cuts of line wings and of weak lines, in a channel.
    pub tolerance_k: f64,
    /// What a channel's value is.
    pub channels: ChannelMode,
    /// The vector instructions to use: the same on all ranks of a run.
    pub simd: SimdPath,
}

/// What the value of a channel is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChannelMode {
    /// The mean over its width, as a spectrometer measures it.
    #[default]
    Average,
    /// The value at its centre: for comparisons.
    Point,
}

/// The share of the tolerance that one cut wing, or one line left out, may take: some of them come together at a channel.
const TOLERANCE_SHARE: f64 = 0.125;

impl ModelOptions {
    /// The cosmic background (2.73 K), channel averages to 1e-3 K, the best instructions of this machine, for centroids
    /// from `v_min_kms` to `v_max_kms` and widths up to `fwhm_max_kms` (km/s).
    pub fn for_velocities(v_min_kms: f64, v_max_kms: f64, fwhm_max_kms: f64) -> Self {
        let velocity = VelocityRange::of_centroids(v_min_kms, v_max_kms, fwhm_max_kms);
        Self {
            t_bg_k: 2.73,
            velocity,
            tolerance_k: 1.0e-3,
            channels: ChannelMode::Average,
            simd: SimdPath::detect(),
        }
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
    /// Its place among the padded channels.
    pub padded: Range<usize>,
    /// Its words among those that mark the vectors with opacity.
    pub words: Range<usize>,
}

impl PlannedWindow {
    /// The window's own channels among the padded ones: without guards.
    pub fn own(&self) -> Range<usize> {
        let first = self.padded.start + self.grid.guards;
        first..first + self.channels.len()
    }

    /// The channels that are computed, guards included, among the padded ones.
    pub fn computed(&self) -> Range<usize> {
        self.padded.start..self.padded.start + self.grid.len()
    }
}

/// A species as planned.
#[derive(Debug, Clone)]
pub(super) struct PlannedSpecies {
    /// With the lines of the windows only.
    pub species: Species,
    /// A set a window.
    pub lines: Vec<LineSet>,
}

/// The LTE model of some species on some windows, planned once.
#[derive(Debug, Clone)]
pub struct LteModel {
    pub(super) species: Vec<PlannedSpecies>,
    pub(super) windows: Vec<PlannedWindow>,
    pub(super) options: ModelOptions,
    pub(super) rules: Rules,
    pub(super) limits: LimitCurves,
    pub(super) simd: Simd,
    pub(super) ways: Ways,
    pub(super) faddeeva: Faddeeva,
    /// Number of parameters of dust and continuum.
    pub(super) n_extra: usize,
    pub(super) n_channels: usize,
    /// Words that mark the vectors with opacity, of one species.
    pub(super) n_words: usize,
}

impl LteModel {
    /// Plans the model. Every species must have a line in some window. The output's channels are
    /// those of the windows, one window after the other, in the order given.
    pub fn new(species: &[Species], windows: &[Window], options: ModelOptions) -> Result<Self, ModelError> {
        let excitations = vec![None; species.len()];
        Self::with_structure(species, windows, options, &Structure::default(), excitations)
    }

    /// Plans a model with groups, layers, dust, continuum, Voigt profiles, and species whose levels an [`Excitation`]
    /// populates; `excitations` has an entry a species, None: LTE.
    pub fn with_structure(
        species: &[Species],
        windows: &[Window],
        options: ModelOptions,
        structure: &Structure,
        excitations: Vec<Option<Arc<dyn Excitation>>>,
    ) -> Result<Self, ModelError> {
        assert_eq!(species.len(), excitations.len(), "one excitation a species");
        options.check()?;
        let simd = Simd::new(options.simd).ok_or(ModelError::Simd { path: options.simd })?;
        let mut planned = Vec::with_capacity(windows.len());
        let (mut n_channels, mut n_padded, mut n_words) = (0, 0, 0);
        for window in windows {
            window.check()?;
            let grid = Grid::new(window);
            let segments = Segment::cut(&grid, &window.beam, options.t_bg_k);
            let channels = n_channels..n_channels + window.freq_mhz.len();
            n_channels = channels.end;
            let padded = n_padded..n_padded + grid.padded_mhz.len();
            n_padded = padded.end;
            let words = n_words..n_words + touched::n_words(padded.len() / MIN_LANES);
            n_words = words.end;
            planned.push(PlannedWindow { window: window.clone(), grid, segments, channels, padded, words });
        }
        let species =
            species.iter().map(|s| plan_species(s, &planned, &options)).collect::<Result<_, _>>()?;
        let n_segments: Vec<usize> = planned.iter().map(|w| w.segments.len()).collect();
        let ways = Ways::new(structure, excitations, &n_segments)?;
        Ok(Self {
            species,
            windows: planned,
            options,
            rules: Rules::new(),
            limits: LimitCurves::new(),
            simd,
            ways,
            faddeeva: Faddeeva::new(),
            n_extra: structure.n_extra(),
            n_channels,
            n_words,
        })
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
        self.windows.iter().flat_map(|w| w.window.freq_mhz.iter().copied())
    }

    /// The channels of each window within the output.
    pub fn window_channels(&self) -> impl Iterator<Item = Range<usize>> {
        self.windows.iter().map(|w| w.channels.clone())
    }

    /// Channel centres (MHz) of each window.
    pub fn window_freq_mhz(&self) -> impl Iterator<Item = &[f64]> {
        self.windows.iter().map(|w| &w.window.freq_mhz[..])
    }

    /// The options that the model was planned with.
    pub fn options(&self) -> &ModelOptions {
        &self.options
    }

    /// Work space for one thread.
    pub fn scratch(&self) -> Scratch {
        Scratch::new(self)
    }

    /// Number of channels with the padding of each window.
    pub(super) fn n_padded(&self) -> usize {
        self.windows.last().map_or(0, |w| w.padded.end)
    }

    /// Whether the model is averaged over the channels.
    pub(super) fn averages(&self) -> bool {
        self.options.channels == ChannelMode::Average
    }

    /// The brightness (K) at which profiles end.
    pub(super) fn cut_k(&self) -> f64 {
        TOLERANCE_SHARE * self.options.tolerance_k
    }

    /// What all lines of a species share.
    #[inline(always)]
    pub(super) fn common(&self, state: &SpeciesState) -> Common {
        Common::new(state, self.options.t_bg_k, self.cut_k())
    }

    /// The first vector of a window among those of a species.
    #[inline(always)]
    pub(super) fn first_vector<L: Lanes>(&self, species: usize, window: &PlannedWindow) -> usize {
        (species * self.n_padded() + window.padded.start) / L::N
    }

    /// The words that mark where a species has opacity in a window.
    #[inline(always)]
    pub(super) fn words(&self, species: usize, window: &PlannedWindow) -> Range<usize> {
        let base = species * self.n_words;
        base + window.words.start..base + window.words.end
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
