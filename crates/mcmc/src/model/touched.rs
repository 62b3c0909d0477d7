//! Which vectors of channels have opacity: a bit each.

use super::amplitude::{Amplitude, Segment};
use super::params::SpeciesParams;
use super::simd::Lanes;

const BITS: usize = u64::BITS as usize;

/// Words for a number of vectors; one is spare, for [`mark`].
pub(super) fn n_words(n_vectors: usize) -> usize {
    n_vectors.div_ceil(BITS) + 1
}

/// Marks the vectors from `first` to before `end`.
#[inline(always)]
pub(super) fn mark(words: &mut [u64], first: usize, end: usize) {
    let mut first = first;
    // Most lines reach a few vectors: one pass, and no branch at the border of two words.
    loop {
        let n = (end - first).min(BITS);
        let bits = u128::from(u64::MAX >> (BITS - n)) << (first % BITS);
        words[first / BITS] |= bits as u64;
        words[first / BITS + 1] |= (bits >> BITS) as u64;
        first += n;
        if first >= end {
            return;
        }
    }
}

/// Calls `work` with each marked vector, in ascending order.
#[inline(always)]
pub(super) fn marked(words: &[u64], mut work: impl FnMut(usize)) {
    for (w, word) in words.iter().enumerate() {
        let mut word = *word;
        while word != 0 {
            work(w * BITS + word.trailing_zeros() as usize);
            word &= word - 1;
        }
    }
}

/// Calls `work` with the first channel of each marked vector, in ascending order, and the amplitude there.
#[inline(always)]
pub(super) fn for_each<L: Lanes>(
    words: &[u64],
    segments: &[Segment],
    params: &SpeciesParams,
    mut work: impl FnMut(usize, &Amplitude<L>),
) {
    let mut segment = 0;
    let mut amplitude = segments[0].amplitude::<L>(params.tex_k, params.theta_arcsec);
    marked(words, |v| {
        let channel = v * L::N;
        if channel >= segments[segment].end {
            while channel >= segments[segment].end {
                segment += 1;
            }
            amplitude = segments[segment].amplitude::<L>(params.tex_k, params.theta_arcsec);
        }
        work(channel, &amplitude);
    });
}

/// Calls `work` with the first channel of each marked vector, in ascending order, and the index of its segment.
#[inline(always)]
pub(super) fn with_segments<L: Lanes>(
    words: &[u64],
    segments: &[Segment],
    mut work: impl FnMut(usize, usize),
) {
    let mut segment = 0;
    marked(words, |v| {
        let channel = v * L::N;
        while channel >= segments[segment].end {
            segment += 1;
        }
        work(channel, segment);
    });
}

/// The same with all vectors.
#[inline(always)]
pub(super) fn all_with_segments<L: Lanes>(segments: &[Segment], mut work: impl FnMut(usize, usize)) {
    let mut first = 0;
    for (index, segment) in segments.iter().enumerate() {
        (first..segment.end).step_by(L::N).for_each(|channel| work(channel, index));
        first = segment.end;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn marks_what_a_plain_loop_marks(ranges in proptest::collection::vec((0usize..400, 1usize..200), 0..9)) {
            let mut words = vec![0; n_words(600)];
            let mut plain = vec![false; 600];
            for (first, n) in ranges {
                mark(&mut words, first, first + n);
                plain[first..first + n].fill(true);
            }
            for (i, plain) in plain.iter().enumerate() {
                prop_assert_eq!(words[i / BITS] >> (i % BITS) & 1 == 1, *plain);
            }
        }
    }
}
