//! Log lines with rank and host: on the terminal from rank 0, and from every rank into a file where asked for.

use crate::options::RunOptions;
use std::fs::File;
use std::io;
use std::path::Path;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{FilterExt, filter_fn};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Target of the message that ends a run: on the terminal it is printed plainly, once, not as a log line.
pub const LAST_WORDS: &str = "last_words";

/// The name of the machine that this rank runs on.
pub fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// Starts logging on this rank.
///
/// # Errors
/// Where the log file cannot be created.
pub fn start(rank: usize, options: &RunOptions) -> io::Result<()> {
    let on_terminal = match (options.quiet, options.verbose) {
        _ if rank > 0 => LevelFilter::OFF,
        (true, _) => LevelFilter::ERROR,
        (false, 0) => LevelFilter::INFO,
        (false, 1) => LevelFilter::DEBUG,
        (false, _) => LevelFilter::TRACE,
    };
    let terminal = tracing_subscriber::fmt::layer()
        .with_writer(io::stderr)
        .without_time()
        .with_target(false)
        .with_filter(on_terminal.and(filter_fn(|event| event.target() != LAST_WORDS)));
    let file = options.log_dir.as_deref().map(|folder| log_file(folder, rank)).transpose()?.map(|file| {
        tracing_subscriber::fmt::layer()
            .with_writer(file)
            .with_ansi(false)
            .with_filter(LevelFilter::DEBUG.max(on_terminal))
    });
    // A second start in one process (tests) keeps the first.
    let _ = tracing_subscriber::registry().with(terminal).with(file).try_init();
    tracing::debug!(rank, host = host(), "started");
    Ok(())
}

fn log_file(folder: &Path, rank: usize) -> io::Result<File> {
    std::fs::create_dir_all(folder)?;
    File::create(folder.join(format!("rank-{rank:04}.log")))
}
