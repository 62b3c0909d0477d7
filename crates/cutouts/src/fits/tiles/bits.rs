//! Reads bits, the highest of a byte first, and never more than there are.

use super::Problem;

const CUT_OFF: Problem = "its data end too early";

/// The bits of some bytes.
pub(super) struct Bits<'a> {
    rest: &'a [u8],
    /// The next bits, from the highest on.
    word: u64,
    /// How many of them are there.
    have: u32,
}

impl<'a> Bits<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, word: 0, have: 0 }
    }

    /// Fills the word with 57 bits or more, where there are so many.
    fn fill(&mut self) {
        if let Some(eight) = self.rest.first_chunk() {
            // Bits beyond those that count come again with the next filling: the same.
            self.word |= u64::from_be_bytes(*eight) >> self.have;
            let bytes = (63 - self.have) / 8;
            self.rest = &self.rest[bytes as usize..];
            self.have += 8 * bytes;
            return;
        }
        while let ([byte, rest @ ..], 0..=56) = (self.rest, self.have) {
            self.word |= u64::from(*byte) << (56 - self.have);
            (self.rest, self.have) = (rest, self.have + 8);
        }
    }

    fn drop(&mut self, count: u32) {
        self.word = self.word.checked_shl(count).unwrap_or(0);
        self.have -= count;
    }

    /// The next `count` bits, up to 32, as a number.
    pub(super) fn take(&mut self, count: u32) -> Result<u32, Problem> {
        if self.have < count {
            self.fill();
        }
        if self.have < count {
            return Err(CUT_OFF);
        }
        let value = self.word.checked_shr(64 - count).unwrap_or(0);
        self.drop(count);
        Ok(value as u32)
    }

    /// Counts the zeros before the next one, and takes both.
    pub(super) fn zeros(&mut self) -> Result<u32, Problem> {
        let mut zeros = 0u32;
        loop {
            self.fill();
            let here = self.word.leading_zeros().min(self.have);
            if here < self.have {
                self.drop(here + 1);
                return Ok(zeros.saturating_add(here));
            }
            if self.have == 0 {
                return Err(CUT_OFF);
            }
            zeros = zeros.saturating_add(here);
            self.drop(here);
        }
    }

    /// Goes on at the next whole byte.
    pub(super) fn align(&mut self) {
        self.drop(self.have % 8);
    }
}
