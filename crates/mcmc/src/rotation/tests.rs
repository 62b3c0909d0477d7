use super::*;

#[test]
fn thin_lines_lie_at_the_start_of_their_curve_and_opaque_ones_far_from_it() {
    let at = |area: f64| growth(&[100_000.0], &[area], 3.0, (99_995.0, 100_005.0));
    let thin = at(1e-4);
    assert!((thin.correction() - 1.0).abs() < 1e-4 && (thin.slope - 1.0).abs() < 1e-4, "{thin:?}");
    // A peak opacity of 2: sum of the series of int 1 - exp(-tau) dv = area sum_n (-tau)^(n-1) / (n! sqrt n).
    let area = 2.0 * 3.0 / (2.0 * (std::f64::consts::LN_2 / std::f64::consts::PI).sqrt());
    let (mut series, mut term) = (0.0, 1.0);
    for n in 1..60 {
        term *= if n == 1 { 1.0 } else { -2.0 / f64::from(n) };
        series += term / f64::from(n).sqrt();
    }
    let opaque = at(area);
    assert!(
        (opaque.grown_kms / (area * series) - 1.0).abs() < 2e-5,
        "{} {}",
        opaque.grown_kms,
        area * series
    );
    let step = 1e-5;
    let numeric = (at(area * (1.0 + step)).grown_kms / at(area * (1.0 - step)).grown_kms).ln() / (2.0 * step);
    assert!((opaque.slope - numeric).abs() < 1e-6, "{} {numeric}", opaque.slope);
    assert!((opaque.peak_tau - 2.0).abs() < 1e-3);
}

#[test]
fn two_lines_on_top_of_one_another_are_one_of_their_sum() {
    let range = (99_990.0, 100_010.0);
    let two = growth(&[100_000.0, 100_000.0], &[2.0, 3.0], 3.0, range);
    let one = growth(&[100_000.0], &[5.0], 3.0, range);
    assert!((two.grown_kms - one.grown_kms).abs() < 1e-12);
    let apart = growth(&[99_996.0, 100_004.0], &[2.0, 3.0], 3.0, range);
    assert!(apart.grown_kms > 1.05 * one.grown_kms, "the control: apart they are less opaque");
}
