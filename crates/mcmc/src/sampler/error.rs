//! What can go wrong while sampling.

use ndarray::ArrayView2;

/// Trouble of the sampler itself; the trouble of an evaluator stays in its own type.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum SamplerError {
    /// The ensemble cannot span the parameter space.
    #[error(
        "{walkers} walkers cannot sample {dim} parameters: an even number of at least {least} is needed \
         (2 per parameter, 4 at least)"
    )]
    Walkers {
        /// Number of walkers asked for.
        walkers: usize,
        /// Number of free parameters.
        dim: usize,
        /// Smallest number that would do.
        least: usize,
    },
    /// There is nothing to sample.
    #[error("there is no free parameter: free at least one parameter of the fit")]
    NoParameters,
    /// A move has a constant that it cannot work with.
    #[error("the move {name} needs {rule}, but {key} = {value}")]
    Move {
        /// Name of the move.
        name: &'static str,
        /// The constant.
        key: &'static str,
        /// Its value.
        value: f64,
        /// What it has to obey.
        rule: &'static str,
    },
    /// The mixture holds no move that could be chosen.
    #[error(
        "the mixture of moves is empty or its weights add up to nothing: give at least one positive weight"
    )]
    NoMoves,
    /// Arrays do not fit together.
    #[error("{what}: {found} values where {expected} are needed")]
    Shape {
        /// Which array.
        what: &'static str,
        /// Its number of values.
        found: usize,
        /// The number that fits.
        expected: usize,
    },
    /// The evaluator gave NaN or plus infinity.
    #[error("the log density is {value} at {point}: the model or a prior is not defined there")]
    NotANumber {
        /// The value.
        value: f64,
        /// The parameters, `name = value` separated by commas.
        point: String,
    },
    /// A walker of the first ensemble lies where the density is zero.
    #[error("walker {walker} starts outside the prior, at {point}")]
    OutsidePrior {
        /// Which walker.
        walker: usize,
        /// The parameters, `name = value` separated by commas.
        point: String,
    },
    /// All points of a start population lie outside the prior, or too few inside it.
    #[error(
        "only {inside} of {drawn} points drawn from the prior have a finite log density; {needed} are needed"
    )]
    TooFewInside {
        /// Points with a finite log density.
        inside: usize,
        /// Points drawn.
        drawn: usize,
        /// Points needed.
        needed: usize,
    },
    /// The members of the search do not differ in a parameter.
    #[error("the search for the mode has no spread in {name}: its start values are all {value}")]
    NoSpread {
        /// The parameter.
        name: String,
        /// Its only value.
        value: f64,
    },
    /// No walker could be placed near the mode.
    #[error(
        "no start position inside the prior was found for walker {walker} in {attempts} attempts near {point}"
    )]
    NoRoom {
        /// Which walker.
        walker: usize,
        /// Number of attempts.
        attempts: u64,
        /// The mode, `name = value` separated by commas.
        point: String,
    },
}

/// Writes a point as `name = value` separated by commas.
pub(super) fn point_text(names: &[String], point: &[f64]) -> String {
    let pairs: Vec<String> = names.iter().zip(point).map(|(n, v)| format!("{n} = {v}")).collect();
    pairs.join(", ")
}

/// Accepts finite log densities and minus infinity; names the first of the `points` (n, dim) where it is NaN or plus
/// infinity.
pub(super) fn check_log_density(
    names: &[String],
    points: ArrayView2<'_, f64>,
    log_density: &[f64],
) -> Result<(), SamplerError> {
    match log_density.iter().position(|l| l.is_nan() || *l == f64::INFINITY) {
        None => Ok(()),
        Some(k) => {
            let point = point_text(names, &points.row(k).to_vec());
            Err(SamplerError::NotANumber { value: log_density[k], point })
        }
    }
}
