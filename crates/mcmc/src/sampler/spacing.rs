//! Where the temperatures of parallel tempering lie: neighbours that all exchange places equally often.
//!
//! The distance of two temperatures is that of two normal distributions whose chains would exchange as often. It is
//! measured by the exchanges that all pairs of draws would make, as the rejection rates of Syed, Bouchard-Côté, Deligiannidis &
//! Doucet (2022, JRSS B 84, 321), not by the spread of ln likelihood: that has no bound where draws of the prior miss the data
//! altogether, and a ladder spaced by it leaves the posterior's end without temperatures.

use super::leg::Leg;
use crate::normal::normal_quantile;

/// Share of exchanges between neighbours that the number of temperatures aims for.
const AIM: f64 = 0.5;
/// Temperatures at most.
pub(super) const MOST: usize = 96;
/// Temperatures at least.
const LEAST: usize = 4;
/// Beyond this the draws do not say how far two temperatures are from one another.
const FARTHEST: f64 = 12.0;

/// Distances of neighbouring temperatures, from a round of draws: `legs` of shape (group, temperature).
pub(super) fn distances(betas: &[f64], legs: &[Vec<Leg>]) -> Vec<f64> {
    let ln_like =
        |k: usize| -> Vec<f64> { legs.iter().flat_map(|group| group[k].ln_like.iter().copied()).collect() };
    let all: Vec<Vec<f64>> = (0..betas.len()).map(ln_like).collect();
    (1..betas.len()).map(|k| distance(exchanges(betas[k - 1] - betas[k], &all[k - 1], &all[k]))).collect()
}

/// Mean probability that a draw of the colder temperature and one of the hotter change places: over all pairs.
fn exchanges(step: f64, colder: &[f64], hotter: &[f64]) -> f64 {
    let one = |c: f64| hotter.iter().map(|h| libm::exp((step * (h - c)).min(0.0))).sum::<f64>();
    colder.iter().map(|&c| one(c)).sum::<f64>() / (colder.len() * hotter.len()) as f64
}

/// Distance of two normal distributions that exchange with probability `exchanges`: 2 Phi(-distance/2).
fn distance(exchanges: f64) -> f64 {
    if exchanges <= 0.0 {
        return FARTHEST;
    }
    (-2.0 * normal_quantile(0.5 * exchanges.min(1.0))).clamp(0.0, FARTHEST)
}

/// Number of temperatures for neighbours that exchange as often as aimed for.
pub(super) fn enough(distances: &[f64]) -> usize {
    let intervals = distances.iter().sum::<f64>() / distance(AIM);
    (intervals.ceil() as usize + 1).clamp(LEAST, MOST)
}

/// `n` temperatures at equal distances on the way from the first of `betas` to the last.
pub(super) fn spread(betas: &[f64], distances: &[f64], n: usize) -> Vec<f64> {
    let last = betas.len() - 1;
    let mut along = vec![0.0];
    for d in distances {
        // Temperatures that always exchange still have an order.
        along.push(along[along.len() - 1] + d.max(1e-6));
    }
    let mut result: Vec<f64> = (0..n)
        .map(|j| {
            let aim = along[last] * j as f64 / (n - 1) as f64;
            let k = along.iter().rposition(|&l| l <= aim).unwrap_or(0).min(last - 1);
            let share = ((aim - along[k]) / (along[k + 1] - along[k])).clamp(0.0, 1.0);
            between(betas[k], betas[k + 1], share)
        })
        .collect();
    (result[0], result[n - 1]) = (betas[0], betas[last]);
    result
}

/// The distance grows about linearly in ln beta, where the spread of ln likelihood goes as 1/beta; and in beta next to 0.
fn between(colder: f64, hotter: f64, share: f64) -> f64 {
    if hotter > 0.0 {
        libm::exp(libm::log(colder) + share * (libm::log(hotter) - libm::log(colder)))
    } else {
        colder * (1.0 - share)
    }
}

/// For each of the `new` temperatures the nearest of the `old` ones, whose place and tuning it takes over.
pub(super) fn nearest(old: &[f64], new: &[f64]) -> Vec<usize> {
    let far = |a: f64, b: f64| match (a > 0.0, b > 0.0) {
        (true, true) => libm::log(a / b).abs(),
        (false, false) => 0.0,
        _ => f64::INFINITY,
    };
    new.iter()
        .map(|&b| {
            let closer = |i: &usize, j: &usize| far(old[*i], b).total_cmp(&far(old[*j], b));
            (0..old.len()).min_by(closer).unwrap_or(0)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::RngExt;
    use rand_distr::StandardNormal;

    /// Draws of ln likelihood at beta: -chi2/2 of `dim` degrees of freedom, over beta.
    fn ln_like(beta: f64, dim: usize, n: usize, seed: u64) -> Vec<f64> {
        let mut rng = mirinae_common::random::stream(seed, 0, 0);
        let mut one = || (0..dim).map(|_| rng.sample::<f64, _>(StandardNormal).powi(2)).sum::<f64>();
        (0..n).map(|_| -0.5 * one() / beta).collect()
    }

    #[test]
    fn neighbours_of_a_normal_target_are_as_far_as_its_dimension_says() {
        // sd of ln likelihood sqrt(dim/2)/beta: the distance is ln(beta ratio) sqrt(dim), for small ratios.
        let (a, b) = (1.0, 0.8);
        let found = distance(exchanges(a - b, &ln_like(a, 20, 400, 1), &ln_like(b, 20, 400, 2)));
        let expected = 20.0_f64.sqrt() * f64::ln(a / b);
        assert!((found / expected - 1.0).abs() < 0.15, "{found} {expected}");
    }

    #[test]
    fn draws_of_the_prior_that_miss_the_data_do_not_drag_the_temperatures_away() {
        // At beta 0 ln likelihood is -1e9 for some draws and -1e3 for most.
        let betas = [1.0, 0.5, 0.25, 0.01, 0.0];
        let mut of: Vec<Vec<f64>> =
            betas[..4].iter().enumerate().map(|(k, b)| ln_like(*b, 10, 64, k as u64)).collect();
        of.push((0..64).map(|k| if k % 4 == 0 { -1e9 } else { -1e3 }).collect());
        let d: Vec<f64> =
            (1..5).map(|k| distance(exchanges(betas[k - 1] - betas[k], &of[k - 1], &of[k]))).collect();
        let new = spread(&betas, &d, 10);
        assert!(new.windows(2).all(|w| w[0] > w[1]), "{new:?}");
        assert!(new.iter().filter(|&&b| b > 0.2).count() >= 3, "{new:?} {d:?}");
        assert_eq!((new[0], new[9]), (1.0, 0.0));
        assert_eq!(nearest(&betas, &[1.0, 0.6, 0.02, 0.0]), [0, 1, 3, 4]);
    }

    #[test]
    fn temperatures_become_more_where_they_are_far_apart() {
        assert_eq!(enough(&[distance(AIM); 6]), 7);
        assert!(enough(&[FARTHEST; 3]) > 20 && enough(&[0.1; 3]) == LEAST && enough(&[FARTHEST; 60]) == MOST);
    }
}
