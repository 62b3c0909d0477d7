//! Correlates recordings and searches them in one pass: what a rank has read of a stretch of time, all programs use before it is let go.
//!
//! The units of work are those of the programs themselves, with the same results; a slice of time holds those of its stretch, and
//! one rank does all of them one after the other, with the recordings of the stretch in memory.

mod plan;
mod run;
mod slices;

pub use plan::{PassPlan, prepare};
pub use run::run;
