//! Sixteen whole numbers of 16 bits with AVX2, as parts of complex numbers. Sums saturate; products are of numbers and fractions.

use std::arch::x86_64::*;

/// Numbers in a vector.
pub(super) const LANES: usize = 16;

/// Sixteen complex numbers: real and imaginary parts. Values are made by kernels of [`super::Fft16`] alone, where the machine has the
/// instructions.
#[derive(Clone, Copy)]
pub(super) struct Whole(__m256i, __m256i);

/// Calls an intrinsic of AVX2 that touches registers only.
macro_rules! call {
    ($intrinsic:ident($($argument:expr),*)) => {
        // SAFETY: AVX2 is there: an `Fft16` is planned for no other path, and run by `Simd::run`; the intrinsic touches registers only.
        unsafe { $intrinsic($($argument),*) }
    };
}

impl Whole {
    /// Real parts, and imaginary ones after them.
    ///
    /// # Safety
    /// They can be read.
    #[inline(always)]
    pub unsafe fn load(re: *const i16, im: *const i16) -> Self {
        // SAFETY: as the caller says; no alignment is asked for.
        unsafe { Self(_mm256_loadu_si256(re.cast()), _mm256_loadu_si256(im.cast())) }
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
    pub fn splat([re, im]: [i16; 2]) -> Self {
        Self(call!(_mm256_set1_epi16(re)), call!(_mm256_set1_epi16(im)))
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

    /// Complex numbers in turn, times a factor; what is larger of `top` and their parts' sizes.
    ///
    /// # Safety
    /// As many can be written, two floats each.
    #[inline(always)]
    pub unsafe fn store_scaled(self, factor: f32, to: *mut f32, top: Top) -> Top {
        let (low, high) =
            (call!(_mm256_unpacklo_epi16(self.0, self.1)), call!(_mm256_unpackhi_epi16(self.0, self.1)));
        let factor = call!(_mm256_set1_ps(factor));
        // SAFETY: as the caller says; no alignment is asked for.
        unsafe {
            floats(_mm256_castsi256_si128(low), factor, to);
            floats(_mm256_castsi256_si128(high), factor, to.add(8));
            floats(_mm256_extracti128_si256::<1>(low), factor, to.add(16));
            floats(_mm256_extracti128_si256::<1>(high), factor, to.add(24));
        }
        let size = call!(_mm256_max_epu16(_mm256_abs_epi16(self.0), _mm256_abs_epi16(self.1)));
        Top(call!(_mm256_max_epu16(top.0, size)))
    }
}

/// Eight numbers times a factor.
///
/// # Safety
/// Eight floats can be written.
#[inline(always)]
unsafe fn floats(numbers: __m128i, factor: __m256, to: *mut f32) {
    // SAFETY: as the caller says; no alignment is asked for.
    unsafe {
        _mm256_storeu_ps(to, _mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_cvtepi16_epi32(numbers)), factor));
    }
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
