//! One line over channels narrower than about 1.5 sigma: Legendre coefficients of its opacity across each channel.
//!
//! A channel from x - h to x + h (in sigma) sees `exp(-(x + h t)^2/2) = exp(-x^2/2) sum He_n(x) (-h t)^n / n!`,
//! t from -1 to 1. Its Legendre coefficients c0 (the mean) to c3 are the Gaussian at the channel's centre times a series in h^2
//! whose terms are polynomials in x^2. The opacity of all lines is the sum of theirs.

use super::profile::{Profile, Slopes, taper};
use super::simd::Lanes;
use super::vector::{EXP_LIMIT, exp};

/// Half the width of a channel, in sigma, up to which the series is used: the mean is right to 3e-5 of the peak there.
pub(super) const NARROW: f64 = 0.75;
/// Number of coefficients.
pub(super) const N_LEGENDRE: usize = 4;

/// A polynomial of third degree in x^2, lowest power first.
type Cubic<L> = [L; 4];

/// `h^k (c_0 + c_1 h^2 + ...)` without the `h^k`, and its derivative by ln h.
#[inline(always)]
fn series<L: Lanes, const M: usize>(k: f64, c: [f64; M], h2: L) -> (L, L) {
    let slope = |m: usize| L::splat(c[m] * (k + 2.0 * m as f64));
    let (mut value, mut by_ln_h) = (L::splat(c[M - 1]), slope(M - 1));
    for m in (0..M - 1).rev() {
        value = value.mul_add(h2, L::splat(c[m]));
        by_ln_h = by_ln_h.mul_add(h2, slope(m));
    }
    (value, by_ln_h)
}

/// `sum He_2m(x) h^2m / (2m + 1)!`, with the derivative by ln h.
#[inline(always)]
fn mean<L: Lanes>(h2: L) -> (Cubic<L>, Cubic<L>) {
    const A: f64 = 1.0 / 6.0;
    const B: f64 = 1.0 / 120.0;
    const C: f64 = 1.0 / 5040.0;
    let terms = [
        series(0.0, [1.0, -A, 3.0 * B, -15.0 * C], h2),
        series(2.0, [A, -6.0 * B, 45.0 * C], h2),
        series(4.0, [B, -15.0 * C], h2),
        series(6.0, [C], h2),
    ];
    let h4 = h2.mul(h2);
    scaled(terms, [L::splat(1.0), h2, h4, h4.mul(h2)])
}

/// `-c1 / x`.
#[inline(always)]
fn first<L: Lanes>(h: L, h2: L) -> (Cubic<L>, Cubic<L>) {
    const A: f64 = 1.0 / 10.0;
    const B: f64 = 1.0 / 280.0;
    const C: f64 = 1.0 / 15120.0;
    let terms = [
        series(1.0, [1.0, -3.0 * A, 15.0 * B, -105.0 * C], h2),
        series(3.0, [A, -10.0 * B, 105.0 * C], h2),
        series(5.0, [B, -21.0 * C], h2),
        series(7.0, [C], h2),
    ];
    let (h3, h4) = (h.mul(h2), h2.mul(h2));
    scaled(terms, [h, h3, h.mul(h4), h3.mul(h4)])
}

/// `c2`.
#[inline(always)]
fn second<L: Lanes>(h2: L) -> (Cubic<L>, Cubic<L>) {
    const A: f64 = 1.0 / 3.0;
    const B: f64 = 1.0 / 42.0;
    const C: f64 = 1.0 / 1512.0;
    let terms = [
        series(2.0, [-A, 3.0 * B, -15.0 * C], h2),
        series(2.0, [A, -6.0 * B, 45.0 * C], h2),
        series(4.0, [B, -15.0 * C], h2),
        series(6.0, [C], h2),
    ];
    let h4 = h2.mul(h2);
    scaled(terms, [h2, h2, h4, h4.mul(h2)])
}

/// `-c3 / x`.
#[inline(always)]
fn third<L: Lanes>(h: L, h2: L) -> (Cubic<L>, Cubic<L>) {
    const A: f64 = 1.0 / 15.0;
    const B: f64 = 1.0 / 270.0;
    const C: f64 = 1.0 / 11880.0;
    let terms = [
        series(3.0, [-3.0 * A, 15.0 * B, -105.0 * C], h2),
        series(3.0, [A, -10.0 * B, 105.0 * C], h2),
        series(5.0, [B, -21.0 * C], h2),
        series(7.0, [C], h2),
    ];
    let (h3, h4) = (h.mul(h2), h2.mul(h2));
    scaled(terms, [h3, h3, h.mul(h4), h3.mul(h4)])
}

#[inline(always)]
fn scaled<L: Lanes>(terms: [(L, L); 4], scales: [L; 4]) -> (Cubic<L>, Cubic<L>) {
    let [a, b, c, d] = terms;
    let [p, q, r, s] = scales;
    ([a.0.mul(p), b.0.mul(q), c.0.mul(r), d.0.mul(s)], [a.1.mul(p), b.1.mul(q), c.1.mul(r), d.1.mul(s)])
}

#[inline(always)]
fn at<L: Lanes>(p: &Cubic<L>, q: L) -> L {
    let q2 = q.mul(q);
    p[3].mul_add(q, p[2]).mul_add(q2, p[1].mul_add(q, p[0]))
}

/// Value and derivative by q.
#[inline(always)]
fn with_slope<L: Lanes>(p: &Cubic<L>, q: L) -> (L, L) {
    let slope = p[3].mul_add(q.mul(L::splat(3.0)), p[2].add(p[2])).mul_add(q, p[1]);
    (at(p, q), slope)
}

/// How much of a line's c1, and of its c2 and c3, counts, with the derivatives by ln peak.
#[derive(Clone, Copy)]
pub(super) struct Ramps<L> {
    pub slope: (L, L),
    pub curve: (L, L),
}

/// Channels of one width, as one line sees them.
pub(super) struct Narrow<L> {
    h: L,
    h2: L,
    mean: Cubic<L>,
    higher: [Cubic<L>; 3],
    near: Nearness<L>,
}

/// How the taper sees a channel: by `z0 - kappa x^2/2`, which is zero at the centre of the last channel that the line reaches.
#[derive(Clone, Copy)]
struct Nearness<L> {
    kappa: L,
    by_z0: L,
    by_ln_h: L,
}

impl<L: Lanes> Nearness<L> {
    /// `kappa = (r / (r + h))^2`, `r = sqrt(2 z0)`.
    #[inline(always)]
    fn new(z0: L, h: L) -> Self {
        let r = z0.add(z0).sqrt();
        let per_reach = L::splat(1.0).div(r.add(h));
        let (share, kappa) = (per_reach.mul(h), per_reach.mul(r).mul(per_reach.mul(r)));
        let two_share = share.add(share);
        Self {
            kappa,
            by_z0: two_share.mul(per_reach).mul(per_reach),
            by_ln_h: L::splat(0.0).sub(two_share.mul(kappa)),
        }
    }

    /// Zero at the centre of the channel where the line ends.
    #[inline(always)]
    fn of_centres() -> Self {
        Self { kappa: L::splat(1.0), by_z0: L::splat(0.0), by_ln_h: L::splat(0.0) }
    }
}

/// A line within its channels: distance, its square, the Gaussian over the cut, the argument of the taper.
struct Place<L> {
    x: L,
    q: L,
    g: L,
    z: L,
}

impl<L: Lanes> Narrow<L> {
    /// For a line that ends at the last channel which its reach touches.
    #[inline(always)]
    pub fn new(profile: &Profile<L>, half_mhz: L) -> Self {
        let h = profile.in_sigma(half_mhz);
        Self::with(h, Nearness::new(profile.z0(), h))
    }

    /// For a line that ends at the last channel whose centre lies within its reach: the line touches one channel less, and
    /// loses a few times the cut where channels are wide.
    #[inline(always)]
    pub fn to_centres(profile: &Profile<L>, half_mhz: L) -> Self {
        Self::with(profile.in_sigma(half_mhz), Nearness::of_centres())
    }

    #[inline(always)]
    fn with(h: L, near: Nearness<L>) -> Self {
        let h2 = h.mul(h);
        let higher = [first(h, h2).0, second(h2).0, third(h, h2).0];
        Self { h, h2, mean: mean(h2).0, higher, near }
    }

    #[inline(always)]
    fn place(&self, profile: &Profile<L>, freq_mhz: L) -> Place<L> {
        let x = profile.distance(freq_mhz);
        let q = x.mul(x);
        let half_q = q.mul(L::splat(0.5));
        let g = exp(profile.z0().sub(half_q).max(L::splat(-EXP_LIMIT)));
        Place { x, q, g, z: self.near.kappa.neg_mul_add(half_q, profile.z0()).max(L::splat(0.0)) }
    }

    /// The mean over the channel, over the cut.
    #[inline(always)]
    pub fn mean(&self, profile: &Profile<L>, freq_mhz: L) -> L {
        let Place { q, g, z, .. } = self.place(profile, freq_mhz);
        g.mul(taper(z).0).mul(at(&self.mean, q))
    }

    /// All coefficients, over the cut, c1 times the first of `ramps`, c2 and c3, without `ALL` left out, times the second.
    #[inline(always)]
    pub fn coefficients<const ALL: bool>(
        &self,
        profile: &Profile<L>,
        freq_mhz: L,
        ramps: &Ramps<L>,
    ) -> [L; N_LEGENDRE] {
        let Place { x, q, g, z } = self.place(profile, freq_mhz);
        let even = g.mul(taper(z).0);
        let zero = L::splat(0.0);
        let odd = zero.sub(x.mul(even));
        let [first, second, third] = &self.higher;
        let (mean, c1) = (even.mul(at(&self.mean, q)), odd.mul(ramps.slope.0).mul(at(first, q)));
        if !ALL {
            return [mean, c1, zero, zero];
        }
        let ramp = ramps.curve.0;
        [mean, c1, even.mul(ramp).mul(at(second, q)), odd.mul(ramp).mul(at(third, q))]
    }

    /// Derivatives of the mean.
    #[inline(always)]
    pub fn slopes_of_mean(&self, profile: &Profile<L>, freq_mhz: L) -> Slopes<L> {
        let place = self.place(profile, freq_mhz);
        let (value, by_q) = with_slope(&self.mean, place.q);
        let by_ln_h = at(&mean(self.h2).1, place.q);
        let by_x = place.x.mul(by_q.add(by_q));
        self.slopes(&place, Sum { value, by_x, by_ln_h }, L::splat(0.0))
    }

    /// Derivatives of the sum of the same coefficients times `pulls`.
    #[inline(always)]
    pub fn slopes_of_all<const ALL: bool>(
        &self,
        profile: &Profile<L>,
        freq_mhz: L,
        pulls: [L; N_LEGENDRE],
        ramps: &Ramps<L>,
    ) -> Slopes<L> {
        let place = self.place(profile, freq_mhz);
        let (x, q) = (place.x, place.q);
        let (h, h2, zero) = (self.h, self.h2, L::splat(0.0));
        let [p0, p1, p2, p3] = pulls;
        let minus_x = zero.sub(x);
        // Odd terms are -x times a polynomial in q, whose derivative by x stands beside that by q.
        let (mean_by_ln_h, first_by_ln_h) = (mean(h2).1, first(h, h2).1);
        let (c0, c0_by_q) = with_slope(&self.mean, q);
        let (c1, c1_by_q) = with_slope(&self.higher[0], q);
        let (odd, slope) = (p1.mul(ramps.slope.0), p1.mul(ramps.slope.1));
        let minus_odd = minus_x.mul(odd);
        let mut value = minus_odd.mul_add(c1, p0.mul(c0));
        let mut by_q = minus_odd.mul_add(c1_by_q, p0.mul(c0_by_q));
        let mut by_ln_h = minus_odd.mul_add(at(&first_by_ln_h, q), p0.mul(at(&mean_by_ln_h, q)));
        let mut by_x = zero.sub(odd.mul(c1));
        let mut by_ramps = minus_x.mul(slope).mul(c1);
        if ALL {
            let (second_by_ln_h, third_by_ln_h) = (second(h2).1, third(h, h2).1);
            let (c2, c2_by_q) = with_slope(&self.higher[1], q);
            let (c3, c3_by_q) = with_slope(&self.higher[2], q);
            let (ramp, ramp_slope) = ramps.curve;
            let (even, third) = (p2.mul(ramp), p3.mul(ramp));
            let minus_third = minus_x.mul(third);
            value = even.mul_add(c2, minus_third.mul_add(c3, value));
            by_q = even.mul_add(c2_by_q, minus_third.mul_add(c3_by_q, by_q));
            by_ln_h =
                even.mul_add(at(&second_by_ln_h, q), minus_third.mul_add(at(&third_by_ln_h, q), by_ln_h));
            by_x = third.neg_mul_add(c3, by_x);
            by_ramps = p2.mul_add(c2, minus_x.mul(p3).mul(c3)).mul_add(ramp_slope, by_ramps);
        }
        let sum = Sum { value, by_x: x.add(x).mul_add(by_q, by_x), by_ln_h };
        self.slopes(&place, sum, by_ramps)
    }

    /// From those of what stands beside the tapered Gaussian.
    #[inline(always)]
    fn slopes(&self, place: &Place<L>, sum: Sum<L>, by_ramps: L) -> Slopes<L> {
        let Place { x, q, g, z } = *place;
        let (w, slope) = taper(z);
        let whole = g.mul(w);
        let tapered = g.mul(slope).mul(sum.value);
        let half_q = q.mul(L::splat(0.5));
        let z_by_z0 = half_q.neg_mul_add(self.near.by_z0, L::splat(1.0));
        let by_z0 = tapered.mul(z_by_z0);
        let by_x = whole.mul(x.neg_mul_add(sum.value, sum.by_x)).sub(tapered.mul(self.near.kappa).mul(x));
        let by_ln_h = whole.mul(sum.by_ln_h).sub(tapered.mul(half_q).mul(self.near.by_ln_h));
        let zero = L::splat(0.0);
        Slopes {
            by_peak: whole.mul_add(sum.value.add(by_ramps), by_z0),
            by_x,
            by_sigma: zero.sub(x.mul_add(by_x, by_ln_h)),
            by_cut: zero.sub(by_z0),
        }
    }
}

/// A sum of polynomials, and its derivatives at a constant Gaussian.
struct Sum<L> {
    value: L,
    by_x: L,
    by_ln_h: L,
}
