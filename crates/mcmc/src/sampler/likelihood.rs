//! The seam between gradient samplers and what they sample.

/// A likelihood over parameters whose prior is the standard normal distribution.
///
/// Any prior can be brought to this form by its cumulative distribution, so that the samplers know the prior and its
/// draws, and can temper the likelihood alone.
pub trait Likelihood {
    /// Number of parameters.
    fn dim(&self) -> usize;

    /// Natural logarithm of the likelihood at `z`, and its derivatives, written to `gradient` (both of length dim).
    /// Minus infinity where it is not defined; what is in `gradient` does not count then.
    fn ln_likelihood(&mut self, z: &[f64], gradient: &mut [f64]) -> f64;
}

/// Takes a plain function for a likelihood.
pub struct FnLikelihood<F> {
    /// Number of parameters.
    pub dim: usize,
    /// Logarithm of the likelihood; writes the gradient to its second argument.
    pub function: F,
}

impl<F: FnMut(&[f64], &mut [f64]) -> f64> Likelihood for FnLikelihood<F> {
    fn dim(&self) -> usize {
        self.dim
    }

    fn ln_likelihood(&mut self, z: &[f64], gradient: &mut [f64]) -> f64 {
        (self.function)(z, gradient)
    }
}
