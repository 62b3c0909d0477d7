//! Noise and its correlation between channels, from the channels of a spectrum that are free of lines.

use crate::model::MAX_BAND;
use serde::{Deserialize, Serialize};

/// sigma / MAD of a Gaussian.
const SIGMA_PER_MAD: f64 = 1.482_602_218_505_602;
/// Channels further off than this many sigma belong to lines.
const CLIP: f64 = 3.5;
/// Channels on either side of a line's that are left out as well: its wings.
const WINGS: usize = 2;
/// Fewest channels that an estimate is made from.
const FEWEST: usize = 16;

/// Why there is no estimate.
pub const NO_NOISE: &str = "fewer than 16 channels are free of lines, or all hold the same value";

/// Noise of a spectrum.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Noise {
    /// Standard deviation (K), from the median absolute deviation.
    pub sigma_k: f64,
    /// Level of the channels free of lines (K).
    pub level_k: f64,
    /// Correlation of channels 1, 2, ... apart.
    pub correlation: [f64; MAX_BAND],
    /// Channels taken to be free of lines.
    pub n_used: usize,
    /// Channels with data.
    pub n_valid: usize,
}

/// Median; `None` of nothing. Values must be comparable.
pub(crate) fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let n = sorted.len();
    match n {
        0 => None,
        _ if n % 2 == 1 => Some(sorted[n / 2]),
        _ => Some(0.5 * (sorted[n / 2 - 1] + sorted[n / 2])),
    }
}

/// Centre and sigma from the shortest interval that holds half of the values (Rousseeuw & Leroy 1988,
/// Stat. Neerl. 42, 103): unlike the median it stays put when lines fill up to half of the channels.
fn shortest_half(values: &[f64]) -> (f64, f64) {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let half = sorted.len() / 2;
    let mut best = (f64::INFINITY, 0.0);
    for (low, high) in sorted.iter().zip(&sorted[half..]) {
        if high - low < best.0 {
            best = (high - low, 0.5 * (low + high));
        }
    }
    (best.1, 0.5 * best.0 * SIGMA_PER_MAD)
}

/// Marks the channels within `CLIP` sigma of the level whose neighbours are, too.
fn free_of_lines(t_k: &[f64], valid: &[bool], level_k: f64, sigma_k: f64) -> Vec<bool> {
    let in_line: Vec<bool> =
        t_k.iter().zip(valid).map(|(t, v)| *v && (t - level_k).abs() > CLIP * sigma_k).collect();
    (0..t_k.len())
        .map(|i| {
            let near = i.saturating_sub(WINGS)..(i + WINGS + 1).min(t_k.len());
            valid[i] && !in_line[near].contains(&true)
        })
        .collect()
}

/// Mean product of deviations of channels `lag` apart, both free of lines, over their variance.
fn correlation(deviation: &[f64], free: &[bool], lag: usize) -> f64 {
    let (mut product, mut n, mut square, mut m) = (0.0, 0usize, 0.0, 0usize);
    for i in 0..deviation.len() {
        if free[i] {
            square += deviation[i] * deviation[i];
            m += 1;
            if i + lag < deviation.len() && free[i + lag] {
                product += deviation[i] * deviation[i + lag];
                n += 1;
            }
        }
    }
    if n == 0 || square == 0.0 { 0.0 } else { (product / n as f64) / (square / m as f64) }
}

/// Noise of a spectrum of adjacent channels: lines are clipped until nothing changes, starting from the
/// shortest half; then the median absolute deviation and the correlations of what is left.
/// `None` where fewer than 16 channels are free of lines, or where all hold the same value.
pub fn estimate_noise(t_k: &[f64], valid: &[bool]) -> Option<Noise> {
    let all: Vec<f64> = t_k.iter().zip(valid).filter(|(_, valid)| **valid).map(|(t, _)| *t).collect();
    if all.len() < FEWEST {
        return None;
    }
    let (mut level_k, mut sigma_k) = shortest_half(&all);
    let mut free = free_of_lines(t_k, valid, level_k, sigma_k);
    for _ in 0..50 {
        let kept: Vec<f64> = t_k.iter().zip(&free).filter(|(_, free)| **free).map(|(t, _)| *t).collect();
        if kept.len() < FEWEST {
            return None;
        }
        level_k = median(&kept)?;
        let deviation: Vec<f64> = kept.iter().map(|t| (t - level_k).abs()).collect();
        sigma_k = SIGMA_PER_MAD * median(&deviation)?;
        let next = free_of_lines(t_k, valid, level_k, sigma_k);
        if next == free {
            break;
        }
        free = next;
    }
    let n_used = free.iter().filter(|free| **free).count();
    if n_used < FEWEST || sigma_k <= 0.0 {
        return None;
    }
    let deviation: Vec<f64> = t_k.iter().map(|t| t - level_k).collect();
    let correlation = std::array::from_fn(|k| correlation(&deviation, &free, k + 1));
    Some(Noise { sigma_k, level_k, correlation, n_used, n_valid: all.len() })
}

/// The same after a straight line through the medians of the first and the last third of the channels is taken off.
pub fn estimate_noise_without_slope(freq_mhz: &[f64], t_k: &[f64], valid: &[bool]) -> Option<Noise> {
    let good: Vec<usize> = (0..t_k.len()).filter(|i| valid[*i]).collect();
    let third = good.len() / 3;
    let middle = |part: &[usize]| {
        let of = |values: &[f64]| median(&part.iter().map(|i| values[*i]).collect::<Vec<f64>>());
        Some((of(freq_mhz)?, of(t_k)?))
    };
    let ((first_mhz, first_k), (last_mhz, last_k)) =
        (middle(&good[..third])?, middle(&good[good.len() - third..])?);
    let per_mhz = (last_k - first_k) / (last_mhz - first_mhz);
    let flat: Vec<f64> = t_k.iter().zip(freq_mhz).map(|(t, f)| t - per_mhz * (f - first_mhz)).collect();
    estimate_noise(&flat, valid)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_distr::{Distribution, StandardNormal};

    fn white(n: usize, step: u64) -> Vec<f64> {
        let mut stream = mirinae_common::random::stream(7, 0, step);
        (0..n).map(|_| StandardNormal.sample(&mut stream)).collect()
    }

    #[test]
    fn measures_white_noise_beneath_many_lines() {
        let mut t_k: Vec<f64> = white(4000, 1).iter().map(|t| 0.3 * t + 0.1).collect();
        // Lines over 30 % of the channels.
        for (i, t) in t_k.iter_mut().enumerate() {
            *t += 20.0 * (-0.5 * ((i % 60) as f64 - 30.0).powi(2) / 9.0).exp();
        }
        t_k[17] = f64::NAN;
        let valid: Vec<bool> = t_k.iter().map(|t| t.is_finite()).collect();
        let noise = estimate_noise(&t_k, &valid).unwrap();
        assert!((noise.sigma_k / 0.3 - 1.0).abs() < 0.05, "{noise:?}");
        assert!((noise.level_k - 0.1).abs() < 0.03 && noise.correlation[0].abs() < 0.06, "{noise:?}");
        assert_eq!(noise.n_valid, 3999);
        let plain = (t_k.iter().filter(|t| t.is_finite()).map(|t| t * t).sum::<f64>() / 3999.0).sqrt();
        assert!(plain > 10.0 * noise.sigma_k, "the control: the plain rms is all lines");
    }

    #[test]
    fn sees_the_correlation_of_hanning_smoothing() {
        let white = white(20_000, 2);
        let t_k: Vec<f64> = white.windows(3).map(|w| 0.25 * w[0] + 0.5 * w[1] + 0.25 * w[2]).collect();
        let noise = estimate_noise(&t_k, &vec![true; t_k.len()]).unwrap();
        assert!(
            (noise.correlation[0] - 2.0 / 3.0).abs() < 0.03
                && (noise.correlation[1] - 1.0 / 6.0).abs() < 0.03,
            "{noise:?}"
        );
        assert!((noise.sigma_k / 0.375f64.sqrt() - 1.0).abs() < 0.03);
        // Differences of neighbours, over sqrt 2, would say 42 % less: the noise of white channels alone.
        let square: f64 = t_k.windows(2).map(|pair| (pair[1] - pair[0]).powi(2)).sum();
        let by_differences = (0.5 * square / t_k.len() as f64).sqrt();
        assert!((by_differences / noise.sigma_k - (1.0f64 - 2.0 / 3.0).sqrt()).abs() < 0.03);
    }

    #[test]
    fn a_slope_is_no_noise() {
        let freq_mhz: Vec<f64> = (0..3000).map(f64::from).collect();
        let t_k: Vec<f64> = white(3000, 4).iter().zip(&freq_mhz).map(|(t, f)| 0.2 * t + 1e-3 * f).collect();
        let valid = vec![true; t_k.len()];
        let noise = estimate_noise_without_slope(&freq_mhz, &t_k, &valid).unwrap();
        assert!((noise.sigma_k / 0.2 - 1.0).abs() < 0.05 && noise.correlation[0].abs() < 0.06, "{noise:?}");
        // Negative control: with it channels seem correlated.
        assert!(estimate_noise(&t_k, &valid).unwrap().correlation[0] > 0.5);
        assert_eq!(estimate_noise_without_slope(&freq_mhz[..2], &t_k[..2], &valid[..2]), None);
    }

    #[test]
    fn says_nothing_of_too_little() {
        assert_eq!(estimate_noise(&[1.0; 100], &[true; 100]), None);
        assert_eq!(estimate_noise(&white(100, 3), &[false; 100]), None);
        assert_eq!(estimate_noise(&[], &[]), None);
    }
}
