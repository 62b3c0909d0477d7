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

/// Channels that vectors work on at once.
const AT_ONCE: usize = 16;

/// Weights and room.
pub(super) struct Between {
    simd: Simd,
    /// By part of a channel, but for the first, none: weights from [`TAPS`] - 1 channels below on.
    weights: [[f32; 2 * TAPS]; STEPS - 1],
    phases: [Complex32; STEPS],
    /// Real and imaginary parts.
    channels: [Vec<f32>; 2],
    /// The same between channels, by part of a channel.
    sums: [[Vec<f32>; 2]; STEPS - 1],
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
        let phase = |step: usize| {
            let (sin, cos) = libm::sincos(-PI * part(step));
            Complex32::new(cos as f32, sin as f32)
        };
        Self {
            simd,
            weights: std::array::from_fn(|step| weights(part(step + 1))),
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
            x.resize(n.next_multiple_of(AT_ONCE) + 2 * TAPS, 0.0);
        }
        let read = n + 2 * TAPS;
        voltages.get(t, low - TAPS as i64 + 1, &mut re[..read], &mut im[..read]);
        for x in self.sums.iter_mut().flatten() {
            x.resize(n.next_multiple_of(AT_ONCE), 0.0);
        }
        self.simd.run(Weighed { channels: [re, im], weights: &self.weights, sums: &mut self.sums });
        for part in 0..STEPS {
            let [re, im] = match part {
                0 => [&re[TAPS - 1..], &im[TAPS - 1..]],
                part => [&self.sums[part - 1][0][..], &self.sums[part - 1][1][..]],
            };
            let phase = self.phases[part];
            // The first value of this part of a channel, and the channel that it is above.
            let begin = (low * steps + part as i64 - first).rem_euclid(steps) as usize;
            let channel = ((first + begin as i64).div_euclid(steps) - low) as usize;
            let sums = re[channel..n].iter().zip(&im[channel..n]);
            let places = values.iter_mut().skip(begin).step_by(STEPS);
            places.zip(sums).for_each(|(z, (re, im))| *z = phase * Complex32::new(*re, *im));
        }
    }
}

/// Sums of neighbouring values with weights.
struct Weighed<'a> {
    /// Real and imaginary parts.
    channels: [&'a [f32]; 2],
    weights: &'a [[f32; 2 * TAPS]; STEPS - 1],
    sums: &'a mut [[Vec<f32>; 2]; STEPS - 1],
}

impl Kernel for Weighed<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        for (weights, sums) in self.weights.iter().zip(self.sums) {
            for (sums, channels) in sums.iter_mut().zip(self.channels) {
                let mut at = 0;
                while at + AT_ONCE <= sums.len() {
                    let here = &channels[at..at + AT_ONCE + 2 * TAPS];
                    let mut sum = [0.0; AT_ONCE];
                    for (j, weight) in weights.iter().enumerate() {
                        let x: &[f32; AT_ONCE] = here[j..].first_chunk().expect("taps follow");
                        for i in 0..AT_ONCE {
                            sum[i] += weight * x[i];
                        }
                    }
                    sums[at..at + AT_ONCE].copy_from_slice(&sum);
                    at += AT_ONCE;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::sums::Spectrum;
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
            let spectrum: Vec<_> = spectrum.iter().map(single).collect();
            voltages.put((0, 0), Spectrum::Floats(&spectrum), 0);
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
