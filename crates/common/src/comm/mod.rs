//! What the programs ask of the ranks around them: a small set of messages, and who answers.

mod threads;
mod world;

use serde::{Serialize, de::DeserializeOwned};
use std::time::{Duration, Instant};
pub use threads::Threads;
pub use world::World;

/// How long a rank that waits looks again and again before it sleeps between two looks, and the longest sleep.
const AWAKE: Duration = Duration::from_micros(100);
const LONGEST_NAP: Duration = Duration::from_millis(2);

/// Marks the messages of one purpose, so that those of another are not taken for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tag(pub i32);

/// Gives rank 0's value to all ranks, whatever the others came with.
///
/// # Errors
/// Where the value cannot be encoded: a mistake in the program.
pub fn share<T: Serialize + DeserializeOwned>(comm: &impl Comm, value: &T) -> Result<T, postcard::Error> {
    let mut bytes = if comm.rank() == 0 { postcard::to_stdvec(value)? } else { Vec::new() };
    comm.broadcast(0, &mut bytes);
    postcard::from_bytes(&bytes)
}

/// The lowest of the numbers that the ranks come with, on all of them.
pub fn lowest(comm: &impl Comm, mine: u8) -> u8 {
    let mut all = vec![0.0; comm.size()];
    comm.all_gather_f64(&[f64::from(mine)], &vec![1; comm.size()], &mut all);
    all.into_iter().fold(f64::from(mine), f64::min) as u8
}

/// The ranks that came with other bytes than rank 0, told to all ranks.
///
/// # Errors
/// Where the list cannot be encoded: a mistake in the program.
pub fn differing(comm: &impl Comm, mine: &[u8]) -> Result<Vec<usize>, postcard::Error> {
    let all = comm.gather(0, mine);
    let differ: Vec<usize> = (0..all.len()).filter(|&rank| all[rank] != mine).collect();
    share(comm, &differ)
}

/// The ranks of a run. Every collective must be called by all ranks in the same order.
pub trait Comm {
    /// This rank, from 0.
    fn rank(&self) -> usize;

    /// The number of ranks, at least 1.
    fn size(&self) -> usize;

    /// Waits until all ranks are here.
    fn barrier(&self);

    /// Hands the bytes of `root` to all ranks; what the others held is replaced.
    fn broadcast(&self, root: usize, data: &mut Vec<u8>);

    /// Joins the pieces of all ranks in the order of ranks; `counts[r]` is the length of rank r's piece and
    /// `all` as long as their sum.
    fn all_gather_f64(&self, mine: &[f64], counts: &[usize], all: &mut [f64]);

    /// Collects the bytes of all ranks on `root`, in the order of ranks; empty elsewhere.
    fn gather(&self, root: usize, mine: &[u8]) -> Vec<Vec<u8>>;

    /// Sends bytes to a rank; returns once the buffer can be used again.
    fn send(&self, to: usize, tag: Tag, data: &[u8]);

    /// Waits for bytes with this tag from `from`, or from anyone.
    fn receive(&self, from: Option<usize>, tag: Tag) -> (usize, Vec<u8>);

    /// Tells whether `receive` would find a message at once.
    fn waiting(&self, from: Option<usize>, tag: Tag) -> bool;

    /// Waits for a message without keeping a core busy for long: ranks that wait for minutes share their machine. A message
    /// that took t to come is found within t/8 or 2 ms, whichever is less, and the machine's shortest sleep (about 0.1 ms).
    fn receive_patiently(&self, from: Option<usize>, tag: Tag) -> (usize, Vec<u8>) {
        self.receive_patiently_while(from, tag, &|| {})
    }

    /// The same, with something to be done between two looks.
    fn receive_patiently_while(
        &self,
        from: Option<usize>,
        tag: Tag,
        meanwhile: &dyn Fn(),
    ) -> (usize, Vec<u8>) {
        let start = Instant::now();
        while !self.waiting(from, tag) {
            meanwhile();
            let waited = start.elapsed();
            if waited < AWAKE {
                std::thread::yield_now();
            } else {
                std::thread::sleep((waited / 8).min(LONGEST_NAP));
            }
        }
        self.receive(from, tag)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_ranks_agree_on_the_lowest() {
        let seen = Threads::run(4, |comm| lowest(comm, [2, 1, 2, 3][comm.rank()]));
        assert_eq!(seen, [1; 4]);
    }
}
