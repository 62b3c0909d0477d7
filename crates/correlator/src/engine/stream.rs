//! One stream's part of a batch: reads its samples, makes its spectra.
use super::tally::Tally;
use super::tiles::Tile;
use crate::baseband::{BasebandError, Codes, SampleSource, Samples, Validity};
use crate::geometry::{Block, BlockDelay, block_delay};
use crate::job::{Job, Product};
use crate::station::{Item, Spectra, StationKernel};
use mirinae_simd::{Run, Simd};

/// How much of some samples is valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Coverage {
    None,
    Some,
    All,
}

impl Coverage {
    fn of(valid: usize, all: usize) -> Self {
        match valid {
            0 => Self::None,
            v if v == all => Self::All,
            _ => Self::Some,
        }
    }
}

/// The samples of a batch: as they were recorded, or as numbers.
pub(super) enum Held {
    Codes(Codes),
    Numbers { samples: Samples, first: i64 },
}

impl Held {
    /// Number of the first sample, in the source's count.
    fn first(&self) -> i64 {
        match self {
            Self::Codes(codes) => codes.first(),
            Self::Numbers { first, .. } => *first,
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Codes(codes) => codes.len(),
            Self::Numbers { samples, .. } => samples.len(),
        }
    }

    /// Threads that share their validity.
    pub fn validities(&self) -> &[Validity] {
        match self {
            Self::Codes(codes) => codes.validities(),
            Self::Numbers { samples, .. } => samples.validities(),
        }
    }
}

/// A spectrum that has to be made.
#[derive(Debug, Clone, Copy)]
struct Task {
    block: usize,
    /// Place of the channel in the tile.
    place: usize,
    channel: usize,
    coverage: Coverage,
}

/// One stream's part of a batch.
pub(super) struct StreamWork {
    index: usize,
    samples: usize,
    channels: usize,
    held: Held,
    /// Delay of every block of the batch.
    delays: Vec<BlockDelay>,
    /// By block and thread.
    coverage: Vec<Coverage>,
    tasks: Vec<Task>,
    /// Samples with gaps, as numbers.
    gapped: [Vec<f32>; 2],
    /// Sample number of the job's start in the source's count.
    origin: i64,
    /// Samples of a block as products count them.
    block_samples: usize,
    /// Floats of a sample.
    components: usize,
    /// Valid samples of all channels in the integration so far.
    valid: u64,
    tally: Tally,
}

impl StreamWork {
    /// Room for batches of up to `batch` blocks of a stream of a job.
    pub fn new(job: &Job, index: usize, source: &dyn SampleSource, (batch, simd): (usize, Simd)) -> Self {
        let start_second = job.start_mjd * 86_400 + job.start_second;
        let stream = &job.streams[index];
        let (samples, channels) = (job.stream_samples(index), stream.channels.len());
        let held = if source.has_codes() {
            Held::Codes(Codes::default())
        } else {
            Held::Numbers { samples: Samples::default(), first: 0 }
        };
        Self {
            index,
            samples,
            channels,
            held,
            delays: Vec::with_capacity(batch),
            coverage: Vec::with_capacity(batch * channels),
            tasks: Vec::with_capacity(batch * channels),
            gapped: [vec![0.0; samples], vec![0.0; samples]],
            origin: (start_second - source.layout().reference.0) * stream.sample_rate_hz as i64,
            block_samples: job.block_samples(),
            components: source.layout().components,
            valid: 0,
            tally: Tally::new(job, index, simd),
        }
    }

    /// Begins another integration.
    pub fn clear(&mut self) {
        self.valid = 0;
        self.tally.clear();
    }

    /// What the samples of the integration so far were.
    pub fn tally(&mut self) -> &mut Tally {
        &mut self.tally
    }

    /// Share of the samples of an integration of `blocks` blocks that are valid, mean over the channels.
    pub fn coverage(&self, blocks: f64) -> f32 {
        (self.valid as f64 / (blocks * self.samples as f64) / self.channels.max(1) as f64) as f32
    }

    /// Reads the samples of a batch: from the first that any of its blocks needs to the last. Those of channels that are
    /// `counted` are counted.
    ///
    /// # Errors
    /// Where a recording cannot be read.
    pub fn read(
        &mut self,
        job: &Job,
        scan: usize,
        ((first_block, blocks), counted): ((u64, usize), &[bool]),
        source: &mut dyn SampleSource,
    ) -> Result<(), BasebandError> {
        let model = &job.scans[scan].model;
        let (samples, rate_hz) = (self.samples, job.streams[self.index].sample_rate_hz as f64);
        let station = job.streams[self.index].station;
        let towards = usize::from(!job.scans[scan].turned);
        self.delays.clear();
        for block in first_block..first_block + blocks as u64 {
            let block = Block { first_sample: job.block_sample(self.index, scan, block), samples, rate_hz };
            self.delays.push(block_delay(model, towards, station, block));
        }
        let starts = || self.delays.iter().map(|d| d.nearest_sample);
        let start = starts().min().unwrap_or(0);
        let n = (starts().max().unwrap_or(0) - start) as usize + samples;
        match &mut self.held {
            Held::Codes(codes) => source.read_codes(start + self.origin, n, codes)?,
            Held::Numbers { samples, first } => {
                *first = start + self.origin;
                source.read(*first, n, samples)?;
            }
        }
        self.see_coverage();
        let (held, origin) = (&self.held, self.origin);
        let starts = self.delays.iter().map(|d| (d.nearest_sample + origin - held.first()) as usize);
        self.tally.add((held, held.first() - origin), counted, starts, samples);
        Ok(())
    }

    fn see_coverage(&mut self) {
        self.coverage.clear();
        for block in 0..self.delays.len() {
            let first = self.offset(block);
            let validities = self.held.validities();
            let channels = (self.channels / validities.len().max(1)) as u64;
            for validity in validities {
                let valid = validity.count(first, first + self.samples);
                self.valid += channels * valid as u64;
                self.coverage.push(Coverage::of(valid, self.samples));
            }
        }
    }

    /// Where in what was read a block begins.
    fn offset(&self, block: usize) -> usize {
        (self.delays[block].nearest_sample + self.origin - self.held.first()) as usize
    }

    /// Validity of a channel.
    fn validity(&self, channel: usize) -> &Validity {
        let validities = self.held.validities();
        &validities[channel * validities.len() / self.channels]
    }

    /// Makes the spectra of a tile's channels; what is not there at all costs nothing.
    pub fn transform(&mut self, tile: &Tile, kernel: &mut StationKernel, spectra: &mut Spectra) {
        self.list(tile, spectra);
        let mut gapped = std::mem::take(&mut self.gapped);
        let mut at = 0;
        while let Some(first) = self.tasks.get(at) {
            let second = self.tasks.get(at + 1).filter(|_| kernel.pairs());
            let [numbers_a, numbers_b] = &mut gapped;
            let place = |task: &Task| (task.place, task.block);
            match second.and_then(|second| Some((second, spectra.two_mut(place(first), place(second))?))) {
                Some((second, [a, b])) => {
                    kernel.two([self.item(first, numbers_a, a), self.item(second, numbers_b, b)]);
                    at += 2;
                }
                None => {
                    let planes = spectra.planes_mut(first.place, first.block);
                    kernel.one(self.item(first, numbers_a, planes));
                    at += 1;
                }
            }
        }
        self.gapped = gapped;
    }

    /// Lists the spectra to be made; those without any samples become zero.
    fn list(&mut self, tile: &Tile, spectra: &mut Spectra) {
        self.tasks.clear();
        let threads = self.held.validities().len();
        for block in 0..self.delays.len() {
            for (place, &channel) in tile.channels[self.index].iter().enumerate() {
                match self.coverage[block * threads + channel * threads / self.channels] {
                    Coverage::None => spectra.clear(place, block),
                    coverage => self.tasks.push(Task { block, place, channel, coverage }),
                }
            }
        }
    }

    fn item<'a>(
        &'a self,
        task: &Task,
        gapped: &'a mut [f32],
        (re, im): (&'a mut [f32], &'a mut [f32]),
    ) -> Item<'a> {
        let first = self.offset(task.block);
        let run = match &self.held {
            Held::Codes(codes) if task.coverage == Coverage::All => {
                Run::Codes { bytes: codes.channel(task.channel), first, table: codes.table() }
            }
            Held::Codes(codes) => {
                codes.numbers(task.channel, first, gapped);
                Run::Floats(gapped)
            }
            Held::Numbers { samples, .. } => {
                let width = self.components;
                Run::Floats(&samples.channel(task.channel)[first * width..(first + self.samples) * width])
            }
        };
        Item { channel: task.channel, run, delay: &self.delays[task.block], block: task.block, re, im }
    }

    fn batch_coverage(&self, channel: usize) -> Coverage {
        Coverage::of(self.validity(channel).count(0, self.held.len()), self.held.len())
    }

    /// Samples of the batch that are valid on both sides of a product, as products count them.
    pub fn count_both(&self, other: &Self, product: &Product) -> f64 {
        let blocks = self.delays.len();
        match (self.batch_coverage(product.a.1), other.batch_coverage(product.b.1)) {
            (Coverage::None, _) | (_, Coverage::None) => 0.0,
            (Coverage::All, Coverage::All) => (self.block_samples * blocks) as f64,
            _ => {
                let (va, vb) = (self.validity(product.a.1), other.validity(product.b.1));
                let samples = (self.samples, other.samples);
                let both =
                    |k: usize| va.share_both((self.offset(k), samples.0), vb, (other.offset(k), samples.1));
                self.block_samples as f64 * (0..blocks).map(both).sum::<f64>()
            }
        }
    }
}
