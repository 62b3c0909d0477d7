//! Finds drifting signals in powers: the strongest line first, taken out, again.

use super::super::chance::ln_chance;
use super::plane::Plane;
use super::tree::{Largest, Rows, offset, shear};
use crate::simd::Simd;
use serde::{Deserialize, Serialize};

/// Steps at which lines of a tile have their lower ends.
const TILE: usize = 512;
/// Signals of a station and unit, or of all stations, at most: where there are more it is full of interference.
pub const MOST_HITS: usize = 200;
/// Steps by which ends of lines are moved to find the strongest around one.
const REFINED: i64 = 3;
/// Steps beside a line that a signal may cover.
const WIDEST: usize = 4096;

/// A line in time and frequency whose power noise does not reach.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// Step (of a [`Plane`]) in the first spectrum.
    pub first: usize,
    /// Steps from the first spectrum to the last, down if negative.
    pub drift: i64,
    /// Sum of the powers that are used.
    pub sum: f64,
    /// Number of them.
    pub used: usize,
    /// Steps to either side that are brighter than noise, too.
    pub wide: usize,
}

impl Line {
    /// Its step in a spectrum.
    pub fn step(&self, spectra: usize, t: usize) -> i64 {
        self.first as i64
            + self.drift.signum() * offset(self.drift.unsigned_abs() as usize, spectra, t) as i64
    }

    /// Its step in the middle of the stretch.
    pub fn middle(&self) -> i64 {
        self.first as i64 + self.drift / 2
    }

    /// Natural logarithm of the probability that noise does as much on one line.
    pub fn ln_chance(&self) -> f64 {
        ln_chance(self.used, self.sum)
    }

    /// Mean power over that of noise, less 1.
    pub fn excess(&self) -> f64 {
        self.sum / self.used.max(1) as f64 - 1.0
    }
}

/// What a search of powers gave.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Found {
    /// Lines, the strongest first.
    pub lines: Vec<Line>,
    /// Lines that were tried.
    pub trials: f64,
    /// There are more.
    pub crowded: bool,
}

/// The sum of `n` powers of noise that is exceeded with probability exp(`ln_threshold`).
pub fn threshold_sum(n: usize, ln_threshold: f64) -> f64 {
    let (mut low, mut high) = (n as f64, 2.0 * n as f64 + 20.0 - 4.0 * ln_threshold);
    for _ in 0..100 {
        let x = 0.5 * (low + high);
        if ln_chance(n, x) > ln_threshold { low = x } else { high = x }
    }
    high
}

/// Looks for lines of up to `most_drift` steps over the stretch; those whose middles lie in the margins belong to others. What is
/// found is taken out of the plane.
///
/// Every other step is looked at first, for what is more likely in noise by `slack` (a natural logarithm); lines on all steps are tried
/// around what is found there. A carrier between two of the steps that are looked at first has 0.81 of its power at either.
pub fn find(
    plane: &mut Plane,
    most_drift: usize,
    (ln_threshold, slack): (f64, f64),
    simd: Simd,
    tick: &mut dyn FnMut(),
) -> Found {
    let mut thinned = plane.thinned();
    let coarse = find_on_all(&mut thinned, most_drift.div_ceil(2), ln_threshold + slack, simd, tick);
    // Each is the strongest of those around it on all steps: these were tried.
    let own = plane.width - 2 * plane.margin;
    let trials = if plane.is_usable() { (own * (2 * most_drift + 1)) as f64 } else { 0.0 };
    let mut found = Found { lines: Vec::new(), trials, crowded: coarse.crowded };
    for line in coarse.lines {
        let mut fine = refined(plane, &line, most_drift as i64);
        if fine.ln_chance() <= ln_threshold {
            fine.wide = take_out(plane, &fine);
            found.lines.push(fine);
        }
    }
    found
}

/// The strongest line on all steps around one on every other step.
fn refined(plane: &Plane, coarse: &Line, most_drift: i64) -> Line {
    let unused = (plane.cells() - plane.used) as f64;
    let mut best = Line { sum: f64::MIN, ..*coarse };
    for more in -REFINED..=REFINED {
        for up in -REFINED..=REFINED {
            let drift = (2 * coarse.drift + more).clamp(-most_drift, most_drift);
            // Turned around its middle, and moved.
            let first = 2 * coarse.first as i64 + up - more / 2;
            let Ok(first) = usize::try_from(first) else { continue };
            let line = Line { first, drift, ..best };
            let sum = sum_along(plane, &line) - unused;
            if sum > best.sum {
                best = Line { sum, ..line };
            }
        }
    }
    best
}

/// Sum of the powers along a line, as far as it is inside.
fn sum_along(plane: &Plane, line: &Line) -> f64 {
    let at = |t: usize| usize::try_from(line.step(plane.spectra, t)).ok().filter(|step| *step < plane.width);
    let powers = (0..plane.spectra).filter_map(|t| Some(f64::from(plane.power_tf[t * plane.width + at(t)?])));
    powers.sum()
}

/// The same for every step of a plane, without a second look.
pub fn find_on_all(
    plane: &mut Plane,
    most_drift: usize,
    ln_threshold: f64,
    simd: Simd,
    tick: &mut dyn FnMut(),
) -> Found {
    let own = plane.width - 2 * plane.margin;
    if !plane.is_usable() {
        return Found::default();
    }
    let mut found = Found { trials: (own * (2 * most_drift + 1)) as f64, ..Found::default() };
    // What is not used counts 1 in every sum.
    let unused = (plane.cells() - plane.used) as f64;
    let least = (threshold_sum(plane.used, ln_threshold) + unused) as f32;
    let most_hits = MOST_HITS + (found.trials * libm::exp(ln_threshold)) as usize;
    let mut search =
        Search { most_drift, least, simd, tile: Vec::new(), sums: Vec::new(), scratch: Vec::new() };
    let tiles = plane.width.div_ceil(TILE);
    let mut best: Vec<Option<(f32, usize, i64)>> = Vec::with_capacity(tiles);
    for tile in 0..tiles {
        best.push(search.tile(plane, tile));
        tick();
    }
    loop {
        let strongest = best.iter().flatten().copied().reduce(|a, b| if b.0 > a.0 { b } else { a });
        let Some((sum, first, drift)) = strongest else { break };
        if found.lines.len() >= most_hits {
            found.crowded = true;
            break;
        }
        let mut line = Line { first, drift, sum: f64::from(sum) - unused, used: plane.used, wide: 0 };
        line.wide = take_out(plane, &line);
        let middle = line.middle();
        if (plane.margin as i64..(plane.margin + own) as i64).contains(&middle) {
            found.lines.push(line);
        }
        // Lines of these tiles may have crossed it: their lower ends are at most the largest drift below it.
        let low = first.min((first as i64 + drift).max(0) as usize);
        let from = low.saturating_sub(line.wide + most_drift + 2) / TILE;
        let to = ((low + drift.unsigned_abs() as usize + line.wide + 2) / TILE).min(tiles - 1);
        for (tile, best) in best.iter_mut().enumerate().take(to + 1).skip(from) {
            *best = search.tile(plane, tile);
            tick();
        }
    }
    found
}

struct Search {
    most_drift: usize,
    least: f32,
    simd: Simd,
    tile: Vec<f32>,
    sums: Vec<f32>,
    scratch: Vec<f32>,
}

impl Search {
    /// The strongest line whose lower end is in a tile, if it is strong enough: sum, step in the first spectrum, drift.
    fn tile(&mut self, plane: &Plane, tile: usize) -> Option<(f32, usize, i64)> {
        let from = tile * TILE;
        let begin = TILE.min(plane.width - from);
        let mut best: Option<(f32, usize, i64)> = None;
        for whole in 0..=shear(self.most_drift, plane.spectra).0 {
            let before = whole * (plane.spectra - 1);
            let most = (self.most_drift - before).min(plane.spectra - 1);
            for down in [false, true] {
                // A drift of 0 has no second direction, and that of a whole number of steps a spectrum was in the tree before.
                let least_drift = usize::from(down || whole > 0);
                let rows = rows(plane, &mut self.tile, (from, begin + most), (whole, down));
                let found = self.simd.run(Largest {
                    rows,
                    spectra: plane.spectra,
                    sums: &mut self.sums,
                    scratch: &mut self.scratch,
                    begin,
                    drifts: (least_drift, most),
                    least: best.map_or(self.least, |b| b.0),
                });
                if let Some((sum, place, drift)) = found {
                    let (low, drift) = (from + place, before + drift);
                    best = Some(if down {
                        (sum, low + drift, -(drift as i64))
                    } else {
                        (sum, low, drift as i64)
                    });
                }
            }
        }
        best
    }
}

/// A tile's rows, each some steps above the one before. Falling lines rise backwards in time. Beyond the end there is nothing: rows that
/// get there are copied into `tile`.
fn rows<'a>(
    plane: &'a Plane,
    tile: &'a mut Vec<f32>,
    (from, width): (usize, usize),
    (whole, down): (usize, bool),
) -> Rows<'a> {
    let last = plane.spectra - 1;
    if from + whole * last + width <= plane.width {
        let (row, whole) = (plane.width as isize, whole as isize);
        let (first, step) = if down { (from + last * plane.width, whole - row) } else { (from, whole + row) };
        return Rows { values: &plane.power_tf, first, step };
    }
    tile.clear();
    for row in 0..plane.spectra {
        let t = if down { last - row } else { row };
        let start = (from + whole * row).min(plane.width);
        let end = (start + width).min(plane.width);
        tile.extend_from_slice(&plane.power_tf[t * plane.width..][start..end]);
        tile.resize((row + 1) * width, 0.0);
    }
    Rows { values: tile, first: 0, step: width as isize }
}

/// Sets the powers of a line, and beside it as far as they are more than noise, to the mean of noise; how far that is.
fn take_out(plane: &mut Plane, line: &Line) -> usize {
    let (spectra, width) = (plane.spectra, plane.width as i64);
    let steps: Vec<i64> = (0..spectra).map(|t| line.step(spectra, t)).collect();
    let (cells, level) = (plane.cells() as f64, plane.stations as f32);
    // What is not used holds its mean.
    let bound = 4.0 / (2.0 * plane.used as f64).sqrt();
    let (mut wide, mut quiet, mut bright) = (0i64, 0, 0);
    while wide < WIDEST as i64 && quiet < 3 {
        let mut sum = 0.0;
        for (t, step) in steps.iter().enumerate() {
            for at in [step - wide, step + wide] {
                if (0..width).contains(&at) {
                    let power = &mut plane.power_tf[t * plane.width + at as usize];
                    sum += f64::from(*power - level);
                    *power = level;
                }
            }
        }
        if sum / (2.0 * cells) > bound {
            (quiet, bright) = (0, wide);
        } else if wide > 1 {
            quiet += 1;
        }
        wide += 1;
    }
    bright as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::SimdPath;
    use rand::{Rng, RngExt};

    fn noise(spectra: usize, width: usize, margin: usize, rng: &mut impl Rng) -> Plane {
        let power_tf = (0..spectra * width).map(|_| -libm::log(1.0 - rng.random::<f64>()) as f32).collect();
        Plane::one(spectra, width, margin, power_tf, spectra)
    }

    fn search(plane: &mut Plane, most_drift: usize, chance: f64) -> Found {
        find_on_all(plane, most_drift, libm::log(chance), Simd::new(SimdPath::detect()), &mut || {})
    }

    /// A carrier's power at all steps around it, a quarter of a channel apart.
    fn put_carrier(powers: &mut Plane, first: usize, drift: i64, excess: f32) {
        for k in -3i64..=3 {
            let x = std::f64::consts::FRAC_PI_4 * k as f64;
            let share = if k == 0 { 1.0 } else { (libm::sin(x) / x).powi(2) };
            put(powers, (first as i64 + k) as usize, drift, excess * share as f32);
        }
    }

    #[test]
    fn lines_between_the_steps_of_the_first_look_are_found_where_they_are() {
        let mut rng = mirinae_common::random::stream(7, 0, 0);
        let mut powers = noise(32, 5000, 100, &mut rng);
        let put_there = [(1001, 21, 12.0), (2002, -33, 12.0), (3003, 70, 12.0), (4001, 0, 12.0)];
        for (first, drift, excess) in put_there {
            put_carrier(&mut powers, first, drift, excess);
        }
        let noise_left = noise(32, 5000, 100, &mut rng);
        let simd = Simd::new(SimdPath::detect());
        let found = find(&mut powers, 75, (libm::log(1e-9), 2.0), simd, &mut || {});
        assert_eq!(found.lines.len(), 4, "{found:?}");
        for (first, drift, _) in put_there {
            let line = found.lines.iter().find(|l| (l.first as i64 - first as i64).abs() <= 2).unwrap();
            let middle = line.middle() - (first as i64 + drift / 2);
            assert!((line.drift - drift).abs() <= 2 && middle.abs() <= 1 && line.excess() > 9.0, "{line:?}");
        }
        // They are taken out.
        assert_eq!(find(&mut powers, 75, (libm::log(1e-9), 2.0), simd, &mut || {}).lines, []);
        let mean = |plane: &Plane| plane.power_tf.iter().sum::<f32>() / plane.power_tf.len() as f32;
        assert!((mean(&powers) - mean(&noise_left)).abs() < 0.02);
    }

    fn put(powers: &mut Plane, first: usize, drift: i64, excess: f32) {
        let line = Line { first, drift, sum: 0.0, used: 0, wide: 0 };
        for t in 0..powers.spectra {
            let at = t * powers.width + line.step(powers.spectra, t) as usize;
            powers.power_tf[at] += excess;
        }
    }

    #[test]
    fn lines_are_found_where_they_are_and_once() {
        let mut rng = mirinae_common::random::stream(3, 0, 0);
        let mut powers = noise(32, 5000, 100, &mut rng);
        let put_there = [
            (2040, 17, 4.0),
            (700, -9, 2.5),
            (2055, 0, 60.0),
            (4500, 20, 3.0),
            (3000, 37, 4.0),
            (3400, -40, 4.0),
        ];
        for (first, drift, excess) in put_there {
            put(&mut powers, first, drift, excess);
        }
        // In the margin: another unit's.
        put(&mut powers, 40, 3, 50.0);
        let found = search(&mut powers, 40, 1e-9);
        let mut lines: Vec<(usize, i64)> = found.lines.iter().map(|l| (l.first, l.drift)).collect();
        lines.sort_unstable();
        assert_eq!(
            lines,
            [(700, -9), (2040, 17), (2055, 0), (3000, 37), (3400, -40), (4500, 20)],
            "{found:?}"
        );
        assert_eq!(found.trials, 4800.0 * 81.0);
        assert!(found.lines[0].excess() > 50.0 && !found.crowded);
    }

    #[test]
    fn drifts_beyond_the_limit_and_noise_are_not() {
        let mut rng = mirinae_common::random::stream(4, 0, 0);
        let mut powers = noise(32, 20_000, 0, &mut rng);
        assert_eq!(search(&mut powers, 31, 1e-9).lines, []);
        put(&mut powers, 9000, 30, 3.0);
        assert_eq!(search(&mut powers, 5, 1e-9).lines, []);
        assert_eq!(search(&mut powers, 31, 1e-9).lines.len(), 1);
    }

    #[test]
    fn false_lines_are_as_many_as_the_threshold_says() {
        let mut rng = mirinae_common::random::stream(5, 0, 0);
        // Lines that share powers are found together: fewer than trials times chance, but not by much.
        let (mut lines, mut expected) = (0, 0.0);
        for _ in 0..60 {
            let mut powers = noise(16, 20_000, 0, &mut rng);
            let found = search(&mut powers, 8, 1e-5);
            (lines, expected) = (lines + found.lines.len(), expected + 1e-5 * found.trials);
        }
        let share = lines as f64 / expected;
        assert!((0.4..1.05).contains(&share), "{lines} of {expected}");
    }

    #[test]
    fn what_is_weak_at_each_station_is_strong_in_their_sum() {
        let mut rng = mirinae_common::random::stream(6, 0, 0);
        let mut sum = Plane::none();
        for station in 0..3 {
            let mut powers = noise(32, 5000, 100, &mut rng);
            put(&mut powers, 3000, -21, 1.2);
            // The last station has half of its spectra.
            if station == 2 {
                powers.power_tf[16 * 5000..].fill(1.0);
                powers.used = 16;
            }
            sum.add(&powers);
            assert_eq!(search(&mut powers, 40, 1e-9).lines, [], "{station}");
        }
        // One with fewer data is left out.
        let mut few = noise(32, 5000, 100, &mut rng);
        few.used = 15;
        sum.add(&few);
        assert_eq!((sum.stations, sum.used), (3, 80));
        let found = search(&mut sum, 40, 1e-9).lines;
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].first, found[0].drift, found[0].used), (3000, -21, 80));
        assert!((0.6..1.8).contains(&found[0].excess()), "{}", found[0].excess());
    }

    #[test]
    fn sums_at_the_threshold() {
        for n in [1, 16, 128, 1024] {
            let x = threshold_sum(n, -20.7);
            assert!((ln_chance(n, x) + 20.7).abs() < 1e-6, "{n}");
        }
    }
}
