//! Correlations that noise can have: how far they reach, and that they make a positive covariance.

/// The power of noise with unit variance at any frequency, at least: less would say that some combination of channels
/// has (almost) no noise. Hanning-smoothed noise has none at the highest frequency.
const LEAST_POWER: f64 = 0.01;
/// Power below which correlations are no rounded or estimated ones of any noise.
const IMPOSSIBLE: f64 = -0.1;

/// The correlations at the lags at which they stand out of their own errors (2 / sqrt(n) for n channels), up to the first
/// that does not.
pub fn significant(correlation: &[f64], n_used: usize) -> &[f64] {
    let error = (n_used as f64).sqrt().recip();
    let n = correlation.iter().take_while(|r| r.abs() > 2.0 * error).count();
    &correlation[..n]
}

/// The correlations, all reduced by one factor where the power of such noise would else fall below a hundredth of its mean
/// at some frequency (or be negative), and that factor. `None` where no noise can be correlated so.
pub fn made_positive(correlation: &[f64]) -> Option<(Vec<f64>, f64)> {
    if correlation.iter().any(|r| !r.is_finite()) {
        return None;
    }
    (least_power(correlation) >= IMPOSSIBLE).then(|| tapered(correlation))
}

/// The same of an estimate, which may be off by more: always possible.
pub fn tapered(correlation: &[f64]) -> (Vec<f64>, f64) {
    let least = least_power(correlation);
    let factor = if least < LEAST_POWER { (1.0 - LEAST_POWER) / (1.0 - least) } else { 1.0 };
    (correlation.iter().map(|r| r * factor).collect(), factor)
}

/// The least power `1 + 2 sum r_k cos(k t)` over all frequencies t.
fn least_power(correlation: &[f64]) -> f64 {
    let power = |t: f64| {
        1.0 + 2.0 * correlation.iter().zip(1..).map(|(r, k)| r * libm::cos(f64::from(k) * t)).sum::<f64>()
    };
    (0..=1024).map(|i| power(std::f64::consts::PI * f64::from(i) / 1024.0)).fold(f64::INFINITY, f64::min)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_what_is_significant() {
        assert_eq!(significant(&[0.46, 0.05, 0.2], 500), [0.46]);
        assert_eq!(significant(&[0.46, 0.12, -0.1, 0.0], 500), [0.46, 0.12, -0.1]);
        assert!(significant(&[0.05], 500).is_empty());
    }

    #[test]
    fn leaves_good_ones_and_reduces_the_others() {
        assert_eq!(made_positive(&[0.46, 0.05]), Some((vec![0.46, 0.05], 1.0)));
        // Hanning: no power at the highest frequency.
        let (reduced, factor) = made_positive(&[2.0 / 3.0, 1.0 / 6.0]).unwrap();
        assert!((factor - 0.99).abs() < 1e-9 && (reduced[0] - 0.66).abs() < 1e-9);
        assert!((least_power(&reduced) - LEAST_POWER).abs() < 1e-9);
        assert!(made_positive(&[0.67, 0.16]).unwrap().1 < 0.98);
        assert_eq!(made_positive(&[0.9]), None);
        assert_eq!(made_positive(&[f64::NAN]), None);
        let (reduced, _) = tapered(&[0.9]);
        assert!((least_power(&reduced) - LEAST_POWER).abs() < 1e-9);
    }
}
