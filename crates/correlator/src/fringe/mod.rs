//! Finds delay and rate in visibilities.
//!
//! For each scan, baseline and band the visibilities `V(t, f)` are compared with `A exp(i phi + 2 pi i (f delay + t rate))`,
//! f from the band's mean and t from the scan's middle: the maximum of `|sum w V exp(-2 pi i (f delay + t rate))|` on a
//! padded two-dimensional Fourier transform, refined by Newton steps to the least-squares solution
//! (Schwab and Cotton 1983, AJ 88, 688; Thompson, Moran and Swenson, Interferometry and Synthesis, section 9.3).

mod collect;
mod picture;
mod power_grid;
mod report;
mod search;
mod significance;

pub use collect::{FringeOptions, find_fringes};
pub(crate) use collect::{auto_powers, visibilities};
pub(crate) use picture::colour;
pub use picture::write_fringe_png;
pub(crate) use power_grid::{PowerGrid, Weighted};
pub use report::{FringeReport, FringeRow};
pub use search::{Fringe, Plane, Visibilities, Window, search};
pub use significance::false_alarm;

use std::path::PathBuf;

/// Why fringes could not be sought.
#[derive(Debug, thiserror::Error)]
pub enum FringeError {
    /// The visibilities cannot be read.
    #[error("visibilities {path}", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the library said.
        source: hdf5::Error,
    },
    /// The file has no cross-correlations.
    #[error("visibilities {path}: no cross-correlations in it: a fringe needs two stations")]
    NoBaselines {
        /// The file.
        path: PathBuf,
    },
    /// A product cannot be written.
    #[error("cannot write {path}: {message}")]
    Write {
        /// The product.
        path: PathBuf,
        /// What the system or the plotter said.
        message: String,
    },
}

#[cfg(test)]
mod tests;
