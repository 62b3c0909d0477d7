//! Stationary populations of given rates, by elimination without subtraction.
//!
//! Grassmann, Taksar & Heyman 1985, Oper. Res. 33, 1107: every population has full relative precision, however small.

/// Overwrites `rates` (`n` by `n`; element `i n + j`: from `i` to `j`, the diagonal is not read) and writes the populations, of
/// sum 1, to `x`.
pub(super) fn stationary(rates: &mut [f64], x: &mut [f64]) {
    let n = x.len();
    for k in (1..n).rev() {
        let (above, row_k) = rates.split_at_mut(k * n);
        let row_k = &row_k[..k];
        let down: f64 = row_k.iter().sum();
        let per_down = if down > 0.0 { 1.0 / down } else { 0.0 };
        for row in above.chunks_exact_mut(n) {
            let share = row[k] * per_down;
            row[k] = share;
            if share > 0.0 {
                row[..k].iter_mut().zip(row_k).for_each(|(to, &from_k)| *to += share * from_k);
            }
        }
    }
    x[0] = 1.0;
    for k in 1..n {
        x[k] = (0..k).map(|i| x[i] * rates[i * n + k]).sum();
    }
    let total: f64 = x.iter().sum();
    x.iter_mut().for_each(|x| *x /= total);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn populations_balance_all_rates() {
        let n = 7;
        let rates: Vec<f64> =
            (0..n * n).map(|k| libm::exp(-5.0 * libm::sin(1.0 + 3.7 * k as f64)).powi(3)).collect();
        let mut x = vec![0.0; n];
        stationary(&mut rates.clone(), &mut x);
        assert!((x.iter().sum::<f64>() - 1.0).abs() < 1e-14);
        for i in 0..n {
            let others = || (0..n).filter(|&j| j != i);
            let into: f64 = others().map(|j| x[j] * rates[j * n + i]).sum();
            let out: f64 = others().map(|j| x[i] * rates[i * n + j]).sum();
            assert!((into / out - 1.0).abs() < 1e-13);
        }
    }
}
