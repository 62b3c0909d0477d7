//! One station's dynamic spectrum of a unit, in units of each channel's noise.

use super::blocks::{Blocks, recorded_channels};
use super::grid::{BurstUnit, Grid, Group};
use crate::baseband::{BasebandError, SampleSource};
use crate::job::{Job, Sampling};
use crate::simd::SimdPath;
use std::ops::Range;

/// A channel whose powers scatter by more than so many times what noise does is not used.
const MOST_SCATTER: f64 = 2.0;

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

    /// Divides every channel by its noise: medians over the dumps, which see neither bursts nor interference now and then.
    fn normalise(&mut self, dump_blocks: usize) {
        let n = dump_blocks as f64;
        let mut means: Vec<f32> = Vec::with_capacity(self.dumps);
        let dumps = self.dumps.max(1);
        let rows = self.sum_ft.chunks_exact_mut(dumps).zip(self.count_ft.chunks_exact_mut(dumps));
        for ((sum, count), noise) in rows.zip(&mut self.noise_f) {
            means.clear();
            let whole = sum.iter().zip(count.iter()).filter(|(_, n)| **n >= dump_blocks as f32);
            means.extend(whole.map(|(s, n)| s / n));
            let [low, middle, high] = quartiles(&mut means);
            // The median of a mean of n exponential powers, to 1e-4.
            let level = middle / ((n - 1.0 / 3.0 + 8.0 / (405.0 * n)) / n);
            let scatter = if level > 0.0 { (high - low) / 1.349 / level * n.sqrt() } else { f64::INFINITY };
            if *noise > 0.0 && scatter < MOST_SCATTER {
                *noise = level;
                sum.iter_mut().for_each(|s| *s /= level as f32);
            } else {
                *noise = 0.0;
                sum.fill(0.0);
                count.fill(0.0);
            }
        }
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
