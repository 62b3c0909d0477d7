//! Keeps the random streams of the sampler apart from one another.

use mirinae_common::random;
use rand_chacha::ChaCha8Rng;

/// What a stream is drawn for. The purpose takes the high 16 bits of the stream's number, the walker the low 48.
#[derive(Clone, Copy)]
pub(super) enum Purpose {
    /// The red-blue split and the choice of the move: once a step.
    Step = 0x0100,
    /// Proposal and acceptance of one walker in one step.
    Walker = 0x0101,
    /// Trial point of one member in one generation of the search for the mode.
    Member = 0x0102,
    /// What the search draws once a generation.
    Generation = 0x0103,
    /// A walker of the first ensemble; the step is the number of the attempt.
    Ball = 0x0104,
    /// One transition of one chain.
    Chain = 0x0105,
    /// Exchanges between the temperatures of one group of chains in one round.
    Swap = 0x0106,
    /// Where a climb to a peak starts.
    Climb = 0x0107,
    /// Where a chain starts.
    Start = 0x0108,
}

/// Random numbers for `index` (a walker or member) at `step`.
pub(super) fn stream(seed: u64, purpose: Purpose, index: usize, step: u64) -> ChaCha8Rng {
    random::stream(seed, ((purpose as u64) << 48) | index as u64, step)
}
