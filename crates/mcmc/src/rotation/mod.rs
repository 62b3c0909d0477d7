//! Rotation diagrams: column densities of upper levels against their energies, with the correction for opacity.
//!
//! A line's flux `W = int T dv` gives `int (1 - exp(-tau)) dv = W / (eta (J(T) - J(Tbg)))`, which is `int tau dv / C`. With
//! `int tau dv = c^3 / (8 pi nu^3) A_ul g_u (N_u/g_u) (exp(h nu/kT) - 1)` it gives `ln(N_u/g_u) = ln(N/Q(T)) - E_u/kT`: a straight
//! line of slope -1/T (Goldsmith & Langer 1999, ApJ 517, 209, eq. 19-24). Their `C_tau` is the opacity at the centre over one minus
//! its escape; here C is taken over the profile, as fluxes are. C follows from T and N, and these from C: iterated.

mod curve;
mod diagram;
mod flux;
mod group;
mod shared;

pub use curve::{Curve, growth};
pub use diagram::{Diagram, DiagramError, Point, Rotation, fit, place};
pub use flux::{Flux, Spectrum, measure};
pub use group::{LineGroup, group};
pub use shared::Shared;

/// Half of the range of velocities around a line that its flux is taken over, in FWHM: 3.5 sigma.
pub const REACH_FWHM: f64 = 1.5;

/// What is made of a line.
#[derive(Debug, Clone, PartialEq)]
pub enum Use {
    /// It is a point of the diagram.
    Used,
    /// Other species give this part of the flux that is expected in its range.
    Blended(f64),
    /// Its flux is below the threshold.
    Weak,
    /// Other lines of the species lie in its range that have another energy.
    OwnBlend,
    /// Part of its range lies outside of the window, or has no data.
    Incomplete,
    /// The profile that fits the data lies elsewhere or has another width.
    Displaced,
}

impl Use {
    /// A word for tables.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Used => "used",
            Self::Blended(_) => "blended",
            Self::Weak => "weak",
            Self::OwnBlend => "own blend",
            Self::Incomplete => "incomplete",
            Self::Displaced => "displaced",
        }
    }
}

#[cfg(test)]
mod tests;
