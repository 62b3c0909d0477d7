//! Narrow-band transmitters on the sky, on an orbit or beside a station, and bursts of noise at one station: what searches must find or refuse.

use super::config::{BurstConfig, TransmitterConfig};
use super::receiver::ANCHOR;
use super::satellite::Satellite;
use super::scene::{Scene, Station};
use num_complex::Complex;
use std::f64::consts::TAU;

/// A carrier whose frequency drifts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Transmitter {
    /// Sky frequency at the start: in geocentric time, or in the time of the station that it is beside.
    pub sky_hz: f64,
    pub drift_hz_per_s: f64,
    /// In standard deviations of the system.
    pub amplitude: f64,
    pub phase_turns: f64,
    /// The station that alone receives it; all stations by its direction if absent.
    pub station: Option<usize>,
}

/// Noise on top of a station's own for a while.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Burst {
    pub from_s: f64,
    pub to_s: f64,
    /// What the system's noise is multiplied with.
    pub gain: f32,
}

impl Transmitter {
    /// Resolves what the user writes.
    ///
    /// # Errors
    /// Field and what is wrong with it.
    pub fn new(
        config: &TransmitterConfig,
        stations: &[String],
        bands: &[(f64, f64)],
    ) -> Result<Self, (String, String)> {
        let field = |name: &str| format!("transmitters.{}.{name}", config.name);
        let sky_hz = config.sky_mhz * 1e6;
        if !bands.iter().any(|(low, high)| (*low..*high).contains(&sky_hz)) {
            return Err((field("sky_mhz"), format!("{} lies in no band", config.sky_mhz)));
        }
        if !(config.amplitude > 0.0 && config.amplitude.is_finite()) {
            return Err((field("amplitude"), format!("{} must be above 0", config.amplitude)));
        }
        if !config.drift_hz_per_s.is_finite() {
            return Err((field("drift_hz_per_s"), "must be a number".to_owned()));
        }
        let aside = config.east_arcsec != 0.0 || config.north_arcsec != 0.0;
        if config.orbit.is_some() && (config.station.is_some() || aside) {
            return Err((
                field("orbit"),
                "it is on its orbit, beside a station or on the sky: one of them".to_owned(),
            ));
        }
        let station = match &config.station {
            None => None,
            Some(code) => match stations.iter().position(|s| s == code) {
                None => return Err((field("station"), format!("no station is called {code}"))),
                found => found,
            },
        };
        Ok(Self {
            sky_hz,
            drift_hz_per_s: config.drift_hz_per_s,
            amplitude: config.amplitude,
            phase_turns: config.phase_deg / 360.0,
            station,
        })
    }

    /// Phase relative to the local oscillator at `edge_hz` at a station's time, in turns, and its change in `length_s`.
    fn turns(
        &self,
        (station, index, satellite): (&Station, usize, Option<&Satellite>),
        edge_hz: f64,
        s_s: f64,
        length_s: f64,
    ) -> (f64, f64) {
        let delay_at = |s_s: f64| match (self.station, satellite) {
            (Some(_), _) => 0.0,
            (None, Some(satellite)) => station.satellite_delay_s(satellite, s_s),
            (None, None) => station.transmitter_delay_s(index, s_s),
        };
        let (delay_s, later_s) = (delay_at(s_s), delay_at(s_s + length_s));
        let t_s = s_s + delay_s;
        // The large numbers apart, so that a turn keeps its digits.
        let parts =
            [(self.sky_hz - edge_hz) * s_s, self.sky_hz * delay_s, 0.5 * self.drift_hz_per_s * t_s * t_s];
        let turns = parts.iter().map(|p| p.rem_euclid(1.0)).sum::<f64>() + self.phase_turns;
        let longer_s = length_s + later_s - delay_s;
        let change = (self.sky_hz - edge_hz) * length_s
            + self.sky_hz * (later_s - delay_s)
            + self.drift_hz_per_s * longer_s * (t_s + 0.5 * longer_s);
        (turns, change)
    }
}

/// Adds what of the transmitters a station receives in a band to samples from number `start` on.
pub(super) fn add(scene: &Scene, station: &Station, band: usize, start: i64, out: &mut [f32]) {
    let (edge_hz, sign) = (scene.bands[band].edge_hz, scene.bands[band].sign);
    let rate_hz = scene.sample_rate_hz as f64;
    for (index, one) in scene.transmitters.iter().enumerate() {
        let inside = (0.0..scene.bandwidth_hz).contains(&(sign * (one.sky_hz - edge_hz)));
        if !inside || one.station.is_some_and(|s| s != station.index) {
            continue;
        }
        for (i, out) in out.chunks_mut(ANCHOR as usize).enumerate() {
            let from_s = (start + i as i64 * ANCHOR) as f64 / rate_hz;
            let of = (station, index, scene.satellites[index].as_ref());
            let (first, change) = one.turns(of, edge_hz, from_s, ANCHOR as f64 / rate_hz);
            let step = change / ANCHOR as f64;
            // A receiver's filter keeps out what the station's motion moves beyond the band.
            if !(0.0..0.5).contains(&(sign * step)) {
                continue;
            }
            let turn = Complex::from_polar(1.0, TAU * step);
            let mut phasor = Complex::from_polar(one.amplitude, TAU * first);
            for x in out {
                *x += phasor.re as f32;
                phasor *= turn;
            }
        }
    }
}

impl Burst {
    /// Resolves what the user writes: the station's index and the burst.
    ///
    /// # Errors
    /// Field and what is wrong with it.
    pub fn new(config: &BurstConfig, stations: &[String]) -> Result<(usize, Self), (String, String)> {
        let Some(station) = stations.iter().position(|s| *s == config.station) else {
            return Err(("bursts.station".to_owned(), format!("no station is called {}", config.station)));
        };
        let (duration_s, amplitude) = (1e-3 * config.duration_ms, config.amplitude);
        if !(duration_s > 0.0 && amplitude > 0.0 && config.at_s.is_finite() && duration_s.is_finite()) {
            return Err(("bursts".to_owned(), "duration_ms and amplitude must be above 0".to_owned()));
        }
        let gain = (1.0 + amplitude * amplitude).sqrt() as f32;
        Ok((station, Self { from_s: config.at_s, to_s: config.at_s + duration_s, gain }))
    }

    /// Makes the noise of samples from number `start` on as strong as it is in the burst.
    pub fn amplify(&self, rate_hz: f64, start: i64, out: &mut [f32]) {
        let place = |s: f64| ((s * rate_hz).ceil() as i64 - start).clamp(0, out.len() as i64) as usize;
        let (from, to) = (place(self.from_s), place(self.to_s));
        out[from..to].iter_mut().for_each(|x| *x *= self.gain);
    }
}
