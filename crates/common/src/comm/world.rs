//! The ranks that MPI gives; a program started without a launcher is a world of one.

use super::{Comm, Tag};
use mpi::collective::CommunicatorCollectives;
use mpi::datatype::PartitionMut;
use mpi::environment::Universe;
use mpi::point_to_point::{Destination, Source};
use mpi::topology::{Communicator, SimpleCommunicator};
use mpi::traits::Root;
use std::ops::Range;

/// MPI counts elements in 32 bits: longer messages go in pieces.
const PIECE_BYTES: usize = 1 << 30;

/// All ranks of the run, over MPI. Finalises MPI when dropped.
pub struct World {
    world: SimpleCommunicator,
    // Dropped last: its drop finalises MPI.
    _universe: Universe,
}

impl World {
    /// Starts MPI; `None` where it has been started before in this process.
    pub fn start() -> Option<Self> {
        let universe = mpi::initialize()?;
        Some(Self { world: universe.world(), _universe: universe })
    }

    /// Ends all ranks at once; the launcher returns `code`.
    pub fn abort(code: i32) -> ! {
        // The world communicator needs no handle: it is there as long as MPI is.
        SimpleCommunicator::world().abort(code)
    }
}

/// Start and end of each rank's piece, as MPI wants them.
fn counts_and_starts(counts: &[usize]) -> (Vec<i32>, Vec<i32>) {
    let as_i32 = |n: usize| i32::try_from(n).expect("a gathered piece has fewer than 2^31 elements");
    let mut start = 0;
    let mut starts = Vec::with_capacity(counts.len());
    for &count in counts {
        starts.push(as_i32(start));
        start += count;
    }
    (counts.iter().map(|&n| as_i32(n)).collect(), starts)
}

/// The ranges in which `len` bytes are sent.
fn pieces(len: usize) -> impl Iterator<Item = Range<usize>> {
    (0..len).step_by(PIECE_BYTES).map(move |start| start..len.min(start + PIECE_BYTES))
}

impl Comm for World {
    fn rank(&self) -> usize {
        usize::try_from(self.world.rank()).expect("a rank is not negative")
    }

    fn size(&self) -> usize {
        usize::try_from(self.world.size()).expect("a size is not negative")
    }

    fn barrier(&self) {
        self.world.barrier();
    }

    fn broadcast(&self, root: usize, data: &mut Vec<u8>) {
        let process = self.world.process_at_rank(to_i32(root));
        let mut len = data.len() as u64;
        process.broadcast_into(&mut len);
        data.resize(usize::try_from(len).expect("a message fits in memory"), 0);
        for piece in pieces(data.len()) {
            process.broadcast_into(&mut data[piece]);
        }
    }

    fn all_gather_f64(&self, mine: &[f64], counts: &[usize], all: &mut [f64]) {
        let (counts, starts) = counts_and_starts(counts);
        let mut parts = PartitionMut::new(all, counts, &starts[..]);
        self.world.all_gather_varcount_into(mine, &mut parts);
    }

    fn gather(&self, root: usize, mine: &[u8]) -> Vec<Vec<u8>> {
        let process = self.world.process_at_rank(to_i32(root));
        let len = mine.len() as u64;
        if self.rank() != root {
            process.gather_into(&len);
            process.gather_varcount_into(mine);
            return Vec::new();
        }
        let mut lens = vec![0u64; self.size()];
        process.gather_into_root(&len, &mut lens[..]);
        let lens: Vec<usize> =
            lens.iter().map(|&n| usize::try_from(n).expect("a message fits in memory")).collect();
        let mut all = vec![0u8; lens.iter().sum()];
        let (counts, starts) = counts_and_starts(&lens);
        process.gather_varcount_into_root(mine, &mut PartitionMut::new(&mut all[..], counts, &starts[..]));
        let mut rest = all.as_slice();
        let mut split = Vec::with_capacity(lens.len());
        for n in lens {
            let (piece, tail) = rest.split_at(n);
            split.push(piece.to_vec());
            rest = tail;
        }
        split
    }

    fn send(&self, to: usize, tag: Tag, data: &[u8]) {
        self.world.process_at_rank(to_i32(to)).send_with_tag(data, tag.0);
    }

    fn receive(&self, from: Option<usize>, tag: Tag) -> (usize, Vec<u8>) {
        let (data, status) = match from {
            Some(rank) => self.world.process_at_rank(to_i32(rank)).receive_vec_with_tag::<u8>(tag.0),
            None => self.world.any_process().receive_vec_with_tag::<u8>(tag.0),
        };
        (usize::try_from(status.source_rank()).expect("a rank is not negative"), data)
    }

    fn waiting(&self, from: Option<usize>, tag: Tag) -> bool {
        let probe = || match from {
            Some(rank) => self.world.process_at_rank(to_i32(rank)).immediate_probe_with_tag(tag.0),
            None => self.world.any_process().immediate_probe_with_tag(tag.0),
        };
        // Open MPI looks among the messages that it has, and only then fetches those that have arrived: the first probe after
        // an arrival finds nothing.
        probe().or_else(probe).is_some()
    }
}

fn to_i32(rank: usize) -> i32 {
    i32::try_from(rank).expect("MPI counts ranks in 32 bits")
}
