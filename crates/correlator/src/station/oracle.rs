//! The slow twin of the station kernel: every sine and cosine, every term of the transform, in double precision.
use super::StationSetup;
use crate::geometry::BlockDelay;
use crate::job::{Rotation, Sampling};
use num_complex::Complex64;
use std::f64::consts::TAU;

/// Spectrum of recorded channel `index` of a block of samples, by the definition; complex samples are pairs of numbers.
pub fn spectrum(setup: &StationSetup, index: usize, x: &[f32], delay: &BlockDelay) -> Vec<Complex64> {
    let channel = &setup.recorded[index];
    let samples: Vec<Complex64> = if setup.sampling.is_complex() {
        let sign = if channel.lower_sideband { -1.0 } else { 1.0 };
        x.chunks_exact(2).map(|z| Complex64::new(z[0].into(), sign * f64::from(z[1]))).collect()
    } else {
        x.iter().map(|&x| Complex64::new(x.into(), 0.0)).collect()
    };
    let n = samples.len() as f64;
    let turn = |turns: f64| Complex64::cis(TAU * turns.fract());
    let rotated: Vec<Complex64> = samples
        .iter()
        .enumerate()
        .map(|(j, &x)| {
            let tau_s = match setup.rotation {
                Rotation::BeforeTransform => delay.first_s + j as f64 * delay.step_s,
                Rotation::AfterTransform => delay.centre_s,
            };
            x * turn(-channel.lo_hz * tau_s)
        })
        .collect();
    let channels = setup.channels as i64;
    let offset = match (setup.sampling, channel.lower_sideband) {
        (Sampling::ComplexCentred, _) => -(channels / 2),
        (_, true) => -channels,
        (_, false) => 0,
    };
    (0..channels)
        .map(|c| {
            let k = (c + offset) as f64;
            let sum: Complex64 = rotated.iter().enumerate().map(|(j, x)| x * turn(-k * j as f64 / n)).sum();
            sum * turn(k / n * (delay.fraction_samples - channel.clock_offset_samples))
        })
        .collect()
}
