//! The ensemble between two steps.

use super::SamplerError;
use ndarray::{ArrayView1, ArrayView2};
use serde::{Deserialize, Serialize};

/// All that a step depends on, besides the seed and the moves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// Number of steps done.
    pub step: u64,
    /// Number of parameters.
    pub dim: usize,
    /// Positions, row-major (walker, parameter).
    pub positions: Vec<f64>,
    /// Log density of each walker.
    pub log_density: Vec<f64>,
    /// Accepted proposals of each walker since `step` 0 or since they were last set to zero.
    pub accepted: Vec<u64>,
}

impl State {
    /// Number of walkers.
    pub fn nwalkers(&self) -> usize {
        self.log_density.len()
    }

    /// Positions, shape (walker, parameter).
    ///
    /// # Panics
    /// If the fields were put together by hand and do not fit ([`State::check`]).
    pub fn positions(&self) -> ArrayView2<'_, f64> {
        rows(&self.positions, self.dim)
    }

    /// Log density of each walker.
    pub fn log_density(&self) -> ArrayView1<'_, f64> {
        ArrayView1::from(&self.log_density[..])
    }

    /// Position of one walker, length dim.
    pub fn walker(&self, k: usize) -> &[f64] {
        &self.positions[k * self.dim..(k + 1) * self.dim]
    }

    /// Checks that the arrays fit to `nwalkers` walkers of `dim` parameters, as after reading a stored state.
    ///
    /// # Errors
    /// [`SamplerError::Shape`] with the array that does not fit.
    pub fn check(&self, nwalkers: usize, dim: usize) -> Result<(), SamplerError> {
        let fits = |what, found, expected| {
            if found == expected { Ok(()) } else { Err(SamplerError::Shape { what, found, expected }) }
        };
        fits("parameters of the ensemble's state", self.dim, dim)?;
        fits("positions of the ensemble's state", self.positions.len(), nwalkers * dim)?;
        fits("log densities of the ensemble's state", self.log_density.len(), nwalkers)?;
        fits("accepted counts of the ensemble's state", self.accepted.len(), nwalkers)
    }
}

/// Sees row-major `values` as shape (point, parameter); their number is a multiple of `dim`.
#[allow(clippy::expect_used)] // whole rows are the callers' invariant
pub(super) fn rows(values: &[f64], dim: usize) -> ArrayView2<'_, f64> {
    ArrayView2::from_shape((values.len() / dim, dim), values).expect("whole rows of points")
}
