//! Reads spectra that CASSIS and CLASS wrote as text.

use super::error::InterchangeError;
use crate::physics::C_KMS;

/// A spectrum.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ImportedSpectrum {
    /// Frequencies (MHz), in the frame in which velocities are those of the file.
    pub freq_mhz: Vec<f64>,
    /// Intensities as they are; NaN where blanked.
    pub intensity: Vec<f64>,
    /// What was not taken over, and what was assumed.
    pub reports: Vec<String>,
}

/// What the first column of CLASS's `GREG /FORMATTED` holds: its current X unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ClassAxis {
    /// Frequencies (MHz).
    Frequency,
    /// Velocities (km/s, radio convention) of a rest frequency (MHz).
    Velocity {
        /// The rest frequency (MHz).
        rest_mhz: f64,
    },
    /// Offsets (MHz) from a rest frequency, for a source at a velocity.
    Offset {
        /// The rest frequency (MHz).
        rest_mhz: f64,
        /// Velocity (km/s) at which lines appear at their rest frequency.
        v_kms: f64,
    },
}

/// CLASS's value for a blanked channel.
const CLASS_BLANK: f64 = -1000.0;
/// The columns of CASSIS's list that are used.
const LIS_FREQ: &str = "FreqLsb";
const LIS_INTENSITY: &str = "Intensity";

fn error(file: &str, index: usize, problem: String) -> InterchangeError {
    InterchangeError::Line { file: file.to_owned(), line: index + 1, problem }
}

/// Reads a `.lis` file of CASSIS. Its frequencies are those of a source that rests at the velocity in its head; they are
/// shifted by it, so that velocities are those of the file.
///
/// # Errors
/// [`InterchangeError`], with the line.
pub fn parse_lis(text: &str, file: &str) -> Result<ImportedSpectrum, InterchangeError> {
    let mut spectrum = ImportedSpectrum::default();
    let (mut v_kms, mut columns) = (0.0, None);
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if let Some(comment) = line.strip_prefix("//") {
            if let Some((_, value)) = comment.split_once(':').filter(|(key, _)| key.trim() == "vlsr") {
                let value = value.trim();
                v_kms = value
                    .parse()
                    .ok()
                    .filter(|v: &f64| v.is_finite())
                    .ok_or_else(|| error(file, index, format!("vlsr \"{value}\" is not a number")))?;
            }
            continue;
        }
        if line.is_empty() {
            continue;
        }
        let words: Vec<&str> = line.split_whitespace().collect();
        let Some((freq, intensity)) = columns else {
            let place = |name: &str| {
                words
                    .iter()
                    .position(|w| *w == name)
                    .ok_or_else(|| error(file, index, format!("no column {name}")))
            };
            columns = Some((place(LIS_FREQ)?, place(LIS_INTENSITY)?));
            continue;
        };
        add(&mut spectrum, &words, (freq, intensity)).map_err(|problem| error(file, index, problem))?;
    }
    let shift = 1.0 - v_kms / C_KMS;
    spectrum.freq_mhz.iter_mut().for_each(|f| *f *= shift);
    spectrum.reports.push(format!(
        "frequencies are shifted by {v_kms} km/s, the velocity in the file's head: velocities are the file's"
    ));
    spectrum.reports.push("the image sideband (FreqUsb) is not taken over".into());
    finish(spectrum, file)
}

/// Reads what CLASS's `GREG name /FORMATTED` writes: the X axis in the first column (of `columns`, from 0), intensities in the second.
///
/// # Errors
/// [`InterchangeError`], with the line.
pub fn parse_class(
    text: &str,
    file: &str,
    axis: ClassAxis,
    columns: (usize, usize),
) -> Result<ImportedSpectrum, InterchangeError> {
    let mut spectrum = ImportedSpectrum::default();
    let mut more = 0;
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with(['!', '#']) {
            continue;
        }
        let words: Vec<&str> = line.split_whitespace().collect();
        more = more.max(words.len().saturating_sub(2));
        add(&mut spectrum, &words, columns).map_err(|problem| error(file, index, problem))?;
    }
    for (x, t) in spectrum.freq_mhz.iter_mut().zip(&mut spectrum.intensity) {
        *x = match axis {
            ClassAxis::Frequency => *x,
            ClassAxis::Velocity { rest_mhz } => rest_mhz * (1.0 - *x / C_KMS),
            ClassAxis::Offset { rest_mhz, v_kms } => (rest_mhz + *x) * (1.0 - v_kms / C_KMS),
        };
        if *t == CLASS_BLANK {
            *t = f64::NAN;
        }
    }
    if more > 0 {
        spectrum.reports.push(format!("{more} further columns (fitted profiles) are not taken over"));
    }
    finish(spectrum, file)
}

fn add(spectrum: &mut ImportedSpectrum, words: &[&str], columns: (usize, usize)) -> Result<(), String> {
    let number = |column: usize| -> Result<f64, String> {
        let word = words
            .get(column)
            .ok_or_else(|| format!("{} columns: a number expected in column {}", words.len(), column + 1))?;
        // Fortran writes exponents with D as well.
        word.replace(['D', 'd'], "E").parse::<f64>().map_err(|_| format!("\"{word}\" is not a number"))
    };
    let x = number(columns.0)?;
    if !x.is_finite() {
        return Err(format!("a channel at {x}"));
    }
    spectrum.freq_mhz.push(x);
    spectrum.intensity.push(number(columns.1)?);
    Ok(())
}

fn finish(spectrum: ImportedSpectrum, file: &str) -> Result<ImportedSpectrum, InterchangeError> {
    let problem = match spectrum.freq_mhz.iter().find(|f| **f <= 0.0) {
        Some(f) => format!("a channel at {f} MHz: is the first column what you say it is (--x)?"),
        None if spectrum.freq_mhz.is_empty() => "holds no channels".to_owned(),
        None => return Ok(spectrum),
    };
    Err(InterchangeError::File { file: file.to_owned(), problem })
}
