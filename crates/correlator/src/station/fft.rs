//! Chooses the transform's instruction set, the same one on all ranks.
use rustfft::{Fft, FftPlannerAvx, FftPlannerScalar, FftPlannerSse};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The instruction set of the transforms. Results of the paths differ by rounding, so a run keeps to one of
/// them: the best that all of its hosts have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum FftPath {
    /// No vector instructions.
    Scalar,
    /// SSE4.1.
    Sse,
    /// AVX and FMA.
    Avx,
}

impl FftPath {
    /// The best path of this host.
    pub fn best() -> Self {
        if FftPlannerAvx::<f32>::new().is_ok() {
            Self::Avx
        } else if FftPlannerSse::<f32>::new().is_ok() {
            Self::Sse
        } else {
            Self::Scalar
        }
    }

    /// Plans a forward, unnormalised transform. A path that this host has not falls back to the next lower
    /// one; runs compare [`Self::best`] of all hosts beforehand.
    pub fn plan(self, n: usize) -> Arc<dyn Fft<f32>> {
        match self {
            Self::Avx => match FftPlannerAvx::new() {
                Ok(mut planner) => planner.plan_fft_forward(n),
                Err(()) => Self::Sse.plan(n),
            },
            Self::Sse => match FftPlannerSse::new() {
                Ok(mut planner) => planner.plan_fft_forward(n),
                Err(()) => Self::Scalar.plan(n),
            },
            Self::Scalar => FftPlannerScalar::new().plan_fft_forward(n),
        }
    }
}
