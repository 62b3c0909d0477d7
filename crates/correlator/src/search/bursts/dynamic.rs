//! Dynamic cross spectra of a unit: the correlations of all pairs of stations, dump by dump.

use super::grid::{Grid, Group};
use super::powers::Wanted;
use super::spectra::Spectra;
use crate::baseband::{BasebandError, SampleSource};
use num_complex::Complex32;

/// Channels that share a variance.
const TOGETHER: usize = 8;

/// Running sums over the dumps, with a 0 before the first: what a boxcar holds is a difference of two.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Dynamic {
    /// Stations of the pairs.
    pub pairs: Vec<(usize, usize)>,
    pub channels: usize,
    pub dumps: usize,
    /// By pair, channel and dump: sum of X_a conj(X_b).
    sum_pft: Vec<Complex32>,
    /// By pair, group of channels and dump: sum of |X_a|^2 |X_b|^2, the variance.
    norm_pgt: Vec<f32>,
}

/// Groups of channels that share a variance.
fn groups(channels: usize) -> usize {
    channels.div_ceil(TOGETHER)
}

/// Bytes of a dump.
pub(super) fn bytes_of_dump(group: &Group) -> usize {
    let (n, channels) = (group.stations.len(), group.sky_hz.len());
    let one = channels * size_of::<Complex32>() + groups(channels) * size_of::<f32>();
    n * (n - n.min(1)) / 2 * one
}

impl Dynamic {
    /// Room for all pairs of some stations.
    pub fn new(stations: usize, channels: usize, dumps: usize) -> Self {
        let pairs: Vec<(usize, usize)> =
            (0..stations).flat_map(|a| (a + 1..stations).map(move |b| (a, b))).collect();
        Self {
            sum_pft: vec![Complex32::default(); pairs.len() * channels * (dumps + 1)],
            norm_pgt: vec![0.0; pairs.len() * groups(channels) * (dumps + 1)],
            pairs,
            channels,
            dumps,
        }
    }

    /// Reads all stations of a unit. `noise_mf` is the noise of their channels, 0 where one is not used.
    ///
    /// # Errors
    /// Where a recording cannot be read.
    pub fn read(
        wanted: Wanted,
        noise_mf: &[&[f64]],
        sources: &mut [Box<dyn SampleSource>],
        tick: &mut dyn FnMut(),
    ) -> Result<Self, BasebandError> {
        let Wanted { grid, group, unit, .. } = wanted;
        let mut found = Self::new(group.stations.len(), group.sky_hz.len(), unit.data_dumps);
        let first = (unit.data_first * grid.dump_blocks) as i64;
        let mut spectra = Spectra::new(wanted, noise_mf, sources);
        let all = (first, unit.data_dumps * grid.dump_blocks);
        let told = |block: i64, z_mf: &[Complex32]| found.add(dump_of(grid, block - first), z_mf);
        spectra.each(sources, all, |_, _| true, told, tick)?;
        found.run();
        Ok(found)
    }

    /// Adds the spectra of a block to its dump.
    pub fn add(&mut self, dump: usize, z_mf: &[Complex32]) {
        let (channels, row) = (self.channels, self.dumps + 1);
        for (p, &(a, b)) in self.pairs.iter().enumerate() {
            let (xs, ys) = (&z_mf[a * channels..][..channels], &z_mf[b * channels..][..channels]);
            for (f, (x, y)) in xs.iter().zip(ys).enumerate() {
                self.sum_pft[(p * channels + f) * row + dump + 1] += x * y.conj();
                let group = p * groups(channels) + f / TOGETHER;
                self.norm_pgt[group * row + dump + 1] += x.norm_sqr() * y.norm_sqr();
            }
        }
    }

    /// Makes running sums of what was added.
    pub fn run(&mut self) {
        let row = self.dumps + 1;
        for sums in self.sum_pft.chunks_exact_mut(row) {
            sums.iter_mut().fold(Complex32::default(), |sum, s| {
                *s += sum;
                *s
            });
        }
        for sums in self.norm_pgt.chunks_exact_mut(row) {
            let mut sum = 0.0f64;
            for s in sums {
                sum += f64::from(*s);
                *s = sum as f32;
            }
        }
    }

    fn inside(&self, (from, to): (i64, i64)) -> (usize, usize) {
        let place = |t: i64| t.clamp(0, self.dumps as i64) as usize;
        (place(from), place(to).max(place(from)))
    }

    /// Dumps of a stretch that are there.
    pub fn count(&self, stretch: (i64, i64)) -> usize {
        let (from, to) = self.inside(stretch);
        to - from
    }

    /// Correlation of a pair in a channel over a stretch of dumps, which may lie outside.
    pub fn sum(&self, pair: usize, channel: usize, stretch: (i64, i64)) -> Complex32 {
        let (from, to) = self.inside(stretch);
        let row = &self.sum_pft[(pair * self.channels + channel) * (self.dumps + 1)..][..=self.dumps];
        row[to] - row[from]
    }

    /// Variance of the sum over the channels of a group from `channel` on, and the first channel after it.
    pub fn norm(&self, pair: usize, channel: usize, stretch: (i64, i64)) -> f32 {
        let (from, to) = self.inside(stretch);
        let group = pair * groups(self.channels) + channel / TOGETHER;
        let row = &self.norm_pgt[group * (self.dumps + 1)..][..=self.dumps];
        row[to] - row[from]
    }

    /// First channels of the groups in a range that begins with one.
    pub fn firsts(range: std::ops::Range<usize>) -> impl Iterator<Item = usize> {
        range.step_by(TOGETHER)
    }
}

fn dump_of(grid: &Grid, block: i64) -> usize {
    block as usize / grid.dump_blocks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxcars_are_sums_of_products() {
        let (channels, dumps) = (16, 9);
        let mut all = Dynamic::new(3, channels, dumps);
        let z = |m: usize, f: usize, t: usize, k: usize| {
            Complex32::new((m + 2 * f + t) as f32, (3 * m + f * t + k) as f32) * 0.1
        };
        for t in 0..dumps {
            for k in 0..2 {
                let z_mf: Vec<Complex32> =
                    (0..3).flat_map(|m| (0..channels).map(move |f| z(m, f, t, k))).collect();
                all.add(t, &z_mf);
            }
        }
        all.run();
        for (p, (a, b)) in [(0, 1), (0, 2), (1, 2)].into_iter().enumerate() {
            let of = |f: usize, t: usize, k: usize| (z(a, f, t, k), z(b, f, t, k));
            let mut slow = Complex32::default();
            (3..7).for_each(|t| (0..2).for_each(|k| slow += of(5, t, k).0 * of(5, t, k).1.conj()));
            assert!((all.sum(p, 5, (3, 7)) - slow).norm() < 1e-4 * slow.norm());
            let mut slow = 0.0;
            for f in 8..16 {
                (6..9).for_each(|t| {
                    (0..2).for_each(|k| slow += of(f, t, k).0.norm_sqr() * of(f, t, k).1.norm_sqr());
                });
            }
            assert!((all.norm(p, 8, (6, 20)) - slow).abs() < 1e-4 * slow);
        }
        assert_eq!((all.count((-3, 2)), all.count((8, 30)), all.count((20, 30))), (2, 1, 0));
    }
}
