//! What a channel is: how wide, and whether neighbours were smoothed together.

use serde::{Deserialize, Serialize};

/// What the spectrometer made of the spectrum in each channel of a window.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct ChannelResponse {
    /// Width of the channels (MHz), where it is another than their distance.
    pub width_mhz: Option<f64>,
    /// Whether the channels were Hanning-smoothed: each is 1/4, 1/2, 1/4 of its lower neighbour, itself and its upper
    /// neighbour. Windows are computed a channel further at their ends, so that their edges are right too.
    pub hanning: bool,
}

impl ChannelResponse {
    /// In words, after "channels"; nothing where they are as wide as they are apart.
    pub fn describe(&self) -> String {
        let width =
            self.width_mhz.map_or(String::new(), |width| format!(" of {} MHz", (width * 1e6).round() / 1e6));
        format!("{width}{}", if self.hanning { " (Hanning-smoothed)" } else { "" })
    }
}

/// Smooths in place; beyond the ends there are zeros. The matrix is symmetric: it is its own adjoint.
pub(super) fn hanning(values: &mut [f64]) {
    let mut before = 0.0;
    for i in 0..values.len() {
        let own = values[i];
        let after = values.get(i + 1).copied().unwrap_or(0.0);
        values[i] = 0.25 * (before + after) + 0.5 * own;
        before = own;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn smooths_and_is_its_own_adjoint() {
        let mut peak = [0.0, 0.0, 4.0, 0.0];
        hanning(&mut peak);
        assert_eq!(peak, [0.0, 1.0, 2.0, 1.0]);
        let (a, b) = ([1.0, -3.0, 0.5, 2.0, 7.0], [0.3, 1.0, -1.0, 4.0, 0.1]);
        let dot = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| x * y).sum::<f64>();
        let smoothed = |mut x: [f64; 5]| {
            hanning(&mut x);
            x
        };
        assert!((dot(&smoothed(a), &b) - dot(&a, &smoothed(b))).abs() < 1e-12);
    }
}
