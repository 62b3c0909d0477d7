//! The HEALPix cell of a position, nested order (Gorski et al. 2005, ApJ 622, 759, section 5).

use std::f64::consts::{FRAC_PI_2, PI};

/// Spreads the lowest 16 bits: bit i goes to 2 i.
fn spread(bits: u64) -> u64 {
    (0..16).fold(0, |spread, i| spread | (bits >> i & 1) << (2 * i))
}

/// The cell, from 0, that holds a position; `nside` is a power of two up to 32768.
pub fn cell(nside: u32, ra_deg: f64, dec_deg: f64) -> u64 {
    let z = libm::sin(dec_deg * PI / 180.0);
    let phi = (ra_deg.rem_euclid(360.0)) * PI / 180.0;
    let n = f64::from(nside);
    // In units of a quarter of the circle: 0..4.
    let t = (phi / FRAC_PI_2).min(4.0 - 1e-15);
    let clip = |x: f64| (x as u64).min(u64::from(nside) - 1);
    let (face, ix, iy);
    if z.abs() <= 2.0 / 3.0 {
        // Numbers of the ascending and of the descending edge line.
        let (a, b) = (n * (0.5 + t), n * (z * 0.75));
        let (up, down) = ((a - b) as u64, (a + b) as u64);
        let (face_up, face_down) = (up / u64::from(nside), down / u64::from(nside));
        face = if face_up == face_down {
            (face_up & 3) | 4
        } else if face_up < face_down {
            face_up & 3
        } else {
            (face_down & 3) + 8
        };
        ix = down % u64::from(nside);
        iy = u64::from(nside) - 1 - up % u64::from(nside);
    } else {
        let corner = (t as u64).min(3);
        let inside = t - corner as f64;
        let far = n * libm::sqrt(3.0 * (1.0 - z.abs()));
        let (jp, jm) = (clip(inside * far), clip((1.0 - inside) * far));
        if z > 0.0 {
            (face, ix, iy) = (corner, u64::from(nside) - 1 - jm, u64::from(nside) - 1 - jp);
        } else {
            (face, ix, iy) = (corner + 8, jp, jm);
        }
    }
    face * u64::from(nside) * u64::from(nside) + spread(ix) + 2 * spread(iy)
}

#[cfg(test)]
mod tests {
    use super::super::healpix_cells::CELLS;
    use super::*;

    #[test]
    fn cells_are_those_of_astropy_healpix() {
        // lonlat_to_healpix(lon, lat, nside, order="nested")
        for (nside, ra, dec, expected) in CELLS {
            assert_eq!(cell(*nside, *ra, *dec), *expected, "{nside} {ra} {dec}");
        }
    }
}
