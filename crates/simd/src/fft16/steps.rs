//! Transforms of 16 to 512 points along the rows of a table of whole numbers, every lane one column (Stockham's order). They leave the
//! mean power what it is: every step but the last divides by the root of its radix, the one before the last for the last one, too.

use super::lanes::{LANES, Whole};
use std::f64::consts::TAU;

/// Numbers of a row: real and imaginary parts.
pub(super) const ROW: usize = 2 * LANES;

/// Where a step reads: element `i` of every column.
pub(super) trait Source {
    /// # Safety
    /// `i` is below the length of the transform, and what the source points to is there.
    unsafe fn get(&self, i: usize) -> Whole;
}

/// Where a step writes.
pub(super) trait Sink {
    /// # Safety
    /// As [`Source::get`].
    unsafe fn put(&mut self, i: usize, value: Whole);
}

/// Rows of real parts and imaginary parts in turn.
pub(super) struct Rows(pub *mut i16);

impl Source for Rows {
    #[inline(always)]
    unsafe fn get(&self, i: usize) -> Whole {
        // SAFETY: the caller says that row `i` is there.
        unsafe { Whole::load(self.0.add(ROW * i), self.0.add(ROW * i + LANES)) }
    }
}

impl Sink for Rows {
    #[inline(always)]
    unsafe fn put(&mut self, i: usize, value: Whole) {
        // SAFETY: the caller says that row `i` is there.
        unsafe { value.store(self.0.add(ROW * i), self.0.add(ROW * i + LANES)) }
    }
}

/// Real and imaginary parts of a fraction, twice: four bytes are sooner read into all lanes than two.
pub(super) type Twiddle = [[i16; 2]; 2];

/// One step: `groups` butterflies for each of `stride` interleaved transforms.
#[derive(Debug, Clone)]
pub(super) struct Step {
    radix: usize,
    groups: usize,
    stride: usize,
    /// What results without a turn are multiplied by.
    factor: i16,
    /// exp(-2 pi i p j / length) times the factor, for each p below `groups` and 0 < j < radix.
    twiddles: Vec<Twiddle>,
}

/// A fraction in units of 2^-15, the nearest to zero of two that are as near: rounding by it is not one-sided.
fn fraction(x: f64) -> i16 {
    let units = 32_768.0 * x;
    (units.signum() * (units.abs() - 0.5).ceil()).clamp(-32_767.0, 32_767.0) as i16
}

/// `size` exp(-2 pi i part / whole).
pub(super) fn root(part: usize, whole: usize, size: f64) -> [i16; 2] {
    let (sin, cos) = libm::sincos(TAU * (part % whole) as f64 / whole as f64);
    [fraction(size * cos), fraction(-size * sin)]
}

/// Radices of a transform of 2^a 3^b points, 16 or a multiple of it: 3, 6 and 4 in turn, a last 8 where what is left of the twos has an odd power;
/// `None` for other lengths.
pub(super) fn radices(points: usize) -> Option<Vec<usize>> {
    let (mut left, mut threes) = (points, 0);
    while left > 0 && left.is_multiple_of(3) {
        threes += 1;
        left /= 3;
    }
    if !left.is_power_of_two() || left < LANES {
        return None;
    }
    let mut twos = left.ilog2() as usize;
    let sixes = threes.min(twos - 2);
    twos -= sixes;
    let mut radices = vec![3; threes - sixes];
    radices.resize(threes, 6);
    while twos > 0 {
        let radix = if twos == 3 { 8 } else { 4 };
        radices.push(radix);
        twos -= if radix == 8 { 3 } else { 2 };
    }
    Some(radices)
}

/// The steps of a transform.
pub(super) fn steps(radices: &[usize]) -> Vec<Step> {
    let (mut length, mut stride) = (radices.iter().product::<usize>(), 1);
    let mut list = Vec::new();
    for (i, &radix) in radices.iter().enumerate() {
        let last = if i + 2 == radices.len() { radices[i + 1] } else { 1 };
        let size = 1.0 / ((radix * last) as f64).sqrt();
        let groups = length / radix;
        let turns = (0..groups).flat_map(|p| (1..radix).map(move |j| (p, j)));
        let twiddles = turns.map(|(p, j)| root(p * j, length, size).map(|x| [x, x])).collect();
        list.push(Step { radix, groups, stride, factor: fraction(size), twiddles });
        length = groups;
        stride *= radix;
    }
    list
}

#[inline(always)]
fn butterfly3(x: [Whole; 3]) -> [Whole; 3] {
    /// Half the root of 3, and nearly a half, in units of 2^-15.
    const HALF_ROOT: i16 = 28_378;
    const HALF: i16 = 16_383;
    let (sum, difference) = (x[1].add(x[2]), x[1].sub(x[2]).times(HALF_ROOT));
    let middle = x[0].sub(sum.times(HALF));
    [x[0].add(sum), middle.sub_i(difference), middle.add_i(difference)]
}

#[inline(always)]
fn butterfly4(x: [Whole; 4]) -> [Whole; 4] {
    let (a, b, c, d) = (x[0].add(x[2]), x[0].sub(x[2]), x[1].add(x[3]), x[1].sub(x[3]));
    [a.add(c), b.sub_i(d), a.sub(c), b.add_i(d)]
}

/// By the Chinese remainder theorem, without turns (Good 1958, J. R. Statist. Soc. B 20, 361).
#[inline(always)]
fn butterfly6(x: [Whole; 6]) -> [Whole; 6] {
    let (a, b) = (butterfly3([x[0], x[2], x[4]]), butterfly3([x[3], x[5], x[1]]));
    [a[0].add(b[0]), a[1].sub(b[1]), a[2].add(b[2]), a[0].sub(b[0]), a[1].add(b[1]), a[2].sub(b[2])]
}

#[inline(always)]
fn butterfly8(x: [Whole; 8]) -> [Whole; 8] {
    let even = butterfly4([x[0], x[2], x[4], x[6]]);
    let odd = butterfly4([x[1], x[3], x[5], x[7]]);
    // exp(-i pi / 4), and exp(-3 i pi / 4) up to a turn by a quarter.
    let (one, three) = (odd[1].eighth(), odd[3].eighth());
    [
        even[0].add(odd[0]),
        even[1].add(one),
        even[2].sub_i(odd[2]),
        even[3].sub_i(three),
        even[0].sub(odd[0]),
        even[1].sub(one),
        even[2].add_i(odd[2]),
        even[3].add_i(three),
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
        unsafe fn $name<S: Source, D: Sink, const GROUPS: usize, const STRIDE: usize>(
            step: &Step,
            from: &S,
            to: &mut D,
        ) {
            let (groups, stride) = if GROUPS > 0 { (GROUPS, STRIDE) } else { (step.groups, step.stride) };
            for p in 0..groups {
                let twiddles = &step.twiddles[p * ($radix - 1)..(p + 1) * ($radix - 1)];
                for q in 0..stride {
                    // SAFETY: q + stride (p + groups j) is below groups x radix x stride, the points of the transform.
                    unsafe {
                        let mut x = [from.get(q + stride * p); $radix];
                        for j in 1..$radix {
                            x[j] = from.get(q + stride * (p + groups * j));
                        }
                        let mut y = $butterfly(x);
                        if groups > 1 {
                            y[0] = y[0].times(step.factor);
                            for j in 1..$radix {
                                y[j] = y[j].mul(Whole::splat(twiddles[j - 1]));
                            }
                        }
                        for j in 0..$radix {
                            to.put(q + stride * ($radix * p + j), y[j]);
                        }
                    }
                }
            }
        }
    };
}

step!(step3, 3, butterfly3);
step!(step4, 4, butterfly4);
step!(step6, 6, butterfly6);
step!(step8, 8, butterfly8);

/// # Safety
/// Source and sink hold the whole transform.
#[inline(always)]
unsafe fn one<S: Source, D: Sink>(step: &Step, from: &S, to: &mut D) {
    // SAFETY: as the caller says.
    unsafe {
        match step.radix {
            3 => step3::<S, D, 0, 0>(step, from, to),
            4 => step4::<S, D, 0, 0>(step, from, to),
            6 => step6::<S, D, 0, 0>(step, from, to),
            _ => step8::<S, D, 0, 0>(step, from, to),
        }
    }
}

/// Transforms all columns, `LENGTH` points long where the compiler is to know, else 0: two steps at least.
///
/// # Safety
/// Source, sink and both scratches hold the whole transform, the scratches in rows as [`Rows`] has them.
#[inline(always)]
pub(super) unsafe fn transform<S: Source, D: Sink, const LENGTH: usize>(
    steps: &[Step],
    scratch: [*mut i16; 2],
    from: &S,
    to: &mut D,
) {
    let [work, other] = scratch;
    // SAFETY: as the caller says.
    unsafe {
        match steps {
            [a, b] if LENGTH == 16 => {
                step4::<_, _, 4, 1>(a, from, &mut Rows(work));
                step4::<_, _, 1, 4>(b, &Rows(work), to);
            }
            [a, b, c] if LENGTH == 128 => {
                step4::<_, _, 32, 1>(a, from, &mut Rows(work));
                step4::<_, _, 8, 4>(b, &Rows(work), &mut Rows(other));
                step8::<_, _, 1, 16>(c, &Rows(other), to);
            }
            [first, middle @ .., last] => {
                one(first, from, &mut Rows(work));
                for (i, step) in middle.iter().enumerate() {
                    one(step, &Rows(scratch[i % 2]), &mut Rows(scratch[(i + 1) % 2]));
                }
                one(last, &Rows(scratch[middle.len() % 2]), to);
            }
            _ => {}
        }
    }
}
