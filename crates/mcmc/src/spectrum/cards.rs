//! Reads what single cards of a FITS header say, in the ways in which telescopes and programs write them.

use super::axis::{AxisKind, Convention, SpectralAxis, SpectralType};
use super::error::SpectrumError;
use fitsio::FitsFile;
use fitsio::errors::Error as FitsioError;
use fitsio::hdu::FitsHdu;
use fitsio::headers::ReadsKey;
use std::path::Path;

/// cfitsio's status for a card that is not there, and for one without a value.
const KEY_NO_EXIST: i32 = 202;
const VALUE_UNDEFINED: i32 = 204;

/// The cards of one header.
pub(super) struct Cards<'a> {
    pub path: &'a Path,
    pub file: &'a mut FitsFile,
    pub hdu: &'a FitsHdu,
}

impl Cards<'_> {
    /// A card's value; `None` where the card is absent or empty; an error where it is of another kind.
    pub fn get<T: ReadsKey>(&mut self, key: &str) -> Result<Option<T>, SpectrumError> {
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
    pub fn text(&mut self, key: &str) -> Result<Option<String>, SpectrumError> {
        Ok(self.get::<String>(key)?.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()))
    }

    pub fn error(&self, key: &str, problem: String) -> SpectrumError {
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

    /// The same, told where the two names disagree.
    pub fn rest_mhz_noting(&mut self, notes: &mut Vec<String>) -> Result<Option<f64>, SpectrumError> {
        let both = [self.get::<f64>("RESTFRQ")?, self.get::<f64>("RESTFREQ")?];
        if let [Some(a), Some(b)] = both
            && (a - b).abs() > 1e-9 * a.abs()
        {
            notes.push(format!(
                "RESTFRQ = {a} and RESTFREQ = {b} Hz contradict each other: the former counts"
            ));
        }
        self.rest_mhz()
    }

    pub fn beam_arcsec(&mut self) -> Result<Option<[f64; 3]>, SpectrumError> {
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
    pub fn axis(
        &mut self,
        index: usize,
        found: SpectralType,
        n: usize,
    ) -> Result<SpectralAxis, SpectrumError> {
        let (k, kind) = (index + 1, found.kind);
        let unit = self.text(&format!("CUNIT{k}"))?.unwrap_or_default();
        let scale = kind.scale(&unit).ok_or_else(|| {
            let what = kind.describe();
            let problem = format!("\"{unit}\" is not a unit of this axis ({what}): Hz ... GHz or m/s, km/s");
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
        let even_in_frequency = found.even_in_frequency;
        Ok(SpectralAxis {
            kind,
            n,
            crpix,
            crval: crval * scale,
            cdelt: cdelt * scale,
            rest_mhz,
            even_in_frequency,
        })
    }

    /// CLASS counts frequencies from that of the line, which stands at the velocity of the source.
    pub fn absolute(
        &mut self,
        axis: &mut SpectralAxis,
        notes: &mut Vec<String>,
    ) -> Result<(), SpectrumError> {
        let near = axis.crval.abs() <= axis.n as f64 * axis.cdelt.abs();
        let is_offset = |rest_mhz: &f64| near && axis.freq_mhz().iter().all(|f| f.abs() < 0.2 * rest_mhz);
        let frequency = axis.kind == AxisKind::Frequency;
        let Some(rest_mhz) = self.rest_mhz()?.filter(|rest| frequency && is_offset(rest)) else {
            return Ok(());
        };
        let mut v_kms = 0.0;
        for key in ["VELO-LSR", "VELO-HEL", "VELO-OBS", "VLSR", "VELOSYS"] {
            // Not of the standard: what is no number is something else.
            if let Ok(Some(v)) = self.get::<f64>(key) {
                v_kms = 1.0e-3 * v;
                break;
            }
        }
        axis.crval += rest_mhz * Convention::Radio.ratio(v_kms);
        notes.push(format!(
            "frequencies are offsets from {rest_mhz} MHz at {v_kms} km/s, as CLASS writes them: made absolute"
        ));
        Ok(())
    }

    /// The convention of an axis that its name leaves open: VELREF above 256 is radio, below optical (AIPS).
    pub fn settle(
        &mut self,
        found: &mut SpectralType,
        velref: Option<i64>,
        notes: &mut Vec<String>,
    ) -> Result<(), SpectrumError> {
        let stated =
            velref.filter(|v| *v > 0).map(|v| if v > 256 { Convention::Radio } else { Convention::Optical });
        let AxisKind::Velocity(own) = found.kind else { return Ok(()) };
        if !found.is_vague {
            if stated.is_some_and(|stated| stated != own && own != Convention::Relativistic) {
                let name = found.kind.describe();
                notes.push(format!("VELREF contradicts the name of the axis, which counts: {name}"));
            }
            return Ok(());
        }
        let convention = match stated {
            Some(stated) => stated,
            // The standard's VELO; names with a frame, and files without SPECSYS, are of the older kind.
            None if found.frame.is_none() && self.text("SPECSYS")?.is_some() => Convention::Relativistic,
            None => Convention::Radio,
        };
        found.kind = AxisKind::Velocity(convention);
        if stated.is_none() {
            let what = found.kind.describe();
            notes.push(format!(
                "VELO without VELREF: taken as {what}; if not, say velocity = ... in the configuration"
            ));
        }
        Ok(())
    }

    /// The frame: SPECSYS, what stands behind the name of the axis, or what VELREF says (AIPS; 256 more for radio).
    pub fn frame(
        &mut self,
        by_name: Option<&'static str>,
        velref: Option<i64>,
        notes: &mut Vec<String>,
    ) -> Result<Option<String>, SpectrumError> {
        let by_velref = match velref.map(|v| v % 256) {
            Some(1) => Some("LSRK"),
            Some(2) => Some("BARYCENT"),
            Some(3) => Some("TOPOCENT"),
            Some(4) => Some("LSRD"),
            Some(5) => Some("GEOCENTR"),
            Some(6) => Some("SOURCE"),
            Some(7) => Some("GALACTOC"),
            _ => None,
        };
        let specsys = self.text("SPECSYS")?.map(|frame| frame.to_ascii_uppercase());
        let (frame, source) = match (specsys, by_name, by_velref) {
            (Some(frame), _, _) => (Some(frame), "SPECSYS"),
            (None, Some(frame), _) => (Some(frame.to_owned()), "CTYPE"),
            (None, None, Some(frame)) => (Some(frame.to_owned()), "VELREF"),
            (None, None, None) => (None, ""),
        };
        notes.push(match &frame {
            Some(frame) => format!("velocities are {frame} (by {source})"),
            None => "no SPECSYS: velocities are in the unknown frame of the file's frequencies".to_owned(),
        });
        if let (Some(frame), Some(other)) = (frame.as_deref(), by_velref)
            && frame != other
            && !(frame.starts_with("HELIO") && other == "BARYCENT")
        {
            notes.push(format!("VELREF says {other}, {source} {frame}: the latter counts"));
        }
        if frame.as_deref() == Some("TOPOCENT") {
            notes
                .push("frequencies are topocentric: fitted velocities include the Earth's motion".to_owned());
        }
        Ok(frame)
    }

    /// Noise, in the unit of the pixels, and the card that gives it.
    pub fn noise(&mut self) -> Result<Option<(&'static str, f64)>, SpectrumError> {
        let mut noise = None;
        for key in ["RMS", "NOISE", "RMSNOISE", "NOISERMS"] {
            // Not of the standard: what is no number is something else.
            if let (Ok(Some(value)), None) = (self.get::<f64>(key), noise) {
                noise = Some((key, value)).filter(|(_, value)| *value > 0.0);
            }
        }
        Ok(noise)
    }

    /// Correlation of the noise of channels 1, 2, ... apart: NOISEC1, NOISEC2, ...
    pub fn noise_correlation(&mut self) -> Result<Vec<f64>, SpectrumError> {
        let mut correlation = Vec::new();
        while let Some(value) = self.get::<f64>(&format!("NOISEC{}", correlation.len() + 1))? {
            correlation.push(value);
        }
        Ok(correlation)
    }

    /// The plane of Stokes I, where an axis holds several Stokes parameters.
    pub fn stokes(
        &mut self,
        index: usize,
        n: usize,
        notes: &mut Vec<String>,
    ) -> Result<usize, SpectrumError> {
        let k = index + 1;
        let number = |value: Option<f64>| value.unwrap_or(1.0);
        let crval = number(self.get::<f64>(&format!("CRVAL{k}"))?);
        let crpix = number(self.get::<f64>(&format!("CRPIX{k}"))?);
        let cdelt = number(self.get::<f64>(&format!("CDELT{k}"))?);
        // Stokes I is 1 (FITS 4.0, table 29).
        let plane = crpix - 1.0 + (1.0 - crval) / cdelt;
        if plane.fract() != 0.0 || !(0.0..n as f64).contains(&plane) {
            let problem = format!("{n} planes without Stokes I (value 1): export the total intensity");
            return Err(self.error(&format!("CTYPE{k}"), problem));
        }
        notes.push(format!("of {n} Stokes parameters I is used"));
        Ok(plane as usize)
    }

    /// Physical value of an integer image's undefined pixels.
    pub fn blank(&mut self) -> Result<Option<(f64, f64)>, SpectrumError> {
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
