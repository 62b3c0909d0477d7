//! The spectral axis of a FITS file as frequencies.

use crate::physics::C_KMS;
use serde::{Deserialize, Serialize};

/// How velocities are defined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Convention {
    /// `nu = nu0 (1 - v/c)`.
    Radio,
    /// `nu = nu0 / (1 + v/c)`.
    Optical,
    /// `nu = nu0 sqrt((1 - v/c) / (1 + v/c))`.
    Relativistic,
}

impl std::fmt::Display for Convention {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Convention::Radio => "radio",
            Convention::Optical => "optical",
            Convention::Relativistic => "relativistic",
        })
    }
}

impl Convention {
    /// Frequency over rest frequency at a velocity (km/s).
    pub fn ratio(self, v_kms: f64) -> f64 {
        let beta = v_kms / C_KMS;
        match self {
            Convention::Radio => 1.0 - beta,
            Convention::Optical => 1.0 / (1.0 + beta),
            Convention::Relativistic => ((1.0 - beta) / (1.0 + beta)).sqrt(),
        }
    }

    /// Derivative of [`ratio`](Self::ratio) by the velocity (s/km).
    fn slope(self, v_kms: f64) -> f64 {
        let ratio = self.ratio(v_kms);
        match self {
            Convention::Radio => -1.0 / C_KMS,
            Convention::Optical => -ratio * ratio / C_KMS,
            Convention::Relativistic => -ratio / (1.0 - (v_kms / C_KMS).powi(2)) / C_KMS,
        }
    }
}

/// What a spectral axis counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum AxisKind {
    /// Frequency.
    Frequency,
    /// Velocity.
    Velocity(Convention),
}

impl AxisKind {
    /// In words.
    pub fn describe(self) -> &'static str {
        match self {
            AxisKind::Frequency => "frequency",
            AxisKind::Velocity(Convention::Radio) => "velocity, radio convention",
            AxisKind::Velocity(Convention::Optical) => "velocity, optical convention",
            AxisKind::Velocity(Convention::Relativistic) => "velocity, relativistic",
        }
    }

    /// Scale of a unit to MHz or km/s; an empty one is the SI unit.
    pub fn scale(self, unit: &str) -> Option<f64> {
        let unit: String =
            unit.chars().filter(|c| !c.is_whitespace()).collect::<String>().to_ascii_lowercase();
        match (self, unit.as_str()) {
            (AxisKind::Frequency, "" | "hz") => Some(1.0e-6),
            (AxisKind::Frequency, "khz") => Some(1.0e-3),
            (AxisKind::Frequency, "mhz") => Some(1.0),
            (AxisKind::Frequency, "ghz") => Some(1.0e3),
            (AxisKind::Frequency, "thz") => Some(1.0e6),
            (AxisKind::Frequency, _) => None,
            (_, "" | "m/s" | "ms-1" | "m.s-1" | "ms**-1" | "ms^-1" | "m/sec") => Some(1.0e-3),
            (_, "km/s" | "kms-1" | "km.s-1" | "kms**-1" | "kms^-1" | "km/sec" | "kms") => Some(1.0),
            (_, _) => None,
        }
    }
}

/// What a CTYPE says of a spectral axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SpectralType {
    pub kind: AxisKind,
    /// A velocity axis whose channels are equally wide in frequency.
    pub even_in_frequency: bool,
    /// The frame that AIPS writes behind the name.
    pub frame: Option<&'static str>,
    /// `VELO` by itself: which convention it follows has to be found elsewhere.
    pub is_vague: bool,
}

impl SpectralType {
    /// `None` where it is no spectral axis; an error where it is one that cannot be used.
    pub fn of(ctype: &str) -> Result<Option<Self>, String> {
        let code = ctype.trim().to_ascii_uppercase();
        let (name, rest) = code.split_once('-').unwrap_or((&code, ""));
        let rest = rest.trim_matches('-');
        let kind = match name.trim() {
            "FREQ" | "FREQUENC" | "FREQUENCY" => AxisKind::Frequency,
            "VOPT" | "FELO" => AxisKind::Velocity(Convention::Optical),
            "VRAD" | "VELO" | "VELOCITY" => AxisKind::Velocity(Convention::Radio),
            _ => return Ok(None),
        };
        let mut found = Self { kind, even_in_frequency: name == "FELO", frame: None, is_vague: false };
        // An algorithm of Greisen et al. 2006, A&A 446, 747, or a frame of AIPS.
        match (name, rest) {
            (_, "") => {}
            ("VOPT", "F2W") => found.even_in_frequency = true,
            ("VELO", "F2V") => {
                found.kind = AxisKind::Velocity(Convention::Relativistic);
                found.even_in_frequency = true;
                return Ok(Some(found));
            }
            (_, "LSR" | "LSRK") => found.frame = Some("LSRK"),
            (_, "LSRD") => found.frame = Some("LSRD"),
            (_, "HEL" | "BAR" | "BARY") => found.frame = Some("BARYCENT"),
            (_, "OBS" | "TOP" | "TOPO" | "EAR") => found.frame = Some("TOPOCENT"),
            (_, "GEO") => found.frame = Some("GEOCENTR"),
            (_, "GAL") => found.frame = Some("GALACTOC"),
            (_, "SOU") => found.frame = Some("SOURCE"),
            (_, other) => {
                return Err(format!(
                    "\"{code}\": channels spaced by the rule \"{other}\" are not understood: regrid to a linear axis"
                ));
            }
        }
        found.is_vague = name.starts_with("VELO");
        Ok(Some(found))
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
    /// A velocity axis whose channels are equally wide in frequency: the step is that at the reference channel.
    pub even_in_frequency: bool,
}

impl SpectralAxis {
    /// Channel centres (MHz), in the order of the file.
    pub fn freq_mhz(&self) -> Vec<f64> {
        (0..self.n).map(|i| self.at(i)).collect()
    }

    fn at(&self, channel: usize) -> f64 {
        let steps = channel as f64 + 1.0 - self.crpix;
        match self.kind {
            AxisKind::Frequency => self.crval + steps * self.cdelt,
            AxisKind::Velocity(convention) if self.even_in_frequency => {
                let step = convention.slope(self.crval) * self.cdelt;
                self.rest_mhz * (convention.ratio(self.crval) + steps * step)
            }
            AxisKind::Velocity(convention) => {
                self.rest_mhz * convention.ratio(self.crval + steps * self.cdelt)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Convention::{Optical, Radio, Relativistic};

    fn axis(kind: AxisKind, crval: f64, cdelt: f64, even_in_frequency: bool) -> SpectralAxis {
        SpectralAxis { kind, n: 100, crpix: 51.0, crval, cdelt, rest_mhz: 220_300.0, even_in_frequency }
    }

    #[test]
    fn all_kinds_meet_at_the_same_frequencies() {
        let rest_mhz = 220_300.0;
        let radio = axis(AxisKind::Velocity(Radio), -5.5, -0.5, false).freq_mhz();
        let step_mhz = 0.5 / C_KMS * rest_mhz;
        let freq = axis(AxisKind::Frequency, rest_mhz * (1.0 + 5.5 / C_KMS), step_mhz, false).freq_mhz();
        for (a, b) in radio.iter().zip(&freq) {
            assert!((a - b).abs() < 1e-6);
        }
        let at_1000 = |convention| axis(AxisKind::Velocity(convention), 1000.0, 1.0, false).freq_mhz()[50];
        assert!((at_1000(Optical) - rest_mhz / (1.0 + 1000.0 / C_KMS)).abs() < 1e-9);
        assert!((at_1000(Optical) - at_1000(Radio)).abs() > 2.0);
        let beta: f64 = 1000.0 / C_KMS;
        assert!((at_1000(Relativistic) / rest_mhz - ((1.0 - beta) / (1.0 + beta)).sqrt()).abs() < 1e-12);
        assert!(at_1000(Radio) < at_1000(Relativistic) && at_1000(Relativistic) < at_1000(Optical));
    }

    #[test]
    fn axes_even_in_frequency_have_the_step_of_their_reference() {
        for convention in [Radio, Optical, Relativistic] {
            let kind = AxisKind::Velocity(convention);
            let (even, own) =
                (axis(kind, 3000.0, 5.0, true).freq_mhz(), axis(kind, 3000.0, 5.0, false).freq_mhz());
            let step = even[1] - even[0];
            assert!(even.windows(2).all(|pair| (pair[1] - pair[0] - step).abs() < 1e-7));
            assert!((even[50] - own[50]).abs() < 1e-9);
            // Central difference of the axis that is even in velocity.
            assert!((0.5 * (own[51] - own[49]) / step - 1.0).abs() < 1e-7, "{convention:?}");
            assert!(convention == Radio || (even[0] - own[0]).abs() > 1e-3);
        }
    }

    #[test]
    fn names_are_understood_or_refused() {
        let of = |ctype| SpectralType::of(ctype).unwrap().unwrap();
        let kind = |ctype| of(ctype).kind;
        assert_eq!(kind("FREQ"), AxisKind::Frequency);
        assert_eq!((kind("FREQ-LSR"), of("FREQ-LSR").frame), (AxisKind::Frequency, Some("LSRK")));
        assert_eq!((kind("VRAD"), of("VRAD").is_vague), (AxisKind::Velocity(Radio), false));
        assert_eq!((of("VELO-HEL").frame, of("VELO-HEL").is_vague), (Some("BARYCENT"), true));
        assert_eq!((kind("VELO-F2V"), of("VELO-F2V").is_vague), (AxisKind::Velocity(Relativistic), false));
        for ctype in ["FELO-HEL", "VOPT-F2W", "FELO"] {
            assert_eq!(
                (kind(ctype), of(ctype).even_in_frequency),
                (AxisKind::Velocity(Optical), true),
                "{ctype}"
            );
        }
        assert!(!of("VOPT").even_in_frequency && of("VELOCITY").is_vague);
        assert_eq!((SpectralType::of("RA---SIN"), SpectralType::of("WAVE")), (Ok(None), Ok(None)));
        for ctype in ["FREQ-LOG", "VOPT-TAB", "FREQ-W2F", "VRAD-F2W"] {
            assert!(SpectralType::of(ctype).unwrap_err().contains("regrid"), "{ctype}");
        }
        let radio = AxisKind::Velocity(Radio);
        assert_eq!((AxisKind::Frequency.scale("GHz"), radio.scale("m s-1")), (Some(1e3), Some(1e-3)));
        assert_eq!((AxisKind::Frequency.scale("km/s"), radio.scale("Hz")), (None, None));
    }
}
