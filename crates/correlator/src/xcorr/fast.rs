//! Cross-multiplication with partial sums of a few channels in registers.
use super::{CrossCorrelator, Sums, Term};
use crate::simd::{CrossRows, MAX_LANES, Simd, cross};
use crate::station::Spectra;

/// Channels that all terms go through before the next ones: their spectra stay in the first cache.
const CHANNELS: usize = 64;

/// Single-precision sums over a batch, double-precision ones over batches.
#[derive(Debug, Clone, Copy)]
pub struct Fast(pub Simd);

impl CrossCorrelator for Fast {
    fn accumulate(&self, spectra: &[Spectra], blocks: usize, terms: &[Term], sums: &mut Sums) {
        let Some(first) = spectra.first() else { return };
        let (width, stride) = (first.channels().next_multiple_of(MAX_LANES), first.stride());
        let rows = |(stream, channel): (usize, usize)| {
            let (re, im) = spectra[stream].rows(channel);
            CrossRows { re, im }
        };
        for from in (0..width).step_by(CHANNELS) {
            let channels = (from, CHANNELS.min(width - from));
            for term in terms {
                let planes = (rows(term.a), rows(term.b));
                cross(self.0, planes, (stride, blocks), channels, sums.padded_mut(term.sum));
            }
        }
    }
}
