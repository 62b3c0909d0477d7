//! The commands that make and look at job files: init, convert, delay.
use crate::cli::say;
use crate::difx::DifxJob;
use crate::job::JobFile;
use crate::job::file::{Rows, convert, init, write};
use crate::schedule::Schedule;
use mirinae_common::atomic;
use mirinae_common::outcome::Failure;
use std::io::Write as _;
use std::path::{Path, PathBuf};

#[derive(Debug, clap::Args)]
pub(crate) struct InitArgs {
    /// The schedule
    schedule: PathBuf,
    /// Station to be correlated, by its code or name; may be repeated [default: all that are described]
    #[arg(long, value_name = "CODE")]
    station: Vec<String>,
    /// Mode to be correlated, where the schedule has several
    #[arg(long, value_name = "NAME")]
    mode: Option<String>,
    /// Folder with recordings, told apart by the station in their headers or names; may be repeated
    #[arg(long, value_name = "DIR")]
    recordings: Vec<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct DelayArgs {
    /// A job.toml; its recordings need not be there
    job: PathBuf,
    /// The table [default: the standard output]
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// Leave the troposphere out
    #[arg(long)]
    no_troposphere: bool,
    /// Step between epochs
    #[arg(long, value_name = "SECONDS", default_value = "60")]
    step: f64,
    /// Leave out what is lower
    #[arg(long, value_name = "DEGREES", default_value = "0")]
    above: f64,
}

/// `kvn-corr init`.
pub(crate) fn init_job(args: InitArgs) -> Result<(), Failure> {
    let schedule = Schedule::open(&args.schedule).map_err(Failure::input)?;
    let wishes = init::Wishes { stations: args.station, mode: args.mode, recordings: args.recordings };
    let job = init::init(&schedule, &wishes)
        .map_err(|what| Failure::input(anyhow::anyhow!("{}: {what}", args.schedule.display())))?;
    let name = args.schedule.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    say(write::to_toml(&job, &name).trim_end())
}

/// `kvn-corr convert`.
pub(crate) fn convert_job(input: &Path) -> Result<(), Failure> {
    let difx = DifxJob::open(input).map_err(Failure::input)?;
    let folder = input.parent().unwrap_or(Path::new(""));
    let job = convert::convert(&difx, folder).map_err(Failure::input)?;
    let name = input.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    say(write::to_toml(&job, &name).trim_end())
}

/// `kvn-corr delay`.
pub(crate) fn delays(args: &DelayArgs) -> Result<(), Failure> {
    if !(args.step > 0.0 && args.step.is_finite()) {
        return Err(Failure::usage(anyhow::anyhow!("--step {}: a step is longer than 0 s", args.step)));
    }
    let mut job = JobFile::open(&args.job).map_err(Failure::input)?;
    job.model.troposphere &= !args.no_troposphere;
    let folder = args.job.parent().unwrap_or(Path::new(""));
    let rows = Rows { step_s: args.step, above_deg: args.above };
    let mut table = Vec::new();
    let made = job.write_delays(folder, rows, &mut table);
    made.map_err(|e| Failure::input(anyhow::anyhow!("{}: {e}", args.job.display())))?;
    match &args.csv {
        Some(csv) => atomic::write(csv, |to| to.write_all(&table)).map_err(Failure::run),
        None => say(String::from_utf8_lossy(&table).trim_end()),
    }
}
