//! Delays of a transmitter on an orbit around the Earth: near enough that it is not in the same direction for all stations.

use super::earth::{LIGHT_M_S, celestial};
use crate::baseband::UtcSecond;
use crate::epoch::Epoch;
use crate::orbit::{Centre, Orbit, Scale};
use std::path::Path;

/// The orbit is needed so long before the start and after the end.
const MARGIN_S: f64 = 2.0;
/// Light needs so long for each coordinate at most: times at which it leaves are within the margin.
const FURTHEST_S: f64 = 1.0;

/// A body on its orbit. Its axes are those that the simulation's Earth turns in.
#[derive(Debug)]
pub(super) struct Satellite {
    orbit: Orbit,
    start: UtcSecond,
}

impl Satellite {
    /// Reads an orbit (an orbit ephemeris message) that must have states for all of the simulation.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn open(path: &Path, start: UtcSecond, duration_s: f64) -> Result<Self, String> {
        let orbit = Orbit::open(path).map_err(|e| e.to_string())?;
        if (orbit.centre, orbit.scale) != (Centre::Earth, Scale::Utc) {
            return Err(format!("{}: positions from the Earth's centre in UTC are needed", path.display()));
        }
        let satellite = Self { orbit, start };
        let seconds = (duration_s + 2.0 * MARGIN_S).ceil() as i64;
        for second in 0..=seconds {
            let time = satellite.epoch(second as f64 - MARGIN_S);
            let at_m = satellite.orbit.position_m(time).map_err(|e| format!("{}: {e}", path.display()))?;
            if at_m.iter().any(|x| x.abs() > FURTHEST_S * LIGHT_M_S) {
                return Err(format!("{}: further than a light second; give it a direction", path.display()));
            }
        }
        Ok(satellite)
    }

    fn epoch(&self, t_s: f64) -> Epoch {
        Epoch::new(self.start.mjd(), self.start.second_of_day() as f64).plus(t_s)
    }

    /// Where it is, in m, at a time from the start.
    fn position_m(&self, t_s: f64) -> [f64; 3] {
        // All times that are asked for have been tried in `open`.
        self.orbit.position_m(self.epoch(t_s)).unwrap_or([0.0; 3])
    }

    /// Arrival at the geocentre minus arrival at a station (fixed on Earth, m) of what this meets at `s_s`, in s.
    pub fn delay_s(&self, station_m: [f64; 3], s_s: f64) -> f64 {
        let length = |v: [f64; 3]| v.iter().map(|x| x * x).sum::<f64>().sqrt();
        // As for directions, the station is taken where it is when the wave front meets the geocentre; each step gains five digits.
        (0..4).fold(0.0, |delay_s, _| {
            let station_m = celestial(station_m, self.start, s_s + delay_s);
            let apart = |at_m: [f64; 3]| length([0, 1, 2].map(|k| at_m[k] - station_m[k]));
            let left = (0..4).fold(0.0, |way_s, _| apart(self.position_m(s_s - way_s)) / LIGHT_M_S);
            let at_m = self.position_m(s_s - left);
            // The difference of two long ways, without losing its digits.
            let along: f64 = (0..3).map(|k| station_m[k] * (2.0 * at_m[k] - station_m[k])).sum();
            along / (length(at_m) + apart(at_m)) / LIGHT_M_S
        })
    }
}
