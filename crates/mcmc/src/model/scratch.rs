//! Work space of one evaluation: what the passes hand to one another.

use super::excitation::{Excitation, ExcitedLine};
use super::ladder::MOST_RUNGS;
use super::limits::Choice;
use super::lines::LineSet;
use super::lte::LteModel;
use super::narrow::N_LEGENDRE;
use super::nodes::Rules;
use super::params::{N_SPECIES_PARAMS, SpeciesParams};
use super::sight::n_functions;
use super::sight_reverse::N_MOMENT_LANES;
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

/// What a line of a sight line gives, per its profile over the cut.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Glow {
    /// Opacity: the cut, or a share of it.
    pub opacity: f64,
    /// Emission at the line's centre (K), and how it changes with frequency (K/MHz).
    pub emission_k: f64,
    pub slope_k_per_mhz: f64,
    /// Derivative of the emission by Tex.
    pub by_tex: f64,
    /// Its number, among excited lines.
    pub line: u32,
}

/// Where a sight line's planes of opacity and emission stand, in one window.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct SightPart {
    pub first_plane: usize,
    pub n_samples: usize,
}

/// Derivatives by what the lines of a species on a sight line share.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct SightSums {
    /// By the logarithm of the peaks.
    pub by_peak: f64,
    /// By Tex, through populations and source functions, without Q.
    pub by_tex: f64,
    /// As in [`Sums`].
    pub by_x: f64,
    pub by_sigma: f64,
    /// By the damping of Voigt profiles.
    pub by_damping: f64,
    /// By the size of the group's source, at the group's first species.
    pub by_theta: f64,
}

impl SightSums {
    /// Adds a line in LTE: derivatives by the logarithm of its peak, by opacity and emission over the profile; the
    /// logarithm of the peak and the emission by Tex.
    #[inline(always)]
    pub fn add_line(&mut self, [by_peak, _, by_emission]: [f64; 3], peak_by_tex: f64, emission_by_tex: f64) {
        self.by_peak += by_peak;
        self.by_tex += by_peak * peak_by_tex + by_emission * emission_by_tex;
    }
}

/// The lines of a species with an excitation of its own.
#[derive(Debug, Clone)]
pub(super) struct ExcitedSpecies {
    pub freq_mhz: Vec<f64>,
    pub lines: Vec<ExcitedLine>,
    pub work: Vec<f64>,
    /// Derivatives by the parameters, through the lines alone.
    pub by_params: [f64; N_SPECIES_PARAMS],
}

impl ExcitedSpecies {
    /// Adds a line: derivatives by the logarithm of its peak, by opacity and emission over the profile.
    pub fn pull(&mut self, line: u32, [by_peak, by_opacity, by_emission]: [f64; 3], cut: f64) {
        let by = [by_peak, by_opacity * cut, by_emission * cut];
        self.lines[line as usize].pull(by, &mut self.by_params);
    }
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

/// Where a species' lines and samples in one window stand, for one rung of [`super::ladder`].
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct AveragePart {
    /// Its lines in [`Scratch::active`].
    pub first_active: usize,
    pub end_active: usize,
    /// What is kept of it in [`Scratch::screen`].
    pub first_screen: usize,
    /// Numbers of samples.
    pub n_samples: usize,
}

/// What averaging over channels needs besides.
#[derive(Debug, Clone)]
pub(super) struct AverageWork {
    /// Of each species in each window, by rung.
    pub parts: Vec<AveragePart>,
    /// What each vector of channels has: [`super::average_forward::class`]; a set a species and rung.
    pub class: Vec<u8>,
    /// Place of a vector's first sample; one set.
    pub offset: Vec<u32>,
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
    /// By the logarithm of sigma, through the way in which channels are averaged.
    pub by_width: f64,
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
    /// Opacity over the cut, of one species in one window; all zero between two uses. Averaged over channels: planes, then
    /// samples, packed.
    pub(super) tau: Vec<f64>,
    /// What derivatives by the opacities need, in the order in which it was computed: `1 - exp(-tau)` of all channels of
    /// all species, or what `average_forward` keeps.
    pub(super) screen: Vec<f64>,
    pub(super) average: AverageWork,
    /// Of sight lines.
    pub(super) sampling: Sampling,
    /// Derivatives of chi^2 / 2, a species.
    pub(super) sums: Vec<Sums>,
    /// Beside `active`: what sight lines want of each line.
    pub(super) glows: Vec<Glow>,
    /// How many lines, and numbers of `planes`, are in use.
    pub(super) end_active: usize,
    pub(super) end_plane: usize,
    /// Opacity and emission of the groups of sight lines, a sample.
    pub(super) planes: Vec<f64>,
    /// Of each sight line in each window.
    pub(super) sight_parts: Vec<SightPart>,
    pub(super) sight_sums: Vec<SightSums>,
    pub(super) excited: Vec<Option<ExcitedSpecies>>,
    /// Parameters of dust and continuum, and the derivatives of chi^2 / 2 by them.
    pub(super) extra: Vec<f64>,
    pub(super) by_extra: Vec<f64>,
    /// Cubics of the smooth functions of sight lines, and their moments, lane by lane.
    pub(super) smooth: Vec<[f64; 4]>,
    pub(super) moments: Vec<f64>,
    /// The same, summed over the lanes, of one segment.
    pub(super) sums_of_moments: Vec<[f64; 4]>,
    /// What is behind each group: work space of one vector.
    pub(super) behinds: Vec<f64>,
    /// The model (K), padded.
    pub(super) sum_k: Vec<f64>,
    /// Derivative of chi^2 / 2 by the model (1/K), padded.
    pub(super) pull_per_k: Vec<f64>,
}

/// How each vector of channels is sampled within its channels: by sight line, then by vector.
#[derive(Debug, Clone)]
pub(super) struct Sampling {
    /// The opacity that decides, or the derivative by it, of each vector of a window; all zero between two uses.
    pub depth: Vec<f64>,
    /// Index of the rule (0: mean opacity), or [`MIXED`]: most vectors have one alone, and are done with fewer branches; one set a sight line.
    pub rule: Vec<u8>,
    /// The rules where there are several, whose samples follow one another; one set a sight line.
    pub choice: Vec<Choice>,
    /// Place of the vector's first sample among the planes; one set a sight line.
    pub offset: Vec<u32>,
}

/// Stands for several rules.
pub(super) const MIXED: usize = u8::MAX as usize;

impl Sampling {
    /// Takes the rules of a vector, and the place of its first sample.
    #[inline(always)]
    pub fn set(&mut self, vector: usize, choice: Choice, offset: usize) {
        self.rule[vector] = if choice.is_mixed() { MIXED as u8 } else { choice.shares()[0].rule as u8 };
        if choice.is_mixed() {
            self.choice[vector] = choice;
        }
        self.offset[vector] = offset as u32;
    }

    /// Place of the first sample of a vector, and its rule or [`MIXED`].
    #[inline(always)]
    pub fn of(&self, vector: usize) -> (usize, usize) {
        (self.offset[vector] as usize, usize::from(self.rule[vector]))
    }
}

/// The most samples for which room is made beforehand: a GB of addresses. Pages that are never used cost nothing.
const MOST_SAMPLES: usize = 1 << 27;

impl Scratch {
    pub(super) fn new(model: &LteModel) -> Self {
        let (ways, n_padded) = (&model.ways, model.n_padded());
        let largest = model.windows.iter().map(|w| w.grid.padded_mhz.len()).max().unwrap_or(0);
        let n_lines: usize = model.species.iter().flat_map(|s| &s.lines).map(LineSet::len).sum();
        let excited: Vec<Option<ExcitedSpecies>> =
            ways.excitations.iter().map(|e| e.as_deref().map(ExcitedSpecies::new)).collect();
        let n_excited: usize = excited.iter().flatten().map(|e| e.lines.len()).sum();
        let n_lines = n_lines + n_excited * model.windows.len() + MAX_LANES;
        let (n_species, n_windows, n_sights) =
            (model.species.len(), model.windows.len(), ways.sightlines.len());
        let (n_vectors, n_sets) = (n_padded / MIN_LANES, n_species + n_sights);
        // The most samples that a channel can have.
        let most = if model.averages() { Rules::most_samples() } else { 1 };
        // Planes of opacity, samples, and one more number a channel that is kept.
        let numbers = if model.averages() { 1 + N_LEGENDRE + most } else { 1 };
        let n_averaged = if model.averages() { MOST_RUNGS * n_species } else { 0 };
        let most_groups = ways.sightlines.iter().map(|s| s.groups.len()).max().unwrap_or(0);
        // Where one rule passes into the next both are sampled.
        let most_mixed = if model.averages() { most + most / 2 } else { 1 };
        let planes: usize = ways.sightlines.iter().map(|s| 2 * s.groups.len() * n_padded * most_mixed).sum();
        Self {
            states: Vec::with_capacity(n_species),
            active: vec![Active::default(); n_lines],
            touched: vec![0; n_sets * model.n_words],
            parts: vec![Part::default(); n_species * n_windows],
            sums: vec![Sums::default(); n_species],
            tau: vec![0.0; (largest * numbers).min(MOST_SAMPLES)],
            screen: vec![0.0; (MOST_RUNGS * ways.plain.len() * n_padded * numbers).min(MOST_SAMPLES)],
            average: AverageWork {
                parts: vec![AveragePart::default(); n_averaged * n_windows],
                class: vec![0; n_averaged * n_vectors],
                offset: vec![0; largest / MIN_LANES],
            },
            sampling: Sampling {
                depth: vec![0.0; n_vectors],
                rule: vec![0; n_sights * n_vectors],
                choice: vec![Choice::of(0); n_sights * n_vectors],
                offset: vec![0; n_sights * n_vectors],
            },
            glows: vec![Glow::default(); if n_sights > 0 { n_lines } else { 0 }],
            end_active: 0,
            end_plane: 0,
            planes: vec![0.0; planes.min(MOST_SAMPLES)],
            sight_parts: vec![SightPart::default(); n_sights * n_windows],
            sight_sums: vec![SightSums::default(); n_species],
            excited,
            extra: vec![0.0; model.n_extra],
            by_extra: vec![0.0; model.n_extra],
            smooth: vec![[0.0; 4]; ways.n_smooth],
            moments: vec![0.0; ways.n_smooth * N_MOMENT_LANES],
            sums_of_moments: Vec::with_capacity(n_functions(most_groups)),
            behinds: vec![0.0; most_groups * MAX_LANES],
            sum_k: vec![0.0; n_padded],
            pull_per_k: vec![0.0; n_padded],
        }
    }

    /// Derivatives of `chi^2` by the parameters of dust and continuum, after
    /// [`chi2_and_gradient`](LteModel::chi2_and_gradient), in their order.
    pub fn by_extra(&self) -> impl Iterator<Item = f64> {
        self.by_extra.iter().map(|half| 2.0 * half)
    }
}

impl ExcitedSpecies {
    fn new(excitation: &dyn Excitation) -> Self {
        let freq_mhz = excitation.freq_mhz().to_vec();
        let lines = vec![ExcitedLine::default(); freq_mhz.len()];
        let work = vec![0.0; excitation.n_work()];
        Self { freq_mhz, lines, work, by_params: [0.0; N_SPECIES_PARAMS] }
    }
}
