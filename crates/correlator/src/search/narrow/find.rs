//! Finds drifting signals in one station's powers: the strongest line first, taken out, again.

use super::super::chance::ln_chance;
use super::powers::Powers;
use super::tree::{drift_sums, offset};
use serde::{Deserialize, Serialize};

/// Channels at which lines of a tile begin.
const TILE: usize = 2048;
/// Signals of a station and unit at most: where there are more it is full of interference.
pub const MOST_HITS: usize = 200;
/// Channels beside a line that a signal may cover.
const WIDEST: usize = 4096;

/// A line in time and frequency whose power noise does not reach.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// Channel (of [`Powers`]) in the first spectrum.
    pub first: usize,
    /// Channels from the first spectrum to the last, down if negative.
    pub drift: i64,
    /// Sum of the powers of the spectra that are used.
    pub sum: f64,
    /// Number of them.
    pub used: usize,
    /// Channels to either side that are brighter than noise, too.
    pub wide: usize,
}

impl Line {
    /// Its channel in a spectrum.
    pub fn channel(&self, spectra: usize, t: usize) -> i64 {
        self.first as i64
            + self.drift.signum() * offset(self.drift.unsigned_abs() as usize, spectra, t) as i64
    }

    /// Its channel in the middle of the stretch.
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

/// Looks for lines of up to `most_drift` channels over the stretch; those whose middles lie in the margins belong to others.
pub fn find(powers: &mut Powers, most_drift: usize, ln_threshold: f64, tick: &mut dyn FnMut()) -> Found {
    let used = powers.scale.used();
    let own = powers.width - 2 * powers.margin;
    let mut found = Found { trials: (own * (2 * most_drift + 1)) as f64, ..Found::default() };
    if used == 0 || used * 2 < powers.spectra {
        found.trials = 0.0;
        return found;
    }
    // What is not used counts 1 in every sum.
    let unused = (powers.spectra - used) as f64;
    let least = threshold_sum(used, ln_threshold) + unused;
    let mut search = Search { most_drift, least, tile: Vec::new(), scratch: Vec::new() };
    let tiles = powers.width.div_ceil(TILE);
    let mut best: Vec<Option<(f32, usize, i64)>> = Vec::with_capacity(tiles);
    for tile in 0..tiles {
        best.push(search.tile(powers, tile));
        tick();
    }
    loop {
        let strongest = best.iter().flatten().copied().reduce(|a, b| if b.0 > a.0 { b } else { a });
        let Some((sum, first, drift)) = strongest else { break };
        if found.lines.len() >= MOST_HITS {
            found.crowded = true;
            break;
        }
        let mut line = Line { first, drift, sum: f64::from(sum) - unused, used, wide: 0 };
        line.wide = take_out(powers, &line);
        let middle = line.middle();
        if (powers.margin as i64..(powers.margin + own) as i64).contains(&middle) {
            found.lines.push(line);
        }
        // Lines of these tiles may have crossed it.
        let reach = drift.unsigned_abs() as usize + most_drift + line.wide + 2;
        let from = first.saturating_sub(reach) / TILE;
        let to = ((first + reach) / TILE).min(tiles - 1);
        for (tile, best) in best.iter_mut().enumerate().take(to + 1).skip(from) {
            *best = search.tile(powers, tile);
            tick();
        }
    }
    found
}

struct Search {
    most_drift: usize,
    least: f64,
    tile: Vec<f32>,
    scratch: Vec<f32>,
}

impl Search {
    /// The strongest line that begins in a tile, if it is strong enough: sum, first channel, drift.
    fn tile(&mut self, powers: &Powers, tile: usize) -> Option<(f32, usize, i64)> {
        let from = tile * TILE;
        let to = (from + TILE).min(powers.width);
        let mut best: Option<(f32, usize, i64)> = None;
        for down in [false, true] {
            let width = to - from + self.most_drift;
            self.tile.clear();
            for row in powers.power_tf.chunks_exact(powers.width) {
                if down {
                    // Mirrored: falling lines rise. Beyond the end there is nothing.
                    let low = from.saturating_sub(self.most_drift);
                    self.tile.extend(row[low..to].iter().rev());
                } else {
                    self.tile.extend_from_slice(&row[from..(from + width).min(powers.width)]);
                }
                let filled = self.tile.len().next_multiple_of(width);
                self.tile.resize(filled, 0.0);
            }
            drift_sums(&mut self.tile, &mut self.scratch, width);
            for drift in usize::from(down)..=self.most_drift.min(powers.spectra - 1) {
                let sums = &self.tile[drift * width..][..to - from];
                let top =
                    sums.iter().copied().enumerate().fold((0, 0.0), |a, b| if b.1 > a.1 { b } else { a });
                if f64::from(top.1) > self.least && best.is_none_or(|b| top.1 > b.0) {
                    let first = if down { to - 1 - top.0 } else { from + top.0 };
                    let drift = if down { -(drift as i64) } else { drift as i64 };
                    best = Some((top.1, first, drift));
                }
            }
        }
        best
    }
}

/// Sets the powers of a line, and beside it as far as they are more than noise, to the mean of noise; how far that is.
fn take_out(powers: &mut Powers, line: &Line) -> usize {
    let (spectra, width) = (powers.spectra, powers.width as i64);
    let used = powers.scale.used() as f64;
    let channels: Vec<i64> = (0..spectra).map(|t| line.channel(spectra, t)).collect();
    // A spectrum that is not used holds 1 everywhere.
    let bound = 1.0 + 4.0 / (2.0 * used).sqrt();
    let (mut wide, mut quiet, mut bright) = (0i64, 0, 0);
    while wide < WIDEST as i64 && quiet < 3 {
        let mut sum = 0.0;
        for (t, channel) in channels.iter().enumerate() {
            for at in [channel - wide, channel + wide] {
                if (0..width).contains(&at) {
                    let power = &mut powers.power_tf[t * powers.width + at as usize];
                    sum += f64::from(*power) - 1.0;
                    *power = 1.0;
                }
            }
        }
        if 1.0 + sum / (2.0 * spectra as f64) > bound {
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
    use super::super::powers::Scale;
    use super::*;
    use rand::{Rng, RngExt};

    fn noise(spectra: usize, width: usize, margin: usize, rng: &mut impl Rng) -> Powers {
        let power_tf = (0..spectra * width).map(|_| -libm::log(1.0 - rng.random::<f64>()) as f32).collect();
        let scale = Scale::flat(spectra);
        Powers { spectra, width, margin, first_channel: 0, power_tf, scale }
    }

    fn put(powers: &mut Powers, first: usize, drift: i64, excess: f32) {
        let line = Line { first, drift, sum: 0.0, used: 0, wide: 0 };
        for t in 0..powers.spectra {
            let at = t * powers.width + line.channel(powers.spectra, t) as usize;
            powers.power_tf[at] += excess;
        }
    }

    #[test]
    fn lines_are_found_where_they_are_and_once() {
        let mut rng = mirinae_common::random::stream(3, 0, 0);
        let mut powers = noise(32, 5000, 100, &mut rng);
        let put_there = [(2040, 17, 4.0), (700, -9, 2.5), (2055, 0, 60.0), (4500, 20, 3.0)];
        for (first, drift, excess) in put_there {
            put(&mut powers, first, drift, excess);
        }
        // In the margin: another unit's.
        put(&mut powers, 40, 3, 50.0);
        let found = find(&mut powers, 20, libm::log(1e-9), &mut || {});
        let mut lines: Vec<(usize, i64)> = found.lines.iter().map(|l| (l.first, l.drift)).collect();
        lines.sort_unstable();
        assert_eq!(lines, [(700, -9), (2040, 17), (2055, 0), (4500, 20)], "{found:?}");
        assert_eq!(found.trials, 4800.0 * 41.0);
        assert!(found.lines[0].excess() > 50.0 && !found.crowded);
    }

    #[test]
    fn drifts_beyond_the_limit_and_noise_are_not() {
        let mut rng = mirinae_common::random::stream(4, 0, 0);
        let mut powers = noise(32, 20_000, 0, &mut rng);
        assert_eq!(find(&mut powers, 31, libm::log(1e-9), &mut || {}).lines, []);
        put(&mut powers, 9000, 30, 3.0);
        assert_eq!(find(&mut powers, 5, libm::log(1e-9), &mut || {}).lines, []);
        assert_eq!(find(&mut powers, 31, libm::log(1e-9), &mut || {}).lines.len(), 1);
    }

    #[test]
    fn false_lines_are_as_many_as_the_threshold_says() {
        let mut rng = mirinae_common::random::stream(5, 0, 0);
        // Lines that share powers are found together: fewer than trials times chance, but not by much.
        let (mut lines, mut expected) = (0, 0.0);
        for _ in 0..60 {
            let mut powers = noise(16, 20_000, 0, &mut rng);
            let found = find(&mut powers, 8, libm::log(1e-5), &mut || {});
            (lines, expected) = (lines + found.lines.len(), expected + 1e-5 * found.trials);
        }
        let share = lines as f64 / expected;
        assert!((0.4..1.05).contains(&share), "{lines} of {expected}");
    }

    #[test]
    fn sums_at_the_threshold() {
        for n in [1, 16, 128, 1024] {
            let x = threshold_sum(n, -20.7);
            assert!((ln_chance(n, x) + 20.7).abs() < 1e-6, "{n}");
        }
    }
}
