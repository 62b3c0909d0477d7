//! From the derivative by every averaged channel back to those by the parameters: the adjoint of [`super::average_forward`].

use super::average_forward::{AverageJob, class};
use super::average_lines::{Strength, own_width};
use super::ladder::{Rung, rungs};
use super::lte::LteModel;
use super::narrow::{N_LEGENDRE, Narrow, Ramps};
use super::profile::{Profile, Slopes};
use super::reverse::LaneSums;
use super::scratch::{Active, AveragePart, Scratch};
use super::simd::{Kernel, Lanes};
use super::touched::{Amplitudes, Marked};
use super::wide;

/// Sums `scratch.pull_per_k` (derivative by the channels) to `scratch.sums`, after a forward pass that has kept what is
/// needed.
pub(super) struct AverageReverse<'a> {
    pub model: &'a LteModel,
    pub scratch: &'a mut Scratch,
}

impl Kernel for AverageReverse<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        let Self { model, scratch } = self;
        for &index in &model.ways.plain {
            let common = model.common(&scratch.states[index]);
            let params = scratch.states[index].params;
            let (mut sums, mut by_width) = (LaneSums::<L>::new(), 0.0);
            for (w, window) in model.windows.iter().enumerate() {
                let job = AverageJob { model, window, index, w, common: &common };
                for (which, rung) in rungs(window, &params).enumerate() {
                    let part = scratch.average.parts[job.part(which)];
                    let by_weight = job.pull_on_opacity::<L>((which, &rung), &part, scratch, &mut sums);
                    by_width += by_weight * rung.by_ln_sigma;
                    job.pull_on_lines::<L>((which, &rung), &part, scratch, &mut sums);
                    job.clear::<L>(&part, scratch);
                }
            }
            scratch.sums[index] = sums.sums();
            scratch.sums[index].by_width = by_width;
        }
    }
}

/// What the forward pass has kept, in its order.
struct Kept<'a> {
    values: &'a [f64],
    at: usize,
}

impl Kept<'_> {
    #[inline(always)]
    fn next<L: Lanes>(&mut self) -> L {
        let value = L::load(&self.values[self.at..]);
        self.at += L::N;
        value
    }
}

impl AverageJob<'_> {
    /// Writes the derivatives by the planes of opacity (over the cut) and by the samples into `scratch.tau`; returns that by the
    /// weight of the rung.
    #[inline(always)]
    fn pull_on_opacity<L: Lanes>(
        &self,
        (which, rung): (usize, &Rung),
        part: &AveragePart,
        scratch: &mut Scratch,
        sums: &mut LaneSums<L>,
    ) -> f64 {
        let (params, vectors) = (scratch.states[self.index].params, self.vectors::<L>(which));
        let Scratch { touched, tau, screen: screens, average, pull_per_k, .. } = scratch;
        let (classes, offsets) = (&average.class[vectors], &mut average.offset[..]);
        let pull_per_k = &pull_per_k[self.window.padded.clone()];
        let freq_mhz = &self.window.grid.padded_mhz[..];
        let n = self.window.padded.len();
        let (planes, samples) = tau.split_at_mut(N_LEGENDRE * n);
        let (weight, cut, one) = (L::splat(rung.weight), L::splat(self.common.cut), L::splat(1.0));
        let n_nodes = self.model.rules.at(rung.rule).nodes.len();
        let words = &touched[self.model.words(self.index, self.window)];
        let (mut screens, mut offset) = (Kept { values: screens, at: part.first_screen }, 0);
        let (mut by_weight, mut amplitudes) =
            (L::splat(0.0), Amplitudes::<L>::new(&self.window.segments, &params));
        for v in Marked::new(words) {
            let (at, class) = (v * L::N, classes[v]);
            let amplitude = amplitudes.at(at);
            let (pull, freq) = (L::load(&pull_per_k[at..]), L::load(&freq_mhz[at..]));
            let by_mean = pull.mul(amplitude.value.at(freq));
            let by_opacity = by_mean.mul(weight).mul(cut);
            let sampled = if class == class::SAMPLES { screens.next() } else { one };
            let by_first = screens.next();
            by_opacity.mul(by_first).store(&mut planes[at..]);
            if class != class::MEAN {
                for k in 1..N_LEGENDRE {
                    by_opacity.mul(screens.next()).store(&mut planes[k * n + at..]);
                }
            }
            if class == class::SAMPLES {
                offsets[v] = offset as u32;
                for _ in 0..n_nodes {
                    by_opacity.mul(screens.next()).store(&mut samples[offset..]);
                    offset += L::N;
                }
            }
            let mean = if class == class::SAMPLES { sampled } else { one.sub(by_first) };
            by_weight = by_mean.mul_add(mean, by_weight);
            let by_amplitude = pull.mul(weight).mul(mean);
            sums.by_source = amplitude.by_tex.at(freq).mul_add(by_amplitude, sums.by_source);
            sums.by_theta = amplitude.by_theta.at(freq).mul_add(by_amplitude, sums.by_theta);
        }
        by_weight.sum()
    }

    /// Sums over the lines.
    #[inline(always)]
    fn pull_on_lines<L: Lanes>(
        &self,
        (which, rung): (usize, &Rung),
        part: &AveragePart,
        scratch: &Scratch,
        sums: &mut LaneSums<L>,
    ) {
        let (planes, samples) = scratch.tau.split_at(N_LEGENDRE * self.window.padded.len());
        let lines = &scratch.active[part.first_active..part.end_active];
        if rung.wide {
            self.pull_on_wide::<L>(lines, planes, sums);
        } else {
            self.pull_on_narrow::<L>(lines, planes, sums);
        }
        if part.n_samples > 0 {
            self.pull_on_sampled::<L>(lines, (which, rung), samples, scratch, sums);
        }
    }

    #[inline(always)]
    fn pull_on_narrow<L: Lanes>(&self, lines: &[Active], planes: &[f64], sums: &mut LaneSums<L>) {
        let strength = Strength::new(self.common);
        for line in lines {
            if strength.is_weak(line) {
                self.pull_on_mean(line, planes, sums);
            } else if strength.is_strong(line) {
                self.pull_on_coefficients::<L, true>(line, &strength.ramps(line), planes, sums);
            } else {
                self.pull_on_coefficients::<L, false>(line, &strength.ramps(line), planes, sums);
            }
        }
    }

    #[inline(always)]
    fn pull_on_mean<L: Lanes>(&self, line: &Active, means: &[f64], sums: &mut LaneSums<L>) {
        let (grid, profile) = (&self.window.grid, Profile::<L>::new(line, 0.0));
        let common = Narrow::to_centres(&profile, L::splat(grid.widest_half_mhz));
        let by_tex = L::splat(line.by_tex);
        for at in (line.first as usize..line.end as usize).step_by(L::N) {
            let freq = L::load(&grid.padded_mhz[at..]);
            let slopes = if grid.one_width {
                common.slopes_of_mean(&profile, freq)
            } else {
                own_width(&profile, grid, at).slopes_of_mean(&profile, freq)
            };
            sums.add(&slopes, L::load(&means[at..]), by_tex);
        }
    }

    #[inline(always)]
    fn pull_on_coefficients<L: Lanes, const ALL: bool>(
        &self,
        line: &Active,
        ramps: &Ramps<L>,
        planes: &[f64],
        sums: &mut LaneSums<L>,
    ) {
        let (grid, profile) = (&self.window.grid, Profile::<L>::new(line, 0.0));
        let n = self.window.padded.len();
        let common = Narrow::to_centres(&profile, L::splat(grid.widest_half_mhz));
        let (by_tex, zero) = (L::splat(line.by_tex), L::splat(0.0));
        for at in (line.first as usize..line.end as usize).step_by(L::N) {
            let freq = L::load(&grid.padded_mhz[at..]);
            let mut pulls = [L::load(&planes[at..]), L::load(&planes[n + at..]), zero, zero];
            if ALL {
                pulls[2] = L::load(&planes[2 * n + at..]);
                pulls[3] = L::load(&planes[3 * n + at..]);
            }
            let slopes = if grid.one_width {
                common.slopes_of_all::<ALL>(&profile, freq, pulls, ramps)
            } else {
                own_width(&profile, grid, at).slopes_of_all::<ALL>(&profile, freq, pulls, ramps)
            };
            sums.add(&slopes, L::splat(1.0), by_tex);
        }
    }

    #[inline(always)]
    fn pull_on_wide<L: Lanes>(&self, lines: &[Active], planes: &[f64], sums: &mut LaneSums<L>) {
        let grid = &self.window.grid;
        let (means, largest) = planes.split_at(self.window.padded.len());
        for line in lines {
            let (profile, by_tex) = (Profile::<L>::new(line, 0.0), L::splat(line.by_tex));
            for at in (line.first as usize..line.end as usize).step_by(L::N) {
                let (freq, half) = (L::load(&grid.padded_mhz[at..]), L::load(&grid.half_width_mhz[at..]));
                sums.add(&wide::slopes_of_mean(&profile, freq, half), L::load(&means[at..]), by_tex);
                sums.add(&wide::slopes_of_largest(&profile, freq, half), L::load(&largest[at..]), by_tex);
            }
        }
    }

    #[inline(always)]
    fn pull_on_sampled<L: Lanes>(
        &self,
        lines: &[Active],
        (which, rung): (usize, &Rung),
        samples: &[f64],
        scratch: &Scratch,
        sums: &mut LaneSums<L>,
    ) {
        let (classes, offsets) =
            (&scratch.average.class[self.vectors::<L>(which)], &scratch.average.offset[..]);
        let (grid, rule) = (&self.window.grid, self.model.rules.at(rung.rule));
        for line in lines {
            for v in line.first as usize / L::N..line.end as usize / L::N {
                if classes[v] != class::SAMPLES {
                    continue;
                }
                let (profile, at) = (Profile::<L>::new(line, 0.0), v * L::N);
                let by_tex = L::splat(line.by_tex);
                let (freq, half) = (L::load(&grid.padded_mhz[at..]), L::load(&grid.half_width_mhz[at..]));
                let samples = samples[offsets[v] as usize..].chunks_exact(L::N);
                for (node, pull) in rule.nodes.iter().zip(samples) {
                    let slopes: Slopes<L> = profile.slopes_at(half.mul_add(L::splat(*node), freq));
                    sums.add(&slopes, L::load(pull), by_tex);
                }
            }
        }
    }

    /// Leaves `scratch.tau` zero.
    #[inline(always)]
    fn clear<L: Lanes>(&self, part: &AveragePart, scratch: &mut Scratch) {
        let Scratch { touched, tau, .. } = scratch;
        let n = self.window.padded.len();
        let (planes, samples) = tau.split_at_mut(N_LEGENDRE * n);
        for v in Marked::new(&touched[self.model.words(self.index, self.window)]) {
            for k in 0..N_LEGENDRE {
                L::splat(0.0).store(&mut planes[k * n + v * L::N..]);
            }
        }
        samples[..part.n_samples].fill(0.0);
    }
}
