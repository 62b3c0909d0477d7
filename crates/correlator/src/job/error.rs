//! Why a job cannot be resolved.
use crate::difx::DifxError;
use crate::geometry::GeometryError;
use std::path::PathBuf;

/// What is wrong with a job.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// Its files cannot be read, or refer to things that are not there.
    #[error(transparent)]
    Difx(#[from] DifxError),
    /// The delay model does not do.
    #[error("{path}: {cause}", path = path.display())]
    Geometry {
        /// The `.im`.
        path: PathBuf,
        /// What is wrong with it.
        cause: GeometryError,
    },
    /// A `job.toml` cannot be read or resolved.
    #[error("{path}: {what}", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong, with its place.
        what: String,
    },
    /// The files of the job disagree.
    #[error("{path}: {what}", path = path.display())]
    Disagree {
        /// The file at which it shows.
        path: PathBuf,
        /// What disagrees.
        what: String,
    },
}
