//! Holds the spectra of one stream over a batch of blocks.

/// Spectra with real and imaginary parts apart, by recorded channel, block and spectral channel.
#[derive(Debug, Clone, PartialEq)]
pub struct Spectra {
    blocks: usize,
    channels: usize,
    re: Vec<f32>,
    im: Vec<f32>,
}

impl Spectra {
    /// Room for `recorded` channels of `blocks` blocks of `channels` spectral channels.
    pub fn new(recorded: usize, blocks: usize, channels: usize) -> Self {
        let size = recorded * blocks * channels;
        Self { blocks, channels, re: vec![0.0; size], im: vec![0.0; size] }
    }

    /// Spectral channels.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// Blocks that there is room for.
    pub fn blocks(&self) -> usize {
        self.blocks
    }

    fn range(&self, recorded: usize, block: usize) -> std::ops::Range<usize> {
        let start = (recorded * self.blocks + block) * self.channels;
        start..start + self.channels
    }

    /// Real and imaginary parts of a spectrum.
    pub fn planes(&self, recorded: usize, block: usize) -> (&[f32], &[f32]) {
        let range = self.range(recorded, block);
        (&self.re[range.clone()], &self.im[range])
    }

    /// Real and imaginary parts of a spectrum, to be filled in.
    pub fn planes_mut(&mut self, recorded: usize, block: usize) -> (&mut [f32], &mut [f32]) {
        let range = self.range(recorded, block);
        (&mut self.re[range.clone()], &mut self.im[range])
    }

    /// Makes all spectra of a block zero: nothing of it was recorded.
    pub fn clear_block(&mut self, block: usize) {
        for recorded in 0..self.re.len() / (self.blocks * self.channels) {
            let (re, im) = self.planes_mut(recorded, block);
            re.fill(0.0);
            im.fill(0.0);
        }
    }
}
