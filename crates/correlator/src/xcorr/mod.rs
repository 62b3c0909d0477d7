//! Multiplies the spectra of station pairs.

mod fast;
mod scalar;
#[cfg(test)]
mod tests;

pub use fast::Fast;
pub use scalar::Scalar;

use crate::job::Product;
use crate::station::Spectra;

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
        Self { channels, re: vec![0.0; products * channels], im: vec![0.0; products * channels] }
    }

    /// Back to zero.
    pub fn clear(&mut self) {
        self.re.fill(0.0);
        self.im.fill(0.0);
    }

    /// Real and imaginary parts of a product's sums.
    pub fn product(&self, product: usize) -> (&[f64], &[f64]) {
        let range = product * self.channels..(product + 1) * self.channels;
        (&self.re[range.clone()], &self.im[range])
    }

    /// Real and imaginary parts of a product's sums, to be added to.
    pub fn product_mut(&mut self, product: usize) -> (&mut [f64], &mut [f64]) {
        let range = product * self.channels..(product + 1) * self.channels;
        (&mut self.re[range.clone()], &mut self.im[range])
    }
}

/// Sums a x conj(b) over the blocks of a batch.
pub trait CrossCorrelator {
    /// Adds, for every product, the products of the first `blocks` blocks to its sums. `spectra` are those of all
    /// streams. The order of the additions is fixed by the arguments.
    fn accumulate(&self, spectra: &[Spectra], blocks: usize, products: &[Product], sums: &mut Sums);
}
