//! Picks the lines whose wings can reach into a window.

use super::line::Line;
use crate::physics::{C_KMS, FWHM_PER_SIGMA};
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// How many sigma of a Gaussian's wing selection allows for: more than any cut of the model.
const WING_SIGMA: f64 = 9.0;

/// Velocities (radio convention) at which emission of a line is looked for, its wings included (km/s).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct VelocityRange {
    /// Lowest velocity (km/s).
    pub min_kms: f64,
    /// Highest velocity (km/s).
    pub max_kms: f64,
}

impl VelocityRange {
    /// The range for centroids from `v_min_kms` to `v_max_kms` and widths up to `fwhm_max_kms`, with
    /// room for the wings.
    pub fn of_centroids(v_min_kms: f64, v_max_kms: f64, fwhm_max_kms: f64) -> Self {
        let wing_kms = WING_SIGMA * fwhm_max_kms / FWHM_PER_SIGMA;
        Self { min_kms: v_min_kms - wing_kms, max_kms: v_max_kms + wing_kms }
    }

    /// Whether a line of this centroid and width lies inside with its wings.
    pub fn holds(&self, v_kms: f64, fwhm_kms: f64) -> bool {
        let wing_kms = WING_SIGMA * fwhm_kms / FWHM_PER_SIGMA;
        // A hair of tolerance: the bounds of a prior must pass their own test.
        v_kms - wing_kms >= self.min_kms - 1e-9 && v_kms + wing_kms <= self.max_kms + 1e-9
    }

    /// The rest frequencies (MHz) that can appear between two observed ones: `nu = nu0 (1 - v/c)`.
    pub fn rest_frequencies(&self, low_mhz: f64, high_mhz: f64) -> (f64, f64) {
        (low_mhz / (1.0 - self.min_kms / C_KMS), high_mhz / (1.0 - self.max_kms / C_KMS))
    }
}

/// Indices of the lines (sorted by frequency) that can be seen between `low_mhz` and `high_mhz`.
///
/// Windows are selected for one by one and modelled one by one, so that a line in two overlapping
/// windows appears once in each and never twice in a channel. What an entry itself lists twice is dropped
/// before, when it is read: see `duplicates`.
pub fn lines_seen(lines: &[Line], low_mhz: f64, high_mhz: f64, velocity: VelocityRange) -> Range<usize> {
    let (low, high) = velocity.rest_frequencies(low_mhz, high_mhz);
    let first = lines.partition_point(|line| line.freq_mhz < low);
    let last = lines.partition_point(|line| line.freq_mhz <= high);
    first..last.max(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(freq_mhz: f64) -> Line {
        Line {
            freq_mhz,
            freq_sigma_mhz: 0.0,
            lgint: -5.0,
            dof: 3,
            e_low_cm1: 0.0,
            g_up: 1,
            tag: 1,
            measured: false,
            qn: String::new(),
        }
    }

    #[test]
    fn keeps_lines_whose_wings_reach_in() {
        let lines: Vec<Line> = [99_980.0, 99_998.0, 100_500.0, 101_002.0, 101_030.0].map(line).to_vec();
        let range = VelocityRange::of_centroids(-2.0, 2.0, 2.0);
        assert_eq!(lines_seen(&lines, 100_000.0, 101_000.0, range), 1..4);
        // A source receding at 1000 km/s is seen at lower frequencies: its lines rest higher.
        let far = VelocityRange::of_centroids(999.0, 1001.0, 2.0);
        assert_eq!(lines_seen(&lines, 100_640.0, 100_700.0, far), 3..5);
        assert!(range.holds(2.0, 2.0) && !range.holds(2.1, 2.0) && !range.holds(2.0, 2.1));
    }
}
