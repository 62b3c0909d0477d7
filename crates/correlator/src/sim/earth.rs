//! Delays and uvw of a rotating Earth, as polynomials: enough for a simulation, not for astrometry.

use super::poly::Poly;
use crate::baseband::UtcSecond;
use std::f64::consts::TAU;

/// Speed of light, m/s.
pub(super) const LIGHT_M_S: f64 = 299_792_458.0;
/// Turns of the Earth in a day of UT1 (IERS Conventions 2010, eq. 5.15), beyond the one.
const EXTRA_TURNS: f64 = 0.002_737_811_911_354_48;
/// Angular velocity of the Earth, rad/s.
const ROTATION_RAD_S: f64 = TAU * (1.0 + EXTRA_TURNS) / 86_400.0;
/// Coefficients of a polynomial, as many as DiFX writes.
const TERMS: usize = 6;

/// Delay (s, geocentre minus station) and DiFX's u, v, w (m), polynomials in seconds.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Geometry {
    pub delay_s: Poly,
    pub uvw_m: [Poly; 3],
}

/// The Earth rotation angle (IERS Conventions 2010, eq. 5.15, UT1 taken as UTC), rad.
fn rotation_angle(start: UtcSecond) -> f64 {
    let days = start.mjd() as f64 - 51_544.5;
    let day_fraction = start.second_of_day() as f64 / 86_400.0;
    let turns = 0.779_057_273_264 + EXTRA_TURNS * (days + day_fraction) + day_fraction + 0.5;
    TAU * turns.rem_euclid(1.0)
}

/// Where a place on Earth is so many seconds after `start`, in the axes that the Earth turns in.
pub(super) fn celestial([x, y, z]: [f64; 3], start: UtcSecond, since_s: f64) -> [f64; 3] {
    let (sin, cos) = (rotation_angle(start) + ROTATION_RAD_S * since_s).sin_cos();
    [x * cos - y * sin, x * sin + y * cos, z]
}

/// The geometry of a station at `position_m` for a source, in powers of the time since `start`.
///
/// DiFX's signs: delay = r.s / c, (u, v, w) = -(r.e_u, r.e_v, r.s), with the source's direction s and its east and
/// north e_u and e_v in Earth-fixed coordinates.
pub(super) fn geometry(position_m: [f64; 3], ra_rad: f64, dec_rad: f64, start: UtcSecond) -> Geometry {
    let [x, y, z] = position_m;
    let hour_angle = rotation_angle(start) - ra_rad;
    let (sin, cos) = hour_angle.sin_cos();
    // Components of the position along and across the hour circle turn with the Earth.
    let along = turning(x * cos - y * sin, -(x * sin + y * cos));
    let across = turning(x * sin + y * cos, x * cos - y * sin);
    let constant = |value: f64| Poly(vec![value]);
    let toward = along.scaled(dec_rad.cos()).plus(&constant(z * dec_rad.sin()));
    let north = along.scaled(-dec_rad.sin()).plus(&constant(z * dec_rad.cos()));
    Geometry {
        delay_s: toward.scaled(1.0 / LIGHT_M_S),
        uvw_m: [across.scaled(-1.0), north.scaled(-1.0), toward.scaled(-1.0)],
    }
}

/// Taylor series of `value cos(w t) + slope sin(w t)`.
fn turning(value: f64, slope: f64) -> Poly {
    let mut coefficients = Vec::with_capacity(TERMS);
    let mut scale = 1.0;
    for i in 0..TERMS {
        let derivative = [value, slope, -value, -slope][i % 4];
        coefficients.push(derivative * scale);
        scale *= ROTATION_RAD_S / (i + 1) as f64;
    }
    Poly(coefficients)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn polynomials_follow_the_turning_earth() {
        let position = [-3_042_280.9, 4_045_902.7, 3_867_374.3];
        let start = UtcSecond::new(60_000, 3600);
        let now = geometry(position, 1.0, 0.35, start);
        let later = geometry(position, 1.0, 0.35, UtcSecond::new(60_000, 3720));
        assert!((now.delay_s.at(120.0) - later.delay_s.at(0.0)).abs() < 1e-14);
        for (a, b) in now.uvw_m.iter().zip(&later.uvw_m) {
            assert!((a.at(120.0) - b.at(0.0)).abs() < 1e-5);
        }
        // A sidereal day later all is the same again, a solar day later nothing is.
        let sidereal = geometry(position, 1.0, 0.35, UtcSecond::new(60_000, 3600 + 86_164));
        assert!((now.delay_s.at(0.0) - sidereal.delay_s.at(0.0)).abs() < 2e-7);
        let length: f64 = now.uvw_m.iter().map(|c| c.at(0.0).powi(2)).sum::<f64>().sqrt();
        let radius = position.iter().map(|c| c * c).sum::<f64>().sqrt();
        assert!((length - radius).abs() < 1e-6);
    }

    /// The signs of DiFX: U' = -w P and W' = -cos(dec) w U, with P the position along the hour circle.
    #[test]
    fn signs_are_those_of_difx() {
        let geometry =
            geometry([-3_042_280.9, 4_045_902.7, 3_867_374.3], 0.3, 0.35, UtcSecond::new(60_000, 0));
        let along = (geometry.delay_s.at(0.0) * LIGHT_M_S - 3_867_374.3 * 0.35_f64.sin()) / 0.35_f64.cos();
        let [u, _, w] = &geometry.uvw_m;
        assert!((u.0[1] + ROTATION_RAD_S * along).abs() < 1e-6);
        assert!((w.0[1] + 0.35_f64.cos() * ROTATION_RAD_S * u.0[0]).abs() < 1e-6);
        assert!((w.0[0] + LIGHT_M_S * geometry.delay_s.0[0]).abs() < 1e-6);
    }
}
