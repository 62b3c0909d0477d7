//! Inverse hyperbolic sine of many numbers in single precision.
//!
//! `asinh x = sign(x) ln(1 + y)`, `y = a + a²/(1 + sqrt(1 + a²))`, `a = |x|`. With `1 + y = m 2^k`, `m` within sqrt(1/2) and
//! sqrt(2), `ln m = 2 artanh s`, `s = (m-1)/(m+1)`, by its series to s^9, and the rounding of `1 + y` put back (Kahan's
//! log1p). Without branches, so that the compiler works on several pixels at a time. Products are fused with sums in the source: a
//! processor without such instructions gets the same numbers from the library, slowly.

use super::simd;
use std::f32::consts::LN_2;

const SQRT_HALF_BITS: u32 = 0x3f35_04f3;
/// Above it `a²` is of no use: asinh a = ln 2a.
const LARGE: f32 = 1e9;

/// asinh of one number; NaN stays, infinite becomes a large number.
#[inline(always)]
pub fn asinh(x: f32) -> f32 {
    let a = x.abs();
    if a < LARGE {
        return near(x);
    }
    if x.is_nan() {
        return x;
    }
    // ln 2a: the logarithm of a, and one factor of two more.
    logarithm(a.min(f32::MAX), 0.0, 1).copysign(x)
}

/// The same for numbers below [`LARGE`].
#[inline(always)]
fn near(x: f32) -> f32 {
    let a = x.abs();
    let a2 = a * a;
    let y = a + a2 / (1.0 + (1.0 + a2).sqrt());
    let u = 1.0 + y;
    // What the rounding of u has lost.
    logarithm(u, y - (u - 1.0), 0).copysign(x)
}

/// ln(u + c) + ln 2^more, `c` far below `u`.
#[inline(always)]
fn logarithm(u: f32, c: f32, more: i32) -> f32 {
    let bits = u.to_bits();
    let k = (bits.wrapping_sub(SQRT_HALF_BITS) as i32) >> 23;
    let m = f32::from_bits(bits.wrapping_sub((k << 23) as u32));
    let k = (k + more) as f32;
    let f = m - 1.0;
    let s = f / (m + 1.0);
    let z = s * s;
    // The series in two halves: fewer steps that wait for each other.
    let far = z.mul_add(0.222_222_22, 0.285_714_3);
    let series = (z * z).mul_add(far, z.mul_add(0.4, 0.666_666_7));
    // 2 s = f - s f: the first term is exact.
    k.mul_add(LN_2, (-s).mul_add((-z).mul_add(series, f), f) + c / u)
}

/// `x = scale * asinh(factor * x)` for all numbers of a slice.
pub fn stretch(values: &mut [f32], factor: f32, scale: f32) {
    each(values, factor, move |_, stretched| scale * stretched);
}

/// `x = scale * asinh(factor * x) / (factor * x)` for all numbers of a slice: `scale` where x is zero.
pub fn ratios(values: &mut [f32], factor: f32, scale: f32) {
    each(values, factor, move |x, stretched| {
        let is_small = x.abs() < 1e-4;
        scale * if is_small { 1.0 } else { stretched / if is_small { 1.0 } else { x } }
    });
}

/// Puts `with(x, asinh(x))`, `x = factor * value`, in the place of each value. Closures own what they use: through a reference
/// the compiler must take it for changed by each value written, and works on one at a time.
#[inline(always)]
fn each(values: &mut [f32], factor: f32, with: impl Fn(f32, f32) -> f32) {
    simd::wide(
        #[inline(always)]
        move || {
            let nears = values.iter().fold(0u32, |n, v| n + u32::from((factor * *v).abs() < LARGE));
            // Two loops: the one for what is large or no number, which hardly ever runs, has branches.
            if nears as usize == values.len() {
                for value in values.iter_mut() {
                    let x = factor * *value;
                    *value = with(x, near(x));
                }
            } else {
                for value in values.iter_mut() {
                    let x = factor * *value;
                    *value = with(x, asinh(x));
                }
            }
        },
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn off(x: f32) -> f64 {
        let truth = libm::asinh(f64::from(x));
        (f64::from(asinh(x)) / truth - 1.0).abs()
    }

    #[test]
    fn is_the_librarys() {
        let mut worst = 0f64;
        for exponent in -1200..1260 {
            let x = libm::exp2(f64::from(exponent) / 10.0) as f32;
            worst = worst.max(off(x)).max(off(-x));
        }
        assert!(worst < 4e-7, "{worst:e}");
        println!("largest relative error {worst:.1e}");
        assert!(asinh(f32::NAN).is_nan() && asinh(0.0) == 0.0);
        assert!(asinh(f32::INFINITY) > 88.0 && asinh(f32::NEG_INFINITY) < -88.0);
    }

    proptest! {
        #[test]
        fn is_odd_and_near(x in -1e6f32..1e6) {
            prop_assert_eq!(asinh(x).to_bits(), (-asinh(-x)).to_bits());
            prop_assert!(x == 0.0 || off(x) < 4e-7);
        }
    }
}
