//! The largest sum along lines in time and frequency: two doublings of the tree at once, depth first, in whole numbers.

use super::tree::{Largest, Rows};
use mirinae_simd::{Kernel, Lanes};

/// Numbers that are added at once.
const AT_ONCE: usize = 32;
/// Places that rows must have beyond the last one that a line reaches: three for each two doublings of 512 spectra at most.
pub(super) const BEYOND: usize = 16;

/// The largest sum of the lines that [`Largest`] looks at, and its line: several times as fast. Rows have [`BEYOND`] more places of any
/// value; the smallest drift is 0 or 1.
pub(super) struct Top<'a>(pub Largest<'a, u16>);

/// One or two doublings at once: sums over so many spectra from those over parts of them.
#[derive(Clone, Copy, Default)]
struct Level {
    /// Parts.
    by: usize,
    /// Spectra of a part.
    half: usize,
    /// Drifts that lines need.
    needed: usize,
    /// Places that the row of drift 0 has; that of drift d has d fewer.
    len: usize,
    /// Rows of sums that are kept until the next level has read them, and where.
    kept: (usize, usize),
}

/// Levels at most: two doublings each.
const LEVELS: usize = usize::BITS as usize / 2;

/// All doublings but the last: one by itself if they are odd in number, the others by two.
fn levels((spectra, begin, most): (usize, usize, usize)) -> ([Level; LEVELS], usize) {
    let doublings = spectra.ilog2() as usize - 1;
    let (mut levels, mut n) = ([Level::default(); LEVELS], 0);
    let (mut half, mut kept) = (1, 0);
    let mut len = begin + most + doublings % 2 + 3 * (doublings / 2);
    while 2 * half < spectra {
        let by = if half == 1 && doublings % 2 == 1 { 2 } else { 4 };
        len -= by - 1;
        let size = by * half;
        let needed = (most / (spectra / size) + 1).min(size);
        // As many as the next level adds up.
        let rows = spectra.min(4 * size);
        levels[n] = Level { by, half, needed, len, kept: (rows, kept) };
        (half, n, kept) = (size, n + 1, kept + rows);
    }
    (levels, n)
}

impl Kernel for Top<'_> {
    /// Sum, place at which the line begins, drift.
    type Output = Option<(u16, usize, usize)>;

    #[inline(always)]
    fn run<L: Lanes>(self) -> Self::Output {
        let Largest { rows, spectra, sums, begin, drifts: (least, most), least: bound, .. } = self.0;
        // What is written is aligned.
        let stride = (begin + most + BEYOND).next_multiple_of(AT_ONCE);
        let (levels, n) = levels((spectra, begin, most));
        sums.resize(sums.len().max(2 * spectra * stride + AT_ONCE), 0);
        let aligned = sums.as_ptr().align_offset(AT_ONCE * size_of::<u16>()).min(AT_ONCE);
        let sums = &mut sums[aligned..];
        // Depth first: what a level makes is still in the first caches when the next one reads it.
        let first = if n > 0 { levels[0].by } else { spectra };
        for end in (first..=spectra).step_by(first) {
            for (l, level) in levels[..n].iter().enumerate() {
                let size = level.by * level.half;
                if end % size > 0 {
                    break;
                }
                let (rows_kept, place) = level.kept;
                let (before, here) = sums.split_at_mut(place * stride);
                let from = if l == 0 {
                    Rows { first: rows.first.wrapping_add_signed((end - size) as isize * rows.step), ..rows }
                } else {
                    Rows { values: before, first: levels[l - 1].kept.1 * stride, step: stride as isize }
                };
                level.sums(from, &mut here[(end - size) % rows_kept * stride..], stride);
            }
        }
        let rows = match n {
            0 => rows,
            n => Rows { values: &sums[..], first: levels[n - 1].kept.1 * stride, step: stride as isize },
        };
        strongest(rows, (spectra / 2, begin), (least, most), bound)
    }
}

impl Level {
    /// Sums of its parts' rows, from the first one's on.
    #[inline(always)]
    fn sums(&self, rows: Rows<u16>, out: &mut [u16], stride: usize) {
        for drift in (0..self.needed).step_by(self.by) {
            let (own, n) = (drift / self.by, self.len - drift);
            let row = |i: usize| rows.row(i * self.half + own, i * own + n + self.by - 1);
            let sums = &mut out[drift * stride..];
            if self.by == 2 {
                two_sums([row(0), row(1)], own, n, (sums, stride));
            } else if self.needed - drift <= 2 {
                four_sums::<2>([row(0), row(1), row(2), row(3)], own, n, (sums, stride));
            } else {
                four_sums::<4>([row(0), row(1), row(2), row(3)], own, n, (sums, stride));
            }
        }
    }
}

/// The last doubling, whose sums are nowhere kept: the largest sum above a bound and its line.
#[inline(always)]
fn strongest(
    rows: Rows<u16>,
    (half, begin): (usize, usize),
    (least, most): (usize, usize),
    mut bound: u16,
) -> Option<(u16, usize, usize)> {
    let mut best = None;
    for low in least / 2..=most / 2 {
        let drifts = [(2 * low).max(least), (2 * low + 1).min(most)];
        let high = rows.row(half + low, drifts[1] - low + begin);
        let highs = drifts.map(|drift| &high[drift - low..][..begin]);
        let low = rows.row(low, begin);
        if !any_above(low, highs, bound) {
            continue;
        }
        // Rare: which one it is.
        for (drift, high) in drifts.into_iter().zip(highs) {
            for place in 0..begin {
                let sum = low[place].saturating_add(high[place]);
                if sum > bound {
                    (bound, best) = (sum, Some((sum, place, drift)));
                }
            }
        }
    }
    best
}

/// `N` numbers from a place on.
#[inline(always)]
fn some<const N: usize>(row: &[u16], at: usize) -> &[u16; N] {
    row[at..at + N].first_chunk().expect("as many as were cut")
}

/// Numbers that are read for the sums at so many places.
const READ: usize = AT_ONCE + 3;

/// Those of them that begin so many places above.
#[inline(always)]
fn above(row: &[u16; READ], places: usize) -> &[u16; AT_ONCE] {
    row[places..].first_chunk().expect("three more are read")
}

/// Does something for each place at which as many begin as are added at once; the last ones may be done again. No closure: it would not be
/// compiled with the vector instructions of the caller.
macro_rules! each {
    ($n:expr, $at:ident, $of:expr) => {
        let mut $at = 0;
        while $at + AT_ONCE <= $n {
            $of;
            $at += AT_ONCE;
        }
        if $at < $n && $n >= AT_ONCE {
            $at = $n - AT_ONCE;
            $of;
        }
    };
}

/// Sums of pairs of rows: of lines that rise by twice `own` places, and by one more.
#[inline(always)]
fn two_sums([a, b]: [&[u16]; 2], own: usize, n: usize, (sums, stride): (&mut [u16], usize)) {
    let (first, second) = sums.split_at_mut(stride);
    let mut out = [&mut first[..n], &mut second[..n]];
    let rows = [&a[..n + 1], &b[own..][..n + 1]];
    each!(n, at, two_at(rows, at, &mut out));
    if n < AT_ONCE {
        for at in 0..n {
            for (k, out) in out.iter_mut().enumerate() {
                out[at] = rows[0][at].saturating_add(rows[1][at + k]);
            }
        }
    }
}

#[inline(always)]
fn two_at([a, b]: [&[u16]; 2], at: usize, out: &mut [&mut [u16]; 2]) {
    let (a, b0, b1) = (some::<AT_ONCE>(a, at), some::<AT_ONCE>(b, at), some::<AT_ONCE>(b, at + 1));
    let mut sums = [[0u16; AT_ONCE]; 2];
    for i in 0..AT_ONCE {
        sums[0][i] = a[i].saturating_add(b0[i]);
        sums[1][i] = a[i].saturating_add(b1[i]);
    }
    for k in 0..2 {
        out[k][at..at + AT_ONCE].copy_from_slice(&sums[k]);
    }
}

/// Two doublings: sums of four rows, of lines that rise by four times `own` places, and by up to `K` - 1 more: two or four sums.
#[inline(always)]
fn four_sums<const K: usize>(
    [a, b, c, d]: [&[u16]; 4],
    own: usize,
    n: usize,
    (sums, stride): (&mut [u16], usize),
) {
    let (first, rest) = sums.split_at_mut(stride);
    let (second, rest) = rest.split_at_mut(stride);
    let (third, fourth) = rest.split_at_mut(stride);
    let mut out = [&mut first[..n], &mut second[..n], &mut third[..n], &mut fourth[..n]];
    let rows = [&a[..n + 3], &b[own..][..n + 3], &c[2 * own..][..n + 3], &d[3 * own..][..n + 3]];
    each!(n, at, four_at::<K>(rows, at, &mut out));
    if n < AT_ONCE {
        for at in 0..n {
            let here = rows.map(|row| &row[at..]);
            for (k, out) in out.iter_mut().enumerate().take(K) {
                let rises = [0, k / 2, k.div_ceil(2), k];
                out[at] = (0..4).fold(0u16, |sum, r| sum.saturating_add(here[r][rises[r]]));
            }
        }
    }
}

#[inline(always)]
fn four_at<const K: usize>([a, b, c, d]: [&[u16]; 4], at: usize, out: &mut [&mut [u16]; 4]) {
    let (a, b) = (some::<READ>(a, at), some::<READ>(b, at));
    let (c, d) = (some::<READ>(c, at), some::<READ>(d, at));
    let (a, b0, b1) = (above(a, 0), above(b, 0), above(b, 1));
    let (c0, c1, c2) = (above(c, 0), above(c, 1), above(c, 2));
    let (d0, d1, d2, d3) = (above(d, 0), above(d, 1), above(d, 2), above(d, 3));
    let mut sums = [[0u16; AT_ONCE]; K];
    for i in 0..AT_ONCE {
        let low = [a[i].saturating_add(b0[i]), a[i].saturating_add(b1[i])];
        sums[0][i] = low[0].saturating_add(c0[i].saturating_add(d0[i]));
        sums[1][i] = low[0].saturating_add(c1[i].saturating_add(d1[i]));
        if K == 4 {
            sums[2][i] = low[1].saturating_add(c1[i].saturating_add(d2[i]));
            sums[3][i] = low[1].saturating_add(c2[i].saturating_add(d3[i]));
        }
    }
    for k in 0..K {
        out[k][at..at + AT_ONCE].copy_from_slice(&sums[k]);
    }
}

/// Whether a sum of a row with one of two others is above a bound.
#[inline(always)]
fn any_above(low: &[u16], highs: [&[u16]; 2], bound: u16) -> bool {
    let n = low.len();
    let rows = [low, &highs[0][..n], &highs[1][..n]];
    let mut above = [0u16; AT_ONCE];
    each!(n, at, above_at(rows, at, bound, &mut above));
    if n < AT_ONCE {
        for at in 0..n {
            above[at] = rows[0][at].saturating_add(rows[1][at].max(rows[2][at])).saturating_sub(bound);
        }
    }
    let mut any = 0;
    for here in above {
        any |= here;
    }
    any > 0
}

/// How far sums are above a bound, 0 for those that are not.
#[inline(always)]
fn above_at([low, a, b]: [&[u16]; 3], at: usize, bound: u16, above: &mut [u16; AT_ONCE]) {
    let (low, a, b) = (some::<AT_ONCE>(low, at), some::<AT_ONCE>(a, at), some::<AT_ONCE>(b, at));
    for i in 0..AT_ONCE {
        let high = if a[i] > b[i] { a[i] } else { b[i] };
        above[i] |= low[i].saturating_add(high).saturating_sub(bound);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mirinae_simd::{Simd, SimdPath};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn top_is_the_largest_line(bound in any::<u16>(), spectra in (1u32..10).prop_map(|k| 1usize << k), share in 0.0f64..1.0, least in 0usize..2, begin in 1usize..150, down in any::<bool>(), seed in any::<u32>()) {
            let most = ((share * (spectra - 1) as f64) as usize).max(least);
            let width = begin + most + BEYOND;
            let value = |i: usize| ((i as u32).wrapping_mul(2_654_435_761).saturating_add(seed) >> 25) as u16;
            let power: Vec<u16> = (0..spectra * width).map(value).collect();
            let (first, step) = if down { ((spectra - 1) * width, -(width as isize)) } else { (0, width as isize) };
            let rows = Rows { values: &power[..], first, step };
            for path in SimdPath::ALL {
                let (simd, drifts) = (Simd::new(path), (least, most));
                for least in [0, bound] {
                    let (mut a, mut b) = (Vec::new(), Vec::new());
                    let (sums, scratch) = (&mut a, &mut b);
                    let top = simd.run(Top(Largest { rows, spectra, sums, scratch, begin, drifts, least }));
                    let (mut a, mut b) = (Vec::new(), Vec::new());
                    let (sums, scratch) = (&mut a, &mut b);
                    let wanted = simd.run(Largest { rows, spectra, sums, scratch, begin, drifts, least });
                    prop_assert_eq!(top, wanted);
                }
            }
        }
    }
}
