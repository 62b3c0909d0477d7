//! Lanes in plain Rust.

use super::Lanes;
use std::array::from_fn;

/// `W` numbers.
#[derive(Clone, Copy)]
pub(super) struct Plain<const W: usize>([f32; W]);

impl<const W: usize> Plain<W> {
    #[inline(always)]
    fn with(self, b: Self, f: impl Fn(f32, f32) -> f32) -> Self {
        Self(from_fn(|i| f(self.0[i], b.0[i])))
    }
}

impl<const W: usize> Lanes for Plain<W> {
    const N: usize = W;

    #[inline(always)]
    fn splat(x: f32) -> Self {
        Self([x; W])
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller says that they can be read; no alignment is asked for.
        Self(unsafe { from.cast::<[f32; W]>().read_unaligned() })
    }

    #[inline(always)]
    unsafe fn load_reversed(from: *const f32) -> Self {
        // SAFETY: as the caller says.
        let forward = unsafe { Self::load(from) };
        Self(from_fn(|i| forward.0[W - 1 - i]))
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: the caller says that they can be written; no alignment is asked for.
        unsafe { to.cast::<[f32; W]>().write_unaligned(self.0) }
    }

    #[inline(always)]
    unsafe fn add_to(self, to: *mut f64) {
        for i in 0..W {
            // SAFETY: the caller says that they can be read and written.
            unsafe { *to.add(i) += f64::from(self.0[i]) };
        }
    }

    #[inline(always)]
    fn add(self, b: Self) -> Self {
        self.with(b, |a, b| a + b)
    }

    #[inline(always)]
    fn sub(self, b: Self) -> Self {
        self.with(b, |a, b| a - b)
    }

    #[inline(always)]
    fn mul(self, b: Self) -> Self {
        self.with(b, |a, b| a * b)
    }

    #[inline(always)]
    fn mul_add(self, b: Self, c: Self) -> Self {
        self.mul(b).add(c)
    }

    #[inline(always)]
    fn neg_mul_add(self, b: Self, c: Self) -> Self {
        c.sub(self.mul(b))
    }

    #[inline(always)]
    unsafe fn transpose(from: *const f32, from_stride: usize, to: *mut f32, to_stride: usize) {
        for i in 0..W {
            for j in 0..W {
                // SAFETY: the caller says that the rows can be read and written.
                unsafe { *to.add(j * to_stride + i) = *from.add(i * from_stride + j) };
            }
        }
    }

    #[inline(always)]
    unsafe fn decode(bytes: *const u8, offset: u32, table: *const f32) -> Self {
        // SAFETY: the caller says that 8 bytes can be read.
        let word = u64::from_le(unsafe { bytes.cast::<u64>().read_unaligned() }) >> offset;
        // SAFETY: the table holds four values for every byte.
        Self(from_fn(|i| unsafe { *table.add((word >> (2 * (i / 4 * 4)) & 0xff) as usize * 4 + i % 4) }))
    }
}
