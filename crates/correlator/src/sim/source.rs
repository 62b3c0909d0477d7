//! The noise of one source in one band, in geocentric time.

use super::noise::{BLOCK, Stream, fill_block};
use mirinae_fourier::{Fft, FftDirection, Instructions, double, single};
use num_complex::Complex;
use std::f64::consts::TAU;
use std::sync::Arc;

/// Samples of the envelope made at a time; the filter has as many taps.
const HOP: usize = BLOCK;
/// Blocks of the envelope remembered.
const KEPT: usize = 4;

/// A source's spectrum in a band: power density in units of the system's, over frequency from the band's centre.
pub(super) type Density<'a> = &'a dyn Fn(f64) -> f64;

/// The complex envelope of a source about the centre of a band.
///
/// Sampled at twice the bandwidth, with the outer half of the spectrum empty, so that a short kernel interpolates it.
/// Made by filtering white noise in blocks (overlap-save): sample `k` depends on the seed and `k` alone.
pub(super) struct Envelope {
    seed: u64,
    stream: Stream,
    forward: Arc<dyn Fft<f32>>,
    inverse: Arc<dyn Fft<f32>>,
    filter: Vec<Complex<f32>>,
    white: Vec<f32>,
    scratch: Vec<Complex<f32>>,
    blocks: Vec<(i64, Vec<Complex<f32>>)>,
}

impl Envelope {
    /// The frequency resolution of the filter for a band of `bandwidth_hz`, in hertz: lines must be wider.
    pub fn resolution_hz(bandwidth_hz: f64) -> f64 {
        4.0 * 2.0 * bandwidth_hz / HOP as f64
    }

    pub fn new(seed: u64, stream: Stream, bandwidth_hz: f64, density: Density) -> Self {
        let plan = |n, direction| single(n, direction, Instructions::Any);
        let (forward, inverse) = (plan(HOP, FftDirection::Forward), plan(2 * HOP, FftDirection::Inverse));
        let scratch = forward.get_inplace_scratch_len().max(inverse.get_inplace_scratch_len());
        Self {
            seed,
            stream,
            filter: design(bandwidth_hz, density),
            forward,
            inverse,
            white: vec![0.0; HOP],
            scratch: vec![Complex::default(); scratch],
            blocks: Vec::new(),
        }
    }

    /// Fills `out` with the envelope's samples from number `start` on: E|y|^2 / 2 is the source's power.
    pub fn fill(&mut self, start: i64, out: &mut [Complex<f32>]) {
        let mut done = 0;
        while done < out.len() {
            let at = start + done as i64;
            let (block, offset) = (at.div_euclid(HOP as i64), at.rem_euclid(HOP as i64) as usize);
            let n = (HOP - offset).min(out.len() - done);
            out[done..done + n].copy_from_slice(&self.block(block)[offset..offset + n]);
            done += n;
        }
    }

    fn block(&mut self, index: i64) -> &[Complex<f32>] {
        if let Some(at) = self.blocks.iter().position(|(block, _)| *block == index) {
            return &self.blocks[at].1;
        }
        let mut values = if self.blocks.len() < KEPT { Vec::new() } else { self.blocks.remove(0).1 };
        self.make(index, &mut values);
        self.blocks.push((index, values));
        &self.blocks[self.blocks.len() - 1].1
    }

    /// Outputs `index x HOP ..`: the second half of a circular convolution over this block and the one before.
    fn make(&mut self, index: i64, out: &mut Vec<Complex<f32>>) {
        // White noise at the bandwidth's rate; zeros in between bring it to twice that, its spectrum then repeats once.
        let mut spectrum = Vec::with_capacity(2 * HOP);
        for block in [index - 1, index] {
            fill_block(self.seed, self.stream, block, &mut self.white);
            spectrum.extend(self.white.chunks_exact(2).map(|pair| Complex::new(pair[0], pair[1])));
        }
        self.forward.process_with_scratch(&mut spectrum, &mut self.scratch);
        spectrum.extend_from_within(..);
        spectrum.iter_mut().zip(&self.filter).for_each(|(x, h)| *x *= h);
        self.inverse.process_with_scratch(&mut spectrum, &mut self.scratch);
        out.clear();
        out.extend_from_slice(&spectrum[HOP..]);
    }
}

/// The filter's transfer function: the square root of the density within the band, with a finite impulse response.
fn design(bandwidth_hz: f64, density: Density) -> Vec<Complex<f32>> {
    let n = 2 * HOP;
    let step_hz = 2.0 * bandwidth_hz / n as f64;
    let mut response: Vec<Complex<f64>> = (0..n)
        .map(|k| {
            let bin = if k < n / 2 { k as f64 } else { k as f64 - n as f64 };
            let f_hz = bin * step_hz;
            let inside = f_hz.abs() <= bandwidth_hz / 2.0;
            // E|w|^2 = 2 at a quarter of the density after zeros were put in and the real part is taken.
            Complex::new(if inside { (4.0 * density(f_hz)).sqrt() } else { 0.0 }, 0.0)
        })
        .collect();
    double(n, FftDirection::Inverse, Instructions::Any).process(&mut response);
    // Moved to positive time: a delay common to all stations.
    let mut taps = vec![Complex::default(); n];
    for (i, tap) in taps.iter_mut().enumerate().take(HOP) {
        *tap = response[(i + n - HOP / 2) % n] * blackman(i as f64 + 0.5, HOP) / n as f64;
    }
    double(n, FftDirection::Forward, Instructions::Any).process(&mut taps);
    // The inverse transform of the convolution is not normalised.
    taps.iter().map(|x| Complex::new((x.re / n as f64) as f32, (x.im / n as f64) as f32)).collect()
}

/// Blackman's window of `n` taps.
fn blackman(place: f64, n: usize) -> f64 {
    let phase = TAU * place / n as f64;
    0.42 - 0.5 * phase.cos() + 0.08 * (2.0 * phase).cos()
}

/// Transfer function, over `bins` bins of a transform of `n` points, of a filter that keeps these and no others, with
/// n / 2 taps about zero: real, and falling within a few bins of both ends.
pub(super) fn low_pass(n: usize, bins: usize) -> Vec<f32> {
    let one = Complex::new(1.0, 0.0);
    let mut response = vec![Complex::default(); n];
    response[..bins].fill(one);
    double(n, FftDirection::Inverse, Instructions::Any).process(&mut response);
    let taps = n / 2;
    for (i, tap) in response.iter_mut().enumerate() {
        let from_zero = (i + n / 2) % n;
        let inside = (n / 2 - taps / 2..n / 2 + taps / 2).contains(&from_zero);
        *tap *= if inside { blackman((from_zero + taps / 2 - n / 2) as f64, taps) / n as f64 } else { 0.0 };
    }
    double(n, FftDirection::Forward, Instructions::Any).process(&mut response);
    response[..bins].iter().map(|x| x.re as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn power_and_band_are_right() {
        let mut envelope = Envelope::new(1, Stream::Source { source: 0, band: 0 }, 16e6, &|_| 0.3);
        let mut y = vec![Complex::default(); 1 << 18];
        envelope.fill(-77_777, &mut y);
        let power: f64 = y.iter().map(|x| f64::from(x.norm_sqr())).sum::<f64>() / y.len() as f64 / 2.0;
        assert!((power / 0.3 - 1.0).abs() < 0.01, "{power}");
        let n = 4096;
        let mut spectrum = vec![0.0; n];
        let fft = single(n, FftDirection::Forward, Instructions::Any);
        for chunk in y.chunks_exact(n) {
            let mut x: Vec<Complex<f32>> = chunk.to_vec();
            let hann = |i: usize| 0.5 - 0.5 * (std::f32::consts::TAU * (i as f32 + 0.5) / n as f32).cos();
            x.iter_mut().enumerate().for_each(|(i, x)| *x *= hann(i));
            fft.process(&mut x);
            spectrum.iter_mut().zip(&x).for_each(|(s, x)| *s += f64::from(x.norm_sqr()));
        }
        let inside: f64 = spectrum[..1000].iter().sum::<f64>() / 1000.0;
        let edge: f64 = spectrum[1000..1018].iter().sum::<f64>() / 18.0;
        let outside: f64 = spectrum[1040..3060].iter().sum::<f64>() / 2020.0;
        assert!((edge / inside - 1.0).abs() < 0.2, "{edge} {inside}");
        assert!(outside / inside < 1e-6, "{outside} {inside}");
    }

    #[test]
    fn how_it_is_cut_does_not_matter() {
        let stream = Stream::Source { source: 1, band: 2 };
        let (mut whole, mut pieces) = (vec![Complex::default(); 50_000], vec![Complex::default(); 50_000]);
        Envelope::new(5, stream, 1e6, &|f| 1.0 + f * 1e-7).fill(-20_000, &mut whole);
        let mut envelope = Envelope::new(5, stream, 1e6, &|f| 1.0 + f * 1e-7);
        for (i, piece) in pieces.chunks_mut(777).enumerate().rev() {
            envelope.fill(-20_000 + 777 * i as i64, piece);
        }
        assert_eq!(whole, pieces);
    }
}
