//! What can go wrong with a report.

use mirinae_common::atomic::WriteError;
use std::path::PathBuf;

/// Trouble with a table or a picture.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// A file could not be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// A picture that was written cannot be read.
    #[error(transparent)]
    Read(#[from] mirinae_common::page::ReadError),
    /// Arrays that belong together differ in length.
    #[error("spectrum {spectrum}: {what} has {found} values where {expected} channels are")]
    Shape {
        /// Name of the spectrum.
        spectrum: String,
        /// Which array.
        what: String,
        /// Its length.
        found: usize,
        /// Number of channels.
        expected: usize,
    },
    /// A picture needs text.
    #[error("cannot draw {path}: no font was found ({cause}); install fonts-dejavu-core", path = path.display())]
    NoFont {
        /// The picture.
        path: PathBuf,
        /// What the font library said.
        cause: String,
    },
    /// A picture could not be drawn.
    #[error("cannot draw {path}: {cause}", path = path.display())]
    Draw {
        /// The picture.
        path: PathBuf,
        /// What the plotting library said.
        cause: String,
    },
}
