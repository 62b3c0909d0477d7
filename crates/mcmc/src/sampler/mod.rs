//! Moves an ensemble of walkers: pure numbers, no files, no MPI.
//!
//! Parallelism enters through [`Evaluator`] alone. Every rank holds the whole [`State`] and runs the same
//! deterministic code; the random numbers of a step depend on (seed, walker, step) only. The result is therefore
//! the same at any number of ranks, and a run that goes on from a stored [`State`] goes on bit for bit.

mod ensemble;
mod error;
mod evaluator;
mod moves;
pub mod start;
mod state;
mod streams;

pub use ensemble::{Ensemble, StepSummary};
pub use error::SamplerError;
pub use evaluator::{Evaluator, FnEvaluator};
pub use moves::{Complement, DifferentialEvolution, Mixture, Move, MoveSpec, Stretch, WeightedMove};
pub use state::State;

#[cfg(test)]
mod tests;
