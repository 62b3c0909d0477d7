//! Reads the files of galaxies ahead of their use: several at a time, each with no more requests than open, read, close.

mod file;
mod outage;

pub use file::{Content, FileRead, read_file};
pub use outage::{Outage, Watch, check_all, volume_blocks};

use crate::plan::Plan;
use std::ops::Range;
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};

/// The files of one galaxy, and the memory that they are in.
#[derive(Debug, Default)]
pub struct Batch {
    /// One for each band.
    pub files_b: Vec<FileRead>,
}

/// One reading thread, as the consumer sees it.
struct Lane {
    ready: Receiver<Batch>,
    used: Sender<Batch>,
}

/// Hands out the galaxies of a range in order, while `in_flight` threads read those that come next.
pub struct ReadAhead {
    lanes: Vec<Lane>,
    next: usize,
    left: usize,
}

impl ReadAhead {
    /// The next galaxy's files; `None` at the end of the range.
    pub fn next_batch(&mut self) -> Option<Batch> {
        self.left = self.left.checked_sub(1)?;
        let lane = self.next % self.lanes.len();
        self.next += 1;
        self.lanes[lane].ready.recv().ok()
    }

    /// Gives back the memory of the batch handed out last.
    pub fn give_back(&mut self, batch: Batch) {
        let lane = (self.next + self.lanes.len() - 1) % self.lanes.len();
        // The thread may have read its last galaxy.
        let _ = self.lanes[lane].used.send(batch);
    }
}

/// Calls `consume` with what reads the galaxies of a range ahead; the threads end with it.
pub fn read_ahead<T>(
    plan: &Plan,
    root: &Path,
    galaxies: Range<usize>,
    consume: impl FnOnce(&mut ReadAhead) -> T,
) -> T {
    let threads = plan.settings.in_flight.min(galaxies.len()).max(1);
    std::thread::scope(|scope| {
        let lanes = (0..threads).map(|lane| {
            // One galaxy waits while the next is read.
            let (ready_in, ready) = sync_channel(1);
            let (used, used_out) = channel();
            let mine = (galaxies.start + lane..galaxies.end).step_by(threads);
            scope.spawn(move || read_lane(plan, root, mine, &ready_in, &used_out));
            Lane { ready, used }
        });
        let mut ahead = ReadAhead { lanes: lanes.collect(), next: 0, left: galaxies.len() };
        consume(&mut ahead)
    })
}

/// Reads galaxies until there are no more, or nobody wants them.
fn read_lane(
    plan: &Plan,
    root: &Path,
    galaxies: impl Iterator<Item = usize>,
    ready: &SyncSender<Batch>,
    used: &Receiver<Batch>,
) {
    for galaxy in galaxies {
        let mut batch = used.try_recv().unwrap_or_default();
        batch.files_b.resize_with(plan.settings.bands.len(), FileRead::default);
        read_galaxy(plan, root, galaxy, &mut batch);
        if ready.send(batch).is_err() {
            return;
        }
    }
}

/// Reads the files of one galaxy.
pub fn read_galaxy(plan: &Plan, root: &Path, galaxy: usize, batch: &mut Batch) {
    let files = &plan.galaxies[galaxy].files;
    for (band, file) in batch.files_b.iter_mut().enumerate() {
        match files.of(band, &plan.settings.bands[band]) {
            Some(path) => read_file(&root.join(path), plan.settings.attempts, file),
            None => file.set_absent(),
        }
    }
}
