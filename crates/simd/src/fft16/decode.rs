//! Samples of 2 bits as whole numbers, sixteen at once.

use super::lanes::{Whole, call};
use std::arch::x86_64::*;

/// Values of samples of 2 bits, least significant first.
#[derive(Clone, Copy)]
pub(super) struct Decoder {
    /// Bits before the first sample.
    offset: u32,
    /// Low bytes of the four values, and high ones.
    values: __m256i,
}

impl Decoder {
    #[inline(always)]
    pub fn new(values: [i16; 4], offset: u32) -> Self {
        let [a, b, c, d] = values.map(|x| i32::from(x) as u32);
        let low = a & 0xff | (b & 0xff) << 8 | (c & 0xff) << 16 | (d & 0xff) << 24;
        let high = a >> 8 & 0xff | (b >> 8 & 0xff) << 8 | (c >> 8 & 0xff) << 16 | (d >> 8 & 0xff) << 24;
        let both = u64::from(low) | u64::from(high) << 32;
        Self { offset, values: call!(_mm256_set1_epi64x(both as i64)) }
    }

    /// 16 values times fractions.
    ///
    /// # Safety
    /// 8 bytes and 16 fractions can be read.
    #[inline(always)]
    unsafe fn real(self, bytes: *const u8, fractions: *const i16) -> __m256i {
        // SAFETY: as the caller says.
        let (bits, fractions) =
            unsafe { (bytes.cast::<u64>().read_unaligned(), _mm256_loadu_si256(fractions.cast())) };
        let bits = call!(_mm256_set1_epi32((bits >> self.offset) as i32));
        // Eight samples in every number of the lower half, eight in those of the upper one.
        let halves = call!(_mm256_set_epi64x(
            0x0302_0302_0302_0302,
            0x0302_0302_0302_0302,
            0x0100_0100_0100_0100,
            0x0100_0100_0100_0100
        ));
        let eight = call!(_mm256_shuffle_epi8(bits, halves));
        // Each to the highest bits of its number, then to the lowest ones.
        let shifts = call!(_mm256_set_epi64x(
            0x0001_0004_0010_0040,
            0x0100_0400_1000_4000,
            0x0001_0004_0010_0040,
            0x0100_0400_1000_4000
        ));
        let sample = call!(_mm256_srli_epi16::<14>(_mm256_mullo_epi16(eight, shifts)));
        // Places of the low byte and of the high one.
        let places = call!(_mm256_or_si256(
            _mm256_mullo_epi16(sample, _mm256_set1_epi16(0x0101)),
            _mm256_set1_epi16(0x0400)
        ));
        call!(_mm256_mulhrs_epi16(_mm256_shuffle_epi8(self.values, places), fractions))
    }
}

/// Samples of two recordings times fractions: real and imaginary parts.
///
/// # Safety
/// 8 bytes of both and 16 fractions can be read.
#[inline(always)]
pub(super) unsafe fn decode([a, b]: [(Decoder, *const u8); 2], fractions: *const i16) -> Whole {
    // SAFETY: as the caller says.
    unsafe { Whole::of(a.0.real(a.1, fractions), b.0.real(b.1, fractions)) }
}
