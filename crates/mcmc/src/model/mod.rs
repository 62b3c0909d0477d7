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
//! Such species, each alone, go the fast way (`forward`, `reverse`). All others go along sight lines (`sight*`): groups
//! whose opacities add, foreground layers, dust, a continuum, Voigt profiles; [`Structure`] has the equations.
//!
//! [`LteModel::new`] plans once, [`LteModel::evaluate`] allocates nothing. [`mod@reference`] is the slow twin.
//!
//! # Lines that are not in LTE
//!
//! Implement [`Excitation`] for the species and hand it to [`LteModel::with_structure`]. For given parameters it fills
//! one [`ExcitedLine`] a line: the opacity at the centre of a Gaussian profile of the species' FWHM, the same times the
//! source function `J(Tex)`, and the derivatives of both by the species' parameters ([`SpeciesParams`], in the order of
//! `to_array`; add a field there, and to `posterior::QUANTITIES`, for what the solver wants besides). Profile, velocity,
//! source size, groups, layers and the adjoint are the model's: the species behaves in groups and layers as all others.
//! `collect` makes profiles of the lines, `sight_reverse` hands each line's derivatives back to [`ExcitedLine`].

mod amplitude;
mod average;
mod average_forward;
mod average_lines;
mod average_reverse;
mod chi2;
mod collect;
mod error;
mod evaluate;
mod excitation;
mod find;
mod forward;
mod ladder;
mod likelihood;
mod limits;
mod lines;
mod lte;
mod narrow;
mod nodes;
mod params;
mod profile;
pub mod reference;
mod response;
mod reverse;
mod scratch;
mod shapes;
mod sight;
mod sight_forward;
mod sight_params;
mod sight_reverse;
mod sight_samples;
#[allow(unsafe_code)]
mod simd;
mod smooth;
mod structure;
mod touched;
mod transfer;
mod transitions;
mod vector;
mod voigt;
mod wide;
mod window;

pub use chi2::ChannelData;
pub use error::{EvalError, EvalProblem, ModelError};
pub use excitation::{Excitation, ExcitedLine};
pub use likelihood::{
    Gradient, Likelihood, MAX_BAND, N_WINDOW_PARAMS, NotPositive, Scatter, WindowNoise, WindowParams,
};
pub use lte::{ChannelMode, LteModel, ModelOptions};
pub use params::{ModelParams, N_SPECIES_PARAMS, SpeciesParams};
pub use response::ChannelResponse;
pub use scratch::Scratch;
pub use simd::SimdPath;
pub use structure::{Continuum, Dust, Group, N_CONTINUUM_PARAMS, N_DUST_PARAMS, Structure};
pub use transitions::Transition;
pub use window::{Beam, Window};

#[cfg(test)]
mod tests;
