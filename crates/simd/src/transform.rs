//! The transform of complex numbers whose real and imaginary parts are apart, as it is.

use super::fft::Input;
use super::spectra::All;
use super::{Complex, Fft, FftScratch, Kernel, Lanes, Simd};

/// Numbers, all of them.
pub(super) struct Numbers<'a>(pub &'a [f32], pub &'a [f32]);

impl Input for Numbers<'_> {
    const COMMON: bool = true;

    #[inline(always)]
    unsafe fn get<L: Lanes>(&self, _: usize, _: usize, at: usize) -> Complex<L> {
        // SAFETY: as the caller says.
        unsafe { Complex::load(self.0.as_ptr().add(at), self.1.as_ptr().add(at)) }
    }
}

struct Whole<'a> {
    fft: &'a Fft,
    scratch: &'a mut FftScratch,
    from: Numbers<'a>,
    to: All<'a>,
}

impl Kernel for Whole<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(mut self) {
        // SAFETY: `transform` has checked that both hold all points.
        unsafe { self.fft.process::<L, _, _>(self.scratch, &self.from, &mut self.to) }
    }
}

/// Transforms `from` (real and imaginary parts) forward into `to`. With the parts of both exchanged it is the transform back.
pub fn transform(
    simd: Simd,
    (fft, scratch): (&Fft, &mut FftScratch),
    from: (&[f32], &[f32]),
    to: (&mut [f32], &mut [f32]),
) {
    let points = fft.points();
    assert!(from.0.len() == points && from.1.len() == points && to.0.len() == points && to.1.len() == points);
    simd.run(Whole { fft, scratch, from: Numbers(from.0, from.1), to: All(to.0, to.1) });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SimdPath;
    use mirinae_fourier::{FftDirection, Instructions, single};
    use num_complex::Complex32;

    #[test]
    fn forward_and_back_are_those_of_rustfft() {
        for points in [256, 1 << 11, 1 << 17] {
            let value = |i: usize| ((i as u32).wrapping_mul(2_654_435_761) >> 8) as f32 / 8_388_608.0 - 1.0;
            let (re, im): (Vec<f32>, Vec<f32>) =
                ((0..points).map(value).collect(), (0..points).map(|i| value(i + 7)).collect());
            for back in [false, true] {
                let mut wanted: Vec<Complex32> =
                    re.iter().zip(&im).map(|(r, i)| Complex32::new(*r, *i)).collect();
                let direction = if back { FftDirection::Inverse } else { FftDirection::Forward };
                single(points, direction, Instructions::Any).process(&mut wanted);
                for path in SimdPath::ALL {
                    let simd = Simd::new(path);
                    let fft = Fft::new(points, simd.lanes());
                    let mut scratch = fft.scratch();
                    let (mut a, mut b) = (vec![0.0; points], vec![0.0; points]);
                    if back {
                        transform(simd, (&fft, &mut scratch), (&im, &re), (&mut b, &mut a));
                    } else {
                        transform(simd, (&fft, &mut scratch), (&re, &im), (&mut a, &mut b));
                    }
                    let off = |(z, (a, b)): (&Complex32, (&f32, &f32))| (z - Complex32::new(*a, *b)).norm();
                    let worst = wanted.iter().zip(a.iter().zip(&b)).map(off).fold(0.0, f32::max);
                    let most = wanted.iter().map(|z| z.norm()).fold(0.0, f32::max);
                    assert!(worst < 3e-6 * most, "{points} {back} {path:?}: {worst} of {most}");
                }
            }
        }
    }
}
