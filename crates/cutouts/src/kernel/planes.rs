//! What is stored of the bands: linear values, each band through asinh, or colours kept as Lupton et al. (2004) do.

use super::asinh;
use serde::{Deserialize, Serialize};

/// What is stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Planes {
    /// The values in the files' units.
    Linear,
    /// `softening asinh(x / softening)` for each band: linear near zero, logarithmic far from it.
    Asinh {
        /// One for each band, in the files' units.
        softening_b: Vec<f32>,
    },
    /// `x asinh(q i / stretch) / (q i / stretch) / stretch`, `i` the mean of the bands: the ratios between bands stay
    /// (Lupton et al. 2004, PASP 116, 133, equations 1 to 3).
    Lupton {
        /// Where the logarithm begins.
        q: f32,
        /// The value that becomes 1 where all is linear.
        stretch: f32,
    },
}

/// Stretches all bands of a galaxy and hands each on while it is near; `intensity_p` is room for one band.
pub fn apply(
    planes: &Planes,
    image_bp: &mut [f32],
    intensity_p: &mut [f32],
    mut done: impl FnMut(usize, &[f32]),
) {
    let pixels = intensity_p.len();
    if let Planes::Lupton { q, stretch } = planes {
        lupton(image_bp, intensity_p, *q, *stretch);
    }
    for (number, band) in image_bp.chunks_exact_mut(pixels).enumerate() {
        if let Planes::Asinh { softening_b } = planes {
            asinh::stretch(band, 1.0 / softening_b[number], softening_b[number]);
        }
        done(number, band);
    }
}

fn lupton(image_bp: &mut [f32], intensity_p: &mut [f32], q: f32, stretch: f32) {
    let pixels = intensity_p.len();
    intensity_p.fill(0.0);
    let bands = image_bp.len() / pixels;
    for band in image_bp.chunks_exact(pixels) {
        intensity_p.iter_mut().zip(band).for_each(|(sum, x)| *sum += x);
    }
    asinh::ratios(intensity_p, q / (stretch * bands as f32), 1.0 / stretch);
    for band in image_bp.chunks_exact_mut(pixels) {
        band.iter_mut().zip(&*intensity_p).for_each(|(x, ratio)| *x *= ratio);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lupton_keeps_colours() {
        let mut image = vec![0.1, 5.0, -0.3, 0.2, 10.0, -0.6];
        apply(&Planes::Lupton { q: 8.0, stretch: 0.5 }, &mut image, &mut [0.0; 3], |_, _| {});
        for p in 0..3 {
            assert!((image[3 + p] / image[p] - 2.0).abs() < 1e-6);
        }
        let i = 7.5f64;
        let truth = 5.0 * libm::asinh(8.0 * i / 0.5) / (8.0 * i);
        assert!((f64::from(image[1]) - truth).abs() < 1e-6 * truth);
    }

    #[test]
    fn asinh_is_linear_near_zero() {
        let mut image = vec![1e-4, 100.0];
        let mut seen = Vec::new();
        apply(&Planes::Asinh { softening_b: vec![0.5, 2.0] }, &mut image, &mut [0.0], |band, x| {
            seen.push((band, x[0]))
        });
        assert_eq!(seen, [(0, image[0]), (1, image[1])]);
        assert!((image[0] - 1e-4).abs() < 1e-10);
        assert!((f64::from(image[1]) - 2.0 * libm::asinh(50.0)).abs() < 1e-5);
    }
}
