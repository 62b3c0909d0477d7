//! Interpolates a table of ln Q against ln T: piecewise linear, or a smooth monotone cubic.

use serde::{Deserialize, Serialize};

/// How Q(T) is interpolated between the temperatures of its table, always in ln Q against ln T.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Interpolation {
    /// Monotone cubic, exact at the nodes, with a continuous derivative: what a fit should use.
    #[default]
    Smooth,
    /// Piecewise linear: what many programs do; its derivative jumps at the nodes.
    LogLog,
}

/// Slopes at the nodes of a monotone piecewise cubic through `(x, y)`, x strictly increasing.
///
/// Each slope is that of the parabola through the node and its two neighbours (second order), then
/// limited to three times the smaller neighbouring secant, which suffices for monotony
/// (Fritsch & Carlson 1980, SIAM J. Numer. Anal. 17, 238; Hyman 1983, SIAM J. Sci. Stat. Comput. 4, 645).
pub(crate) fn monotone_slopes(x: &[f64], y: &[f64]) -> Vec<f64> {
    let n = x.len();
    let step: Vec<f64> = x.windows(2).map(|w| w[1] - w[0]).collect();
    let secant: Vec<f64> = y.windows(2).zip(&step).map(|(w, h)| (w[1] - w[0]) / h).collect();
    match n {
        0 | 1 => return vec![0.0; n],
        2 => return vec![secant[0]; 2],
        _ => {}
    }
    let end = |h0: f64, h1: f64, s0: f64, s1: f64| s0 + (s0 - s1) * h0 / (h0 + h1);
    (0..n)
        .map(|i| {
            let (slope, before, after) = if i == 0 {
                (end(step[0], step[1], secant[0], secant[1]), secant[0], secant[0])
            } else if i == n - 1 {
                let (a, b) = (n - 2, n - 3);
                (end(step[a], step[b], secant[a], secant[b]), secant[a], secant[a])
            } else {
                let (before, after) = (secant[i - 1], secant[i]);
                ((before * step[i] + after * step[i - 1]) / (step[i - 1] + step[i]), before, after)
            };
            limit(slope, before, after)
        })
        .collect()
}

/// Limits a slope to the region of monotony between two secants.
fn limit(slope: f64, before: f64, after: f64) -> f64 {
    if before * after <= 0.0 || slope * before <= 0.0 {
        return 0.0;
    }
    let bound = 3.0 * before.abs().min(after.abs());
    slope.clamp(-bound, bound)
}

/// Value and derivative of the cubic Hermite segment from `(x0, y0, m0)` to `(x1, y1, m1)` at `x`.
pub(crate) fn hermite(x: f64, p0: (f64, f64, f64), p1: (f64, f64, f64)) -> (f64, f64) {
    let ((x0, y0, m0), (x1, y1, m1)) = (p0, p1);
    let h = x1 - x0;
    let t = (x - x0) / h;
    let secant = (y1 - y0) / h;
    let (c2, c3) = (3.0 * secant - 2.0 * m0 - m1, m0 + m1 - 2.0 * secant);
    let value = y0 + h * t * (m0 + t * (c2 + t * c3));
    let slope = m0 + t * (2.0 * c2 + 3.0 * t * c3);
    (value, slope)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn cubic_is_monotone_between_monotone_nodes(
            steps in proptest::collection::vec((0.05f64..2.0, 0.0f64..4.0), 2..9),
        ) {
            let (mut x, mut y) = (vec![0.0], vec![0.0]);
            for (dx, dy) in steps {
                x.push(x[x.len() - 1] + dx);
                y.push(y[y.len() - 1] + dy);
            }
            let m = monotone_slopes(&x, &y);
            for i in 0..x.len() - 1 {
                let (p0, p1) = ((x[i], y[i], m[i]), (x[i + 1], y[i + 1], m[i + 1]));
                let mut last = y[i];
                for k in 0..=50 {
                    let at = x[i] + (x[i + 1] - x[i]) * f64::from(k) / 50.0;
                    let (value, slope) = hermite(at, p0, p1);
                    prop_assert!(value >= last - 1e-12 && slope >= -1e-9);
                    last = value;
                }
                prop_assert!((last - y[i + 1]).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn cubic_reproduces_a_parabola() {
        let x: Vec<f64> = vec![0.0, 0.7, 1.1, 2.0, 2.6];
        let y: Vec<f64> = x.iter().map(|x| x + 0.3 * x * x).collect();
        let m = monotone_slopes(&x, &y);
        let (value, slope) = hermite(1.5, (x[2], y[2], m[2]), (x[3], y[3], m[3]));
        assert!((value - (1.5 + 0.3 * 2.25)).abs() < 1e-12);
        assert!((slope - (1.0 + 0.9)).abs() < 1e-12);
    }
}
