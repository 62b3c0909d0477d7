//! The normal equations of a least-squares step.

use ndarray::{Array2, ArrayView2};

/// `J^T J` and `J^T r`.
pub(super) struct Normal {
    pub matrix: Array2<f64>,
    /// Half of the derivative of the sum of squares.
    pub slope: Vec<f64>,
}

impl Normal {
    pub fn new(jacobian: ArrayView2<f64>, residuals: &[f64]) -> Self {
        let slope = jacobian.columns().into_iter().map(|c| c.iter().zip(residuals).map(|(j, r)| j * r).sum());
        Self { slope: slope.collect(), matrix: super::information(jacobian) }
    }

    /// Which parameters may move: those that no bound holds back, and on which the residuals depend.
    pub fn free(&self, x: &[f64], bounds: &[(f64, f64)]) -> Vec<bool> {
        (0..x.len())
            .map(|k| {
                let held = (x[k] <= bounds[k].0 && self.slope[k] > 0.0)
                    || (x[k] >= bounds[k].1 && self.slope[k] < 0.0);
                !held && self.matrix[[k, k]] > 0.0
            })
            .collect()
    }

    /// By how much the sum of squares falls with a step, were the residuals linear.
    pub fn expected_gain(&self, step: &[f64]) -> f64 {
        let product = |k: usize| step.iter().zip(self.matrix.row(k)).map(|(s, m)| s * m).sum::<f64>();
        -step.iter().enumerate().map(|(k, s)| s * (2.0 * self.slope[k] + product(k))).sum::<f64>()
    }
}

/// The step that solves `(A + damping diag A) step = -J^T r` for the free parameters, zero for the others. None: the
/// matrix is not positive definite.
pub(super) fn solve_damped(normal: &Normal, free: &[bool], damping: f64) -> Option<Vec<f64>> {
    let chosen: Vec<usize> = (0..free.len()).filter(|&k| free[k]).collect();
    let scale: Vec<f64> = chosen.iter().map(|&k| normal.matrix[[k, k]].sqrt()).collect();
    let n = chosen.len();
    let mut matrix = Array2::from_shape_fn((n, n), |(i, j)| {
        let damped = if i == j { 1.0 + damping } else { 1.0 };
        damped * normal.matrix[[chosen[i], chosen[j]]] / (scale[i] * scale[j])
    });
    let mut right: Vec<f64> = chosen.iter().zip(&scale).map(|(&k, s)| -normal.slope[k] / s).collect();
    cholesky_solve(&mut matrix, &mut right)?;
    let mut step = vec![0.0; free.len()];
    for ((&k, s), value) in chosen.iter().zip(&scale).zip(right) {
        step[k] = value / s;
    }
    Some(step)
}

/// Solves a symmetric positive definite system in place (Cholesky). None: it is not positive definite.
fn cholesky_solve(matrix: &mut Array2<f64>, right: &mut [f64]) -> Option<()> {
    let n = right.len();
    for j in 0..n {
        for i in j..n {
            let sum: f64 = (0..j).map(|k| matrix[[i, k]] * matrix[[j, k]]).sum();
            let value = matrix[[i, j]] - sum;
            matrix[[i, j]] = if i == j {
                // NaN fails as well.
                if value > 0.0 { value.sqrt() } else { return None }
            } else {
                value / matrix[[j, j]]
            };
        }
    }
    for i in 0..n {
        let sum: f64 = (0..i).map(|k| matrix[[i, k]] * right[k]).sum();
        right[i] = (right[i] - sum) / matrix[[i, i]];
    }
    for i in (0..n).rev() {
        let sum: f64 = (i + 1..n).map(|k| matrix[[k, i]] * right[k]).sum();
        right[i] = (right[i] - sum) / matrix[[i, i]];
    }
    Some(())
}
