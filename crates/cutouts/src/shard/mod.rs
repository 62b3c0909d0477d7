//! Writes the galaxies of a shard, one after the other, into the files that are asked for.

mod hdf;
mod manifest;
mod npy;
mod table;
mod tar;
#[cfg(test)]
mod tests;
mod zarr;

pub use manifest::{FileRecord, MANIFEST, Manifest, sha256_of};
pub use npy::{NpyArray, npy_header};
pub use table::TABLE;
pub use zarr::write_metadata as write_zarr_metadata;

use crate::config::ValueType;
use crate::cut::Cut;
use crate::hash::{Stream, update_both};
use crate::plan::{Plan, Shard};
use half::slice::HalfFloatSliceExt;
use mirinae_common::atomic::{Pending, WriteError};
use mirinae_common::checkpoint::Hash;
use mirinae_common::provenance;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// A product that cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum ShardError {
    /// The system refused.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The system refused.
    #[error("cannot write {path}", path = path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A library refused.
    #[error("{path}: {problem}", path = path.display())]
    Library {
        /// The file.
        path: PathBuf,
        /// What it said.
        problem: String,
    },
}

/// A galaxy as it is written.
pub struct Item<'a> {
    /// Its number in the plan.
    pub galaxy: usize,
    /// Its number in the shard.
    pub slot: usize,
    /// Its arrays and what is known of them.
    pub cut: &'a Cut,
    /// Its image, little-endian, in the type that is asked for.
    pub image: &'a [u8],
}

/// One kind of file.
trait Sink {
    /// Adds the next galaxy.
    fn add(&mut self, item: &Item<'_>) -> Result<(), ShardError>;
    /// Puts the files in their places and describes them.
    fn finish(self: Box<Self>) -> Result<Vec<FileRecord>, ShardError>;
}

/// A file whose checksum is made while it is written.
struct Hashed {
    path: PathBuf,
    pending: Pending,
    file: File,
    hash: Stream,
    bytes: u64,
}

impl Hashed {
    fn create(path: &Path) -> Result<Self, ShardError> {
        let pending = Pending::new(path);
        let file = File::create(pending.temporary())
            .map_err(|source| ShardError::Io { path: path.to_path_buf(), source })?;
        Ok(Self { path: path.to_path_buf(), pending, file, hash: Stream::default(), bytes: 0 })
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), ShardError> {
        self.hash.update(bytes);
        self.put(bytes)
    }

    /// Writes to two files, whose checksums are made together.
    fn write_both(a: &mut Self, a_bytes: &[u8], b: &mut Self, b_bytes: &[u8]) -> Result<(), ShardError> {
        update_both(&mut a.hash, a_bytes, &mut b.hash, b_bytes);
        a.put(a_bytes)?;
        b.put(b_bytes)
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), ShardError> {
        self.bytes += bytes.len() as u64;
        self.file.write_all(bytes).map_err(|source| ShardError::Io { path: self.path.clone(), source })
    }

    /// `out` is the folder that the name in the record counts from.
    fn finish(self, out: &Path) -> Result<FileRecord, ShardError> {
        drop(self.file);
        self.pending.commit()?;
        let hash: Hash = self.hash.finish();
        Ok(FileRecord::new(out, &self.path, self.bytes, &hash))
    }
}

/// Writes one shard.
pub struct ShardWriter<'a> {
    plan: &'a Plan,
    shard: &'a Shard,
    out: &'a Path,
    sinks: Vec<Box<dyn Sink + 'a>>,
    half: Vec<half::f16>,
    slot: usize,
    used: usize,
}

impl<'a> ShardWriter<'a> {
    /// Begins the files of a shard below `out`.
    ///
    /// # Errors
    /// Where a file or folder cannot be made.
    pub fn create(plan: &'a Plan, shard: &'a Shard, out: &'a Path) -> Result<Self, ShardError> {
        let output = &plan.settings.output;
        let mut sinks: Vec<Box<dyn Sink + 'a>> = vec![
            Box::new(npy::NpySink::create(plan, shard, out)?),
            Box::new(table::TableSink::new(plan, shard, out)),
        ];
        if output.zarr {
            sinks.push(Box::new(zarr::ZarrSink::create(plan, shard, out)?));
        }
        if output.hdf5 {
            sinks.push(Box::new(hdf::HdfSink::create(plan, shard, out)?));
        }
        if output.webdataset {
            sinks.push(Box::new(tar::TarSink::create(plan, shard, out)?));
        }
        Ok(Self { plan, shard, out, sinks, half: Vec::new(), slot: 0, used: 0 })
    }

    /// Adds the next galaxy.
    ///
    /// # Errors
    /// Where a file cannot be written.
    pub fn add(&mut self, cut: &Cut) -> Result<(), ShardError> {
        let image = match self.plan.settings.dtype {
            ValueType::F4 => bytemuck::cast_slice(&cut.image_bp),
            ValueType::F2 => {
                self.half.resize(cut.image_bp.len(), half::f16::ZERO);
                self.half.convert_from_f32_slice(&cut.image_bp);
                let bits: &[u16] = self.half.reinterpret_cast();
                bytemuck::cast_slice(bits)
            }
        };
        let item = Item { galaxy: self.shard.galaxies.start + self.slot, slot: self.slot, cut, image };
        for sink in &mut self.sinks {
            sink.add(&item)?;
        }
        self.slot += 1;
        self.used += usize::from(cut.is_used);
        Ok(())
    }

    /// Puts all files in their places, the manifest last.
    ///
    /// # Errors
    /// Where a file cannot be written.
    pub fn finish(self, plan_hash: &Hash) -> Result<Manifest, ShardError> {
        let mut files = Vec::new();
        for sink in self.sinks {
            files.extend(sink.finish()?);
        }
        let s = &self.plan.settings;
        let manifest = Manifest {
            format: manifest::FORMAT.to_owned(),
            program: format!("fits-pack {}", provenance::VERSION),
            plan_sha256: provenance::hex(plan_hash),
            shard: self.shard.name.clone(),
            galaxies: self.shard.galaxies.len(),
            used: self.used,
            bands: s.bands.clone(),
            shape: [self.shard.galaxies.len(), s.bands.len(), s.size, s.size],
            dtype: s.dtype,
            mask_bits: crate::kernel::bits::NAMES.map(str::to_owned).to_vec(),
            files,
        };
        manifest.write(self.out)?;
        Ok(manifest)
    }
}
