//! The resolved and checked correlation.
//!
//! A [`Job`] holds plain values only: every name is looked up, every file name is whole, every number is in SI
//! units, and every part is known to fit the others. It goes into the run's plan as it is.

mod error;
pub mod file;
mod grid;
mod lots;
mod parts;
mod resolve;
#[cfg(test)]
mod tests;
mod tones;
mod views;

pub use error::JobError;
pub use file::JobFile;
pub use grid::{Integration, Unit, units};
pub use lots::{Cut, Items, Kept, Lot, groups_apart};
pub use tones::{Cycle, PhaseCal, Tone};
pub use views::View;

use crate::difx::DifxJob;
use crate::eop::Eop;
use crate::geometry::PolynomialModel;
use crate::schedule::{Format, Mount};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Where the fringe rotation is applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Rotation {
    /// To every sample, before the transform: right for all rates.
    BeforeTransform,
    /// To every spectrum, after the transform: faster; loses amplitude where rate x length of a transform is not
    /// far below one.
    AfterTransform,
}

/// What is done about the loss by quantisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Quantisation {
    /// Nothing.
    #[default]
    None,
    /// Cross-correlations are raised by what weak ones lose, which the counts of the samples' codes tell.
    Linear,
}

/// A station.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Station {
    /// Its name.
    pub name: String,
    /// ITRF coordinates in m.
    pub xyz_m: [f64; 3],
    /// How the antenna turns.
    pub mount: Mount,
    /// Distance of its axes in m.
    pub axis_offset_m: f64,
    /// Diameter of the antenna in m, where it is known.
    pub diameter_m: Option<f64>,
}

/// Diameter of an antenna by the name of its station, in m: KVN's, all of which are the same.
pub fn known_diameter_m(name: &str) -> Option<f64> {
    let kvn = ["KVNYS", "KVNUS", "KVNTN", "KVNPC"];
    kvn.iter().any(|known| known.eq_ignore_ascii_case(name)).then_some(21.0)
}

/// A frequency band on the sky.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Band {
    /// The local oscillator: lower edge of an upper sideband, upper edge of a lower one; Hz.
    pub lo_hz: f64,
    /// Bandwidth in Hz.
    pub bandwidth_hz: f64,
    /// Recorded as a lower sideband.
    pub lower_sideband: bool,
    /// Index in DiFX's frequency table, which SWIN records carry.
    pub difx_index: usize,
}

impl Band {
    /// Its lower edge on the sky in Hz.
    pub fn low_hz(&self) -> f64 {
        if self.lower_sideband { self.lo_hz - self.bandwidth_hz } else { self.lo_hz }
    }
}

/// A recorded channel of a stream: a band in one polarisation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Channel {
    /// Index into the job's bands.
    pub band: usize,
    /// R, L, X, Y, H or V.
    pub polarisation: char,
    /// Delay in s that is added in the correction of the fraction of a sample alone.
    pub clock_offset_s: f64,
}

/// What a sample is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Sampling {
    /// A real number: two of them for each Hz and second.
    Real,
    /// A complex number, the edge of the band at frequency 0.
    Complex,
    /// A complex number, the middle of the band at frequency 0 (DiFX's COMPLEX_DSB).
    ComplexCentred,
}

impl Sampling {
    /// Whether samples are complex.
    pub fn is_complex(self) -> bool {
        self != Self::Real
    }
}

/// The recordings of one station, read together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stream {
    /// Index into the job's stations.
    pub station: usize,
    /// Format of the recordings.
    pub format: Format,
    /// What a sample is.
    pub sampling: Sampling,
    /// Samples (complex ones count once) per second and channel.
    pub sample_rate_hz: u64,
    /// Bits per sample.
    pub bits: u32,
    /// Bytes per frame, header included; 0: whatever the recordings say.
    pub frame_bytes: usize,
    /// Phase-calibration tones in its bands that are measured.
    pub phase_cal: Option<PhaseCal>,
    /// VDIF threads in the order of the channels; empty: one thread holds them all.
    pub threads: Vec<u16>,
    /// Recorded channels in the recording's order.
    pub channels: Vec<Channel>,
    /// Files in the order of time.
    pub files: Vec<PathBuf>,
}

/// A pair of streams.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Baseline {
    /// Stream whose spectra are taken as they are.
    pub a: usize,
    /// Stream whose spectra are conjugated.
    pub b: usize,
}

/// One product of spectra: a x conj(b).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Product {
    /// Index of the baseline; of the stream for an autocorrelation.
    pub of: usize,
    /// Stream and channel that is taken as it is.
    pub a: (usize, usize),
    /// Stream and channel that is conjugated.
    pub b: (usize, usize),
    /// First spectral channel that is taken of either: not 0 where the band is a part of what was recorded.
    pub first: [usize; 2],
    /// Index into the job's bands.
    pub band: usize,
}

/// A source.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Source {
    /// Its name.
    pub name: String,
    /// Right ascension (J2000) in rad.
    pub ra_rad: f64,
    /// Declination (J2000) in rad.
    pub dec_rad: f64,
}

/// System temperatures of a station at one time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tsys {
    /// Time in s since the start of the job.
    pub time_s: f64,
    /// Polarisation, number of the band (from 0, in the order of their frequencies) and temperature in K.
    pub values: Vec<(char, usize, f32)>,
}

/// A scan; times in whole seconds since the start of the job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scan {
    /// Its name.
    pub name: String,
    /// Start of what is correlated.
    pub start_s: i64,
    /// End of it.
    pub end_s: i64,
    /// Source that the stations point to.
    pub pointing: usize,
    /// Sources of the phase centres.
    pub centres: Vec<usize>,
    /// After how many blocks the visibilities are turned to the phase centres (if there are several).
    pub shift_blocks: u64,
    /// Delays and uvw.
    pub model: PolynomialModel,
    /// Whether it is correlated towards the pointing and turned to its phase centres from there; else towards its only one.
    pub turned: bool,
}

/// A correlation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// Name of the job's file without its ending.
    pub name: String,
    /// Name of the observation.
    pub obscode: String,
    /// Name of DiFX's output folder, such as `job.difx`.
    pub swin_folder: String,
    /// Whether DiFX's own format is written without being asked for.
    pub write_swin: bool,
    /// Whether FITS-IDI is.
    pub write_fits_idi: bool,
    /// Earth orientation at the start, where it is known.
    pub earth: Option<Eop>,
    /// First day, MJD.
    pub start_mjd: i64,
    /// First second of that day.
    pub start_second: i64,
    /// Samples per second of the bands of the products, were they recorded as real samples: streams may have others.
    pub sample_rate_hz: u64,
    /// Spectral channels of a product's band before averaging; a transform of it has twice as many samples.
    pub channels: usize,
    /// How many channels are averaged into one.
    pub average: usize,
    /// Accumulation time in s.
    pub integration_s: f64,
    /// What was chosen for the user, in words.
    pub told: Vec<String>,
    /// Where the fringe rotation is applied.
    pub rotation: Rotation,
    /// What is done about the loss by quantisation.
    pub quantisation: Quantisation,
    /// Whether visibilities are divided by the roots of both stations' mean autocorrelations.
    pub normalise: bool,
    /// Stations.
    pub stations: Vec<Station>,
    /// Bands.
    pub bands: Vec<Band>,
    /// Streams; at most one station each, usually one for each station.
    pub streams: Vec<Stream>,
    /// Baselines.
    pub baselines: Vec<Baseline>,
    /// Cross-correlations in the order of output.
    pub crosses: Vec<Product>,
    /// Autocorrelations (cross-polarised ones among them) in the order of output.
    pub autos: Vec<Product>,
    /// System temperatures by station in the order of time; empty where none are known.
    pub tsys: Vec<Vec<Tsys>>,
    /// Sources.
    pub sources: Vec<Source>,
    /// Scans in the order of time.
    pub scans: Vec<Scan>,
    /// The same correlation of phase centres that have a resolution of their own, made in the same pass.
    pub views: Vec<Job>,
}

/// Kinds and paths of the files that a job is made of.
pub type JobFiles = Vec<(&'static str, PathBuf)>;

/// Reads and resolves a job: a `job.toml`, or a DiFX job by its `.input`. With the files that it is made of and their kinds.
///
/// # Errors
/// [`JobError`]: with file and place, before any recording is read.
pub fn open(path: &Path) -> Result<(Job, JobFiles), JobError> {
    if path.extension().is_some_and(|e| e.eq_ignore_ascii_case("toml")) {
        let file = JobFile::open(path)?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let mut files = vec![("job", path.to_owned())];
        files.extend(file.model.eop_file.iter().map(|f| ("eop", folder.join(f))));
        let tsys = file.stations.iter().filter_map(|s| s.tsys_file.as_ref());
        files.extend(tsys.map(|f| ("antab", folder.join(f))));
        files.extend(file.model.difx_im.iter().map(|f| ("im", folder.join(f))));
        return Ok((file.job(path)?, files));
    }
    let difx = DifxJob::open(path)?;
    let job = Job::from_difx(&difx)?;
    Ok((job, vec![("input", difx.input.path), ("calc", difx.calc.path), ("im", difx.im.path)]))
}

impl Job {
    /// Samples of a transform of a product's band.
    pub fn block_samples(&self) -> usize {
        2 * self.channels
    }

    /// Width of a spectral channel in Hz, the same for all streams.
    pub fn channel_hz(&self) -> f64 {
        self.sample_rate_hz as f64 / self.block_samples() as f64
    }

    /// Spectral channels of all that a stream recorded in a channel.
    pub fn stream_channels(&self, stream: usize) -> usize {
        let first = self.streams[stream].channels.first();
        first
            .map_or(self.channels, |c| (self.bands[c.band].bandwidth_hz / self.channel_hz()).round() as usize)
    }

    /// Samples (complex ones count once) of a transform of a stream: all transforms last equally long.
    pub fn stream_samples(&self, stream: usize) -> usize {
        let per_channel = if self.streams[stream].sampling.is_complex() { 1 } else { 2 };
        per_channel * self.stream_channels(stream)
    }

    /// What the sums of a product are multiplied with, so that streams of other bandwidths give correlation
    /// coefficients as those of the product's bandwidth do. 1 where all was recorded alike.
    pub fn scale(&self, product: &Product) -> f64 {
        let channels = |stream: usize| self.stream_channels(stream) as f64;
        self.channels as f64 / (channels(product.a.0) * channels(product.b.0)).sqrt()
    }

    /// Recorded channels of all streams.
    pub fn recorded_channels(&self) -> usize {
        self.streams.iter().map(|s| s.channels.len()).sum()
    }

    /// Channels in the output.
    pub fn output_channels(&self) -> usize {
        self.channels / self.average
    }

    /// Transforms in a whole integration; need not be a whole number.
    pub fn blocks_per_integration(&self) -> f64 {
        let blocks = self.integration_s * self.sample_rate_hz as f64 / self.block_samples() as f64;
        // Decimal seconds times a rate are whole up to rounding where they are meant to be.
        if (blocks - blocks.round()).abs() < 1e-6 { blocks.round() } else { blocks }
    }

    /// Polarisations of a product, such as R and L.
    pub fn polarisations(&self, product: &Product) -> [char; 2] {
        let of = |(stream, channel): (usize, usize)| self.streams[stream].channels[channel].polarisation;
        [of(product.a), of(product.b)]
    }

    /// DiFX's number of a pair of streams: 256 (A + 1) + (B + 1) with the stations' indices.
    pub fn baseline_number(&self, a: usize, b: usize) -> usize {
        256 * (self.streams[a].station + 1) + self.streams[b].station + 1
    }

    /// Size of the largest number of phase centres in a scan.
    pub fn max_centres(&self) -> usize {
        self.scans.iter().map(|s| s.centres.len()).max().unwrap_or(0)
    }
}
