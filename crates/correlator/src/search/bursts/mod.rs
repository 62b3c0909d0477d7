//! Looks for short dispersed bursts in recordings, and tells those of the sky from interference.
//!
//! Short spectra of every station, as the geocentre would see them, are dumped as powers, and summed along the tracks of
//! dispersion measures. Where a sum is more than noise makes it, the stations' spectra are correlated along the same track: a
//! burst of the sky is at all stations, coherent, with the delays of one direction of the field; interference is not, and
//! says why.

mod around;
mod blocks;
mod closed;
#[cfg(test)]
mod closed_tests;
mod cross;
mod dedisperse;
mod dynamic;
mod field;
mod find;
mod fit;
mod grid;
mod hdf;
mod phased;
mod picture;
mod plan;
mod powers;
mod products;
mod run;
mod scale;
mod scan;
mod snippets;
mod spectra;
#[cfg(test)]
mod tests;
mod unit;
mod verdict;
mod weak;
#[cfg(test)]
mod weak_tests;

pub(crate) use plan::plan_of;
pub use plan::{BurstPlan, prepare};
pub(crate) use run::BurstRun;
pub use run::run;
pub use verdict::Outcome;

use serde::{Deserialize, Serialize};

/// How to search.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct BurstSettings {
    /// Length of a dump, s.
    pub dump_s: f64,
    /// Channels of a band; as many as dispersion and field need if absent.
    pub channels: Option<usize>,
    /// Lowest dispersion measure, pc cm^-3.
    pub dm_min: f64,
    /// Highest dispersion measure, pc cm^-3.
    pub dm_max: f64,
    /// Natural logarithm of the probability with which noise exceeds the threshold in one trial.
    pub ln_threshold: f64,
    /// Half the width of the field around the pointing, rad; as the primary beam and the phase centres have it if absent.
    pub half_field_rad: Option<f64>,
    /// Memory for powers, bytes.
    pub memory_bytes: usize,
    /// Whether the recordings around what passes are kept.
    pub snippets: bool,
}

/// Why a search cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum BurstError {
    /// Dumps that hold hardly a spectrum.
    #[error(
        "dumps of {dump_ms} ms: channels as narrow as these dispersion measures and this field need ({channel_khz:.3} kHz) make \
         spectra of {spectrum_ms:.3} ms; longer dumps (--dump-ms) or a lower --dm-max"
    )]
    Dump {
        /// Asked for, ms.
        dump_ms: f64,
        /// Width of a channel, kHz.
        channel_khz: f64,
        /// Length of its spectra, ms.
        spectrum_ms: f64,
    },
    /// Channels that are no power of two or out of bounds.
    #[error("{asked} channels: a power of two from 8 to 65536 is needed")]
    Channels {
        /// Asked for.
        asked: usize,
    },
    /// Units of work do not fit into memory.
    #[error(
        "bursts up to {dm_max} pc cm-3 take {sweep_s:.2} s to cross the bands: {needed_mib} MiB of powers are needed on a rank; \
         more --memory-mib, a lower --dm-max or longer dumps"
    )]
    Memory {
        /// Highest dispersion measure.
        dm_max: f64,
        /// Their sweep, s.
        sweep_s: f64,
        /// Memory for the shortest unit, MiB.
        needed_mib: usize,
    },
    /// Nothing to search.
    #[error("scans last less than {needed_s:.3} s, which is eight times the widest boxcar: shorter dumps")]
    Short {
        /// Shortest that can be searched, s.
        needed_s: f64,
    },
    /// There are no parallel products.
    #[error("the job has no bands that stations have in one polarisation")]
    Empty,
    /// Too many directions.
    #[error(
        "a field of {field_arcsec:.0}\" either way has {directions:.1e} directions with bands this wide: a smaller --field"
    )]
    Field {
        /// Half its width, arcsec.
        field_arcsec: f64,
        /// Directions in it.
        directions: f64,
    },
}
