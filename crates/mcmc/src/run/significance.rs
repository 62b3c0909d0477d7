//! From the fall of ln likelihood without some parameters to a significance in standard deviations.

/// Standard deviations as unlikely as `twice_ln_ratio`, which is distributed as chi^2 of `parameters` degrees of freedom where
/// there is nothing (Wilks 1938, Ann. Math. Stat. 9, 60); both sides of a normal distribution. With one parameter it is the root.
///
/// Column densities cannot be negative, and priors bind the other parameters: the true significance is higher, if anything.
pub(super) fn sigma(twice_ln_ratio: f64, parameters: usize) -> f64 {
    if twice_ln_ratio.is_nan() || twice_ln_ratio <= 0.0 {
        return 0.0;
    }
    let aim = ln_chi2_above(twice_ln_ratio, parameters.max(1));
    // The root is the answer for one parameter and too large for more.
    let (mut low, mut high) = (0.0, twice_ln_ratio.sqrt());
    for _ in 0..100 {
        let middle = 0.5 * (low + high);
        if ln_chi2_above(middle * middle, 1) > aim { low = middle } else { high = middle }
    }
    0.5 * (low + high)
}

/// ln of the probability that chi^2 of `n` degrees of freedom is above `x`: the sum that integration by parts gives
/// (Abramowitz & Stegun 26.4.4, 26.4.5), its terms from the first one in logarithms.
fn ln_chi2_above(x: f64, n: usize) -> f64 {
    let half = 0.5 * x;
    let odd = n % 2 == 1;
    // Terms half^k e^-half / Gamma(k + 1), k = 0, 1, ... below n/2, or 1/2, 3/2, ...
    let mut total = if odd { ln_erfc(half.sqrt()) } else { f64::NEG_INFINITY };
    let mut k = if odd { 0.5 } else { 0.0 };
    while k < 0.5 * n as f64 - 0.25 {
        total = ln_add(total, k * libm::log(half) - half - libm::lgamma(k + 1.0));
        k += 1.0;
    }
    total
}

/// ln erfc(x) for x >= 0, where erfc itself is too small for a number, too.
fn ln_erfc(x: f64) -> f64 {
    if x < 20.0 {
        return libm::log(libm::erfc(x));
    }
    let y = 1.0 / (2.0 * x * x);
    -x * x - libm::log(x * std::f64::consts::PI.sqrt()) + libm::log1p(-y + 3.0 * y * y - 15.0 * y * y * y)
}

fn ln_add(a: f64, b: f64) -> f64 {
    let (low, high) = if a < b { (a, b) } else { (b, a) };
    if low == f64::NEG_INFINITY { high } else { high + libm::log1p(libm::exp(low - high)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_parameter_gives_the_root() {
        for root in [0.3, 1.0, 5.0, 30.0, 500.0] {
            assert!((sigma(root * root, 1) / root - 1.0).abs() < 1e-9, "{root}");
        }
    }

    #[test]
    fn tabulated_values_of_chi2_are_met() {
        // Upper 5 % and 0.1 % of chi^2 (any table).
        let cases =
            [(3.841, 1, 0.05), (5.991, 2, 0.05), (7.815, 3, 0.05), (9.488, 4, 0.05), (18.467, 4, 0.001)];
        for (x, n, p) in cases {
            assert!((libm::exp(ln_chi2_above(x, n)) / p - 1.0).abs() < 2e-3, "{x} {n}");
        }
    }

    #[test]
    fn more_parameters_make_the_same_fall_less_significant() {
        assert_eq!(sigma(-3.0, 4), 0.0);
        let of: Vec<f64> = (1..6).map(|n| sigma(25.0, n)).collect();
        assert!(of.windows(2).all(|w| w[0] > w[1]), "{of:?}");
        // 0.05 is 1.96 sigma.
        assert!((sigma(9.488, 4) - 1.95996).abs() < 1e-3);
        let huge = sigma(1e6, 5);
        assert!(huge > 990.0 && huge < 1000.0, "{huge}");
    }
}
