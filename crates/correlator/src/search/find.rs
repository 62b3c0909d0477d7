//! The search of one field: the strongest source is found and taken out, again and again; then each is measured.

use super::SearchOptions;
use super::block::{Block, Offset};
use super::chance::{ln_chance, of_any, power_of, sigma};
use super::image::Dirty;
use super::sky::Field;
use crate::transforms::Transforms;
use num_complex::Complex64;
use serde::{Deserialize, Serialize};

/// A source that was found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Detection {
    /// Where.
    pub at: Offset,
    /// One standard deviation towards east and north, in direction cosines.
    pub error: [f64; 2],
    /// Correlation between the two errors.
    pub error_correlation: f64,
    /// Natural logarithm of the probability that noise does as much at one place of the grid.
    pub ln_chance: f64,
    /// The same as the amplitude of one complex Gaussian.
    pub sigma: f64,
    /// Probability that noise does as much anywhere in the field.
    pub false_alarm: f64,
    /// Weaker than what may be left of a stronger source in the field.
    pub remnant: bool,
    /// Correlated amplitude of each baseline, the root of the mean over its blocks less what noise adds.
    pub amplitudes: Vec<([String; 2], f64)>,
    /// Correlated flux density over all baselines whose stations' sensitivities are known, and its standard deviation, Jy.
    pub flux_jy: Option<[f64; 2]>,
    /// That of each baseline.
    pub fluxes_jy: Vec<([String; 2], [f64; 2])>,
    /// What is around it.
    pub image: Option<Dirty>,
}

/// Sources in a field at most.
const MOST_SOURCES: usize = 50;
/// Rounds of measuring each source without the others.
const POLISH: usize = 2;
/// What the shape of the pass band and changes within a stretch leave of a source that was taken out, at most.
const REMNANT: f64 = 0.03;
/// Peaks of the grid are looked at from this share of the threshold's sigma on.
const WORTH_A_LOOK: f64 = 0.65;
/// Peaks that are looked at in a round at most: only what is left of very strong sources has more.
const MOST_LOOKS: usize = 1000;

fn total(blocks: &[Block], at: Offset) -> f64 {
    blocks.iter().map(|block| block.power(at)).sum()
}

/// A source that has been taken out.
struct Taken {
    at: Offset,
    /// Amplitude in each block.
    amplitudes: Vec<Complex64>,
    /// Power at the place of the grid where it was found.
    power: f64,
    /// Whether it is in the field.
    inside: bool,
}

impl Taken {
    fn take(blocks: &mut [Block], at: Offset, power: f64, inside: bool) -> Self {
        let amplitudes = blocks.iter_mut().map(|block| block.subtract(at)).collect();
        Self { at, amplitudes, power, inside }
    }

    fn put_back(&self, blocks: &mut [Block]) {
        blocks.iter_mut().zip(&self.amplitudes).for_each(|(block, &a)| block.add(self.at, a));
    }

    /// Mean amplitude over the blocks.
    fn strength(&self) -> f64 {
        (self.amplitudes.iter().map(Complex64::norm_sqr).sum::<f64>() / self.amplitudes.len() as f64).sqrt()
    }
}

/// Finds all sources above the threshold, the strongest first. Sources outside of the field that are above it are taken out when
/// they are the strongest: what is but a sidelobe of another one is above it no more by then.
pub fn find(
    blocks: &mut [Block],
    field: &Field,
    outside: &[Offset],
    (options, transforms): (&SearchOptions, &mut Transforms),
    tick: &mut dyn FnMut(),
) -> Vec<Detection> {
    let ln_threshold = libm::log(options.threshold);
    let (mut taken, mut outside): (Vec<Taken>, Vec<Offset>) = (Vec::new(), outside.to_vec());
    while taken.iter().filter(|t| t.inside).count() < MOST_SOURCES {
        let inside = strongest(blocks, field, ln_threshold, transforms, tick);
        let (at, power, is_inside) = match (inside, strongest_of(blocks, &outside, ln_threshold, tick)) {
            (inside, Some((index, power))) if inside.is_none_or(|i| i.1 < power) => {
                (outside.remove(index), power, false)
            }
            (Some((at, power)), _) => (at, power, true),
            (None, _) => break,
        };
        let at = refine(blocks, field, at, tick);
        taken.push(Taken::take(blocks, at, power, is_inside));
        polish(blocks, field, &mut taken, tick);
    }
    let strengths: Vec<f64> = taken.iter().map(Taken::strength).collect();
    let strongest = strengths.iter().copied().fold(0.0, f64::max);
    let one = |(source, strength): (&Taken, f64)| {
        source.put_back(blocks);
        let detection = measure(blocks, field, source, strength < REMNANT * strongest, tick);
        blocks.iter_mut().for_each(|block| {
            block.subtract(source.at);
        });
        detection
    };
    taken.iter().zip(strengths).filter(|(source, _)| source.inside).map(one).collect()
}

/// The first place of the fine grid above the threshold, and the power there: around the peaks of the grid, from the highest on. The grid
/// alone would lose up to a fifth of an amplitude between its points.
pub(super) fn strongest(
    blocks: &[Block],
    field: &Field,
    ln_threshold: f64,
    transforms: &mut Transforms,
    tick: &mut dyn FnMut(),
) -> Option<(Offset, f64)> {
    let least = power_of(blocks.len(), WORTH_A_LOOK * WORTH_A_LOOK * ln_threshold);
    let peaks = field.peaks(&field.sums(blocks, transforms, tick), least);
    peaks.into_iter().take(MOST_LOOKS).find_map(|index| {
        let near = around(blocks, field.at(index), tick);
        let powers = field.fine(index).map(|at| (at, total(&near, at)));
        let best = powers.max_by(|a, b| a.1.total_cmp(&b.1))?;
        (ln_chance(blocks.len(), best.1) <= ln_threshold).then_some(best)
    })
}

/// The strongest of some places if it is above the threshold: its index, and the power there.
fn strongest_of(
    blocks: &[Block],
    places: &[Offset],
    ln_threshold: f64,
    tick: &mut dyn FnMut(),
) -> Option<(usize, f64)> {
    let powers = places.iter().map(|&at| total(&around(blocks, at, tick), at)).enumerate();
    let above = powers.filter(|p| ln_chance(blocks.len(), p.1) <= ln_threshold);
    above.max_by(|a, b| a.1.total_cmp(&b.1))
}

fn around(blocks: &[Block], at: Offset, tick: &mut dyn FnMut()) -> Vec<Block> {
    let one = |block: &Block| {
        tick();
        block.around(at)
    };
    blocks.iter().map(one).collect()
}

/// Measures each source again without the others, which disturbed it when it was found.
fn polish(blocks: &mut [Block], field: &Field, taken: &mut [Taken], tick: &mut dyn FnMut()) {
    if taken.len() < 2 {
        return;
    }
    for _ in 0..POLISH {
        for source in taken.iter_mut() {
            source.put_back(blocks);
            let at = refine(blocks, field, source.at, tick);
            *source = Taken::take(blocks, at, source.power, source.inside);
        }
    }
}

fn measure(
    blocks: &[Block],
    field: &Field,
    source: &Taken,
    remnant: bool,
    tick: &mut dyn FnMut(),
) -> Detection {
    let near = around(blocks, source.at, tick);
    let (error, error_correlation) = errors(&near, field, source.at);
    let ln_p = ln_chance(blocks.len(), source.power);
    Detection {
        at: source.at,
        error,
        error_correlation,
        ln_chance: ln_p,
        sigma: sigma(ln_p),
        false_alarm: of_any(ln_p, field.trials()),
        remnant,
        amplitudes: amplitudes(&near, source.at),
        flux_jy: flux(blocks.iter().zip(&near), source.at),
        fluxes_jy: fluxes(blocks, &near, source.at),
        image: Dirty::around(blocks, source.at),
    }
}

/// Climbs to the maximum of the summed powers: steps along the axes that halve.
fn refine(blocks: &[Block], field: &Field, start: Offset, tick: &mut dyn FnMut()) -> Offset {
    let near = around(blocks, start, tick);
    let (mut at, mut step) = (start, field.fine_step());
    let mut best = total(&near, at);
    while step > 1e-4 * field.step {
        let around = [(step, 0.0), (-step, 0.0), (0.0, step), (0.0, -step)];
        let tried = around.map(|(l, m)| Offset { l: at.l + l, m: at.m + m });
        let higher = tried.into_iter().map(|to| (total(&near, to), to)).max_by(|a, b| a.0.total_cmp(&b.0));
        match higher {
            Some((power, to)) if power > best => (at, best) = (to, power),
            _ => step *= 0.5,
        }
    }
    at
}

/// Standard deviations towards east and north and their correlation: the summed power is the logarithm of the likelihood, with
/// the amplitude and phase of each block at their best.
fn errors(near: &[Block], field: &Field, at: Offset) -> ([f64; 2], f64) {
    let h = 0.1 * field.step;
    let value = |l: f64, m: f64| total(near, Offset { l: at.l + l * h, m: at.m + m * h });
    let middle = value(0.0, 0.0);
    let curvature = |a: f64, b: f64| -(a - 2.0 * middle + b) / (h * h);
    let (ll, mm) =
        (curvature(value(1.0, 0.0), value(-1.0, 0.0)), curvature(value(0.0, 1.0), value(0.0, -1.0)));
    let lm = -(value(1.0, 1.0) - value(1.0, -1.0) - value(-1.0, 1.0) + value(-1.0, -1.0)) / (4.0 * h * h);
    let determinant = ll * mm - lm * lm;
    if !(ll > 0.0 && mm > 0.0 && determinant > 0.0) {
        return ([f64::INFINITY; 2], 0.0);
    }
    ([(mm / determinant).sqrt(), (ll / determinant).sqrt()], -lm / (ll * mm).sqrt())
}

/// The names of the stations of all baselines, in the order in which they come.
fn baselines(blocks: &[Block]) -> Vec<[String; 2]> {
    let mut names: Vec<[String; 2]> = Vec::new();
    for block in blocks {
        if !names.contains(&block.seen.baseline) {
            names.push(block.seen.baseline.clone());
        }
    }
    names
}

fn amplitudes(blocks: &[Block], at: Offset) -> Vec<([String; 2], f64)> {
    let of = |names: [String; 2]| {
        let ours: Vec<&Block> = blocks.iter().filter(|b| b.seen.baseline == names).collect();
        let power = |block: &&Block| {
            (block.power(at) - 1.0) / block.power(at) * (block.sum(at) / block.weight()).norm_sqr()
        };
        let mean = ours.iter().map(power).sum::<f64>() / ours.len() as f64;
        (names, mean.max(0.0).sqrt())
    };
    baselines(blocks).into_iter().map(of).collect()
}

/// Flux density and its standard deviation from the powers of blocks (and of these around the place): the sum of the powers less that of
/// noise over that of 1 Jy, which weights each square of a flux density with what noise does to it. `None` where no
/// station's sensitivity is known.
fn flux<'a>(blocks: impl Iterator<Item = (&'a Block, &'a Block)>, at: Offset) -> Option<[f64; 2]> {
    let (mut excess, mut variance, mut of_one_jy) = (0.0, 0.0, 0.0);
    for (block, near) in blocks {
        let Some(jy) = block.seen.jy else { continue };
        let above = near.power(at) - 1.0;
        excess += above;
        variance += 1.0 + 2.0 * above.max(0.0);
        of_one_jy += (near.weight() * block.smeared(at) / jy).powi(2) / near.noise_power();
    }
    if of_one_jy <= 0.0 {
        return None;
    }
    let flux = (excess.max(0.0) / of_one_jy).sqrt();
    let error_of_square = variance.sqrt() / of_one_jy;
    // Of what is not seen at all, the square is known alone.
    let error = (error_of_square / (2.0 * flux.max(1e-300))).min(error_of_square.sqrt());
    Some([flux, error])
}

fn fluxes(blocks: &[Block], near: &[Block], at: Offset) -> Vec<([String; 2], [f64; 2])> {
    let of = |names: [String; 2]| {
        let ours = blocks.iter().zip(near).filter(|(b, _)| b.seen.baseline == names);
        flux(ours, at).map(|found| (names.clone(), found))
    };
    baselines(blocks).into_iter().filter_map(of).collect()
}
