//! Estimates the level and the noise of the sky by clipping what is far from it.

/// The sky of one band.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sky {
    /// Level, in the image's units; NaN where there are too few pixels.
    pub level: f32,
    /// Standard deviation of a pixel.
    pub noise: f32,
}

/// Pixels further from the mean than this many standard deviations are clipped.
const CLIP: f64 = 3.0;
const PASSES: usize = 20;
/// Fewer pixels tell nothing.
const FEWEST: usize = 16;
const LANES: usize = 8;

/// Mean and standard deviation, summed in eight lanes in a fixed order, relative to the first value.
fn moments(values: &[f32]) -> (f64, f64) {
    let origin = f64::from(values[0]);
    let (mut sums, mut squares) = ([0f64; LANES], [0f64; LANES]);
    let (whole, rest) = values.as_chunks::<LANES>();
    for chunk in whole {
        for lane in 0..LANES {
            let x = f64::from(chunk[lane]) - origin;
            sums[lane] += x;
            squares[lane] += x * x;
        }
    }
    for (lane, value) in rest.iter().enumerate() {
        let x = f64::from(*value) - origin;
        sums[lane] += x;
        squares[lane] += x * x;
    }
    let n = values.len() as f64;
    let mean = sums.iter().sum::<f64>() / n;
    let variance = squares.iter().sum::<f64>() / n - mean * mean;
    (origin + mean, variance.max(0.0).sqrt())
}

/// Keeps the values within `low..=high`, in order; returns how many.
fn keep(values: &mut [f32], low: f32, high: f32) -> usize {
    let mut kept = 0;
    for i in 0..values.len() {
        let value = values[i];
        values[kept] = value;
        kept += usize::from(low <= value && value <= high);
    }
    kept
}

/// Level and noise from the pixels without any bit in the mask. Values beyond three standard deviations from the mean are clipped until
/// none is; the level is the mode `2.5 median - 1.5 mean` where the field is not crowded, the median where it is (Bertin &
/// Arnouts 1996, A&AS 117, 393, section 3).
pub fn sky(pixels: &[f32], mask: &[u8], scratch: &mut Vec<f32>) -> Sky {
    scratch.resize(pixels.len(), 0.0);
    let mut left = 0;
    for (pixel, bits) in pixels.iter().zip(mask) {
        scratch[left] = *pixel;
        left += usize::from(*bits == 0);
    }
    if left < FEWEST {
        return Sky { level: f32::NAN, noise: f32::NAN };
    }
    let (mut mean, mut sd) = moments(&scratch[..left]);
    for _ in 0..PASSES {
        let (low, high) = ((mean - CLIP * sd) as f32, (mean + CLIP * sd) as f32);
        let kept = keep(&mut scratch[..left], low, high);
        if kept == left || kept < FEWEST {
            break;
        }
        left = kept;
        (mean, sd) = moments(&scratch[..left]);
    }
    let middle = left / 2;
    let median = f64::from(*scratch[..left].select_nth_unstable_by(middle, f32::total_cmp).1);
    let crowded = (mean - median).abs() > 0.3 * sd;
    let level = if crowded { median } else { 2.5 * median - 1.5 * mean };
    Sky { level: level as f32, noise: sd as f32 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mirinae_common::random::stream;

    /// Normal numbers (sum of twelve uniform ones).
    fn noise(n: usize, seed: u64) -> Vec<f32> {
        use rand::RngExt;
        let mut rng = stream(seed, 0, 0);
        (0..n).map(|_| (0..12).map(|_| rng.random::<f32>()).sum::<f32>() - 6.0).collect()
    }

    #[test]
    fn stars_do_not_count() {
        for seed in 0..20 {
            let mut image: Vec<f32> = noise(16_384, seed).iter().map(|x| 100.0 + 2.0 * x).collect();
            for i in 0..800 {
                image[i * 20] += 30.0 + i as f32;
            }
            image[7] = f32::NAN;
            let mut mask = vec![0; image.len()];
            mask[7] = 1;
            let found = sky(&image, &mask, &mut Vec::new());
            assert!((found.level - 100.0).abs() < 0.15, "{found:?}");
            assert!((found.noise - 2.0).abs() < 0.1, "{found:?}");
        }
    }

    #[test]
    fn moments_are_the_plain_sums() {
        let values = noise(1003, 5);
        let mean = values.iter().map(|v| f64::from(*v)).sum::<f64>() / 1003.0;
        let sd = (values.iter().map(|v| (f64::from(*v) - mean).powi(2)).sum::<f64>() / 1003.0).sqrt();
        let (m, s) = moments(&values);
        assert!((m - mean).abs() < 1e-12 && (s - sd).abs() < 1e-12);
    }

    #[test]
    fn too_few_pixels_have_no_sky() {
        assert!(sky(&[1.0; 15], &[0; 15], &mut Vec::new()).level.is_nan());
        assert_eq!(sky(&[3.0; 100], &[0; 100], &mut Vec::new()), Sky { level: 3.0, noise: 0.0 });
    }
}
