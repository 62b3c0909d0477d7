//! One line over channels of any width: its mean opacity by the error function, and the largest opacity that a channel sees.

use super::profile::{Profile, Slopes, taper};
use super::simd::Lanes;
use super::vector::exp;

/// Opacity over the cut, averaged over channels of half the width `half_mhz`.
#[inline(always)]
pub(super) fn mean<L: Lanes>(profile: &Profile<L>, freq_mhz: L, half_mhz: L) -> L {
    let edges = Edges::new(profile, freq_mhz, half_mhz);
    exp(profile.z0()).mul(edges.mean()).mul(taper(edges.z).0)
}

/// The largest opacity over the cut within channels: that at their point nearest to the line.
#[inline(always)]
pub(super) fn largest<L: Lanes>(profile: &Profile<L>, freq_mhz: L, half_mhz: L) -> L {
    let (_, z) = nearest(profile, profile.distance(freq_mhz), profile.in_sigma(half_mhz));
    exp(z).mul(taper(z).0)
}

/// Derivatives of [`mean`].
#[inline(always)]
pub(super) fn slopes_of_mean<L: Lanes>(profile: &Profile<L>, freq_mhz: L, half_mhz: L) -> Slopes<L> {
    let edges = Edges::new(profile, freq_mhz, half_mhz);
    let (w, slope) = taper(edges.z);
    let peak = exp(profile.z0());
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

/// Derivatives of [`largest`].
#[inline(always)]
pub(super) fn slopes_of_largest<L: Lanes>(profile: &Profile<L>, freq_mhz: L, half_mhz: L) -> Slopes<L> {
    let x = profile.distance(freq_mhz);
    let (near, z) = nearest(profile, x, profile.in_sigma(half_mhz));
    let (w, slope) = taper(z);
    let (g, zero) = (exp(z), L::splat(0.0));
    let by_peak = g.mul(w.add(slope));
    let by_near = by_peak.mul(near);
    Slopes {
        by_peak,
        by_x: zero.sub(sign(x).mul(by_near)),
        by_sigma: by_near.mul(near),
        by_cut: zero.sub(g.mul(slope)),
    }
}

/// Distance of the point of a channel that is nearest to the line, and ln(opacity/cut) there, not below zero.
#[inline(always)]
fn nearest<L: Lanes>(profile: &Profile<L>, x: L, half: L) -> (L, L) {
    let zero = L::splat(0.0);
    let near = x.max(zero.sub(x)).sub(half).max(zero);
    (near, near.mul(near).neg_mul_add(L::splat(0.5), profile.z0()).max(zero))
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
    #[inline(always)]
    fn new(profile: &Profile<L>, freq_mhz: L, half_mhz: L) -> Self {
        let (x, half) = (profile.distance(freq_mhz), profile.in_sigma(half_mhz));
        let distance = x.max(L::splat(0.0).sub(x));
        let (upper, lower) = (distance.add(half), distance.sub(half));
        let (near, z) = nearest(profile, x, half);
        let (upper_g, upper_erf) = gauss_erf(upper);
        let (lower_g, lower_erf) = gauss_erf(lower);
        let per_width = L::splat(0.5).div(half);
        Self { upper, lower, near, z, upper_g, lower_g, upper_erf, lower_erf, per_width, sign: sign(x) }
    }

    /// The mean of a Gaussian of peak 1.
    #[inline(always)]
    fn mean(&self) -> L {
        L::splat(SQRT_HALF_PI).mul(self.per_width).mul(self.upper_erf.sub(self.lower_erf))
    }
}

/// -1 or 1, and 0 at 0.
#[inline(always)]
fn sign<L: Lanes>(x: L) -> L {
    x.mul(L::splat(1e300)).max(L::splat(-1.0)).min(L::splat(1.0))
}

/// `erf(x / sqrt 2)` to 1.5e-7 (Abramowitz & Stegun 1964, 7.1.26), behind its own derivative over `sqrt(2/pi)`, which is
/// `exp(-x^2/2)` to 1e-6: values and derivatives belong together.
#[inline(always)]
fn gauss_erf<L: Lanes>(x: L) -> (L, L) {
    const A: [f64; 5] = [1.061_405_429, -1.453_152_027, 1.421_413_741, -0.284_496_736, 0.254_829_592];
    const P: f64 = 0.327_591_1 * std::f64::consts::FRAC_1_SQRT_2;
    let distance = x.max(L::splat(0.0).sub(x)).min(L::splat(37.0));
    let g = exp(distance.mul(distance).mul(L::splat(-0.5)));
    let one = L::splat(1.0);
    let t = one.div(distance.mul_add(L::splat(P), one));
    // The polynomial over t, and its derivative.
    let (mut p, mut slope) = (L::splat(A[0]), L::splat(0.0));
    for a in &A[1..] {
        slope = slope.mul_add(t, p);
        p = p.mul_add(t, L::splat(*a));
    }
    let (value, by_t) = (p.mul(t), slope.mul_add(t, p));
    let erf = value.neg_mul_add(g, one).mul(sign(x));
    // dt/dx = - P t^2.
    let by_x = distance.mul_add(value, by_t.mul(t).mul(t).mul(L::splat(P)));
    (g.mul(by_x).mul(L::splat(SQRT_HALF_PI)), erf)
}

const SQRT_HALF_PI: f64 = 1.253_314_137_315_500_3;
