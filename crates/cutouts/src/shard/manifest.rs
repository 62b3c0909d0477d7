//! Says what a shard holds, with a checksum of each file.

use super::ShardError;
use crate::config::ValueType;
use mirinae_common::atomic;
use mirinae_common::checkpoint::Hash;
use mirinae_common::provenance;
use serde::{Deserialize, Serialize};
use std::io::Write;
use std::path::Path;

/// Name of a shard's manifest in its folder.
pub const MANIFEST: &str = "manifest.json";
/// The manifest's `format`.
pub(super) const FORMAT: &str = "mirinae-galaxy-shard-1";

/// One file of a shard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRecord {
    /// Its path from the products' folder.
    pub name: String,
    /// Its length.
    pub bytes: u64,
    /// SHA-256 in hexadecimal digits.
    pub sha256: String,
}

impl FileRecord {
    pub(super) fn new(out: &Path, path: &Path, bytes: u64, hash: &Hash) -> Self {
        let name = path.strip_prefix(out).unwrap_or(path).to_string_lossy().into_owned();
        Self { name, bytes, sha256: provenance::hex(hash) }
    }

    /// Describes a file that is there.
    pub(super) fn of(out: &Path, path: &Path) -> Result<Self, ShardError> {
        let (bytes, hash) = provenance::hash_file(path)
            .map_err(|source| ShardError::Io { path: path.to_path_buf(), source })?;
        Ok(Self::new(out, path, bytes, &hash))
    }
}

/// What a shard holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Name and version of this format.
    pub format: String,
    /// What wrote it.
    pub program: String,
    /// Hash of the plan; `index.json` has the plan's settings.
    pub plan_sha256: String,
    /// Name of the shard.
    pub shard: String,
    /// Its galaxies.
    pub galaxies: usize,
    /// Those among them that can be used.
    pub used: usize,
    /// Names of the bands, in the order of the second axis.
    pub bands: Vec<String>,
    /// Galaxies, bands, rows, columns.
    pub shape: [usize; 4],
    /// Type of the values.
    pub dtype: ValueType,
    /// Meaning of the bits of the mask, lowest first.
    pub mask_bits: Vec<String>,
    /// The files.
    pub files: Vec<FileRecord>,
}

impl Manifest {
    fn text(&self) -> Result<String, ShardError> {
        serde_json::to_string_pretty(self)
            .map(|text| text + "\n")
            .map_err(|e| ShardError::Library { path: MANIFEST.into(), problem: e.to_string() })
    }

    /// Writes it into the shard's folder below `out`.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn write(&self, out: &Path) -> Result<(), ShardError> {
        let text = self.text()?;
        let path = out.join(&self.shard).join(MANIFEST);
        Ok(atomic::write(&path, |file| file.write_all(text.as_bytes()))?)
    }

    /// Reads the manifest of a shard below `out`.
    ///
    /// # Errors
    /// Where it cannot be read or is none.
    pub fn read(out: &Path, shard: &str) -> Result<Self, ShardError> {
        let path = out.join(shard).join(MANIFEST);
        let text = std::fs::read(&path).map_err(|source| ShardError::Io { path: path.clone(), source })?;
        serde_json::from_slice(&text).map_err(|e| ShardError::Library { path, problem: e.to_string() })
    }

    /// SHA-256 of the manifest as it is written.
    ///
    /// # Errors
    /// Where it cannot be turned into text: a mistake in the program.
    pub fn sha256(&self) -> Result<String, ShardError> {
        Ok(provenance::hex(&provenance::hash(self.text()?.as_bytes())))
    }
}

/// SHA-256 of a file, in hexadecimal digits, and its length.
///
/// # Errors
/// Where it cannot be read.
pub fn sha256_of(path: &Path) -> std::io::Result<(u64, String)> {
    let (bytes, hash) = provenance::hash_file(path)?;
    Ok((bytes, provenance::hex(&hash)))
}
