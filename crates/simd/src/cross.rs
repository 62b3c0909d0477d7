//! Sums products of spectra over the blocks of a batch, the sums of a few channels in registers.

use super::{Complex, Kernel, Lanes, MAX_LANES, Simd};

/// Vectors of channels whose sums are in registers at once.
const TILE: usize = 4;

/// Spectra of one recorded channel: rows of a multiple of [`MAX_LANES`] numbers, one for each block.
#[derive(Debug, Clone, Copy)]
pub struct CrossRows<'a> {
    /// Real parts.
    pub re: &'a [f32],
    /// Imaginary parts.
    pub im: &'a [f32],
    /// Numbers from a block to the next one.
    pub stride: usize,
}

/// Adds a x conj(b) of every block to the sums of `width` channels, a multiple of [`MAX_LANES`], from `from` on. The
/// imaginary part of a x conj(a) is left alone.
pub fn cross(
    simd: Simd,
    (a, b): (CrossRows, CrossRows),
    blocks: usize,
    (from, width): (usize, usize),
    (sum_re, sum_im): (&mut [f64], &mut [f64]),
) {
    if blocks == 0 {
        return;
    }
    let holds = |rows: &CrossRows| {
        let end = (blocks - 1) * rows.stride + from + width;
        rows.re.len() >= end && rows.im.len() >= end
    };
    assert!(holds(&a) && holds(&b));
    assert!(width.is_multiple_of(MAX_LANES) && sum_re.len() >= from + width && sum_im.len() >= from + width);
    simd.run(Cross { a, b, blocks, from, width, sum_re, sum_im });
}

struct Cross<'a> {
    a: CrossRows<'a>,
    b: CrossRows<'a>,
    blocks: usize,
    from: usize,
    width: usize,
    sum_re: &'a mut [f64],
    sum_im: &'a mut [f64],
}

impl Kernel for Cross<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(mut self) {
        let auto = std::ptr::eq(self.a.re, self.b.re);
        let (mut at, end) = (self.from, self.from + self.width);
        // SAFETY: all channels up to `end` are there in every block and in the sums, as `cross` has seen.
        unsafe {
            while at < end {
                if end - at >= TILE * L::N {
                    if auto {
                        self.auto::<L, TILE>(at)
                    } else {
                        self.tile::<L, TILE>(at)
                    }
                    at += TILE * L::N;
                } else {
                    if auto {
                        self.auto::<L, 1>(at)
                    } else {
                        self.tile::<L, 1>(at)
                    }
                    at += L::N;
                }
            }
        }
    }
}

impl Cross<'_> {
    /// # Safety
    /// Channels `at ..` of T vectors are there in all blocks and in the sums.
    #[inline(always)]
    unsafe fn tile<L: Lanes, const T: usize>(&mut self, at: usize) {
        let mut sums = [Complex(L::splat(0.0), L::splat(0.0)); T];
        for block in 0..self.blocks {
            for (i, sum) in sums.iter_mut().enumerate() {
                // SAFETY: as the caller says.
                let (a, b): (Complex<L>, Complex<L>) = unsafe {
                    let of = |rows: &CrossRows| {
                        let place = block * rows.stride + at + i * L::N;
                        (rows.re.as_ptr().add(place), rows.im.as_ptr().add(place))
                    };
                    let (a, b) = (of(&self.a), of(&self.b));
                    (Complex::load(a.0, a.1), Complex::load(b.0, b.1))
                };
                let Complex(re, im) = *sum;
                let re = a.1.mul_add(b.1, a.0.mul_add(b.0, re));
                let im = a.0.neg_mul_add(b.1, a.1.mul_add(b.0, im));
                *sum = Complex(re, im);
            }
        }
        for (i, sum) in sums.into_iter().enumerate() {
            // SAFETY: as the caller says.
            unsafe {
                sum.0.add_to(self.sum_re.as_mut_ptr().add(at + i * L::N));
                sum.1.add_to(self.sum_im.as_mut_ptr().add(at + i * L::N));
            }
        }
    }

    /// # Safety
    /// As [`Self::tile`].
    #[inline(always)]
    unsafe fn auto<L: Lanes, const T: usize>(&mut self, at: usize) {
        let mut sums = [L::splat(0.0); T];
        for block in 0..self.blocks {
            for (i, sum) in sums.iter_mut().enumerate() {
                let place = block * self.a.stride + at + i * L::N;
                // SAFETY: as the caller says.
                let (re, im): (L, L) = unsafe {
                    (L::load(self.a.re.as_ptr().add(place)), L::load(self.a.im.as_ptr().add(place)))
                };
                *sum = im.mul_add(im, re.mul_add(re, *sum));
            }
        }
        for (i, sum) in sums.into_iter().enumerate() {
            // SAFETY: as the caller says.
            unsafe { sum.add_to(self.sum_re.as_mut_ptr().add(at + i * L::N)) };
        }
    }
}
