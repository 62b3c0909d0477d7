//! The command-line options that all programs share.

use std::path::PathBuf;

/// Options of every command that runs over the ranks.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct RunOptions {
    /// Read and check all inputs, print what would be done, and stop
    #[arg(long)]
    pub dry_run: bool,
    /// Folder for the products [default: beside the configuration, named after it]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Go on where an earlier run stopped; an error where there is none (without it: go on if there is one)
    #[arg(long, conflicts_with = "fresh")]
    pub resume: bool,
    /// Start over, whatever an earlier run left in the folder
    #[arg(long)]
    pub fresh: bool,
    /// Say more (-v: progress of every step, -vv: for developers)
    #[arg(short, long, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Say nothing but errors and the result
    #[arg(short, long, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Write a log file for each rank into this folder
    #[arg(long, value_name = "DIR")]
    pub log_dir: Option<PathBuf>,
    /// End the run, naming rank and host, when a rank gives no sign of life for so long; 0: never
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    pub watchdog: u64,
    /// Show no progress
    #[arg(long)]
    pub no_progress: bool,
}
