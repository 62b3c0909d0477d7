//! What a FITS file holds: the page of `alma-fit inspect`.

use super::axis::AxisKind;
use super::cube::Cube;
use super::error::SpectrumError;
use super::noise::{estimate_noise, median};
use super::units::IntensityUnit;
use crate::model::Beam;
use crate::physics::C_KMS;
use serde::{Deserialize, Serialize};
use std::fmt;
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
    /// Correlation of neighbouring channels.
    pub lag1: f64,
    /// Correlation of next but one channels.
    pub lag2: f64,
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
            lag1: middle(estimates.iter().map(|n| n.correlation[0]).collect())?,
            lag2: middle(estimates.iter().map(|n| n.correlation[1]).collect())?,
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
    if header.has_beam_table && header.beam_arcsec.is_none() {
        notes.push("every channel has a beam of its own (table BEAMS): values are in the file's unit".into());
    } else if header.beam_arcsec.is_none() {
        notes.push("no beam (BMAJ, BMIN): a fit needs it given".into());
    }
    let beam =
        header.beam_arcsec.map(|[bmaj_arcsec, bmin_arcsec, _]| Beam::Elliptical { bmaj_arcsec, bmin_arcsec });
    let kelvin = |channel: usize| -> Option<f64> { unit?.kelvin(*freq_mhz.get(channel)?, beam) };
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

impl fmt::Display for Inspection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let or = |value: &Option<String>| value.clone().unwrap_or_else(|| "not given".to_owned());
        let row = |f: &mut fmt::Formatter<'_>, name: &str, value: String| writeln!(f, "  {name:<16} {value}");
        writeln!(f, "{}", self.path)?;
        row(f, "object", or(&self.object))?;
        let axes: Vec<String> = self
            .axes
            .iter()
            .map(|(name, n)| format!("{} {n}", if name.is_empty() { "?" } else { name }))
            .collect();
        row(f, "axes", axes.join(" x "))?;
        let kind = self.kind.describe();
        let direction = if self.descending { "descends" } else { "ascends" };
        row(f, "spectral axis", format!("{kind}; frequency {direction}"))?;
        self.write_frequencies(f)?;
        let per_unit =
            self.kelvin_per_unit.map_or(String::new(), |k| format!(" ({k:.5} K per unit at the middle)"));
        row(f, "unit", format!("{}{per_unit}", or(&self.bunit)))?;
        let beam =
            self.beam_arcsec.map(|[a, b, pa]| format!("{a:.4} x {b:.4} arcsec, position angle {pa:.1} deg"));
        row(f, "beam", or(&beam))?;
        row(f, "rest frequency", or(&self.rest_mhz.map(|rest| format!("{rest:.4} MHz"))))?;
        row(f, "frame", or(&self.frame))?;
        let (n_blank, n) = self.n_blank;
        let share = 100.0 * n_blank as f64 / n.max(1) as f64;
        row(
            f,
            "blank",
            format!("{n_blank} of {n} values ({share:.2} %), {} whole channels", self.n_blank_channels),
        )?;
        self.write_levels(f)?;
        self.notes.iter().try_for_each(|note| row(f, "note", note.clone()))
    }
}

impl Inspection {
    fn write_frequencies(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((low, high)) = self.range_mhz else { return Ok(()) };
        write!(f, "  {:<16} {low:.4} to {high:.4} MHz, {} channels", "frequencies", self.n_channels)?;
        if let Some(width) = self.channel_mhz {
            write!(f, " of {width:.5} MHz ({:.4} km/s)", width / (0.5 * (low + high)) * C_KMS)?;
        }
        writeln!(f)
    }

    fn write_levels(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = if self.in_kelvin { "K" } else { self.bunit.as_deref().unwrap_or("(no unit)") };
        match self.noise {
            Some(noise) => {
                writeln!(
                    f,
                    "  {:<16} {:.4} {unit} a channel (median over {} pixels; {:.0} % of the channels free of lines)",
                    "noise",
                    noise.sigma,
                    noise.n_pixels,
                    100.0 * noise.free_share
                )?;
                writeln!(
                    f,
                    "  {:<16} {:.2} between neighbouring channels, {:.2} between next but one",
                    "correlation", noise.lag1, noise.lag2
                )?;
            }
            None => writeln!(f, "  {:<16} too few channels to tell", "noise")?,
        }
        for (name, pixel) in [("highest peak", self.brightest), ("largest sum", self.brightest_sum)] {
            if let Some(p) = pixel {
                writeln!(
                    f,
                    "  {name:<16} pixel ({}, {}), peak {:.3} {unit} at {:.3} MHz",
                    p.x, p.y, p.peak, p.freq_mhz
                )?;
            }
        }
        Ok(())
    }
}
