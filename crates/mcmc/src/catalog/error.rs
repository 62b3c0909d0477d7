//! What can be wrong with a catalogue.

use std::path::PathBuf;

/// A catalogue or partition function file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// The file cannot be read.
    #[error("cannot read the catalogue file {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A line of a catalogue file is broken.
    #[error("{}, line {line}: columns {first}-{last} ({field}) hold \"{text}\": {problem}", path.display())]
    Column {
        /// The file.
        path: PathBuf,
        /// Line number, from 1.
        line: usize,
        /// First column, from 1.
        first: usize,
        /// Last column, from 1.
        last: usize,
        /// The name of the column in the SPFIT format.
        field: &'static str,
        /// What stands there.
        text: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A line of a file is broken as a whole.
    #[error("{}, line {line}: {problem}", path.display())]
    Row {
        /// The file.
        path: PathBuf,
        /// Line number, from 1.
        line: usize,
        /// What is wrong with it.
        problem: String,
    },
    /// The file as a whole is of no use.
    #[error("{}: {problem}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A partition function of another entry was given.
    #[error(
        "species {species}: the lines are of catalogue entry {lines_tag} but the partition function \
         ({q_source}) is of entry {q_tag}: intensities and Q must come from one entry"
    )]
    TagMismatch {
        /// Name of the species.
        species: String,
        /// Tag of the lines.
        lines_tag: u32,
        /// Tag of the partition function.
        q_tag: u32,
        /// Where the partition function is from.
        q_source: String,
    },
    /// The lines of one file belong to several entries.
    #[error("species {species}: its lines carry the tags {first} and {second}: give one entry a species")]
    MixedTags {
        /// Name of the species.
        species: String,
        /// One tag.
        first: u32,
        /// Another tag.
        second: u32,
    },
    /// The catalogue's reference temperature is not covered.
    #[error(
        "species {species}: Q(300 K) is needed to turn catalogue intensities into Einstein coefficients, \
         but the partition function ({q_source}) does not cover 300 K"
    )]
    NoReferenceQ {
        /// Name of the species.
        species: String,
        /// Where the partition function is from.
        q_source: String,
        /// Why not.
        source: PartitionError,
    },
}

/// A temperature at which the partition function is not known.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum PartitionError {
    /// Outside the table and extrapolation was not asked for.
    #[error(
        "T = {t_k} K is outside the partition function's table ({min_k} to {max_k} K): restrict the \
         prior of Tex or ask for extrapolation"
    )]
    OutsideTable {
        /// The temperature (K).
        t_k: f64,
        /// First temperature of the table (K).
        min_k: f64,
        /// Last temperature of the table (K).
        max_k: f64,
    },
    /// Not a temperature.
    #[error("T = {t_k} K is not a temperature: it must be positive and finite")]
    NotATemperature {
        /// The value (K).
        t_k: f64,
    },
}
