//! A forward complex transform of 2^k points with real and imaginary parts apart.
//!
//! N = N1 N2 points as a table of N1 rows: the columns are transformed, lanes holding neighbouring columns; every
//! element is turned by exp(-2 pi i n2 k1 / N); blocks are transposed; then the rows, lanes holding neighbouring k1.
//! What comes out is in natural order, since bin k1 + N1 k2 of neighbouring k1 are neighbours. No shuffles are needed but
//! the transposition, and no step leaves the first cache. (Bailey 1990, J. Supercomputing 4, 23; Van Loan 1992,
//! Computational Frameworks for the Fast Fourier Transform, sections 1.7 and 3.3.)

mod steps;

use super::{Complex, Lanes, MAX_LANES};
use crate::Aligned;
use steps::{Rows, Sink, Source, Step, root, steps, transform};

/// Fewest and most points: rows and columns are from 16 to 512 long.
const POINTS: std::ops::RangeInclusive<usize> = MAX_LANES * MAX_LANES..=512 * 512;

/// What is made once for a number of points and of lanes.
#[derive(Debug, Clone)]
pub struct Fft {
    points: usize,
    /// Rows of the table, N1.
    rows: usize,
    /// Columns of the table, N2.
    columns: usize,
    lanes: usize,
    over_rows: Vec<Step>,
    over_columns: Vec<Step>,
    /// exp(-2 pi i n2 k1 / N) by group of columns, k1, part and lane.
    twiddles: Aligned,
}

/// The memory that a transform works in.
#[derive(Debug, Clone)]
pub struct FftScratch {
    columns: [Aligned; 3],
    middle: Aligned,
}

/// Where a transform reads its samples.
pub(super) trait Input {
    /// Whether it is worth code of its own for the commonest lengths.
    const COMMON: bool;
    /// Samples `at ..` in as many lanes as there are; `at` = row x columns + column.
    ///
    /// # Safety
    /// They lie within the transform, and what the input points to is there.
    unsafe fn get<L: Lanes>(&self, row: usize, column: usize, at: usize) -> Complex<L>;
}

/// Where a transform writes its bins.
pub(super) trait Output {
    /// Bins `at ..` in as many lanes as there are; `at` = k2 x rows + k1.
    ///
    /// # Safety
    /// As [`Input::get`].
    unsafe fn put<L: Lanes>(&mut self, k1: usize, k2: usize, at: usize, bins: Complex<L>);
}

impl Fft {
    /// Whether there is a transform of so many points.
    pub fn supports(points: usize) -> bool {
        points.is_power_of_two() && POINTS.contains(&points)
    }

    /// Plans a transform; `points` must be supported.
    pub fn new(points: usize, lanes: usize) -> Self {
        assert!(Self::supports(points) && (lanes == 8 || lanes == MAX_LANES));
        let rows = 1usize << points.trailing_zeros().div_ceil(2);
        let columns = points / rows;
        let mut twiddles = Vec::with_capacity(2 * points);
        for group in (0..columns).step_by(lanes) {
            for k1 in 0..rows {
                let roots: Vec<_> = (group..group + lanes).map(|n2| root(n2 * k1, points)).collect();
                twiddles.extend(roots.iter().map(|r| r.0).chain(roots.iter().map(|r| r.1)));
            }
        }
        let (over_rows, over_columns) = (steps(rows), steps(columns));
        let twiddles = twiddles.into_iter().collect();
        Self { points, rows, columns, lanes, over_rows, over_columns, twiddles }
    }

    /// Number of points.
    pub fn points(&self) -> usize {
        self.points
    }

    /// Rows of the table: bins (of the result) and samples (of the input's columns) go by it.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Columns of the table.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Room for a transform to work in.
    pub fn scratch(&self) -> FftScratch {
        let table = || Aligned::zeros(2 * self.rows.max(self.columns) * self.lanes);
        FftScratch { columns: [table(), table(), table()], middle: Aligned::zeros(2 * self.points) }
    }

    /// Transforms what `input` gives.
    ///
    /// # Safety
    /// `input` and `output` hold all samples and bins.
    #[inline(always)]
    pub(super) unsafe fn process<L: Lanes, I: Input, O: Output>(
        &self,
        scratch: &mut FftScratch,
        input: &I,
        output: &mut O,
    ) {
        // SAFETY: as the caller says.
        unsafe {
            match (self.rows, self.columns) {
                (16, 16) if I::COMMON => self.table::<L, I, O, 16, 16>(scratch, input, output),
                (32, 16) if I::COMMON => self.table::<L, I, O, 32, 16>(scratch, input, output),
                (32, 32) if I::COMMON => self.table::<L, I, O, 32, 32>(scratch, input, output),
                _ => self.table::<L, I, O, 0, 0>(scratch, input, output),
            }
        }
    }

    /// Transforms a table of `ROWS` and `COLUMNS` where the compiler is to know (a fifth faster where a transform is
    /// short), else 0.
    ///
    /// # Safety
    /// As [`Self::process`].
    #[inline(always)]
    unsafe fn table<L: Lanes, I: Input, O: Output, const ROWS: usize, const COLUMNS: usize>(
        &self,
        scratch: &mut FftScratch,
        input: &I,
        output: &mut O,
    ) {
        let known = ROWS > 0;
        let (rows, columns) = if known { (ROWS, COLUMNS) } else { (self.rows, self.columns) };
        let (lanes, part) = (L::N, 2 * L::N);
        assert!(lanes == self.lanes && scratch.middle.len() == 2 * self.points);
        assert!(scratch.columns[0].len() >= part * rows.max(columns));
        let [a, b, c] = &mut scratch.columns;
        let (work, turned) = ((a.as_mut_ptr(), b.as_mut_ptr()), c.as_mut_ptr());
        let middle = scratch.middle.as_mut_ptr();
        for column in (0..columns).step_by(lanes) {
            // SAFETY: the scratches hold `rows` rows each, as asserted; the twiddles a row for each k1 of each group of
            // columns; block g of the middle holds rows of all columns for the k1 of group g.
            unsafe {
                let twiddles = self.twiddles.as_ptr().add(2 * column * rows);
                let from = Column { input, columns, column };
                transform::<L, _, _, ROWS>(
                    &self.over_rows,
                    work,
                    &from,
                    &mut Turned { to: turned, twiddles },
                );
                for group in 0..rows / lanes {
                    let from = turned.add(part * lanes * group);
                    let to = middle.add(part * (group * columns + column));
                    L::transpose(from, part, to, part);
                    L::transpose(from.add(lanes), part, to.add(lanes), part);
                }
            }
        }
        for group in 0..rows / lanes {
            let mut to = Row { output, rows, k1: group * lanes };
            // SAFETY: as above.
            unsafe {
                let from = Rows(middle.add(part * group * columns));
                transform::<L, _, _, COLUMNS>(&self.over_columns, work, &from, &mut to);
            }
        }
    }
}

struct Column<'a, I> {
    input: &'a I,
    columns: usize,
    column: usize,
}

impl<L: Lanes, I: Input> Source<L> for Column<'_, I> {
    #[inline(always)]
    unsafe fn get(&self, i: usize) -> Complex<L> {
        // SAFETY: as the caller says.
        unsafe { self.input.get(i, self.column, i * self.columns + self.column) }
    }
}

/// Turns every element by its twiddle and keeps it for the transposition.
struct Turned {
    to: *mut f32,
    twiddles: *const f32,
}

impl<L: Lanes> Sink<L> for Turned {
    #[inline(always)]
    unsafe fn put(&mut self, i: usize, value: Complex<L>) {
        // SAFETY: the caller says that row `i` is there, in the scratch and in the twiddles.
        unsafe {
            let (twiddle, to) = (self.twiddles.add(2 * L::N * i), self.to.add(2 * L::N * i));
            value.mul(Complex::load(twiddle, twiddle.add(L::N))).store(to, to.add(L::N));
        }
    }
}

struct Row<'a, O> {
    output: &'a mut O,
    rows: usize,
    k1: usize,
}

impl<L: Lanes, O: Output> Sink<L> for Row<'_, O> {
    #[inline(always)]
    unsafe fn put(&mut self, i: usize, value: Complex<L>) {
        // SAFETY: as the caller says.
        unsafe { self.output.put(self.k1, i, i * self.rows + self.k1, value) }
    }
}
