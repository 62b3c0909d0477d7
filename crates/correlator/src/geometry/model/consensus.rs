//! The delay in vacuum: the consensus model of the IERS Conventions (2010), chapter 11.

use super::earth::{Earth, GM_EARTH, GM_SUN, LIGHT_M_S};
use super::vector::{Vec3, cross, difference, dot, norm, scaled, sum, unit};

/// Parameter of light bending in general relativity.
const GAMMA: f64 = 1.0;
/// Radius that stands for the geocentre in the bending by the Earth, as CALC has it; it cancels on every baseline.
pub(super) const EARTH_RADIUS_M: f64 = 6_378_136.55;

/// t_station - t_geocentre in s, for a source at infinity.
///
/// `source` is the unit vector to it from the barycentre, `station_m` the station in the GCRS at the time when the wave front
/// meets the geocentre. Equations 11.1 to 11.9 with station 1 in the geocentre.
pub fn vacuum_delay(earth: &Earth, source: Vec3, station_m: Vec3) -> f64 {
    let c = LIGHT_M_S;
    let along = dot(source, station_m);
    let velocity = earth.velocity_m_s;
    let turning = cross(earth.spin_rad_s, station_m);
    let potential = GM_SUN / norm(earth.sun_m);
    let beta = dot(source, velocity) / c;
    // Equation 11.9.
    let relativity = 1.0
        - (1.0 + GAMMA) * potential / (c * c)
        - dot(velocity, velocity) / (2.0 * c * c)
        - dot(velocity, turning) / (c * c);
    let geometric = -along / c * relativity;
    let aberration = -dot(velocity, station_m) / (c * c) * (1.0 + 0.5 * beta);
    let denominator = 1.0 + dot(source, sum(velocity, turning)) / c;
    (bending(earth, source, station_m) + geometric + aberration) / denominator
}

/// Gravitational delay by all bodies in s (equations 11.1 to 11.7).
fn bending(earth: &Earth, source: Vec3, station_m: Vec3) -> f64 {
    let c = LIGHT_M_S;
    let light_path = scaled(earth.velocity_m_s, dot(source, station_m) / c);
    let mut delay_s = 0.0;
    for body in &earth.bodies {
        // Where the body is when the wave front passes it; not later than it meets the geocentre.
        let toward = difference(body.position_m, earth.position_m);
        let before_s = (dot(source, toward) / c).max(0.0);
        let then = difference(body.position_m, scaled(body.velocity_m_s, before_s));
        let r1 = difference(earth.position_m, then);
        let r2 = difference(sum(r1, station_m), light_path);
        let size = |r: Vec3| norm(r) + dot(source, r);
        delay_s += (1.0 + GAMMA) * body.gm / c.powi(3) * (size(r1) / size(r2)).ln();
    }
    let own = norm(station_m) + dot(source, station_m);
    delay_s + (1.0 + GAMMA) * GM_EARTH / c.powi(3) * (2.0 * EARTH_RADIUS_M / own).ln()
}

/// The direction in which a station sees a source: aberration by the motion of the Earth and of the station.
pub fn aberrated(earth: &Earth, source: Vec3, station_m: Vec3) -> Vec3 {
    let velocity = sum(earth.velocity_m_s, cross(earth.spin_rad_s, station_m));
    let sideways = difference(velocity, scaled(source, dot(source, velocity)));
    unit(sum(source, scaled(sideways, 1.0 / LIGHT_M_S)))
}
