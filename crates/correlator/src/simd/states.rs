//! Counts how often each code occurs among samples of 2 bits.

use super::{Kernel, Lanes, Simd};

/// How many of the samples `from .. to` have each of the four codes. A byte holds four samples, the first one in its
/// lowest bits.
pub fn count_codes(simd: Simd, bytes: &[u8], (from, to): (usize, usize)) -> [u64; 4] {
    let (first, last) = (from.div_ceil(4), to / 4);
    if first >= last {
        return count_one_by_one(bytes, (from, to));
    }
    let [low, high, both] = simd.run(Bits(&bytes[first..last]));
    let all = 4 * (last - first) as u64;
    let whole = [all + both - low - high, low - both, high - both, both];
    let (before, behind) =
        (count_one_by_one(bytes, (from, 4 * first)), count_one_by_one(bytes, (4 * last, to)));
    std::array::from_fn(|code| before[code] + whole[code] + behind[code])
}

/// The slow twin of [`count_codes`].
pub fn count_one_by_one(bytes: &[u8], (from, to): (usize, usize)) -> [u64; 4] {
    let mut counts = [0; 4];
    for sample in from..to {
        counts[usize::from(bytes[sample / 4] >> (2 * (sample % 4)) & 3)] += 1;
    }
    counts
}

/// How many of the codes of some bytes have their lower bit, their higher bit, both bits.
struct Bits<'a>(&'a [u8]);

impl Kernel for Bits<'_> {
    type Output = [u64; 3];

    #[inline(always)]
    fn run<L: Lanes>(self) -> [u64; 3] {
        const LOW: u64 = 0x5555_5555_5555_5555;
        let (words, rest) = self.0.as_chunks::<8>();
        // What the last word lacks is code 0, which has none of the bits.
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        let (mut low, mut high, mut both) = (0u64, 0u64, 0u64);
        for word in words.iter().chain(std::iter::once(&last)) {
            let x = u64::from_le_bytes(*word);
            let (a, b) = (x & LOW, x >> 1 & LOW);
            low += u64::from(a.count_ones());
            high += u64::from(b.count_ones());
            both += u64::from((a & b).count_ones());
        }
        [low, high, both]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::SimdPath;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn fast_is_slow(
            bytes in proptest::collection::vec(any::<u8>(), 200),
            ends in (0usize..800, 0usize..800),
        ) {
            let range = (ends.0.min(ends.1), ends.0.max(ends.1));
            let slow = count_one_by_one(&bytes, range);
            prop_assert_eq!(slow.iter().sum::<u64>(), (range.1 - range.0) as u64);
            for path in SimdPath::ALL {
                prop_assert_eq!(count_codes(Simd::new(path), &bytes, range), slow);
            }
        }
    }
}
