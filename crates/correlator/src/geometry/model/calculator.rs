//! Puts the parts of the delay together for stations and sources.

use super::consensus::{aberrated, vacuum_delay};
use super::earth::{Earth, LIGHT_M_S};
use super::near::near_delay;
use super::site::{Local, Site};
use super::target::{Seen, Target};
use super::vector::{Vec3, dot, norm, sum, unit};
use super::{ocean, tides, troposphere};
use crate::eop::{Eop, EopError, EopTable};
use crate::epoch::Epoch;
use crate::orbit::OrbitError;
use crate::schedule::Mount;
use serde::{Deserialize, Serialize};

/// Which parts of the model are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelOptions {
    /// Tides of the solid Earth, ocean loading, pole tide.
    pub displacements: bool,
    /// Delay in the troposphere.
    pub troposphere: bool,
}

impl Default for ModelOptions {
    fn default() -> Self {
        Self { displacements: true, troposphere: true }
    }
}

/// The parts of a delay, in s unless said otherwise.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Parts {
    /// In vacuum, with bending of light and the offset of the antenna's axes.
    pub vacuum_s: f64,
    /// Hydrostatic troposphere.
    pub dry_s: f64,
    /// Wet troposphere.
    pub wet_s: f64,
    /// Elevation of the source in rad.
    pub elevation_rad: f64,
    /// Azimuth in rad, from north through east.
    pub azimuth_rad: f64,
}

impl Parts {
    /// All of it.
    pub fn total_s(&self) -> f64 {
        self.vacuum_s + self.dry_s + self.wet_s
    }
}

/// Below this elevation the troposphere's mapping functions have no meaning: its delay is that of this elevation.
const LOWEST_RAD: f64 = 0.035;
/// Step in rad for the derivatives that give u and v: far above rounding, far below curvature.
const STEP_RAD: f64 = 1e-4;

/// Makes delays for stations.
#[derive(Debug, Clone)]
pub struct Calculator {
    sites: Vec<Site>,
    eop: EopTable,
    options: ModelOptions,
}

/// The stations at an instant.
#[derive(Debug, Clone)]
pub struct Instant {
    earth: Earth,
    stations: Vec<Station>,
    options: ModelOptions,
}

#[derive(Debug, Clone)]
struct Station {
    /// GCRS, tides included.
    gcrs_m: Vec3,
    local: Local,
    mount: Mount,
    axis_offset_m: f64,
    pressure_hpa: Option<f64>,
}

impl Calculator {
    /// Delays for `sites`.
    pub fn new(sites: Vec<Site>, eop: EopTable, options: ModelOptions) -> Self {
        Self { sites, eop, options }
    }

    /// The stations.
    pub fn sites(&self) -> &[Site] {
        &self.sites
    }

    /// Earth orientation at a time.
    ///
    /// # Errors
    /// Where none is known.
    pub fn eop(&self, time: Epoch) -> Result<Eop, EopError> {
        self.eop.at(time)
    }

    /// Everything that does not depend on the source.
    ///
    /// # Errors
    /// Where no Earth orientation is known.
    pub fn instant(&self, time: Epoch) -> Result<Instant, EopError> {
        let earth = Earth::at(time, &self.eop.at(time)?);
        let station = |site: &Site| {
            let mut itrs_m = site.at(time);
            let local = Local::geodetic(itrs_m);
            if self.options.displacements {
                let tide = sum(tides::solid(&earth, itrs_m), tides::pole(&earth, itrs_m));
                let load = site.loading.as_ref().map(|l| ocean::displacement(&earth, itrs_m, l));
                itrs_m = sum(itrs_m, sum(tide, load.unwrap_or_default()));
            }
            Station {
                gcrs_m: earth.to_gcrs(itrs_m),
                local,
                mount: site.mount,
                axis_offset_m: site.axis_offset_m,
                pressure_hpa: site.pressure_hpa,
            }
        };
        let stations = self.sites.iter().map(station).collect();
        Ok(Instant { earth, stations, options: self.options })
    }
}

impl Instant {
    /// The time.
    pub fn time(&self) -> Epoch {
        self.earth.utc
    }

    /// A target as the light that meets the geocentre now left it.
    ///
    /// # Errors
    /// Where its orbit has no states.
    pub fn seen(&self, target: &Target) -> Result<Seen, OrbitError> {
        target.seen(&self.earth)
    }

    /// The parts of the delay of a station towards a target.
    pub fn parts(&self, station: usize, target: Seen) -> Parts {
        let of = &self.stations[station];
        let (vacuum_s, source) = match target.from_earth_m() {
            None => {
                let source = target.direction.unit();
                (vacuum_delay(&self.earth, source, of.gcrs_m), source)
            }
            Some(from_earth_m) => {
                let (vacuum_s, from_station_m) = near_delay(&self.earth, from_earth_m, of.gcrs_m);
                (vacuum_s, unit(from_station_m))
            }
        };
        let seen = self.earth.to_itrs(aberrated(&self.earth, source, of.gcrs_m));
        let [east, north, up] = of.local.axes().map(|axis| dot(axis, seen));
        let elevation_rad = up.clamp(-1.0, 1.0).asin();
        let air = if self.options.troposphere {
            let elevation = elevation_rad.max(LOWEST_RAD);
            troposphere::delay(&of.local, elevation, self.earth.utc, of.pressure_hpa)
        } else {
            troposphere::Troposphere::default()
        };
        Parts {
            vacuum_s: vacuum_s + axis_delay(of, seen, elevation_rad),
            dry_s: air.dry_s,
            wet_s: air.wet_s,
            elevation_rad,
            azimuth_rad: east.atan2(north).rem_euclid(std::f64::consts::TAU),
        }
    }

    /// u, v, w in m: c times the derivative of the delay to the east and to the north, and c times the delay.
    ///
    /// With t_station - t_geocentre = -k.b/c these are -(b.east, b.north, b.k) with aberration and troposphere, as CALC
    /// gives them and DiFX's `.im` has them: the opposite of the coordinates of the station. A near body is moved at its distance.
    pub fn uvw_m(&self, station: usize, target: Seen) -> Vec3 {
        let total = |ra: f64, dec: f64| self.parts(station, target.moved(ra, dec)).total_s();
        let cos_dec = target.direction.dec_rad.cos();
        let step_ra = STEP_RAD / cos_dec.abs().max(1e-3);
        let east = (total(step_ra, 0.0) - total(-step_ra, 0.0)) / (2.0 * step_ra * cos_dec);
        let north = (total(0.0, STEP_RAD) - total(0.0, -STEP_RAD)) / (2.0 * STEP_RAD);
        [LIGHT_M_S * east, LIGHT_M_S * north, LIGHT_M_S * total(0.0, 0.0)]
    }
}

/// The wave meets the axis that moves before the one that is fixed: -offset x sin(angle from the fixed axis) / c.
fn axis_delay(station: &Station, seen: Vec3, elevation_rad: f64) -> f64 {
    if station.axis_offset_m == 0.0 {
        return 0.0;
    }
    let [east, north, up] = station.local.axes();
    let fixed = match station.mount {
        Mount::AzEl | Mount::Other => up,
        Mount::HaDec => [0.0, 0.0, 1.0],
        Mount::XyEast => east,
        Mount::XyNorth => north,
    };
    // Refraction lifts the source by about 313e-6 rad at 45 degrees.
    let lifted = 313e-6 / elevation_rad.max(0.1).tan();
    let bent = sum(seen, up.map(|x| x * lifted * elevation_rad.cos()));
    let bent = bent.map(|x| x / norm(bent));
    let along = dot(fixed, bent);
    -station.axis_offset_m * (1.0 - along * along).max(0.0).sqrt() / LIGHT_M_S
}
