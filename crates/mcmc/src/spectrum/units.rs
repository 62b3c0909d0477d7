//! Units of frequencies and intensities, as files write them.

use super::axis::{AxisKind, Convention};
use crate::model::Beam;
use crate::physics::kelvin_per_jy_beam;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Unit of a spectral axis.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum SpectralUnit {
    /// This many MHz.
    Frequency(f64),
    /// This many km/s.
    Velocity(f64),
}

impl fmt::Display for SpectralUnit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scale, unit, known) = match *self {
            SpectralUnit::Frequency(mhz) => (mhz, "MHz", ["Hz", "kHz", "MHz", "GHz"].as_slice()),
            SpectralUnit::Velocity(kms) => (kms, "km/s", ["m/s", "km/s"].as_slice()),
        };
        match known.iter().find(|name| name.parse() == Ok(*self)) {
            Some(name) => f.write_str(name),
            None => write!(f, "{scale} {unit}"),
        }
    }
}

impl FromStr for SpectralUnit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (frequency, velocity) = (AxisKind::Frequency, AxisKind::Velocity(Convention::Radio));
        match (text.trim(), frequency.scale(text), velocity.scale(text)) {
            ("", _, _) => Err("no unit: Hz, kHz, MHz, GHz, m/s or km/s expected".into()),
            (_, Some(mhz), _) => Ok(SpectralUnit::Frequency(mhz)),
            (_, None, Some(kms)) => Ok(SpectralUnit::Velocity(kms)),
            (_, None, None) => {
                Err("not a unit of a spectral axis: Hz, kHz, MHz, GHz, m/s or km/s expected".into())
            }
        }
    }
}

/// Unit of an intensity: kelvin (Rayleigh-Jeans brightness temperature) or flux density a beam.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum IntensityUnit {
    /// This many kelvin.
    Kelvin(f64),
    /// This many Jy/beam.
    JyPerBeam(f64),
}

impl IntensityUnit {
    /// Kelvin per unit at a frequency (MHz); `None` where it takes a beam that is not known.
    pub fn kelvin(self, freq_mhz: f64, beam: Option<Beam>) -> Option<f64> {
        match (self, beam) {
            (IntensityUnit::Kelvin(kelvin), _) => Some(kelvin),
            (IntensityUnit::JyPerBeam(jy), Some(beam)) => {
                Some(jy * kelvin_per_jy_beam(freq_mhz, beam.area_arcsec2(freq_mhz)))
            }
            (IntensityUnit::JyPerBeam(_), None) => None,
        }
    }

    /// Whether a beam is needed to convert it.
    pub fn needs_beam(self) -> bool {
        matches!(self, IntensityUnit::JyPerBeam(_))
    }
}

impl fmt::Display for IntensityUnit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scale, unit) = match *self {
            IntensityUnit::Kelvin(scale) => (scale, "K"),
            IntensityUnit::JyPerBeam(scale) => (scale, "Jy/beam"),
        };
        match ["", "k", "m", "u", "n"]
            .iter()
            .find(|prefix| prefixed(&format!("{prefix}K"), "K") == Some(scale))
        {
            Some(prefix) => write!(f, "{prefix}{unit}"),
            None => write!(f, "{scale} {unit}"),
        }
    }
}

/// Scale of an SI prefix before `unit`, in the spelling of the unit or in capitals throughout.
fn prefixed(word: &str, unit: &str) -> Option<f64> {
    let prefix = word.strip_suffix(unit).or_else(|| {
        // All capitals, as old writers do: only without a prefix, since MJY could be two things.
        (word == unit.to_ascii_uppercase()).then_some("")
    })?;
    match prefix {
        "" => Some(1.0),
        "k" => Some(1.0e3),
        "m" => Some(1.0e-3),
        "u" | "µ" | "μ" => Some(1.0e-6),
        "n" => Some(1.0e-9),
        _ => None,
    }
}

impl FromStr for IntensityUnit {
    type Err = String;

    /// `K`, `mK`, `Kelvin`, `K (Tmb)`, `Jy/beam`, `mJy beam-1`, `beam-1 Jy`, `Jy beam^-1`, `JY/BEAM` ...
    fn from_str(text: &str) -> Result<Self, String> {
        let expected = "expected K or Jy/beam (with or without m, u)";
        let bare = text.split('(').next().unwrap_or("").trim();
        let spread = bare.replace("/", " /").replace("**", "^").replace(['*', '.'], " ");
        let is_per_pixel = |word: &str| matches!(word, "/pixel" | "/pix" | "pixel-1" | "pixel^-1" | "pix-1");
        if spread.split_whitespace().any(|word| is_per_pixel(&word.to_ascii_lowercase())) {
            let problem = "flux density per pixel (a clean model, or an image not restored) is no brightness at the beam's \
                           resolution: use the restored image in Jy/beam or K";
            return Err(problem.into());
        }
        let (mut jy, mut kelvin, mut per_beam) = (None, None, false);
        for word in spread.split_whitespace() {
            let lower = word.to_ascii_lowercase();
            if matches!(lower.as_str(), "/beam" | "beam-1" | "beam^-1" | "/bm") {
                per_beam = true;
            } else if lower == "kelvin" {
                kelvin = Some(1.0);
            } else if let Some(scale) = prefixed(word, "Jy") {
                jy = Some(scale);
            } else if let Some(scale) = prefixed(word, "K") {
                kelvin = Some(scale);
            } else {
                return Err(format!("\"{word}\" is not understood: {expected}"));
            }
        }
        match (kelvin, jy, per_beam) {
            (Some(scale), None, false) => Ok(IntensityUnit::Kelvin(scale)),
            (None, Some(scale), true) => Ok(IntensityUnit::JyPerBeam(scale)),
            (None, Some(_), false) => {
                Err(format!("a flux density without \"/beam\" is no brightness: {expected}"))
            }
            _ => Err(format!("not an intensity: {expected}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_spellings_of_the_wild() {
        for text in
            ["Jy/beam", "beam-1 Jy", "Jy beam-1", "JY/BEAM", "Jy beam^-1", "Jy.beam**-1", " Jy /beam "]
        {
            assert_eq!(text.parse(), Ok(IntensityUnit::JyPerBeam(1.0)), "{text}");
        }
        assert_eq!("mJy/beam".parse(), Ok(IntensityUnit::JyPerBeam(1e-3)));
        assert_eq!("K".parse(), Ok(IntensityUnit::Kelvin(1.0)));
        assert_eq!("mK".parse(), Ok(IntensityUnit::Kelvin(1e-3)));
        assert_eq!(IntensityUnit::Kelvin(1e-3).to_string(), "mK");
        assert_eq!(IntensityUnit::JyPerBeam(1e-6).to_string(), "uJy/beam");
        assert_eq!(IntensityUnit::JyPerBeam(2.0).to_string(), "2 Jy/beam");
        assert_eq!("K (Tmb)".parse(), Ok(IntensityUnit::Kelvin(1.0)));
        for text in [
            "",
            "Jy",
            "Jy/pixel",
            "Jy pixel-1",
            "K km/s",
            "K km s-1",
            "MJY/BEAM",
            "MJy/sr",
            "beam-1",
            "erg/s",
            "m",
            "K Jy/beam",
        ] {
            assert!(text.parse::<IntensityUnit>().is_err(), "{text}");
        }
        assert!("Jy/pixel".parse::<IntensityUnit>().unwrap_err().contains("per pixel"));
        assert_eq!("KELVIN".parse(), Ok(IntensityUnit::Kelvin(1.0)));
        assert_eq!("GHZ".parse(), Ok(SpectralUnit::Frequency(1e3)));
        assert_eq!("km/s".parse(), Ok(SpectralUnit::Velocity(1.0)));
        assert_eq!("m s-1".parse(), Ok(SpectralUnit::Velocity(1e-3)));
        assert!("".parse::<SpectralUnit>().is_err() && "K".parse::<SpectralUnit>().is_err());
    }
}
