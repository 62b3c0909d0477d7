//! What delays are computed to: a direction, or a body on its orbit.

use super::earth::Earth;
use super::near;
use super::vector::{Vec3, norm, scaled};
use crate::orbit::{Orbit, OrbitError};
use serde::{Deserialize, Serialize};

/// A direction (J2000, ICRS) in rad.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Direction {
    /// Right ascension.
    pub ra_rad: f64,
    /// Declination.
    pub dec_rad: f64,
}

impl Direction {
    /// The unit vector to it.
    pub fn unit(self) -> Vec3 {
        let (sin_ra, cos_ra) = self.ra_rad.sin_cos();
        let (sin_dec, cos_dec) = self.dec_rad.sin_cos();
        [cos_dec * cos_ra, cos_dec * sin_ra, sin_dec]
    }
}

/// What delays are computed to.
#[derive(Debug, Clone, Copy)]
pub enum Target<'a> {
    /// A source at infinity.
    Far(Direction),
    /// A body on its orbit.
    Near(&'a Orbit),
}

/// A target as the light that meets the geocentre at an instant left it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Seen {
    /// Where it is, from the geocentre, without aberration.
    pub direction: Direction,
    /// How far in m; none: at infinity.
    pub distance_m: Option<f64>,
}

impl Target<'_> {
    /// The target as it is seen at an instant.
    ///
    /// # Errors
    /// [`OrbitError::Outside`].
    pub fn seen(&self, earth: &Earth) -> Result<Seen, OrbitError> {
        match self {
            Self::Far(direction) => Ok(Seen { direction: *direction, distance_m: None }),
            Self::Near(orbit) => {
                let from_earth_m = near::emission(earth, orbit)?;
                let [x, y, z] = from_earth_m;
                let direction = Direction {
                    ra_rad: y.atan2(x).rem_euclid(std::f64::consts::TAU),
                    dec_rad: z.atan2(x.hypot(y)),
                };
                Ok(Seen { direction, distance_m: Some(norm(from_earth_m)) })
            }
        }
    }
}

impl Seen {
    /// The same at another direction.
    pub fn moved(self, ra_rad: f64, dec_rad: f64) -> Self {
        let Direction { ra_rad: ra, dec_rad: dec } = self.direction;
        Self { direction: Direction { ra_rad: ra + ra_rad, dec_rad: dec + dec_rad }, ..self }
    }

    /// The vector to it in m; none: at infinity.
    pub fn from_earth_m(self) -> Option<Vec3> {
        self.distance_m.map(|distance_m| scaled(self.direction.unit(), distance_m))
    }
}
