//! The seam where the parallelism enters.

use ndarray::ArrayView2;

/// Computes log densities of many points at once, by whatever means (a loop, threads, MPI ranks).
pub trait Evaluator {
    /// What can go wrong; it has to be able to carry the sampler's own errors too.
    type Error: From<super::SamplerError>;

    /// Writes the log density of each row of `points`, shape (n, dim), into `out`, length n.
    ///
    /// Minus infinity means outside the prior. NaN and plus infinity are refused by the caller. All ranks must
    /// receive the same values.
    ///
    /// # Errors
    /// Whatever stops the evaluation; the run ends.
    fn log_density(&mut self, points: ArrayView2<'_, f64>, out: &mut [f64]) -> Result<(), Self::Error>;
}

/// Evaluates a plain function point by point.
pub struct FnEvaluator<F>(
    /// Log density of one point, length dim.
    pub F,
);

impl<F: FnMut(&[f64]) -> f64> Evaluator for FnEvaluator<F> {
    type Error = super::SamplerError;

    fn log_density(&mut self, points: ArrayView2<'_, f64>, out: &mut [f64]) -> Result<(), Self::Error> {
        let mut point = vec![0.0; points.ncols()];
        for (row, value) in points.outer_iter().zip(out) {
            point.iter_mut().zip(row).for_each(|(p, &r)| *p = r);
            *value = (self.0)(&point);
        }
        Ok(())
    }
}
