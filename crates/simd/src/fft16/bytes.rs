//! Complex numbers in whole numbers of 8 bits, those of a group with one exponent.

use super::lanes::{LANES, Whole};
use crate::{Kernel, Lanes, Simd, SimdPath};

/// Bytes of a group: real and imaginary parts in turn.
const BYTES: usize = 2 * LANES;

/// Keeps groups of `from` (16 real parts and 16 imaginary ones) as bytes, real and imaginary parts in turn: the parts times 2^(6 - e) 127 / 128, e the exponent,
/// that of the group's largest part or 6 where that is less.
pub fn bytes16(simd: Simd, from: &[i16], numbers: &mut [u8], exponents: &mut [u8]) {
    assert!(simd.path() >= SimdPath::Avx2, "whole numbers are made on such paths alone");
    assert!(from.len() == numbers.len() && from.len() == BYTES * exponents.len());
    simd.run(Bytes { from, numbers, exponents });
}

struct Bytes<'a> {
    from: &'a [i16],
    numbers: &'a mut [u8],
    exponents: &'a mut [u8],
}

impl Kernel for Bytes<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        let (mut from, mut to) = (self.from.as_ptr(), self.numbers.as_mut_ptr());
        for exponent in self.exponents {
            // SAFETY: there are as many groups of numbers and of bytes as exponents, as `bytes16` saw.
            unsafe {
                *exponent = Whole::load(from, from.add(LANES)).store_bytes(to);
                (from, to) = (from.add(BYTES), to.add(BYTES));
            }
        }
    }
}
