//! From the parameters to the brightness temperature of every channel.

use super::find::{Common, find};
use super::lte::{LteModel, PlannedWindow};
use super::nodes::{Limits, Rules};
use super::profile::Profile;
use super::scratch::{Active, Part, Sampling, Scratch};
use super::simd::{Kernel, Lanes, MAX_LANES};
use super::touched::{for_each, mark, marked};
use super::vector::{EXP_LIMIT, exp, one_minus_exp_neg};

/// Adds some species, each alone in front of the background, to `scratch.sum_k`. `KEEP` leaves behind what the derivatives need;
/// `AVERAGE` averages over the channels.
pub(super) struct Forward<'a, const KEEP: bool, const AVERAGE: bool> {
    pub model: &'a LteModel,
    pub species: &'a [usize],
    pub scratch: &'a mut Scratch,
}

impl<const KEEP: bool, const AVERAGE: bool> Kernel for Forward<'_, KEEP, AVERAGE> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        let Self { model, species, scratch } = self;
        let mut part = Part::default();
        for &index in species {
            let common = model.common(&scratch.states[index]);
            for (w, window) in model.windows.iter().enumerate() {
                // What no derivative needs is overwritten: it stays in the cache.
                let (active, screen) = if KEEP { (part.end_active, part.end_screen) } else { (0, 0) };
                let job = Job { model, window, index, w, common: &common };
                part = Part {
                    first_active: active,
                    end_active: active,
                    first_screen: screen,
                    end_screen: screen,
                };
                job.run::<L, KEEP, AVERAGE>(&mut part, scratch);
                scratch.parts[index * model.windows.len() + w] = part;
            }
        }
        scratch.end_active = part.end_active;
    }
}

/// One species in one window.
struct Job<'a> {
    model: &'a LteModel,
    window: &'a PlannedWindow,
    index: usize,
    w: usize,
    common: &'a Common,
}

impl Job<'_> {
    /// Adds the species to the model in this window; `part` starts empty.
    #[inline(always)]
    fn run<L: Lanes, const KEEP: bool, const AVERAGE: bool>(&self, part: &mut Part, scratch: &mut Scratch) {
        let grid = &self.window.grid;
        let lines = &self.model.species[self.index].lines[self.w];
        let beyond_mhz = if AVERAGE { grid.widest_half_mhz } else { 0.0 };
        let state = scratch.states[self.index];
        let active = &mut scratch.active[part.first_active..];
        let n = find::<L, KEEP>(self.window, lines, &state, self.common, beyond_mhz, active);
        part.end_active = part.first_active + n;
        let active = &active[..n];
        let words = &mut scratch.touched[self.model.words(self.index, self.window)];
        words.fill(0);
        active.iter().for_each(|line| mark(words, line.first as usize / L::N, line.end as usize / L::N));
        if AVERAGE {
            let first_vector = self.model.first_vector::<L>(self.index, self.window);
            choose_samples::<L>(self, words, active, &mut scratch.sampling, &mut scratch.tau);
            add_lines_averaged::<L>(self, first_vector, active, &scratch.sampling, &mut scratch.tau);
        } else {
            add_lines_sampled::<L>(self.window, active, &mut scratch.tau);
        }
        part.end_screen = self.add_brightness::<L, KEEP, AVERAGE>(part.first_screen, scratch);
    }

    /// Adds `eta (J(Tex) - J(Tbg)) (1 - exp(-tau))` to the channels with opacity, and leaves `tau` zero. Returns the end
    /// of the screens.
    #[inline(always)]
    fn add_brightness<L: Lanes, const KEEP: bool, const AVERAGE: bool>(
        &self,
        mut screen: usize,
        scratch: &mut Scratch,
    ) -> usize {
        let params = scratch.states[self.index].params;
        let base = if AVERAGE { self.model.first_vector::<L>(self.index, self.window) } else { 0 };
        let Scratch { touched, tau, screen: screens, sampling, sum_k, .. } = scratch;
        let out = &mut sum_k[self.window.padded.clone()];
        let freq_mhz = &self.window.grid.padded_mhz[..];
        let cut = L::splat(self.common.cut);
        let words = &touched[self.model.words(self.index, self.window)];
        for_each::<L>(words, &self.window.segments, &params, |at, amplitude| {
            let (offset, rule) = if AVERAGE { sampling.of(base + at / L::N) } else { (at, 0) };
            let n = Rules::n_samples(rule);
            if KEEP && screens.len() < screen + n * L::N {
                screens.resize((screen + n * L::N).next_power_of_two(), 0.0);
            }
            let mut mean = L::splat(0.0);
            for k in 0..n {
                let tau = &mut tau[offset + k * L::N..];
                let u = one_minus_exp_neg(L::load(tau).mul(cut).min(L::splat(EXP_LIMIT)));
                L::splat(0.0).store(tau);
                if KEEP {
                    u.store(&mut screens[screen..]);
                    screen += L::N;
                }
                mean = match rule {
                    0 => u,
                    rule => L::splat(self.model.rules.rule(rule).weights[k]).mul_add(u, mean),
                };
            }
            let value = amplitude.value.at(L::load(&freq_mhz[at..]));
            value.mul_add(mean, L::load(&out[at..])).store(&mut out[at..]);
        });
        screen
    }
}

/// Decides how each vector of channels is sampled, from the opacity that its lines may have there.
#[inline(always)]
fn choose_samples<L: Lanes>(
    job: &Job,
    words: &[u64],
    lines: &[Active],
    sampling: &mut Sampling,
    tau: &mut Vec<f64>,
) {
    let Some(line) = lines.first() else { return };
    let base = job.model.first_vector::<L>(job.index, job.window);
    let limits = Limits::new(2.0 * job.window.grid.widest_half_mhz * line.per_sigma);
    add_peaks::<L>(lines, job.common.cut, &mut sampling.depth);
    let mut offset = 0;
    marked(words, |v| {
        let rule = limits.choose(sampling.depth[v]);
        sampling.depth[v] = 0.0;
        sampling.rule[base + v] = rule as u8;
        sampling.offset[base + v] = offset as u32;
        offset += Rules::n_samples(rule) * L::N;
    });
    if tau.len() < offset {
        tau.resize(offset, 0.0);
    }
}

/// Adds the peak opacity of each line to the vectors that it reaches.
#[inline(always)]
pub(super) fn add_peaks<L: Lanes>(lines: &[Active], cut: f64, depth: &mut [f64]) {
    for lines in lines.chunks(L::N) {
        let mut peaks = [0.0; MAX_LANES];
        lines.iter().zip(&mut peaks).for_each(|(line, peak)| *peak = line.z0);
        exp(L::load(&peaks)).mul(L::splat(cut)).store(&mut peaks);
        for (line, peak) in lines.iter().zip(peaks) {
            let vectors = line.first as usize / L::N..line.end as usize / L::N;
            depth[vectors].iter_mut().for_each(|depth| *depth += peak);
        }
    }
}

/// Adds the profiles, averaged over the channels or at the samples within them.
#[inline(always)]
fn add_lines_averaged<L: Lanes>(
    job: &Job,
    first_vector: usize,
    lines: &[Active],
    sampling: &Sampling,
    tau: &mut [f64],
) {
    let grid = &job.window.grid;
    for line in lines {
        let profile = Profile::<L>::new(line, grid.widest_half_mhz);
        for at in (line.first as usize..line.end as usize).step_by(L::N) {
            let (freq, half) = (L::load(&grid.padded_mhz[at..]), L::load(&grid.half_width_mhz[at..]));
            let (offset, rule) = sampling.of(first_vector + at / L::N);
            if rule == 0 {
                add_to(&mut tau[offset..], profile.mean(freq, half));
                continue;
            }
            let nodes = &job.model.rules.rule(rule).nodes;
            for (node, tau) in nodes.iter().zip(tau[offset..].chunks_exact_mut(L::N)) {
                add_to(tau, profile.at(half.mul_add(L::splat(*node), freq)));
            }
        }
    }
}

/// Adds the profiles at the channels' centres.
#[inline(always)]
fn add_lines_sampled<L: Lanes>(window: &PlannedWindow, lines: &[Active], tau: &mut [f64]) {
    let freq_mhz = &window.grid.padded_mhz[..];
    for line in lines {
        let profile = Profile::<L>::new(line, 0.0);
        for at in (line.first as usize..line.end as usize).step_by(L::N) {
            add_to(&mut tau[at..], profile.at(L::load(&freq_mhz[at..])));
        }
    }
}

#[inline(always)]
fn add_to<L: Lanes>(place: &mut [f64], value: L) {
    L::load(place).add(value).store(place);
}
