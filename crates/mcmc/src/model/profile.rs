//! Profile of one line on one vector of channels, and its derivatives.
//!
//! With `z = ln(peak/cut) - x^2/2`, x the distance in sigma, the opacity over the cut is `exp(z) w(z)`. The taper
//! w goes smoothly from 0 at z = 0 to 1 at z = [`TAPER`]: value and derivatives are continuous everywhere.

use super::ladder::rise;
use super::narrow::{NARROW, Narrow};
use super::scratch::Active;
use super::simd::Lanes;
use super::vector::exp;
use super::wide;

/// The range of z in which the profile is let down to zero.
const TAPER: f64 = 1.0;

/// `w(z) = s^2 (3 - 2 s)`, s = z / TAPER within 0 ... 1; with `dw/dz`.
#[inline(always)]
pub(super) fn taper<L: Lanes>(z: L) -> (L, L) {
    let s = z.mul(L::splat(1.0 / TAPER)).min(L::splat(1.0));
    let s2 = s.mul(s);
    let w = s2.mul(s.neg_mul_add(L::splat(2.0), L::splat(3.0)));
    let slope = s.sub(s2).mul(L::splat(6.0 / TAPER));
    (w, slope)
}

/// A line, spread over the lanes.
#[derive(Clone, Copy)]
pub(super) struct Profile<L> {
    z0: L,
    centre_mhz: L,
    per_sigma: L,
    wide: Wide,
}

/// How much the mean over channels is that of wide ones, by the error function, not of narrow ones, by a series: from 0 to
/// 1 over the last channels for which both are right.
#[derive(Clone, Copy)]
struct Wide {
    share: f64,
    by_ln_sigma: f64,
}

/// From this share of the widest narrow channels on the error function sets in.
const SETS_IN: f64 = 0.9;

impl Wide {
    /// For channels of half a width in sigma.
    #[inline(always)]
    fn new(half_sigma: f64) -> Self {
        let per_range = 1.0 / ((1.0 - SETS_IN) * NARROW);
        let (share, slope) = rise((half_sigma - SETS_IN * NARROW) * per_range);
        Self { share, by_ln_sigma: -slope * per_range * half_sigma }
    }
}

/// Derivatives of the opacity over the cut.
pub(super) struct Slopes<L> {
    /// By the logarithm of the peak.
    pub by_peak: L,
    /// By x: a shift of the line.
    pub by_x: L,
    /// By the logarithm of sigma, at a constant peak.
    pub by_sigma: L,
    /// By the logarithm of the cut, at a constant opacity of the peak, times the cut's own factor.
    pub by_cut: L,
}

impl<L: Lanes> Slopes<L> {
    /// A share of the way from these to others.
    #[inline(always)]
    fn towards(&self, other: &Self, share: L) -> Self {
        Self {
            by_peak: other.by_peak.sub(self.by_peak).mul_add(share, self.by_peak),
            by_x: other.by_x.sub(self.by_x).mul_add(share, self.by_x),
            by_sigma: other.by_sigma.sub(self.by_sigma).mul_add(share, self.by_sigma),
            by_cut: other.by_cut.sub(self.by_cut).mul_add(share, self.by_cut),
        }
    }
}

/// Value and derivatives of a profile.
pub(super) struct Values<L> {
    /// Opacity over the cut.
    pub value: L,
    pub slopes: Slopes<L>,
    /// By the damping of a Voigt profile.
    pub by_damping: L,
}

/// A line's opacity over the cut: what sight lines want of any profile. At frequencies (MHz), or averaged over channels
/// of half the width `half_mhz`.
pub(super) trait Shape<L: Lanes>: Copy {
    fn value_at(&self, freq_mhz: L) -> L;
    fn value_of_mean(&self, freq_mhz: L, half_mhz: L) -> L;
    fn all_at(&self, freq_mhz: L) -> Values<L>;
    fn all_of_mean(&self, freq_mhz: L, half_mhz: L) -> Values<L>;
}

impl<L: Lanes> Shape<L> for Profile<L> {
    #[inline(always)]
    fn value_at(&self, freq_mhz: L) -> L {
        self.at(freq_mhz)
    }

    #[inline(always)]
    fn value_of_mean(&self, freq_mhz: L, half_mhz: L) -> L {
        let share = self.wide.share;
        if share <= 0.0 {
            return Narrow::new(self, half_mhz).mean(self, freq_mhz);
        }
        let wide = wide::mean(self, freq_mhz, half_mhz);
        if share >= 1.0 {
            return wide;
        }
        let narrow = Narrow::new(self, half_mhz).mean(self, freq_mhz);
        wide.sub(narrow).mul_add(L::splat(share), narrow)
    }

    #[inline(always)]
    fn all_at(&self, freq_mhz: L) -> Values<L> {
        Values { value: self.at(freq_mhz), slopes: self.slopes_at(freq_mhz), by_damping: L::splat(0.0) }
    }

    #[inline(always)]
    fn all_of_mean(&self, freq_mhz: L, half_mhz: L) -> Values<L> {
        let Wide { share, by_ln_sigma } = self.wide;
        let value = self.value_of_mean(freq_mhz, half_mhz);
        let by_damping = L::splat(0.0);
        if share <= 0.0 {
            let slopes = Narrow::new(self, half_mhz).slopes_of_mean(self, freq_mhz);
            return Values { value, slopes, by_damping };
        }
        let wide = wide::slopes_of_mean(self, freq_mhz, half_mhz);
        if share >= 1.0 {
            return Values { value, slopes: wide, by_damping };
        }
        let narrow = Narrow::new(self, half_mhz);
        let difference = wide::mean(self, freq_mhz, half_mhz).sub(narrow.mean(self, freq_mhz));
        let mut slopes = narrow.slopes_of_mean(self, freq_mhz).towards(&wide, L::splat(share));
        slopes.by_sigma = difference.mul_add(L::splat(by_ln_sigma), slopes.by_sigma);
        Values { value, slopes, by_damping }
    }
}

impl<L: Lanes> Profile<L> {
    /// For channels of half the width `half_mhz` at most.
    #[inline(always)]
    pub fn new(line: &Active, half_mhz: f64) -> Self {
        Self {
            z0: L::splat(line.z0),
            centre_mhz: L::splat(line.centre_mhz),
            per_sigma: L::splat(line.per_sigma),
            wide: Wide::new(half_mhz * line.per_sigma),
        }
    }

    /// ln of the peak over the cut.
    #[inline(always)]
    pub fn z0(&self) -> L {
        self.z0
    }

    /// Distance of frequencies (MHz) from the line's centre, in sigma.
    #[inline(always)]
    pub fn distance(&self, freq_mhz: L) -> L {
        self.in_sigma(freq_mhz.sub(self.centre_mhz))
    }

    /// A width (MHz) in sigma.
    #[inline(always)]
    pub fn in_sigma(&self, mhz: L) -> L {
        mhz.mul(self.per_sigma)
    }

    /// x and z (not below zero) at frequencies (MHz).
    #[inline(always)]
    fn place(&self, freq_mhz: L) -> (L, L) {
        let x = self.distance(freq_mhz);
        let z = x.mul(x).neg_mul_add(L::splat(0.5), self.z0);
        (x, z.max(L::splat(0.0)))
    }

    /// Opacity over the cut at frequencies (MHz).
    #[inline(always)]
    pub fn at(&self, freq_mhz: L) -> L {
        let (_, z) = self.place(freq_mhz);
        exp(z).mul(taper(z).0)
    }

    /// Derivatives at frequencies (MHz).
    #[inline(always)]
    pub fn slopes_at(&self, freq_mhz: L) -> Slopes<L> {
        let (x, z) = self.place(freq_mhz);
        let (w, slope) = taper(z);
        let g = exp(z);
        let by_peak = g.mul(w.add(slope));
        let minus_by_x = by_peak.mul(x);
        Slopes {
            by_peak,
            by_x: L::splat(0.0).sub(minus_by_x),
            by_sigma: minus_by_x.mul(x),
            by_cut: L::splat(0.0).sub(g.mul(slope)),
        }
    }
}
