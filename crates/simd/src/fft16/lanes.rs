//! Sixteen whole numbers of 16 bits with AVX2, as parts of complex numbers. Sums saturate; products are of numbers and fractions.

use super::steps::Twiddle;
use std::arch::x86_64::*;

/// Numbers in a vector.
pub const LANES: usize = 16;

/// Where the real part of a number is among those of which 16 real parts and 16 imaginary ones are kept in turn; its imaginary part is [`LANES`] after it.
pub fn place(number: usize) -> usize {
    number / LANES * 2 * LANES + number % LANES
}

/// Sixteen complex numbers: real and imaginary parts. Values are made by kernels of [`super::Fft16`] alone, where the machine has the
/// instructions.
#[derive(Clone, Copy)]
pub(super) struct Whole(__m256i, __m256i);

/// Calls an intrinsic of AVX2 that touches registers only.
macro_rules! call {
    ($intrinsic:ident$(::<$constant:literal>)?($($argument:expr),*)) => {
        // SAFETY: AVX2 is there: an `Fft16` is planned for no other path, and what needs none asserts it; the intrinsic touches registers only.
        unsafe { $intrinsic$(::<$constant>)?($($argument),*) }
    };
}

pub(super) use call;

impl Whole {
    /// Of real and imaginary parts.
    #[inline(always)]
    pub fn of(re: __m256i, im: __m256i) -> Self {
        Self(re, im)
    }

    /// Real parts, and imaginary ones after them.
    ///
    /// # Safety
    /// They can be read.
    #[inline(always)]
    pub unsafe fn load(re: *const i16, im: *const i16) -> Self {
        // SAFETY: as the caller says; no alignment is asked for.
        unsafe { Self(_mm256_loadu_si256(re.cast()), _mm256_loadu_si256(im.cast())) }
    }

    /// Asks for numbers that will be loaded soon: lines that are far apart are not fetched beforehand by the processor itself.
    #[inline(always)]
    pub fn ahead(re: *const i16) {
        // SAFETY: the instruction only hints, at any address.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(re.cast()) }
    }

    /// # Safety
    /// As many can be written.
    #[inline(always)]
    pub unsafe fn store(self, re: *mut i16, im: *mut i16) {
        // SAFETY: as the caller says; no alignment is asked for.
        unsafe {
            _mm256_storeu_si256(re.cast(), self.0);
            _mm256_storeu_si256(im.cast(), self.1);
        }
    }

    /// The same fraction in all, in units of 2^-15.
    #[inline(always)]
    pub fn splat([re, im]: Twiddle) -> Self {
        let (re, im): (i32, i32) = (bytemuck::cast(re), bytemuck::cast(im));
        Self(call!(_mm256_set1_epi32(re)), call!(_mm256_set1_epi32(im)))
    }

    #[inline(always)]
    pub fn add(self, b: Self) -> Self {
        Self(call!(_mm256_adds_epi16(self.0, b.0)), call!(_mm256_adds_epi16(self.1, b.1)))
    }

    #[inline(always)]
    pub fn sub(self, b: Self) -> Self {
        Self(call!(_mm256_subs_epi16(self.0, b.0)), call!(_mm256_subs_epi16(self.1, b.1)))
    }

    /// `self + i b`.
    #[inline(always)]
    pub fn add_i(self, b: Self) -> Self {
        Self(call!(_mm256_subs_epi16(self.0, b.1)), call!(_mm256_adds_epi16(self.1, b.0)))
    }

    /// `self - i b`.
    #[inline(always)]
    pub fn sub_i(self, b: Self) -> Self {
        Self(call!(_mm256_adds_epi16(self.0, b.1)), call!(_mm256_subs_epi16(self.1, b.0)))
    }

    /// `self` times fractions.
    #[inline(always)]
    pub fn mul(self, w: Self) -> Self {
        let (ac, bd) = (call!(_mm256_mulhrs_epi16(self.0, w.0)), call!(_mm256_mulhrs_epi16(self.1, w.1)));
        let (ad, bc) = (call!(_mm256_mulhrs_epi16(self.0, w.1)), call!(_mm256_mulhrs_epi16(self.1, w.0)));
        Self(call!(_mm256_subs_epi16(ac, bd)), call!(_mm256_adds_epi16(ad, bc)))
    }

    /// `self` times a real fraction in units of 2^-15.
    #[inline(always)]
    pub fn times(self, fraction: i16) -> Self {
        let w = call!(_mm256_set1_epi16(fraction));
        Self(call!(_mm256_mulhrs_epi16(self.0, w)), call!(_mm256_mulhrs_epi16(self.1, w)))
    }

    /// `self` times (1 - i) / sqrt(2).
    #[inline(always)]
    pub fn eighth(self) -> Self {
        let sum = call!(_mm256_adds_epi16(self.0, self.1));
        let difference = call!(_mm256_subs_epi16(self.1, self.0));
        Self(sum, difference).times(SQRT_HALF)
    }

    /// The larger size of both parts.
    #[inline(always)]
    fn sizes(self) -> __m256i {
        call!(_mm256_max_epu16(_mm256_abs_epi16(self.0), _mm256_abs_epi16(self.1)))
    }

    /// As bytes, real and imaginary parts in turn, times 2^(6 - e) 127 / 128; the exponent e, that of the largest part or 6 where that is less.
    ///
    /// # Safety
    /// 32 bytes can be written.
    #[inline(always)]
    pub unsafe fn store_bytes(self, to: *mut u8) -> u8 {
        let sizes = self.sizes();
        let (low, high) = (call!(_mm256_castsi256_si128(sizes)), call!(_mm256_extracti128_si256::<1>(sizes)));
        // The least of what is left up to the largest number.
        let left = call!(_mm_xor_si128(_mm_max_epu16(low, high), _mm_set1_epi16(-1)));
        let top = !call!(_mm_cvtsi128_si32(_mm_minpos_epu16(left))) & 0xffff;
        let e = (top | 64).ilog2();
        let scaled = self.times(0x7f00 >> (e - 6));
        let re = call!(_mm256_and_si256(scaled.0, _mm256_set1_epi16(0xff)));
        let both = call!(_mm256_or_si256(re, _mm256_slli_epi16::<8>(scaled.1)));
        // SAFETY: as the caller says; no alignment is asked for.
        unsafe { _mm256_storeu_si256(to.cast(), both) };
        e as u8
    }

    /// Both parts exchanged.
    #[inline(always)]
    pub fn exchanged(self) -> Self {
        Self(self.1, self.0)
    }

    /// The same numbers, the last one first.
    #[inline(always)]
    pub fn reversed(self) -> Self {
        Self(reversed(self.0), reversed(self.1))
    }

    /// With `m` the mirrored bins of a transform of a + i b, twice those of a: `self` + conj `m`.
    #[inline(always)]
    pub fn first_of_two(self, m: Self) -> Self {
        Self(call!(_mm256_adds_epi16(self.0, m.0)), call!(_mm256_subs_epi16(self.1, m.1)))
    }

    /// Twice those of b: (`self` - conj `m`) / i.
    #[inline(always)]
    pub fn second_of_two(self, m: Self) -> Self {
        Self(call!(_mm256_adds_epi16(self.1, m.1)), call!(_mm256_subs_epi16(m.0, self.0)))
    }
}

/// Numbers with the last one first.
#[inline(always)]
fn reversed(x: __m256i) -> __m256i {
    let order = call!(_mm256_setr_epi8(
        14, 15, 12, 13, 10, 11, 8, 9, 6, 7, 4, 5, 2, 3, 0, 1, 14, 15, 12, 13, 10, 11, 8, 9, 6, 7, 4, 5, 2, 3,
        0, 1
    ));
    call!(_mm256_permute4x64_epi64::<0b_01_00_11_10>(_mm256_shuffle_epi8(x, order)))
}

/// 1 over the root of 2, in units of 2^-15.
const SQRT_HALF: i16 = 23_170;

/// The largest sizes so far.
#[derive(Clone, Copy)]
pub(super) struct Top(__m256i);

impl Top {
    /// 0.
    #[inline(always)]
    pub fn zero() -> Self {
        Self(call!(_mm256_setzero_si256()))
    }

    /// What is larger, these or the sizes of parts.
    #[inline(always)]
    pub fn with(self, parts: Whole) -> Self {
        Self(call!(_mm256_max_epu16(self.0, parts.sizes())))
    }

    /// The largest of all.
    #[inline(always)]
    pub fn size(self) -> u16 {
        let mut sizes = [0u16; LANES];
        // SAFETY: there are as many places as lanes.
        unsafe { _mm256_storeu_si256(sizes.as_mut_ptr().cast(), self.0) };
        let mut top = 0;
        for size in sizes {
            top = if size > top { size } else { top };
        }
        top
    }
}

/// Turns 16 rows of 16 numbers into columns.
///
/// # Safety
/// Rows `stride` apart can be read and written; they do not overlap.
#[inline(always)]
pub(super) unsafe fn transpose(from: *const i16, from_stride: usize, to: *mut i16, to_stride: usize) {
    // SAFETY: as the caller says; no alignment is asked for.
    unsafe {
        let zero = _mm256_setzero_si256();
        let (mut low, mut high) = ([zero; 8], [zero; 8]);
        for i in 0..8 {
            low[i] = _mm256_loadu_si256(from.add(i * from_stride).cast());
            high[i] = _mm256_loadu_si256(from.add((i + 8) * from_stride).cast());
        }
        // Within halves of vectors, the first eight rows and the last.
        let (low, high) = (shuffled(shuffled(shuffled(low))), shuffled(shuffled(shuffled(high))));
        for i in 0..8 {
            let (a, b) = (low[i], high[i]);
            _mm256_storeu_si256(to.add(i * to_stride).cast(), _mm256_permute2x128_si256::<0x20>(a, b));
            _mm256_storeu_si256(to.add((i + 8) * to_stride).cast(), _mm256_permute2x128_si256::<0x31>(a, b));
        }
    }
}

/// A perfect shuffle of the numbers of eight rows, within halves of vectors.
#[inline(always)]
fn shuffled(rows: [__m256i; 8]) -> [__m256i; 8] {
    let [a, b, c, d, e, f, g, h] = rows;
    [
        call!(_mm256_unpacklo_epi16(a, e)),
        call!(_mm256_unpackhi_epi16(a, e)),
        call!(_mm256_unpacklo_epi16(b, f)),
        call!(_mm256_unpackhi_epi16(b, f)),
        call!(_mm256_unpacklo_epi16(c, g)),
        call!(_mm256_unpackhi_epi16(c, g)),
        call!(_mm256_unpacklo_epi16(d, h)),
        call!(_mm256_unpackhi_epi16(d, h)),
    ]
}
