//! Voltages of sub-bands until a spectrum of them is whole, and its transform: as numbers, or as whole numbers of 16 bits, in half the memory
//! and a third of the time, where the samples are of 2 bits and no voltage can be larger than these hold.

use super::grid::SUB_BINS;
use super::turning::{BOTH, Piece};
use crate::transforms::Transforms;
use mirinae_simd::{Aligned, Fft16, Fft16Scratch, Simd, transform16};
use num_complex::Complex32;
use std::ops::Range;

/// Roots of the mean squares of noise, in its voltages and in its spectra: a voltage has at most the power of the whole band, 6 times as large; a carrier
/// in a spectrum may be 180 times as large, else the spectrum is made in numbers.
const LEVELS: [f64; 2] = [700.0, 128.0];
/// The root of the mean square of samples of 2 bits: levels of 1 and 3.3, of which a third has the latter.
const SAMPLES: f64 = 2.07;

/// Real parts after which imaginary ones follow.
const TURN: usize = 16;

/// What a band's voltages are kept in.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Kept {
    /// Numbers.
    Floats,
    /// Whole ones, so many of a voltage of 1.
    Whole(f32),
}

/// Voltages of sub-bands up to a spectrum's length: memory that one station after the other uses.
#[derive(Debug, Default)]
pub(super) struct Sums {
    floats: Vec<Vec<Complex32>>,
    /// 16 real parts and 16 imaginary ones in turn, as cache lines: blocks and spectra begin at multiples of 16 samples.
    whole: Vec<Aligned>,
    planned: Option<(Fft16, Fft16Scratch)>,
    spectrum: Vec<Complex32>,
}

impl Sums {
    /// What voltages of 2-bit samples in blocks of so many can be kept in, for spectra of so many points.
    pub fn of_codes(&mut self, samples: usize, points: usize, simd: Simd) -> Kept {
        if self.planned.as_ref().is_none_or(|(fft, _)| fft.points() != points) {
            let fft = Fft16::new(points, LEVELS, simd);
            self.planned = fft.map(|fft| (fft.clone(), fft.scratch()));
        }
        // Transforms there and back are not normalised.
        let voltage = SAMPLES * (0.5 * (samples * SUB_BINS) as f64).sqrt();
        self.planned.as_ref().map_or(Kept::Floats, |_| Kept::Whole((LEVELS[0] / voltage) as f32))
    }

    /// Makes room for so many sub-bands. What the first block adds to is 0; the rest is written before it is read.
    pub fn begin(&mut self, kept: Kept, sub_bands: usize, room: usize) {
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
    }

    /// A block's samples of a sub-band.
    pub fn block(&mut self, kept: Kept, place: usize, at: usize) -> Piece<'_> {
        match kept {
            Kept::Floats => Piece::Floats(&mut self.floats[place][at..at + SUB_BINS]),
            Kept::Whole(unit) => {
                Piece::Whole(&mut parts(&mut self.whole[place])[2 * at..][..2 * SUB_BINS], unit)
            }
        }
    }

    /// Transforms samples of a sub-band, and moves what follows them to the beginning.
    pub fn spectrum(
        &mut self,
        kept: Kept,
        place: usize,
        range: Range<usize>,
        (long, simd): (&mut Transforms, Simd),
    ) -> &[Complex32] {
        self.spectrum.resize(range.len(), Complex32::ZERO);
        let spectrum = &mut self.spectrum[..];
        match kept {
            Kept::Floats => {
                let sum = &mut self.floats[place];
                spectrum.copy_from_slice(&sum[range.clone()]);
                long.forward(spectrum);
                sum.copy_within(range.end.., 0);
            }
            Kept::Whole(unit) => {
                let sum = parts(&mut self.whole[place]);
                let here = &sum[2 * range.start..2 * range.end];
                let fits = self.planned.as_mut().is_some_and(|(fft, scratch)| {
                    transform16(simd, (fft, scratch), here, 1.0 / unit, spectrum)
                });
                if !fits {
                    for (values, parts) in spectrum.chunks_mut(TURN).zip(here.chunks(2 * TURN)) {
                        let (re, im) = parts.split_at(TURN);
                        let value =
                            |(re, im): (&i16, &i16)| Complex32::new((*re).into(), (*im).into()) / unit;
                        values.iter_mut().zip(re.iter().zip(im)).for_each(|(z, parts)| *z = value(parts));
                    }
                    long.forward(spectrum);
                }
                sum.copy_within(2 * range.end.., 0);
            }
        }
        spectrum
    }
}

/// Parts of voltages.
fn parts(sum: &mut Aligned) -> &mut [i16] {
    bytemuck::cast_slice_mut(sum)
}
