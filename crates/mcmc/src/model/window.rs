//! A spectral window: its channels and its beam.

use super::error::ModelError;
use super::response::ChannelResponse;
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

    /// Whether its axes are positive and finite.
    pub fn is_positive(&self) -> bool {
        match *self {
            Beam::Elliptical { bmaj_arcsec, bmin_arcsec } => {
                bmaj_arcsec > 0.0 && bmin_arcsec > 0.0 && (bmaj_arcsec * bmin_arcsec).is_finite()
            }
            Beam::SingleDish { diameter_m } => diameter_m > 0.0 && diameter_m.is_finite(),
        }
    }
}

impl std::fmt::Display for Beam {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Beam::Elliptical { bmaj_arcsec, bmin_arcsec } => {
                write!(f, "{bmaj_arcsec:.4} x {bmin_arcsec:.4} arcsec")
            }
            Beam::SingleDish { diameter_m } => write!(f, "of a dish of {diameter_m} m"),
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
    /// What a channel is.
    pub response: ChannelResponse,
}

impl Window {
    /// The first and last channel (MHz) that is computed: one further out where channels are smoothed.
    pub fn ends_mhz(&self) -> (f64, f64) {
        let computed = with_guards(&self.freq_mhz, usize::from(self.response.hanning));
        (computed[0], computed[computed.len() - 1])
    }

    /// Checks the frequencies and the beam.
    pub(super) fn check(&self) -> Result<(), ModelError> {
        let problem = if self.freq_mhz.is_empty() {
            "has no channels".to_owned()
        } else if let Some(f) = self.freq_mhz.iter().find(|f| !(f.is_finite() && **f > 0.0)) {
            format!("a channel lies at {f} MHz")
        } else if let Some(pair) = self.freq_mhz.windows(2).find(|pair| pair[1] <= pair[0]) {
            format!("channel frequencies must ascend, but {} MHz follows {} MHz", pair[1], pair[0])
        } else if !self.beam.is_positive() {
            format!("the beam must be positive: {}", self.beam)
        } else if let Some(width) = self.response.width_mhz.filter(|w| !(*w > 0.0 && w.is_finite())) {
            format!("the channel width {width} MHz must be positive")
        } else if self.response.hanning && self.freq_mhz.len() < 2 {
            "Hanning smoothing needs at least two channels: their distance is not known".to_owned()
        } else {
            return Ok(());
        };
        Err(ModelError::Window { window: self.name.clone(), problem })
    }
}

/// The channels that are computed, with the spacing where it is even.
#[derive(Debug, Clone)]
pub(super) struct Grid {
    /// Channels before the window's first and after its last that smoothing needs.
    pub guards: usize,
    /// Channel centres (MHz), guards included.
    pub freq_mhz: Vec<f64>,
    /// The same, padded to whole vectors with frequencies far from all lines.
    pub padded_mhz: Vec<f64>,
    /// Half the width of each channel (MHz), padded; see [`half_widths`].
    pub half_width_mhz: Vec<f64>,
    /// The largest of them.
    pub widest_half_mhz: f64,
    /// Whether all are as wide.
    pub one_width: bool,
    /// First frequency and spacing (MHz) of an even grid.
    pub even: Option<(f64, f64)>,
}

/// Largest deviation from an even grid, in channels, that is treated as even: frequencies printed to
/// the hertz pass. It decides only which channels a line reaches.
const EVEN_TOLERANCE: f64 = 4.0e-6;

impl Grid {
    pub fn new(window: &Window) -> Self {
        let guards = usize::from(window.response.hanning);
        let freq_mhz = &with_guards(&window.freq_mhz, guards)[..];
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
        let half = match (window.response.width_mhz, even) {
            (Some(width), _) => vec![0.5 * width; n],
            (None, Some((_, step))) => vec![0.5 * step; n],
            (None, None) => half_widths(freq_mhz),
        };
        Self {
            guards,
            freq_mhz: freq_mhz.to_vec(),
            padded_mhz: padded(freq_mhz, 2.0 * freq_mhz[n - 1]),
            widest_half_mhz: half.iter().copied().fold(0.0, f64::max),
            one_width: half.iter().all(|width| *width == half[0]),
            half_width_mhz: padded(&half, half[n - 1]),
            even,
        }
    }

    pub fn len(&self) -> usize {
        self.freq_mhz.len()
    }

    /// First channel, and one past the last, of the vectors of `lanes` channels with channels between two frequencies
    /// (MHz); not ascending where there are none.
    pub fn vectors(&self, low_mhz: f64, high_mhz: f64, lanes: usize) -> (u32, u32) {
        let first = self.freq_mhz.partition_point(|f| *f < low_mhz) / lanes * lanes;
        let end = self.freq_mhz.partition_point(|f| *f <= high_mhz).next_multiple_of(lanes);
        (first as u32, end as u32)
    }
}

/// The channels with `guards` more on either side, at the distances found at the ends.
fn with_guards(freq_mhz: &[f64], guards: usize) -> Vec<f64> {
    let n = freq_mhz.len();
    let (first, last) = (freq_mhz[0], freq_mhz[n - 1]);
    let (low, high) = if n > 1 { (freq_mhz[1] - first, last - freq_mhz[n - 2]) } else { (0.0, 0.0) };
    let before = (1..=guards).rev().map(|k| first - low * k as f64);
    let after = (1..=guards).map(|k| last + high * k as f64);
    before.chain(freq_mhz.iter().copied()).chain(after).collect()
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

    fn grid(freq_mhz: &[f64]) -> Grid {
        grid_with(freq_mhz, ChannelResponse::default())
    }

    fn grid_with(freq_mhz: &[f64], response: ChannelResponse) -> Grid {
        let beam = Beam::SingleDish { diameter_m: 12.0 };
        Grid::new(&Window { name: "spw".into(), freq_mhz: freq_mhz.to_vec(), beam, response })
    }

    #[test]
    fn widths_and_guards_follow_the_response() {
        let response = ChannelResponse { width_mhz: Some(3.0), hanning: true };
        let grid = grid_with(&[10.0, 11.0, 12.5], response);
        assert_eq!((grid.guards, &grid.freq_mhz[..]), (1, &[9.0, 10.0, 11.0, 12.5, 14.0][..]));
        assert_eq!(grid.half_width_mhz[..5], [1.5; 5]);
        assert!(grid_with(&[10.0, 11.0, 12.0], response).even.is_some());
    }

    #[test]
    fn tells_even_grids() {
        let even: Vec<f64> = (0..100).map(|i| 2e5 + 0.25 * f64::from(i)).collect();
        assert!(grid(&even).even.is_some());
        let mut odd = even.clone();
        odd[50] += 1e-3;
        assert!(grid(&odd).even.is_none());
        assert!(grid(&even[..1]).even.is_none());
    }

    #[test]
    fn a_gap_makes_no_channel_wide() {
        let uneven = grid(&[10.0, 11.0, 12.5, 100.0, 101.0]);
        assert_eq!(uneven.half_width_mhz[..5], [0.5, 0.5, 0.75, 0.5, 0.5]);
        assert_eq!((uneven.widest_half_mhz, uneven.padded_mhz.len()), (0.75, 8));
        assert_eq!(grid(&[10.0]).widest_half_mhz, 0.0);
    }

    #[test]
    fn names_what_is_wrong() {
        let beam = Beam::Elliptical { bmaj_arcsec: 1.0, bmin_arcsec: 1.0 };
        let bad_with = |freq_mhz: Vec<f64>, response| {
            Window { name: "spw 3".into(), freq_mhz, beam, response }.check().unwrap_err()
        };
        let bad = |freq_mhz| bad_with(freq_mhz, ChannelResponse::default());
        assert!(bad(vec![2.0, 1.0]).to_string().contains("spw 3"));
        assert!(bad(vec![]).to_string().contains("no channels"));
        assert!(bad(vec![1.0, f64::NAN]).to_string().contains("NaN"));
        let response = ChannelResponse { width_mhz: Some(-1.0), hanning: true };
        assert!(bad_with(vec![1.0, 2.0], response).to_string().contains("-1 MHz"));
        let response = ChannelResponse { width_mhz: None, ..response };
        assert!(bad_with(vec![1.0], response).to_string().contains("two channels"));
    }
}
