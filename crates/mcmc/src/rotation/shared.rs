//! Errors that the fluxes of a diagram have in common.

use super::diagram::{Diagram, Point};
use super::flux::Flux;
use super::group::LineGroup;
use crate::model::Beam;

/// What is not known exactly and moves many fluxes, or what is made of them, at once; all errors are relative.
#[derive(Debug, Clone, PartialEq)]
pub enum Shared {
    /// Calibration of some windows (their indices): all of their fluxes.
    Calibration(Vec<usize>, f64),
    /// Width of the opacity's profile: an opaque line's flux goes with its width.
    Width(f64),
    /// Size of the source: the filling factor.
    Size(f64),
}

/// Relative step of the derivative by the size.
const STEP: f64 = 1.0e-4;

impl Shared {
    /// How far the logarithm of a line's flux lies off when this is off by its error.
    pub(super) fn moves(
        &self,
        (group, _, beam): (&LineGroup, &Flux, Beam),
        point: &Point,
        setup: &Diagram,
    ) -> f64 {
        match self {
            Self::Calibration(windows, part) if windows.contains(&group.window) => *part,
            Self::Calibration(..) => 0.0,
            // int (1 - exp(-tau)) dv is the width times a function of the column over the width.
            Self::Width(part) => (1.0 - point.slope) * part,
            Self::Size(part) => {
                let ln_filling =
                    |step: f64| libm::log(beam.filling(group.rest_mhz, setup.size_arcsec * (1.0 + step)));
                let slope = (ln_filling(STEP) - ln_filling(-STEP)) / (2.0 * STEP);
                if slope.is_finite() { slope * part } else { 0.0 }
            }
        }
    }
}
