//! One progress bar on a terminal, a plain line now and then elsewhere; rank 0 only.

use crate::options::RunOptions;
use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;
use std::time::{Duration, Instant};

/// Plain lines come at this distance: often enough to see life, rarely enough to read.
const LINE_EVERY: Duration = Duration::from_secs(10);

enum Shown {
    Nothing,
    Bar(ProgressBar),
    Lines { last: Instant },
}

/// How far a run is.
pub struct Progress {
    shown: Shown,
    unit: &'static str,
    total: u64,
    start: u64,
    started: Instant,
}

impl Progress {
    /// Shows `start` of `total` units (a run that goes on does not start from 0); silent on ranks other than 0.
    pub fn new(rank: usize, options: &RunOptions, unit: &'static str, start: u64, total: u64) -> Self {
        let shown = if rank > 0 || options.quiet || options.no_progress {
            Shown::Nothing
        } else if std::io::stderr().is_terminal() {
            let style = "{bar:30} {pos}/{len} {prefix} {per_sec} ETA {eta} {msg}";
            let style = ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar());
            let bar = ProgressBar::new(total).with_style(style).with_prefix(unit).with_position(start);
            bar.reset_eta();
            Shown::Bar(bar)
        } else {
            Shown::Lines { last: Instant::now() }
        };
        Self { shown, unit, total, start, started: Instant::now() }
    }

    /// `done` units are done; `message` is asked for only where it is shown.
    pub fn set(&mut self, done: u64, message: impl FnOnce() -> String) {
        match &mut self.shown {
            Shown::Nothing => {}
            Shown::Bar(bar) => {
                bar.set_position(done);
                bar.set_message(message());
            }
            Shown::Lines { last } if last.elapsed() >= LINE_EVERY || done == self.total => {
                *last = Instant::now();
                let line = line(self.unit, done, self.total, done - self.start, self.started.elapsed());
                eprintln!("{line} {}", message());
            }
            Shown::Lines { .. } => {}
        }
    }

    /// Takes the bar away.
    pub fn finish(self) {
        if let Shown::Bar(bar) = self.shown {
            bar.finish_and_clear();
        }
    }
}

/// "40/100 steps, 8.0/s, ETA 7.5s".
fn line(unit: &str, done: u64, total: u64, fresh: u64, elapsed: Duration) -> String {
    let rate = fresh as f64 / elapsed.as_secs_f64().max(1e-9);
    let left = Duration::from_secs_f64(((total - done) as f64 / rate.max(1e-9)).min(1e9).round());
    format!("{done}/{total} {unit}, {rate:.1}/s, ETA {}", humantime::format_duration(left))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rate_counts_what_this_run_did() {
        let text = line("steps", 40, 100, 20, Duration::from_secs(5));
        assert_eq!(text, "40/100 steps, 4.0/s, ETA 15s");
    }
}
