//! What the user writes: a simulation in TOML, units in the names.

use super::SimError;
use crate::job::file::ZeroName;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A simulation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SimConfig {
    /// Name of the job's files: `NAME.input`, `NAME.calc`, `NAME.im`.
    pub name: String,
    /// Seed of all random numbers.
    pub seed: u64,
    /// Day on which the job starts.
    pub start_mjd: i64,
    /// Second of the day at which the job starts.
    pub start_second: i64,
    /// Length of the job, in seconds of geocentric time; recordings cover it at every station.
    pub duration_s: f64,
    /// Bits per sample: 1, 2, 4, 8 or 16.
    pub bits: usize,
    /// Length of a VDIF frame with its 32-byte header.
    pub frame_bytes: usize,
    /// Spectral channels per band that the job asks for.
    pub channels: usize,
    /// How many of them are averaged into one.
    #[serde(default = "one")]
    pub average: usize,
    /// Integration time that the job asks for: a whole number of transforms.
    pub integration_s: f64,
    /// After how many milliseconds visibilities are turned to the phase centres; as a job of one centre has it if absent.
    #[serde(default)]
    pub shift_ms: Option<f64>,
    /// Right ascension of the pointing (for geometric delays and uvw).
    pub ra_deg: f64,
    /// Declination of the pointing.
    pub dec_deg: f64,
    /// Bands: each is one VDIF channel, unless a station's recorder cuts it; their number is a power of two and their
    /// bandwidth the same.
    pub bands: Vec<BandConfig>,
    /// Stations, at least one.
    pub stations: Vec<StationConfig>,
    /// Sources; may be none (noise alone).
    #[serde(default)]
    pub sources: Vec<SourceConfig>,
    /// Phase centres that the job asks for; the pointing alone if there are none.
    #[serde(default)]
    pub centres: Vec<CentreConfig>,
    /// Narrow-band transmitters.
    #[serde(default)]
    pub transmitters: Vec<TransmitterConfig>,
    /// Bursts of noise at one station.
    #[serde(default)]
    pub bursts: Vec<BurstConfig>,
    /// Dispersed pulses on the sky.
    #[serde(default)]
    pub pulses: Vec<PulseConfig>,
}

/// A dispersed pulse of noise on the sky, in all bands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PulseConfig {
    /// Its name.
    pub name: String,
    /// When its middle meets the geocentre at the upper edge of the highest band, in seconds from the start of the job.
    pub at_s: f64,
    /// How long its power, which is constant, lasts at one frequency.
    pub width_ms: f64,
    /// Dispersion measure.
    #[serde(default)]
    pub dm_pc_cm3: f64,
    /// Standard deviation in units of the system's, the same at all stations.
    pub amplitude: f64,
    /// East of the pointing.
    #[serde(default)]
    pub east_arcsec: f64,
    /// North of the pointing.
    #[serde(default)]
    pub north_arcsec: f64,
}

/// A carrier whose frequency drifts: on the sky, on an orbit, or beside one station.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TransmitterConfig {
    /// Its name.
    pub name: String,
    /// Sky frequency at the start of the job, at the geocentre (that of the station where it is beside one).
    pub sky_mhz: f64,
    /// Change of its frequency.
    #[serde(default)]
    pub drift_hz_per_s: f64,
    /// Amplitude in standard deviations of the system, the same at all stations.
    pub amplitude: f64,
    /// Phase at the start.
    #[serde(default)]
    pub phase_deg: f64,
    /// Station that alone receives it, without delay; all stations, by its direction, if absent.
    #[serde(default)]
    pub station: Option<String>,
    /// Orbit that it is on in place of a direction: an orbit ephemeris message (from the Earth's centre, UTC). The path counts from the
    /// configuration's folder.
    #[serde(default)]
    pub orbit: Option<PathBuf>,
    /// East of the pointing.
    #[serde(default)]
    pub east_arcsec: f64,
    /// North of the pointing.
    #[serde(default)]
    pub north_arcsec: f64,
}

/// Noise that one station has for a while on top of its own, in all bands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BurstConfig {
    /// The station.
    pub station: String,
    /// When it begins, in seconds from the start of the job in the station's time.
    pub at_s: f64,
    /// How long it lasts.
    pub duration_ms: f64,
    /// Standard deviation in units of the system's.
    pub amplitude: f64,
}

fn one() -> usize {
    1
}

fn unity() -> f64 {
    1.0
}

/// A phase centre.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CentreConfig {
    /// Its name.
    pub name: String,
    /// East of the pointing.
    pub east_arcsec: f64,
    /// North of the pointing.
    pub north_arcsec: f64,
}

/// Which side of its edge a band lies on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sideband {
    /// Sky frequency rises with baseband frequency, from the edge upwards.
    Upper,
    /// Sky frequency falls, from the edge downwards.
    Lower,
}

/// A recorded band.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BandConfig {
    /// Sky frequency of zero baseband frequency.
    pub edge_mhz: f64,
    /// Bandwidth; real samples come at twice its rate.
    pub bandwidth_mhz: f64,
    /// Upper or lower.
    pub sideband: Sideband,
    /// One letter: R, L, X or Y.
    pub polarization: char,
}

/// A station.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StationConfig {
    /// Two characters: telescope name in the job, station in the VDIF header, part of the file name.
    pub code: String,
    /// Geocentric position (ITRF).
    pub position_m: [f64; 3],
    /// Delay model (geocentre minus station, as in a `.im` file): coefficients of a polynomial in seconds from the start,
    /// in microseconds: delay, rate, half the acceleration ... Without it the geometric delay of the position.
    #[serde(default)]
    pub delay_us: Option<Vec<f64>>,
    /// What the sky and the clock add to the model, unknown to the job, in the same sign: a polynomial in nanoseconds
    /// and seconds from the start. A clock that is ahead by d adds -d.
    #[serde(default)]
    pub residual_ns: Vec<f64>,
    /// Jumps of its clock, unknown to the job.
    #[serde(default)]
    pub clock_steps: Vec<ClockStepConfig>,
    /// Share of frames that the recorder loses.
    #[serde(default)]
    pub lost_frames: f64,
    /// Share of frames that the recorder marks invalid.
    #[serde(default)]
    pub invalid_frames: f64,
    /// What it samples, in units of what would suit the thresholds best.
    #[serde(default = "unity")]
    pub gain: f64,
    /// Phase-calibration tones that it adds to its bands.
    #[serde(default)]
    pub phase_cal: Option<PhaseCalConfig>,
    /// How it records the bands, where not as the others do.
    #[serde(default)]
    pub recorder: RecorderConfig,
}

/// A jump of a station's clock.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClockStepConfig {
    /// When, in seconds from the start.
    pub at_s: f64,
    /// By how much it is later from then on.
    pub late_ns: f64,
}

/// Phase-calibration tones of a station.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PhaseCalConfig {
    /// From one tone to the next.
    pub interval_mhz: f64,
    /// Sky frequency of any of them; multiples of the interval if absent.
    #[serde(default)]
    pub base_mhz: f64,
    /// Amplitude of each in standard deviations of the system.
    pub amplitude: f64,
    /// Phase of all at the start of the job.
    #[serde(default)]
    pub phase_deg: f64,
    /// Delay of the cable through which they come.
    #[serde(default)]
    pub delay_ns: f64,
}

/// How a station records the bands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RecorderConfig {
    /// Into how many channels each band is cut, from its lower edge upwards: a power of two.
    pub split: usize,
    /// The sideband of these channels; that of the band if absent. Bands that are cut or turned are upper ones.
    pub sideband: Option<Sideband>,
    /// Complex samples.
    pub complex: bool,
    /// Where frequency 0 of complex samples is: at a channel's edge or in its centre.
    pub zero: ZeroName,
    /// Bits per sample; those of the simulation if absent.
    pub bits: Option<usize>,
    /// Length of a frame with its header; that of the simulation if absent.
    pub frame_bytes: Option<usize>,
    /// VDIF headers of 16 bytes.
    pub legacy: bool,
    /// Each channel in a VDIF thread of its own.
    pub threads: bool,
}

impl Default for RecorderConfig {
    fn default() -> Self {
        Self {
            split: 1,
            sideband: None,
            complex: false,
            zero: ZeroName::Edge,
            bits: None,
            frame_bytes: None,
            legacy: false,
            threads: false,
        }
    }
}

/// A source: noise common to all stations.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceConfig {
    /// Its name; the first source names the pointing in the job.
    pub name: String,
    /// Its share of the power that a station receives in every band.
    pub power_fraction: f64,
    /// Delay of its direction minus that of the pointing, for stations where they differ: polynomials in nanoseconds
    /// and seconds from the start, by station code.
    #[serde(default)]
    pub offset_ns: BTreeMap<String, Vec<f64>>,
    /// East of the pointing.
    #[serde(default)]
    pub east_arcsec: f64,
    /// North of the pointing.
    #[serde(default)]
    pub north_arcsec: f64,
    /// Spectral lines, on top of the power fraction.
    #[serde(default)]
    pub lines: Vec<LineConfig>,
}

/// A Gaussian emission line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LineConfig {
    /// Sky frequency of its centre.
    pub sky_mhz: f64,
    /// Full width at half maximum.
    pub fwhm_khz: f64,
    /// Spectral power density at its peak, in units of the system's.
    pub peak_fraction: f64,
}

impl SimConfig {
    /// Reads a configuration.
    ///
    /// # Errors
    /// The file cannot be read, is not TOML, or has missing or unknown fields (with line and column).
    pub fn read(path: &Path) -> Result<Self, SimError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| SimError::Read { path: path.to_owned(), source })?;
        let mut config: Self = toml::from_str(&text)
            .map_err(|source| SimError::Parse { path: path.to_owned(), source: Box::new(source) })?;
        let folder = path.parent().unwrap_or(Path::new("."));
        for orbit in config.transmitters.iter_mut().filter_map(|t| t.orbit.as_mut()) {
            *orbit = folder.join(&*orbit);
        }
        Ok(config)
    }
}
