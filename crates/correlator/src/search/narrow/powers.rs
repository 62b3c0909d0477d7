//! One station's dynamic spectrum of a unit, in units of the noise around each channel.

use super::super::chance::ln_chance;
use super::channelise::{Channeliser, Wanted, first_step};
use super::grid::{Grid, STEPS};
use super::plane::Plane;
use crate::baseband::{BasebandError, SampleSource};
use std::ops::Range;

/// Spectra with less of their samples than this are not used.
const LEAST_VALID: f64 = 0.5;
/// Steps over which the noise is taken as equal, to within a straight line.
pub const PIECE: usize = 512 * STEPS;

/// A station's powers with the noise that they were divided by.
pub struct Powers {
    /// Powers; 1 in spectra that are not used.
    pub plane: Plane,
    /// Sky frequency of the plane's first step, in steps from the band's lower edge.
    pub first_step: i64,
    /// Noise.
    pub scale: Scale,
}

/// Noise of a station by time and frequency.
#[derive(Debug, Clone, Default)]
pub struct Scale {
    /// Noise power of each spectrum; 0 where it is not used.
    pub time_t: Vec<f64>,
    /// Noise power in the middles of pieces of [`PIECE`] steps, relative to the spectrum's.
    pieces: Vec<f64>,
}

impl Scale {
    /// Noise power at a spectrum and step; `None` where the spectrum is not used.
    pub fn at(&self, t: usize, step: usize) -> Option<f64> {
        let time = self.time_t.get(t).copied().filter(|time| *time > 0.0)?;
        Some(time * self.piece(step))
    }

    /// Noise of spectra alone: the same at all steps.
    pub fn of_times(time_t: Vec<f64>) -> Self {
        Self { time_t, pieces: Vec::new() }
    }

    /// With the noise in the middles of pieces: where it is 0, that of the piece before is taken, or the first there is.
    #[must_use]
    pub fn with_pieces(self, mut pieces: Vec<f64>) -> Self {
        let mut before = pieces.iter().copied().find(|p| *p > 0.0).unwrap_or(1.0);
        for piece in &mut pieces {
            *piece = if *piece > 0.0 { *piece } else { before };
            before = *piece;
        }
        Self { pieces, ..self }
    }

    /// Noise power at a step, relative to the spectrum's.
    pub fn piece(&self, step: usize) -> f64 {
        let place = (step as f64 + 0.5) / PIECE as f64 - 0.5;
        let low = (place.floor().max(0.0) as usize).min(self.pieces.len().saturating_sub(2));
        let value = |i: usize| self.pieces.get(i).copied().unwrap_or(1.0);
        if self.pieces.len() < 2 {
            return value(0);
        }
        let part = (place - low as f64).clamp(0.0, 1.0);
        value(low) * (1.0 - part) + value(low + 1) * part
    }

    /// Spectra that are used.
    pub fn used(&self) -> usize {
        self.time_t.iter().filter(|t| **t > 0.0).count()
    }
}

/// The median of some numbers, which are put in another order.
pub fn median(values: &mut [f32]) -> f64 {
    if values.is_empty() {
        return 0.0;
    }
    let middle = values.len() / 2;
    f64::from(*values.select_nth_unstable_by(middle, f32::total_cmp).1)
}

/// The median of the mean of `n` powers of noise whose mean is 1.
pub fn median_of_mean(n: usize) -> f64 {
    quantile_of_mean(n, 0.5)
}

/// What the mean of `n` powers of noise whose mean is 1 stays below with a probability.
pub fn quantile_of_mean(n: usize, share: f64) -> f64 {
    let above = libm::log(1.0 - share);
    let (mut low, mut high) = (0.0, 2.0 * n as f64 + 2.0);
    for _ in 0..100 {
        let x = 0.5 * (low + high);
        if ln_chance(n, x) > above { low = x } else { high = x }
    }
    0.5 * (low + high) / n.max(1) as f64
}

impl Powers {
    /// Reads and transforms a station's part of a unit. `recorded` are the steps from the band's lower edge that the station,
    /// which moves, has recorded; the others are set to 1. `raw(spectrum, channel from the band's lower edge, powers)` sees
    /// every power before it is divided by anything, margins left out.
    ///
    /// # Errors
    /// Where the recording cannot be read.
    pub(super) fn read(
        channeliser: &mut Channeliser,
        source: &mut dyn SampleSource,
        (grid, wanted, recorded): (&Grid, Wanted, Range<i64>),
        raw: &mut dyn FnMut(usize, usize, &[f32]),
        tick: &mut dyn FnMut(),
    ) -> Result<Self, BasebandError> {
        let (own, guard, margin) = (grid.own_steps(), grid.guard_steps(), grid.margin());
        let count = wanted.sub_bands.len();
        let width = count * own + 2 * margin;
        let mut power_tf = vec![0.0; width * wanted.spectra];
        let mut valid_t = vec![0.0; wanted.spectra];
        let mut line = Vec::new();
        let mut sink = |t: usize, place: usize, spectrum: &mut [num_complex::Complex32], valid: f64| {
            valid_t[t] = valid;
            // A sub-band's own steps, and the margins of the first and the last.
            let from = guard - if place == 0 { margin } else { 0 };
            let to = guard + own + if place + 1 == count { margin } else { 0 };
            let at = t * width + place * own + margin + from - guard;
            let out = &mut power_tf[at..at + to - from];
            out.iter_mut().zip(&spectrum[from..to]).for_each(|(p, z)| *p = z.norm_sqr());
            line.clear();
            line.extend(spectrum[guard..guard + own].iter().step_by(STEPS).map(|z| z.norm_sqr()));
            raw(t, wanted.sub_bands[place] * grid.own_channels(), &line);
        };
        channeliser.run(source, wanted, &mut sink, tick)?;
        let first = wanted.sub_bands.first().map_or(0, |&s| first_step(grid, s));
        let first_step = first + (guard - margin) as i64;
        let scale = Scale::of_times(vec![0.0; wanted.spectra]);
        let plane = Plane::one(wanted.spectra, width, margin, power_tf, 0);
        let mut powers = Self { plane, first_step, scale };
        powers.normalise(&valid_t, recorded);
        powers.plane.used = powers.scale.used();
        Ok(powers)
    }

    /// Those of some steps from the band's lower edge that are here.
    fn inside(&self, recorded: Range<i64>) -> Range<usize> {
        let place = |step: i64| (step - self.first_step).clamp(0, self.plane.width as i64) as usize;
        let from = place(recorded.start);
        from..place(recorded.end).max(from)
    }

    /// Divides by the noise: of each spectrum, then of each piece of the band. Medians (of one step in each channel: what is between tells
    /// little more) do not see signals, if they are narrow.
    fn normalise(&mut self, valid_t: &[f64], recorded: Range<i64>) {
        let inside = self.inside(recorded);
        let mut copy = Vec::new();
        for (t, row) in self.plane.power_tf.chunks_exact_mut(self.plane.width).enumerate() {
            copy.clear();
            copy.extend(row[inside.clone()].iter().step_by(STEPS));
            let noise = median(&mut copy) / std::f64::consts::LN_2;
            let used = valid_t[t] >= LEAST_VALID && noise > 0.0;
            self.scale.time_t[t] = if used { noise } else { 0.0 };
            if used {
                row.iter_mut().for_each(|p| *p /= noise as f32);
            } else {
                row.fill(1.0);
            }
        }
        let used = self.scale.used();
        if used == 0 {
            return;
        }
        let mut mean = vec![0.0f32; self.plane.width];
        for (t, row) in self.plane.power_tf.chunks_exact(self.plane.width).enumerate() {
            if self.scale.time_t[t] > 0.0 {
                mean.iter_mut().zip(row).for_each(|(m, p)| *m += p / used as f32);
            }
        }
        let expected = median_of_mean(used);
        let pieces = (0..self.plane.width.div_ceil(PIECE)).map(|piece| {
            let (from, to) = (piece * PIECE, ((piece + 1) * PIECE).min(self.plane.width));
            let range = from.max(inside.start)..to.min(inside.end);
            copy.clear();
            copy.extend(mean.get(range).unwrap_or_default().iter().step_by(STEPS));
            let noise = median(&mut copy) / expected;
            // A piece outside, or one that is nearly so, has its neighbour's noise.
            let whole = copy.len() * 4 * STEPS >= PIECE || self.plane.width < 2 * PIECE;
            if whole && noise > 0.0 { noise } else { 0.0 }
        });
        let pieces = pieces.collect();
        self.scale = std::mem::take(&mut self.scale).with_pieces(pieces);
        let factors: Vec<f32> = (0..self.plane.width).map(|f| (1.0 / self.scale.piece(f)) as f32).collect();
        for (t, row) in self.plane.power_tf.chunks_exact_mut(self.plane.width).enumerate() {
            if self.scale.time_t[t] > 0.0 {
                row.iter_mut().zip(&factors).for_each(|(p, f)| *p *= f);
            }
            // Beyond the band there is nothing to be found.
            row[..inside.start].fill(1.0);
            row[inside.end..].fill(1.0);
        }
    }
}
