//! Holds the spectra of some channels of one stream over a batch of blocks.

use mirinae_simd::Aligned;
use mirinae_simd::MAX_LANES;

/// Spectra with real and imaginary parts apart, by recorded channel, block and spectral channel. Rows are padded with
/// zeros: to whole vectors, and so that blocks do not fall on one another in the cache.
#[derive(Debug, Clone, PartialEq)]
pub struct Spectra {
    blocks: usize,
    channels: usize,
    re: Aligned,
    im: Aligned,
}

/// Real and imaginary parts of a spectrum, to be filled in.
pub type PlanesMut<'a> = (&'a mut [f32], &'a mut [f32]);

/// Length of a row.
fn row(channels: usize) -> usize {
    channels.next_multiple_of(MAX_LANES) + MAX_LANES
}

impl Spectra {
    /// Room for `recorded` channels of `blocks` blocks of `channels` spectral channels.
    pub fn new(recorded: usize, blocks: usize, channels: usize) -> Self {
        let size = recorded * blocks * row(channels);
        Self { blocks, channels, re: Aligned::zeros(size), im: Aligned::zeros(size) }
    }

    /// Spectral channels.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// Blocks that there is room for.
    pub fn blocks(&self) -> usize {
        self.blocks
    }

    /// Numbers from a block to the next one.
    pub fn stride(&self) -> usize {
        row(self.channels)
    }

    /// Rows of all blocks of a recorded channel, padding included.
    pub fn rows(&self, recorded: usize) -> (&[f32], &[f32]) {
        let size = self.blocks * self.stride();
        let range = recorded * size..(recorded + 1) * size;
        (&self.re[range.clone()], &self.im[range])
    }

    fn range(&self, (recorded, block): (usize, usize)) -> std::ops::Range<usize> {
        let start = (recorded * self.blocks + block) * self.stride();
        start..start + self.channels
    }

    /// Real and imaginary parts of a spectrum.
    pub fn planes(&self, recorded: usize, block: usize) -> (&[f32], &[f32]) {
        let range = self.range((recorded, block));
        (&self.re[range.clone()], &self.im[range])
    }

    /// Real and imaginary parts of a spectrum, to be filled in.
    pub fn planes_mut(&mut self, recorded: usize, block: usize) -> PlanesMut<'_> {
        let range = self.range((recorded, block));
        (&mut self.re[range.clone()], &mut self.im[range])
    }

    /// The same of two spectra (recorded channel and block), which must not be one; `None` if they are.
    pub fn two_mut(&mut self, a: (usize, usize), b: (usize, usize)) -> Option<[PlanesMut<'_>; 2]> {
        let ranges = [self.range(a), self.range(b)];
        let [re_a, re_b] = self.re.get_disjoint_mut(ranges.clone()).ok()?;
        let [im_a, im_b] = self.im.get_disjoint_mut(ranges).ok()?;
        Some([(re_a, im_a), (re_b, im_b)])
    }

    /// Makes a spectrum zero: nothing of it was recorded.
    pub fn clear(&mut self, recorded: usize, block: usize) {
        let (re, im) = self.planes_mut(recorded, block);
        re.fill(0.0);
        im.fill(0.0);
    }
}
