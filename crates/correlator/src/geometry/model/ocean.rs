//! Displacement by ocean loading: IERS Conventions (2010), section 7.1.2, eleven tides with their nodal modulation.
//!
//! Coefficients are those that the loading service of H.-G. Scherneck (Onsala) computed for the ocean tide model TPXO.7.2,
//! without the motion of the centre of mass; Pyeongchang's are interpolated from the other Korean stations (see the table).

use super::earth::Earth;
use super::site::Local;
use super::vector::Vec3;
use serde::{Deserialize, Serialize};
use std::f64::consts::{PI, TAU};

/// The tides M2 S2 N2 K2 K1 O1 P1 Q1 Mf Mm Ssa.
const TIDES: usize = 11;
/// Their angular velocities in rad/s (Schwiderski 1983).
const SPEED_RAD_S: [f64; TIDES] = [
    1.405_19e-4,
    1.454_44e-4,
    1.378_80e-4,
    1.458_42e-4,
    0.729_21e-4,
    0.675_98e-4,
    0.725_23e-4,
    0.649_59e-4,
    0.053_234e-4,
    0.026_392e-4,
    0.003_982e-4,
];
/// Multiples of the mean longitudes of Sun, Moon and lunar perigee, and turns: their phases at 0h.
const PHASE: [[f64; 4]; TIDES] = [
    [2.0, -2.0, 0.0, 0.0],
    [0.0, 0.0, 0.0, 0.0],
    [2.0, -3.0, 1.0, 0.0],
    [2.0, 0.0, 0.0, 0.0],
    [1.0, 0.0, 0.0, 0.25],
    [1.0, -2.0, 0.0, -0.25],
    [-1.0, 0.0, 0.0, -0.25],
    [1.0, -3.0, 1.0, -0.25],
    [0.0, 2.0, 0.0, 0.0],
    [0.0, 1.0, -1.0, 0.0],
    [2.0, 0.0, 0.0, 0.0],
];
/// Nodal modulation: mean factor, its change with cos N, and the phase in degrees with sin N (Doodson & Warburg 1941).
const NODE: [[f64; 3]; TIDES] = [
    [1.0, -0.037, -2.1],
    [1.0, 0.0, 0.0],
    [1.0, -0.037, -2.1],
    [1.024, 0.286, -17.7],
    [1.006, 0.115, -8.9],
    [1.009, 0.187, 10.8],
    [1.0, 0.0, 0.0],
    [1.009, 0.187, 10.8],
    [1.043, 0.414, -23.7],
    [1.0, -0.130, 0.0],
    [1.0, 0.0, 0.0],
];

/// The shipped table.
const TABLE: &str = include_str!("../../../../../data/kvn/ocean-loading.txt");

/// Amplitudes in m and phases in degrees: radial, to the west, to the south.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Loading {
    /// By component and tide.
    pub amplitude_m: [[f64; TIDES]; 3],
    /// Phases that lag behind Greenwich.
    pub phase_deg: [[f64; TIDES]; 3],
    /// Not computed for the station but interpolated.
    pub interpolated: bool,
}

/// Coefficients of a station by its name, as the table has them.
pub fn known(name: &str) -> Option<Loading> {
    // SCHED calls PT-VLBA VLBA_PT.
    let name =
        name.strip_prefix("VLBA_").map_or_else(|| name.to_owned(), |station| format!("{station}-VLBA"));
    let mut lines = TABLE.lines().filter(|l| !l.starts_with('#'));
    while let Some(line) = lines.next() {
        let mut words = line.split_whitespace();
        if words.next().is_some_and(|first| first.eq_ignore_ascii_case(&name))
            && words.clone().all(|w| w.parse::<f64>().is_err())
        {
            let interpolated = words.any(|w| w == "interpolated");
            let rows: Vec<[f64; TIDES]> = lines.take(6).filter_map(row).collect();
            let (amplitude_m, phase_deg) =
                (rows.get(..3)?.try_into().ok()?, rows.get(3..6)?.try_into().ok()?);
            return Some(Loading { amplitude_m, phase_deg, interpolated });
        }
    }
    None
}

fn row(line: &str) -> Option<[f64; TIDES]> {
    let numbers: Vec<f64> = line.split_whitespace().map_while(|w| w.parse().ok()).collect();
    numbers.try_into().ok()
}

/// Displacement (ITRS, m) at a station.
pub fn displacement(earth: &Earth, at_m: Vec3, loading: &Loading) -> Vec3 {
    let days = earth.utc.mjd as f64 - 15_019.5;
    // Mean longitudes at 0h, centuries since 1899-12-31 12h.
    let t = (27_392.500_528 + 1.000_000_035 * (days - 27_392.5)) / 36_525.0;
    let sun = 279.696_68 + 36_000.768_930_485 * t + 3.03e-4 * t * t;
    let moon = 270.434_358 + 481_267.883_141_37 * t - 0.001_133 * t * t + 1.9e-6 * t.powi(3);
    let perigee = 334.329_653 + 4_069.034_032_957_5 * t - 0.010_325 * t * t - 1.2e-5 * t.powi(3);
    let node = (125.044_5 - 1_934.136_3 * earth.centuries) * PI / 180.0;
    let (sin_node, cos_node) = node.sin_cos();
    let mut shift = [0.0; 3];
    for tide in 0..TIDES {
        let [h, s, p, turns] = PHASE[tide];
        let [mean, factor, phase] = NODE[tide];
        let argument = SPEED_RAD_S[tide] * earth.utc.second
            + ((h * sun + s * moon + p * perigee) % 360.0 + phase * sin_node) * PI / 180.0
            + turns * TAU;
        for (c, sum) in shift.iter_mut().enumerate() {
            let lag = loading.phase_deg[c][tide] * PI / 180.0;
            *sum += loading.amplitude_m[c][tide] * (mean + factor * cos_node) * (argument - lag).cos();
        }
    }
    let [up, west, south] = shift;
    Local::geodetic(at_m).to_itrs(-west, -south, up)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn korean_stations_are_known() {
        for name in ["KVNYS", "KVNUS", "KVNTN", "kvnpc"] {
            let loading = known(name).unwrap();
            assert_eq!(loading.interpolated, name == "kvnpc");
            assert!(loading.amplitude_m[0][0] > 0.003 && loading.amplitude_m[0][0] < 0.012);
        }
        assert!(known("NOWHERE").is_none());
        assert_eq!(known("KVNTN").unwrap().phase_deg[2][10], 4.3);
    }

    #[test]
    fn every_line_of_the_table_can_be_read() {
        let lines: Vec<&str> = TABLE.lines().filter(|l| !l.starts_with('#')).collect();
        assert_eq!(lines.len() % 7, 0);
        for entry in lines.chunks(7) {
            assert!(entry[1..].iter().all(|l| row(l).is_some()), "{entry:?}");
        }
    }
}
