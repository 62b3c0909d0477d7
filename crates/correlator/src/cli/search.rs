//! The commands that search: compact sources in visibilities, narrow-band signals and bursts in recordings.
use crate::search::bursts::{self, BurstPlan};
use crate::search::narrow::{self, NarrowPlan};
use crate::search::powers::{self, PowersError, PowersSettings};
use crate::search::{self, BurstWishes, CompactWishes, NarrowWishes, SearchPlan};
use mirinae_common::options::RunOptions;
use mirinae_common::outcome::Failure;
use mirinae_common::runtime;
use mirinae_simd::SimdPath;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct SearchArgs {
    #[command(subcommand)]
    other: Option<Other>,
    #[command(flatten)]
    compact: CompactArgs,
}

#[derive(Debug, clap::Subcommand)]
enum Other {
    /// Look for narrow-band signals that drift in the recordings of a job, at all stations at once; runs under mpirun
    Narrow(NarrowArgs),
    /// Look for drifting lines in filterbank files, of any program, of one station; no cross test
    Powers(PowersArgs),
    /// Look for short dispersed bursts in the recordings of a job, at all stations at once; runs under mpirun
    Bursts(BurstArgs),
}

#[derive(Debug, clap::Args)]
struct CompactArgs {
    /// Visibilities, as `run` wrote them
    #[arg(required = true)]
    file: Option<PathBuf>,
    #[command(flatten)]
    wishes: CompactWishes,
    #[command(flatten)]
    options: RunOptions,
}

#[derive(Debug, clap::Args)]
struct NarrowArgs {
    /// A job.toml, or a DiFX job's .input
    job: PathBuf,
    #[command(flatten)]
    wishes: NarrowWishes,
    /// Take channels and bits from the job where the recordings' headers say otherwise
    #[arg(long)]
    trust_job: bool,
    #[command(flatten)]
    options: RunOptions,
}

#[derive(Debug, clap::Args)]
struct PowersArgs {
    /// Filterbank files (SIGPROC, 8, 16 or 32 bits)
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Largest drift up or down
    #[arg(long, value_name = "RATE", default_value_t = 10.0)]
    drift_hz_per_s: f64,
    /// Length of the stretches over which powers are added along drifting lines, a power of two of spectra at most [default: all]
    #[arg(long, value_name = "SECONDS")]
    stretch: Option<f64>,
    /// Standard deviations of one amplitude that noise exceeds as rarely as it may on one line
    #[arg(long, value_name = "SIGMA", default_value_t = 6.44)]
    threshold: f64,
    /// Powers of noise that each of the file is the mean of [default: as they scatter]
    #[arg(long, value_name = "N")]
    looks: Option<usize>,
    /// Folder for the tables [default: beside the files]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
struct BurstArgs {
    /// A job.toml, or a DiFX job's .input
    job: PathBuf,
    #[command(flatten)]
    wishes: BurstWishes,
    /// Take channels and bits from the job where the recordings' headers say otherwise
    #[arg(long)]
    trust_job: bool,
    #[command(flatten)]
    options: RunOptions,
}

/// `kvn-corr search`.
pub(crate) fn main(args: SearchArgs) -> ExitCode {
    match args.other {
        None => compact(args.compact),
        Some(Other::Narrow(args)) => search_narrow(&args),
        Some(Other::Powers(args)) => runtime::serial(|| search_powers(&args)),
        Some(Other::Bursts(args)) => search_bursts(&args),
    }
}

/// Hits in "NAME.narrow.csv" and ".h5", waterfalls in "NAME.narrow/".
fn search_narrow(args: &NarrowArgs) -> ExitCode {
    // "job.toml" gives "job.out" beside it, as `run` does.
    let out = args.options.out.clone().unwrap_or_else(|| args.job.with_extension("out"));
    runtime::parallel_at_level(
        &args.options,
        SimdPath::detect().level(),
        |level| {
            let settings = args.wishes.settings()?;
            narrow::prepare(&args.job, args.trust_job, settings, SimdPath::from_level(level))
        },
        NarrowPlan::to_string,
        |context, plan| narrow::run(context, plan, &out),
    )
}

/// Lines of each file in "NAME.powers.csv".
fn search_powers(args: &PowersArgs) -> Result<(), Failure> {
    let settings = PowersSettings {
        drift_hz_per_s: search::drift(args.drift_hz_per_s)?,
        stretch_s: args.stretch.map(|s| search::positive("stretch", s)).transpose()?,
        ln_threshold: search::ln_threshold(args.threshold)?,
        looks: args.looks,
    };
    for file in &args.files {
        let beside = || file.parent().map(Path::to_path_buf).unwrap_or_default();
        let out = args.out.clone().unwrap_or_else(beside);
        powers::run(file, &settings, &out).map_err(|error| match error {
            PowersError::Drift { .. } | PowersError::Short { .. } => Failure::usage(error),
            PowersError::File { .. } => Failure::input(error),
            PowersError::Write(_) => Failure::run(error),
        })?;
    }
    Ok(())
}

/// Bursts in "NAME.bursts.csv" and ".h5", pictures and pieces of recordings in "NAME.bursts/".
fn search_bursts(args: &BurstArgs) -> ExitCode {
    let out = args.options.out.clone().unwrap_or_else(|| args.job.with_extension("out"));
    runtime::parallel_at_level(
        &args.options,
        SimdPath::detect().level(),
        |level| {
            let settings = args.wishes.settings()?;
            bursts::prepare(&args.job, args.trust_job, settings, SimdPath::from_level(level))
        },
        BurstPlan::to_string,
        |context, plan| bursts::run(context, plan, &out),
    )
}

/// "NAME.search.csv" beside the visibilities, or in --out; images in "NAME.search".
fn compact(args: CompactArgs) -> ExitCode {
    let beside = args.file.as_ref().and_then(|file| file.parent()).map(Path::to_path_buf);
    let out = args.options.out.clone().or(beside).unwrap_or_default();
    runtime::parallel_at_level(
        &args.options,
        SimdPath::detect().level(),
        |level| {
            let Some(path) = &args.file else {
                return Err(Failure::usage(anyhow::anyhow!(
                    "visibilities are needed, or narrow or bursts and a job"
                )));
            };
            args.wishes.plan(path, SimdPath::from_level(level))
        },
        SearchPlan::to_string,
        |context, plan| search::run(context, plan, &out),
    )
}
