//! Divides units of work among ranks: pure arithmetic.

use std::ops::Range;

/// The units of one rank when `units` are cut into `ranks` contiguous blocks whose lengths differ by one at most;
/// the longer ones come first.
///
/// # Panics
/// Where `rank` is not below `ranks`: a mistake in the program.
pub fn block(units: usize, ranks: usize, rank: usize) -> Range<usize> {
    assert!(rank < ranks, "rank {rank} of {ranks}");
    let (base, longer) = (units / ranks, units % ranks);
    let start = rank * base + rank.min(longer);
    start..start + base + usize::from(rank < longer)
}

/// The lengths of all blocks of [`block`].
pub fn block_lengths(units: usize, ranks: usize) -> Vec<usize> {
    (0..ranks).map(|rank| block(units, ranks, rank).len()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn blocks_cover_all_units_once_in_order(units in 0usize..10_000, ranks in 1usize..300) {
            let mut next = 0;
            for rank in 0..ranks {
                let range = block(units, ranks, rank);
                prop_assert_eq!(range.start, next);
                next = range.end;
            }
            prop_assert_eq!(next, units);
        }

        #[test]
        fn blocks_are_even(units in 0usize..10_000, ranks in 1usize..300) {
            let lengths = block_lengths(units, ranks);
            let (min, max) = (lengths.iter().min().unwrap(), lengths.iter().max().unwrap());
            prop_assert!(max - min <= 1);
            prop_assert!(lengths.windows(2).all(|w| w[0] >= w[1]));
        }
    }

    #[test]
    #[should_panic(expected = "rank 3 of 3")]
    fn a_rank_that_is_not_there_is_a_bug() {
        block(10, 3, 3);
    }
}
