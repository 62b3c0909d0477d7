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

impl<L: Likelihood> Likelihood for &mut L {
    fn dim(&self) -> usize {
        (**self).dim()
    }

    fn ln_likelihood(&mut self, z: &[f64], gradient: &mut [f64]) -> f64 {
        (**self).ln_likelihood(z, gradient)
    }
}

/// A likelihood that lets other work be looked after now and then, and counts.
pub struct Ticking<'t, L> {
    /// The likelihood itself.
    pub inner: L,
    /// Evaluations so far.
    pub gradients: u64,
    every: u64,
    tick: &'t mut dyn FnMut(),
}

impl<'t, L> Ticking<'t, L> {
    /// Calls `tick` before every evaluation whose number is a multiple of `every`.
    pub fn new(inner: L, every: u64, tick: &'t mut dyn FnMut()) -> Self {
        Self { inner, gradients: 0, every, tick }
    }
}

impl<L: Likelihood> Likelihood for Ticking<'_, L> {
    fn dim(&self) -> usize {
        self.inner.dim()
    }

    fn ln_likelihood(&mut self, z: &[f64], gradient: &mut [f64]) -> f64 {
        self.gradients += 1;
        if self.gradients.is_multiple_of(self.every) {
            (self.tick)();
        }
        self.inner.ln_likelihood(z, gradient)
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_work_is_looked_after_every_few_evaluations() {
        let mut ticks = 0;
        let mut tick = || ticks += 1;
        let mut plain = FnLikelihood { dim: 1, function: |z: &[f64], _: &mut [f64]| z[0] };
        let mut ticking = Ticking::new(&mut plain, 3, &mut tick);
        let values: Vec<f64> = (0..7).map(|k| ticking.ln_likelihood(&[f64::from(k)], &mut [0.0])).collect();
        assert_eq!((ticking.gradients, ticking.dim()), (7, 1));
        assert_eq!(values, [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        assert_eq!(ticks, 2);
    }
}
