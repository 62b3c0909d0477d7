//! Reads DiFX's `.input`: what is correlated, in which channels, from which files.
use super::DifxError;
use super::keyfile::{KeyFile, Line};
use crate::job::{PhaseCal, Sampling};
use std::path::{Path, PathBuf};

/// A place in the `.input`, for messages about what its line refers to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Place {
    /// Line number, counted from 1.
    pub line: usize,
    /// The key of the line.
    pub key: String,
}

impl From<&Line> for Place {
    fn from(line: &Line) -> Self {
        Self { line: line.number, key: line.key.clone() }
    }
}

/// One entry of the frequency table.
#[derive(Debug, Clone, PartialEq)]
pub struct Freq {
    /// The local oscillator: lower edge of an upper sideband, upper edge of a lower one; Hz.
    pub lo_hz: f64,
    /// Bandwidth in Hz.
    pub bandwidth_hz: f64,
    /// True for a lower sideband.
    pub lower_sideband: bool,
    /// Spectral channels before averaging.
    pub channels: usize,
    /// How many channels are averaged into one.
    pub channels_to_average: usize,
    /// Where it stands.
    pub place: Place,
}

/// One entry of the telescope table.
#[derive(Debug, Clone, PartialEq)]
pub struct Telescope {
    /// DiFX's name of it.
    pub name: String,
    /// Reference time of the clock polynomial, MJD.
    pub clock_reference_mjd: f64,
    /// Clock polynomial in s/s^n, as in the file: **added to the delay** of the model (DiFX's sign).
    pub clock_s: Vec<f64>,
    /// Where it stands.
    pub place: Place,
}

/// One recorded frequency of a data stream.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordedFreq {
    /// Index into the frequency table.
    pub freq: usize,
    /// Clock offset of this band in s, as in the file: added to the delay in the fractional-sample
    /// correction only, so that it turns the phase across the band and not at its edge.
    pub clock_offset_s: f64,
    /// Number of polarisations.
    pub polarisations: usize,
}

/// One recorded band (frequency and polarisation) of a data stream.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordedBand {
    /// R, L, X, Y, H or V.
    pub polarisation: char,
    /// Index into the stream's recorded frequencies.
    pub recorded_freq: usize,
}

/// A zoom band of a data stream.
#[derive(Debug, Clone, PartialEq)]
pub struct ZoomBand {
    /// Index into the frequency table.
    pub freq: usize,
    /// R, L, X, Y, H or V.
    pub polarisation: char,
    /// Where it stands.
    pub place: Place,
}

/// One entry of the data stream table.
#[derive(Debug, Clone, PartialEq)]
pub struct Datastream {
    /// Index into the telescope table.
    pub telescope: usize,
    /// DiFX's name of the recording format, such as VDIF.
    pub format: String,
    /// What a sample is.
    pub sampling: Sampling,
    /// Bits per sample.
    pub bits: u32,
    /// Bytes per frame, header included.
    pub frame_bytes: usize,
    /// Recorded frequencies.
    pub freqs: Vec<RecordedFreq>,
    /// Recorded bands in the order of the recording's channels.
    pub bands: Vec<RecordedBand>,
    /// Phase-calibration tones in its bands.
    pub phase_cal: Option<PhaseCal>,
    /// Zoom bands, which baselines count after the recorded ones: frequency and polarisation.
    pub zoom_bands: Vec<ZoomBand>,
    /// Files in the order of time, resolved against the job's folder.
    pub files: Vec<(PathBuf, Place)>,
    /// Where it stands.
    pub place: Place,
    /// Where its format stands.
    pub format_place: Place,
}

/// A pair of bands that is multiplied.
#[derive(Debug, Clone, PartialEq)]
pub struct BandPair {
    /// Band of the first stream.
    pub a: usize,
    /// Band of the second stream.
    pub b: usize,
    /// Frequency under which the product is written and where that stands, if it is told (TARGET FREQ, since DiFX 2.7).
    pub target: Option<(usize, Place)>,
    /// Where it stands.
    pub place: Place,
}

/// One entry of the baseline table.
#[derive(Debug, Clone, PartialEq)]
pub struct Baseline {
    /// First data stream; its spectra are not conjugated.
    pub a: usize,
    /// Second data stream; conjugated.
    pub b: usize,
    /// For each frequency of the baseline its products.
    pub products: Vec<Vec<BandPair>>,
    /// Where it stands.
    pub place: Place,
}

/// All that is used of an `.input`.
#[derive(Debug, Clone, PartialEq)]
pub struct Input {
    /// The file itself.
    pub path: PathBuf,
    /// The `.calc`, resolved against the job's folder.
    pub calc_path: PathBuf,
    /// Start of the job: MJD and second of that day.
    pub start: (i64, i64),
    /// Length of the job in s.
    pub execute_s: i64,
    /// Name of the output folder (its last part), such as `job.difx`.
    pub output_name: String,
    /// Accumulation time in s.
    pub integration_s: f64,
    /// 0: fringe rotation after the transform; 1, 2: before it, linear, quadratic.
    pub rotation_order: u32,
    /// Whether autocorrelations are written.
    pub write_autos: bool,
    /// Frequency table.
    pub freqs: Vec<Freq>,
    /// Telescope table.
    pub telescopes: Vec<Telescope>,
    /// Data streams that are active, in the order of the configuration.
    pub datastreams: Vec<Datastream>,
    /// Baselines that are active.
    pub baselines: Vec<Baseline>,
}

/// Lines that newer and older versions have or have not and that change nothing here.
const OPTIONAL: [&str; 7] =
    ["RX NAME", "PHASE CAL ", "TCAL ", "GAIN ", "ALIGNMENT TIME", "PHASE CAL BASE", "OUTPUTBAND"];

struct Common {
    calc_path: PathBuf,
    start: (i64, i64),
    execute_s: i64,
    streams: usize,
    baselines: usize,
    output_name: String,
}

struct Config {
    integration_s: f64,
    rotation_order: u32,
    write_autos: bool,
    streams: Vec<(usize, Place)>,
    baselines: Vec<(usize, Place)>,
}

impl Input {
    /// Reads an `.input`. Names of files in it count from its own folder.
    ///
    /// # Errors
    /// [`DifxError`], with file and line.
    pub fn open(path: &Path) -> Result<Self, DifxError> {
        Self::read(KeyFile::open(path)?)
    }

    /// Reads an `.input` from its lines.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn read(mut file: KeyFile) -> Result<Self, DifxError> {
        let file = &mut file;
        let common = common(file)?;
        let config = config(file, &common)?;
        let freqs = freq_table(file)?;
        let telescopes = telescope_table(file)?;
        let mut streams = datastream_table(file, freqs.len(), telescopes.len())?;
        let baselines = baseline_table(file, &streams, freqs.len())?;
        data_table(file, &mut streams)?;
        let datastreams = pick(file, &config.streams, &streams, "data stream")?;
        let mut chosen = pick(file, &config.baselines, &baselines, "baseline")?;
        // Baselines name entries of the table; the configuration may use some of them only, in another order.
        let position = |entry: usize| config.streams.iter().position(|(s, _)| *s == entry);
        for baseline in &mut chosen {
            let (Some(a), Some(b)) = (position(baseline.a), position(baseline.b)) else {
                let what = "refers to a data stream that the configuration does not use".to_owned();
                let (line, key) = (baseline.place.line, baseline.place.key.clone());
                return Err(DifxError::Refers { path: file.path().to_owned(), line, key, what });
            };
            (baseline.a, baseline.b) = (a, b);
        }
        Ok(Self {
            path: file.path().to_owned(),
            calc_path: common.calc_path,
            start: common.start,
            execute_s: common.execute_s,
            output_name: common.output_name,
            integration_s: config.integration_s,
            rotation_order: config.rotation_order,
            write_autos: config.write_autos,
            freqs,
            telescopes,
            datastreams,
            baselines: chosen,
        })
    }

    /// An error about what stands at a place of this file.
    pub fn refers(&self, place: &Place, what: impl Into<String>) -> DifxError {
        DifxError::Refers {
            path: self.path.clone(),
            line: place.line,
            key: place.key.clone(),
            what: what.into(),
        }
    }

    /// An error about a thing at a place of this file that is not done here.
    pub fn unsupported(&self, place: &Place, what: impl Into<String>) -> DifxError {
        DifxError::Unsupported {
            path: self.path.clone(),
            line: place.line,
            key: place.key.clone(),
            what: what.into(),
        }
    }
}

fn pick<T: Clone>(
    file: &KeyFile,
    wanted: &[(usize, Place)],
    table: &[T],
    kind: &str,
) -> Result<Vec<T>, DifxError> {
    let mut picked = Vec::new();
    for (index, place) in wanted {
        let Some(entry) = table.get(*index) else {
            let what = format!("refers to {kind} {index}, but the table has {}", table.len());
            let (path, key) = (file.path().to_owned(), place.key.clone());
            return Err(DifxError::Refers { path, line: place.line, key, what });
        };
        picked.push(entry.clone());
    }
    Ok(picked)
}

/// A name inside a job counts from the folder of the file that holds it, as does a name with a folder in it;
/// where an absolute name is not there (the job was moved), its last part beside the job is taken.
pub(super) fn beside(file: &Path, name: &str) -> PathBuf {
    let folder = file.parent().unwrap_or(Path::new(""));
    let named = folder.join(name);
    let moved = Path::new(name).file_name().map(|last| folder.join(last));
    match moved {
        Some(moved) if !named.exists() && moved.exists() => moved,
        _ => named,
    }
}

fn common(file: &mut KeyFile) -> Result<Common, DifxError> {
    let calc = file.expect("CALC FILENAME")?;
    file.expect("CORE CONF FILENAME")?;
    let execute = file.expect("EXECUTE TIME (SEC)")?;
    let execute_s: i64 = file.value(&execute, "a whole number of seconds")?;
    if execute_s <= 0 {
        return Err(file.bad(&execute, "a positive number of seconds"));
    }
    let mjd = file.get("START MJD", "a whole day")?;
    let second: i64 = file.get("START SECONDS", "a whole second")?;
    let streams = file.get("ACTIVE DATASTREAMS", "a number of data streams")?;
    let baselines = file.get("ACTIVE BASELINES", "a number of baselines")?;
    file.expect("VIS BUFFER LENGTH")?;
    file.expect("OUTPUT FORMAT")?;
    let output = file.expect("OUTPUT FILENAME")?;
    let output_name = Path::new(&output.value)
        .file_name()
        .and_then(|n| n.to_str())
        .ok_or_else(|| file.bad(&output, "the name of a folder"))?
        .to_owned();
    let calc_path = beside(file.path(), &calc.value);
    if !calc_path.is_file() {
        return Err(file.refers(&calc, format!("{} is not there", calc_path.display())));
    }
    Ok(Common { calc_path, start: (mjd, second), execute_s, streams, baselines, output_name })
}

fn truth(file: &KeyFile, line: &Line) -> Result<bool, DifxError> {
    match line.value.as_str() {
        "TRUE" | "true" | "T" => Ok(true),
        "FALSE" | "false" | "F" => Ok(false),
        _ => Err(file.bad(line, "TRUE or FALSE")),
    }
}

fn refuse_true(file: &mut KeyFile, key: &str, what: &str) -> Result<(), DifxError> {
    let line = file.expect_skipping(key, &OPTIONAL)?;
    if truth(file, &line)? { Err(file.unsupported(&line, what)) } else { Ok(()) }
}

fn config(file: &mut KeyFile, common: &Common) -> Result<Config, DifxError> {
    let number = file.expect("NUM CONFIGURATIONS")?;
    if number.value != "1" {
        return Err(
            file.unsupported(&number, "only jobs of one configuration are correlated; make one job for each")
        );
    }
    file.expect("CONFIG NAME")?;
    let integration = file.expect("INT TIME (SEC)")?;
    let integration_s: f64 = file.value(&integration, "a number of seconds")?;
    if !(integration_s > 0.0 && integration_s.is_finite()) {
        return Err(file.bad(&integration, "a positive number of seconds"));
    }
    let order = file.expect_skipping("FRINGE ROTN ORDER", &["SUBINT NANOSECONDS", "GUARD NANOSECONDS"])?;
    let rotation_order = file.value(&order, "0, 1 or 2")?;
    if rotation_order > 2 {
        return Err(file.bad(&order, "0, 1 or 2"));
    }
    let skip = ["ARRAY STRIDE LENGTH", "XMAC STRIDE LENGTH", "NUM BUFFERED FFTS"];
    let autos = file.expect_skipping("WRITE AUTOCORRS", &skip)?;
    let write_autos = truth(file, &autos)?;
    refuse_true(file, "PULSAR BINNING", "pulsar binning is not done here")?;
    refuse_true(file, "PHASED ARRAY", "phased array output is not done here")?;
    let mut list = |kind: &str, count: usize| -> Result<Vec<(usize, Place)>, DifxError> {
        let mut read = |i| {
            let line = file.expect(&format!("{kind} {i} INDEX"))?;
            Ok((file.value(&line, "an index")?, (&line).into()))
        };
        (0..count).map(&mut read).collect()
    };
    let streams = list("DATASTREAM", common.streams)?;
    let baselines = list("BASELINE", common.baselines)?;
    Ok(Config { integration_s, rotation_order, write_autos, streams, baselines })
}

fn freq_table(file: &mut KeyFile) -> Result<Vec<Freq>, DifxError> {
    let entries = file.seek("FREQ ENTRIES")?;
    let count: usize = file.value(&entries, "a number of frequencies")?;
    (0..count).map(|i| freq(file, i)).collect()
}

fn freq(file: &mut KeyFile, i: usize) -> Result<Freq, DifxError> {
    let first = file.expect_skipping(&format!("FREQ (MHZ) {i}"), &OPTIONAL)?;
    let lo_mhz: f64 = file.value(&first, "a frequency in MHz")?;
    let bw = file.expect(&format!("BW (MHZ) {i}"))?;
    let bw_mhz: f64 = file.value(&bw, "a bandwidth in MHz")?;
    if !(bw_mhz > 0.0 && bw_mhz.is_finite() && lo_mhz.is_finite()) {
        return Err(file.bad(&bw, "a positive bandwidth in MHz"));
    }
    let sideband = file.expect(&format!("SIDEBAND {i}"))?;
    let lower_sideband = match sideband.value.as_str() {
        "U" => false,
        "L" => true,
        _ => return Err(file.bad(&sideband, "U or L")),
    };
    let number = file.expect_skipping(&format!("NUM CHANNELS {i}"), &OPTIONAL)?;
    let channels = file.value(&number, "a number of channels")?;
    let average = file.expect(&format!("CHANS TO AVG {i}"))?;
    let channels_to_average = file.value(&average, "a number of channels")?;
    if channels == 0 || channels_to_average == 0 || channels % channels_to_average != 0 {
        return Err(file.bad(&average, "a divisor of NUM CHANNELS"));
    }
    for key in ["OVERSAMPLE FAC.", "DECIMATION FAC."] {
        let line = file.expect(&format!("{key} {i}"))?;
        if line.value != "1" {
            return Err(file.unsupported(&line, "only critically sampled, undecimated bands are correlated"));
        }
    }
    file.optional(&format!("PHASE CALS {i} OUT"));
    let place = (&first).into();
    let (lo_hz, bandwidth_hz) = (lo_mhz * 1e6, bw_mhz * 1e6);
    Ok(Freq { lo_hz, bandwidth_hz, lower_sideband, channels, channels_to_average, place })
}

fn telescope_table(file: &mut KeyFile) -> Result<Vec<Telescope>, DifxError> {
    let entries = file.expect_skipping("TELESCOPE ENTRIES", &OPTIONAL)?;
    let count: usize = file.value(&entries, "a number of telescopes")?;
    let mut table = Vec::new();
    for i in 0..count {
        let name = file.expect(&format!("TELESCOPE NAME {i}"))?;
        let clock_reference_mjd = file.get(&format!("CLOCK REF MJD {i}"), "a date (MJD)")?;
        let order: usize = file.get(&format!("CLOCK POLY ORDER {i}"), "the order of a polynomial")?;
        let mut clock_s = Vec::new();
        for n in 0..=order {
            let us: f64 = file.get(&format!("CLOCK COEFF {i}/{n}"), "a number (us/s^n)")?;
            clock_s.push(us * 1e-6);
        }
        let place = (&name).into();
        table.push(Telescope { name: name.value, clock_reference_mjd, clock_s, place });
    }
    Ok(table)
}

fn index_below(file: &KeyFile, line: &Line, count: usize, what: &str) -> Result<usize, DifxError> {
    let index: usize = file.value(line, "an index")?;
    if index < count {
        Ok(index)
    } else {
        Err(file.refers(
            line,
            format!("refers to {what} {index}, but there are {count} (0 to {})", count as i64 - 1),
        ))
    }
}

fn datastream_table(file: &mut KeyFile, freqs: usize, scopes: usize) -> Result<Vec<Datastream>, DifxError> {
    let entries = file.expect("DATASTREAM ENTRIES")?;
    let count: usize = file.value(&entries, "a number of data streams")?;
    file.expect("DATA BUFFER FACTOR")?;
    file.expect("NUM DATA SEGMENTS")?;
    (0..count).map(|_| datastream(file, freqs, scopes)).collect()
}

fn datastream(file: &mut KeyFile, freqs: usize, scopes: usize) -> Result<Datastream, DifxError> {
    let first = file.expect_skipping("TELESCOPE INDEX", &OPTIONAL)?;
    let telescope = index_below(file, &first, scopes, "telescope")?;
    let tsys = file.expect("TSYS")?;
    if file.value::<f64>(&tsys, "a temperature")? != 0.0 {
        return Err(
            file.unsupported(&tsys, "scaling by TSYS is not done here; set it to 0 and calibrate later")
        );
    }
    let format = file.expect("DATA FORMAT")?;
    let bits = file.get("QUANTISATION BITS", "a number of bits")?;
    let frame_bytes = file.get("DATA FRAME SIZE", "a number of bytes")?;
    let sampling = file.expect("DATA SAMPLING")?;
    let sampling = match sampling.value.as_str() {
        "REAL" => Sampling::Real,
        "COMPLEX" => Sampling::Complex,
        "COMPLEX_DSB" => Sampling::ComplexCentred,
        _ => {
            return Err(
                file.unsupported(&sampling, "only REAL, COMPLEX and COMPLEX_DSB sampling are correlated")
            );
        }
    };
    let source = file.expect("DATA SOURCE")?;
    if !matches!(source.value.as_str(), "FILE" | "MARK6") {
        return Err(
            file.unsupported(&source, "recordings are read from files; set the source to FILE and name them")
        );
    }
    refuse_true(file, "FILTERBANK USED", "filterbank input is not done here")?;
    let phase_cal = phase_cal(file)?;
    let recorded = recorded_freqs(file, freqs)?;
    let bands = recorded_bands(file, &recorded)?;
    let zoom_bands = zoom_bands(file, freqs)?;
    Ok(Datastream {
        telescope,
        sampling,
        bits,
        frame_bytes,
        freqs: recorded,
        bands,
        phase_cal,
        zoom_bands,
        files: Vec::new(),
        place: (&first).into(),
        format_place: (&format).into(),
        format: format.value,
    })
}

/// Interval and base of phase-calibration tones; an interval of 0 means that there are none.
fn phase_cal(file: &mut KeyFile) -> Result<Option<PhaseCal>, DifxError> {
    let skipped: Vec<&str> = OPTIONAL.iter().copied().filter(|key| !key.starts_with("PHASE")).collect();
    let interval = file.expect_skipping("PHASE CAL INT (MHZ)", &skipped)?;
    let interval_mhz: f64 = file.value(&interval, "an interval in MHz")?;
    let base = file.optional("PHASE CAL BASE(MHZ)");
    let base_mhz: f64 = base.map_or(Ok(0.0), |line| file.value(&line, "a frequency in MHz"))?;
    if !(interval_mhz >= 0.0 && interval_mhz.is_finite() && base_mhz.is_finite()) {
        return Err(file.bad(&interval, "an interval in MHz"));
    }
    let tones = PhaseCal { interval_hz: interval_mhz * 1e6, base_hz: base_mhz * 1e6 };
    Ok((interval_mhz > 0.0).then_some(tones))
}

fn recorded_freqs(file: &mut KeyFile, freqs: usize) -> Result<Vec<RecordedFreq>, DifxError> {
    let number = file.expect_skipping("NUM RECORDED FREQS", &OPTIONAL)?;
    let count: usize = file.value(&number, "a number of frequencies")?;
    let mut recorded = Vec::new();
    for i in 0..count {
        let line = file.expect_skipping(&format!("REC FREQ INDEX {i}"), &OPTIONAL)?;
        let freq = index_below(file, &line, freqs, "frequency")?;
        let clock = file.expect(&format!("CLK OFFSET {i} (us)"))?;
        if clock.value.contains(':') {
            return Err(file.unsupported(&clock, "an offset between the polarisations is not done here"));
        }
        let us: f64 = file.value(&clock, "a number of us")?;
        let offset = file.expect(&format!("FREQ OFFSET {i} (Hz)"))?;
        if file.value::<f64>(&offset, "a frequency in Hz")? != 0.0 {
            return Err(file.unsupported(&offset, "an offset of the local oscillator is not done here"));
        }
        let polarisations = {
            let line = file.expect_skipping(&format!("NUM REC POLS {i}"), &OPTIONAL)?;
            file.value(&line, "1 or 2")?
        };
        recorded.push(RecordedFreq { freq, clock_offset_s: us * 1e-6, polarisations });
    }
    Ok(recorded)
}

fn recorded_bands(file: &mut KeyFile, recorded: &[RecordedFreq]) -> Result<Vec<RecordedBand>, DifxError> {
    let count: usize = recorded.iter().map(|f| f.polarisations).sum();
    let mut bands = Vec::new();
    for i in 0..count {
        let (polarisation, _) = polarisation(file, &format!("REC BAND {i} POL"))?;
        let line = file.expect(&format!("REC BAND {i} INDEX"))?;
        let recorded_freq = index_below(file, &line, recorded.len(), "recorded frequency")?;
        bands.push(RecordedBand { polarisation, recorded_freq });
    }
    Ok(bands)
}

fn polarisation(file: &mut KeyFile, key: &str) -> Result<(char, Place), DifxError> {
    let line = file.expect(key)?;
    match line.value.chars().next() {
        Some(c @ ('R' | 'L' | 'X' | 'Y' | 'H' | 'V')) if line.value.len() == 1 => Ok((c, (&line).into())),
        _ => Err(file.bad(&line, "a polarisation (R, L, X, Y, H, V)")),
    }
}

fn zoom_bands(file: &mut KeyFile, freqs: usize) -> Result<Vec<ZoomBand>, DifxError> {
    let number = file.expect_skipping("NUM ZOOM FREQS", &OPTIONAL)?;
    let count: usize = file.value(&number, "a number of frequencies")?;
    let (mut zoomed, mut bands) = (Vec::new(), 0);
    for i in 0..count {
        let line = file.expect(&format!("ZOOM FREQ INDEX {i}"))?;
        zoomed.push(index_below(file, &line, freqs, "frequency")?);
        let polarisations: usize = file.get(&format!("NUM ZOOM POLS {i}"), "1 or 2")?;
        bands += polarisations;
    }
    let mut read = |i| {
        let (polarisation, place) = polarisation(file, &format!("ZOOM BAND {i} POL"))?;
        let line = file.expect(&format!("ZOOM BAND {i} INDEX"))?;
        let freq = zoomed[index_below(file, &line, zoomed.len(), "zoom frequency")?];
        Ok(ZoomBand { freq, polarisation, place })
    };
    (0..bands).map(&mut read).collect()
}

fn baseline_table(
    file: &mut KeyFile,
    streams: &[Datastream],
    freqs: usize,
) -> Result<Vec<Baseline>, DifxError> {
    let entries = file.expect_skipping("BASELINE ENTRIES", &OPTIONAL)?;
    let count: usize = file.value(&entries, "a number of baselines")?;
    (0..count).map(|i| baseline(file, i, streams, freqs)).collect()
}

fn baseline(
    file: &mut KeyFile,
    i: usize,
    streams: &[Datastream],
    freq_entries: usize,
) -> Result<Baseline, DifxError> {
    let line = file.expect(&format!("D/STREAM A INDEX {i}"))?;
    let a = index_below(file, &line, streams.len(), "data stream")?;
    let place = (&line).into();
    let line = file.expect(&format!("D/STREAM B INDEX {i}"))?;
    let b = index_below(file, &line, streams.len(), "data stream")?;
    let freqs: usize = file.get(&format!("NUM FREQS {i}"), "a number of frequencies")?;
    let mut products = Vec::new();
    for f in 0..freqs {
        let target = match file.optional(&format!("TARGET FREQ {i}/{f}")) {
            Some(line) => Some((index_below(file, &line, freq_entries, "frequency")?, Place::from(&line))),
            None => None,
        };
        let pols: usize = file.get(&format!("POL PRODUCTS {i}/{f}"), "a number of products")?;
        let mut pairs = Vec::new();
        for p in 0..pols {
            let line = file.expect(&format!("D/STREAM A BAND {p}"))?;
            let bands = |s: &Datastream| s.bands.len() + s.zoom_bands.len();
            let band_a = index_below(file, &line, bands(&streams[a]), "band")?;
            let place = (&line).into();
            let line = file.expect(&format!("D/STREAM B BAND {p}"))?;
            let band_b = index_below(file, &line, bands(&streams[b]), "band")?;
            pairs.push(BandPair { a: band_a, b: band_b, target: target.clone(), place });
        }
        products.push(pairs);
    }
    Ok(Baseline { a, b, products, place })
}

fn data_table(file: &mut KeyFile, streams: &mut [Datastream]) -> Result<(), DifxError> {
    for (i, stream) in streams.iter_mut().enumerate() {
        let number = file.expect_skipping(&format!("D/STREAM {i} FILES"), &OPTIONAL)?;
        let count: usize = file.value(&number, "a number of files")?;
        if count == 0 {
            return Err(file.refers(&number, format!("data stream {i} has no recordings")));
        }
        for n in 0..count {
            let line = file.expect(&format!("FILE {i}/{n}"))?;
            let path = beside(file.path(), &line.value);
            if !path.is_file() {
                let what = if path.is_dir() { "is a folder" } else { "is not there" };
                return Err(file.refers(&line, format!("the recording {} {what}", path.display())));
            }
            stream.files.push((path, (&line).into()));
        }
    }
    Ok(())
}
