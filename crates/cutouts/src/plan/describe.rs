//! Tells a plan in words, for a dry run.

use super::{Plan, Split};
use crate::config::{Source, ValueType};
use std::fmt;

impl Plan {
    /// Bytes of all arrays.
    pub fn array_bytes(&self) -> u64 {
        let s = &self.settings;
        let value = if s.dtype == ValueType::F4 { 4 } else { 2 };
        (self.galaxies.len() * s.bands.len() * s.size * s.size * (value + 1)) as u64
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let s = &self.settings;
        match &s.source {
            Source::Catalogue { file, .. } => writeln!(f, "catalogue {file}, files {}", s.path)?,
            Source::Scan(folders) => writeln!(f, "folders {}, files {}", folders.join(", "), s.path)?,
        }
        writeln!(
            f,
            "{} galaxies, bands {}, {} x {} pixels",
            self.galaxies.len(),
            s.bands.join(" "),
            s.size,
            s.size
        )?;
        for split in Split::ALL {
            let count = self.galaxies.iter().filter(|g| g.split == split).count();
            let shards = self.shards.iter().filter(|shard| shard.name.starts_with(split.name())).count();
            writeln!(f, "{}: {count} galaxies in {shards} shards", split.name())?;
        }
        if let Some(first) = self.galaxies.first() {
            let path = first.files.of(0, &s.bands[0]).unwrap_or_default();
            writeln!(f, "first file {path}")?;
        }
        if !self.unused.is_empty() {
            writeln!(f, "{} objects or files are there twice", self.unused.len())?;
        }
        write!(f, "{} bytes of arrays", self.array_bytes())
    }
}
