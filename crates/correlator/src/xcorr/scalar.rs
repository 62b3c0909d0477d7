//! The slow, obvious cross-multiplication: the oracle.
use super::{CrossCorrelator, Sums, Term};
use crate::station::Spectra;
use num_complex::Complex64;

/// One term after the other, in double precision.
#[derive(Debug, Clone, Copy, Default)]
pub struct Scalar;

impl CrossCorrelator for Scalar {
    fn accumulate(&self, spectra: &[Spectra], blocks: usize, terms: &[Term], sums: &mut Sums) {
        for product in terms {
            let (re, im) = sums.product_mut(product.sum);
            for block in 0..blocks {
                let (a_re, a_im) = spectra[product.a.0].planes(product.a.1, block);
                let (b_re, b_im) = spectra[product.b.0].planes(product.b.1, block);
                let [first_a, first_b] = product.first;
                for c in 0..re.len() {
                    let (i, j) = (first_a + c, first_b + c);
                    let a = Complex64::new(a_re[i].into(), a_im[i].into());
                    let b = Complex64::new(b_re[j].into(), b_im[j].into());
                    let product = a * b.conj();
                    re[c] += product.re;
                    im[c] += product.im;
                }
            }
        }
    }
}
