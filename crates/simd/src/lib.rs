//! Vector instructions: how a kernel is run with those that the plan names.
//!
//! A kernel is written once, over [`Lanes`]; [`Simd::run`] compiles it for every instruction set. The correlator's own kernels are
//! here, with its `unsafe` code; they are many, and compiled once beside it.
#![allow(unsafe_code)]

mod aligned;
mod avx2;
mod avx512;
mod centres;
mod cross;
mod fft;
mod fft16;
mod portable;
mod spectra;
mod states;
#[cfg(test)]
mod tests;
mod transform;

pub use aligned::Aligned;
pub use centres::{Fine, turn_groups};
pub use cross::{CrossRows, cross};
pub use fft::{Fft, FftScratch};
pub use fft16::{
    Back16, Codes16, Fft16, Fft16Scratch, LANES as LANES16, Pair16, TAPS16, Turned16, ahead16, bytes16,
    place as place16, powers16, transform16,
};
pub use mirinae_common::simd_path::SimdPath;
pub use spectra::{Line, PairScratch, Planes, Run, pair, rotated};
pub use states::{count_codes, count_one_by_one};
pub use transform::transform;

/// The most lanes that any path has: rows of numbers are padded to a multiple of it.
pub const MAX_LANES: usize = 16;

/// A path that this machine has been seen to have.
#[derive(Debug, Clone, Copy)]
pub struct Simd(SimdPath);

/// A computation that can be compiled for any path. `run` and all that it calls must be `#[inline(always)]`, else it is
/// compiled for the portable path alone (and is slow, but right).
pub trait Kernel {
    /// What it gives.
    type Output;
    /// Does it.
    fn run<L: Lanes>(self) -> Self::Output;
}

impl Simd {
    /// The path if this machine has it, else the best below it. Runs agree on a path that all hosts have beforehand.
    pub fn new(path: SimdPath) -> Self {
        let usable = SimdPath::ALL.into_iter().rev().find(|p| *p <= path && p.is_available());
        Self(usable.unwrap_or(SimdPath::Portable))
    }

    /// The path.
    pub fn path(self) -> SimdPath {
        self.0
    }

    /// Lanes of its vectors.
    pub fn lanes(self) -> usize {
        match self.0 {
            SimdPath::Portable | SimdPath::Avx2 => 8,
            SimdPath::Avx512 => 16,
        }
    }

    /// Runs a kernel.
    pub fn run<K: Kernel>(self, kernel: K) -> K::Output {
        match self.0 {
            SimdPath::Portable => kernel.run::<portable::Plain<8>>(),
            // SAFETY: `new` has found AVX2 and FMA on this machine.
            SimdPath::Avx2 => unsafe { run_avx2(kernel) },
            // SAFETY: `new` has found AVX-512F, AVX2 and FMA on this machine.
            SimdPath::Avx512 => unsafe { run_avx512(kernel) },
        }
    }
}

#[target_feature(enable = "avx2,fma")]
fn run_avx2<K: Kernel>(kernel: K) -> K::Output {
    kernel.run::<avx2::Eight>()
}

#[target_feature(enable = "avx512f,avx2,fma")]
fn run_avx512<K: Kernel>(kernel: K) -> K::Output {
    kernel.run::<avx512::Sixteen>()
}

/// A few single-precision numbers that are worked on together. Fused multiply-add where the path has it.
pub trait Lanes: Copy {
    /// How many.
    const N: usize;
    /// The same value in all.
    fn splat(x: f32) -> Self;
    /// `N` values in a row.
    ///
    /// # Safety
    /// They can be read.
    unsafe fn load(from: *const f32) -> Self;
    /// `N` values in a row, the last one first.
    ///
    /// # Safety
    /// They can be read.
    unsafe fn load_reversed(from: *const f32) -> Self;
    /// Into `N` places in a row.
    ///
    /// # Safety
    /// They can be written.
    unsafe fn store(self, to: *mut f32);
    /// Adds to `N` doubles in a row.
    ///
    /// # Safety
    /// They can be read and written.
    unsafe fn add_to(self, to: *mut f64);
    /// `self + b`.
    fn add(self, b: Self) -> Self;
    /// `self - b`.
    fn sub(self, b: Self) -> Self;
    /// `self b`.
    fn mul(self, b: Self) -> Self;
    /// `self b + c`.
    fn mul_add(self, b: Self, c: Self) -> Self;
    /// `c - self b`.
    fn neg_mul_add(self, b: Self, c: Self) -> Self;
    /// The sum of all lanes, always in the same order.
    #[inline(always)]
    fn sum(self) -> f32 {
        let mut values = [0.0; MAX_LANES];
        // SAFETY: there are as many places as any path has lanes.
        unsafe { self.store(values.as_mut_ptr()) };
        let quarter = |i: usize| (values[i] + values[i + 4]) + (values[i + 8] + values[i + 12]);
        (quarter(0) + quarter(1)) + (quarter(2) + quarter(3))
    }
    /// Turns `N` rows of `N` values into columns.
    ///
    /// # Safety
    /// Rows `stride` apart can be read and written; they do not overlap.
    unsafe fn transpose(from: *const f32, from_stride: usize, to: *mut f32, to_stride: usize);
    /// `N` samples of 2 bits, least significant first, from bit `offset` (0, 2, 4, 6) of `bytes` on.
    ///
    /// # Safety
    /// 8 bytes can be read; `table` holds the four values of each byte.
    unsafe fn decode(bytes: *const u8, offset: u32, table: *const f32) -> Self;
}

/// Complex numbers: real and imaginary parts.
#[derive(Clone, Copy)]
struct Complex<L>(L, L);

impl<L: Lanes> Complex<L> {
    #[inline(always)]
    fn splat(re: f32, im: f32) -> Self {
        Self(L::splat(re), L::splat(im))
    }

    /// # Safety
    /// `N` values can be read from both.
    #[inline(always)]
    unsafe fn load(re: *const f32, im: *const f32) -> Self {
        // SAFETY: as the caller says.
        unsafe { Self(L::load(re), L::load(im)) }
    }

    /// # Safety
    /// `N` values can be written to both.
    #[inline(always)]
    unsafe fn store(self, re: *mut f32, im: *mut f32) {
        // SAFETY: as the caller says.
        unsafe {
            self.0.store(re);
            self.1.store(im);
        }
    }

    #[inline(always)]
    fn add(self, b: Self) -> Self {
        Self(self.0.add(b.0), self.1.add(b.1))
    }

    #[inline(always)]
    fn sub(self, b: Self) -> Self {
        Self(self.0.sub(b.0), self.1.sub(b.1))
    }

    #[inline(always)]
    fn mul(self, b: Self) -> Self {
        Self(self.1.neg_mul_add(b.1, self.0.mul(b.0)), self.1.mul_add(b.0, self.0.mul(b.1)))
    }

    /// `self + i b`.
    #[inline(always)]
    fn add_i(self, b: Self) -> Self {
        Self(self.0.sub(b.1), self.1.add(b.0))
    }

    /// `self - i b`.
    #[inline(always)]
    fn sub_i(self, b: Self) -> Self {
        Self(self.0.add(b.1), self.1.sub(b.0))
    }
}
