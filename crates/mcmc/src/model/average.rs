//! The mean of `1 - exp(-tau)` over channels, without samples within them, and how far that can be trusted.
//!
//! Where channels are narrow, tau = c0 + c1 P1(t) + c2 P2(t) + c3 P3(t) across each, and the mean of `exp(c0 - tau)` is a series in
//! c1, c2 and c3 (moments of Legendre polynomials). Where they are wide, only the mean opacity and a bound on the opacity are
//! known. Where a smooth measure of the error says that this is not enough, samples take over gradually.

use super::narrow::N_LEGENDRE;
use super::simd::Lanes;
use super::vector::{EXP_LIMIT, one_minus_exp_neg};

/// `1 - exp(-tau)` averaged over channels, with derivatives by the planes of opacity.
#[derive(Clone, Copy)]
pub(super) struct Screen<L> {
    pub mean: L,
    pub by: [L; N_LEGENDRE],
}

/// How much samples count, from 0 to 1, with derivatives by the planes.
#[derive(Clone, Copy)]
pub(super) struct Share<L> {
    pub share: L,
    pub by: [L; N_LEGENDRE],
}

/// Samples begin to count where the measure of the error exceeds this, and count alone from 1.
const FIRST_SHARE: f64 = 0.6;
/// Weights of c2^2 and c3^2 in that measure, beside c1^2: at 1 the mean is right to 2e-5.
const SQUARES: [f64; 3] = [1.0, 8.0, 4000.0];
/// Mean times largest opacity at which the measure is 1 in wide channels: twice the error.
const WIDE: f64 = 4.0e-5;

/// Smooth from 0 (x <= 0) to 1 (x >= 1), two continuous derivatives; with the first.
#[inline(always)]
pub(super) fn step<L: Lanes>(x: L) -> (L, L) {
    let x = x.max(L::splat(0.0)).min(L::splat(1.0));
    let p = x.mul_add(L::splat(6.0), L::splat(-15.0)).mul_add(x, L::splat(10.0));
    let rest = L::splat(1.0).sub(x);
    let slope = x.mul(rest);
    (x.mul(x).mul(x).mul(p), slope.mul(slope).mul(L::splat(30.0)))
}

/// Narrow channels: planes are Legendre coefficients.
#[inline(always)]
pub(super) fn narrow<L: Lanes>([c0, c1, c2, c3]: [L; N_LEGENDRE]) -> Screen<L> {
    let n = |x: f64| L::splat(x);
    let v = one_minus_exp_neg(c0.min(n(EXP_LIMIT)));
    let rest = n(1.0).sub(v);
    let (a, b) = (c1.mul(c1), c2.mul(c2));
    // The mean of exp(-c1 P1 - c2 P2 - c3 P3) less 1: i0 - c2 i2 + c3 i3 + ..., i_n(c1) modified spherical Bessel functions.
    let i0 = a.mul_add(n(1.0 / 5040.0), n(1.0 / 120.0)).mul_add(a, n(1.0 / 6.0));
    let i2 = a.mul_add(n(1.0 / 7560.0), n(1.0 / 210.0)).mul_add(a, n(1.0 / 15.0));
    let b_by = a.mul_add(n(11.0 / 420.0), n(0.1));
    let d_by = a.mul_add(n(1.0 / 105.0), c2.mul(n(-3.0 / 35.0)));
    let cubed = c2.mul(n(-1.0 / 105.0)).add(b_by);
    let odd = c1.mul(d_by).add(c3.mul(n(1.0 / 14.0)));
    let excess = a.mul(c2.neg_mul_add(i2, i0)).add(b.mul_add(cubed, c3.mul(odd)));
    let i0_by = a.mul_add(n(3.0 / 5040.0), n(2.0 / 120.0)).mul_add(a, n(1.0 / 6.0));
    let i2_by = a.mul_add(n(3.0 / 7560.0), n(2.0 / 210.0)).mul_add(a, n(1.0 / 15.0));
    // By c1^2, then by c1 itself where c3 stands beside it.
    let by_a = c2.neg_mul_add(i2_by, i0_by).add(b.mul(n(11.0 / 420.0)));
    let by_c1 = c1.mul(by_a.add(by_a)).add(c3.mul(a.mul_add(n(2.0 / 105.0), d_by)));
    let by_c2 = a
        .neg_mul_add(i2, c2.mul(b_by.add(b_by)))
        .sub(b.mul(n(3.0 / 105.0)).add(c1.mul(c3).mul(n(3.0 / 35.0))));
    let by_c3 = c1.mul(d_by).add(c3.mul(n(1.0 / 7.0)));
    let minus = n(0.0).sub(rest);
    let mean = rest.neg_mul_add(excess, v);
    Screen { mean, by: [n(1.0).sub(mean), minus.mul(by_c1), minus.mul(by_c2), minus.mul(by_c3)] }
}

/// The coefficients where samples may count: where they count alone, the series gets numbers within its reach.
#[inline(always)]
pub(super) fn bounded<L: Lanes>([c0, c1, c2, c3]: [L; N_LEGENDRE]) -> [L; N_LEGENDRE] {
    [c0, within(c1, 1.0), within(c2, 0.36), within(c3, 0.0159)]
}

#[inline(always)]
fn within<L: Lanes>(x: L, limit: f64) -> L {
    x.max(L::splat(-limit)).min(L::splat(limit))
}

/// Where the mean opacity is all that counts: in wide channels (whose second plane is the sum of the largest opacities of all
/// lines), and where all lines are weak.
#[inline(always)]
pub(super) fn mean_alone<L: Lanes>(mean_opacity: L) -> Screen<L> {
    let mean = one_minus_exp_neg(mean_opacity.min(L::splat(EXP_LIMIT)));
    let zero = L::splat(0.0);
    Screen { mean, by: [L::splat(1.0).sub(mean), zero, zero, zero] }
}

/// The measure of the error.
#[inline(always)]
pub(super) fn measure<L: Lanes>(is_wide: bool, c: &[L; N_LEGENDRE]) -> L {
    if is_wide {
        return c[0].mul(c[1]).mul(L::splat(1.0 / WIDE));
    }
    let [_, c1, c2, c3] = *c;
    let [a, b, d] = SQUARES;
    c1.mul(c1).mul(L::splat(a)).add(c2.mul(c2).mul(L::splat(b))).add(c3.mul(c3).mul(L::splat(d)))
}

/// Whether samples count in any lane.
#[inline(always)]
pub(super) fn wants_samples<L: Lanes>(is_wide: bool, c: &[L; N_LEGENDRE]) -> bool {
    measure(is_wide, c).any_above(L::splat(FIRST_SHARE))
}

/// How much samples count.
#[inline(always)]
pub(super) fn share<L: Lanes>(is_wide: bool, c: &[L; N_LEGENDRE]) -> Share<L> {
    const PER_RANGE: f64 = 1.0 / (1.0 - FIRST_SHARE);
    let x = measure(is_wide, c).min(L::splat(2.0)).sub(L::splat(FIRST_SHARE)).mul(L::splat(PER_RANGE));
    let (share, slope) = step(x);
    let slope = slope.mul(L::splat(PER_RANGE));
    let zero = L::splat(0.0);
    let by = if is_wide {
        let slope = slope.mul(L::splat(1.0 / WIDE));
        [slope.mul(c[1]), slope.mul(c[0]), zero, zero]
    } else {
        let by = |k: usize| slope.mul(c[k]).mul(L::splat(2.0 * SQUARES[k - 1]));
        [zero, by(1), by(2), by(3)]
    };
    Share { share, by }
}

#[cfg(test)]
mod tests {
    use super::super::simd::{Kernel, MAX_LANES, Simd, SimdPath};
    use super::*;

    struct Narrow<'a>(&'a [[f64; N_LEGENDRE]]);

    impl Kernel for Narrow<'_> {
        type Output = Vec<[f64; 1 + N_LEGENDRE]>;

        #[inline(always)]
        fn run<L: Lanes>(self) -> Self::Output {
            self.0
                .iter()
                .map(|c| {
                    let Screen { mean, by } = narrow(c.map(L::splat));
                    let first = |x: L| {
                        let mut lanes = [0.0; MAX_LANES];
                        x.store(&mut lanes);
                        lanes[0]
                    };
                    [mean, by[0], by[1], by[2], by[3]].map(first)
                })
                .collect()
        }
    }

    /// By 400 midpoints.
    fn slow(c: [f64; N_LEGENDRE]) -> f64 {
        let at = |t: f64| {
            let (p2, p3) = (1.5 * t * t - 0.5, 2.5 * t * t * t - 1.5 * t);
            -(-(c[0] + c[1] * t + c[2] * p2 + c[3] * p3)).exp_m1()
        };
        (0..400).map(|i| at((f64::from(i) + 0.5) / 200.0 - 1.0)).sum::<f64>() / 400.0
    }

    #[test]
    fn the_series_is_the_mean_where_the_measure_is_small() {
        let simd = Simd::new(SimdPath::detect()).unwrap();
        let mut cases = Vec::new();
        for c1 in [-0.99, -0.7, 0.0, 0.3, 0.99] {
            for c2 in [-0.34, -0.1, 0.0, 0.2, 0.34] {
                for c3 in [-0.015, 0.0, 0.01] {
                    let c: [f64; 4] = [1.2, c1, c2, c3];
                    if c1 * c1 + 8.0 * c2 * c2 + 4000.0 * c3 * c3 < 1.0 {
                        cases.push(c);
                    }
                }
            }
        }
        assert!(cases.len() > 20);
        for (c, found) in cases.iter().zip(simd.run(Narrow(&cases))) {
            let exact = slow(*c);
            assert!((found[0] - exact).abs() < 1.5e-5, "{c:?}: {} {exact}", found[0]);
            for k in 0..4 {
                let at = |h: f64| {
                    let mut moved = *c;
                    moved[k] += h;
                    simd.run(Narrow(&[moved]))[0][0]
                };
                let numeric = (at(1e-3) - at(-1e-3)) / 2e-3;
                assert!((found[1 + k] - numeric).abs() < 1e-6, "{c:?} by {k}: {} {numeric}", found[1 + k]);
            }
        }
        // Negative control: farther out it is not.
        let far = [1.2, 3.0, 0.9, 0.0];
        assert!((simd.run(Narrow(&[far]))[0][0] - slow(far)).abs() > 1e-4);
    }
}
