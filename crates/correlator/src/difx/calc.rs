//! Reads DiFX's `.calc`: sources, scans and where the delay model is.
use super::DifxError;
use super::input::beside;
use super::keyfile::{KeyFile, Line};
use crate::eop::{Eop, EopPoint, EopTable};
use crate::epoch::Epoch;
use crate::schedule::Mount;
use std::path::{Path, PathBuf};

/// A source on the sky.
#[derive(Debug, Clone, PartialEq)]
pub struct Source {
    /// Its name.
    pub name: String,
    /// Right ascension (J2000) in rad.
    pub ra_rad: f64,
    /// Declination (J2000) in rad.
    pub dec_rad: f64,
}

/// A station as the model has it.
#[derive(Debug, Clone, PartialEq)]
pub struct Station {
    /// Its name.
    pub name: String,
    /// ITRF coordinates in m.
    pub xyz_m: [f64; 3],
    /// How the antenna turns.
    pub mount: Mount,
    /// Distance of its axes in m.
    pub axis_offset_m: f64,
}

/// A scan.
#[derive(Debug, Clone, PartialEq)]
pub struct Scan {
    /// Its name, such as No0001.
    pub name: String,
    /// Start in s after the start of the `.calc`.
    pub start_s: i64,
    /// Length in s.
    pub duration_s: i64,
    /// How often the phase centres are turned to, in ns.
    pub shift_ns: i64,
    /// Index of the pointing centre's source.
    pub pointing: usize,
    /// Indices of the phase centres' sources.
    pub centres: Vec<usize>,
}

/// All that is used of a `.calc`.
#[derive(Debug, Clone, PartialEq)]
pub struct Calc {
    /// The file itself.
    pub path: PathBuf,
    /// The `.im`, resolved against the job's folder.
    pub im_path: PathBuf,
    /// Name of the observation.
    pub obscode: String,
    /// Start that the scans count from: MJD and second of that day.
    pub start: (i64, i64),
    /// Stations.
    pub stations: Vec<Station>,
    /// Sources.
    pub sources: Vec<Source>,
    /// Scans in the order of time.
    pub scans: Vec<Scan>,
    /// Earth orientation; none where the model came without.
    pub eops: Vec<EopPoint>,
}

impl Calc {
    /// Reads a `.calc`.
    ///
    /// # Errors
    /// [`DifxError`], with file and line.
    pub fn open(path: &Path) -> Result<Self, DifxError> {
        Self::read(KeyFile::open(path)?)
    }

    /// Earth orientation at a time, where the file covers it.
    pub fn eop_at(&self, (mjd, second): (i64, i64)) -> Option<Eop> {
        EopTable::new(self.eops.clone()).ok()?.at(Epoch::new(mjd, second as f64)).ok()
    }

    /// Reads a `.calc` from its lines.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn read(mut file: KeyFile) -> Result<Self, DifxError> {
        let file = &mut file;
        let obscode = file.seek("OBSCODE")?.value;
        let start = start(file)?;
        let stations = stations(file)?;
        let sources = sources(file)?;
        let line = file.expect("NUM SCANS")?;
        let count: usize = file.value(&line, "a number of scans")?;
        let scans = (0..count).map(|i| scan(file, i, sources.len())).collect::<Result<Vec<_>, _>>()?;
        let eops = eops(file)?;
        let im = file.seek("IM FILENAME")?;
        let im_path = beside(file.path(), &im.value);
        if !im_path.is_file() {
            return Err(file.refers(&im, format!("the delay model {} is not there", im_path.display())));
        }
        Ok(Self { path: file.path().to_owned(), im_path, obscode, start, stations, sources, scans, eops })
    }
}

/// The day is a whole number in START MJD (its fraction is rounded by some writers), the time of day stands apart.
pub(super) fn start(file: &mut KeyFile) -> Result<(i64, i64), DifxError> {
    let line = file.seek("START YEAR")?;
    let year: i64 = file.value(&line, "a year")?;
    let month: i64 = file.get("START MONTH", "a month")?;
    let day: i64 = file.get("START DAY", "a day")?;
    let hour: i64 = file.get("START HOUR", "an hour")?;
    let minute: i64 = file.get("START MINUTE", "a minute")?;
    let second: i64 = file.get("START SECOND", "a second")?;
    let day_of_calendar = (1..=9999).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
    if !day_of_calendar
        || !(0..24).contains(&hour)
        || !(0..60).contains(&minute)
        || !(0..=60).contains(&second)
    {
        let what = format!("{year}-{month}-{day} {hour}:{minute}:{second} is no time");
        return Err(file.refers(&line, what));
    }
    Ok((mjd(year, month, day), hour * 3600 + minute * 60 + second))
}

/// Modified Julian Date of a Gregorian date (Fliegel & van Flandern 1968, CACM 11, 657).
fn mjd(year: i64, month: i64, day: i64) -> i64 {
    let a = (month - 14) / 12;
    let jdn = (1461 * (year + 4800 + a)) / 4 + (367 * (month - 2 - 12 * a)) / 12
        - (3 * ((year + 4900 + a) / 100)) / 4
        + day
        - 32075;
    jdn - 2_400_001
}

fn stations(file: &mut KeyFile) -> Result<Vec<Station>, DifxError> {
    let line = file.seek("NUM TELESCOPES")?;
    let count: usize = file.value(&line, "a number of telescopes")?;
    let mut stations = Vec::new();
    for i in 0..count {
        let name = file.seek(&format!("TELESCOPE {i} NAME"))?.value;
        let mount = mount(&file.seek(&format!("TELESCOPE {i} MOUNT"))?.value);
        let line = file.seek(&format!("TELESCOPE {i} OFFSET (m)"))?;
        let axis_offset_m = file.value(&line, "a distance in m")?;
        let mut xyz_m = [0.0; 3];
        for (axis, value) in ["X", "Y", "Z"].iter().zip(&mut xyz_m) {
            let line = file.seek(&format!("TELESCOPE {i} {axis} (m)"))?;
            *value = file.value(&line, "a coordinate in m")?;
        }
        stations.push(Station { name, xyz_m, mount, axis_offset_m });
    }
    Ok(stations)
}

/// DiFX's names of mounts (its difxio).
fn mount(name: &str) -> Mount {
    match name.to_ascii_uppercase().as_str() {
        "AZEL" | "ALTZ" | "ALTAZ" => Mount::AzEl,
        "EQUA" | "HADEC" => Mount::HaDec,
        "XYEW" => Mount::XyEast,
        "XYNS" => Mount::XyNorth,
        _ => Mount::Other,
    }
}

/// Earth orientation as the `.calc` lists it.
fn eops(file: &mut KeyFile) -> Result<Vec<EopPoint>, DifxError> {
    let line = file.seek("NUM EOPS")?;
    let count: usize = file.value(&line, "a number of days")?;
    let mut points = Vec::new();
    for i in 0..count {
        let mut value = |key: &str, what: &'static str| -> Result<f64, DifxError> {
            let line = file.seek(&format!("EOP {i} {key}"))?;
            file.value(&line, what)
        };
        points.push(EopPoint {
            mjd: value("TIME (mjd)", "an MJD")?,
            tai_utc_s: value("TAI_UTC (sec)", "seconds")?,
            ut1_utc_s: value("UT1_UTC (sec)", "seconds")?,
            x_arcsec: value("XPOLE (arcsec)", "arc seconds")?,
            y_arcsec: value("YPOLE (arcsec)", "arc seconds")?,
            dx_mas: 0.0,
            dy_mas: 0.0,
        });
    }
    Ok(points)
}

fn sources(file: &mut KeyFile) -> Result<Vec<Source>, DifxError> {
    let line = file.seek("NUM SOURCES")?;
    let count: usize = file.value(&line, "a number of sources")?;
    let mut sources = Vec::new();
    for i in 0..count {
        let name = file.expect(&format!("SOURCE {i} NAME"))?.value;
        let ra_rad = file.get(&format!("SOURCE {i} RA"), "an angle in rad")?;
        let dec_rad = file.get(&format!("SOURCE {i} DEC"), "an angle in rad")?;
        file.expect(&format!("SOURCE {i} CALCODE"))?;
        file.expect(&format!("SOURCE {i} QUAL"))?;
        sources.push(Source { name, ra_rad, dec_rad });
    }
    Ok(sources)
}

fn scan(file: &mut KeyFile, i: usize, sources: usize) -> Result<Scan, DifxError> {
    let name = file.expect(&format!("SCAN {i} IDENTIFIER"))?.value;
    let start_s = file.get(&format!("SCAN {i} START (S)"), "a whole second")?;
    let line = file.expect(&format!("SCAN {i} DUR (S)"))?;
    let duration_s: i64 = file.value(&line, "a whole number of seconds")?;
    if duration_s <= 0 {
        return Err(file.bad(&line, "a positive number of seconds"));
    }
    let line = file.seek(&format!("SCAN {i} UVSHIFT INTERVAL (NS)"))?;
    let shift_ns: i64 = file.value(&line, "a number of ns")?;
    if shift_ns <= 0 {
        return Err(file.bad(&line, "a positive number of ns"));
    }
    let line = file.seek(&format!("SCAN {i} POINTING SRC"))?;
    let pointing = source(file, &line, sources)?;
    let line = file.expect(&format!("SCAN {i} NUM PHS CTRS"))?;
    let count: usize = file.value(&line, "a number of phase centres")?;
    if count == 0 {
        return Err(file.bad(&line, "at least one phase centre"));
    }
    let mut centres = Vec::new();
    for c in 0..count {
        let line = file.expect(&format!("SCAN {i} PHS CTR {c}"))?;
        centres.push(source(file, &line, sources)?);
    }
    Ok(Scan { name, start_s, duration_s, shift_ns, pointing, centres })
}

fn source(file: &KeyFile, line: &Line, sources: usize) -> Result<usize, DifxError> {
    let index: usize = file.value(line, "the index of a source")?;
    if index < sources {
        Ok(index)
    } else {
        Err(file.refers(line, format!("refers to source {index}, but there are {sources}")))
    }
}

#[cfg(test)]
mod tests {
    use super::mjd;

    #[test]
    fn dates() {
        assert_eq!(mjd(2023, 2, 25), 60000);
        assert_eq!(mjd(1858, 11, 17), 0);
        assert_eq!(mjd(2000, 1, 1), 51544);
        assert_eq!(mjd(2024, 2, 29) + 1, mjd(2024, 3, 1));
    }
}
