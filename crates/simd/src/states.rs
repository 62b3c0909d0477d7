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

/// Words that are worked on together, which the compiler turns into vectors.
const LANES: usize = 8;
type Words = [u64; LANES];
/// Three times a count of 0 or 1 is summed in 2 bits, two of those sums in 4.
const GROUP: usize = 6 * LANES * size_of::<u64>();
/// Groups whose counts a byte holds: each adds up to 4 x 6.
const MOST_GROUPS: usize = 10;
const PAIRS: u64 = 0x5555_5555_5555_5555;
const FOURS: u64 = 0x3333_3333_3333_3333;
const BYTES: u64 = 0x0f0f_0f0f_0f0f_0f0f;
/// Sums in bytes that 16 bits hold: each adds up to 2 x 240.
const MOST_SUMS: usize = 128;
const HALVES: u64 = 0x00ff_00ff_00ff_00ff;

impl Kernel for Bits<'_> {
    type Output = [u64; 3];

    #[inline(always)]
    fn run<L: Lanes>(self) -> [u64; 3] {
        let (groups, rest) = self.0.as_chunks::<GROUP>();
        // What the last group lacks is code 0, which has none of the bits.
        let mut last = [0; GROUP];
        last[..rest.len()].copy_from_slice(rest);
        let mut sums = [0u64; 3];
        for groups in groups.chunks(MOST_GROUPS * MOST_SUMS) {
            add_groups(groups, &mut sums);
        }
        add_groups(&[last], &mut sums);
        sums
    }
}

/// Adds the counts of as many groups as sums of 16 bits hold.
#[inline(always)]
fn add_groups(groups: &[[u8; GROUP]], sums: &mut [u64; 3]) {
    let mut in_halves = [[0u64; LANES]; 3];
    for groups in groups.chunks(MOST_GROUPS) {
        let mut in_bytes = [[0u64; LANES]; 3];
        for group in groups {
            add_group(group, &mut in_bytes);
        }
        for (halves, bytes) in in_halves.iter_mut().zip(&in_bytes) {
            halves.iter_mut().zip(bytes).for_each(|(to, x)| *to += (x & HALVES) + (x >> 8 & HALVES));
        }
    }
    for (sum, halves) in sums.iter_mut().zip(&in_halves) {
        // Four sums of 16 bits in each word.
        let in_word = |word: &u64| (0..4).map(|i| word >> (16 * i) & 0xffff).sum::<u64>();
        *sum += halves.iter().map(in_word).sum::<u64>();
    }
}

/// Adds the counts of a group to sums in bytes.
#[inline(always)]
fn add_group(group: &[u8; GROUP], in_bytes: &mut [Words; 3]) {
    let mut in_fours = [[0u64; LANES]; 3];
    for half in group.as_chunks::<{ GROUP / 2 }>().0 {
        let mut in_pairs = [[0u64; LANES]; 3];
        for words in half.as_chunks::<{ GROUP / 6 }>().0 {
            let words = words.as_chunks::<8>().0;
            for lane in 0..LANES {
                let x = u64::from_le_bytes(words[lane]);
                let (low, high) = (x & PAIRS, x >> 1 & PAIRS);
                in_pairs[0][lane] += low;
                in_pairs[1][lane] += high;
                in_pairs[2][lane] += low & high;
            }
        }
        for (fours, pairs) in in_fours.iter_mut().zip(&in_pairs) {
            fours.iter_mut().zip(pairs).for_each(|(to, x)| *to += (x & FOURS) + (x >> 2 & FOURS));
        }
    }
    for (bytes, fours) in in_bytes.iter_mut().zip(&in_fours) {
        bytes.iter_mut().zip(fours).for_each(|(to, x)| *to += (x & BYTES) + (x >> 4 & BYTES));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SimdPath;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn fast_is_slow(
            bytes in proptest::collection::vec(any::<u8>(), 12_000),
            ends in (0usize..48_000, 0usize..48_000),
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
