//! Errors of a direction that the cross test found, and closure phases.

use super::super::information::Information;
use super::cross::{FieldOfRates, exact};
use super::tracks::Track;
use num_complex::Complex64;
use std::f64::consts::{PI, TAU};

/// Errors of a direction from those of the rates, sqrt(12) / (2 pi T) times those of the phases of the sums. With powers p over
/// noise at both stations these have the variance (p_a + p_b + 1) / (2 n p_a p_b), where n p_a p_b = z (1 + p_a).
/// What a station's noise adds to p_a + p_b is the same in all its pairs: it counts once for a station, not for each of them.
pub fn errors(track: &Track, pairs: &[(usize, usize)], z: &[f64], field: &FieldOfRates) -> Option<[f64; 3]> {
    let length_s = track.spectra as f64 / field.channel_hz;
    let stations = pairs.iter().flat_map(|p| [p.0, p.1]).collect::<std::collections::BTreeSet<_>>().len();
    let shared = if pairs.len() >= stations { 0.5 * stations as f64 } else { 1.0 };
    let mut information = Information::default();
    for (&(a, b), &z) in pairs.iter().zip(z) {
        let (sum, n) = track.power(a, 0);
        let p_a = (sum / n.max(1) as f64 - 1.0).max(0.1);
        let both = (z * (1.0 + p_a)).max(0.5);
        let p_b = both / (n.max(1) as f64 * p_a);
        let phase = ((1.0 + shared * (p_a + p_b)) / (2.0 * both)).sqrt();
        let sigma = 12.0f64.sqrt() / (TAU * length_s) * phase;
        information.add([0, 1].map(|k| (field.slopes[a][k] - field.slopes[b][k]) / sigma));
    }
    information.errors()
}

/// Phase closure of three stations at a direction and its error, degrees: 0 for one signal of one place.
pub fn closure(track: &Track, [a, b, c]: [usize; 3], field: &FieldOfRates, at: [f64; 2]) -> (f64, f64) {
    let sides = [(a, b), (b, c), (c, a)].map(|pair| exact(track, pair, field, at));
    let product = sides.iter().fold(Complex64::new(1.0, 0.0), |p, s| p * s.1 / s.1.norm().max(1e-300));
    let error = sides.iter().map(|s| 1.0 / (2.0 * s.0).max(0.5)).sum::<f64>().sqrt();
    (product.arg().to_degrees(), error.min(PI / 3.0f64.sqrt()).to_degrees())
}
