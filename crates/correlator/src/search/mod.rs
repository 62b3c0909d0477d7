//! Looks for compact sources around the phase centres of correlated observations.
//!
//! For every phase centre, each baseline's visibilities are transformed to powers at all delays and fringe rates, for stretches of
//! time short enough to be coherent, with the bands added with their phases. A direction on the sky has one delay and one
//! rate on each baseline, so that the powers of all baselines, stretches and polarisations are added over a grid of directions:
//! phases between stations need not be known (the fringe search of Thompson, Moran and Swenson, section 9.3, over many
//! baselines at once). Of noise the sum has Erlang's distribution.

mod block;
pub mod bursts;
mod chance;
mod collect;
mod ecsv;
mod find;
mod flux;
mod image;
mod information;
mod job_antab;
mod kept;
mod known;
pub mod narrow;
mod plan;
pub mod powers;
mod products;
pub(crate) mod recorded;
mod report;
mod run;
mod sky;
mod wishes;

pub use block::Offset;
pub use flux::Sefds;
pub use known::{Known, read_known};
pub use plan::{SearchPlan, prepare};
pub use report::{Candidate, SearchReport};
pub use run::run;
pub use wishes::{BurstWishes, CompactWishes, NarrowWishes, SearchWishes};
pub(crate) use wishes::{drift, ln_threshold, positive};

use crate::job::Source;
use serde::{Deserialize, Serialize};
use std::f64::consts::TAU;
use std::path::PathBuf;

/// m/s.
const SPEED_OF_LIGHT: f64 = 299_792_458.0;

/// How to search.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SearchOptions {
    /// Probability with which noise exceeds the threshold at one place. 1e-9 are 6.44 standard deviations of an amplitude's component.
    pub threshold: f64,
    /// Half the width of the field, rad; as far as channels and integrations allow if absent.
    pub half_width_rad: Option<f64>,
    /// Length of the stretches of time within which phases are stable, s.
    pub coherence_s: f64,
    /// Whether polarisations are added with their phases.
    pub coherent_polarisations: bool,
}

impl Default for SearchOptions {
    fn default() -> Self {
        Self { threshold: 1e-9, half_width_rad: None, coherence_s: 60.0, coherent_polarisations: false }
    }
}

/// Radians to arcseconds.
fn arcsec(rad: f64) -> f64 {
    rad.to_degrees() * 3600.0
}

/// Right ascension and declination (rad) of direction cosines around a place (orthographic projection).
fn direction(around: &Source, l: f64, m: f64) -> (f64, f64) {
    let n = (1.0 - l * l - m * m).max(0.0).sqrt();
    let (sin, cos) = around.dec_rad.sin_cos();
    let ra_rad = (around.ra_rad + libm::atan2(l, n * cos - m * sin)).rem_euclid(TAU);
    (ra_rad, libm::asin((m * cos + n * sin).clamp(-1.0, 1.0)))
}

/// Direction cosines around a place of a right ascension and declination (rad), as [`direction`] has them.
fn cosines(around: &Source, (ra_rad, dec_rad): (f64, f64)) -> Offset {
    let ((sin, cos), (sin_0, cos_0)) = (dec_rad.sin_cos(), around.dec_rad.sin_cos());
    let (east, along) = (ra_rad - around.ra_rad).sin_cos();
    Offset { l: cos * east, m: sin * cos_0 - cos * sin_0 * along }
}

/// Why a search could not be made.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    /// The visibilities cannot be read.
    #[error("visibilities {path}", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the library said.
        source: hdf5::Error,
    },
    /// There is nothing to search.
    #[error("visibilities {path}: no cross-correlations of parallel polarisations with data", path = path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// Channels or integrations are too wide.
    #[error(
        "a field of {:.1}\" either way: channels and integrations of this file lose a tenth of the amplitude at {:.1}\" and most of it \
         beyond twice that: search less, or correlate with more channels and shorter integrations",
        arcsec(*asked), arcsec(*limit)
    )]
    Wide {
        /// Half width asked for, rad.
        asked: f64,
        /// Where a tenth is lost, rad.
        limit: f64,
    },
    /// Too many points.
    #[error("a field of {:.1}\" either way has too many points at this resolution: search {:.1}\" at most", arcsec(*asked), arcsec(*most))]
    Large {
        /// Half width asked for, rad.
        asked: f64,
        /// What is possible, rad.
        most: f64,
    },
    /// More memory than allowed.
    #[error(
        "phase centre {centre}: its visibilities and their transform need {needed_mib} MiB on a rank, --memory-mib allows {given_mib}: \
         allow more, or correlate with fewer channels or longer integrations (a smaller field), or fewer scans in a job"
    )]
    Memory {
        /// The phase centre.
        centre: String,
        /// Needed.
        needed_mib: usize,
        /// Allowed.
        given_mib: usize,
    },
    /// The list of known sources cannot be used.
    #[error("known sources {path}: {problem}", path = path.display())]
    Known {
        /// The list.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// A product cannot be written.
    #[error("cannot write {path}: {message}", path = path.display())]
    Write {
        /// The product.
        path: PathBuf,
        /// What the system said.
        message: String,
    },
}

#[cfg(test)]
mod tests;
