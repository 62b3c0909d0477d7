//! The search of one field: the strongest source is found and taken out, again and again; then each is measured.

use super::SearchOptions;
use super::block::{Block, Offset};
use super::chance::{ln_chance, of_any, power_of, sigma};
use super::sky::Field;
use num_complex::Complex64;

/// A source that was found.
#[derive(Debug, Clone, PartialEq)]
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
}

impl Taken {
    fn take(blocks: &mut [Block], at: Offset, power: f64) -> Self {
        let amplitudes = blocks.iter_mut().map(|block| block.subtract(at)).collect();
        Self { at, amplitudes, power }
    }

    fn put_back(&self, blocks: &mut [Block]) {
        blocks.iter_mut().zip(&self.amplitudes).for_each(|(block, &a)| block.add(self.at, a));
    }

    /// Mean amplitude over the blocks.
    fn strength(&self) -> f64 {
        (self.amplitudes.iter().map(Complex64::norm_sqr).sum::<f64>() / self.amplitudes.len() as f64).sqrt()
    }
}

/// Finds all sources above the threshold, the strongest first.
pub fn find(blocks: &mut [Block], field: &Field, options: &SearchOptions) -> Vec<Detection> {
    let mut taken: Vec<Taken> = Vec::new();
    while taken.len() < MOST_SOURCES {
        let Some((at, power)) = strongest(blocks, field, libm::log(options.threshold)) else { break };
        let at = refine(blocks, field, at);
        taken.push(Taken::take(blocks, at, power));
        polish(blocks, field, &mut taken);
    }
    let strengths: Vec<f64> = taken.iter().map(Taken::strength).collect();
    let strongest = strengths.iter().copied().fold(0.0, f64::max);
    let one = |(source, strength): (&Taken, f64)| {
        source.put_back(blocks);
        let detection = measure(blocks, field, source, strength < REMNANT * strongest);
        blocks.iter_mut().for_each(|block| {
            block.subtract(source.at);
        });
        detection
    };
    taken.iter().zip(strengths).map(one).collect()
}

/// The first place of the fine grid above the threshold, and the power there: around the peaks of the grid, from the highest on. The grid
/// alone would lose up to a fifth of an amplitude between its points.
pub(super) fn strongest(blocks: &[Block], field: &Field, ln_threshold: f64) -> Option<(Offset, f64)> {
    let least = power_of(blocks.len(), WORTH_A_LOOK * WORTH_A_LOOK * ln_threshold);
    let peaks = field.peaks(&field.sums(blocks), least);
    peaks.into_iter().take(MOST_LOOKS).find_map(|index| {
        let near = around(blocks, field.at(index));
        let powers = field.fine(index).map(|at| (at, total(&near, at)));
        let best = powers.max_by(|a, b| a.1.total_cmp(&b.1))?;
        (ln_chance(blocks.len(), best.1) <= ln_threshold).then_some(best)
    })
}

fn around(blocks: &[Block], at: Offset) -> Vec<Block> {
    blocks.iter().map(|block| block.around(at)).collect()
}

/// Measures each source again without the others, which disturbed it when it was found.
fn polish(blocks: &mut [Block], field: &Field, taken: &mut [Taken]) {
    if taken.len() < 2 {
        return;
    }
    for _ in 0..POLISH {
        for source in taken.iter_mut() {
            source.put_back(blocks);
            let at = refine(blocks, field, source.at);
            *source = Taken::take(blocks, at, source.power);
        }
    }
}

fn measure(blocks: &[Block], field: &Field, source: &Taken, remnant: bool) -> Detection {
    let (error, error_correlation) = errors(blocks, field, source.at);
    let ln_p = ln_chance(blocks.len(), source.power);
    Detection {
        at: source.at,
        error,
        error_correlation,
        ln_chance: ln_p,
        sigma: sigma(ln_p),
        false_alarm: of_any(ln_p, field.trials()),
        remnant,
        amplitudes: amplitudes(blocks, source.at),
    }
}

/// Climbs to the maximum of the summed powers: steps along the axes that halve.
fn refine(blocks: &[Block], field: &Field, start: Offset) -> Offset {
    let near = around(blocks, start);
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
fn errors(blocks: &[Block], field: &Field, at: Offset) -> ([f64; 2], f64) {
    let h = 0.1 * field.step;
    let near = around(blocks, at);
    let value = |l: f64, m: f64| total(&near, Offset { l: at.l + l * h, m: at.m + m * h });
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

fn amplitudes(blocks: &[Block], at: Offset) -> Vec<([String; 2], f64)> {
    let mut baselines: Vec<([String; 2], f64, usize)> = Vec::new();
    for block in blocks {
        let power = (block.power(at) - 1.0) / block.power(at) * (block.sum(at) / block.weight()).norm_sqr();
        match baselines.iter_mut().find(|b| b.0 == block.baseline) {
            Some(b) => (b.1, b.2) = (b.1 + power, b.2 + 1),
            None => baselines.push((block.baseline.clone(), power, 1)),
        }
    }
    baselines.into_iter().map(|(names, sum, n)| (names, (sum / n as f64).max(0.0).sqrt())).collect()
}
