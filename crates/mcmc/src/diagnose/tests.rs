//! Reference values and chains with known answers.

use super::*;
use ndarray::{Array2, Array3};
use proptest::prelude::*;

/// Autoregressive chains of 12 summed uniform numbers from a linear congruential generator: simple enough to be made
/// again, bit for bit, by any program. Shape (draw, chain).
fn chains((n, draws): (usize, usize), (rho, shift, seed, grid): (f64, f64, u64, f64)) -> Array2<f64> {
    let mut out = Array2::zeros((draws, n));
    for (c, mut chain) in out.columns_mut().into_iter().enumerate() {
        let mut state = seed + c as u64;
        let mut uniform = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64 * 2.0_f64.powi(-53)
        };
        let mut x = 0.0;
        for value in &mut chain {
            let sum: f64 = (0..12).fold(0.0, |s, _| s + uniform());
            x = rho * x + (sum - 6.0);
            let shifted: f64 = x + shift * c as f64;
            *value = if grid > 0.0 { (shifted * grid).floor() / grid } else { shifted };
        }
    }
    out
}

/// Name, (chains, draws), (rho, shift between chains, seed, grid), [R-hat, bulk ESS, tail ESS, tau].
///
/// From the chains above made again in Python: arviz 0.23.4 (`rhat`, `ess` with `bulk` and `tail`) and emcee 3.1.6
/// (`integrated_time`), with NumPy 2.4.6 and SciPy 1.17.1.
type Reference = (&'static str, (usize, usize), (f64, f64, u64, f64), [f64; 4]);
const REFERENCE: [Reference; 8] = [
    (
        "ar 0.9",
        (4, 500),
        (0.9, 0.0, 1, 0.0),
        [1.0445147092159421, 116.99272448395641, 196.69850012598354, 14.498020137644644],
    ),
    (
        "white",
        (4, 501),
        (0.0, 0.0, 2, 0.0),
        [0.999803998371387, 1929.785185691324, 1553.7336028082523, 1.0540250652908365],
    ),
    (
        "antithetic",
        (3, 400),
        (-0.6, 0.0, 3, 0.0),
        [1.0006777684394255, 3695.0174952571497, 1049.9181181848253, f64::NAN],
    ),
    (
        "apart",
        (4, 300),
        (0.5, 0.4, 4, 0.0),
        [1.0739142583731767, 51.294839630082215, 430.92293531470875, 2.4951540864116177],
    ),
    (
        "ties",
        (8, 250),
        (0.8, 0.0, 5, 2.0),
        [1.0186771352026691, 261.84970158097696, 504.1531728858097, 5.602238853094237],
    ),
    (
        "short",
        (2, 9),
        (0.3, 0.0, 6, 0.0),
        [1.9248918311605463, 19.265919722494797, 19.265919722494797, 0.5470515070248501],
    ),
    (
        "slow",
        (6, 200),
        (0.99, 0.0, 7, 0.0),
        [1.5264905409915293, 11.256066395681344, 38.68645952573792, 16.462341166631187],
    ),
    (
        "one chain",
        (1, 1000),
        (0.7, 0.0, 8, 0.0),
        [f64::NAN, 130.30140424439105, 210.00838557977323, 12.754961636086781],
    ),
];

#[test]
fn figures_agree_with_arviz_and_emcee() {
    for (name, shape, kind, [rhat, bulk, tail, tau]) in REFERENCE {
        let x = chains(shape, kind);
        let found = [r_hat(x.view()), ess_bulk(x.view()), ess_tail(x.view()), integrated_time(x.view())];
        // NaN stands where the other program gives no figure or a meaningless one.
        for (what, found, truth) in
            [("R-hat", found[0], rhat), ("bulk", found[1], bulk), ("tail", found[2], tail)]
        {
            assert!(
                truth.is_nan() || (found / truth - 1.0).abs() < 1e-9,
                "{name} {what}: {found}, not {truth}"
            );
        }
        // emcee's window needs no floor; ours only acts on short or antithetic chains.
        let floor = 1.0 / (x.len() as f64).log10();
        assert!(
            tau.is_nan() || tau < floor || (found[3] / tau - 1.0).abs() < 1e-9,
            "{name}: {} {tau}",
            found[3]
        );
    }
}

#[test]
fn chains_apart_are_told_from_chains_together() {
    let together = chains((4, 1000), (0.3, 0.0, 11, 0.0));
    let apart = chains((4, 1000), (0.3, 0.5, 11, 0.0));
    assert!(r_hat(together.view()) < 1.01 && r_hat(apart.view()) > 1.05);
    // The same mean but another width is seen by the folded R-hat.
    let mut wider = together;
    wider.column_mut(0).mapv_inplace(|x| 3.0 * x);
    assert!(r_hat(wider.view()) > 1.05);
}

#[test]
fn the_autocorrelation_time_of_an_ar_process_is_found() {
    for rho in [0.0, 0.5, 0.9] {
        let tau = integrated_time(chains((32, 5000), (rho, 0.0, 1, 0.0)).view());
        let truth = (1.0 + rho) / (1.0 - rho);
        assert!((tau / truth - 1.0).abs() < 0.05, "{tau} instead of {truth}");
    }
}

#[test]
fn the_transform_agrees_with_the_sum() {
    let x = chains((1, 37), (0.7, 0.0, 5, 0.0));
    let series: Vec<f64> = x.iter().copied().collect();
    let mean = series.iter().sum::<f64>() / 37.0;
    let slow =
        |lag: usize| -> f64 { (lag..37).map(|t| (series[t] - mean) * (series[t - lag] - mean)).sum::<f64>() };
    let fast = walker_mean_autocorrelation(x.view());
    for (lag, value) in fast.iter().enumerate() {
        assert!((value - slow(lag) / slow(0)).abs() < 1e-12, "{lag}");
    }
}

#[test]
fn a_stuck_walker_lengthens_the_time() {
    let mut x = chains((8, 1000), (0.5, 0.0, 1, 0.0));
    let before = integrated_time(x.view());
    x.column_mut(3).fill(1.0);
    let after = integrated_time(x.view());
    assert!(after.is_finite() && after > 10.0 * before, "{before} {after}");
}

#[test]
fn too_little_is_not_a_number() {
    let constant = Array2::from_elem((100, 4), 3.0);
    let short = chains((4, 3), (0.5, 0.0, 1, 0.0));
    let mut broken = chains((4, 100), (0.5, 0.0, 1, 0.0));
    broken[(5, 2)] = f64::NAN;
    for x in [constant, short, broken, Array2::zeros((0, 4)), Array2::zeros((4, 0))] {
        assert!(r_hat(x.view()).is_nan() && ess_bulk(x.view()).is_nan() && ess_tail(x.view()).is_nan());
    }
    assert!(integrated_time(Array2::zeros((0, 4)).view()).is_nan());
    assert!(quantile(&[], 0.5).is_nan());
}

#[test]
fn quantiles_are_linear_between_values() {
    let values = sorted([3.0, 1.0, 2.0, 5.0].into_iter());
    assert_eq!(quantile(&values, 0.0), 1.0);
    assert_eq!(quantile(&values, 1.0), 5.0);
    assert_eq!(quantile(&values, 0.5), 2.5);
    assert!((quantile(&values, 0.9) - 4.4).abs() < 1e-12);
}

#[test]
fn a_chain_is_summarised() {
    let x = chains((8, 2000), (0.5, 0.0, 1, 0.0));
    let mut samples = Array3::zeros((2000, 8, 2));
    samples.index_axis_mut(ndarray::Axis(2), 0).assign(&x);
    samples.index_axis_mut(ndarray::Axis(2), 1).assign(&x.mapv(|v| 10.0 + 2.0 * v));
    let log_density = x.mapv(|v| -v * v);
    let names = ["a".to_string(), "b".to_string()];
    let found = diagnose(&names, samples.view(), log_density.view()).unwrap();
    assert_eq!((found.draws, found.walkers), (2000, 8));
    let [a, b] = &found.parameters[..] else { panic!("two parameters") };
    // Variance of the process: 1/(1 - 0.25).
    let sd = (4.0_f64 / 3.0).sqrt();
    assert!((a.sd / sd - 1.0).abs() < 0.03 && (b.sd / (2.0 * sd) - 1.0).abs() < 0.03);
    assert!((a.median - a.mean).abs() < 0.05 && (b.upper_68 - b.median - 2.0 * sd).abs() < 0.1);
    assert!((a.upper_95 - a.lower_95 - 3.92 * sd).abs() < 0.15 && (a.limit_95 - 1.645 * sd).abs() < 0.1);
    assert!(a.lower_95 < a.lower_68 && a.lower_68 < a.median && a.limit_95 < a.upper_95);
    assert!(
        (a.ess_bulk / b.ess_bulk - 1.0).abs() < 1e-6 && (a.tau - 3.0).abs() < 0.3,
        "{} {}",
        a.ess_bulk,
        a.tau
    );
    assert!((a.ess_tau / a.ess_bulk - 1.0).abs() < 0.2);
    assert!(found.best.values[0].abs() < 0.01 && found.best.values[0] == a.best);
    assert!(found.largest_r_hat() < 1.01 && found.smallest_ess() > 4000.0 && found.largest_tau() < 4.0);
}

#[test]
fn shapes_and_emptiness_are_checked() {
    let names = ["a".to_string()];
    let none = diagnose(&names, Array3::zeros((0, 4, 1)).view(), Array2::zeros((0, 4)).view());
    assert_eq!(none.unwrap_err(), DiagnoseError::Empty);
    let odd = diagnose(&names, Array3::zeros((3, 4, 2)).view(), Array2::zeros((3, 4)).view());
    assert!(matches!(odd.unwrap_err(), DiagnoseError::Shape { names: 1, .. }));
}

proptest! {
    #[test]
    fn quantiles_lie_between_the_ends(values in prop::collection::vec(-1e6..1e6_f64, 1..50), p in 0.0..1.0_f64) {
        let values = sorted(values.into_iter());
        let q = quantile(&values, p);
        prop_assert!(values[0] <= q && q <= values[values.len() - 1]);
    }

    #[test]
    fn rank_figures_do_not_change_under_monotone_maps(seed in 0..1000_u64) {
        let x = chains((4, 60), (0.5, 0.0, seed, 0.0));
        let y = x.mapv(f64::exp);
        prop_assert_eq!(ess_bulk(x.view()), ess_bulk(y.view()));
    }
}
