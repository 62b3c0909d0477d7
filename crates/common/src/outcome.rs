//! How a run ended: its exit code, the trouble that it met in the data, or why it failed.

use std::collections::BTreeMap;
use std::fmt;

/// Exit codes of all programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done.
    Done = 0,
    /// Done, with trouble in the data: flagged, counted and in the summary.
    Trouble = 1,
    /// Failed while running; running the same command again may go on where it stopped.
    Failed = 2,
    /// The command line cannot be understood.
    Usage = 64,
    /// An input (configuration files among them) cannot be used.
    Input = 65,
    /// Stopped by a signal, with a checkpoint written.
    Stopped = 75,
}

/// Why a program ends early, and with which code.
#[derive(Debug)]
pub struct Failure {
    /// The code that the launcher returns.
    pub exit: Exit,
    /// The cause chain that the user reads.
    pub error: anyhow::Error,
}

impl Failure {
    /// The command line asks for something that cannot be.
    pub fn usage(error: impl Into<anyhow::Error>) -> Self {
        Self { exit: Exit::Usage, error: error.into() }
    }

    /// An input cannot be used.
    pub fn input(error: impl Into<anyhow::Error>) -> Self {
        Self { exit: Exit::Input, error: error.into() }
    }

    /// Something failed while running.
    pub fn run(error: impl Into<anyhow::Error>) -> Self {
        Self { exit: Exit::Failed, error: error.into() }
    }
}

impl fmt::Display for Failure {
    /// The cause chain on one line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#}", self.error)
    }
}

/// What a run that came to its end met on the way.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    trouble: BTreeMap<String, u64>,
    stopped: bool,
}

impl Outcome {
    /// Counts `n` cases of one kind of trouble in the data ("channels blanked", "frames lost"); zero is no trouble.
    pub fn count(&mut self, kind: impl Into<String>, n: u64) {
        if n > 0 {
            *self.trouble.entry(kind.into()).or_default() += n;
        }
    }

    /// The run was stopped by a signal and can go on later.
    pub fn stopped() -> Self {
        Self { stopped: true, ..Self::default() }
    }

    /// Adds what another part of the run met.
    pub fn add(&mut self, other: Self) {
        self.stopped |= other.stopped;
        other.trouble.into_iter().for_each(|(kind, n)| self.count(kind, n));
    }

    /// Whether it was stopped by a signal.
    pub fn is_stopped(&self) -> bool {
        self.stopped
    }

    /// The exit code that follows.
    pub fn exit(&self) -> Exit {
        match (self.stopped, self.trouble.is_empty()) {
            (true, _) => Exit::Stopped,
            (false, true) => Exit::Done,
            (false, false) => Exit::Trouble,
        }
    }
}

impl fmt::Display for Outcome {
    /// One line: all that was counted, in alphabetical order; empty where nothing was.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<String> = self.trouble.iter().map(|(kind, n)| format!("{n} {kind}")).collect();
        write!(f, "{}", parts.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trouble_is_counted_and_told() {
        let mut outcome = Outcome::default();
        outcome.count("frames lost", 0);
        assert_eq!(outcome.exit(), Exit::Done);
        outcome.count("frames lost", 2);
        outcome.count("channels blanked", 3);
        outcome.count("frames lost", 1);
        assert_eq!(outcome.exit(), Exit::Trouble);
        assert_eq!(outcome.to_string(), "3 channels blanked, 3 frames lost");
        assert_eq!(Outcome::stopped().exit(), Exit::Stopped);
    }
}
