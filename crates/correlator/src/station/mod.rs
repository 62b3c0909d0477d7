//! Turns one station's samples into spectra.
//!
//! For block k of N samples (see [`crate::geometry::block_delay`]), with f_LO the band's local oscillator:
//! samples from the nearest one on; before the transform each times exp(-2 pi i f_LO tau(t)); forward transform;
//! an upper sideband keeps bins 0 .. N/2-1, a lower one bins N/2 .. N-1, so that both ascend on the sky from
//! the band's lower edge; times exp(+2 pi i f_k (fraction - clock offset of the band)) with f_k the bin's
//! frequency from the local oscillator (negative in a lower sideband). Rotation after the transform is one
//! more factor, exp(-2 pi i f_LO tau(centre)).

mod fft;
pub mod oracle;
mod phasor;
mod spectra;
#[cfg(test)]
mod tests;

pub use fft::FftPath;
pub use phasor::{Phasors, phasor};
pub use spectra::Spectra;

use crate::baseband::Samples;
use crate::geometry::BlockDelay;
use crate::job::{Job, Rotation};
use num_complex::Complex32;
use rustfft::Fft;
use std::sync::Arc;

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
    /// Spectral channels; a transform has twice as many samples.
    pub channels: usize,
    /// Where the fringe rotation is applied.
    pub rotation: Rotation,
    /// Recorded channels.
    pub recorded: Vec<ChannelSetup>,
}

impl StationSetup {
    /// The setup of a stream of a job.
    pub fn of(job: &Job, stream: usize) -> Self {
        let channel = |c: &crate::job::Channel| ChannelSetup {
            lo_hz: job.bands[c.band].lo_hz,
            lower_sideband: job.bands[c.band].lower_sideband,
            clock_offset_samples: c.clock_offset_s * job.sample_rate_hz as f64,
        };
        let recorded = job.streams[stream].channels.iter().map(channel).collect();
        Self { channels: job.channels, rotation: job.rotation, recorded }
    }

    /// Slope of the fractional-sample correction in turns per bin, and its phase at the first bin in turns.
    fn ramp(&self, channel: &ChannelSetup, delay: &BlockDelay) -> (f64, f64) {
        let n = 2.0 * self.channels as f64;
        let slope = (delay.fraction_samples - channel.clock_offset_samples) / n;
        let first_bin = if channel.lower_sideband { -(self.channels as f64) } else { 0.0 };
        let turn = match self.rotation {
            Rotation::BeforeTransform => 0.0,
            Rotation::AfterTransform => -channel.lo_hz * delay.centre_s,
        };
        (slope, first_bin * slope + turn)
    }
}

/// Makes spectra; owns the transform and all scratch, so that a block allocates nothing.
pub struct StationKernel {
    setup: StationSetup,
    fft: Arc<dyn Fft<f32>>,
    buffer: Vec<Complex32>,
    scratch: Vec<Complex32>,
    rotator: Phasors,
    ramp: Phasors,
}

impl StationKernel {
    /// Plans the transform. `path` must be the same on all ranks.
    pub fn new(setup: StationSetup, path: FftPath) -> Self {
        let n = 2 * setup.channels;
        let fft = path.plan(n);
        let scratch = vec![Complex32::default(); fft.get_inplace_scratch_len()];
        let (rotator, ramp) = (Phasors::new(n), Phasors::new(setup.channels));
        Self { setup, fft, buffer: vec![Complex32::default(); n], scratch, rotator, ramp }
    }

    /// The setup it was made for.
    pub fn setup(&self) -> &StationSetup {
        &self.setup
    }

    /// Spectra of all recorded channels of the block that begins at `samples[first]`, into block `block` of
    /// `out`. Samples that are not valid are zero and so add nothing.
    pub fn transform(
        &mut self,
        samples: &Samples,
        first: usize,
        delay: &BlockDelay,
        block: usize,
        out: &mut Spectra,
    ) {
        let n = 2 * self.setup.channels;
        for (index, channel) in self.setup.recorded.iter().enumerate() {
            let x = &samples.channel(index)[first..first + n];
            match self.setup.rotation {
                Rotation::BeforeTransform => {
                    let (step, start) = (-channel.lo_hz * delay.step_s, -channel.lo_hz * delay.first_s);
                    rotate(x, self.rotator.make(step, start), &mut self.buffer);
                }
                Rotation::AfterTransform => {
                    for (y, &x) in self.buffer.iter_mut().zip(x) {
                        *y = Complex32::new(x, 0.0);
                    }
                }
            }
            self.fft.process_with_scratch(&mut self.buffer, &mut self.scratch);
            let (slope, start) = self.setup.ramp(channel, delay);
            let half = if channel.lower_sideband { self.setup.channels } else { 0 };
            let bins = &self.buffer[half..half + self.setup.channels];
            let (re, im) = out.planes_mut(index, block);
            correct(bins, self.ramp.make(slope, start), re, im);
        }
    }
}

/// y = x times the phasors.
fn rotate(x: &[f32], phasors: &[Complex32], y: &mut [Complex32]) {
    for ((y, &x), p) in y.iter_mut().zip(x).zip(phasors) {
        *y = Complex32::new(x * p.re, x * p.im);
    }
}

/// Bins times the phasors, real and imaginary parts apart.
fn correct(bins: &[Complex32], phasors: &[Complex32], re: &mut [f32], im: &mut [f32]) {
    for (((z, p), re), im) in bins.iter().zip(phasors).zip(re).zip(im) {
        *re = z.re * p.re - z.im * p.im;
        *im = z.re * p.im + z.im * p.re;
    }
}
