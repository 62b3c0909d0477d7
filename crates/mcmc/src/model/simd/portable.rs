//! Four lanes in plain Rust.

use super::{CARRY_BITS, EXPONENT_BITS, Lanes, ONE_BITS, TWO52_BIASED, TWO52_BITS};
use std::array::from_fn;

/// Four doubles.
#[derive(Clone, Copy)]
pub(super) struct Four([f64; 4]);

impl Four {
    #[inline(always)]
    fn with(self, b: Self, f: impl Fn(f64, f64) -> f64) -> Self {
        Self(from_fn(|i| f(self.0[i], b.0[i])))
    }
}

impl Lanes for Four {
    const N: usize = 4;

    #[inline(always)]
    fn splat(x: f64) -> Self {
        Self([x; 4])
    }

    #[inline(always)]
    fn load(from: &[f64]) -> Self {
        let from = &from[..4];
        Self(from_fn(|i| from[i]))
    }

    #[inline(always)]
    fn store(self, to: &mut [f64]) {
        to[..4].copy_from_slice(&self.0);
    }

    #[inline(always)]
    fn add(self, b: Self) -> Self {
        self.with(b, |a, b| a + b)
    }

    #[inline(always)]
    fn sub(self, b: Self) -> Self {
        self.with(b, |a, b| a - b)
    }

    #[inline(always)]
    fn mul(self, b: Self) -> Self {
        self.with(b, |a, b| a * b)
    }

    #[inline(always)]
    fn div(self, b: Self) -> Self {
        self.with(b, |a, b| a / b)
    }

    #[inline(always)]
    fn mul_add(self, b: Self, c: Self) -> Self {
        self.mul(b).add(c)
    }

    #[inline(always)]
    fn neg_mul_add(self, b: Self, c: Self) -> Self {
        c.sub(self.mul(b))
    }

    #[inline(always)]
    fn min(self, b: Self) -> Self {
        self.with(b, |a, b| if a < b { a } else { b })
    }

    #[inline(always)]
    fn max(self, b: Self) -> Self {
        self.with(b, |a, b| if a > b { a } else { b })
    }

    #[inline(always)]
    fn any_above(self, b: Self) -> bool {
        self.0.iter().zip(b.0).any(|(a, b)| *a > b)
    }

    #[inline(always)]
    fn sqrt(self) -> Self {
        Self(self.0.map(f64::sqrt))
    }

    #[inline(always)]
    fn pow2(self) -> Self {
        Self(self.0.map(|x| f64::from_bits((x.to_bits() << 52).wrapping_add(ONE_BITS))))
    }

    #[inline(always)]
    fn split(self) -> (Self, Self) {
        let carried = self.0.map(|x| x.to_bits().wrapping_add(CARRY_BITS));
        let mantissa = from_fn(|i| {
            let bits = self.0[i].to_bits().wrapping_sub(carried[i] & EXPONENT_BITS);
            f64::from_bits(bits.wrapping_add(ONE_BITS))
        });
        let exponent = carried.map(|bits| f64::from_bits((bits >> 52) | TWO52_BITS) - TWO52_BIASED);
        (Self(mantissa), Self(exponent))
    }

    #[inline(always)]
    fn store_integers(self, to: &mut [i32]) {
        to[..4].copy_from_slice(&self.0.map(|x| x as i32));
    }
}
