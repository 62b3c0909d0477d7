//! Reads a spectrum from a FITS file: one pixel of a cube, the mean over a circle, or a plain spectrum.

use super::axis::{AxisKind, Convention};
use super::cube::Cube;
use super::error::SpectrumError;
use super::noise::median;
use super::units::IntensityUnit;
use super::{SpectralAxis, Spectrum};
use crate::model::Beam;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Which pixels of a cube; zero-based, x along the first of the sky axes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Region {
    /// One pixel.
    Pixel {
        /// Along the first sky axis.
        x: usize,
        /// Along the second.
        y: usize,
    },
    /// The mean over the pixels whose centres lie within a circle.
    Circle {
        /// Centre along the first sky axis.
        x: f64,
        /// Centre along the second.
        y: f64,
        /// Radius (pixels).
        radius: f64,
    },
}

/// How a FITS file is to be read: what its header does not say, or says wrongly.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct FitsOptions {
    /// Which pixels; needed unless there is only one.
    pub region: Option<Region>,
    /// Rest frequency (MHz) of a velocity axis, instead of the header's.
    pub rest_mhz: Option<f64>,
    /// Convention of a velocity axis, instead of the header's.
    pub convention: Option<Convention>,
    /// Unit, instead of BUNIT.
    pub unit: Option<IntensityUnit>,
    /// Beam, instead of the header's.
    pub beam: Option<Beam>,
}

/// Reads a spectrum in kelvin over ascending frequency. Blank pixels and channels are flagged.
pub fn read_fits(path: &Path, options: &FitsOptions) -> Result<Spectrum, SpectrumError> {
    let mut cube = Cube::open(path, options.convention)?;
    let axis = spectral_axis(path, &cube, options)?;
    let freq_mhz = axis.freq_mhz();
    if let Some(f) = freq_mhz.iter().find(|f| !(f.is_finite() && **f > 0.0)) {
        let (key, problem) = ("CRVAL".to_owned(), format!("a channel would lie at {f} MHz"));
        return Err(SpectrumError::Header { path: path.to_path_buf(), key, problem });
    }
    let mut notes = cube.header.notes.clone();
    if options.convention.is_some() && axis.kind == AxisKind::Frequency {
        notes.push("velocity = ... is for velocity axes, and this one counts frequency".into());
    }
    let unit = unit(path, cube.header.bunit.as_deref(), options.unit, &mut notes)?;
    let beams = beams(&mut cube, options, &mut notes)?;
    let (raw, place) = pixels(path, &mut cube, options.region)?;
    let beam_of = |channel: usize| beams.get(channel.min(beams.len().saturating_sub(1))).copied();
    let kelvin =
        |(i, freq_mhz): (usize, &f64)| unit.kelvin(*freq_mhz, beam_of(i)).ok_or_else(|| no_beam(path));
    let kelvin: Vec<f64> = freq_mhz.iter().enumerate().map(kelvin).collect::<Result<_, _>>()?;
    let t_k: Vec<f64> = raw.iter().zip(&kelvin).map(|(raw, kelvin)| raw * kelvin).collect();
    let without_beam = (0..t_k.len()).filter(|i| beam_of(*i).is_some_and(|beam| !beam.is_positive())).count();
    if without_beam > 0 {
        notes.push(format!("{without_beam} channels have no beam in the table BEAMS: flagged"));
    }
    let valid = (0..t_k.len()).map(|i| beam_of(i).is_none_or(|beam| beam.is_positive())).collect();
    let stated_k = cube.header.noise.map(|(key, noise)| {
        notes.push(format!("{key} = {noise}: the header's noise, in the unit of the pixels"));
        kelvin.iter().map(|kelvin| noise * kelvin).collect()
    });
    let rest_freq_mhz = (axis.kind != AxisKind::Frequency).then_some(axis.rest_mhz);
    let spectrum = Spectrum {
        source: format!("{}{place}", path.display()),
        freq_mhz,
        t_k,
        valid,
        sigma_k: None,
        stated_k,
        correlation: cube.header.noise_correlation.clone(),
        channel_width_mhz: 0.0,
        beam: typical(&beams),
        frame: cube.header.frame.clone(),
        rest_freq_mhz: rest_freq_mhz.or(cube.header.rest_mhz),
        notes,
    };
    let spectrum = spectrum.sorted().map_err(|f| SpectrumError::Header {
        path: path.to_path_buf(),
        key: "CDELT".into(),
        problem: format!("two channels lie at {f} MHz"),
    })?;
    if spectrum.n_valid() == 0 {
        let problem = format!("{}: every channel is blank", place.trim_start_matches(", "));
        return Err(SpectrumError::Empty { path: path.to_path_buf(), problem });
    }
    Ok(spectrum)
}

fn no_beam(path: &Path) -> SpectrumError {
    SpectrumError::Header {
        path: path.to_path_buf(),
        key: "BMAJ, BMIN".into(),
        problem: "missing: intensities per beam need the beam's axes; give the beam in the configuration"
            .into(),
    }
}

/// The spectral axis, with the rest frequency that it needs.
fn spectral_axis(path: &Path, cube: &Cube, options: &FitsOptions) -> Result<SpectralAxis, SpectrumError> {
    let mut axis = cube.header.axis;
    if axis.kind != AxisKind::Frequency {
        axis.rest_mhz = options.rest_mhz.unwrap_or(axis.rest_mhz);
        if !(axis.rest_mhz > 0.0 && axis.rest_mhz.is_finite()) {
            return Err(SpectrumError::Header {
                path: path.to_path_buf(),
                key: "RESTFRQ".into(),
                problem: format!(
                    "missing: the axis {} is a velocity and needs it; give the rest frequency in the configuration",
                    cube.header.ctypes[cube.header.spectral]
                ),
            });
        }
    }
    Ok(axis)
}

/// The unit: as asked for, else the header's.
fn unit(
    path: &Path,
    bunit: Option<&str>,
    asked: Option<IntensityUnit>,
    notes: &mut Vec<String>,
) -> Result<IntensityUnit, SpectrumError> {
    let error = |problem: String| SpectrumError::Unit {
        path: path.to_path_buf(),
        what: "pixels (BUNIT)",
        unit: bunit.unwrap_or("").to_owned(),
        problem,
    };
    match (asked, bunit) {
        (Some(unit), Some(bunit)) => {
            notes.push(format!("BUNIT \"{bunit}\" read as {unit}, as asked"));
            Ok(unit)
        }
        (Some(unit), None) => Ok(unit),
        (None, Some(bunit)) => bunit.parse().map_err(error),
        (None, None) => Err(error("missing: give the unit in the configuration".into())),
    }
}

/// The beam of all channels (one value), or of each.
fn beams(
    cube: &mut Cube,
    options: &FitsOptions,
    notes: &mut Vec<String>,
) -> Result<Vec<Beam>, SpectrumError> {
    let elliptical = |[bmaj_arcsec, bmin_arcsec]: [f64; 2]| Beam::Elliptical { bmaj_arcsec, bmin_arcsec };
    if let Some(beam) = options.beam {
        return Ok(vec![beam]);
    }
    if cube.header.has_beam_table {
        let beams: Vec<Beam> = cube.beam_table()?.into_iter().map(elliptical).collect();
        let areas = beams.iter().filter(|beam| beam.is_positive()).map(|beam| beam.area_arcsec2(1.0));
        let (low, high) = areas.fold((f64::INFINITY, 0.0f64), |(low, high), a| (low.min(a), high.max(a)));
        notes.push(format!(
            "every channel has a beam of its own (table BEAMS; areas differ by {:.1} %): intensities are converted with it, \
             the model uses the median one",
            100.0 * (high / low - 1.0)
        ));
        return Ok(beams);
    }
    if let Some([bmaj, bmin, _]) = cube.header.beam_arcsec {
        return Ok(vec![elliptical([bmaj, bmin])]);
    }
    Ok(Vec::new())
}

/// The beam that stands for all.
fn typical(beams: &[Beam]) -> Option<Beam> {
    let positive = || beams.iter().filter(|beam| beam.is_positive());
    let axis = |pick: fn(&Beam) -> Option<f64>| median(&positive().filter_map(pick).collect::<Vec<f64>>());
    let major = axis(|beam| match beam {
        Beam::Elliptical { bmaj_arcsec, .. } => Some(*bmaj_arcsec),
        Beam::SingleDish { .. } => None,
    });
    let minor = axis(|beam| match beam {
        Beam::Elliptical { bmin_arcsec, .. } => Some(*bmin_arcsec),
        Beam::SingleDish { .. } => None,
    });
    match (major, minor) {
        (Some(bmaj_arcsec), Some(bmin_arcsec)) => Some(Beam::Elliptical { bmaj_arcsec, bmin_arcsec }),
        _ => beams.first().copied(),
    }
}

/// The values of the region, channel by channel, and how to call it.
fn pixels(path: &Path, cube: &mut Cube, region: Option<Region>) -> Result<(Vec<f64>, String), SpectrumError> {
    let [nx, ny] = cube.sky_shape();
    let error = |problem| SpectrumError::Region { path: path.to_path_buf(), problem };
    match region {
        None if nx * ny == 1 => Ok((cube.pixel(0, 0)?, String::new())),
        None => Err(error(format!("a cube of {nx} x {ny} pixels: say which pixel or circle is meant"))),
        Some(Region::Pixel { x, y }) if x < nx && y < ny => {
            Ok((cube.pixel(x, y)?, format!(", pixel ({x}, {y})")))
        }
        Some(Region::Pixel { x, y }) => Err(error(format!(
            "pixel ({x}, {y}) is outside the {nx} x {ny} pixels (counted from 0: the last is ({}, {}))",
            nx - 1,
            ny - 1
        ))),
        Some(Region::Circle { x, y, radius }) => {
            let Some(weights) = Disc::new([x, y], radius, [nx, ny]) else {
                return Err(error(format!(
                    "no pixel's centre lies within {radius} pixels of ({x}, {y}) in {nx} x {ny} pixels"
                )));
            };
            let place = format!(", mean of {} pixels around ({x}, {y})", weights.inside.len());
            Ok((weights.mean(cube)?, place))
        }
    }
}

/// The pixels of a circle: their bounding box, and their places in it.
struct Disc {
    x: std::ops::Range<usize>,
    y: std::ops::Range<usize>,
    inside: Vec<usize>,
}

impl Disc {
    /// `None` where no pixel's centre lies inside.
    fn new(centre: [f64; 2], radius: f64, shape: [usize; 2]) -> Option<Self> {
        if !(radius >= 0.0 && (centre[0] + centre[1] + radius).is_finite()) {
            return None;
        }
        let range = |centre: f64, n: usize| {
            let first = (centre - radius).ceil().max(0.0) as usize;
            let end = ((centre + radius).floor() + 1.0).max(0.0) as usize;
            first..end.min(n)
        };
        let (x, y) = (range(centre[0], shape[0]), range(centre[1], shape[1]));
        let mut inside = Vec::new();
        for (row, j) in y.clone().enumerate() {
            for (column, i) in x.clone().enumerate() {
                if (i as f64 - centre[0]).hypot(j as f64 - centre[1]) <= radius {
                    inside.push(row * x.len() + column);
                }
            }
        }
        (!inside.is_empty()).then_some(Self { x, y, inside })
    }

    /// The mean of every channel over those of its pixels that are defined; NaN where none is.
    fn mean(&self, cube: &mut Cube) -> Result<Vec<f64>, SpectrumError> {
        let mut means = Vec::with_capacity(cube.header.axis.n);
        for channel in 0..cube.header.axis.n {
            let plane = cube.plane(self.x.clone(), self.y.clone(), channel)?;
            let defined: Vec<f64> = self.inside.iter().map(|i| plane[*i]).filter(|v| v.is_finite()).collect();
            means.push(defined.iter().sum::<f64>() / defined.len() as f64);
        }
        Ok(means)
    }
}
