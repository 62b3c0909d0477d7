//! A forward complex transform of whole numbers of 16 bits, in a third of the time of one in single precision. Noise goes in with a level
//! and comes out with another one; rounding adds some millionths of its power. What is much stronger than noise does not fit, and is told.
//!
//! N = N1 N2 points as in [`crate::Fft`]: columns, a turn of every element, rows.

mod back;
mod bytes;
mod decode;
mod lanes;
mod pair;
mod powers;
mod steps;

pub use back::{Back16, Turned16, ahead16};
pub use bytes::bytes16;
pub use pair::{Codes16, Pair16};
pub use powers::{TAPS16, powers16};

use crate::{Kernel, Lanes, Simd, SimdPath};
use bytemuck::{Pod, Zeroable};
pub use lanes::{LANES, place};
use lanes::{Top, Whole, transpose};
use steps::{ROW, Rows, Sink, Source, Step, radices, root, steps, transform};

/// Longest columns and rows.
const LONGEST: usize = 1024;
/// Sizes up to here are right: what saturates on the way comes out with 0.7 of the largest number at least.
const MOST: u16 = 23_000;

/// Numbers that begin at a cache line.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C, align(64))]
struct Line([i16; 32]);

/// So many numbers, and the rest of a line.
fn zeros(n: usize) -> Vec<Line> {
    vec![Line([0; 32]); n.div_ceil(32)]
}

/// What is made once for a number of points.
#[derive(Debug, Clone)]
pub struct Fft16 {
    points: usize,
    /// Rows of the table, N1.
    rows: usize,
    /// Columns of the table, N2.
    columns: usize,
    over_rows: Vec<Step>,
    over_columns: Vec<Step>,
    /// exp(-2 pi i n2 k1 / N) times the ratio of levels, by group of columns, k1, part and lane.
    twiddles: Vec<Line>,
    /// What comes out times this is the transform of what goes in.
    factor: f32,
}

/// The memory that a transform works in.
#[derive(Debug, Clone)]
pub struct Fft16Scratch {
    columns: [Vec<Line>; 3],
    middle: Vec<Line>,
}

impl Fft16 {
    /// Plans a transform that noise of one level (root of the mean square of real and imaginary parts) leaves with another, lower one; `None` where
    /// there is none of so many points, or the path has no such instructions.
    pub fn new(points: usize, levels: [f64; 2], simd: Simd) -> Option<Self> {
        if simd.path() < SimdPath::Avx2 {
            return None;
        }
        // As many rows as columns, or somewhat more.
        let fits = |&rows: &usize| {
            let columns = points / rows;
            points.is_multiple_of(rows) && columns <= rows && radices(rows).and(radices(columns)).is_some()
        };
        let rows = (LANES..=LONGEST).step_by(LANES).find(fits)?;
        let columns = points / rows;
        let ratio = (levels[1] / levels[0]).min(1.0);
        let mut twiddles = Vec::with_capacity(2 * points);
        for group in (0..columns).step_by(LANES) {
            for k1 in 0..rows {
                let roots: Vec<_> = (group..group + LANES).map(|n2| root(n2 * k1, points, ratio)).collect();
                twiddles.extend(roots.iter().map(|r| r[0]).chain(roots.iter().map(|r| r[1])));
            }
        }
        let (over_rows, over_columns) = (steps(&radices(rows)?), steps(&radices(columns)?));
        let mut lines = zeros(2 * points);
        bytemuck::cast_slice_mut(&mut lines)[..2 * points].copy_from_slice(&twiddles);
        let factor = ((points as f64).sqrt() / ratio) as f32;
        Some(Self { points, rows, columns, over_rows, over_columns, twiddles: lines, factor })
    }

    /// What comes out times this is the transform of what goes in.
    pub fn factor(&self) -> f32 {
        self.factor
    }

    /// Number of points.
    pub fn points(&self) -> usize {
        self.points
    }

    /// Room for a transform to work in.
    pub fn scratch(&self) -> Fft16Scratch {
        let table = || zeros(ROW * self.rows);
        Fft16Scratch { columns: [table(), table(), table()], middle: zeros(2 * self.points) }
    }
}

/// Transforms `from` into `to`, both 16 real parts and 16 imaginary ones in turn. False where something does not fit: the result is of no use then.
pub fn transform16(
    simd: Simd,
    (fft, scratch): (&Fft16, &mut Fft16Scratch),
    from: &[i16],
    to: &mut [i16],
) -> bool {
    assert!(simd.path() >= SimdPath::Avx2, "planned for such paths alone");
    assert!(from.len() == 2 * fft.points && to.len() == from.len());
    simd.run(Transform { fft, scratch, from, to }) <= MOST
}

struct Transform<'a> {
    fft: &'a Fft16,
    scratch: &'a mut Fft16Scratch,
    from: &'a [i16],
    to: &'a mut [i16],
}

impl Kernel for Transform<'_> {
    /// The largest size that came out.
    type Output = u16;

    #[inline(always)]
    fn run<L: Lanes>(self) -> u16 {
        let row = ROW / LANES * self.fft.columns;
        for at in 0..self.fft.rows {
            Whole::ahead(self.from.as_ptr().wrapping_add(at * row));
        }
        let from = Blocks { from: self.from.as_ptr(), soon: 4 * row };
        let mut to = BlocksOut { to: self.to.as_mut_ptr(), top: Top::zero() };
        // SAFETY: both hold all points, as `transform16` saw.
        unsafe { self.fft.process::<0, _, _>(self.scratch, &from, &mut to) };
        to.top.size()
    }
}

/// Where a transform reads.
trait Input {
    /// Samples `at ..`, 16 of them.
    ///
    /// # Safety
    /// They lie within the transform, and what the input points to is there.
    unsafe fn get(&self, at: usize) -> Whole;
}

/// Where a transform writes.
trait Output {
    /// Bins `at ..`, 16 of them.
    ///
    /// # Safety
    /// As [`Input::get`].
    unsafe fn put(&mut self, at: usize, bins: Whole);
}

impl Fft16 {
    /// Transforms what `input` gives. A table of `SIDE` rows and columns has code of its own.
    ///
    /// # Safety
    /// `input` and `output` hold all samples and bins; the machine has AVX2.
    #[inline(always)]
    unsafe fn process<const SIDE: usize, I: Input, O: Output>(
        &self,
        scratch: &mut Fft16Scratch,
        input: &I,
        output: &mut O,
    ) {
        // SAFETY: as the caller says.
        unsafe {
            if (self.rows, self.columns) == (SIDE, SIDE) {
                self.table::<SIDE, I, O>(scratch, input, output);
            } else {
                self.table::<0, I, O>(scratch, input, output);
            }
        }
    }

    /// Transforms a table of `SIDE` rows and columns where the compiler is to know, else 0.
    ///
    /// # Safety
    /// As [`Self::process`].
    #[inline(always)]
    unsafe fn table<const SIDE: usize, I: Input, O: Output>(
        &self,
        scratch: &mut Fft16Scratch,
        input: &I,
        output: &mut O,
    ) {
        let Self { points, over_rows, over_columns, twiddles, .. } = self;
        let (rows, columns) = if SIDE > 0 { (SIDE, SIDE) } else { (self.rows, self.columns) };
        let Fft16Scratch { columns: [a, b, c], middle } = scratch;
        assert!(a.len() * 32 >= ROW * rows && b.len() * 32 >= ROW * rows && c.len() * 32 >= ROW * rows);
        assert!(middle.len() * 32 >= 2 * points && twiddles.len() * 32 >= 2 * points);
        let (work, turned) = ([a.as_mut_ptr().cast(), b.as_mut_ptr().cast()], c.as_mut_ptr().cast::<i16>());
        let (middle, twiddles) = (middle.as_mut_ptr().cast::<i16>(), twiddles.as_ptr().cast::<i16>());
        for column in (0..columns).step_by(LANES) {
            // SAFETY: the scratches hold `rows` rows each, as asserted; the twiddles a row for each k1 of each group of
            // columns; block g of the middle holds rows of all columns for the k1 of group g.
            unsafe {
                let from = Column { input, columns, column };
                let mut to = Turned { to: turned, twiddles: twiddles.add(2 * column * rows) };
                transform::<_, _, SIDE>(over_rows, work, &from, &mut to);
                for group in 0..rows / LANES {
                    let from = turned.add(ROW * LANES * group);
                    let to = middle.add(ROW * (group * columns + column));
                    transpose(from, ROW, to, ROW);
                    transpose(from.add(LANES), ROW, to.add(LANES), ROW);
                }
            }
        }
        for group in 0..rows / LANES {
            let mut to = Row { output, rows, k1: group * LANES };
            // SAFETY: as above.
            unsafe {
                transform::<_, _, SIDE>(over_columns, work, &Rows(middle.add(ROW * group * columns)), &mut to)
            };
        }
    }
}

/// Columns of what goes in.
struct Column<'a, I> {
    input: &'a I,
    columns: usize,
    column: usize,
}

impl<I: Input> Source for Column<'_, I> {
    #[inline(always)]
    unsafe fn get(&self, i: usize) -> Whole {
        // SAFETY: as the caller says; columns go by 16.
        unsafe { self.input.get(i * self.columns + self.column) }
    }
}

/// Rows of what comes out.
struct Row<'a, O> {
    output: &'a mut O,
    rows: usize,
    k1: usize,
}

impl<O: Output> Sink for Row<'_, O> {
    #[inline(always)]
    unsafe fn put(&mut self, i: usize, value: Whole) {
        // SAFETY: as the caller says.
        unsafe { self.output.put(i * self.rows + self.k1, value) }
    }
}

/// 16 real parts and 16 imaginary ones in turn.
struct Blocks {
    from: *const i16,
    /// Numbers to those that are read some rows later.
    soon: usize,
}

impl Input for Blocks {
    #[inline(always)]
    unsafe fn get(&self, at: usize) -> Whole {
        let from = self.from.wrapping_add(2 * at);
        // The next column, the first cache line after this one, from afar; some rows later, from what was fetched so.
        Whole::ahead(from.wrapping_add(ROW));
        Whole::ahead(from.wrapping_add(self.soon));
        // SAFETY: as the caller says; samples go by 16.
        unsafe { Whole::load(from, from.add(LANES)) }
    }
}

/// Turns every element by its twiddle and keeps it for the transposition.
struct Turned {
    to: *mut i16,
    twiddles: *const i16,
}

impl Sink for Turned {
    #[inline(always)]
    unsafe fn put(&mut self, i: usize, value: Whole) {
        // SAFETY: the caller says that row `i` is there, in the scratch and in the twiddles.
        unsafe {
            let (twiddle, to) = (self.twiddles.add(ROW * i), self.to.add(ROW * i));
            value.mul(Whole::load(twiddle, twiddle.add(LANES))).store(to, to.add(LANES));
        }
    }
}

/// The same, of what comes out.
struct BlocksOut {
    to: *mut i16,
    top: Top,
}

impl Output for BlocksOut {
    #[inline(always)]
    unsafe fn put(&mut self, at: usize, bins: Whole) {
        self.top = self.top.with(bins);
        // SAFETY: as the caller says; bins go by 16.
        unsafe { bins.store(self.to.add(2 * at), self.to.add(2 * at + LANES)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mirinae_fourier::{FftDirection, Instructions, single};
    use num_complex::Complex32;

    /// Noise of a level, and a carrier at a bin with an amplitude.
    fn voltage(points: usize, level: f32, (bin, amplitude): (usize, f32)) -> Vec<Complex32> {
        let mut state = 1u64;
        let mut uniform = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
        };
        // Four uniform numbers have a mean square of 4 / 3.
        let mut part = || (0..4).map(|_| uniform()).sum::<f32>() * level / (4.0f32 / 3.0).sqrt();
        let carrier = |n: usize| {
            Complex32::from_polar(
                amplitude,
                std::f32::consts::TAU * ((n * bin) % points) as f32 / points as f32,
            )
        };
        (0..points).map(|n| Complex32::new(part(), part()) + carrier(n)).collect()
    }

    /// The mean square error over that of the spectrum, at most, but for a bin; whether all fitted.
    fn off(points: usize, carrier: (usize, f32)) -> Option<(f64, bool)> {
        let simd = Simd::new(SimdPath::detect());
        let fft = Fft16::new(points, [700.0, 128.0], simd)?;
        let x = voltage(points, 700.0, carrier);
        let whole = |x: f32| x.round() as i16;
        let blocks = x.chunks(LANES);
        let parts = blocks.flat_map(|b| b.iter().map(|z| whole(z.re)).chain(b.iter().map(|z| whole(z.im))));
        let parts: Vec<i16> = parts.collect();
        let mut got = vec![0; 2 * points];
        let fits = transform16(simd, (&fft, &mut fft.scratch()), &parts, &mut got);
        let bin = |i: usize| {
            let at = place(i);
            fft.factor() * Complex32::new(got[at].into(), got[at + LANES].into())
        };
        let value = |z: &Complex32| Complex32::new(whole(z.re).into(), whole(z.im).into());
        let mut wanted: Vec<Complex32> = x.iter().map(value).collect();
        single(points, FftDirection::Forward, Instructions::Any).process(&mut wanted);
        let power = |z: Complex32| f64::from(z.norm_sqr());
        let bins = || (0..points).filter(|bin| *bin != carrier.0);
        let error: f64 = bins().map(|i| power(bin(i) - wanted[i])).sum();
        Some((error / bins().map(|i| power(wanted[i])).sum::<f64>(), fits))
    }

    #[test]
    fn transform_of_noise_is_that_of_rustfft() {
        if !SimdPath::Avx2.is_available() {
            return;
        }
        for points in [256, 2304, 1 << 14, 124_416, 131_072, 248_832, 497_664] {
            let (error, fits) = off(points, (3, 0.0)).unwrap();
            assert!(fits && error < 2e-4, "{points}: {error}");
        }
        for points in [255, 1250 * 16, 1 << 21] {
            assert!(off(points, (3, 0.0)).is_none(), "{points}");
        }
    }

    #[test]
    fn carriers_leave_the_noise_what_it_is_or_are_told_not_to_fit() {
        if !SimdPath::Avx2.is_available() {
            return;
        }
        let points = 124_416;
        // In units of the noise's amplitude in its bin: 700 sqrt(points).
        for (amplitude, wanted) in [(30.0, true), (150.0, true), (400.0, false), (2000.0, false)] {
            let (error, fits) = off(points, (31_234, amplitude * 700.0 / (points as f32).sqrt())).unwrap();
            assert_eq!(fits, wanted, "{amplitude}");
            assert!(!fits || error < 2e-4, "{amplitude}: {error}");
        }
    }
}
