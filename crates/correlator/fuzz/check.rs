//! What must hold for any bytes that may be a file of a kind: nothing panics, and two ways of reading agree.

use mirinae_correlator::antab;
use mirinae_correlator::baseband::{
    BitOrder, Codes, Expectation, Recording, RecordingOptions, SampleSource, Samples, UtcSecond, VdifHeader,
};
use mirinae_correlator::difx::{Calc, Im, Input, KeyFile};
use mirinae_correlator::inspect::{InspectOptions, inspect};
use mirinae_correlator::job::JobFile;
use mirinae_correlator::job::file::{init, write};
use mirinae_correlator::orbit::Orbit;
use mirinae_correlator::schedule::Schedule;
use std::fs::File;
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// What is done with the bytes of a file.
pub type Check = fn(&[u8]);

/// Name and check of every target.
pub const TARGETS: [(&str, Check); 8] = [
    ("antab", antab),
    ("im", im),
    ("input", input),
    ("job", job),
    ("mark5b", mark5b),
    ("orbit", orbit),
    ("vdif", vdif),
    ("vex", vex),
];

/// Numbers (samples times channels) that are read at once.
const NUMBERS: usize = 1 << 16;
/// More of a job than this is not resolved: it would be slow, and nothing else.
const LONGEST_S: f64 = 3600.0;
const MOST: usize = 8;

/// System temperatures.
pub fn antab(bytes: &[u8]) {
    if let Ok(rows) = antab::read(&String::from_utf8_lossy(bytes), &["KY", "KVNYS"]) {
        let values = rows.iter().flat_map(|row| &row.values);
        assert!(values.into_iter().all(|(_, _, kelvin)| kelvin.is_finite()));
    }
}

/// DiFX's polynomials.
pub fn im(bytes: &[u8]) {
    match Im::read(lines("job.im", bytes)) {
        Err(error) => assert!(error.to_string().starts_with("job.im")),
        Ok(im) => {
            for interval in im.scans.iter().flat_map(|scan| &scan.intervals) {
                let stations = interval.by_source_station.iter().map(Vec::len);
                assert!(stations.into_iter().all(|n| n == im.stations.len()));
            }
        }
    }
}

/// Orbits: what is read has places from its first to its last state.
pub fn orbit(bytes: &[u8]) {
    match Orbit::parse(Path::new("a.oem"), &String::from_utf8_lossy(bytes)) {
        Err(error) => assert!(error.to_string().starts_with("a.oem")),
        Ok(orbit) => {
            let (from, to) = orbit.span();
            for time in [from, to] {
                orbit.position_m(time).unwrap_or_else(|e| panic!("{e}"));
            }
        }
    }
}

/// DiFX's other files.
pub fn input(bytes: &[u8]) {
    for error in [Input::read(lines("job.input", bytes)).err(), Calc::read(lines("job.input", bytes)).err()] {
        assert!(error.is_none_or(|e| e.to_string().starts_with("job.input")));
    }
}

fn lines(name: &str, bytes: &[u8]) -> KeyFile {
    KeyFile::parse(Path::new(name), &String::from_utf8_lossy(bytes))
}

/// A schedule, and the job that is made of it.
pub fn vex(bytes: &[u8]) {
    match Schedule::parse(Path::new("obs.vex"), &String::from_utf8_lossy(bytes)) {
        Err(error) => assert!(error.to_string().starts_with("obs.vex:")),
        Ok(schedule) => {
            assert!(!schedule.to_string().is_empty());
            if let Ok(job) = init::init(&schedule, &init::Wishes::default()) {
                goes_round(&job);
            }
        }
    }
}

/// A job, resolved with one small recording for all streams.
pub fn job(bytes: &[u8]) {
    let Ok(mut job) = JobFile::parse(Path::new("job.toml"), &String::from_utf8_lossy(bytes)) else { return };
    goes_round(&job);
    let centres: usize = job.scans.iter().map(|scan| scan.centres.len()).sum();
    let long_s: f64 = job.scans.iter().map(|scan| scan.duration_s).sum();
    let large = [job.stations.len(), job.scans.len(), centres, job.windows.len()].iter().any(|n| *n > MOST);
    if large || long_s > LONGEST_S {
        return;
    }
    // Nothing else on this machine is opened.
    (job.model.eop_file, job.model.difx_im) = (None, None);
    job.sources.iter_mut().for_each(|source| source.orbit = None);
    let recording = file(b"recording").to_string_lossy().into_owned();
    for station in &mut job.stations {
        station.tsys_file = None;
        station.streams.iter_mut().for_each(|stream| stream.recordings = vec![recording.clone()]);
    }
    match job.job(Path::new("job.toml")) {
        Err(error) => assert!(error.to_string().starts_with("job.toml")),
        Ok(job) => assert!(job.channels > 0 && job.blocks_per_integration() > 0.0),
    }
}

/// What is written of a job is read as the same job.
fn goes_round(job: &JobFile) {
    let text = write::to_toml(job, "a check");
    let back = JobFile::parse(Path::new("job.toml"), &text).unwrap_or_else(|e| panic!("{e}\n{text}"));
    assert_eq!(write::to_toml(&back, "a check"), text);
}

/// A VDIF recording (or what else is recognised), its sample rate told or not.
pub fn vdif(bytes: &[u8]) {
    if let Ok(header) = VdifHeader::parse(bytes) {
        let back = header.to_bytes().unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(back, bytes[..header.header_bytes()]);
    }
    let path = file(bytes);
    for sample_rate_hz in [None, Some(64_000)] {
        recording(&path, &RecordingOptions { sample_rate_hz, ..RecordingOptions::default() });
    }
    look(&path, RecordingOptions::default());
}

/// A Mark5B recording, whose headers tell nothing of the layout.
pub fn mark5b(bytes: &[u8]) {
    let path = file(bytes);
    for (channels, bits, order) in
        [(4, 2, BitOrder::Kvn5b), (16, 2, BitOrder::Mark5b), (1, 1, BitOrder::Mark5b)]
    {
        let options = RecordingOptions {
            near: Some(UtcSecond::new(60_000, 0)),
            order: Some(order),
            channels: Some(channels),
            bits: Some(bits),
            sample_rate_hz: Some(800_000),
            ..RecordingOptions::default()
        };
        recording(&path, &options);
        look(&path, options);
    }
}

/// A file of these bytes; the same one at every call, without a name.
fn file(bytes: &[u8]) -> PathBuf {
    static FILE: OnceLock<File> = OnceLock::new();
    let file = FILE.get_or_init(|| {
        let path = std::env::temp_dir().join(format!("mirinae-fuzz-{}", std::process::id()));
        let file = File::options().read(true).write(true).create_new(true).open(&path);
        let file = file.unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let _ = std::fs::remove_file(&path);
        file
    });
    file.set_len(0)
        .and_then(|()| file.write_all_at(bytes, 0))
        .unwrap_or_else(|e| panic!("temporary file: {e}"));
    PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()))
}

fn look(path: &Path, recording: RecordingOptions) {
    let options = InspectOptions { recording, spectrum_bins: Some(16), limit_bytes: None };
    match inspect(path, &options) {
        Err(error) => assert!(!error.to_string().is_empty()),
        Ok(found) => {
            assert!(!found.to_string().is_empty());
            found.to_json().unwrap_or_else(|e| panic!("{e}"));
        }
    }
}

/// Reads samples from both ends.
fn recording(path: &Path, options: &RecordingOptions) {
    let mut recording = match Recording::open(&[path], options) {
        Err(error) => return assert!(!error.to_string().is_empty()),
        Ok(recording) => recording,
    };
    let _ = recording.check(&Expectation { bits: Some(2), ..Expectation::default() });
    let Ok((from, to)) = recording.span() else { return };
    let each = recording.layout().channels * recording.layout().components;
    let n = usize::try_from(to.saturating_sub(from)).unwrap_or(0).min(NUMBERS / each);
    for start in [from, to - n as i64] {
        let mut samples = Samples::default();
        if recording.read(start, n, &mut samples).is_ok() {
            same_as_codes(&mut recording, &samples, start);
        }
    }
}

/// Samples as they were recorded have the values of those that were decoded.
fn same_as_codes(recording: &mut Recording, samples: &Samples, start: i64) {
    let n = samples.len();
    let finite = |c: usize| samples.channel(c).iter().all(|x| x.is_finite());
    assert!((0..samples.channels()).all(finite));
    let mut codes = Codes::default();
    if !recording.has_codes() || recording.read_codes(start, n, &mut codes).is_err() {
        return;
    }
    let skip = (start - codes.first()) as usize;
    for channel in 0..samples.channels() {
        let mut numbers = vec![0.0; n];
        codes.numbers(channel, skip, &mut numbers);
        assert_eq!(numbers, samples.channel(channel));
        let valid = samples.validity(channel).count(0, n);
        assert_eq!(codes.validity(channel).count(skip, skip + n), valid);
    }
}
