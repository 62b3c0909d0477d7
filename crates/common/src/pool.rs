//! Hands out tasks that arise while results come in, to whichever rank is free.
//!
//! Rank 0 keeps the source of the tasks and works as well, unless there are so many ranks that it is busy with handing
//! out. Between its own tasks, and within them wherever the work calls its `tick`, it looks for messages. A rank that is
//! slow or stalled keeps its one task and nothing else.

use crate::comm::{Comm, Tag};
use serde::{Serialize, de::DeserializeOwned};
use std::collections::VecDeque;
use std::marker::PhantomData;
use std::time::{Duration, Instant};

const TO_KEEPER: Tag = Tag(5);
const TO_WORKER: Tag = Tag(6);
/// With more ranks than this, rank 0 only hands out.
const MOST_FOR_WORKING_KEEPER: usize = 32;

/// When rank 0 looks for messages within its own work: often where a look takes under a microsecond, more rarely where others
/// keep the cores busy and a look, which gives the core away, may take milliseconds.
struct Looks {
    next: Instant,
}

impl Looks {
    const SHORTEST: Duration = Duration::from_micros(100);
    const LONGEST: Duration = Duration::from_millis(20);
    /// Looks that find nothing take at most one part in this many of the time.
    const PART: u32 = 20;

    fn new() -> Self {
        Self { next: Instant::now() }
    }

    /// How long to wait after a look of a length.
    fn pause(found: bool, took: Duration) -> Duration {
        if found { Self::SHORTEST } else { (took * Self::PART).clamp(Self::SHORTEST, Self::LONGEST) }
    }

    /// Looks if it is time to.
    fn look(&mut self, look: impl FnOnce() -> anyhow::Result<bool>) -> anyhow::Result<()> {
        let start = Instant::now();
        if start < self.next {
            return Ok(());
        }
        let found = look()?;
        let end = Instant::now();
        self.next = end + Self::pause(found, end - start);
        Ok(())
    }
}

/// Where tasks come from, on rank 0.
pub trait Source {
    /// A task, as it is sent.
    type Task: Serialize + DeserializeOwned;
    /// Its result.
    type Result: Serialize + DeserializeOwned;

    /// A task to be done now; `None`: none before another result has come, or none any more.
    fn next(&mut self) -> Option<Self::Task>;

    /// Takes a result, in whatever order they come.
    ///
    /// # Errors
    /// Whatever ends the run.
    fn done(&mut self, result: Self::Result) -> anyhow::Result<()>;
}

/// Does the tasks of a source that ranks share.
pub struct Pool<'a, C, S> {
    comm: &'a C,
    free: VecDeque<usize>,
    open: usize,
    pulse: &'a dyn Fn(),
    source: PhantomData<S>,
}

impl<'a, C: Comm, S: Source> Pool<'a, C, S> {
    /// A pool over all ranks.
    pub fn new(comm: &'a C) -> Self {
        Self { comm, free: VecDeque::new(), open: 0, pulse: &|| {}, source: PhantomData }
    }

    /// Calls `pulse` often on every rank, whether it works or waits: see [`crate::watchdog`].
    pub fn with_pulse(self, pulse: &'a dyn Fn()) -> Self {
        Self { pulse, ..self }
    }

    /// Does tasks until the source, which rank 0 comes with, has none and none is open. `work(task, tick)` does one, on the
    /// rank that calls it, and should call `tick` every millisecond or more often. Returns on all ranks.
    ///
    /// # Errors
    /// That of a task or of the source, on the rank where it arises, while the others still wait: the caller ends the run (as
    /// [`crate::runtime`] does).
    pub fn run<W>(mut self, source: Option<&mut S>, mut work: W) -> anyhow::Result<()>
    where
        W: FnMut(S::Task, &mut dyn FnMut()) -> anyhow::Result<S::Result>,
    {
        match source {
            Some(source) => self.keep(source, &mut work),
            None => self.follow(&mut work),
        }
    }

    fn keep<W>(&mut self, source: &mut S, work: &mut W) -> anyhow::Result<()>
    where
        W: FnMut(S::Task, &mut dyn FnMut()) -> anyhow::Result<S::Result>,
    {
        let works = self.comm.size() <= MOST_FOR_WORKING_KEEPER;
        let mut looks = Looks::new();
        loop {
            (self.pulse)();
            self.serve(source)?;
            let task = if works { source.next() } else { None };
            if let Some(task) = task {
                let mut trouble = Ok(());
                let result = work(task, &mut || {
                    (self.pulse)();
                    if trouble.is_ok() {
                        trouble = looks.look(|| self.serve(source));
                    }
                })?;
                trouble?;
                source.done(result)?;
            } else if self.open > 0 {
                let (rank, bytes) = self.comm.receive_patiently_while(None, TO_KEEPER, self.pulse);
                self.take(source, rank, &bytes)?;
            } else if works || !self.all_free(source)? {
                break;
            }
        }
        let end = postcard::to_stdvec(&None::<S::Task>)?;
        let mut left = self.comm.size() - 1 - self.free.len();
        while left > 0 {
            let (rank, bytes) = self.comm.receive_patiently_while(None, TO_KEEPER, self.pulse);
            self.take(source, rank, &bytes)?;
            left -= 1;
        }
        (1..self.comm.size()).for_each(|rank| self.comm.send(rank, TO_WORKER, &end));
        Ok(())
    }

    /// Waits until a rank is free to be given work; whether there was a task for it.
    fn all_free(&mut self, source: &mut S) -> anyhow::Result<bool> {
        while self.free.is_empty() {
            let (rank, bytes) = self.comm.receive_patiently_while(None, TO_KEEPER, self.pulse);
            self.take(source, rank, &bytes)?;
        }
        self.hand_out(source)?;
        Ok(self.open > 0)
    }

    /// Reads what has arrived and gives work to those who are free; whether anything had arrived.
    fn serve(&mut self, source: &mut S) -> anyhow::Result<bool> {
        let mut found = false;
        while self.comm.size() > 1 && self.comm.waiting(None, TO_KEEPER) {
            let (rank, bytes) = self.comm.receive(None, TO_KEEPER);
            self.take(source, rank, &bytes)?;
            found = true;
        }
        self.hand_out(source)?;
        Ok(found)
    }

    fn hand_out(&mut self, source: &mut S) -> anyhow::Result<()> {
        while let Some(&rank) = self.free.front() {
            let Some(task) = source.next() else { break };
            self.free.pop_front();
            self.comm.send(rank, TO_WORKER, &postcard::to_stdvec(&Some(task))?);
            self.open += 1;
        }
        Ok(())
    }

    /// An empty message comes from a rank that has done nothing yet.
    fn take(&mut self, source: &mut S, rank: usize, bytes: &[u8]) -> anyhow::Result<()> {
        self.free.push_back(rank);
        if !bytes.is_empty() {
            self.open -= 1;
            source.done(postcard::from_bytes(bytes)?)?;
        }
        Ok(())
    }

    fn follow<W>(&self, work: &mut W) -> anyhow::Result<()>
    where
        W: FnMut(S::Task, &mut dyn FnMut()) -> anyhow::Result<S::Result>,
    {
        let mut message = Vec::new();
        loop {
            self.comm.send(0, TO_KEEPER, &message);
            let (_, bytes) = self.comm.receive_patiently_while(Some(0), TO_WORKER, self.pulse);
            let Some(task) = postcard::from_bytes::<Option<S::Task>>(&bytes)? else { return Ok(()) };
            message = postcard::to_stdvec(&work(task, &mut || (self.pulse)())?)?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_that_find_nothing_take_a_twentieth_of_the_time_at_most() {
        let ms = Duration::from_millis;
        assert_eq!(Looks::pause(false, Duration::from_nanos(500)), Looks::SHORTEST);
        assert_eq!(Looks::pause(false, Duration::from_micros(50)), ms(1));
        assert_eq!(Looks::pause(false, ms(300)), Looks::LONGEST);
        assert_eq!(Looks::pause(true, ms(300)), Looks::SHORTEST);
        let (mut looks, mut n) = (Looks::new(), 0);
        let start = Instant::now();
        while start.elapsed() < ms(30) {
            looks
                .look(|| {
                    n += 1;
                    std::thread::sleep(Duration::from_micros(100));
                    Ok(false)
                })
                .unwrap();
        }
        assert!((1..=15).contains(&n), "{n} looks of 0.1 ms and more within 30 ms");
    }
    use crate::comm::Threads;
    use proptest::prelude::*;

    /// Counts up in lanes: each lane's next task needs the result of its last one.
    struct Lanes {
        next: Vec<Option<u64>>,
        end: u64,
    }

    impl Source for Lanes {
        type Task = (usize, u64);
        type Result = (usize, u64);

        fn next(&mut self) -> Option<(usize, u64)> {
            let open = |v: &Option<u64>| v.filter(|&v| v < self.end);
            let (lane, value) = self.next.iter().enumerate().find_map(|(lane, v)| Some((lane, open(v)?)))?;
            self.next[lane] = None;
            Some((lane, value))
        }

        fn done(&mut self, (lane, value): (usize, u64)) -> anyhow::Result<()> {
            anyhow::ensure!(self.next.get(lane).is_some_and(Option::is_none), "lane {lane} had no task");
            self.next[lane] = Some(value);
            Ok(())
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn every_lane_comes_to_its_end(size in 1usize..6, lanes in 0usize..9) {
            let ends = Threads::run(size, |comm| {
                let mut source = Lanes { next: vec![Some(0); lanes], end: 20 };
                let mine = (comm.rank() == 0).then_some(&mut source);
                Pool::new(comm)
                    .run(mine, |(lane, value), tick| {
                        tick();
                        Ok((lane, value + 1))
                    })
                    .unwrap();
                source.next
            });
            prop_assert!(ends[0].iter().all(|&v| v == Some(20)));
        }
    }

    #[test]
    fn many_ranks_work_while_rank_0_hands_out() {
        let ends = Threads::run(40, |comm| {
            let mut source = Lanes { next: vec![Some(0); 50], end: 5 };
            let mine = (comm.rank() == 0).then_some(&mut source);
            let mut did = 0;
            Pool::new(comm)
                .run(mine, |(lane, value), _| {
                    did += 1;
                    Ok((lane, value + 1))
                })
                .unwrap();
            (did, source.next)
        });
        assert!(ends[0].0 == 0 && ends[0].1.iter().all(|&v| v == Some(5)));
    }

    #[test]
    fn a_stalled_rank_keeps_one_task_and_no_other_rank_waits_for_it() {
        use std::sync::atomic::{AtomicU64, Ordering};
        use std::time::{Duration, Instant};
        let (done, lanes, end) = (AtomicU64::new(0), 6, 20);
        let ends = Threads::run(3, |comm| {
            let mut source = Lanes { next: vec![Some(0); lanes], end };
            let mine = (comm.rank() == 0).then_some(&mut source);
            let mut of_rank_1 = 0;
            Pool::new(comm)
                .run(mine, |(lane, value), tick| {
                    tick();
                    let started = Instant::now();
                    of_rank_1 += u64::from(comm.rank() == 1);
                    // Rank 1 sits on its first task until the other lanes have come to their ends without it.
                    let others = (lanes as u64 - 1) * end;
                    while of_rank_1 == 1 && done.load(Ordering::SeqCst) < others {
                        assert!(started.elapsed() < Duration::from_secs(60), "the others wait for rank 1");
                        std::thread::yield_now();
                    }
                    done.fetch_add(1, Ordering::SeqCst);
                    Ok((lane, value + 1))
                })
                .unwrap();
            source.next
        });
        assert!(ends[0].iter().all(|&v| v == Some(end)));
    }

    #[test]
    fn an_error_of_the_source_is_told() {
        let told = Threads::run(1, |comm| {
            let mut source = Lanes { next: vec![Some(0)], end: 5 };
            let error = Pool::new(comm).run(Some(&mut source), |_, _| Ok((3, 1))).unwrap_err();
            error.to_string()
        });
        assert_eq!(told[0], "lane 3 had no task");
    }
}
