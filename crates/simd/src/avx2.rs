//! Eight lanes with AVX2 and FMA.

use super::Lanes;
use std::arch::x86_64::*;

/// Eight numbers. Values are made by [`super::Simd::run`] alone, where the machine has the instructions.
#[derive(Clone, Copy)]
pub(super) struct Eight(__m256);

/// Calls an intrinsic of AVX2 and FMA.
macro_rules! call {
    ($intrinsic:ident($($argument:expr),*)) => {
        // SAFETY: AVX2 and FMA are there: kernels get this type from `Simd::run` alone, which has checked; the
        // intrinsic touches registers only.
        unsafe { $intrinsic($($argument),*) }
    };
}

/// Four values from each of two places.
///
/// # Safety
/// They can be read.
#[inline(always)]
unsafe fn halves(low: *const f32, high: *const f32) -> __m256 {
    // SAFETY: as the caller says; no alignment is asked for.
    unsafe { _mm256_insertf128_ps::<1>(_mm256_castps128_ps256(_mm_loadu_ps(low)), _mm_loadu_ps(high)) }
}

impl Lanes for Eight {
    const N: usize = 8;

    #[inline(always)]
    fn splat(x: f32) -> Self {
        Self(call!(_mm256_set1_ps(x)))
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: as the caller says; no alignment is asked for.
        Self(unsafe { _mm256_loadu_ps(from) })
    }

    #[inline(always)]
    unsafe fn load_reversed(from: *const f32) -> Self {
        // SAFETY: as the caller says.
        unsafe { Self(_mm256_permute_ps::<0b00_01_10_11>(halves(from.add(4), from))) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: as the caller says; no alignment is asked for.
        unsafe { _mm256_storeu_ps(to, self.0) }
    }

    #[inline(always)]
    unsafe fn add_to(self, to: *mut f64) {
        let low = call!(_mm256_cvtps_pd(_mm256_castps256_ps128(self.0)));
        // SAFETY: as in `call`.
        let high = unsafe { _mm256_cvtps_pd(_mm256_extractf128_ps::<1>(self.0)) };
        // SAFETY: the caller says that eight doubles can be read and written.
        unsafe {
            _mm256_storeu_pd(to, _mm256_add_pd(_mm256_loadu_pd(to), low));
            _mm256_storeu_pd(to.add(4), _mm256_add_pd(_mm256_loadu_pd(to.add(4)), high));
        }
    }

    #[inline(always)]
    fn add(self, b: Self) -> Self {
        Self(call!(_mm256_add_ps(self.0, b.0)))
    }

    #[inline(always)]
    fn sub(self, b: Self) -> Self {
        Self(call!(_mm256_sub_ps(self.0, b.0)))
    }

    #[inline(always)]
    fn mul(self, b: Self) -> Self {
        Self(call!(_mm256_mul_ps(self.0, b.0)))
    }

    #[inline(always)]
    fn mul_add(self, b: Self, c: Self) -> Self {
        Self(call!(_mm256_fmadd_ps(self.0, b.0, c.0)))
    }

    #[inline(always)]
    fn neg_mul_add(self, b: Self, c: Self) -> Self {
        Self(call!(_mm256_fnmadd_ps(self.0, b.0, c.0)))
    }

    #[inline(always)]
    unsafe fn transpose(from: *const f32, from_stride: usize, to: *mut f32, to_stride: usize) {
        for half in 0..2 {
            // SAFETY: the caller says that eight rows of eight can be read and written. Rows i and i + 4 are joined on
            // loading, which spares the costly exchange of halves.
            unsafe {
                let (from, to) = (from.add(4 * half), to.add(4 * half * to_stride));
                let far = from.add(4 * from_stride);
                let r0 = halves(from, far);
                let r1 = halves(from.add(from_stride), far.add(from_stride));
                let r2 = halves(from.add(2 * from_stride), far.add(2 * from_stride));
                let r3 = halves(from.add(3 * from_stride), far.add(3 * from_stride));
                let (a, b) = (_mm256_unpacklo_ps(r0, r1), _mm256_unpackhi_ps(r0, r1));
                let (c, d) = (_mm256_unpacklo_ps(r2, r3), _mm256_unpackhi_ps(r2, r3));
                _mm256_storeu_ps(to, _mm256_shuffle_ps::<0x44>(a, c));
                _mm256_storeu_ps(to.add(to_stride), _mm256_shuffle_ps::<0xee>(a, c));
                _mm256_storeu_ps(to.add(2 * to_stride), _mm256_shuffle_ps::<0x44>(b, d));
                _mm256_storeu_ps(to.add(3 * to_stride), _mm256_shuffle_ps::<0xee>(b, d));
            }
        }
    }

    #[inline(always)]
    unsafe fn decode(bytes: *const u8, offset: u32, table: *const f32) -> Self {
        // SAFETY: the caller says that eight bytes can be read. The table's entry of byte 0b11100100 holds the values
        // of the four codes in turn. Eight samples from bit 6 on end at bit 22.
        unsafe {
            let word = _mm256_set1_epi32(u32::from_le(bytes.cast::<u32>().read_unaligned()).cast_signed());
            let places = _mm256_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14);
            let shifts = _mm256_add_epi32(places, _mm256_set1_epi32(offset.cast_signed()));
            let levels = _mm256_broadcast_ps(&*table.add(4 * 0b11_10_01_00).cast::<__m128>());
            // Only the two lowest bits of each element choose.
            Self(_mm256_permutevar_ps(levels, _mm256_srlv_epi32(word, shifts)))
        }
    }
}
