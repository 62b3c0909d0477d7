//! From the derivative by every channel back to those by the parameters of a sight line: the adjoint of
//! [`super::sight_forward`].

use super::lte::LteModel;
use super::nodes::Rules;
use super::profile::{Profile, Shape, Values};
use super::scratch::{Active, Scratch, SightPart, SightSums};
use super::sight::function;
use super::sight_forward::SightJob;
use super::simd::{Kernel, Lanes, MAX_LANES};
use super::touched::{all_with_segments, with_segments};
use super::transfer::{Column, Local, Slab, SlabPull, through_reverse};
use super::voigt::{Voigt, damping};

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
            job.pull_on_planes::<L>(scratch);
            job.pull_on_lines::<L>(scratch);
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

impl<L: Lanes> Column<L> for Lines<'_, L> {
    #[inline(always)]
    fn slab(&self, group: usize) -> Slab<L> {
        self.part.slab(self.planes, group, self.sample, &self.local)
    }

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

impl<L: Lanes> Column<L> for Dust<'_, L> {
    #[inline(always)]
    fn slab(&self, group: usize) -> Slab<L> {
        self.local.dust_slab(group)
    }

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
    /// Turns the planes of opacity and emission into the derivatives by them.
    #[inline(always)]
    fn pull_on_planes<L: Lanes>(&self, scratch: &mut Scratch) {
        let part = self.part(scratch);
        let Scratch { touched, sampling, planes, smooth, moments, behinds, pull_per_k, .. } = scratch;
        let pulls = &pull_per_k[self.window.padded.clone()];
        let (groups, segments) = (&self.sightline.groups[..], &self.window.segments[..]);
        let base = self.model.first_vector::<L>(self.index, self.window);
        let words = &touched[self.model.words(self.slot(), self.window)];
        let at = |at: usize, segment: usize| {
            let range = self.sightline.smooth_range(self.w, segment);
            let freq = L::load(&self.window.grid.padded_mhz[at..]);
            let of_moments = range.start * N_MOMENT_LANES..range.end * N_MOMENT_LANES;
            (Local::new(&smooth[range], &segments[segment], freq), of_moments)
        };
        with_segments::<L>(words, segments, |channel, segment| {
            let (local, range) = at(channel, segment);
            let moments = &mut moments[range];
            let (offset, rule) = sampling.of(base + channel / L::N);
            let pull = L::load(&pulls[channel..]);
            self.pull_on_continuum(local, L::splat(0.0).sub(pull), behinds, moments);
            for k in 0..Rules::n_samples(rule) {
                let pull = match rule {
                    0 => pull,
                    rule => pull.mul(L::splat(self.model.rules.rule(rule).weights[k])),
                };
                let behind = local.at(function::BEHIND);
                let sample = offset + k * L::N;
                let mut lines = Lines { part, planes: &mut *planes, sample, local, moments: &mut *moments };
                let by_behind = through_reverse(groups, behind, pull, behinds, &mut lines);
                add_moments(moments, function::BEHIND, by_behind, local.place);
            }
        });
        if self.sightline.continuum_goes_in {
            all_with_segments::<L>(segments, |channel, segment| {
                let (local, range) = at(channel, segment);
                let moments = &mut moments[range];
                let pull = L::load(&pulls[channel..]);
                self.pull_on_continuum(local, pull, behinds, moments);
                add_moments(moments, self.sightline.behind_continuum(), L::splat(0.0).sub(pull), local.place);
            });
        }
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
                let series = &self.model.faddeeva;
                let shape = |line: &Active| Voigt::<L>::new(series, line, a);
                self.pull_on_species::<L, _>((g, species), shape, scratch);
            } else {
                let half_mhz = self.window.grid.widest_half_mhz;
                let shape = |line: &Active| Profile::<L>::new(line, half_mhz);
                self.pull_on_species::<L, _>((g, species), shape, scratch);
            }
        }
    }

    #[inline(always)]
    fn pull_on_species<L: Lanes, S: Shape<L>>(
        &self,
        (g, species): (usize, usize),
        shape: impl Fn(&Active) -> S,
        scratch: &mut Scratch,
    ) {
        let (part, grid) = (self.part(scratch), &self.window.grid);
        let base = self.model.first_vector::<L>(self.index, self.window);
        let lines = self.lines_of(species, scratch);
        let Scratch { active, glows, sampling, planes, sight_sums, excited, .. } = scratch;
        let (by_tau, by_emission) = planes[part.of_group(g)].split_at(part.n_samples);
        let mut shared = [L::splat(0.0); 3];
        let sums = &mut sight_sums[species];
        for (line, glow) in active[lines.clone()].iter().zip(&glows[lines]) {
            let shape = shape(line);
            let mut own = [L::splat(0.0); 3];
            for at in (line.first as usize..line.end as usize).step_by(L::N) {
                let (freq, half) = (L::load(&grid.padded_mhz[at..]), L::load(&grid.half_width_mhz[at..]));
                let (opacity, emitted) = glow.at(line, freq);
                let (offset, rule) = sampling.of(base + at / L::N);
                let mut add = |k: usize, values: Values<L>| {
                    let at = offset + k * L::N;
                    let (by_tau, by_emission) = (L::load(&by_tau[at..]), L::load(&by_emission[at..]));
                    let by_value = opacity.mul_add(by_tau, emitted.mul(by_emission));
                    let Values { value, slopes, by_damping } = values;
                    own[0] = slopes.by_peak.mul_add(by_value, own[0]);
                    own[1] = value.mul_add(by_tau, own[1]);
                    own[2] = value.mul_add(by_emission, own[2]);
                    shared[0] = slopes.by_x.mul_add(by_value, shared[0]);
                    shared[1] = slopes.by_sigma.mul_add(by_value, shared[1]);
                    shared[2] = by_damping.mul_add(by_value, shared[2]);
                };
                if rule == 0 {
                    add(
                        0,
                        if self.model.averages() {
                            shape.all_of_mean(freq, half)
                        } else {
                            shape.all_at(freq)
                        },
                    );
                    continue;
                }
                for (k, node) in self.model.rules.rule(rule).nodes.iter().enumerate() {
                    add(k, shape.all_at(half.mul_add(L::splat(*node), freq)));
                }
            }
            let own = own.map(L::sum);
            match &mut excited[species] {
                Some(excited) => excited.pull(glow.line, own, super::collect::cut(self.model.cut_k())),
                None => sums.add_line(own, line.by_tex, glow.by_tex),
            }
        }
        let [by_x, by_sigma, by_damping] = shared.map(L::sum);
        sums.by_x += by_x;
        sums.by_sigma += by_sigma;
        sums.by_damping += by_damping;
    }
}
