//! Sixteen lanes with AVX-512F.

use super::Lanes;
use std::arch::x86_64::*;

/// Sixteen numbers. Values are made by [`super::Simd::run`] alone, where the machine has the instructions.
#[derive(Clone, Copy)]
pub(super) struct Sixteen(__m512);

/// Calls an intrinsic of AVX-512F.
macro_rules! call {
    ($intrinsic:ident($($argument:expr),*)) => {
        // SAFETY: AVX-512F is there: kernels get this type from `Simd::run` alone, which has checked; the intrinsic
        // touches registers only.
        unsafe { $intrinsic($($argument),*) }
    };
}

impl Lanes for Sixteen {
    const N: usize = 16;

    #[inline(always)]
    fn splat(x: f32) -> Self {
        Self(call!(_mm512_set1_ps(x)))
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: as the caller says; no alignment is asked for.
        Self(unsafe { _mm512_loadu_ps(from) })
    }

    #[inline(always)]
    unsafe fn load_reversed(from: *const f32) -> Self {
        let last_first = call!(_mm512_setr_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0));
        // SAFETY: as the caller says; no alignment is asked for.
        Self(unsafe { _mm512_permutexvar_ps(last_first, _mm512_loadu_ps(from)) })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: as the caller says; no alignment is asked for.
        unsafe { _mm512_storeu_ps(to, self.0) }
    }

    #[inline(always)]
    unsafe fn add_to(self, to: *mut f64) {
        // SAFETY: the caller says that sixteen doubles can be read and written.
        unsafe {
            let low = _mm512_cvtps_pd(_mm512_castps512_ps256(self.0));
            let upper = _mm512_extractf64x4_pd::<1>(_mm512_castps_pd(self.0));
            let high = _mm512_cvtps_pd(_mm256_castpd_ps(upper));
            _mm512_storeu_pd(to, _mm512_add_pd(_mm512_loadu_pd(to), low));
            _mm512_storeu_pd(to.add(8), _mm512_add_pd(_mm512_loadu_pd(to.add(8)), high));
        }
    }

    #[inline(always)]
    fn add(self, b: Self) -> Self {
        Self(call!(_mm512_add_ps(self.0, b.0)))
    }

    #[inline(always)]
    fn sub(self, b: Self) -> Self {
        Self(call!(_mm512_sub_ps(self.0, b.0)))
    }

    #[inline(always)]
    fn mul(self, b: Self) -> Self {
        Self(call!(_mm512_mul_ps(self.0, b.0)))
    }

    #[inline(always)]
    fn mul_add(self, b: Self, c: Self) -> Self {
        Self(call!(_mm512_fmadd_ps(self.0, b.0, c.0)))
    }

    #[inline(always)]
    fn neg_mul_add(self, b: Self, c: Self) -> Self {
        Self(call!(_mm512_fnmadd_ps(self.0, b.0, c.0)))
    }

    #[inline(always)]
    unsafe fn transpose(from: *const f32, from_stride: usize, to: *mut f32, to_stride: usize) {
        // Four quarters of 4 x 16: within each, 4 x 4 blocks are turned in registers; a block is a quarter of a row of
        // the result.
        for quarter in 0..4 {
            // SAFETY: the caller says that sixteen rows of sixteen can be read and written.
            unsafe {
                let row = |i: usize| _mm512_loadu_ps(from.add((4 * quarter + i) * from_stride));
                let (r0, r1, r2, r3) = (row(0), row(1), row(2), row(3));
                let (a, b) = (_mm512_unpacklo_ps(r0, r1), _mm512_unpackhi_ps(r0, r1));
                let (c, d) = (_mm512_unpacklo_ps(r2, r3), _mm512_unpackhi_ps(r2, r3));
                let to = to.add(4 * quarter);
                store_quarters(_mm512_shuffle_ps::<0x44>(a, c), to, 4 * to_stride);
                store_quarters(_mm512_shuffle_ps::<0xee>(a, c), to.add(to_stride), 4 * to_stride);
                store_quarters(_mm512_shuffle_ps::<0x44>(b, d), to.add(2 * to_stride), 4 * to_stride);
                store_quarters(_mm512_shuffle_ps::<0xee>(b, d), to.add(3 * to_stride), 4 * to_stride);
            }
        }
    }

    #[inline(always)]
    unsafe fn decode(bytes: *const u8, offset: u32, table: *const f32) -> Self {
        // SAFETY: the caller says that eight bytes can be read. The table's entry of byte 0b11100100 holds the values
        // of the four codes in turn.
        unsafe {
            let word = (u64::from_le(bytes.cast::<u64>().read_unaligned()) >> offset) as u32;
            let shifts = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
            let codes = _mm512_srlv_epi32(_mm512_set1_epi32(word.cast_signed()), shifts);
            let levels = _mm512_broadcast_f32x4(_mm_loadu_ps(table.add(4 * 0b11_10_01_00)));
            // Only the two lowest bits of each element choose.
            Self(_mm512_permutevar_ps(levels, codes))
        }
    }
}

/// The four quarters of a vector into rows `stride` apart.
///
/// # Safety
/// AVX-512F is there; four values can be written to each row.
#[inline(always)]
unsafe fn store_quarters(x: __m512, to: *mut f32, stride: usize) {
    // SAFETY: as the caller says.
    unsafe {
        _mm_storeu_ps(to, _mm512_extractf32x4_ps::<0>(x));
        _mm_storeu_ps(to.add(stride), _mm512_extractf32x4_ps::<1>(x));
        _mm_storeu_ps(to.add(2 * stride), _mm512_extractf32x4_ps::<2>(x));
        _mm_storeu_ps(to.add(3 * stride), _mm512_extractf32x4_ps::<3>(x));
    }
}
