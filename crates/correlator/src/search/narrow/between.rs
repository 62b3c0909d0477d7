//! Spectra at frequencies between the channels of a transform without window.
//!
//! With d the part of a channel above channel k, X(k + d) = exp(-i pi d) sin(pi d) / pi sum_m X_m / (d + k - m). A few channels on each side
//! are enough; weights are such that the noise's power stays what it is.

use super::grid::STEPS;
use super::voltages::Voltages;
use mirinae_simd::{Kernel, Lanes, Simd};
use num_complex::Complex32;
use std::f64::consts::PI;

/// Channels on each side: of a carrier in the middle of two 0.98 of the power is left, elsewhere more.
const TAPS: usize = 12;

/// Weights and room.
pub(super) struct Between {
    simd: Simd,
    /// By part of a channel: weights from [`TAPS`] - 1 channels below on.
    weights: [[f32; 2 * TAPS]; STEPS],
    phases: [Complex32; STEPS],
    channels: [Vec<f32>; 2],
    sums: [Vec<f32>; 2],
}

/// Weights of the channels around a frequency a part of a channel above one of them.
fn weights(part: f64) -> [f32; 2 * TAPS] {
    let of = |j: usize| 1.0 / (part + TAPS as f64 - 1.0 - j as f64);
    let norm = (0..2 * TAPS).map(|j| of(j) * of(j)).sum::<f64>().sqrt();
    std::array::from_fn(|j| (of(j) / norm) as f32)
}

impl Between {
    /// For a path's vectors.
    pub fn new(simd: Simd) -> Self {
        let part = |step: usize| step as f64 / STEPS as f64;
        let only = std::array::from_fn(|j| f32::from(u8::from(j == TAPS - 1)));
        let phase = |step: usize| {
            let (sin, cos) = libm::sincos(-PI * part(step));
            Complex32::new(cos as f32, sin as f32)
        };
        Self {
            simd,
            weights: std::array::from_fn(|step| if step == 0 { only } else { weights(part(step)) }),
            phases: std::array::from_fn(phase),
            channels: Default::default(),
            sums: Default::default(),
        }
    }

    /// Values of a spectrum from a step on.
    pub fn row(&mut self, (voltages, t): (&Voltages, usize), first: i64, values: &mut [Complex32]) {
        let steps = STEPS as i64;
        let (low, high) = (first.div_euclid(steps), (first + values.len() as i64 - 1).div_euclid(steps));
        let n = (high - low + 1) as usize;
        let [re, im] = &mut self.channels;
        for x in [&mut *re, &mut *im] {
            x.resize(n + 2 * TAPS, 0.0);
        }
        voltages.get(t, low - TAPS as i64 + 1, re, im);
        for part in 0..STEPS {
            for (sums, values) in self.sums.iter_mut().zip([&*re, &*im]) {
                sums.clear();
                sums.resize(n, 0.0);
                self.simd.run(Weighed { values, weights: &self.weights[part], sums });
            }
            let phase = self.phases[part];
            // The first value of this part of a channel, and the channel that it is above.
            let begin = (low * steps + part as i64 - first).rem_euclid(steps) as usize;
            let channel = ((first + begin as i64).div_euclid(steps) - low) as usize;
            let sums = self.sums[0][channel..].iter().zip(&self.sums[1][channel..]);
            let places = values.iter_mut().skip(begin).step_by(STEPS);
            places.zip(sums).for_each(|(z, (re, im))| *z = phase * Complex32::new(*re, *im));
        }
    }
}

/// Sums of neighbouring values with weights.
struct Weighed<'a> {
    values: &'a [f32],
    weights: &'a [f32; 2 * TAPS],
    sums: &'a mut [f32],
}

impl Kernel for Weighed<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        for (j, weight) in self.weights.iter().enumerate() {
            self.sums.iter_mut().zip(&self.values[j..]).for_each(|(sum, x)| *sum += weight * x);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::voltages::Memory;
    use super::*;
    use mirinae_simd::SimdPath;
    use num_complex::Complex64;
    use std::f64::consts::TAU;

    #[test]
    fn a_carrier_is_what_a_longer_transform_shows() {
        let points = 512;
        // Between two channels, an eighth of a channel beside a step.
        let at = 201.0 + 0.25 + 0.03;
        let value = |frequency: f64| {
            let turns = |n: usize| (at - frequency) / points as f64 * n as f64;
            (0..points).map(|n| Complex64::from_polar(1.0 / 512.0, TAU * turns(n))).sum::<Complex64>()
        };
        for path in SimdPath::ALL {
            let simd = Simd::new(path);
            let mut voltages = Voltages::new(1, &[points], (Memory::default(), simd));
            let spectrum: Vec<Complex64> = (0..points).map(|k| value(k as f64)).collect();
            let single = |z: &Complex64| Complex32::new(z.re as f32, z.im as f32);
            voltages.put((0, 0), &spectrum.iter().map(single).collect::<Vec<_>>());
            let mut between = Between::new(simd);
            for first in [4 * 195, 4 * 195 + 1, 4 * 195 + 2, 4 * 195 + 3] {
                let mut values = vec![Complex32::default(); 50];
                between.row((&voltages, 0), first, &mut values);
                for (i, z) in values.iter().enumerate() {
                    let wanted = value((first + i as i64) as f64 / 4.0);
                    let off = Complex64::new(z.re.into(), z.im.into()) - wanted;
                    assert!(off.norm() < 0.025, "{path:?} {first} {i}: {z} {wanted}");
                }
            }
        }
    }
}
