//! From the derivative by every channel back to those by the parameters of a sight line: the adjoint of
//! [`super::sight_forward`].

use super::limits::Share;
use super::lte::LteModel;
use super::nodes::{Rule, Rules};
use super::profile::{Shape, Values};
use super::scratch::{MIXED, Scratch, SightPart, SightSums};
use super::shapes::{Gaussians, Shapes, Voigts};
use super::sight::function;
use super::sight_forward::SightJob;
use super::simd::{Kernel, Lanes, MAX_LANES};
use super::touched::{Marked, MarkedSegments};
use super::transfer::{Column, Local, Slab, SlabPull, Slabs, through_reverse};
use super::voigt::damping;

/// Adds up `scratch.pull_per_k` (derivative by the channels) to `scratch.sight_sums` of the sight line's species and to
/// the moments of its smooth functions, after a forward pass that has kept what is needed.
pub(super) struct SightReverse<'a> {
    pub model: &'a LteModel,
    pub index: usize,
    pub scratch: &'a mut Scratch,
}

impl Kernel for SightReverse<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        let Self { model, index, scratch } = self;
        for (_, species) in model.ways.sightlines[index].members() {
            scratch.sight_sums[species] = SightSums::default();
        }
        for w in 0..model.windows.len() {
            let job = SightJob::new(model, index, w);
            let by_ln_sigma = job.pull_on_planes::<L>(scratch);
            job.pull_on_lines::<L>(scratch);
            job.clear_depths::<L>(scratch);
            if let Some(species) = job.narrowest(scratch) {
                scratch.sight_sums[species].by_sigma += by_ln_sigma;
            }
        }
    }
}

/// Adds a derivative by a smooth function, at one vector of channels, to its moments, lane by lane.
#[inline(always)]
fn add_moments<L: Lanes>(moments: &mut [f64], function: usize, by: L, place: L) {
    let mut term = by;
    for lanes in moments[function * N_MOMENT_LANES..][..N_MOMENT_LANES].chunks_exact_mut(MAX_LANES) {
        L::load(lanes).add(term).store(lanes);
        term = term.mul(place);
    }
}

/// Numbers of work space for the moments of one function.
pub(super) const N_MOMENT_LANES: usize = super::amplitude::N_NODES * MAX_LANES;

/// Opacity and emission of the lines at one vector of samples: read, and overwritten by the derivatives.
struct Lines<'a, L> {
    part: SightPart,
    planes: &'a mut [f64],
    sample: usize,
    local: Local<'a, L>,
    moments: &'a mut [f64],
}

impl<L: Lanes> Slabs<L> for Lines<'_, L> {
    #[inline(always)]
    fn slab(&self, group: usize) -> Slab<L> {
        self.part.slab(self.planes, group, self.sample, &self.local)
    }
}

impl<L: Lanes> Column<L> for Lines<'_, L> {
    #[inline(always)]
    fn give(&mut self, group: usize, by: SlabPull<L>) {
        self.local.give_dust(group, &by, self.moments);
        let at = self.part.of_group(group).start + self.sample;
        by.by_tau.store(&mut self.planes[at..]);
        by.by_emission.store(&mut self.planes[at + self.part.n_samples..]);
    }
}

/// The dust alone.
struct Dust<'a, L> {
    local: Local<'a, L>,
    moments: &'a mut [f64],
}

impl<L: Lanes> Slabs<L> for Dust<'_, L> {
    #[inline(always)]
    fn slab(&self, group: usize) -> Slab<L> {
        self.local.dust_slab(group)
    }
}

impl<L: Lanes> Column<L> for Dust<'_, L> {
    #[inline(always)]
    fn give(&mut self, group: usize, by: SlabPull<L>) {
        self.local.give_dust(group, &by, self.moments);
    }
}

impl<L: Lanes> Local<'_, L> {
    /// Adds the derivatives by filling and dust of a group to their moments.
    #[inline(always)]
    fn give_dust(&self, group: usize, by: &SlabPull<L>, moments: &mut [f64]) {
        let (tau, j_k) = (self.at(function::tau_dust(group)), self.at(function::j_dust(group)));
        add_moments(moments, function::eta(group), by.by_eta, self.place);
        add_moments(moments, function::tau_dust(group), by.by_emission.mul_add(j_k, by.by_tau), self.place);
        add_moments(moments, function::j_dust(group), by.by_emission.mul(tau), self.place);
    }
}

impl SightJob<'_> {
    /// Turns the planes of opacity and emission into the derivatives by them, and leaves those by what decides about samples in
    /// `sampling.depth`; returns that by ln sigma through that decision.
    #[inline(always)]
    fn pull_on_planes<L: Lanes>(&self, scratch: &mut Scratch) -> f64 {
        let part = self.part(scratch);
        let Scratch { touched, sampling, planes, smooth, moments, behinds, pull_per_k, .. } = scratch;
        let pulls = &pull_per_k[self.window.padded.clone()];
        let (segments, mut by_ln_sigma) = (&self.window.segments[..], 0.0);
        let base = self.model.first_vector::<L>(self.index, self.window);
        let words = &touched[self.model.words(self.slot(), self.window)];
        for (channel, segment) in MarkedSegments::new::<L>(words, segments) {
            let local: Local<L> = self.local(smooth, (channel, segment));
            let moments = &mut moments[self.moments(segment)];
            let (mut offset, rule) = sampling.of(base + channel / L::N);
            let (pull, behind) = (L::load(&pulls[channel..]), local.at(function::BEHIND));
            self.pull_on_continuum(local, L::splat(0.0).sub(pull), behinds, moments);
            let mut work = (&mut planes[..], &mut *behinds, moments);
            if rule != MIXED {
                self.pull_on_samples(rule, offset, pull, (part, local), &mut work);
                continue;
            }
            let choice = sampling.choice[base + channel / L::N];
            for Share { rule, weight } in choice.shares() {
                let by_weight = pull.mul(self.mean_of(*rule, offset, (part, work.0), (behind, &local))).sum();
                sampling.depth[channel / L::N] += by_weight * weight.by_depth;
                by_ln_sigma += by_weight * weight.by_ln_sigma;
                let pull = pull.mul(L::splat(weight.value));
                self.pull_on_samples(*rule, offset, pull, (part, local), &mut work);
                offset += Rules::n_samples(*rule) * L::N;
            }
        }
        if self.sightline.continuum_goes_in {
            let mut first = 0;
            for (segment, ends) in segments.iter().enumerate() {
                for channel in (first..ends.end).step_by(L::N) {
                    let local: Local<L> = self.local(smooth, (channel, segment));
                    let moments = &mut moments[self.moments(segment)];
                    let pull = L::load(&pulls[channel..]);
                    self.pull_on_continuum(local, pull, behinds, moments);
                    let back = L::splat(0.0).sub(pull);
                    add_moments(moments, self.sightline.behind_continuum(), back, local.place);
                }
                first = ends.end;
            }
        }
        by_ln_sigma
    }

    /// The samples of a rule from a place on.
    #[inline(always)]
    fn pull_on_samples<L: Lanes>(
        &self,
        rule: usize,
        offset: usize,
        pull: L,
        (part, local): (SightPart, Local<L>),
        (planes, behinds, moments): &mut (&mut [f64], &mut Vec<f64>, &mut [f64]),
    ) {
        let (groups, behind) = (&self.sightline.groups[..], local.at(function::BEHIND));
        for k in 0..Rules::n_samples(rule) {
            let pull = match rule {
                0 => pull,
                rule => pull.mul(L::splat(self.model.rules.rule(rule).weights[k])),
            };
            let sample = offset + k * L::N;
            let mut lines = Lines { part, planes, sample, local, moments };
            let by_behind = through_reverse(groups, behind, pull, behinds, &mut lines);
            add_moments(moments, function::BEHIND, by_behind, local.place);
        }
    }

    /// Leaves `sampling.depth` zero.
    #[inline(always)]
    fn clear_depths<L: Lanes>(&self, scratch: &mut Scratch) {
        let Scratch { touched, sampling, .. } = scratch;
        for v in Marked::new(&touched[self.model.words(self.slot(), self.window)]) {
            sampling.depth[v] = 0.0;
        }
    }

    /// The moments of a segment's functions, in the work space.
    #[inline(always)]
    fn moments(&self, segment: usize) -> std::ops::Range<usize> {
        let range = self.sightline.smooth_range(self.w, segment);
        range.start * N_MOMENT_LANES..range.end * N_MOMENT_LANES
    }

    /// The derivative by the brightness without lines.
    #[inline(always)]
    fn pull_on_continuum<L: Lanes>(
        &self,
        local: Local<L>,
        pull: L,
        behinds: &mut [f64],
        moments: &mut [f64],
    ) {
        let mut by_behind = pull;
        if self.sightline.is_dusty() {
            let behind = local.at(function::BEHIND);
            let mut dust = Dust { local, moments: &mut *moments };
            by_behind = through_reverse(&self.sightline.groups, behind, pull, behinds, &mut dust);
        }
        add_moments(moments, function::BEHIND, by_behind, local.place);
    }

    /// Sums over the lines.
    #[inline(always)]
    fn pull_on_lines<L: Lanes>(&self, scratch: &mut Scratch) {
        for (g, species) in self.sightline.members() {
            if self.model.ways.voigt[species] {
                let params = scratch.states[species].params;
                let a = damping(params.lorentz_kms, params.fwhm_kms);
                let shapes = Voigts { series: &self.model.faddeeva, damping: a };
                self.pull_on_species::<L, _>((g, species), &shapes, scratch);
            } else {
                let shapes = Gaussians { half_mhz: self.window.grid.widest_half_mhz };
                self.pull_on_species::<L, _>((g, species), &shapes, scratch);
            }
        }
    }

    #[inline(always)]
    fn pull_on_species<L: Lanes, S: Shapes<L>>(
        &self,
        (g, species): (usize, usize),
        shapes: &S,
        scratch: &mut Scratch,
    ) {
        let (part, grid) = (self.part(scratch), &self.window.grid);
        let base = self.model.first_vector::<L>(self.index, self.window);
        let lines = self.lines_of(species, scratch);
        let Scratch { active, glows, sampling, planes, sight_sums, excited, .. } = scratch;
        let pulls = planes[part.of_group(g)].split_at(part.n_samples);
        let averages = self.model.averages();
        let mut shared = [L::splat(0.0); 3];
        let sums = &mut sight_sums[species];
        for (line, glow) in active[lines.clone()].iter().zip(&glows[lines]) {
            let shape = shapes.of(line);
            let mut of_line = OfLine { own: [L::splat(0.0); 3], shared };
            for at in (line.first as usize..line.end as usize).step_by(L::N) {
                let (freq, half) = (L::load(&grid.padded_mhz[at..]), L::load(&grid.half_width_mhz[at..]));
                let glow = glow.at(line, freq);
                let (mut offset, rule) = sampling.of(base + at / L::N);
                if rule == 0 {
                    let values = if averages { shape.all_of_mean(freq, half) } else { shape.all_at(freq) };
                    of_line.add(pulls, offset, glow, &values);
                    continue;
                }
                if rule != MIXED {
                    let rule = self.model.rules.rule(rule);
                    of_line.add_at_nodes(pulls, offset, glow, &shape, (rule, freq, half));
                    continue;
                }
                for share in sampling.choice[base + at / L::N].shares() {
                    if share.rule == 0 {
                        of_line.add(pulls, offset, glow, &shape.all_of_mean(freq, half));
                        offset += L::N;
                    } else {
                        let rule = self.model.rules.rule(share.rule);
                        offset = of_line.add_at_nodes(pulls, offset, glow, &shape, (rule, freq, half));
                    }
                }
            }
            if averages {
                self.pull_on_depths::<L, S>(line, &shape, sampling, &mut of_line);
            }
            shared = of_line.shared;
            let own = [of_line.own[0].sum(), of_line.own[1].sum(), of_line.own[2].sum()];
            match &mut excited[species] {
                Some(excited) => excited.pull(glow.line, own, super::collect::cut(self.model.cut_k())),
                None => sums.add_line(own, line.by_tex, glow.by_tex),
            }
        }
        sums.by_x += shared[0].sum();
        sums.by_sigma += shared[1].sum();
        sums.by_damping += shared[2].sum();
    }
}

/// Sums of derivatives over the channels of a line: by its peak, opacity, emission; and by what all lines of a species share: place,
/// width, damping.
pub(super) struct OfLine<L> {
    pub own: [L; 3],
    pub shared: [L; 3],
}

impl<L: Lanes> OfLine<L> {
    /// Adds those of a vector of samples, with the derivatives by opacity and emission there.
    #[inline(always)]
    fn add(
        &mut self,
        (by_tau, by_emission): (&[f64], &[f64]),
        at: usize,
        (opacity, emitted): (L, L),
        values: &Values<L>,
    ) {
        let (by_tau, by_emission) = (L::load(&by_tau[at..]), L::load(&by_emission[at..]));
        let by_value = opacity.mul_add(by_tau, emitted.mul(by_emission));
        let Values { value, slopes, by_damping } = values;
        self.own[0] = slopes.by_peak.mul_add(by_value, self.own[0]);
        self.own[1] = value.mul_add(by_tau, self.own[1]);
        self.own[2] = value.mul_add(by_emission, self.own[2]);
        self.shared[0] = slopes.by_x.mul_add(by_value, self.shared[0]);
        self.shared[1] = slopes.by_sigma.mul_add(by_value, self.shared[1]);
        self.shared[2] = by_damping.mul_add(by_value, self.shared[2]);
    }

    /// Adds those at the nodes of a rule; returns the place behind its samples.
    #[inline(always)]
    fn add_at_nodes(
        &mut self,
        pulls: (&[f64], &[f64]),
        mut at: usize,
        glow: (L, L),
        shape: &impl Shape<L>,
        (rule, freq_mhz, half_mhz): (&Rule, L, L),
    ) -> usize {
        for node in &rule.nodes {
            self.add(pulls, at, glow, &shape.all_at(half_mhz.mul_add(L::splat(*node), freq_mhz)));
            at += L::N;
        }
        at
    }
}
