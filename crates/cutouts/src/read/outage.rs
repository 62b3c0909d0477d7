//! Tells a file that an object does not have from one that a degraded volume hides.
//!
//! On a distributed volume with a dead brick files vanish: opening one says that it does not exist, and the listing of its
//! folder does not have it either. So a missing file is taken for an outage where its folder is gone or empty, where the folder lists it
//! nevertheless, or where more of a shard's files are missing than is stated. That cannot see all: a brick may die when most of
//! a shard has been read. So shards with missing files are made again when a run goes on, and at the end of a run
//! [`check_all`] looks once more.

use crate::config::Missing;
use std::collections::{HashMap, HashSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Fewer missing files of a shard are no sign, whatever their fraction.
const FEWEST: usize = 3;

/// Why the run stops rather than take a galaxy for absent.
#[derive(Debug, thiserror::Error)]
pub enum Outage {
    /// A file is missing, and that is said to be an outage.
    #[error("{file} is not there: an outage of the volume (input.missing = \"outage\"); run the same command when the volume is whole", file = file.display())]
    Stated {
        /// The file.
        file: PathBuf,
    },
    /// A file is missing, and its folder is suspicious.
    #[error("{file} is not there and its folder {sign}: the volume looks degraded; run the same command when it is whole, or set input.missing = \"absent\"", file = file.display())]
    Folder {
        /// The file.
        file: PathBuf,
        /// What is suspicious.
        sign: &'static str,
    },
    /// Too many files are missing.
    #[error("{missing} of {files} files of {of} are not there, {first} among them: the volume looks degraded; run the same command when it is whole, or set input.missing = \"absent\" or a larger input.missing_above", first = first.display())]
    Many {
        /// How many.
        missing: usize,
        /// Of how many.
        files: usize,
        /// The shard, or all.
        of: String,
        /// One of them.
        first: PathBuf,
    },
    /// A file that was missing is there.
    #[error("{file} was not there and is there now: the volume was degraded while it was read; run the same command again", file = file.display())]
    Back {
        /// The file.
        file: PathBuf,
    },
    /// Files are missing, and the volume has become smaller.
    #[error("{missing} files are not there, {first} among them, and the volume has become smaller since the run started: a part of it is gone; run the same command when it is whole, or set input.missing = \"absent\"", first = first.display())]
    Smaller {
        /// How many.
        missing: usize,
        /// One of them.
        first: PathBuf,
    },
    /// A file could not be read, again and again.
    #[error("cannot read {file}: {why} ({attempts} attempts); the volume is in trouble: run the same command when it is whole", file = file.display())]
    Reading {
        /// The file.
        file: PathBuf,
        /// What the system said.
        why: String,
        /// How often it was tried.
        attempts: u32,
    },
}

/// Blocks of the volume of a folder, where it is a network file system in user space: such as Gluster's, whose size is the sum of
/// the bricks that answer. Others tell other things by it.
pub fn volume_blocks(folder: &Path) -> Option<u64> {
    const FUSE: i64 = 0x6573_5546;
    let found = rustix::fs::statfs(folder).ok()?;
    (found.f_type == FUSE).then_some(found.f_blocks)
}

/// Looks once more at all files that a run has missed, of `files`: `blocks` are those of [`volume_blocks`] at its start.
///
/// # Errors
/// Where there is a sign that not the objects lack them.
pub fn check_all(
    root: &Path,
    missed: &[PathBuf],
    files: usize,
    above: f64,
    blocks: Option<u64>,
) -> Result<(), Outage> {
    let Some(first) = missed.first() else { return Ok(()) };
    if let Some(back) = missed.iter().find(|file| file.exists()) {
        return Err(Outage::Back { file: back.clone() });
    }
    if let (Some(before), Some(now)) = (blocks, volume_blocks(root))
        && now < before
    {
        return Err(Outage::Smaller { missing: missed.len(), first: first.clone() });
    }
    if missed.len() >= FEWEST && missed.len() as f64 > above * files as f64 {
        let (missing, of, first) = (missed.len(), "all shards".to_owned(), first.clone());
        return Err(Outage::Many { missing, files, of, first });
    }
    Ok(())
}

enum Folder {
    Gone,
    Holds(HashSet<OsString>),
}

/// Looks at missing files; folders are listed once.
pub struct Watch {
    missing: Missing,
    above: f64,
    folders: HashMap<PathBuf, Folder>,
    count: usize,
    first: PathBuf,
}

impl Watch {
    /// A watch as the settings say.
    pub fn new(missing: Missing, above: f64) -> Self {
        Self { missing, above, folders: HashMap::new(), count: 0, first: PathBuf::new() }
    }

    /// A shard begins.
    pub fn begin(&mut self) {
        self.count = 0;
    }

    /// A file is not there.
    ///
    /// # Errors
    /// Where that is an outage.
    pub fn not_found(&mut self, file: &Path) -> Result<(), Outage> {
        if self.count == 0 {
            self.first = file.to_path_buf();
        }
        self.count += 1;
        match self.missing {
            Missing::Absent => Ok(()),
            Missing::Outage => Err(Outage::Stated { file: file.to_path_buf() }),
            Missing::Suspicious => match self.sign(file) {
                Some(sign) => Err(Outage::Folder { file: file.to_path_buf(), sign }),
                None => Ok(()),
            },
        }
    }

    /// What is suspicious about a missing file's folder.
    fn sign(&mut self, file: &Path) -> Option<&'static str> {
        let folder = file.parent().unwrap_or(Path::new("."));
        let state =
            self.folders.entry(folder.to_path_buf()).or_insert_with(|| match std::fs::read_dir(folder) {
                Err(_) => Folder::Gone,
                Ok(entries) => Folder::Holds(entries.flatten().map(|entry| entry.file_name()).collect()),
            });
        match state {
            Folder::Gone => Some("cannot be listed"),
            Folder::Holds(names) if names.is_empty() => Some("is empty"),
            Folder::Holds(names) if file.file_name().is_some_and(|name| names.contains(name)) => {
                Some("lists it")
            }
            Folder::Holds(_) => None,
        }
    }

    /// A shard of so many files has been read.
    ///
    /// # Errors
    /// Where too many of them are missing.
    pub fn end(&self, shard: &str, files: usize) -> Result<(), Outage> {
        let many = self.count >= FEWEST && self.count as f64 > self.above * files as f64;
        if self.missing != Missing::Suspicious || !many {
            return Ok(());
        }
        Err(Outage::Many {
            missing: self.count,
            files,
            of: format!("shard {shard}"),
            first: self.first.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_looks_once_more() {
        let dir = tempfile::tempdir().unwrap();
        let (gone, there) = (dir.path().join("gone"), dir.path().join("there"));
        let check = |missed: &[PathBuf], files| check_all(dir.path(), missed, files, 0.1, None);
        assert!(check(&[], 1).is_ok() && check(&[gone.clone(), there.clone()], 100).is_ok());
        std::fs::write(&there, "x").unwrap();
        assert!(matches!(check(&[gone.clone(), there], 100), Err(Outage::Back { .. })));
        let many: Vec<PathBuf> = std::iter::repeat_n(gone, 11).collect();
        assert!(matches!(check(&many, 100), Err(Outage::Many { missing: 11, .. })));
        assert!(check(&many[1..], 100).is_ok());
    }

    #[test]
    fn suspicious_folders_are_outages() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        std::fs::create_dir(path("empty")).unwrap();
        std::fs::write(path("other"), "x").unwrap();
        let mut watch = Watch::new(Missing::Suspicious, 0.1);
        assert!(watch.not_found(&path("gone/a")).unwrap_err().to_string().contains("cannot be listed"));
        assert!(watch.not_found(&path("empty/a")).unwrap_err().to_string().contains("is empty"));
        assert!(watch.not_found(&path("other")).unwrap_err().to_string().contains("lists it"));
        watch.begin();
        (0..3).for_each(|_| watch.not_found(&path("a")).unwrap());
        assert!(watch.end("s", 30).is_ok());
        assert!(watch.end("s", 29).unwrap_err().to_string().contains("3 of 29 files"));
        assert!(Watch::new(Missing::Absent, 0.0).not_found(&path("gone/a")).is_ok());
        assert!(Watch::new(Missing::Outage, 0.0).not_found(&path("a")).is_err());
    }
}
