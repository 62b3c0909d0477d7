//! Reads the values of fields: numbers with units, epochs, angles.

use super::error::Problem;
use super::syntax::{Field, Statement};
use crate::epoch::Epoch;
use std::f64::consts::PI;

/// A unit: its factor to SI and its powers of time, length, angle and samples.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Unit {
    factor: f64,
    powers: [i8; 4],
}

const NONE: Unit = Unit { factor: 1.0, powers: [0; 4] };

fn single(name: &str) -> Option<Unit> {
    let lower = name.to_ascii_lowercase();
    let (factor, powers) = match lower.as_str() {
        "psec" | "ps" => (1e-12, [1, 0, 0, 0]),
        "nsec" | "ns" => (1e-9, [1, 0, 0, 0]),
        "usec" | "us" => (1e-6, [1, 0, 0, 0]),
        "msec" => (1e-3, [1, 0, 0, 0]),
        "sec" | "s" => (1.0, [1, 0, 0, 0]),
        "min" => (60.0, [1, 0, 0, 0]),
        "hr" | "hour" => (3600.0, [1, 0, 0, 0]),
        "day" | "dy" => (86_400.0, [1, 0, 0, 0]),
        "yr" | "year" => (365.25 * 86_400.0, [1, 0, 0, 0]),
        "uhz" => (1e-6, [-1, 0, 0, 0]),
        "mhz" if name.starts_with('m') => (1e-3, [-1, 0, 0, 0]),
        "hz" => (1.0, [-1, 0, 0, 0]),
        "khz" => (1e3, [-1, 0, 0, 0]),
        "mhz" => (1e6, [-1, 0, 0, 0]),
        "ghz" => (1e9, [-1, 0, 0, 0]),
        "um" => (1e-6, [0, 1, 0, 0]),
        "mm" => (1e-3, [0, 1, 0, 0]),
        "cm" => (1e-2, [0, 1, 0, 0]),
        "m" => (1.0, [0, 1, 0, 0]),
        "km" => (1e3, [0, 1, 0, 0]),
        "mas" => (PI / 648_000_000.0, [0, 0, 1, 0]),
        "asec" | "arcsec" => (PI / 648_000.0, [0, 0, 1, 0]),
        "amin" | "arcmin" => (PI / 10_800.0, [0, 0, 1, 0]),
        "deg" => (PI / 180.0, [0, 0, 1, 0]),
        "rad" => (1.0, [0, 0, 1, 0]),
        "ks" => (1e3, [0, 0, 0, 1]),
        "ms" if name == "ms" => (1e-3, [1, 0, 0, 0]),
        "ms" => (1e6, [0, 0, 0, 1]),
        "gs" => (1e9, [0, 0, 0, 1]),
        _ => return None,
    };
    Some(Unit { factor, powers })
}

/// "usec/sec/day" is usec per sec and day.
fn unit(text: &str) -> Option<Unit> {
    let mut parts = text.split('/').map(str::trim);
    let mut product = single(parts.next()?)?;
    for part in parts {
        let divisor = single(part)?;
        product.factor /= divisor.factor;
        product.powers.iter_mut().zip(divisor.powers).for_each(|(p, d)| *p -= d);
    }
    Some(product)
}

/// What a number should measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// s.
    Time,
    /// Hz.
    Frequency,
    /// m.
    Length,
    /// m/s.
    Velocity,
    /// rad.
    Angle,
    /// Samples/s.
    SampleRate,
    /// s/s; often written without a unit.
    Rate,
    /// s/s^2; often without.
    RateChange,
    /// s/s^3; often without.
    RateJerk,
}

impl Kind {
    fn powers(self) -> [i8; 4] {
        match self {
            Self::Time => [1, 0, 0, 0],
            Self::Frequency => [-1, 0, 0, 0],
            Self::Length => [0, 1, 0, 0],
            Self::Velocity => [-1, 1, 0, 0],
            Self::Angle => [0, 0, 1, 0],
            Self::SampleRate => [-1, 0, 0, 1],
            Self::Rate => [0, 0, 0, 0],
            Self::RateChange => [-1, 0, 0, 0],
            Self::RateJerk => [-2, 0, 0, 0],
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Time => "a time, such as 420 sec",
            Self::Frequency => "a frequency, such as 86012.00 MHz",
            Self::Length => "a length, such as 2.13 m",
            Self::Velocity => "a velocity, such as 0.0167 m/yr",
            Self::Angle => "an angle, such as 0.2198 asec",
            Self::SampleRate => "a sample rate, such as 32 Ms/sec",
            Self::Rate => "a clock rate, such as 1.2e-12 or 1.2e-6 usec/sec",
            Self::RateChange => "a change of clock rate, such as 1e-18 or 1e-12 usec/sec/sec",
            Self::RateJerk => "a third order of the clock, such as 1e-24",
        }
    }
}

/// A number in SI units; a number without a unit is taken to be in SI units.
pub fn quantity(field: &Field, kind: Kind) -> Result<f64, Problem> {
    quantity_or(field, kind, None)
}

/// As [`quantity`], a number without a unit in `otherwise`: in a list a unit holds until the next.
pub fn quantity_or(field: &Field, kind: Kind, otherwise: Option<&str>) -> Result<f64, Problem> {
    let wrong = || Problem::new(field.span.clone(), format!("\"{}\" is not {}", field.text, kind.name()));
    let text = field.text.trim();
    let (number, unit_text) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let value: f64 = number.parse().map_err(|_| wrong())?;
    let named = if unit_text.trim().is_empty() { otherwise.unwrap_or("") } else { unit_text.trim() };
    let unit = if named.is_empty() {
        Unit { powers: kind.powers(), ..NONE }
    } else {
        unit(named).ok_or_else(wrong)?
    };
    let value = value * unit.factor;
    if unit.powers == kind.powers() && value.is_finite() { Ok(value) } else { Err(wrong()) }
}

/// A list of numbers of one kind; a unit holds for those that follow it.
pub fn quantities(fields: &[Field], kind: Kind) -> Result<Vec<f64>, Problem> {
    let mut last = None;
    let mut values = Vec::new();
    for field in fields {
        values.push(quantity_or(field, kind, last)?);
        last = field.text.split_once(char::is_whitespace).map(|(_, unit)| unit.trim()).or(last);
    }
    Ok(values)
}

/// An epoch such as `2021y276d14h00m00s`.
pub fn epoch(field: &Field) -> Result<Epoch, Problem> {
    let wrong =
        || Problem::new(field.span.clone(), format!("\"{}\" is no time like 2021y276d14h00m00s", field.text));
    Epoch::parse_vex(&field.text).ok_or_else(wrong)
}

/// A whole number.
pub fn integer(field: &Field) -> Result<i64, Problem> {
    let wrong = || Problem::new(field.span.clone(), format!("\"{}\" is no whole number", field.text));
    field.text.trim().parse().map_err(|_| wrong())
}

/// The field of a statement, counted from 0.
pub fn nth<'a>(statement: &'a Statement, n: usize, what: &str) -> Result<&'a Field, Problem> {
    let found = statement.fields.get(n).filter(|f| !f.text.is_empty());
    found.ok_or_else(|| {
        let what = format!("field {} of \"{}\" is missing: {what}", n + 1, statement.key);
        Problem::new(statement.span.clone(), what)
    })
}

/// A right ascension such as `00h57m48.88s`, in rad.
pub fn right_ascension(field: &Field) -> Result<f64, Problem> {
    let parsed = sexagesimal(&field.text, ['h', 'm', 's']).filter(|(_, hours)| *hours < 24.000_001);
    let hours = parsed.map(|(sign, hours)| sign * hours);
    hours.map(|h| h * PI / 12.0).ok_or_else(|| {
        Problem::new(
            field.span.clone(),
            format!("\"{}\" is no right ascension like 00h57m48.883s", field.text),
        )
    })
}

/// A declination such as `-30d21'08.81"`, in rad.
pub fn declination(field: &Field) -> Result<f64, Problem> {
    let parsed = sexagesimal(&field.text, ['d', '\'', '"']).filter(|(_, degrees)| *degrees < 90.000_001);
    let degrees = parsed.map(|(sign, degrees)| sign * degrees);
    degrees.map(|d| d * PI / 180.0).ok_or_else(|| {
        Problem::new(field.span.clone(), format!("\"{}\" is no declination like -30d21'08.81\"", field.text))
    })
}

/// Sign and size of three parts, each 60 times smaller than the one before.
fn sexagesimal(text: &str, marks: [char; 3]) -> Option<(f64, f64)> {
    let text = text.trim();
    let (sign, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, text.strip_prefix('+').unwrap_or(text)),
    };
    let mut size = 0.0;
    let mut scale = 1.0;
    for mark in marks {
        if rest.trim().is_empty() {
            break;
        }
        let (number, after) = rest.split_once(mark)?;
        let value: f64 = number.trim().parse().ok()?;
        let limit = if scale == 1.0 { 360.0 } else { 60.000_001 };
        if !(0.0..limit).contains(&value) {
            return None;
        }
        size += value * scale;
        scale /= 60.0;
        rest = after;
    }
    (rest.trim().is_empty() && scale < 1.0).then_some((sign, size))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(text: &str) -> Field {
        Field { text: text.to_owned(), span: 0..text.len() }
    }

    #[test]
    fn units() {
        let close = |text: &str, kind, expected: f64| {
            let value = quantity(&field(text), kind).unwrap();
            assert!((value - expected).abs() <= 1e-12 * expected.abs(), "{text}: {value}");
        };
        close("420 sec", Kind::Time, 420.0);
        close("-22.3514 usec", Kind::Time, -22.3514e-6);
        close("86012.00 MHz", Kind::Frequency, 86.012e9);
        close("256.000 Ms/sec", Kind::SampleRate, 256e6);
        close("5.6827e-13", Kind::Rate, 5.6827e-13);
        close("-2.2e-7 usec/sec", Kind::Rate, -2.2e-13);
        close("1 usec/day", Kind::Rate, 1e-6 / 86_400.0);
        close("0.016750 m/yr", Kind::Velocity, 0.01675 / 31_557_600.0);
        close("0.1 asec", Kind::Angle, 0.1 * PI / 648_000.0);
        close("24 hr", Kind::Time, 86_400.0);
        for (text, kind) in
            [("420 MHz", Kind::Time), ("x sec", Kind::Time), ("1e999 sec", Kind::Time), ("1 foo", Kind::Time)]
        {
            assert!(quantity(&field(text), kind).unwrap_err().what.contains("420 sec"), "{text}");
        }
        let list = [field("11.0 deg"), field("13.0"), field("60 amin")];
        let degrees: Vec<f64> =
            quantities(&list, Kind::Angle).unwrap().iter().map(|a| a.to_degrees()).collect();
        assert!(degrees.iter().zip([11.0, 13.0, 1.0]).all(|(a, b)| (a - b).abs() < 1e-12));
    }

    #[test]
    fn angles() {
        let ra = right_ascension(&field("06h00m36.0s")).unwrap();
        assert!((ra - 6.01 * PI / 12.0).abs() < 1e-15);
        let dec = declination(&field("-00d30'00.0\"")).unwrap();
        assert!((dec + 0.5 * PI / 180.0).abs() < 1e-15);
        for text in ["", "12", "25h00m00s", "12h61m00s", "12h00m00sx", "ah"] {
            assert!(right_ascension(&field(text)).is_err(), "{text}");
        }
        for text in ["91d00'00\"", "--1d", "1h00m"] {
            assert!(declination(&field(text)).is_err(), "{text}");
        }
    }
}
