//! Cross-multiplication with partial sums of a few channels in registers.
use super::{CrossCorrelator, Sums};
use crate::job::Product;
use crate::station::Spectra;

/// Channels whose partial sums are kept while the blocks of a batch go by.
const TILE: usize = 32;

/// Single-precision sums over a batch, double-precision ones over batches.
#[derive(Debug, Clone, Copy, Default)]
pub struct Fast;

impl CrossCorrelator for Fast {
    fn accumulate(&self, spectra: &[Spectra], blocks: usize, products: &[Product], sums: &mut Sums) {
        for (index, product) in products.iter().enumerate() {
            let (re, im) = sums.product_mut(index);
            for start in (0..re.len()).step_by(TILE) {
                let end = (start + TILE).min(re.len());
                let tile = Tile { spectra, product, blocks, start, end };
                if end - start == TILE {
                    tile.whole(&mut re[start..end], &mut im[start..end]);
                } else {
                    tile.rest(&mut re[start..end], &mut im[start..end]);
                }
            }
        }
    }
}

struct Tile<'a> {
    spectra: &'a [Spectra],
    product: &'a Product,
    blocks: usize,
    start: usize,
    end: usize,
}

impl Tile<'_> {
    /// The tile of one stream's spectrum: real and imaginary parts.
    fn of(&self, (stream, recorded): (usize, usize), block: usize) -> (&[f32], &[f32]) {
        let (re, im) = self.spectra[stream].planes(recorded, block);
        (&re[self.start..self.end], &im[self.start..self.end])
    }

    fn whole(&self, re: &mut [f64], im: &mut [f64]) {
        let (mut sum_re, mut sum_im) = ([0.0f32; TILE], [0.0f32; TILE]);
        for block in 0..self.blocks {
            let (a_re, a_im) = self.of(self.product.a, block);
            let (b_re, b_im) = self.of(self.product.b, block);
            // Fixed lengths let the compiler keep the sums in vector registers.
            let (Ok(a_re), Ok(a_im), Ok(b_re), Ok(b_im)) = (
                <&[f32; TILE]>::try_from(a_re),
                <&[f32; TILE]>::try_from(a_im),
                <&[f32; TILE]>::try_from(b_re),
                <&[f32; TILE]>::try_from(b_im),
            ) else {
                return self.rest(re, im);
            };
            for c in 0..TILE {
                sum_re[c] += a_re[c] * b_re[c] + a_im[c] * b_im[c];
                sum_im[c] += a_im[c] * b_re[c] - a_re[c] * b_im[c];
            }
        }
        add(&sum_re, re);
        add(&sum_im, im);
    }

    fn rest(&self, re: &mut [f64], im: &mut [f64]) {
        let (mut sum_re, mut sum_im) = ([0.0f32; TILE], [0.0f32; TILE]);
        for block in 0..self.blocks {
            let (a_re, a_im) = self.of(self.product.a, block);
            let (b_re, b_im) = self.of(self.product.b, block);
            for c in 0..a_re.len() {
                sum_re[c] += a_re[c] * b_re[c] + a_im[c] * b_im[c];
                sum_im[c] += a_im[c] * b_re[c] - a_re[c] * b_im[c];
            }
        }
        add(&sum_re, re);
        add(&sum_im, im);
    }
}

fn add(partial: &[f32], sums: &mut [f64]) {
    for (sum, &p) in sums.iter_mut().zip(partial) {
        *sum += f64::from(p);
    }
}
