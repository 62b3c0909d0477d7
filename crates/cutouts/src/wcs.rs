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
    plane: Plane,
}

/// Rounds away what differs between mathematical libraries.
fn rounded(x: f64) -> f64 {
    const STEPS: f64 = (1u64 << 24) as f64;
    (x * STEPS).round() / STEPS
}

/// PC001002, as the draft of the standard had it, is PC1_2.
fn modern(name: &str) -> String {
    let digits = name.strip_prefix("PC").or_else(|| name.strip_prefix("CD")).filter(|rest| rest.len() == 6);
    match digits.map(|d| (d[..3].parse::<u32>(), d[3..].parse::<u32>())) {
        Some((Ok(i), Ok(j))) => format!("{}{i}_{j}", &name[..2]),
        _ => name.to_owned(),
    }
}

/// What the projections do not know would be left out in silence: it is refused.
fn check_known(header: &Header<'_>) -> Result<(), WcsError> {
    let refuse = |what: String| Err(WcsError::Unusable { what });
    for keyword in ["CPDIS1", "CPDIS2", "CQDIS1", "CQDIS2", "D2IMDIS1", "D2IMDIS2"] {
        if header.has(keyword) {
            return refuse(format!("{keyword}: distortion tables are not known here"));
        }
    }
    let is_tan = header.text("CTYPE1").is_some_and(|c| c.ends_with("TAN"));
    let beyond = |name: &str| {
        let term =
            name.strip_prefix("PV1_").map(|n| (n, 5)).or_else(|| name.strip_prefix("PV2_").map(|n| (n, 0)));
        term.is_some_and(|(n, first)| n.parse::<u32>().is_ok_and(|n| n >= first))
    };
    if let Some((name, _)) = header.values().find(|(name, _)| is_tan && beyond(name)) {
        return refuse(format!("{name}: polynomials of a TAN projection are not known here"));
    }
    let frame = header.text("RADESYS").or_else(|| header.text("RADECSYS")).unwrap_or_default();
    let equinox = header.real("EQUINOX").or_else(|| header.real("EPOCH"));
    if frame.trim().starts_with("FK4") || frame.is_empty() && equinox.is_some_and(|e| e < 1984.0) {
        return refuse("positions of 1950 (FK4): the catalogue's are ICRS".to_owned());
    }
    Ok(())
}

/// What the crate is given: the projection alone, with planes in degrees. Its inverse of a matrix that is not
/// symmetric is wrong (mapproj 0.4.0 transposes it), so pixels are left to [`Plane`].
fn projection(header: &Header<'_>) -> Result<WCSParams, WcsError> {
    let mut map = Map::new();
    for (name, _) in header.values() {
        let is_parameter =
            ["CRVAL1", "CRVAL2", "LONPOLE", "LATPOLE"].contains(&name) || name.starts_with("PV");
        if let Some(value) = header.real(name).filter(|_| is_parameter) {
            map.entry(name).or_insert(Value::from(value));
        }
    }
    for (name, value) in
        [("CRPIX1", 0.0), ("CRPIX2", 0.0), ("CD1_1", 1.0), ("CD1_2", 0.0), ("CD2_1", 0.0), ("CD2_2", 1.0)]
    {
        map.insert(name.into(), value.into());
    }
    for name in ["CTYPE1", "CTYPE2"] {
        let text = header.text(name).unwrap_or_default();
        map.insert(name.into(), text.trim_end_matches("-SIP").into());
    }
    for (name, value) in [("NAXIS", 2), ("NAXIS1", 1), ("NAXIS2", 1)] {
        map.insert(name.into(), value.into());
    }
    serde_json::from_value(Value::Object(map)).map_err(|e| WcsError::Absent { what: e.to_string() })
}

/// Pixels and the plane of a projection: matrix, reference pixel, SIP polynomials.
#[derive(Debug)]
struct Plane {
    reference: [f64; 2],
    /// Degrees to pixels, row after row.
    inverse: [f64; 4],
    /// Powers of u and v with their coefficient, for each axis (Shupe et al. 2005, equation 1).
    sip: [Vec<(i32, i32, f64)>; 2],
}

/// Rounds of the inversion of the polynomials: they are small, each round gains digits.
const ROUNDS: usize = 20;

impl Plane {
    fn of(header: &Header<'_>) -> Result<Self, WcsError> {
        let mut values = Map::new();
        for (name, _) in header.values() {
            if let Some(value) = header.real(name) {
                values.entry(modern(name)).or_insert(Value::from(value));
            }
        }
        let real = |name: &str, absent: f64| values.get(name).and_then(Value::as_f64).unwrap_or(absent);
        let has = |name: &str| values.contains_key(name);
        let [a, b, c, d] = if ["CD1_1", "CD1_2", "CD2_1", "CD2_2"].into_iter().any(has) {
            ["CD1_1", "CD1_2", "CD2_1", "CD2_2"].map(|name| real(name, 0.0))
        } else {
            let (first, second) = (real("CDELT1", 1.0), real("CDELT2", 1.0));
            if has("CROTA2") && !has("PC1_1") {
                let angle = real("CROTA2", 0.0).to_radians();
                let (sin, cos) = (libm::sin(angle), libm::cos(angle));
                [first * cos, -second * sin, first * sin, second * cos]
            } else {
                [
                    first * real("PC1_1", 1.0),
                    first * real("PC1_2", 0.0),
                    second * real("PC2_1", 0.0),
                    second * real("PC2_2", 1.0),
                ]
            }
        };
        let determinant = a * d - b * c;
        if !(determinant != 0.0 && determinant.is_finite()) {
            return Err(WcsError::Unusable { what: "its matrix cannot be inverted".to_owned() });
        }
        let is_sip = header.text("CTYPE1").is_some_and(|c| c.ends_with("-SIP"));
        let polynomial = |axis: &str| {
            let order = real(&format!("{axis}_ORDER"), 0.0).clamp(0.0, 9.0) as i32;
            let terms = (0..=order).flat_map(|p| (0..=order - p).map(move |q| (p, q)));
            let terms = terms.map(|(p, q)| (p, q, real(&format!("{axis}_{p}_{q}"), 0.0)));
            if is_sip { terms.filter(|t| t.2 != 0.0).collect() } else { Vec::new() }
        };
        Ok(Self {
            reference: [real("CRPIX1", 0.0) - 1.0, real("CRPIX2", 0.0) - 1.0],
            inverse: [d / determinant, -b / determinant, -c / determinant, a / determinant],
            sip: [polynomial("A"), polynomial("B")],
        })
    }

    /// The pixel, from 0, of a point of the plane (degrees).
    fn pixel(&self, x: f64, y: f64) -> [f64; 2] {
        let [p, q, r, s] = self.inverse;
        let focal = [p * x + q * y, r * x + s * y];
        let mut uv = focal;
        if self.sip.iter().any(|terms| !terms.is_empty()) {
            for _ in 0..ROUNDS {
                let power = |base: f64, n: i32| (0..n).fold(1.0, |product, _| product * base);
                let sum = |terms: &[(i32, i32, f64)]| {
                    terms.iter().map(|(m, n, c)| c * power(uv[0], *m) * power(uv[1], *n)).sum::<f64>()
                };
                uv = [focal[0] - sum(&self.sip[0]), focal[1] - sum(&self.sip[1])];
            }
        }
        [uv[0] + self.reference[0], uv[1] + self.reference[1]]
    }
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
        check_known(header)?;
        let wcs = WCS::new(&projection(header)?);
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
        let wcs = ImageWcs::of(&Header::new(&cards)).unwrap();
        for (dx, dy) in [(0.0, 0.0), (30.0, -20.0), (-64.0, 64.0)] {
            let (ra, dec) = offset(150.0, 2.5, -dx * 1e-4, dy * 1e-4);
            let [x, y] = wcs.pixel(ra, dec).unwrap();
            assert!((x - 63.5 - dx).abs() < 1e-6 && (y - 59.0 - dy).abs() < 1e-6, "{x} {y}");
        }
        assert!((wcs.pixel_area_arcsec2(150.0, 2.5).unwrap() - 0.36 * 0.36).abs() < 1e-6);
        assert!(matches!(wcs.pixel(330.0, -2.5), Err(WcsError::OutOfReach { .. })));
    }

    #[test]
    fn skewed_matrices_and_polynomials_are_inverted() {
        let mut skewed = TAN[..6].to_vec();
        skewed.extend([("CD1_1", "-1.0E-4"), ("CD1_2", "3.0E-5"), ("CD2_1", "-1.0E-5"), ("CD2_2", "1.2E-4")]);
        (skewed[0].1, skewed[1].1) = ("'RA---TAN-SIP'", "'DEC--TAN-SIP'");
        skewed.extend([
            ("A_ORDER", "2"),
            ("A_2_0", "1.0E-5"),
            ("A_1_1", "-4.0E-6"),
            ("B_ORDER", "3"),
            ("B_0_3", "2.0E-8"),
        ]);
        let cards = header(&skewed);
        let wcs = ImageWcs::of(&Header::new(&cards)).unwrap();
        for (px, py) in [(63.5, 59.0), (0.0, 0.0), (127.0, 20.0), (30.25, 110.75)] {
            let (u, v) = (px - 63.5, py - 59.0);
            let (f, g) = (u + 1e-5 * u * u - 4e-6 * u * v, v + 2e-8 * v * v * v);
            let (ra, dec) = offset(150.0, 2.5, -1e-4 * f + 3e-5 * g, -1e-5 * f + 1.2e-4 * g);
            let [x, y] = wcs.pixel(ra, dec).unwrap();
            assert!((x - px).abs() < 1e-6 && (y - py).abs() < 1e-6, "{px} {py}: {x} {y}");
        }
    }

    #[test]
    fn the_drafts_keywords_count() {
        let mut old = TAN.to_vec();
        old[6].1 = "0.0001";
        let mirrored = header(&old);
        old.extend([("PC001001", "-1.0"), ("PC001002", "0.0"), ("PC002001", "0.0"), ("PC002002", "1.0")]);
        let (cards, old) = (header(&TAN), header(&old));
        let at = |cards: &[u8]| ImageWcs::of(&Header::new(cards)).unwrap().pixel(150.002, 2.501).unwrap();
        assert_eq!(at(&cards), at(&old));
        assert!(at(&cards) != at(&mirrored), "control");
    }

    #[test]
    fn what_is_missing_is_told() {
        for drop in ["CTYPE1", "CRVAL2", "CRPIX1", "CDELT1"] {
            let rest: Vec<_> = TAN.into_iter().filter(|(k, _)| *k != drop).collect();
            let cards = header(&rest);
            let error = ImageWcs::of(&Header::new(&cards)).unwrap_err().to_string();
            assert!(error.contains(if drop == "CDELT1" { "no scale" } else { drop }), "{error}");
        }
        for (keyword, value) in
            [("CPDIS1", "'LOOKUP'"), ("PV2_3", "0.1"), ("RADESYS", "'FK4'"), ("EQUINOX", "1950.0")]
        {
            let mut more = TAN.to_vec();
            more.push((keyword, value));
            assert!(ImageWcs::of(&Header::new(&header(&more))).is_err(), "{keyword}");
        }
        let mut flat = TAN;
        flat[6].1 = "0.0";
        assert!(ImageWcs::of(&Header::new(&header(&flat))).is_err());
    }
}
