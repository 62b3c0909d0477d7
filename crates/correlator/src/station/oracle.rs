//! The slow twin of the station kernel: every sine and cosine, every term of the transform, in double precision.
use super::StationSetup;
use crate::geometry::BlockDelay;
use crate::job::Rotation;
use num_complex::Complex64;
use std::f64::consts::TAU;

/// Spectrum of recorded channel `index` of a block of samples, by the definition.
pub fn spectrum(setup: &StationSetup, index: usize, x: &[f32], delay: &BlockDelay) -> Vec<Complex64> {
    let channel = &setup.recorded[index];
    let n = x.len() as f64;
    let turn = |turns: f64| Complex64::cis(TAU * turns.fract());
    let rotated: Vec<Complex64> = x
        .iter()
        .enumerate()
        .map(|(j, &x)| {
            let tau_s = match setup.rotation {
                Rotation::BeforeTransform => delay.first_s + j as f64 * delay.step_s,
                Rotation::AfterTransform => delay.centre_s,
            };
            turn(-channel.lo_hz * tau_s) * f64::from(x)
        })
        .collect();
    let bins = 0..setup.channels as i64;
    let offset = if channel.lower_sideband { -(setup.channels as i64) } else { 0 };
    bins.map(|c| {
        let k = (c + offset) as f64;
        let sum: Complex64 = rotated.iter().enumerate().map(|(j, x)| x * turn(-k * j as f64 / n)).sum();
        sum * turn(k / n * (delay.fraction_samples - channel.clock_offset_samples))
    })
    .collect()
}
