//! Sources at the corners of a field of 120": turned there against correlated there.
use super::tests::{as_job, correlate, sources};
use super::*;
use crate::sim::{BandConfig, CentreConfig, Sideband, SimConfig, SourceConfig, StationConfig, simulate};
use num_complex::Complex32;
use std::path::Path;

pub(super) const CORNERS: [(f64, f64); 4] = [(-60.0, -60.0), (60.0, -60.0), (-60.0, 60.0), (60.0, 60.0)];

/// Four sources at the corners, three KVN stations; the job's centres are those given.
pub(super) fn config(centres: &[(f64, f64)]) -> SimConfig {
    let station = |(code, position_m): (&str, [f64; 3])| StationConfig {
        code: code.to_owned(),
        position_m,
        delay_us: None,
        residual_ns: Vec::new(),
        lost_frames: 0.0,
        invalid_frames: 0.0,
        gain: 1.0,
        phase_cal: None,
        clock_steps: Vec::new(),
        recorder: Default::default(),
    };
    let source = |(i, (east_arcsec, north_arcsec)): (usize, (f64, f64))| SourceConfig {
        name: format!("S{i}"),
        // Different ones, so that one corner cannot stand for another.
        power_fraction: 0.1 + 0.05 * i as f64,
        offset_ns: std::collections::BTreeMap::new(),
        east_arcsec,
        north_arcsec,
        lines: Vec::new(),
    };
    let centre = |(i, &(east_arcsec, north_arcsec)): (usize, &(f64, f64))| CentreConfig {
        name: format!("C{i}"),
        east_arcsec,
        north_arcsec,
    };
    let stations = [
        ("KY", [-3042281.029, 4045902.6673, 3867374.3313]),
        ("KU", [-3287268.6591, 4023450.1291, 3687379.9883]),
        ("KT", [-3171731.6818, 4292678.5318, 3481038.788]),
    ];
    SimConfig {
        transmitters: Vec::new(),
        bursts: Vec::new(),
        pulses: Vec::new(),
        name: "field".to_owned(),
        seed: 5,
        start_mjd: 60_000,
        start_second: 36_000,
        duration_s: 0.1024,
        bits: 2,
        frame_bytes: 8032,
        channels: 1024,
        average: 1,
        integration_s: 0.1024,
        shift_ms: Some(2.56),
        ra_deg: 343.4906,
        dec_deg: 16.1482,
        bands: vec![BandConfig {
            edge_mhz: 22_000.0,
            bandwidth_mhz: 16.0,
            sideband: Sideband::Upper,
            polarization: 'L',
        }],
        stations: stations.into_iter().map(station).collect(),
        sources: CORNERS.into_iter().enumerate().map(source).collect(),
        centres: centres.iter().enumerate().map(centre).collect(),
    }
}

/// Mean visibility over the band of every cross product at every centre.
fn means(centres: &[(f64, f64)], folder: &Path) -> Vec<Complex32> {
    let job = Job::open(&simulate(&config(centres), folder).unwrap().input).unwrap();
    let rotations = as_job(&job);
    let mut engine = Engine::new(&job, &rotations, sources(&job), SimdPath::detect());
    let record = correlate(&mut engine, &job, 1).remove(0).1;
    let n = job.output_channels();
    record.cross_cpf.chunks(n).map(|vis| vis.iter().sum::<Complex32>() / n as f32).collect()
}

#[test]
fn turned_there_is_correlated_there() {
    let dir = tempfile::tempdir().unwrap();
    let turned = means(&CORNERS, &dir.path().join("all"));
    let products = turned.len() / CORNERS.len();
    let mut worst = (0.0f32, 0.0f32);
    for (c, corner) in CORNERS.iter().enumerate() {
        let there = means(&[*corner], &dir.path().join(format!("{c}")));
        for (p, there) in there.iter().enumerate() {
            let ratio = turned[c * products + p] / there;
            worst = (worst.0.max((ratio.norm() - 1.0).abs()), worst.1.max(ratio.arg().to_degrees().abs()));
            // Negative control: another corner's visibility is not this one's.
            let other = turned[(c + 1) % CORNERS.len() * products + p] / there;
            assert!((other.norm() - 1.0).abs() > 0.005 || other.arg().to_degrees().abs() > 0.5, "{other}");
        }
    }
    println!("amplitude within {:.4} %, phase within {:.4} deg", 100.0 * worst.0, worst.1);
    assert!(worst.0 < 0.005 && worst.1 < 0.5, "{worst:?}");
}
