//! What a text spectrum says of itself: names and units of its columns, rest frequency, frame, noise.
//!
//! Understood are rows of names above the numbers, commented out or not (`Frequency (GHz), Flux [mJy/beam]`, `freq_MHz T_K`,
//! specflux's `Channel Pixels Frequency_(MHz) ...`), the axis labels of plots that CASA and CARTA export (`# xLabel: Radio
//! velocity [km/s]`, `# yLabel: [Jy/beam] Mean`; older CASA has `(mJy/beam) Mean`, and errors in a third column, which are not
//! those of a channel), and lines like `# rest frequency: 230.538 GHz`, `# rms = 0.1 K`.

use super::axis::Convention;
use super::units::{IntensityUnit, SpectralUnit};

/// Characters that start a comment.
pub(super) const COMMENTS: [char; 3] = ['#', '!', '%'];

/// What the columns are.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct TextHeader {
    /// The spectral column, as frequency rather than velocity where there are both.
    pub freq: Option<Column<SpectralUnit>>,
    /// The intensity.
    pub intensity: Option<Column<IntensityUnit>>,
    /// The noise.
    pub rms_column: Option<usize>,
    /// Rest frequency (MHz).
    pub rest_mhz: Option<f64>,
    /// Convention of velocities.
    pub convention: Option<Convention>,
    /// Frame of the spectral axis.
    pub frame: Option<&'static str>,
    /// Noise of one channel, and its unit.
    pub noise: Option<(f64, IntensityUnit)>,
    /// A unit of the intensity that cannot be used, and why.
    pub bad_unit: Option<(String, String)>,
    /// A label of the spectral axis that is neither frequency nor velocity.
    pub bad_axis: Option<String>,
}

/// A column that was recognised.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Column<U> {
    /// From 0.
    pub index: usize,
    /// Its unit, where it is given.
    pub unit: Option<U>,
}

impl TextHeader {
    /// Reads the lines above the first row of numbers, and comments among them.
    pub fn of(text: &str) -> Self {
        let mut found = Self::default();
        let n_columns = text.lines().find_map(|line| {
            let words = words(line.split(COMMENTS).next().unwrap_or(""));
            (words.len() > 1 && words[0].parse::<f64>().is_ok()).then_some(words.len())
        });
        for line in text.lines() {
            let content = line.trim_start_matches(COMMENTS).trim();
            if words(content).first().is_some_and(|word| word.parse::<f64>().is_ok()) {
                if line.trim_start().starts_with(COMMENTS) { continue } else { break }
            }
            let is_told = found.statement(content);
            let names = names(content);
            if !is_told && Some(names.len()) == n_columns {
                found.columns(&names);
            }
        }
        found
    }

    /// A line like `key: value`; false where it is none that is known.
    fn statement(&mut self, line: &str) -> bool {
        let lower = line.to_ascii_lowercase();
        self.frame = self.frame.or(frame(&lower));
        let Some((key, value)) = line.split_once([':', '=']) else { return false };
        let key: String = key.to_ascii_lowercase().chars().filter(char::is_ascii_alphanumeric).collect();
        match key.as_str() {
            "xlabel" | "xaxis" => self.axis(value),
            "ylabel" | "yaxis" => self.intensity(1, value),
            "restfrequency" | "restfreq" | "restfrq" => self.rest_mhz = rest_mhz(value),
            "rms" | "noise" | "sigma" => self.noise = noise(value),
            _ => return false,
        }
        true
    }

    /// The label of the spectral axis. Viewers offer channels and wavelengths as well.
    fn axis(&mut self, label: &str) {
        let lower = label.trim().to_ascii_lowercase();
        if ["channel", "wavelength", "air wavelength", "pixel"].iter().any(|other| lower.starts_with(other)) {
            self.bad_axis = Some(label.trim().to_owned());
        }
        self.freq = spectral(0, label, &mut self.convention).or(self.freq);
    }

    /// A row of names.
    fn columns(&mut self, names: &[String]) {
        for (index, name) in names.iter().enumerate() {
            match Role::of(name) {
                Some(Role::Frequency) => self.freq = spectral(index, name, &mut self.convention),
                Some(Role::Velocity) => self.freq = self.freq.or(spectral(index, name, &mut self.convention)),
                Some(Role::Noise) => self.rms_column = self.rms_column.or(Some(index)),
                // The first that has a unit, else the first.
                Some(Role::Intensity) if self.intensity.is_none_or(|column| column.unit.is_none()) => {
                    self.intensity(index, name);
                }
                Some(Role::Intensity) | None => {}
            }
        }
    }

    fn intensity(&mut self, index: usize, name: &str) {
        let unit = match unit(name).map(|text| (text.clone(), text.parse::<IntensityUnit>())) {
            None => None,
            Some((_, Ok(unit))) => Some(unit),
            Some((text, Err(problem))) => {
                self.bad_unit = Some((text, problem));
                None
            }
        };
        self.intensity = Some(Column { index, unit });
    }
}

/// What a column holds.
enum Role {
    Frequency,
    Velocity,
    Intensity,
    Noise,
}

impl Role {
    /// By the start of its name; `None`: channel numbers, pixel counts and the like.
    fn of(name: &str) -> Option<Self> {
        const FREQUENCY: &[&str] = &["freq", "nu_", "nu(", "nu["];
        const VELOCITY: &[&str] = &["vel", "v_", "v(", "v[", "vlsr", "vrad", "vopt", "radio", "optical"];
        const NOISE: &[&str] =
            &["rms", "sigma", "noise", "err", "error", "std", "stddev", "unc", "uncertainty"];
        const INTENSITY: &[&str] = &[
            "t_", "t(", "t[", "tb", "tmb", "ta", "temp", "flux", "int", "bright", "mean", "value", "spec",
            "y_", "y(", "y[", "s_", "i_", "data",
        ];
        let lower = name.to_ascii_lowercase();
        let starts = |words: &[&str]| words.iter().any(|word| lower.starts_with(word));
        match lower.as_str() {
            "nu" => Some(Role::Frequency),
            "v" => Some(Role::Velocity),
            "t" | "y" | "s" | "i" => Some(Role::Intensity),
            _ if starts(FREQUENCY) => Some(Role::Frequency),
            _ if starts(VELOCITY) => Some(Role::Velocity),
            // As a whole word: "noiseless model" is none.
            _ if NOISE.contains(&lower.split(|c: char| !c.is_alphabetic()).next().unwrap_or("")) => {
                Some(Role::Noise)
            }
            _ if starts(INTENSITY) => Some(Role::Intensity),
            _ => None,
        }
    }
}

/// Words of a row: parted by blanks, commas, semicolons.
pub(super) fn words(line: &str) -> Vec<&str> {
    line.split([' ', '\t', ',', ';', '\r']).filter(|word| !word.is_empty()).collect()
}

/// Names of a row: parted by commas, semicolons or tabs, else by blanks; a unit in brackets belongs to the name before.
fn names(line: &str) -> Vec<String> {
    if line.contains([',', ';', '\t']) {
        let parts = line.split([',', ';', '\t']).map(|part| part.trim().to_owned());
        return parts.filter(|part| !part.is_empty()).collect();
    }
    let mut names: Vec<String> = Vec::new();
    let mut open = false;
    for word in line.split_whitespace() {
        match names.last_mut() {
            Some(last) if open || word.starts_with(['(', '[']) => {
                last.push(' ');
                last.push_str(word);
            }
            _ => names.push(word.to_owned()),
        }
        open = word.contains(['(', '[']) && !word.contains([')', ']']) || open && !word.contains([')', ']']);
    }
    names
}

/// The unit of a name: in brackets, or behind its last underscore (`freq_GHz`, `T_K`).
fn unit(name: &str) -> Option<String> {
    for (open, close) in [('[', ']'), ('(', ')')] {
        if let Some((_, rest)) = name.split_once(open) {
            return Some(rest.split(close).next().unwrap_or(rest).trim().to_owned());
        }
    }
    let (_, last) = name.rsplit_once('_')?;
    Some(last.to_owned())
        .filter(|last| last.parse::<SpectralUnit>().is_ok() || last.parse::<IntensityUnit>().is_ok())
}

fn spectral(index: usize, name: &str, convention: &mut Option<Convention>) -> Option<Column<SpectralUnit>> {
    let lower = name.to_ascii_lowercase();
    if lower.contains("optical") || lower.contains("vopt") {
        *convention = Some(Convention::Optical);
    } else if lower.contains("radio") || lower.contains("vrad") {
        *convention = Some(Convention::Radio);
    }
    Some(Column { index, unit: unit(name).and_then(|unit| unit.parse().ok()) })
}

/// The frame that a line names as a word of its own.
fn frame(lower: &str) -> Option<&'static str> {
    lower.split(|c: char| !c.is_ascii_alphanumeric()).find_map(|word| match word {
        "lsrk" => Some("LSRK"),
        "lsrd" => Some("LSRD"),
        "bary" | "barycent" | "barycentric" => Some("BARYCENT"),
        "topo" | "topocent" | "topocentric" => Some("TOPOCENT"),
        _ => None,
    })
}

fn rest_mhz(value: &str) -> Option<f64> {
    let value = value.trim();
    let (number, unit) = value.split_once(char::is_whitespace).unwrap_or((value, "Hz"));
    match (number.parse::<f64>().ok()?, unit.trim_matches(['[', ']', '(', ')', ' ']).parse().ok()?) {
        (number, SpectralUnit::Frequency(mhz)) if number > 0.0 => Some(number * mhz),
        _ => None,
    }
}

fn noise(value: &str) -> Option<(f64, IntensityUnit)> {
    let (number, unit) = value.trim().split_once(char::is_whitespace)?;
    Some((
        number.parse().ok().filter(|n: &f64| *n > 0.0)?,
        unit.trim_matches(['[', ']', '(', ')', ' ']).parse().ok()?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GHZ: Option<SpectralUnit> = Some(SpectralUnit::Frequency(1e3));
    const KMS: Option<SpectralUnit> = Some(SpectralUnit::Velocity(1.0));

    #[test]
    fn reads_labels_of_exported_plots() {
        let casa = "#title: x.image\n#region (world): circle\n#rest frequency: 230.538 GHz\n#coordinate: LSRK\n\
                    #xLabel: radio velocity [km/s]\n#yLabel: [mJy/beam] Mean\n-10.5 0.1\n-10 0.2\n";
        let header = TextHeader::of(casa);
        assert_eq!(header.freq, Some(Column { index: 0, unit: KMS }));
        assert_eq!(header.intensity, Some(Column { index: 1, unit: Some(IntensityUnit::JyPerBeam(1e-3)) }));
        assert_eq!((header.rest_mhz, header.convention), (Some(230_538.0), Some(Convention::Radio)));
        assert_eq!(header.frame, Some("LSRK"));
        let carta = "# profile: x.fits Statistic Mean\n# xLabel: Frequency (GHz)\n# yLabel: Value (K)\n# x\ty\n230.1\t1.5\n";
        let header = TextHeader::of(carta);
        assert_eq!(
            (header.freq.unwrap().unit, header.intensity.unwrap().unit),
            (GHZ, Some(IntensityUnit::Kelvin(1.0)))
        );
    }

    /// As CASA's viewer, its task specflux and scripts of ALMA's reduction write them.
    #[test]
    fn reads_what_casa_writes() {
        let viewer = "#title: Image profile - x.image Rectangle(10h20m,-30.5.0)\n#coordintate: J2000\n\
                      #xLabel: radio velocity [km/s]\n#yLabel: (mJy/beam) Mean\n#eLabel: (mJy/beam) rmse\n\
                      -1.05e+01    1.0e-01    2.0e-02\n-1.00e+01    2.0e-01    2.0e-02\n";
        let header = TextHeader::of(viewer);
        assert_eq!(header.freq, Some(Column { index: 0, unit: KMS }));
        assert_eq!(header.intensity, Some(Column { index: 1, unit: Some(IntensityUnit::JyPerBeam(1e-3)) }));
        assert_eq!((header.rms_column, header.bad_axis), (None, None));
        let channels = TextHeader::of("#xLabel: channel\n#yLabel: (K) Mean\n0 1\n1 2\n");
        assert_eq!(channels.bad_axis.as_deref(), Some("channel"));
        let specflux = "# x.image, region=\n# beam size: 5.81 arcsec2, 36.3 pixels\n# Total flux: 42.4 Jy.km/s\n\
                        # Channel number_of_unmasked_pixels frequency_(MHz) Velocity_(km/s) Flux_density_(Jy)\n\
                        \x20       0                     90000     36398.605111        -51.770979          1.288319e-02\n";
        let header = TextHeader::of(specflux);
        assert_eq!(header.freq, Some(Column { index: 2, unit: Some(SpectralUnit::Frequency(1.0)) }));
        assert!(header.bad_unit.unwrap().0 == "Jy", "a flux is no brightness");
        let sum = specflux.replace("Flux_density_(Jy)", "mean_(K)");
        assert_eq!(TextHeader::of(&sum).intensity.unwrap().index, 4);
        let script = "#title: x.image\n#region (world): Point[[1,2]]\n#xLabel: frequency (GHz)\n#yLabel: [K]  # Planck\n\n\
                      #x.image\n230.1 1.0 0\n230.2 1.1 1\n";
        let header = TextHeader::of(script);
        assert_eq!(
            (header.freq.unwrap().unit, header.intensity.unwrap().unit),
            (GHZ, Some(IntensityUnit::Kelvin(1.0)))
        );
    }

    #[test]
    fn reads_rows_of_names() {
        let of = |text: &str| {
            let header = TextHeader::of(text);
            let column = |c: Option<usize>| c.map_or(99, |c| c);
            (
                column(header.freq.map(|c| c.index)),
                header.freq.and_then(|c| c.unit),
                column(header.intensity.map(|c| c.index)),
                header.rms_column,
            )
        };
        assert_eq!(of("freq_GHz,T_K,rms_K\n230.1,1,0.1\n"), (0, GHZ, 1, Some(2)));
        assert_eq!(of("# Frequency [GHz]   Intensity [Jy/beam]\n230.1 1\n"), (0, GHZ, 1, None));
        let specflux =
            "#Total flux 1 Jy\n# Channel Pixels Velocity_(km/s) Frequency_(GHz) mean_(K)\n0 10 5.1 230.1 1\n";
        assert_eq!(of(specflux), (3, GHZ, 4, None));
        assert_eq!(of("Velocity (km/s);Mean (K)\n5;1\n"), (0, KMS, 1, None));
        assert_eq!(of("# freq_MHz T_K rms_K noiseless_model_K (of 2)\n1 2 3 4\n").3, Some(2));
        assert_eq!(of("# made by hand in 2020\n230.1 1\n"), (99, None, 99, None));
        assert_eq!(of("230.1 1\n"), (99, None, 99, None));
    }

    #[test]
    fn reads_noise_and_says_what_is_no_intensity() {
        let header = TextHeader::of(
            "# rms = 12 mK\n# restfreq = 2.30538e11\n# Freq(GHz) Flux_density_(Jy)\n230.1 1\n",
        );
        assert_eq!(header.noise, Some((12.0, IntensityUnit::Kelvin(1e-3))));
        assert!((header.rest_mhz.unwrap() - 230_538.0).abs() < 1e-6);
        let (unit, problem) = header.bad_unit.unwrap();
        assert!(unit == "Jy" && problem.contains("without \"/beam\""), "{unit} {problem}");
    }
}
