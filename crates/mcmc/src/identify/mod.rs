//! Which species of the line lists are in a spectrum, and which lines its peaks are.
//!
//! Species are taken one by one, the one that explains most first. What a species explains is counted over all of its
//! lines at once: a channel adds as much as the model has there where the data are at least as bright, and takes away
//! where they are not, so that a species whose stronger lines are absent cannot win by a coincidence, and a brighter
//! line of another species gives no credit. After each, all are fitted together (Levenberg-Marquardt; what the model
//! lacks counts little, what it has too much counts in full). Peaks that no accepted species explains are unidentified.
//! Absorption is looked for in the same way in the data with their sign turned, where they lie below their continuum.

mod absorption;
mod assign;
mod candidate;
mod continuum;
mod gain;
mod peaks;
mod refine;
mod search;

pub use absorption::turned;
pub use assign::{Assignment, Share, assign};
pub use candidate::{Candidate, State};
pub use continuum::continuum_k;
pub use gain::gain;
pub use peaks::{Peak, find_peaks, typical_fwhm_kms};
pub use search::{Found, Settings, Side, find_velocity, search};

use crate::model::Window;

/// The data of all windows, one after the other.
#[derive(Debug, Clone, PartialEq)]
pub struct Data {
    /// The windows, for their channels.
    pub windows: Vec<Window>,
    /// Data (K); 0 where there are none.
    pub t_k: Vec<f64>,
    /// One over the noise (1/K); 0 where there are no data.
    pub per_k: Vec<f64>,
    /// Signal to noise of what counts as a line.
    pub threshold: f64,
}

impl Data {
    /// Channel centres (MHz) of all windows.
    pub fn freq_mhz(&self) -> impl Iterator<Item = f64> {
        self.windows.iter().flat_map(|w| w.freq_mhz.iter().copied())
    }

    /// The channel that is nearest to a frequency, of those within half of the distance to their neighbours.
    pub fn channel(&self, freq_mhz: f64) -> Option<usize> {
        let mut first = 0;
        for window in &self.windows {
            let freq = &window.freq_mhz;
            let n = freq.len();
            let step = if n > 1 { (freq[n - 1] - freq[0]) / (n - 1) as f64 } else { 0.0 };
            if freq_mhz >= freq[0] - 0.5 * step && freq_mhz <= freq[n - 1] + 0.5 * step {
                let above = freq.partition_point(|f| *f < freq_mhz).min(n - 1);
                let below = above.saturating_sub(1);
                let near = if (freq[above] - freq_mhz).abs() < (freq_mhz - freq[below]).abs() {
                    above
                } else {
                    below
                };
                return Some(first + near);
            }
            first += n;
        }
        None
    }
}

#[cfg(test)]
mod tests;
