//! The delay in vacuum of a body at a finite distance: light-time equations in barycentric coordinates.
//!
//! As Sekido & Fukushima 2006 (J. Geodesy 80, 137) and Duev et al. 2012 (A&A 541, A43): the light that meets the geocentre and the
//! light that meets the station left the body at the same time. Coordinates and times of the station are turned from
//! geocentric to barycentric ones and back by the terms of the consensus model (IERS Conventions 2010, chapter 11), which it
//! becomes for a body far away.

use super::consensus::EARTH_RADIUS_M;
use super::earth::{Body, Earth, GM_EARTH, GM_SUN, LIGHT_M_S, MJD_JD, TT_TAI_S};
use super::vector::{Vec3, cross, difference, dot, norm, scaled, sum};
use crate::epoch::{DAY_S, Epoch};
use crate::orbit::{Centre, Orbit, OrbitError, Scale};

/// Steps after which an iteration has long converged: each gains four digits.
const STEPS: usize = 12;

/// A geocentric vector in barycentric coordinates (IERS 2010, the terms of equation 11.9).
fn barycentric(earth: &Earth, geocentric_m: Vec3) -> Vec3 {
    let c2 = LIGHT_M_S * LIGHT_M_S;
    let potential = GM_SUN / norm(earth.sun_m);
    let along = dot(earth.velocity_m_s, geocentric_m);
    sum(scaled(geocentric_m, 1.0 - potential / c2), scaled(earth.velocity_m_s, -0.5 * along / c2))
}

/// Geocentric time that passes with `barycentric_s` between the geocentre's event and one at `geocentric_m`.
fn geocentric_s(earth: &Earth, barycentric_s: f64, geocentric_m: Vec3) -> f64 {
    let c2 = LIGHT_M_S * LIGHT_M_S;
    let potential = GM_SUN / norm(earth.sun_m);
    let speed2 = dot(earth.velocity_m_s, earth.velocity_m_s);
    barycentric_s * (1.0 - (0.5 * speed2 + potential) / c2) - dot(earth.velocity_m_s, geocentric_m) / c2
}

/// The time of an orbit's scale at an instant of UTC.
fn in_scale(earth: &Earth, scale: Scale) -> Epoch {
    let tai_s = earth.eop.tai_utc_s;
    let tt_s = tai_s + TT_TAI_S;
    earth.utc.plus(match scale {
        Scale::Utc => 0.0,
        Scale::Tai => tai_s,
        Scale::Gps => tai_s - 19.0,
        Scale::Tt => tt_s,
        Scale::Tdb => {
            let day = MJD_JD + earth.utc.mjd as f64;
            tt_s + sofars::ts::dtdb(day, (earth.utc.second + tt_s) / DAY_S, 0.0, 0.0, 0.0, 0.0)
        }
    })
}

/// Where the body was when the light left it that meets the geocentre now, from where the geocentre is now: barycentric axes
/// and coordinates, in m.
///
/// # Errors
/// [`OrbitError::Outside`].
pub fn emission(earth: &Earth, orbit: &Orbit) -> Result<Vec3, OrbitError> {
    let now = in_scale(earth, orbit.scale);
    let mut light_s = 0.0;
    let mut geocentric_m = [0.0; 3];
    let mut found = [0.0; 3];
    for _ in 0..STEPS {
        let then = earth.before(light_s);
        found = match (orbit.centre, orbit.scale) {
            (Centre::Earth, Scale::Tdb) => sum(orbit.position_m(now.plus(-light_s))?, then.earth_m),
            (Centre::Earth, _) => {
                let since_s = geocentric_s(earth, -light_s, geocentric_m);
                geocentric_m = orbit.position_m(now.plus(since_s))?;
                sum(barycentric(earth, geocentric_m), then.earth_m)
            }
            (Centre::Sun, _) => sum(orbit.position_m(now.plus(-light_s))?, then.sun_m),
            (Centre::Barycentre, _) => difference(orbit.position_m(now.plus(-light_s))?, earth.position_m),
        };
        let new_s = norm(found) / LIGHT_M_S;
        if (new_s - light_s).abs() < 1e-13 * new_s.max(1.0) {
            break;
        }
        light_s = new_s;
    }
    Ok(found)
}

/// t_station - t_geocentre in s, and the vector from the station at its arrival to the body as it was.
///
/// `from_earth_m` as [`emission`] gives it, `station_m` in the GCRS when the light meets the geocentre.
pub fn near_delay(earth: &Earth, from_earth_m: Vec3, station_m: Vec3) -> (f64, Vec3) {
    let turning = cross(earth.spin_rad_s, station_m);
    let (mut barycentric_delay_s, mut delay_s) = (0.0, 0.0);
    let mut moved = station_m;
    for _ in 0..STEPS {
        let there = sum(station_m, scaled(turning, delay_s));
        moved = sum(barycentric(earth, there), scaled(earth.velocity_m_s, barycentric_delay_s));
        let longer_m = difference_of_lengths(from_earth_m, moved);
        barycentric_delay_s = longer_m / LIGHT_M_S + bending(earth, from_earth_m, moved);
        let new_s = geocentric_s(earth, barycentric_delay_s, there);
        let settled = (new_s - delay_s).abs() < 1e-18;
        delay_s = new_s;
        if settled {
            break;
        }
    }
    (delay_s, difference(from_earth_m, moved))
}

/// |a - b| - |a| without the loss of digits.
fn difference_of_lengths(a: Vec3, b: Vec3) -> f64 {
    (dot(b, b) - 2.0 * dot(a, b)) / (norm(difference(a, b)) + norm(a))
}

/// How much later than the geocentre a station sees the light that passes the bodies, in s (general relativity; Moyer's light-time
/// equation). `moved` from the geocentre to the station.
fn bending(earth: &Earth, from_earth_m: Vec3, moved: Vec3) -> f64 {
    let c3 = LIGHT_M_S.powi(3);
    let distance_m = norm(from_earth_m);
    let toward = scaled(from_earth_m, 1.0 / distance_m);
    let mut sum_s = 0.0;
    for body in &earth.bodies {
        let to_earth = difference(earth.position_m, when_passed(earth, body, toward, distance_m));
        let of = |end: Vec3| path(end, sum(to_earth, from_earth_m));
        sum_s += 2.0 * body.gm / c3 * (of(sum(to_earth, moved)) - of(to_earth));
    }
    let own = path(moved, from_earth_m) - (distance_m / EARTH_RADIUS_M).ln();
    sum_s + 2.0 * GM_EARTH / c3 * own
}

/// Where a body is when the light passes it: not before it left, not after it arrived.
fn when_passed(earth: &Earth, body: &Body, toward: Vec3, distance_m: f64) -> Vec3 {
    let along_m = dot(toward, difference(body.position_m, earth.position_m)).clamp(0.0, distance_m);
    difference(body.position_m, scaled(body.velocity_m_s, along_m / LIGHT_M_S))
}

/// ln((r + s + |s - r|) / (r + s - |s - r|)) of the path between two places seen from a mass.
fn path(end: Vec3, start: Vec3) -> f64 {
    let between = norm(difference(start, end));
    // norm(start) - between, without the loss of digits.
    let closer = -difference_of_lengths(start, end);
    ((norm(end) + norm(start) + between) / (norm(end) + closer)).ln()
}

#[cfg(test)]
mod tests {
    use super::super::consensus::vacuum_delay;
    use super::super::vector::unit;
    use super::*;
    use crate::eop::Eop;

    fn earth() -> Earth {
        let eop =
            Eop { tai_utc_s: 37.0, ut1_utc_s: -0.1, x_arcsec: 0.1, y_arcsec: 0.3, dx_mas: 0.0, dy_mas: 0.0 };
        Earth::at(Epoch::new(59_490, 50_000.0), &eop)
    }

    #[test]
    fn far_away_it_is_the_consensus_model() {
        let earth = earth();
        for (direction, station_m) in [
            ([0.3, -0.5, 0.4], [-3_042_280.9, 4_045_902.7, 3_867_376.1]),
            ([-0.8, 0.1, -0.5], [3_899_225.2, 396_731.8, 5_015_078.3]),
            ([0.1, 0.9, 0.2], [-2_059_164.6, -3_621_108.4, 4_814_432.3]),
        ] {
            let (toward, station) = (unit(direction), earth.to_gcrs(station_m));
            let far = near_delay(&earth, scaled(toward, 1e22), station).0;
            let plane = vacuum_delay(&earth, toward, station);
            assert!((far - plane).abs() < 2e-14, "{far} {plane} {:e}", far - plane);
        }
    }

    #[test]
    fn the_curvature_of_the_wave_front_is_that_of_geometry() {
        // (b^2 - (k.b)^2) / (2 R c), to first order in b / R.
        let earth = earth();
        let station = earth.to_gcrs([-3_042_280.9, 4_045_902.7, 3_867_376.1]);
        let toward = unit([0.3, -0.5, 0.4]);
        // What is left: the Earth's velocity, 1e-4 of c, and the next order of b / R.
        for (distance_m, within) in [(1e11, 1e-3), (1e9, 2e-2)] {
            let near = near_delay(&earth, scaled(toward, distance_m), station).0;
            let curved = near - vacuum_delay(&earth, toward, station);
            let across2 = dot(station, station) - dot(toward, station).powi(2);
            let expected = across2 / (2.0 * distance_m * LIGHT_M_S);
            assert!((curved / expected - 1.0).abs() < within, "{distance_m:e}: {curved:e} {expected:e}");
        }
    }
}
