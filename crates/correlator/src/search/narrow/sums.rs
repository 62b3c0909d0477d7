//! Voltages of sub-bands until a spectrum of them is whole, and its transform: as numbers, or as whole numbers of 16 bits, in half the memory
//! and a third of the time, where the samples are of 2 bits and no voltage can be larger than these hold.

use super::blocks::SAMPLES_RMS;
use super::grid::SUB_BINS;
use super::turning::{BOTH, Piece};
use crate::transforms::Transforms;
use mirinae_simd::{Aligned, Fft16, Fft16Scratch, LANES16, Pair16, Simd, ahead16, place16, transform16};
use num_complex::Complex32;
use std::ops::Range;

/// Root of the mean square of noise in spectra: that of its voltages is what [`Pair16`] gives. A voltage has at most the power of the whole band, 6 times
/// as large; a carrier in a spectrum may be 180 times as large, else the spectrum is made in numbers.
const LEVEL: f64 = 128.0;

/// What a band's voltages are kept in.
enum Kept {
    /// Numbers.
    Floats,
    /// Whole ones, so many of a voltage of 1; 16 real parts and 16 imaginary ones in turn, as cache lines: blocks and spectra begin at multiples of 16
    /// samples.
    Whole(f32),
}

/// Voltages of sub-bands up to a spectrum's length: memory that one station after the other uses.
#[derive(Default)]
pub(super) struct Sums {
    floats: Vec<Vec<Complex32>>,
    whole: Vec<Aligned>,
    made: Option<(Simd, Kept)>,
    planned: Option<(Fft16, Fft16Scratch)>,
    long: Option<Transforms>,
    spectrum: Vec<Complex32>,
    whole_spectrum: Option<Aligned>,
}

/// A spectrum of a sub-band. Where voltages are kept in whole numbers, both kinds are in the same unit.
#[derive(Clone, Copy)]
pub(super) enum Spectrum<'a> {
    /// Numbers.
    Floats(&'a [Complex32]),
    /// 16 real parts and 16 imaginary ones in turn.
    Whole(&'a [i16]),
}

impl Spectrum<'_> {
    /// Power of a channel.
    pub fn power(&self, channel: usize) -> f32 {
        match self {
            Self::Floats(values) => values[channel].norm_sqr(),
            Self::Whole(parts) => {
                let at = place16(channel);
                let square = |part: i16| f32::from(part) * f32::from(part);
                square(parts[at]) + square(parts[at + LANES16])
            }
        }
    }
}

impl Sums {
    /// What voltages of 2-bit samples in blocks of so many can be kept in, for spectra of so many points.
    fn of_codes(&mut self, samples: usize, points: usize, simd: Simd) -> Kept {
        if self.planned.as_ref().is_none_or(|(fft, _)| fft.points() != points) {
            self.planned = Fft16::new(points, [Pair16::LEVEL, LEVEL], simd).map(|fft| {
                let scratch = fft.scratch();
                (fft, scratch)
            });
        }
        // Transforms there and back are not normalised.
        let voltage = SAMPLES_RMS * (0.5 * (samples * SUB_BINS) as f64).sqrt();
        self.planned.as_ref().map_or(Kept::Floats, |_| Kept::Whole((Pair16::LEVEL / voltage) as f32))
    }

    /// Makes room for so many sub-bands, of 2-bit samples in blocks of so many (if they are such), for spectra of so many points; whether they are kept
    /// in whole numbers. What the first block adds to is 0; the rest is written before it is read.
    pub fn begin(
        &mut self,
        (codes, points): (Option<usize>, usize),
        (sub_bands, room): (usize, usize),
        simd: Simd,
    ) -> bool {
        let kept = codes.map_or(Kept::Floats, |samples| self.of_codes(samples, points, simd));
        match kept {
            Kept::Floats => {
                self.floats.resize_with(sub_bands, Vec::new);
                for sum in &mut self.floats {
                    sum.resize(room, Complex32::ZERO);
                    sum[..BOTH].fill(Complex32::ZERO);
                }
            }
            Kept::Whole(_) => {
                self.whole.resize_with(sub_bands, || Aligned::zeros(0));
                for sum in &mut self.whole {
                    if sum.len() != room {
                        *sum = Aligned::zeros(room);
                    }
                    parts(sum)[..2 * BOTH].fill(0);
                }
            }
        }
        let whole = matches!(kept, Kept::Whole(_));
        self.made = Some((simd, kept));
        whole
    }

    /// Asks for a block's samples of a sub-band, if there is one, that will be written next.
    pub fn ahead(&self, place: usize, at: usize) {
        if let (Some((simd, Kept::Whole(_))), Some(sum)) = (&self.made, self.whole.get(place)) {
            let sum: &[i16] = bytemuck::cast_slice(sum);
            ahead16(*simd, &sum[2 * at..][..2 * SUB_BINS]);
        }
    }

    /// A block's samples of a sub-band.
    pub fn block(&mut self, place: usize, at: usize) -> Piece<'_> {
        match self.made {
            Some((_, Kept::Whole(unit))) => {
                Piece::Whole(&mut parts(&mut self.whole[place])[2 * at..][..2 * SUB_BINS], unit)
            }
            _ => Piece::Floats(&mut self.floats[place][at..at + SUB_BINS]),
        }
    }

    /// Transforms samples of a sub-band, and moves what follows them to the beginning.
    pub fn spectrum(&mut self, place: usize, range: Range<usize>) -> Spectrum<'_> {
        self.spectrum.resize(range.len(), Complex32::ZERO);
        let spectrum = &mut self.spectrum[..];
        let Some((simd, kept)) = &self.made else { return Spectrum::Floats(spectrum) };
        let long = self.long.get_or_insert_with(|| Transforms::new(simd.path()));
        if let (Kept::Whole(_), Some((fft, scratch))) = (kept, &mut self.planned) {
            self.whole_spectrum.take_if(|there| there.len() != range.len());
            let to = parts(self.whole_spectrum.get_or_insert_with(|| Aligned::zeros(range.len())));
            let sum = parts(&mut self.whole[place]);
            let here = &sum[2 * range.start..2 * range.end];
            let fits = transform16(*simd, (fft, scratch), here, to);
            if !fits {
                numbers(here, 1.0 / fft.factor(), spectrum);
                long.forward(spectrum);
            }
            sum.copy_within(2 * range.end.., 0);
            return if fits { Spectrum::Whole(to) } else { Spectrum::Floats(spectrum) };
        }
        let sum = &mut self.floats[place];
        spectrum.copy_from_slice(&sum[range.clone()]);
        long.forward(spectrum);
        sum.copy_within(range.end.., 0);
        Spectrum::Floats(spectrum)
    }
}

/// Voltages as numbers.
fn numbers(parts: &[i16], factor: f32, to: &mut [Complex32]) {
    for (values, parts) in to.chunks_mut(LANES16).zip(parts.chunks(2 * LANES16)) {
        let (re, im) = parts.split_at(LANES16);
        for (value, (re, im)) in values.iter_mut().zip(re.iter().zip(im)) {
            *value = factor * Complex32::new((*re).into(), (*im).into());
        }
    }
}

/// Parts of voltages.
fn parts(sum: &mut Aligned) -> &mut [i16] {
    bytemuck::cast_slice_mut(sum)
}

#[cfg(test)]
mod tests {
    use super::super::turning::HOP;
    use super::*;
    use mirinae_simd::SimdPath;
    use rand::{Rng, RngExt};
    use rand_distr::StandardNormal;

    /// Samples of a block, as 2-bit ones give voltages.
    const SAMPLES: usize = 1 << 14;
    const POINTS: usize = 2304;

    /// Voltages of noise, and a carrier of so many times the noise's amplitude in its channel.
    fn voltages(n: usize, carrier: f32, rng: &mut impl Rng) -> Vec<Complex32> {
        let level = (SAMPLES_RMS * (0.5 * (SAMPLES * SUB_BINS) as f64).sqrt()) as f32;
        let mut part = || -> f32 { level * rng.sample::<f32, _>(StandardNormal) };
        let noise: Vec<Complex32> = (0..n).map(|_| Complex32::new(part(), part())).collect();
        let amplitude = carrier * level * (2.0 / POINTS as f32).sqrt();
        let phase = |i: usize| std::f32::consts::TAU * ((i * 700) % POINTS) as f32 / POINTS as f32;
        let with = |(i, z): (usize, Complex32)| z + Complex32::from_polar(amplitude, phase(i));
        noise.into_iter().enumerate().map(with).collect()
    }

    /// The first spectrum of a sub-band whose blocks begin with the first sample; whether it is in whole numbers.
    fn spectrum(codes: Option<usize>, all: &[Complex32]) -> (Vec<Complex32>, bool) {
        let mut sums = Sums::default();
        sums.begin((codes, POINTS), (2, all.len()), Simd::new(SimdPath::detect()));
        for at in (0..all.len() - SUB_BINS + 1).step_by(HOP) {
            let here = &all[at..at + SUB_BINS];
            let begin = if at == 0 { 0 } else { BOTH };
            match sums.block(1, at) {
                Piece::Floats(to) => to[begin..].copy_from_slice(&here[begin..]),
                Piece::Whole(to, unit) => {
                    for (i, z) in here.iter().enumerate().skip(begin) {
                        let place = place16(i);
                        (to[place], to[place + LANES16]) =
                            ((z.re * unit).round() as i16, (z.im * unit).round() as i16);
                    }
                }
            }
        }
        match sums.spectrum(1, 0..POINTS) {
            Spectrum::Floats(values) => (values.to_vec(), false),
            whole @ Spectrum::Whole(parts) => {
                let mut values = vec![Complex32::ZERO; POINTS];
                numbers(parts, 1.0, &mut values);
                let power = |(i, z): (usize, &Complex32)| {
                    (whole.power(i) - z.norm_sqr()).abs() <= 1e-3 * z.norm_sqr()
                };
                assert!(values.iter().enumerate().all(power));
                (values, true)
            }
        }
    }

    #[test]
    fn whole_numbers_give_the_spectrum_of_numbers() {
        let mut rng = mirinae_common::random::stream(31, 0, 0);
        let n = POINTS.next_multiple_of(HOP) + BOTH;
        let made_whole = SimdPath::Avx2.is_available();
        for (carrier, fits) in [(0.0, true), (100.0, true), (400.0, false)] {
            let all = voltages(n, carrier, &mut rng);
            let (wanted, of_floats) = spectrum(None, &all);
            let (found, whole) = spectrum(Some(SAMPLES), &all);
            assert_eq!((of_floats, whole), (false, made_whole && fits), "{carrier}");
            // Noise has one level in the spectra of whole numbers, whether they fit or not.
            let power = |values: &[Complex32]| values.iter().map(Complex32::norm_sqr).sum::<f32>();
            let ratio = (power(&wanted) / power(&found)).sqrt();
            let noise: f32 =
                found.iter().enumerate().filter(|(i, _)| *i != 700).map(|(_, z)| z.norm_sqr()).sum();
            if made_whole {
                let level = (noise / (2.0 * POINTS as f32)).sqrt();
                assert!((level / LEVEL as f32 - 1.0).abs() < 0.1, "{carrier}: {level}");
            }
            let off: f32 = found.iter().zip(&wanted).map(|(a, b)| (a - b / ratio).norm_sqr()).sum();
            assert!(off < 3e-4 * noise, "{carrier}: {}", off / noise);
        }
    }
}
