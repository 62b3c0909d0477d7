//! Lays phase centres out over a field: a hexagonal grid around the pointing.

use std::f64::consts::{FRAC_PI_6, PI};

/// Width of the beam of a uniformly lit dish at half its power, in wavelengths per diameter.
const BEAM_WIDTH: f64 = 1.029;
const LIGHT_M_S: f64 = 299_792_458.0;

/// Full width at half maximum of the primary beam of a dish, in rad (uniformly lit: 1.029 lambda / D).
pub fn primary_beam_rad(diameter_m: f64, freq_hz: f64) -> f64 {
    BEAM_WIDTH * LIGHT_M_S / freq_hz / diameter_m
}

/// How many centres a field has, about: to be asked before they are laid out.
pub fn about(radius_rad: f64, spacing_rad: f64) -> f64 {
    PI * (radius_rad + spacing_rad).powi(2) / (0.75f64.sqrt() * spacing_rad * spacing_rad)
}

/// Distance of a cell's corner from its centre, in units of the spacing.
pub fn corner() -> f64 {
    1.0 / 3f64.sqrt()
}

/// Offsets east and north (rad) of the points of a hexagonal grid whose cells, the parts of the sky that are nearest to each,
/// cover all of a disc. The first one is the middle, the others follow by their distance.
pub fn hexagons(radius_rad: f64, spacing_rad: f64) -> Vec<[f64; 2]> {
    let row_rad = 0.75f64.sqrt() * spacing_rad;
    let rows = ((radius_rad + spacing_rad) / row_rad).ceil() as i64;
    let columns = ((radius_rad + spacing_rad) / spacing_rad).ceil() as i64 + rows;
    let mut found: Vec<(i64, f64, [f64; 2])> = Vec::new();
    for j in -rows..=rows {
        for i in -columns..=columns {
            let at = [spacing_rad * (i as f64 + 0.5 * j as f64), row_rad * j as f64];
            if nearest_of_cell(at, spacing_rad) <= radius_rad {
                // Square of the distance in units of the spacing, and the position angle from the north.
                found.push((i * i + i * j + j * j, at[0].atan2(at[1]).rem_euclid(2.0 * PI), at));
            }
        }
    }
    found.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
    found.into_iter().map(|(_, _, at)| at).collect()
}

/// Distance of the point of a cell that is nearest to the middle of the field.
fn nearest_of_cell([x, y]: [f64; 2], spacing_rad: f64) -> f64 {
    if x.hypot(y) < 0.5 * spacing_rad {
        return 0.0;
    }
    let corner = |k: i32| {
        let (sin, cos) = (FRAC_PI_6 * f64::from(2 * k + 1)).sin_cos();
        [x + corner() * spacing_rad * cos, y + corner() * spacing_rad * sin]
    };
    (0..6).map(|k| to_segment(corner(k), corner(k + 1))).fold(f64::INFINITY, f64::min)
}

/// Distance of the origin from a segment.
fn to_segment([ax, ay]: [f64; 2], [bx, by]: [f64; 2]) -> f64 {
    let (dx, dy) = (bx - ax, by - ay);
    let share = (-(ax * dx + ay * dy) / (dx * dx + dy * dy)).clamp(0.0, 1.0);
    (ax + share * dx).hypot(ay + share * dy)
}

/// Right ascension and declination (rad) of a point at offsets east and north (rad) of another: along the great circle, so that
/// the distance is exact anywhere on the sky.
pub fn beside(ra_rad: f64, dec_rad: f64, [east, north]: [f64; 2]) -> (f64, f64) {
    let (distance, angle) = (east.hypot(north), east.atan2(north));
    let ((sin_d, cos_d), (sin_dec, cos_dec)) = (distance.sin_cos(), dec_rad.sin_cos());
    // The point as a vector: across the pointing's meridian, along it in the plane of the equator, towards the pole.
    let across = sin_d * angle.sin();
    let along = cos_d * cos_dec - sin_d * angle.cos() * sin_dec;
    let up = cos_d * sin_dec + sin_d * angle.cos() * cos_dec;
    ((ra_rad + across.atan2(along)).rem_euclid(2.0 * PI), up.atan2(across.hypot(along)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Angle between two directions by their unit vectors: half the chord is its half's sine.
    fn separation(a: (f64, f64), b: (f64, f64)) -> f64 {
        let vector = |(ra, dec): (f64, f64)| [dec.cos() * ra.cos(), dec.cos() * ra.sin(), dec.sin()];
        let (a, b) = (vector(a), vector(b));
        let chord = (0..3).map(|i| (a[i] - b[i]).powi(2)).sum::<f64>().sqrt();
        2.0 * (0.5 * chord).asin()
    }

    const ARCSEC: f64 = PI / 648_000.0;

    #[test]
    fn every_point_of_the_disc_is_near_to_a_centre() {
        for (radius, spacing) in [(60.0, 20.0), (61.3, 7.7), (5.0, 20.0), (20.0, 20.0), (100.0, 13.0)] {
            let centres = hexagons(radius, spacing);
            assert_eq!(centres[0], [0.0, 0.0]);
            let mut used = vec![false; centres.len()];
            let steps = 400;
            for i in 0..steps * steps {
                let at = |k: i32| radius * (f64::from(2 * k + 1) / f64::from(steps) - 1.0);
                let (x, y) = (at(i % steps), at(i / steps));
                if x.hypot(y) > radius {
                    continue;
                }
                let distance = |c: &[f64; 2]| (c[0] - x).hypot(c[1] - y);
                let nearest = (0..centres.len())
                    .min_by(|&a, &b| distance(&centres[a]).total_cmp(&distance(&centres[b])));
                let nearest = nearest.unwrap();
                assert!(
                    distance(&centres[nearest]) <= corner() * spacing * (1.0 + 1e-12),
                    "{radius} {spacing}: {x} {y}"
                );
                used[nearest] = true;
            }
            // Hardly any is there for nothing: one whose cell reaches less into the disc than the steps see.
            let idle = used.iter().filter(|used| !**used).count();
            assert!(idle <= 12, "{radius} {spacing}: {idle} of {}", centres.len());
            assert!((centres.len() as f64) < about(radius, spacing) + 1.0);
            // Control: without its last centre something is left bare, unless that one was idle.
            assert!(*used.last().unwrap() || idle > 0);
        }
        assert_eq!(hexagons(5.0, 20.0).len(), 1);
        assert_eq!(hexagons(15.0, 20.0).len(), 7);
    }

    #[test]
    fn distances_are_those_on_the_sphere() {
        for dec_deg in [0.0f64, 16.0, -80.0, 89.99, -90.0] {
            let pointing = (6.1, dec_deg.to_radians());
            let spacing = 20.0 * ARCSEC;
            let grid = hexagons(120.0 * ARCSEC, spacing);
            let sky: Vec<(f64, f64)> = grid.iter().map(|at| beside(pointing.0, pointing.1, *at)).collect();
            for (at, there) in grid.iter().zip(&sky) {
                let wanted = at[0].hypot(at[1]);
                assert!((separation(pointing, *there) - wanted).abs() < 1e-14, "{dec_deg}");
            }
            // The six neighbours of every inner one are as far away as the grid says, but for the sky's curvature.
            for (at, there) in grid.iter().zip(&sky).filter(|(at, _)| at[0].hypot(at[1]) < 90.0 * ARCSEC) {
                let mut near: Vec<f64> = sky.iter().map(|other| separation(*there, *other)).collect();
                near.sort_by(f64::total_cmp);
                for distance in &near[1..7] {
                    assert!((distance / spacing - 1.0).abs() < 1e-6, "{dec_deg} {at:?}: {distance}");
                }
                assert!(near[7] > 1.7 * spacing);
            }
        }
        // East is towards larger right ascensions, by 1 / cos(dec) more of them.
        let (ra, dec) = beside(1.0, (-80f64).to_radians(), [10.0 * ARCSEC, 0.0]);
        assert!(((ra - 1.0) * 80f64.to_radians().cos() / (10.0 * ARCSEC) - 1.0).abs() < 1e-6);
        assert!((dec + 80f64.to_radians()).abs() < 1e-8);
    }

    /// KVN's beams as published are 2.1' at 22 GHz and 1.05' at 43 GHz.
    #[test]
    fn beams_of_kvn() {
        for (freq_hz, arcsec) in [(22e9, 126.0), (43e9, 63.0)] {
            let width = primary_beam_rad(21.0, freq_hz) / ARCSEC;
            assert!((width / arcsec - 1.0).abs() < 0.15, "{width}");
        }
    }
}
