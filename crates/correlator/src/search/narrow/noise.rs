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
        self.between(self.below(step), step)
    }

    /// The piece whose middle is the last one up to a step, if there is another one after it.
    fn below(&self, step: usize) -> usize {
        let place = (step + PIECE / 2) / PIECE;
        place.saturating_sub(1).min(self.pieces.len().saturating_sub(2))
    }

    /// The noise at a step on the straight line from a piece's middle to the next one's.
    #[inline(always)]
    fn between(&self, low: usize, step: usize) -> f64 {
        match self.pieces.get(low..) {
            Some([a, b, ..]) => {
                let place = (step as f64 + 0.5) / PIECE as f64 - 0.5;
                let part = (place - low as f64).clamp(0.0, 1.0);
                a * (1.0 - part) + b * part
            }
            Some([only]) => *only,
            _ => 1.0,
        }
    }

    /// One over [`Self::piece`] of `n` steps from `first` on, `apart` from each other.
    pub fn factors(&self, first: usize, apart: usize, n: usize, factors: &mut Vec<f32>) {
        factors.clear();
        while factors.len() < n {
            let step = first + factors.len() * apart;
            let (low, left) = (self.below(step), n - factors.len());
            // To where the line from middle to middle bends: at the next middle, and at the first one.
            let bend = if step < PIECE / 2 { PIECE / 2 } else { (low + 1) * PIECE + PIECE / 2 };
            let here = if step < bend { (bend - step).div_ceil(apart).min(left) } else { left };
            let from = self.between(low, step);
            let slope = (self.between(low, step + (here - 1) * apart) - from) / (here - 1).max(1) as f64;
            let (from, slope) = (from as f32, slope as f32);
            factors.extend((0..here as u32).map(|i| 1.0 / (from + slope * i as f32)));
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factors_are_those_of_each_step() {
        for pieces in [vec![], vec![2.0], vec![2.0, 3.0], vec![1.0, 4.0, 2.0, 2.5]] {
            let scale = Scale { time_t: Vec::new(), pieces };
            for (first, apart) in [(0, 1), (3, 4), (PIECE / 2, 4), (PIECE, 3)] {
                let mut factors = Vec::new();
                scale.factors(first, apart, 5000, &mut factors);
                assert_eq!(factors.len(), 5000);
                for (i, factor) in factors.iter().enumerate() {
                    let wanted = 1.0 / scale.piece(first + i * apart);
                    assert!((f64::from(*factor) - wanted).abs() < 1e-5 * wanted, "{first} {apart} {i}");
                }
            }
        }
    }

    #[test]
    fn noise_changes_evenly_from_middle_to_middle() {
        let scale = Scale { time_t: Vec::new(), pieces: vec![1.0, 3.0, 2.0] };
        let at = |pieces: f64| scale.piece((pieces * PIECE as f64) as usize);
        for (pieces, wanted) in
            [(0.0, 1.0), (0.5, 1.0), (1.0, 2.0), (1.5, 3.0), (2.25, 2.25), (2.9, 2.0), (9.0, 2.0)]
        {
            assert!((at(pieces) - wanted).abs() < 1e-3, "{pieces}: {}", at(pieces));
        }
    }
}
