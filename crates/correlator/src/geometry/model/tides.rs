//! Displacement by the solid Earth's tides: IERS Conventions (2010), section 7.1.1, steps 1 and 2, and the pole tide, 7.1.4.
//!
//! The permanent part is left in, as it is in conventional tide-free coordinates.

use super::earth::{Earth, GM_EARTH, GM_MOON, GM_SUN};
use super::site::Local;
use super::vector::{Vec3, dot, norm, scaled, sum, unit};
use crate::epoch::DAY_S;
use std::f64::consts::PI;

/// Equatorial radius in m (IERS 2010, table 1.1).
const RADIUS_M: f64 = 6_378_136.6;
const DEG_RAD: f64 = PI / 180.0;

/// Multiples of s, h, p, N' and ps, and amplitudes in mm (radial in and out of phase, transverse in and out of phase).
type Wave = ([f64; 5], [f64; 4]);

/// Corrections in the diurnal band (table 7.3a), those above 0.01 mm.
const DIURNAL: [Wave; 17] = [
    ([-2.0, 0.0, 1.0, -1.0, 0.0], [-0.02, 0.0, 0.0, 0.0]),
    ([-2.0, 0.0, 1.0, 0.0, 0.0], [-0.08, 0.0, -0.01, 0.01]),
    ([-2.0, 2.0, -1.0, 0.0, 0.0], [-0.02, 0.0, 0.0, 0.0]),
    ([-1.0, 0.0, 0.0, -1.0, 0.0], [-0.10, 0.0, 0.0, 0.0]),
    ([-1.0, 0.0, 0.0, 0.0, 0.0], [-0.51, 0.0, -0.02, 0.03]),
    ([0.0, 0.0, -1.0, 0.0, 0.0], [0.02, 0.0, 0.0, 0.0]),
    ([0.0, 0.0, 1.0, 0.0, 0.0], [0.06, 0.0, 0.0, 0.0]),
    ([1.0, -3.0, 0.0, 0.0, 1.0], [-0.06, 0.0, 0.0, 0.0]),
    ([1.0, -2.0, 0.0, 0.0, 0.0], [-1.23, -0.07, 0.06, 0.01]),
    ([1.0, -1.0, 0.0, 0.0, -1.0], [0.02, 0.0, 0.0, 0.0]),
    ([1.0, -1.0, 0.0, 0.0, 1.0], [0.04, 0.0, 0.0, 0.0]),
    ([1.0, 0.0, 0.0, -1.0, 0.0], [-0.22, 0.01, 0.01, 0.0]),
    ([1.0, 0.0, 0.0, 0.0, 0.0], [12.00, -0.80, -0.67, -0.03]),
    ([1.0, 0.0, 0.0, 1.0, 0.0], [1.73, -0.12, -0.10, 0.0]),
    ([1.0, 0.0, 0.0, 2.0, 0.0], [-0.04, 0.0, 0.0, 0.0]),
    ([1.0, 1.0, 0.0, 0.0, -1.0], [-0.50, -0.01, 0.03, 0.0]),
    ([1.0, 2.0, 0.0, 0.0, 0.0], [-0.11, 0.01, 0.01, 0.0]),
];

/// Corrections of long period (table 7.3b); amplitudes: radial in phase, transverse in phase, radial and transverse out of phase.
const LONG: [Wave; 5] = [
    ([0.0, 0.0, 0.0, 1.0, 0.0], [0.47, 0.23, 0.16, 0.07]),
    ([0.0, 2.0, 0.0, 0.0, 0.0], [-0.20, -0.12, -0.11, -0.05]),
    ([1.0, 0.0, -1.0, 0.0, 0.0], [-0.11, -0.08, -0.09, -0.04]),
    ([2.0, 0.0, 0.0, 0.0, 0.0], [-0.13, -0.11, -0.15, -0.07]),
    ([2.0, 0.0, 0.0, 1.0, 0.0], [-0.05, -0.05, -0.06, -0.03]),
];

/// Displacement of a station (ITRS, m) by the tides of the solid Earth; `at_m` is its position.
pub fn solid(earth: &Earth, at_m: Vec3) -> Vec3 {
    let hour = earth.utc.second / 3600.0;
    let bodies = [(earth.to_itrs(earth.sun_m), GM_SUN), (earth.to_itrs(earth.moon_m), GM_MOON)];
    displacement(at_m, &bodies, hour, earth.centuries)
}

/// As [`solid`], of bodies (ITRS positions in m, gravitational parameters) at an hour of UT.
fn displacement(at_m: Vec3, bodies: &[(Vec3, f64)], hour: f64, centuries: f64) -> Vec3 {
    let local = Local::geocentric(at_m);
    let step_1 = bodies.iter().map(|&(position, gm)| direct(at_m, &local, position, gm));
    let step_1 = step_1.fold([0.0; 3], sum);
    sum(step_1, waves(&local, hour, centuries))
}

/// Step 1: one body; degrees 2 and 3, anelasticity of the mantle, latitude dependence.
fn direct(at_m: Vec3, local: &Local, body_m: Vec3, gm: f64) -> Vec3 {
    let (r, body) = (unit(at_m), unit(body_m));
    let distance = norm(body_m);
    let degree_2 = gm / GM_EARTH * RADIUS_M * (RADIUS_M / distance).powi(3);
    let degree_3 = degree_2 * RADIUS_M / distance;
    let cosine = dot(r, body);
    let (sin_lat, cos_lat) = (local.latitude_rad.sin(), local.latitude_rad.cos());
    let shape = 0.5 * (3.0 * sin_lat * sin_lat - 1.0);
    let (h2, l2) = (0.6078 - 0.0006 * shape, 0.0847 + 0.0002 * shape);
    let (h3, l3) = (0.292, 0.015);
    let sideways = sum(body, scaled(r, -cosine));
    let radial =
        degree_2 * h2 * (1.5 * cosine * cosine - 0.5) + degree_3 * h3 * (2.5 * cosine.powi(3) - 1.5 * cosine);
    let transverse = degree_2 * 3.0 * l2 * cosine + degree_3 * l3 * (7.5 * cosine * cosine - 1.5);
    let main = sum(scaled(r, radial), scaled(sideways, transverse));
    // Longitude of the station from the body, and the body's latitude.
    let lag = local.longitude_rad - body[1].atan2(body[0]);
    let (sin_body, cos_body) = (body[2], (1.0 - body[2] * body[2]).sqrt());
    let (diurnal, semidiurnal) = (2.0 * sin_body * cos_body, cos_body * cos_body);
    let (cos_2lat, sin_2lat) = (cos_lat * cos_lat - sin_lat * sin_lat, 2.0 * sin_lat * cos_lat);
    // Out of phase: eqs 7.10 and 7.11.
    let (h_d, l_d, h_s, l_s) = (-0.0025, -0.0007, -0.0022, -0.0007);
    let mut up = -0.75 * h_d * diurnal * sin_2lat * lag.sin();
    up -= 0.75 * h_s * semidiurnal * cos_lat * cos_lat * (2.0 * lag).sin();
    let mut north = -1.5 * l_d * diurnal * cos_2lat * lag.sin();
    north += 0.75 * l_s * semidiurnal * sin_2lat * (2.0 * lag).sin();
    let mut east = -1.5 * l_d * diurnal * sin_lat * lag.cos();
    east -= 1.5 * l_s * semidiurnal * cos_lat * (2.0 * lag).cos();
    // Latitude dependence: eqs 7.8 and 7.9, with P21 = 3 sin cos and P22 = 3 cos^2.
    let (l1_d, l1_s) = (0.0012, 0.0024);
    let (p21, p22) = (1.5 * diurnal, 3.0 * semidiurnal);
    north -= l1_d * sin_lat * p21 * sin_lat * lag.cos();
    east += l1_d * sin_lat * p21 * cos_2lat * lag.sin();
    north -= 0.5 * l1_s * sin_lat * cos_lat * p22 * (2.0 * lag).cos();
    east -= 0.5 * l1_s * sin_lat * cos_lat * p22 * sin_lat * (2.0 * lag).sin();
    sum(main, scaled(local.to_itrs(east, north, up), degree_2))
}

/// Step 2: what depends on frequency.
fn waves(local: &Local, hour: f64, t: f64) -> Vec3 {
    let lunar = 218.316_645_63 + 481_267.881_94 * t - 0.001_466_388_9 * t * t;
    let tau = hour * 15.0 + 280.460_618_4 + 36_000.770_053_6 * t + 0.000_387_93 * t * t - lunar;
    let s = lunar + 1.396_971_278 * t + 0.000_308_889 * t * t;
    let h = 280.466_45 + 36_000.769_748_9 * t + 0.000_303_222_22 * t * t;
    let p = 83.353_243_12 + 4_069.013_635_25 * t - 0.010_321_722_22 * t * t;
    let node = 234.955_444_99 + 1_934.136_261_97 * t - 0.002_075_611_11 * t * t;
    let ps = 282.937_340_98 + 1.719_457_666_67 * t;
    let phase = |m: &[f64; 5]| (m[0] * s + m[1] * h + m[2] * p + m[3] * node + m[4] * ps) * DEG_RAD;
    let (sin_lat, cos_lat) = (local.latitude_rad.sin(), local.latitude_rad.cos());
    let (sin_2lat, cos_2lat) = (2.0 * sin_lat * cos_lat, cos_lat * cos_lat - sin_lat * sin_lat);
    let [mut east, mut north, mut up] = [0.0; 3];
    for (multiples, [r_in, r_out, t_in, t_out]) in &DIURNAL {
        let (sin, cos) = (tau * DEG_RAD + phase(multiples) + local.longitude_rad).sin_cos();
        up += (r_in * sin + r_out * cos) * sin_2lat;
        north += (t_in * sin + t_out * cos) * cos_2lat;
        east += (t_in * cos - t_out * sin) * sin_lat;
    }
    for (multiples, [r_in, t_in, r_out, t_out]) in &LONG {
        let (sin, cos) = phase(multiples).sin_cos();
        up += (r_in * cos + r_out * sin) * 0.5 * (3.0 * sin_lat * sin_lat - 1.0);
        north += (t_in * cos + t_out * sin) * sin_2lat;
    }
    scaled(local.to_itrs(east, north, up), 1e-3)
}

/// Displacement (ITRS, m) by the motion of the pole about the secular pole (IERS Conventions 7.1.4, update of 2018).
pub fn pole(earth: &Earth, at_m: Vec3) -> Vec3 {
    let years = (earth.utc.mjd as f64 + earth.utc.second / DAY_S - 51_544.0) / 365.25;
    let (x_secular, y_secular) = (0.055 + 0.001_677 * years, 0.3205 + 0.003_46 * years);
    let (m1, m2) = (earth.eop.x_arcsec - x_secular, -(earth.eop.y_arcsec - y_secular));
    let local = Local::geocentric(at_m);
    let (sin_lon, cos_lon) = local.longitude_rad.sin_cos();
    let colatitude = 0.5 * PI - local.latitude_rad;
    let along = m1 * cos_lon + m2 * sin_lon;
    let across = m1 * sin_lon - m2 * cos_lon;
    let up = -0.033 * (2.0 * colatitude).sin() * along;
    let south = -0.009 * (2.0 * colatitude).cos() * along;
    let east = 0.009 * colatitude.cos() * across;
    local.to_itrs(east, -south, up)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The test cases of the IERS's own software for 2009-04-13 and 2012-07-13, 0h UTC.
    #[test]
    fn solid_tide_of_the_conventions() {
        let cases = [
            (
                [4_075_578.385, 931_852.890, 4_801_570.154],
                [137_859_926_952.015, 54_228_127_881.435_0, 23_509_422_341.696_0],
                [-179_996_231.920_342, -312_468_450.131_567, -169_288_918.592_160],
                54_934.0 + 66.184 / DAY_S,
                [0.077_004_203_571_081_26, 0.063_040_563_218_249_68, 0.055_165_681_525_972_47],
            ),
            (
                [1_112_189.660, -4_842_955.026, 3_985_352.284],
                [-54_537_460_436.235_7, 130_244_288_385.279, 56_463_429_031.599_6],
                [300_396_716.912_000, 243_238_281.451_000, 120_548_075.939_000],
                56_121.0 + 67.184 / DAY_S,
                [-0.020_368_316_391_875_83, 0.056_585_795_552_253_38, -0.075_976_791_615_209_5],
            ),
        ];
        for (at, sun, moon, mjd, expected) in cases {
            let centuries = (mjd - 51_544.5) / 36_525.0;
            // The software has GM ratios of its own; they differ in the eighth digit.
            let got = displacement(at, &[(sun, GM_SUN), (moon, GM_MOON)], 0.0, centuries);
            for (g, e) in got.iter().zip(expected) {
                assert!((g - e).abs() < 2e-5, "{got:?} {expected:?}");
            }
        }
    }
}
