//! Targets with known answers, and controls that must fail.

use super::start::{Search, recommended_population};
use super::*;
use mirinae_common::random;
use ndarray::{Array2, ArrayView2};
use rand::{Rng, RngExt};
use rand_distr::StandardNormal;

fn names(dim: usize) -> Vec<String> {
    (0..dim).map(|k| format!("p{k}")).collect()
}

fn normals(n: usize, dim: usize, scale: f64) -> Array2<f64> {
    let mut rng = random::stream(99, 1, 0);
    Array2::from_shape_simple_fn((n, dim), || scale * rng.sample::<f64, _>(StandardNormal))
}

fn mixture(kind: impl Move + 'static) -> Mixture {
    Mixture::new(vec![(1.0, Box::new(kind))]).unwrap()
}

fn stretch() -> Mixture {
    mixture(Stretch { a: 2.0 })
}

fn de(dim: usize) -> Mixture {
    Mixture::from_plan(&[WeightedMove { weight: 1.0, kind: MoveSpec::differential_evolution(dim) }]).unwrap()
}

fn default_mixture(dim: usize) -> Mixture {
    Mixture::from_plan(&WeightedMove::defaults(dim)).unwrap()
}

/// Runs a target and returns all positions after `warm` steps, and the accepted fraction.
fn sample(
    mixture: Mixture,
    start: ArrayView2<'_, f64>,
    (warm, steps): (usize, usize),
    target: impl FnMut(&[f64]) -> f64,
) -> (Vec<Vec<f64>>, f64) {
    let mut evaluator = FnEvaluator(target);
    let mut sampler = Ensemble::new(7, start.nrows(), &names(start.ncols()), mixture).unwrap();
    let mut state = sampler.initial_state(start, &mut evaluator).unwrap();
    let mut draws = Vec::new();
    for step in 0..warm + steps {
        let summary = sampler.step(&mut state, &mut evaluator).unwrap();
        assert!(summary.accepted <= summary.walkers);
        if step >= warm {
            draws.extend(state.positions().outer_iter().map(|r| r.to_vec()));
        }
    }
    let proposals = (state.step * state.nwalkers() as u64) as f64;
    (draws, state.accepted.iter().sum::<u64>() as f64 / proposals)
}

fn mean_and_var(draws: &[Vec<f64>], f: impl Fn(&[f64]) -> f64) -> (f64, f64) {
    let n = draws.len() as f64;
    let mean = draws.iter().map(|d| f(d)).sum::<f64>() / n;
    (mean, draws.iter().map(|d| (f(d) - mean).powi(2)).sum::<f64>() / n)
}

/// A 5-D Gaussian with standard deviations 1, 2 ... 5, mean 10 k and correlation 0.8 between all pairs.
fn correlated(x: &[f64]) -> f64 {
    let z: Vec<f64> = x.iter().enumerate().map(|(k, v)| (v - 10.0 * k as f64) / (k as f64 + 1.0)).collect();
    let (sum, squares) = (z.iter().sum::<f64>(), z.iter().map(|v| v * v).sum::<f64>());
    let (rho, n) = (0.8, 5.0);
    // Inverse of (1 - rho) I + rho 11' (Sherman-Morrison).
    -0.5 * (squares - rho * sum * sum / (1.0 + (n - 1.0) * rho)) / (1.0 - rho)
}

fn check_correlated(mixture: Mixture, accepted: std::ops::Range<f64>) {
    let (draws, fraction) = sample(mixture, normals(40, 5, 1.0).view(), (1500, 6000), correlated);
    for k in 0..5 {
        let sd = k as f64 + 1.0;
        let (mean, var) = mean_and_var(&draws, |d| d[k]);
        assert!((mean - 10.0 * k as f64).abs() < 0.05 * sd, "mean {k}: {mean}");
        assert!((var.sqrt() / sd - 1.0).abs() < 0.04, "sd {k}: {}", var.sqrt());
    }
    let (_, var) = mean_and_var(&draws, |d| d[0] - (d[4] - 40.0) / 5.0);
    assert!((var / 0.4 - 1.0).abs() < 0.06, "variance of the difference of two standardised: {var}");
    assert!(accepted.contains(&fraction), "accepted {fraction}");
}

#[test]
fn stretch_samples_a_correlated_gaussian() {
    check_correlated(stretch(), 0.40..0.60);
}

#[test]
fn differential_evolution_samples_a_correlated_gaussian() {
    check_correlated(de(5), 0.20..0.45);
}

/// Snooker steps go through other walkers only: they are mixed with others, as their authors do.
fn with_snooker(dim: usize) -> Mixture {
    let (snooker, de) = (MoveSpec::snooker(), MoveSpec::differential_evolution(dim));
    let of = |weight, kind| WeightedMove { weight, kind };
    Mixture::from_plan(&[of(0.5, snooker), of(0.5, de)]).unwrap()
}

#[test]
fn snooker_samples_a_correlated_gaussian() {
    check_correlated(mixture(Snooker { gamma: 1.7 }), 0.20..0.60);
    check_correlated(with_snooker(5), 0.20..0.55);
}

#[test]
fn a_mixture_samples_a_correlated_gaussian() {
    check_correlated(default_mixture(5), 0.20..0.55);
}

#[test]
fn a_banana_has_the_right_moments() {
    // x ~ N(0, 1), y | x ~ N(x^2, 0.5): mean of y 1, variance 2 + 0.25; 4.55 % of x beyond 2.
    let target = |x: &[f64]| -0.5 * (x[0] * x[0] + ((x[1] - x[0] * x[0]) / 0.5).powi(2));
    let (draws, _) = sample(default_mixture(2), normals(40, 2, 0.5).view(), (1000, 20000), target);
    let (mean_x, var_x) = mean_and_var(&draws, |d| d[0]);
    let (mean_y, var_y) = mean_and_var(&draws, |d| d[1]);
    let (mean_r, var_r) = mean_and_var(&draws, |d| 2.0 * (d[1] - d[0] * d[0]));
    let (tail, _) = mean_and_var(&draws, |d| f64::from(d[0].abs() > 2.0));
    assert!(mean_x.abs() < 0.03 && (var_x - 1.0).abs() < 0.04, "{mean_x} {var_x}");
    assert!((mean_y - 1.0).abs() < 0.04 && (var_y - 2.25).abs() < 0.2, "{mean_y} {var_y}");
    assert!(mean_r.abs() < 0.03 && (var_r - 1.0).abs() < 0.04, "{mean_r} {var_r}");
    assert!((tail - 0.0455).abs() < 0.006, "{tail}");
}

/// A stretch move that forgets a part of its Hastings factor.
struct Forgetful(f64);

impl Move for Forgetful {
    fn propose(&self, x: &[f64], c: &Complement<'_>, rng: &mut dyn Rng, out: &mut [f64]) -> f64 {
        self.0 * Stretch { a: 2.0 }.propose(x, c, rng, out)
    }
}

/// A differential evolution move with a one-sided drift, which is not symmetric.
struct Drift;

impl Move for Drift {
    fn propose(&self, x: &[f64], c: &Complement<'_>, rng: &mut dyn Rng, out: &mut [f64]) -> f64 {
        let log = DifferentialEvolution { gamma0: 1.68, sigma: 0.1 }.propose(x, c, rng, out);
        out.iter_mut().for_each(|o| *o += 0.3);
        log
    }
}

/// Largest distance between the sampled and the true cumulative distribution of the first of three independent
/// Laplace variables.
fn laplace_distance(mixture: Mixture) -> f64 {
    let target = |x: &[f64]| -x.iter().map(|v| v.abs()).sum::<f64>();
    let (draws, _) = sample(mixture, normals(32, 3, 1.0).view(), (500, 12000), target);
    let mut x: Vec<f64> = draws.iter().map(|d| d[0]).collect();
    x.sort_by(f64::total_cmp);
    let truth = |v: f64| if v < 0.0 { 0.5 * v.exp() } else { 1.0 - 0.5 * (-v).exp() };
    let n = x.len() as f64;
    x.iter().enumerate().map(|(k, &v)| (truth(v) - (k as f64 + 0.5) / n).abs()).fold(0.0, f64::max)
}

#[test]
fn hastings_factors_are_right() {
    let bound = 0.012;
    for (name, moves) in [("stretch", stretch()), ("de", de(3)), ("jump", default_mixture(3))] {
        let distance = laplace_distance(moves);
        assert!(distance < bound, "{name}: {distance}");
    }
    // Controls: without the factor, with one power of z too few, and with a lopsided proposal the same check fails.
    let broken = [
        ("none", mixture(Forgetful(0.0))),
        ("half", mixture(Forgetful(0.5))),
        ("too much", mixture(Forgetful(1.5))),
        ("drift", mixture(Drift)),
    ];
    for (name, moves) in broken {
        let distance = laplace_distance(moves);
        assert!(distance > 2.0 * bound, "{name}: {distance}");
    }
}

#[test]
fn one_parameter_is_sampled_too() {
    let (draws, _) =
        sample(default_mixture(1), normals(8, 1, 1.0).view(), (500, 20000), |x| -0.5 * x[0] * x[0]);
    let inside = draws.iter().filter(|d| d[0].abs() < 1.0).count() as f64 / draws.len() as f64;
    assert!((inside - 0.6827).abs() < 0.015, "{inside}");
}

#[test]
fn a_stored_state_goes_on_bit_for_bit() {
    let mut evaluator = FnEvaluator(correlated);
    let mut first = Ensemble::new(3, 12, &names(5), default_mixture(5)).unwrap();
    let mut state = first.initial_state(normals(12, 5, 1.0).view(), &mut evaluator).unwrap();
    for _ in 0..20 {
        first.step(&mut state, &mut evaluator).unwrap();
    }
    let stored = postcard::to_stdvec(&state).unwrap();
    for _ in 0..20 {
        first.step(&mut state, &mut evaluator).unwrap();
    }
    let mut resumed: State = postcard::from_bytes(&stored).unwrap();
    let mut second = Ensemble::new(3, 12, &names(5), default_mixture(5)).unwrap();
    let mut other_seed = (Ensemble::new(4, 12, &names(5), default_mixture(5)).unwrap(), resumed.clone());
    for _ in 0..20 {
        second.step(&mut resumed, &mut evaluator).unwrap();
        other_seed.0.step(&mut other_seed.1, &mut evaluator).unwrap();
    }
    assert_eq!(state, resumed);
    assert_ne!(state, other_seed.1);
}

#[test]
fn nothing_is_sampled_outside_the_prior() {
    let target = |x: &[f64]| if x[0] > 0.0 && x[0] < 1.0 { 0.0 } else { f64::NEG_INFINITY };
    let start = normals(8, 1, 1.0).mapv(|v| 0.5 + 0.2 * v.sin());
    let (draws, _) = sample(default_mixture(1), start.view(), (200, 8000), target);
    assert!(draws.iter().all(|d| d[0] > 0.0 && d[0] < 1.0));
    let (mean, var) = mean_and_var(&draws, |d| d[0]);
    assert!((mean - 0.5).abs() < 0.01 && (var * 12.0 - 1.0).abs() < 0.04, "{mean} {var}");
}

#[test]
fn nan_names_the_parameters() {
    let mut calls = 0;
    let mut evaluator = FnEvaluator(|x: &[f64]| {
        calls += 1;
        if calls > 20 { f64::NAN } else { -x[0] * x[0] }
    });
    let mut sampler = Ensemble::new(1, 8, &["CH3OH.tex".into(), "CH3OH.logn".into()], stretch()).unwrap();
    let mut state = sampler.initial_state(normals(8, 2, 1.0).view(), &mut evaluator).unwrap();
    let error = (0..10).find_map(|_| sampler.step(&mut state, &mut evaluator).err()).unwrap();
    let text = error.to_string();
    assert!(
        text.contains("NaN") && text.contains("CH3OH.tex = ") && text.contains("CH3OH.logn = "),
        "{text}"
    );
}

#[test]
fn a_start_outside_the_prior_is_an_error() {
    let mut evaluator = FnEvaluator(|x: &[f64]| if x[0] > 0.0 { 0.0 } else { f64::NEG_INFINITY });
    let sampler = Ensemble::new(1, 8, &names(2), stretch()).unwrap();
    let error = sampler.initial_state(normals(8, 2, 1.0).view(), &mut evaluator).unwrap_err();
    assert!(matches!(error, SamplerError::OutsidePrior { .. }), "{error}");
    let error = sampler.initial_state(normals(6, 2, 1.0).view(), &mut evaluator).unwrap_err();
    assert!(matches!(error, SamplerError::Shape { .. }), "{error}");
}

#[test]
fn too_few_or_odd_walkers_are_refused() {
    for (walkers, dim) in [(8, 5), (11, 5), (2, 1), (0, 1)] {
        let error = Ensemble::new(1, walkers, &names(dim), stretch()).err().unwrap();
        assert!(matches!(error, SamplerError::Walkers { .. }), "{walkers}: {error}");
    }
    assert!(Ensemble::new(1, 10, &names(5), stretch()).is_ok());
    assert_eq!(Ensemble::new(1, 10, &[], stretch()).err(), Some(SamplerError::NoParameters));
}

#[test]
fn broken_moves_are_refused() {
    let refuse = |weight, kind| Mixture::from_plan(&[WeightedMove { weight, kind }]).err().unwrap();
    assert!(matches!(refuse(1.0, MoveSpec::Stretch { a: 1.0 }), SamplerError::Move { key: "a", .. }));
    let nan = MoveSpec::DifferentialEvolution { gamma0: f64::NAN, sigma: 0.0 };
    assert!(matches!(refuse(1.0, nan), SamplerError::Move { key: "gamma0", .. }));
    assert_eq!(refuse(0.0, MoveSpec::stretch()), SamplerError::NoMoves);
    assert_eq!(refuse(-1.0, MoveSpec::stretch()), SamplerError::NoMoves);
    assert_eq!(Mixture::from_plan(&[]).err(), Some(SamplerError::NoMoves));
}

fn uniform_draws(n: usize, dim: usize, half_width: f64) -> Array2<f64> {
    let mut rng = random::stream(5, 2, 0);
    Array2::from_shape_simple_fn((n, dim), || rng.random_range(-half_width..half_width))
}

fn within(x: &[f64], half_width: f64, log_density: f64) -> f64 {
    if x.iter().all(|v| v.abs() < half_width) { log_density } else { f64::NEG_INFINITY }
}

#[test]
fn the_search_finds_the_highest_of_many_modes() {
    // Rastrigin's function with its only global peak at 0.7 and 10^5 lower ones.
    let target = |x: &[f64]| {
        let peak = |v: f64| (v - 0.7).powi(2) + 3.0 * (1.0 - (2.0 * std::f64::consts::PI * (v - 0.7)).cos());
        within(x, 5.0, -10.0 * x.iter().map(|&v| peak(v)).sum::<f64>())
    };
    let mut evaluator = FnEvaluator(target);
    let draws = uniform_draws(recommended_population(5), 5, 5.0);
    let mut search = Search::new(1, &names(5), draws.view(), &mut evaluator).unwrap();
    search.run(2000, &mut evaluator).unwrap();
    assert!(search.settled(), "{} generations", search.generation);
    let (best, _) = search.best();
    assert!(best.iter().all(|v| (v - 0.7).abs() < 0.2), "{best:?} after {}", search.generation);
}

#[test]
fn the_search_gives_an_ensemble_as_wide_as_the_posterior() {
    let scales = [1e-3, 1.0, 0.05, 1e-2, 0.3, 1e-4];
    let target = |x: &[f64]| {
        let chi2: f64 = x.iter().zip(scales).map(|(v, s)| ((v - 2.0) / s).powi(2)).sum();
        within(x, 10.0, -0.5 * chi2)
    };
    let mut evaluator = FnEvaluator(target);
    let draws = uniform_draws(recommended_population(6), 6, 10.0);
    let mut search = Search::new(1, &names(6), draws.view(), &mut evaluator).unwrap();
    search.run(2000, &mut evaluator).unwrap();
    let ensemble = search.ensemble(200, &mut evaluator).unwrap();
    for (column, scale) in ensemble.columns().into_iter().zip(scales) {
        let sd = column.std(1.0);
        assert!(sd > 0.2 * scale && sd < 5.0 * scale, "{sd} for {scale}");
    }
}

#[test]
fn the_search_climbs_a_curved_valley() {
    let target = |x: &[f64]| {
        let valley = |w: &[f64]| 100.0 * (w[1] - w[0] * w[0]).powi(2) + (1.0 - w[0]).powi(2);
        within(x, 5.0, -100.0 * x.windows(2).map(valley).sum::<f64>())
    };
    let mut evaluator = FnEvaluator(target);
    let draws = uniform_draws(recommended_population(8), 8, 5.0);
    let mut search = Search::new(2, &names(8), draws.view(), &mut evaluator).unwrap();
    search.run(3000, &mut evaluator).unwrap();
    let (best, peak) = search.best();
    assert!(search.settled() && peak > -8.0, "{peak} at {best:?} after {}", search.generation);
}

#[test]
fn a_stored_search_goes_on_bit_for_bit() {
    let mut evaluator = FnEvaluator(|x: &[f64]| within(x, 5.0, -x.iter().map(|v| v * v).sum::<f64>()));
    let draws = uniform_draws(40, 3, 5.0);
    let mut whole = Search::new(1, &names(3), draws.view(), &mut evaluator).unwrap();
    for _ in 0..10 {
        whole.advance(&mut evaluator).unwrap();
    }
    let mut resumed: Search = postcard::from_bytes(&postcard::to_stdvec(&whole).unwrap()).unwrap();
    for _ in 0..10 {
        whole.advance(&mut evaluator).unwrap();
        resumed.advance(&mut evaluator).unwrap();
    }
    assert_eq!(whole, resumed);
    let (a, b) = (whole.ensemble(10, &mut evaluator).unwrap(), resumed.ensemble(10, &mut evaluator).unwrap());
    assert_eq!(a, b);
}

#[test]
fn a_search_without_spread_or_room_is_an_error() {
    let mut flat = FnEvaluator(|_: &[f64]| 0.0);
    let mut draws = uniform_draws(40, 2, 1.0);
    draws.column_mut(1).fill(3.0);
    let error = Search::new(1, &names(2), draws.view(), &mut flat).unwrap_err();
    assert_eq!(error, SamplerError::NoSpread { name: "p1".into(), value: 3.0 });
    let mut nowhere = FnEvaluator(|_: &[f64]| f64::NEG_INFINITY);
    let error = Search::new(1, &names(2), draws.view(), &mut nowhere).unwrap_err();
    assert!(matches!(error, SamplerError::TooFewInside { inside: 0, .. }), "{error}");
}
