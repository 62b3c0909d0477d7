//! What noise alone does: probabilities of sums of powers, and how they are told.

use std::f64::consts::{FRAC_1_SQRT_2, TAU};

/// Natural logarithm of the probability that the sum of `n` independent powers of noise, each with mean 1, exceeds `x`.
///
/// A power is |S|^2 over its mean, S complex Gaussian: exponentially distributed; the sum has Erlang's distribution,
/// `exp(-x) sum_{k<n} x^k / k!`.
pub fn ln_chance(n: usize, x: f64) -> f64 {
    ln_chance_of_halves(2 * n, x)
}

/// Natural logarithm of the probability that a sum of half as many powers exceeds `x`, squares of real Gaussians with mean 1/2; of an odd number, at most a
/// little too large: erfc(sqrt(x)) <= exp(-x) / sqrt(pi x).
pub fn ln_chance_of_halves(halves: usize, x: f64) -> f64 {
    if x <= 0.0 || halves == 0 {
        return 0.0;
    }
    // From the last term, the largest where x > n, downwards.
    let n = 0.5 * halves as f64;
    let mut sum = 1.0;
    let mut term = 1.0;
    let mut k = n - 1.0;
    while k > 0.0 {
        term *= k / x;
        sum += term;
        k -= 1.0;
    }
    let ln_last = (n - 1.0) * x.ln() - libm::lgamma(n);
    (ln_last - x + libm::log(sum)).min(0.0)
}

/// Natural logarithm of the probability that noise has powers of probability p, at most that of `ln_first` (a), and correlates
/// with a probability q, so that p q is as small: x = p q is undercut by noise with x (1 + ln(a / x)).
pub fn ln_joint(ln_power: f64, ln_coherence: f64, ln_first: f64) -> f64 {
    let product = ln_power.min(ln_first) + ln_coherence;
    (product + libm::log1p(ln_first - product)).min(0.0)
}

/// Standard deviations that a real Gaussian exceeds with a probability of `exp(ln_p)`, a half at most, by bisection.
pub fn deviation(ln_p: f64) -> f64 {
    let ln_tail = |s: f64| {
        if s < 20.0 {
            libm::log(0.5 * libm::erfc(s * FRAC_1_SQRT_2))
        } else {
            -0.5 * s * s - libm::log(s * TAU.sqrt())
        }
    };
    let (mut low, mut high) = (0.0, sigma(ln_p));
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        (low, high) = if ln_tail(middle) > ln_p { (middle, high) } else { (low, middle) };
    }
    low
}

/// The sum of `n` powers that noise exceeds with a probability of `exp(ln_p)`, by bisection.
pub fn power_of(n: usize, ln_p: f64) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    while ln_chance(n, high) > ln_p && high < 1e12 {
        (low, high) = (high, 2.0 * high);
    }
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        (low, high) = if ln_chance(n, middle) > ln_p { (middle, high) } else { (low, middle) };
    }
    high
}

/// [`ln_chance`] of the powers of several stations, `cells` in all, whose noise has the same coherence between any two: their covariance has
/// the eigenvalues 1 + (stations - 1) coherence, once, and 1 - coherence. Of all covariances with the same mean square coherence
/// this has the largest, and such sums scatter most. The ratio to independent noise is that of the saddle points (Daniels 1954, Ann. Math. Stat. 25, 631).
pub fn ln_chance_of_alike((cells, stations): (usize, usize), coherence: f64, x: f64) -> f64 {
    let (independent, others) = (ln_chance(cells, x), stations.max(1) as f64 - 1.0);
    if coherence <= 0.0 || others == 0.0 || x <= cells as f64 {
        return independent;
    }
    let n = cells as f64 / (others + 1.0);
    let ln_tail = |coherence: f64| {
        let of = [(1.0, 1.0 + others * coherence), (others, 1.0 - coherence)];
        let sum =
            |term: &dyn Fn(f64) -> f64| of.iter().map(|(times, value)| n * times * term(*value)).sum::<f64>();
        // The tilt exp(tilt x) that makes x the mean, by bisection.
        let (mut low, mut high) = (0.0, 1.0 / of[0].1);
        for _ in 0..100 {
            let tilt = 0.5 * (low + high);
            (low, high) = if sum(&|v| v / (1.0 - tilt * v)) < x { (tilt, high) } else { (low, tilt) };
        }
        let variance = sum(&|v| (v / (1.0 - low * v)) * (v / (1.0 - low * v)));
        -sum(&|v| libm::log1p(-low * v)) - low * x - libm::log(low * variance.sqrt())
    };
    (independent + ln_tail(coherence.min(0.99)) - ln_tail(0.0)).min(0.0)
}

/// [`ln_chance`] for any, also large and fractional, number of powers: Temme's expansion of the incomplete gamma function (1979,
/// SIAM J. Math. Anal. 10, 757) to its first correction, which is good to 1/n of the probability.
pub fn ln_chance_of_many(n: f64, x: f64) -> f64 {
    if n < 1.0 {
        return 0.0;
    }
    if n < 200.0 {
        return ln_chance(n.round() as usize, x * n.round() / n);
    }
    let excess = x / n - 1.0;
    if excess <= -0.5 {
        return 0.0;
    }
    // eta^2 / 2 = x/n - 1 - ln(x/n): as a series where the difference would cancel.
    let half_square = if excess.abs() < 1e-4 {
        excess * excess * (0.5 - excess / 3.0 + 0.25 * excess * excess)
    } else {
        excess - libm::log1p(excess)
    };
    let eta = excess.signum() * (2.0 * half_square).sqrt();
    let near = eta * (0.5 * n).sqrt();
    let correction = if excess.abs() < 1e-3 { -1.0 / 3.0 + eta / 12.0 } else { 1.0 / excess - 1.0 / eta };
    // Both terms share exp(-n eta^2 / 2).
    let scale = correction / (TAU * n).sqrt();
    if near < 5.0 {
        let chance = 0.5 * libm::erfc(near) + scale * libm::exp(-near * near);
        return libm::log(chance.max(1e-300)).min(0.0);
    }
    let inverse = 1.0 / (near * near);
    let tail = 1.0 - inverse * (0.5 - inverse * (0.75 - inverse * (1.875 - 6.5625 * inverse)));
    let tail = tail / (2.0 * near * std::f64::consts::PI.sqrt());
    -near * near + libm::log(tail + scale)
}

/// The amplitude, in standard deviations of one component, that a single complex Gaussian exceeds with the same probability:
/// `exp(-sigma^2 / 2)`. What the search calls sigma.
pub fn sigma(ln_chance: f64) -> f64 {
    (-2.0 * ln_chance).max(0.0).sqrt()
}

/// Probability that one of `trials` exceeds what each does with a probability of `exp(ln_chance)`.
pub fn of_any(ln_chance: f64, trials: f64) -> f64 {
    -libm::expm1(trials * libm::log1p(-libm::exp(ln_chance).min(1.0 - 1e-16)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_of_powers_have_erlangs_distribution() {
        assert!((ln_chance(1, 3.0) + 3.0).abs() < 1e-14);
        let two = libm::log(libm::exp(-5.0) * 6.0);
        assert!((ln_chance(2, 5.0) - two).abs() < 1e-12);
        // chi^2 with 6 degrees of freedom exceeds 12.592 in one case of twenty.
        assert!((libm::exp(ln_chance(3, 12.591_587 / 2.0)) - 0.05).abs() < 1e-7);
        assert_eq!(ln_chance(4, 0.0), 0.0);
        assert!([1, 3, 700].iter().all(|&n| (ln_chance(n, power_of(n, -20.7)) + 20.7).abs() < 1e-6));
        assert!(ln_chance(2, 800.0).is_finite() && ln_chance(2, 800.0) < -790.0);
    }

    #[test]
    fn many_powers_are_as_the_exact_sum() {
        for n in [64usize, 200, 1000, 20_000] {
            for sigma in [-2.0, 0.0, 0.01, 1.0, 3.0, 6.0, 7.0, 12.0, 80.0] {
                let x = n as f64 + sigma * (n as f64).sqrt();
                let (exact, found) = (ln_chance(n, x), ln_chance_of_many(n as f64, x));
                assert!((exact - found).abs() < 2e-3, "{n} {sigma}: {exact} {found}");
            }
        }
        assert!(ln_chance_of_many(1e8, 1e8 + 1e6).is_finite() && ln_chance_of_many(0.0, 1.0) == 0.0);
    }

    #[test]
    fn sigma_is_that_of_one_amplitude() {
        assert!((sigma(ln_chance(1, 0.5 * 6.44 * 6.44)) - 6.44).abs() < 1e-12);
        assert!((libm::exp(-0.5 * 6.44 * 6.44) - 1e-9).abs() < 2e-11);
        assert!((of_any(libm::log(1e-9), 1e3) - 1e-6).abs() < 1e-9);
        assert!(of_any(0.0, 1.0) > 0.999);
    }
}
