//! How each vector of channels along a sight line is sampled: by the opacity of the lines there, and the adjoint of that choice.

use super::ladder::widest_channel;
use super::limits::{Choice, Limits};
use super::nodes::Rules;
use super::profile::{Shape, Values};
use super::scratch::{Active, Sampling, Scratch};
use super::shapes::{Gaussians, Shapes, Voigts};
use super::sight_forward::SightJob;
use super::sight_reverse::OfLine;
use super::simd::{Lanes, MAX_LANES};
use super::touched::Marked;
use super::vector::exp;
use super::voigt::damping;

impl SightJob<'_> {
    /// Decides how each vector of channels is sampled, packs the samples, returns how many there are.
    #[inline(always)]
    pub fn choose_samples<L: Lanes>(&self, scratch: &mut Scratch) -> usize {
        if self.model.averages() {
            self.add_depths::<L>(scratch);
        }
        let limits = self.limits(scratch);
        let base = self.model.first_vector::<L>(self.index, self.window);
        let Scratch { touched, sampling, .. } = scratch;
        let mut offset = 0;
        for v in Marked::new(&touched[self.model.words(self.slot(), self.window)]) {
            let mut choice = Choice::of(0);
            if let Some(limits) = &limits {
                choice = limits.choose(sampling.depth[v]);
            }
            sampling.depth[v] = 0.0;
            sampling.set(base + v, choice, offset);
            for share in choice.shares() {
                offset += Rules::n_samples(share.rule) * L::N;
            }
        }
        offset
    }

    /// None: channels are sampled at their centres.
    fn limits(&self, scratch: &Scratch) -> Option<Limits> {
        let params = scratch.states[self.narrowest(scratch)?].params;
        // Voigt profiles have no mean in closed form.
        let first_rule = usize::from(self.sightline.members().any(|(_, s)| self.model.ways.voigt[s]));
        let width = widest_channel(self.window, &params);
        self.model.averages().then(|| self.model.limits.at(width, first_rule))
    }

    /// The species with the narrowest lines.
    pub fn narrowest(&self, scratch: &Scratch) -> Option<usize> {
        let fwhm_kms = |species: &usize| scratch.states[*species].params.fwhm_kms;
        self.sightline
            .members()
            .map(|(_, species)| species)
            .min_by(|a, b| fwhm_kms(a).total_cmp(&fwhm_kms(b)))
    }

    /// Adds up the opacity that decides in each vector: the peaks of the lines there, those that barely reach it less.
    #[inline(always)]
    fn add_depths<L: Lanes>(&self, scratch: &mut Scratch) {
        for (_, species) in self.sightline.members() {
            let lines = self.lines_of(species, scratch);
            let Scratch { active, sampling, states, .. } = scratch;
            let (lines, depth) = (&active[lines], &mut sampling.depth[..]);
            if self.model.ways.voigt[species] {
                let a = damping(states[species].params.lorentz_kms, states[species].params.fwhm_kms);
                let shapes = Voigts { series: &self.model.faddeeva, damping: a };
                self.add_depths_of::<L, _>(lines, &shapes, depth);
            } else {
                let shapes = Gaussians { half_mhz: self.window.grid.widest_half_mhz };
                self.add_depths_of::<L, _>(lines, &shapes, depth);
            }
        }
    }

    #[inline(always)]
    fn add_depths_of<L: Lanes, S: Shapes<L>>(&self, lines: &[Active], shapes: &S, depth: &mut [f64]) {
        let one = L::splat(1.0);
        for line in lines {
            let (shape, peak) = (shapes.of(line), self.peak::<L>(line));
            let vectors = line.first as usize / L::N..line.end as usize / L::N;
            for first in vectors.clone().step_by(L::N) {
                let end = vectors.end.min(first + L::N);
                let value = shape.value_at(self.nearest(line, first..end));
                let mut found = [0.0; MAX_LANES];
                peak.mul(value).div(value.add(one)).store(&mut found);
                for (depth, found) in depth[first..end].iter_mut().zip(found) {
                    *depth += found;
                }
            }
        }
    }

    /// The opacity of a line at its peak.
    #[inline(always)]
    fn peak<L: Lanes>(&self, line: &Active) -> L {
        exp(L::splat(line.z0)).mul(L::splat(super::collect::cut(self.model.cut_k())))
    }

    /// The frequency (MHz) nearest to a line within each of up to as many vectors of channels as there are lanes.
    #[inline(always)]
    fn nearest<L: Lanes>(&self, line: &Active, vectors: std::ops::Range<usize>) -> L {
        let grid = &self.window.grid;
        let mut near_mhz = [line.centre_mhz; MAX_LANES];
        for (near, v) in near_mhz.iter_mut().zip(vectors) {
            let (first, last) = (v * L::N, v * L::N + L::N - 1);
            let low = grid.padded_mhz[first] - grid.half_width_mhz[first];
            let high = grid.padded_mhz[last] + grid.half_width_mhz[last];
            *near = near.max(low).min(high);
        }
        L::load(&near_mhz)
    }

    /// Adds the derivatives of what decides about samples: `sampling.depth` has those by it.
    #[inline(always)]
    pub(super) fn pull_on_depths<L: Lanes, S: Shapes<L>>(
        &self,
        line: &Active,
        shape: &S::Shape,
        sampling: &Sampling,
        of_line: &mut OfLine<L>,
    ) {
        let (vectors, one) = (line.first as usize / L::N..line.end as usize / L::N, L::splat(1.0));
        for first in vectors.clone().step_by(L::N) {
            let end = vectors.end.min(first + L::N);
            let mut pulls = [0.0; MAX_LANES];
            pulls.iter_mut().zip(&sampling.depth[first..end]).for_each(|(pull, by)| *pull = *by);
            if pulls.iter().all(|pull| *pull == 0.0) {
                continue;
            }
            let Values { value, slopes, by_damping } = shape.all_at(self.nearest(line, first..end));
            let (pull, rest) = (L::load(&pulls).mul(self.peak(line)), one.div(value.add(one)));
            let by_value = pull.mul(rest).mul(rest);
            let by_peak = slopes.by_peak.mul(by_value);
            of_line.own[0] = of_line.own[0].add(pull.mul(value).mul_add(rest, by_peak));
            of_line.shared[0] = slopes.by_x.mul_add(by_value, of_line.shared[0]);
            of_line.shared[1] = slopes.by_sigma.mul_add(by_value, of_line.shared[1]);
            of_line.shared[2] = by_damping.mul_add(by_value, of_line.shared[2]);
        }
    }
}
