//! Samples a posterior with many chains or walkers: pure numbers, no files, no MPI.
//!
//! Two seams let the parallelism in. An [`Ensemble`] and the [search](start) ask an [`Evaluator`] for the log densities of
//! many points at once; every rank holds the whole [`State`] and runs the same deterministic code. [`Chains`] hand out
//! stretches of chains, which any rank computes from a [`Likelihood`] with gradients; one rank keeps them. The random
//! numbers of a step depend on (seed, walker or chain, step) only. The result is therefore the same at any number
//! of ranks, and a run that goes on from a stored state goes on bit for bit.

mod alone;
mod chains;
mod climb;
mod ensemble;
mod error;
mod evaluator;
mod evidence;
mod flow;
mod hmc;
mod kernel;
pub mod ladder;
mod laplace;
mod leg;
mod likelihood;
mod linear;
mod metric;
pub mod modes;
mod moves;
mod nuts;
mod spacing;
pub mod start;
mod state;
mod streams;
mod warmup;

pub use alone::{Alone, AloneDraws};
pub use chains::{Chains, ChainsSpec, Round};
pub use climb::{Climb, climb};
pub use ensemble::{Ensemble, StepSummary};
pub use error::SamplerError;
pub use evaluator::{Evaluator, FnEvaluator};
pub use evidence::{Evidence, Stones};
pub use flow::{Place, Scheme, Tuning};
pub use hmc::Hmc;
pub use kernel::{Kernel, KernelSpec, Transition};
pub use laplace::{Laplace, laplace};
pub use leg::{Leg, LegTask, run_leg};
pub use likelihood::{FnLikelihood, Likelihood, Ticking};
pub use linear::Matrix;
pub use moves::{Complement, DifferentialEvolution, Mixture, Move, MoveSpec, Snooker, Stretch, WeightedMove};
pub use nuts::Nuts;
pub use state::State;
pub use warmup::{Lesson, WarmUp, first_step};

#[cfg(test)]
mod chain_tests;
#[cfg(test)]
mod tests;
