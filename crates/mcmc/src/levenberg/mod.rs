//! Weighted least squares within bounds: Levenberg-Marquardt, with the covariance of its result.
//!
//! Levenberg 1944, Q. Appl. Math. 2, 164; Marquardt 1963, J. SIAM 11, 431; the damping follows Nielsen 1999 (IMM-REP-1999-05,
//! Technical University of Denmark). A parameter that its bound holds back is left out of a step (active set).

mod covariance;
mod normal;

pub use covariance::Covariance;

use ndarray::{Array2, ArrayView2};
use normal::{Normal, solve_damped};

/// A sum of squares to be made small.
pub trait LeastSquares {
    /// Writes the residuals (data - model) over their standard deviations at `x`. False: the model is not defined there.
    fn residuals(&mut self, x: &[f64], out: &mut Vec<f64>) -> bool;

    /// The derivative of each residual (row) by each parameter (column) at `x`, where the residuals are `at_x`. None: it
    /// is not defined there.
    fn jacobian(&mut self, x: &[f64], at_x: &[f64]) -> Option<Array2<f64>>;
}

/// When to stop.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// Steps at most, those that were no gain included.
    pub steps: usize,
    /// A step that is expected to lower the sum of squares by less than this fraction of it ends the fit.
    pub gain: f64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { steps: 200, gain: 1.0e-10 }
    }
}

/// Where a fit came to rest.
#[derive(Debug, Clone, PartialEq)]
pub struct Minimum {
    /// The parameters.
    pub x: Vec<f64>,
    /// The sum of the squares of the residuals.
    pub sum: f64,
    /// Number of residuals.
    pub n_residuals: usize,
    /// Whether it ended because no step is worth it, rather than for having made too many.
    pub converged: bool,
    /// Steps that were tried.
    pub steps: usize,
    /// `J^T J` at the minimum: the inverse of the covariance.
    pub information: Array2<f64>,
    /// Parameters that lie at a bound which keeps the sum from falling further.
    pub at_bound: Vec<bool>,
}

/// Smallest and largest damping, in units of the diagonal of `J^T J`.
const DAMPING: (f64, f64) = (1.0e-14, 1.0e14);

/// Fits from `start`, which is moved into the bounds (lower, upper) first. None: the model is not defined there.
///
/// # Panics
/// Where `bounds` are not as many as the parameters.
pub fn fit<P: LeastSquares>(
    problem: &mut P,
    start: &[f64],
    bounds: &[(f64, f64)],
    limits: Limits,
) -> Option<Minimum> {
    assert_eq!(start.len(), bounds.len(), "a pair of bounds for each parameter");
    let mut x: Vec<f64> = start.iter().zip(bounds).map(|(x, b)| x.clamp(b.0, b.1)).collect();
    let (mut residuals, mut trial) = (Vec::new(), Vec::new());
    if !problem.residuals(&x, &mut residuals) {
        return None;
    }
    let mut sum = square_sum(&residuals);
    let mut normal = Normal::new(problem.jacobian(&x, &residuals)?.view(), &residuals);
    let (mut damping, mut growth) = (1.0e-3, 2.0);
    let (mut converged, mut steps) = (false, 0);
    while steps < limits.steps && !converged {
        steps += 1;
        let free = normal.free(&x, bounds);
        let Some(step) = solve_damped(&normal, &free, damping) else {
            damping = (damping * growth).min(DAMPING.1);
            growth *= 2.0;
            continue;
        };
        let next: Vec<f64> =
            x.iter().zip(&step).zip(bounds).map(|((x, s), b)| (x + s).clamp(b.0, b.1)).collect();
        let taken: Vec<f64> = next.iter().zip(&x).map(|(n, x)| n - x).collect();
        let expected = normal.expected_gain(&taken);
        if expected <= limits.gain * sum || free.iter().all(|free| !free) {
            converged = true;
            break;
        }
        let is_defined = problem.residuals(&next, &mut trial);
        let new_sum = if is_defined { square_sum(&trial) } else { f64::INFINITY };
        let ratio = (sum - new_sum) / expected;
        if new_sum < sum {
            x = next;
            std::mem::swap(&mut residuals, &mut trial);
            sum = new_sum;
            normal = Normal::new(problem.jacobian(&x, &residuals)?.view(), &residuals);
            damping *= (1.0 - (2.0 * ratio - 1.0).powi(3)).max(1.0 / 3.0);
            growth = 2.0;
        } else {
            // No gain although the step is as short as numbers allow: the sum is as low as its rounding.
            converged = damping >= DAMPING.1;
            damping *= growth;
            growth *= 2.0;
        }
        damping = damping.clamp(DAMPING.0, DAMPING.1);
    }
    let at_bound = normal.free(&x, bounds).iter().map(|free| !free).collect();
    let n_residuals = residuals.len();
    Some(Minimum { x, sum, n_residuals, converged, steps, information: normal.matrix, at_bound })
}

fn square_sum(residuals: &[f64]) -> f64 {
    residuals.iter().map(|r| r * r).sum()
}

/// How far apart the points of a numerical derivative are, relative to the scale of the parameter.
const SPACING: f64 = 4.0e-3;

/// The Jacobian of a vector of values by central differences of fourth order (one-sided of second order at a bound):
/// one column a parameter. `scale` is the length over which the values change much, one a parameter; `values` writes the
/// values at a point. None: they are not defined at some point.
pub fn numerical_jacobian(
    x: &[f64],
    at_x: &[f64],
    scale: &[f64],
    bounds: &[(f64, f64)],
    mut values: impl FnMut(&[f64], &mut Vec<f64>) -> bool,
) -> Option<Array2<f64>> {
    let mut jacobian = Array2::zeros((at_x.len(), x.len()));
    let (mut point, mut out) = (x.to_vec(), Vec::new());
    for (k, mut column) in jacobian.columns_mut().into_iter().enumerate() {
        let h = SPACING * scale[k];
        let rule = stencil(x[k], h, bounds[k]);
        for (offset, weight) in rule {
            if offset == 0.0 {
                column.iter_mut().zip(at_x).for_each(|(c, v)| *c += weight / h * v);
                continue;
            }
            point[k] = x[k] + offset * h;
            if !values(&point, &mut out) || out.len() != at_x.len() {
                return None;
            }
            column.iter_mut().zip(&out).for_each(|(c, v)| *c += weight / h * v);
        }
        point[k] = x[k];
    }
    Some(jacobian)
}

/// Offsets in steps and weights of a derivative that stays within the bounds.
fn stencil(x: f64, h: f64, (low, high): (f64, f64)) -> Vec<(f64, f64)> {
    let (below, above) = (x - 2.0 * h >= low, x + 2.0 * h <= high);
    match (below, above) {
        (false, true) => vec![(0.0, -1.5), (1.0, 2.0), (2.0, -0.5)],
        (true, false) => vec![(0.0, 1.5), (-1.0, -2.0), (-2.0, 0.5)],
        _ => vec![(-2.0, 1.0 / 12.0), (-1.0, -2.0 / 3.0), (1.0, 2.0 / 3.0), (2.0, -1.0 / 12.0)],
    }
}

/// The matrix `J^T J` of a Jacobian: for tests and for those who have one already.
pub fn information(jacobian: ArrayView2<f64>) -> Array2<f64> {
    jacobian.t().dot(&jacobian)
}

#[cfg(test)]
mod tests;
