//! Sums of powers along lines in time and frequency: Taylor's tree (1974, A&AS 15, 367), log2(n) additions a line in place of n.

use mirinae_simd::{Kernel, Lanes};

/// Sums `power` (rows of `width` numbers, one for each of a power of two of spectra) along the lines that rise by 0, 1, ... `most`
/// places from the first spectrum to the last (fewer than spectra): row d of the result, at the place where the line begins. Of lines that leave
/// the rows what is inside is summed. Row t of a line of drift d is [`offset`] places above its beginning,
/// off the straight line by a sixth of a place for each doubling of the spectra at most. The slow twin of [`Largest`].
#[cfg(test)]
fn drift_sums(power: &mut Vec<f32>, scratch: &mut Vec<f32>, width: usize, most: usize) {
    let spectra = power.len() / width.max(1);
    scratch.resize(power.len(), 0.0);
    let mut half = 1;
    while half < spectra {
        // What lines of the whole stretch need of this part of it.
        let needed = (most / (spectra / (2 * half)) + 1).min(2 * half);
        for block in (0..spectra).step_by(2 * half) {
            for drift in 0..needed {
                let low = &power[(block + drift / 2) * width..][..width];
                let high = &power[(block + half + drift / 2) * width..][..width];
                let out = &mut scratch[(block + drift) * width..][..width];
                let shift = drift.div_ceil(2).min(width);
                let inside = width - shift;
                for ((o, l), h) in out[..inside].iter_mut().zip(low).zip(&high[shift..]) {
                    *o = l + h;
                }
                out[inside..].copy_from_slice(&low[inside..]);
            }
        }
        std::mem::swap(power, scratch);
        half *= 2;
    }
}

/// What powers are added in: numbers as they are, or small whole ones, which vectors hold twice as many of.
pub trait Power: Copy + PartialOrd + Default {
    /// The sum, or the largest number there is.
    fn plus(self, other: Self) -> Self;
    /// What is nearest to a number.
    fn nearest(x: f32) -> Self;
    /// The number.
    fn number(self) -> f32;
}

impl Power for f32 {
    #[inline(always)]
    fn plus(self, other: Self) -> Self {
        self + other
    }

    fn nearest(x: f32) -> Self {
        x
    }

    fn number(self) -> f32 {
        self
    }
}

impl Power for u16 {
    #[inline(always)]
    fn plus(self, other: Self) -> Self {
        self.saturating_add(other)
    }

    fn nearest(x: f32) -> Self {
        x.round().clamp(0.0, f32::from(Self::MAX)) as Self
    }

    fn number(self) -> f32 {
        f32::from(self)
    }
}

/// Rows of powers in a larger table, each some places further than the one before.
#[derive(Debug, Clone, Copy)]
pub struct Rows<'a, P> {
    /// The table.
    pub values: &'a [P],
    /// Where the first row begins.
    pub first: usize,
    /// From the beginning of a row to that of the next one.
    pub step: isize,
}

impl<P> Rows<'_, P> {
    /// A row's first numbers.
    #[inline(always)]
    pub fn row(&self, row: usize, width: usize) -> &[P] {
        let start = self.first as isize + row as isize * self.step;
        &self.values[start as usize..][..width]
    }
}

/// Sums along lines, of which the largest is wanted: for each path's vectors. What its twin in the tests, `drift_sums`, does, but for the ends of rows, which
/// no line that begins in `begin` reaches; the last sums are nowhere kept.
pub struct Largest<'a, P> {
    /// Powers: a row has `begin` places and as many as the largest drift.
    pub rows: Rows<'a, P>,
    /// Number of rows: a power of two, two at least.
    pub spectra: usize,
    /// Room.
    pub sums: &'a mut Vec<P>,
    /// Room.
    pub scratch: &'a mut Vec<P>,
    /// Places at which lines may begin.
    pub begin: usize,
    /// Smallest and largest drift.
    pub drifts: (usize, usize),
    /// Sums up to here are not wanted.
    pub least: P,
}

impl<P: Power> Kernel for Largest<'_, P> {
    /// Sum, place at which the line begins, drift.
    type Output = Option<(P, usize, usize)>;

    #[inline(always)]
    fn run<L: Lanes>(self) -> Self::Output {
        let (spectra, width) = (self.spectra, self.begin + self.drifts.1);
        // All but the last doubling.
        let (mut rows, mut half) = (self.rows, 1);
        let (mut out, mut other) = (self.sums, self.scratch);
        for room in [&mut *out, &mut *other] {
            room.resize(room.len().max(spectra * width), P::default());
        }
        while 2 * half < spectra {
            let needed = (self.drifts.1 / (spectra / (2 * half)) + 1).min(2 * half);
            for block in (0..spectra).step_by(2 * half) {
                for drift in 0..needed {
                    let shift = drift.div_ceil(2);
                    let low = rows.row(block + drift / 2, width);
                    let high = rows.row(block + half + drift / 2, width);
                    let sums = &mut out[(block + drift) * width..][..width - shift];
                    for ((o, l), h) in sums.iter_mut().zip(low).zip(&high[shift..]) {
                        *o = l.plus(*h);
                    }
                }
            }
            half *= 2;
            rows = Rows { values: &[], first: 0, step: width as isize };
            std::mem::swap(&mut out, &mut other);
            rows.values = other;
        }
        let (mut best, mut top) = (None, self.least);
        for drift in self.drifts.0..=self.drifts.1 {
            let low = &rows.row(drift / 2, width)[..self.begin];
            let high = &rows.row(half + drift / 2, width)[drift.div_ceil(2)..][..self.begin];
            let found = largest_sum(low, high);
            if found > top {
                top = found;
                let place = low.iter().zip(high).position(|(l, h)| l.plus(*h) == top).unwrap_or(0);
                best = Some((top, place, drift));
            }
        }
        best
    }
}

/// The largest of the sums of two rows.
#[inline(always)]
fn largest_sum<P: Power>(low: &[P], high: &[P]) -> P {
    const AT_ONCE: usize = 64;
    let more = |a: P, b: P| if b > a { b } else { a };
    let mut tops = [P::default(); AT_ONCE];
    let (lows, highs) = (low.chunks_exact(AT_ONCE), high.chunks_exact(AT_ONCE));
    let rest = lows.remainder().iter().zip(highs.remainder()).map(|(l, h)| l.plus(*h));
    let rest = rest.fold(P::default(), more);
    for (l, h) in lows.zip(highs) {
        for (top, (l, h)) in tops.iter_mut().zip(l.iter().zip(h)) {
            *top = more(*top, l.plus(*h));
        }
    }
    tops.into_iter().fold(rest, more)
}

/// How far a line that rises by `drift` places over `spectra` spectra has risen at spectrum `t`: a straight line that a spectrum
/// rises by a whole number of places, and the tree's line for what is left, which is fewer than spectra.
pub fn offset(drift: usize, spectra: usize, t: usize) -> usize {
    if spectra <= 1 {
        return 0;
    }
    let (whole, left) = shear(drift, spectra);
    whole * t + in_tree(left, spectra, t)
}

/// Places that a line rises by from spectrum to spectrum beyond what the tree follows, and what is left for it.
pub(super) fn shear(drift: usize, spectra: usize) -> (usize, usize) {
    let whole = drift.saturating_sub(1) / (spectra - 1).max(1);
    (whole, drift - whole * (spectra - 1))
}

fn in_tree(drift: usize, spectra: usize, t: usize) -> usize {
    if spectra <= 1 {
        return 0;
    }
    let half = spectra / 2;
    if t < half {
        in_tree(drift / 2, half, t)
    } else {
        drift.div_ceil(2) + in_tree(drift / 2, half, t - half)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mirinae_simd::{Simd, SimdPath};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn largest_is_that_of_all_sums(spectra in (1u32..6).prop_map(|k| 1usize << k), share in 0.0f64..1.0, begin in 1usize..150, down in any::<bool>(), seed in any::<u32>()) {
            let most = (share * (spectra - 1) as f64) as usize;
            let width = begin + most;
            let value = |i: usize| ((i as u32).wrapping_mul(2_654_435_761).wrapping_add(seed) >> 20) as f32;
            let power: Vec<f32> = (0..spectra * width).map(value).collect();
            let (mut sums, mut scratch) = (power.clone(), Vec::new());
            if down {
                sums = power.rchunks(width).flatten().copied().collect();
            }
            drift_sums(&mut sums, &mut scratch, width, most);
            let all = (0..=most).flat_map(|d| sums[d * width..][..begin].iter().copied());
            let top = all.fold(0.0, f32::max);
            let (first, step) = if down { ((spectra - 1) * width, -(width as isize)) } else { (0, width as isize) };
            let rows = Rows { values: &power[..], first, step };
            for path in SimdPath::ALL {
                let (mut a, mut b) = (Vec::new(), Vec::new());
                let kernel = Largest { rows, spectra, sums: &mut a, scratch: &mut b, begin, drifts: (0, most), least: 0.0 };
                let (sum, place, drift) = Simd::new(path).run(kernel).unwrap();
                prop_assert_eq!(sum, top);
                prop_assert_eq!(sums[drift * width + place], top);
                // In whole numbers, too: these are at most 4095, and 32 of them.
                let whole: Vec<u16> = power.iter().map(|p| (*p / 2.0) as u16).collect();
                let halves: Vec<f32> = whole.iter().map(|p| f32::from(*p)).collect();
                let of_whole = Rows { values: &whole[..], first, step };
                let (mut a, mut b) = (Vec::new(), Vec::new());
                let kernel = Largest { rows: of_whole, spectra, sums: &mut a, scratch: &mut b, begin, drifts: (0, most), least: 0 };
                let of_halves = Rows { values: &halves[..], first, step };
                let (mut c, mut d) = (Vec::new(), Vec::new());
                let twin = Largest { rows: of_halves, spectra, sums: &mut c, scratch: &mut d, begin, drifts: (0, most), least: 0.0 };
                let wanted = Simd::new(path).run(twin).map(|(sum, place, drift)| (sum as u16, place, drift));
                prop_assert_eq!(Simd::new(path).run(kernel), wanted);
            }
        }

        #[test]
        fn tree_is_its_twin(spectra in (0u32..6).prop_map(|k| 1usize << k), share in 0.0f64..1.0, width in 1usize..90, seed in any::<u32>()) {
            let most = (share * spectra as f64) as usize;
            let value = |i: usize| ((i as u32).wrapping_mul(2_654_435_761).wrapping_add(seed) >> 20) as f32;
            let power: Vec<f32> = (0..spectra * width).map(value).collect();
            let (mut sums, mut scratch) = (power.clone(), Vec::new());
            drift_sums(&mut sums, &mut scratch, width, most);
            for drift in 0..=most {
                for f in 0..width {
                    let slow: f32 = (0..spectra)
                        .map(|t| (t, f + offset(drift, spectra, t)))
                        .filter(|(_, g)| *g < width)
                        .map(|(t, g)| power[t * width + g])
                        .sum();
                    prop_assert!((sums[drift * width + f] - slow).abs() <= 1e-6 * slow, "{} {}", drift, f);
                }
            }
        }

        #[test]
        fn lines_are_straight_to_a_sixth_of_a_channel_for_each_doubling(spectra in (1u32..10).prop_map(|k| 1usize << k), share in 0.0f64..3.0) {
            let drift = (share * spectra as f64) as usize;
            for t in 0..spectra {
                let straight = drift as f64 * t as f64 / (spectra - 1) as f64;
                let off = (offset(drift, spectra, t) as f64 - straight).abs();
                prop_assert!(off <= f64::from(spectra.ilog2()) / 6.0 + 1e-9, "{drift} {t}: {off}");
            }
            prop_assert_eq!(offset(drift, spectra, spectra - 1), drift);
            // Backwards in time they fall as they rise.
            for t in 0..spectra {
                prop_assert_eq!(drift - offset(drift, spectra, t), offset(drift, spectra, spectra - 1 - t));
            }
        }
    }
}
