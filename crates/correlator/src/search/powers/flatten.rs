//! Divides powers by the noise around them: of each spectrum, then of each piece of the band.

use super::super::narrow::noise::{PIECE, Scale, median, median_of_mean};
use mirinae_simd::{Kernel, Lanes, Simd};
use std::ops::Range;

/// Of so many powers of a spectrum one is looked at for its noise.
const SPARSE: usize = 32;

/// Room for it.
pub(super) struct Flattener {
    looks: usize,
    copy: Vec<f32>,
    mean: Vec<f32>,
    factors: Vec<f32>,
}

impl Flattener {
    /// For powers that are means of so many powers of noise.
    pub fn new(looks: usize) -> Self {
        Self { looks, copy: Vec::new(), mean: Vec::new(), factors: Vec::new() }
    }

    /// Makes the mean of noise `looks` everywhere: in rows of `width` powers of which some are inside. What is outside of these,
    /// in spectra without noise, or no number, becomes this mean. How many spectra have noise.
    pub fn run(&mut self, simd: Simd, power_tf: &mut [f32], width: usize, inside: Range<usize>) -> usize {
        let level = self.looks as f32;
        let median_of_one = median_of_mean(self.looks);
        let mut noise = |row: &[f32]| {
            self.copy.clear();
            self.copy.extend(
                row[inside.clone()].iter().step_by(SPARSE).map(|p| if p.is_finite() { *p } else { 0.0 }),
            );
            median(&mut self.copy) / median_of_one
        };
        let time_t: Vec<f64> = power_tf.chunks_exact(width).map(|row| noise(row).max(0.0)).collect();
        let scale = Scale::of_times(time_t);
        let used = scale.used();
        if used == 0 {
            power_tf.fill(level);
            return 0;
        }
        self.mean.clear();
        self.mean.resize(width, 0.0);
        simd.run(Mean { power_tf: &*power_tf, time_t: &scale.time_t, mean: &mut self.mean });
        let expected = used as f64 * median_of_mean(used * self.looks);
        let pieces = (0..width.div_ceil(PIECE)).map(|piece| {
            let from = (piece * PIECE).max(inside.start);
            let to = ((piece + 1) * PIECE).min(inside.end);
            self.copy.clear();
            self.copy.extend_from_slice(self.mean.get(from..to).unwrap_or_default());
            // A few channels do not tell.
            if 4 * self.copy.len() >= PIECE.min(inside.len()) {
                median(&mut self.copy) / expected
            } else {
                0.0
            }
        });
        let scale = scale.with_pieces(pieces.collect());
        self.factors.clear();
        self.factors.extend((0..width).map(|f| (self.looks as f64 / scale.piece(f)) as f32));
        for (row, time) in power_tf.chunks_exact_mut(width).zip(&scale.time_t) {
            if *time > 0.0 {
                simd.run(Divide {
                    row: &mut row[inside.clone()],
                    factors: &self.factors[inside.clone()],
                    by: (1.0 / time) as f32,
                    level,
                });
                row[..inside.start].fill(level);
                row[inside.end..].fill(level);
            } else {
                row.fill(level);
            }
        }
        used
    }
}

/// Adds the spectra, each divided by its noise.
struct Mean<'a> {
    power_tf: &'a [f32],
    time_t: &'a [f64],
    mean: &'a mut [f32],
}

impl Kernel for Mean<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        let width = self.mean.len();
        for from in (0..width).step_by(PIECE) {
            let mean = &mut self.mean[from..(from + PIECE).min(width)];
            for (row, time) in self.power_tf.chunks_exact(width).zip(self.time_t) {
                if *time > 0.0 {
                    let by = (1.0 / time) as f32;
                    mean.iter_mut().zip(&row[from..]).for_each(|(m, p)| *m += p * by);
                }
            }
        }
    }
}

/// Divides a spectrum by noise; what is no number becomes the mean.
struct Divide<'a> {
    row: &'a mut [f32],
    factors: &'a [f32],
    by: f32,
    level: f32,
}

impl Kernel for Divide<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        for (p, factor) in self.row.iter_mut().zip(self.factors) {
            let value = *p * (factor * self.by);
            *p = if value.abs() < f32::MAX { value } else { self.level };
        }
    }
}
