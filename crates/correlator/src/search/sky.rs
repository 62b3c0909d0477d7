//! The search of one field: powers of all baselines added over a grid of directions, the strongest source taken out, again.

use super::block::{Block, Offset};
use super::chance::{ln_chance, of_any, sigma};
use super::{SearchError, SearchOptions};
use crate::fringe::PowerGrid;
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

/// Half a field's width, and the step of its grid, in direction cosines.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Field {
    /// Half the width.
    pub half: f64,
    /// From point to point.
    pub step: f64,
    /// Points from the middle to an edge.
    pub points: usize,
}

/// A channel and an integration turn by so much at the field's edge at most: 10 % of the amplitude is lost there.
const MOST_TURN: f64 = 0.25;
/// Points of the grid in the narrowest cell.
const PER_CELL: f64 = 3.0;
/// Points of the grid at most.
const MOST_POINTS: usize = 4_000_000;
/// Sources in a field at most.
const MOST_SOURCES: usize = 50;
/// Rounds of measuring each source without the others.
const POLISH: usize = 2;
/// What the shape of the pass band and changes within a stretch leave of a source that was taken out, at most.
const REMNANT: f64 = 0.03;

impl Field {
    /// The field that blocks can see, or the half width asked for.
    ///
    /// # Errors
    /// Where a wider field is asked for than channels and integrations allow, or one of too many points.
    pub fn new(blocks: &[Block], half: Option<f64>) -> Result<Self, SearchError> {
        let (mut widest, mut cell) = (f64::INFINITY, f64::INFINITY);
        for block in blocks {
            let (slopes, turns, cells) = (block.slopes(), block.turn(), block.cell());
            for k in 0..2 {
                let slope = slopes[0][k].hypot(slopes[1][k]);
                widest = widest.min(MOST_TURN * turns[k] / slope.max(1e-300));
                cell = cell.min(cells[k] / slope.max(1e-300));
            }
        }
        let limit = widest.min(0.1);
        let half = half.unwrap_or(limit);
        if half > 2.0 * limit {
            return Err(SearchError::Wide { asked: half, limit });
        }
        let step = (cell / PER_CELL).min(half);
        let points = (half / step).ceil() as usize;
        if (2 * points + 1).pow(2) > MOST_POINTS {
            let most = 0.5 * (MOST_POINTS as f64).sqrt() * step;
            return Err(SearchError::Large { asked: half, most });
        }
        Ok(Self { half, step, points })
    }

    fn side(&self) -> usize {
        2 * self.points + 1
    }

    /// Places that are tried.
    pub fn trials(&self) -> f64 {
        self.side().pow(2) as f64
    }

    fn at(&self, index: usize) -> Offset {
        let cosine = |i: usize| (i as f64 - self.points as f64) * self.step;
        Offset { l: cosine(index % self.side()), m: cosine(index / self.side()) }
    }

    /// Adds a block's powers.
    fn add(&self, block: &Block, powers: &PowerGrid, sums: &mut [f64]) {
        let [east, north] = block.slopes();
        for (index, sum) in sums.iter_mut().enumerate() {
            let Offset { l, m } = self.at(index);
            *sum += powers.at(l * east[0] + m * north[0], l * east[1] + m * north[1]);
        }
    }

    fn sums(&self, blocks: &[Block]) -> Vec<f64> {
        let mut sums = vec![0.0; self.side().pow(2)];
        for block in blocks {
            self.add(block, &block.powers(), &mut sums);
        }
        sums
    }
}

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
        let sums = field.sums(blocks);
        let best = sums.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
        let Some((index, &power)) = best else { break };
        if ln_chance(blocks.len(), power) > libm::log(options.threshold) {
            break;
        }
        let at = refine(blocks, field, field.at(index));
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
    let (mut at, mut step) = (start, field.step);
    let mut best = total(blocks, at);
    while step > 1e-4 * field.step {
        let around = [(step, 0.0), (-step, 0.0), (0.0, step), (0.0, -step)];
        let tried = around.map(|(l, m)| Offset { l: at.l + l, m: at.m + m });
        let higher = tried.into_iter().map(|to| (total(blocks, to), to)).max_by(|a, b| a.0.total_cmp(&b.0));
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
    let value = |l: f64, m: f64| total(blocks, Offset { l: at.l + l * h, m: at.m + m * h });
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
