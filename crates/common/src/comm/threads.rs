//! Ranks that are threads of one process: for tests of parallel code without a launcher.

use super::{Comm, Tag};
use std::collections::VecDeque;
use std::sync::{Arc, Barrier, Condvar, Mutex, MutexGuard};

type Message = (usize, Tag, Vec<u8>);

struct Shared {
    barrier: Barrier,
    inboxes: Vec<(Mutex<VecDeque<Message>>, Condvar)>,
}

/// One rank among threads.
pub struct Threads {
    rank: usize,
    shared: Arc<Shared>,
}

/// Collectives are built on messages with tags that nobody else uses.
const COLLECTIVE: Tag = Tag(-1);

impl Threads {
    /// Runs `program` on `size` ranks at once and returns what each gave, in the order of ranks.
    pub fn run<T: Send>(size: usize, program: impl Fn(&Self) -> T + Sync) -> Vec<T> {
        let inboxes = (0..size).map(|_| (Mutex::new(VecDeque::new()), Condvar::new())).collect();
        let shared = Arc::new(Shared { barrier: Barrier::new(size), inboxes });
        std::thread::scope(|scope| {
            let program = &program;
            let ranks: Vec<_> = (0..size)
                .map(|rank| {
                    let comm = Self { rank, shared: Arc::clone(&shared) };
                    scope.spawn(move || program(&comm))
                })
                .collect();
            ranks.into_iter().map(|r| r.join().expect("a rank panicked")).collect()
        })
    }

    fn inbox(&self) -> (MutexGuard<'_, VecDeque<Message>>, &Condvar) {
        let (queue, signal) = &self.shared.inboxes[self.rank];
        (queue.lock().expect("no rank panicked"), signal)
    }
}

fn position(queue: &VecDeque<Message>, from: Option<usize>, tag: Tag) -> Option<usize> {
    queue.iter().position(|m| m.1 == tag && from.is_none_or(|f| f == m.0))
}

impl Comm for Threads {
    fn rank(&self) -> usize {
        self.rank
    }

    fn size(&self) -> usize {
        self.shared.inboxes.len()
    }

    fn barrier(&self) {
        self.shared.barrier.wait();
    }

    fn broadcast(&self, root: usize, data: &mut Vec<u8>) {
        if self.rank == root {
            (0..self.size()).filter(|&r| r != root).for_each(|r| self.send(r, COLLECTIVE, data));
        } else {
            *data = self.receive(Some(root), COLLECTIVE).1;
        }
        self.barrier();
    }

    fn all_gather_f64(&self, mine: &[f64], counts: &[usize], all: &mut [f64]) {
        assert_eq!(mine.len(), counts[self.rank], "a piece has the announced length");
        let bytes: Vec<u8> = mine.iter().flat_map(|x| x.to_le_bytes()).collect();
        let mut joined = self.gather(0, &bytes).concat();
        self.broadcast(0, &mut joined);
        for (value, bytes) in all.iter_mut().zip(joined.chunks_exact(8)) {
            *value = f64::from_le_bytes(bytes.try_into().expect("eight bytes"));
        }
    }

    fn gather(&self, root: usize, mine: &[u8]) -> Vec<Vec<u8>> {
        self.send(root, COLLECTIVE, mine);
        let all = if self.rank == root {
            (0..self.size()).map(|r| self.receive(Some(r), COLLECTIVE).1).collect()
        } else {
            Vec::new()
        };
        self.barrier();
        all
    }

    fn send(&self, to: usize, tag: Tag, data: &[u8]) {
        let (queue, signal) = &self.shared.inboxes[to];
        queue.lock().expect("no rank panicked").push_back((self.rank, tag, data.to_vec()));
        signal.notify_all();
    }

    fn receive(&self, from: Option<usize>, tag: Tag) -> (usize, Vec<u8>) {
        let (mut queue, signal) = self.inbox();
        loop {
            if let Some(message) = position(&queue, from, tag).and_then(|i| queue.remove(i)) {
                return (message.0, message.2);
            }
            queue = signal.wait(queue).expect("no rank panicked");
        }
    }

    fn waiting(&self, from: Option<usize>, tag: Tag) -> bool {
        position(&self.inbox().0, from, tag).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::comm::share;

    #[test]
    fn collectives_keep_the_order_of_ranks() {
        for size in [1, 2, 3, 5] {
            let seen = Threads::run(size, |comm| {
                let mine = vec![comm.rank() as f64; comm.rank() + 1];
                let counts: Vec<usize> = (1..=size).collect();
                let mut all = vec![0.0; counts.iter().sum()];
                comm.all_gather_f64(&mine, &counts, &mut all);
                (all, share(comm, &comm.rank()).unwrap())
            });
            let expected: Vec<f64> = (0..size).flat_map(|r| vec![r as f64; r + 1]).collect();
            assert!(seen.iter().all(|(all, root)| *all == expected && *root == 0));
        }
    }
}
