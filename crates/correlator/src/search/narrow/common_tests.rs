//! The cross test on noise that stations have in common, as a strong source's is.

use super::super::chance::{ln_chance, ln_chance_of_alike, power_of};
use super::common::common;
use super::cross::{CrossTest, FieldOfRates, all_pairs, coherence, exact};
use super::find::Line;
use super::grid::STEPS;
use super::tracks::Track;
use super::verdict::{NEAR, Outcome, judge};
use num_complex::{Complex32, Complex64};
use rand::{Rng, RngExt};
use rand_distr::StandardNormal;
use std::f64::consts::TAU;

const SPECTRA: usize = 32;
const STATIONS: usize = 3;

fn rng(seed: u64) -> impl Rng {
    mirinae_common::random::stream(seed, 0, 0)
}

/// Rates within a step, of many cells.
fn field() -> FieldOfRates {
    let half = (60.0f64 / 3600.0).to_radians();
    let slopes = vec![[0.0, 0.0], [0.3 / half, -0.1 / half], [-0.1 / half, 0.2 / half]];
    FieldOfRates { half, slopes, channel_hz: 8.0, sky_hz: 22e9 }
}

/// Where the source is.
fn place() -> [f64; 2] {
    [0.4 * field().half, -0.3 * field().half]
}

fn gaussian(rng: &mut impl Rng) -> Complex64 {
    Complex64::new(rng.sample(StandardNormal), rng.sample(StandardNormal)) * 0.5f64.sqrt()
}

/// What stations have in a channel of a spectrum: noise of two powers, of what all have in common (once) and of the rest, so that its
/// covariance has the eigenvalues `common` and `own`; turned as a source at its place is.
fn noise(t: usize, (common, own): (f64, f64), rng: &mut impl Rng) -> [Complex64; STATIONS] {
    let field = field();
    let own_m: [Complex64; STATIONS] = std::array::from_fn(|_| gaussian(rng) * own.sqrt());
    let all = gaussian(rng) * ((common - own) / STATIONS as f64).sqrt();
    std::array::from_fn(|m| {
        let rate = field.slopes[m][0] * place()[0] + field.slopes[m][1] * place()[1];
        own_m[m]
            + all * Complex64::from_polar(1.0, TAU * (rate * t as f64 / field.channel_hz + 0.3 * m as f64))
    })
}

/// Eigenvalues of the noise of stations with a coherence between any two.
fn eigenvalues(coherence: f64) -> (f64, f64) {
    (1.0 + (STATIONS - 1) as f64 * coherence, 1.0 - coherence)
}

fn narrow(z: Complex64) -> Complex32 {
    Complex32::new(z.re as f32, z.im as f32)
}

/// Noise with a coherence in whole channels; between them nothing.
fn neighbourhood(coherence: f64, rng: &mut impl Rng) -> Track {
    let mut track = Track::new(STATIONS, SPECTRA, NEAR);
    let row = 2 * NEAR + 1;
    for t in 0..SPECTRA {
        for place in (0..row).step_by(STEPS) {
            let z_m = noise(t, eigenvalues(coherence), rng);
            (0..STATIONS).for_each(|m| track.z_mtk[m][t * row + place] = narrow(z_m[m]));
        }
    }
    track
}

/// Puts noise of two powers on the line, and at station 0 what it alone has.
fn put(track: &mut Track, powers: (f64, f64), alone: f64, rng: &mut impl Rng) {
    let row = 2 * NEAR + 1;
    for t in 0..SPECTRA {
        let mut z_m = noise(t, powers, rng);
        z_m[0] += Complex64::from_polar(alone, TAU * rng.random::<f64>());
        (0..STATIONS).for_each(|m| track.z_mtk[m][t * row + NEAR] = narrow(z_m[m]));
    }
}

/// Powers of the noise on lines that have a sum `x` by chance: those with the tilt exp(tilt x) that makes x the mean. Given the sum, noise
/// is the same with any tilt.
fn tilted((common, own): (f64, f64), x: f64) -> ((f64, f64), f64) {
    let of = |tilt: f64| (common / (1.0 - tilt * common), own / (1.0 - tilt * own));
    let mean = |(common, own): (f64, f64)| SPECTRA as f64 * (common + (STATIONS - 1) as f64 * own);
    let (mut low, mut high) = (0.0, 1.0 / common);
    for _ in 0..80 {
        let tilt = 0.5 * (low + high);
        (low, high) = if mean(of(tilt)) < x { (tilt, high) } else { (low, tilt) };
    }
    (of(low), low)
}

/// Sums of -ln of the chance over pairs at the source's place, of lines that were looked at because all stations together have powers that
/// independent noise has with `ln_powers`.
fn coherences(of_source: f64, ln_powers: f64, take_off: bool, lines: usize) -> Vec<f64> {
    let (field, test, mut rng) = (field(), CrossTest::new(SPECTRA), rng(7));
    let pairs = all_pairs(&[0, 1, 2]);
    let x = power_of(STATIONS * SPECTRA, ln_powers);
    let (powers, _) = tilted(eigenvalues(of_source), x);
    let mut found = Vec::new();
    while found.len() < lines {
        let mut track = neighbourhood(of_source, &mut rng);
        track.common = if take_off { common(&test, &track, 0, &field) } else { None };
        for _ in 0..100 {
            put(&mut track, powers, 0.0, &mut rng);
            found.push(pairs.iter().map(|&pair| coherence(&track, pair, &field, place())).sum());
        }
    }
    found
}

/// The largest ratio of how many exceed a sum to how many should, over chances down to `least`.
fn most_above(sums: &[f64], least: f64) -> f64 {
    let ratio = |k: i32| {
        let chance = 10f64.powf(-0.5 * f64::from(k));
        let limit = power_of(STATIONS, libm::log(chance));
        let above = sums.iter().filter(|s| **s > limit).count() as f64;
        (chance, above / (chance * sums.len() as f64))
    };
    (1..20).map(ratio).filter(|(chance, _)| *chance >= least).map(|(_, ratio)| ratio).fold(0.0, f64::max)
}

#[test]
fn what_stations_have_in_common_is_no_coherence_of_a_line() {
    for of_source in [0.0, 0.2, 0.3, 0.4] {
        let above = most_above(&coherences(of_source, -15.0, true, 100_000), 1e-3);
        assert!(above < 1.3, "{of_source}: {above}");
    }
    // Nothing taken off, the test sees that it should be.
    assert!(most_above(&coherences(0.3, -15.0, false, 10_000), 1e-3) > 100.0);
}

#[test]
fn powers_of_all_stations_are_as_rare_as_is_told() {
    let (mut rng, cells) = (rng(8), STATIONS * SPECTRA);
    assert_eq!(ln_chance_of_alike((cells, STATIONS), 0.0, 170.0), ln_chance(cells, 170.0));
    for of_source in [0.1, 0.4] {
        let (common, own) = eigenvalues(of_source);
        let x = power_of(cells, -18.0);
        // Sums with a tilt exceed x often; each counts as rare as it is without.
        let ((more, other), tilt) = tilted((common, own), x);
        let ln_scale = -(SPECTRA as f64) * (libm::log1p(-tilt * common) + 2.0 * libm::log1p(-tilt * own));
        let mut sum = |n: usize, mean: f64| -> f64 {
            (0..n).map(|_| -mean * libm::log(1.0 - rng.random::<f64>())).sum()
        };
        let mut weight = || {
            let sum = sum(SPECTRA, more) + sum((STATIONS - 1) * SPECTRA, other);
            if sum > x { libm::exp(ln_scale - tilt * sum) } else { 0.0 }
        };
        let lines = 20_000;
        let chance = (0..lines).map(|_| weight()).sum::<f64>() / f64::from(lines);
        let told = ln_chance_of_alike((cells, STATIONS), of_source, x);
        assert!((told - libm::log(chance)).abs() < 0.1, "{of_source}: {told} {}", libm::log(chance));
        assert!(told > -18.0 + 0.1);
    }
}

/// Chances of z of all pairs at the source's place, of lines with interference at one station, as sums that independent noise has with them.
fn with_interference(take_off: bool, lines: usize) -> Vec<f64> {
    let (field, test, mut rng, of_source) = (field(), CrossTest::new(SPECTRA), rng(9), 0.4);
    let mut found = Vec::new();
    while found.len() < lines {
        let mut track = neighbourhood(of_source, &mut rng);
        track.common = if take_off { common(&test, &track, 0, &field) } else { None };
        let shared = 1.0 + track.common.as_ref().map_or(0.0, |common| common.of_pairs(&field, place()));
        for _ in 0..100 {
            put(&mut track, eigenvalues(of_source), 2.0, &mut rng);
            let z =
                all_pairs(&[0, 1, 2]).iter().map(|&pair| exact(&track, pair, &field, place()).0).sum::<f64>();
            found.push(z / shared);
        }
    }
    found
}

#[test]
fn interference_at_one_station_is_no_more_coherent_with_a_source_in_the_field() {
    let above = most_above(&with_interference(true, 100_000), 1e-3);
    assert!(above < 1.3, "{above}");
    assert!(most_above(&with_interference(false, 10_000), 1e-3) > 10.0);
}

/// The outcome of a line with noise that stations have in common, and a carrier of an amplitude, at a place or at station 0 alone.
fn outcome(amplitude: f64, place_of_it: Option<[f64; 2]>, rng: &mut impl Rng) -> Outcome {
    let (field, test, of_source) = (field(), CrossTest::new(SPECTRA), 0.4);
    let mut track = neighbourhood(of_source, rng);
    put(&mut track, eigenvalues(of_source), if place_of_it.is_some() { 0.0 } else { amplitude }, rng);
    for t in 0..SPECTRA {
        let (Some(at), carried) = (place_of_it, rng.random::<f64>()) else { continue };
        for m in 0..STATIONS {
            let rate = field.slopes[m][0] * at[0] + field.slopes[m][1] * at[1];
            let turns = carried + rate * t as f64 / field.channel_hz + 0.3 * m as f64;
            track.z_mtk[m][t * (2 * NEAR + 1) + NEAR] +=
                narrow(Complex64::from_polar(amplitude, TAU * turns));
        }
    }
    track.common = common(&test, &track, 0, &field);
    assert!(track.common.is_some());
    let (sum, used) = track.power(0, 0);
    let line = Line { first: 1000, drift: 0, sum, used, wide: 0 };
    judge(&test, &track, (Some(0), &line), &field, &[vec![line], vec![], vec![]]).outcome
}

#[test]
fn beside_a_strong_source_carriers_pass_and_interference_does_not() {
    let mut rng = rng(10);
    let elsewhere = [-0.5 * field().half, 0.6 * field().half];
    for _ in 0..20 {
        assert_eq!(outcome(1.6, Some(elsewhere), &mut rng), Outcome::Passes);
        assert_eq!(outcome(1.6, Some(place()), &mut rng), Outcome::Passes);
    }
    for amplitude in [1.0, 2.0, 5.0, 50.0] {
        for _ in 0..50 {
            assert_ne!(outcome(amplitude, None, &mut rng), Outcome::Passes, "{amplitude}");
        }
    }
}
