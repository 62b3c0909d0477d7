use super::*;

/// y = a exp(-b t) + c, with standard deviations of one.
struct Decay {
    t: Vec<f64>,
    y: Vec<f64>,
}

impl Decay {
    fn model(&self, x: &[f64]) -> impl Iterator<Item = f64> {
        self.t.iter().map(move |t| x[0] * (-x[1] * t).exp() + x[2])
    }
}

impl LeastSquares for Decay {
    fn residuals(&mut self, x: &[f64], out: &mut Vec<f64>) -> bool {
        out.clear();
        out.extend(self.model(x).zip(&self.y).map(|(m, y)| y - m));
        true
    }

    fn jacobian(&mut self, x: &[f64], _: &[f64]) -> Option<Array2<f64>> {
        Some(Array2::from_shape_fn((self.t.len(), 3), |(i, k)| {
            let e = (-x[1] * self.t[i]).exp();
            [-e, x[0] * self.t[i] * e, -1.0][k]
        }))
    }
}

fn decay() -> Decay {
    let t: Vec<f64> = (0..20).map(|i| 0.25 * f64::from(i)).collect();
    let mut decay = Decay { t, y: Vec::new() };
    let wiggle = |i: usize| 0.1 * ((7 * i % 5) as f64 - 2.0);
    decay.y = decay.model(&[5.0, 0.8, 1.0]).enumerate().map(|(i, m)| m + wiggle(i)).collect();
    decay
}

const WIDE: [(f64, f64); 3] = [(-100.0, 100.0), (0.0, 10.0), (-100.0, 100.0)];

#[test]
fn finds_the_minimum_and_its_covariance() {
    let mut problem = decay();
    let minimum = fit(&mut problem, &[1.0, 0.1, 0.0], &WIDE, Limits::default()).unwrap();
    assert!(minimum.converged && !minimum.at_bound.contains(&true), "{minimum:?}");
    let mut residuals = Vec::new();
    // No neighbour is lower, and the slope vanishes.
    problem.residuals(&minimum.x, &mut residuals);
    let jacobian = problem.jacobian(&minimum.x, &residuals).unwrap();
    for column in jacobian.columns() {
        let slope: f64 = column.iter().zip(&residuals).map(|(j, r)| j * r).sum();
        assert!(slope.abs() < 1e-4 * column.dot(&column).sqrt(), "{slope}");
    }
    // The inverse of J^T J, times it, is one.
    let covariance = Covariance::of(&minimum);
    let one = covariance.matrix.dot(&information(jacobian.view()));
    for ((i, j), value) in one.indexed_iter() {
        assert!((value - f64::from(u8::from(i == j))).abs() < 1e-8, "{one}");
    }
    assert!((covariance.correlation(0, 0) - 1.0).abs() < 1e-12);
}

#[test]
fn a_bound_holds_a_parameter_and_the_others_fit_on() {
    let mut bounds = WIDE;
    bounds[1] = (1.0, 10.0);
    let minimum = fit(&mut decay(), &[1.0, 3.0, 0.0], &bounds, Limits::default()).unwrap();
    assert_eq!((minimum.x[1], &minimum.at_bound[..]), (1.0, &[false, true, false][..]));
    assert!(minimum.converged);
    let covariance = Covariance::of(&minimum);
    assert_eq!(covariance.determined, [true, false, true]);
    assert!(covariance.sigma()[1].is_nan() && covariance.sigma()[0] > 0.0);
    let open = fit(&mut decay(), &[1.0, 3.0, 0.0], &WIDE, Limits::default()).unwrap();
    assert!(open.sum < minimum.sum, "the control: the bound costs something");
}

/// Residuals that know the sum of two parameters only.
struct Sum;

impl LeastSquares for Sum {
    fn residuals(&mut self, x: &[f64], out: &mut Vec<f64>) -> bool {
        *out = vec![x[0] + x[1] - 3.0, 2.0 * (x[2] - 1.0)];
        true
    }

    fn jacobian(&mut self, x: &[f64], at_x: &[f64]) -> Option<Array2<f64>> {
        numerical_jacobian(x, at_x, &[1.0; 3], &[(-9.0, 9.0); 3], |x, out| self.residuals(x, out))
    }
}

#[test]
fn what_the_data_leave_open_is_told() {
    let minimum = fit(&mut Sum, &[0.0, 0.0, 0.0], &[(-9.0, 9.0); 3], Limits::default()).unwrap();
    assert!((minimum.x[0] + minimum.x[1] - 3.0).abs() < 1e-6, "{minimum:?}");
    let covariance = Covariance::of(&minimum);
    assert_eq!(covariance.determined, [false, false, true]);
    assert!((covariance.sigma()[2] - 0.5).abs() < 1e-9);
}

#[test]
fn numerical_derivatives_are_those_of_the_formula_inside_and_at_bounds() {
    let mut problem = decay();
    for (x, limit) in [([5.0, 0.8, 1.0], 1e-7), ([5.0, 0.0, 1.0], 2e-2), ([5.0, 10.0, 100.0], 2e-3)] {
        let mut at_x = Vec::new();
        problem.residuals(&x, &mut at_x);
        let exact = problem.jacobian(&x, &at_x).unwrap();
        let other =
            numerical_jacobian(&x, &at_x, &[5.0, 1.0, 5.0], &WIDE, |x, out| problem.residuals(x, out));
        let worst = (&exact - &other.unwrap()).iter().fold(0.0f64, |w, d| w.max(d.abs()));
        assert!(worst < limit, "{x:?}: {worst}");
    }
}
