//! From the derivative by every channel back to those by the parameters: the adjoint of [`super::forward`].

use super::find::Common;
use super::lte::{LteModel, PlannedWindow};
use super::params::N_SPECIES_PARAMS;
use super::profile::{Profile, Slopes};
use super::scratch::{Active, Part, Scratch, SpeciesState, Sums};
use super::simd::{Kernel, Lanes};
use super::touched::for_each;
use crate::physics::{C_KMS, FWHM_PER_SIGMA};

/// Sums `scratch.pull_per_k` (derivative by the channels) to `scratch.sums`, after a forward pass that has kept what is
/// needed.
pub(super) struct Reverse<'a> {
    pub model: &'a LteModel,
    pub scratch: &'a mut Scratch,
}

impl Kernel for Reverse<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        let Self { model, scratch } = self;
        for &index in &model.ways.plain {
            let common = model.common(&scratch.states[index]);
            let mut lanes = LaneSums::<L>::new();
            for (w, window) in model.windows.iter().enumerate() {
                let part = scratch.parts[index * model.windows.len() + w];
                let job = Job { model, window, index, part, common: &common };
                job.pull_on_opacity::<L>(scratch, &mut lanes);
                job.pull_on_lines::<L>(scratch, &mut lanes);
                job.clear::<L>(scratch);
            }
            scratch.sums[index] = lanes.sums();
        }
    }
}

/// The sums of [`Sums`], lane by lane.
pub(super) struct LaneSums<L> {
    lines: Slopes<L>,
    by_tex: L,
    pub by_source: L,
    pub by_theta: L,
}

impl<L: Lanes> LaneSums<L> {
    #[inline(always)]
    pub fn new() -> Self {
        let zero = L::splat(0.0);
        let lines = Slopes { by_peak: zero, by_x: zero, by_sigma: zero, by_cut: zero };
        Self { lines, by_tex: zero, by_source: zero, by_theta: zero }
    }

    /// Adds the derivatives at a sample, times the derivative by its opacity.
    #[inline(always)]
    pub fn add(&mut self, slopes: &Slopes<L>, pull: L, line_by_tex: L) {
        let by_peak = slopes.by_peak.mul(pull);
        self.lines.by_peak = self.lines.by_peak.add(by_peak);
        self.by_tex = by_peak.mul_add(line_by_tex, self.by_tex);
        self.lines.by_x = slopes.by_x.mul_add(pull, self.lines.by_x);
        self.lines.by_sigma = slopes.by_sigma.mul_add(pull, self.lines.by_sigma);
        self.lines.by_cut = slopes.by_cut.mul_add(pull, self.lines.by_cut);
    }

    #[inline(always)]
    pub fn sums(&self) -> Sums {
        Sums {
            by_peak: self.lines.by_peak.sum(),
            by_tex: self.by_tex.sum(),
            by_x: self.lines.by_x.sum(),
            by_sigma: self.lines.by_sigma.sum(),
            by_cut: self.lines.by_cut.sum(),
            by_source: self.by_source.sum(),
            by_theta: self.by_theta.sum(),
            by_width: 0.0,
        }
    }
}

/// One species in one window.
struct Job<'a> {
    model: &'a LteModel,
    window: &'a PlannedWindow,
    index: usize,
    part: Part,
    common: &'a Common,
}

impl Job<'_> {
    /// Writes the derivative by each sample's opacity (over the cut) into `scratch.tau`.
    #[inline(always)]
    fn pull_on_opacity<L: Lanes>(&self, scratch: &mut Scratch, sums: &mut LaneSums<L>) {
        let params = scratch.states[self.index].params;
        let Scratch { touched, tau, screen: screens, pull_per_k, .. } = scratch;
        let pull_per_k = &pull_per_k[self.window.padded.clone()];
        let freq_mhz = &self.window.grid.padded_mhz[..];
        let (cut, one) = (L::splat(self.common.cut), L::splat(1.0));
        let words = &touched[self.model.words(self.index, self.window)];
        let mut screen = self.part.first_screen;
        for_each::<L>(words, &self.window.segments, &params, |at, amplitude| {
            let (pull, freq) = (L::load(&pull_per_k[at..]), L::load(&freq_mhz[at..]));
            let by_tau = pull.mul(amplitude.value.at(freq)).mul(cut);
            let u = L::load(&screens[screen..]);
            screen += L::N;
            by_tau.mul(one.sub(u)).store(&mut tau[at..]);
            let by_amplitude = pull.mul(u);
            sums.by_source = amplitude.by_tex.at(freq).mul_add(by_amplitude, sums.by_source);
            sums.by_theta = amplitude.by_theta.at(freq).mul_add(by_amplitude, sums.by_theta);
        });
    }

    /// Sums over the lines.
    #[inline(always)]
    fn pull_on_lines<L: Lanes>(&self, scratch: &Scratch, sums: &mut LaneSums<L>) {
        let (grid, pulls) = (&self.window.grid, &scratch.tau[..]);
        for line in &scratch.active[self.part.first_active..self.part.end_active] {
            let (profile, by_tex) = (Profile::<L>::new(line, 0.0), L::splat(line.by_tex));
            for at in vectors::<L>(line) {
                let freq = L::load(&grid.padded_mhz[at..]);
                sums.add(&profile.slopes_at(freq), L::load(&pulls[at..]), by_tex);
            }
        }
    }

    /// Leaves `scratch.tau` zero.
    #[inline(always)]
    fn clear<L: Lanes>(&self, scratch: &mut Scratch) {
        for line in &scratch.active[self.part.first_active..self.part.end_active] {
            scratch.tau[line.first as usize..line.end as usize].fill(0.0);
        }
    }
}

#[inline(always)]
fn vectors<L: Lanes>(line: &Active) -> impl Iterator<Item = usize> {
    (line.first as usize..line.end as usize).step_by(L::N)
}

impl Sums {
    /// Derivatives by the parameters of the species, in their order; `t_bg_k` as in [`Common::new`].
    pub(super) fn by_params(&self, state: &SpeciesState, t_bg_k: f64) -> [f64; N_SPECIES_PARAMS] {
        let params = &state.params;
        let doppler = 1.0 - params.v_kms / C_KMS;
        let sigma_per_freq = params.fwhm_kms / (FWHM_PER_SIGMA * C_KMS);
        // ln peak = ln N - ln Q - E_l/T + ln(1 - exp(-h nu/T)) - ln FWHM - ln(1 - v/c); ln cut = - ln(T + Tbg).
        let by_tex = self.by_source + self.by_tex
            - self.by_peak * state.q_slope / params.tex_k
            - self.by_cut / (params.tex_k + t_bg_k);
        // x = (nu / nu0 (1 - v/c) - 1) / s, s = sigma / nu: dx/dv = (1 + s x) / (s c (1 - v/c)).
        let by_v = (self.by_x - sigma_per_freq * self.by_sigma) / (sigma_per_freq * C_KMS * doppler)
            + self.by_peak / (C_KMS * doppler);
        [
            self.by_peak * std::f64::consts::LN_10,
            by_tex,
            (self.by_sigma + self.by_width - self.by_peak) / params.fwhm_kms,
            by_v,
            self.by_theta,
            0.0,
            0.0,
        ]
    }
}
