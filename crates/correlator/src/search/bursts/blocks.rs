//! Makes short spectra of one stream, as the geocentre would see them.
//!
//! The correlator's own station kernel, with the delays of the pointing centre, without a window: the powers of noise in
//! different spectra and channels are independent. A spectrum of which a sample is missing is left out.

use super::grid::Grid;
use crate::baseband::{BasebandError, Codes, SampleSource, Samples};
use crate::geometry::{Block, BlockDelay, block_delay};
use crate::job::{Job, Rotation};
use crate::station::{Item, StationKernel, StationSetup};
use mirinae_simd::{Run, Simd, SimdPath};

/// Samples of a channel that are read at once, about.
const READ_SAMPLES: usize = 1 << 16;

/// Samples as they were recorded, or as numbers.
enum Held {
    Codes(Codes),
    Numbers(Samples, i64),
}

/// Makes the spectra of one stream.
pub(super) struct Blocks<'a> {
    job: &'a Job,
    stream: usize,
    samples: usize,
    components: usize,
    kernel: StationKernel,
    held: Held,
    delays: Vec<BlockDelay>,
    re: Vec<f32>,
    im: Vec<f32>,
}

/// Spectral channels of all that a stream recorded in a channel.
pub(super) fn recorded_channels(job: &Job, stream: usize, grid: &Grid) -> usize {
    let first = job.streams[stream].channels.first();
    let wide_hz = first.map_or(grid.bandwidth_hz, |c| job.bands[c.band].bandwidth_hz);
    ((wide_hz / grid.channel_hz()).round() as usize).max(1)
}

impl<'a> Blocks<'a> {
    /// Plans for a stream; `source` is what [`Self::read`] will read.
    pub fn new(job: &'a Job, stream: usize, grid: &Grid, source: &dyn SampleSource, path: SimdPath) -> Self {
        let channels = recorded_channels(job, stream, grid);
        let mut setup = StationSetup::of(job, stream, Rotation::BeforeTransform);
        setup.channels = channels;
        let samples = setup.samples();
        let held = if source.has_codes() {
            Held::Codes(Codes::default())
        } else {
            Held::Numbers(Samples::default(), 0)
        };
        Self {
            job,
            stream,
            samples,
            components: source.layout().components,
            kernel: StationKernel::new(setup, Simd::new(path), 1),
            held,
            delays: Vec::new(),
            re: vec![0.0; channels],
            im: vec![0.0; channels],
        }
    }

    /// Blocks that are best read at once.
    pub fn batch(&self) -> usize {
        (READ_SAMPLES / self.samples).max(1)
    }

    /// Reads the samples of some blocks, counted from the start of the scan.
    ///
    /// # Errors
    /// Where the recording cannot be read.
    pub fn read(
        &mut self,
        source: &mut dyn SampleSource,
        scan: usize,
        (first_block, blocks): (i64, usize),
    ) -> Result<(), BasebandError> {
        let (job, stream, samples) = (self.job, &self.job.streams[self.stream], self.samples);
        let rate_hz = stream.sample_rate_hz as i64;
        let scan_start = job.scans[scan].start_s * rate_hz;
        let model = &job.scans[scan].model;
        self.delays.clear();
        for block in first_block..first_block + blocks as i64 {
            let first_sample = scan_start + block * samples as i64;
            let block = Block { first_sample, samples, rate_hz: rate_hz as f64 };
            self.delays.push(block_delay(model, 0, stream.station, block));
        }
        let starts = || self.delays.iter().map(|d| d.nearest_sample);
        let start = starts().min().unwrap_or(0);
        let n = (starts().max().unwrap_or(0) - start) as usize + samples;
        let start_second = job.start_mjd * 86_400 + job.start_second;
        let origin = (start_second - source.layout().reference.0) * rate_hz;
        self.delays.iter_mut().for_each(|delay| delay.nearest_sample += origin);
        match &mut self.held {
            Held::Codes(codes) => source.read_codes(start + origin, n, codes),
            Held::Numbers(samples, first) => {
                *first = start + origin;
                source.read(start + origin, n, samples)
            }
        }
    }

    /// The spectrum (real and imaginary parts, ascending on the sky) of a recorded channel in a block of those read; `None`
    /// where not all of its samples are there.
    pub fn spectrum(&mut self, block: usize, channel: usize) -> Option<(&[f32], &[f32])> {
        let samples = self.samples;
        let delay = &self.delays[block];
        let run = match &self.held {
            Held::Codes(codes) => {
                let first = (delay.nearest_sample - codes.first()) as usize;
                let whole = codes.validity(channel).count(first, first + samples) == samples;
                whole.then(|| Run::Codes { bytes: codes.channel(channel), first, table: codes.table() })?
            }
            Held::Numbers(numbers, begin) => {
                let first = (delay.nearest_sample - begin) as usize;
                let whole = numbers.validity(channel).count(first, first + samples) == samples;
                let range = first * self.components..(first + samples) * self.components;
                whole.then(|| Run::Floats(&numbers.channel(channel)[range]))?
            }
        };
        self.kernel.one(Item { channel, run, delay, block: 0, re: &mut self.re, im: &mut self.im });
        Some((&self.re, &self.im))
    }
}
