//! Reads spectra from text: columns of frequency or velocity, intensity and, at will, noise.

use super::Spectrum;
use super::axis::Convention;
use super::error::SpectrumError;
use super::text_header::{COMMENTS, TextHeader, words};
use super::units::{IntensityUnit, SpectralUnit};
use crate::model::Beam;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// How a text file is to be read, where its own header does not say, or says it wrongly. Columns count from 0 and are
/// parted by blanks, commas or semicolons. Without either: frequency in MHz, then intensity in K.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct TextOptions {
    /// Column of the frequency or velocity.
    pub freq_column: Option<usize>,
    /// Column of the intensity.
    pub intensity_column: Option<usize>,
    /// Column of the noise, in the unit of the intensity.
    pub rms_column: Option<usize>,
    /// Unit of the spectral column.
    pub freq_unit: Option<SpectralUnit>,
    /// Unit of the intensity.
    pub intensity_unit: Option<IntensityUnit>,
    /// Rest frequency (MHz) of velocities.
    pub rest_mhz: Option<f64>,
    /// Convention of velocities; radio unless the file says otherwise.
    pub convention: Option<Convention>,
    /// Beam: needed for intensities in Jy/beam.
    pub beam: Option<Beam>,
}

/// Columns and units, all known.
struct Columns {
    freq: usize,
    freq_unit: SpectralUnit,
    /// Where the spectral column is a velocity: rest frequency (MHz) and convention.
    velocity: Option<(f64, Convention)>,
    intensity: usize,
    intensity_unit: IntensityUnit,
    rms: Option<usize>,
    beam: Option<Beam>,
}

/// Reads a spectrum from a text file, e.g. `freq_MHz T_K rms_K`. `#`, `!` or `%` start a comment; rows may come in any
/// order. `nan` flags a channel.
pub fn read_text(path: &Path, options: &TextOptions) -> Result<Spectrum, SpectrumError> {
    let bytes =
        std::fs::read(path).map_err(|source| SpectrumError::Io { path: path.to_path_buf(), source })?;
    parse_text(&String::from_utf8_lossy(&bytes), path, options)
}

fn parse_text(text: &str, path: &Path, options: &TextOptions) -> Result<Spectrum, SpectrumError> {
    let header = TextHeader::of(text);
    let mut notes = Vec::new();
    let columns = columns(path, &header, options, &mut notes)?;
    notes.push(match header.frame {
        Some(frame) => format!("velocities are {frame}, as the file's header says"),
        None => "a text file names no velocity frame: velocities are in that of its frequencies".into(),
    });
    let mut spectrum = Spectrum {
        source: path.display().to_string(),
        freq_mhz: Vec::new(),
        t_k: Vec::new(),
        valid: Vec::new(),
        sigma_k: columns.rms.map(|_| Vec::new()),
        stated_k: None,
        correlation: Vec::new(),
        channel_width_mhz: 0.0,
        beam: options.beam,
        frame: header.frame.map(str::to_owned),
        rest_freq_mhz: columns.velocity.map(|(rest_mhz, _)| rest_mhz).or(header.rest_mhz),
        notes,
    };
    add_rows(text, path, &columns, &mut spectrum)?;
    if let Some((noise, unit)) = header.noise {
        spectrum.notes.push(format!("noise {noise} {unit} a channel, as the file's header says"));
        let kelvin = |freq_mhz: &f64| noise * unit.kelvin(*freq_mhz, options.beam).unwrap_or(f64::NAN);
        spectrum.stated_k = Some(spectrum.freq_mhz.iter().map(kelvin).collect());
    }
    spectrum.sorted().map_err(|freq_mhz| SpectrumError::Empty {
        path: path.to_path_buf(),
        problem: format!(
            "has two channels at {freq_mhz} MHz: give overlapping windows as files of their own"
        ),
    })
}

/// Which columns are read, and in which units: by the options, else by the file's header.
fn columns(
    path: &Path,
    header: &TextHeader,
    options: &TextOptions,
    notes: &mut Vec<String>,
) -> Result<Columns, SpectrumError> {
    let bad = |what, unit: &str, problem: String| SpectrumError::Unit {
        path: path.to_path_buf(),
        what,
        unit: unit.to_owned(),
        problem,
    };
    let freq_unit =
        options.freq_unit.or(header.freq.and_then(|c| c.unit)).unwrap_or(SpectralUnit::Frequency(1.0));
    if let (Some(asked), Some(own)) = (options.freq_unit, header.freq.and_then(|c| c.unit))
        && asked != own
    {
        notes.push(format!(
            "the header says that frequencies are in {own}, the configuration {asked}: the latter counts"
        ));
    }
    let velocity = match freq_unit {
        SpectralUnit::Frequency(_) => None,
        SpectralUnit::Velocity(_) => {
            let rest_mhz = options.rest_mhz.or(header.rest_mhz).ok_or_else(|| {
                bad("spectral column", "km/s", "velocities need the rest frequency: give rest_freq".into())
            })?;
            let convention = options.convention.or(header.convention).unwrap_or(Convention::Radio);
            notes.push(format!("velocities ({convention} convention) made frequencies with {rest_mhz} MHz"));
            Some((rest_mhz, convention))
        }
    };
    if let Some(axis) = header.bad_axis.as_ref().filter(|_| options.freq_column.is_none()) {
        let problem = "export the spectrum over frequency or velocity, or name the column with freq_column";
        return Err(bad("spectral axis", axis, problem.into()));
    }
    let intensity_unit =
        match (options.intensity_unit, header.intensity.and_then(|c| c.unit), &header.bad_unit) {
            (Some(unit), _, _) | (None, Some(unit), _) => unit,
            (None, None, Some((unit, problem))) => return Err(bad("intensity", unit, problem.clone())),
            (None, None, None) => IntensityUnit::Kelvin(1.0),
        };
    if intensity_unit.needs_beam() && options.beam.is_none() {
        return Err(bad(
            "intensity",
            &intensity_unit.to_string(),
            "give the beam's major and minor axis, or the diameter of the dish".into(),
        ));
    }
    let columns = Columns {
        freq: options.freq_column.or(header.freq.map(|c| c.index)).unwrap_or(0),
        freq_unit,
        velocity,
        intensity: options.intensity_column.or(header.intensity.map(|c| c.index)).unwrap_or(1),
        intensity_unit,
        rms: options.rms_column.or(header.rms_column),
        beam: options.beam,
    };
    if header.freq.is_some() || header.intensity.is_some() {
        notes.push(format!(
            "columns by the file's header: {} in {freq_unit}, {} in {intensity_unit}{}",
            columns.freq + 1,
            columns.intensity + 1,
            columns.rms.map_or(String::new(), |rms| format!(", noise in {}", rms + 1))
        ));
    }
    Ok(columns)
}

/// Adds all rows of numbers; a first row of names is passed over.
fn add_rows(
    text: &str,
    path: &Path,
    columns: &Columns,
    spectrum: &mut Spectrum,
) -> Result<(), SpectrumError> {
    let mut may_be_names = true;
    for (index, line) in text.lines().enumerate() {
        let words = words(line.split(COMMENTS).next().unwrap_or(""));
        let names = may_be_names && words.iter().all(|word| word.parse::<f64>().is_err());
        if words.is_empty() {
            continue;
        }
        may_be_names = false;
        if !names {
            add_row(&words, columns, spectrum).map_err(|problem| SpectrumError::Row {
                path: path.to_path_buf(),
                line: index + 1,
                problem,
            })?;
        }
    }
    if spectrum.is_empty() {
        return Err(SpectrumError::Empty { path: path.to_path_buf(), problem: "holds no channels".into() });
    }
    Ok(())
}

/// Adds one row to the spectrum, or says what is wrong with it.
fn add_row(words: &[&str], columns: &Columns, spectrum: &mut Spectrum) -> Result<(), String> {
    let number = |column: usize, what: &str| -> Result<f64, String> {
        let word = words
            .get(column)
            .ok_or_else(|| format!("{} columns: {what} expected in column {}", words.len(), column + 1))?;
        word.parse().map_err(|_| format!("column {}: \"{word}\" is not a number ({what})", column + 1))
    };
    let value = number(columns.freq, "frequency or velocity")?;
    let freq_mhz = match (columns.freq_unit, columns.velocity) {
        (SpectralUnit::Velocity(kms), Some((rest_mhz, convention))) => {
            rest_mhz * convention.ratio(value * kms)
        }
        (SpectralUnit::Frequency(scale) | SpectralUnit::Velocity(scale), _) => value * scale,
    };
    if !(freq_mhz > 0.0 && freq_mhz.is_finite()) {
        return Err(format!("a channel at {freq_mhz} MHz"));
    }
    // The beam was checked to be there where it is needed.
    let kelvin = columns.intensity_unit.kelvin(freq_mhz, columns.beam).unwrap_or(f64::NAN);
    let t_k = number(columns.intensity, "intensity")? * kelvin;
    if let (Some(column), Some(sigma_k)) = (columns.rms, spectrum.sigma_k.as_mut()) {
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
        let options = TextOptions {
            rms_column: Some(2),
            freq_unit: Some(SpectralUnit::Frequency(1e3)),
            ..TextOptions::default()
        };
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
        let options = TextOptions { intensity_unit: Some(unit), beam, ..TextOptions::default() };
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
    fn follows_the_header_unless_told_otherwise() {
        let beam = Some(Beam::Elliptical { bmaj_arcsec: 0.5, bmin_arcsec: 0.4 });
        let text = "# xLabel: Radio velocity [km/s]\n# yLabel: [mJy/beam] Mean\n# rest frequency: 230 GHz\n-10 1000\n10 0\n";
        let s = parse(text, &TextOptions { beam, ..TextOptions::default() }).unwrap();
        assert!((s.freq_mhz[1] / 230_000.0 - 1.0 - 10.0 / 299_792.458).abs() < 1e-12);
        assert!((s.t_k[1] - 115.5).abs() < 0.1 && s.t_k[0] == 0.0, "{:?}", s.t_k);
        let rest_mhz = Some(115_000.0);
        let s = parse(text, &TextOptions { beam, rest_mhz, ..TextOptions::default() }).unwrap();
        assert!((s.freq_mhz[1] / 115_000.0 - 1.0 - 10.0 / 299_792.458).abs() < 1e-12);
        let message = parse(text, &TextOptions::default()).unwrap_err().to_string();
        assert!(message.contains("mJy/beam"), "{message}");
        let message = parse("v_kms T_K\n1 2\n2 3\n", &TextOptions::default()).unwrap_err().to_string();
        assert!(message.contains("rest_freq"), "{message}");
        let message =
            parse("freq_GHz,flux (Jy/pixel)\n230.1,1\n", &TextOptions::default()).unwrap_err().to_string();
        assert!(message.contains("per pixel"), "{message}");
        let s =
            parse("# rms: 50 mK\nT_K freq_GHz rms_K\n1 230.1 0.2\n2 230.2 0.3\n", &TextOptions::default())
                .unwrap();
        assert_eq!((s.t_k.clone(), s.sigma_k.unwrap()), (vec![1.0, 2.0], vec![0.2, 0.3]));
        assert!((s.stated_k.unwrap()[0] - 0.05).abs() < 1e-12);
    }

    #[test]
    fn parts_runs_at_gaps() {
        let s = parse("100 1\n101 1\n102 1\n110 1\n111 1\n", &TextOptions::default()).unwrap();
        assert_eq!(s.runs(), [0..3, 3..5]);
        assert_eq!(s.between(101.0, 110.0).freq_mhz, [101.0, 102.0, 110.0]);
        assert!(s.between(200.0, 300.0).is_empty());
    }
}
