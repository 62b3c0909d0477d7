//! Eight lanes with AVX-512F.

use super::{CARRY_BITS, EXPONENT_BITS, Lanes, ONE_BITS, TWO52_BIASED, TWO52_BITS};
use std::arch::x86_64::*;

/// Eight doubles. Values are made by [`super::Simd::run`] alone, where the machine has the instructions.
#[derive(Clone, Copy)]
pub(super) struct Eight(__m512d);

/// Calls an intrinsic of AVX-512F.
macro_rules! call {
    ($intrinsic:ident($($argument:expr),*)) => {
        // SAFETY: AVX-512F is there: kernels get this type from `Simd::run` alone, which has
        // checked; the intrinsic touches registers only.
        unsafe { $intrinsic($($argument),*) }
    };
}

#[inline(always)]
fn bits(x: u64) -> __m512i {
    call!(_mm512_set1_epi64(x.cast_signed()))
}

impl Lanes for Eight {
    const N: usize = 8;

    #[inline(always)]
    fn splat(x: f64) -> Self {
        Self(call!(_mm512_set1_pd(x)))
    }

    #[inline(always)]
    fn load(from: &[f64]) -> Self {
        let from = &from[..8];
        // SAFETY: the slice holds 8 values; no alignment is asked for.
        Self(unsafe { _mm512_loadu_pd(from.as_ptr()) })
    }

    #[inline(always)]
    fn store(self, to: &mut [f64]) {
        let to = &mut to[..8];
        // SAFETY: the slice holds 8 values; no alignment is asked for.
        unsafe { _mm512_storeu_pd(to.as_mut_ptr(), self.0) }
    }

    #[inline(always)]
    fn add(self, b: Self) -> Self {
        Self(call!(_mm512_add_pd(self.0, b.0)))
    }

    #[inline(always)]
    fn sub(self, b: Self) -> Self {
        Self(call!(_mm512_sub_pd(self.0, b.0)))
    }

    #[inline(always)]
    fn mul(self, b: Self) -> Self {
        Self(call!(_mm512_mul_pd(self.0, b.0)))
    }

    #[inline(always)]
    fn div(self, b: Self) -> Self {
        Self(call!(_mm512_div_pd(self.0, b.0)))
    }

    #[inline(always)]
    fn mul_add(self, b: Self, c: Self) -> Self {
        Self(call!(_mm512_fmadd_pd(self.0, b.0, c.0)))
    }

    #[inline(always)]
    fn neg_mul_add(self, b: Self, c: Self) -> Self {
        Self(call!(_mm512_fnmadd_pd(self.0, b.0, c.0)))
    }

    #[inline(always)]
    fn min(self, b: Self) -> Self {
        Self(call!(_mm512_min_pd(self.0, b.0)))
    }

    #[inline(always)]
    fn max(self, b: Self) -> Self {
        Self(call!(_mm512_max_pd(self.0, b.0)))
    }

    #[inline(always)]
    fn any_above(self, b: Self) -> bool {
        // SAFETY: as in `call`.
        let above = unsafe { _mm512_cmp_pd_mask::<_CMP_GT_OQ>(self.0, b.0) };
        above != 0
    }

    #[inline(always)]
    fn sqrt(self) -> Self {
        Self(call!(_mm512_sqrt_pd(self.0)))
    }

    #[inline(always)]
    fn pow2(self) -> Self {
        // SAFETY: as in `call`.
        let shifted = unsafe { _mm512_slli_epi64::<52>(_mm512_castpd_si512(self.0)) };
        let biased = call!(_mm512_add_epi64(shifted, bits(ONE_BITS)));
        Self(call!(_mm512_castsi512_pd(biased)))
    }

    #[inline(always)]
    fn split(self) -> (Self, Self) {
        let own = call!(_mm512_castpd_si512(self.0));
        let carried = call!(_mm512_add_epi64(own, bits(CARRY_BITS)));
        let exponent = call!(_mm512_and_si512(carried, bits(EXPONENT_BITS)));
        let unscaled = call!(_mm512_sub_epi64(own, exponent));
        let mantissa = call!(_mm512_add_epi64(unscaled, bits(ONE_BITS)));
        // SAFETY: as in `call`.
        let biased = unsafe { _mm512_srli_epi64::<52>(carried) };
        let plus_two52 = call!(_mm512_or_si512(biased, bits(TWO52_BITS)));
        let biased = call!(_mm512_castsi512_pd(plus_two52));
        (Self(call!(_mm512_castsi512_pd(mantissa))), Self(biased).sub(Self::splat(TWO52_BIASED)))
    }

    #[inline(always)]
    fn store_integers(self, to: &mut [i32]) {
        let to = &mut to[..8];
        let integers = call!(_mm512_cvttpd_epi32(self.0));
        // SAFETY: the slice holds 8 values; no alignment is asked for.
        unsafe { _mm256_storeu_si256(to.as_mut_ptr().cast(), integers) }
    }
}
