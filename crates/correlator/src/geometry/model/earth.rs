//! Where the Earth is and how it is turned at an instant, and where Sun, Moon and planets are.
//!
//! Precession and nutation: IAU 2006/2000A with the celestial intermediate origin; Earth rotation angle and polar motion as in
//! the IERS Conventions (2010), chapter 5; Earth and Sun from the VSOP2000 series of SOFA's `epv00`, Moon and planets from
//! `moon98` and `plan94` (good enough for tides and for the bending of light; no ephemeris file is needed).

use super::vector::{Mat3, Vec3, difference, rotated, rotated_back, scaled, sum};
use crate::eop::Eop;
use crate::epoch::{DAY_S, Epoch};
use sofars::{eph, erst, pnp};
use std::f64::consts::{PI, TAU};

/// Speed of light in m/s.
pub const LIGHT_M_S: f64 = 299_792_458.0;
/// Astronomical unit in m (IAU 2012 B2).
const AU_M: f64 = 149_597_870_700.0;
/// Angular velocity of the Earth in rad per second of UT1 (IERS 2010, eq. 5.15).
const ROTATION_RAD_S: f64 = TAU * 1.002_737_811_911_354_6 / DAY_S;
/// TT - TAI in s.
pub(super) const TT_TAI_S: f64 = 32.184;
pub(super) const MJD_JD: f64 = 2_400_000.5;
const ARCSEC_RAD: f64 = PI / 648_000.0;
/// Gravitational parameters in m^3/s^2 (IERS 2010, table 1.1; planets: IAU 2009 mass ratios).
pub const GM_SUN: f64 = 1.327_124_420_99e20;
/// Of the Earth.
pub const GM_EARTH: f64 = 3.986_004_418e14;
/// Of the Moon.
pub const GM_MOON: f64 = GM_EARTH * 0.012_300_037_1;
/// Number of SOFA and gravitational parameter of the planets that bend light by more than 1e-14 s somewhere.
const PLANETS: [(i32, f64); 5] = [
    (2, GM_SUN / 408_523.719),
    (4, GM_SUN / 3_098_703.59),
    (5, GM_SUN / 1_047.348_644),
    (6, GM_SUN / 3_497.901_8),
    (7, GM_SUN / 22_902.98),
];

/// Position (m) and velocity (m/s) of the Earth from the Sun and from the barycentre.
fn sun_and_barycentre(day: f64, tt: f64) -> ((Vec3, Vec3), (Vec3, Vec3)) {
    // SOFA warns of years far from 2000 and gives the position all the same.
    let (from_sun, from_barycentre) = eph::epv00(day, tt).unwrap_or_default();
    (to_si(from_sun), to_si(from_barycentre))
}

/// Position and velocity in au and au a day as m and m/s.
fn to_si(pv: [Vec3; 2]) -> (Vec3, Vec3) {
    (scaled(pv[0], AU_M), scaled(pv[1], AU_M / DAY_S))
}

/// A body that bends light.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Body {
    /// Gravitational parameter in m^3/s^2.
    pub gm: f64,
    /// Position from the barycentre in m.
    pub position_m: Vec3,
    /// Velocity in m/s.
    pub velocity_m_s: Vec3,
}

/// The state of the Earth at an instant; axes of the GCRS unless said otherwise.
#[derive(Debug, Clone, PartialEq)]
pub struct Earth {
    /// Turns GCRS vectors into ITRS vectors.
    pub itrs_from_gcrs: Mat3,
    /// Angular velocity in rad/s.
    pub spin_rad_s: Vec3,
    /// Barycentric position of the geocentre in m.
    pub position_m: Vec3,
    /// Its velocity in m/s.
    pub velocity_m_s: Vec3,
    /// Geocentric Sun in m.
    pub sun_m: Vec3,
    /// Geocentric Moon in m.
    pub moon_m: Vec3,
    /// Sun, Moon and planets.
    pub bodies: Vec<Body>,
    /// Centuries of TT since J2000.
    pub centuries: f64,
    /// Epoch in UTC.
    pub utc: Epoch,
    /// Earth orientation.
    pub eop: Eop,
}

/// Earth and Sun some time before an instant, from where the geocentre is then.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Before {
    /// The geocentre in m.
    pub earth_m: Vec3,
    /// The Sun.
    pub sun_m: Vec3,
}

impl Earth {
    /// The state at `utc` with the Earth orientation of that time.
    pub fn at(utc: Epoch, eop: &Eop) -> Self {
        let day = MJD_JD + utc.mjd as f64;
        let tt = (utc.second + eop.tai_utc_s + TT_TAI_S) / DAY_S;
        let ut1 = (utc.second + eop.ut1_utc_s) / DAY_S;
        let (x, y, s) = pnp::xys06a(day, tt);
        let mas = ARCSEC_RAD * 1e-3;
        let cirs_from_gcrs = pnp::c2ixys(x + eop.dx_mas * mas, y + eop.dy_mas * mas, s);
        let (xp, yp) = (eop.x_arcsec * ARCSEC_RAD, eop.y_arcsec * ARCSEC_RAD);
        let itrs_from_tirs = pnp::pom00(xp, yp, pnp::sp00(day, tt));
        let itrs_from_gcrs = pnp::c2tcio(&cirs_from_gcrs, erst::era00(day, ut1), &itrs_from_tirs);
        let ((sun_to_earth, sun_velocity), (position_m, velocity_m_s)) = sun_and_barycentre(day, tt);
        let sun = Body {
            gm: GM_SUN,
            position_m: difference(position_m, sun_to_earth),
            velocity_m_s: difference(velocity_m_s, sun_velocity),
        };
        let (moon_m, moon_velocity) = to_si(eph::moon98(day, tt));
        let moon = Body {
            gm: GM_MOON,
            position_m: sum(position_m, moon_m),
            velocity_m_s: sum(velocity_m_s, moon_velocity),
        };
        let mut bodies = vec![sun, moon];
        for (number, gm) in PLANETS {
            if let Ok((pv, _)) = eph::plan94(day, tt, number) {
                let (from_sun, velocity) = to_si(pv);
                let position_m = sum(sun.position_m, from_sun);
                bodies.push(Body { gm, position_m, velocity_m_s: sum(sun.velocity_m_s, velocity) });
            }
        }
        Self {
            itrs_from_gcrs,
            spin_rad_s: scaled(cirs_from_gcrs[2], ROTATION_RAD_S),
            position_m,
            velocity_m_s,
            sun_m: scaled(sun_to_earth, -1.0),
            moon_m,
            bodies,
            centuries: (utc.mjd as f64 - 51_544.5 + tt) / 36_525.0,
            utc,
            eop: *eop,
        }
    }

    /// Where Earth and Sun were `seconds` before.
    ///
    /// The Earth's way is its velocity, summed by Simpson's rule: the difference of two of its places would be rough by millimetres, as
    /// the series take the time in years, and polynomials of a satellite's delay would not fit.
    pub fn before(&self, seconds: f64) -> Before {
        let day = MJD_JD + self.utc.mjd as f64;
        let at = |ago_s: f64| {
            let tt = (self.utc.second + self.eop.tai_utc_s + TT_TAI_S - ago_s) / DAY_S;
            sun_and_barycentre(day, tt)
        };
        let ((sun_to_earth, _), (_, first_m_s)) = at(seconds);
        let (_, (_, middle_m_s)) = at(0.5 * seconds);
        let sum_m_s = sum(sum(first_m_s, scaled(middle_m_s, 4.0)), self.velocity_m_s);
        let earth_m = scaled(sum_m_s, -seconds / 6.0);
        Before { earth_m, sun_m: difference(earth_m, sun_to_earth) }
    }

    /// A GCRS vector in the ITRS.
    pub fn to_itrs(&self, gcrs: Vec3) -> Vec3 {
        rotated(&self.itrs_from_gcrs, gcrs)
    }

    /// An ITRS vector in the GCRS.
    pub fn to_gcrs(&self, itrs: Vec3) -> Vec3 {
        rotated_back(&self.itrs_from_gcrs, itrs)
    }
}
