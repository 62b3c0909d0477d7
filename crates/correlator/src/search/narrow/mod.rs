//! Looks for narrow-band signals that drift in frequency, and tells those of the sky from interference.
//!
//! Each station's spectra of a few hertz, as the geocentre would see them, are made once and kept; powers of each station and of all together are summed
//! along drifting lines (a tree); where a sum is more than noise makes it, the spectra of all stations are correlated along the same line. A signal of the sky
//! is at all stations, coherent, with the rates of one direction of the field; interference is not, and says why.

mod between;
mod blocks;
mod channelise;
mod common;
#[cfg(test)]
mod common_tests;
mod cross;
mod errors;
mod filterbank;
pub(super) mod find;
mod fine;
pub(super) mod grid;
mod groups;
mod hits;
pub(super) mod noise;
mod picture;
pub(super) mod plan;
pub(super) mod plane;
mod products;
mod run;
mod station;
mod strip;
#[cfg(test)]
mod strip_tests;
mod sums;
#[cfg(test)]
mod tests;
mod tile;
mod top;
mod tracks;
mod tree;
mod turning;
mod unit;
mod verdict;
mod voltages;
mod window;

pub(crate) use plan::plan_of;
pub use plan::{NarrowPlan, prepare};
pub(crate) use run::NarrowRun;
pub use run::run;
pub use verdict::Outcome;

use serde::{Deserialize, Serialize};

/// How to search.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct NarrowSettings {
    /// Width of a channel, Hz.
    pub channel_hz: f64,
    /// Length of the stretches within which powers are added along lines, s.
    pub stretch_s: f64,
    /// Largest drift, up or down, Hz/s.
    pub drift_hz_per_s: f64,
    /// Natural logarithm of the probability with which noise exceeds the threshold on one line.
    pub ln_threshold: f64,
    /// Half the width of the field around the pointing, rad; as the primary beam and the phase centres have it if absent.
    pub half_field_rad: Option<f64>,
    /// Memory for spectra, bytes.
    pub memory_bytes: usize,
    /// Whether the powers are written as filterbank files.
    pub filterbank: bool,
}

/// Why a search cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum NarrowError {
    /// Channels that bands this wide cannot have.
    #[error("channels of {asked} Hz: the bands of this job can have {least:.3} to {most:.1} Hz")]
    Channel {
        /// Asked for, Hz.
        asked: f64,
        /// Narrowest, Hz.
        least: f64,
        /// Widest, Hz.
        most: f64,
    },
    /// A signal would cross channels within a spectrum.
    #[error(
        "drifts of {asked} Hz/s cross a channel within a spectrum: at most {most:.3} Hz/s (the square of a channel), or wider channels"
    )]
    Drift {
        /// Asked for, Hz/s.
        asked: f64,
        /// What channels of this width can follow, Hz/s.
        most: f64,
    },
    /// A signal would leave what a unit of work sees.
    #[error(
        "stretches of {asked} s: signals drift too far for bands this narrow; at most {most_s:.1} s, or narrower channels, or less drift"
    )]
    Stretch {
        /// Asked for, s.
        asked: f64,
        /// Longest, s.
        most_s: f64,
    },
    /// A rank cannot hold the least that is searched at once.
    #[error(
        "a stretch of the narrowest part of a band takes {needed_mib} MiB, {given_mib} are given: more --memory-mib, or a shorter --stretch"
    )]
    Memory {
        /// Needed, MiB.
        needed_mib: usize,
        /// Given, MiB.
        given_mib: usize,
    },
    /// Nothing to search.
    #[error("scans last less than four spectra of {spectrum_s} s: search wider channels")]
    Short {
        /// Length of a spectrum, s.
        spectrum_s: f64,
    },
    /// Too many directions.
    #[error(
        "a field of {field_arcsec:.0}\" either way has {directions:.1e} directions in stretches this long: a smaller --field or shorter --stretch"
    )]
    Field {
        /// Half its width, arcsec.
        field_arcsec: f64,
        /// Directions in it.
        directions: f64,
    },
}
