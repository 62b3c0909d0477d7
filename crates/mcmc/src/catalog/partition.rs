//! The partition function of one catalogue entry as a function of temperature.

use super::error::PartitionError;
use super::interpolate::{Interpolation, hermite, monotone_slopes};
use super::qtable::QTable;
use super::vibration::{HIGHEST_VIBRATIONAL_K, Vibrations};
use serde::{Deserialize, Serialize};

/// ln Q and its derivative at one temperature.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct QValue {
    /// ln Q.
    pub ln_q: f64,
    /// d ln Q / d ln T.
    pub slope: f64,
    /// Whether the temperature lies outside the table.
    pub extrapolated: bool,
}

/// Partition function of one entry: a table and the way it is interpolated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PartitionFunction {
    ln_t: Vec<f64>,
    ln_q: Vec<f64>,
    /// d ln Q / d ln T at the nodes.
    slope: Vec<f64>,
    interpolation: Interpolation,
    extrapolate: bool,
    tag: Option<u32>,
    source: String,
    vibrations: Option<Vibrations>,
}

impl PartitionFunction {
    /// Plans the interpolation of a table. With `extrapolate` temperatures outside it are answered
    /// along the power law of the table's end, and said to be extrapolated; else they are errors.
    pub fn new(table: &QTable, interpolation: Interpolation, extrapolate: bool) -> Self {
        let ln_t: Vec<f64> = table.t_k().iter().map(|t| libm::log(*t)).collect();
        let ln_q: Vec<f64> = table.q().iter().map(|q| libm::log(*q)).collect();
        let slope = monotone_slopes(&ln_t, &ln_q);
        let source = table.source().to_owned();
        Self { ln_t, ln_q, slope, interpolation, extrapolate, tag: table.tag(), source, vibrations: None }
    }

    /// The same times the vibrational partition function: for tables that count the vibrational ground state alone. Their
    /// rotational part follows the power law of their end beyond the table, up to 1000 K.
    pub fn with_vibrations(self, vibrations: Vibrations) -> Self {
        Self { vibrations: Some(vibrations), ..self }
    }

    /// The vibrations that it is corrected for.
    pub fn vibrations(&self) -> Option<&Vibrations> {
        self.vibrations.as_ref()
    }

    /// What the table itself says: without vibrations that it is corrected for. The catalogue's intensities go with it.
    pub fn of_table(&self, t_k: f64) -> Result<QValue, PartitionError> {
        Self { vibrations: None, ..self.clone() }.at(t_k)
    }

    /// Tag of the entry, where the table says it.
    pub fn tag(&self) -> Option<u32> {
        self.tag
    }

    /// Where the table is from: file and entry.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The interpolation in use.
    pub fn interpolation(&self) -> Interpolation {
        self.interpolation
    }

    /// First and last temperature (K) at which Q is known: those of the table, or the last one at which it is corrected
    /// for vibrations.
    pub fn range_k(&self) -> (f64, f64) {
        // The table's own figures, not what logarithm and exponential make of them: they are told to the user.
        let node = |ln_t: f64| (libm::exp(ln_t) * 1.0e6).round() / 1.0e6;
        let last = node(self.ln_t[self.ln_t.len() - 1]);
        let known = if self.vibrations.is_some() { last.max(HIGHEST_VIBRATIONAL_K) } else { last };
        (node(self.ln_t[0]), known)
    }

    /// ln Q and d ln Q / d ln T at `t_k` (K).
    pub fn at(&self, t_k: f64) -> Result<QValue, PartitionError> {
        if !(t_k > 0.0 && t_k.is_finite()) {
            return Err(PartitionError::NotATemperature { t_k });
        }
        let (x, n) = (libm::log(t_k), self.ln_t.len());
        // The ends of the table themselves are inside, whatever the rounding of the logarithm.
        let (first, last) = (self.ln_t[0], self.ln_t[n - 1]);
        let outside = x < first - 1e-12 || x > last + 1e-12;
        let covered = self.vibrations.is_some() && x > last && t_k <= HIGHEST_VIBRATIONAL_K * (1.0 + 1e-12);
        let extrapolated = outside && !covered;
        if extrapolated && !self.extrapolate {
            let (min_k, max_k) = self.range_k();
            return Err(PartitionError::OutsideTable { t_k, min_k, max_k });
        }
        let i = self.ln_t.partition_point(|node| *node <= x).clamp(1, n - 1) - 1;
        let (ln_q, slope) = if outside { self.beyond(x) } else { self.between(x, i) };
        let (ln_vib, slope_vib) = self.vibrations.as_ref().map_or((0.0, 0.0), |v| v.ln_q(t_k));
        Ok(QValue { ln_q: ln_q + ln_vib, slope: slope + slope_vib, extrapolated })
    }

    /// Value and slope inside segment `i`.
    fn between(&self, x: f64, i: usize) -> (f64, f64) {
        match self.interpolation {
            Interpolation::LogLog => {
                let secant = (self.ln_q[i + 1] - self.ln_q[i]) / (self.ln_t[i + 1] - self.ln_t[i]);
                (self.ln_q[i] + secant * (x - self.ln_t[i]), secant)
            }
            Interpolation::Smooth => hermite(x, self.node(i), self.node(i + 1)),
        }
    }

    /// Value and slope outside the table: the power law of its nearer end.
    fn beyond(&self, x: f64) -> (f64, f64) {
        let n = self.ln_t.len();
        let (end, segment) = if x < self.ln_t[0] { (0, 0) } else { (n - 1, n - 2) };
        let (_, slope) = self.between(self.ln_t[end], segment);
        (self.ln_q[end] + slope * (x - self.ln_t[end]), slope)
    }

    fn node(&self, i: usize) -> (f64, f64, f64) {
        (self.ln_t[i], self.ln_q[i], self.slope[i])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Q of a rigid linear rotor by the direct sum; rotational constant in K.
    fn rotor(b_k: f64, t_k: f64) -> f64 {
        (0..2000).map(f64::from).map(|j| (2.0 * j + 1.0) * (-b_k * j * (j + 1.0) / t_k).exp()).sum()
    }

    fn co_like(interpolation: Interpolation, extrapolate: bool) -> PartitionFunction {
        let t_k = vec![2.725, 5.0, 9.375, 18.75, 37.5, 75.0, 150.0, 225.0, 300.0, 500.0];
        let q = t_k.iter().map(|t| rotor(2.766, *t)).collect();
        let table = QTable::new(t_k, q, Some(28503), "test").unwrap();
        PartitionFunction::new(&table, interpolation, extrapolate)
    }

    #[test]
    fn exact_at_nodes_and_close_between() {
        let (smooth, loglog) = (co_like(Interpolation::Smooth, false), co_like(Interpolation::LogLog, false));
        for t in [2.725, 9.375, 150.0, 300.0, 500.0] {
            for q in [&smooth, &loglog] {
                assert!((q.at(t).unwrap().ln_q - rotor(2.766, t).ln()).abs() < 1e-12);
            }
        }
        let worst = |q: &PartitionFunction| {
            (10..500)
                .map(f64::from)
                .map(|t| (q.at(t).unwrap().ln_q - rotor(2.766, t).ln()).abs())
                .fold(0.0, f64::max)
        };
        let (a, b) = (worst(&smooth), worst(&loglog));
        assert!(a < 1.5e-3 && a < 0.3 * b, "smooth {a}, log-log {b}");
    }

    #[test]
    fn slope_is_the_derivative_and_is_continuous() {
        let q = co_like(Interpolation::Smooth, true);
        let step = 1e-5f64;
        for t in [3.0, 20.0, 140.0, 400.0, 700.0, 2.0] {
            let numeric =
                (q.at(t * step.exp()).unwrap().ln_q - q.at(t * (-step).exp()).unwrap().ln_q) / (2.0 * step);
            assert!((q.at(t).unwrap().slope - numeric).abs() < 1e-6, "at {t}");
        }
        for node in [9.375, 75.0, 150.0, 500.0] {
            let jump = |q: &PartitionFunction| {
                (q.at(node * 1.000001).unwrap().slope - q.at(node * 0.999999).unwrap().slope).abs()
            };
            assert!(jump(&q) < 1e-4);
            if node < 100.0 {
                assert!(jump(&co_like(Interpolation::LogLog, true)) > 5e-3, "the control has no kink");
            }
        }
    }

    #[test]
    fn a_correction_for_vibrations_reaches_beyond_the_table_and_is_smooth() {
        let t_k = vec![9.375, 18.75, 37.5, 75.0, 150.0, 225.0, 300.0];
        let q: Vec<f64> = t_k.iter().map(|t| rotor(0.218, *t)).collect();
        let table = QTable::new(t_k, q, Some(51501), "test").unwrap();
        let plain = PartitionFunction::new(&table, Interpolation::Smooth, false);
        let vibrations = Vibrations::of(51501, 1375.0).unwrap();
        let full = plain.clone().with_vibrations(vibrations.clone());
        assert!(plain.at(301.0).is_err() && full.at(1001.0).is_err() && full.at(9.0).is_err());
        for t in [50.0, 299.0, 400.0, 1000.0] {
            let value = full.at(t).unwrap();
            let exact = rotor(0.218, t).ln() + vibrations.ln_q(t).0;
            assert!((value.ln_q - exact).abs() < 2e-3 && !value.extrapolated, "{t}: {} {exact}", value.ln_q);
        }
        let jump = full.at(300.01).unwrap().slope - full.at(299.99).unwrap().slope;
        assert!(jump.abs() < 1e-3, "{jump}");
        assert_eq!(full.of_table(300.0).unwrap(), plain.at(300.0).unwrap());
        assert_eq!(full.range_k().1, 1000.0);
    }

    #[test]
    fn outside_the_table_is_an_error_unless_asked_for() {
        let q = co_like(Interpolation::Smooth, false);
        assert!(q.at(q.range_k().0).is_ok() && q.at(q.range_k().1).is_ok());
        assert!(matches!(q.at(501.0), Err(PartitionError::OutsideTable { .. })));
        assert!(matches!(q.at(2.0), Err(PartitionError::OutsideTable { .. })));
        for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(matches!(q.at(bad), Err(PartitionError::NotATemperature { .. })));
        }
        assert!(!q.at(500.0).unwrap().extrapolated);
        let value = co_like(Interpolation::Smooth, true).at(1000.0).unwrap();
        assert!(value.extrapolated);
        assert!((value.ln_q - rotor(2.766, 1000.0).ln()).abs() < 0.01);
    }
}
