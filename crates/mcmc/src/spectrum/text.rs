//! Reads spectra from text: columns of frequency, intensity and, at will, noise.

use super::Spectrum;
use super::error::SpectrumError;
use super::units::{FreqUnit, IntensityUnit};
use crate::model::Beam;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// How a text file is to be read. Columns count from 0 and are parted by blanks or commas.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TextOptions {
    /// Column of the frequency.
    pub freq_column: usize,
    /// Column of the intensity.
    pub intensity_column: usize,
    /// Column of the noise, in the unit of the intensity.
    pub rms_column: Option<usize>,
    /// Unit of the frequency.
    pub freq_unit: FreqUnit,
    /// Unit of the intensity.
    pub intensity_unit: IntensityUnit,
    /// Beam: needed for intensities in Jy/beam.
    pub beam: Option<Beam>,
}

impl Default for TextOptions {
    fn default() -> Self {
        Self {
            freq_column: 0,
            intensity_column: 1,
            rms_column: None,
            freq_unit: FreqUnit::MHz,
            intensity_unit: IntensityUnit::Kelvin(1.0),
            beam: None,
        }
    }
}

/// Reads a spectrum from a text file, e.g. `freq_MHz T_K rms_K`. `#` starts a comment; a first row of
/// names is passed over; rows may come in any order. `nan` flags a channel.
pub fn read_text(path: &Path, options: &TextOptions) -> Result<Spectrum, SpectrumError> {
    let bytes =
        std::fs::read(path).map_err(|source| SpectrumError::Io { path: path.to_path_buf(), source })?;
    parse_text(&String::from_utf8_lossy(&bytes), path, options)
}

fn parse_text(text: &str, path: &Path, options: &TextOptions) -> Result<Spectrum, SpectrumError> {
    if options.intensity_unit.needs_beam() && !matches!(options.beam, Some(Beam::Elliptical { .. })) {
        return Err(SpectrumError::Unit {
            path: path.to_path_buf(),
            what: "intensity",
            unit: "Jy/beam".into(),
            problem: "give the beam's major and minor axis".into(),
        });
    }
    let mut spectrum = Spectrum {
        source: path.display().to_string(),
        freq_mhz: Vec::new(),
        t_k: Vec::new(),
        valid: Vec::new(),
        sigma_k: options.rms_column.map(|_| Vec::new()),
        channel_width_mhz: 0.0,
        beam: options.beam,
        frame: None,
        rest_freq_mhz: None,
        notes: vec!["a text file names no velocity frame: velocities are in that of its frequencies".into()],
    };
    let mut may_be_names = true;
    for (index, line) in text.lines().enumerate() {
        let content = line.split('#').next().unwrap_or("");
        let words: Vec<&str> =
            content.split([' ', '\t', ',', '\r']).filter(|word| !word.is_empty()).collect();
        let names = may_be_names && words.iter().all(|word| word.parse::<f64>().is_err());
        if words.is_empty() {
            continue;
        }
        may_be_names = false;
        if !names {
            add_row(&words, options, &mut spectrum).map_err(|problem| SpectrumError::Row {
                path: path.to_path_buf(),
                line: index + 1,
                problem,
            })?;
        }
    }
    if spectrum.is_empty() {
        return Err(SpectrumError::Empty { path: path.to_path_buf(), problem: "holds no channels".into() });
    }
    spectrum.sorted().map_err(|freq_mhz| SpectrumError::Empty {
        path: path.to_path_buf(),
        problem: format!(
            "has two channels at {freq_mhz} MHz: give overlapping windows as files of their own"
        ),
    })
}

/// Adds one row to the spectrum, or says what is wrong with it.
fn add_row(words: &[&str], options: &TextOptions, spectrum: &mut Spectrum) -> Result<(), String> {
    let number = |column: usize, what: &str| -> Result<f64, String> {
        let word = words
            .get(column)
            .ok_or_else(|| format!("{} columns: {what} expected in column {}", words.len(), column + 1))?;
        word.parse().map_err(|_| format!("column {}: \"{word}\" is not a number ({what})", column + 1))
    };
    let freq_mhz = number(options.freq_column, "frequency")? * options.freq_unit.mhz();
    if !(freq_mhz > 0.0 && freq_mhz.is_finite()) {
        return Err(format!("a channel at {freq_mhz} MHz"));
    }
    // The beam was checked to be there where it is needed.
    let kelvin = options.intensity_unit.kelvin(freq_mhz, options.beam).unwrap_or(f64::NAN);
    let t_k = number(options.intensity_column, "intensity")? * kelvin;
    if let (Some(column), Some(sigma_k)) = (options.rms_column, spectrum.sigma_k.as_mut()) {
        sigma_k.push(number(column, "noise")? * kelvin);
    }
    spectrum.freq_mhz.push(freq_mhz);
    spectrum.t_k.push(t_k);
    spectrum.valid.push(true);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str, options: &TextOptions) -> Result<Spectrum, SpectrumError> {
        parse_text(text, Path::new("s.txt"), options)
    }

    #[test]
    fn reads_columns_in_any_order_of_rows() {
        let text = "freq_ghz,t,rms\n# a comment\n100.2, 2.0, 0.1\n100.1 1.0 0.1 # more\n\n100.3\tnan 0.1\n100.4 1 0\n";
        let options = TextOptions { rms_column: Some(2), freq_unit: FreqUnit::GHz, ..TextOptions::default() };
        let s = parse(text, &options).unwrap();
        assert_eq!(s.t_k[..2], [1.0, 2.0]);
        assert_eq!((&s.valid[..], s.n_valid()), (&[true, true, false, false][..], 2));
        assert!((s.freq_mhz[0] - 100_100.0).abs() < 1e-9 && (s.channel_width_mhz - 100.0).abs() < 1e-6);
        assert_eq!(s.sigma_k.as_ref().unwrap()[1], 0.1);
        assert!(s.t_k[3].is_nan() && s.sigma_k.as_ref().unwrap()[3].is_nan());
    }

    #[test]
    fn converts_jansky_with_the_beam() {
        let beam = Some(Beam::Elliptical { bmaj_arcsec: 0.5, bmin_arcsec: 0.4 });
        let unit = IntensityUnit::JyPerBeam(1e-3);
        let options = TextOptions { intensity_unit: unit, beam, ..TextOptions::default() };
        let s = parse("230000 1000\n230001 0\n", &options).unwrap();
        assert!((s.t_k[0] - 115.5).abs() < 0.1, "{}", s.t_k[0]);
        assert!(parse("230000 1\n", &TextOptions { beam: None, ..options }).is_err());
    }

    #[test]
    fn names_file_and_line_of_broken_rows() {
        let plain = TextOptions::default();
        for (text, line) in [
            ("# c\n100 1\n101 x\n", 3),
            ("100 1\n101\n", 2),
            ("100 1\nfreq t\n", 2),
            ("100 1\n-5 1\n", 2),
            ("freq t\nnan 1\n", 2),
        ] {
            let message = parse(text, &plain).unwrap_err().to_string();
            assert!(message.starts_with(&format!("s.txt, line {line}: ")), "{message}");
        }
        assert!(parse("# nothing\n", &plain).unwrap_err().to_string().contains("no channels"));
        assert!(parse("100 1\n100 2\n", &plain).unwrap_err().to_string().contains("two channels at 100"));
    }

    #[test]
    fn parts_runs_at_gaps() {
        let s = parse("100 1\n101 1\n102 1\n110 1\n111 1\n", &TextOptions::default()).unwrap();
        assert_eq!(s.runs(), [0..3, 3..5]);
        assert_eq!(s.between(101.0, 110.0).freq_mhz, [101.0, 102.0, 110.0]);
        assert!(s.between(200.0, 300.0).is_empty());
    }
}
