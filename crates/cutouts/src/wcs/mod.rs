//! Where sky positions lie in an image: the header's WCS, and the grid that bands are put on.
//!
//! The projections are the `wcs` crate's. Positions are rounded to 2^-24 pixel, far below what the images carry, so that the last
//! bits of the system's sines do not come through.

mod plane;
mod projection;
#[cfg(test)]
mod tests;

use crate::fits::Header;
use ::wcs::{LonLat, WCS};
use plane::Plane;

/// A header whose WCS cannot be used.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum WcsError {
    /// There is none, or no celestial one.
    #[error("no celestial WCS: {what}")]
    Absent {
        /// What is missing.
        what: String,
    },
    /// It is there and cannot be used.
    #[error("unusable WCS: {what}")]
    Unusable {
        /// Why.
        what: String,
    },
    /// A position is not on its plane.
    #[error("the position {ra_deg}, {dec_deg} (degrees) is not on the image's plane")]
    OutOfReach {
        /// Right ascension (degrees).
        ra_deg: f64,
        /// Declination (degrees).
        dec_deg: f64,
    },
}

/// The WCS of one image.
#[derive(Debug)]
pub struct ImageWcs {
    wcs: WCS,
    plane: Plane,
}

/// Rounds away what differs between mathematical libraries.
fn rounded(x: f64) -> f64 {
    const STEPS: f64 = (1u64 << 24) as f64;
    (x * STEPS).round() / STEPS
}

impl ImageWcs {
    /// The WCS that a header has.
    ///
    /// # Errors
    /// Where there is none for right ascension and declination, or it cannot be used.
    pub fn of(header: &Header<'_>) -> Result<Self, WcsError> {
        let ctype = |n: u32| header.text(&format!("CTYPE{n}")).unwrap_or_default();
        let (first, second) = (ctype(1), ctype(2));
        let is_celestial =
            first.is_ascii() && first.len() >= 8 && first.starts_with("RA--") && second.starts_with("DEC-");
        if !is_celestial {
            return Err(WcsError::Absent { what: format!("CTYPE1 is {first:?}, CTYPE2 {second:?}") });
        }
        for keyword in ["CRVAL1", "CRVAL2", "CRPIX1", "CRPIX2"] {
            if header.real(keyword).is_none_or(|v| !v.is_finite()) {
                return Err(WcsError::Unusable { what: format!("{keyword} is missing") });
            }
        }
        if !["CD1_1", "CD1_2", "CD001001", "CDELT1"].iter().any(|keyword| header.has(keyword)) {
            return Err(WcsError::Unusable { what: "no scale: neither CD nor CDELT is there".to_owned() });
        }
        projection::check_known(header)?;
        let wcs = WCS::new(&projection::parameters(header)?);
        let wcs = wcs.map_err(|e| WcsError::Unusable { what: e.to_string() })?;
        let found = Self { wcs, plane: Plane::of(header)? };
        let (ra, dec) = (header.real("CRVAL1").unwrap_or(0.0), header.real("CRVAL2").unwrap_or(0.0));
        let centre = found.pixel(ra, dec);
        if centre.is_ok_and(|xy| xy.iter().all(|c| c.is_finite())) {
            return Ok(found);
        }
        Err(WcsError::Unusable { what: "its reference position is not on its plane".to_owned() })
    }

    /// The pixel of a position (degrees), from 0 at the first pixel's centre.
    ///
    /// # Errors
    /// [`WcsError::OutOfReach`].
    pub fn pixel(&self, ra_deg: f64, dec_deg: f64) -> Result<[f64; 2], WcsError> {
        let position =
            LonLat::new(ra_deg.to_radians().rem_euclid(std::f64::consts::TAU), dec_deg.to_radians());
        let found = self.wcs.proj(&position).filter(|xy| xy.x().is_finite() && xy.y().is_finite());
        let xy = found.ok_or(WcsError::OutOfReach { ra_deg, dec_deg })?;
        Ok(self.plane.pixel(xy.x(), xy.y()).map(rounded))
    }

    /// Area of a pixel at a position, in square arcseconds.
    ///
    /// # Errors
    /// [`WcsError::OutOfReach`].
    pub fn pixel_area_arcsec2(&self, ra_deg: f64, dec_deg: f64) -> Result<f64, WcsError> {
        let step_deg = 10.0 / 3600.0;
        let at = |x: f64, y: f64| {
            let (ra, dec) = offset(ra_deg, dec_deg, x, y);
            self.pixel(ra, dec)
        };
        let (o, e, n) = (at(0.0, 0.0)?, at(step_deg, 0.0)?, at(0.0, step_deg)?);
        let determinant = (e[0] - o[0]) * (n[1] - o[1]) - (e[1] - o[1]) * (n[0] - o[0]);
        Ok(100.0 / determinant.abs())
    }
}

/// The position at tangent-plane offsets (degrees, east and north) from a centre (degrees): the inverse gnomonic projection
/// (Calabretta & Greisen 2002, A&A 395, 1077, section 5.1.3).
pub fn offset(ra_deg: f64, dec_deg: f64, east_deg: f64, north_deg: f64) -> (f64, f64) {
    let (x, y) = (east_deg.to_radians(), north_deg.to_radians());
    let (sin, cos) = (libm::sin(dec_deg.to_radians()), libm::cos(dec_deg.to_radians()));
    let (p, q, r) = (cos - y * sin, x, sin + y * cos);
    let ra = ra_deg + libm::atan2(q, p).to_degrees();
    (ra.rem_euclid(360.0), libm::atan2(r, libm::hypot(p, q)).to_degrees())
}
