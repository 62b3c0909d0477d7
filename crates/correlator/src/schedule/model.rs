//! What a schedule says, in plain values: SI units, names looked up.

use crate::eop::EopPoint;
use crate::epoch::Epoch;
use serde::{Deserialize, Serialize};

/// Something in the file that was passed over or completed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// Line of the file, counted from 1.
    pub line: usize,
    /// What was done.
    pub what: String,
}

/// A schedule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Schedule {
    /// `VEX_rev`.
    pub revision: String,
    /// Name of the experiment.
    pub experiment: String,
    /// What it is.
    pub description: String,
    /// Nominal start.
    pub start: Option<Epoch>,
    /// Nominal end.
    pub stop: Option<Epoch>,
    /// Stations in the order of the file.
    pub stations: Vec<Station>,
    /// Sources in the order of the file.
    pub sources: Vec<Source>,
    /// Modes in the order of the file.
    pub modes: Vec<Mode>,
    /// Scans in the order of the file.
    pub scans: Vec<Scan>,
    /// Earth orientation, in the order of time.
    pub eop: Vec<EopPoint>,
    /// What was passed over.
    pub notes: Vec<Note>,
}

/// How an antenna turns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mount {
    /// Azimuth and elevation.
    AzEl,
    /// Hour angle and declination.
    HaDec,
    /// X axis to the east, Y.
    XyEast,
    /// X axis to the north, Y.
    XyNorth,
    /// None of these.
    Other,
}

impl Mount {
    const NAMES: [(Self, &str); 4] = [
        (Self::AzEl, "az-el"),
        (Self::HaDec, "ha-dec"),
        (Self::XyEast, "xy-east"),
        (Self::XyNorth, "xy-north"),
    ];

    /// As it stands in job files and products.
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(mount, _)| *mount == self).map_or("other", |(_, name)| name)
    }

    /// From that name.
    pub fn from_name(name: &str) -> Self {
        Self::NAMES.iter().find(|(_, n)| *n == name).map_or(Self::Other, |(mount, _)| *mount)
    }
}

/// A station.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Station {
    /// Its code, such as Ky.
    pub code: String,
    /// Name of its site, such as KVNYS.
    pub name: String,
    /// ITRF coordinates in m.
    pub position_m: Option<[f64; 3]>,
    /// Their velocity in m/s.
    pub velocity_m_per_s: [f64; 3],
    /// When it was there.
    pub position_epoch: Option<Epoch>,
    /// Mount of the antenna.
    pub mount: Mount,
    /// Distance of its axes in m.
    pub axis_offset_m: f64,
    /// Diameter of the antenna in m.
    pub diameter_m: Option<f64>,
    /// Racks and recorders.
    pub equipment: Vec<String>,
    /// Clock, by the time from which each holds.
    pub clocks: Vec<ClockEarly>,
    /// What was recorded on which disk pack or file.
    pub media: Vec<Medium>,
}

/// `clock_early` of VEX: how much the station's clock is **ahead**. A signal gets a time stamp that is late by that;
/// the model's `clock_late` is the opposite.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClockEarly {
    /// From when on it holds.
    pub valid_from: Option<Epoch>,
    /// When it is `early_s`.
    pub epoch: Epoch,
    /// How much ahead: s, s/s, s/s^2, s/s^3 (coefficients of powers of the time since the epoch).
    pub early_s: Vec<f64>,
}

/// An entry of `$TAPELOG_OBS`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Medium {
    /// Drive.
    pub drive: i64,
    /// Name of a disk pack, or a file.
    pub label: String,
    /// First time on it.
    pub from: Epoch,
    /// Last time on it.
    pub to: Epoch,
}

/// A source.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Source {
    /// Its name.
    pub name: String,
    /// Right ascension and declination (J2000) in rad; none for what moves.
    pub direction_rad: Option<[f64; 2]>,
    /// Files or elements that tell where it is.
    pub ephemeris: Vec<String>,
}

/// A mode: how each station is set up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Mode {
    /// Its name.
    pub name: String,
    /// Set-ups, one for each station that has one.
    pub setups: Vec<Setup>,
}

/// A station's channels and streams in a mode.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Setup {
    /// Index of the station.
    pub station: usize,
    /// Channels as `$FREQ` lists them.
    pub channels: Vec<Channel>,
    /// What is recorded.
    pub streams: Vec<Stream>,
}

/// A channel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Channel {
    /// Its link, such as CH01.
    pub link: String,
    /// Sky frequency of zero baseband frequency in Hz.
    pub edge_hz: f64,
    /// Bandwidth in Hz.
    pub bandwidth_hz: f64,
    /// Lower sideband.
    pub lower_sideband: bool,
    /// R, L, X, Y, H or V, if known.
    pub polarisation: Option<char>,
    /// Interval of phase-calibration tones in Hz; 0: none.
    pub phase_cal_hz: f64,
    /// Sky frequency of one of them in Hz; 0 where they are multiples of the interval.
    pub phase_cal_base_hz: f64,
}

/// Formats of recordings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// VDIF.
    Vdif,
    /// VDIF with 16-byte headers.
    VdifLegacy,
    /// Mark5B.
    Mark5b,
    /// Mark5B with KVN's order of bits.
    Kvn5b,
    /// Mark4 with its fan-out.
    Mark4,
    /// VLBA with its fan-out.
    Vlba,
    /// None: not recorded.
    None,
    /// Something else.
    Other(String),
}

/// A recorded stream.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stream {
    /// Its name; empty where there is one without a name.
    pub name: String,
    /// Format.
    pub format: Format,
    /// Samples per second and channel.
    pub sample_rate_hz: f64,
    /// Bits per sample; 0: not known.
    pub bits: u32,
    /// Complex samples.
    pub complex: bool,
    /// Bytes per frame with its header; 0: not known.
    pub frame_bytes: usize,
    /// VDIF threads in the order of the channels; empty: one thread holds them all.
    pub threads: Vec<u16>,
    /// Indices of the channels in the order of the recording.
    pub channels: Vec<usize>,
}

/// A scan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scan {
    /// Its name.
    pub name: String,
    /// Start.
    pub start: Epoch,
    /// Index of the mode.
    pub mode: usize,
    /// Index of the source that is pointed to.
    pub pointing: usize,
    /// Indices of the sources that are correlated.
    pub centres: Vec<usize>,
    /// Who takes part.
    pub stations: Vec<ScanStation>,
    /// Intents.
    pub intents: Vec<String>,
}

impl Scan {
    /// From the first good data of any station to the last, in s after the start.
    pub fn span_s(&self) -> (f64, f64) {
        let from = self.stations.iter().map(|s| s.from_s).fold(f64::INFINITY, f64::min);
        let to = self.stations.iter().map(|s| s.to_s).fold(f64::NEG_INFINITY, f64::max);
        if from <= to { (from, to) } else { (0.0, 0.0) }
    }
}

/// A station in a scan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScanStation {
    /// Index of the station.
    pub station: usize,
    /// First good data in s after the start of the scan.
    pub from_s: f64,
    /// Last data.
    pub to_s: f64,
    /// Whether it records.
    pub records: bool,
}
