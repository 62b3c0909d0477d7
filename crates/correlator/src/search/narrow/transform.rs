//! Transforms of any length of numbers whose real and imaginary parts are apart.

use crate::fringe::Transforms;
use crate::simd::{self, FftScratch, Simd, SimdPath};
use num_complex::Complex32;

/// A forward transform: ours for powers of two up to 2^18, the library's for others.
pub(super) enum Transform {
    Own(Simd, Box<simd::Fft>, Box<FftScratch>),
    Library(Transforms, Vec<Complex32>),
}

impl Transform {
    /// Plans one.
    pub fn new(points: usize, path: SimdPath) -> Self {
        let simd = Simd::new(path);
        if simd::Fft::supports(points) {
            let fft = simd::Fft::new(points, simd.lanes());
            let scratch = Box::new(fft.scratch());
            return Self::Own(simd, Box::new(fft), scratch);
        }
        Self::Library(Transforms::new(simd.path()), vec![Complex32::default(); points])
    }

    /// Transforms `from` into `to`.
    pub fn forward(&mut self, from: (&[f32], &[f32]), to: (&mut [f32], &mut [f32])) {
        match self {
            Self::Own(simd, fft, scratch) => simd::transform(*simd, (fft, scratch), from, to),
            Self::Library(transforms, values) => {
                let parts = from.0.iter().zip(from.1);
                values.iter_mut().zip(parts).for_each(|(z, (re, im))| *z = Complex32::new(*re, *im));
                transforms.forward(values);
                let parts = to.0.iter_mut().zip(to.1.iter_mut());
                parts.zip(values).for_each(|((re, im), z)| (*re, *im) = (z.re, z.im));
            }
        }
    }

    /// Transforms `from` back into `to`.
    pub fn back(&mut self, from: (&[f32], &[f32]), to: (&mut [f32], &mut [f32])) {
        self.forward((from.1, from.0), (to.1, to.0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn back_is_the_inverse_at_any_length() {
        for points in [240, 256, 1000, 1 << 12] {
            let (re, im): (Vec<f32>, Vec<f32>) =
                (0..points).map(|i| ((i * i % 17) as f32, (i % 5) as f32 - 2.0)).unzip();
            for path in SimdPath::ALL {
                let mut transform = Transform::new(points, path);
                let zeros = || vec![0.0f32; points];
                let (mut a, mut b, mut c, mut d) = (zeros(), zeros(), zeros(), zeros());
                transform.forward((&re, &im), (&mut a, &mut b));
                transform.back((&a, &b), (&mut c, &mut d));
                let off = |x: &[f32], y: &[f32]| {
                    x.iter().zip(y).map(|(x, y)| (x - y / points as f32).abs()).fold(0.0, f32::max)
                };
                assert!(off(&re, &c) < 1e-4 && off(&im, &d) < 1e-4, "{points} {path:?}");
            }
        }
    }
}
