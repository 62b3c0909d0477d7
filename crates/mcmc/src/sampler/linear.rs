//! Small dense matrices, row by row: all that whitening needs, with the same bits on every machine.
//!
//! Only additions, multiplications, divisions and square roots in a fixed order go in.

use serde::{Deserialize, Serialize};

/// A square matrix, row-major.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Matrix {
    dim: usize,
    values: Vec<f64>,
}

/// Sweeps of Jacobi's method: it converges quadratically, in 6 to 10 for any matrix of use here.
const SWEEPS: usize = 30;

impl Matrix {
    /// All zeros.
    pub fn zeros(dim: usize) -> Self {
        Self { dim, values: vec![0.0; dim * dim] }
    }

    /// Ones on the diagonal.
    pub fn identity(dim: usize) -> Self {
        Self::diagonal(&vec![1.0; dim])
    }

    /// These values on the diagonal.
    pub fn diagonal(values: &[f64]) -> Self {
        let mut matrix = Self::zeros(values.len());
        values.iter().enumerate().for_each(|(i, &v)| matrix.values[i * values.len() + i] = v);
        matrix
    }

    /// Number of rows.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// The element in row `i` and column `j`.
    pub fn at(&self, i: usize, j: usize) -> f64 {
        self.values[i * self.dim + j]
    }

    /// The same, to be changed.
    pub fn at_mut(&mut self, i: usize, j: usize) -> &mut f64 {
        &mut self.values[i * self.dim + j]
    }

    /// Multiplies all elements.
    pub fn scale(&mut self, factor: f64) {
        self.values.iter_mut().for_each(|v| *v *= factor);
    }

    /// `out` = A x.
    pub fn times(&self, x: &[f64], out: &mut [f64]) {
        for (o, row) in out.iter_mut().zip(self.values.chunks_exact(self.dim)) {
            *o = row.iter().zip(x).map(|(a, b)| a * b).sum();
        }
    }

    /// `out` = transpose of A, times x.
    pub fn transpose_times(&self, x: &[f64], out: &mut [f64]) {
        out.fill(0.0);
        for (&scale, row) in x.iter().zip(self.values.chunks_exact(self.dim)) {
            out.iter_mut().zip(row).for_each(|(o, a)| *o += scale * a);
        }
    }

    /// The transpose.
    pub fn transposed(&self) -> Self {
        let mut result = self.clone();
        for i in 0..self.dim {
            for j in 0..self.dim {
                *result.at_mut(i, j) = self.at(j, i);
            }
        }
        result
    }

    /// The inverse, by way of (A'A)^-1 A'.
    pub fn inverse(&self) -> Self {
        let transposed = self.transposed();
        transposed.product(self).symmetric().map_eigenvalues(|x| 1.0 / x).product(&transposed)
    }

    /// A B.
    pub fn product(&self, other: &Self) -> Self {
        let mut result = Self::zeros(self.dim);
        for i in 0..self.dim {
            let row = &mut result.values[i * self.dim..(i + 1) * self.dim];
            other.transpose_times(&self.values[i * self.dim..(i + 1) * self.dim], row);
        }
        result
    }

    /// Adds the outer product x x' times `weight`.
    pub fn add_outer(&mut self, x: &[f64], weight: f64) {
        for (row, &a) in self.values.chunks_exact_mut(self.dim).zip(x) {
            row.iter_mut().zip(x).for_each(|(v, &b)| *v += weight * a * b);
        }
    }

    /// The mean of the matrix and its transpose.
    pub fn symmetric(mut self) -> Self {
        for i in 0..self.dim {
            for j in 0..i {
                let mean = 0.5 * (self.at(i, j) + self.at(j, i));
                *self.at_mut(i, j) = mean;
                *self.at_mut(j, i) = mean;
            }
        }
        self
    }

    /// Eigenvalues and eigenvectors (as columns) of a symmetric matrix: Jacobi's cyclic rotations.
    pub fn eigen(&self) -> (Vec<f64>, Self) {
        let n = self.dim;
        let (mut a, mut vectors) = (self.clone(), Self::identity(n));
        for _ in 0..SWEEPS {
            let off: f64 =
                (0..n).flat_map(|i| (0..i).map(move |j| (i, j))).map(|(i, j)| a.at(i, j).powi(2)).sum();
            let on: f64 = (0..n).map(|i| a.at(i, i).powi(2)).sum();
            if off <= 1e-30 * on || !off.is_finite() {
                break;
            }
            for p in 0..n {
                for q in p + 1..n {
                    a.rotate(&mut vectors, p, q);
                }
            }
        }
        ((0..n).map(|i| a.at(i, i)).collect(), vectors)
    }

    /// One of Jacobi's rotations: makes the element (p, q) zero.
    fn rotate(&mut self, vectors: &mut Self, p: usize, q: usize) {
        let element = self.at(p, q);
        if element == 0.0 {
            return;
        }
        let theta = (self.at(q, q) - self.at(p, p)) / (2.0 * element);
        let t = theta.signum() / (theta.abs() + (theta * theta + 1.0).sqrt());
        let c = 1.0 / (t * t + 1.0).sqrt();
        let s = t * c;
        for k in 0..self.dim {
            let (kp, kq) = (self.at(k, p), self.at(k, q));
            *self.at_mut(k, p) = c * kp - s * kq;
            *self.at_mut(k, q) = s * kp + c * kq;
        }
        for k in 0..self.dim {
            let (pk, qk) = (self.at(p, k), self.at(q, k));
            *self.at_mut(p, k) = c * pk - s * qk;
            *self.at_mut(q, k) = s * pk + c * qk;
        }
        for k in 0..self.dim {
            let (kp, kq) = (vectors.at(k, p), vectors.at(k, q));
            *vectors.at_mut(k, p) = c * kp - s * kq;
            *vectors.at_mut(k, q) = s * kp + c * kq;
        }
    }

    /// V f(eigenvalues) V' of a symmetric matrix.
    pub fn map_eigenvalues(&self, f: impl Fn(f64) -> f64) -> Self {
        let (values, vectors) = self.eigen();
        let mut result = Self::zeros(self.dim);
        for (k, value) in values.into_iter().enumerate() {
            let column: Vec<f64> = (0..self.dim).map(|i| vectors.at(i, k)).collect();
            result.add_outer(&column, f(value));
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some(dim: usize) -> Matrix {
        let mut matrix = Matrix::identity(dim);
        for k in 0..dim {
            let x: Vec<f64> = (0..dim).map(|i| ((i * 7 + k * k * 3) % 11) as f64 - 5.0).collect();
            matrix.add_outer(&x, 0.1);
        }
        matrix
    }

    #[test]
    fn eigenvalues_and_vectors_make_up_the_matrix() {
        for dim in [1, 2, 7, 30] {
            let matrix = some(dim);
            let again = matrix.map_eigenvalues(|x| x);
            let inverse = matrix.map_eigenvalues(|x| 1.0 / x);
            let unit = matrix.product(&inverse);
            for i in 0..dim {
                for j in 0..dim {
                    assert!((again.at(i, j) - matrix.at(i, j)).abs() < 1e-11, "{dim}");
                    assert!((unit.at(i, j) - f64::from(u8::from(i == j))).abs() < 1e-10, "{dim}");
                }
            }
        }
    }

    #[test]
    fn products_agree_with_sums() {
        let (a, x) = (some(4), [1.0, -2.0, 0.5, 3.0]);
        let mut asymmetric = a.clone();
        *asymmetric.at_mut(0, 3) = 9.0;
        let (mut forward, mut back) = ([0.0; 4], [0.0; 4]);
        asymmetric.times(&x, &mut forward);
        asymmetric.transpose_times(&x, &mut back);
        for i in 0..4 {
            let row: f64 = (0..4).map(|j| asymmetric.at(i, j) * x[j]).sum();
            let column: f64 = (0..4).map(|j| asymmetric.at(j, i) * x[j]).sum();
            assert!((forward[i] - row).abs() < 1e-12 && (back[i] - column).abs() < 1e-12);
        }
    }
}
