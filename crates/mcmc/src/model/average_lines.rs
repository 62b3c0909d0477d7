//! Adds the lines of a species to the planes of opacity that averages over channels are made of, and to samples within channels.

use super::average;
use super::average_forward::{AverageJob, class};
use super::find::Common;
use super::narrow::{Narrow, Ramps};
use super::nodes::Rule;
use super::profile::Profile;
use super::scratch::Active;
use super::simd::Lanes;
use super::wide;
use super::window::Grid;

/// Opacity at the peak below which a line adds its mean opacity alone, and above which all of its c1: small, as many weak
/// lines may lie on one another.
const SLOPE: [f64; 2] = [0.003, 0.01];
/// The same for c2 and c3.
const CURVE: [f64; 2] = [0.015, 0.045];

/// What lines add to narrow channels beside their mean opacity.
#[derive(Clone, Copy)]
pub(super) struct Strength {
    slope: Range,
    curve: Range,
}

/// Values of `ln(peak/cut)` over which something sets in.
#[derive(Clone, Copy)]
struct Range {
    first: f64,
    per_range: f64,
}

impl Range {
    #[inline(always)]
    fn new([low, high]: [f64; 2], common: &Common) -> Self {
        Self { first: libm::log(low) - common.ln_cut, per_range: 1.0 / libm::log(high / low) }
    }

    #[inline(always)]
    fn at<L: Lanes>(&self, z0: f64) -> (L, L) {
        let (value, slope) = average::step(L::splat((z0 - self.first) * self.per_range));
        (value, slope.mul(L::splat(self.per_range)))
    }
}

impl Strength {
    #[inline(always)]
    pub fn new(common: &Common) -> Self {
        Self { slope: Range::new(SLOPE, common), curve: Range::new(CURVE, common) }
    }

    /// Whether a line adds its mean opacity alone.
    #[inline(always)]
    pub fn is_weak(&self, line: &Active) -> bool {
        line.z0 <= self.slope.first
    }

    /// Whether it adds c2 and c3.
    #[inline(always)]
    pub fn is_strong(&self, line: &Active) -> bool {
        line.z0 > self.curve.first
    }

    #[inline(always)]
    pub fn ramps<L: Lanes>(&self, line: &Active) -> Ramps<L> {
        Ramps { slope: self.slope.at(line.z0), curve: self.curve.at(line.z0) }
    }
}

impl AverageJob<'_> {
    /// Legendre coefficients of the opacity; marks the vectors that have more than the mean.
    #[inline(always)]
    pub fn add_narrow<L: Lanes>(&self, lines: &[Active], classes: &mut [u8], planes: &mut [f64]) {
        let strength = Strength::new(self.common);
        for line in lines {
            if strength.is_weak(line) {
                self.add_mean::<L>(line, planes);
            } else if strength.is_strong(line) {
                self.add_coefficients::<L, true>(line, &strength.ramps(line), classes, planes);
            } else {
                self.add_coefficients::<L, false>(line, &strength.ramps(line), classes, planes);
            }
        }
    }

    #[inline(always)]
    fn add_mean<L: Lanes>(&self, line: &Active, means: &mut [f64]) {
        let (grid, profile) = (&self.window.grid, Profile::<L>::new(line, 0.0));
        let common = Narrow::to_centres(&profile, L::splat(grid.widest_half_mhz));
        for at in (line.first as usize..line.end as usize).step_by(L::N) {
            let freq = L::load(&grid.padded_mhz[at..]);
            let mean = if grid.one_width {
                common.mean(&profile, freq)
            } else {
                own_width(&profile, grid, at).mean(&profile, freq)
            };
            add_to(&mut means[at..], mean);
        }
    }

    #[inline(always)]
    fn add_coefficients<L: Lanes, const ALL: bool>(
        &self,
        line: &Active,
        ramps: &Ramps<L>,
        classes: &mut [u8],
        planes: &mut [f64],
    ) {
        let (grid, profile) = (&self.window.grid, Profile::<L>::new(line, 0.0));
        let n = self.window.padded.len();
        let common = Narrow::to_centres(&profile, L::splat(grid.widest_half_mhz));
        for at in (line.first as usize..line.end as usize).step_by(L::N) {
            let freq = L::load(&grid.padded_mhz[at..]);
            let c = if grid.one_width {
                common.coefficients::<ALL>(&profile, freq, ramps)
            } else {
                own_width(&profile, grid, at).coefficients::<ALL>(&profile, freq, ramps)
            };
            add_to(&mut planes[at..], c[0]);
            add_to(&mut planes[n + at..], c[1]);
            if ALL {
                add_to(&mut planes[2 * n + at..], c[2]);
                add_to(&mut planes[3 * n + at..], c[3]);
            }
            classes[at / L::N] = class::PLANES;
        }
    }

    /// Mean and largest opacity.
    #[inline(always)]
    pub fn add_wide<L: Lanes>(&self, lines: &[Active], planes: &mut [f64]) {
        let grid = &self.window.grid;
        let (means, largest) = planes.split_at_mut(self.window.padded.len());
        for line in lines {
            let profile = Profile::<L>::new(line, 0.0);
            for at in (line.first as usize..line.end as usize).step_by(L::N) {
                let (freq, half) = (L::load(&grid.padded_mhz[at..]), L::load(&grid.half_width_mhz[at..]));
                add_to(&mut means[at..], wide::mean(&profile, freq, half));
                add_to(&mut largest[at..], wide::largest(&profile, freq, half));
            }
        }
    }

    /// Opacities at the nodes, in the vectors that have samples.
    #[inline(always)]
    pub fn add_samples<L: Lanes>(
        &self,
        lines: &[Active],
        classes: &[u8],
        offsets: &[u32],
        rule: &Rule,
        samples: &mut [f64],
    ) {
        let grid = &self.window.grid;
        for line in lines {
            for v in line.first as usize / L::N..line.end as usize / L::N {
                if classes[v] != class::SAMPLES {
                    continue;
                }
                let (profile, at) = (Profile::<L>::new(line, 0.0), v * L::N);
                let (freq, half) = (L::load(&grid.padded_mhz[at..]), L::load(&grid.half_width_mhz[at..]));
                let samples = samples[offsets[v] as usize..].chunks_exact_mut(L::N);
                for (node, sample) in rule.nodes.iter().zip(samples) {
                    add_to(sample, profile.at(half.mul_add(L::splat(*node), freq)));
                }
            }
        }
    }
}

/// Channels that have a width of their own, as a line sees them.
#[inline(always)]
pub(super) fn own_width<L: Lanes>(profile: &Profile<L>, grid: &Grid, at: usize) -> Narrow<L> {
    Narrow::to_centres(profile, L::load(&grid.half_width_mhz[at..]))
}

#[inline(always)]
fn add_to<L: Lanes>(place: &mut [f64], value: L) {
    L::load(place).add(value).store(place);
}
