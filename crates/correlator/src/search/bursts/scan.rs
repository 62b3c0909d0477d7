//! How much all pairs of stations correlate in a boxcar of the dynamic cross spectra, at the delays of a field: a first look.

use super::super::chance::ln_chance;
use super::cross::{APART, BESIDE_WIDTHS, Correlations, PER_CELL};
use super::dynamic::Dynamic;
use super::field::FieldOfDelays;
use super::find::Burst;
use super::grid::{Grid, Group, WIDTHS};
use num_complex::Complex32;
use std::f64::consts::TAU;
use std::ops::Range;

/// Dispersion measures to each side of a burst's at which it is looked for again.
const BESIDE_DMS: usize = 6;

/// Delays, turns and scratch of a scan.
pub(super) struct Scan<'a> {
    cross: &'a Dynamic,
    coherent: Vec<Range<usize>>,
    /// Steps of delay to both sides, by pair.
    most_p: Vec<i64>,
    /// Turn of a channel by a step of delay.
    turn_f: Vec<Complex32>,
    /// The same by all steps to one side, by pair and channel.
    first_pf: Vec<Vec<Complex32>>,
    sums: Vec<Complex32>,
    z: Vec<f32>,
}

impl<'a> Scan<'a> {
    /// Plans a scan of the delays of a field.
    pub fn new(cross: &'a Dynamic, (group, grid): (&Group, &Grid), field: &FieldOfDelays) -> Self {
        let coherent = group.coherent_channels(grid);
        let step_s = 1.0 / (PER_CELL * Correlations::span_hz(&group.sky_hz, &coherent));
        let most_p: Vec<i64> =
            cross.pairs.iter().map(|pair| (field.most_s(*pair) / step_s).ceil() as i64).collect();
        let mut turns_f = vec![0.0; cross.channels];
        for range in &coherent {
            range.clone().for_each(|f| turns_f[f] = (group.sky_hz[f] - group.sky_hz[range.start]) * step_s);
        }
        let turn = |turns: f64| {
            let (sin, cos) = libm::sincos(-TAU * (turns - turns.round()));
            Complex32::new(cos as f32, sin as f32)
        };
        let first_pf =
            most_p.iter().map(|most| turns_f.iter().map(|t| turn(-(*most as f64) * t)).collect()).collect();
        let turn_f = turns_f.iter().map(|t| turn(*t)).collect();
        Self { cross, coherent, most_p, turn_f, first_pf, sums: Vec::new(), z: Vec::new() }
    }

    /// Multiplications of a look.
    pub fn cost(&self) -> f64 {
        self.most_p.iter().map(|most| (2 * most + 1) as f64).sum::<f64>() * self.cross.channels as f64
    }

    /// Natural logarithm of the probability that noise correlates as much as the boxcar does with the best delay of each pair, as if no other
    /// had been tried: `start` in dumps at the top, `shifts` how late every channel is.
    pub fn ln_chance(&mut self, at: (i64, usize), shifts: &[usize]) -> f64 {
        self.ln_chance_of(|f| around(at, shifts[f]))
    }

    /// The same with nothing taken off for what is beside the boxcar: a third of the work.
    pub fn ln_chance_alone(&mut self, at: (i64, usize), shifts: &[usize]) -> f64 {
        self.ln_chance_of(|f| {
            let [on, ..] = around(at, shifts[f]);
            [on, (on.0, on.0), (on.1, on.1)]
        })
    }

    fn ln_chance_of(&mut self, around: impl Fn(usize) -> [(i64, i64); 3]) -> f64 {
        let (mut sum, mut parts) = (0.0, 0);
        for pair in 0..self.cross.pairs.len() {
            let (z, n) = self.best(pair, &around);
            sum += z;
            parts += n;
        }
        ln_chance(parts, sum)
    }

    /// The boxcar near one at which all pairs correlate most, and how many were tried: with dispersion measures beside its own, about the
    /// same middle of the band.
    pub fn best_near(&mut self, burst: &Burst, shifts: &[Vec<usize>]) -> (Burst, f64) {
        let middle = |dm: usize| shifts[dm][shifts[dm].len() / 2] as i64;
        let place = WIDTHS.iter().position(|w| *w == burst.width).unwrap_or(0);
        let (mut best, mut tried) = ((f64::INFINITY, burst.clone()), 0);
        let first = burst.dm.saturating_sub(BESIDE_DMS);
        let beside = shifts.iter().enumerate().skip(first).take(burst.dm + BESIDE_DMS + 1 - first);
        for (dm, late) in beside {
            for &width in &WIDTHS[place.saturating_sub(2)..(place + 3).min(WIDTHS.len())] {
                let longer = (width as i64 - burst.width as i64) / 2;
                for quarter in -2..=2 {
                    let start =
                        burst.start + middle(burst.dm) - middle(dm) - longer + quarter * width as i64 / 4;
                    let ln_chance = self.ln_chance((start, width), late);
                    tried += 1;
                    if ln_chance < best.0 {
                        best = (ln_chance, Burst { dm, start, width, ..burst.clone() });
                    }
                }
            }
        }
        (best.1, f64::from(tried))
    }

    /// Largest z of a pair over all delays, and the coherent bands that it has.
    fn best(&mut self, pair: usize, around: impl Fn(usize) -> [(i64, i64); 3]) -> (f64, usize) {
        let n = (2 * self.most_p[pair] + 1) as usize;
        let mut parts = 0;
        self.z.clear();
        self.z.resize(n, 0.0);
        for range in self.coherent.clone() {
            let norm: f32 = Dynamic::firsts(range.clone()).map(|f| self.norm(pair, f, around(f))).sum();
            if norm <= 0.0 {
                continue;
            }
            parts += 1;
            self.sums.clear();
            self.sums.resize(n, Complex32::default());
            for f in range {
                let mut value = self.value(pair, f, around(f)) * self.first_pf[pair][f];
                for sum in &mut self.sums {
                    *sum += value;
                    value *= self.turn_f[f];
                }
            }
            self.z.iter_mut().zip(&self.sums).for_each(|(z, s)| *z += s.norm_sqr() / norm);
        }
        (f64::from(self.z.iter().copied().fold(0.0, f32::max)), parts)
    }

    fn share(&self, [on, before, after]: [(i64, i64); 3]) -> f32 {
        let beside = self.cross.count(before) + self.cross.count(after);
        if beside > 0 { self.cross.count(on) as f32 / beside as f32 } else { 0.0 }
    }

    /// Correlation of a channel, less that beside it.
    fn value(&self, pair: usize, f: usize, at: [(i64, i64); 3]) -> Complex32 {
        let on = self.cross.sum(pair, f, at[0]);
        let share = self.share(at);
        if share <= 0.0 {
            return on;
        }
        on - (self.cross.sum(pair, f, at[1]) + self.cross.sum(pair, f, at[2])) * share
    }

    fn norm(&self, pair: usize, f: usize, at: [(i64, i64); 3]) -> f32 {
        let [on, before, after] = at.map(|stretch| self.cross.norm(pair, f, stretch));
        let share = self.share(at);
        on + (before + after) * share * share
    }
}

/// Dumps of a boxcar in a channel that is so late, and those beside it.
fn around((start, width): (i64, usize), late: usize) -> [(i64, i64); 3] {
    let (from, width) = (start + late as i64, width as i64);
    let to = from + width;
    let (apart, far) = ((APART.0 * width as f64 + APART.1) as i64, (BESIDE_WIDTHS * width as f64) as i64);
    [(from, to), (from - apart - far, from - apart), (to + apart, to + apart + far)]
}
