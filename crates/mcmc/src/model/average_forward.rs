//! From the parameters to the brightness temperature averaged over every channel.
//!
//! Each line adds its mean opacity over the channels; strong lines also what tells how the opacity changes across them. Where that
//! says that it is needed, all lines are sampled within the channels as well.

use super::average::{self, wants_samples};
use super::find::{Common, find};
use super::ladder::{Rung, has_wide, rungs};
use super::lte::{LteModel, PlannedWindow};
use super::narrow::N_LEGENDRE;
use super::nodes::Rule;
use super::scratch::{AveragePart, Scratch};
use super::simd::{Kernel, Lanes};
use super::touched::{Amplitudes, Marked, mark};
use super::vector::{EXP_LIMIT, one_minus_exp_neg};

/// Adds some species, each alone in front of the background, to `scratch.sum_k`. `KEEP` leaves behind what the derivatives
/// need.
pub(super) struct AverageForward<'a, const KEEP: bool> {
    pub model: &'a LteModel,
    pub species: &'a [usize],
    pub scratch: &'a mut Scratch,
}

impl<const KEEP: bool> Kernel for AverageForward<'_, KEEP> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        let Self { model, species, scratch } = self;
        let (mut end_active, mut end_screen) = (0, 0);
        for &index in species {
            let common = model.common(&scratch.states[index]);
            for (w, window) in model.windows.iter().enumerate() {
                // What no derivative needs is overwritten: it stays in the cache.
                if !KEEP {
                    (end_active, end_screen) = (0, 0);
                }
                let job = AverageJob { model, window, index, w, common: &common };
                let lines = job.find_lines::<L, KEEP>(end_active, scratch);
                end_active = lines.end;
                let params = scratch.states[index].params;
                for (which, rung) in rungs(window, &params).enumerate() {
                    let n_samples = job.add_opacity::<L>(&lines, which, &rung, scratch);
                    let first_screen = end_screen;
                    end_screen = job.add_brightness::<L, KEEP>(which, &rung, first_screen, scratch);
                    let part = AveragePart { first_active: lines.start, end_active, first_screen, n_samples };
                    scratch.average.parts[job.part(which)] = part;
                }
            }
        }
        scratch.end_active = end_active;
    }
}

/// What a vector of channels has beside the mean opacity.
pub(super) mod class {
    /// Nothing.
    pub const MEAN: u8 = 0;
    /// The other planes.
    pub const PLANES: u8 = 1;
    /// The other planes, and samples.
    pub const SAMPLES: u8 = 2;
}

/// What is kept for the derivatives; nothing without `KEEP`.
struct Keep<'a, const KEEP: bool> {
    values: &'a mut Vec<f64>,
    at: usize,
}

impl<const KEEP: bool> Keep<'_, KEEP> {
    #[inline(always)]
    fn make_room(&mut self, n: usize) {
        if KEEP && self.values.len() < self.at + n {
            self.values.resize((self.at + n).next_power_of_two(), 0.0);
        }
    }

    #[inline(always)]
    fn put<L: Lanes>(&mut self, value: L) {
        if KEEP {
            value.store(&mut self.values[self.at..]);
            self.at += L::N;
        }
    }

    #[inline(always)]
    fn put_all<L: Lanes>(&mut self, values: [L; N_LEGENDRE]) {
        self.put(values[0]);
        self.put(values[1]);
        self.put(values[2]);
        self.put(values[3]);
    }
}

/// One species in one window.
pub(super) struct AverageJob<'a> {
    pub model: &'a LteModel,
    pub window: &'a PlannedWindow,
    pub index: usize,
    pub w: usize,
    pub common: &'a Common,
}

impl AverageJob<'_> {
    /// The place of a rung's part.
    pub fn part(&self, which: usize) -> usize {
        super::ladder::MOST_RUNGS * (self.index * self.model.windows.len() + self.w) + which
    }

    /// The vectors of the window, in a set for a species and a rung.
    #[inline(always)]
    pub fn vectors<L: Lanes>(&self, which: usize) -> std::ops::Range<usize> {
        let first = self.model.first_vector::<L>(super::ladder::MOST_RUNGS * self.index + which, self.window);
        first..first + self.n_vectors::<L>()
    }

    #[inline(always)]
    fn n_vectors<L: Lanes>(&self) -> usize {
        self.window.padded.len() / L::N
    }

    #[inline(always)]
    fn find_lines<L: Lanes, const KEEP: bool>(
        &self,
        first: usize,
        scratch: &mut Scratch,
    ) -> std::ops::Range<usize> {
        let lines = &self.model.species[self.index].lines[self.w];
        let state = scratch.states[self.index];
        // Wide channels may have a line between their centres.
        let beyond_mhz =
            if has_wide(self.window, &state.params) { self.window.grid.widest_half_mhz } else { 0.0 };
        let active = &mut scratch.active[first..];
        let n = find::<L, KEEP>(self.window, lines, &state, self.common, beyond_mhz, active);
        let words = &mut scratch.touched[self.model.words(self.index, self.window)];
        words.fill(0);
        active[..n].iter().for_each(|line| mark(words, line.first as usize / L::N, line.end as usize / L::N));
        first..first + n
    }

    /// Adds the opacity of all lines to the planes, and the samples where they are wanted; returns how many numbers of those
    /// there are.
    #[inline(always)]
    fn add_opacity<L: Lanes>(
        &self,
        lines: &std::ops::Range<usize>,
        which: usize,
        rung: &Rung,
        scratch: &mut Scratch,
    ) -> usize {
        let vectors = self.vectors::<L>(which);
        let words = &scratch.touched[self.model.words(self.index, self.window)];
        let lines = &scratch.active[lines.clone()];
        let (classes, offsets) = (&mut scratch.average.class[vectors], &mut scratch.average.offset[..]);
        classes.fill(class::MEAN);
        let (planes, samples) = scratch.tau.split_at_mut(N_LEGENDRE * self.window.padded.len());
        if rung.wide {
            self.add_wide::<L>(lines, planes);
            Marked::new(words).for_each(|v| classes[v] = class::PLANES);
        } else {
            self.add_narrow::<L>(lines, classes, planes);
        }
        let rule = self.model.rules.at(rung.rule);
        let mut n_samples = 0;
        for v in Marked::new(words) {
            if classes[v] == class::MEAN {
                continue;
            }
            if wants_samples(rung.wide, &self.planes_at::<L>(planes, v * L::N)) {
                (classes[v], offsets[v]) = (class::SAMPLES, n_samples as u32);
                n_samples += rule.nodes.len() * L::N;
            } else if rung.wide {
                // What bounds the opacity is of no use any more.
                L::splat(0.0).store(&mut planes[self.window.padded.len() + v * L::N..]);
                classes[v] = class::MEAN;
            }
        }
        if n_samples > 0 {
            self.add_samples::<L>(lines, classes, offsets, rule, samples);
        }
        n_samples
    }

    /// Opacity over the opacity of the cut, times the latter.
    #[inline(always)]
    fn planes_at<L: Lanes>(&self, planes: &[f64], at: usize) -> [L; N_LEGENDRE] {
        let (n, cut) = (self.window.padded.len(), L::splat(self.common.cut));
        [
            L::load(&planes[at..]).mul(cut),
            L::load(&planes[n + at..]).mul(cut),
            L::load(&planes[2 * n + at..]).mul(cut),
            L::load(&planes[3 * n + at..]).mul(cut),
        ]
    }

    /// Adds `eta (J(Tex) - J(Tbg)) (1 - exp(-tau))` to the channels with opacity, and leaves `tau` zero. Returns the end
    /// of the screens: of each vector the derivatives by its planes, then of the samples; in front of them the mean
    /// of `1 - exp(-tau)` where there are samples, while it is 1 less the derivative by the mean opacity elsewhere.
    #[inline(always)]
    fn add_brightness<L: Lanes, const KEEP: bool>(
        &self,
        which: usize,
        rung: &Rung,
        first_screen: usize,
        scratch: &mut Scratch,
    ) -> usize {
        let (params, vectors) = (scratch.states[self.index].params, self.vectors::<L>(which));
        let Scratch { touched, tau, screen: screens, average, sum_k, .. } = scratch;
        let (classes, offsets) = (&average.class[vectors], &average.offset[..]);
        let out = &mut sum_k[self.window.padded.clone()];
        let freq_mhz = &self.window.grid.padded_mhz[..];
        let n = self.window.padded.len();
        let (planes, samples) = tau.split_at_mut(N_LEGENDRE * n);
        let rule = self.model.rules.at(rung.rule);
        let most = (1 + N_LEGENDRE + rule.nodes.len()) * L::N;
        let (weight, zero) = (L::splat(rung.weight), L::splat(0.0));
        let words = &touched[self.model.words(self.index, self.window)];
        let mut keep = Keep::<KEEP> { values: screens, at: first_screen };
        let mut amplitudes = Amplitudes::<L>::new(&self.window.segments, &params);
        for v in Marked::new(words) {
            keep.make_room(most);
            let (at, class) = (v * L::N, classes[v]);
            let mean = if class == class::MEAN {
                let mean_opacity = L::load(&planes[at..]).mul(L::splat(self.common.cut));
                zero.store(&mut planes[at..]);
                let found = average::mean_alone(mean_opacity);
                keep.put(found.by[0]);
                found.mean
            } else {
                let opacity = self.planes_at::<L>(planes, at);
                for k in 0..N_LEGENDRE {
                    zero.store(&mut planes[k * n + at..]);
                }
                if class == class::PLANES {
                    let found = average::narrow(opacity);
                    keep.put_all(found.by);
                    found.mean
                } else {
                    let samples = &mut samples[offsets[v] as usize..];
                    self.blend(rung.wide, opacity, rule, samples, &mut keep)
                }
            };
            let value = amplitudes.at(at).value.at(L::load(&freq_mhz[at..])).mul(weight);
            value.mul_add(mean, L::load(&out[at..])).store(&mut out[at..]);
        }
        keep.at
    }

    /// The mean of `1 - exp(-tau)`, partly from samples, which are left zero; hands it to `keep` with its derivatives.
    #[inline(always)]
    fn blend<L: Lanes, const KEEP: bool>(
        &self,
        is_wide: bool,
        opacity: [L; N_LEGENDRE],
        rule: &Rule,
        samples: &mut [f64],
        keep: &mut Keep<KEEP>,
    ) -> L {
        let (cut, one, zero) = (L::splat(self.common.cut), L::splat(1.0), L::splat(0.0));
        let rough = if is_wide {
            average::mean_alone(opacity[0])
        } else {
            average::narrow(average::bounded(opacity))
        };
        let share = average::share(is_wide, &opacity);
        let mut sampled = zero;
        for (weight, sample) in rule.weights.iter().zip(samples.chunks_exact_mut(L::N)) {
            let u = one_minus_exp_neg(L::load(sample).mul(cut).min(L::splat(EXP_LIMIT)));
            sampled = L::splat(*weight).mul_add(u, sampled);
            // Stays until the derivatives have been handed over.
            one.sub(u).mul(L::splat(*weight)).mul(share.share).store(sample);
        }
        let difference = sampled.sub(rough.mean);
        let mean = share.share.mul_add(difference, rough.mean);
        keep.put(mean);
        let rest = one.sub(share.share);
        keep.put_all([
            rest.mul_add(rough.by[0], difference.mul(share.by[0])),
            rest.mul_add(rough.by[1], difference.mul(share.by[1])),
            rest.mul_add(rough.by[2], difference.mul(share.by[2])),
            rest.mul_add(rough.by[3], difference.mul(share.by[3])),
        ]);
        for sample in samples.chunks_exact_mut(L::N).take(rule.weights.len()) {
            keep.put(L::load(sample));
            zero.store(sample);
        }
        mean
    }
}
