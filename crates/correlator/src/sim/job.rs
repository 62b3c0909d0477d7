//! Writes the job files (`.input`, `.calc`, `.im`, as vex2difx and calcif2 do) that correlate the recordings.

use super::SimError;
use super::config::SimConfig;
use super::poly::Poly;
use super::scene::{POLY_INTERVAL_S, Scene};
use mirinae_common::atomic;
use std::fmt::{Display, Write as _};
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// The longest sub-integration that is asked for.
const SUBINT_S: f64 = 0.02;
/// Interval of turning to phase centres where nobody asks for one.
const UNSHIFTED_NS: u64 = 2_000_000_000;

/// What the job asks of the correlator.
pub(super) struct Correlation {
    channels: usize,
    average: usize,
    integration_s: f64,
    subint_ns: u64,
    shift_ns: u64,
}

impl Correlation {
    pub fn new(config: &SimConfig, bandwidth_hz: f64) -> Result<Self, SimError> {
        let wrong = |field: &str, what: String| Err(SimError::Config { field: field.to_owned(), what });
        if config.channels == 0 {
            return wrong("channels", "at least one is needed".to_owned());
        }
        if config.average == 0 || !config.channels.is_multiple_of(config.average) {
            let what = format!("{} does not divide {} channels", config.average, config.channels);
            return wrong("average", what);
        }
        let shift_ns = config.shift_ms.map_or(UNSHIFTED_NS, |ms| (ms * 1e6).round() as u64);
        let transform_s = config.channels as f64 / bandwidth_hz;
        let transforms = config.integration_s / transform_s;
        if transforms < 0.5 || (transforms - transforms.round()).abs() > 1e-6 * transforms {
            let what = format!("{transforms} transforms of {transform_s} s: must be a whole number");
            return wrong("integration_s", what);
        }
        let transforms = transforms.round() as u64;
        let most = (SUBINT_S / transform_s).max(1.0) as u64;
        let fits = |n: &u64| transforms.is_multiple_of(*n) && (*n as f64 * transform_s * 1e9).fract() < 1e-6;
        let subint = (1..=most.min(transforms)).rev().find(fits).unwrap_or(transforms);
        let subint_ns = (subint as f64 * transform_s * 1e9).round() as u64;
        let (channels, average, integration_s) = (config.channels, config.average, config.integration_s);
        Ok(Self { channels, average, integration_s, subint_ns, shift_ns })
    }
}

/// Text of `KEY: value` lines, values in column 21 as DiFX has them.
#[derive(Default)]
struct Lines(String);

impl Lines {
    fn add(&mut self, key: impl Display, value: impl Display) {
        let _ = writeln!(self.0, "{:<20}{value}", format!("{key}:"));
    }

    fn title(&mut self, title: &str) {
        let _ = writeln!(self.0, "\n# {title} {}!", "#".repeat(17usize.saturating_sub(title.len())));
    }
}

/// Frequencies of the job: edges that several bands (polarisations) share are one.
struct Frequencies {
    /// Edge and sideband of each frequency.
    list: Vec<(f64, f64)>,
    /// Frequency of each band.
    of_band: Vec<usize>,
}

impl Frequencies {
    fn new(scene: &Scene) -> Self {
        let mut list = Vec::new();
        let mut of_band = Vec::new();
        for band in &scene.bands {
            let key = (band.edge_hz, band.sign);
            let at = list.iter().position(|other| *other == key).unwrap_or_else(|| {
                list.push(key);
                list.len() - 1
            });
            of_band.push(at);
        }
        Self { list, of_band }
    }

    fn bands(&self, frequency: usize) -> Vec<usize> {
        (0..self.of_band.len()).filter(|&band| self.of_band[band] == frequency).collect()
    }
}

/// Writes the files into `folder`; returns the `.input`.
pub(super) fn write(scene: &Scene, folder: &Path) -> Result<PathBuf, SimError> {
    let file = |extension: &str| folder.join(format!("{}.{extension}", scene.name));
    let put =
        |extension: &str, text: String| atomic::write(&file(extension), |to| to.write_all(text.as_bytes()));
    put("calc", calc(scene))?;
    put("im", im(scene))?;
    put("threads", "NUMBER OF CORES:    1\n1\n".to_owned())?;
    put("flag", "0\n".to_owned())?;
    put("input", input(scene))?;
    Ok(file("input"))
}

fn execute_seconds(scene: &Scene) -> i64 {
    scene.duration_s.ceil() as i64
}

fn input(scene: &Scene) -> String {
    let mut l = Lines("# COMMON SETTINGS ##!\n".to_owned());
    let n = scene.stations.len();
    let baselines: Vec<(usize, usize)> = (0..n).flat_map(|a| (a + 1..n).map(move |b| (a, b))).collect();
    l.add("CALC FILENAME", format!("{}.calc", scene.name));
    l.add("CORE CONF FILENAME", format!("{}.threads", scene.name));
    l.add("EXECUTE TIME (SEC)", execute_seconds(scene));
    l.add("START MJD", scene.start.mjd());
    l.add("START SECONDS", scene.start.second_of_day());
    l.add("ACTIVE DATASTREAMS", n);
    l.add("ACTIVE BASELINES", baselines.len());
    l.add("VIS BUFFER LENGTH", 80);
    l.add("OUTPUT FORMAT", "SWIN");
    l.add("OUTPUT FILENAME", format!("{}.difx", scene.name));
    configuration(&mut l, scene, baselines.len());
    let frequencies = Frequencies::new(scene);
    frequency_table(&mut l, scene, &frequencies);
    telescope_table(&mut l, scene);
    datastream_table(&mut l, scene, &frequencies);
    baseline_table(&mut l, scene, &frequencies, &baselines);
    l.title("DATA TABLE");
    for (i, station) in scene.stations.iter().enumerate() {
        l.add(format!("D/STREAM {i} FILES"), 1);
        l.add(format!("FILE {i}/0"), &station.file);
    }
    l.0
}

fn configuration(l: &mut Lines, scene: &Scene, baselines: usize) {
    l.title("CONFIGURATIONS");
    l.add("NUM CONFIGURATIONS", 1);
    l.add("CONFIG NAME", "default");
    l.add("INT TIME (SEC)", format!("{:.6}", scene.correlation.integration_s));
    l.add("SUBINT NANOSECONDS", scene.correlation.subint_ns);
    l.add("GUARD NANOSECONDS", 64_000);
    l.add("FRINGE ROTN ORDER", 1);
    l.add("ARRAY STRIDE LENGTH", 0);
    l.add("XMAC STRIDE LENGTH", 0);
    l.add("NUM BUFFERED FFTS", 10);
    l.add("WRITE AUTOCORRS", "TRUE");
    l.add("PULSAR BINNING", "FALSE");
    l.add("PHASED ARRAY", "FALSE");
    (0..scene.stations.len()).for_each(|i| l.add(format!("DATASTREAM {i} INDEX"), i));
    (0..baselines).for_each(|i| l.add(format!("BASELINE {i} INDEX"), i));
    l.title("RULES");
    l.add("NUM RULES", 1);
    l.add("RULE 0 CONFIG NAME", "default");
}

fn frequency_table(l: &mut Lines, scene: &Scene, frequencies: &Frequencies) {
    l.title("FREQ TABLE");
    l.add("FREQ ENTRIES", frequencies.list.len());
    for (i, (edge_hz, sign)) in frequencies.list.iter().enumerate() {
        l.add(format!("FREQ (MHZ) {i}"), format!("{:.11}", edge_hz / 1e6));
        l.add(format!("BW (MHZ) {i}"), format!("{:.11}", scene.bandwidth_hz / 1e6));
        l.add(format!("SIDEBAND {i}"), if *sign > 0.0 { "U" } else { "L" });
        l.add(format!("NUM CHANNELS {i}"), scene.correlation.channels);
        l.add(format!("CHANS TO AVG {i}"), scene.correlation.average);
        l.add(format!("OVERSAMPLE FAC. {i}"), 1);
        l.add(format!("DECIMATION FAC. {i}"), 1);
        l.add(format!("PHASE CALS {i} OUT"), 0);
    }
}

fn telescope_table(l: &mut Lines, scene: &Scene) {
    l.title("TELESCOPE TABLE");
    l.add("TELESCOPE ENTRIES", scene.stations.len());
    for (i, station) in scene.stations.iter().enumerate() {
        l.add(format!("TELESCOPE NAME {i}"), &station.code);
        l.add(format!("CLOCK REF MJD {i}"), format!("{:.10}", scene.start.0 as f64 / 86_400.0));
        l.add(format!("CLOCK POLY ORDER {i}"), 1);
        l.0.push_str("@ ***** Clock poly coeff N: has units microsec / sec^N ***** @\n");
        l.add(format!("CLOCK COEFF {i}/0"), "0.0");
        l.add(format!("CLOCK COEFF {i}/1"), "0.0");
    }
}

fn datastream_table(l: &mut Lines, scene: &Scene, frequencies: &Frequencies) {
    l.title("DATASTREAM TABLE");
    l.add("DATASTREAM ENTRIES", scene.stations.len());
    l.add("DATA BUFFER FACTOR", 32);
    l.add("NUM DATA SEGMENTS", 8);
    for i in 0..scene.stations.len() {
        l.add("TELESCOPE INDEX", i);
        l.add("TSYS", "0.000000");
        l.add("DATA FORMAT", "VDIF");
        l.add("QUANTISATION BITS", scene.format.bits);
        l.add("DATA FRAME SIZE", scene.format.frame_bytes);
        l.add("DATA SAMPLING", "REAL");
        l.add("DATA SOURCE", "FILE");
        l.add("FILTERBANK USED", "FALSE");
        match scene.stations[i].phase_cal.map(|injected| injected.tones) {
            Some(tones) => {
                l.add("PHASE CAL INT (MHZ)", tones.interval_hz / 1e6);
                l.add("PHASE CAL BASE(MHZ)", tones.base_hz / 1e6);
            }
            None => l.add("PHASE CAL INT (MHZ)", 0),
        }
        l.add("NUM RECORDED FREQS", frequencies.list.len());
        for f in 0..frequencies.list.len() {
            l.add(format!("REC FREQ INDEX {f}"), f);
            l.add(format!("CLK OFFSET {f} (us)"), "0.000000");
            l.add(format!("FREQ OFFSET {f} (Hz)"), "0.000000");
            l.add(format!("NUM REC POLS {f}"), frequencies.bands(f).len());
        }
        for (band, frequency) in frequencies.of_band.iter().enumerate() {
            l.add(format!("REC BAND {band} POL"), scene.bands[band].polarization);
            l.add(format!("REC BAND {band} INDEX"), frequency);
        }
        l.add("NUM ZOOM FREQS", 0);
    }
}

/// Parallel hands only: a simulated source is not polarised.
fn baseline_table(l: &mut Lines, scene: &Scene, frequencies: &Frequencies, baselines: &[(usize, usize)]) {
    l.title("BASELINE TABLE");
    l.add("BASELINE ENTRIES", baselines.len());
    for (i, (a, b)) in baselines.iter().enumerate() {
        l.add(format!("D/STREAM A INDEX {i}"), a);
        l.add(format!("D/STREAM B INDEX {i}"), b);
        l.add(format!("NUM FREQS {i}"), frequencies.list.len());
        for f in 0..frequencies.list.len() {
            let bands = frequencies.bands(f);
            let same = |a: usize, b: usize| scene.bands[a].polarization == scene.bands[b].polarization;
            let pairs = bands.iter().flat_map(|&a| bands.iter().map(move |&b| (a, b)));
            let pairs: Vec<(usize, usize)> = pairs.filter(|&(a, b)| same(a, b)).collect();
            l.add(format!("TARGET FREQ {i}/{f}"), f);
            l.add(format!("POL PRODUCTS {i}/{f}"), pairs.len());
            for (product, (a, b)) in pairs.iter().enumerate() {
                l.add(format!("D/STREAM A BAND {product}"), a);
                l.add(format!("D/STREAM B BAND {product}"), b);
            }
        }
    }
}

fn start_lines(l: &mut Lines, scene: &Scene) {
    let (year, month, day) = scene.start.date();
    let second = scene.start.second_of_day();
    l.add("START YEAR", year);
    l.add("START MONTH", month);
    l.add("START DAY", day);
    l.add("START HOUR", second / 3600);
    l.add("START MINUTE", second / 60 % 60);
    l.add("START SECOND", second % 60);
}

fn pointing_name(scene: &Scene) -> String {
    scene.sources.first().map_or_else(|| "BLANK".to_owned(), |source| source.name.clone())
}

fn calc(scene: &Scene) -> String {
    let mut l = Lines::default();
    let start_mjd = scene.start.0 as f64 / 86_400.0;
    l.add("JOB ID", 1);
    l.add("JOB START TIME", format!("{start_mjd:.7}"));
    l.add("JOB STOP TIME", format!("{:.7}", start_mjd + execute_seconds(scene) as f64 / 86_400.0));
    l.add("DUTY CYCLE", "1.000");
    l.add("OBSCODE", "SIM");
    l.add("DIFX VERSION", "none");
    l.add("SUBJOB ID", 0);
    l.add("SUBARRAY ID", 0);
    l.add("VEX FILE", "none");
    l.add("START MJD", format!("{start_mjd:.7}"));
    start_lines(&mut l, scene);
    l.add("SPECTRAL AVG", 1);
    l.add("TAPER FUNCTION", "UNIFORM");
    l.add("NUM TELESCOPES", scene.stations.len());
    for (i, station) in scene.stations.iter().enumerate() {
        l.add(format!("TELESCOPE {i} NAME"), &station.code);
        l.add(format!("TELESCOPE {i} MOUNT"), "AZEL");
        l.add(format!("TELESCOPE {i} OFFSET (m)"), "0.0");
        for (axis, value) in ["X", "Y", "Z"].iter().zip(station.position_m) {
            l.add(format!("TELESCOPE {i} {axis} (m)"), format!("{value:.4}"));
        }
        l.add(format!("TELESCOPE {i} SHELF"), "NONE");
    }
    sources(&mut l, scene);
    l.add("NUM SCANS", 1);
    l.add("SCAN 0 IDENTIFIER", "No0001");
    l.add("SCAN 0 START (S)", 0);
    l.add("SCAN 0 DUR (S)", execute_seconds(scene));
    l.add("SCAN 0 OBS MODE NAME", "default");
    l.add("SCAN 0 UVSHIFT INTERVAL (NS)", scene.correlation.shift_ns);
    l.add("SCAN 0 AC AVG INTERVAL (NS)", scene.correlation.shift_ns);
    l.add("SCAN 0 POINTING SRC", 0);
    // Without centres of its own the job's only one is the pointing.
    l.add("SCAN 0 NUM PHS CTRS", scene.centres.len().max(1));
    let first = usize::from(!scene.centres.is_empty());
    (0..scene.centres.len().max(1)).for_each(|i| l.add(format!("SCAN 0 PHS CTR {i}"), i + first));
    l.add("NUM EOPS", 0);
    l.add("NUM SPACECRAFT", 0);
    l.add("IM FILENAME", format!("{}.im", scene.name));
    l.add("FLAG FILENAME", format!("{}.flag", scene.name));
    l.0
}

fn sources(l: &mut Lines, scene: &Scene) {
    l.add("NUM SOURCES", 1 + scene.centres.len());
    let pointing = (pointing_name(scene), scene.ra_rad, scene.dec_rad);
    let centres = scene.centres.iter().map(|c| (c.name.clone(), c.ra_rad, c.dec_rad));
    for (i, (name, ra_rad, dec_rad)) in std::iter::once(pointing).chain(centres).enumerate() {
        l.add(format!("SOURCE {i} NAME"), name);
        l.add(format!("SOURCE {i} RA"), format!("{ra_rad:.16}"));
        l.add(format!("SOURCE {i} DEC"), format!("{dec_rad:.16}"));
        l.add(format!("SOURCE {i} CALCODE"), "");
        l.add(format!("SOURCE {i} QUAL"), 0);
    }
}

fn im(scene: &Scene) -> String {
    let mut l = Lines::default();
    l.add("CALC SERVER", "kvn-corr simulate");
    l.add("CALC PROGRAM", -1);
    l.add("CALC VERSION", -1);
    start_lines(&mut l, scene);
    let delays = scene.stations.iter().flat_map(|station| &station.model);
    let order = delays.map(|model| model.delay_s.0.len().max(model.uvw_m[0].0.len())).max().unwrap_or(1) - 1;
    l.add("POLYNOMIAL ORDER", order);
    l.add("INTERVAL (SECS)", POLY_INTERVAL_S);
    l.add("ABERRATION CORR", "EXACT");
    l.add("NUM TELESCOPES", scene.stations.len());
    for (i, station) in scene.stations.iter().enumerate() {
        l.add(format!("TELESCOPE {i} NAME"), &station.code);
    }
    l.add("NUM SCANS", 1);
    l.add("SCAN 0 POINTING SRC", pointing_name(scene));
    let names: Vec<String> = match scene.centres.as_slice() {
        [] => vec![pointing_name(scene)],
        centres => centres.iter().map(|c| c.name.clone()).collect(),
    };
    l.add("SCAN 0 NUM PHS CTRS", names.len());
    names.iter().enumerate().for_each(|(i, name)| l.add(format!("SCAN 0 PHS CTR {i} SRC"), name));
    let intervals = scene.stations.first().map_or(0, |station| station.model.len());
    l.add("SCAN 0 NUM POLY", intervals);
    for interval in 0..intervals {
        let begin = scene.start.0 + interval as i64 * POLY_INTERVAL_S as i64;
        l.add(format!("SCAN 0 POLY {interval} MJD"), begin.div_euclid(86_400));
        l.add(format!("SCAN 0 POLY {interval} SEC"), begin.rem_euclid(86_400));
        // Source 0 is the pointing, source 1 the first phase centre.
        for source in 0..=names.len() {
            for (i, station) in scene.stations.iter().enumerate() {
                let centre = source.checked_sub(1).and_then(|c| station.centre_models.get(c));
                let model = &centre.unwrap_or(&station.model)[interval];
                let key = format!("SRC {source} ANT {i}");
                l.add(format!("{key} DELAY (us)"), coefficients(&model.delay_s.scaled(1e6), order));
                for (axis, poly) in ["U", "V", "W"].iter().zip(&model.uvw_m) {
                    l.add(format!("{key} {axis} (m)"), coefficients(poly, order));
                }
            }
        }
    }
    l.0
}

fn coefficients(poly: &Poly, order: usize) -> String {
    let c = |i: usize| poly.0.get(i).copied().unwrap_or(0.0);
    (0..=order).map(|i| exponent(c(i))).collect::<Vec<_>>().join("\t ")
}

/// `%24.17e` of C, which other readers of these files expect.
fn exponent(value: f64) -> String {
    let text = format!("{value:.17e}");
    let (mantissa, power) = text.split_once('e').unwrap_or((&text, "0"));
    let (sign, digits) = power.strip_prefix('-').map_or(('+', power), |digits| ('-', digits));
    format!("{mantissa}e{sign}{digits:0>2}")
}
