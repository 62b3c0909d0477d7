//! What the user types, and what is done about it.

use crate::fits::HduChoice;
use crate::inspect::{Inspection, inspect};
use crate::run::{self, Job};
use crate::verify::verify;
use clap::{Parser, Subcommand};
use mirinae_common::options::RunOptions;
use mirinae_common::outcome::{Exit, Failure};
use mirinae_common::{provenance, runtime};
use std::io::{BufRead, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Galaxy images in FITS files to arrays for machine learning
#[derive(Debug, Parser)]
#[command(name = "fits-pack", version = provenance::VERSION)]
#[command(
    after_help = "Run over many cores or hosts: mpirun -np 128 --hostfile HOSTS fits-pack run pack.toml"
)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Pack the galaxies of a catalogue or of folders
    Run {
        /// What to pack, and how
        config: PathBuf,
        #[command(flatten)]
        options: RunOptions,
    },
    /// Check shards against their manifests, and galaxies against their original files
    Verify {
        /// Folder of the products
        dir: PathBuf,
        /// How many galaxies are made again from their files
        #[arg(long, default_value_t = 20, value_name = "N")]
        sample: usize,
        /// The folder from which the files' paths count [default: the configuration's, from the current folder]
        #[arg(long, value_name = "DIR")]
        root: Option<PathBuf>,
    },
    /// Tell what FITS files hold: HDU, size, nulls, range, checksum; one JSON object a line
    Inspect {
        /// FITS files; - reads their names from standard input, a line each
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// The HDU, by number or name [default: the first with an image]
        #[arg(long)]
        hdu: Option<String>,
        /// Write the pixels as NAME.npy (double precision, NaN for nulls) into this folder; by number with - as file
        #[arg(long, value_name = "DIR")]
        npy: Option<PathBuf>,
    },
}

/// Runs the program.
pub fn main() -> ExitCode {
    match runtime::parse_args::<Args>().command {
        Command::Run { config, options } => {
            // "pack.toml" gives the folder "pack.out" beside it.
            let out = options.out.clone().unwrap_or_else(|| config.with_extension("out"));
            runtime::parallel(
                &options,
                || run::prepare(&config),
                Job::to_string,
                |context, job| run::run(context, job, &run::root(&config, job.settings()), &out),
            )
        }
        Command::Verify { dir, sample, root } => {
            // What is wrong with the data is told by the exit code alone.
            let mut code = Exit::Done;
            let done = runtime::serial(|| {
                code = check(&dir, root.as_deref(), sample)?;
                Ok(())
            });
            if code == Exit::Done { done } else { ExitCode::from(code as u8) }
        }
        Command::Inspect { files, hdu, npy } => {
            let mut code = Exit::Done;
            let done = runtime::serial(|| {
                code = inspect_all(&files, hdu.as_deref(), npy.as_deref())?;
                Ok(())
            });
            if code == Exit::Done { done } else { ExitCode::from(code as u8) }
        }
    }
}

fn check(dir: &Path, root: Option<&Path>, sample: usize) -> Result<Exit, Failure> {
    let index = run::Index::read(dir).map_err(Failure::input)?;
    let stated = index.map(|index| PathBuf::from(index.settings.root)).unwrap_or_default();
    let root = root.unwrap_or(&stated);
    let verdict = verify(dir, root, sample).map_err(Failure::input)?;
    for line in &verdict.wrong {
        say(line)?;
    }
    let (shards, files, galaxies) = (verdict.shards, verdict.files, verdict.galaxies);
    let wrong = verdict.wrong.len();
    say(&format!("{shards} shards, {files} files, {galaxies} galaxies made again: {wrong} wrong"))?;
    Ok(if wrong == 0 { Exit::Done } else { Exit::Trouble })
}

fn choice(hdu: Option<&str>) -> HduChoice {
    match hdu.map(|text| (text, text.parse())) {
        None => HduChoice::First,
        Some((_, Ok(number))) => HduChoice::Number(number),
        Some((name, Err(_))) => HduChoice::Name(name.to_owned()),
    }
}

/// Exit 1 where a file cannot be read.
fn inspect_all(files: &[PathBuf], hdu: Option<&str>, npy: Option<&Path>) -> Result<Exit, Failure> {
    let from_input = files == [PathBuf::from("-")];
    let listed: Vec<PathBuf> = if from_input {
        std::io::stdin().lock().lines().map_while(Result::ok).map(PathBuf::from).collect()
    } else {
        files.to_vec()
    };
    if let Some(folder) = npy {
        std::fs::create_dir_all(folder).map_err(|e| {
            Failure::run(
                anyhow::Error::new(e).context(format!("cannot make the folder {}", folder.display())),
            )
        })?;
    }
    let mut code = Exit::Done;
    for (number, path) in listed.iter().enumerate() {
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let name = if from_input { format!("{number}.npy") } else { format!("{name}.npy") };
        let target = npy.map(|folder| folder.join(name));
        let found: Inspection = inspect(path, &choice(hdu), target.as_deref()).map_err(Failure::run)?;
        if found.error.is_some() {
            code = Exit::Trouble;
        }
        say(&serde_json::to_string(&found).map_err(Failure::run)?)?;
    }
    Ok(code)
}

/// Prints a line; a reader that has had enough (`| head`) is no error.
fn say(text: &str) -> Result<(), Failure> {
    match writeln!(std::io::stdout().lock(), "{text}") {
        Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => Err(Failure::run(e)),
        _ => Ok(()),
    }
}
