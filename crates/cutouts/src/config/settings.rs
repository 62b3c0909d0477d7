//! The configuration with everything resolved and checked: part of the plan and of the products.

use crate::fits::{HduChoice, Section};
use crate::kernel::nulls::NullPolicy;
use crate::kernel::planes::Planes;
use serde::{Deserialize, Serialize};

/// Where the objects come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Source {
    /// A table with a row for each object.
    Catalogue {
        /// The file, from the configuration's folder.
        file: String,
        /// Columns of name, right ascension and declination (degrees).
        columns: [String; 3],
        /// Columns that are carried along; the first is the class.
        labels: Vec<String>,
    },
    /// Folders that are listed.
    Scan(Vec<String>),
}

/// What a missing file means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Missing {
    /// The object has none, unless its folder looks as if the volume were degraded.
    Suspicious,
    /// The volume is degraded: stop.
    Outage,
    /// The object has none.
    Absent,
}

/// What long runs of exact zeros in floating-point data mean, where no checksum vouches for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Zeros {
    /// A lost block: the file is not used.
    Reject,
    /// Nothing.
    Accept,
}

/// What becomes of an object with some of its bands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Incomplete {
    /// The other bands are used, the mask tells.
    Mask,
    /// The object is not used.
    Reject,
}

/// How bands are put on one grid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Align {
    /// They are: cut or padded around the middle.
    Pixels,
    /// By their WCS, bilinearly.
    Bilinear,
    /// By their WCS, with Lanczos' kernel of order 3.
    Lanczos3,
}

/// What is done with the sky.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SkyUse {
    /// Not estimated.
    Ignore,
    /// Estimated and told in the table.
    Measure,
    /// Subtracted, too.
    Subtract,
}

/// What is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PlanesChoice {
    /// Values in the files' units.
    Linear,
    /// Each band through asinh.
    Asinh,
    /// Colours kept.
    Lupton,
}

/// Type of the stored values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ValueType {
    /// Single precision.
    F4,
    /// Half precision.
    F2,
}

/// How objects are divided into training, validation and test.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SplitRule {
    /// Shares of the three.
    pub fractions: [f64; 3],
    /// Resolution of the HEALPix cells, each of which goes to one of them.
    pub nside: u32,
    /// Other seeds, other cells.
    pub seed: u64,
}

/// What is written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Output {
    /// Galaxies of a shard.
    pub galaxies: usize,
    /// Zarr arrays, too.
    pub zarr: bool,
    /// HDF5 in the layout of the Multimodal Universe, too.
    pub hdf5: bool,
    /// WebDataset archives, too.
    pub webdataset: bool,
    /// The run stops when more than this fraction of the files cannot be used.
    pub stop_above: f64,
    /// Galaxies on a contact sheet.
    pub sheet: usize,
}

/// All of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// Files count from this folder; empty for the configuration's own.
    pub root: String,
    /// Where the objects come from.
    pub source: Source,
    /// Template of a file's path.
    pub path: String,
    /// Which HDU.
    pub hdu: HduChoice,
    /// Which plane of a cube, from 1; 0 where images have one.
    pub plane: usize,
    /// Which part of each image.
    pub section: Option<Section>,
    /// What a missing file means.
    pub missing: Missing,
    /// More missing files than this fraction of a shard are an outage.
    pub missing_above: f64,
    /// Galaxies whose files are being read at a time, for each rank.
    pub in_flight: usize,
    /// How often a read is tried where the error can go away.
    pub attempts: u32,
    /// Whether DATASUM and CHECKSUM are verified.
    pub checksums: bool,
    /// What long runs of zeros mean.
    pub zeros: Zeros,
    /// Names of the bands, in the order of the arrays.
    pub bands: Vec<String>,
    /// What becomes of incomplete objects.
    pub incomplete: Incomplete,
    /// Policy of each band.
    pub nulls_b: Vec<NullPolicy>,
    /// Saturation level of each band; the largest number where there is none.
    pub saturation_b: Vec<f32>,
    /// Keywords that may hold the width of the point spread function.
    pub psf_keywords: Vec<String>,
    /// Width and height of the images (pixels).
    pub size: usize,
    /// How bands are put on one grid.
    pub align: Align,
    /// Pixel of that grid (arcsec); 0 where bands are not aligned.
    pub pixel_arcsec: f64,
    /// Whether values are per pixel rather than per area.
    pub conserve_flux: bool,
    /// Bands with a larger fraction of nulls are not used.
    pub max_null_fraction: f64,
    /// What is done with the sky.
    pub sky: SkyUse,
    /// Whether foreground objects are marked.
    pub foreground: bool,
    /// How far above the noise they are (standard deviations).
    pub foreground_sigma: f32,
    /// How large they are at least (pixels).
    pub foreground_pixels: usize,
    /// What is stored.
    pub planes: Planes,
    /// In which type.
    pub dtype: ValueType,
    /// How objects are divided.
    pub split: SplitRule,
    /// What is written.
    pub output: Output,
}
