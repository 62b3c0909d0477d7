//! What can be wrong with the files of a DiFX job.
use std::path::PathBuf;

/// A DiFX job that cannot be read; every variant names the file and, where there is one, the line.
#[derive(Debug, thiserror::Error)]
pub enum DifxError {
    /// The file could not be opened or read.
    #[error("{path}: cannot be read: {cause}", path = path.display())]
    Read {
        /// The file as it was looked for.
        path: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// Another line was due here.
    #[error("{path}:{line}: expected \"{expected}:\", found \"{found}\"", path = path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// Its line, counted from 1.
        line: usize,
        /// The key that DiFX's format has at this place.
        expected: String,
        /// The key that is there.
        found: String,
    },
    /// The file ended early.
    #[error("{path}: ends before \"{expected}:\"; the file is cut short or of another format", path = path.display())]
    End {
        /// The file.
        path: PathBuf,
        /// The key that was due.
        expected: String,
    },
    /// A value that is not what the key calls for.
    #[error("{path}:{line}: {key}: \"{value}\" is not {wanted}", path = path.display())]
    Value {
        /// The file.
        path: PathBuf,
        /// Its line, counted from 1.
        line: usize,
        /// The key of the line.
        key: String,
        /// What stands there.
        value: String,
        /// What would be right.
        wanted: &'static str,
    },
    /// An index or a name that refers to nothing.
    #[error("{path}:{line}: {key}: {what}", path = path.display())]
    Refers {
        /// The file.
        path: PathBuf,
        /// Its line, counted from 1.
        line: usize,
        /// The key of the line.
        key: String,
        /// What it refers to and what there is.
        what: String,
    },
    /// A part of DiFX's format that this correlator does not do.
    #[error("{path}:{line}: {key}: {what}", path = path.display())]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// Its line, counted from 1.
        line: usize,
        /// The key of the line.
        key: String,
        /// What is not supported and what to do instead.
        what: String,
    },
}
