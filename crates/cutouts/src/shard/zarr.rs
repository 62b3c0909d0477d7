//! Zarr arrays (version 3) with the sharding codec: one file for each of our shards, one inner chunk for each galaxy.
//!
//! A file is the chunks of its galaxies, then for each chunk its place and length as two 64-bit little-endian numbers, then the
//! CRC-32C of these.

use super::{FileRecord, Hashed, Item, ShardError, Sink};
use crate::config::ValueType;
use crate::plan::{Plan, Shard, Split};
use mirinae_common::atomic;
use serde_json::{Value, json};
use std::io::Write;
use std::path::{Path, PathBuf};

const FOLDER: &str = "zarr";

/// One array's file of one shard.
struct Chunks {
    file: Hashed,
    places: Vec<u8>,
}

impl Chunks {
    fn add(&mut self, bytes: &[u8]) -> Result<(), ShardError> {
        self.places.extend_from_slice(&self.file.bytes.to_le_bytes());
        self.places.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
        self.file.write(bytes)
    }

    /// Slots beyond the last galaxy are marked as empty.
    fn finish(mut self, slots: usize, out: &Path) -> Result<FileRecord, ShardError> {
        self.places.resize(16 * slots, 0xff);
        let sum = crc32c::crc32c(&self.places);
        self.file.write(&self.places)?;
        self.file.write(&sum.to_le_bytes())?;
        self.file.finish(out)
    }
}

pub(super) struct ZarrSink<'a> {
    out: &'a Path,
    slots: usize,
    image: Chunks,
    mask: Chunks,
}

impl<'a> ZarrSink<'a> {
    pub(super) fn create(plan: &Plan, shard: &Shard, out: &'a Path) -> Result<Self, ShardError> {
        // "train-00012" is the shard 12 of the array "train".
        let (split, number) = shard.name.rsplit_once('-').unwrap_or((&shard.name, "0"));
        let number: usize = number.parse().unwrap_or(0);
        let chunks = |array: &str| {
            let folder: PathBuf = [FOLDER, split, array, "c", &number.to_string(), "0", "0"].iter().collect();
            let folder = out.join(folder);
            let made = std::fs::create_dir_all(&folder);
            made.map_err(|source| ShardError::Io { path: folder.clone(), source })?;
            Ok::<_, ShardError>(Chunks { file: Hashed::create(&folder.join("0"))?, places: Vec::new() })
        };
        let (image, mask) = (chunks("image")?, chunks("mask")?);
        Ok(Self { out, slots: plan.settings.output.galaxies, image, mask })
    }
}

impl Sink for ZarrSink<'_> {
    fn add(&mut self, item: &Item<'_>) -> Result<(), ShardError> {
        self.image.add(item.image)?;
        self.mask.add(&item.cut.mask_bp)
    }

    fn finish(self: Box<Self>) -> Result<Vec<FileRecord>, ShardError> {
        Ok(vec![self.image.finish(self.slots, self.out)?, self.mask.finish(self.slots, self.out)?])
    }
}

/// The description of one array.
fn array(plan: &Plan, galaxies: usize, dtype: &str) -> Value {
    let s = &plan.settings;
    let inner = [1, s.bands.len(), s.size, s.size];
    let outer = [s.output.galaxies, s.bands.len(), s.size, s.size];
    let bytes = json!({"name": "bytes", "configuration": {"endian": "little"}});
    json!({
        "zarr_format": 3,
        "node_type": "array",
        "shape": [galaxies, s.bands.len(), s.size, s.size],
        "data_type": dtype,
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": outer}},
        "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
        "fill_value": 0,
        "codecs": [{"name": "sharding_indexed", "configuration": {
            "chunk_shape": inner,
            "codecs": [bytes],
            "index_codecs": [bytes, {"name": "crc32c"}],
            "index_location": "end",
        }}],
        "dimension_names": ["galaxy", "band", "row", "column"],
        "attributes": {"bands": s.bands},
    })
}

/// Writes the descriptions of all arrays and groups.
///
/// # Errors
/// Where one cannot be written.
pub fn write_metadata(plan: &Plan, out: &Path) -> Result<(), ShardError> {
    let write = |folder: &Path, value: &Value| {
        let made = std::fs::create_dir_all(folder);
        made.map_err(|source| ShardError::Io { path: folder.to_path_buf(), source })?;
        atomic::write(&folder.join("zarr.json"), |file| writeln!(file, "{value:#}")).map_err(ShardError::from)
    };
    let group = json!({"zarr_format": 3, "node_type": "group", "attributes": {}});
    let top = out.join(FOLDER);
    write(&top, &group)?;
    let image_type = if plan.settings.dtype == ValueType::F4 { "float32" } else { "float16" };
    for split in Split::ALL {
        let galaxies = plan.galaxies.iter().filter(|g| g.split == split).count();
        if galaxies > 0 {
            let folder = top.join(split.name());
            write(&folder, &group)?;
            write(&folder.join("image"), &array(plan, galaxies, image_type))?;
            write(&folder.join("mask"), &array(plan, galaxies, "uint8"))?;
        }
    }
    Ok(())
}
