//! Correlates one integration: samples in, visibilities out.
//!
//! The work of all streams goes by batches of blocks that fit the cache: read and unpack, spectra, products. All
//! sums are made in an order that the job alone decides.

#[cfg(test)]
mod tests;

use crate::baseband::{BasebandError, SampleSource, Samples};
use crate::centres;
use crate::geometry::{Block, BlockDelay, DelayModel, block_delay};
use crate::integrate::{Accumulator, Record, Shape, Turn, stations};
use crate::job::{Integration, Job, Product};
use crate::station::{FftPath, Spectra, StationKernel, StationSetup};
use crate::xcorr::{CrossCorrelator, Fast, Sums};
use std::time::{Duration, Instant};

/// Bytes of spectra that a batch should not exceed: they are read again by every product.
const BATCH_BYTES: usize = 512 * 1024;
/// Blocks that a batch should not exceed: its sums are in single precision.
const BATCH_BLOCKS: usize = 64;

/// Where the time of an engine went.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Times {
    /// Reading and unpacking.
    pub read: Duration,
    /// Rotation, transforms, correction.
    pub stations: Duration,
    /// Products.
    pub products: Duration,
}

/// One stream's part of a batch.
struct StreamWork {
    kernel: StationKernel,
    samples: Samples,
    spectra_index: usize,
    /// Delay of every block of the batch.
    delays: Vec<BlockDelay>,
    /// First sample that was read for the batch.
    start: i64,
    /// Sample number of the job's start in the source's count.
    origin: i64,
    /// Valid samples of all channels in the integration so far.
    valid: u64,
}

/// Everything that correlating needs, made once.
pub struct Engine<'a> {
    job: &'a Job,
    sources: Vec<Box<dyn SampleSource>>,
    correlator: Box<dyn CrossCorrelator>,
    streams: Vec<StreamWork>,
    spectra: Vec<Spectra>,
    cross: Sums,
    auto: Sums,
    batch: usize,
    times: Times,
}

/// Blocks of a batch; depends on the job alone.
fn batch_blocks(job: &Job) -> usize {
    let recorded: usize = job.streams.iter().map(|s| s.channels.len()).sum();
    let bytes = recorded * job.channels * 2 * size_of::<f32>();
    (BATCH_BYTES / bytes.max(1)).clamp(1, BATCH_BLOCKS)
}

impl<'a> Engine<'a> {
    /// Plans for a job. `sources` are those of its streams, `path` the same on all ranks.
    pub fn new(job: &'a Job, sources: Vec<Box<dyn SampleSource>>, path: FftPath) -> Self {
        let batch = batch_blocks(job);
        let start = (job.start_mjd * 86_400 + job.start_second, job.sample_rate_hz as i64);
        let work = |(index, reference): (usize, i64)| StreamWork {
            kernel: StationKernel::new(StationSetup::of(job, index), path),
            samples: Samples::default(),
            spectra_index: index,
            delays: Vec::with_capacity(batch),
            start: 0,
            origin: (start.0 - reference) * start.1,
            valid: 0,
        };
        Self {
            job,
            streams: sources.iter().map(|s| s.layout().reference.0).enumerate().map(work).collect(),
            sources,
            correlator: Box::new(Fast),
            spectra: job
                .streams
                .iter()
                .map(|s| Spectra::new(s.channels.len(), batch, job.channels))
                .collect(),
            cross: Sums::new(job.crosses.len(), job.channels),
            auto: Sums::new(job.autos.len(), job.channels),
            batch,
            times: Times::default(),
        }
    }

    /// With another cross-multiplication.
    pub fn with_correlator(mut self, correlator: Box<dyn CrossCorrelator>) -> Self {
        self.correlator = correlator;
        self
    }

    /// Where the time went so far.
    pub fn times(&self) -> Times {
        self.times
    }

    /// The accumulators that [`Self::integrate`] works with, for a scan.
    pub fn accumulators(&self, scan: usize) -> (Accumulator, Accumulator) {
        let (channels, average) = (self.job.channels, self.job.average);
        let shape = |centres, products| Shape { centres, products, channels, average };
        let centres = self.job.scans[scan].centres.len();
        let (cross, auto) = (shape(centres, self.job.crosses.len()), shape(1, self.job.autos.len()));
        (Accumulator::new(cross), Accumulator::new(auto))
    }

    /// Correlates one integration into `record`, which has the job's and the scan's shape. `tick` is called every
    /// few milliseconds of work.
    ///
    /// # Errors
    /// Where a recording cannot be read.
    pub fn integrate(
        &mut self,
        integration: &Integration,
        (cross, auto): &mut (Accumulator, Accumulator),
        record: &mut Record,
        tick: &mut dyn FnMut(),
    ) -> Result<(), BasebandError> {
        let job = self.job;
        let scan = &job.scans[integration.scan];
        let several = scan.centres.len() > 1;
        let interval = if several { scan.shift_blocks } else { integration.blocks.max(1) };
        cross.clear();
        auto.clear();
        self.auto.clear();
        self.streams.iter_mut().for_each(|s| s.valid = 0);
        let end = integration.first_block + integration.blocks;
        let mut at = integration.first_block;
        while at < end {
            let interval_end = (at + interval).min(end);
            self.cross.clear();
            let mut block = at;
            while block < interval_end {
                let blocks = (interval_end - block).min(self.batch as u64) as usize;
                self.batch(integration.scan, block, blocks, (cross, auto))?;
                block += blocks as u64;
                tick();
            }
            if several {
                self.shift(integration.scan, (at, interval_end), cross);
            } else {
                cross.add(&self.cross);
            }
            at = interval_end;
        }
        auto.add(&self.auto);
        let whole = job.blocks_per_integration() * job.block_samples() as f64;
        cross.finish(whole, &mut record.cross_cpf, &mut record.cross_weight_cp);
        auto.finish(whole, &mut record.auto_pf, &mut record.auto_weight_p);
        for (coverage, work) in record.coverage_s.iter_mut().zip(&self.streams) {
            *coverage = (work.valid as f64 / whole / work.samples.channels().max(1) as f64) as f32;
        }
        uvw(job, integration, &mut record.uvw_cb);
        Ok(())
    }

    /// Turns a shift interval's sums to every phase centre.
    fn shift(&mut self, scan: usize, (from, to): (u64, u64), cross: &mut Accumulator) {
        let job = self.job;
        let block_s = job.block_samples() as f64 / job.sample_rate_hz as f64;
        let (start_s, interval_s) = (job.scans[scan].start_s as f64, (to - from) as f64 * block_s);
        let middle_s = start_s + 0.5 * (from + to) as f64 * block_s;
        let model = &job.scans[scan].model;
        for centre in 0..job.scans[scan].centres.len() {
            for (index, product) in job.crosses.iter().enumerate() {
                let shift = centres::shift(model, centre, stations(job, product), middle_s);
                let turn = Turn { shift, band: &job.bands[product.band], interval_s };
                cross.add_shifted(&self.cross, centre, index, &turn);
            }
        }
        cross.end_interval(interval_s);
    }

    /// One batch of all streams.
    fn batch(
        &mut self,
        scan: usize,
        first_block: u64,
        blocks: usize,
        (cross, auto): (&mut Accumulator, &mut Accumulator),
    ) -> Result<(), BasebandError> {
        for (work, source) in self.streams.iter_mut().zip(&mut self.sources) {
            let started = Instant::now();
            work.read(self.job, scan, (first_block, blocks), source.as_mut())?;
            let read = Instant::now();
            work.transform(&mut self.spectra[work.spectra_index]);
            self.times.read += read - started;
            self.times.stations += read.elapsed();
        }
        let started = Instant::now();
        self.correlator.accumulate(&self.spectra, blocks, &self.job.crosses, &mut self.cross);
        self.correlator.accumulate(&self.spectra, blocks, &self.job.autos, &mut self.auto);
        count(&self.streams, &self.job.crosses, cross);
        count(&self.streams, &self.job.autos, auto);
        self.times.products += started.elapsed();
        Ok(())
    }
}

impl StreamWork {
    /// Reads the samples of a batch: from the first that any of its blocks needs to the last.
    fn read(
        &mut self,
        job: &Job,
        scan: usize,
        (first_block, blocks): (u64, usize),
        source: &mut dyn SampleSource,
    ) -> Result<(), BasebandError> {
        let model = &job.scans[scan].model;
        let (samples, rate_hz) = (job.block_samples(), job.sample_rate_hz as f64);
        let station = job.streams[self.spectra_index].station;
        // With one centre the delays are those of the centre itself, else those of the pointing centre.
        let towards = usize::from(job.scans[scan].centres.len() == 1);
        self.delays.clear();
        for block in first_block..first_block + blocks as u64 {
            let block = Block { first_sample: job.block_sample(scan, block), samples, rate_hz };
            self.delays.push(block_delay(model, towards, station, block));
        }
        let starts = || self.delays.iter().map(|d| d.nearest_sample);
        self.start = starts().min().unwrap_or(0);
        let end = starts().max().unwrap_or(0) + samples as i64;
        source.read(self.start + self.origin, (end - self.start) as usize, &mut self.samples)
    }

    /// Where in what was read a block begins.
    fn offset(&self, block: usize) -> usize {
        (self.delays[block].nearest_sample - self.start) as usize
    }

    /// Makes the spectra of the batch; blocks without any valid sample cost nothing.
    fn transform(&mut self, spectra: &mut Spectra) {
        let n = 2 * self.kernel.setup().channels;
        for block in 0..self.delays.len() {
            let first = self.offset(block);
            let valid = |c| self.samples.validity(c).count(first, first + n) as u64;
            let valid: u64 = (0..self.samples.channels()).map(valid).sum();
            self.valid += valid;
            if valid > 0 {
                self.kernel.transform(&self.samples, first, &self.delays[block], block, spectra);
            } else {
                spectra.clear_block(block);
            }
        }
    }

    /// Whether all samples of a channel that were read are valid, or none.
    fn coverage(&self, channel: usize) -> Coverage {
        match self.samples.validity(channel).count(0, self.samples.len()) {
            0 => Coverage::None,
            n if n == self.samples.len() => Coverage::All,
            _ => Coverage::Some,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Coverage {
    None,
    Some,
    All,
}

/// Counts the samples of a batch that are valid on both sides of every product.
fn count(streams: &[StreamWork], products: &[Product], into: &mut Accumulator) {
    for (index, product) in products.iter().enumerate() {
        let (a, b) = (&streams[product.a.0], &streams[product.b.0]);
        let n = 2 * a.kernel.setup().channels;
        let valid = match (a.coverage(product.a.1), b.coverage(product.b.1)) {
            (Coverage::None, _) | (_, Coverage::None) => 0,
            (Coverage::All, Coverage::All) => n * a.delays.len(),
            _ => {
                let (va, vb) = (a.samples.validity(product.a.1), b.samples.validity(product.b.1));
                (0..a.delays.len()).map(|k| va.count_both(a.offset(k), vb, b.offset(k), n)).sum()
            }
        };
        into.count(index, valid as u64);
    }
}

/// u, v, w of every phase centre and baseline at the centre of an integration.
fn uvw(job: &Job, integration: &Integration, uvw_cb: &mut [[f64; 3]]) {
    let model = &job.scans[integration.scan].model;
    for (row, uvw) in uvw_cb.iter_mut().enumerate() {
        let baseline = &job.baselines[row % job.baselines.len()];
        let source = row / job.baselines.len() + 1;
        let of = |stream: usize| model.uvw_m(source, job.streams[stream].station, integration.centre_s);
        let (a, b) = (of(baseline.a), of(baseline.b));
        *uvw = [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
    }
}
