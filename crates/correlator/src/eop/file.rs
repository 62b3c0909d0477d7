//! Reads Earth orientation from files of the IERS: finals2000A and C04.
//!
//! `finals2000A.all`, `.data`, `.daily` have fixed columns; C04 files (14 and 20) have columns separated by blanks. Both give UT1 - UTC; TAI - UTC is
//! that of the day, from the table of leap seconds.

use super::EopPoint;
use crate::baseband::time::mjd_from_civil;
use crate::epoch::Epoch;
use std::path::{Path, PathBuf};

/// Why a file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum EopFileError {
    /// It cannot be read.
    #[error("{path}: cannot be read: {cause}", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// A line that is not of the format.
    #[error("{path}:{line}: {what}", path = path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// Its line, counted from 1.
        line: usize,
        /// What is wrong.
        what: &'static str,
    },
    /// No line of any known format.
    #[error("{path}: no line is of the IERS's finals2000A or C04 format", path = path.display())]
    Unknown {
        /// The file.
        path: PathBuf,
    },
}

/// Reads the points of a file, in the order of time.
///
/// # Errors
/// [`EopFileError`].
pub fn read(path: &Path) -> Result<Vec<EopPoint>, EopFileError> {
    let bytes = std::fs::read(path).map_err(|cause| EopFileError::Read { path: path.to_owned(), cause })?;
    parse(path, &String::from_utf8_lossy(&bytes))
}

fn parse(path: &Path, text: &str) -> Result<Vec<EopPoint>, EopFileError> {
    let mut points = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let point = if is_finals(line) { finals(line) } else { c04(line).transpose() };
        match point {
            Some(Ok(point)) => points.push(point),
            Some(Err(what)) => {
                return Err(EopFileError::Line { path: path.to_owned(), line: index + 1, what });
            }
            None => {}
        }
    }
    if points.is_empty() {
        return Err(EopFileError::Unknown { path: path.to_owned() });
    }
    points.sort_by(|a, b| a.mjd.total_cmp(&b.mjd));
    points.dedup_by(|a, b| a.mjd == b.mjd);
    Ok(points)
}

/// TAI - UTC on a day, from SOFA's table of leap seconds.
pub(super) fn tai_utc_s(mjd: f64) -> f64 {
    let (year, month, day) = crate::baseband::UtcSecond::new(mjd.floor() as i64, 0).date();
    // After the last entry of the table the last value holds.
    sofars::ts::dat(year as i32, month as i32, day as i32, 0.0).unwrap_or(37.0)
}

fn column(line: &str, from: usize, to: usize) -> &str {
    line.get(from - 1..to.min(line.len())).unwrap_or("").trim()
}

/// Columns 8 to 15 of a finals line are an MJD with two decimals; column 17 tells measured from predicted.
fn is_finals(line: &str) -> bool {
    let mjd = column(line, 8, 15);
    line.is_ascii() && mjd.len() == 8 && mjd.ends_with(".00") && mjd.parse::<f64>().is_ok()
}

/// A line of finals2000A; none where it has no values yet.
fn finals(line: &str) -> Option<Result<EopPoint, &'static str>> {
    let number = |from, to| column(line, from, to).parse::<f64>().ok().filter(|x| x.is_finite());
    let (Some(mjd), false) = (number(8, 15), column(line, 19, 27).is_empty()) else { return None };
    let (Some(x), Some(y), Some(ut1)) = (number(19, 27), number(38, 46), number(59, 68)) else {
        return Some(Err("x, y or UT1 - UTC of a finals2000A line (columns 19, 38, 59) is no number"));
    };
    // Offsets of the pole are not predicted far ahead.
    let (dx_mas, dy_mas) = (number(98, 106).unwrap_or(0.0), number(117, 125).unwrap_or(0.0));
    Some(Ok(EopPoint {
        mjd,
        tai_utc_s: tai_utc_s(mjd),
        ut1_utc_s: ut1,
        x_arcsec: x,
        y_arcsec: y,
        dx_mas,
        dy_mas,
    }))
}

/// A line of C04: year, month, day, (hour,) MJD, x, y, UT1 - UTC, (LOD,) dX, dY.
fn c04(line: &str) -> Result<Option<EopPoint>, &'static str> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let start: Vec<f64> = words.iter().take(5).map_while(|w| w.parse().ok()).collect();
    let [year, month, day, fourth, fifth] = start[..] else { return Ok(None) };
    if !((1900.0..2200.0).contains(&year) && (1.0..13.0).contains(&month) && (1.0..32.0).contains(&day)) {
        return Ok(None);
    }
    let expected = mjd_from_civil(year as i64, month as u32, day as u32) as f64;
    // C04 14 has the length of day before the offsets of the pole, C04 20 after them.
    let (mjd, x, offsets) = if fourth.floor() == expected {
        (fourth, 4, 8)
    } else if fifth.floor() == expected {
        (fifth, 5, 8)
    } else {
        return Err("the MJD of this line is not that of its date");
    };
    let value = |i: usize| words.get(i).and_then(|w| w.parse::<f64>().ok()).filter(|v| v.is_finite());
    let values = [x, x + 1, x + 2, offsets, offsets + 1].map(value);
    let [Some(x_arcsec), Some(y_arcsec), Some(ut1_utc_s), Some(dx), Some(dy)] = values else {
        return Err("x, y, UT1 - UTC, dX or dY of a C04 line is no number");
    };
    let mjd = Epoch::from_mjd(mjd).as_mjd();
    let (dx_mas, dy_mas) = (dx * 1e3, dy * 1e3);
    Ok(Some(EopPoint { mjd, tai_utc_s: tai_utc_s(mjd), ut1_utc_s, x_arcsec, y_arcsec, dx_mas, dy_mas }))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of two days in the layout of each file; numbers of our own.
    const FINALS: &str = "\
21 9 3 59460.00 I  0.217430 0.000041  0.338590 0.000037  I-0.1070000 0.0000046 -0.0470 0.0030  I     0.313    0.085    -0.092    0.160  0.217430  0.338590 -0.1070000     0.300    -0.100  \n\
21 9 4 59461.00 P  0.217000 0.000041  0.337000 0.000037  P-0.1069000 0.0000046                 P     0.310    0.085    -0.090    0.160\n\
22 9 3 59825.00 \n";
    const C04_14: &str = "\
  INTERNATIONAL EARTH ROTATION AND REFERENCE SYSTEMS SERVICE\n\
  1962   1   1  37665  -0.012700   0.213000   0.0326338   0.0017230   0.000000   0.000000   0.030000   0.030000  0.0020000  0.0014000    0.004774    0.002000\n\
  2021   9   3  59460   0.217430   0.338590  -0.1070000  -0.0000470   0.000313  -0.000092   0.000041   0.000037  0.0000046  0.0000030    0.000085    0.000160\n";
    const C04_20: &str = "\
# YR  MM  DD  HH       MJD        x(\\\")        y(\\\")  UT1-UTC(s)       dX(\\\")      dY(\\\")       xrt(\\\")      yrt(\\\")      LOD(s)\n\
2021   9   3   0  59460.00    0.217430    0.338590  -0.1070000    0.000313   -0.000092    0.000000    0.000000   -0.0000470\n";

    #[test]
    fn three_layouts_say_the_same() {
        let all = [FINALS, C04_14, C04_20].map(|text| parse(Path::new("eop"), text).unwrap());
        assert_eq!([all[0].len(), all[1].len(), all[2].len()], [2, 2, 1]);
        let expected = all[2][0];
        assert_eq!((expected.mjd, expected.tai_utc_s, expected.ut1_utc_s), (59_460.0, 37.0, -0.107));
        for points in &all {
            let p = points.iter().find(|p| p.mjd == 59_460.0).unwrap();
            assert!((p.dx_mas - 0.313).abs() < 1e-12 && (p.dy_mas + 0.092).abs() < 1e-12);
            assert_eq!((p.x_arcsec, p.y_arcsec, p.ut1_utc_s), (0.217_43, 0.338_59, -0.107));
        }
        assert_eq!(tai_utc_s(57_753.0), 36.0);
        assert_eq!(tai_utc_s(70_000.0), 37.0);
    }

    #[test]
    fn faults() {
        let wrong = C04_20.replace("59460.00", "59461.00");
        let text = parse(Path::new("eop"), &wrong).unwrap_err().to_string();
        assert!(text.contains("eop:2: the MJD"), "{text}");
        let wrong = FINALS.replace("-0.1070000 0.0000046", "-0.10x0000 0.0000046");
        assert!(parse(Path::new("eop"), &wrong).unwrap_err().to_string().contains("eop:1:"));
        assert!(matches!(parse(Path::new("eop"), "nothing\n"), Err(EopFileError::Unknown { .. })));
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "[0-9 .IP\n-]{0,400}", any in "\\PC{0,80}") {
            let _ = parse(Path::new("eop"), &text);
            let _ = parse(Path::new("eop"), &any);
        }
    }
}
