//! Keeps the samples in HDF5 files: parts while the run goes on, one chain at its end.
//!
//! A part holds the draws of a fixed number of steps, so that the parts do not depend on when a run was killed. Every
//! file is written under a temporary name, closed, synced and renamed; the same samples give the same bytes.

mod emcee;
mod error;
mod hdf;
mod inference;
mod merged;
mod netcdf;
mod part;

pub use error::ChainError;
pub use inference::{Observed, write_inference};
pub use merged::{Chain, Header, Parameter, merge, read, read_statistics};
pub use part::{PartRecord, Segment, part_path, read_part, remove_parts, verify, write_part};

#[cfg(test)]
mod tests;
