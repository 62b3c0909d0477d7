//! The LTE model: brightness temperature of many species on the channels of many windows.
//!
//! For a transition `l` with catalogue intensity, lower energy `E_l` and partition function `Q(T)` of
//! one entry, a column `N`, an excitation temperature `T` and a Gaussian profile `phi` of area 1:
//! - `A_ul g_u` from the intensity: Pickett et al. 1998, JQSRT 60, 883, eq. 9
//! - `tau_l(nu) = c^2/(8 pi nu^2) A_ul g_u N/Q(T) exp(-E_l/kT) (1 - exp(-h nu/kT)) phi(nu)`:
//!   Mangum & Shirley 2015, PASP 127, 266, eq. 29-31, 33
//! - opacities add over the lines of a species; the lines' `nu` is `nu0 (1 - v/c)` (radio convention)
//! - `T_B = eta (J(Tex) - J(Tbg)) (1 - exp(-tau))`, `J(T) = (h nu/k) / (exp(h nu/kT) - 1)`
//! - `eta = theta^2 / (theta^2 + bmaj bmin)`: Moeller et al. 2017, A&A 598, A7, eq. 2-3
//! - intensities add between species
//!
//! [`LteModel::new`] plans once, [`LteModel::evaluate`] allocates nothing. [`mod@reference`] is the slow twin.

mod amplitude;
mod chi2;
mod error;
mod find;
mod forward;
mod likelihood;
mod lines;
mod lte;
mod nodes;
mod params;
mod profile;
pub mod reference;
mod response;
mod reverse;
mod scratch;
#[allow(unsafe_code)]
mod simd;
mod touched;
mod transitions;
mod vector;
mod window;

pub use chi2::ChannelData;
pub use error::{EvalError, EvalProblem, ModelError};
pub use likelihood::{
    Gradient, Likelihood, MAX_BAND, N_WINDOW_PARAMS, NotPositive, Scatter, WindowNoise, WindowParams,
};
pub use lte::{ChannelMode, LteModel, ModelOptions};
pub use params::{N_SPECIES_PARAMS, SpeciesParams};
pub use response::ChannelResponse;
pub use scratch::Scratch;
pub use simd::SimdPath;
pub use transitions::Transition;
pub use window::{Beam, Window};

#[cfg(test)]
mod tests;
