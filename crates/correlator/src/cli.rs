//! What the user types, and what is done about it.

mod search;

use crate::baseband::{BitOrder, RecordingOptions, UtcSecond};
use crate::bench::{self, BenchOptions};
use crate::cli_job::{self, DelayArgs, InitArgs};
use crate::engine::{LOSS_TOLERANCE, RotationChoice};
use crate::epoch::Epoch;
use crate::fringe::{FringeError, FringeOptions, find_fringes, write_fringe_png};
use crate::inspect::{self, InspectOptions, levels_by_name};
use crate::pass::{self, PassPlan};
use crate::report::{ReportError, write_report_of};
use crate::run::{self, CutWishes, Plan, Products, Wishes};
use crate::schedule::Schedule;
use crate::search::{SearchWishes, read_known};
use crate::sim::{self, SimConfig, SimError};
use anyhow::Context as _;
use clap::{Parser, Subcommand};
use mirinae_common::options::RunOptions;
use mirinae_common::outcome::Failure;
use mirinae_common::{provenance, runtime};
use mirinae_simd::SimdPath;
use search::SearchArgs;
use std::io::Write as _;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// FX correlation of VLBI recordings
#[derive(Debug, Parser)]
#[command(name = "kvn-corr", version = provenance::VERSION)]
#[command(after_help = "Run over many cores or hosts: mpirun -np 256 --hostfile HOSTS kvn-corr run job.toml")]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Correlate a job
    Run {
        #[command(flatten)]
        job: JobArgs,
        /// Write DiFX's own output format, too
        #[arg(long)]
        swin: bool,
        /// Write FITS-IDI for CASA and AIPS, too: a file for each phase centre
        #[arg(long)]
        fits_idi: bool,
        /// Tell in a JSON file how the run goes: rate, time left, weights, fringes; written every few seconds
        #[arg(long, value_name = "FILE")]
        status_file: Option<PathBuf>,
        /// Search in the same pass, recordings being read once: compact, narrow, bursts, with commas between them, or a TOML file
        /// with tables of these names and the options of `search` in them
        #[arg(long, value_name = "NAMES|TOML")]
        search: Option<String>,
        #[command(flatten)]
        cut: CutArgs,
        #[command(flatten)]
        options: RunOptions,
    },
    /// Make a job.toml from a VEX schedule; it goes to the standard output
    Init(InitArgs),
    /// Make a job.toml from a DiFX job; it goes to the standard output
    Convert {
        /// The job's .input
        input: PathBuf,
    },
    /// Write the delays of a job as a table
    Delay(DelayArgs),
    /// Tell what a run would do and what memory it needs
    Plan {
        #[command(flatten)]
        job: JobArgs,
        /// Tell how so many ranks would share the work
        #[arg(long, value_name = "N")]
        ranks: Option<NonZeroUsize>,
    },
    /// Measure how fast this machine correlates, with simulated data
    Bench {
        /// One case only [default: all, which take some minutes]
        #[arg(long, value_name = "NAME")]
        case: Option<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
        /// Length of the simulated recordings
        #[arg(long, default_value_t = 4, value_name = "SECONDS")]
        seconds: u32,
        /// How often each measurement is made
        #[arg(long, default_value_t = 3, value_name = "N")]
        rounds: usize,
        /// Folder for the recordings (up to 0.3 GB per second), best in the page cache [default: the temporary folder]
        #[arg(long, value_name = "DIR")]
        folder: Option<PathBuf>,
    },
    /// Tell what recordings hold (frames, times, threads, levels, spectra) or what a VEX schedule says
    Inspect(InspectArgs),
    /// Find delay and rate of the fringes in visibilities
    Fringe {
        /// Visibilities, as `run` wrote them
        file: PathBuf,
        /// Folder for the picture and the CSV file [default: beside the visibilities]
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
        /// Write the table as CSV, too
        #[arg(long)]
        csv: bool,
    },
    /// Look for compact sources in visibilities, or for narrow-band signals in recordings
    Search(SearchArgs),
    /// Make a page of pictures and tables of visibilities: what searches found, fringes, spectra, weights, uv coverage
    Report {
        /// Visibilities, as `run` wrote them
        file: PathBuf,
        /// Show sources of a list on the map of the field: CSV with the columns name, ra_deg, dec_deg (J2000)
        #[arg(long, value_name = "CSV")]
        known: Option<PathBuf>,
        /// Folder for the page and the pictures [default: beside the visibilities]
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
    },
    /// Make recordings of sources and noise, and the job that correlates them
    Simulate {
        /// What to simulate
        config: PathBuf,
        /// A job.toml whose delay model the recordings follow, in place of a simple geometry
        #[arg(long, value_name = "JOB")]
        delays: Option<PathBuf>,
        /// Folder for recordings and job [default: named after the configuration, beside it]
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
    },
}

#[derive(Debug, clap::Args)]
struct JobArgs {
    /// A job.toml, or a DiFX job's .input (.calc and .im are those that it names)
    input: PathBuf,
    /// Take channels and bits from the job where the recordings' headers say otherwise
    #[arg(long)]
    trust_job: bool,
    /// Where the fringe rotation is applied
    #[arg(long, value_enum, default_value = "job")]
    rotation: RotationChoice,
    /// Share of the amplitude that --rotation auto may lose
    #[arg(long, default_value_t = LOSS_TOLERANCE, value_name = "SHARE")]
    loss: f64,
    /// Vector instructions: a run goes on only with those that it began with [default: the best that all hosts have]
    #[arg(long, value_enum)]
    simd: Option<SimdName>,
}

/// Instruction sets by their names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum SimdName {
    /// What every processor has
    Portable,
    /// 256 bits, with fused multiply-add
    Avx2,
    /// 512 bits
    Avx512,
}

impl From<SimdName> for SimdPath {
    fn from(name: SimdName) -> Self {
        match name {
            SimdName::Portable => Self::Portable,
            SimdName::Avx2 => Self::Avx2,
            SimdName::Avx512 => Self::Avx512,
        }
    }
}

impl JobArgs {
    fn prepare(&self, level: u8) -> Result<Plan, Failure> {
        let Self { input, trust_job, rotation, loss, simd } = self;
        let best = SimdPath::from_level(level);
        let path = simd.map_or(best, SimdPath::from);
        if path > best {
            let what = format!("--simd: not all hosts have {path:?}; the best that they have is {best:?}");
            return Err(Failure::usage(anyhow::anyhow!(what)));
        }
        let wishes = Wishes { trust_job: *trust_job, rotation: *rotation, loss_tolerance: *loss };
        run::prepare(input, &wishes, path)
    }
}

#[derive(Debug, clap::Args)]
struct CutArgs {
    /// Cut every stretch of time into so many groups of bands [default: as many groups of bands and baselines as give
    /// every rank something to do]
    #[arg(long, value_name = "N")]
    cut_bands: Option<NonZeroUsize>,
    /// And into so many groups of baselines: each transforms what its stations recorded
    #[arg(long, value_name = "N")]
    cut_baselines: Option<NonZeroUsize>,
}

impl CutArgs {
    fn wishes(&self) -> CutWishes {
        CutWishes {
            bands: self.cut_bands.map(NonZeroUsize::get),
            baselines: self.cut_baselines.map(NonZeroUsize::get),
        }
    }
}

#[derive(Debug, clap::Args)]
struct InspectArgs {
    /// Recordings (VDIF, Mark5B, Mark6 files) or VEX schedules
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Channels in each thread, in place of the header's; Mark5B's headers do not tell
    #[arg(long, value_name = "N")]
    channels: Option<usize>,
    /// Bits per sample, in place of the header's; Mark5B's headers do not tell
    #[arg(long, value_name = "N")]
    bits: Option<usize>,
    /// Mark5B with KVN's order of bits
    #[arg(long)]
    kvn5b: bool,
    /// A time near to the recording, which tells the thousands of Mark5B's days [default: the file's own date]
    #[arg(long, value_name = "DATE")]
    near: Option<String>,
    /// Samples per second and channel, where the file does not tell
    #[arg(long, value_name = "HZ")]
    rate: Option<u64>,
    /// Values of 2-bit samples: difx (outer level 3.3359) or optimal (3.3165)
    #[arg(long, default_value = "difx", value_name = "NAME")]
    levels: String,
    /// Write the mean spectrum of every channel as CSV and PNG, with so many bins
    #[arg(long, value_name = "BINS", num_args = 0..=1, default_missing_value = "1024")]
    spectrum: Option<usize>,
    /// Folder for the spectra [default: the current one]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Look no further than so many MiB into each file
    #[arg(long, value_name = "MIB")]
    limit: Option<u64>,
    /// Print JSON: an object for one file, a list for several
    #[arg(long)]
    json: bool,
}

/// Runs the program.
pub fn main() -> ExitCode {
    match runtime::parse_args::<Args>().command {
        Command::Run { job, swin, fits_idi, status_file, search, cut, options } => {
            let products = |plan: &Plan| Products {
                swin: swin || plan.job.write_swin,
                fits_idi: fits_idi || plan.job.write_fits_idi,
                status: status_file.clone(),
            };
            match search {
                None => correlate(&job, products, &cut, &options),
                Some(search) => correlate_and_search(&job, &search, products, &cut, &options),
            }
        }
        Command::Init(args) => runtime::serial(|| cli_job::init_job(args)),
        Command::Convert { input } => runtime::serial(|| cli_job::convert_job(&input)),
        Command::Delay(args) => runtime::serial(|| cli_job::delays(&args)),
        Command::Plan { job, ranks } => runtime::serial(|| {
            let plan = job.prepare(SimdPath::detect().level())?;
            say(&plan.to_string())?;
            ranks.map_or(Ok(()), |ranks| say(&plan.cut_in_words(ranks.get())))
        }),
        Command::Bench { case, json, seconds, rounds, folder } => {
            let options = BenchOptions { case, json, seconds, rounds, folder };
            runtime::serial(|| bench::run(&options, &mut |text| say(text)))
        }
        Command::Inspect(args) => runtime::serial(|| inspect_all(&args)),
        Command::Fringe { file, out, csv } => runtime::serial(|| fringe(&file, out.as_deref(), csv)),
        Command::Search(args) => search::main(args),
        Command::Report { file, known, out } => {
            runtime::serial(|| report(&file, known.as_deref(), out.as_deref()))
        }
        Command::Simulate { config, delays, out } => {
            runtime::serial(|| simulate(&config, delays.as_deref(), out))
        }
    }
}

/// "job.input" gives "job.out" beside it.
fn out_of(job: &JobArgs, options: &RunOptions) -> PathBuf {
    options.out.clone().unwrap_or_else(|| job.input.with_extension("out"))
}

fn correlate(
    job: &JobArgs,
    products: impl Fn(&Plan) -> Products,
    cut: &CutArgs,
    options: &RunOptions,
) -> ExitCode {
    let out = out_of(job, options);
    runtime::parallel_at_level(
        options,
        SimdPath::detect().level(),
        |level| job.prepare(level),
        Plan::to_string,
        |context, plan| run::run(context, plan, &out, (products(plan), cut.wishes())),
    )
}

/// The same with searches in one pass: their products are those of `kvn-corr search`.
fn correlate_and_search(
    job: &JobArgs,
    search: &str,
    products: impl Fn(&Plan) -> Products,
    cut: &CutArgs,
    options: &RunOptions,
) -> ExitCode {
    let out = out_of(job, options);
    runtime::parallel_at_level(
        options,
        SimdPath::detect().level(),
        |level| {
            let wishes = SearchWishes::of(search)?;
            pass::prepare(job.prepare(level)?, wishes)
        },
        PassPlan::to_string,
        |context, plan| pass::run(context, plan, &out, (products(&plan.correlation), cut.wishes())),
    )
}

/// "NAME.fringe.png" and ".csv" in `folder`, the table on stdout.
fn fringe(file: &Path, folder: Option<&Path>, csv: bool) -> Result<(), Failure> {
    let failed = |error: FringeError| match error {
        FringeError::Write { .. } => Failure::run(error),
        _ => Failure::input(error),
    };
    let report = find_fringes(file, &FringeOptions::default()).map_err(failed)?;
    say(report.to_string().trim_end())?;
    let folder = folder.or(file.parent()).unwrap_or(Path::new("."));
    make_folder(folder)?;
    let stem = file.file_stem().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let png = folder.join(format!("{stem}.fringe.png"));
    write_fringe_png(&report, &png).map_err(failed)?;
    say(&format!("picture: {}", png.display()))?;
    if csv {
        let csv = folder.join(format!("{stem}.fringe.csv"));
        report.write_csv(&csv).map_err(failed)?;
        say(&format!("table: {}", csv.display()))?;
    }
    Ok(())
}

/// "NAME.report.html" and the pictures in "NAME.report" in `folder`.
fn report(file: &Path, known: Option<&Path>, folder: Option<&Path>) -> Result<(), Failure> {
    let known = known.map(read_known).transpose().map_err(Failure::input)?.unwrap_or_default();
    let folder = folder.or(file.parent()).unwrap_or(Path::new("."));
    let written = write_report_of(file, folder, &known).map_err(|error| match error {
        ReportError::Write(_) | ReportError::Draw { .. } | ReportError::Picture(_) => Failure::run(error),
        _ => Failure::input(error),
    })?;
    for picture in &written.pictures {
        say(&format!("picture: {}", picture.display()))?;
    }
    say(&format!("page: {}", written.page.display()))
}

fn simulate(config: &Path, delays: Option<&Path>, out: Option<PathBuf>) -> Result<(), Failure> {
    let failed = |error: SimError| match error {
        SimError::Write(_) => Failure::run(error),
        _ => Failure::input(error),
    };
    // "sim.toml" gives the folder "sim" beside it.
    let folder = out.unwrap_or_else(|| config.with_extension(""));
    let mut what = SimConfig::read(config).map_err(failed)?;
    if let Some(job) = delays {
        sim::delays_of_job(&mut what, job).map_err(failed)?;
    }
    let made = sim::simulate(&what, &folder).map_err(failed)?;
    for recording in &made.recordings {
        say(&format!("recording {}", recording.display()))?;
    }
    say(&format!("job {}", made.input.display()))
}

pub(crate) fn make_folder(folder: &Path) -> Result<(), Failure> {
    let made = std::fs::create_dir_all(folder);
    made.with_context(|| format!("cannot make the folder {}", folder.display())).map_err(Failure::run)
}

fn inspect_all(args: &InspectArgs) -> Result<(), Failure> {
    let Some(levels) = levels_by_name(&args.levels) else {
        return Err(Failure::usage(anyhow::anyhow!("--levels {}: not difx or optimal", args.levels)));
    };
    if args.spectrum == Some(0) {
        return Err(Failure::usage(anyhow::anyhow!("--spectrum 0: a spectrum has at least one bin")));
    }
    let near = match &args.near {
        None => None,
        Some(text) => match Epoch::parse(text) {
            Some(epoch) => Some(UtcSecond::new(epoch.mjd, epoch.second as i64)),
            None => {
                return Err(Failure::usage(anyhow::anyhow!(
                    "--near {text}: no time like 2024-01-10 or an MJD"
                )));
            }
        },
    };
    let recording = RecordingOptions {
        near,
        order: args.kvn5b.then_some(BitOrder::Kvn5b),
        channels: args.channels,
        bits: args.bits,
        sample_rate_hz: args.rate,
        levels,
        ..RecordingOptions::default()
    };
    let limit_bytes = args.limit.map(|mib| mib << 20);
    let options = InspectOptions { recording, spectrum_bins: args.spectrum, limit_bytes };
    let mut found = Vec::new();
    for file in &args.files {
        if Schedule::is_vex(file) {
            let schedule = Schedule::open(file).map_err(Failure::input)?;
            if args.json {
                found.push(serde_json::to_string_pretty(&schedule).map_err(Failure::run)?);
            } else {
                say(&schedule.to_string())?;
            }
            continue;
        }
        let inspection = inspect::inspect(file, &options).map_err(Failure::input)?;
        if !args.json {
            say(&inspection.to_string())?;
        }
        if let Some(spectra) = &inspection.spectra {
            write_spectra(spectra, file, args.out.as_deref().unwrap_or(Path::new(".")))
                .map_err(Failure::run)?;
        }
        if args.json {
            found.push(inspection.to_json().map_err(Failure::run)?);
        }
    }
    match found.as_slice() {
        [] => {}
        [one] => say(one)?,
        all => say(&format!("[\n{}\n]", all.join(",\n")))?,
    }
    Ok(())
}

/// Prints a text; a reader that has had enough (`| head`) is no error.
pub(crate) fn say(text: &str) -> Result<(), Failure> {
    match writeln!(std::io::stdout().lock(), "{text}") {
        Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => Err(Failure::run(e)),
        _ => Ok(()),
    }
}

/// "NAME.spectrum.csv" and ".png" in `folder`; where they are goes to stderr, so that JSON stays alone on stdout.
fn write_spectra(spectra: &inspect::MeanSpectra, file: &Path, folder: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder)
        .with_context(|| format!("cannot make the folder {}", folder.display()))?;
    let name = file.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let (csv, png) =
        (folder.join(format!("{name}.spectrum.csv")), folder.join(format!("{name}.spectrum.png")));
    inspect::write_spectrum_csv(spectra, &csv)?;
    inspect::write_spectrum_png(spectra, &name, &png)?;
    eprintln!("wrote {} and {}", csv.display(), png.display());
    Ok(())
}
