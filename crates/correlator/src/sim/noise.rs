//! Gaussian noise by sample number.

use mirinae_common::random;
use rand_distr::{Distribution, StandardNormal};

/// Numbers drawn from one random stream.
pub(super) const BLOCK: usize = 1 << 14;
/// Added to block numbers, which may be negative, to make a step of the generator.
const STEP_ZERO: i64 = 1 << 40;

/// Which noise: each has a stream of its own.
#[derive(Debug, Clone, Copy)]
pub(super) enum Stream {
    /// Receiver noise of a station's band.
    Receiver { station: usize, band: usize },
    /// A source's noise in a band.
    Source { source: usize, band: usize },
    /// A pulse's noise in a band.
    Pulse { pulse: usize, band: usize },
    /// Which frames a station's recorder loses.
    Losses { station: usize },
}

impl Stream {
    fn number(self) -> u64 {
        let (kind, major, minor) = match self {
            Self::Receiver { station, band } => (1, station, band),
            Self::Source { source, band } => (2, source, band),
            Self::Losses { station } => (3, station, 0),
            Self::Pulse { pulse, band } => (4, pulse, band),
        };
        kind << 48 | (major as u64) << 24 | minor as u64
    }
}

/// The random generator of a block of a stream.
pub(super) fn generator(seed: u64, stream: Stream, block: i64) -> impl rand::Rng {
    random::stream(seed, stream.number(), (block + STEP_ZERO) as u64)
}

/// Fills `out` with the standard normal numbers of a block of a stream.
pub(super) fn fill_block(seed: u64, stream: Stream, block: i64, out: &mut [f32]) {
    let mut rng = generator(seed, stream, block);
    out.fill_with(|| StandardNormal.sample(&mut rng));
}

/// White real noise of unit variance, remembered for one block.
#[derive(Debug)]
pub(super) struct WhiteNoise {
    seed: u64,
    stream: Stream,
    block: Option<i64>,
    values: Vec<f32>,
}

impl WhiteNoise {
    pub fn new(seed: u64, stream: Stream) -> Self {
        Self { seed, stream, block: None, values: vec![0.0; BLOCK] }
    }

    /// Fills `out` with the samples from number `start` on.
    pub fn fill(&mut self, start: i64, out: &mut [f32]) {
        let mut done = 0;
        while done < out.len() {
            let at = start + done as i64;
            let (block, offset) = (at.div_euclid(BLOCK as i64), at.rem_euclid(BLOCK as i64) as usize);
            if self.block != Some(block) {
                fill_block(self.seed, self.stream, block, &mut self.values);
                self.block = Some(block);
            }
            let n = (BLOCK - offset).min(out.len() - done);
            out[done..done + n].copy_from_slice(&self.values[offset..offset + n]);
            done += n;
        }
    }
}
