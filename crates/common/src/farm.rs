//! Hands out units of work to the ranks as they get free, and re-queues those that failed.
//!
//! Rank 0 keeps the list and works as well: it looks for messages between its units, and within them wherever the
//! work calls its `tick`. What a unit made goes from the rank that made it to storage, not through rank 0; only a
//! few bytes about it (a checksum) come here.

use crate::comm::{Comm, Tag};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::time::{Duration, Instant};

const TO_KEEPER: Tag = Tag(1);
const TO_WORKER: Tag = Tag(2);

/// How long a unit that failed rests at first: what keeps it from being done may need a while to go away. Three times as long
/// each time after.
const FIRST_PAUSE: Duration = Duration::from_millis(if cfg!(test) { 2 } else { 500 });
const LONGER: u32 = 3;

/// A unit that failed.
#[derive(Debug)]
pub struct UnitError {
    /// Whether trying again, maybe elsewhere, can help (a read error can go away, a broken file does not).
    pub recoverable: bool,
    /// The cause chain.
    pub error: anyhow::Error,
}

/// A unit that failed for good.
#[derive(Debug, thiserror::Error)]
#[error("unit {unit} failed on rank {rank} after {attempts} attempts: {cause}")]
pub struct FarmError {
    /// Which one.
    pub unit: usize,
    /// Where it failed last.
    pub rank: usize,
    /// How often it was tried.
    pub attempts: u32,
    /// The cause chain.
    pub cause: String,
}

/// How the farm hands out work.
pub struct Farm<'a, C> {
    /// The ranks.
    pub comm: &'a C,
    /// The units to do, in the order in which they are handed out; rank 0's list counts.
    pub units: &'a [usize],
    /// How often a unit is tried before the run is given up.
    pub attempts: u32,
    /// How many ranks may be at a unit at the same time; `usize::MAX`: all.
    pub at_once: usize,
    /// Is called often on every rank, whether it works or waits: see [`crate::watchdog`].
    pub pulse: &'a dyn Fn(),
}

#[derive(Serialize, Deserialize)]
enum FromWorker {
    Free,
    Done { unit: usize, about: Vec<u8> },
    Failed { unit: usize, recoverable: bool, cause: String },
}

/// What is left to do, known to rank 0 alone.
struct Keeper<'a, D> {
    queue: VecDeque<usize>,
    failures: Vec<(usize, u32)>,
    /// Units that failed, and when they will be tried again.
    resting: Vec<(Instant, usize)>,
    tried_again: u64,
    free: VecDeque<usize>,
    open: usize,
    /// Units that other ranks are at, and how many ranks may be at one, rank 0 included.
    out: usize,
    at_once: usize,
    attempts: u32,
    on_done: &'a mut D,
}

impl<D: FnMut(usize, Vec<u8>) -> anyhow::Result<bool>> Keeper<'_, D> {
    /// Takes one message about a unit or a rank.
    fn take(&mut self, rank: usize, message: FromWorker) -> anyhow::Result<()> {
        if rank > 0 && !matches!(message, FromWorker::Free) {
            self.out -= 1;
        }
        match message {
            FromWorker::Free => self.free.push_back(rank),
            FromWorker::Done { unit, about } => {
                self.open -= 1;
                if !(self.on_done)(unit, about)? {
                    // Stop handing out: what is not started stays undone.
                    self.open -= self.queue.len() + self.resting.len();
                    self.queue.clear();
                    self.resting.clear();
                }
            }
            FromWorker::Failed { unit, recoverable, cause } => self.failed(rank, unit, recoverable, cause)?,
        }
        Ok(())
    }

    fn failed(&mut self, rank: usize, unit: usize, recoverable: bool, cause: String) -> anyhow::Result<()> {
        let attempts = 1 + self.failures.iter().find(|f| f.0 == unit).map_or(0, |f| f.1);
        if !recoverable || attempts >= self.attempts {
            return Err(FarmError { unit, rank, attempts, cause }.into());
        }
        tracing::warn!(unit, rank, attempts, cause, "unit failed, will be tried again");
        self.failures.retain(|f| f.0 != unit);
        self.failures.push((unit, attempts));
        self.resting.push((Instant::now() + FIRST_PAUSE * LONGER.pow(attempts - 1), unit));
        self.tried_again += 1;
        Ok(())
    }

    /// Puts units that have rested back into the queue.
    fn wake(&mut self) {
        let now = Instant::now();
        let ready = self.resting.extract_if(.., |(when, _)| *when <= now);
        self.queue.extend(ready.map(|(_, unit)| unit));
    }

    /// Reads what has arrived and gives work to those who are free; `busy` says that rank 0 is at a unit itself.
    fn serve(&mut self, comm: &impl Comm, busy: bool) -> anyhow::Result<()> {
        self.wake();
        while comm.waiting(None, TO_KEEPER) {
            let (rank, bytes) = comm.receive(None, TO_KEEPER);
            self.take(rank, postcard::from_bytes(&bytes)?)?;
        }
        while !self.free.is_empty() && !self.queue.is_empty() && self.out + usize::from(busy) < self.at_once {
            if let (Some(rank), Some(unit)) = (self.free.pop_front(), self.queue.pop_front()) {
                comm.send(rank, TO_WORKER, &postcard::to_stdvec(&Some(unit))?);
                self.out += 1;
            }
        }
        Ok(())
    }
}

impl<C: Comm> Farm<'_, C> {
    /// Does all units. `work(unit, tick)` makes one on the rank that calls it and returns a few bytes about it; it
    /// should call `tick` every few milliseconds. `on_done(unit, bytes)` hears of every finished unit, on rank 0 only,
    /// and returns whether to go on. Returns, on all ranks, once nothing is open; on rank 0 how often a unit had to be
    /// tried again.
    ///
    /// # Errors
    /// A unit that failed for good, or `on_done`'s error: on rank 0, while the others still wait: the caller ends the
    /// run (as [`crate::runtime`] does).
    pub fn run<W, D>(&self, mut work: W, mut on_done: D) -> anyhow::Result<u64>
    where
        W: FnMut(usize, &mut dyn FnMut()) -> Result<Vec<u8>, UnitError>,
        D: FnMut(usize, Vec<u8>) -> anyhow::Result<bool>,
    {
        if self.comm.rank() == 0 {
            return self.keep(&mut work, &mut on_done);
        }
        self.follow(&mut work)?;
        Ok(0)
    }

    fn keep<W, D>(&self, work: &mut W, on_done: &mut D) -> anyhow::Result<u64>
    where
        W: FnMut(usize, &mut dyn FnMut()) -> Result<Vec<u8>, UnitError>,
        D: FnMut(usize, Vec<u8>) -> anyhow::Result<bool>,
    {
        let mut keeper = Keeper {
            queue: self.units.iter().copied().collect(),
            failures: Vec::new(),
            resting: Vec::new(),
            tried_again: 0,
            free: VecDeque::new(),
            open: self.units.len(),
            out: 0,
            at_once: self.at_once.max(1),
            attempts: self.attempts,
            on_done,
        };
        while keeper.open > 0 {
            (self.pulse)();
            keeper.serve(self.comm, false)?;
            let may_work = keeper.out < keeper.at_once;
            let Some(unit) = keeper.queue.pop_front_if(|_| may_work) else {
                std::thread::sleep(Duration::from_millis(1));
                continue;
            };
            let mut trouble = Ok(());
            let result = work(unit, &mut || {
                (self.pulse)();
                if trouble.is_ok() {
                    trouble = keeper.serve(self.comm, true);
                }
            });
            trouble?;
            keeper.take(0, report(unit, result))?;
        }
        let mut left = self.comm.size() - 1;
        while left > 0 {
            if keeper.free.pop_front().is_none() {
                let (_, bytes) = self.comm.receive_patiently_while(None, TO_KEEPER, self.pulse);
                debug_assert!(matches!(postcard::from_bytes(&bytes), Ok(FromWorker::Free)));
            }
            left -= 1;
        }
        for rank in 1..self.comm.size() {
            self.comm.send(rank, TO_WORKER, &postcard::to_stdvec(&None::<usize>)?);
        }
        Ok(keeper.tried_again)
    }

    fn follow<W>(&self, work: &mut W) -> anyhow::Result<()>
    where
        W: FnMut(usize, &mut dyn FnMut()) -> Result<Vec<u8>, UnitError>,
    {
        loop {
            self.comm.send(0, TO_KEEPER, &postcard::to_stdvec(&FromWorker::Free)?);
            let (_, bytes) = self.comm.receive_patiently_while(Some(0), TO_WORKER, self.pulse);
            let Some(unit) = postcard::from_bytes::<Option<usize>>(&bytes)? else { return Ok(()) };
            let result = work(unit, &mut || (self.pulse)());
            self.comm.send(0, TO_KEEPER, &postcard::to_stdvec(&report(unit, result))?);
        }
    }
}

fn report(unit: usize, result: Result<Vec<u8>, UnitError>) -> FromWorker {
    match result {
        Ok(about) => FromWorker::Done { unit, about },
        Err(e) => FromWorker::Failed { unit, recoverable: e.recoverable, cause: format!("{:#}", e.error) },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::comm::Threads;
    use proptest::prelude::*;
    use std::sync::Mutex;

    /// Runs `units` on `size` ranks; unit u fails `failures[u]` times first. Returns what rank 0 heard of.
    fn heard(size: usize, failures: &[u32], attempts: u32) -> Result<Vec<usize>, String> {
        let units: Vec<usize> = (0..failures.len()).collect();
        let left = Mutex::new(failures.to_vec());
        let mut done = Vec::new();
        let seen = Mutex::new(&mut done);
        let results = Threads::run(size, |comm| {
            let farm = Farm { comm, units: &units, attempts, at_once: usize::MAX, pulse: &|| {} };
            farm.run(
                |unit, tick| {
                    tick();
                    let mut left = left.lock().unwrap();
                    if left[unit] > 0 {
                        left[unit] -= 1;
                        return Err(UnitError { recoverable: true, error: anyhow::anyhow!("try again") });
                    }
                    Ok(vec![unit as u8])
                },
                |unit, about| {
                    assert_eq!(about, [unit as u8]);
                    seen.lock().unwrap().push(unit);
                    Ok(true)
                },
            )
            .map_err(|e| e.to_string())
        });
        let again = results.into_iter().collect::<Result<Vec<u64>, _>>()?;
        assert_eq!(again.iter().sum::<u64>(), failures.iter().map(|&f| u64::from(f)).sum::<u64>());
        done.sort_unstable();
        Ok(done)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn every_unit_is_done_once(size in 1usize..6, failures in prop::collection::vec(0u32..3, 0..40)) {
            prop_assert_eq!(heard(size, &failures, 3).unwrap(), (0..failures.len()).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_unit_that_fails_for_good_is_named() {
        let error = heard(1, &[0, 3, 0], 3).unwrap_err();
        assert!(error.contains("unit 1 failed on rank 0 after 3 attempts: try again"), "{error}");
    }

    #[test]
    fn a_unit_that_failed_rests_before_it_is_tried_again() {
        let started = Instant::now();
        assert_eq!(heard(1, &[2], 3).unwrap(), [0]);
        assert!(started.elapsed() >= FIRST_PAUSE * (1 + LONGER), "{:?}", started.elapsed());
    }

    #[test]
    fn no_more_ranks_than_asked_for_are_at_a_unit() {
        use std::sync::atomic::{AtomicUsize, Ordering};
        for (at_once, most) in [(1, 1), (2, 2), (usize::MAX, 4)] {
            let units: Vec<usize> = (0..40).collect();
            let (now, seen, pulses) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
            Threads::run(4, |comm| {
                let pulse = || {
                    pulses.fetch_add(1, Ordering::SeqCst);
                };
                let farm = Farm { comm, units: &units, attempts: 1, at_once, pulse: &pulse };
                let work = |_: usize, tick: &mut dyn FnMut()| {
                    seen.fetch_max(1 + now.fetch_add(1, Ordering::SeqCst), Ordering::SeqCst);
                    for _ in 0..5 {
                        std::thread::sleep(Duration::from_millis(1));
                        tick();
                    }
                    now.fetch_sub(1, Ordering::SeqCst);
                    Ok(Vec::new())
                };
                farm.run(work, |_, _| Ok(true)).unwrap();
            });
            let seen = seen.into_inner();
            assert!(seen <= most && (at_once == 1 || seen > 1), "{seen} at once, {at_once} asked for");
            assert!(pulses.into_inner() >= 200);
        }
    }

    #[test]
    fn stopping_leaves_the_rest_undone() {
        for size in [1, 3] {
            let units: Vec<usize> = (0..100).collect();
            let done = Threads::run(size, |comm| {
                let mut done = 0;
                let farm = Farm { comm, units: &units, attempts: 1, at_once: usize::MAX, pulse: &|| {} };
                farm.run(
                    |_, _| Ok(Vec::new()),
                    |_, _| {
                        done += 1;
                        Ok(done < 10)
                    },
                )
                .unwrap();
                done
            });
            assert!((10..10 + size).contains(&done[0]), "{done:?}");
        }
    }
}
