//! Four lanes with AVX2 and FMA.

use super::{CARRY_BITS, EXPONENT_BITS, Lanes, ONE_BITS, TWO52_BIASED, TWO52_BITS};
use std::arch::x86_64::*;

/// Four doubles. Values are made by [`super::Simd::run`] alone, where the machine has the instructions.
#[derive(Clone, Copy)]
pub(super) struct Four(__m256d);

/// Calls an intrinsic of AVX2 and FMA.
macro_rules! call {
    ($intrinsic:ident($($argument:expr),*)) => {
        // SAFETY: AVX2 and FMA is there: kernels get this type from `Simd::run` alone, which has
        // checked; the intrinsic touches registers only.
        unsafe { $intrinsic($($argument),*) }
    };
}

#[inline(always)]
fn bits(x: u64) -> __m256i {
    call!(_mm256_set1_epi64x(x.cast_signed()))
}

impl Lanes for Four {
    const N: usize = 4;

    #[inline(always)]
    fn splat(x: f64) -> Self {
        Self(call!(_mm256_set1_pd(x)))
    }

    #[inline(always)]
    fn load(from: &[f64]) -> Self {
        let from = &from[..4];
        // SAFETY: the slice holds 4 values; no alignment is asked for.
        Self(unsafe { _mm256_loadu_pd(from.as_ptr()) })
    }

    #[inline(always)]
    fn store(self, to: &mut [f64]) {
        let to = &mut to[..4];
        // SAFETY: the slice holds 4 values; no alignment is asked for.
        unsafe { _mm256_storeu_pd(to.as_mut_ptr(), self.0) }
    }

    #[inline(always)]
    fn add(self, b: Self) -> Self {
        Self(call!(_mm256_add_pd(self.0, b.0)))
    }

    #[inline(always)]
    fn sub(self, b: Self) -> Self {
        Self(call!(_mm256_sub_pd(self.0, b.0)))
    }

    #[inline(always)]
    fn mul(self, b: Self) -> Self {
        Self(call!(_mm256_mul_pd(self.0, b.0)))
    }

    #[inline(always)]
    fn div(self, b: Self) -> Self {
        Self(call!(_mm256_div_pd(self.0, b.0)))
    }

    #[inline(always)]
    fn mul_add(self, b: Self, c: Self) -> Self {
        Self(call!(_mm256_fmadd_pd(self.0, b.0, c.0)))
    }

    #[inline(always)]
    fn neg_mul_add(self, b: Self, c: Self) -> Self {
        Self(call!(_mm256_fnmadd_pd(self.0, b.0, c.0)))
    }

    #[inline(always)]
    fn min(self, b: Self) -> Self {
        Self(call!(_mm256_min_pd(self.0, b.0)))
    }

    #[inline(always)]
    fn max(self, b: Self) -> Self {
        Self(call!(_mm256_max_pd(self.0, b.0)))
    }

    #[inline(always)]
    fn any_above(self, b: Self) -> bool {
        // SAFETY: as in `call`.
        let above = unsafe { _mm256_cmp_pd::<_CMP_GT_OQ>(self.0, b.0) };
        call!(_mm256_movemask_pd(above)) != 0
    }

    #[inline(always)]
    fn sqrt(self) -> Self {
        Self(call!(_mm256_sqrt_pd(self.0)))
    }

    #[inline(always)]
    fn pow2(self) -> Self {
        // SAFETY: as in `call`.
        let shifted = unsafe { _mm256_slli_epi64::<52>(_mm256_castpd_si256(self.0)) };
        let biased = call!(_mm256_add_epi64(shifted, bits(ONE_BITS)));
        Self(call!(_mm256_castsi256_pd(biased)))
    }

    #[inline(always)]
    fn split(self) -> (Self, Self) {
        let own = call!(_mm256_castpd_si256(self.0));
        let carried = call!(_mm256_add_epi64(own, bits(CARRY_BITS)));
        let exponent = call!(_mm256_and_si256(carried, bits(EXPONENT_BITS)));
        let unscaled = call!(_mm256_sub_epi64(own, exponent));
        let mantissa = call!(_mm256_add_epi64(unscaled, bits(ONE_BITS)));
        // SAFETY: as in `call`.
        let biased = unsafe { _mm256_srli_epi64::<52>(carried) };
        let plus_two52 = call!(_mm256_or_si256(biased, bits(TWO52_BITS)));
        let biased = call!(_mm256_castsi256_pd(plus_two52));
        (Self(call!(_mm256_castsi256_pd(mantissa))), Self(biased).sub(Self::splat(TWO52_BIASED)))
    }

    #[inline(always)]
    fn store_integers(self, to: &mut [i32]) {
        let to = &mut to[..4];
        let integers = call!(_mm256_cvttpd_epi32(self.0));
        // SAFETY: the slice holds 4 values; no alignment is asked for.
        unsafe { _mm_storeu_si128(to.as_mut_ptr().cast(), integers) }
    }
}
