//! Fourier transforms of single precision, each length planned once.

use mirinae_fourier::{Fft, FftDirection, Instructions, single};
use mirinae_simd::SimdPath;
use num_complex::Complex32;
use std::sync::Arc;

/// Transforms with the vector instructions of a path.
pub(crate) struct Transforms {
    path: SimdPath,
    planned: Vec<Arc<dyn Fft<f32>>>,
    scratch: Vec<Complex32>,
}

impl Transforms {
    /// Nothing is planned yet.
    pub(crate) fn new(path: SimdPath) -> Self {
        Self { path, planned: Vec::new(), scratch: Vec::new() }
    }

    /// Transforms in place, from sample to frequency.
    pub(crate) fn forward(&mut self, values: &mut [Complex32]) {
        let fft = self.plan(values.len());
        self.scratch.resize(fft.get_inplace_scratch_len().max(self.scratch.len()), Complex32::default());
        let scratch = &mut self.scratch[..fft.get_inplace_scratch_len()];
        fft.process_with_scratch(values, scratch);
    }

    fn plan(&mut self, n: usize) -> Arc<dyn Fft<f32>> {
        if let Some(fft) = self.planned.iter().find(|fft| fft.len() == n) {
            return Arc::clone(fft);
        }
        let fft = forward(n, self.path);
        self.planned.push(Arc::clone(&fft));
        fft
    }
}

/// A forward transform with the vector instructions of a path.
pub(crate) fn forward(n: usize, path: SimdPath) -> Arc<dyn Fft<f32>> {
    let instructions = if path >= SimdPath::Avx2 { Instructions::Avx } else { Instructions::Scalar };
    single(n, FftDirection::Forward, instructions)
}
