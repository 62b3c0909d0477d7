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

/// How fast a run is, by what it has done itself: one that goes on does not start from 0.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    total: f64,
    start: f64,
    started: Instant,
}

impl Pace {
    /// Begins now, at `start` of `total`, in any unit.
    pub fn new(start: f64, total: f64) -> Self {
        Self { total, start, started: Instant::now() }
    }

    /// Since its beginning.
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Units a second.
    pub fn rate(&self, done: f64) -> f64 {
        self.rate_after(done, self.elapsed())
    }

    /// Time left; `None` where nothing has been done yet.
    pub fn left(&self, done: f64) -> Option<Duration> {
        self.left_after(done, self.elapsed())
    }

    fn rate_after(&self, done: f64, elapsed: Duration) -> f64 {
        (done - self.start) / elapsed.as_secs_f64().max(1e-9)
    }

    fn left_after(&self, done: f64, elapsed: Duration) -> Option<Duration> {
        let rate = self.rate_after(done, elapsed);
        (rate > 0.0).then(|| Duration::from_secs_f64(((self.total - done).max(0.0) / rate).min(1e9)))
    }
}

/// How far a run is.
pub struct Progress {
    shown: Shown,
    unit: &'static str,
    total: u64,
    pace: Pace,
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
        Self { shown, unit, total, pace: Pace::new(start as f64, total as f64) }
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
                let line = line(self.unit, (done, self.total), &self.pace, self.pace.elapsed());
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
fn line(unit: &str, (done, total): (u64, u64), pace: &Pace, elapsed: Duration) -> String {
    let rate = pace.rate_after(done as f64, elapsed);
    let left = pace.left_after(done as f64, elapsed).map_or_else(
        || "unknown".to_owned(),
        |left| humantime::format_duration(Duration::from_secs(left.as_secs_f64().round() as u64)).to_string(),
    );
    format!("{done}/{total} {unit}, {rate:.1}/s, ETA {left}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rate_counts_what_this_run_did() {
        let pace = Pace::new(20.0, 100.0);
        assert_eq!(line("steps", (40, 100), &pace, Duration::from_secs(5)), "40/100 steps, 4.0/s, ETA 15s");
        assert_eq!(
            line("steps", (20, 100), &pace, Duration::from_secs(5)),
            "20/100 steps, 0.0/s, ETA unknown"
        );
        assert_eq!(pace.left_after(100.0, Duration::from_secs(5)), Some(Duration::ZERO));
    }
}
