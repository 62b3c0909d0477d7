//! Where sky positions lie in an image: the header's WCS, and the grid that bands are put on.
//!
//! The projections are the `wcs` crate's. Positions are rounded to 2^-24 pixel, far below what the images carry, so that the last
//! bits of the system's sines do not come through.

use crate::fits::Header;
use ::wcs::{LonLat, WCS, WCSParams};
use serde_json::{Map, Value};

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
}

/// Rounds away what differs between mathematical libraries.
fn rounded(x: f64) -> f64 {
    const STEPS: f64 = (1u64 << 24) as f64;
    (x * STEPS).round() / STEPS
}

/// The keywords that the crate knows; numbers that cannot be read are left out, which it then misses.
fn parameters(header: &Header<'_>, shape: [usize; 2]) -> Result<WCSParams, WcsError> {
    let mut map = Map::new();
    for (name, raw) in header.values() {
        let is_text = ["CTYPE1", "CTYPE2", "RADESYS"].contains(&name);
        let value = if is_text {
            header.text(name).map(Value::from)
        } else if name.ends_with("_ORDER") {
            header.integer(name).map(Value::from)
        } else if raw.starts_with('\'') || name.starts_with("NAXIS") || name.starts_with("ZNAXIS") {
            None
        } else {
            header.real(name).map(Value::from)
        };
        if let Some(value) = value {
            map.entry(name).or_insert(value);
        }
    }
    map.insert("NAXIS".into(), 2.into());
    map.insert("NAXIS1".into(), shape[0].into());
    map.insert("NAXIS2".into(), shape[1].into());
    // Short forms of the standard's: CTYPE of 8 characters, RADESYS in capitals.
    serde_json::from_value(Value::Object(map)).map_err(|e| WcsError::Absent { what: e.to_string() })
}

impl ImageWcs {
    /// The WCS that a header of an image of this shape (width, height) has.
    ///
    /// # Errors
    /// Where there is none for right ascension and declination, or it cannot be used.
    pub fn of(header: &Header<'_>, shape: [usize; 2]) -> Result<Self, WcsError> {
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
        if !["CD1_1", "CD1_2", "CDELT1", "PC1_1"].iter().any(|keyword| header.has(keyword)) {
            return Err(WcsError::Unusable { what: "no scale: neither CD nor CDELT is there".to_owned() });
        }
        let wcs = WCS::new(&parameters(header, shape)?);
        let wcs = wcs.map_err(|e| WcsError::Unusable { what: e.to_string() })?;
        let found = Self { wcs };
        let (ra, dec) = (header.real("CRVAL1").unwrap_or(0.0), header.real("CRVAL2").unwrap_or(0.0));
        let centre = found.pixel(ra, dec);
        if centre.is_ok_and(|xy| xy.iter().all(|c| c.is_finite())) {
            return Ok(found);
        }
        Err(WcsError::Unusable { what: "its matrix cannot be inverted".to_owned() })
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
        Ok([rounded(xy.x() - 1.0), rounded(xy.y() - 1.0)])
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

#[cfg(test)]
mod tests {
    use super::*;

    fn header(cards: &[(&str, &str)]) -> Vec<u8> {
        cards.iter().flat_map(|(k, v)| format!("{:<80}", format!("{k:<8}= {v}")).into_bytes()).collect()
    }

    const TAN: [(&str, &str); 8] = [
        ("CTYPE1", "'RA---TAN'"),
        ("CTYPE2", "'DEC--TAN'"),
        ("CRVAL1", "150.0"),
        ("CRVAL2", "2.5"),
        ("CRPIX1", "64.5"),
        ("CRPIX2", "60.0"),
        ("CDELT1", "-0.0001"),
        ("CDELT2", "0.0001"),
    ];

    #[test]
    fn the_grid_is_the_projections_inverse() {
        let cards = header(&TAN);
        let wcs = ImageWcs::of(&Header::new(&cards), [128, 128]).unwrap();
        for (dx, dy) in [(0.0, 0.0), (30.0, -20.0), (-64.0, 64.0)] {
            let (ra, dec) = offset(150.0, 2.5, -dx * 1e-4, dy * 1e-4);
            let [x, y] = wcs.pixel(ra, dec).unwrap();
            assert!((x - 63.5 - dx).abs() < 1e-6 && (y - 59.0 - dy).abs() < 1e-6, "{x} {y}");
        }
        assert!((wcs.pixel_area_arcsec2(150.0, 2.5).unwrap() - 0.36 * 0.36).abs() < 1e-6);
        assert!(matches!(wcs.pixel(330.0, -2.5), Err(WcsError::OutOfReach { .. })));
    }

    #[test]
    fn what_is_missing_is_told() {
        for drop in ["CTYPE1", "CRVAL2", "CRPIX1", "CDELT1"] {
            let rest: Vec<_> = TAN.into_iter().filter(|(k, _)| *k != drop).collect();
            let cards = header(&rest);
            let error = ImageWcs::of(&Header::new(&cards), [128, 128]).unwrap_err().to_string();
            assert!(error.contains(if drop == "CDELT1" { "no scale" } else { drop }), "{error}");
        }
        let mut flat = TAN;
        flat[6].1 = "0.0";
        assert!(ImageWcs::of(&Header::new(&header(&flat)), [128, 128]).is_err());
    }
}
