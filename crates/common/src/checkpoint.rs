//! Keeps the state of a run in a small file: written whole or not at all, and never taken for another run's.

use crate::atomic;
use serde::{Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};
use std::io::Write;
use std::path::{Path, PathBuf};

/// A hash of a plan, of a file or of a part.
pub type Hash = [u8; 32];

const MAGIC: &[u8; 8] = b"MIRINAE\0";
/// Format of the file; raised when its layout changes.
const VERSION: u32 = 1;
/// Magic, version, plan's hash, length of the state.
const HEADER_BYTES: usize = 8 + 4 + 32 + 8;

/// Why a checkpoint cannot be used or written.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// It is not a checkpoint, or its end is missing, or a byte has changed.
    #[error("checkpoint {path} is damaged ({what}); --fresh starts over", path = path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// A later version of the program wrote it.
    #[error("checkpoint {path} has format {found}, this program knows {VERSION}: use the program that wrote it, or start over with --fresh", path = path.display())]
    FutureVersion {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: u32,
    },
    /// Another plan wrote it.
    #[error("{path} belongs to another plan (inputs, settings or program have changed): choose another folder with --out, or start over with --fresh", path = path.display())]
    ForeignPlan {
        /// The file.
        path: PathBuf,
    },
    /// The system refused.
    #[error("cannot read checkpoint {path}", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The system refused.
    #[error(transparent)]
    Write(#[from] atomic::WriteError),
    /// A state that cannot be turned into bytes: a mistake in the program.
    #[error("cannot encode the state: {0}")]
    Encode(postcard::Error),
}

/// The checkpoint of one plan at one place.
#[derive(Debug, Clone)]
pub struct Checkpoint {
    path: PathBuf,
    plan: Hash,
}

impl Checkpoint {
    /// The checkpoint at `path` of the plan with this hash.
    pub fn new(path: impl Into<PathBuf>, plan: Hash) -> Self {
        Self { path: path.into(), plan }
    }

    /// The checkpoint at `path`, of whichever plan wrote it.
    ///
    /// # Errors
    /// [`CheckpointError::Read`], [`CheckpointError::Damaged`] where the file is too short to name its plan.
    pub fn of_its_plan(path: impl Into<PathBuf>) -> Result<Self, CheckpointError> {
        let mut found = Self { path: path.into(), plan: [0; 32] };
        let bytes = std::fs::read(&found.path)
            .map_err(|source| CheckpointError::Read { path: found.path.clone(), source })?;
        let plan = bytes.get(12..44).ok_or_else(|| found.damaged("it names no plan"))?;
        found.plan.copy_from_slice(plan);
        Ok(found)
    }

    /// The hash of its plan.
    pub fn plan(&self) -> Hash {
        self.plan
    }

    /// Replaces the state on disk.
    ///
    /// # Errors
    /// Where the file cannot be written; the one before stays.
    pub fn save<T: Serialize>(&self, state: &T) -> Result<(), CheckpointError> {
        let mut bytes = Vec::with_capacity(HEADER_BYTES + 32);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        bytes.extend_from_slice(&self.plan);
        bytes.extend_from_slice(&[0; 8]);
        // States can be large: encoded where they are needed, with the length put in afterwards.
        let mut bytes = postcard::to_extend(state, bytes).map_err(CheckpointError::Encode)?;
        let length = (bytes.len() - HEADER_BYTES) as u64;
        bytes[HEADER_BYTES - 8..HEADER_BYTES].copy_from_slice(&length.to_le_bytes());
        let sum = Sha256::digest(&bytes);
        bytes.extend_from_slice(&sum);
        Ok(atomic::write(&self.path, |file| file.write_all(&bytes))?)
    }

    /// The state on disk, or `None` where there is none.
    ///
    /// # Errors
    /// Where the file is damaged, of a later format or of another plan.
    pub fn load<T: DeserializeOwned>(&self) -> Result<Option<T>, CheckpointError> {
        let bytes = match std::fs::read(&self.path) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(CheckpointError::Read { path: self.path.clone(), source }),
        };
        let state = self.state_of(&bytes)?;
        postcard::from_bytes(state).map(Some).map_err(|e| self.damaged(&e.to_string()))
    }

    /// Removes the file where there is one.
    ///
    /// # Errors
    /// What the system says.
    pub fn remove(&self) -> Result<(), CheckpointError> {
        match std::fs::remove_file(&self.path) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                Err(CheckpointError::Read { path: self.path.clone(), source })
            }
            _ => Ok(()),
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn state_of<'a>(&self, bytes: &'a [u8]) -> Result<&'a [u8], CheckpointError> {
        if bytes.len() < HEADER_BYTES + 32 || &bytes[..8] != MAGIC {
            return Err(self.damaged("it does not start as a checkpoint does"));
        }
        let version = u32::from_le_bytes(bytes[8..12].try_into().expect("four bytes"));
        if version > VERSION {
            return Err(CheckpointError::FutureVersion { path: self.path.clone(), found: version });
        }
        let length = u64::from_le_bytes(bytes[44..52].try_into().expect("eight bytes"));
        let (content, sum) = bytes.split_at(bytes.len() - 32);
        if length != (content.len() - HEADER_BYTES) as u64 {
            return Err(self.damaged("its length is wrong"));
        }
        if Sha256::digest(content).as_slice() != sum {
            return Err(self.damaged("its checksum is wrong"));
        }
        if content[12..44] != self.plan {
            return Err(CheckpointError::ForeignPlan { path: self.path.clone() });
        }
        Ok(&content[HEADER_BYTES..])
    }

    fn damaged(&self, what: &str) -> CheckpointError {
        CheckpointError::Damaged { path: self.path.clone(), what: what.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn saved() -> (tempfile::TempDir, Checkpoint, Vec<u8>) {
        let dir = tempfile::tempdir().unwrap();
        let checkpoint = Checkpoint::new(dir.path().join("state"), [7; 32]);
        checkpoint.save(&(42u64, "state".to_string(), vec![1.5f64; 9])).unwrap();
        let bytes = std::fs::read(checkpoint.path()).unwrap();
        (dir, checkpoint, bytes)
    }

    type State = (u64, String, Vec<f64>);

    #[test]
    fn comes_back_as_it_was() {
        let (_dir, checkpoint, _) = saved();
        assert_eq!(checkpoint.load::<State>().unwrap().unwrap(), (42, "state".to_string(), vec![1.5; 9]));
        checkpoint.remove().unwrap();
        assert!(checkpoint.load::<State>().unwrap().is_none());
        checkpoint.remove().unwrap();
    }

    #[test]
    fn foreign_plans_are_refused() {
        let (_dir, checkpoint, _) = saved();
        let other = Checkpoint::new(checkpoint.path(), [8; 32]);
        assert!(matches!(other.load::<State>(), Err(CheckpointError::ForeignPlan { .. })));
    }

    #[test]
    fn future_versions_are_refused() {
        let (_dir, checkpoint, mut bytes) = saved();
        bytes[8] = 99;
        std::fs::write(checkpoint.path(), bytes).unwrap();
        assert!(matches!(checkpoint.load::<State>(), Err(CheckpointError::FutureVersion { found: 99, .. })));
    }

    proptest! {
        #[test]
        fn torn_files_are_refused(keep in 0.0f64..1.0) {
            let (_dir, checkpoint, bytes) = saved();
            let keep = (keep * bytes.len() as f64) as usize;
            std::fs::write(checkpoint.path(), &bytes[..keep]).unwrap();
            let is_damaged = matches!(checkpoint.load::<State>(), Err(CheckpointError::Damaged { .. }));
            prop_assert!(is_damaged);
        }

        #[test]
        fn changed_bytes_are_refused(at in any::<prop::sample::Index>(), flip in 1u8..=255) {
            let (_dir, checkpoint, mut bytes) = saved();
            let at = at.index(bytes.len());
            bytes[at] ^= flip;
            std::fs::write(checkpoint.path(), &bytes).unwrap();
            prop_assert!(checkpoint.load::<State>().is_err());
        }
    }
}
