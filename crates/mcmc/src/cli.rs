//! What the user types, and what is done about it.

mod catalog;
mod first_look;
mod identify;
mod import;
mod inspect;
mod lines;
mod nonlte;
mod plan;
mod report;
mod rotation;
mod table;

use crate::model::SimdPath;
use crate::plan::{Plan, prepare, prepare_for};
use crate::posterior::Posterior;
use crate::run::{self, masers};
use anyhow::Context as _;
use clap::{Parser, Subcommand};
use mirinae_common::atomic;
use mirinae_common::options::RunOptions;
use mirinae_common::outcome::Failure;
use mirinae_common::{provenance, runtime};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Bayesian fits of many molecules at once to ALMA spectra and cubes
#[derive(Debug, Parser)]
#[command(name = "alma-fit", version = provenance::VERSION)]
#[command(after_help = "Run over many cores or hosts: mpirun -np 96 --hostfile HOSTS alma-fit run fit.toml")]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Fit the spectra and species of a configuration
    Run {
        /// The configuration
        config: PathBuf,
        #[command(flatten)]
        options: RunOptions,
    },
    /// Make all tables, pictures and the report of a fit again from its chain
    Report(report::ReportArgs),
    /// Write the model spectrum of a configuration for given parameters
    Model {
        /// The configuration
        config: PathBuf,
        /// Value of a free parameter, as CH3OH.logn=18.3; once for each
        #[arg(long, value_name = "NAME=VALUE")]
        set: Vec<String>,
        /// File to write: columns freq_mhz, t_k
        #[arg(long, value_name = "FILE")]
        csv: PathBuf,
    },
    /// List every transition in range with its energy, Einstein coefficient, opacity and expected brightness
    Lines(lines::LinesArgs),
    /// List excitation temperature, opacity and brightness of the lines of a molecule out of equilibrium, as RADEX does
    Nonlte {
        #[command(flatten)]
        options: nonlte::Options,
    },
    /// Tell what a run would do: parameters, lines, CPU cost of a likelihood on this machine, time and memory
    Plan(plan::PlanArgs),
    /// A fast first fit: Levenberg-Marquardt with covariance
    FirstLook(first_look::FirstLookArgs),
    /// Rotation diagrams with the correction for opacity
    Rotation(rotation::RotationArgs),
    /// Find out which species a spectrum shows, and what each of its peaks is
    Identify(identify::IdentifyArgs),
    /// Take over a model of XCLASS or CASSIS, or a spectrum of CASSIS or CLASS
    Import(import::ImportArgs),
    /// Line lists: what is there, the transitions of a species, import of your own
    Catalog {
        #[command(subcommand)]
        command: catalog::Command,
    },
    /// Tell what a spectrum or cube holds: axes, units, beam, frame, windows, blanks, noise and its correlation
    Inspect {
        /// The file
        file: PathBuf,
        /// Write the spectrum instead: columns freq_mhz, t_k
        #[arg(long, value_name = "FILE")]
        csv: Option<PathBuf>,
        /// Which pixel of a cube, counted from 0
        #[arg(long, value_name = "X,Y", requires = "csv")]
        pixel: Option<String>,
    },
}

/// Runs the program.
pub fn main() -> ExitCode {
    match runtime::parse_args::<Args>().command {
        Command::Run { config, options } => {
            let out = options.out.clone().unwrap_or_else(|| default_out(&config));
            runtime::parallel_at_level(
                &options,
                SimdPath::detect().level(),
                |level| prepare_for(&config, SimdPath::from_level(level)),
                Plan::to_string,
                |context, plan| run::run(context, plan, config.parent().unwrap_or(Path::new("")), &out),
            )
        }
        Command::Report(args) => runtime::serial(|| report::run(&args)),
        Command::Model { config, set, csv } => runtime::serial(|| model(&config, &set, &csv)),
        Command::Nonlte { options } => runtime::serial(|| nonlte::run(&options)),
        Command::Lines(args) => runtime::serial(|| lines::run(&args)),
        Command::Plan(args) => runtime::serial(|| plan::run(&args)),
        Command::FirstLook(args) => runtime::serial(|| first_look::run(&args)),
        Command::Rotation(args) => runtime::serial(|| rotation::run(&args)),
        Command::Identify(args) => runtime::serial(|| identify::run(&args)),
        Command::Import(args) => runtime::serial(|| import::run(&args)),
        Command::Catalog { command } => runtime::serial(|| catalog::run(&command)),
        Command::Inspect { file, csv, pixel } => {
            runtime::serial(|| inspect::run(&file, pixel.as_deref(), csv.as_deref()))
        }
    }
}

/// "fit.toml" gives "fit.out" beside it.
fn default_out(config: &Path) -> PathBuf {
    config.with_extension("out")
}

fn model(config: &Path, settings: &[String], csv: &Path) -> Result<(), Failure> {
    let plan = prepare(config)?;
    let theta = plan.values_from(settings).map_err(Failure::usage)?;
    let posterior = plan.posterior().map_err(Failure::input)?;
    tell_masers(&posterior, &theta)?;
    let mut work = posterior.work();
    let t_k = posterior.spectrum(&theta, &mut work).context("no model there").map_err(Failure::usage)?;
    atomic::write(csv, |file| {
        writeln!(file, "freq_mhz,t_k")?;
        posterior.model().freq_mhz().zip(t_k).try_for_each(|(freq, t)| writeln!(file, "{freq},{t}"))
    })
    .map_err(Failure::run)
}

/// Notes on inverted lines, on standard error.
fn tell_masers(posterior: &Posterior, theta: &[f64]) -> Result<(), Failure> {
    let notes = masers::notes(posterior, theta).context("no model there").map_err(Failure::usage)?;
    notes.iter().for_each(|note| eprintln!("note: {note}"));
    Ok(())
}
