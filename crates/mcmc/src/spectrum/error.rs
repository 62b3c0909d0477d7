//! What can be wrong with a spectrum's file.

use std::path::PathBuf;

/// A spectrum that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SpectrumError {
    /// The file cannot be read.
    #[error("cannot read {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The FITS library cannot read it.
    #[error("{}: {what}: {message} (cfitsio status {status})", path.display())]
    Fits {
        /// The file.
        path: PathBuf,
        /// What was being done.
        what: String,
        /// The library's message.
        message: String,
        /// The library's status number; 0 where it gave none.
        status: i32,
    },
    /// The file is shorter than its header says.
    #[error(
        "{}: truncated: its header asks for {expected} bytes but the file has {found}: fetch it again",
        path.display()
    )]
    Truncated {
        /// The file.
        path: PathBuf,
        /// Bytes up to the end of the data.
        expected: u64,
        /// Length of the file.
        found: u64,
    },
    /// A header card is missing or unusable.
    #[error("{}: header card {key}: {problem}", path.display())]
    Header {
        /// The file.
        path: PathBuf,
        /// The card.
        key: String,
        /// What is wrong and what to do.
        problem: String,
    },
    /// A unit is unknown or of the wrong kind.
    #[error("{}: unit \"{unit}\" of the {what}: {problem}", path.display())]
    Unit {
        /// The file.
        path: PathBuf,
        /// What has the unit.
        what: &'static str,
        /// The unit.
        unit: String,
        /// What is wrong and what to do.
        problem: String,
    },
    /// The pixel or circle does not suit the file.
    #[error("{}: {problem}", path.display())]
    Region {
        /// The file.
        path: PathBuf,
        /// What is wrong and what to do.
        problem: String,
    },
    /// A row of a text file is broken.
    #[error("{}, line {line}: {problem}", path.display())]
    Row {
        /// The file.
        path: PathBuf,
        /// Line number, from 1.
        line: usize,
        /// What is wrong.
        problem: String,
    },
    /// There are no data.
    #[error("{}: {problem}", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
        /// What is missing.
        problem: String,
    },
}
