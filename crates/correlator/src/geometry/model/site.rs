//! Where a station is and which way is up.

use super::ocean::Loading;
use super::vector::Vec3;
use crate::epoch::Epoch;
use crate::schedule::Mount;
use serde::{Deserialize, Serialize};

/// Semi-major axis (m) and flattening of the reference ellipsoid (GRS80).
const AXIS_M: f64 = 6_378_137.0;
const FLATTENING: f64 = 1.0 / 298.257_222_101;

/// A station as the model needs it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Site {
    /// Its name.
    pub name: String,
    /// ITRF coordinates in m at the epoch.
    pub position_m: Vec3,
    /// Their velocity in m/s.
    pub velocity_m_s: Vec3,
    /// When it was there; none: it does not move.
    pub epoch: Option<Epoch>,
    /// How the antenna turns.
    pub mount: Mount,
    /// Distance of its axes in m.
    pub axis_offset_m: f64,
    /// Ocean loading, if known.
    pub loading: Option<Loading>,
    /// Pressure at the antenna in hPa; none: standard atmosphere.
    pub pressure_hpa: Option<f64>,
}

impl Site {
    /// Its coordinates at a time, without tides.
    pub fn at(&self, time: Epoch) -> Vec3 {
        let seconds = self.epoch.map_or(0.0, |epoch| time.since(epoch));
        [0, 1, 2].map(|i| self.position_m[i] + self.velocity_m_s[i] * seconds)
    }
}

/// East, north and up at a place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Local {
    /// Longitude in rad, positive to the east.
    pub longitude_rad: f64,
    /// Latitude in rad.
    pub latitude_rad: f64,
    /// Height above the ellipsoid in m; 0 where the latitude is geocentric.
    pub height_m: f64,
}

impl Local {
    /// With the direction from the geocentre as up.
    pub fn geocentric(at_m: Vec3) -> Self {
        let [x, y, z] = at_m;
        Self { longitude_rad: y.atan2(x), latitude_rad: z.atan2(x.hypot(y)), height_m: 0.0 }
    }

    /// With the ellipsoid's normal as up (iteration of Bowring, well below 1 mm on the Earth).
    pub fn geodetic(at_m: Vec3) -> Self {
        let [x, y, z] = at_m;
        let e2 = FLATTENING * (2.0 - FLATTENING);
        let rho = x.hypot(y);
        let mut latitude_rad = z.atan2(rho * (1.0 - e2));
        let mut height_m = 0.0;
        for _ in 0..5 {
            let sin = latitude_rad.sin();
            let normal = AXIS_M / (1.0 - e2 * sin * sin).sqrt();
            height_m = rho * latitude_rad.cos() + z * sin - AXIS_M * AXIS_M / normal;
            latitude_rad = z.atan2(rho * (1.0 - e2 * normal / (normal + height_m)));
        }
        Self { longitude_rad: y.atan2(x), latitude_rad, height_m }
    }

    /// Unit vectors to the east, the north and up in the ITRS.
    pub fn axes(&self) -> [Vec3; 3] {
        let (sin_lon, cos_lon) = self.longitude_rad.sin_cos();
        let (sin_lat, cos_lat) = self.latitude_rad.sin_cos();
        [
            [-sin_lon, cos_lon, 0.0],
            [-sin_lat * cos_lon, -sin_lat * sin_lon, cos_lat],
            [cos_lat * cos_lon, cos_lat * sin_lon, sin_lat],
        ]
    }

    /// A local vector in the ITRS.
    pub fn to_itrs(&self, east: f64, north: f64, up: f64) -> Vec3 {
        let [e, n, u] = self.axes();
        [0, 1, 2].map(|i| east * e[i] + north * n[i] + up * u[i])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yonsei() {
        let local = Local::geodetic([-3_042_281.029, 4_045_902.667, 3_867_374.331]);
        assert!((local.longitude_rad.to_degrees() - 126.940_98).abs() < 1e-4);
        assert!((local.latitude_rad.to_degrees() - 37.565_2).abs() < 1e-4);
        assert!((local.height_m - 139.4).abs() < 20.0, "{}", local.height_m);
        // Back to the coordinates.
        let sin = local.latitude_rad.sin();
        let e2 = FLATTENING * (2.0 - FLATTENING);
        let normal = AXIS_M / (1.0 - e2 * sin * sin).sqrt();
        let z = (normal * (1.0 - e2) + local.height_m) * sin;
        assert!((z - 3_867_374.331).abs() < 1e-5);
    }
}
