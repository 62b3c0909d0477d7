//! WebDataset: a tar archive for each shard with `NAME.image.npy`, `NAME.mask.npy` and `NAME.json` of each galaxy that can be used.

use super::npy::{descr, npy_header};
use super::{FileRecord, Hashed, Item, ShardError, Sink};
use crate::plan::{Plan, Shard};
use serde_json::{Map, Value, json};
use std::path::Path;

const FOLDER: &str = "webdataset";
const BLOCK: usize = 512;

pub(super) struct TarSink<'a> {
    plan: &'a Plan,
    out: &'a Path,
    file: Hashed,
}

impl<'a> TarSink<'a> {
    pub(super) fn create(plan: &'a Plan, shard: &Shard, out: &'a Path) -> Result<Self, ShardError> {
        let folder = out.join(FOLDER);
        let made = std::fs::create_dir_all(&folder);
        made.map_err(|source| ShardError::Io { path: folder.clone(), source })?;
        let file = Hashed::create(&folder.join(format!("{}.tar", shard.name)))?;
        Ok(Self { plan, out, file })
    }

    /// Adds a file made of two parts.
    fn entry(&mut self, name: &str, head: &[u8], body: &[u8]) -> Result<(), ShardError> {
        let length = head.len() + body.len();
        self.file.write(&ustar(name, length))?;
        self.file.write(head)?;
        self.file.write(body)?;
        self.file.write(&vec![0; length.next_multiple_of(BLOCK) - length])
    }
}

/// A header of the ustar format (POSIX.1-1988); no owner, no time.
fn ustar(name: &str, length: usize) -> [u8; BLOCK] {
    let mut header = [0; BLOCK];
    let mut put = |at: usize, text: &str| header[at..at + text.len()].copy_from_slice(text.as_bytes());
    put(0, name);
    put(100, "0000644");
    put(108, "0000000");
    put(116, "0000000");
    put(124, &format!("{length:011o}"));
    put(136, "00000000000");
    put(148, "        ");
    put(156, "0");
    put(257, "ustar");
    put(263, "00");
    let sum: u32 = header.iter().map(|b| u32::from(*b)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    header
}

/// A galaxy's name as a file's: WebDataset takes what stands before the first dot for the key. The slot makes it unique.
fn key(id: &str, slot: usize) -> String {
    let letters =
        id.chars().take(64).map(|c| if c.is_ascii_alphanumeric() || c == '-' || c == '_' { c } else { '_' });
    format!("{slot:06}-{}", letters.collect::<String>())
}

impl Sink for TarSink<'_> {
    fn add(&mut self, item: &Item<'_>) -> Result<(), ShardError> {
        if !item.cut.is_used {
            return Ok(());
        }
        let (s, galaxy) = (&self.plan.settings, &self.plan.galaxies[item.galaxy]);
        let labels: Map<String, Value> = (self.plan.labels.iter())
            .map(|(name, column)| (name.clone(), Value::from(column.text(item.galaxy))))
            .collect();
        let about = json!({"object_id": galaxy.id, "ra": galaxy.ra_deg, "dec": galaxy.dec_deg, "labels": labels, "bands": s.bands});
        let shape = [s.bands.len(), s.size, s.size];
        let key = key(&galaxy.id, item.slot);
        self.entry(&format!("{key}.image.npy"), &npy_header(descr(s.dtype), &shape), item.image)?;
        self.entry(&format!("{key}.mask.npy"), &npy_header("|u1", &shape), &item.cut.mask_bp)?;
        self.entry(&format!("{key}.json"), about.to_string().as_bytes(), b"")
    }

    fn finish(mut self: Box<Self>) -> Result<Vec<FileRecord>, ShardError> {
        self.file.write(&[0; 2 * BLOCK])?;
        Ok(vec![self.file.finish(self.out)?])
    }
}
