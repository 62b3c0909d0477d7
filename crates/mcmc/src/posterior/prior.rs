//! What is known of one parameter before the fit.

use crate::normal::normal_below;
// The library's functions give the same bits on every machine; the system's do not.
use libm::{exp, log};
use rand::{Rng, RngExt};
use rand_distr::{Distribution, Normal};
use serde::{Deserialize, Serialize};
use std::f64::consts::PI;

/// A prior that cannot be.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum PriorError {
    /// The lower limit is not below the upper.
    #[error("the range [{low}, {high}] is empty: the lower limit comes first")]
    Empty {
        /// Lower limit.
        low: f64,
        /// Upper limit.
        high: f64,
    },
    /// A logarithm needs positive limits.
    #[error("a log-uniform prior needs positive limits, not [{low}, {high}]")]
    NotPositive {
        /// Lower limit.
        low: f64,
        /// Upper limit.
        high: f64,
    },
    /// A width that is not positive.
    #[error("the standard deviation {0} is not positive")]
    Width(f64),
    /// A normal prior with (almost) nothing left between its limits.
    #[error("the limits [{low}, {high}] leave nothing of the normal prior {mean} +- {sd}")]
    NothingLeft {
        /// Lower limit.
        low: f64,
        /// Upper limit.
        high: f64,
        /// Mean.
        mean: f64,
        /// Standard deviation.
        sd: f64,
    },
    /// A number that is not finite.
    #[error("{0} is not a finite number")]
    NotFinite(f64),
}

/// A normalised probability density of one parameter.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Prior {
    /// Constant between the limits.
    Uniform {
        /// Lower limit.
        low: f64,
        /// Upper limit.
        high: f64,
    },
    /// Proportional to 1/x between the limits.
    LogUniform {
        /// Lower limit, positive.
        low: f64,
        /// Upper limit.
        high: f64,
    },
    /// Normal between the limits, which may be infinite.
    Normal {
        /// Mean of the distribution without limits.
        mean: f64,
        /// Its standard deviation.
        sd: f64,
        /// Lower limit.
        low: f64,
        /// Upper limit.
        high: f64,
    },
}

/// As in a configuration.
impl std::fmt::Display for Prior {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Uniform { low, high } => write!(f, "uniform [{low}, {high}]"),
            Self::LogUniform { low, high } => write!(f, "log_uniform [{low}, {high}]"),
            Self::Normal { mean, sd, low, high } if low.is_finite() || high.is_finite() => {
                write!(f, "normal [{mean}, {sd}], limits [{low}, {high}]")
            }
            Self::Normal { mean, sd, .. } => write!(f, "normal [{mean}, {sd}]"),
        }
    }
}

impl Prior {
    /// Checks the numbers.
    ///
    /// # Errors
    /// [`PriorError`], saying which number is wrong.
    pub fn checked(self) -> Result<Self, PriorError> {
        let (low, high) = self.limits();
        match self {
            Self::Uniform { .. } | Self::LogUniform { .. } => finite(&[low, high])?,
            Self::Normal { mean, sd, .. } => finite(&[mean, sd])?,
        }
        if !matches!(low.partial_cmp(&high), Some(std::cmp::Ordering::Less)) {
            return Err(PriorError::Empty { low, high });
        }
        match self {
            Self::LogUniform { .. } if low <= 0.0 => Err(PriorError::NotPositive { low, high }),
            Self::Normal { sd, .. } if sd <= 0.0 => Err(PriorError::Width(sd)),
            Self::Normal { mean, sd, .. } if mass(mean, sd, low, high) < 1e-6 => {
                Err(PriorError::NothingLeft { low, high, mean, sd })
            }
            _ => Ok(self),
        }
    }

    /// The range outside of which the density is zero.
    pub fn limits(self) -> (f64, f64) {
        match self {
            Self::Uniform { low, high } | Self::LogUniform { low, high } | Self::Normal { low, high, .. } => {
                (low, high)
            }
        }
    }

    /// Standard deviation over the mean, limits of a normal prior aside; of a log-uniform one that of the logarithm.
    pub fn relative_spread(self) -> f64 {
        // That of a flat distribution of width 1.
        let flat = 1.0 / 12f64.sqrt();
        match self {
            Self::Uniform { low, high } => flat * (high - low) / (0.5 * (low + high)).abs(),
            Self::LogUniform { low, high } => flat * (log(high) - log(low)),
            Self::Normal { mean, sd, .. } => (sd / mean).abs(),
        }
    }

    /// Natural logarithm of the density at `x`; minus infinity outside of the limits.
    pub fn ln_density(self, x: f64) -> f64 {
        let (low, high) = self.limits();
        if !(low..=high).contains(&x) {
            return f64::NEG_INFINITY;
        }
        match self {
            Self::Uniform { .. } => -log(high - low),
            Self::LogUniform { .. } => -log(x) - log(log(high / low)),
            Self::Normal { mean, sd, .. } => {
                let z = (x - mean) / sd;
                -0.5 * z * z - 0.5 * log(2.0 * PI * sd * sd) - log(mass(mean, sd, low, high))
            }
        }
    }

    /// Derivative of [`ln_density`](Self::ln_density) by x, within the limits.
    pub fn slope_of_ln_density(self, x: f64) -> f64 {
        match self {
            Self::Uniform { .. } => 0.0,
            Self::LogUniform { .. } => -1.0 / x,
            Self::Normal { mean, sd, .. } => (mean - x) / (sd * sd),
        }
    }

    /// A draw from the prior.
    pub fn draw(self, rng: &mut impl Rng) -> f64 {
        let (low, high) = self.limits();
        match self {
            Self::Uniform { .. } => rng.random_range(low..high),
            Self::LogUniform { .. } => exp(rng.random_range(log(low)..log(high))).clamp(low, high),
            Self::Normal { mean, sd, .. } => {
                let normal = Normal::new(mean, sd).expect("a checked prior has a positive width");
                // A checked prior keeps at least 1e-6 of its mass: this ends.
                loop {
                    let x = normal.sample(rng);
                    if (low..=high).contains(&x) {
                        return x;
                    }
                }
            }
        }
    }
}

/// What the limits leave of a normal distribution.
fn mass(mean: f64, sd: f64, low: f64, high: f64) -> f64 {
    normal_below((high - mean) / sd) - normal_below((low - mean) / sd)
}

fn finite(numbers: &[f64]) -> Result<(), PriorError> {
    numbers.iter().find(|x| !x.is_finite()).map_or(Ok(()), |x| Err(PriorError::NotFinite(*x)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn some_prior() -> impl Strategy<Value = Prior> {
        let range = (-50.0f64..50.0, 0.1f64..100.0);
        prop_oneof![
            range.clone().prop_map(|(low, w)| Prior::Uniform { low, high: low + w }),
            (0.01f64..100.0, 1.1f64..1e4).prop_map(|(low, f)| Prior::LogUniform { low, high: low * f }),
            (range, 0.5f64..20.0, -1.0f64..1.0).prop_map(|((low, w), sd, shift)| Prior::Normal {
                mean: low + shift * sd,
                sd,
                low,
                high: low + w
            }),
        ]
    }

    proptest! {
        #[test]
        fn the_density_integrates_to_one(prior in some_prior()) {
            let prior = prior.checked().unwrap();
            let (low, high) = prior.limits();
            // Midpoints in the logarithm where the density is steep there.
            let n = 20_000;
            let log = matches!(prior, Prior::LogUniform { .. });
            let (a, b) = if log { (low.ln(), high.ln()) } else { (low, high) };
            let step = (b - a) / f64::from(n);
            let sum: f64 = (0..n).map(|i| {
                let t = a + (f64::from(i) + 0.5) * step;
                let (x, jacobian) = if log { (t.exp(), t.exp()) } else { (t, 1.0) };
                prior.ln_density(x).exp() * jacobian * step
            }).sum();
            prop_assert!((sum - 1.0).abs() < 1e-5, "{sum}");
        }

        #[test]
        fn draws_lie_within_the_limits(prior in some_prior(), seed in any::<u64>()) {
            let mut rng = mirinae_common::random::stream(seed, 0, 0);
            let (low, high) = prior.limits();
            for _ in 0..100 {
                let x = prior.draw(&mut rng);
                prop_assert!((low..=high).contains(&x) && prior.ln_density(x).is_finite());
            }
        }
    }

    #[test]
    fn impossible_priors_are_refused() {
        let normal = |mean, sd, low, high| Prior::Normal { mean, sd, low, high }.checked();
        assert!(matches!(Prior::Uniform { low: 2.0, high: 1.0 }.checked(), Err(PriorError::Empty { .. })));
        assert!(matches!(
            Prior::LogUniform { low: 0.0, high: 1.0 }.checked(),
            Err(PriorError::NotPositive { .. })
        ));
        assert!(matches!(normal(0.0, 0.0, -1.0, 1.0), Err(PriorError::Width(_))));
        assert!(matches!(normal(0.0, 1.0, 50.0, 60.0), Err(PriorError::NothingLeft { .. })));
        assert!(matches!(normal(f64::NAN, 1.0, 0.0, 1.0), Err(PriorError::NotFinite(_))));
        assert!(normal(0.0, 1.0, f64::NEG_INFINITY, f64::INFINITY).is_ok());
    }
}
