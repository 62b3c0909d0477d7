//! The commands that search: compact sources in visibilities, narrow-band signals and bursts in recordings.
use crate::search::bursts::{self, BurstPlan, BurstSettings};
use crate::search::narrow::{self, NarrowPlan, NarrowSettings};
use crate::search::powers::{self, PowersError, PowersSettings};
use crate::search::{self, SearchError, SearchOptions, SearchPlan, Sefds, read_known};
use crate::simd::SimdPath;
use crate::writer::VisFile;
use mirinae_common::options::RunOptions;
use mirinae_common::outcome::Failure;
use mirinae_common::runtime;
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
    /// Half the width of the field around each phase centre [default: as far as channels and integrations allow]
    #[arg(long, value_name = "ARCSEC")]
    field: Option<f64>,
    /// Standard deviations of one amplitude that noise exceeds as rarely as it may at one place
    #[arg(long, value_name = "SIGMA", default_value_t = 6.44)]
    threshold: f64,
    /// Time within which phases are stable
    #[arg(long, value_name = "SECONDS", default_value_t = 60.0)]
    coherence: f64,
    /// Add polarisations with their phases, which must be calibrated [default: add their powers]
    #[arg(long)]
    coherent_polarisations: bool,
    /// Mark sources of a list: CSV with the columns name, ra_deg, dec_deg (J2000)
    #[arg(long, value_name = "CSV")]
    known: Option<PathBuf>,
    /// System equivalent flux densities, for flux densities of candidates: as KVNYS=1200,KVNUS=1500
    #[arg(long, value_name = "STATION=JY", value_delimiter = ',')]
    sefd: Vec<String>,
    /// The same from system temperatures and gains (TSYS, DPFU) of stations; unless given, the job's own files are looked for
    #[arg(long, value_name = "FILE")]
    antab: Vec<PathBuf>,
    /// Memory for the visibilities of a phase centre and their transform on a rank
    #[arg(long, value_name = "MIB", default_value_t = 1024)]
    memory_mib: usize,
    #[command(flatten)]
    options: RunOptions,
}

#[derive(Debug, clap::Args)]
struct NarrowArgs {
    /// A job.toml, or a DiFX job's .input
    job: PathBuf,
    /// Width of a channel: the nearest that the bands can be cut into
    #[arg(long, value_name = "HZ", default_value_t = 4.0)]
    channel_hz: f64,
    /// Largest drift up or down, at the geocentre
    #[arg(long, value_name = "RATE", default_value_t = 10.0)]
    drift_hz_per_s: f64,
    /// Length of the stretches over which powers are added along drifting lines; the nearest power of two of spectra
    #[arg(long, value_name = "SECONDS", default_value_t = 32.0)]
    stretch: f64,
    /// Standard deviations of one amplitude that noise exceeds as rarely as it may on one line
    #[arg(long, value_name = "SIGMA", default_value_t = 6.44)]
    threshold: f64,
    /// Half the width of the field around the pointing [default: the primary beam and all phase centres]
    #[arg(long, value_name = "ARCSEC")]
    field: Option<f64>,
    /// Memory for the spectra of a rank: with more, bands are cut into fewer parts, and a search costs less
    #[arg(long, value_name = "MIB", default_value_t = 1024)]
    memory_mib: usize,
    /// Write the powers of all stations as filterbank files, for blimpy and turbo_seti
    #[arg(long)]
    filterbank: bool,
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
    /// Length of a dump: boxcars have 1 to 64 of them
    #[arg(long, value_name = "MS", default_value_t = 1.0)]
    dump_ms: f64,
    /// Lowest dispersion measure
    #[arg(long, value_name = "PC_CM3", default_value_t = 0.0)]
    dm_min: f64,
    /// Highest dispersion measure
    #[arg(long, value_name = "PC_CM3", default_value_t = 1000.0)]
    dm_max: f64,
    /// Channels of a band, a power of two [default: as many as dispersion and field need]
    #[arg(long, value_name = "N")]
    channels: Option<usize>,
    /// Standard deviations of one amplitude that noise exceeds as rarely as it may in one trial
    #[arg(long, value_name = "SIGMA", default_value_t = 6.44)]
    threshold: f64,
    /// Half the width of the field around the pointing [default: the primary beam and all phase centres]
    #[arg(long, value_name = "ARCSEC")]
    field: Option<f64>,
    /// Memory for the powers of a rank
    #[arg(long, value_name = "MIB", default_value_t = 512)]
    memory_mib: usize,
    /// Keep the recordings of all stations around what passes, as VDIF
    #[arg(long)]
    snippets: bool,
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

fn positive(name: &str, value: f64) -> Result<f64, Failure> {
    let wrong = || Failure::usage(anyhow::anyhow!("--{name} {value}: a positive number is needed"));
    if value > 0.0 && value.is_finite() { Ok(value) } else { Err(wrong()) }
}

fn arcsec_to_rad(name: &str, field: Option<f64>) -> Result<Option<f64>, Failure> {
    field.map(|field| Ok((positive(name, field)? / 3600.0).to_radians())).transpose()
}

/// Hits in "NAME.narrow.csv" and ".h5", waterfalls in "NAME.narrow/".
fn search_narrow(args: &NarrowArgs) -> ExitCode {
    // "job.toml" gives "job.out" beside it, as `run` does.
    let out = args.options.out.clone().unwrap_or_else(|| args.job.with_extension("out"));
    runtime::parallel_at_level(
        &args.options,
        SimdPath::detect().level(),
        |level| {
            let threshold = positive("threshold", args.threshold)?;
            if !(args.drift_hz_per_s >= 0.0 && args.drift_hz_per_s.is_finite()) {
                let what = format!("--drift-hz-per-s {}: 0 or more is needed", args.drift_hz_per_s);
                return Err(Failure::usage(anyhow::anyhow!(what)));
            }
            let settings = NarrowSettings {
                channel_hz: positive("channel-hz", args.channel_hz)?,
                stretch_s: positive("stretch", args.stretch)?,
                drift_hz_per_s: args.drift_hz_per_s,
                ln_threshold: -0.5 * threshold * threshold,
                half_field_rad: arcsec_to_rad("field", args.field)?,
                memory_bytes: args.memory_mib.saturating_mul(1 << 20),
                filterbank: args.filterbank,
            };
            narrow::prepare(&args.job, args.trust_job, settings, SimdPath::from_level(level))
        },
        NarrowPlan::to_string,
        |context, plan| narrow::run(context, plan, &out),
    )
}

/// Lines of each file in "NAME.powers.csv".
fn search_powers(args: &PowersArgs) -> Result<(), Failure> {
    let threshold = positive("threshold", args.threshold)?;
    if !(args.drift_hz_per_s >= 0.0 && args.drift_hz_per_s.is_finite()) {
        let what = format!("--drift-hz-per-s {}: 0 or more is needed", args.drift_hz_per_s);
        return Err(Failure::usage(anyhow::anyhow!(what)));
    }
    let settings = PowersSettings {
        drift_hz_per_s: args.drift_hz_per_s,
        stretch_s: args.stretch.map(|s| positive("stretch", s)).transpose()?,
        ln_threshold: -0.5 * threshold * threshold,
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
            let threshold = positive("threshold", args.threshold)?;
            if !(0.0 <= args.dm_min && args.dm_min <= args.dm_max && args.dm_max.is_finite()) {
                let (low, high) = (args.dm_min, args.dm_max);
                let what =
                    format!("--dm-min {low} --dm-max {high}: 0 or more is needed, the lower one first");
                return Err(Failure::usage(anyhow::anyhow!(what)));
            }
            let settings = BurstSettings {
                dump_s: 1e-3 * positive("dump-ms", args.dump_ms)?,
                channels: args.channels,
                dm_min: args.dm_min,
                dm_max: args.dm_max,
                ln_threshold: -0.5 * threshold * threshold,
                half_field_rad: arcsec_to_rad("field", args.field)?,
                memory_bytes: args.memory_mib.saturating_mul(1 << 20),
                snippets: args.snippets,
            };
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
        |level| plan_compact(&args, SimdPath::from_level(level)),
        SearchPlan::to_string,
        |context, plan| search::run(context, plan, &out),
    )
}

fn plan_compact(args: &CompactArgs, simd: SimdPath) -> Result<SearchPlan, Failure> {
    let threshold = positive("threshold", args.threshold)?;
    let options = SearchOptions {
        threshold: libm::exp(-0.5 * threshold * threshold),
        half_width_rad: arcsec_to_rad("field", args.field)?,
        coherence_s: positive("coherence", args.coherence)?,
        coherent_polarisations: args.coherent_polarisations,
    };
    let Some(path) = &args.file else {
        return Err(Failure::usage(anyhow::anyhow!(
            "visibilities are needed, or narrow or bursts and a job"
        )));
    };
    let known = args.known.as_deref().map(read_known).transpose();
    let known = known.map_err(|error: SearchError| Failure::input(error))?.unwrap_or_default();
    let sefds = |file: &VisFile| {
        let mut sefds = Sefds::default();
        sefds.add_words(&args.sefd, file.meta()).map_err(|e| Failure::usage(anyhow::anyhow!(e)))?;
        for antab in &args.antab {
            sefds.add_antab(antab, file.meta()).map_err(|e| Failure::input(anyhow::anyhow!(e)))?;
        }
        if args.antab.is_empty() {
            sefds.add_job_antabs(&file.provenance().unwrap_or_default(), path, file.meta());
        }
        Ok(sefds)
    };
    let memory_bytes = args.memory_mib.saturating_mul(1 << 20);
    search::prepare(path, options, known, sefds, memory_bytes, simd)
}
