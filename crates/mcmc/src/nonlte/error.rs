//! What can be wrong with a LAMDA file and with a solution.

use std::path::PathBuf;

/// A file of the LAMDA format that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LamdaError {
    /// The file cannot be read.
    #[error("cannot read the molecular data file {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A line of the file is broken.
    #[error("{}, line {line}: {problem}", path.display())]
    Line {
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
}

/// Conditions at which the level populations cannot be found.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum SolveError {
    /// A condition is not finite, or not positive where it must be.
    #[error("{name} = {value}: must be finite and positive")]
    Condition {
        /// Name of the condition.
        name: &'static str,
        /// Its value.
        value: f64,
    },
    /// No solution was found.
    #[error(
        "the level populations do not converge at Tkin = {tkin_k} K, N = 1e{log10_n_cm2:.3} cm^-2, FWHM = {fwhm_kms} km/s \
         (last change {change:.1e})"
    )]
    NoConvergence {
        /// Kinetic temperature (K).
        tkin_k: f64,
        /// log10 of the column density (cm^-2).
        log10_n_cm2: f64,
        /// Line width (km/s).
        fwhm_kms: f64,
        /// The last relative change of a population.
        change: f64,
    },
}
