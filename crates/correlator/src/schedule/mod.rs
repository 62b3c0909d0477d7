//! Reads schedules: VEX 1.5 and 2.0.
//!
//! [`Schedule::open`] goes from text to plain values in three steps: [`syntax`] (blocks, definitions, statements), [`value`]
//! (numbers with units, epochs, angles) and `resolve` (who refers to whom). What is wrong is told with its line;
//! what is passed over is listed in [`Schedule::notes`].
//!
//! The clock's sign is VEX's own here: [`ClockEarly`] says how much a clock is ahead. DiFX's `.v2d` and `.input`, and
//! the `clock_late` of a `job.toml`, say how much it is late: the opposite.

pub mod error;
mod model;
mod resolve;
pub(crate) mod summary;
pub mod syntax;
#[cfg(test)]
mod tests;
pub mod value;

pub use error::{Problem, VexError};
pub use model::{
    Channel, ClockEarly, Format, Medium, Mode, Mount, Note, Scan, ScanStation, Schedule, Setup, Source,
    Station, Stream,
};
use std::path::Path;

impl Schedule {
    /// Reads a VEX file. Bytes that are not UTF-8 (names in comments) are replaced.
    ///
    /// # Errors
    /// [`VexError`], with the line.
    pub fn open(path: &Path) -> Result<Self, VexError> {
        let bytes = std::fs::read(path).map_err(|cause| VexError::Read { path: path.to_owned(), cause })?;
        Self::parse(path, &String::from_utf8_lossy(&bytes))
    }

    /// Reads a VEX text; `path` is for messages.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn parse(path: &Path, text: &str) -> Result<Self, VexError> {
        let document = syntax::parse(text).map_err(|problem| VexError::text(path, text, problem))?;
        resolve::schedule(&document, text).map_err(|problem| VexError::text(path, text, problem))
    }

    /// Whether a file begins as VEX does; one that cannot be read does not.
    pub fn is_vex(path: &Path) -> bool {
        use std::io::Read as _;
        let mut head = Vec::new();
        let read = std::fs::File::open(path).and_then(|file| file.take(1 << 16).read_to_end(&mut head));
        read.is_ok() && syntax::is_vex(&String::from_utf8_lossy(&head))
    }

    /// Index of a station by its code or its name, whatever the case.
    pub fn station(&self, name: &str) -> Option<usize> {
        let by =
            |of: fn(&Station) -> &str| self.stations.iter().position(|s| of(s).eq_ignore_ascii_case(name));
        by(|s| &s.code).or_else(|| by(|s| &s.name))
    }
}
