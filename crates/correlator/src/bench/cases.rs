//! What is measured: the modes of KVN that cost most.
use crate::sim::{BandConfig, CentreConfig, Sideband, SimConfig, StationConfig};

/// A measured correlation: three stations, three baselines, 2-bit samples.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Case {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub what: &'static str,
    bands: usize,
    bandwidth_mhz: f64,
    channels: usize,
    average: usize,
    /// As the option `--rotation` of `run`.
    pub rotation: &'static str,
    /// Phase centres; one is the pointing itself.
    pub centres: usize,
    shift_ms: Option<f64>,
}

const C5: Case = Case {
    name: "c5-256",
    what: "16 x 16 MHz, 256 channels",
    bands: 16,
    bandwidth_mhz: 16.0,
    channels: 256,
    average: 1,
    rotation: "auto",
    centres: 1,
    shift_ms: None,
};

/// All cases.
pub const CASES: [Case; 6] = [
    C5,
    Case { name: "c5-256-pre", what: "the same, rotation before the transform", rotation: "before", ..C5 },
    Case { name: "c5-4096", what: "16 x 16 MHz, 4096 channels", channels: 4096, ..C5 },
    Case {
        name: "w1-4096",
        what: "1 x 512 MHz, 4096 channels",
        bands: 1,
        bandwidth_mhz: 512.0,
        channels: 4096,
        ..C5
    },
    Case {
        name: "c5-1000c",
        what: "4096 channels averaged to 32, 1000 phase centres every 20.48 ms",
        channels: 4096,
        average: 128,
        centres: 1000,
        shift_ms: Some(20.48),
        ..C5
    },
    Case {
        name: "c5-100c-fast",
        what: "4096 channels averaged to 32, 100 phase centres every 2.56 ms",
        channels: 4096,
        average: 128,
        centres: 100,
        shift_ms: Some(2.56),
        ..C5
    },
];

/// KVN's Yonsei, Ulsan and Tamna (ITRF).
const STATIONS: [(&str, [f64; 3]); 3] = [
    ("KY", [-3042281.029, 4045902.6673, 3867374.3313]),
    ("KU", [-3287268.6591, 4023450.1291, 3687379.9883]),
    ("KT", [-3171731.6818, 4292678.5318, 3481038.788]),
];
/// Width of the field of phase centres.
const FIELD_ARCSEC: f64 = 120.0;

impl Case {
    /// The same with the pointing as the only phase centre.
    pub fn with_one_centre(self) -> Self {
        Self { centres: 1, shift_ms: None, ..self }
    }

    /// Samples of a transform.
    pub fn transform_samples(&self) -> usize {
        2 * self.channels
    }

    /// Complex transforms per second of data of a correlator that makes one for each band and block.
    pub fn transforms_per_s(&self) -> f64 {
        let samples_per_s = 2e6 * self.bandwidth_mhz * (self.bands * STATIONS.len()) as f64;
        samples_per_s / self.transform_samples() as f64
    }

    /// The simulation that makes its recordings and its job.
    pub fn simulation(&self, seconds: u32) -> SimConfig {
        let band = |i: usize| BandConfig {
            edge_mhz: 22_000.0 + self.bandwidth_mhz * i as f64,
            bandwidth_mhz: self.bandwidth_mhz,
            sideband: Sideband::Upper,
            polarization: 'L',
        };
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
        // A square grid over the field.
        let side = (self.centres as f64).sqrt().ceil();
        let place = |i: f64| FIELD_ARCSEC * (i / (side - 1.0).max(1.0) - 0.5);
        let centre = |i: usize| CentreConfig {
            name: format!("C{i:04}"),
            east_arcsec: place((i as f64 % side).floor()),
            north_arcsec: place((i as f64 / side).floor()),
        };
        SimConfig {
            transmitters: Vec::new(),
            bursts: Vec::new(),
            pulses: Vec::new(),
            name: "bench".to_owned(),
            seed: 1,
            start_mjd: 60_000,
            start_second: 36_000,
            duration_s: f64::from(seconds),
            bits: 2,
            frame_bytes: 8032,
            channels: self.channels,
            average: self.average,
            integration_s: 0.8192,
            shift_ms: self.shift_ms,
            ra_deg: 343.4906,
            dec_deg: 16.1482,
            bands: (0..self.bands).map(band).collect(),
            stations: STATIONS.into_iter().map(station).collect(),
            sources: Vec::new(),
            centres: if self.centres > 1 { (0..self.centres).map(centre).collect() } else { Vec::new() },
        }
    }
}
