//! Multiplies the spectra of station pairs.

mod fast;
mod scalar;
#[cfg(test)]
mod tests;

pub use fast::Fast;
pub use scalar::Scalar;

use crate::station::Spectra;
use mirinae_simd::MAX_LANES;

/// Sums of products in double precision, by product and spectral channel, real and imaginary parts apart.
#[derive(Debug, Clone, PartialEq)]
pub struct Sums {
    channels: usize,
    re: Vec<f64>,
    im: Vec<f64>,
}

impl Sums {
    /// Zero sums.
    pub fn new(products: usize, channels: usize) -> Self {
        let size = products * channels.next_multiple_of(MAX_LANES);
        Self { channels, re: vec![0.0; size], im: vec![0.0; size] }
    }

    /// Spectral channels.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// Back to zero.
    pub fn clear(&mut self) {
        self.re.fill(0.0);
        self.im.fill(0.0);
    }

    /// Real and imaginary parts of a product's sums.
    pub fn product(&self, product: usize) -> (&[f64], &[f64]) {
        let start = product * self.channels.next_multiple_of(MAX_LANES);
        let range = start..start + self.channels;
        (&self.re[range.clone()], &self.im[range])
    }

    /// Real and imaginary parts of a product's sums, to be added to.
    pub fn product_mut(&mut self, product: usize) -> (&mut [f64], &mut [f64]) {
        let channels = self.channels;
        let (re, im) = self.padded_mut(product);
        (&mut re[..channels], &mut im[..channels])
    }

    /// The same with the padding to whole vectors.
    fn padded_mut(&mut self, product: usize) -> (&mut [f64], &mut [f64]) {
        let width = self.channels.next_multiple_of(MAX_LANES);
        let range = product * width..(product + 1) * width;
        (&mut self.re[range.clone()], &mut self.im[range])
    }
}

/// A product of two spectra: a x conj(b).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Term {
    /// Which sum it is added to.
    pub sum: usize,
    /// Stream and channel in its [`Spectra`] that is taken as it is.
    pub a: (usize, usize),
    /// Stream and channel that is conjugated.
    pub b: (usize, usize),
    /// First spectral channel of either that is taken; as many as the sums have.
    pub first: [usize; 2],
}

/// Sums a x conj(b) over the blocks of a batch.
pub trait CrossCorrelator {
    /// Adds, for every term, the products of the first `blocks` blocks to its sum. `spectra` are those of all streams.
    /// The order of the additions is fixed by the arguments.
    fn accumulate(&self, spectra: &[Spectra], blocks: usize, terms: &[Term], sums: &mut Sums);
}
