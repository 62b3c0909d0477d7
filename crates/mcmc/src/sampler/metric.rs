//! The factor that whitens a posterior, from draws and gradients of all chains.
//!
//! In the space that the present factor whitens let X be the covariance of the draws and G that of the derivatives of
//! ln density. The matrix S with S G S = X, the geometric mean of X and the inverse of G, is the metric that brings draws
//! and derivatives closest to a standard normal distribution (in Fisher divergence; the way of the program nutpie). For
//! a normal distribution it is exact from any draws that span the space, however few.

use super::flow::Tuning;
use super::linear::Matrix;

/// Weight of the present metric, in draws: it regularises what few draws say.
const PRIOR_DRAWS: f64 = 5.0;
/// A single update changes a scale by no more than this factor.
const LARGEST_CHANGE: f64 = 100.0;

/// A new factor.
pub(super) struct Update {
    pub factor: Matrix,
    /// Largest change of a scale: the square root of the ratio of new to old variance, above 1, along the direction
    /// in which it changes most.
    pub change: f64,
}

/// Learns a factor from `draws` and `gradients` (of ln likelihood), each of shape (draw, parameter), row-major.
pub(super) fn learn(tuning: &Tuning, draws: &[f64], gradients: &[f64]) -> Update {
    let factor = &tuning.factor;
    let dim = factor.dim();
    let inverse = factor.inverse();
    let mut forces = Vec::with_capacity(gradients.len());
    let mut whitened = Vec::with_capacity(draws.len());
    let (mut full, mut out) = (vec![0.0; dim], vec![0.0; dim]);
    for (z, g) in draws.chunks_exact(dim).zip(gradients.chunks_exact(dim)) {
        inverse.times(z, &mut out);
        whitened.extend_from_slice(&out);
        full.iter_mut().zip(g).zip(z).for_each(|((f, &g), &z)| *f = tuning.beta * g - z);
        factor.transpose_times(&full, &mut out);
        forces.extend_from_slice(&out);
    }
    let (of_draws, of_forces) = (covariance(&whitened, dim), covariance(&forces, dim));
    let root = of_forces.map_eigenvalues(|x| bounded(x).sqrt());
    let unroot = of_forces.map_eigenvalues(|x| 1.0 / bounded(x).sqrt());
    let middle = root.product(&of_draws).product(&root).symmetric();
    // S = unroot middle^(1/2) unroot, so that unroot middle^(1/4) is a factor of S.
    let quarter = middle.map_eigenvalues(|x| x.max(0.0).sqrt().sqrt());
    let relative = unroot.product(&quarter);
    let squared = relative.product(&relative.transposed()).symmetric();
    let change = squared.eigen().0.iter().map(|&x| x.max(1.0 / x).sqrt()).fold(1.0, f64::max);
    Update { factor: factor.product(&relative), change }
}

fn bounded(eigenvalue: f64) -> f64 {
    let most = LARGEST_CHANGE * LARGEST_CHANGE;
    eigenvalue.clamp(1.0 / most, most)
}

/// Covariance of rows, drawn towards one.
fn covariance(rows: &[f64], dim: usize) -> Matrix {
    let n = (rows.len() / dim) as f64;
    let mut mean = vec![0.0; dim];
    for row in rows.chunks_exact(dim) {
        mean.iter_mut().zip(row).for_each(|(m, x)| *m += x / n);
    }
    let weight = 1.0 / (n - 1.0 + PRIOR_DRAWS);
    let mut sum = Matrix::diagonal(&vec![PRIOR_DRAWS * weight; dim]);
    let mut offset = vec![0.0; dim];
    for row in rows.chunks_exact(dim) {
        offset.iter_mut().zip(row).zip(&mean).for_each(|((o, x), m)| *o = x - m);
        sum.add_outer(&offset, weight);
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::RngExt;
    use rand_distr::StandardNormal;

    /// Draws of a normal distribution with covariance `truth`, and the gradients of the likelihood that, times the
    /// standard normal prior, gives it.
    fn normal(truth: &Matrix, n: usize) -> (Vec<f64>, Vec<f64>) {
        let dim = truth.dim();
        let (root, precision) = (truth.map_eigenvalues(f64::sqrt), truth.map_eigenvalues(|x| 1.0 / x));
        let mut rng = mirinae_common::random::stream(3, 0, 0);
        let (mut draws, mut gradients) = (Vec::new(), Vec::new());
        let (mut z, mut g) = (vec![0.0; dim], vec![0.0; dim]);
        for _ in 0..n {
            let y: Vec<f64> = (0..dim).map(|_| rng.sample(StandardNormal)).collect();
            root.times(&y, &mut z);
            precision.times(&z, &mut g);
            draws.extend(z.iter().map(|z| z + 3.0));
            gradients.extend(g.iter().zip(&z).map(|(g, z)| z + 3.0 - g));
        }
        (draws, gradients)
    }

    #[test]
    fn a_normal_distribution_is_whitened_by_few_draws() {
        let mut truth = Matrix::diagonal(&[0.01, 0.02, 0.3, 0.04, 1e-5]);
        truth.add_outer(&[0.3, 0.2, -0.5, 0.1, 0.002], 1.0);
        let mut tuning = Tuning { beta: 1.0, step: 1.0, factor: Matrix::identity(5) };
        let (draws, gradients) = normal(&truth, 12);
        for round in 0..20 {
            let update = learn(&tuning, &draws, &gradients);
            tuning.factor = update.factor;
            if round == 19 {
                assert!(update.change < 1.05, "{}", update.change);
            }
        }
        let found = tuning.factor.product(&tuning.factor.transposed());
        for i in 0..5 {
            for j in 0..5 {
                let scale = (truth.at(i, i) * truth.at(j, j)).sqrt();
                assert!((found.at(i, j) - truth.at(i, j)).abs() < 0.05 * scale, "{i} {j}");
            }
        }
    }
}
