//! Pulses in time, frequency and direction, against plain sums.

use super::config::{PulseConfig, Sideband};
use super::receiver::Receiver;
use super::scene::Scene;
use super::tests::{coherence, config};
use num_complex::Complex;
use std::f64::consts::TAU;

pub(super) fn pulse() -> PulseConfig {
    PulseConfig {
        name: "frb".to_owned(),
        at_s: 0.012,
        width_ms: 0.5,
        dm_pc_cm3: 300.0,
        amplitude: 2.0,
        east_arcsec: 0.0,
        north_arcsec: 0.0,
    }
}

/// Powers of a station's band in channels of a sixteenth of it, by channel of rising sky frequency and block of 32 samples:
/// a plain sum over samples for each.
fn channel_powers(scene: &Scene, (station, band): (usize, usize)) -> Vec<Vec<f64>> {
    const N: usize = 32;
    let mut x = vec![0.0; 8000 * N];
    Receiver::new(scene, &scene.stations[station], band).fill(0, &mut x);
    let power = |k: usize, block: &[f32]| {
        let turn = |j: usize| Complex::from_polar(1.0, -TAU * (k as f64 + 0.5) * j as f64 / N as f64);
        let sum: Complex<f64> = block.iter().enumerate().map(|(j, &x)| turn(j) * f64::from(x)).sum();
        sum.norm_sqr() / N as f64
    };
    let mut powers: Vec<Vec<f64>> =
        (0..N / 2).map(|k| x.chunks_exact(N).map(|block| power(k, block)).collect()).collect();
    if scene.bands[band].sign < 0.0 {
        powers.reverse();
    }
    powers
}

/// At every frequency the middle of the power comes when the plasma and the station's delay say, and it is as much as it
/// should be.
#[test]
fn pulses_arrive_when_the_plasma_lets_them() {
    for sideband in [Sideband::Upper, Sideband::Lower] {
        let mut config = config(1_400.0, sideband);
        config.sources.clear();
        config.pulses = vec![pulse()];
        let scene = Scene::new(&config).unwrap();
        let highest_hz = (0..2).map(|band| scene.edges(band).1).fold(0.0, f64::max);
        for (station, band) in [(0, 0), (1, 1)] {
            let powers = channel_powers(&scene, (station, band));
            for (k, power_t) in powers.iter().enumerate() {
                let sky_hz = scene.edges(band).0 + (k as f64 + 0.5) * 0.25e6;
                let late_s = [sky_hz, highest_hz].map(|hz| crate::dispersion::delay_s(300.0, hz));
                let geocentre_s = 0.012 + late_s[0] - late_s[1];
                let wanted_s = geocentre_s - station_delay_s(&scene, station, geocentre_s);
                let block = |s: f64| (s * 8e6 / 32.0) as usize;
                // A channel is swept in 0.2 ms: within 0.6 ms of the middle is all of the pulse, noise of mean 1 beside it.
                let near = block(wanted_s - 0.6e-3)..block(wanted_s + 0.6e-3);
                let excess = |t: usize| power_t[t] - 1.0;
                let total: f64 = near.clone().map(excess).sum();
                let first: f64 = near.clone().map(|t| excess(t) * (t as f64 + 0.5) * 4e-6).sum();
                let found_s = first / total;
                assert!(
                    (found_s - wanted_s).abs() < 0.09e-3,
                    "{sideband:?} {band} {k}: {found_s} {wanted_s}"
                );
                // 125 independent powers: a tenth of scatter.
                let strength = total * 4e-6 / 0.5e-3 / 4.0;
                assert!((strength - 1.0).abs() < 0.45, "{sideband:?} {band} {k}: {strength}");
                let before: f64 = power_t[..near.start - 50].iter().sum::<f64>() / (near.start - 50) as f64;
                assert!((before - 1.0).abs() < 0.15, "{before}");
            }
        }
    }
}

fn station_delay_s(scene: &Scene, station: usize, t_s: f64) -> f64 {
    let delay_s = scene.stations[station].model[0].delay_s.at(t_s);
    scene.stations[station].pulse_delay_s(0, t_s - delay_s)
}

/// A pulse that lasts as long as the job has the phases of a source in its direction.
#[test]
fn pulses_are_coherent_between_stations() {
    let mut source = config(22_000.0, Sideband::Upper);
    (source.sources[0].east_arcsec, source.sources[0].north_arcsec) = (20.0, -10.0);
    let mut pulsed = config(22_000.0, Sideband::Upper);
    pulsed.sources.clear();
    pulsed.pulses = vec![PulseConfig {
        at_s: 0.015,
        width_ms: 40.0,
        amplitude: 3.0,
        east_arcsec: 20.0,
        north_arcsec: -10.0,
        ..pulse()
    }];
    let [wanted, found] = [source, pulsed].map(|config| coherence(&Scene::new(&config).unwrap(), 0));
    for (k, (wanted, found)) in wanted.iter().zip(&found).enumerate().take(58).skip(6) {
        let off = (found * wanted.conj()).arg().to_degrees();
        assert!(off.abs() < 6.0 && found.norm() > 0.8, "{k}: {off} degrees, {found}");
    }
}

#[test]
fn pulses_do_not_depend_on_how_they_are_cut() {
    let mut config = config(1_400.0, Sideband::Upper);
    config.pulses = vec![pulse()];
    let scene = Scene::new(&config).unwrap();
    let (mut whole, mut pieces) = (vec![0.0; 64 * 1200], vec![0.0; 64 * 1200]);
    Receiver::new(&scene, &scene.stations[0], 0).fill(64 * 1400, &mut whole);
    let mut receiver = Receiver::new(&scene, &scene.stations[0], 0);
    for (i, piece) in pieces.chunks_mut(64 * 7).enumerate().rev() {
        receiver.fill(64 * (1400 + 7 * i as i64), piece);
    }
    assert_eq!(whole, pieces);
}
