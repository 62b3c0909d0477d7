//! The cross test and the channels on made-up data.

use super::cross::{CrossTest, FieldOfRates, exact};
use super::find::Line;
use super::grid::Grid;
use super::noise::median_of_mean;
use super::tracks::Track;
use super::verdict::{Outcome, judge};
use num_complex::{Complex32, Complex64};
use rand::{Rng, RngExt};
use rand_distr::StandardNormal;
use std::f64::consts::TAU;

const SPECTRA: usize = 64;
const CHANNEL_HZ: f64 = 4.0;

fn rng(seed: u64) -> impl Rng {
    mirinae_common::random::stream(seed, 0, 0)
}

/// Three stations; half a hertz either way at the edges of a field of 60".
fn field() -> FieldOfRates {
    let half = (60.0f64 / 3600.0).to_radians();
    let slopes = vec![[0.0, 0.0], [0.5 / half, -0.2 / half], [-0.1 / half, 0.4 / half]];
    FieldOfRates { half, slopes, channel_hz: CHANNEL_HZ, sky_hz: 22e9 }
}

/// Noise of variance 1, with a signal of an amplitude and random phases that turns at each station at a rate (Hz).
fn track(rates_hz: [f64; 3], amplitudes: [f64; 3], rng: &mut impl Rng) -> Track {
    let half = 8;
    let mut track = Track::new(3, SPECTRA, half);
    let row = 2 * half + 1;
    for t in 0..SPECTRA {
        let carried = rng.random::<f64>();
        for m in 0..3 {
            for z in &mut track.z_mtk[m][t * row..(t + 1) * row] {
                let of = |x: f64| (x * 0.5f64.sqrt()) as f32;
                *z = Complex32::new(of(rng.sample(StandardNormal)), of(rng.sample(StandardNormal)));
            }
            let turns = carried + rates_hz[m] * t as f64 / CHANNEL_HZ + 0.3 * m as f64;
            let signal = Complex64::from_polar(amplitudes[m], TAU * turns);
            // Steps are quarters of a channel.
            for k in -3i64..=3 {
                let x = std::f64::consts::FRAC_PI_4 * k as f64;
                let z = signal * if k == 0 { 1.0 } else { x.sin() / x };
                let place = t * row + (half as i64 + k) as usize;
                track.z_mtk[m][place] += Complex32::new(z.re as f32, z.im as f32);
            }
        }
    }
    track
}

fn rates(at: [f64; 2]) -> [f64; 3] {
    let field = field();
    [0, 1, 2].map(|m| field.slopes[m][0] * at[0] + field.slopes[m][1] * at[1])
}

fn line(track: &Track, drift: i64) -> Line {
    let (sum, used) = track.power(0, 0);
    Line { first: 1000, drift, sum, used, wide: 0 }
}

#[test]
fn a_signal_of_one_direction_passes_with_its_place() {
    let (field, test) = (field(), CrossTest::new(SPECTRA));
    let (mut rng, mut off) = (rng(1), [0.0; 2]);
    for _ in 0..20 {
        let at = [0.6 * field.half, -0.3 * field.half];
        let track = track(rates(at), [1.5; 3], &mut rng);
        let line = line(&track, 0);
        let lines = vec![vec![line], vec![], vec![]];
        let verdict = judge(&test, &track, (Some(0), &line), &field, &lines);
        assert_eq!(verdict.outcome, Outcome::Passes);
        let fit = verdict.fit.unwrap();
        let error = fit.error.unwrap();
        for k in 0..2 {
            let sigmas = (fit.at[k] - at[k]) / error[k];
            assert!(sigmas.abs() < 5.0, "{fit:?}");
            off[k] += sigmas * sigmas / 20.0;
        }
        assert!(verdict.closures.iter().all(|c| c.1.abs() < 5.0 * c.2), "{:?}", verdict.closures);
    }
    // Errors are neither too small nor much too large.
    assert!(off.iter().all(|o| (0.2..2.5).contains(o)), "{off:?}");
}

#[test]
fn what_is_no_signal_of_the_sky_is_refused_with_the_reason() {
    let (field, test, mut rng) = (field(), CrossTest::new(SPECTRA), rng(2));
    let mut outcome = |rates_hz: [f64; 3], amplitudes: [f64; 3], lines: Option<i64>| {
        let track = track(rates_hz, amplitudes, &mut rng);
        let line = line(&track, 0);
        let other = lines.map(|drift| Line { drift, first: 1004, ..line });
        judge(&test, &track, (Some(0), &line), &field, &[vec![line], other.into_iter().collect(), vec![]])
            .outcome
    };
    assert_eq!(outcome([0.0; 3], [2.0, 0.0, 0.0], None), Outcome::OneStation);
    assert_eq!(outcome([0.0, 1.7, -1.1], [2.0; 3], None), Outcome::NoPosition);
    assert_eq!(outcome([0.0; 3], [2.0, 2.0, 0.0], None), Outcome::NotEverywhere);
    assert_eq!(outcome([0.0; 3], [2.0, 0.0, 0.0], Some(-9)), Outcome::DriftDiffers);
    // Power at all of them that is not the same signal: phases of its own at each.
    let mut track = track([0.0; 3], [2.0, 0.0, 0.0], &mut rng);
    let row = 2 * track.half + 1;
    for t in 0..SPECTRA {
        let own = Complex64::from_polar(2.0, TAU * rng.random::<f64>());
        track.z_mtk[1][t * row + track.half] += Complex32::new(own.re as f32, own.im as f32);
    }
    let line = line(&track, 0);
    let verdict = judge(&test, &track, (Some(0), &line), &field, &[vec![line], vec![], vec![]]);
    assert_eq!(verdict.outcome, Outcome::NoCorrelation);
    // As strong at the others, some kilohertz away: something moves past; not if it is much stronger there.
    let strong = |first: usize, share: f64| {
        let sum = line.used as f64 * (1.0 + share * line.excess());
        vec![Line { first, sum, ..line }]
    };
    let alone = self::track([0.0; 3], [2.0, 0.0, 0.0], &mut self::rng(7));
    let outcome = |second: f64| {
        let lines = vec![vec![line], strong(3000, 0.8), strong(200, second)];
        judge(&test, &alone, (Some(0), &line), &field, &lines).outcome
    };
    assert_eq!(outcome(1.3), Outcome::NoPosition);
    assert_eq!(outcome(5.0), Outcome::OneStation);
    // A station without data is not asked; without any there is no test.
    track.z_mtk[1].fill(Complex32::default());
    track.z_mtk[2].fill(Complex32::default());
    let verdict = judge(&test, &track, (Some(0), &line), &field, &[vec![line], vec![], vec![]]);
    assert_eq!(verdict.outcome, Outcome::Untested);
}

#[test]
fn noise_of_the_other_station_is_exponential_whatever_the_signal_is() {
    let (field, mut rng) = (field(), rng(3));
    let (mut above, n) = ([0; 3], 4000);
    for _ in 0..n {
        let track = track([0.0; 3], [5.0, 0.0, 0.0], &mut rng);
        let (z, _) = exact(&track, (0, 1), &field, [1e-4, 2e-5]);
        (0..3).for_each(|k| above[k] += i32::from(z > k as f64 + 1.0));
    }
    for (k, count) in above.into_iter().enumerate() {
        let wanted = f64::from(n) * libm::exp(-(k as f64) - 1.0);
        assert!((f64::from(count) - wanted).abs() < 4.5 * wanted.sqrt(), "{k}: {count} {wanted}");
    }
}

#[test]
fn rates_of_the_transform_are_the_exact_ones() {
    let (field, test) = (field(), CrossTest::new(SPECTRA));
    let track = track([0.0, 0.3, -0.2], [1.0; 3], &mut rng(4));
    let row = test.rates(&track, (0, 1), 0);
    for (i, z) in row.iter().enumerate() {
        let signed = if i < row.len() / 2 { i as f64 } else { i as f64 - row.len() as f64 };
        let rate_hz = signed / row.len() as f64 * CHANNEL_HZ;
        // Further away the signal is at another step.
        if rate_hz.abs() < 0.45 {
            let slope = field.slopes[0][0] - field.slopes[1][0];
            let (exact, _) = exact(&track, (0, 1), &field, [rate_hz / slope, 0.0]);
            assert!((z - exact).abs() < 1e-6 * exact.max(1.0), "{rate_hz}: {z} {exact}");
        }
    }
}

#[test]
fn medians_of_means() {
    assert!((median_of_mean(1) - std::f64::consts::LN_2).abs() < 1e-9);
    // Half of chi^2's median with 20 degrees of freedom, 19.3374, over 10.
    assert!((median_of_mean(10) - 0.966_87).abs() < 1e-5);
}

#[test]
fn grids_fit_together() {
    let grid = Grid { bandwidth_hz: 16e6, points: 124_416, most_drift: 160, most_spectra: 128 };
    assert!((grid.channel_hz() - 4.0).abs() < 0.02);
    assert_eq!(grid.own_steps() + 2 * grid.guard_steps(), super::grid::STEPS * grid.points);
    assert!((grid.channels() as f64 * grid.channel_hz() - grid.bandwidth_hz).abs() < 1e-6);
    assert!(grid.sub_bands() * grid.own_channels() >= grid.channels());
}
