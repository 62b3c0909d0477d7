//! Dispersed pulses of noise on the sky: what a search for bursts must find.
//!
//! A pulse is white noise of constant power for its width, the same at all stations. Its spectrum in a band is turned by the
//! phase of the plasma, so that every frequency arrives in its own time, also within a channel of whatever width: coherent
//! dispersion, which no incoherent sum over channels undoes wholly.

use super::config::PulseConfig;
use super::noise::{Stream, generator};
use super::scene::Scene;
use crate::dispersion::{delay_s, turns};
use mirinae_fourier::{FftDirection, Instructions, single};
use num_complex::Complex;
use rand_distr::{Distribution, StandardNormal};
use std::f64::consts::TAU;

/// Samples before and after a pulse, over which the ringing of the band's edges dies away.
const GUARD: usize = 1024;
/// Samples of a pulse in one band at most: 128 MB.
const MOST_SAMPLES: usize = 1 << 24;

/// A pulse.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Pulse {
    /// When its middle meets the geocentre at an infinite frequency, s from the start.
    infinite_s: f64,
    width_s: f64,
    dm_pc_cm3: f64,
    /// Power in units of the system's.
    power: f64,
}

/// A pulse in one band: the complex envelope about the band's centre at twice the bandwidth, as sources have it.
pub(super) struct Dispersed {
    first: i64,
    envelope: Vec<Complex<f32>>,
}

impl Pulse {
    /// Resolves what the user writes; `bands` are the edges of each.
    ///
    /// # Errors
    /// Field and what is wrong with it.
    pub fn new(config: &PulseConfig, bands: &[(f64, f64)], rate_hz: f64) -> Result<Self, (String, String)> {
        let field = |name: &str| format!("pulses.{}.{name}", config.name);
        for (name, value) in [("width_ms", config.width_ms), ("amplitude", config.amplitude)] {
            if !(value > 0.0 && value.is_finite()) {
                return Err((field(name), format!("{value} must be above 0")));
            }
        }
        if !(config.dm_pc_cm3 >= 0.0 && config.dm_pc_cm3.is_finite()) {
            return Err((field("dm_pc_cm3"), format!("{} must be 0 or more", config.dm_pc_cm3)));
        }
        if !config.at_s.is_finite() {
            return Err((field("at_s"), "must be a number".to_owned()));
        }
        let highest_hz = bands.iter().map(|band| band.1).fold(0.0, f64::max);
        let pulse = Self {
            infinite_s: config.at_s - delay_s(config.dm_pc_cm3, highest_hz),
            width_s: 1e-3 * config.width_ms,
            dm_pc_cm3: config.dm_pc_cm3,
            power: config.amplitude * config.amplitude,
        };
        let longest_s = bands.iter().map(|&band| pulse.sweep_s(band) + pulse.width_s).fold(0.0, f64::max);
        let most_s = (MOST_SAMPLES / 2) as f64 / rate_hz;
        if longest_s > most_s {
            let what =
                format!("the pulse takes {longest_s} s to cross a band: at most {most_s} s can be made");
            return Err((field("dm_pc_cm3"), what));
        }
        Ok(pulse)
    }

    /// How much later it arrives at the lower edge of a band than at the upper one.
    fn sweep_s(&self, (low_hz, high_hz): (f64, f64)) -> f64 {
        delay_s(self.dm_pc_cm3, low_hz) - delay_s(self.dm_pc_cm3, high_hz)
    }

    /// Makes its envelope in a band.
    pub fn disperse(&self, scene: &Scene, pulse: usize, band: usize) -> Dispersed {
        let rate_hz = scene.sample_rate_hz as f64;
        let (low_hz, high_hz) = scene.edges(band);
        let on = (self.width_s * rate_hz).ceil() as usize;
        let sweep = (self.sweep_s((low_hz, high_hz)) * rate_hz).ceil() as usize;
        let n = (on + sweep + 2 * GUARD).next_power_of_two();
        let begin_s = self.infinite_s + delay_s(self.dm_pc_cm3, high_hz) - 0.5 * self.width_s;
        let mut envelope = vec![Complex::default(); n];
        let mut rng = generator(scene.seed, Stream::Pulse { pulse, band }, 0);
        let mut normal = || -> f32 { StandardNormal.sample(&mut rng) };
        envelope[GUARD..GUARD + on].fill_with(|| Complex::new(normal(), normal()));
        self.filter((low_hz, high_hz), rate_hz, &mut envelope);
        Dispersed { first: (begin_s * rate_hz).round() as i64 - GUARD as i64, envelope }
    }

    /// Keeps what is in the band, delayed by the plasma relative to the band's upper edge.
    fn filter(&self, (low_hz, high_hz): (f64, f64), rate_hz: f64, y: &mut [Complex<f32>]) {
        let n = y.len();
        single(n, FftDirection::Forward, Instructions::Any).process(y);
        let latest_s = delay_s(self.dm_pc_cm3, high_hz);
        // The noise fills twice the band; the inverse transform is not normalised.
        let gain = (2.0 * self.power).sqrt() / n as f64;
        for (k, y) in y.iter_mut().enumerate() {
            let bin = if k < n / 2 { k as f64 } else { k as f64 - n as f64 };
            let f_hz = bin * rate_hz / n as f64;
            let sky_hz = 0.5 * (low_hz + high_hz) + f_hz;
            let inside = (low_hz..=high_hz).contains(&sky_hz);
            let turns = turns(self.dm_pc_cm3, sky_hz).rem_euclid(1.0) + (f_hz * latest_s).rem_euclid(1.0);
            let factor = Complex::from_polar(if inside { gain } else { 0.0 }, TAU * turns);
            *y *= Complex::new(factor.re as f32, factor.im as f32);
        }
        single(n, FftDirection::Inverse, Instructions::Any).process(y);
    }
}

impl Dispersed {
    /// Fills `out` with the envelope's samples from number `start` on; whether any of the pulse is there.
    pub fn fill(&self, start: i64, out: &mut [Complex<f32>]) -> bool {
        let place = |at: i64| (at - start).clamp(0, out.len() as i64) as usize;
        let (from, to) = (place(self.first), place(self.first + self.envelope.len() as i64));
        if from == to {
            return false;
        }
        out.fill(Complex::default());
        let begin = (start + from as i64 - self.first) as usize;
        out[from..to].copy_from_slice(&self.envelope[begin..begin + to - from]);
        true
    }
}
