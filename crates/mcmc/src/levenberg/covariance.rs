//! The covariance of fitted parameters from `J^T J`, also where the data leave some of them open.

use super::Minimum;
use ndarray::Array2;

/// Directions in which the data fix less than this (of what they fix at best, each parameter scaled by itself) are open.
const OPEN: f64 = 1.0e-11;
/// A parameter with this share in an open direction is not determined.
const SHARE: f64 = 1.0e-3;
/// Sweeps of Jacobi's method: it has converged long before.
const SWEEPS: usize = 60;

/// Covariance of the parameters of a fit.
#[derive(Debug, Clone, PartialEq)]
pub struct Covariance {
    /// The matrix, shape (parameter, parameter); rows and columns of parameters at a bound or not determined are NaN.
    pub matrix: Array2<f64>,
    /// Whether the data determine each parameter, the others free.
    pub determined: Vec<bool>,
}

impl Covariance {
    /// Of a minimum; parameters at a bound count as fixed there.
    pub fn of(minimum: &Minimum) -> Self {
        let n = minimum.x.len();
        let chosen: Vec<usize> =
            (0..n).filter(|&k| !minimum.at_bound[k] && minimum.information[[k, k]] > 0.0).collect();
        let scale: Vec<f64> = chosen.iter().map(|&k| minimum.information[[k, k]].sqrt()).collect();
        let m = chosen.len();
        let scaled = Array2::from_shape_fn((m, m), |(i, j)| {
            minimum.information[[chosen[i], chosen[j]]] / (scale[i] * scale[j])
        });
        let (values, vectors) = eigen(scaled);
        let largest = values.iter().copied().fold(0.0, f64::max);
        let open: Vec<usize> = (0..m).filter(|&e| values[e] <= OPEN * largest).collect();
        let is_open = |i: usize| open.iter().any(|&e| vectors[[i, e]].abs() > SHARE);
        let mut matrix = Array2::from_elem((n, n), f64::NAN);
        let mut determined = vec![false; n];
        for i in (0..m).filter(|&i| !is_open(i)) {
            determined[chosen[i]] = true;
            for j in (0..m).filter(|&j| !is_open(j)) {
                let sum: f64 = (0..m)
                    .filter(|e| !open.contains(e))
                    .map(|e| vectors[[i, e]] * vectors[[j, e]] / values[e])
                    .sum();
                matrix[[chosen[i], chosen[j]]] = sum / (scale[i] * scale[j]);
            }
        }
        Self { matrix, determined }
    }

    /// Standard deviations; NaN where there is none.
    pub fn sigma(&self) -> Vec<f64> {
        self.matrix.diag().iter().map(|v| v.sqrt()).collect()
    }

    /// Correlation of two parameters; NaN where there is none.
    pub fn correlation(&self, i: usize, j: usize) -> f64 {
        self.matrix[[i, j]] / (self.matrix[[i, i]] * self.matrix[[j, j]]).sqrt()
    }
}

/// Eigenvalues and eigenvectors (columns) of a symmetric matrix by Jacobi's rotations (Golub & Van Loan, 8.5).
fn eigen(mut a: Array2<f64>) -> (Vec<f64>, Array2<f64>) {
    let n = a.nrows();
    let mut vectors = Array2::eye(n);
    for _ in 0..SWEEPS {
        let off: f64 = (0..n).flat_map(|i| (0..i).map(move |j| (i, j))).map(|p| a[p] * a[p]).sum();
        if off < 1.0e-30 {
            break;
        }
        for p in 0..n {
            for q in p + 1..n {
                rotate(&mut a, &mut vectors, p, q);
            }
        }
    }
    (a.diag().to_vec(), vectors)
}

/// One rotation, which makes the element (p, q) zero.
fn rotate(a: &mut Array2<f64>, vectors: &mut Array2<f64>, p: usize, q: usize) {
    if a[[p, q]] == 0.0 {
        return;
    }
    let theta = 0.5 * (a[[q, q]] - a[[p, p]]) / a[[p, q]];
    let t = theta.signum() / (theta.abs() + (theta * theta + 1.0).sqrt());
    let t = if theta == 0.0 { 1.0 } else { t };
    let c = 1.0 / (t * t + 1.0).sqrt();
    let s = t * c;
    let turn = |m: &mut Array2<f64>, i: [usize; 2], j: [usize; 2]| {
        let (x, y) = (m[i], m[j]);
        m[i] = c * x - s * y;
        m[j] = s * x + c * y;
    };
    for k in 0..a.nrows() {
        turn(a, [k, p], [k, q]);
    }
    for k in 0..a.nrows() {
        turn(a, [p, k], [q, k]);
        turn(vectors, [k, p], [k, q]);
    }
}
