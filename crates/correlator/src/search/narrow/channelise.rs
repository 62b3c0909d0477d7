//! Makes spectra of many points of one station's band, as the geocentre would see them.
//!
//! Two steps. Blocks of samples under a window, an eighth of each in the next one, are transformed (two by one transform) and corrected by
//! the correlator's own station kernel with the delays of the pointing centre: short enough (2^14 samples) that the delay
//! moves by a hundredth of a sample. The phase turns by many turns in a block: whole ones move the bins, the rest turns what
//! follows. The bins of a sub-band, transformed back, turned and added where blocks overlap (the windows
//! add to 1), are its voltage in geocentric time, which is transformed again, as long as a channel is narrow. Sub-bands
//! overlap by guards: only what is within [`super::grid::GUARD_BINS`] of a sub-band's edge is not whole. Long spectra have
//! no window, so that powers of noise are independent.

use super::blocks::{Blocks, Held};
use super::grid::{BINS, Grid, Member, SUB_BINS};
use super::sums::{Spectrum, Sums};
use super::turning::HOP;
use crate::baseband::{BasebandError, Codes, SampleSource, Samples};
use crate::geometry::{Block, BlockDelay, block_delay};
use crate::job::{Job, Rotation};
use crate::station::StationSetup;
use mirinae_simd::{Simd, SimdPath};

/// Blocks that are read at once.
const BATCH: usize = 16;

/// What a stretch is made from: scan, first spectrum, number of spectra, sub-bands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted<'a> {
    pub scan: usize,
    pub first: usize,
    pub spectra: usize,
    pub sub_bands: &'a [usize],
}

/// Takes spectra: number in the stretch, place of the sub-band in the list, all its channels, share of samples that are valid.
pub(super) type Sink<'a> = &'a mut dyn FnMut(usize, usize, Spectrum, f64);

/// Makes long spectra of one station's band.
pub(super) struct Channeliser<'a> {
    job: &'a Job,
    grid: Grid,
    member: Member,
    held: Held,
    delays: Vec<BlockDelay>,
    blocks: Blocks,
    simd: Simd,
}

/// The first block that a stretch needs, and how many: the one before it reaches into the stretch, too.
fn blocks(from: usize, end: usize) -> (i64, i64) {
    let first = (from / HOP) as i64 - 1;
    (first, end.div_ceil(HOP) as i64 - first)
}

/// Samples of a sub-band that are held while a spectrum of so many is made: a stretch begins up to two hops after its first block, and a spectrum
/// is whole with the last block that begins before its end.
fn room(points: usize) -> usize {
    points + 2 * HOP + SUB_BINS
}

/// Sky frequency of a sub-band's first point above the band's lower edge, in steps; the guard included.
pub(super) fn first_step(grid: &Grid, sub_band: usize) -> i64 {
    (sub_band * grid.own_steps()) as i64 - grid.guard_steps() as i64
}

impl<'a> Channeliser<'a> {
    /// Plans for a station's band; `source` is what [`Self::run`] will read.
    pub fn new(job: &'a Job, grid: Grid, member: Member, source: &dyn SampleSource, path: SimdPath) -> Self {
        let bin_hz = grid.bandwidth_hz / BINS as f64;
        let stream = &job.streams[member.stream];
        let wide_hz = job.bands[stream.channels[member.channel].band].bandwidth_hz;
        let channels = (wide_hz / bin_hz).round() as usize;
        let mut setup = StationSetup::of(job, member.stream, Rotation::AfterTransform);
        setup.channels = channels;
        let held = if source.has_codes() {
            Held::Codes(Codes::default())
        } else {
            Held::Numbers(Samples::default(), 0)
        };
        let simd = Simd::new(path);
        let blocks = Blocks::new(setup, member, (&held, simd));
        Self { job, grid, member, held, delays: Vec::new(), blocks, simd }
    }

    /// Makes all spectra of the sub-bands over a stretch. `tick` is called every few milliseconds of work.
    ///
    /// # Errors
    /// Where the recording cannot be read.
    pub fn run(
        &mut self,
        source: &mut dyn SampleSource,
        wanted: Wanted,
        (sums, sink): (&mut Sums, Sink),
        tick: &mut dyn FnMut(),
    ) -> Result<(), BasebandError> {
        let points = self.grid.points;
        let (from, end) = (wanted.first * points, (wanted.first + wanted.spectra) * points);
        let (first_block, blocks) = blocks(from, end);
        let codes = matches!(self.held, Held::Codes(_)).then(|| self.blocks.samples());
        let whole = sums.begin((codes, points), (wanted.sub_bands.len(), room(points)), self.simd);
        // Samples of the sub-bands before this one are done; what is held begins with it.
        let mut held_from = first_block * HOP as i64;
        let (mut next, mut valid, mut all, mut shares) = (wanted.first, 0.0, 0.0, [0.0; 2]);
        for k in 0..blocks {
            if k % BATCH as i64 == 0 {
                self.read(source, wanted.scan, first_block + k, BATCH.min((blocks - k) as usize))?;
                tick();
            }
            if k % 2 == 0 {
                let first = (k % BATCH as i64) as usize;
                let delays = &self.delays[first..(first + 2).min(self.delays.len())];
                shares = self.blocks.make(&self.held, delays, whole);
            }
            let (which, share) = ((k % 2) as usize, shares[(k % 2) as usize]);
            let start = (first_block + k) * HOP as i64;
            let at = (start - held_from) as usize;
            for (place, &sub_band) in wanted.sub_bands.iter().enumerate() {
                sums.ahead(place + 1, at);
                self.blocks.add((which, sub_band), sums.block(place, at));
            }
            (valid, all) = (valid + share, all + 1.0);
            // Up to where the next block begins everything is there.
            let complete = start + HOP as i64;
            while next < wanted.first + wanted.spectra && ((next + 1) * points) as i64 <= complete {
                let begin = ((next * points) as i64 - held_from) as usize;
                let end = begin + points;
                for place in 0..wanted.sub_bands.len() {
                    let spectrum = sums.spectrum(place, begin..end);
                    sink(next - wanted.first, place, spectrum, valid / all);
                    tick();
                }
                held_from += end as i64;
                next += 1;
                (valid, all) = (0.0, 0.0);
            }
        }
        Ok(())
    }

    /// Reads the samples of some blocks.
    fn read(
        &mut self,
        source: &mut dyn SampleSource,
        scan: usize,
        first_block: i64,
        blocks: usize,
    ) -> Result<(), BasebandError> {
        let (job, stream) = (self.job, &self.job.streams[self.member.stream]);
        let (rate_hz, samples) = (stream.sample_rate_hz as i64, self.blocks.samples());
        let scan_start = job.scans[scan].start_s * rate_hz;
        let model = &job.scans[scan].model;
        self.delays.clear();
        for block in first_block..first_block + blocks as i64 {
            let first_sample = scan_start + block * (samples / SUB_BINS * HOP) as i64;
            let block = Block { first_sample, samples, rate_hz: rate_hz as f64 };
            self.delays.push(block_delay(model, 0, stream.station, block));
        }
        let starts = || self.delays.iter().map(|d| d.nearest_sample);
        let start = starts().min().unwrap_or(0);
        let n = (starts().max().unwrap_or(0) - start) as usize + samples;
        let start_second = job.start_mjd * 86_400 + job.start_second;
        let origin = (start_second - source.layout().reference.0) * rate_hz;
        for delay in &mut self.delays {
            delay.nearest_sample += origin;
        }
        match &mut self.held {
            Held::Codes(codes) => source.read_codes(start + origin, n, codes),
            Held::Numbers(samples, first) => {
                *first = start + origin;
                source.read(start + origin, n, samples)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_of_any_spectrum_fit_in_the_room() {
        for points in (SUB_BINS..4 * SUB_BINS).step_by(16) {
            for from in (0..200).map(|first| first * points) {
                let (first_block, blocks) = blocks(from, from + points);
                let held_from = first_block * HOP as i64;
                let last = (first_block + blocks - 1) as usize * HOP;
                let at = (last as i64 - held_from) as usize;
                assert!(at + SUB_BINS <= room(points), "{points} {from}: {at}");
                assert!(last + HOP >= from + points, "the spectrum is whole");
            }
        }
    }
}
