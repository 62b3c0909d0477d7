//! The resolved job: which galaxy comes into which slot of which shard, and where its files are.

mod build;
mod describe;
mod scan;
#[cfg(test)]
mod tests;

pub use build::{from_catalogue, from_listing};
pub use scan::{Found, list_folder};

use crate::catalog::Column;
use crate::config::Settings;
use mirinae_common::provenance::InputFile;
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// What a galaxy is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Split {
    /// To learn from.
    Train,
    /// To choose among models.
    Validation,
    /// To judge the chosen one.
    Test,
}

impl Split {
    /// All of them, in the order of the shards.
    pub const ALL: [Self; 3] = [Self::Train, Self::Validation, Self::Test];

    /// As it stands in names of files.
    pub fn name(self) -> &'static str {
        ["train", "validation", "test"][self as usize]
    }
}

/// Where the files of a galaxy are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Files {
    /// The same path for all bands but for `{band}`.
    Template(String),
    /// A path for each band, where there is one.
    Listed(Vec<Option<String>>),
}

impl Files {
    /// The path of a band's file.
    pub fn of(&self, band: usize, name: &str) -> Option<String> {
        match self {
            Self::Template(path) => Some(path.replace("{band}", name)),
            Self::Listed(paths) => paths.get(band).cloned().flatten(),
        }
    }
}

/// One object.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Galaxy {
    /// Its name.
    pub id: String,
    /// Right ascension (degrees); NaN where only folders were listed.
    pub ra_deg: f64,
    /// Declination (degrees).
    pub dec_deg: f64,
    /// What it is for.
    pub split: Split,
    /// Where its files are.
    pub files: Files,
}

/// A group of galaxies that is written as one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shard {
    /// Name of its folder.
    pub name: String,
    /// Its galaxies in the plan.
    pub galaxies: Range<usize>,
}

/// A file or an object that is not used, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unused {
    /// The object.
    pub id: String,
    /// The band, or nothing for the whole object.
    pub band: String,
    /// The file.
    pub file: String,
    /// One word.
    pub reason: String,
    /// The message.
    pub detail: String,
}

/// The whole job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The settings.
    pub settings: Settings,
    /// The galaxies, shard after shard.
    pub galaxies: Vec<Galaxy>,
    /// Names of the labels, and their values in the galaxies' order.
    pub labels: Vec<(String, Column)>,
    /// The shards.
    pub shards: Vec<Shard>,
    /// What is known not to be used before anything is read.
    pub unused: Vec<Unused>,
    /// Galaxies that are shown on the contact sheet.
    pub sheet: Vec<usize>,
    /// The configuration and the catalogue.
    pub inputs: Vec<InputFile>,
}

impl Plan {
    /// The class of a galaxy: its first label.
    pub fn class(&self, galaxy: usize) -> String {
        self.labels.first().map(|(_, column)| column.text(galaxy)).unwrap_or_default()
    }
}
