//! What the user types, and what is done about it.
use crate::run::{self, Plan, Products};
use clap::{Parser, Subcommand};
use mirinae_common::options::RunOptions;
use mirinae_common::{provenance, runtime};
use std::path::PathBuf;
use std::process::ExitCode;

/// FX correlation of VLBI recordings
#[derive(Debug, Parser)]
#[command(name = "kvn-corr", version = provenance::VERSION)]
#[command(
    after_help = "Run over many cores or hosts: mpirun -np 256 --hostfile HOSTS kvn-corr run job.input"
)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Correlate a DiFX job
    Run {
        /// The job's .input; .calc and .im are those that it names
        input: PathBuf,
        /// Write DiFX's own output format, too
        #[arg(long)]
        swin: bool,
        /// Take channels and bits from the job where the recordings' headers say otherwise
        #[arg(long)]
        trust_job: bool,
        #[command(flatten)]
        options: RunOptions,
    },
}

/// Runs the program.
pub fn main() -> ExitCode {
    match runtime::parse_args::<Args>().command {
        Command::Run { input, swin, trust_job, options } => {
            // "job.input" gives "job.out" beside it.
            let out = options.out.clone().unwrap_or_else(|| input.with_extension("out"));
            runtime::parallel(
                &options,
                || run::prepare(&input, trust_job),
                Plan::to_string,
                |context, plan| run::run(context, plan, &out, Products { swin }),
            )
        }
    }
}
