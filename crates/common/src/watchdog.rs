//! Notices ranks that have stalled: each gives a sign of life now and then, and one that gives none for too long is named.
//!
//! Rank 0 watches all others, rank 1 watches rank 0. Signs are given by the thread that works, so that a rank whose storage
//! hangs counts as stalled just as one that was stopped or whose host is gone.

use crate::comm::{Comm, Tag};
use std::cell::RefCell;
use std::time::{Duration, Instant};

const SIGN: Tag = Tag(7);
/// Signs within the time limit: some may come late on a busy machine.
const SIGNS: u32 = 6;

/// A rank that gave no sign of life.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "rank {rank} on {host} has given no sign of life for {} s (--watchdog): it is stopped, its host is gone or its storage \
     hangs; the same command goes on from what is done, without that host where it stays so", .silent.as_secs()
)]
pub struct Stalled {
    /// Which one.
    pub rank: usize,
    /// Where it runs.
    pub host: String,
    /// How long nothing was heard of it.
    pub silent: Duration,
}

/// One rank's part of the watch. Begins with its making; ranks may come to it at different times.
pub struct Watchdog<'a, C> {
    comm: &'a C,
    hosts: &'a [String],
    limit: Option<Duration>,
    state: RefCell<State>,
}

struct State {
    next: Instant,
    /// By rank, of those that this one watches: when it was heard of last. Rank 0, which may begin much later than the
    /// others, is waited for without a limit until it has been heard of once.
    heard: Vec<(usize, Option<Instant>)>,
}

impl<'a, C: Comm> Watchdog<'a, C> {
    /// Watches ranks on these hosts (one for each rank). Zero, or a world of one rank: nobody is watched.
    pub fn new(comm: &'a C, hosts: &'a [String], limit: Duration) -> Self {
        let now = Instant::now();
        let heard = match comm.rank() {
            0 => (1..comm.size()).map(|rank| (rank, Some(now))).collect(),
            1 => vec![(0, None)],
            _ => Vec::new(),
        };
        let limit = (!limit.is_zero() && comm.size() > 1).then_some(limit);
        Self { comm, hosts, limit, state: RefCell::new(State { next: now, heard }) }
    }

    /// Gives a sign of life and looks for those of others, if it is time to: to be called often, it costs little.
    ///
    /// # Errors
    /// [`Stalled`] for a rank that was silent for too long.
    pub fn look(&self) -> Result<(), Stalled> {
        let Some(limit) = self.limit else { return Ok(()) };
        let mut state = self.state.borrow_mut();
        let now = Instant::now();
        let Some(late) = now.checked_duration_since(state.next) else { return Ok(()) };
        state.next = now + limit / SIGNS;
        match self.comm.rank() {
            0 => self.comm.send(1, SIGN, &[]),
            _ => self.comm.send(0, SIGN, &[]),
        }
        while self.comm.waiting(None, SIGN) {
            let (rank, _) = self.comm.receive(None, SIGN);
            state.heard.iter_mut().filter(|(r, _)| *r == rank).for_each(|(_, at)| *at = Some(now));
        }
        if late > limit / 2 {
            // This rank itself was asleep, maybe all were: nobody is blamed for what could not be heard.
            state.heard.iter_mut().filter(|(_, at)| at.is_some()).for_each(|(_, at)| *at = Some(now));
        }
        let silent = |&(rank, at): &(usize, Option<Instant>)| {
            let silent = now - at?;
            let host = self.hosts.get(rank).cloned().unwrap_or_else(|| "an unknown host".to_owned());
            (silent > limit).then_some(Stalled { rank, host, silent })
        };
        state.heard.iter().find_map(silent).map_or(Ok(()), Err)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::comm::Threads;

    const LIMIT: Duration = Duration::from_millis(300);

    /// All ranks look for a second, `sleeper` for a tenth of it only; what each of them said.
    fn told(limit: Duration, sleeper: Option<usize>) -> Vec<Option<Stalled>> {
        let hosts: Vec<String> = (0..3).map(|rank| format!("host{rank}")).collect();
        Threads::run(3, |comm| {
            let watchdog = Watchdog::new(comm, &hosts, limit);
            let started = Instant::now();
            let mut told = None;
            while started.elapsed() < Duration::from_secs(1) && told.is_none() {
                if sleeper != Some(comm.rank()) || started.elapsed() < Duration::from_millis(100) {
                    told = watchdog.look().err();
                }
                std::thread::sleep(Duration::from_millis(2));
            }
            told
        })
    }

    #[test]
    fn a_silent_rank_is_named_with_its_host() {
        for (sleeper, by) in [(2, 0), (1, 0), (0, 1)] {
            let told = told(LIMIT, Some(sleeper));
            let stalled = told[by].as_ref().unwrap_or_else(|| panic!("rank {sleeper} is asleep"));
            assert_eq!((stalled.rank, &stalled.host), (sleeper, &format!("host{sleeper}")));
            assert!(
                stalled.silent >= LIMIT
                    && stalled.to_string().contains(&format!("rank {sleeper} on host{sleeper} "))
            );
        }
    }

    #[test]
    fn ranks_that_live_and_runs_without_a_limit_are_left_alone() {
        assert_eq!(told(Duration::from_secs(3), None), vec![None; 3]);
        assert_eq!(told(Duration::ZERO, Some(2)), vec![None; 3], "control: no limit");
    }

    #[test]
    fn a_rank_that_was_asleep_itself_blames_nobody() {
        let hosts = vec!["a".to_owned(), "b".to_owned()];
        let told = Threads::run(2, |comm| {
            let watchdog = Watchdog::new(comm, &hosts, LIMIT);
            let first = watchdog.look();
            std::thread::sleep(2 * LIMIT);
            (first, watchdog.look())
        });
        assert!(told.iter().all(|t| t.0.is_ok() && t.1.is_ok()), "{told:?}");
    }
}
