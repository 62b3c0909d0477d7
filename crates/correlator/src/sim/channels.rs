//! Cuts a band into channels as digital back ends do: narrower, of either sideband, with real or complex samples.
//!
//! Overlap-save: blocks of the band's real samples are transformed, the bins of a channel times a filter's transfer
//! function go to the places that they have in the channel, and are transformed back at the channel's own, lower rate.
//! The filter has as many taps as a hop has samples, symmetric about zero: nothing is delayed. Blocks begin at multiples
//! of half a hop, so that the local oscillators of all channels have phase 0 at sample 0.

use super::config::Sideband;
use super::source::low_pass;
use crate::job::Sampling;
use mirinae_fourier::{Fft, FftDirection, Instructions, single};
use num_complex::Complex;
use std::sync::Arc;

/// Samples of the band that a call goes on by.
pub(super) const HOP: usize = 1 << 13;
/// Samples of a block.
const BLOCK: usize = 2 * HOP;

/// Channels of one band.
pub(super) struct Channels {
    split: usize,
    sideband: Sideband,
    sampling: Sampling,
    forward: Arc<dyn Fft<f32>>,
    inverse: Arc<dyn Fft<f32>>,
    /// Transfer function over the bins of a channel, from its lower edge.
    filter: Vec<f32>,
    spectrum: Vec<Complex<f32>>,
    channel: Vec<Complex<f32>>,
}

impl Channels {
    /// `split` channels, each of `sideband`, with samples of a kind.
    pub fn new(split: usize, sideband: Sideband, sampling: Sampling) -> Self {
        let plan = |n, direction| single(n, direction, Instructions::Any);
        let bins = BLOCK / 2 / split;
        let points = if sampling.is_complex() { bins } else { 2 * bins };
        Self {
            split,
            sideband,
            sampling,
            forward: plan(BLOCK, FftDirection::Forward),
            inverse: plan(points, FftDirection::Inverse),
            filter: low_pass(BLOCK, bins),
            spectrum: vec![Complex::default(); BLOCK],
            channel: vec![Complex::default(); points],
        }
    }

    /// First sample and number of samples of the band that the channels of the hop from sample `start` on are made from.
    pub fn needs(start: i64) -> (i64, usize) {
        (start - HOP as i64 / 2, BLOCK)
    }

    /// Takes the samples that [`Self::needs`] names.
    pub fn take(&mut self, samples: &[f32]) {
        self.spectrum.iter_mut().zip(samples).for_each(|(z, &x)| *z = Complex::new(x, 0.0));
        self.forward.process(&mut self.spectrum);
    }

    /// A channel's samples of the hop, in units of their standard deviation (of each component).
    pub fn make(&mut self, index: usize) -> &[Complex<f32>] {
        let bins = self.filter.len();
        let points = self.channel.len();
        // Of a real signal the positive frequencies alone, twice; then as much power as a whole band has.
        let scale = 2.0 * (self.split as f32).sqrt() / BLOCK as f32;
        self.channel.fill(Complex::default());
        for (k, gain) in self.filter.iter().enumerate() {
            let x = self.spectrum[index * bins + k] * (gain * scale);
            let (place, x) = match (self.sideband, self.sampling) {
                (Sideband::Upper, Sampling::ComplexCentred) => ((k + bins / 2) % bins, x),
                (Sideband::Lower, Sampling::ComplexCentred) => ((bins + bins / 2 - k) % bins, x.conj()),
                (Sideband::Upper, _) => (k, x),
                (Sideband::Lower, _) => ((bins - k) % points, x.conj()),
            };
            self.channel[place] += x;
        }
        self.inverse.process(&mut self.channel);
        &self.channel[points / 4..3 * points / 4]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::TAU;

    /// A tone of the band, with its phase at sample 0, is a tone of the channel with that phase.
    #[test]
    fn tones_keep_their_phase() {
        let (cycles, phase) = (0.25 * (1.0 + 0.3), 0.7);
        for start in [0i64, HOP as i64, 5 * HOP as i64] {
            let (first, n) = Channels::needs(start);
            let tone = |i: i64| (TAU * (cycles * i as f64).fract() + phase).cos() as f32;
            let band: Vec<f32> = (0..n as i64).map(|i| tone(first + i)).collect();
            for sideband in [Sideband::Upper, Sideband::Lower] {
                for sampling in [Sampling::Real, Sampling::Complex, Sampling::ComplexCentred] {
                    // Of two channels the second, from a quarter of the rate upwards.
                    let mut channels = Channels::new(2, sideband, sampling);
                    channels.take(&band);
                    let decimation = if sampling.is_complex() { 4.0 } else { 2.0 };
                    let zero = match (sampling, sideband) {
                        (Sampling::ComplexCentred, _) => 0.375,
                        (_, Sideband::Upper) => 0.25,
                        (_, Sideband::Lower) => 0.5,
                    };
                    let sign = if sideband == Sideband::Upper { 1.0 } else { -1.0 };
                    let samples = channels.make(1).len();
                    for (i, z) in channels.make(1).iter().enumerate() {
                        let n = (start as f64 / decimation + i as f64) * decimation;
                        let turn = sign * (TAU * ((cycles - zero) * n).fract() + phase);
                        let wanted = Complex::new(turn.cos() as f32, turn.sin() as f32) * 2f32.sqrt();
                        let off = if sampling.is_complex() {
                            (z - wanted).norm()
                        } else {
                            (z.re - wanted.re).abs()
                        };
                        assert!(off < 1e-3, "{sideband:?} {sampling:?} {start} {i}: {z} {wanted}");
                    }
                    assert_eq!(samples, HOP / decimation as usize);
                    assert!(channels.make(0).iter().all(|z| z.norm() < 1e-3), "the other channel is empty");
                }
            }
        }
    }
}
