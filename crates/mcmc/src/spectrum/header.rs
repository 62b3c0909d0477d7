//! What the header of a FITS image says about a spectrum: axes, unit, beam, rest frequency, frame.

use super::axis::{AxisKind, Convention, SpectralAxis, SpectralType};
use super::cards::Cards;
use super::error::SpectrumError;
use fitsio::FitsFile;
use fitsio::errors::Error as FitsioError;
use fitsio::hdu::{FitsHdu, HduInfo};
use std::path::Path;

/// The header of an image with a spectral axis.
#[derive(Debug, Clone)]
pub(super) struct Header {
    /// Lengths of all axes, in the order of the file (NAXIS1 first).
    pub shape: Vec<usize>,
    /// Names of all axes (CTYPE).
    pub ctypes: Vec<String>,
    /// Index of the spectral axis.
    pub spectral: usize,
    /// Indices of the axes of x and y, where there are any.
    pub sky: [Option<usize>; 2],
    /// An axis of which one pixel is taken: that of Stokes parameters.
    pub plane: Option<(usize, usize)>,
    /// The spectral axis; its rest frequency is 0 where none is given.
    pub axis: SpectralAxis,
    /// BUNIT.
    pub bunit: Option<String>,
    /// FWHM of the beam, major and minor (arcsec), and position angle (deg).
    pub beam_arcsec: Option<[f64; 3]>,
    /// Whether the beam differs from channel to channel (CASA's table BEAMS).
    pub has_beam_table: bool,
    /// Rest frequency (MHz).
    pub rest_mhz: Option<f64>,
    /// Frame of the spectral axis.
    pub frame: Option<String>,
    /// Noise of one channel, in the unit of the pixels, and the card that gives it.
    pub noise: Option<(&'static str, f64)>,
    /// Correlation of the noise of channels 1, 2, ... apart.
    pub noise_correlation: Vec<f64>,
    /// OBJECT.
    pub object: Option<String>,
    /// Value of undefined pixels of an integer image, and its tolerance.
    pub blank: Option<(f64, f64)>,
    /// What had to be assumed.
    pub notes: Vec<String>,
}

/// Turns an error of the FITS library into ours.
pub(super) fn fits_error(path: &Path, what: &str, error: FitsioError) -> SpectrumError {
    let (message, status) = match error {
        FitsioError::Fits(error) => (error.message, error.status),
        other => (other.to_string(), 0),
    };
    SpectrumError::Fits { path: path.to_path_buf(), what: what.to_owned(), message, status }
}

/// Reads the header of an image. One axis must be spectral; of the others at most two may be longer
/// than 1 and count as x and y (the first two others, if none is), one may hold Stokes parameters, of which I is taken,
/// the rest must have length 1. `convention` overrules what the header says of velocities.
pub(super) fn read_header(
    path: &Path,
    file: &mut FitsFile,
    hdu: &FitsHdu,
    convention: Option<Convention>,
) -> Result<Header, SpectrumError> {
    let HduInfo::ImageInfo { shape, .. } = &hdu.info else {
        let problem = "has no image: spectra in binary tables are not read".to_owned();
        return Err(SpectrumError::Empty { path: path.to_path_buf(), problem });
    };
    let shape: Vec<usize> = shape.iter().rev().copied().collect();
    let mut cards = Cards { path, file, hdu };
    let mut notes = Vec::new();
    let velref = cards.get::<i64>("VELREF")?;
    let mut ctypes = Vec::new();
    for k in 1..=shape.len() {
        ctypes.push(cards.text(&format!("CTYPE{k}"))?.unwrap_or_default());
    }
    let (spectral, mut found) = spectral_type(&ctypes).map_err(|problem| cards.error("CTYPE", problem))?;
    match (convention, found.kind) {
        (Some(asked), AxisKind::Velocity(_)) => found.kind = AxisKind::Velocity(asked),
        _ => cards.settle(&mut found, velref, &mut notes)?,
    }
    let stokes =
        (0..shape.len()).find(|i| ctypes[*i].to_ascii_uppercase().starts_with("STOKES") && shape[*i] > 1);
    let plane = match stokes {
        Some(index) => Some((index, cards.stokes(index, shape[index], &mut notes)?)),
        None => None,
    };
    let is_other = |i: &usize| *i != spectral && Some(*i) != stokes;
    let mut others: Vec<usize> = (0..shape.len()).filter(|i| is_other(i) && shape[*i] > 1).collect();
    if others.len() > 2 {
        let problem = format!("{} axes: a cube of x, y and one spectral axis is expected", shape.len());
        return Err(cards.error("NAXIS", problem));
    }
    // Axes of length 1 make up the sky where there are no longer ones.
    others.extend((0..shape.len()).filter(|i| is_other(i) && shape[*i] == 1));
    others.truncate(2);
    others.sort_unstable();
    let mut axis = cards.axis(spectral, found, shape[spectral])?;
    cards.absolute(&mut axis, &mut notes)?;
    Ok(Header {
        sky: [others.first().copied(), others.get(1).copied()],
        plane,
        spectral,
        axis,
        bunit: cards.text("BUNIT")?,
        beam_arcsec: cards.beam_arcsec()?,
        has_beam_table: cards.get::<bool>("CASAMBM")?.unwrap_or(false),
        rest_mhz: cards.rest_mhz_noting(&mut notes)?,
        frame: cards.frame(found.frame, velref, &mut notes)?,
        noise: cards.noise()?,
        noise_correlation: cards.noise_correlation()?,
        object: cards.text("OBJECT")?,
        blank: cards.blank()?,
        shape,
        ctypes,
        notes,
    })
}

/// The spectral axis among the names of all.
fn spectral_type(ctypes: &[String]) -> Result<(usize, SpectralType), String> {
    for (index, ctype) in ctypes.iter().enumerate() {
        if let Some(found) = SpectralType::of(ctype)? {
            return Ok((index, found));
        }
    }
    Err(format!("no axis is spectral (FREQ, VRAD, VELO or VOPT) among \"{}\"", ctypes.join("\", \"")))
}
