//! Tests of how rare correlations are whose phases close: noise made for them has as much as often as is told.

use super::closed::Closed;
use super::cross::{Cell, Correlations};
use super::field::{FieldOfDelays, Uv};
use super::fit::fit;
use super::tests::{field, rng};
use num_complex::Complex64;
use rand::Rng;
use rand_distr::{Distribution, StandardNormal};

fn normal(rng: &mut impl Rng) -> f64 {
    StandardNormal.sample(rng)
}

/// Correlations of noise of many products, over some bands of channels of 40 kHz.
fn noise(stations: usize, (bands, channels): (usize, usize), rng: &mut impl Rng) -> Correlations {
    let pairs: Vec<(usize, usize)> =
        (0..stations).flat_map(|a| (a + 1..stations).map(move |b| (a, b))).collect();
    let mut cell = || {
        let (re, im) = (normal(rng), normal(rng));
        let sum = Complex64::new(re, im) * (0.5f64 * 1e6).sqrt();
        Cell { sum: [sum, Complex64::default()], norm: [1e6, 0.0], count: [1_000_000, 0] }
    };
    Correlations {
        cell_pf: (0..pairs.len()).map(|_| (0..bands * channels).map(|_| cell()).collect()).collect(),
        pairs,
        sky_hz: (0..bands * channels).map(|f| 600e6 + 4e4 * f as f64).collect(),
        late_s: vec![0.0; bands * channels],
        coherent: (0..bands).map(|b| b * channels..(b + 1) * channels).collect(),
        longest_s: 1e-5,
    }
}

/// Counts how often values are below -1, -2 ... and asks that it be at most `most` and at least `least` times what they tell.
fn as_rare_as_told(values: &[f64], deepest: i32, (least, most): (f64, f64)) {
    for k in 2..=deepest {
        let wanted = values.len() as f64 * libm::exp(-f64::from(k));
        let found = values.iter().filter(|v| **v < -f64::from(k)).count() as f64;
        assert!(found < most * wanted + 3.5 * wanted.sqrt(), "{k}: {found} {wanted}");
        assert!(found > least * wanted - 3.5 * wanted.sqrt(), "{k}: {found} {wanted}");
    }
}

/// At one direction: exactly so for two stations, nearly for more.
#[test]
fn noise_closes_as_rarely_as_is_told() {
    let field = FieldOfDelays { half: 1e-4, uv: vec![Uv::default(); 5] };
    for (stations, bands, least) in [(2, 1, 1.0), (3, 1, 0.7), (3, 2, 0.35), (4, 1, 0.5), (5, 1, 0.4)] {
        let mut rng = rng(31 + stations as u64);
        let of = |_| Closed::new(&noise(stations, (bands, 1), &mut rng), &field, [0.0; 2]).ln_chance();
        let values: Vec<f64> = (0..60_000).map(of).collect();
        as_rare_as_told(&values, 7, (least, 1.0));
    }
}

/// With powers of noise beside it.
#[test]
fn powers_and_what_closes_are_as_rare_as_is_told() {
    let field = FieldOfDelays { half: 1e-4, uv: vec![Uv::default(); 4] };
    for (stations, bands, least) in [(2, 1, 0.8), (3, 1, 0.6), (3, 2, 0.3), (4, 1, 0.4)] {
        let mut rng = rng(41 + stations as u64);
        let of = |_| {
            let closed = Closed::new(&noise(stations, (bands, 1), &mut rng), &field, [0.0; 2]);
            closed.ln_chance_with(normal(&mut rng)).0
        };
        let values: Vec<f64> = (0..60_000).map(of).collect();
        as_rare_as_told(&values, 7, (least, 1.0));
    }
}

/// Anywhere in a field, and with powers: what is told is never too small.
#[test]
fn noise_is_as_rare_in_a_field_as_is_told() {
    let (field, mut rng) = (field(), rng(51));
    let (mut coherence, mut joint) = (Vec::new(), Vec::new());
    for _ in 0..1500 {
        let found = fit(&noise(3, (1, 50), &mut rng), &field, 1.0);
        coherence.push(found.ln_coherence());
        let ln_power = libm::log(0.5 * libm::erfc(normal(&mut rng) * std::f64::consts::FRAC_1_SQRT_2));
        joint.push(if ln_power < -4.6 { found.ln_joint(ln_power, -4.6) } else { 0.0 });
    }
    as_rare_as_told(&coherence, 6, (0.0, 1.0));
    as_rare_as_told(&joint, 8, (0.0, 1.0));
}
