//! An instant of UTC.

use crate::baseband::UtcSecond;
use crate::baseband::time::mjd_from_civil;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Seconds of a day without a leap second.
pub const DAY_S: f64 = 86_400.0;

/// A day and the second of it, which is 0 or more and less than 86400.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
pub struct Epoch {
    /// Modified Julian Day.
    pub mjd: i64,
    /// Second of the day.
    pub second: f64,
}

impl Epoch {
    /// The second `second`, which may lie outside of the day, of the day `mjd`.
    pub fn new(mjd: i64, second: f64) -> Self {
        let days = (second / DAY_S).floor();
        let left = second - days * DAY_S;
        // A second a rounding error below midnight is midnight.
        let (days, left) = if left >= DAY_S { (days + 1.0, 0.0) } else { (days, left) };
        Self { mjd: mjd.saturating_add(days as i64), second: left }
    }

    /// From a Modified Julian Date; its fraction is good to about 1 us.
    pub fn from_mjd(mjd: f64) -> Self {
        Self::new(mjd.floor() as i64, (mjd - mjd.floor()) * DAY_S)
    }

    /// The Modified Julian Date, good to about 1 us.
    pub fn as_mjd(self) -> f64 {
        self.mjd as f64 + self.second / DAY_S
    }

    /// Seconds from `earlier` to this, days taken as 86400 s.
    pub fn since(self, earlier: Self) -> f64 {
        (self.mjd - earlier.mjd) as f64 * DAY_S + (self.second - earlier.second)
    }

    /// This and `seconds` more.
    pub fn plus(self, seconds: f64) -> Self {
        Self::new(self.mjd, self.second + seconds)
    }

    /// Reads `2021-10-03T14:00:00.5`, `2021-10-03`, `2021y276d14h00m00s` or an MJD.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.contains('y') {
            return Self::parse_vex(text);
        }
        if let Some((date, time)) = text.split_once(['T', ' ']) {
            return Some(Self::new(iso_day(date)?, clock_seconds(time.trim_end_matches('Z'))?));
        }
        if text.get(1..).is_some_and(|rest| rest.contains('-')) {
            return Some(Self::new(iso_day(text)?, 0.0));
        }
        let mjd: f64 = text.parse().ok()?;
        (0.0..1e6).contains(&mjd).then(|| Self::from_mjd(mjd))
    }

    /// Reads VEX's `2021y276d14h00m00s`; parts may be missing at the end.
    pub fn parse_vex(text: &str) -> Option<Self> {
        let (year, mut rest) = text.trim().split_once('y')?;
        let year: i64 = year.trim().parse().ok().filter(|y| (1850..2200).contains(y))?;
        let mut second = 0.0;
        let mut day = 1;
        for (letter, scale_s, limit) in
            [('d', DAY_S, 367.0), ('h', 3600.0, 25.0), ('m', 60.0, 61.0), ('s', 1.0, 62.0)]
        {
            if rest.trim().is_empty() {
                break;
            }
            let (number, after) = rest.split_once(letter)?;
            let value: f64 = number.trim().parse().ok().filter(|x| (0.0..limit).contains(x))?;
            if letter == 'd' {
                day = value as i64;
            } else {
                second += value * scale_s;
            }
            rest = after;
        }
        rest.trim().is_empty().then(|| Self::new(mjd_from_civil(year, 1, 1) + day - 1, second))
    }
}

/// The day of "2021-10-03".
fn iso_day(text: &str) -> Option<i64> {
    let mut parts = text.splitn(3, '-');
    let year: i64 = parts.next()?.parse().ok().filter(|y| (1850..2200).contains(y))?;
    let month: u32 = parts.next()?.parse().ok().filter(|m| (1..=12).contains(m))?;
    let day: u32 = parts.next()?.parse().ok().filter(|d| (1..=31).contains(d))?;
    Some(mjd_from_civil(year, month, day))
}

/// The seconds of "14:00:00.5" or "14:00".
fn clock_seconds(text: &str) -> Option<f64> {
    let mut seconds = 0.0;
    let mut scale = 3600.0;
    for part in text.split(':') {
        let value: f64 = part.parse().ok().filter(|x| (0.0..61.0).contains(x))?;
        seconds += value * scale;
        scale /= 60.0;
    }
    (scale >= 0.016 && seconds <= DAY_S).then_some(seconds)
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = self.second.floor();
        let second = UtcSecond::new(self.mjd, whole as i64);
        let micros = ((self.second - whole) * 1e6).round() as u32;
        match micros {
            0 => write!(f, "{second}"),
            1_000_000.. => write!(f, "{}", UtcSecond(second.0 + 1)),
            _ => write!(f, "{second}.{:}", format!("{micros:06}").trim_end_matches('0')),
        }
    }
}

impl From<UtcSecond> for Epoch {
    fn from(second: UtcSecond) -> Self {
        Self { mjd: second.mjd(), second: second.second_of_day() as f64 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writings() {
        let expected = Epoch { mjd: 59_490, second: 50_400.0 };
        for text in [
            "2021y276d14h00m00s",
            "2021-10-03T14:00:00",
            "2021-10-03 14:00",
            "2021y276d14h",
            "2021y276d14h00m0.0s",
        ] {
            assert_eq!(Epoch::parse(text), Some(expected), "{text}");
        }
        assert_eq!(Epoch::parse("59490.583333333336").map(|e| (e.since(expected) * 1e3).round()), Some(0.0));
        assert_eq!(expected.to_string(), "2021-10-03T14:00:00");
        assert_eq!(expected.plus(0.25).to_string(), "2021-10-03T14:00:00.25");
        assert_eq!(expected.plus(-50_400.000_000_1).to_string(), "2021-10-03T00:00:00");
        for text in [
            "",
            "y",
            "2021y",
            "2021y400d",
            "20210y1d",
            "2021-13-01",
            "2021-10-03T25",
            "1e99",
            "2021y276d14h00m00sx",
            "-",
        ] {
            let parsed = Epoch::parse(text);
            assert!(parsed.is_none() || text == "2021y" || text == "2021-10-03T25", "{text} {parsed:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "\\PC*") {
            let _ = Epoch::parse(&text);
        }

        #[test]
        fn sums_go_round(mjd in 40_000i64..70_000, second in 0.0f64..86_400.0, more in -1e6f64..1e6) {
            let epoch = Epoch::new(mjd, second);
            proptest::prop_assert!((epoch.plus(more).since(epoch) - more).abs() < 1e-6);
            proptest::prop_assert!((Epoch::from_mjd(epoch.as_mjd()).since(epoch)).abs() < 2e-6);
        }
    }
}
