//! The largest sum along lines in time and frequency, without its place: two doublings of the tree at once, in whole numbers.

use super::tree::{Largest, Rows};
use mirinae_simd::{Kernel, Lanes};

/// Numbers that are added at once.
const AT_ONCE: usize = 32;
/// Places that rows must have beyond the last one that a line reaches: three for each two doublings of 512 spectra at most.
pub(super) const BEYOND: usize = 16;

/// The largest sum of the lines that [`Largest`] looks at, alone: twice as fast. Rows have [`BEYOND`] more places of any value; the
/// smallest drift is 0 or 1.
pub(super) struct Top<'t, 'a>(pub &'t mut Largest<'a, u16>);

impl Kernel for Top<'_, '_> {
    /// The sum.
    type Output = u16;

    #[inline(always)]
    fn run<L: Lanes>(self) -> u16 {
        let Largest { rows, spectra, sums, scratch, begin, drifts: (least, most), .. } = self.0;
        let (spectra, begin, least, most) = (*spectra, *begin, *least, *most);
        let stride = begin + most + BEYOND;
        let (mut out, mut other) = (&mut **sums, &mut **scratch);
        for room in [&mut *out, &mut *other] {
            room.resize(room.len().max(spectra * stride), 0);
        }
        // All doublings but the last: one by itself if they are odd in number, the others by two. A row of drift d is `len` - d long.
        let (mut rows, mut half) = (*rows, 1);
        let doublings = spectra.ilog2() as usize - 1;
        let mut len = begin + most + doublings % 2 + 3 * (doublings / 2);
        while 2 * half < spectra {
            let by = if half == 1 && doublings % 2 == 1 { 2 } else { 4 };
            len -= by - 1;
            let needed = (most / (spectra / (by * half)) + 1).min(by * half);
            for block in (0..spectra).step_by(by * half) {
                for drift in (0..needed).step_by(by) {
                    let (own, n) = (drift / by, len - drift);
                    let row = |i: usize| rows.row(block + i * half + own, i * own + n + by - 1);
                    let sums = &mut out[(block + drift) * stride..];
                    if by == 2 {
                        two_sums([row(0), row(1)], own, n, (sums, stride));
                    } else if needed - drift <= 2 {
                        four_sums::<2>([row(0), row(1), row(2), row(3)], own, n, (sums, stride));
                    } else {
                        four_sums::<4>([row(0), row(1), row(2), row(3)], own, n, (sums, stride));
                    }
                }
            }
            half *= by;
            rows = Rows { values: &[], first: 0, step: stride as isize };
            std::mem::swap(&mut out, &mut other);
            rows.values = other;
        }
        let mut tops = [0u16; AT_ONCE];
        for low in least / 2..=most / 2 {
            let drifts = [(2 * low).max(least), (2 * low + 1).min(most)];
            let high = rows.row(half + low, drifts[1] - low + begin);
            let highs = drifts.map(|drift| &high[drift - low..][..begin]);
            largest(rows.row(low, begin), highs, &mut tops);
        }
        let mut top = 0;
        for here in tops {
            top = if here > top { here } else { top };
        }
        top
    }
}

/// `N` numbers from a place on.
#[inline(always)]
fn some<const N: usize>(row: &[u16], at: usize) -> &[u16; N] {
    row[at..at + N].first_chunk().expect("as many as were cut")
}

/// Sums of pairs of rows: of lines that rise by twice `own` places, and by one more.
#[inline(always)]
fn two_sums([a, b]: [&[u16]; 2], own: usize, n: usize, (sums, stride): (&mut [u16], usize)) {
    let (first, second) = sums.split_at_mut(stride);
    let mut out = [&mut first[..n], &mut second[..n]];
    let rows = [&a[..n], &b[own..][..n], &b[own + 1..][..n]];
    let mut at = 0;
    while at + AT_ONCE <= n {
        two_at::<AT_ONCE>(rows, at, &mut out);
        at += AT_ONCE;
    }
    if n >= AT_ONCE {
        // The last ones are made again with what is left.
        two_at::<AT_ONCE>(rows, n - AT_ONCE, &mut out);
        at = n;
    }
    while at < n {
        two_at::<1>(rows, at, &mut out);
        at += 1;
    }
}

#[inline(always)]
fn two_at<const N: usize>([a, b0, b1]: [&[u16]; 3], at: usize, out: &mut [&mut [u16]; 2]) {
    let (a, b0, b1) = (some::<N>(a, at), some::<N>(b0, at), some::<N>(b1, at));
    let mut sums = [[0u16; N]; 2];
    for i in 0..N {
        sums[0][i] = a[i].saturating_add(b0[i]);
        sums[1][i] = a[i].saturating_add(b1[i]);
    }
    for k in 0..2 {
        out[k][at..at + N].copy_from_slice(&sums[k]);
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
    let (in_c, in_d) = (2 * own, 3 * own);
    let low = [&a[..n], &b[own..][..n], &b[own + 1..][..n]];
    let high = [&c[in_c..][..n], &c[in_c + 1..][..n], &c[in_c + 2..][..n]];
    let last = [&d[in_d..][..n], &d[in_d + 1..][..n], &d[in_d + 2..][..n], &d[in_d + 3..][..n]];
    let mut at = 0;
    while at + AT_ONCE <= n {
        four_at::<AT_ONCE, K>((low, high, last), at, &mut out);
        at += AT_ONCE;
    }
    if n >= AT_ONCE {
        four_at::<AT_ONCE, K>((low, high, last), n - AT_ONCE, &mut out);
        at = n;
    }
    while at < n {
        four_at::<1, K>((low, high, last), at, &mut out);
        at += 1;
    }
}

/// Rows whose numbers are added: the first and the second at two places, the third at three, the fourth at four.
type Four<'a> = ([&'a [u16]; 3], [&'a [u16]; 3], [&'a [u16]; 4]);

#[inline(always)]
fn four_at<const N: usize, const K: usize>((low, high, last): Four, at: usize, out: &mut [&mut [u16]; 4]) {
    let (a, b0, b1) = (some::<N>(low[0], at), some::<N>(low[1], at), some::<N>(low[2], at));
    let (c0, c1, c2) = (some::<N>(high[0], at), some::<N>(high[1], at), some::<N>(high[2], at));
    let (d0, d1) = (some::<N>(last[0], at), some::<N>(last[1], at));
    let (d2, d3) = (some::<N>(last[2], at), some::<N>(last[3], at));
    let mut sums = [[0u16; N]; K];
    for i in 0..N {
        let low = [a[i].saturating_add(b0[i]), a[i].saturating_add(b1[i])];
        sums[0][i] = low[0].saturating_add(c0[i].saturating_add(d0[i]));
        sums[1][i] = low[0].saturating_add(c1[i].saturating_add(d1[i]));
        if K == 4 {
            sums[2][i] = low[1].saturating_add(c1[i].saturating_add(d2[i]));
            sums[3][i] = low[1].saturating_add(c2[i].saturating_add(d3[i]));
        }
    }
    for k in 0..K {
        out[k][at..at + N].copy_from_slice(&sums[k]);
    }
}

/// The largest sums of a row with two others, by place in [`AT_ONCE`] of them.
#[inline(always)]
fn largest(low: &[u16], highs: [&[u16]; 2], tops: &mut [u16; AT_ONCE]) {
    let n = low.len();
    let rows = [low, &highs[0][..n], &highs[1][..n]];
    let (mut at, mut here) = (0, *tops);
    while at + AT_ONCE <= n {
        largest_at(rows, at, &mut here);
        at += AT_ONCE;
    }
    *tops = here;
    if n >= AT_ONCE {
        largest_at(rows, n - AT_ONCE, tops);
        at = n;
    }
    while at < n {
        let mut one = [tops[at]];
        largest_at(rows, at, &mut one);
        tops[at] = one[0];
        at += 1;
    }
}

#[inline(always)]
fn largest_at<const N: usize>([low, a, b]: [&[u16]; 3], at: usize, tops: &mut [u16; N]) {
    let (low, a, b) = (some::<N>(low, at), some::<N>(a, at), some::<N>(b, at));
    for i in 0..N {
        let (x, y) = (low[i].saturating_add(a[i]), low[i].saturating_add(b[i]));
        let more = if x > y { x } else { y };
        tops[i] = if more > tops[i] { more } else { tops[i] };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mirinae_simd::{Simd, SimdPath};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn top_is_the_sum_of_the_largest_line(spectra in (1u32..10).prop_map(|k| 1usize << k), share in 0.0f64..1.0, least in 0usize..2, begin in 1usize..150, down in any::<bool>(), seed in any::<u32>()) {
            let most = ((share * (spectra - 1) as f64) as usize).max(least);
            let width = begin + most + BEYOND;
            let value = |i: usize| ((i as u32).wrapping_mul(2_654_435_761).saturating_add(seed) >> 25) as u16;
            let power: Vec<u16> = (0..spectra * width).map(value).collect();
            let (first, step) = if down { ((spectra - 1) * width, -(width as isize)) } else { (0, width as isize) };
            let rows = Rows { values: &power[..], first, step };
            for path in SimdPath::ALL {
                let (simd, drifts) = (Simd::new(path), (least, most));
                let (mut a, mut b) = (Vec::new(), Vec::new());
                let (sums, scratch) = (&mut a, &mut b);
                let mut largest = Largest { rows, spectra, sums, scratch, begin, drifts, least: 0 };
                let top = simd.run(Top(&mut largest));
                let (mut a, mut b) = (Vec::new(), Vec::new());
                let (sums, scratch) = (&mut a, &mut b);
                let wanted = simd.run(Largest { rows, spectra, sums, scratch, begin, drifts, least: 0 });
                prop_assert_eq!(top, wanted.map_or(0, |l| l.0));
            }
        }
    }
}
