//! Powers by time and frequency in which lines are looked for: one station's, or the sum of those of several.

/// Powers in units of the noise around each of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Plane {
    /// Spectra.
    pub spectra: usize,
    /// Steps of frequency, margins included.
    pub width: usize,
    /// Steps of each margin.
    pub margin: usize,
    /// By spectrum and step. A station's powers have a mean of 1 where there is noise alone, and are 1 where it has no data.
    pub power_tf: Vec<f32>,
    /// Stations whose powers are in the sum.
    pub stations: usize,
    /// Powers of noise in the sum along a line, what stations have no data for left out.
    pub used: usize,
}

impl Plane {
    /// Powers of one station of which some spectra are used.
    pub fn one(spectra: usize, width: usize, margin: usize, power_tf: Vec<f32>, used: usize) -> Self {
        Self { spectra, width, margin, power_tf, stations: 1, used }
    }

    /// No station yet.
    pub fn none() -> Self {
        Self { spectra: 0, width: 0, margin: 0, power_tf: Vec::new(), stations: 0, used: 0 }
    }

    /// Whether there are enough data to be searched.
    pub fn is_usable(&self) -> bool {
        self.used > 0 && self.used * 2 >= self.cells()
    }

    /// Powers along a line.
    pub fn cells(&self) -> usize {
        self.stations * self.spectra
    }

    /// Adds another station's powers; one with few data is left out, for it would tell little.
    pub fn add(&mut self, other: &Self) {
        if !other.is_usable() {
            return;
        }
        if self.stations == 0 {
            *self = other.clone();
            return;
        }
        self.stations += other.stations;
        self.used += other.used;
        self.power_tf.iter_mut().zip(&other.power_tf).for_each(|(sum, p)| *sum += p);
    }
}
