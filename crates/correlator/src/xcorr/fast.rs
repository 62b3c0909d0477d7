//! Cross-multiplication with partial sums of a few channels in registers.
use super::{CrossCorrelator, Sums, Term};
use crate::station::Spectra;
use mirinae_simd::{CrossRows, MAX_LANES, Simd, cross};

/// Channels that all terms go through before the next ones: their spectra stay in the first cache.
const CHANNELS: usize = 64;

/// Single-precision sums over a batch, double-precision ones over batches.
#[derive(Debug, Clone, Copy)]
pub struct Fast(pub Simd);

impl CrossCorrelator for Fast {
    fn accumulate(&self, spectra: &[Spectra], blocks: usize, terms: &[Term], sums: &mut Sums) {
        // Beyond a spectrum's end lies its padding, beyond a part of it the next channels: both go where nobody looks.
        let width = sums.channels().next_multiple_of(MAX_LANES);
        let rows = |(stream, channel): (usize, usize), first: usize| {
            let (re, im) = spectra[stream].rows(channel);
            CrossRows { re: &re[first..], im: &im[first..], stride: spectra[stream].stride() }
        };
        for from in (0..width).step_by(CHANNELS) {
            let channels = (from, CHANNELS.min(width - from));
            for term in terms {
                let planes = (rows(term.a, term.first[0]), rows(term.b, term.first[1]));
                cross(self.0, planes, blocks, channels, sums.padded_mut(term.sum));
            }
        }
    }
}
