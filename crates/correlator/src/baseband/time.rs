//! When a frame was taken: VDIF reference epochs and UTC seconds.

use serde::{Deserialize, Serialize};
use std::fmt;

const DAY_S: i64 = 86_400;

/// First days (MJD) after a leap second since 2000 (IERS Bulletin C). VDIF seconds count leap seconds.
const LEAP_SECOND_DAYS: [i64; 5] = [53_736, 54_832, 56_109, 57_204, 57_754];

/// A whole second of UTC, counted as MJD x 86400 + second of the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct UtcSecond(pub i64);

impl UtcSecond {
    /// The second `second` (may exceed a day) of the day `mjd`.
    pub fn new(mjd: i64, second: i64) -> Self {
        Self(mjd * DAY_S + second)
    }

    /// Modified Julian Day.
    pub fn mjd(self) -> i64 {
        self.0.div_euclid(DAY_S)
    }

    /// Second of the day, 0 to 86399.
    pub fn second_of_day(self) -> i64 {
        self.0.rem_euclid(DAY_S)
    }

    /// The second that a VDIF header means: `seconds` after the half-year `ref_epoch` (0 is 2000-01-01).
    ///
    /// Source: VDIF specification 1.1.1 (2014), words 0 and 1. Leap seconds between the epoch and the frame are
    /// counted in `seconds`; recorders that take the current half-year as epoch never meet one.
    pub fn from_vdif(ref_epoch: u8, seconds: u32) -> Self {
        let epoch = vdif_epoch_mjd(ref_epoch);
        let counted = epoch * DAY_S + i64::from(seconds);
        let leaps = LEAP_SECOND_DAYS
            .iter()
            .filter(|&&day| day > epoch)
            .zip(1..)
            .take_while(|&(&day, n)| counted - n >= day * DAY_S)
            .count();
        Self(counted - leaps as i64)
    }

    /// The latest reference epoch not after this second and the seconds since then.
    pub fn to_vdif(self) -> (u8, u32) {
        let mut epoch = 0;
        while epoch < 63 && vdif_epoch_mjd(epoch + 1) * DAY_S <= self.0 {
            epoch += 1;
        }
        let seconds = (self.0 - vdif_epoch_mjd(epoch) * DAY_S).clamp(0, (1 << 30) - 1);
        (epoch, seconds as u32)
    }

    /// Year, month, day of the Gregorian calendar.
    pub fn date(self) -> (i64, u32, u32) {
        civil_from_mjd(self.mjd())
    }

    /// ISO 8601 with nine decimals: this second plus `nanosecond`.
    pub fn iso(self, nanosecond: u32) -> String {
        format!("{self}.{nanosecond:09}")
    }
}

impl fmt::Display for UtcSecond {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.date();
        let s = self.second_of_day();
        write!(f, "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60)
    }
}

/// MJD of the VDIF reference epoch `ref_epoch` (half-years since 2000-01-01).
pub fn vdif_epoch_mjd(ref_epoch: u8) -> i64 {
    let month = if ref_epoch.is_multiple_of(2) { 1 } else { 7 };
    mjd_from_civil(2000 + i64::from(ref_epoch / 2), month, 1)
}

/// MJD of a Gregorian date (days of a March-based 400-year era; 1858-11-17 is MJD 0).
pub fn mjd_from_civil(year: i64, month: u32, day: u32) -> i64 {
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let year_of_era = y.rem_euclid(400);
    let month_from_march = i64::from((month + 9) % 12);
    let day_of_year = (153 * month_from_march + 2) / 5 + i64::from(day) - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 678_881
}

fn civil_from_mjd(mjd: i64) -> (i64, u32, u32) {
    let days = mjd + 678_881;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = (day_of_year - (153 * month_from_march + 2) / 5 + 1) as u32;
    let month = ((month_from_march + 2) % 12 + 1) as u32;
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_days() {
        assert_eq!(mjd_from_civil(1858, 11, 17), 0);
        assert_eq!(mjd_from_civil(2000, 1, 1), 51_544);
        assert_eq!(mjd_from_civil(2023, 2, 25), 60_000);
        assert_eq!(vdif_epoch_mjd(1), 51_726);
    }

    #[test]
    fn leap_seconds_are_counted() {
        // Frame of 2016-04-22 counted from 2000: four leap seconds lie between.
        assert_eq!(UtcSecond::from_vdif(0, 514_629_935).to_string(), "2016-04-22T08:45:31");
        assert_eq!(UtcSecond::from_vdif(28, 14_363_767).to_string(), "2014-06-16T05:56:07");
    }

    proptest::proptest! {
        #[test]
        fn dates_go_round(mjd in -200_000_i64..200_000) {
            let (y, m, d) = UtcSecond::new(mjd, 0).date();
            proptest::prop_assert_eq!(mjd_from_civil(y, m, d), mjd);
        }

        #[test]
        fn vdif_goes_round(second in 51_544_i64 * 86_400..63_000 * 86_400) {
            let (epoch, s) = UtcSecond(second).to_vdif();
            proptest::prop_assert_eq!(UtcSecond::from_vdif(epoch, s), UtcSecond(second));
        }
    }
}
