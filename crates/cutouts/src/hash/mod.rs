//! SHA-256 of files that grow side by side.
//!
//! Each round of SHA-256 waits for the one before; a processor with instructions for it could do two at a time. So the image and
//! the mask of a galaxy are hashed together, round by round in turn (`simd`). The digests are those of the `sha2` crate.

// The processor's instructions for SHA-256.
#[allow(unsafe_code)]
mod simd;

use sha2::block_api::compress256;

const BLOCK: usize = 64;
/// The first 32 bits of the fractional parts of the square roots of the first eight primes (FIPS 180-4, section 5.3.3).
const START: [u32; 8] =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];

/// The hash of a stream of bytes so far.
#[derive(Debug, Clone)]
pub struct Stream {
    state: [u32; 8],
    rest: [u8; BLOCK],
    held: usize,
    length: u64,
}

impl Default for Stream {
    fn default() -> Self {
        Self { state: START, rest: [0; BLOCK], held: 0, length: 0 }
    }
}

impl Stream {
    /// Fills up a block that was begun; returns the whole blocks that follow, having kept what is left behind them.
    fn blocks<'a>(&mut self, bytes: &'a [u8]) -> &'a [[u8; BLOCK]] {
        self.length += bytes.len() as u64;
        let mut bytes = bytes;
        if self.held > 0 {
            let n = bytes.len().min(BLOCK - self.held);
            self.rest[self.held..self.held + n].copy_from_slice(&bytes[..n]);
            self.held += n;
            bytes = &bytes[n..];
            if self.held < BLOCK {
                return &[];
            }
            compress256(&mut self.state, &[self.rest]);
        }
        let (blocks, rest) = bytes.as_chunks();
        self.rest[..rest.len()].copy_from_slice(rest);
        self.held = rest.len();
        blocks
    }

    /// Adds bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        let blocks = self.blocks(bytes);
        compress256(&mut self.state, blocks);
    }

    /// The digest.
    pub fn finish(mut self) -> [u8; 32] {
        let bits = 8 * self.length;
        // A one, zeros up to the last eight bytes of a block, the number of bits (FIPS 180-4, section 5.1.1).
        let zeros = (2 * BLOCK - 9 - self.held) % BLOCK;
        let mut end = vec![0x80];
        end.resize(1 + zeros, 0);
        end.extend_from_slice(&bits.to_be_bytes());
        self.update(&end);
        let mut digest = [0; 32];
        for (bytes, word) in digest.as_chunks_mut().0.iter_mut().zip(self.state) {
            *bytes = word.to_be_bytes();
        }
        digest
    }
}

/// Adds bytes to two streams, for little more than the longer one alone costs.
pub fn update_both(a: &mut Stream, a_bytes: &[u8], b: &mut Stream, b_bytes: &[u8]) {
    let (a_blocks, b_blocks) = (a.blocks(a_bytes), b.blocks(b_bytes));
    let (a_both, a_alone) = a_blocks.split_at(a_blocks.len().min(b_blocks.len()));
    let (b_both, b_alone) = b_blocks.split_at(a_both.len());
    if !simd::compress_both(&mut a.state, a_both, &mut b.state, b_both) {
        compress256(&mut a.state, a_both);
        compress256(&mut b.state, b_both);
    }
    compress256(&mut a.state, a_alone);
    compress256(&mut b.state, b_alone);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use sha2::{Digest, Sha256};

    fn twin(bytes: &[u8]) -> [u8; 32] {
        Sha256::digest(bytes).into()
    }

    proptest! {
        #[test]
        fn two_streams_have_the_digests_of_each(
            parts in prop::collection::vec((prop::collection::vec(any::<u8>(), 0..400), prop::collection::vec(any::<u8>(), 0..400)), 0..8)
        ) {
            let (mut a, mut b) = (Stream::default(), Stream::default());
            let (mut a_all, mut b_all) = (Vec::new(), Vec::new());
            for (x, y) in &parts {
                update_both(&mut a, x, &mut b, y);
                a_all.extend_from_slice(x);
                b_all.extend_from_slice(y);
            }
            prop_assert_eq!(a.clone().finish(), twin(&a_all));
            prop_assert_eq!(b.finish(), twin(&b_all));
            a.update(b"x");
            prop_assert!(a.finish() != twin(&a_all), "control");
        }
    }

    #[test]
    fn padding_at_every_length() {
        for length in 0..200 {
            let bytes = vec![7u8; length];
            let mut stream = Stream::default();
            stream.update(&bytes);
            assert_eq!(stream.finish(), twin(&bytes), "{length}");
        }
    }
}
