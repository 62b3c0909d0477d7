//! Correlates one integration: samples in, visibilities out.
//!
//! The work goes by batches of blocks and, within a batch, by tiles of products that need only each other's spectra, so
//! that these stay in the cache: read all streams, then for every tile spectra and products. All sums are made in an
//! order that the job alone decides.

#[cfg(test)]
mod amplitude_tests;
#[cfg(test)]
mod clock_tests;
#[cfg(test)]
mod field_tests;
#[cfg(test)]
mod lots_tests;
mod memory;
mod rotation;
mod stream;
mod tally;
#[cfg(test)]
mod tally_tests;
#[cfg(test)]
mod tests;
mod tiles;
mod tones;
#[cfg(test)]
mod tones_tests;
mod view;
#[cfg(test)]
mod view_tests;

use crate::baseband::{BasebandError, SampleSource};
use crate::centres::{Interval, Turner};
use crate::geometry::DelayModel;
use crate::integrate::{self, Accumulator, Record, Shape};
use crate::job::{Cut, Integration, Job, Lot, Product, Rotation};
use crate::station::{Spectra, StationKernel, StationSetup};
use crate::xcorr::{CrossCorrelator, Fast, Sums};
pub use memory::{engine_bytes, record_bytes, recording_bytes};
use mirinae_simd::{Simd, SimdPath};
use rotation::left_over;
pub use rotation::{LOSS_TOLERANCE, RotationChoice, ScanRotation, choose};
use std::time::{Duration, Instant};
use stream::StreamWork;
pub use tiles::groups;
use tiles::{Tile, Tiling};
use view::View;

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

/// What one order of rotation needs.
struct Order {
    rotation: Rotation,
    tiling: Tiling,
    /// By lot.
    tiles: Vec<Vec<Tile>>,
    kernels: Vec<StationKernel>,
}

impl Order {
    fn new(job: &Job, rotation: Rotation, simd: Simd) -> Self {
        let tiling = Tiling::of(job, rotation);
        let setup = |stream| StationSetup::of(job, stream, rotation);
        let kernel = |stream| StationKernel::new(setup(stream), simd, tiling.batch);
        let kernels = (0..job.streams.len()).map(kernel).collect();
        Self { rotation, tiling, tiles: Vec::new(), kernels }
    }

    fn cut(&mut self, lots: &[Lot]) {
        self.tiles = lots.iter().map(|lot| self.tiling.of_lot(lot)).collect();
    }
}

/// Everything that correlating needs, made once.
pub struct Engine<'a> {
    job: &'a Job,
    rotations: &'a [ScanRotation],
    lots: Vec<Lot>,
    sources: Vec<Box<dyn SampleSource>>,
    correlator: Box<dyn CrossCorrelator>,
    streams: Vec<StreamWork>,
    orders: Vec<Order>,
    spectra: Vec<Spectra>,
    cross: Sums,
    auto: Sums,
    turner: Turner,
    views: Vec<View<'a>>,
    times: Times,
}

impl<'a> Engine<'a> {
    /// Plans for a job. `rotations` are those of its scans, `sources` those of its streams, `path` the same on all ranks.
    pub fn new(
        job: &'a Job,
        rotations: &'a [ScanRotation],
        sources: Vec<Box<dyn SampleSource>>,
        path: SimdPath,
    ) -> Self {
        let simd = Simd::new(path);
        let mut orders: Vec<Order> = Vec::new();
        for scan in rotations {
            if orders.iter().all(|o| o.rotation != scan.rotation) {
                orders.push(Order::new(job, scan.rotation, simd));
            }
        }
        let batch = orders.iter().map(|o| o.tiling.batch).max().unwrap_or(1);
        let spectra = |stream: usize| {
            let most = orders.iter().map(|o| o.tiling.most_channels(stream)).max().unwrap_or(0);
            Spectra::new(most, batch, job.stream_channels(stream))
        };
        let new = Self {
            job,
            rotations,
            lots: Vec::new(),
            streams: sources
                .iter()
                .enumerate()
                .map(|(index, source)| StreamWork::new(job, index, source.as_ref(), (batch, simd)))
                .collect(),
            sources,
            correlator: Box::new(Fast(simd)),
            spectra: (0..job.streams.len()).map(spectra).collect(),
            orders,
            cross: Sums::new(job.crosses.len(), job.channels),
            auto: Sums::new(job.autos.len(), job.channels),
            turner: Turner::new(job, simd),
            views: job.views.iter().map(|view| View::new(view, simd)).collect(),
            times: Times::default(),
        };
        new.with_lots(Cut::WHOLE.lots(job, &groups(job)))
    }

    /// With products in lots.
    pub fn with_lots(mut self, lots: Vec<Lot>) -> Self {
        self.orders.iter_mut().for_each(|order| order.cut(&lots));
        self.lots = lots;
        self
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
        accumulators(self.job, scan)
    }

    /// The last integration as a view of the job has it: at its resolution in frequency, and in time as the job's.
    pub fn view(&self, view: usize) -> &Record {
        self.views[view].record()
    }

    /// Correlates one integration into `record`, which has the job's and the scan's shape. `tick` is called every
    /// few milliseconds of work.
    ///
    /// # Errors
    /// Where a recording cannot be read.
    pub fn integrate(
        &mut self,
        integration: &Integration,
        accumulators: &mut (Accumulator, Accumulator),
        record: &mut Record,
        tick: &mut dyn FnMut(),
    ) -> Result<(), BasebandError> {
        self.integrate_lot(0, integration, accumulators, record, tick)
    }

    /// The same of one lot: what it does not make has no weight.
    ///
    /// # Errors
    /// As [`Self::integrate`].
    pub fn integrate_lot(
        &mut self,
        lot: usize,
        integration: &Integration,
        accumulators: &mut (Accumulator, Accumulator),
        record: &mut Record,
        tick: &mut dyn FnMut(),
    ) -> Result<(), BasebandError> {
        let (cross, auto) = accumulators;
        let job = self.job;
        let scan = &job.scans[integration.scan];
        let interval = if scan.turned { scan.shift_blocks } else { integration.blocks.max(1) };
        self.views.iter_mut().for_each(|view| view.begin(integration.scan));
        cross.clear();
        auto.clear();
        self.auto.clear();
        self.streams.iter_mut().for_each(StreamWork::clear);
        for (source, wanted) in self.sources.iter_mut().zip(&self.lots[lot].wanted) {
            source.want(wanted);
        }
        let rotation = self.rotations[integration.scan];
        let order = self.orders.iter().position(|o| o.rotation == rotation.rotation).unwrap_or(0);
        let batch = self.orders[order].tiling.batch as u64;
        let end = integration.first_block + integration.blocks;
        let mut at = integration.first_block;
        while at < end {
            let interval_end = (at + interval).min(end);
            self.cross.clear();
            let mut block = at;
            while block < interval_end {
                let blocks = (interval_end - block).min(batch) as usize;
                self.batch((integration.scan, order, lot), (block, blocks), (cross, auto))?;
                block += blocks as u64;
                tick();
            }
            if scan.turned {
                self.shift((integration.scan, lot), (at, interval_end), cross);
            } else {
                cross.add(&self.cross);
            }
            at = interval_end;
        }
        auto.add(&self.auto);
        for (index, product) in job.crosses.iter().enumerate() {
            let lost = || left_over(job, scan, product, integration.centre_s);
            cross.correct(index, job.scale(product) / if rotation.corrected { lost() } else { 1.0 });
        }
        for (index, product) in job.autos.iter().enumerate() {
            auto.correct(index, job.scale(product));
        }
        let whole = job.blocks_per_integration() * job.block_samples() as f64;
        cross.finish(whole, &mut record.cross_cpf, &mut record.cross_weight_cp);
        auto.finish(whole, &mut record.auto_pf, &mut record.auto_weight_p);
        for (coverage, work) in record.coverage_s.iter_mut().zip(&self.streams) {
            *coverage = work.coverage(job.blocks_per_integration());
        }
        record.samples_r.clear();
        record.states_rk.clear();
        record.tones_g.clear();
        for work in &mut self.streams {
            let tally = work.tally();
            record.samples_r.extend(&tally.samples_c);
            record.states_rk.extend(&tally.states_ck);
            tally.tones(&mut record.tones_g);
        }
        integrate::correct(job, record);
        uvw(job, integration, &mut record.uvw_cb);
        for view in &mut self.views {
            view.end((job, integration, whole), accumulators, &self.auto, record);
        }
        Ok(())
    }

    /// Turns a shift interval's sums to every phase centre.
    fn shift(&mut self, (scan, lot): (usize, usize), (from, to): (u64, u64), cross: &mut Accumulator) {
        let scan = &self.job.scans[scan];
        let block_s = self.job.block_samples() as f64 / self.job.sample_rate_hz as f64;
        let middle_s = scan.start_s as f64 + 0.5 * (from + to) as f64 * block_s;
        let interval = Interval { middle_s, length_s: (to - from) as f64 * block_s };
        let sums = (&self.cross, self.lots[lot].crosses.as_slice());
        self.turner.turn(self.job, scan, sums, interval, cross);
        self.views.iter_mut().for_each(|view| view.turn(sums, interval));
    }

    /// One batch of all streams.
    fn batch(
        &mut self,
        (scan, order, lot): (usize, usize, usize),
        (first_block, blocks): (u64, usize),
        (cross, auto): (&mut Accumulator, &mut Accumulator),
    ) -> Result<(), BasebandError> {
        let started = Instant::now();
        let made = &self.lots[lot];
        for (index, (work, source)) in self.streams.iter_mut().zip(&mut self.sources).enumerate() {
            if made.streams[index] {
                let blocks = (first_block, blocks);
                work.read(self.job, scan, (blocks, &made.channels[index]), source.as_mut())?;
            }
        }
        count(&self.streams, (&self.job.crosses, &made.crosses), cross);
        count(&self.streams, (&self.job.autos, &made.autos), auto);
        self.times.read += started.elapsed();
        let Order { tiles, kernels, .. } = &mut self.orders[order];
        for tile in &tiles[lot] {
            let started = Instant::now();
            for ((work, kernel), spectra) in
                self.streams.iter_mut().zip(kernels.iter_mut()).zip(&mut self.spectra)
            {
                work.transform(tile, kernel, spectra);
            }
            let transformed = Instant::now();
            self.correlator.accumulate(&self.spectra, blocks, &tile.crosses, &mut self.cross);
            self.correlator.accumulate(&self.spectra, blocks, &tile.autos, &mut self.auto);
            self.times.stations += transformed - started;
            self.times.products += transformed.elapsed();
        }
        Ok(())
    }
}

fn accumulators(job: &Job, scan: usize) -> (Accumulator, Accumulator) {
    let (channels, average) = (job.channels, job.average);
    let shape = |centres, products| Shape { centres, products, channels, average };
    let (cross, auto) = (shape(job.scans[scan].centres.len(), job.crosses.len()), shape(1, job.autos.len()));
    (Accumulator::new(cross), Accumulator::new(auto))
}

/// Counts the samples of a batch that are valid on both sides of every product.
fn count(streams: &[StreamWork], (products, made): (&[Product], &[bool]), into: &mut Accumulator) {
    for (index, product) in products.iter().enumerate().filter(|(index, _)| made[*index]) {
        into.count(index, streams[product.a.0].count_both(&streams[product.b.0], product));
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
