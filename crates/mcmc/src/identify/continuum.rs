//! The level of the continuum of a window, lines above and below it notwithstanding.

/// Channels within this many sigma of the level make it more exact.
const NEAR_SIGMA: f64 = 2.0;
/// Rounds of that.
const ROUNDS: usize = 5;

/// The level (K): the most frequent value. Channels without data have an infinite noise. None: no channel has data.
pub fn continuum_k(t_k: &[f64], sigma_k: &[f64]) -> Option<f64> {
    let good = t_k.iter().zip(sigma_k).filter(|(t, s)| s.is_finite() && t.is_finite());
    let mut values: Vec<f64> = good.clone().map(|(t, _)| *t).collect();
    values.sort_by(f64::total_cmp);
    let mut level = half_sample_mode(&values)?;
    for _ in 0..ROUNDS {
        let near = good.clone().filter(|(t, s)| (*t - level).abs() < NEAR_SIGMA * **s);
        let (sum, n) = near.fold((0.0, 0), |(sum, n), (t, _)| (sum + t, n + 1));
        if n > 0 {
            level = sum / f64::from(n);
        }
    }
    Some(level)
}

/// The densest place of ascending values: the narrowest half of them, the narrowest half of that, and so on (Bickel &
/// Fruehwirth 2006, Comput. Stat. Data Anal. 50, 3500).
fn half_sample_mode(values: &[f64]) -> Option<f64> {
    let mut rest = values;
    while rest.len() > 3 {
        let half = rest.len().div_ceil(2);
        let width = |first: usize| rest[first + half - 1] - rest[first];
        let first = (0..=rest.len() - half).min_by(|a, b| width(*a).total_cmp(&width(*b)))?;
        rest = &rest[first..first + half];
    }
    rest.get(rest.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_do_not_move_the_level() {
        let noise = |i: usize| 0.1 * ((i * 7919 % 1009) as f64 / 504.0 - 1.0);
        let mut t_k: Vec<f64> = (0..1000).map(|i| 20.0 + noise(i)).collect();
        // A third of the channels are emission, some are absorption, one has no data.
        (0..333).for_each(|i| t_k[3 * i] += 1.0 + 0.05 * i as f64);
        (0..100).for_each(|i| t_k[3 * i + 1] -= 5.0);
        let mut sigma_k = vec![0.06; 1000];
        (t_k[7], sigma_k[7]) = (0.0, f64::INFINITY);
        let level = continuum_k(&t_k, &sigma_k).unwrap();
        assert!((level - 20.0).abs() < 0.02, "{level}");
        let mean = t_k.iter().sum::<f64>() / 1000.0;
        assert!((mean - 20.0).abs() > 1.0, "the control: the mean is moved");
        assert_eq!(continuum_k(&[1.0], &[f64::INFINITY]), None);
    }
}
