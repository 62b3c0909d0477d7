//! Interpolates a band-limited envelope between its samples.

use num_complex::Complex;
use std::f64::consts::PI;

/// Taps of the kernel. With half of the spectrum empty its errors are below -100 dB (Kaiser 1974).
pub(super) const TAPS: usize = 16;
/// Taps before the sample that precedes the point.
pub(super) const BEFORE: usize = TAPS / 2 - 1;
/// Shape of the Kaiser window for that attenuation.
const KAISER_BETA: f64 = 11.0;

/// Rows of the table for one sample: linear interpolation between them is exact to 1e-6.
const ROWS: usize = 1024;

/// Kernels for all fractions of a sample, from a table.
pub(super) struct Kernels(Vec<[f32; TAPS]>);

impl Kernels {
    pub fn new() -> Self {
        Self((0..=ROWS).map(|row| exact(row as f64 / ROWS as f64)).collect())
    }

    /// The kernel for a point `fraction` (0 to 1) of a sample after the sample at tap [`BEFORE`].
    pub fn at(&self, fraction: f64) -> [f32; TAPS] {
        let place = fraction * ROWS as f64;
        let row = (place as usize).min(ROWS - 1);
        let part = (place - row as f64) as f32;
        let (low, high) = (&self.0[row], &self.0[row + 1]);
        std::array::from_fn(|i| low[i] + part * (high[i] - low[i]))
    }
}

/// The kernel for a point `fraction` (0 to 1) of a sample after the sample at tap [`BEFORE`].
fn exact(fraction: f64) -> [f32; TAPS] {
    let mut taps = [0.0; TAPS];
    for (i, tap) in taps.iter_mut().enumerate() {
        let x = fraction + BEFORE as f64 - i as f64;
        // The pass band ends at a quarter of the rate, the images begin at three quarters: cut half-way.
        let sinc = if x.abs() < 1e-9 { 1.0 } else { (PI * x).sin() / (PI * x) };
        let r = x / (TAPS / 2) as f64;
        let window = if r.abs() < 1.0 { bessel_i0(KAISER_BETA * (1.0 - r * r).sqrt()) } else { 0.0 };
        *tap = (sinc * window / bessel_i0(KAISER_BETA)) as f32;
    }
    taps
}

/// Modified Bessel function of the first kind, order 0, by its series.
fn bessel_i0(x: f64) -> f64 {
    let (mut sum, mut term) = (1.0, 1.0);
    for k in 1..60 {
        term *= (x / 2.0 / f64::from(k)).powi(2);
        sum += term;
        if term < sum * 1e-17 {
            break;
        }
    }
    sum
}

/// `out[i] = sum_j kernel[j] y[i + j]`; `y` has [`TAPS`] - 1 more values than `out`.
pub(super) fn convolve(kernel: &[f32; TAPS], y: &[Complex<f32>], out: &mut [Complex<f32>]) {
    out.fill(Complex::default());
    // Tap by tap over all outputs: independent sums, which the compiler makes into vectors.
    for (j, &tap) in kernel.iter().enumerate() {
        for (out, &y) in out.iter_mut().zip(&y[j..]) {
            *out += y * tap;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tones_within_the_band_are_exact() {
        let kernels = Kernels::new();
        for cycles in [-0.249, -0.1, 0.0, 0.17, 0.25] {
            let tone = |x: f64| Complex::from_polar(1.0, 2.0 * PI * cycles * x);
            let y: Vec<Complex<f32>> =
                (0..TAPS).map(|i| tone(i as f64)).map(|c| Complex::new(c.re as f32, c.im as f32)).collect();
            for fraction in [0.0, 0.123_4, 0.5, 0.999_99] {
                let mut out = [Complex::default()];
                convolve(&kernels.at(fraction), &y, &mut out);
                let want = tone(BEFORE as f64 + fraction);
                let error = (f64::from(out[0].re) - want.re).hypot(f64::from(out[0].im) - want.im);
                assert!(error < 1e-5, "{cycles} {fraction}: {error}");
            }
        }
    }
}
