//! Arrays in NumPy's format (version 1.0), which `np.load(mmap_mode="r")` maps; and reading them back.

use super::{FileRecord, Hashed, Item, ShardError, Sink};
use crate::config::ValueType;
use crate::plan::{Plan, Shard};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// The header of an array: magic, version, length, a Python dictionary, padded to 64 bytes.
pub fn npy_header(descr: &str, shape: &[usize]) -> Vec<u8> {
    let axes: Vec<String> = shape.iter().map(usize::to_string).collect();
    let comma = if shape.len() == 1 { "," } else { "" };
    let mut text =
        format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({}{comma}), }}", axes.join(", "));
    let length = (10 + text.len() + 1).next_multiple_of(64) - 10;
    text.extend(std::iter::repeat_n(' ', length - 1 - text.len()));
    text.push('\n');
    let mut header = b"\x93NUMPY\x01\x00".to_vec();
    header.extend_from_slice(&(length as u16).to_le_bytes());
    header.extend_from_slice(text.as_bytes());
    header
}

/// NumPy's name of the type of images.
pub(super) fn descr(dtype: ValueType) -> &'static str {
    match dtype {
        ValueType::F4 => "<f4",
        ValueType::F2 => "<f2",
    }
}

/// `image.npy` (galaxy, band, row, column) and `mask.npy` of the same shape.
pub(super) struct NpySink<'a> {
    out: &'a Path,
    image: Hashed,
    mask: Hashed,
}

impl<'a> NpySink<'a> {
    pub(super) fn create(plan: &Plan, shard: &Shard, out: &'a Path) -> Result<Self, ShardError> {
        let s = &plan.settings;
        let folder = out.join(&shard.name);
        let made = std::fs::create_dir_all(&folder);
        made.map_err(|source| ShardError::Io { path: folder.clone(), source })?;
        let shape = [shard.galaxies.len(), s.bands.len(), s.size, s.size];
        let mut image = Hashed::create(&folder.join("image.npy"))?;
        image.write(&npy_header(descr(s.dtype), &shape))?;
        let mut mask = Hashed::create(&folder.join("mask.npy"))?;
        mask.write(&npy_header("|u1", &shape))?;
        Ok(Self { out, image, mask })
    }
}

impl Sink for NpySink<'_> {
    fn add(&mut self, item: &Item<'_>) -> Result<(), ShardError> {
        Hashed::write_both(&mut self.image, item.image, &mut self.mask, &item.cut.mask_bp)
    }

    fn finish(self: Box<Self>) -> Result<Vec<FileRecord>, ShardError> {
        Ok(vec![self.image.finish(self.out)?, self.mask.finish(self.out)?])
    }
}

/// An array that is read back, galaxy by galaxy.
pub struct NpyArray {
    path: PathBuf,
    file: File,
    start: u64,
    item_bytes: usize,
}

impl NpyArray {
    /// Opens an array whose first axis counts galaxies of `item_bytes` each.
    ///
    /// # Errors
    /// What the system says, or that the header is not NumPy's.
    pub fn open(path: &Path, item_bytes: usize) -> io::Result<Self> {
        let mut file = File::open(path)?;
        let mut head = [0; 10];
        file.read_exact(&mut head)?;
        if !head.starts_with(b"\x93NUMPY\x01") {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "not an array of NumPy's"));
        }
        let start = 10 + u64::from(u16::from_le_bytes([head[8], head[9]]));
        Ok(Self { path: path.to_path_buf(), file, start, item_bytes })
    }

    /// The bytes of one galaxy.
    ///
    /// # Errors
    /// What the system says, with the path.
    pub fn item(&mut self, slot: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; self.item_bytes];
        self.file.seek(SeekFrom::Start(self.start + (slot * self.item_bytes) as u64))?;
        let read = self.file.read_exact(&mut bytes);
        read.map_err(|e| io::Error::new(e.kind(), format!("{}: {e}", self.path.display())))?;
        Ok(bytes)
    }
}
