//! What measurements tell of a direction: Fisher's information, and the errors that it leaves.

/// Fisher's information about a direction: of l, of l with m, of m.
#[derive(Debug, Clone, Copy, Default)]
pub struct Information {
    ll: f64,
    lm: f64,
    mm: f64,
}

impl Information {
    /// Adds a measurement whose value changes by `slope` of its own standard deviations with l and m.
    pub fn add(&mut self, slope: [f64; 2]) {
        self.ll += slope[0] * slope[0];
        self.lm += slope[0] * slope[1];
        self.mm += slope[1] * slope[1];
    }

    /// Standard deviations of l and m, and their correlation; none where one direction is not measured.
    pub fn errors(&self) -> Option<[f64; 3]> {
        let Self { ll, lm, mm } = *self;
        let determinant = ll * mm - lm * lm;
        if determinant <= 1e-9 * ll * mm || determinant <= 0.0 {
            return None;
        }
        let (l, m) = ((mm / determinant).sqrt(), (ll / determinant).sqrt());
        Some([l, m, -lm / determinant / (l * m)])
    }
}

#[cfg(test)]
mod tests {
    use super::Information;

    #[test]
    fn errors_are_those_of_the_inverse_matrix() {
        let mut of = Information::default();
        assert_eq!(of.errors(), None, "nothing");
        of.add([3.0, 1.0]);
        assert_eq!(of.errors(), None, "one line of directions");
        of.add([-1.0, 2.0]);
        // (10 1; 1 5) has the inverse (5 -1; -1 10) / 49.
        let [l, m, correlation] = of.errors().expect("two measurements");
        let near = |a: f64, b: f64| (a - b).abs() < 1e-12;
        assert!(
            near(l * l, 5.0 / 49.0) && near(m * m, 10.0 / 49.0) && near(correlation * l * m, -1.0 / 49.0)
        );
    }
}
