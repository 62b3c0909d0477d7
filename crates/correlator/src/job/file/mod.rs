//! `job.toml`: a correlation as the user writes it.
//!
//! [`JobFile`] is what stands in the file; [`JobFile::job`] resolves it. `kvn-corr init` makes one from a schedule
//! ([`init`]), `kvn-corr convert` from a DiFX job ([`convert`]); both write it with comments ([`mod@write`]).
//!
//! Clocks are given as **late**: a station whose clock is late by d stamps a sample with a time d too early. This is the
//! sign of `.v2d` and `.input`; `clock_early` of VEX is the opposite.

mod build;
pub mod convert;
mod delays;
mod geometry;
pub mod init;
mod mosaic;
mod orbits;
mod products;
pub mod recordings;
#[cfg(test)]
mod tests;
mod views;
pub mod write;

pub(crate) use build::tsys_at;
pub use delays::{DelayTableError, Rows};
pub use views::ResolutionEntry;

use super::{JobError, Quantisation, Rotation};
use crate::eop::EopPoint;
use crate::epoch::Epoch;
use crate::schedule::value::{self, Kind};
use crate::schedule::{Format, Mount, syntax};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// A correlation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobFile {
    /// Name of the observation; default: that of the file.
    pub obscode: Option<String>,
    /// How it is correlated.
    pub correlation: Correlation,
    /// A grid of phase centres over the field.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mosaic: Option<MosaicEntry>,
    /// Phase centres with a resolution of their own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resolutions: Vec<ResolutionEntry>,
    /// The delay model.
    #[serde(default)]
    pub model: Model,
    /// What is written besides the HDF5 file.
    #[serde(default)]
    pub products: ProductsWanted,
    /// Stations, in the order of the baselines.
    pub stations: Vec<StationEntry>,
    /// Sources.
    pub sources: Vec<SourceEntry>,
    /// Scans in the order of time.
    pub scans: Vec<ScanEntry>,
    /// Times outside of which nothing is correlated; none: everything.
    #[serde(default)]
    pub windows: Vec<Window>,
}

/// Which products of polarisations are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Polarisations {
    /// RR, LL.
    #[default]
    Parallel,
    /// RR, LL, RL, LR.
    All,
}

/// How a job is correlated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Correlation {
    /// Spectral channels of a band (the narrowest one, or a zoom band) before averaging; a mosaic lets them be chosen.
    pub channels: Option<usize>,
    /// How many of them are averaged into one; default: 1, or what the mosaic allows.
    pub average: Option<usize>,
    /// Accumulation time; a mosaic lets it be chosen.
    pub integration_s: Option<f64>,
    /// Where the fringes are stopped.
    #[serde(default = "before")]
    pub rotation: RotationName,
    /// After how much time the visibilities are turned to the phase centres; default: 0.02, or what the mosaic allows.
    pub shift_s: Option<f64>,
    /// Products of polarisations.
    #[serde(default)]
    pub polarisations: Polarisations,
    /// Whether autocorrelations are made.
    #[serde(default = "yes")]
    pub autocorrelations: bool,
    /// What is done about the loss by quantisation.
    #[serde(default)]
    pub quantisation: Quantisation,
    /// Whether visibilities are correlation coefficients: divided by the roots of the stations' mean autocorrelations.
    #[serde(default)]
    pub normalise: bool,
    /// Pairs of stations; none: all.
    #[serde(default)]
    pub baselines: Vec<[String; 2]>,
    /// Parts of the bands that alone are correlated, all of the same width; none: the bands as the stations with the
    /// narrowest ones recorded them.
    #[serde(default)]
    pub zoom: Vec<ZoomEntry>,
    /// From when on times count; default: the first scan.
    pub start: Option<String>,
}

fn before() -> RotationName {
    RotationName::Before
}
fn yes() -> bool {
    true
}

/// A part of the sky's spectrum.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ZoomEntry {
    /// Its lower edge on the sky.
    pub low_mhz: f64,
    /// Its width.
    pub bandwidth_mhz: f64,
}

/// A hexagonal grid of phase centres around what is pointed to, and how much of a source may be lost anywhere between them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MosaicEntry {
    /// Only scans that point to this source; default: all that have no centres of their own.
    pub source: Option<String>,
    /// Radius of the field; default: where the primary beam of the smallest antenna is at half its power at the lowest frequency.
    pub radius_arcsec: Option<f64>,
    /// Distance of neighbouring phase centres.
    pub spacing_arcsec: f64,
    /// Share of the amplitude that may be lost anywhere in the field.
    pub smearing: f64,
}

/// Where the fringes are stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RotationName {
    /// Before the transform.
    Before,
    /// After it.
    After,
}

impl From<RotationName> for Rotation {
    fn from(name: RotationName) -> Self {
        match name {
            RotationName::Before => Self::BeforeTransform,
            RotationName::After => Self::AfterTransform,
        }
    }
}

/// Where delays come from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// Delay in the troposphere.
    #[serde(default = "yes")]
    pub troposphere: bool,
    /// Tides of the Earth and of the oceans, pole tide.
    #[serde(default = "yes")]
    pub displacements: bool,
    /// A file in the IERS's finals2000A or C04 format.
    pub eop_file: Option<PathBuf>,
    /// Earth orientation, in place of a file.
    #[serde(default)]
    pub eop: Vec<EopPoint>,
    /// Polynomials of DiFX (`.im`), in place of the model.
    pub difx_im: Option<PathBuf>,
}

impl Default for Model {
    fn default() -> Self {
        Self { troposphere: true, displacements: true, eop_file: None, eop: Vec::new(), difx_im: None }
    }
}

/// What is written besides the HDF5 file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProductsWanted {
    /// DiFX's own format.
    #[serde(default)]
    pub swin: bool,
    /// FITS-IDI, a file for each phase centre.
    #[serde(default)]
    pub fits_idi: bool,
    /// Name of its folder; default: `NAME.difx`.
    pub swin_folder: Option<String>,
}

/// A station.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StationEntry {
    /// Its name in the products, such as Ky.
    pub code: String,
    /// Its name in the table of ocean loading, such as KVNYS; default: the code.
    pub name: Option<String>,
    /// ITRF coordinates.
    pub position_m: [f64; 3],
    /// Their velocity.
    #[serde(default)]
    pub velocity_m_per_yr: [f64; 3],
    /// When it was there.
    pub position_epoch: Option<String>,
    /// How the antenna turns.
    #[serde(default = "az_el")]
    pub mount: Mount,
    /// Distance of its axes.
    #[serde(default)]
    pub axis_offset_m: f64,
    /// Diameter of the antenna; default: that of the stations that are known.
    pub diameter_m: Option<f64>,
    /// Pressure at the antenna; default: standard atmosphere.
    pub pressure_hpa: Option<f64>,
    /// System temperatures in the ANTAB format.
    pub tsys_file: Option<PathBuf>,
    /// Clocks; each holds from a time on.
    #[serde(default)]
    pub clocks: Vec<ClockEntry>,
    /// What was recorded.
    #[serde(default)]
    pub streams: Vec<StreamEntry>,
}

fn az_el() -> Mount {
    Mount::AzEl
}

/// How late a clock is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClockEntry {
    /// From when on it holds; default: always.
    pub from: Option<String>,
    /// Time to which the polynomial refers.
    pub epoch: String,
    /// us, us/s, us/s^2 ...: positive where the clock is late.
    pub late_us: Vec<f64>,
}

/// A recorded stream.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StreamEntry {
    /// Format of the recordings.
    #[serde(default = "vdif")]
    pub format: Format,
    /// Bits per sample.
    pub bits: u32,
    /// Bytes per frame with its header; 0: whatever the recordings say.
    #[serde(default)]
    pub frame_bytes: usize,
    /// Complex samples.
    #[serde(default)]
    pub complex: bool,
    /// Where frequency 0 of complex samples is in a band.
    #[serde(default)]
    pub zero: ZeroName,
    /// Samples per second; default: twice the bandwidth, once if complex.
    pub sample_rate_hz: Option<f64>,
    /// Interval of the phase-calibration tones that are measured; 0: none.
    #[serde(default)]
    pub phase_cal_mhz: f64,
    /// Sky frequency of any of them; default: multiples of the interval.
    #[serde(default)]
    pub phase_cal_base_mhz: f64,
    /// VDIF threads in the order of the channels; none: one thread holds all.
    #[serde(default)]
    pub threads: Vec<u16>,
    /// Files, patterns such as `/disk?/k24001_ky_*.vdif`, from the folder of the job.
    #[serde(default)]
    pub recordings: Vec<String>,
    /// Channels in the order of the recording.
    pub channels: Vec<ChannelEntry>,
}

fn vdif() -> Format {
    Format::Vdif
}

/// Where frequency 0 of complex samples is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ZeroName {
    /// At the edge, as with real samples.
    #[default]
    Edge,
    /// In the middle.
    Centre,
}

/// Upper or lower.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SidebandName {
    /// Sky frequency rises from the edge.
    Upper,
    /// It falls.
    Lower,
}

/// A recorded channel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChannelEntry {
    /// Sky frequency of the band's edge at which the lowest frequencies of real samples are: the lower edge of an upper
    /// sideband, the upper one of a lower.
    pub edge_mhz: f64,
    /// Bandwidth.
    pub bandwidth_mhz: f64,
    /// Upper or lower.
    pub sideband: SidebandName,
    /// R, L, X, Y, H or V.
    pub polarisation: char,
    /// Delay of this channel alone (DiFX's CLK OFFSET).
    #[serde(default)]
    pub clock_offset_us: f64,
}

/// An angle: degrees, or text such as `16h42m58.8s`, `-05d47'21.5"`, `2.1 rad`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Angle {
    /// Degrees.
    Degrees(f64),
    /// Text.
    Text(String),
}

/// A source.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceEntry {
    /// Its name.
    pub name: String,
    /// Right ascension (J2000).
    pub ra: Angle,
    /// Declination (J2000).
    pub dec: Angle,
    /// Its orbit, if it is near: an orbit ephemeris message (CCSDS) or a table of vectors of JPL Horizons. Delays follow it; `ra`
    /// and `dec` are what products name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub orbit: Option<PathBuf>,
}

/// A scan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScanEntry {
    /// Its name.
    pub name: String,
    /// Start.
    pub start: String,
    /// Length in s.
    pub duration_s: f64,
    /// Source that is pointed to.
    pub source: String,
    /// Phase centres; none: the source.
    #[serde(default)]
    pub centres: Vec<String>,
    /// Number of the scan in the `.im`, if that is used; default: its place in this list.
    pub im_scan: Option<usize>,
}

/// A time to correlate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// Start.
    pub from: String,
    /// End.
    pub to: String,
}

impl JobFile {
    /// Reads a `job.toml`.
    ///
    /// # Errors
    /// [`JobError::File`], with line and column.
    pub fn open(path: &Path) -> Result<Self, JobError> {
        let text = std::fs::read_to_string(path).map_err(|cause| JobError::File {
            path: path.to_owned(),
            what: format!("cannot be read: {cause}"),
        })?;
        Self::parse(path, &text)
    }

    /// Reads the text of a `job.toml`; `path` is for messages.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn parse(path: &Path, text: &str) -> Result<Self, JobError> {
        let wrong = |cause: toml::de::Error| cause.to_string().trim_end().to_owned();
        toml::from_str(text).map_err(|cause| JobError::File { path: path.to_owned(), what: wrong(cause) })
    }
}

/// An epoch of a job.
fn epoch(text: &str, what: &str) -> Result<Epoch, String> {
    Epoch::parse(text).ok_or_else(|| {
        format!("{what}: \"{text}\" is no time like 2024-01-10T12:00:00, 2024y010d12h00m00s or an MJD")
    })
}

impl Angle {
    fn rad(&self, is_ra: bool, what: &str) -> Result<f64, String> {
        let text = match self {
            Self::Degrees(degrees) if degrees.is_finite() => return Ok(degrees.to_radians()),
            Self::Degrees(_) => return Err(format!("{what}: no number")),
            Self::Text(text) => text,
        };
        let field = syntax::Field { text: text.clone(), span: 0..text.len() };
        let parsed = match value::quantity_or(&field, Kind::Angle, Some("deg")) {
            Ok(rad) => Ok(rad),
            Err(_) if is_ra => value::right_ascension(&field),
            Err(_) => value::declination(&field),
        };
        parsed.map_err(|problem| format!("{what}: {}", problem.what))
    }
}
