//! `[[spectrum]]` of fit.toml: one observed spectrum, as the user writes it.

use super::ParameterConfig;
use crate::spectrum::Convention;
use mirinae_common::units::{Hertz, Metres, Radians};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// One observed spectrum: a file, or a part of one.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpectrumConfig {
    /// FITS or text, relative to the configuration.
    pub file: PathBuf,
    /// Name in the results and of the parameters below; that of the file without its ending unless given.
    pub name: Option<String>,
    /// FITS cubes: the pixel to take, zero-based (x, y).
    pub pixel: Option<[usize; 2]>,
    /// FITS cubes: the mean over a circle, zero-based centre x, y and radius, in pixels.
    pub circle: Option<[f64; 3]>,
    /// Text: unit of the spectral column (Hz ... GHz, m/s, km/s); what the file's own header says, else MHz, unless given.
    pub freq_unit: Option<String>,
    /// Unit of the intensities: of text (its own header's, else K, unless given), or instead of a FITS file's BUNIT.
    pub intensity_unit: Option<String>,
    /// Text: the spectral column; the first column is 0.
    pub freq_column: Option<usize>,
    /// Text: the column of the intensities.
    pub intensity_column: Option<usize>,
    /// Text: the column with the noise of each channel.
    pub rms_column: Option<usize>,
    /// Rest frequency of a velocity axis, instead of the file's.
    pub rest_freq: Option<Hertz>,
    /// Convention of a velocity axis, instead of the file's.
    pub velocity: Option<Convention>,
    /// Noise of one channel; "header": the file's; "auto": estimated from the data. Unless given: `rms_column`, else the
    /// file's, else estimated.
    pub noise: Option<String>,
    /// Correlation of the noise of channels 1, 2, ... apart, or "auto": estimated, "header": the file's, "none".
    pub noise_correlation: Option<CorrelationConfig>,
    /// How one channel's noise is distributed.
    #[serde(default)]
    pub likelihood: LikelihoodKind,
    /// Degrees of freedom of Student's t.
    pub dof: Option<f64>,
    /// Major and minor axis of the beam; the file's unless given.
    pub beam: Option<[Radians; 2]>,
    /// Diameter of a single dish, whose beam is 1.22 lambda / D, instead.
    pub dish: Option<Metres>,
    /// Frequency ranges to use; all unless given.
    #[serde(default)]
    pub windows: Vec<[Hertz; 2]>,
    /// Frequency ranges to leave out.
    #[serde(default)]
    pub mask: Vec<[Hertz; 2]>,
    /// Whether the channels were Hanning-smoothed, as ALMA's mostly are: the model is, too.
    #[serde(default)]
    pub hanning: bool,
    /// Width of the channels, where it is another than their distance.
    pub channel_width: Option<Hertz>,
    /// Factor on the model of each window.
    pub calibration: Option<ParameterConfig>,
    /// Continuum of each window at its middle (K).
    pub offset_k: Option<ParameterConfig>,
    /// Its slope (K/GHz).
    pub slope_k_per_ghz: Option<ParameterConfig>,
    /// Noise on top of the known one (K), of each window.
    pub jitter_k: Option<ParameterConfig>,
}

/// Correlation of the noise between channels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum CorrelationConfig {
    /// At lags 1, 2, ...
    Lags(Vec<f64>),
    /// Where it is from.
    From(CorrelationSource),
}

/// Where the correlation of the noise is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CorrelationSource {
    /// Channels free of lines.
    Auto,
    /// The file's header.
    Header,
    /// Channels are independent.
    None,
}

/// The distributions of one channel's noise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LikelihoodKind {
    /// Normal.
    #[default]
    Gaussian,
    /// Student's t.
    Student,
}
