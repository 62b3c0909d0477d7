//! What a spectrum's file holds: the page of `alma-fit inspect`.

mod page;
mod text;

pub use page::describe;

use super::axis::AxisKind;
use super::cube::Cube;
use super::error::SpectrumError;
use super::noise::{estimate_noise, median};
use super::units::IntensityUnit;
use crate::model::{Beam, MAX_BAND};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Most pixels, along x and y, whose noise is looked at.
const NOISE_PIXELS: usize = 16;

/// A bright pixel of a cube.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct BrightPixel {
    /// Zero-based.
    pub x: usize,
    /// Zero-based.
    pub y: usize,
    /// Peak (K), or in the file's unit where that cannot be turned into kelvin.
    pub peak: f64,
    /// Frequency of the peak (MHz).
    pub freq_mhz: f64,
}

/// Noise over the pixels of a cube (medians over a grid of pixels).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CubeNoise {
    /// Standard deviation, in the unit of the peaks.
    pub sigma: f64,
    /// Correlation of channels 1, 2, ... apart.
    pub correlation: [f64; MAX_BAND],
    /// Share of the channels that were taken to be free of lines.
    pub free_share: f64,
    /// Pixels looked at.
    pub n_pixels: usize,
}

/// What a FITS file holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Inspection {
    /// The file.
    pub path: String,
    /// OBJECT.
    pub object: Option<String>,
    /// CTYPE and length of every axis, NAXIS1 first.
    pub axes: Vec<(String, usize)>,
    /// What the spectral axis counts.
    pub kind: AxisKind,
    /// Whether frequency descends along it.
    pub descending: bool,
    /// Lowest and highest channel (MHz); `None` for a velocity axis without a rest frequency.
    pub range_mhz: Option<(f64, f64)>,
    /// Usual distance of channels (MHz).
    pub channel_mhz: Option<f64>,
    /// Number of channels.
    pub n_channels: usize,
    /// BUNIT.
    pub bunit: Option<String>,
    /// Whether peaks and noise are in kelvin; else they are in BUNIT.
    pub in_kelvin: bool,
    /// Kelvin per unit at the middle of the range.
    pub kelvin_per_unit: Option<f64>,
    /// Beam: major, minor (arcsec), position angle (deg).
    pub beam_arcsec: Option<[f64; 3]>,
    /// Smallest and largest geometric mean (arcsec) of the axes of the channels' own beams, and how many have none.
    pub beam_table: Option<(f64, f64, usize)>,
    /// Noise by the header, in BUNIT, and the card that gives it.
    pub stated_noise: Option<(String, f64)>,
    /// Correlation of the noise by the header.
    pub stated_correlation: Vec<f64>,
    /// Rest frequency (MHz).
    pub rest_mhz: Option<f64>,
    /// Frame of the spectral axis.
    pub frame: Option<String>,
    /// Pixels times channels that are blank, and of how many.
    pub n_blank: (u64, u64),
    /// Channels that are blank all over.
    pub n_blank_channels: usize,
    /// Noise.
    pub noise: Option<CubeNoise>,
    /// The pixel with the highest peak.
    pub brightest: Option<BrightPixel>,
    /// The pixel with the largest sum over all channels.
    pub brightest_sum: Option<BrightPixel>,
    /// What had to be assumed, is missing or odd.
    pub notes: Vec<String>,
}

/// Everything gathered in one pass over the cube.
struct Pass {
    /// A value a pixel: sum over channels, peak, channel of the peak.
    sum: Vec<f64>,
    peak: Vec<f64>,
    peak_channel: Vec<usize>,
    /// Spectra of a grid of pixels.
    sampled: Vec<usize>,
    spectra: Vec<Vec<f64>>,
    n_blank: u64,
    n_blank_channels: usize,
}

impl Pass {
    fn new([nx, ny]: [usize; 2], n_channels: usize) -> Self {
        let pick = |n: usize| (0..n).step_by(n.div_ceil(NOISE_PIXELS)).collect::<Vec<usize>>();
        let sampled: Vec<usize> =
            pick(ny).iter().flat_map(|y| pick(nx).into_iter().map(move |x| y * nx + x)).collect();
        Self {
            sum: vec![0.0; nx * ny],
            peak: vec![f64::NEG_INFINITY; nx * ny],
            peak_channel: vec![0; nx * ny],
            spectra: vec![Vec::with_capacity(n_channels); sampled.len()],
            sampled,
            n_blank: 0,
            n_blank_channels: 0,
        }
    }

    /// Takes one channel in, `kelvin` being the value of a unit.
    fn add(&mut self, channel: usize, plane: &[f64], kelvin: f64) {
        let mut n_blank = 0;
        for (pixel, raw) in plane.iter().enumerate() {
            let value = raw * kelvin;
            if !value.is_finite() {
                n_blank += 1;
                continue;
            }
            self.sum[pixel] += value;
            if value > self.peak[pixel] {
                (self.peak[pixel], self.peak_channel[pixel]) = (value, channel);
            }
        }
        self.n_blank += n_blank as u64;
        self.n_blank_channels += usize::from(n_blank == plane.len());
        for (pixel, spectrum) in self.sampled.iter().zip(&mut self.spectra) {
            spectrum.push(plane[*pixel] * kelvin);
        }
    }

    /// Medians over the sampled pixels.
    fn noise(&self) -> Option<CubeNoise> {
        let estimates: Vec<_> = self
            .spectra
            .iter()
            .filter_map(|spectrum| {
                let valid: Vec<bool> = spectrum.iter().map(|t| t.is_finite()).collect();
                estimate_noise(spectrum, &valid)
            })
            .collect();
        let middle = |values: Vec<f64>| median(&values);
        Some(CubeNoise {
            sigma: middle(estimates.iter().map(|n| n.sigma_k).collect())?,
            correlation: std::array::from_fn(|k| {
                middle(estimates.iter().map(|n| n.correlation[k]).collect()).unwrap_or(0.0)
            }),
            free_share: middle(estimates.iter().map(|n| n.n_used as f64 / n.n_valid as f64).collect())?,
            n_pixels: estimates.len(),
        })
    }

    /// The pixel with the largest of some values; the first of equals.
    fn brightest(&self, by: &[f64], nx: usize, freq_mhz: &[f64]) -> Option<BrightPixel> {
        let mut best: Option<usize> = None;
        for (pixel, value) in by.iter().enumerate() {
            if self.peak[pixel].is_finite() && best.is_none_or(|best| *value > by[best]) {
                best = Some(pixel);
            }
        }
        let pixel = best?;
        let freq_mhz = freq_mhz.get(self.peak_channel[pixel]).copied().unwrap_or(f64::NAN);
        Some(BrightPixel { x: pixel % nx, y: pixel / nx, peak: self.peak[pixel], freq_mhz })
    }
}

/// Looks at a FITS file: a missing beam, unit or rest frequency is noted rather than refused.
pub fn inspect(path: &Path) -> Result<Inspection, SpectrumError> {
    let mut cube = Cube::open(path, None)?;
    let header = cube.header.clone();
    let mut notes = header.notes.clone();
    let freq_mhz = if header.axis.kind == AxisKind::Frequency || header.axis.rest_mhz > 0.0 {
        header.axis.freq_mhz()
    } else {
        notes.push("no rest frequency (RESTFRQ): the frequencies of the velocity axis are not known".into());
        Vec::new()
    };
    let unit = known_unit(header.bunit.as_deref(), &mut notes);
    let (beams, beam_table) = beams(&mut cube, &mut notes)?;
    let beam = |channel: usize| beams.get(channel.min(beams.len().saturating_sub(1))).copied();
    let kelvin = |channel: usize| -> Option<f64> { unit?.kelvin(*freq_mhz.get(channel)?, beam(channel)) };
    let shape = cube.sky_shape();
    let n = header.axis.n;
    let in_kelvin = kelvin(0).is_some();
    let mut pass = Pass::new(shape, n);
    for channel in 0..n {
        let plane = cube.plane(0..shape[0], 0..shape[1], channel)?;
        pass.add(channel, &plane, kelvin(channel).unwrap_or(1.0));
    }
    let ends = freq_mhz.first().zip(freq_mhz.last()).map(|(a, b)| (a.min(*b), a.max(*b)));
    let steps: Vec<f64> = freq_mhz.windows(2).map(|pair| (pair[1] - pair[0]).abs()).collect();
    Ok(Inspection {
        path: path.display().to_string(),
        object: header.object,
        axes: header.ctypes.into_iter().zip(header.shape).collect(),
        kind: header.axis.kind,
        descending: (header.axis.cdelt < 0.0) == (header.axis.kind == AxisKind::Frequency),
        range_mhz: ends,
        channel_mhz: median(&steps),
        n_channels: n,
        bunit: header.bunit,
        in_kelvin,
        kelvin_per_unit: kelvin(n / 2),
        beam_arcsec: header.beam_arcsec,
        beam_table,
        stated_noise: header.noise.map(|(key, noise)| (key.to_owned(), noise)),
        stated_correlation: header.noise_correlation,
        rest_mhz: header.rest_mhz,
        frame: header.frame,
        n_blank: (pass.n_blank, (shape[0] * shape[1] * n) as u64),
        n_blank_channels: pass.n_blank_channels,
        noise: pass.noise(),
        brightest: pass.brightest(&pass.peak, shape[0], &freq_mhz),
        brightest_sum: pass.brightest(&pass.sum, shape[0], &freq_mhz),
        notes,
    })
}

/// The smallest and the largest beam of a table (arcsec, geometric mean of the axes), and how many channels have none.
type BeamRange = (f64, f64, usize);

/// The beam of all channels (one value) or of each, and what the table of them says.
fn beams(cube: &mut Cube, notes: &mut Vec<String>) -> Result<(Vec<Beam>, Option<BeamRange>), SpectrumError> {
    let elliptical = |bmaj_arcsec: f64, bmin_arcsec: f64| Beam::Elliptical { bmaj_arcsec, bmin_arcsec };
    if cube.header.has_beam_table {
        let table = cube.beam_table()?;
        let beams: Vec<Beam> = table.into_iter().map(|[major, minor]| elliptical(major, minor)).collect();
        let sizes = beams.iter().filter(|b| b.is_positive()).map(|b| b.area_arcsec2(1.0).sqrt());
        let (low, high) = sizes.fold((f64::INFINITY, 0.0f64), |(low, high), s| (low.min(s), high.max(s)));
        let without = beams.iter().filter(|b| !b.is_positive()).count();
        return Ok((beams, Some((low, high, without))));
    }
    let Some([major, minor, _]) = cube.header.beam_arcsec else {
        notes.push("no beam (BMAJ, BMIN): a fit needs it given".into());
        return Ok((Vec::new(), None));
    };
    Ok((vec![elliptical(major, minor)], None))
}

fn known_unit(bunit: Option<&str>, notes: &mut Vec<String>) -> Option<IntensityUnit> {
    match bunit.map(str::parse) {
        Some(Ok(unit)) => Some(unit),
        Some(Err(problem)) => {
            notes.push(format!("BUNIT \"{}\": {problem}", bunit.unwrap_or("")));
            None
        }
        None => {
            notes.push("no BUNIT: a fit needs the unit given".into());
            None
        }
    }
}
