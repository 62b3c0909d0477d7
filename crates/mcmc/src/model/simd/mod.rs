//! Vector instructions: which there are, and how a kernel is run with them.
//!
//! A kernel is written once, over [`Lanes`]; [`Simd::run`] compiles it for every instruction set and
//! takes the one that the plan names. This module alone holds `unsafe` code.

mod avx2;
mod avx512;
mod portable;

pub use mirinae_common::simd_path::SimdPath;

/// A path that this machine has been seen to have.
#[derive(Debug, Clone, Copy)]
pub(super) struct Simd(SimdPath);

/// A computation that can be compiled for any path. `run` and all that it calls must be
/// `#[inline(always)]`, else it is compiled for the portable path alone (and is slow, but right).
pub(super) trait Kernel {
    /// What it gives.
    type Output;
    /// Does it.
    fn run<L: Lanes>(self) -> Self::Output;
}

impl Simd {
    /// The path, if this machine has it.
    pub fn new(path: SimdPath) -> Option<Self> {
        path.is_available().then_some(Self(path))
    }

    /// Runs a kernel.
    pub fn run<K: Kernel>(self, kernel: K) -> K::Output {
        match self.0 {
            SimdPath::Portable => kernel.run::<portable::Four>(),
            // SAFETY: `new` has found AVX2 and FMA on this machine.
            SimdPath::Avx2 => unsafe { run_avx2(kernel) },
            // SAFETY: `new` has found AVX-512F, AVX2 and FMA on this machine.
            SimdPath::Avx512 => unsafe { run_avx512(kernel) },
        }
    }
}

#[target_feature(enable = "avx2,fma")]
fn run_avx2<K: Kernel>(kernel: K) -> K::Output {
    kernel.run::<avx2::Four>()
}

#[target_feature(enable = "avx512f,avx2,fma")]
fn run_avx512<K: Kernel>(kernel: K) -> K::Output {
    kernel.run::<avx512::Eight>()
}

/// The most lanes that any path has: arrays are padded to a multiple of it.
pub(super) const MAX_LANES: usize = 8;
/// The fewest.
pub(super) const MIN_LANES: usize = 4;

/// A few doubles that are worked on together. Fused multiply-add where the path has it.
pub(super) trait Lanes: Copy {
    /// How many.
    const N: usize;
    /// The same value in all.
    fn splat(x: f64) -> Self;
    /// The first `N` values; panics where there are fewer.
    fn load(from: &[f64]) -> Self;
    /// Into the first `N` places; panics where there are fewer.
    fn store(self, to: &mut [f64]);
    /// `self + b`.
    fn add(self, b: Self) -> Self;
    /// `self - b`.
    fn sub(self, b: Self) -> Self;
    /// `self b`.
    fn mul(self, b: Self) -> Self;
    /// `self / b`.
    fn div(self, b: Self) -> Self;
    /// `self b + c`.
    fn mul_add(self, b: Self, c: Self) -> Self;
    /// `c - self b`.
    fn neg_mul_add(self, b: Self, c: Self) -> Self;
    /// The smaller; `b` where `self` is NaN.
    fn min(self, b: Self) -> Self;
    /// The larger; `b` where `self` is NaN.
    fn max(self, b: Self) -> Self;
    /// Whether any lane is larger than its counterpart.
    fn any_above(self, b: Self) -> bool;
    /// The square root.
    fn sqrt(self) -> Self;
    /// `2^n` for the integer n in the lowest bits of `self` (an integer plus 1.5 * 2^52).
    fn pow2(self) -> Self;
    /// `(m, k)` with `self = m 2^k` and m from sqrt(1/2) to sqrt(2), for positive normal numbers.
    fn split(self) -> (Self, Self);
    /// The integers before the decimal point, into the first `N` places, for numbers below 2^31; panics where
    /// there are fewer.
    fn store_integers(self, to: &mut [i32]);
    /// The sum of all lanes, always in the same order.
    #[inline(always)]
    fn sum(self) -> f64 {
        let mut values = [0.0; MAX_LANES];
        self.store(&mut values);
        ((values[0] + values[1]) + (values[2] + values[3]))
            + ((values[4] + values[5]) + (values[6] + values[7]))
    }
}

/// `1.0` as bits; added to an exponent it biases it.
const ONE_BITS: u64 = 0x3FF0_0000_0000_0000;
/// Carries mantissas above sqrt(2) over to the next exponent.
const CARRY_BITS: u64 = ONE_BITS - 0x3FE6_A09E_667F_3BCD;
/// Sign and exponent of a double.
const EXPONENT_BITS: u64 = 0xFFF0_0000_0000_0000;
/// 2^52 as bits: an integer below 2^52 in the mantissa makes 2^52 plus it.
const TWO52_BITS: u64 = 0x4330_0000_0000_0000;
/// 2^52 and the bias of the exponent.
const TWO52_BIASED: f64 = 4_503_599_627_370_496.0 + 1023.0;

#[cfg(test)]
mod tests;
