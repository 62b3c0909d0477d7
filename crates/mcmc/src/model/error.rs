//! What can be wrong with a model or with the parameters at which it is asked for.

use super::simd::SimdPath;
use crate::catalog::PartitionError;
use crate::nonlte::SolveError;

/// A model that cannot be planned.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// The frequencies of a window are unusable.
    #[error("window {window}: {problem}")]
    Window {
        /// Name of the window.
        window: String,
        /// What is wrong with it.
        problem: String,
    },
    /// An option is out of its range.
    #[error("{name} = {value}: {problem}")]
    Option {
        /// Name of the option.
        name: &'static str,
        /// Its value.
        value: f64,
        /// What it must be.
        problem: &'static str,
    },
    /// The plan names vector instructions that this machine does not have.
    #[error(
        "the plan is for {path:?} instructions, which this machine does not have: start the run anew on the machines that it shall use"
    )]
    Simd {
        /// The instructions.
        path: SimdPath,
    },
    /// A group that cannot be.
    #[error("group {group}: {problem}")]
    Group {
        /// The group.
        group: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A species has no line in any window.
    #[error(
        "species {species} ({source_name}) has no line between {low_mhz:.3} and {high_mhz:.3} MHz that falls \
         into a window: remove it, or check the spectrum's frequency axis and velocity range"
    )]
    NoLines {
        /// Name of the species.
        species: String,
        /// Its catalogue.
        source_name: String,
        /// Lowest frequency of all windows (MHz).
        low_mhz: f64,
        /// Highest frequency of all windows (MHz).
        high_mhz: f64,
    },
}

/// Parameters for which the model is not defined: all of these mean "outside the prior".
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("species {species} (from 0): {problem}")]
pub struct EvalError {
    /// Index of the species.
    pub species: usize,
    /// What is wrong.
    pub problem: EvalProblem,
}

/// What is wrong with the parameters of a species.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum EvalProblem {
    /// The partition function is not known there.
    #[error(transparent)]
    Partition(#[from] PartitionError),
    /// A parameter is not finite, or not positive where it must be.
    #[error("{name} = {value}: must be finite{}", if *positive { " and positive" } else { "" })]
    Parameter {
        /// Name of the parameter.
        name: &'static str,
        /// Its value.
        value: f64,
        /// Whether it must be positive.
        positive: bool,
    },
    /// The levels' populations are not known there.
    #[error(transparent)]
    Excitation(#[from] SolveError),
    /// Lines would reach beyond the velocities for which lines were selected.
    #[error("v = {v_kms} km/s with FWHM = {fwhm_kms} km/s reaches out of the model's velocity range")]
    Velocity {
        /// Centroid (km/s).
        v_kms: f64,
        /// Width (km/s).
        fwhm_kms: f64,
    },
}
