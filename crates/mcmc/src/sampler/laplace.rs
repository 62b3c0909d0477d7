//! The normal distribution that fits a peak of a posterior: its curvature from differences of the gradient.

use super::Likelihood;
use super::flow::Place;
use super::linear::Matrix;

/// The prior alone has precision 1 in every direction: less would be a saddle's doing.
const LEAST_PRECISION: f64 = 1.0;

/// A peak with its curvature.
pub struct Laplace {
    /// A factor L of the covariance: L L'.
    pub factor: Matrix,
    /// Logarithm of the determinant of the precision.
    pub ln_det: f64,
    /// Gradients computed.
    pub gradients: u32,
}

/// Fits the peak at `place`.
pub fn laplace(likelihood: &mut impl Likelihood, place: &Place) -> Laplace {
    let dim = place.z.len();
    let mut precision = Matrix::identity(dim);
    let mut gradients = 0;
    for i in 0..dim {
        // A step that lowers ln density by about a half of what one standard deviation does.
        let mut h = 1e-3;
        let mut column = vec![0.0; dim];
        for _ in 0..3 {
            let mut side = |sign: f64| {
                let mut z = place.z.clone();
                z[i] += sign * h;
                Place::at(&z, likelihood)
            };
            let (above, below) = (side(1.0), side(-1.0));
            gradients += 2;
            if !(above.ln_like.is_finite() && below.ln_like.is_finite()) {
                h *= 0.1;
                continue;
            }
            for ((c, a), b) in column.iter_mut().zip(&above.gradient).zip(&below.gradient) {
                *c = (b - a) / (2.0 * h);
            }
            let best = 0.5 / (1.0 + column[i].max(0.0)).sqrt();
            let near = h > 0.3 * best && h < 3.0 * best;
            h = best;
            if near {
                break;
            }
        }
        for (j, c) in column.into_iter().enumerate() {
            *precision.at_mut(i, j) += c;
        }
    }
    let (values, vectors) = precision.symmetric().eigen();
    let mut factor = vectors;
    let mut ln_det = 0.0;
    for (k, value) in values.into_iter().enumerate() {
        let value = value.max(LEAST_PRECISION);
        ln_det += libm::log(value);
        for i in 0..dim {
            *factor.at_mut(i, k) /= value.sqrt();
        }
    }
    Laplace { factor, ln_det, gradients }
}

#[cfg(test)]
mod tests {
    use super::super::likelihood::FnLikelihood;
    use super::*;

    #[test]
    fn the_covariance_of_a_normal_distribution_is_found() {
        let sigma = [0.001, 0.1, 0.5];
        let mut target = FnLikelihood {
            dim: 3,
            function: |z: &[f64], gradient: &mut [f64]| {
                let x = [z[0] / sigma[0], (z[1] + z[2]) / sigma[1], z[2] / sigma[2]];
                gradient[0] = -x[0] / sigma[0];
                gradient[1] = -x[1] / sigma[1];
                gradient[2] = -x[1] / sigma[1] - x[2] / sigma[2];
                -0.5 * x.iter().map(|v| v * v).sum::<f64>()
            },
        };
        let place = Place::at(&[0.0; 3], &mut target);
        let found = laplace(&mut target, &place);
        let covariance = found.factor.product(&found.factor.transposed());
        // Precision: likelihood's plus the prior's.
        let mut precision = Matrix::diagonal(&[1.0 + 1e6, 1.0 + 100.0, 1.0 + 104.0]);
        *precision.at_mut(1, 2) = 100.0;
        *precision.at_mut(2, 1) = 100.0;
        let unit = precision.product(&covariance);
        for i in 0..3 {
            for j in 0..3 {
                assert!((unit.at(i, j) - f64::from(u8::from(i == j))).abs() < 1e-6);
            }
        }
    }
}
