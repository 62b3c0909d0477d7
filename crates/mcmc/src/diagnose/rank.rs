//! R-hat and effective sample sizes of rank-normalised split chains.
//!
//! Vehtari, Gelman, Simpson, Carpenter & Bürkner (2021, Bayesian Analysis 16, 667; arXiv:1903.08008). All functions
//! take samples of shape (draw, chain) of one parameter; each chain is split in two halves (of an odd number the
//! middle draw is left out). They give NaN where there are fewer than 4 draws a chain, a value is not finite or all
//! are equal.

use super::autocorrelation::{Autocovariance, least_time};
use super::quantile::{quantile, sorted};
use crate::normal::normal_quantile;
use ndarray::{Array2, ArrayView2, Axis, concatenate, s};

/// Rank-normalised split R-hat: the larger of that of the values and that of their distances from the median.
pub fn r_hat(samples: ArrayView2<'_, f64>) -> f64 {
    let Some(halves) = split(samples) else { return f64::NAN };
    let median = quantile(&sorted(halves.iter().copied()), 0.5);
    let folded = halves.mapv(|x| (x - median).abs());
    plain_r_hat(&rank_normalised(&halves)).max(plain_r_hat(&rank_normalised(&folded)))
}

/// Effective sample size in the bulk: for means and medians.
pub fn ess_bulk(samples: ArrayView2<'_, f64>) -> f64 {
    split(samples).map_or(f64::NAN, |halves| ess(&rank_normalised(&halves)))
}

/// Effective sample size in the tails: the smaller of those of the quantiles 5 % and 95 %.
pub fn ess_tail(samples: ArrayView2<'_, f64>) -> f64 {
    let Some(halves) = split(samples) else { return f64::NAN };
    // The quantile is that of all draws, the middle one of an odd number included.
    let all = sorted(samples.iter().copied());
    let below = |p| {
        let limit = quantile(&all, p);
        ess(&halves.mapv(|x| f64::from(x <= limit)))
    };
    below(0.05).min(below(0.95))
}

/// Both halves of each chain, shape (draw, 2 chains).
fn split(samples: ArrayView2<'_, f64>) -> Option<Array2<f64>> {
    let (n, half) = (samples.nrows(), samples.nrows() / 2);
    let first = samples.iter().next()?;
    let usable = n >= 4 && samples.iter().all(|x| x.is_finite()) && samples.iter().any(|x| x != first);
    let halves = [samples.slice(s![..half, ..]), samples.slice(s![n - half.., ..])];
    usable.then(|| concatenate(Axis(1), &halves).ok()).flatten()
}

/// Each value replaced by the normal quantile of its rank; equal values share their mean rank (their equation 14).
fn rank_normalised(values: &Array2<f64>) -> Array2<f64> {
    let flat: Vec<f64> = values.iter().copied().collect();
    let total = flat.len() as f64;
    let mut order: Vec<usize> = (0..flat.len()).collect();
    order.sort_by(|&a, &b| flat[a].total_cmp(&flat[b]));
    // Iterators follow the axes; `mapv` would follow the memory, whose order depends on how the array was made.
    let mut scores = vec![0.0; flat.len()];
    let mut start = 0;
    while start < order.len() {
        let equal = order[start..].iter().take_while(|&&k| flat[k] == flat[order[start]]).count();
        let rank = start as f64 + 0.5 * (equal as f64 + 1.0);
        let score = normal_quantile((rank - 0.375) / (total + 0.25));
        order[start..start + equal].iter().for_each(|&k| scores[k] = score);
        start += equal;
    }
    let mut normalised = values.clone();
    normalised.iter_mut().zip(scores).for_each(|(n, s)| *n = s);
    normalised
}

/// R-hat as it is (their equations 1 to 4), shape (draw, chain).
fn plain_r_hat(chains: &Array2<f64>) -> f64 {
    let n = chains.nrows() as f64;
    let means: Vec<f64> = chains.columns().into_iter().map(|c| c.sum() / n).collect();
    let within: f64 =
        chains.columns().into_iter().zip(&means).map(|(c, &m)| variance(c.iter(), m)).sum::<f64>();
    let within = within / means.len() as f64;
    let between = n * variance(means.iter(), means.iter().sum::<f64>() / means.len() as f64);
    ((between / within + n - 1.0) / n).sqrt()
}

/// Unbiased variance around a known mean of the same values.
fn variance<'a>(values: impl ExactSizeIterator<Item = &'a f64>, mean: f64) -> f64 {
    let n = values.len() as f64;
    values.map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0)
}

/// Effective sample size of chains (their equations 10 to 13), shape (draw, chain): autocorrelations of all chains
/// combined, cut by Geyer's initial positive sequence of pairs and smoothed by his initial monotone sequence.
fn ess(chains: &Array2<f64>) -> f64 {
    let (n, m) = chains.dim();
    let mut transform = Autocovariance::new(n);
    let (mut mean_covariance, mut one) = (vec![0.0; n], vec![0.0; n]);
    for series in chains.columns() {
        transform.compute(series, &mut one);
        mean_covariance.iter_mut().zip(&one).for_each(|(s, c)| *s += c / m as f64);
    }
    let within = mean_covariance[0] * n as f64 / (n as f64 - 1.0);
    let means: Vec<f64> = chains.columns().into_iter().map(|c| c.sum() / n as f64).collect();
    let between = variance(means.iter(), means.iter().sum::<f64>() / m as f64);
    let total = mean_covariance[0] + if m > 1 { between } else { 0.0 };
    if total <= 0.0 {
        return f64::NAN;
    }
    let rho = |lag: usize| 1.0 - (within - mean_covariance[lag]) / total;
    let draws = n * m;
    draws as f64 / geyer_time(rho, n).max(least_time(draws))
}

/// The autocorrelation time from autocorrelations at lags up to n - 1; rho(0) is 1 by definition.
fn geyer_time(rho: impl Fn(usize) -> f64, n: usize) -> f64 {
    let mut pairs = vec![(1.0, rho(1))];
    let mut last = pairs[0];
    while last.0 + last.1 > 0.0 && 2 * pairs.len() + 2 < n {
        last = (rho(2 * pairs.len()), rho(2 * pairs.len() + 1));
        pairs.push(last);
    }
    // The last pair is where the sum stops: only its even member still counts, once, and not where it is negative.
    pairs.pop();
    let tail = if last.0 + last.1 < 0.0 { last.0.max(0.0) } else { last.0 };
    let mut bound = f64::INFINITY;
    let mut sum = 0.0;
    for (even, odd) in pairs {
        bound = bound.min(even + odd);
        sum += bound;
    }
    -1.0 + 2.0 * sum + tail
}
