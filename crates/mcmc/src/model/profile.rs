//! Profile of one line on one vector of channels, and its derivatives.
//!
//! With `z = ln(peak/cut) - x^2/2`, x the distance in sigma, the opacity over the cut is `exp(z) w(z)`. The taper
//! w goes smoothly from 0 at z = 0 to 1 at z = [`TAPER`]: value and derivatives are continuous everywhere.

use super::scratch::Active;
use super::simd::Lanes;
use super::vector::{EXP_LIMIT, exp};

/// The range of z in which the profile is let down to zero.
const TAPER: f64 = 1.0;

/// `w(z) = s^2 (3 - 2 s)`, s = z / TAPER within 0 ... 1; with `dw/dz`.
#[inline(always)]
fn taper<L: Lanes>(z: L) -> (L, L) {
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
    /// Whether channels are so narrow that a series gives the mean over them.
    narrow: bool,
}

/// Half the width of a channel, in sigma, up to which the series of [`Narrow`] is used: it is right to 3e-5 of the peak
/// there, of lines that are thin.
const NARROW: f64 = 0.75;

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
        self.mean(freq_mhz, half_mhz)
    }

    #[inline(always)]
    fn all_at(&self, freq_mhz: L) -> Values<L> {
        Values { value: self.at(freq_mhz), slopes: self.slopes_at(freq_mhz), by_damping: L::splat(0.0) }
    }

    #[inline(always)]
    fn all_of_mean(&self, freq_mhz: L, half_mhz: L) -> Values<L> {
        let slopes = self.slopes_of_mean(freq_mhz, half_mhz);
        Values { value: self.mean(freq_mhz, half_mhz), slopes, by_damping: L::splat(0.0) }
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
            narrow: half_mhz * line.per_sigma <= NARROW,
        }
    }

    /// x and z (not below zero) at frequencies (MHz).
    #[inline(always)]
    fn place(&self, freq_mhz: L) -> (L, L) {
        let x = freq_mhz.sub(self.centre_mhz).mul(self.per_sigma);
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

    /// Opacity over the cut, averaged over channels of half the width `half_mhz`.
    #[inline(always)]
    pub fn mean(&self, freq_mhz: L, half_mhz: L) -> L {
        if self.narrow {
            let narrow = self.narrow(freq_mhz, half_mhz);
            return narrow.g.mul(narrow.mean).mul(taper(narrow.z).0);
        }
        let edges = self.edges(freq_mhz, half_mhz);
        self.peak().mul(edges.mean()).mul(taper(edges.z).0)
    }

    /// Derivatives of [`mean`](Self::mean).
    #[inline(always)]
    pub fn slopes_of_mean(&self, freq_mhz: L, half_mhz: L) -> Slopes<L> {
        if self.narrow {
            return self.narrow(freq_mhz, half_mhz).slopes();
        }
        let edges = self.edges(freq_mhz, half_mhz);
        let (w, slope) = taper(edges.z);
        let peak = self.peak();
        let (mean, per_d) = (edges.mean(), edges.per_width);
        let tapered = peak.mul(mean).mul(slope);
        let whole = peak.mul(w);
        let by_x = edges.upper_g.sub(edges.lower_g).mul(per_d);
        let stretch = edges.upper_g.mul(edges.upper).sub(edges.lower_g.mul(edges.lower)).mul(per_d);
        let by_near = tapered.mul(edges.near);
        Slopes {
            by_peak: whole.mul(mean).add(tapered),
            by_x: edges.sign.mul(whole.mul(by_x).sub(by_near)),
            by_sigma: whole.mul(mean.sub(stretch)).add(by_near.mul(edges.near)),
            by_cut: L::splat(0.0).sub(tapered),
        }
    }

    #[inline(always)]
    fn narrow(&self, freq_mhz: L, half_mhz: L) -> Narrow<L> {
        let x = freq_mhz.sub(self.centre_mhz).mul(self.per_sigma);
        let half = half_mhz.mul(self.per_sigma);
        let (distance, q) = (x.max(L::splat(0.0).sub(x)), x.mul(x));
        let near = distance.sub(half).max(L::splat(0.0));
        let z = near.mul(near).neg_mul_add(L::splat(0.5), self.z0).max(L::splat(0.0));
        let g = exp(q.neg_mul_add(L::splat(0.5), self.z0).max(L::splat(-EXP_LIMIT)));
        let h2 = half.mul(half);
        let a = h2.mul(L::splat(1.0 / 6.0));
        let b = a.mul(h2).mul(L::splat(1.0 / 20.0));
        let c = b.mul(h2).mul(L::splat(1.0 / 42.0));
        let powers = [a, b, c];
        let hermite = [
            q.sub(L::splat(1.0)),
            q.sub(L::splat(6.0)).mul_add(q, L::splat(3.0)),
            q.sub(L::splat(15.0)).mul_add(q, L::splat(45.0)).mul_add(q, L::splat(-15.0)),
        ];
        let mean = a.mul_add(hermite[0], b.mul_add(hermite[1], c.mul_add(hermite[2], L::splat(1.0))));
        Narrow { x, distance, q, near, z, g, mean, powers, hermite }
    }

    #[inline(always)]
    fn peak(&self) -> L {
        exp(self.z0)
    }

    #[inline(always)]
    fn edges(&self, freq_mhz: L, half_mhz: L) -> Edges<L> {
        let x = freq_mhz.sub(self.centre_mhz).mul(self.per_sigma);
        let half = half_mhz.mul(self.per_sigma);
        let distance = x.max(L::splat(0.0).sub(x));
        let (upper, lower) = (distance.add(half), distance.sub(half));
        let near = lower.max(L::splat(0.0));
        let z = near.mul(near).neg_mul_add(L::splat(0.5), self.z0).max(L::splat(0.0));
        let (upper_g, upper_erf) = gauss_erf(upper);
        let (lower_g, lower_erf) = gauss_erf(lower);
        let per_width = L::splat(0.5).div(half);
        Edges { upper, lower, near, z, upper_g, lower_g, upper_erf, lower_erf, per_width, sign: sign(x) }
    }
}

/// A channel much narrower than a line: the mean of the Gaussian over it is that at its centre times
/// `sum h^2k He_2k(x) / (2k + 1)!`, h half its width in sigma.
struct Narrow<L> {
    x: L,
    distance: L,
    /// `x^2`.
    q: L,
    /// As in [`Edges`].
    near: L,
    z: L,
    /// The Gaussian over the cut, and the series.
    g: L,
    mean: L,
    /// `h^2k / (2k + 1)!` and `He_2k(x)` from k = 1.
    powers: [L; 3],
    hermite: [L; 3],
}

impl<L: Lanes> Narrow<L> {
    #[inline(always)]
    fn slopes(&self) -> Slopes<L> {
        let Self { x, distance, q, near, z, g, mean, powers: [a, b, c], hermite } = *self;
        let (w, slope) = taper(z);
        let number = |x: f64| L::splat(x);
        // He_2k' = 2k He_(2k-1), over x.
        let third = q.mul(number(6.0)).sub(number(60.0)).mul_add(q, number(90.0));
        let second = q.mul_add(number(4.0), number(-12.0));
        let by_x_per_x = a.mul_add(number(2.0), b.mul_add(second, c.mul(third)));
        let by_distance = distance.mul(by_x_per_x.sub(mean));
        let by_width = a
            .mul(number(2.0))
            .mul_add(hermite[0], b.mul(number(4.0)).mul_add(hermite[1], c.mul(number(6.0)).mul(hermite[2])));
        let whole = g.mul(w);
        let tapered = g.mul(mean).mul(slope);
        let by_near = tapered.mul(near);
        let zero = number(0.0);
        Slopes {
            by_peak: whole.mul_add(mean, tapered),
            by_x: sign(x).mul(whole.mul(by_distance).sub(by_near)),
            by_sigma: by_near.mul(near).sub(whole.mul(distance.mul_add(by_distance, by_width))),
            by_cut: zero.sub(tapered),
        }
    }
}

/// A channel as a line sees it, mirrored to positive distances.
struct Edges<L> {
    /// Distances of the edges, in sigma; the lower one may be negative.
    upper: L,
    lower: L,
    /// Distance of the nearest point of the channel.
    near: L,
    /// ln(opacity/cut) there, not below zero.
    z: L,
    /// Gaussian and error function at the edges.
    upper_g: L,
    lower_g: L,
    upper_erf: L,
    lower_erf: L,
    /// One over the width of the channel, in sigma.
    per_width: L,
    /// On which side of the line it lies.
    sign: L,
}

impl<L: Lanes> Edges<L> {
    /// The mean of a Gaussian of peak 1.
    #[inline(always)]
    fn mean(&self) -> L {
        let sqrt_half_pi = L::splat(1.253_314_137_315_500_3);
        sqrt_half_pi.mul(self.per_width).mul(self.upper_erf.sub(self.lower_erf))
    }
}

/// -1 or 1, and 0 at 0.
#[inline(always)]
fn sign<L: Lanes>(x: L) -> L {
    x.mul(L::splat(1e300)).max(L::splat(-1.0)).min(L::splat(1.0))
}

/// `exp(-x^2/2)` and `erf(x / sqrt 2)` to 1.5e-7: Abramowitz & Stegun 1964, 7.1.26.
#[inline(always)]
fn gauss_erf<L: Lanes>(x: L) -> (L, L) {
    const A: [f64; 5] = [1.061_405_429, -1.453_152_027, 1.421_413_741, -0.284_496_736, 0.254_829_592];
    let distance = x.max(L::splat(0.0).sub(x)).min(L::splat(37.0));
    let g = exp(distance.mul(distance).mul(L::splat(-0.5)));
    let one = L::splat(1.0);
    let t = one.div(distance.mul_add(L::splat(0.327_591_1 * std::f64::consts::FRAC_1_SQRT_2), one));
    let mut p = L::splat(A[0]);
    for a in &A[1..] {
        p = p.mul_add(t, L::splat(*a));
    }
    (g, p.mul(t).neg_mul_add(g, one).mul(sign(x)))
}
