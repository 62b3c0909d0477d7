//! From the parameters to the brightness along one sight line: lines of all its species, then the transfer.

use super::amplitude::N_NODES;
use super::collect::collect;
use super::lte::{LteModel, PlannedWindow};
use super::nodes::{Rule, Rules};
use super::profile::Shape;
use super::scratch::{Active, Glow, MIXED, Part, Sampling, Scratch, SightPart};
use super::shapes::{Gaussians, Shapes, Voigts};
use super::sight::{Sightline, function};
use super::simd::{Kernel, Lanes};
use super::touched::{MarkedSegments, mark};
use super::transfer::{Local, Slab, Slabs, through};
use super::voigt::damping;

/// Adds a sight line to `scratch.sum_k`.
pub(super) struct SightForward<'a> {
    pub model: &'a LteModel,
    /// Index of the sight line.
    pub index: usize,
    /// Leaves behind what the derivatives need.
    pub keep: bool,
    /// A species whose lines are left out.
    pub without: Option<usize>,
    pub scratch: &'a mut Scratch,
}

impl Kernel for SightForward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        let Self { model, index, keep, without, scratch } = self;
        for w in 0..model.windows.len() {
            if !keep {
                (scratch.end_active, scratch.end_plane) = (0, 0);
            }
            let job = SightJob::new(model, index, w);
            job.find_lines::<L>(without, scratch);
            job.add_lines::<L>(scratch);
            job.add_brightness::<L>(scratch);
        }
    }
}

/// One sight line in one window.
pub(super) struct SightJob<'a> {
    pub model: &'a LteModel,
    pub sightline: &'a Sightline,
    pub window: &'a PlannedWindow,
    pub index: usize,
    pub w: usize,
}

impl<'a> SightJob<'a> {
    pub fn new(model: &'a LteModel, index: usize, w: usize) -> Self {
        let sightline = &model.ways.sightlines[index];
        Self { model, sightline, window: &model.windows[w], index, w }
    }

    /// Its place among the sets of marked vectors, behind those of the species.
    pub fn slot(&self) -> usize {
        self.model.species.len() + self.index
    }

    /// Where its planes stand in the work space.
    pub fn part(&self, scratch: &Scratch) -> SightPart {
        scratch.sight_parts[self.index * self.model.windows.len() + self.w]
    }

    /// The lines of a species in this window.
    pub fn lines_of(&self, species: usize, scratch: &Scratch) -> std::ops::Range<usize> {
        let part = scratch.parts[species * self.model.windows.len() + self.w];
        part.first_active..part.end_active
    }

    /// Finds the lines of all species, marks the vectors that they reach, and plans the samples there.
    #[inline(always)]
    fn find_lines<L: Lanes>(&self, without: Option<usize>, scratch: &mut Scratch) {
        let first = scratch.end_active;
        let beyond_mhz = if self.model.averages() { self.window.grid.widest_half_mhz } else { 0.0 };
        for (_, species) in self.sightline.members() {
            let first_active = scratch.end_active;
            if without != Some(species) {
                collect::<L>(self.model, self.window, (self.w, species), beyond_mhz, scratch);
            }
            scratch.parts[species * self.model.windows.len() + self.w] =
                Part { first_active, end_active: scratch.end_active, ..Part::default() };
        }
        let Scratch { touched, active, end_active, .. } = scratch;
        let words = &mut touched[self.model.words(self.slot(), self.window)];
        words.fill(0);
        for line in &active[first..*end_active] {
            mark(words, line.first as usize / L::N, line.end as usize / L::N);
        }
        let n_samples = self.choose_samples::<L>(scratch);
        let Scratch { planes, end_plane, .. } = scratch;
        scratch.sight_parts[self.index * self.model.windows.len() + self.w] =
            SightPart { first_plane: *end_plane, n_samples };
        let end = *end_plane + 2 * self.sightline.groups.len() * n_samples;
        if planes.len() < end {
            planes.resize(end.next_power_of_two(), 0.0);
        }
        planes[*end_plane..end].fill(0.0);
        *end_plane = end;
    }

    /// Adds opacity and emission of all lines to the planes of their groups.
    #[inline(always)]
    fn add_lines<L: Lanes>(&self, scratch: &mut Scratch) {
        let part = self.part(scratch);
        for (g, species) in self.sightline.members() {
            let lines = self.lines_of(species, scratch);
            let Scratch { active, glows, sampling, planes, states, .. } = scratch;
            let planes = &mut planes[part.of_group(g)];
            let (active, glows) = (&active[lines.clone()], &glows[lines]);
            if self.model.ways.voigt[species] {
                let a = damping(states[species].params.lorentz_kms, states[species].params.fwhm_kms);
                let shapes = Voigts { series: &self.model.faddeeva, damping: a };
                self.add_species::<L, _>(active, glows, &shapes, sampling, planes);
            } else {
                let shapes = Gaussians { half_mhz: self.window.grid.widest_half_mhz };
                self.add_species::<L, _>(active, glows, &shapes, sampling, planes);
            }
        }
    }

    #[inline(always)]
    fn add_species<L: Lanes, S: Shapes<L>>(
        &self,
        lines: &[Active],
        glows: &[Glow],
        shapes: &S,
        sampling: &Sampling,
        planes: &mut [f64],
    ) {
        let grid = &self.window.grid;
        let base = self.model.first_vector::<L>(self.index, self.window);
        let n_samples = planes.len() / 2;
        let planes = planes.split_at_mut(n_samples);
        let mut planes = Planes { tau: planes.0, emission: planes.1 };
        let averages = self.model.averages();
        for (line, glow) in lines.iter().zip(glows) {
            let shape = shapes.of(line);
            for at in (line.first as usize..line.end as usize).step_by(L::N) {
                let (freq, half) = (L::load(&grid.padded_mhz[at..]), L::load(&grid.half_width_mhz[at..]));
                let glow = glow.at(line, freq);
                let (mut offset, rule) = sampling.of(base + at / L::N);
                if rule == 0 {
                    let value = if averages { shape.value_of_mean(freq, half) } else { shape.value_at(freq) };
                    planes.add(offset, glow, value);
                    continue;
                }
                if rule != MIXED {
                    let rule = self.model.rules.rule(rule);
                    planes.add_at_nodes(offset, glow, &shape, (rule, freq, half));
                    continue;
                }
                for share in sampling.choice[base + at / L::N].shares() {
                    if share.rule == 0 {
                        planes.add(offset, glow, shape.value_of_mean(freq, half));
                        offset += L::N;
                    } else {
                        let rule = self.model.rules.rule(share.rule);
                        offset = planes.add_at_nodes(offset, glow, &shape, (rule, freq, half));
                    }
                }
            }
        }
    }

    /// The smooth functions at a vector of channels.
    #[inline(always)]
    pub fn local<'s, L: Lanes>(
        &self,
        smooth: &'s [[f64; N_NODES]],
        (at, segment): (usize, usize),
    ) -> Local<'s, L> {
        let cubics = &smooth[self.sightline.smooth_range(self.w, segment)];
        let freq = L::load(&self.window.grid.padded_mhz[at..]);
        Local::new(cubics, &self.window.segments[segment], freq)
    }

    /// The brightness, averaged over the samples of a rule from a place on.
    #[inline(always)]
    pub fn mean_of<L: Lanes>(
        &self,
        rule: usize,
        offset: usize,
        (part, planes): (SightPart, &[f64]),
        (behind, local): (L, &Local<L>),
    ) -> L {
        let groups = &self.sightline.groups[..];
        if rule == 0 {
            return through(groups, behind, &LineSlabs { part, planes, sample: offset, local });
        }
        let mut sum = L::splat(0.0);
        for (k, weight) in self.model.rules.rule(rule).weights.iter().enumerate() {
            let lines = LineSlabs { part, planes, sample: offset + k * L::N, local };
            sum = L::splat(*weight).mul_add(through(groups, behind, &lines), sum);
        }
        sum
    }

    /// Adds what the lines change, and the continuum where it belongs to the spectrum.
    #[inline(always)]
    fn add_brightness<L: Lanes>(&self, scratch: &mut Scratch) {
        let part = self.part(scratch);
        let Scratch { touched, sampling, planes, smooth, sum_k, .. } = scratch;
        let out = &mut sum_k[self.window.padded.clone()];
        let segments = &self.window.segments[..];
        let base = self.model.first_vector::<L>(self.index, self.window);
        let words = &touched[self.model.words(self.slot(), self.window)];
        for (at, segment) in MarkedSegments::new::<L>(words, segments) {
            let local = self.local(smooth, (at, segment));
            let behind = local.at(function::BEHIND);
            let (mut offset, rule) = sampling.of(base + at / L::N);
            let mut mean = L::splat(0.0);
            if rule == MIXED {
                for share in sampling.choice[base + at / L::N].shares() {
                    let of_rule: L = self.mean_of(share.rule, offset, (part, planes), (behind, &local));
                    mean = L::splat(share.weight.value).mul_add(of_rule, mean);
                    offset += Rules::n_samples(share.rule) * L::N;
                }
            } else {
                mean = self.mean_of(rule, offset, (part, planes), (behind, &local));
            }
            L::load(&out[at..])
                .add(mean.sub(continuum(&local, behind, self.sightline)))
                .store(&mut out[at..]);
        }
        if self.sightline.continuum_goes_in {
            let mut first = 0;
            for (segment, ends) in segments.iter().enumerate() {
                for at in (first..ends.end).step_by(L::N) {
                    let local: Local<L> = self.local(smooth, (at, segment));
                    let own = continuum(&local, local.at(function::BEHIND), self.sightline)
                        .sub(local.at(self.sightline.behind_continuum()));
                    L::load(&out[at..]).add(own).store(&mut out[at..]);
                }
                first = ends.end;
            }
        }
    }
}

/// Opacity and emission of a group's samples.
struct Planes<'a> {
    tau: &'a mut [f64],
    emission: &'a mut [f64],
}

impl Planes<'_> {
    /// Adds a line's, whose profile has a value there.
    #[inline(always)]
    fn add<L: Lanes>(&mut self, at: usize, (opacity, emitted): (L, L), value: L) {
        opacity.mul_add(value, L::load(&self.tau[at..])).store(&mut self.tau[at..]);
        emitted.mul_add(value, L::load(&self.emission[at..])).store(&mut self.emission[at..]);
    }

    /// Adds it at the nodes of a rule; returns the place behind its samples.
    #[inline(always)]
    fn add_at_nodes<L: Lanes>(
        &mut self,
        mut at: usize,
        glow: (L, L),
        shape: &impl Shape<L>,
        (rule, freq_mhz, half_mhz): (&Rule, L, L),
    ) -> usize {
        for node in &rule.nodes {
            self.add(at, glow, shape.value_at(half_mhz.mul_add(L::splat(*node), freq_mhz)));
            at += L::N;
        }
        at
    }
}

/// Lines and dust of all groups at one vector of samples.
struct LineSlabs<'a, L> {
    part: SightPart,
    planes: &'a [f64],
    sample: usize,
    local: &'a Local<'a, L>,
}

impl<L: Lanes> Slabs<L> for LineSlabs<'_, L> {
    #[inline(always)]
    fn slab(&self, group: usize) -> Slab<L> {
        self.part.slab(self.planes, group, self.sample, self.local)
    }
}

/// The dust alone.
impl<L: Lanes> Slabs<L> for Local<'_, L> {
    #[inline(always)]
    fn slab(&self, group: usize) -> Slab<L> {
        self.dust_slab(group)
    }
}

/// Brightness without lines.
#[inline(always)]
fn continuum<L: Lanes>(local: &Local<L>, behind: L, sightline: &Sightline) -> L {
    if !sightline.is_dusty() {
        return behind;
    }
    through(&sightline.groups, behind, local)
}

impl Glow {
    /// Opacity and emission of a line's profile at frequencies (MHz).
    #[inline(always)]
    pub fn at<L: Lanes>(&self, line: &Active, freq_mhz: L) -> (L, L) {
        let offset_mhz = freq_mhz.sub(L::splat(line.centre_mhz));
        let emission = offset_mhz.mul_add(L::splat(self.slope_k_per_mhz), L::splat(self.emission_k));
        (L::splat(self.opacity), emission)
    }
}

impl SightPart {
    /// Opacity, then emission of a group's samples.
    pub fn of_group(&self, group: usize) -> std::ops::Range<usize> {
        let first = self.first_plane + 2 * group * self.n_samples;
        first..first + 2 * self.n_samples
    }

    /// A group with its dust at a vector of samples.
    #[inline(always)]
    pub fn slab<L: Lanes>(&self, planes: &[f64], group: usize, sample: usize, local: &Local<L>) -> Slab<L> {
        let at = self.of_group(group).start + sample;
        let (tau, emission_k) = local.dust(group);
        Slab {
            eta: local.at(function::eta(group)),
            tau: L::load(&planes[at..]).add(tau),
            emission_k: L::load(&planes[at + self.n_samples..]).add(emission_k),
        }
    }
}

impl<L: Lanes> Local<'_, L> {
    /// A group's dust alone.
    #[inline(always)]
    pub fn dust_slab(&self, group: usize) -> Slab<L> {
        let (tau, emission_k) = self.dust(group);
        Slab { eta: self.at(function::eta(group)), tau, emission_k }
    }
}
