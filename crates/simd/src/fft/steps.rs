//! Transforms of 16 to 512 points along the rows of a table, every lane one column (Stockham's order).

use super::super::{Complex, Lanes};
use std::f64::consts::TAU;

/// Where a step reads: element `i` of every column.
pub(super) trait Source<L: Lanes> {
    /// # Safety
    /// `i` is below the length of the transform, and what the source points to is there.
    unsafe fn get(&self, i: usize) -> Complex<L>;
}

/// Where a step writes.
pub(super) trait Sink<L: Lanes> {
    /// # Safety
    /// As [`Source::get`].
    unsafe fn put(&mut self, i: usize, value: Complex<L>);
}

/// Rows of real parts and imaginary parts in turn.
pub(super) struct Rows(pub *mut f32);

impl<L: Lanes> Source<L> for Rows {
    #[inline(always)]
    unsafe fn get(&self, i: usize) -> Complex<L> {
        // SAFETY: the caller says that row `i` is there.
        unsafe {
            let row = self.0.add(2 * L::N * i);
            Complex::load(row, row.add(L::N))
        }
    }
}

impl<L: Lanes> Sink<L> for Rows {
    #[inline(always)]
    unsafe fn put(&mut self, i: usize, value: Complex<L>) {
        // SAFETY: the caller says that row `i` is there.
        unsafe {
            let row = self.0.add(2 * L::N * i);
            value.store(row, row.add(L::N));
        }
    }
}

/// One step: `length / radix` butterflies for each of `stride` interleaved transforms.
#[derive(Debug, Clone)]
pub(super) struct Step {
    radix: usize,
    length: usize,
    stride: usize,
    /// exp(-2 pi i p j / length), real and imaginary part, for each p below length / radix and 0 < j < radix.
    twiddles: Vec<f32>,
}

/// exp(-2 pi i part / whole).
pub(super) fn root(part: usize, whole: usize) -> (f32, f32) {
    let (sin, cos) = libm::sincos(TAU * (part % whole) as f64 / whole as f64);
    (cos as f32, -sin as f32)
}

/// The steps of a transform of 2^k points, k from 4 to 9: two or three.
pub(super) fn steps(points: usize) -> Vec<Step> {
    let mut list = Vec::new();
    let (mut length, mut stride) = (points, 1);
    while length > 1 {
        let k = length.trailing_zeros();
        let radix = if k == 2 || k % 3 == 1 { 4 } else { 8 };
        let pairs = (0..length / radix).flat_map(|p| (1..radix).map(move |j| root(p * j, length)));
        let twiddles = pairs.flat_map(|(re, im)| [re, im]).collect();
        list.push(Step { radix, length, stride, twiddles });
        length /= radix;
        stride *= radix;
    }
    list
}

#[inline(always)]
fn butterfly4<L: Lanes>(x: [Complex<L>; 4]) -> [Complex<L>; 4] {
    let (a, b, c, d) = (x[0].add(x[2]), x[0].sub(x[2]), x[1].add(x[3]), x[1].sub(x[3]));
    [a.add(c), b.sub_i(d), a.sub(c), b.add_i(d)]
}

#[inline(always)]
fn butterfly8<L: Lanes>(x: [Complex<L>; 8]) -> [Complex<L>; 8] {
    let even = butterfly4([x[0], x[2], x[4], x[6]]);
    let odd = butterfly4([x[1], x[3], x[5], x[7]]);
    let half = L::splat(std::f32::consts::FRAC_1_SQRT_2);
    // Times sqrt(2) exp(-i pi / 4) and, up to its sign, sqrt(2) exp(-3 i pi / 4).
    let (o1, o3) = (odd[1], odd[3]);
    let (a, b) = (o1.0.add(o1.1), o1.1.sub(o1.0));
    let (c, d) = (o3.1.sub(o3.0), o3.0.add(o3.1));
    let (e1, e3) = (even[1], even[3]);
    [
        even[0].add(odd[0]),
        Complex(a.mul_add(half, e1.0), b.mul_add(half, e1.1)),
        even[2].sub_i(odd[2]),
        Complex(c.mul_add(half, e3.0), d.neg_mul_add(half, e3.1)),
        even[0].sub(odd[0]),
        Complex(a.neg_mul_add(half, e1.0), b.neg_mul_add(half, e1.1)),
        even[2].add_i(odd[2]),
        Complex(c.neg_mul_add(half, e3.0), d.mul_add(half, e3.1)),
    ]
}

/// Makes the function of a step of one radix: loops, so that all is inlined.
macro_rules! step {
    ($name:ident, $radix:literal, $butterfly:ident) => {
        /// `GROUPS` butterflies for each of `STRIDE` transforms where the compiler is to know, else 0.
        ///
        /// # Safety
        /// Source and sink hold the whole transform.
        #[inline(always)]
        unsafe fn $name<L: Lanes, S: Source<L>, D: Sink<L>, const GROUPS: usize, const STRIDE: usize>(
            step: &Step,
            from: &S,
            to: &mut D,
        ) {
            let known = GROUPS > 0;
            let (groups, stride) = if known { (GROUPS, STRIDE) } else { (step.length / $radix, step.stride) };
            let zero = Complex::splat(0.0, 0.0);
            for p in 0..groups {
                let twiddles = &step.twiddles[p * 2 * ($radix - 1)..(p + 1) * 2 * ($radix - 1)];
                for q in 0..stride {
                    let mut x = [zero; $radix];
                    for j in 0..$radix {
                        // SAFETY: q + stride (p + groups j) is below length x stride, the points of the transform.
                        x[j] = unsafe { from.get(q + stride * (p + groups * j)) };
                    }
                    let mut y = $butterfly(x);
                    if groups > 1 {
                        for j in 1..$radix {
                            y[j] = y[j].mul(Complex::splat(twiddles[2 * j - 2], twiddles[2 * j - 1]));
                        }
                    }
                    for j in 0..$radix {
                        // SAFETY: as above.
                        unsafe { to.put(q + stride * ($radix * p + j), y[j]) };
                    }
                }
            }
        }
    };
}

step!(step4, 4, butterfly4);
step!(step8, 8, butterfly8);

/// # Safety
/// Source and sink hold the whole transform.
#[inline(always)]
unsafe fn one<L: Lanes, S: Source<L>, D: Sink<L>>(step: &Step, from: &S, to: &mut D) {
    // SAFETY: as the caller says.
    unsafe {
        match step.radix {
            8 => step8::<L, S, D, 0, 0>(step, from, to),
            _ => step4::<L, S, D, 0, 0>(step, from, to),
        }
    }
}

/// Transforms all columns, `LENGTH` points long where the compiler is to know, else 0.
///
/// # Safety
/// Source, sink and both scratches hold the whole transform, the scratches in rows as [`Rows`] has them.
#[inline(always)]
pub(super) unsafe fn transform<L: Lanes, S: Source<L>, D: Sink<L>, const LENGTH: usize>(
    steps: &[Step],
    scratch: (*mut f32, *mut f32),
    from: &S,
    to: &mut D,
) {
    // SAFETY: as the caller says.
    unsafe {
        match steps {
            [a, b] if LENGTH == 16 => {
                step4::<L, _, _, 4, 1>(a, from, &mut Rows(scratch.0));
                step4::<L, _, _, 1, 4>(b, &Rows(scratch.0), to);
            }
            [a, b] if LENGTH == 32 => {
                step8::<L, _, _, 4, 1>(a, from, &mut Rows(scratch.0));
                step4::<L, _, _, 1, 8>(b, &Rows(scratch.0), to);
            }
            [a, b] => {
                one::<L, _, _>(a, from, &mut Rows(scratch.0));
                one::<L, _, _>(b, &Rows(scratch.0), to);
            }
            [a, b, c] => {
                one::<L, _, _>(a, from, &mut Rows(scratch.0));
                one::<L, _, _>(b, &Rows(scratch.0), &mut Rows(scratch.1));
                one::<L, _, _>(c, &Rows(scratch.1), to);
            }
            _ => {}
        }
    }
}
