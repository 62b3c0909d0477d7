//! Spectra by rustfft: of complex samples, and of numbers of channels that our own transform has not.
use super::planar::unpack;
use super::{Item, Phasors, StationSetup};
use crate::job::Rotation;
use crate::transforms::forward;
use mirinae_fourier::Fft;
use mirinae_simd::{Line, Simd};
use num_complex::Complex32;
use std::sync::Arc;

/// The transform with its phasors and scratch.
pub(super) struct Library {
    fft: Arc<dyn Fft<f32>>,
    buffer: Vec<Complex32>,
    scratch: Vec<Complex32>,
    numbers: Vec<f32>,
    rotator: Phasors,
    turns: Phasors,
}

impl Library {
    /// A transform of `n` points, of whose bins `channels` are kept.
    pub fn new(n: usize, channels: usize, simd: Simd) -> Self {
        let fft = forward(n, simd.path());
        Self {
            buffer: vec![Complex32::default(); n],
            scratch: vec![Complex32::default(); fft.get_inplace_scratch_len()],
            numbers: vec![0.0; n],
            rotator: Phasors::new(simd, n, 1),
            turns: Phasors::new(simd, channels, 1),
            fft,
        }
    }

    /// The spectrum of one run.
    pub fn one(&mut self, setup: &StationSetup, item: Item) {
        let channel = &setup.recorded[item.channel];
        let x = unpack(item.run, &mut self.numbers);
        let line = match setup.rotation {
            Rotation::BeforeTransform => {
                let (step, start) = (-channel.lo_hz * item.delay.step_s, -channel.lo_hz * item.delay.first_s);
                Some(self.rotator.make(step, start))
            }
            Rotation::AfterTransform => None,
        };
        match (setup.sampling.is_complex(), channel.lower_sideband) {
            (false, _) => fill(x.iter().map(|&x| Complex32::new(x, 0.0)), &mut self.buffer),
            (true, false) => fill(pairs(x), &mut self.buffer),
            (true, true) => fill(pairs(x).map(|z| z.conj()), &mut self.buffer),
        }
        if let Some(line) = line {
            rotate(&line, &mut self.buffer);
        }
        self.fft.process_with_scratch(&mut self.buffer, &mut self.scratch);
        let (slope, start) = setup.ramp(channel, item.delay);
        // The bins ascend from the first one on and go round at the end of the transform.
        let n = self.buffer.len();
        let first = setup.first_bin(channel).rem_euclid(n as i64) as usize;
        self.buffer.rotate_left(first);
        correct(&self.buffer[..setup.channels], &self.turns.make(slope, start), item.re, item.im);
    }
}

/// Pairs of numbers as complex ones.
fn pairs(x: &[f32]) -> impl Iterator<Item = Complex32> + '_ {
    x.as_chunks::<2>().0.iter().map(|&[re, im]| Complex32::new(re, im))
}

fn fill(x: impl Iterator<Item = Complex32>, y: &mut [Complex32]) {
    y.iter_mut().zip(x).for_each(|(y, x)| *y = x);
}

/// y times the phasors.
fn rotate(phasors: &Line, y: &mut [Complex32]) {
    let phasors = phasors.fine.0.iter().zip(phasors.fine.1);
    for (y, (re, im)) in y.iter_mut().zip(phasors) {
        *y *= Complex32::new(*re, *im);
    }
}

/// Bins times the phasors, real and imaginary parts apart.
fn correct(bins: &[Complex32], phasors: &Line, re: &mut [f32], im: &mut [f32]) {
    let phasors = phasors.fine.0.iter().zip(phasors.fine.1);
    for (((z, (c, s)), re), im) in bins.iter().zip(phasors).zip(re).zip(im) {
        *re = z.re * c - z.im * s;
        *im = z.re * s + z.im * c;
    }
}
