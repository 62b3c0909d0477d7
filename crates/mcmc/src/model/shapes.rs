//! The profiles of a species' lines along a sight line: Gaussian or Voigt.

use super::profile::{Profile, Shape};
use super::scratch::Active;
use super::simd::Lanes;
use super::voigt::{Faddeeva, Voigt};

/// Makes the profile of each line. A trait, so that it is inlined into its kernel, as closures may not be.
pub(super) trait Shapes<L: Lanes> {
    type Shape: Shape<L>;
    fn of(&self, line: &Active) -> Self::Shape;
}

/// Gaussian profiles; `half_mhz`: half the width of the widest channel (MHz).
pub(super) struct Gaussians {
    pub half_mhz: f64,
}

impl<L: Lanes> Shapes<L> for Gaussians {
    type Shape = Profile<L>;

    #[inline(always)]
    fn of(&self, line: &Active) -> Profile<L> {
        Profile::new(line, self.half_mhz)
    }
}

/// Voigt profiles of a damping.
pub(super) struct Voigts<'a> {
    pub series: &'a Faddeeva,
    pub damping: f64,
}

impl<'a, L: Lanes> Shapes<L> for Voigts<'a> {
    type Shape = Voigt<'a, L>;

    #[inline(always)]
    fn of(&self, line: &Active) -> Voigt<'a, L> {
        Voigt::new(self.series, line, self.damping)
    }
}
