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
        // Four columns of all rows at a time: rows 0, 4, 8, 12 side by side, and so on; 4 x 4 blocks are turned in
        // registers, and whole rows of the result are stored.
        for quarter in 0..4 {
            // SAFETY: the caller says that sixteen rows of sixteen can be read and written.
            unsafe {
                let rows = |i: usize| load_quarters(from.add(i * from_stride + 4 * quarter), 4 * from_stride);
                let (r0, r1, r2, r3) = (rows(0), rows(1), rows(2), rows(3));
                let (a, b) = (_mm512_unpacklo_ps(r0, r1), _mm512_unpackhi_ps(r0, r1));
                let (c, d) = (_mm512_unpacklo_ps(r2, r3), _mm512_unpackhi_ps(r2, r3));
                let to = to.add(4 * quarter * to_stride);
                _mm512_storeu_ps(to, _mm512_shuffle_ps::<0x44>(a, c));
                _mm512_storeu_ps(to.add(to_stride), _mm512_shuffle_ps::<0xee>(a, c));
                _mm512_storeu_ps(to.add(2 * to_stride), _mm512_shuffle_ps::<0x44>(b, d));
                _mm512_storeu_ps(to.add(3 * to_stride), _mm512_shuffle_ps::<0xee>(b, d));
            }
        }
    }

    #[inline(always)]
    unsafe fn decode(bytes: *const u8, offset: u32, table: *const f32) -> Self {
        // SAFETY: the caller says that eight bytes can be read. The table's entry of byte 0b11100100 holds the values
        // of the four codes in turn. The upper eight samples begin two bytes later.
        unsafe {
            let word = |at: usize| _mm512_set1_epi32(bytes.add(at).cast::<i32>().read_unaligned());
            let words = _mm512_mask_blend_epi32(0xff00, word(0), word(2));
            let places = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 0, 2, 4, 6, 8, 10, 12, 14);
            let shifts = _mm512_add_epi32(places, _mm512_set1_epi32(offset.cast_signed()));
            let codes = _mm512_srlv_epi32(words, shifts);
            let levels = _mm512_broadcast_f32x4(_mm_loadu_ps(table.add(4 * 0b11_10_01_00)));
            // Only the two lowest bits of each element choose.
            Self(_mm512_permutevar_ps(levels, codes))
        }
    }
}

/// Four values from each of four rows `stride` apart.
///
/// # Safety
/// AVX-512F is there; the values can be read.
#[inline(always)]
unsafe fn load_quarters(from: *const f32, stride: usize) -> __m512 {
    // SAFETY: as the caller says.
    unsafe {
        let x = _mm512_castps128_ps512(_mm_loadu_ps(from));
        let x = _mm512_insertf32x4::<1>(x, _mm_loadu_ps(from.add(stride)));
        let x = _mm512_insertf32x4::<2>(x, _mm_loadu_ps(from.add(2 * stride)));
        _mm512_insertf32x4::<3>(x, _mm_loadu_ps(from.add(3 * stride)))
    }
}
