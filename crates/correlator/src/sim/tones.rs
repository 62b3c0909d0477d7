//! Phase-calibration tones that a station puts into its bands.

use super::scene::{Scene, Station};
use crate::job::{Cycle, PhaseCal};
use std::f64::consts::TAU;

/// Tones as a station makes them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Injected {
    pub tones: PhaseCal,
    /// Amplitude of each in standard deviations of the system.
    pub amplitude: f64,
    /// Phase of all at the start in turns.
    pub phase_turns: f64,
    /// Delay of the cable that they come through.
    pub delay_s: f64,
}

/// The sum of the tones of a band over one period.
pub(super) struct Tones(Vec<f32>);

impl Tones {
    /// Those of a station in a band: each is cos(2 pi ((f - edge) s + phase - f delay)) at station time s.
    ///
    /// # Errors
    /// They do not repeat soon enough, in words.
    pub fn new(scene: &Scene, station: &Station, band: usize) -> Result<Option<Self>, String> {
        let Some(injected) = station.phase_cal else { return Ok(None) };
        let (edge_hz, sign) = (scene.bands[band].edge_hz, scene.bands[band].sign);
        let low_hz = edge_hz.min(edge_hz + sign * scene.bandwidth_hz);
        let tones_hz = injected.tones.tones_hz(low_hz, scene.bandwidth_hz)?;
        let offsets_hz: Vec<f64> = tones_hz.iter().map(|f| f - edge_hz).collect();
        let period = Cycle::new(&offsets_hz, scene.sample_rate_hz)?.period;
        let value = |j: usize| {
            let turns = |(f, offset): (&f64, &f64)| {
                let phase = injected.phase_turns - (f * injected.delay_s).rem_euclid(1.0);
                offset * j as f64 / scene.sample_rate_hz as f64 + phase
            };
            let tones = tones_hz.iter().zip(&offsets_hz).map(turns);
            (injected.amplitude * tones.map(|t| (TAU * t.rem_euclid(1.0)).cos()).sum::<f64>()) as f32
        };
        Ok(Some(Self((0..period).map(value).collect())))
    }

    /// Adds them to samples from number `start` on, counted from the job's start in station time.
    pub fn add(&self, start: i64, out: &mut [f32]) {
        let first = start.rem_euclid(self.0.len() as i64) as usize;
        let values = self.0.iter().cycle().skip(first);
        out.iter_mut().zip(values).for_each(|(x, tone)| *x += tone);
    }
}
