//! What the header of a FITS image says about a spectrum: axes, unit, beam, rest frequency, frame.

use super::axis::{AxisKind, SpectralAxis};
use super::error::SpectrumError;
use fitsio::FitsFile;
use fitsio::errors::Error as FitsioError;
use fitsio::hdu::{FitsHdu, HduInfo};
use fitsio::headers::ReadsKey;
use std::path::Path;

/// cfitsio's status for a card that is not there, and for one without a value.
const KEY_NO_EXIST: i32 = 202;
const VALUE_UNDEFINED: i32 = 204;

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

/// The cards of one header.
struct Cards<'a> {
    path: &'a Path,
    file: &'a mut FitsFile,
    hdu: &'a FitsHdu,
}

impl Cards<'_> {
    /// A card's value; `None` where the card is absent or empty; an error where it is of another kind.
    fn get<T: ReadsKey>(&mut self, key: &str) -> Result<Option<T>, SpectrumError> {
        match self.hdu.read_key::<T>(self.file, key) {
            Ok(value) => Ok(Some(value)),
            Err(FitsioError::Fits(error)) if matches!(error.status, KEY_NO_EXIST | VALUE_UNDEFINED) => {
                Ok(None)
            }
            Err(error) => {
                let problem = format!("cannot be read: {}", error_text(error));
                Err(SpectrumError::Header { path: self.path.to_path_buf(), key: key.to_owned(), problem })
            }
        }
    }

    /// A text card without blanks at its ends; `None` where nothing is left.
    fn text(&mut self, key: &str) -> Result<Option<String>, SpectrumError> {
        Ok(self.get::<String>(key)?.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()))
    }

    fn error(&self, key: &str, problem: String) -> SpectrumError {
        SpectrumError::Header { path: self.path.to_path_buf(), key: key.to_owned(), problem }
    }

    /// Frequency of the rest frame (MHz), under either name.
    fn rest_mhz(&mut self) -> Result<Option<f64>, SpectrumError> {
        for key in ["RESTFRQ", "RESTFREQ"] {
            if let Some(hz) = self.get::<f64>(key)?.filter(|hz| *hz > 0.0) {
                return Ok(Some(hz * 1.0e-6));
            }
        }
        Ok(None)
    }

    fn beam_arcsec(&mut self) -> Result<Option<[f64; 3]>, SpectrumError> {
        let (bmaj, bmin) = (self.get::<f64>("BMAJ")?, self.get::<f64>("BMIN")?);
        let bpa_deg = self.get::<f64>("BPA")?.unwrap_or(0.0);
        match (bmaj, bmin) {
            (Some(bmaj), Some(bmin)) if bmaj > 0.0 && bmin > 0.0 => {
                Ok(Some([bmaj * 3600.0, bmin * 3600.0, bpa_deg]))
            }
            _ => Ok(None),
        }
    }

    /// The spectral axis, its index given; the rest frequency is filled in where there is one.
    fn axis(&mut self, index: usize, kind: AxisKind, n: usize) -> Result<SpectralAxis, SpectrumError> {
        let k = index + 1;
        let unit = self.text(&format!("CUNIT{k}"))?.unwrap_or_default();
        let scale = kind.scale(&unit).ok_or_else(|| {
            let problem =
                format!("\"{unit}\" is not a unit of this axis ({kind:?}): Hz ... GHz or m/s, km/s");
            self.error(&format!("CUNIT{k}"), problem)
        })?;
        let missing = "is missing: the frequencies are not defined";
        let crval_key = format!("CRVAL{k}");
        let crval = self.get::<f64>(&crval_key)?.ok_or_else(|| self.error(&crval_key, missing.into()))?;
        let crpix = self.get::<f64>(&format!("CRPIX{k}"))?.unwrap_or(0.0);
        let cdelt_key = format!("CDELT{k}");
        // The step: CDi_i alone, or CDELTi times PCi_i where that is given (Greisen & Calabretta 2002).
        let cdelt = match self.get::<f64>(&format!("CD{k}_{k}"))? {
            Some(cd) => cd,
            None => {
                let cdelt =
                    self.get::<f64>(&cdelt_key)?.ok_or_else(|| self.error(&cdelt_key, missing.into()))?;
                cdelt * self.get::<f64>(&format!("PC{k}_{k}"))?.unwrap_or(1.0)
            }
        };
        if cdelt == 0.0 || !(crval + crpix + cdelt).is_finite() {
            return Err(self.error(&cdelt_key, format!("{cdelt}: the step must be finite and not zero")));
        }
        let rest_mhz = if kind == AxisKind::Frequency { 0.0 } else { self.rest_mhz()?.unwrap_or(0.0) };
        Ok(SpectralAxis { kind, n, crpix, crval: crval * scale, cdelt: cdelt * scale, rest_mhz })
    }

    /// The frame: SPECSYS, or what VELREF (AIPS: 1 LSR, 2 heliocentric, 3 topocentric, + 256 for radio) says.
    fn frame(
        &mut self,
        velref: Option<i64>,
        notes: &mut Vec<String>,
    ) -> Result<Option<String>, SpectrumError> {
        let mut frame = self.text("SPECSYS")?;
        if frame.is_none() {
            frame = match velref.map(|v| v % 256) {
                Some(1) => Some("LSRK".to_owned()),
                Some(2) => Some("BARYCENT".to_owned()),
                Some(3) => Some("TOPOCENT".to_owned()),
                _ => None,
            };
            notes.push(match &frame {
                Some(frame) => format!("no SPECSYS: the frame is {frame} by VELREF"),
                None => {
                    "no SPECSYS: velocities are in the unknown frame of the file's frequencies".to_owned()
                }
            });
        }
        if frame.as_deref() == Some("TOPOCENT") {
            notes
                .push("frequencies are topocentric: fitted velocities include the Earth's motion".to_owned());
        }
        Ok(frame)
    }

    /// Physical value of an integer image's undefined pixels.
    fn blank(&mut self) -> Result<Option<(f64, f64)>, SpectrumError> {
        if self.get::<i64>("BITPIX")?.is_none_or(|bitpix| bitpix < 0) {
            return Ok(None);
        }
        let scale = self.get::<f64>("BSCALE")?.unwrap_or(1.0);
        let zero = self.get::<f64>("BZERO")?.unwrap_or(0.0);
        Ok(self.get::<i64>("BLANK")?.map(|blank| (blank as f64 * scale + zero, 0.25 * scale.abs())))
    }
}

fn error_text(error: FitsioError) -> String {
    match error {
        FitsioError::Fits(error) => error.message,
        other => other.to_string(),
    }
}

/// Reads the header of an image. One axis must be spectral; of the others at most two may be longer
/// than 1 and count as x and y (the first two others, if none is), the rest must have length 1.
pub(super) fn read_header(path: &Path, file: &mut FitsFile, hdu: &FitsHdu) -> Result<Header, SpectrumError> {
    let HduInfo::ImageInfo { shape, .. } = &hdu.info else {
        let problem = "has no image: spectra in binary tables are not read".to_owned();
        return Err(SpectrumError::Empty { path: path.to_path_buf(), problem });
    };
    let shape: Vec<usize> = shape.iter().rev().copied().collect();
    let mut cards = Cards { path, file, hdu };
    let velref = cards.get::<i64>("VELREF")?;
    let mut ctypes = Vec::new();
    for k in 1..=shape.len() {
        ctypes.push(cards.text(&format!("CTYPE{k}"))?.unwrap_or_default());
    }
    let kinds: Vec<Option<AxisKind>> = ctypes.iter().map(|c| AxisKind::from_ctype(c, velref)).collect();
    let found = kinds.iter().enumerate().find_map(|(index, kind)| kind.map(|kind| (index, kind)));
    let Some((spectral, kind)) = found else {
        let problem =
            format!("no axis is spectral (FREQ, VRAD, VELO or VOPT) among \"{}\"", ctypes.join("\", \""));
        return Err(cards.error("CTYPE", problem));
    };
    let mut notes = Vec::new();
    let mut others: Vec<usize> = (0..shape.len()).filter(|i| *i != spectral && shape[*i] > 1).collect();
    if others.len() > 2 {
        let problem = format!("{} axes: a cube of x, y and one spectral axis is expected", shape.len());
        return Err(cards.error("NAXIS", problem));
    }
    // Axes of length 1 make up the sky where there are no longer ones.
    others.extend((0..shape.len()).filter(|i| *i != spectral && shape[*i] == 1));
    others.truncate(2);
    others.sort_unstable();
    let axis = cards.axis(spectral, kind, shape[spectral])?;
    Ok(Header {
        sky: [others.first().copied(), others.get(1).copied()],
        spectral,
        axis,
        bunit: cards.text("BUNIT")?,
        beam_arcsec: cards.beam_arcsec()?,
        has_beam_table: cards.get::<bool>("CASAMBM")?.unwrap_or(false),
        rest_mhz: cards.rest_mhz()?,
        frame: cards.frame(velref, &mut notes)?,
        object: cards.text("OBJECT")?,
        blank: cards.blank()?,
        shape,
        ctypes,
        notes,
    })
}
