//! Powers of channels in whole numbers and of what is between them, as whole numbers.

use super::lanes::call;
use crate::{Kernel, Lanes, Simd, SimdPath};
use std::arch::x86_64::*;

/// Channels on either side that tell what is between two.
pub const TAPS16: usize = 4;
/// Channels of a vector.
const AT_ONCE: usize = 8;

/// Powers of channels and, after each, of what is between it and the next one, times factors and a weight, to the nearest whole number; the largest of them,
/// which is right even where it does not fit. `values` (real and imaginary parts in turn, sizes up to 4096) are of [`TAPS16`] more channels than factors on
/// either side; differences of those times `weights` (units of 2^-15) are added from the middle on.
pub fn powers16(
    simd: Simd,
    values: &[i16],
    (factors, weight): (&[f32], f32),
    weights: [i16; TAPS16],
    powers: &mut [u16],
) -> f32 {
    assert!(simd.path() >= SimdPath::Avx2, "whole numbers are made on such paths alone");
    let n = factors.len();
    assert!(values.len() == 2 * (n + 2 * TAPS16) && powers.len() == 2 * n);
    simd.run(Powers { values, factors, weight, weights, powers })
}

struct Powers<'a> {
    values: &'a [i16],
    factors: &'a [f32],
    weight: f32,
    weights: [i16; TAPS16],
    powers: &'a mut [u16],
}

impl Kernel for Powers<'_> {
    type Output = f32;

    #[inline(always)]
    fn run<L: Lanes>(self) -> f32 {
        let Self { values, factors, weight, weights, powers } = self;
        let n = factors.len();
        let whole = n - n % AT_ONCE;
        let mut top = 0.0;
        let mut at = 0;
        // SAFETY: there are values of as many channels as factors and the taps, and two powers of each, as `powers16` saw; the last vector is made where
        // there is room for a whole one.
        unsafe {
            let mut tops = Pairs::zero();
            while at < whole {
                let from = values.as_ptr().add(2 * at);
                tops = Pairs::powers(
                    from,
                    factors.as_ptr().add(at),
                    (weight, weights),
                    powers.as_mut_ptr().add(2 * at),
                    tops,
                );
                at += AT_ONCE;
            }
            if at < n {
                const ROOM: usize = 2 * (AT_ONCE + 2 * TAPS16);
                let (mut rest, mut of_rest, mut last) = ([0; ROOM], [0.0; AT_ONCE], [0; 2 * AT_ONCE]);
                rest[..values.len() - 2 * at].copy_from_slice(&values[2 * at..]);
                of_rest[..n - at].copy_from_slice(&factors[at..]);
                tops = Pairs::powers(
                    rest.as_ptr(),
                    of_rest.as_ptr(),
                    (weight, weights),
                    last.as_mut_ptr(),
                    tops,
                );
                powers[2 * at..].copy_from_slice(&last[..2 * (n - at)]);
            }
            let mut all = [0.0f32; AT_ONCE];
            tops.store(all.as_mut_ptr());
            for here in all {
                top = if here > top { here } else { top };
            }
        }
        top
    }
}

/// Eight channels, real and imaginary parts in turn, from one on.
///
/// # Safety
/// They can be read.
#[inline(always)]
unsafe fn at(from: *const i16, channel: usize) -> __m256i {
    // SAFETY: as the caller says; no alignment is asked for.
    unsafe { _mm256_loadu_si256(from.add(2 * channel).cast()) }
}

/// The difference of those before and after what is between two, times a weight.
///
/// # Safety
/// They can be read.
#[inline(always)]
unsafe fn part(from: *const i16, j: usize, weight: i16) -> __m256i {
    // SAFETY: as the caller says.
    unsafe {
        let difference = _mm256_sub_epi16(at(from, TAPS16 - j), at(from, TAPS16 + 1 + j));
        _mm256_mulhrs_epi16(difference, _mm256_set1_epi16(weight))
    }
}

/// Numbers of eight channels.
#[derive(Clone, Copy)]
struct Pairs(__m256);

impl Pairs {
    /// 0.
    #[inline(always)]
    fn zero() -> Self {
        Self(call!(_mm256_setzero_ps()))
    }

    /// # Safety
    /// Eight numbers can be written.
    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: as the caller says.
        unsafe { _mm256_storeu_ps(to, self.0) }
    }

    /// As [`powers16`] makes them, of eight channels; the largest so far.
    ///
    /// # Safety
    /// Values of sixteen channels, eight factors can be read, sixteen powers be written.
    #[inline(always)]
    unsafe fn powers(
        from: *const i16,
        factors: *const f32,
        (weight, weights): (f32, [i16; TAPS16]),
        to: *mut u16,
        tops: Self,
    ) -> Self {
        // SAFETY: as the caller says; no alignment is asked for.
        unsafe {
            let factor = _mm256_mul_ps(_mm256_loadu_ps(factors), _mm256_set1_ps(weight));
            let middle = at(from, TAPS16);
            let [a, b, c, d] = weights;
            let near = _mm256_add_epi16(part(from, 0, a), part(from, 1, b));
            let between = _mm256_add_epi16(near, _mm256_add_epi16(part(from, 2, c), part(from, 3, d)));
            let middle = _mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_madd_epi16(middle, middle)), factor);
            let between = _mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_madd_epi16(between, between)), factor);
            let low = _mm256_and_si256(_mm256_cvtps_epi32(middle), _mm256_set1_epi32(0xffff));
            let high = _mm256_slli_epi32::<16>(_mm256_cvtps_epi32(between));
            _mm256_storeu_si256(to.cast(), _mm256_or_si256(low, high));
            Self(_mm256_max_ps(tops.0, _mm256_max_ps(middle, between)))
        }
    }
}
