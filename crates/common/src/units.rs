//! Quantities with a unit, as users write them ("231.5 GHz", "0.5 arcsec"); kernels take plain numbers.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// A quantity that cannot be read.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum UnitError {
    /// The number is missing or broken.
    #[error("\"{text}\" does not start with a number")]
    Number {
        /// What was read.
        text: String,
    },
    /// The unit is missing or of another quantity.
    #[error("\"{text}\" has no unit of {quantity}: one of {known} is needed")]
    Unit {
        /// What was read.
        text: String,
        /// What was expected.
        quantity: &'static str,
        /// The units that would do.
        known: String,
    },
}

/// Splits number and unit, and scales.
fn parse(text: &str, quantity: &'static str, units: &[(&str, f64)]) -> Result<f64, UnitError> {
    let text = text.trim();
    // The longest start that is a number: "1e3Hz" has an exponent, "5e" would not.
    let (number, unit) = (1..=text.len())
        .rev()
        .filter(|&n| text.is_char_boundary(n))
        .find_map(|n| Some((text[..n].trim_end().parse::<f64>().ok()?, text[n..].trim())))
        .filter(|(number, _)| number.is_finite())
        .ok_or_else(|| UnitError::Number { text: text.to_string() })?;
    let scale = units.iter().find(|(name, _)| *name == unit).map(|u| u.1);
    scale.map(|s| number * s).ok_or_else(|| UnitError::Unit {
        text: text.to_string(),
        quantity,
        known: units.iter().map(|u| u.0).collect::<Vec<_>>().join(", "),
    })
}

macro_rules! quantity {
    ($name:ident, $what:literal, $base:literal, [$($unit:literal = $scale:expr),+]) => {
        #[doc = concat!("A ", $what, " in ", $base, ".")]
        #[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
        pub struct $name(pub f64);

        impl FromStr for $name {
            type Err = UnitError;
            fn from_str(text: &str) -> Result<Self, UnitError> {
                parse(text, $what, &[$(($unit, $scale)),+]).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{} {}", self.0, $base)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.collect_str(self)
            }
        }
    };
}

quantity!(Hertz, "frequency", "Hz", ["Hz" = 1.0, "kHz" = 1e3, "MHz" = 1e6, "GHz" = 1e9, "THz" = 1e12]);
quantity!(
    Seconds,
    "time",
    "s",
    ["s" = 1.0, "ms" = 1e-3, "us" = 1e-6, "ns" = 1e-9, "ps" = 1e-12, "min" = 60.0, "h" = 3600.0]
);
quantity!(Metres, "length", "m", ["m" = 1.0, "cm" = 1e-2, "mm" = 1e-3, "km" = 1e3]);
quantity!(Kelvin, "temperature", "K", ["K" = 1.0, "mK" = 1e-3]);
quantity!(KmPerS, "velocity", "km/s", ["km/s" = 1.0, "m/s" = 1e-3]);
quantity!(
    Radians,
    "angle",
    "rad",
    [
        "rad" = 1.0,
        "deg" = std::f64::consts::PI / 180.0,
        "arcmin" = std::f64::consts::PI / 10_800.0,
        "arcsec" = std::f64::consts::PI / 648_000.0,
        "mas" = std::f64::consts::PI / 648_000_000.0
    ]
);

impl Radians {
    /// The angle in seconds of arc.
    pub fn arcsec(self) -> f64 {
        self.0 * 648_000.0 / std::f64::consts::PI
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn units_scale() {
        assert_eq!("231.5GHz".parse(), Ok(Hertz(231.5e9)));
        assert_eq!(" 1e3 kHz ".parse(), Ok(Hertz(1e6)));
        assert_eq!("-7 km/s".parse(), Ok(KmPerS(-7.0)));
        assert!(("0.5 arcsec".parse::<Radians>().unwrap().arcsec() - 0.5).abs() < 1e-12);
    }

    #[test]
    fn what_is_wrong_is_told() {
        let error = "3 K".parse::<Hertz>().unwrap_err().to_string();
        assert!(error.contains("frequency") && error.contains("GHz"), "{error}");
        for bad in ["GHz", "", "nan K", "inf K", "1..5 K"] {
            assert!(
                matches!(bad.parse::<Kelvin>(), Err(UnitError::Number { .. } | UnitError::Unit { .. })),
                "{bad}"
            );
        }
        assert!(matches!("5".parse::<Kelvin>(), Err(UnitError::Unit { .. })));
    }

    proptest! {
        #[test]
        fn what_is_shown_can_be_read(x in -1e30f64..1e30) {
            prop_assert_eq!(Seconds(x).to_string().parse::<Seconds>(), Ok(Seconds(x)));
        }

        #[test]
        fn no_text_panics(text in "\\PC*") {
            let _ = text.parse::<Hertz>();
        }
    }
}
