//! Makes spectra of many points of one station's band, as the geocentre would see them.
//!
//! Two steps. Blocks of samples under a Hann window, half of each in the next one, are turned, transformed and corrected by
//! the correlator's own station kernel with the delays of the pointing centre: short enough (2^14 samples) that the delay
//! moves by a hundredth of a sample. The bins of a sub-band, transformed back and added where blocks overlap (the windows
//! add to 1), are its voltage in geocentric time, which is transformed again, as long as a channel is narrow. Sub-bands
//! overlap by guards: only what is within [`super::grid::GUARD_BINS`] of a sub-band's edge is not whole. Long spectra have
//! no window, so that powers of noise are independent; zeros behind them give the frequencies between channels.

use super::grid::{BINS, GUARD_BINS, Grid, Member, STEP_BINS, STEPS, SUB_BINS};
use crate::baseband::{BasebandError, Codes, SampleSource, Samples, Validity};
use crate::geometry::{Block, BlockDelay, block_delay};
use crate::job::{Job, Rotation};
use crate::simd::{Run, Simd, SimdPath};
use crate::station::{Item, StationKernel, StationSetup};
use num_complex::Complex32;
use rustfft::{Fft, FftDirection, FftPlannerAvx, FftPlannerScalar};
use std::sync::Arc;

/// Blocks that are read at once.
const BATCH: usize = 16;
/// Samples of a sub-band from block to block.
const HOP: usize = SUB_BINS / 2;

/// Samples as they were recorded, or as numbers.
enum Held {
    Codes(Codes),
    Numbers(Samples, i64),
}

/// What a stretch is made from: scan, first spectrum, number of spectra, sub-bands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted<'a> {
    pub scan: usize,
    pub first: usize,
    pub spectra: usize,
    pub sub_bands: &'a [usize],
}

/// Takes spectra: number in the stretch, place of the sub-band in the list, all its steps, share of samples that are valid.
pub(super) type Sink<'a> = &'a mut dyn FnMut(usize, usize, &mut [Complex32], f64);

/// Makes long spectra of one station's band.
pub(super) struct Channeliser<'a> {
    job: &'a Job,
    grid: Grid,
    member: Member,
    samples: usize,
    components: usize,
    kernel: StationKernel,
    window: Vec<f32>,
    held: Held,
    delays: Vec<BlockDelay>,
    block: Vec<f32>,
    re: Vec<f32>,
    im: Vec<f32>,
    inverse: Arc<dyn Fft<f32>>,
    forward: Arc<dyn Fft<f32>>,
    scratch: Vec<Complex32>,
}

/// Transforms with the vector instructions of a path.
fn plan(n: usize, direction: FftDirection, path: SimdPath) -> Arc<dyn Fft<f32>> {
    if path >= SimdPath::Avx2
        && let Ok(mut planner) = FftPlannerAvx::new()
    {
        return planner.plan_fft(n, direction);
    }
    FftPlannerScalar::new().plan_fft(n, direction)
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
        let mut setup = StationSetup::of(job, member.stream, Rotation::BeforeTransform);
        setup.channels = channels;
        let samples = setup.samples();
        let components = source.layout().components;
        let hann = |n: usize| {
            let turn = std::f64::consts::TAU * n as f64 / samples as f64;
            (0.5 - 0.5 * libm::cos(turn)) as f32
        };
        let held = if source.has_codes() {
            Held::Codes(Codes::default())
        } else {
            Held::Numbers(Samples::default(), 0)
        };
        let inverse = plan(SUB_BINS, FftDirection::Inverse, path);
        let forward = plan(STEPS * grid.points, FftDirection::Forward, path);
        let scratch = inverse.get_inplace_scratch_len().max(forward.get_inplace_scratch_len());
        Self {
            job,
            grid,
            member,
            samples,
            components,
            kernel: StationKernel::new(setup, Simd::new(path), 1),
            window: (0..samples * components).map(|n| hann(n / components)).collect(),
            held,
            delays: Vec::new(),
            block: vec![0.0; samples * components],
            re: vec![0.0; channels],
            im: vec![0.0; channels],
            inverse,
            forward,
            scratch: vec![Complex32::default(); scratch],
        }
    }

    /// Makes all spectra of the sub-bands over a stretch. `tick` is called every few milliseconds of work.
    ///
    /// # Errors
    /// Where the recording cannot be read.
    pub fn run(
        &mut self,
        source: &mut dyn SampleSource,
        wanted: Wanted,
        sink: Sink,
        tick: &mut dyn FnMut(),
    ) -> Result<(), BasebandError> {
        let points = self.grid.points;
        let (from, end) = (wanted.first * points, (wanted.first + wanted.spectra) * points);
        // The block before the first one reaches into the stretch, too.
        let first_block = (from / HOP) as i64 - 1;
        let blocks = end.div_ceil(HOP) as i64 - first_block;
        let mut sums = vec![vec![Complex32::default(); points + 2 * SUB_BINS]; wanted.sub_bands.len()];
        // Samples of the sub-bands before this one are done; what is held begins with it.
        let mut held_from = first_block * HOP as i64;
        let (mut next, mut valid, mut all) = (wanted.first, 0.0, 0.0);
        let mut spectrum = Vec::with_capacity(STEPS * points);
        for k in 0..blocks {
            if k % BATCH as i64 == 0 {
                self.read(source, wanted.scan, first_block + k, BATCH.min((blocks - k) as usize))?;
                tick();
            }
            let share = self.transform((k % BATCH as i64) as usize);
            let start = (first_block + k) * HOP as i64;
            let at = (start - held_from) as usize;
            for (sum, &sub_band) in sums.iter_mut().zip(wanted.sub_bands) {
                self.add(sub_band, &mut sum[at..at + SUB_BINS]);
            }
            (valid, all) = (valid + share, all + 1.0);
            // Up to the end of this block's first half everything is there.
            let complete = start + HOP as i64;
            while next < wanted.first + wanted.spectra && ((next + 1) * points) as i64 <= complete {
                let begin = ((next * points) as i64 - held_from) as usize;
                for (place, sum) in sums.iter_mut().enumerate() {
                    spectrum.clear();
                    spectrum.extend_from_slice(&sum[begin..begin + points]);
                    spectrum.resize(STEPS * points, Complex32::default());
                    self.forward.process_with_scratch(&mut spectrum, &mut self.scratch);
                    sink(next - wanted.first, place, &mut spectrum, valid / all);
                    sum.copy_within(begin + points.., 0);
                    let left = sum.len() - begin - points;
                    sum[left..].fill(Complex32::default());
                }
                held_from += (begin + points) as i64;
                next += 1;
                (valid, all) = (0.0, 0.0);
                tick();
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
        let (rate_hz, samples) = (stream.sample_rate_hz as i64, self.samples);
        let scan_start = job.scans[scan].start_s * rate_hz;
        let model = &job.scans[scan].model;
        self.delays.clear();
        for block in first_block..first_block + blocks as i64 {
            let first_sample = scan_start + block * samples as i64 / 2;
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

    /// Makes the spectrum of a block that was read; the share of its samples that are valid.
    fn transform(&mut self, block: usize) -> f64 {
        let channel = self.member.channel;
        let nearest = self.delays[block].nearest_sample;
        let share = |validity: &Validity, first: usize| {
            validity.count(first, first + self.samples) as f64 / self.samples as f64
        };
        let valid = match &self.held {
            Held::Codes(codes) => {
                let first = (nearest - codes.first()) as usize;
                codes.numbers(channel, first, &mut self.block);
                share(codes.validity(channel), first)
            }
            Held::Numbers(samples, begin) => {
                let first = (nearest - begin) as usize;
                let values = samples.channel(channel);
                let range = first * self.components..(first + self.samples) * self.components;
                self.block.copy_from_slice(&values[range]);
                share(samples.validity(channel), first)
            }
        };
        if valid == 0.0 {
            self.re.fill(0.0);
            self.im.fill(0.0);
            return valid;
        }
        self.block.iter_mut().zip(&self.window).for_each(|(x, w)| *x *= w);
        self.kernel.one(Item {
            channel,
            run: Run::Floats(&self.block),
            delay: &self.delays[block],
            block: 0,
            re: &mut self.re,
            im: &mut self.im,
        });
        valid
    }

    /// Adds the voltage of a sub-band.
    fn add(&mut self, sub_band: usize, sum: &mut [Complex32]) {
        let low = (sub_band * STEP_BINS) as i64 - GUARD_BINS as i64;
        let offset = self.member.first_bin as i64;
        // Beyond the band there may be more of what the station recorded, or nothing.
        let bins = self.re.len() as i64;
        let mut voltage = [Complex32::default(); SUB_BINS];
        for (j, z) in voltage.iter_mut().enumerate() {
            let bin = offset + low + j as i64;
            if (0..bins).contains(&bin) {
                *z = Complex32::new(self.re[bin as usize], self.im[bin as usize]);
            }
        }
        self.inverse.process_with_scratch(&mut voltage, &mut self.scratch);
        sum.iter_mut().zip(&voltage).for_each(|(s, v)| *s += v);
    }
}
