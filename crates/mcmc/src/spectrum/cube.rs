//! An open FITS image and its pixels, in the unit of the file.

use super::axis::Convention;
use super::cards::Cards;
use super::error::SpectrumError;
use super::header::{Header, fits_error, read_header};
use fitsio::FitsFile;
use fitsio::hdu::{FitsHdu, HduInfo};
use std::io::Read;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// Length of a FITS block and of a header card.
const BLOCK: usize = 2880;
const CARD: usize = 80;
/// cfitsio's statuses for reads beyond the end of the file.
const PAST_END: [i32; 3] = [107, 108, 104];

/// An open image.
pub(super) struct Cube {
    path: PathBuf,
    file: FitsFile,
    hdu: FitsHdu,
    /// What its header says.
    pub header: Header,
}

impl Cube {
    /// Opens the first image of a file that has pixels, and reads its header.
    pub fn open(path: &Path, convention: Option<Convention>) -> Result<Self, SpectrumError> {
        check_name(path)?;
        let cards = check_length(path)?;
        let mut file = FitsFile::open(path).map_err(|e| fits_error(path, "cannot open it as FITS", e))?;
        let n_hdus = file.num_hdus().map_err(|e| fits_error(path, "cannot list its parts", e))?;
        for index in 0..n_hdus {
            let hdu = file.hdu(index).map_err(|e| fits_error(path, "cannot read a header", e))?;
            let has_pixels = matches!(&hdu.info, HduInfo::ImageInfo { shape, .. }
                if !shape.is_empty() && shape.iter().all(|n| *n > 0));
            if has_pixels {
                let mut header = read_header(path, &mut file, &hdu, convention)?;
                if header.beam_arcsec.is_none() && !header.has_beam_table {
                    header.beam_arcsec = aips_beam(&cards);
                    let found =
                        header.beam_arcsec.map(|_| "no BMAJ, BMIN: the beam is that of AIPS's HISTORY");
                    header.notes.extend(found.map(str::to_owned));
                }
                return Ok(Self { path: path.to_path_buf(), file, hdu, header });
            }
        }
        let problem = "has no image: spectra in binary tables are not read".to_owned();
        Err(SpectrumError::Empty { path: path.to_path_buf(), problem })
    }

    /// The cards of its header.
    pub fn cards(&mut self) -> Cards<'_> {
        Cards { path: &self.path, file: &mut self.file, hdu: &self.hdu }
    }

    /// Lengths of x and y; 1 where there is no such axis.
    pub fn sky_shape(&self) -> [usize; 2] {
        self.header.sky.map(|axis| axis.map_or(1, |axis| self.header.shape[axis]))
    }

    /// All channels of one pixel, zero-based; undefined ones are NaN.
    pub fn pixel(&mut self, x: usize, y: usize) -> Result<Vec<f64>, SpectrumError> {
        self.read(x..x + 1, y..y + 1, 0..self.header.axis.n)
    }

    /// One channel of a rectangle of pixels, x running fastest; undefined ones are NaN.
    pub fn plane(
        &mut self,
        x: Range<usize>,
        y: Range<usize>,
        channel: usize,
    ) -> Result<Vec<f64>, SpectrumError> {
        self.read(x, y, channel..channel + 1)
    }

    fn read(
        &mut self,
        x: Range<usize>,
        y: Range<usize>,
        channels: Range<usize>,
    ) -> Result<Vec<f64>, SpectrumError> {
        let mut ranges = vec![0..1; self.header.shape.len()];
        ranges[self.header.spectral] = channels;
        for (axis, range) in self.header.sky.iter().zip([x, y]) {
            if let Some(axis) = axis {
                ranges[*axis] = range;
            }
        }
        if let Some((axis, plane)) = self.header.plane {
            ranges[axis] = plane..plane + 1;
        }
        let ranges: Vec<&Range<usize>> = ranges.iter().collect();
        let mut values: Vec<f64> =
            self.hdu.read_region(&mut self.file, &ranges).map_err(|e| self.read_error(e))?;
        if let Some((blank, tolerance)) = self.header.blank {
            // The library passes undefined integers on as numbers.
            values.iter_mut().filter(|v| (**v - blank).abs() <= tolerance).for_each(|v| *v = f64::NAN);
        }
        Ok(values)
    }

    fn read_error(&self, error: fitsio::errors::Error) -> SpectrumError {
        let what = match &error {
            fitsio::errors::Error::Fits(e) if PAST_END.contains(&e.status) => {
                "cannot read pixels (truncated or damaged? fetch it again)"
            }
            _ => "cannot read pixels",
        };
        fits_error(&self.path, what, error)
    }

    /// Beam of every channel, major and minor (arcsec), from CASA's table BEAMS; zero or NaN where a channel has none.
    pub fn beam_table(&mut self) -> Result<Vec<[f64; 2]>, SpectrumError> {
        let path = self.path.clone();
        let error = |problem: &str| SpectrumError::Header {
            path: path.clone(),
            key: "CASAMBM".to_owned(),
            problem: problem.to_owned(),
        };
        let Ok(hdu) = self.file.hdu("BEAMS") else {
            return Err(error("announces a table BEAMS that is not there: give the beam"));
        };
        let mut table = BeamTable { path: &path, file: &mut self.file, hdu: &hdu };
        let (bmaj, bmin) = (table.axis("BMAJ")?, table.axis("BMIN")?);
        let (channels, planes) = (table.numbers("CHAN"), table.numbers("POL"));
        // Of several polarisations that of the plane that is read.
        let wanted = self.header.plane.map_or(0, |(_, plane)| plane);
        let mut beams = vec![None; self.header.axis.n];
        for (row, beam) in bmaj.into_iter().zip(bmin).enumerate() {
            let plane = planes.as_ref().map_or(wanted, |planes| planes[row] as usize);
            let channel = channels.as_ref().map_or(row, |channels| channels[row] as usize);
            let place = beams.get_mut(channel);
            if plane == wanted {
                *place.ok_or_else(|| {
                    error("the table BEAMS has more than one beam a channel: give the beam")
                })? = Some([beam.0, beam.1]);
            }
        }
        let all: Option<Vec<[f64; 2]>> = beams.into_iter().collect();
        all.ok_or_else(|| error("the table BEAMS has not one beam a channel: give the beam"))
    }
}

/// CASA's table of beams.
struct BeamTable<'a> {
    path: &'a Path,
    file: &'a mut FitsFile,
    hdu: &'a FitsHdu,
}

impl BeamTable<'_> {
    /// A column in arcsec.
    fn axis(&mut self, name: &str) -> Result<Vec<f64>, SpectrumError> {
        let index = (1..=20).find(|k| {
            let key = self.hdu.read_key::<String>(self.file, &format!("TTYPE{k}"));
            key.is_ok_and(|t| t.trim() == name)
        });
        let unit = index.and_then(|k| self.hdu.read_key::<String>(self.file, &format!("TUNIT{k}")).ok());
        let scale = match unit.as_deref().map(str::trim) {
            Some("arcsec") => 1.0,
            Some("deg") => 3600.0,
            _ => {
                return Err(SpectrumError::Header {
                    path: self.path.to_path_buf(),
                    key: "CASAMBM".to_owned(),
                    problem: "the beams of the table BEAMS are not in arcsec or deg: give the beam"
                        .to_owned(),
                });
            }
        };
        let values: Vec<f64> = self
            .hdu
            .read_col(self.file, name)
            .map_err(|e| fits_error(self.path, "cannot read the table BEAMS", e))?;
        Ok(values.into_iter().map(|value| value * scale).collect())
    }

    /// A column of numbers that count from 0, where there is one.
    fn numbers(&mut self, name: &str) -> Option<Vec<f64>> {
        self.hdu.read_col::<f64>(self.file, name).ok()
    }
}

/// The last beam that AIPS wrote into the history: `HISTORY AIPS   CLEAN BMAJ=  1.3889E-03 BMIN=  1.3889E-03 BPA=   0.00`,
/// in degrees.
fn aips_beam(cards: &[u8]) -> Option<[f64; 3]> {
    let beam = |card: &[u8]| {
        let text = std::str::from_utf8(card).ok()?.strip_prefix("HISTORY AIPS")?;
        let number = |key: &str| -> Option<f64> {
            text.split_once(key)?.1.trim_start_matches('=').split_whitespace().next()?.parse().ok()
        };
        let (bmaj, bmin) = (number("BMAJ")?, number("BMIN")?);
        (bmaj > 0.0 && bmin > 0.0).then(|| [bmaj * 3600.0, bmin * 3600.0, number("BPA").unwrap_or(0.0)])
    };
    cards.chunks(CARD).rev().find_map(beam)
}

/// Refuses names that the FITS library would read as commands, and files that are not there.
fn check_name(path: &Path) -> Result<(), SpectrumError> {
    std::fs::metadata(path)
        .and_then(|data| if data.is_file() { Ok(()) } else { Err(std::io::Error::other("not a file")) })
        .map_err(|source| SpectrumError::Io { path: path.to_path_buf(), source })?;
    let name = path.to_str().unwrap_or("[");
    let after_plus = name.rsplit_once('+').map(|(_, rest)| rest);
    let is_extension =
        after_plus.is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit()));
    if is_extension || name.contains(['[', ']', '(', ')', '{', '}']) || name.starts_with(['!', '-', '@']) {
        return Err(SpectrumError::Fits {
            path: path.to_path_buf(),
            what: "cannot open it".into(),
            message:
                "the FITS library takes brackets, +N at the end and other text than UTF-8 in a name for \
                      commands: rename the file"
                    .into(),
            status: 0,
        });
    }
    Ok(())
}

/// Compares the length of a plain FITS file with what its first header asks for; returns that header's cards.
fn check_length(path: &Path) -> Result<Vec<u8>, SpectrumError> {
    let io = |source| SpectrumError::Io { path: path.to_path_buf(), source };
    let mut file = std::fs::File::open(path).map_err(io)?;
    let found = file.metadata().map_err(io)?.len();
    let (mut header, mut block) = (Vec::new(), [0u8; BLOCK]);
    loop {
        let ends = match file.read_exact(&mut block) {
            // A header without an end, or no FITS at all: the library says which, and so for packed files.
            Err(_) => return Ok(header),
            Ok(()) => block.chunks(CARD).any(|card| card.starts_with(b"END     ")),
        };
        header.extend_from_slice(&block);
        if !header.starts_with(b"SIMPLE  =") {
            return Ok(header);
        }
        if ends {
            break;
        }
    }
    let integer = |key: &str| -> Option<i64> {
        let card = header.chunks(CARD).find(|card| card.starts_with(format!("{key:<8}=").as_bytes()))?;
        std::str::from_utf8(&card[9..]).ok()?.split('/').next()?.trim().parse().ok()
    };
    let n_axes = integer("NAXIS").unwrap_or(0);
    let mut bytes = integer("BITPIX").unwrap_or(0).unsigned_abs() / 8;
    for k in 1..=n_axes {
        bytes = bytes.saturating_mul(integer(&format!("NAXIS{k}")).unwrap_or(0).unsigned_abs());
    }
    let expected = (header.len() as u64).saturating_add(if n_axes > 0 { bytes } else { 0 });
    if found < expected {
        return Err(SpectrumError::Truncated { path: path.to_path_buf(), expected, found });
    }
    Ok(header)
}
