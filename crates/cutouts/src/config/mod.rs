//! What the user writes into `pack.toml`, as it stands there.

mod resolve;
mod settings;
#[cfg(test)]
mod tests;

pub use settings::{
    Align, Incomplete, Missing, Output, PlanesChoice, Settings, SkyUse, Source, SplitRule, ValueType, Zeros,
};

use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A configuration that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// It cannot be read.
    #[error("cannot read {path}", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// It is not TOML, or has keys that we do not know.
    #[error("{path}: {problem}", path = path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// What is wrong, with line and column.
        problem: String,
    },
    /// A value that cannot be.
    #[error("{path}: {key}: {problem}", path = path.display())]
    Value {
        /// The file.
        path: PathBuf,
        /// The key.
        key: &'static str,
        /// What is wrong with it.
        problem: String,
    },
}

/// A value for all bands, or one for each.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum PerBand<T> {
    All(T),
    Each(BTreeMap<String, T>),
}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum Hdu {
    Number(usize),
    Name(String),
}

/// The file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    input: Input,
    bands: Bands,
    #[serde(default)]
    image: ImageSection,
    #[serde(default)]
    split: Split,
    #[serde(default)]
    output: OutputSection,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    root: Option<String>,
    catalog: Option<String>,
    scan: Option<Vec<String>>,
    path: String,
    id: Option<String>,
    ra: Option<String>,
    dec: Option<String>,
    #[serde(default)]
    labels: Vec<String>,
    hdu: Option<Hdu>,
    plane: Option<usize>,
    section: Option<[usize; 4]>,
    missing: Option<Missing>,
    missing_above: Option<f64>,
    in_flight: Option<usize>,
    attempts: Option<u32>,
    checksums: Option<bool>,
    zeros: Option<Zeros>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Bands {
    names: Vec<String>,
    incomplete: Option<Incomplete>,
    nulls: Option<PerBand<crate::kernel::nulls::NullPolicy>>,
    saturation: Option<PerBand<f32>>,
    psf: Option<Vec<String>>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ImageSection {
    size: Option<usize>,
    align: Option<Align>,
    pixel_arcsec: Option<f64>,
    conserve_flux: Option<bool>,
    max_null_fraction: Option<f64>,
    sky: Option<SkyUse>,
    foreground: Option<bool>,
    foreground_sigma: Option<f32>,
    foreground_pixels: Option<usize>,
    planes: Option<PlanesChoice>,
    softening: Option<PerBand<f32>>,
    lupton_q: Option<f32>,
    lupton_stretch: Option<f32>,
    dtype: Option<ValueType>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Split {
    fractions: Option<[f64; 3]>,
    nside: Option<u32>,
    seed: Option<u64>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct OutputSection {
    galaxies: Option<usize>,
    zarr: Option<bool>,
    hdf5: Option<bool>,
    webdataset: Option<bool>,
    stop_above: Option<f64>,
    sheet: Option<usize>,
}

impl Config {
    /// Reads a file.
    ///
    /// # Errors
    /// Where it cannot be read or is not a configuration.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| ConfigError::Read { path: path.to_path_buf(), source })?;
        Self::parse(&text).map_err(|problem| ConfigError::Parse { path: path.to_path_buf(), problem })
    }

    fn parse(text: &str) -> Result<Self, String> {
        toml::from_str(text).map_err(|e| e.to_string().trim_end().to_owned())
    }
}
