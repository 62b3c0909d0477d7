//! From the parameters to the brightness temperature at the centre of every channel.

use super::find::{Common, find};
use super::lte::{LteModel, PlannedWindow};
use super::profile::Profile;
use super::scratch::{Active, Part, Scratch};
use super::simd::{Kernel, Lanes};
use super::touched::{for_each, mark};
use super::vector::{EXP_LIMIT, one_minus_exp_neg};

/// Adds some species, each alone in front of the background, to `scratch.sum_k`. `KEEP` leaves behind what the derivatives need.
pub(super) struct Forward<'a, const KEEP: bool> {
    pub model: &'a LteModel,
    pub species: &'a [usize],
    pub scratch: &'a mut Scratch,
}

impl<const KEEP: bool> Kernel for Forward<'_, KEEP> {
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
                job.run::<L, KEEP>(&mut part, scratch);
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
    fn run<L: Lanes, const KEEP: bool>(&self, part: &mut Part, scratch: &mut Scratch) {
        let lines = &self.model.species[self.index].lines[self.w];
        let state = scratch.states[self.index];
        let active = &mut scratch.active[part.first_active..];
        let n = find::<L, KEEP>(self.window, lines, &state, self.common, 0.0, active);
        part.end_active = part.first_active + n;
        let active = &active[..n];
        let words = &mut scratch.touched[self.model.words(self.index, self.window)];
        words.fill(0);
        active.iter().for_each(|line| mark(words, line.first as usize / L::N, line.end as usize / L::N));
        add_lines::<L>(self.window, active, &mut scratch.tau);
        part.end_screen = self.add_brightness::<L, KEEP>(part.first_screen, scratch);
    }

    /// Adds `eta (J(Tex) - J(Tbg)) (1 - exp(-tau))` to the channels with opacity, and leaves `tau` zero. Returns the end
    /// of the screens.
    #[inline(always)]
    fn add_brightness<L: Lanes, const KEEP: bool>(&self, mut screen: usize, scratch: &mut Scratch) -> usize {
        let params = scratch.states[self.index].params;
        let Scratch { touched, tau, screen: screens, sum_k, .. } = scratch;
        let out = &mut sum_k[self.window.padded.clone()];
        let freq_mhz = &self.window.grid.padded_mhz[..];
        let cut = L::splat(self.common.cut);
        let words = &touched[self.model.words(self.index, self.window)];
        for_each::<L>(words, &self.window.segments, &params, |at, amplitude| {
            let tau = &mut tau[at..];
            let u = one_minus_exp_neg(L::load(tau).mul(cut).min(L::splat(EXP_LIMIT)));
            L::splat(0.0).store(tau);
            if KEEP {
                u.store(&mut screens[screen..]);
                screen += L::N;
            }
            let value = amplitude.value.at(L::load(&freq_mhz[at..]));
            value.mul_add(u, L::load(&out[at..])).store(&mut out[at..]);
        });
        screen
    }
}

/// Adds the profiles at the channels' centres.
#[inline(always)]
fn add_lines<L: Lanes>(window: &PlannedWindow, lines: &[Active], tau: &mut [f64]) {
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
