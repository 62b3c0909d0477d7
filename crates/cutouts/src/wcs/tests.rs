//! Positions and pixels against the projection's inverse.
use super::*;
use crate::fits::Header;

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
