//! Fourier transforms of single precision, each length planned once.

use crate::simd::SimdPath;
use num_complex::Complex32;
use rustfft::{Fft, FftDirection, FftPlannerAvx, FftPlannerScalar};
use std::sync::Arc;

/// Transforms with the vector instructions of a path.
pub(crate) struct Transforms {
    planner: Planner,
    planned: Vec<Arc<dyn Fft<f32>>>,
    scratch: Vec<Complex32>,
}

enum Planner {
    Avx(FftPlannerAvx<f32>),
    Scalar(FftPlannerScalar<f32>),
}

impl Transforms {
    /// Nothing is planned yet.
    pub(crate) fn new(path: SimdPath) -> Self {
        let avx = if path >= SimdPath::Avx2 { FftPlannerAvx::new().ok() } else { None };
        let planner = avx.map_or_else(|| Planner::Scalar(FftPlannerScalar::new()), Planner::Avx);
        Self { planner, planned: Vec::new(), scratch: Vec::new() }
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
        let fft = match &mut self.planner {
            Planner::Avx(planner) => planner.plan_fft(n, FftDirection::Forward),
            Planner::Scalar(planner) => planner.plan_fft(n, FftDirection::Forward),
        };
        self.planned.push(Arc::clone(&fft));
        fft
    }
}
