//! Reads DiFX's `.im`: the polynomials of delay and uvw.
use super::DifxError;
use super::calc;
use super::keyfile::{KeyFile, Line};
use std::path::{Path, PathBuf};

/// Polynomials of one station towards one source over one interval, in powers of seconds since its start.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct StationPolynomials {
    /// Delay in s; the opposite sign of t_station - t_geocentre, atmosphere included.
    pub delay_s: Vec<f64>,
    /// u in m.
    pub u_m: Vec<f64>,
    /// v in m.
    pub v_m: Vec<f64>,
    /// w in m; minus the speed of light times the delay without the atmosphere.
    pub w_m: Vec<f64>,
}

/// The polynomials of one interval.
#[derive(Debug, Clone, PartialEq)]
pub struct Interval {
    /// Start: MJD and second of that day.
    pub start: (i64, i64),
    /// By source (0: pointing centre, c + 1: phase centre c) and station.
    pub by_source_station: Vec<Vec<StationPolynomials>>,
    /// Line of the file on which it begins.
    pub line: usize,
}

/// The polynomials of one scan.
#[derive(Debug, Clone, PartialEq)]
pub struct ScanModel {
    /// Name of the pointing centre.
    pub pointing: String,
    /// Names of the phase centres.
    pub centres: Vec<String>,
    /// Intervals in the order of time.
    pub intervals: Vec<Interval>,
    /// Line of the file on which it begins.
    pub line: usize,
}

/// All that is used of an `.im`.
#[derive(Debug, Clone, PartialEq)]
pub struct Im {
    /// The file itself.
    pub path: PathBuf,
    /// Length of every interval in s.
    pub interval_s: f64,
    /// Names of the stations.
    pub stations: Vec<String>,
    /// Scans as in the `.calc`.
    pub scans: Vec<ScanModel>,
}

impl Im {
    /// Reads an `.im`.
    ///
    /// # Errors
    /// [`DifxError`], with file and line.
    pub fn open(path: &Path) -> Result<Self, DifxError> {
        Self::read(KeyFile::open(path)?)
    }

    /// Reads an `.im` from its lines.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn read(mut file: KeyFile) -> Result<Self, DifxError> {
        let file = &mut file;
        calc::start(file)?;
        let order: usize = file.get("POLYNOMIAL ORDER", "the order of a polynomial")?;
        let interval = file.expect("INTERVAL (SECS)")?;
        let interval_s: f64 = file.value(&interval, "a number of seconds")?;
        if !(interval_s > 0.0 && interval_s.is_finite()) {
            return Err(file.bad(&interval, "a positive number of seconds"));
        }
        let line = file.seek("NUM TELESCOPES")?;
        let count: usize = file.value(&line, "a number of telescopes")?;
        let stations = (0..count)
            .map(|i| Ok(file.expect(&format!("TELESCOPE {i} NAME"))?.value))
            .collect::<Result<Vec<_>, DifxError>>()?;
        let scans: usize = file.get("NUM SCANS", "a number of scans")?;
        let shape = Shape { order, stations: stations.len() };
        let scans = (0..scans).map(|i| scan(file, i, &shape)).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { path: file.path().to_owned(), interval_s, stations, scans })
    }
}

struct Shape {
    order: usize,
    stations: usize,
}

fn scan(file: &mut KeyFile, i: usize, shape: &Shape) -> Result<ScanModel, DifxError> {
    let first = file.seek(&format!("SCAN {i} POINTING SRC"))?;
    let count: usize = file.get(&format!("SCAN {i} NUM PHS CTRS"), "a number of phase centres")?;
    let centres = (0..count)
        .map(|c| Ok(file.expect(&format!("SCAN {i} PHS CTR {c} SRC"))?.value))
        .collect::<Result<Vec<_>, DifxError>>()?;
    let polys: usize = file.get(&format!("SCAN {i} NUM POLY"), "a number of polynomials")?;
    let mut intervals = Vec::new();
    for p in 0..polys {
        let line = file.expect(&format!("SCAN {i} POLY {p} MJD"))?;
        let mjd = file.value(&line, "a whole day")?;
        let second = file.get(&format!("SCAN {i} POLY {p} SEC"), "a whole second")?;
        let by_source_station = polynomials(file, count + 1, shape)?;
        intervals.push(Interval { start: (mjd, second), by_source_station, line: line.number });
    }
    Ok(ScanModel { pointing: first.value, centres, intervals, line: first.number })
}

/// The lines "SRC s ANT a WHAT"; of the many WHATs (azimuth, dry part, ...) four are used.
fn polynomials(
    file: &mut KeyFile,
    sources: usize,
    shape: &Shape,
) -> Result<Vec<Vec<StationPolynomials>>, DifxError> {
    let mut all = vec![vec![StationPolynomials::default(); shape.stations]; sources];
    let mut last = None;
    while let Some(line) = file.peek().filter(|line| line.key.starts_with("SRC ")).cloned() {
        file.take();
        let (source, station, what) = place(file, &line)?;
        let into = all.get_mut(source).and_then(|s| s.get_mut(station)).ok_or_else(|| {
            let what = format!(
                "refers to source {source}, station {station}; there are {sources} and {}",
                shape.stations
            );
            file.refers(&line, what)
        })?;
        match what {
            "DELAY (us)" => into.delay_s = file.numbers(&line)?.iter().map(|us| us * 1e-6).collect(),
            "U (m)" => into.u_m = file.numbers(&line)?,
            "V (m)" => into.v_m = file.numbers(&line)?,
            "W (m)" => into.w_m = file.numbers(&line)?,
            _ => continue,
        }
        for numbers in [&into.delay_s, &into.u_m, &into.v_m, &into.w_m] {
            if !numbers.is_empty() && numbers.len() != shape.order + 1 {
                return Err(file.bad(&line, "a polynomial of the order that the file says"));
            }
        }
        last = Some(line);
    }
    for (source, stations) in all.iter().enumerate() {
        for (station, p) in stations.iter().enumerate() {
            if [&p.delay_s, &p.u_m, &p.v_m, &p.w_m].iter().any(|x| x.is_empty()) {
                let line = last.clone().or_else(|| file.peek().cloned());
                let line = line.unwrap_or(Line { number: 0, key: String::new(), value: String::new() });
                let what = format!(
                    "before or here a delay, u, v or w of source {source}, station {station} is missing"
                );
                return Err(file.refers(&line, what));
            }
        }
    }
    Ok(all)
}

fn place<'a>(file: &KeyFile, line: &'a Line) -> Result<(usize, usize, &'a str), DifxError> {
    let mut words = line.key.splitn(5, ' ').filter(|w| !w.is_empty());
    let parsed = (|| {
        words.next().filter(|w| *w == "SRC")?;
        let source = words.next()?.parse().ok()?;
        words.next().filter(|w| *w == "ANT")?;
        let station = words.next()?.parse().ok()?;
        Some((source, station, words.next()?))
    })();
    parsed.ok_or_else(|| file.refers(line, "is not of the form SRC s ANT a WHAT".to_owned()))
}
