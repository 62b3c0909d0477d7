//! The noise of one station by time and frequency, that powers are divided by.

use super::super::chance::ln_chance;
use super::grid::STEPS;

/// Steps over which the noise is taken as equal, to within a straight line.
pub const PIECE: usize = 512 * STEPS;

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
