//! What can go wrong with a file of samples.

use std::path::{Path, PathBuf};

/// Trouble with a file of samples.
#[derive(Debug, thiserror::Error)]
pub enum ChainError {
    /// The system refused.
    #[error("cannot {action} {path}", path = path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The HDF5 library refused.
    #[error("cannot {action} {path}: {message}", path = path.display())]
    Hdf5 {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the library said.
        message: String,
    },
    /// The content is not what was written.
    #[error("{path} is not the file that the run wrote (its checksum differs): start over with --fresh", path = path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
    },
    /// The arrays in a file do not fit together or to the run.
    #[error("{path}: {what} has the shape {found:?} instead of {expected:?}", path = path.display())]
    Shape {
        /// The file.
        path: PathBuf,
        /// Which array.
        what: &'static str,
        /// Its shape.
        found: Vec<usize>,
        /// The shape that fits.
        expected: Vec<usize>,
    },
    /// The parts do not follow one another.
    #[error("{path} starts at step {found}, but the part before it ends at step {expected}", path = path.display())]
    Gap {
        /// The file.
        path: PathBuf,
        /// Its first step.
        found: u64,
        /// The step that should follow.
        expected: u64,
    },
}

impl ChainError {
    pub(super) fn io(action: &'static str, path: &Path) -> impl Fn(std::io::Error) -> Self {
        move |source| Self::Io { action, path: path.to_path_buf(), source }
    }

    /// The library's innermost message names the cause ("No space left on device"), its outermost the operation.
    pub(super) fn hdf5(action: &'static str, path: &Path) -> impl Fn(hdf5::Error) -> Self {
        move |error| Self::Hdf5 { action, path: path.to_path_buf(), message: innermost(&error) }
    }
}

fn innermost(error: &hdf5::Error) -> String {
    let stack = error.stack();
    let Some(frame) = stack.as_ref().and_then(|s| s.last()) else { return error.to_string() };
    // "file write failed: time = ..., errno = 28, error message = 'No space left on device', buf = ...": the system's
    // word in it is what the user needs.
    let cause = frame.desc().split("error message = '").nth(1).and_then(|rest| rest.split('\'').next());
    cause.unwrap_or(frame.desc()).to_string()
}
