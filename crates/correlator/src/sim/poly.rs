//! Polynomials in time.

/// `sum c_i t^i`.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Poly(pub Vec<f64>);

impl Poly {
    /// The value at `t`.
    pub fn at(&self, t: f64) -> f64 {
        self.0.iter().rev().fold(0.0, |sum, c| sum * t + c)
    }

    /// The same function with the origin of `t` moved to `origin`.
    pub fn shifted(&self, origin: f64) -> Self {
        let mut coefficients = self.0.clone();
        // Repeated synthetic division by (t - origin).
        for i in 0..coefficients.len() {
            for j in (i..coefficients.len() - 1).rev() {
                coefficients[j] += origin * coefficients[j + 1];
            }
        }
        Self(coefficients)
    }

    /// All coefficients times `factor`.
    pub fn scaled(&self, factor: f64) -> Self {
        Self(self.0.iter().map(|c| c * factor).collect())
    }

    /// The sum of two polynomials.
    pub fn plus(&self, other: &Self) -> Self {
        let n = self.0.len().max(other.0.len());
        let c = |poly: &Self, i: usize| poly.0.get(i).copied().unwrap_or(0.0);
        Self((0..n).map(|i| c(self, i) + c(other, i)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shift_keeps_the_function() {
        let poly = Poly(vec![1.0, -2.0, 0.5, 0.25]);
        let moved = poly.shifted(3.0);
        for t in [-2.0, 0.0, 1.5] {
            assert!((moved.at(t) - poly.at(t + 3.0)).abs() < 1e-12);
        }
        assert_eq!(poly.plus(&Poly(vec![1.0])).scaled(2.0).0, [4.0, -4.0, 1.0, 0.5]);
    }
}
