//! Excitation out of thermal equilibrium by the escape probability, as RADEX does it.
//!
//! A homogeneous cloud of kinetic temperature `T`, density `n` of its collision partners and column density `N` over the
//! line width `dv`; the levels' populations `x` balance collisions and radiation (van der Tak et al. 2007, A&A 468, 627):
//! - `tau = A c^3 / (8 pi nu^3) N / (1.0645 dv) (x_l g_u/g_l - x_u)` at the centre of a Gaussian line (their eq. 21)
//! - `J = (1 - beta(tau)) S + beta(tau) B(background)`: the mean intensity in the cloud (eq. 18)
//! - so a line's net rate from the upper level is `A beta (x_u (1 + n_b) - x_l g_u/g_l n_b)`, `n_b` the background's
//!   photons per mode
//! - `beta`: see [`Geometry`]
//! - downward rate coefficients are linear in `T` between those of the table and constant beyond it; upward ones follow
//!   by detailed balance
//!
//! [`parse_lamda`] reads a molecule, [`Excitation::new`] plans, [`Excitation::solve`] finds the populations,
//! [`Excitation::slopes`] their derivatives by the implicit function theorem. Nothing depends on earlier solutions.

mod background;
mod balance;
mod error;
mod escape;
mod excitation;
mod gas;
mod gth;
mod lamda;
mod linear;
mod molecule;
mod newton;
mod partner;
mod rates;
mod slopes;
mod species;
mod tokens;
mod work;

pub use background::Background;
pub use error::{LamdaError, SolveError};
pub use escape::{Geometry, LOWEST_TAU};
pub use excitation::{Conditions, Excitation};
pub use gas::{Gas, OrthoToPara};
pub use lamda::{parse_lamda, read_lamda};
pub use molecule::{Collisions, Level, Molecule, RadiativeLine};
pub use partner::{Partner, thermal_ortho_to_para};
pub use slopes::Slope;
pub use species::NonLteSpecies;
pub use work::{LineState, NonLteWork};

#[cfg(test)]
mod tests;
