//! A spectral window: its channels and its beam.

use super::error::ModelError;
use super::simd::MAX_LANES;
use crate::physics::C_KMS;
use serde::{Deserialize, Serialize};

/// The beam, which dilutes sources smaller than itself.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Beam {
    /// Elliptical Gaussian (synthesised) beam, FWHM (arcsec).
    Elliptical {
        /// Major axis (arcsec).
        bmaj_arcsec: f64,
        /// Minor axis (arcsec).
        bmin_arcsec: f64,
    },
    /// Single dish: FWHM 1.22 lambda / D.
    SingleDish {
        /// Diameter (m).
        diameter_m: f64,
    },
}

impl Beam {
    /// Product of the two FWHM (arcsec^2) at a frequency (MHz).
    pub fn area_arcsec2(&self, freq_mhz: f64) -> f64 {
        match *self {
            Beam::Elliptical { bmaj_arcsec, bmin_arcsec } => bmaj_arcsec * bmin_arcsec,
            Beam::SingleDish { diameter_m } => {
                let lambda_m = C_KMS * 1.0e-3 / freq_mhz;
                let fwhm_arcsec = (1.22 * lambda_m / diameter_m).to_degrees() * 3600.0;
                fwhm_arcsec * fwhm_arcsec
            }
        }
    }

    /// Beam filling factor `theta^2 / (theta^2 + beam)` of a Gaussian source; 1 for an infinite one.
    pub fn filling(&self, freq_mhz: f64, theta_arcsec: f64) -> f64 {
        1.0 / (1.0 + self.area_arcsec2(freq_mhz) / (theta_arcsec * theta_arcsec))
    }

    fn is_positive(&self) -> bool {
        match *self {
            Beam::Elliptical { bmaj_arcsec, bmin_arcsec } => {
                bmaj_arcsec > 0.0 && bmin_arcsec > 0.0 && (bmaj_arcsec * bmin_arcsec).is_finite()
            }
            Beam::SingleDish { diameter_m } => diameter_m > 0.0 && diameter_m.is_finite(),
        }
    }
}

/// A spectral window: channel centres and beam.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Window {
    /// Name, for messages.
    pub name: String,
    /// Channel centres (MHz), strictly ascending.
    pub freq_mhz: Vec<f64>,
    /// Beam.
    pub beam: Beam,
}

impl Window {
    /// Checks the frequencies and the beam.
    pub(super) fn check(&self) -> Result<(), ModelError> {
        let problem = if self.freq_mhz.is_empty() {
            "has no channels".to_owned()
        } else if let Some(f) = self.freq_mhz.iter().find(|f| !(f.is_finite() && **f > 0.0)) {
            format!("a channel lies at {f} MHz")
        } else if let Some(pair) = self.freq_mhz.windows(2).find(|pair| pair[1] <= pair[0]) {
            format!("channel frequencies must ascend, but {} MHz follows {} MHz", pair[1], pair[0])
        } else if !self.beam.is_positive() {
            format!("the beam must be positive: {:?}", self.beam)
        } else {
            return Ok(());
        };
        Err(ModelError::Window { window: self.name.clone(), problem })
    }
}

/// Channel centres, with the spacing where it is even.
#[derive(Debug, Clone)]
pub(super) struct Grid {
    /// Channel centres (MHz).
    pub freq_mhz: Vec<f64>,
    /// The same, padded to whole vectors with frequencies far from all lines.
    pub padded_mhz: Vec<f64>,
    /// Half the width of each channel (MHz), padded; see [`half_widths`].
    pub half_width_mhz: Vec<f64>,
    /// The largest of them.
    pub widest_half_mhz: f64,
    /// First frequency and spacing (MHz) of an even grid.
    pub even: Option<(f64, f64)>,
}

/// Largest deviation from an even grid, in channels, that is treated as even: frequencies printed to
/// the hertz pass. It decides only which channels a line reaches.
const EVEN_TOLERANCE: f64 = 4.0e-6;

impl Grid {
    pub fn new(freq_mhz: &[f64]) -> Self {
        let n = freq_mhz.len();
        let first = freq_mhz[0];
        let step = if n > 1 { (freq_mhz[n - 1] - first) / (n - 1) as f64 } else { 0.0 };
        let deviation = |(i, f): (usize, &f64)| (f - (first + step * i as f64)).abs();
        let is_even = n > 1 && freq_mhz.iter().enumerate().map(deviation).all(|d| d <= EVEN_TOLERANCE * step);
        let even = is_even.then_some((first, step));
        let padded = |values: &[f64], padding: f64| {
            let mut values = values.to_vec();
            values.resize(n.next_multiple_of(MAX_LANES), padding);
            values
        };
        let half = match even {
            Some((_, step)) => vec![0.5 * step; n],
            None => half_widths(freq_mhz),
        };
        Self {
            freq_mhz: freq_mhz.to_vec(),
            padded_mhz: padded(freq_mhz, 2.0 * freq_mhz[n - 1]),
            widest_half_mhz: half.iter().copied().fold(0.0, f64::max),
            half_width_mhz: padded(&half, half[n - 1]),
            even,
        }
    }

    pub fn len(&self) -> usize {
        self.freq_mhz.len()
    }
}

/// Half the width of each channel (MHz): half the distance to the nearer neighbour, so that a gap makes no
/// channel wide; of a single channel nothing is known but its centre: zero.
fn half_widths(freq_mhz: &[f64]) -> Vec<f64> {
    let n = freq_mhz.len();
    let distance = |i: usize| freq_mhz[i + 1] - freq_mhz[i];
    (0..n)
        .map(|i| match (i > 0, i + 1 < n) {
            (true, true) => 0.5 * distance(i - 1).min(distance(i)),
            (true, false) => 0.5 * distance(i - 1),
            (false, true) => 0.5 * distance(i),
            (false, false) => 0.0,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn single_dish_beam_is_the_usual_one() {
        // APEX, 12 m, at 230.538 GHz: 27.3".
        let area = Beam::SingleDish { diameter_m: 12.0 }.area_arcsec2(230_538.0);
        assert!((area.sqrt() - 27.27).abs() < 0.05, "{}", area.sqrt());
    }

    #[test]
    fn tells_even_grids() {
        let even: Vec<f64> = (0..100).map(|i| 2e5 + 0.25 * f64::from(i)).collect();
        assert!(Grid::new(&even).even.is_some());
        let mut odd = even.clone();
        odd[50] += 1e-3;
        assert!(Grid::new(&odd).even.is_none());
        assert!(Grid::new(&even[..1]).even.is_none());
    }

    #[test]
    fn a_gap_makes_no_channel_wide() {
        let grid = Grid::new(&[10.0, 11.0, 12.5, 100.0, 101.0]);
        assert_eq!(grid.half_width_mhz[..5], [0.5, 0.5, 0.75, 0.5, 0.5]);
        assert_eq!((grid.widest_half_mhz, grid.padded_mhz.len()), (0.75, 8));
        assert_eq!(Grid::new(&[10.0]).widest_half_mhz, 0.0);
    }

    #[test]
    fn names_what_is_wrong() {
        let beam = Beam::Elliptical { bmaj_arcsec: 1.0, bmin_arcsec: 1.0 };
        let bad = |freq_mhz: Vec<f64>| Window { name: "spw 3".into(), freq_mhz, beam }.check().unwrap_err();
        assert!(bad(vec![2.0, 1.0]).to_string().contains("spw 3"));
        assert!(bad(vec![]).to_string().contains("no channels"));
        assert!(bad(vec![1.0, f64::NAN]).to_string().contains("NaN"));
    }
}
