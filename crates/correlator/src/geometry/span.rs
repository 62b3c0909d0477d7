//! The delays of a station over one interval of the polynomials, as tables of other programs want them.

use super::{Polynomial, PolynomialModel};

/// Delay polynomials in s, s/s, ... around the start of the interval, with the sign of this module.
#[derive(Debug, Clone, PartialEq)]
pub struct StationSpan {
    /// Start of the interval in s since the start of the job.
    pub start_s: f64,
    /// Its length in s.
    pub length_s: f64,
    /// Geometry and troposphere.
    pub geometric_s: Vec<f64>,
    /// How late the clock is.
    pub clock_s: Vec<f64>,
}

impl PolynomialModel {
    /// The delays of a station in an interval (both by index).
    pub fn span(&self, interval: usize, source: usize, station: usize) -> StationSpan {
        let (of, clock) = (&self.intervals[interval], &self.clocks[station]);
        StationSpan {
            start_s: of.start_s,
            length_s: self.interval_s,
            geometric_s: of.by_source_station[source][station].delay_s.coefficients.clone(),
            clock_s: clock.late_s.about(of.start_s - clock.reference_s),
        }
    }
}

impl Polynomial {
    /// Coefficients of the same polynomial in powers of the distance from `x`.
    fn about(&self, x: f64) -> Vec<f64> {
        let mut shifted = self.coefficients.clone();
        // Horner's scheme again and again: each pass leaves one more coefficient behind.
        for first in 0..shifted.len() {
            for k in (first..shifted.len().saturating_sub(1)).rev() {
                shifted[k] += x * shifted[k + 1];
            }
        }
        shifted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shifted_polynomial_has_the_same_values() {
        let p = Polynomial { coefficients: vec![1.0, -2.0, 0.5, 0.25] };
        let shifted = Polynomial { coefficients: p.about(3.0) };
        for x in [-1.0, 0.0, 2.5] {
            assert!((shifted.value(x) - p.value(x + 3.0)).abs() < 1e-12);
        }
        assert_eq!(Polynomial { coefficients: vec![] }.about(1.0), Vec::<f64>::new());
    }
}
