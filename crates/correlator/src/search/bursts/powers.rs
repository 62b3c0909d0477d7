//! One station's dynamic spectrum of a unit, in units of each channel's noise.

use super::blocks::{Blocks, recorded_channels};
use super::grid::{BurstUnit, Grid, Group};
use crate::baseband::{BasebandError, SampleSource};
use crate::job::{Job, Sampling};
use mirinae_simd::SimdPath;
use std::ops::Range;

/// A channel whose powers scatter by more than so many times what noise does is not used.
const MOST_SCATTER: f64 = 2.0;

/// How often the noise is measured.
const ROUNDS: usize = 3;
/// Standard deviations above which a dump is not quiet.
const LOUD_S: f64 = 5.0;

/// The upper quartile of noise is at most so many times as far from the median as the lower one.
const MOST_UNEVEN: f64 = 1.3;

/// Sums of powers; the mean of one is 1 where there is noise alone.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Powers {
    /// Dumps.
    pub dumps: usize,
    /// By channel and dump: sum of the powers of the spectra that are there.
    pub sum_ft: Vec<f32>,
    /// By channel and dump: how many those are.
    pub count_ft: Vec<f32>,
    /// Noise of a channel; 0 where it is not used.
    pub noise_f: Vec<f64>,
    /// Dumps that are no other unit's.
    pub own: Range<usize>,
    /// Spectra of bands that should be there in these, and that are.
    pub spectra: (u64, u64),
}

/// Whose powers, where.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted<'a> {
    pub job: &'a Job,
    pub grid: &'a Grid,
    pub group: &'a Group,
    pub unit: &'a BurstUnit,
    pub simd: SimdPath,
}

/// A band of a stream: recorded channel, first channel in the powers, first spectral channel of what was recorded.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub band: usize,
    pub channel: usize,
    pub first: usize,
    /// Channel of the band that holds frequency 0 of the samples.
    pub zero: usize,
}

/// Streams of a station in a group, each with the bands that it has.
pub(super) fn streams_of(job: &Job, grid: &Grid, group: &Group, station: usize) -> Vec<(usize, Vec<Place>)> {
    let mut found: Vec<(usize, Vec<Place>)> = Vec::new();
    for (band, shared) in group.bands.iter().enumerate() {
        for member in shared.members.iter().filter(|m| job.streams[m.stream].station == station) {
            let stream = &job.streams[member.stream];
            let first = Group::first_channel(member.first_bin, grid);
            let zero = match (stream.sampling, job.bands[stream.channels[member.channel].band].lower_sideband)
            {
                (Sampling::ComplexCentred, _) => recorded_channels(job, member.stream, grid) / 2,
                (_, true) => recorded_channels(job, member.stream, grid),
                (_, false) => 0,
            };
            let zero = zero.wrapping_sub(first);
            let place = Place { band, channel: member.channel, first, zero };
            match found.iter_mut().find(|(s, _)| *s == member.stream) {
                Some((_, places)) => places.push(place),
                None => found.push((member.stream, vec![place])),
            }
        }
    }
    found
}

impl Powers {
    /// Reads and transforms a station's part of a unit.
    ///
    /// # Errors
    /// Where the recording cannot be read.
    pub fn read(
        wanted: Wanted,
        station: usize,
        sources: &mut [Box<dyn SampleSource>],
        tick: &mut dyn FnMut(),
    ) -> Result<Self, BasebandError> {
        let Wanted { job, grid, group, unit, .. } = wanted;
        let (dumps, all) = (unit.data_dumps, group.sky_hz.len());
        let mut powers = Self {
            dumps,
            sum_ft: vec![0.0; all * dumps],
            count_ft: vec![0.0; all * dumps],
            noise_f: vec![1.0; all],
            own: unit.first - unit.data_first..unit.first + unit.dumps - unit.data_first,
            spectra: (0, 0),
        };
        for (stream, places) in streams_of(job, grid, group, station) {
            let source = sources[stream].as_mut();
            let mut blocks = Blocks::new(job, stream, grid, source, wanted.simd);
            let each = (blocks.batch() / grid.dump_blocks).max(1);
            for dump in (0..dumps).step_by(each) {
                let count = each.min(dumps - dump);
                let first = ((unit.data_first + dump) * grid.dump_blocks) as i64;
                blocks.read(source, unit.scan, (first, count * grid.dump_blocks))?;
                for t in 0..count {
                    powers.dump(&mut blocks, &places, grid, (t, dump + t));
                }
                tick();
            }
            for place in &places {
                // Frequency 0 and the band's edge hold offsets of the sampler.
                for c in [0, place.zero].into_iter().filter(|c| *c < grid.channels) {
                    powers.noise_f[place.band * grid.channels + c] = 0.0;
                }
            }
        }
        powers.normalise(grid.dump_blocks);
        Ok(powers)
    }

    /// Adds the powers of a dump: its place in what was read, and among all dumps.
    fn dump(&mut self, blocks: &mut Blocks, places: &[Place], grid: &Grid, (read, at): (usize, usize)) {
        let mut row = vec![0.0f32; grid.channels];
        for place in places {
            row.fill(0.0);
            let mut count = 0;
            for block in read * grid.dump_blocks..(read + 1) * grid.dump_blocks {
                let Some((re, im)) = blocks.spectrum(block, place.channel) else { continue };
                let parts = re[place.first..].iter().zip(&im[place.first..]);
                row.iter_mut().zip(parts).for_each(|(p, (re, im))| *p += re * re + im * im);
                count += 1;
            }
            if self.own.contains(&at) {
                self.spectra.0 += grid.dump_blocks as u64;
                self.spectra.1 += count;
            }
            for (c, power) in row.iter().enumerate() {
                let to = (place.band * grid.channels + c) * self.dumps + at;
                self.sum_ft[to] = *power;
                self.count_ft[to] = count as f32;
            }
        }
    }

    /// Divides every channel by its noise: medians over the dumps, which see neither bursts nor interference now and then. Dumps
    /// in which the power of all channels is far above its median are left out of them, and they are taken again.
    fn normalise(&mut self, dump_blocks: usize) {
        let mut quiet_t = vec![true; self.dumps];
        let mut levels = Vec::new();
        for round in 1..=ROUNDS {
            // Channels are only known to be unsteady where the dumps are quiet.
            let most_scatter = if round == ROUNDS { MOST_SCATTER } else { f64::INFINITY };
            levels = self.levels(dump_blocks, &quiet_t, most_scatter);
            self.find_quiet(&levels, &mut quiet_t);
        }
        let dumps = self.dumps.max(1);
        let rows = self.sum_ft.chunks_exact_mut(dumps).zip(self.count_ft.chunks_exact_mut(dumps));
        for (((sum, count), noise), level) in rows.zip(&mut self.noise_f).zip(levels) {
            *noise = level;
            if level > 0.0 {
                sum.iter_mut().for_each(|s| *s /= level as f32);
            } else {
                sum.fill(0.0);
                count.fill(0.0);
            }
        }
    }

    /// Noise of every channel in the quiet dumps; 0 where it is not to be used.
    fn levels(&self, dump_blocks: usize, quiet_t: &[bool], most_scatter: f64) -> Vec<f64> {
        let (n, dumps) = (dump_blocks as f64, self.dumps.max(1));
        let mut means: Vec<f32> = Vec::with_capacity(dumps);
        let rows = self.sum_ft.chunks_exact(dumps).zip(self.count_ft.chunks_exact(dumps));
        rows.zip(&self.noise_f)
            .map(|((sum, count), noise)| {
                means.clear();
                let there = sum.iter().zip(count).zip(quiet_t);
                let whole = there.filter(|((_, n), quiet)| **quiet && **n >= dump_blocks as f32);
                means.extend(whole.map(|((s, n), _)| s / n));
                let [low, middle, high] = quartiles(&mut means);
                // The median of a mean of n exponential powers, to 1e-4.
                let level = middle / ((n - 1.0 / 3.0 + 8.0 / (405.0 * n)) / n);
                let scatter = (high - low) / 1.349 * n.sqrt();
                let steady = *noise > 0.0 && level > 0.0 && scatter < most_scatter * level;
                if steady { level } else { 0.0 }
            })
            .collect()
    }

    /// Tells in which dumps the power of all channels is not far above its median.
    fn find_quiet(&self, levels: &[f64], quiet_t: &mut [bool]) {
        let dumps = self.dumps.max(1);
        let (mut excess, mut count) = (vec![0.0f32; dumps], vec![0.0f32; dumps]);
        let rows = self.sum_ft.chunks_exact(dumps).zip(self.count_ft.chunks_exact(dumps));
        for ((sum, n), level) in rows.zip(levels).filter(|(_, level)| **level > 0.0) {
            let by = 1.0 / *level as f32;
            excess.iter_mut().zip(sum.iter().zip(n)).for_each(|(e, (s, n))| *e += s * by - n);
            count.iter_mut().zip(n).for_each(|(all, n)| *all += n);
        }
        let s_t: Vec<f32> = excess.iter().zip(&count).map(|(e, n)| e / n.max(1.0).sqrt()).collect();
        let mut there: Vec<f32> =
            s_t.iter().zip(&count).filter(|(_, n)| **n > 0.0).map(|(s, _)| *s).collect();
        let [low, middle, _] = quartiles(&mut there);
        // The lower quartile: what is not quiet is above.
        let most = (middle + LOUD_S * (middle - low) / 0.6745) as f32;
        quiet_t.iter_mut().zip(&s_t).for_each(|(quiet, s)| *quiet = *s <= most);
    }

    /// Forgets the powers of a channel in some dumps, which may lie outside.
    pub fn forget(&mut self, channel: usize, (from, to): (i64, i64)) {
        let place = |t: i64| channel * self.dumps + t.clamp(0, self.dumps as i64) as usize;
        let range = place(from)..place(to.max(from));
        self.sum_ft[range.clone()].fill(0.0);
        self.count_ft[range].fill(0.0);
    }
}

/// Quartiles of some numbers, which are put in another order; 0 where there are none.
pub(super) fn quartiles(values: &mut [f32]) -> [f64; 3] {
    if values.is_empty() {
        return [0.0; 3];
    }
    let n = values.len();
    [n / 4, n / 2, 3 * n / 4].map(|k| f64::from(*values.select_nth_unstable_by(k, f32::total_cmp).1))
}

/// Standard deviation from quartiles; from the lower ones alone where the upper one is far off: interference is above.
pub(super) fn scatter([low, middle, high]: [f64; 3]) -> f64 {
    let (below, above) = (middle - low, high - middle);
    if above > MOST_UNEVEN * below { below / 0.6745 } else { (high - low) / 1.349 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::RngExt;

    /// Noise of a power of its own in every channel, with interference in a third of the dumps.
    #[test]
    fn noise_is_measured_where_it_is_quiet() {
        let mut rng = mirinae_common::random::stream(5, 2, 0);
        let (dumps, blocks) = (900, 16);
        let mut powers = Powers { dumps, noise_f: vec![1.0; 20], ..Powers::default() };
        for f in 0..20 {
            for t in 0..dumps {
                let power = (1.0 + f as f64) * if t / 100 % 3 == 1 { 4.0 } else { 1.0 };
                // A channel that comes and goes.
                let power = if f == 7 && t % 4 > 1 { 9.0 * power } else { power };
                let sum: f64 = (0..blocks).map(|_| -power * libm::log(1.0 - rng.random::<f64>())).sum();
                powers.sum_ft.push(sum as f32);
            }
        }
        powers.count_ft = vec![blocks as f32; 20 * dumps];
        powers.normalise(blocks);
        for (f, noise) in powers.noise_f.iter().enumerate() {
            let wanted = if f == 7 { 0.0 } else { 1.0 + f as f64 };
            assert!((noise - wanted).abs() <= 0.06 * wanted, "{f}: {noise}");
        }
        assert!(powers.count_ft[7 * dumps..8 * dumps].iter().all(|n| *n == 0.0));
    }
}
