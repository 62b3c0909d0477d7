//! Polynomials against closed forms.
use super::*;
use proptest::prelude::*;

fn polynomial(coefficients: &[f64]) -> Polynomial {
    Polynomial { coefficients: coefficients.to_vec() }
}

fn station(delay: &[f64]) -> StationModel {
    let zero = || polynomial(&[0.0]);
    StationModel { delay_s: polynomial(delay), uvw_m: [polynomial(&[1.0, 2.0]), zero(), zero()] }
}

fn clock(late: &[f64], reference_s: f64) -> Clock {
    Clock { reference_s, late_s: polynomial(late) }
}

fn interval(start_s: f64, delay: &[f64]) -> Interval {
    Interval { start_s, by_source_station: vec![vec![station(delay)]] }
}

#[test]
fn value_and_rate() {
    let p = polynomial(&[1.0, -2.0, 3.0, 0.5]);
    assert_eq!(p.value(2.0), 1.0 - 4.0 + 12.0 + 4.0);
    assert_eq!(p.rate(2.0), -2.0 + 12.0 + 6.0);
    assert_eq!(polynomial(&[7.0]).rate(3.0), 0.0);
}

#[test]
fn clock_is_added_to_the_delay() {
    let intervals = vec![interval(0.0, &[0.02, 1e-7]), interval(10.0, &[0.03])];
    let model =
        PolynomialModel::new("S", 10.0, intervals, vec![clock(&[1e-6, 1e-9], -5.0)], (0.0, 20.0)).unwrap();
    let d = model.delay(0, 0, 4.0);
    assert!((d.delay_s - (0.02 + 4e-7 + 1e-6 + 9e-9)).abs() < 1e-17);
    assert!((d.rate - 1.01e-7).abs() < 1e-20);
    assert!((model.delay(0, 0, 10.0).delay_s - (0.03 + 1e-6 + 15e-9)).abs() < 1e-17);
    assert_eq!(model.uvw_m(0, 0, 13.0), [7.0, 0.0, 0.0]);
}

#[test]
fn coverage_is_demanded() {
    let two = || vec![interval(0.0, &[0.0]), interval(10.0, &[0.0])];
    let clocks = || vec![clock(&[0.0], 0.0)];
    assert!(PolynomialModel::new("S", 10.0, two(), clocks(), (0.0, 20.0)).is_ok());
    let short = PolynomialModel::new("S", 10.0, two(), clocks(), (0.0, 20.5));
    assert!(matches!(short, Err(GeometryError::NotCovered { .. })));
    let early = PolynomialModel::new("S", 10.0, two(), clocks(), (-1.0, 5.0));
    assert!(matches!(early, Err(GeometryError::NotCovered { .. })));
    let none = PolynomialModel::new("S", 10.0, vec![], clocks(), (0.0, 1.0));
    assert!(matches!(none, Err(GeometryError::NotCovered { .. })));
    let hole = vec![interval(0.0, &[0.0]), interval(11.0, &[0.0])];
    let hole = PolynomialModel::new("S", 10.0, hole, clocks(), (0.0, 20.0));
    assert!(matches!(hole, Err(GeometryError::Hole { .. })));
}

proptest! {
    #[test]
    fn block_delay_is_the_model(
        d0 in -0.03f64..0.03, d1 in -3e-6f64..3e-6, d2 in -1e-9f64..1e-9, first in 0i64..1_000_000_000
    ) {
        let intervals = vec![interval(0.0, &[d0, d1, d2])];
        let model = PolynomialModel::new("S", 100.0, intervals, vec![clock(&[0.0], 0.0)], (0.0, 90.0)).unwrap();
        let block = Block { first_sample: first, samples: 512, rate_hz: 32e6 };
        let b = block_delay(&model, 0, 0, block);
        prop_assert!(b.fraction_samples.abs() <= 0.5 + 1e-9);
        // Nearest sample and fraction together are the true start.
        let start = (b.nearest_sample - first) as f64 + b.fraction_samples;
        prop_assert!((start + b.centre_s * 32e6).abs() < 1e-8);
        // The straight line is the delay at every sample.
        for j in [0usize, 100, 511] {
            let exact = model.delay(0, 0, (first + j as i64) as f64 / 32e6).delay_s;
            prop_assert!((b.first_s + b.step_s * j as f64 - exact).abs() < 1e-17 + 2e-9 * (512.0f64 / 32e6).powi(2));
        }
    }
}
