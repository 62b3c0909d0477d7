//! Turns one station's samples into spectra.
//!
//! For block k of N samples (see [`crate::geometry::block_delay`]), with f_LO the band's local oscillator:
//! samples from the nearest one on; before the transform each times exp(-2 pi i f_LO tau(t)); forward transform;
//! an upper sideband keeps bins 0 .. N/2-1, a lower one bins N/2 .. N-1, so that both ascend on the sky from
//! the band's lower edge; times exp(+2 pi i f_k (fraction - clock offset of the band)) with f_k the bin's
//! frequency from the local oscillator (negative in a lower sideband). Rotation after the transform is one
//! more factor, exp(-2 pi i f_LO tau(centre)).
//!
//! Complex samples, N for as many channels, are taken as they are from an upper sideband and conjugated from a lower one:
//! then frequencies ascend on the sky. Their bins are all kept. Where frequency 0 is the band's edge they are 0 .. N-1
//! above it (upper) or N .. 1 below it (lower); where it is the middle, from N/2 below it on. Components of the same power
//! as real samples give spectra of the same scale.

mod library;
pub mod oracle;
mod phasor;
mod planar;
mod spectra;
#[cfg(test)]
mod tests;

pub use phasor::{Phasors, Start, Steps, phasor};
pub use spectra::Spectra;

use crate::geometry::BlockDelay;
use crate::job::{Job, Rotation, Sampling};
use library::Library;
use mirinae_simd::{Codes16, Fft, Pair16, Run, Simd};
use planar::Planar;

/// What the kernel needs to know of a recorded channel.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ChannelSetup {
    /// Local oscillator in Hz.
    pub lo_hz: f64,
    /// Lower sideband.
    pub lower_sideband: bool,
    /// Delay that is added in the correction of the fraction of a sample alone, in samples.
    pub clock_offset_samples: f64,
}

/// What the kernel needs to know of a stream.
#[derive(Debug, Clone, PartialEq)]
pub struct StationSetup {
    /// Spectral channels; a transform has twice as many real samples, or as many complex ones.
    pub channels: usize,
    /// What a sample is.
    pub sampling: Sampling,
    /// Where the fringe rotation is applied.
    pub rotation: Rotation,
    /// Recorded channels.
    pub recorded: Vec<ChannelSetup>,
}

impl StationSetup {
    /// The setup of a stream of a job.
    pub fn of(job: &Job, stream: usize, rotation: Rotation) -> Self {
        let of = &job.streams[stream];
        let channel = |(index, c): (usize, &crate::job::Channel)| ChannelSetup {
            lo_hz: job.zero_hz(stream, index),
            lower_sideband: job.bands[c.band].lower_sideband,
            clock_offset_samples: c.clock_offset_s * of.sample_rate_hz as f64,
        };
        let recorded = of.channels.iter().enumerate().map(channel).collect();
        Self { channels: job.stream_channels(stream), sampling: of.sampling, rotation, recorded }
    }

    /// Samples of a transform.
    pub fn samples(&self) -> usize {
        if self.sampling.is_complex() { self.channels } else { 2 * self.channels }
    }

    /// Bins from frequency 0 to the band's lower edge on the sky.
    fn first_bin(&self, channel: &ChannelSetup) -> i64 {
        match (self.sampling, channel.lower_sideband) {
            (Sampling::ComplexCentred, _) => -(self.channels as i64 / 2),
            (_, true) => -(self.channels as i64),
            (_, false) => 0,
        }
    }

    /// Slope of the fractional-sample correction in turns per bin, and its phase at the first bin in turns.
    fn ramp(&self, channel: &ChannelSetup, delay: &BlockDelay) -> (f64, f64) {
        let n = self.samples() as f64;
        let slope = (delay.fraction_samples - channel.clock_offset_samples) / n;
        let first_bin = self.first_bin(channel) as f64;
        let turn = match self.rotation {
            Rotation::BeforeTransform => 0.0,
            Rotation::AfterTransform => -channel.lo_hz * delay.centre_s,
        };
        (slope, first_bin * slope + turn)
    }
}

/// One recorded channel of one block: what goes in and where it comes out, in numbers or (samples of 2 bits) in whole ones.
#[derive(Debug)]
pub struct Item<'a, R = Run<'a>, T = f32> {
    /// Index of the recorded channel.
    pub channel: usize,
    /// Its samples, as many as a transform has; complex ones are pairs of numbers. Those that are not valid are zero and so add nothing.
    pub run: R,
    /// Delay of the block.
    pub delay: &'a BlockDelay,
    /// Number of the block in its batch: tables of phasors are kept for each.
    pub block: usize,
    /// Real parts of the spectrum, ascending on the sky.
    pub re: &'a mut [T],
    /// Imaginary parts.
    pub im: &'a mut [T],
}

/// Makes spectra; owns the transform and all scratch, so that a block allocates nothing.
pub struct StationKernel {
    setup: StationSetup,
    way: Way,
}

enum Way {
    Planar(Box<Planar>),
    Library(Box<Library>),
}

impl StationKernel {
    /// Plans the transform, for batches of `batch` blocks. The path must be the same on all ranks.
    pub fn new(setup: StationSetup, simd: Simd, batch: usize) -> Self {
        let n = setup.samples();
        let way = if !setup.sampling.is_complex() && Fft::supports(n) {
            Way::Planar(Box::new(Planar::new(n, simd, batch)))
        } else {
            Way::Library(Box::new(Library::new(n, setup.channels, simd)))
        };
        Self { setup, way }
    }

    /// The setup it was made for.
    pub fn setup(&self) -> &StationSetup {
        &self.setup
    }

    /// Whether two channels or blocks are best given at once.
    pub fn pairs(&self) -> bool {
        matches!(self.way, Way::Planar(_)) && self.setup.rotation == Rotation::AfterTransform
    }

    /// The spectrum of one channel of one block.
    pub fn one(&mut self, item: Item) {
        match &mut self.way {
            Way::Planar(planar) => planar.one(&self.setup, item),
            Way::Library(library) => library.one(&self.setup, item),
        }
    }

    /// The spectra of two channels or blocks.
    pub fn two(&mut self, items: [Item; 2]) {
        match &mut self.way {
            Way::Planar(planar) if self.setup.rotation == Rotation::AfterTransform => {
                planar.two(&self.setup, items);
            }
            _ => items.into_iter().for_each(|item| self.one(item)),
        }
    }

    /// The same of samples of 2 bits in whole numbers, of the scale that `pair` has; one sideband. False where something does not fit, or where there
    /// is no such transform: nothing is made then.
    pub fn two_whole(&mut self, pair: &mut Pair16, items: [Item<Codes16, i16>; 2]) -> bool {
        match &mut self.way {
            Way::Planar(planar) if self.setup.rotation == Rotation::AfterTransform => {
                planar.two_whole(&self.setup, pair, items)
            }
            _ => false,
        }
    }
}
