//! Earth orientation: points from a schedule, a file or the job, and their interpolation.
//!
//! Interpolated is UT1 - TAI, which knows no leap seconds, with the polynomial through up to four points around the time
//! (as the IERS's INTERP does). Tides of less than a day (below 0.1 ms in UT1) are not added: CALC as DiFX uses it leaves them
//! out, too.

mod file;

pub use file::{EopFileError, read};

use crate::epoch::Epoch;
use serde::{Deserialize, Serialize};

/// Earth orientation at 0h or another time of a day.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EopPoint {
    /// UTC as MJD.
    pub mjd: f64,
    /// TAI - UTC in s.
    pub tai_utc_s: f64,
    /// UT1 - UTC in s.
    pub ut1_utc_s: f64,
    /// Pole in arc seconds.
    pub x_arcsec: f64,
    /// Pole in arc seconds, positive towards 90 degrees west.
    pub y_arcsec: f64,
    /// Offset of the celestial pole from IAU 2006/2000A in milliarcseconds.
    #[serde(default)]
    pub dx_mas: f64,
    /// As `dx_mas`, y.
    #[serde(default)]
    pub dy_mas: f64,
}

/// Earth orientation at an instant.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Eop {
    /// TAI - UTC in s.
    pub tai_utc_s: f64,
    /// UT1 - UTC in s.
    pub ut1_utc_s: f64,
    /// Pole in arc seconds.
    pub x_arcsec: f64,
    /// Pole in arc seconds.
    pub y_arcsec: f64,
    /// Offset of the celestial pole in milliarcseconds.
    pub dx_mas: f64,
    /// As `dx_mas`, y.
    pub dy_mas: f64,
}

/// Why there is no Earth orientation for a time.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum EopError {
    /// Less than two points.
    #[error(
        "{0} Earth orientation points are given; at least two are needed, one before and one after the observation"
    )]
    TooFew(usize),
    /// Points that are not in the order of time.
    #[error("the Earth orientation points are not in the order of time at MJD {0}")]
    Order(f64),
    /// Holes of more than some days.
    #[error("the Earth orientation points have a hole from MJD {0} to {1}; give one for every day")]
    Hole(f64, f64),
    /// Outside of what is given.
    #[error(
        "Earth orientation is given from MJD {from} to {to}, but is needed at {wanted} (MJD {mjd:.4}); \
         give more days ($EOP of the schedule, or a finals2000A or C04 file)"
    )]
    Outside {
        /// First point.
        from: f64,
        /// Last point.
        to: f64,
        /// The time.
        wanted: Epoch,
        /// The same as MJD.
        mjd: f64,
    },
}

/// Points in the order of time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EopTable {
    points: Vec<EopPoint>,
}

/// Points that an interpolation uses.
const POINTS: usize = 4;
/// Days between points beyond which an interpolation makes no sense.
const LONGEST_DAYS: f64 = 5.5;
/// Rounding of a time in MJD.
const SLACK_DAYS: f64 = 1e-9;

impl EopTable {
    /// Takes points.
    ///
    /// # Errors
    /// [`EopError`] where they are too few, out of order or too far apart.
    pub fn new(points: Vec<EopPoint>) -> Result<Self, EopError> {
        if points.len() < 2 {
            return Err(EopError::TooFew(points.len()));
        }
        for pair in points.windows(2) {
            if pair[1].mjd.partial_cmp(&pair[0].mjd) != Some(std::cmp::Ordering::Greater) {
                return Err(EopError::Order(pair[1].mjd));
            }
        }
        Ok(Self { points })
    }

    /// The points.
    pub fn points(&self) -> &[EopPoint] {
        &self.points
    }

    /// The points needed for a range of time, and two more on each side.
    pub fn around(&self, from: Epoch, to: Epoch) -> Self {
        let first = self.points.partition_point(|p| p.mjd <= from.as_mjd()).saturating_sub(3);
        let last = (self.points.partition_point(|p| p.mjd < to.as_mjd()) + 3).min(self.points.len());
        Self { points: self.points[first.min(last.saturating_sub(2))..last].to_vec() }
    }

    /// Earth orientation at a time.
    ///
    /// # Errors
    /// [`EopError::Outside`], [`EopError::Hole`].
    pub fn at(&self, time: Epoch) -> Result<Eop, EopError> {
        let mjd = time.as_mjd();
        let (from, to) = (self.points[0].mjd, self.points[self.points.len() - 1].mjd);
        if mjd < from - SLACK_DAYS || mjd > to + SLACK_DAYS {
            return Err(EopError::Outside { from, to, wanted: time, mjd });
        }
        // The points on both sides of the time, and as many more around them.
        let after = self.points.partition_point(|p| p.mjd <= mjd).clamp(1, self.points.len() - 1);
        let (left, right) = (self.points[after - 1], self.points[after]);
        if right.mjd - left.mjd > LONGEST_DAYS {
            return Err(EopError::Hole(left.mjd, right.mjd));
        }
        let count = POINTS.min(self.points.len());
        let first = (after.saturating_sub(count / 2)).min(self.points.len() - count);
        let used = &self.points[first..first + count];
        let weights = lagrange(used, time);
        let sum = |of: fn(&EopPoint) -> f64| used.iter().zip(&weights).map(|(p, w)| of(p) * w).sum::<f64>();
        // A leap second comes at the end of a day: the value at its beginning holds.
        let tai_utc_s = if mjd >= right.mjd { right.tai_utc_s } else { left.tai_utc_s };
        Ok(Eop {
            tai_utc_s,
            ut1_utc_s: sum(|p| p.ut1_utc_s - p.tai_utc_s) + tai_utc_s,
            x_arcsec: sum(|p| p.x_arcsec),
            y_arcsec: sum(|p| p.y_arcsec),
            dx_mas: sum(|p| p.dx_mas),
            dy_mas: sum(|p| p.dy_mas),
        })
    }
}

/// Weights of Lagrange's polynomial through the points at a time.
fn lagrange(points: &[EopPoint], time: Epoch) -> Vec<f64> {
    // Days from the first point: the difference of two MJDs would lose digits.
    let origin = Epoch::from_mjd(points[0].mjd);
    let t = time.since(origin) / crate::epoch::DAY_S;
    let x: Vec<f64> = points.iter().map(|p| p.mjd - points[0].mjd).collect();
    let weight =
        |i: usize| (0..x.len()).filter(|&j| j != i).map(|j| (t - x[j]) / (x[i] - x[j])).product::<f64>();
    (0..x.len()).map(weight).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(mjd: f64, tai_utc_s: f64, ut1_utc_s: f64) -> EopPoint {
        let (x_arcsec, y_arcsec) = (0.1 + 0.001 * (mjd - 57_750.0).powi(3), 0.3);
        EopPoint { mjd, tai_utc_s, ut1_utc_s, x_arcsec, y_arcsec, dx_mas: 0.1, dy_mas: -0.1 }
    }

    fn table() -> EopTable {
        // The leap second of 2016-12-31.
        let points = [
            (57_751.0, 36.0, -0.4057),
            (57_752.0, 36.0, -0.4068),
            (57_753.0, 36.0, -0.4078),
            (57_754.0, 37.0, 0.5913),
            (57_755.0, 37.0, 0.5903),
        ];
        EopTable::new(points.map(|(m, tai, ut1)| point(m, tai, ut1)).to_vec()).unwrap()
    }

    #[test]
    fn points_are_met_and_cubics_exact() {
        let table = table();
        for p in table.points().to_vec() {
            let at = table.at(Epoch::from_mjd(p.mjd)).unwrap();
            assert!((at.ut1_utc_s - p.ut1_utc_s).abs() < 1e-12 && at.tai_utc_s == p.tai_utc_s);
        }
        let at = table.at(Epoch::new(57_752, 43_200.0)).unwrap();
        assert!((at.x_arcsec - (0.1 + 0.001 * 2.5f64.powi(3))).abs() < 1e-12);
    }

    #[test]
    fn leap_seconds_do_not_disturb() {
        let table = table();
        let before = table.at(Epoch::new(57_753, 86_399.999)).unwrap();
        let after = table.at(Epoch::new(57_754, 0.0)).unwrap();
        assert_eq!((before.tai_utc_s, after.tai_utc_s), (36.0, 37.0));
        assert!((before.ut1_utc_s + 1.0 - after.ut1_utc_s).abs() < 1e-6);
    }

    #[test]
    fn outside_is_told() {
        let table = table();
        let text = table.at(Epoch::new(57_756, 0.0)).unwrap_err().to_string();
        assert!(text.contains("from MJD 57751 to 57755") && text.contains("2017-01-03"), "{text}");
        assert!(table.at(Epoch::new(57_750, 86_399.0)).is_err());
        assert_eq!(EopTable::new(vec![]), Err(EopError::TooFew(0)));
        let p = point(57_751.0, 36.0, 0.0);
        assert_eq!(EopTable::new(vec![p, p]), Err(EopError::Order(57_751.0)));
        let hole = EopTable::new(vec![p, point(57_761.0, 36.0, 0.0)]).unwrap();
        assert!(matches!(hole.at(Epoch::new(57_755, 0.0)), Err(EopError::Hole(..))));
        let around = table.around(Epoch::new(57_754, 100.0), Epoch::new(57_754, 200.0));
        assert_eq!(around.at(Epoch::new(57_754, 150.0)), table.at(Epoch::new(57_754, 150.0)));
    }
}
