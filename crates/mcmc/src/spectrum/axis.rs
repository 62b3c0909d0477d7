//! The spectral axis of a FITS file as frequencies.

use crate::physics::C_KMS;
use serde::{Deserialize, Serialize};

/// What a spectral axis counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum AxisKind {
    /// Frequency.
    Frequency,
    /// Velocity, radio convention: `nu = nu0 (1 - v/c)`.
    RadioVelocity,
    /// Velocity, optical convention: `nu = nu0 / (1 + v/c)`.
    OpticalVelocity,
}

impl AxisKind {
    /// From CTYPE and VELREF (which tells the convention of `VELO`: above 256 is radio; AIPS).
    /// `None` where it is not a spectral axis that is understood.
    pub fn from_ctype(ctype: &str, velref: Option<i64>) -> Option<Self> {
        let code = ctype.trim().to_ascii_uppercase();
        match code.split('-').next()? {
            "FREQ" => Some(AxisKind::Frequency),
            "VRAD" => Some(AxisKind::RadioVelocity),
            "VOPT" | "FELO" => Some(AxisKind::OpticalVelocity),
            "VELO" | "VELOCITY" => match velref {
                Some(1..=256) => Some(AxisKind::OpticalVelocity),
                _ => Some(AxisKind::RadioVelocity),
            },
            _ => None,
        }
    }

    /// Scale of a CUNIT to MHz or km/s; an empty one is the SI unit.
    pub fn scale(self, cunit: &str) -> Option<f64> {
        let unit: String =
            cunit.chars().filter(|c| !c.is_whitespace()).collect::<String>().to_ascii_lowercase();
        match (self, unit.as_str()) {
            (AxisKind::Frequency, "" | "hz") => Some(1.0e-6),
            (AxisKind::Frequency, "khz") => Some(1.0e-3),
            (AxisKind::Frequency, "mhz") => Some(1.0),
            (AxisKind::Frequency, "ghz") => Some(1.0e3),
            (AxisKind::Frequency, _) => None,
            (_, "" | "m/s" | "ms-1" | "m.s-1" | "ms**-1" | "ms^-1") => Some(1.0e-3),
            (_, "km/s" | "kms-1" | "km.s-1" | "kms**-1" | "kms^-1") => Some(1.0),
            (_, _) => None,
        }
    }
}

/// A linear spectral axis: values in MHz or km/s.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SpectralAxis {
    /// What it counts.
    pub kind: AxisKind,
    /// Number of channels.
    pub n: usize,
    /// Reference channel, counted from 1.
    pub crpix: f64,
    /// Value there (MHz or km/s).
    pub crval: f64,
    /// Step (MHz or km/s); negative axes are as good as positive ones.
    pub cdelt: f64,
    /// Rest frequency (MHz); 0 on a frequency axis.
    pub rest_mhz: f64,
}

impl SpectralAxis {
    /// Channel centres (MHz), in the order of the file.
    pub fn freq_mhz(&self) -> Vec<f64> {
        (0..self.n).map(|i| self.at(i)).collect()
    }

    fn at(&self, channel: usize) -> f64 {
        let value = self.crval + (channel as f64 + 1.0 - self.crpix) * self.cdelt;
        match self.kind {
            AxisKind::Frequency => value,
            AxisKind::RadioVelocity => self.rest_mhz * (1.0 - value / C_KMS),
            AxisKind::OpticalVelocity => self.rest_mhz / (1.0 + value / C_KMS),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_kinds_meet_at_the_same_frequencies() {
        let rest_mhz = 220_300.0;
        let axis = |kind, crval, cdelt| SpectralAxis { kind, n: 100, crpix: 51.0, crval, cdelt, rest_mhz };
        let radio = axis(AxisKind::RadioVelocity, -5.5, -0.5).freq_mhz();
        let step_mhz = 0.5 / C_KMS * rest_mhz;
        let freq = axis(AxisKind::Frequency, rest_mhz * (1.0 + 5.5 / C_KMS), step_mhz).freq_mhz();
        for (a, b) in radio.iter().zip(&freq) {
            assert!((a - b).abs() < 1e-6);
        }
        let optical = axis(AxisKind::OpticalVelocity, 1000.0, 1.0).freq_mhz()[50];
        assert!((optical - rest_mhz / (1.0 + 1000.0 / C_KMS)).abs() < 1e-9);
        assert!((optical - axis(AxisKind::RadioVelocity, 1000.0, 1.0).freq_mhz()[50]).abs() > 2.0);
    }

    #[test]
    fn names_are_understood_or_refused() {
        use AxisKind::{Frequency, OpticalVelocity, RadioVelocity};
        let kind = |ctype, velref| AxisKind::from_ctype(ctype, velref);
        assert_eq!(kind("FREQ", None), Some(Frequency));
        assert_eq!(kind("FREQ-LSR", None), Some(Frequency));
        assert_eq!(kind("VRAD", None), Some(RadioVelocity));
        assert_eq!(kind("VELO-LSR", Some(257)), Some(RadioVelocity));
        assert_eq!(kind("VELO", Some(1)), Some(OpticalVelocity));
        assert_eq!(kind("VOPT-F2W", None), Some(OpticalVelocity));
        assert_eq!((kind("RA---SIN", None), kind("WAVE", None)), (None, None));
        assert_eq!((Frequency.scale("GHz"), RadioVelocity.scale("m s-1")), (Some(1e3), Some(1e-3)));
        assert_eq!((Frequency.scale("km/s"), RadioVelocity.scale("Hz")), (None, None));
    }
}
