//! Linear equations by elimination with partial pivots, in place.

/// A factored matrix.
#[derive(Debug)]
pub(super) struct Lu<'a> {
    /// The matrix, row by row; after [`Lu::factor`] its factors.
    pub a: &'a mut [f64],
    /// The row that each pivot came from: small whole numbers.
    pivots: &'a mut [f64],
}

impl<'a> Lu<'a> {
    /// `a` is the square matrix, `pivots` work space of a number a row.
    pub fn new(a: &'a mut [f64], pivots: &'a mut [f64]) -> Self {
        Self { a, pivots }
    }

    /// Factors the matrix; `false` if it is singular or not finite.
    pub fn factor(&mut self) -> bool {
        let n = self.pivots.len();
        for k in 0..n {
            let size = |row: &usize| self.a[row * n + k].abs();
            let pivot = (k..n).fold(k, |best, row| if size(&row) > size(&best) { row } else { best });
            self.pivots[k] = pivot as f64;
            if pivot != k {
                let (above, below) = self.a.split_at_mut(pivot * n);
                above[k * n..(k + 1) * n].swap_with_slice(&mut below[..n]);
            }
            let (above, below) = self.a.split_at_mut((k + 1) * n);
            let row_k = &above[k * n..];
            let largest = row_k[k];
            if !(largest.abs() > 0.0 && largest.is_finite()) {
                return false;
            }
            for row in below.chunks_exact_mut(n) {
                let factor = row[k] / largest;
                row[k] = factor;
                if factor != 0.0 {
                    row[k + 1..].iter_mut().zip(&row_k[k + 1..]).for_each(|(a, &b)| *a -= factor * b);
                }
            }
        }
        true
    }

    /// Replaces the right-hand side by the solution.
    pub fn solve(&self, b: &mut [f64]) {
        let n = self.pivots.len();
        for k in 0..n {
            b.swap(k, self.pivots[k] as usize);
        }
        for k in 1..n {
            let known: f64 = self.a[k * n..k * n + k].iter().zip(&*b).map(|(a, b)| a * b).sum();
            b[k] -= known;
        }
        for k in (0..n).rev() {
            let row = &self.a[k * n..(k + 1) * n];
            let known: f64 = row[k + 1..].iter().zip(&b[k + 1..]).map(|(a, b)| a * b).sum();
            b[k] = (b[k] - known) / row[k];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn solves_what_needs_pivots() {
        let n = 6;
        let a: Vec<f64> =
            (0..n * n).map(|k| if k % (n + 1) == 0 { 0.0 } else { libm::sin(2.3 * k as f64) }).collect();
        let x: Vec<f64> = (0..n).map(|k| 1.0 + k as f64).collect();
        let mut b: Vec<f64> =
            a.chunks_exact(n).map(|row| row.iter().zip(&x).map(|(a, x)| a * x).sum()).collect();
        let (mut matrix, mut pivots) = (a.clone(), vec![0.0; n]);
        let mut lu = Lu::new(&mut matrix, &mut pivots);
        assert!(lu.factor());
        lu.solve(&mut b);
        assert!(b.iter().zip(&x).all(|(b, x)| (b - x).abs() < 1e-12), "{b:?}");
        lu.a.fill(1.0);
        assert!(!lu.factor());
    }
}
