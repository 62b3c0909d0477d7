//! Nested R-hat: convergence of many short chains.
//!
//! Margossian, Hoffman, Sountsov, Riou-Durand, Vehtari & Gelman (2024, Bayesian Analysis; arXiv:2110.13017): chains that
//! start at the same place make up a superchain. What is left of the starts shows in how far the means of the
//! superchains differ, however short the chains are.

use ndarray::{ArrayView2, Axis};

/// Nested R-hat of samples of shape (draw, chain), where each `chains` / `superchains` neighbouring chains had the same start
/// (their equations 5 to 8). NaN with fewer than 2 superchains, or too few draws to tell.
pub fn nested_r_hat(samples: ArrayView2<'_, f64>, superchains: usize) -> f64 {
    let (draws, chains) = samples.dim();
    if superchains < 2 || draws == 0 || !chains.is_multiple_of(superchains) {
        return f64::NAN;
    }
    let per = chains / superchains;
    let means: Vec<f64> = samples.axis_iter(Axis(1)).map(|c| c.sum() / draws as f64).collect();
    let within_chain = |c: usize| variance(samples.index_axis(Axis(1), c).iter().copied(), means[c]);
    let mut centres = Vec::with_capacity(superchains);
    let mut within = 0.0;
    for first in (0..chains).step_by(per) {
        let of_super = &means[first..first + per];
        let centre = of_super.iter().sum::<f64>() / per as f64;
        let inside: f64 = (first..first + per).map(within_chain).sum::<f64>() / per as f64;
        within += (variance(of_super.iter().copied(), centre) + inside) / superchains as f64;
        centres.push(centre);
    }
    let between = variance(centres.iter().copied(), centres.iter().sum::<f64>() / superchains as f64);
    (1.0 + between / within).sqrt()
}

/// Unbiased variance around the mean of the same values; 0 of a single one.
fn variance(values: impl ExactSizeIterator<Item = f64>, mean: f64) -> f64 {
    let n = values.len();
    if n < 2 { 0.0 } else { values.map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1) as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;

    #[test]
    fn by_hand() {
        // Superchains {1, 3}, {5, 7} of one draw each: between 8, within 2.
        let samples = Array2::from_shape_vec((1, 4), vec![1.0, 3.0, 5.0, 7.0]).unwrap();
        assert!((nested_r_hat(samples.view(), 2) - 5.0_f64.sqrt()).abs() < 1e-12);
        // Two draws a chain: within chains 2, between chains of a superchain 0.
        let samples = Array2::from_shape_vec((2, 4), vec![0.0, 0.0, 3.0, 3.0, 2.0, 2.0, 5.0, 5.0]).unwrap();
        assert!((nested_r_hat(samples.view(), 2) - (1.0_f64 + 4.5 / 2.0).sqrt()).abs() < 1e-12);
        assert!(nested_r_hat(samples.view(), 1).is_nan() && nested_r_hat(samples.view(), 3).is_nan());
    }
}
