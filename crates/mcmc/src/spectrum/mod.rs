//! Observed spectra: read from FITS or text, in kelvin over ascending frequency, with flags and noise.

mod axis;
mod cards;
mod correlation;
mod cube;
mod error;
mod fits;
mod header;
mod inspect;
mod noise;
mod sky;
mod text;
mod text_header;
mod units;

pub use axis::{AxisKind, Convention, SpectralAxis};
pub use correlation::{made_positive, significant, tapered};
pub use error::SpectrumError;
pub use fits::{FitsOptions, Region, read_fits};
pub use inspect::{BrightPixel, CubeNoise, Inspection, describe, inspect};
pub(crate) use noise::median;
pub use noise::{NO_NOISE, Noise, estimate_noise, estimate_noise_without_slope};
pub use sky::{CardValue, SkyHeader, sky_header};
pub use text::{TextOptions, read_text};
pub use units::{IntensityUnit, SpectralUnit};

use crate::model::Beam;
use serde::{Deserialize, Serialize};
use std::io::Read as _;
use std::ops::Range;
use std::path::Path;

/// Whether a file is FITS, whatever its name: by the card that starts it (FITS 4.0, 4.4.1.1), packed by gzip or not.
pub fn is_fits(path: &Path) -> Result<bool, SpectrumError> {
    let start = |packed: bool| -> std::io::Result<Vec<u8>> {
        let (file, mut start) = (std::fs::File::open(path)?, Vec::new());
        match packed {
            true => flate2::read::GzDecoder::new(file).take(6).read_to_end(&mut start)?,
            false => file.take(6).read_to_end(&mut start)?,
        };
        Ok(start)
    };
    let mut found = start(false).map_err(|source| SpectrumError::Io { path: path.to_path_buf(), source })?;
    if found.starts_with(&[0x1f, 0x8b]) {
        // A damaged package is none.
        found = start(true).unwrap_or_default();
    }
    Ok(found == b"SIMPLE")
}

/// Spacing over the usual one above which two neighbouring channels are not adjacent.
const GAP: f64 = 1.5;

/// An observed spectrum.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Spectrum {
    /// Where it is from: file and pixel or circle.
    pub source: String,
    /// Channel centres (MHz), strictly ascending.
    pub freq_mhz: Vec<f64>,
    /// Brightness temperature (K) (Rayleigh-Jeans); NaN where not valid.
    pub t_k: Vec<f64>,
    /// Whether a channel holds data.
    pub valid: Vec<bool>,
    /// Noise of each channel (K), where the file gives it; NaN where not valid.
    pub sigma_k: Option<Vec<f64>>,
    /// Noise of each channel (K) by one number in the header, where there is one.
    pub stated_k: Option<Vec<f64>>,
    /// Correlation of the noise of channels 1, 2, ... apart, where the header gives it.
    pub correlation: Vec<f64>,
    /// Usual distance of neighbouring channels (MHz); 0 for a single channel.
    pub channel_width_mhz: f64,
    /// Beam, where it is known.
    pub beam: Option<Beam>,
    /// Frame of the frequencies as the file names it (SPECSYS: `LSRK`, `BARYCENT`, `TOPOCENT` ...).
    pub frame: Option<String>,
    /// Rest frequency of the file's velocity axis (MHz).
    pub rest_freq_mhz: Option<f64>,
    /// What the reader had to assume, or found odd.
    pub notes: Vec<String>,
}

impl Spectrum {
    /// Number of channels.
    pub fn len(&self) -> usize {
        self.freq_mhz.len()
    }

    /// Whether it has no channels.
    pub fn is_empty(&self) -> bool {
        self.freq_mhz.is_empty()
    }

    /// Number of channels with data.
    pub fn n_valid(&self) -> usize {
        self.valid.iter().filter(|valid| **valid).count()
    }

    /// Robust noise over the channels free of lines; see [`estimate_noise`].
    pub fn noise(&self) -> Option<Noise> {
        estimate_noise(&self.t_k, &self.valid)
    }

    /// The same with a slope over the spectrum left out.
    pub fn noise_without_slope(&self) -> Option<Noise> {
        estimate_noise_without_slope(&self.freq_mhz, &self.t_k, &self.valid)
    }

    /// The channels between two frequencies (MHz), both included.
    pub fn between(&self, low_mhz: f64, high_mhz: f64) -> Self {
        let first = self.freq_mhz.partition_point(|f| *f < low_mhz);
        let end = self.freq_mhz.partition_point(|f| *f <= high_mhz).max(first);
        self.channels(first..end)
    }

    /// A range of channels.
    pub fn channels(&self, range: Range<usize>) -> Self {
        Self {
            freq_mhz: self.freq_mhz[range.clone()].to_vec(),
            t_k: self.t_k[range.clone()].to_vec(),
            valid: self.valid[range.clone()].to_vec(),
            sigma_k: self.sigma_k.as_ref().map(|sigma_k| sigma_k[range.clone()].to_vec()),
            stated_k: self.stated_k.as_ref().map(|stated_k| stated_k[range].to_vec()),
            correlation: self.correlation.clone(),
            source: self.source.clone(),
            beam: self.beam,
            frame: self.frame.clone(),
            notes: self.notes.clone(),
            ..*self
        }
    }

    /// Runs of adjacent channels: parted where two neighbours are further apart than one and a half
    /// times the usual distance, as between the spectral windows of one file.
    pub fn runs(&self) -> Vec<Range<usize>> {
        let mut runs = Vec::new();
        let mut first = 0;
        for (i, pair) in self.freq_mhz.windows(2).enumerate() {
            if pair[1] - pair[0] > GAP * self.channel_width_mhz {
                runs.push(first..i + 1);
                first = i + 1;
            }
        }
        if first < self.len() {
            runs.push(first..self.len());
        }
        runs
    }

    /// Sorts channels by frequency, flags values that are not finite, and finds the usual distance.
    /// `None` where two channels share a frequency: the frequency is the error.
    fn sorted(mut self) -> Result<Self, f64> {
        let mut order: Vec<usize> = (0..self.len()).collect();
        order.sort_by(|a, b| self.freq_mhz[*a].total_cmp(&self.freq_mhz[*b]));
        let pick = |values: &[f64]| -> Vec<f64> { order.iter().map(|i| values[*i]).collect() };
        self.freq_mhz = pick(&self.freq_mhz);
        self.t_k = pick(&self.t_k);
        self.sigma_k = self.sigma_k.as_deref().map(pick);
        self.stated_k = self.stated_k.as_deref().map(pick);
        self.valid = order.iter().map(|i| self.valid[*i]).collect();
        if let Some(pair) = self.freq_mhz.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(pair[0]);
        }
        for i in 0..self.t_k.len() {
            let sigma_is_good = self.sigma_k.as_ref().is_none_or(|s| s[i] > 0.0 && s[i].is_finite());
            self.valid[i] &= self.t_k[i].is_finite() && sigma_is_good;
            if !self.valid[i] {
                self.t_k[i] = f64::NAN;
                self.sigma_k.iter_mut().for_each(|sigma_k| sigma_k[i] = f64::NAN);
            }
        }
        let steps: Vec<f64> = self.freq_mhz.windows(2).map(|pair| pair[1] - pair[0]).collect();
        self.channel_width_mhz = noise::median(&steps).unwrap_or(0.0);
        Ok(self)
    }
}

#[cfg(test)]
mod tests;
