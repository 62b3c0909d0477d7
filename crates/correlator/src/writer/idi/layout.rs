//! Maps bands and products of a correlation to the axes of FITS-IDI.

use crate::writer::VisMeta;

/// Products of polarisations in the order of FITS's codes, from -1 and from -5.
const CIRCULAR: [[char; 2]; 4] = [['R', 'R'], ['L', 'L'], ['R', 'L'], ['L', 'R']];
const LINEAR: [[char; 2]; 4] = [['X', 'X'], ['Y', 'Y'], ['X', 'Y'], ['Y', 'X']];

/// The axes of the visibilities in a file.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Layout {
    /// Lower edge of every band on the sky in Hz, ascending.
    pub band_low_hz: Vec<f64>,
    /// Their bandwidth in Hz.
    pub bandwidth_hz: f64,
    /// The band of each of the correlation's; the two sidebands of one part of the sky are one.
    pub band_of: Vec<Option<usize>>,
    /// Products of polarisations.
    pub stokes: Vec<[char; 2]>,
    /// FITS's code of the first of them.
    pub first_stokes: i64,
    /// Channels in a band.
    pub channels: usize,
    /// Pixel of the lower edge: channels are centred on multiples of the width of those before averaging.
    pub reference_pixel: f64,
}

impl Layout {
    /// The axes for the visibilities of a file, of which `average` channels have been averaged into one.
    ///
    /// # Errors
    /// Where FITS-IDI cannot say what the correlation has.
    pub fn new(meta: &VisMeta, average: usize) -> Result<Self, String> {
        let used = meta.crosses.iter().chain(&meta.autos);
        let mut low_hz: Vec<f64> = used.clone().map(|p| meta.bands[p.band].low_hz()).collect();
        low_hz.sort_by(f64::total_cmp);
        low_hz.dedup();
        let bandwidth_hz = used.clone().map(|p| meta.bands[p.band].bandwidth_hz).next();
        let bandwidth_hz = bandwidth_hz.ok_or("there are no visibilities to be written")?;
        if used.clone().any(|p| meta.bands[p.band].bandwidth_hz != bandwidth_hz) {
            return Err("FITS-IDI has one bandwidth for all bands; correlate each in a job of its own".into());
        }
        let place = |band: &crate::job::Band| low_hz.iter().position(|low| *low == band.low_hz());
        let pairs: Vec<[char; 2]> = used.map(|p| p.polarisations.map(basis_name)).collect();
        let (stokes, first_stokes) = stokes(&pairs)?;
        Ok(Self {
            band_of: meta.bands.iter().map(place).collect(),
            band_low_hz: low_hz,
            bandwidth_hz,
            stokes,
            first_stokes,
            channels: meta.channels,
            reference_pixel: 0.5 + 0.5 / average as f64,
        })
    }

    /// Width of a channel in Hz.
    pub fn channel_hz(&self) -> f64 {
        self.bandwidth_hz / self.channels as f64
    }

    /// Number of bands.
    pub fn bands(&self) -> usize {
        self.band_low_hz.len()
    }

    /// Number of products of one channel: bands times polarisations.
    pub fn products(&self) -> usize {
        self.bands() * self.stokes.len()
    }

    /// Place among the products of a channel: band, then polarisations.
    pub fn place(&self, band: usize, polarisations: [char; 2]) -> Option<(usize, usize)> {
        let pair = polarisations.map(basis_name);
        Some((self.band_of[band]?, self.stokes.iter().position(|s| *s == pair)?))
    }

    /// The polarisations of feeds that are in the visibilities; of one alone the first there is.
    pub fn feed_letters(&self) -> Vec<char> {
        match self.stokes.as_slice() {
            [one] => vec![one[0]],
            _ => self.feeds().iter().flat_map(|feed| feed.chars()).collect(),
        }
    }

    /// The band that a sky frequency lies in.
    pub fn band_at(&self, frequency_hz: f64) -> Option<usize> {
        self.band_low_hz.iter().position(|low| (*low..*low + self.bandwidth_hz).contains(&frequency_hz))
    }

    /// The bands whose centres lie in a part of the spectrum.
    pub fn bands_in<'a>(&'a self, part: &crate::job::Band) -> impl Iterator<Item = usize> + 'a {
        let range = part.low_hz()..part.low_hz() + part.bandwidth_hz;
        (0..self.bands()).filter(move |&b| range.contains(&(self.band_low_hz[b] + 0.5 * self.bandwidth_hz)))
    }

    /// Both polarisations of a feed.
    pub fn feeds(&self) -> [&'static str; 2] {
        if self.first_stokes > -5 { ["R", "L"] } else { ["X", "Y"] }
    }
}

/// FITS knows H and V as X and Y.
pub(super) fn basis_name(polarisation: char) -> char {
    match polarisation {
        'H' => 'X',
        'V' => 'Y',
        other => other,
    }
}

fn stokes(pairs: &[[char; 2]]) -> Result<(Vec<[char; 2]>, i64), String> {
    let (order, first) = if pairs.iter().all(|p| CIRCULAR.contains(p)) {
        (CIRCULAR, -1)
    } else if pairs.iter().all(|p| LINEAR.contains(p)) {
        (LINEAR, -5)
    } else {
        return Err(
            "FITS-IDI cannot hold circular and linear polarisations in one file; make one job for each"
                .into(),
        );
    };
    let last = order.iter().rposition(|s| pairs.contains(s)).unwrap_or(0);
    if last == 1 && !pairs.contains(&order[0]) {
        return Ok((vec![order[1]], first - 1));
    }
    let count = if last > 1 { 4 } else { last + 1 };
    Ok((order[..count].to_vec(), first))
}
