//! Shares the resolved and checked job: made on rank 0, sent once, and the same on every rank.

use crate::checkpoint::Hash;
use crate::comm::{self, Comm};
use crate::provenance;
use serde::{Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};

/// A plan that could not be shared.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// It cannot be turned into bytes or back: a mistake in the program.
    #[error("cannot encode the plan: {0}")]
    Encode(#[from] postcard::Error),
    /// Some ranks run another build of the program.
    #[error(
        "ranks {ranks:?} run another build of this program than rank 0 (version {version}): install the same on all hosts",
        version = provenance::VERSION
    )]
    OtherProgram {
        /// The ranks that differ.
        ranks: Vec<usize>,
    },
}

/// Hands rank 0's plan to all ranks; the hash covers the plan and the program's version.
///
/// # Errors
/// Where the plan cannot be encoded, or ranks run different builds (all ranks get that error).
pub fn share<P: Serialize + DeserializeOwned>(
    comm: &impl Comm,
    plan: Option<P>,
) -> Result<(P, Hash), PlanError> {
    let mut bytes = match &plan {
        Some(plan) => postcard::to_stdvec(plan)?,
        None => Vec::new(),
    };
    comm.broadcast(0, &mut bytes);
    let hash = hash(&bytes);
    check_hashes(comm, &hash)?;
    Ok((postcard::from_bytes(&bytes)?, hash))
}

/// The hash of a plan's bytes: covers the program's version.
pub fn hash(bytes: &[u8]) -> Hash {
    Sha256::new().chain_update(provenance::VERSION).chain_update(bytes).finalize().into()
}

/// All ranks must have come to the same hash.
fn check_hashes(comm: &impl Comm, hash: &Hash) -> Result<(), PlanError> {
    let ranks = comm::differing(comm, hash)?;
    if ranks.is_empty() { Ok(()) } else { Err(PlanError::OtherProgram { ranks }) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::comm::Threads;

    #[test]
    fn all_ranks_get_the_plan_of_rank_0() {
        let seen = Threads::run(3, |comm| {
            let plan = (comm.rank() == 0).then(|| (7u32, vec![1.5f64, 2.5]));
            share(comm, plan).unwrap()
        });
        assert!(seen.iter().all(|s| *s == seen[0]) && seen[0].0 == (7, vec![1.5, 2.5]));
    }

    #[test]
    fn another_build_is_found() {
        let seen = Threads::run(3, |comm| {
            let mut hash = [1; 32];
            hash[5] = u8::from(comm.rank() == 2);
            check_hashes(comm, &hash)
        });
        for result in seen {
            assert!(matches!(result, Err(PlanError::OtherProgram { ranks }) if ranks == [2]));
        }
    }
}
