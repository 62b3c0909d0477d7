//! Random streams that depend on what is drawn, never on the rank that draws it.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// Random numbers for one `step` of one `stream` (a walker, a station, a source).
///
/// The generator is counter-based (ChaCha with 8 rounds): the seed is its key, the stream its nonce and the step a
/// position 2^20 words apart, so that any rank can draw the numbers of any step without the steps before it.
pub fn stream(seed: u64, stream: u64, step: u64) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(stream);
    rng.set_word_pos(u128::from(step) << 20);
    rng
}

#[cfg(test)]
mod tests {
    use super::stream;
    use rand::Rng;

    #[test]
    fn same_key_same_numbers() {
        let draw = |s, c, t| {
            let mut rng = stream(s, c, t);
            [rng.next_u64(), rng.next_u64()]
        };
        assert_eq!(draw(1, 2, 3), draw(1, 2, 3));
        assert_ne!(draw(1, 2, 3), draw(1, 2, 4));
        assert_ne!(draw(1, 2, 3), draw(1, 3, 3));
        assert_ne!(draw(1, 2, 3), draw(2, 2, 3));
    }
}
