//! Resolves everything that a correlation needs, before MPI starts.
use crate::baseband::{
    BasebandError, BitOrder, Expectation, Recording, RecordingIndex, RecordingOptions, SampleSource,
    UtcSecond,
};
use crate::centres;
use crate::engine::{
    LOSS_TOLERANCE, RotationChoice, ScanRotation, choose, engine_bytes, groups, record_bytes, recording_bytes,
};
use crate::job::{self, Cut, Job, Quantisation, Rotation, Stream, Unit, groups_apart, units};
use crate::schedule::Format;
use mirinae_common::checkpoint::Hash;
use mirinae_common::outcome::Failure;
use mirinae_common::provenance::{self, InputFile};
use mirinae_simd::SimdPath;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt;
use std::io::Read;
use std::path::Path;

/// Units that a job is cut into at most: a part is a file, and a folder should not hold too many.
const MOST_UNITS: u64 = 2000;
/// Bytes of visibilities that a unit should not exceed.
const RECORDS_BYTES: usize = 32 << 20;
/// A rank holds a unit's visibilities, and as it writes them the part's bytes, which grow by doubling.
const COPIES: usize = 3;
/// Phase centres that are named one by one.
const MOST_NAMES: usize = 8;
/// What the program itself takes, MPI included.
const PROGRAM_BYTES: usize = 64 << 20;
/// What is read of a recording to tell it from another.
const HEAD_BYTES: u64 = 1 << 20;

/// A recording as the product names it: recordings are too long to be hashed whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordingFile {
    /// Station.
    pub station: String,
    /// Its name as the job has it, from the job's folder.
    pub name: String,
    /// Its length.
    pub bytes: u64,
    /// SHA-256 of its first MiB, in hexadecimal digits.
    pub sha256_of_first_mib: String,
}

/// What the user asks for besides the job.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Wishes {
    /// Channels and bits are the job's where the recordings' headers say otherwise.
    pub trust_job: bool,
    /// Where the fringe rotation is applied.
    pub rotation: RotationChoice,
    /// Amplitude that [`RotationChoice::Auto`] may lose.
    pub loss_tolerance: f64,
}

impl Default for Wishes {
    fn default() -> Self {
        Self { trust_job: false, rotation: RotationChoice::Job, loss_tolerance: LOSS_TOLERANCE }
    }
}

/// The resolved and checked correlation, the same on all ranks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The job.
    pub job: Job,
    /// How its scans are rotated.
    pub rotations: Vec<ScanRotation>,
    /// Slices of work, independent of the number of ranks.
    pub units: Vec<Unit>,
    /// Vector instructions, those that all hosts have.
    pub simd: SimdPath,
    /// Channels and bits are the job's where the recordings' headers say otherwise.
    pub trust_job: bool,
    /// The job's files.
    pub inputs: Vec<InputFile>,
    /// The recordings.
    pub recordings: Vec<RecordingFile>,
    /// What is known of the recordings of each stream: ranks open those files alone that they read.
    pub indexes: Vec<RecordingIndex>,
}

/// Reads a DiFX job and the headers of its recordings, and checks that all fit.
///
/// # Errors
/// Exit 65, with the file and the place in it.
pub fn prepare(input: &Path, wishes: &Wishes, simd: SimdPath) -> Result<Plan, Failure> {
    let trust_job = wishes.trust_job;
    let (job, files) = job::open(input).map_err(Failure::input)?;
    let described = files.iter().map(|(kind, path)| {
        let name = path.file_name().map_or_else(|| (*kind).to_owned(), |n| n.to_string_lossy().into_owned());
        InputFile::of(&name, path)
    });
    let inputs = described.collect::<Result<_, _>>().map_err(Failure::input)?;
    job.told.iter().for_each(|told| tracing::info!("{told}"));
    let indexes = check_recordings(&job, trust_job)?;
    let mut recordings = Vec::new();
    for stream in &job.streams {
        for file in &stream.files {
            recordings.push(describe(&job, stream, file, input)?);
        }
    }
    let all: u64 = (0..job.scans.len()).map(|s| job.integrations(s)).sum();
    // Few parts, but none that holds too much at once.
    let bytes: usize = job.all().map(|job| record_bytes(job, job.max_centres())).sum();
    let most = (RECORDS_BYTES / bytes.max(1)).max(1) as u64;
    let seconds = all.div_ceil(MOST_UNITS).min(most) as f64 * job.integration_s;
    let rotations = choose(&job, wishes.rotation, wishes.loss_tolerance);
    // A unit holds whole integrations of all views.
    let longest = job.views.iter().map(|view| view.integrations_of(&job)).max().unwrap_or(1);
    let longest_s = longest as f64 * job.integration_s;
    let units = units(&job, (seconds / longest_s).ceil().max(1.0) * longest_s);
    Ok(Plan { job, rotations, units, simd, trust_job, inputs, recordings, indexes })
}

fn describe(job: &Job, stream: &Stream, file: &Path, input: &Path) -> Result<RecordingFile, Failure> {
    let head = || {
        let open = std::fs::File::open(file)?;
        let bytes = open.metadata()?.len();
        let mut head = Vec::new();
        open.take(HEAD_BYTES).read_to_end(&mut head)?;
        Ok::<_, std::io::Error>((bytes, Sha256::digest(&head)))
    };
    let (bytes, hash) = head().map_err(|source| {
        Failure::input(anyhow::Error::new(source).context(format!("recording {}", file.display())))
    })?;
    let folder = input.parent().unwrap_or(Path::new(""));
    let name = file.strip_prefix(folder).unwrap_or(file).to_string_lossy().into_owned();
    let station = job.stations[stream.station].name.clone();
    Ok(RecordingFile { station, name, bytes, sha256_of_first_mib: provenance::hex(&hash) })
}

/// Opens the recordings of a stream; sample 0 is the start of the job.
///
/// # Errors
/// Where they cannot be used or contradict the job.
pub fn open_stream(job: &Job, stream: &Stream, trust_job: bool) -> Result<Recording, BasebandError> {
    let threads = stream.threads.len().max(1);
    let mark5b = matches!(stream.format, Format::Mark5b | Format::Kvn5b);
    // Headers of Mark5B tell neither.
    let trusted = |value: usize| (trust_job || mark5b).then_some(value);
    let options = RecordingOptions {
        reference: Some(UtcSecond::new(job.start_mjd, job.start_second)),
        sample_rate_hz: Some(stream.sample_rate_hz),
        order: (stream.format == Format::Kvn5b).then_some(BitOrder::Kvn5b),
        channels: trusted(stream.channels.len() / threads),
        bits: trusted(stream.bits as usize),
        complex: trust_job.then_some(stream.sampling.is_complex()),
        threads: (!stream.threads.is_empty()).then(|| stream.threads.clone()),
        ..RecordingOptions::default()
    };
    let mut recording = Recording::open(&stream.files, &options)?;
    recording.check(&Expectation {
        format: Some(if mark5b { "Mark5B" } else { "VDIF" }),
        frame_bytes: (stream.frame_bytes > 0).then_some(stream.frame_bytes),
        channels: Some(stream.channels.len()),
        bits: Some(stream.bits as usize),
        complex: Some(stream.sampling.is_complex()),
    })?;
    Ok(recording)
}

/// The recordings of all streams: their files are opened when they are read.
pub fn sources(plan: &Plan) -> Vec<Box<dyn SampleSource>> {
    let asleep = |index| -> Box<dyn SampleSource> { Box::new(Recording::asleep(index)) };
    plan.indexes.iter().map(asleep).collect()
}

/// What the job can say and the correlator cannot read.
fn refuse_unreadable(job: &Job, stream: &Stream) -> Result<(), Failure> {
    match &stream.format {
        Format::Vdif | Format::VdifLegacy | Format::Mark5b | Format::Kvn5b => Ok(()),
        other => Err(Failure::input(anyhow::anyhow!(
            "station {}: recordings in the format {other:?} are not correlated, only VDIF and Mark5B",
            job.stations[stream.station].name
        ))),
    }
}

/// All recordings must be usable, and some of them must hold samples of some scan.
fn check_recordings(job: &Job, trust_job: bool) -> Result<Vec<RecordingIndex>, Failure> {
    let (mut any, mut indexes) = (false, Vec::new());
    for stream in &job.streams {
        refuse_unreadable(job, stream)?;
        let mut recording = open_stream(job, stream, trust_job).map_err(|error| {
            let hint = match error {
                BasebandError::Contradiction {
                    field: "channels" | "bits" | "components per sample", ..
                } if !trust_job => {
                    " (headers of some recorders are wrong: --trust-job takes channels and bits from the job)"
                }
                _ => "",
            };
            let station = &job.stations[stream.station].name;
            Failure::input(anyhow::anyhow!("station {station}: {error}{hint}"))
        })?;
        let (from, to) = recording.span().map_err(Failure::input)?;
        let rate_hz = stream.sample_rate_hz as i64;
        any |= job.scans.iter().any(|s| from < s.end_s * rate_hz && to > s.start_s * rate_hz);
        indexes.push(recording.index());
    }
    if any {
        return Ok(indexes);
    }
    let start = UtcSecond::new(job.start_mjd, job.start_second);
    Err(Failure::input(anyhow::anyhow!(
        "no recording holds a sample of any scan: the job starts at {start}; are these the recordings of another time?"
    )))
}

#[derive(Serialize)]
struct Settings<'a> {
    job: &'a str,
    obscode: &'a str,
    rotations: &'a [ScanRotation],
    channels: usize,
    channels_averaged: usize,
    integration_s: f64,
    sample_rate_hz: u64,
    quantisation: Quantisation,
    normalise: bool,
    trust_job: bool,
    simd: SimdPath,
    recordings: &'a [RecordingFile],
}

impl Plan {
    /// How the product of the job or of a view of it is made, as JSON for the product itself.
    pub fn provenance(&self, job: &Job, hash: &Hash) -> String {
        let settings = Settings {
            job: &job.name,
            obscode: &job.obscode,
            rotations: &self.rotations,
            channels: job.channels,
            channels_averaged: job.average,
            integration_s: job.integration_s,
            sample_rate_hz: job.sample_rate_hz,
            quantisation: job.quantisation,
            normalise: job.normalise,
            trust_job: self.trust_job,
            simd: self.simd,
            recordings: &self.recordings,
        };
        provenance::of_plan("kvn-corr", hash, &settings, &self.inputs)
    }

    /// The same with the rotation that the job names: searches of its recordings stand on it, and not on how it is correlated.
    pub(crate) fn of_searches(&self) -> Self {
        Self { rotations: choose(&self.job, RotationChoice::Job, LOSS_TOLERANCE), ..self.clone() }
    }

    /// Into what every one of so many stretches of time is cut so that so many ranks have something to do.
    pub fn cut(&self, stretches: usize, ranks: usize) -> Cut {
        let split = self.indexes.iter().all(RecordingIndex::is_split);
        Cut::for_ranks(&self.job, stretches, (groups_apart(&groups(&self.job)), split), ranks)
    }

    /// The same in words.
    pub fn cut_in_words(&self, ranks: usize) -> String {
        let (units, cut) = (self.units.len(), self.cut(self.units.len(), ranks));
        let lots = cut.lots(&self.job, &groups(&self.job)).len();
        let reads = if cut.bands == 1 {
            ""
        } else if self.indexes.iter().all(RecordingIndex::is_split) {
            "; each reads the files of its bands"
        } else {
            "; bands lie in the same files, which each group reads"
        };
        match lots {
            1 => format!("{ranks} ranks: {units} stretches of time, not cut any further"),
            _ => format!("{ranks} ranks: {units} stretches of time, each cut into {cut}{reads}"),
        }
    }

    /// Bytes of memory that a rank needs at most.
    pub fn rank_bytes(&self) -> usize {
        let job = &self.job;
        let record = |of: &Job, u: &Unit| {
            let count = u.count.div_ceil(of.integrations_of(job)) as usize;
            count * record_bytes(of, of.scans[u.scan].centres.len())
        };
        let records = self.units.iter().map(|u| job.all().map(|of| record(of, u)).sum()).max().unwrap_or(0);
        PROGRAM_BYTES + engine_bytes(job) + COPIES * records
    }

    /// Bytes of memory that a rank needs to read all recordings, the program itself included.
    pub(crate) fn reading_bytes(&self) -> usize {
        PROGRAM_BYTES + recording_bytes(&self.job)
    }

    /// Bytes of all visibilities.
    fn product_bytes(&self) -> u64 {
        let of = |job: &Job| -> u64 {
            let per =
                |centres: usize| (centres * job.crosses.len() + job.autos.len()) * job.output_channels() * 8;
            let scans = job.scans.iter().enumerate();
            scans.map(|(i, s)| job.integrations(i) * per(s.centres.len()) as u64).sum()
        };
        self.job.all().map(of).sum()
    }
}

fn rotation_in_words(scan: &ScanRotation) -> String {
    let percent = 100.0 * scan.loss;
    match scan.rotation {
        Rotation::BeforeTransform => "before the transform".to_owned(),
        Rotation::AfterTransform if scan.corrected => {
            format!("after the transform (loses up to {percent:.3} %, corrected)")
        }
        Rotation::AfterTransform => format!("after the transform (loses up to {percent:.3} %, left in)"),
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let job = &self.job;
        let start = UtcSecond::new(job.start_mjd, job.start_second);
        writeln!(f, "job {} ({}), from {start}", job.name, job.obscode)?;
        writeln!(
            f,
            "{} channels averaged by {}, accumulation {} s, vector instructions {:?}",
            job.channels, job.average, job.integration_s, self.simd
        )?;
        for recording in &self.recordings {
            writeln!(f, "recording {} {} ({} bytes)", recording.station, recording.name, recording.bytes)?;
        }
        for band in &job.bands {
            let sideband = if band.lower_sideband { "lower" } else { "upper" };
            let (low, high) = (band.low_hz() / 1e6, (band.low_hz() + band.bandwidth_hz) / 1e6);
            writeln!(f, "band {} {low} to {high} MHz ({sideband} sideband)", band.difx_index)?;
        }
        for (index, scan) in job.scans.iter().enumerate() {
            let centres: Vec<&str> = scan.centres.iter().map(|&c| job.sources[c].name.as_str()).collect();
            let (from, to, count) = (scan.start_s, scan.end_s, job.integrations(index));
            let centres = match centres.as_slice() {
                [first, .., last] if centres.len() > MOST_NAMES => {
                    format!("{first} to {last} ({} of them)", centres.len())
                }
                all => all.join(", "),
            };
            writeln!(
                f,
                "scan {} {from} to {to} s, {count} integrations, rotation {}, phase centres {centres}",
                scan.name,
                rotation_in_words(&self.rotations[index])
            )?;
        }
        for view in &job.views {
            let centres = view.max_centres();
            writeln!(
                f,
                "{}: {centres} phase centres, channels averaged by {}, accumulation {} s",
                view.name, view.average, view.integration_s
            )?;
        }
        let (crosses, autos) = (job.crosses.len(), job.autos.len());
        writeln!(f, "{} baselines, {crosses} cross and {autos} auto products", job.baselines.len())?;
        job.told.iter().try_for_each(|told| writeln!(f, "{told}"))?;
        let smearing: Vec<_> = job.all().flat_map(centres::smearing).collect();
        if let Some(worst) =
            smearing.iter().max_by(|a, b| (a.time + a.bandwidth).total_cmp(&(b.time + b.bandwidth)))
        {
            let (time, bandwidth) = (100.0 * worst.time, 100.0 * worst.bandwidth);
            writeln!(
                f,
                "turning loses most at {} in scan {}: {time:.3} % over time, {bandwidth:.3} % over bandwidth; corrected",
                worst.centre, worst.scan
            )?;
        }
        writeln!(f, "memory of a rank: at most {} MiB", self.rank_bytes().div_ceil(1 << 20))?;
        write!(f, "{} units of work, {} bytes of visibilities", self.units.len(), self.product_bytes())
    }
}
