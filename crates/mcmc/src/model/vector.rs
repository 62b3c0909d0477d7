//! Exponential and logarithm of several numbers at once.
//!
//! `exp(x) = 2^n exp(f)`, `n = round(x / ln 2)`, `|f| <= ln 2 / 2` by a two-part ln 2 (Cody & Waite 1980),
//! exp(f) - 1 by a polynomial of degree 8 (relative error below 5e-12).
//! `ln(m 2^k) = k ln 2 + 2 artanh s`, `s = (m - 1)/(m + 1)`, `|s| <= 0.172`, by its series to s^19 (below 1e-17).

use super::simd::Lanes;

const LOG2_E: f64 = std::f64::consts::LOG2_E;
/// ln 2 in two parts; the first has trailing zeros, so that its product with a small integer is exact.
const LN2_HIGH: f64 = 6.931_471_803_691_238e-1;
const LN2_LOW: f64 = 1.908_214_929_270_587_7e-10;
/// Adding this rounds to an integer, which then stands in the lowest bits.
const ROUNDER: f64 = 6_755_399_441_055_744.0;
/// The largest argument whose exponential, and its inverse, are normal numbers.
pub(super) const EXP_LIMIT: f64 = 708.0;
/// `(exp(f) - 1 - f) / f^2` by its Chebyshev series to the sixth power, for `|f| <= ln 2 / 2`: two terms fewer than
/// Taylor's for the same precision.
const ECONOMIZED: [f64; 7] = [
    2.486_787_206_587_467e-5,
    1.989_927_622_238_488_7e-4,
    1.388_883_910_717_376_1e-3,
    8.333_298_480_356_209e-3,
    4.166_666_678_628_104e-2,
    1.666_666_671_900_771_4e-1,
    4.999_999_999_995_509_7e-1,
];
/// 2/19, 2/17 ... 2/3.
const ARTANH: [f64; 9] =
    [2.0 / 19.0, 2.0 / 17.0, 2.0 / 15.0, 2.0 / 13.0, 2.0 / 11.0, 2.0 / 9.0, 2.0 / 7.0, 2.0 / 5.0, 2.0 / 3.0];

/// `2^n` and `exp(f) - 1` for `x = n ln 2 + f`; x must lie within +-[`EXP_LIMIT`].
#[inline(always)]
fn split<L: Lanes>(x: L) -> (L, L) {
    let shifted = x.mul_add(L::splat(LOG2_E), L::splat(ROUNDER));
    let n = shifted.sub(L::splat(ROUNDER));
    let f = n.neg_mul_add(L::splat(LN2_LOW), n.neg_mul_add(L::splat(LN2_HIGH), x));
    let f2 = f.mul(f);
    (shifted.pow2(), f2.mul_add(polynomial(&ECONOMIZED, f, f2), f))
}

/// A polynomial of even degree, highest coefficient first, at x with x^2 given: even and odd powers side by
/// side, as the processor can work on both at a time.
#[inline(always)]
fn polynomial<L: Lanes, const N: usize>(coefficients: &[f64; N], x: L, x2: L) -> L {
    let (mut even, mut odd) = (L::splat(coefficients[0]), L::splat(coefficients[1]));
    for pair in coefficients[2..].chunks(2) {
        even = even.mul_add(x2, L::splat(pair[0]));
        if let Some(c) = pair.get(1) {
            odd = odd.mul_add(x2, L::splat(*c));
        }
    }
    odd.mul_add(x, even)
}

/// `exp(x)` for x within +-[`EXP_LIMIT`].
#[inline(always)]
pub(super) fn exp<L: Lanes>(x: L) -> L {
    let (scale, p) = split(x);
    scale.mul_add(p, scale)
}

/// `1 - exp(-x)` without loss of digits for small x; x within +-[`EXP_LIMIT`].
#[inline(always)]
pub(super) fn one_minus_exp_neg<L: Lanes>(x: L) -> L {
    let (scale, p) = split(L::splat(0.0).sub(x));
    scale.neg_mul_add(p, L::splat(1.0).sub(scale))
}

/// `ln(x)` for positive normal numbers.
#[inline(always)]
pub(super) fn ln<L: Lanes>(x: L) -> L {
    let (m, k) = x.split();
    let one = L::splat(1.0);
    let s = m.sub(one).div(m.add(one));
    let s2 = s.mul(s);
    let p = polynomial(&ARTANH, s2, s2.mul(s2));
    // Small terms first.
    let tail = s.mul(s2).mul_add(p, k.mul(L::splat(LN2_LOW)));
    k.mul_add(L::splat(LN2_HIGH), s.mul_add(L::splat(2.0), tail))
}
