//! What the directions of a field do to the delays of stations.

use super::super::SPEED_OF_LIGHT;
use std::f64::consts::TAU;

/// A station's u and v: m, and m/s.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Uv {
    /// At the time that others count from.
    pub at_m: [f64; 2],
    /// Change per second.
    pub rate_m_s: [f64; 2],
}

/// Directions around the pointing, whose own delays are taken out already.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldOfDelays {
    /// Half its width, direction cosine.
    pub half: f64,
    /// By station.
    pub uv: Vec<Uv>,
}

/// Steps of a direction's grid in the narrowest cell of delay.
pub const PER_STEP: f64 = 3.0;
/// Directions tried at most.
pub const MOST_DIRECTIONS: f64 = 4e6;

impl FieldOfDelays {
    /// D_a - D_b at a direction, `late_s` after the time of the field: D = -(u l + v m) / c (the sign of [`crate::geometry`]).
    pub fn delay_s(&self, (a, b): (usize, usize), at: [f64; 2], late_s: f64) -> f64 {
        let of = |k: usize| {
            let (a, b) = (self.uv[a], self.uv[b]);
            a.at_m[k] - b.at_m[k] + late_s * (a.rate_m_s[k] - b.rate_m_s[k])
        };
        -(of(0) * at[0] + of(1) * at[1]) / SPEED_OF_LIGHT
    }

    /// Change of a pair's delay with l and m, s.
    pub fn slope_s(&self, (a, b): (usize, usize)) -> [f64; 2] {
        let of = |k: usize| -(self.uv[a].at_m[k] - self.uv[b].at_m[k]) / SPEED_OF_LIGHT;
        [of(0), of(1)]
    }

    /// Largest delay of a pair in the field, s.
    pub fn most_s(&self, pair: (usize, usize)) -> f64 {
        let [l, m] = self.slope_s(pair);
        self.half * (l.abs() + m.abs())
    }

    fn steepest_s(&self) -> f64 {
        let n = self.uv.len();
        let pairs = (0..n).flat_map(|a| (0..a).map(move |b| (a, b)));
        pairs.map(|pair| self.slope_s(pair)).map(|[l, m]| l.hypot(m)).fold(0.0, f64::max)
    }

    /// Largest delay of any pair, s.
    pub fn largest_s(&self) -> f64 {
        std::f64::consts::SQRT_2 * self.half * self.steepest_s()
    }

    /// Steps from the middle of the grid to an edge for bands that span so much, and the step.
    pub fn grid(&self, span_hz: f64) -> (i64, f64) {
        let step = 1.0 / (PER_STEP * span_hz * self.steepest_s()).max(1e-300);
        let steps = (self.half / step).ceil().min(1e6);
        (steps as i64, if steps > 0.0 { self.half / steps } else { self.half })
    }

    /// Half the length of the field's edges and its area, in units in which correlations of some pairs, whose frequencies scatter by so much,
    /// change by their own standard deviation.
    pub fn extent(&self, spread_hz: f64, pairs: &[(usize, usize)]) -> [f64; 2] {
        let slopes: Vec<[f64; 2]> = pairs.iter().map(|pair| self.slope_s(*pair)).collect();
        let mean =
            |i: usize, j: usize| slopes.iter().map(|s| s[i] * s[j]).sum::<f64>() / slopes.len().max(1) as f64;
        let side = TAU * spread_hz * 2.0 * self.half;
        let (xx, yy, xy) = (mean(0, 0), mean(1, 1), mean(0, 1));
        [side * (xx.sqrt() + yy.sqrt()), side * side * (xx * yy - xy * xy).max(0.0).sqrt()]
    }

    /// Directions of the grid.
    pub fn directions(&self, span_hz: f64) -> f64 {
        (2.0 * self.grid(span_hz).0 as f64 + 1.0).powi(2)
    }
}
