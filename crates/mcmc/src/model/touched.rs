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

/// The marked vectors in ascending order: as [`marked`], for bodies too long for the compiler to inline as closures (what is
/// not inlined is not compiled for the instruction set).
pub(super) struct Marked<'a> {
    words: &'a [u64],
    w: usize,
    word: u64,
}

impl<'a> Marked<'a> {
    #[inline(always)]
    pub fn new(words: &'a [u64]) -> Self {
        Self { words, w: 0, word: words[0] }
    }
}

impl Iterator for Marked<'_> {
    type Item = usize;

    #[inline(always)]
    fn next(&mut self) -> Option<usize> {
        while self.word == 0 {
            self.w += 1;
            if self.w >= self.words.len() {
                return None;
            }
            self.word = self.words[self.w];
        }
        let vector = self.w * BITS + self.word.trailing_zeros() as usize;
        self.word &= self.word - 1;
        Some(vector)
    }
}

/// The amplitude at vectors that are asked for in ascending order.
pub(super) struct Amplitudes<'a, L> {
    segments: &'a [Segment],
    segment: usize,
    params: &'a SpeciesParams,
    amplitude: Amplitude<L>,
}

impl<'a, L: Lanes> Amplitudes<'a, L> {
    #[inline(always)]
    pub fn new(segments: &'a [Segment], params: &'a SpeciesParams) -> Self {
        let amplitude = segments[0].amplitude::<L>(params.tex_k, params.theta_arcsec);
        Self { segments, segment: 0, params, amplitude }
    }

    /// That at a channel.
    #[inline(always)]
    pub fn at(&mut self, channel: usize) -> &Amplitude<L> {
        if channel >= self.segments[self.segment].end {
            while channel >= self.segments[self.segment].end {
                self.segment += 1;
            }
            let segment = &self.segments[self.segment];
            self.amplitude = segment.amplitude::<L>(self.params.tex_k, self.params.theta_arcsec);
        }
        &self.amplitude
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

/// The first channel of each marked vector, in ascending order, and the index of its segment.
///
/// An iterator rather than a function that calls a closure: a closure that is too long to be inlined is compiled without the
/// vector instructions that its kernel has.
pub(super) struct MarkedSegments<'a> {
    words: &'a [u64],
    segments: &'a [Segment],
    lanes: usize,
    /// Index of the word, its bits that are left, and the segment.
    at: usize,
    left: u64,
    segment: usize,
}

impl<'a> MarkedSegments<'a> {
    /// Of vectors of `L`.
    #[inline(always)]
    pub fn new<L: Lanes>(words: &'a [u64], segments: &'a [Segment]) -> Self {
        let left = words.first().copied().unwrap_or(0);
        Self { words, segments, lanes: L::N, at: 0, left, segment: 0 }
    }
}

impl Iterator for MarkedSegments<'_> {
    type Item = (usize, usize);

    #[inline(always)]
    fn next(&mut self) -> Option<(usize, usize)> {
        while self.left == 0 {
            self.at += 1;
            self.left = *self.words.get(self.at)?;
        }
        let channel = (self.at * BITS + self.left.trailing_zeros() as usize) * self.lanes;
        self.left &= self.left - 1;
        while channel >= self.segments[self.segment].end {
            self.segment += 1;
        }
        Some((channel, self.segment))
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
            let found: Vec<usize> = Marked::new(&words).collect();
            let expected: Vec<usize> = (0..600).filter(|i| plain[*i]).collect();
            prop_assert_eq!(found, expected);
            for (i, plain) in plain.iter().enumerate() {
                prop_assert_eq!(words[i / BITS] >> (i % BITS) & 1 == 1, *plain);
            }
            let mut found = Vec::new();
            marked(&words, |v| found.push(v));
            let expected: Vec<usize> = (0..600).filter(|i| plain[*i]).collect();
            prop_assert_eq!(&found, &expected);
        }
    }
}
