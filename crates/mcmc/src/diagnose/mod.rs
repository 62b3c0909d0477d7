//! Tells how far a chain has converged, and what it says about each parameter.
//!
//! Samples have the shape (draw, walker, parameter). R-hat and the effective sample sizes take each walker for a chain.
//! The walkers of an ensemble help one another, so that these figures describe how the ensemble explores rather than
//! independent chains; they err on the careful side while each walker has made few independent draws.

mod autocorrelation;
mod calibration;
mod energy;
mod nested;
mod quantile;
mod rank;
mod summary;

pub use autocorrelation::{integrated_time, walker_mean_autocorrelation};
pub use calibration::{Bands, bands, ecdf};
pub use energy::e_bfmi;
pub use nested::nested_r_hat;
pub use quantile::{quantile, sorted};
pub use rank::{ess_bulk, ess_tail, r_hat};
pub use summary::{Best, DiagnoseError, Diagnosis, ParameterSummary, diagnose};

#[cfg(test)]
mod tests;
