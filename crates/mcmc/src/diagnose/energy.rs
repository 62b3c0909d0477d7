//! How well the momenta of a Hamiltonian sampler let it change its energy.

use ndarray::{ArrayView2, Axis};

/// E-BFMI of every chain, from its energies, shape (draw, chain): the mean square change from draw to draw over the
/// variance (Betancourt 2016, arXiv:1604.00695, section 3).
pub fn e_bfmi(energy: ArrayView2<'_, f64>) -> Vec<f64> {
    energy
        .axis_iter(Axis(1))
        .map(|chain| {
            let mean = chain.sum() / chain.len() as f64;
            let scatter: f64 = chain.iter().map(|e| (e - mean).powi(2)).sum();
            let changes: f64 = chain.iter().zip(chain.iter().skip(1)).map(|(a, b)| (b - a).powi(2)).sum();
            changes / scatter
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;

    #[test]
    fn by_hand() {
        let energy = Array2::from_shape_vec((4, 1), vec![1.0, 3.0, 2.0, 2.0]).unwrap();
        assert!((e_bfmi(energy.view())[0] - 5.0 / 2.0).abs() < 1e-12);
    }
}
