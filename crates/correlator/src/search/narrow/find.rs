//! Finds drifting signals in powers: the strongest line first, taken out, again.

use super::super::chance::ln_chance;
use super::plane::Plane;
use super::tile::{Searched, TILE, Tiles};
use super::tree::{Power, offset};
use mirinae_simd::Simd;
use serde::{Deserialize, Serialize};

/// Signals of a station and unit, or of all stations, at most: where there are more it is full of interference.
pub const MOST_HITS: usize = 200;
/// Steps beside a line that a signal may cover.
const WIDEST: usize = 4096;
/// Steps beyond a line's width that are taken out with it, at most.
const BEYOND_WIDE: usize = 4;

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

    /// Whether another line, by its first step and its drift, comes as near as so many steps.
    fn meets(&self, (first, drift): (usize, i64), spectra: usize, reach: usize) -> bool {
        let other = Self { first, drift, ..*self };
        (0..spectra).any(|t| (self.step(spectra, t) - other.step(spectra, t)).unsigned_abs() <= reach as u64)
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
pub fn find<P: Searched>(
    plane: &mut Plane<P>,
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
    let mut search = Tiles::new(most_drift, least, simd);
    let tiles = plane.width.div_ceil(TILE);
    let mut best: Vec<Option<(f32, usize, i64)>> = Vec::with_capacity(tiles);
    for tile in 0..tiles {
        best.push(P::strongest(&mut search, plane, tile));
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
        // Lines of these tiles may have crossed it: their lower ends are at most the largest drift below it. What did not cross it is
        // what it was: nothing grows but what was below the mean of noise.
        let low = first.min((first as i64 + drift).max(0) as usize);
        let reach = line.wide + BEYOND_WIDE;
        let from = low.saturating_sub(reach + most_drift) / TILE;
        let to = ((low + drift.unsigned_abs() as usize + reach) / TILE).min(tiles - 1);
        for (tile, best) in best.iter_mut().enumerate().take(to + 1).skip(from) {
            if best.is_some_and(|best| line.meets((best.1, best.2), plane.spectra, reach)) {
                *best = P::strongest(&mut search, plane, tile);
                tick();
            }
        }
    }
    found
}

/// Sets the powers of a line, and beside it as far as they are more than noise, to the mean of noise; how far that is.
pub(super) fn take_out<P: Power>(plane: &mut Plane<P>, line: &Line) -> usize {
    let (spectra, width) = (plane.spectra, plane.width as i64);
    let steps: Vec<i64> = (0..spectra).map(|t| line.step(spectra, t)).collect();
    let (cells, level) = (plane.cells() as f64, plane.level());
    // What is not used holds its mean.
    let bound = 4.0 / (2.0 * plane.used as f64).sqrt();
    let (mut wide, mut quiet, mut bright) = (0i64, 0, 0);
    while wide < WIDEST as i64 && quiet < 3 {
        let mut sum = 0.0;
        for (t, step) in steps.iter().enumerate() {
            for at in [step - wide, step + wide] {
                if (0..width).contains(&at) {
                    let power = &mut plane.power_tf[t * plane.width + at as usize];
                    sum += f64::from((power.number() - level.number()) / plane.unit);
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
    use mirinae_simd::SimdPath;
    use rand::{Rng, RngExt};

    fn noise(spectra: usize, width: usize, margin: usize, rng: &mut impl Rng) -> Plane {
        let power_tf = (0..spectra * width).map(|_| -libm::log(1.0 - rng.random::<f64>()) as f32).collect();
        Plane::one(spectra, width, margin, power_tf, spectra)
    }

    fn search(plane: &mut Plane, most_drift: usize, chance: f64) -> Found {
        find(plane, most_drift, libm::log(chance), Simd::new(SimdPath::detect()), &mut || {})
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
        let mut sum: Option<Plane> = None;
        let simd = Simd::new(SimdPath::detect());
        for station in 0..3 {
            let mut powers = noise(32, 5000, 100, &mut rng);
            put(&mut powers, 3000, -21, 1.2);
            // The last station has half of its spectra.
            if station == 2 {
                powers.power_tf[16 * 5000..].fill(1.0);
                powers.used = 16;
            }
            match &mut sum {
                Some(sum) => assert!(sum.add(&powers, simd) > 5.0),
                None => sum = Some(powers.clone()),
            }
            assert_eq!(search(&mut powers, 40, 1e-9).lines, [], "{station}");
        }
        // One with fewer data is left out.
        let mut few = noise(32, 5000, 100, &mut rng);
        few.used = 15;
        let mut sum = sum.unwrap();
        assert!(sum.add(&few, simd) == 0.0);
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
