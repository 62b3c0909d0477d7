//! The Mark5B frame header: when a frame of 10 000 bytes was taken, and whether it holds data.
//!
//! Four words (little-endian): the sync word; user bits and the frame's number in its second; the day (MJD modulo 1000)
//! and second as decimal digits JJJSSSSS; the fraction of the second and a check sum. The thousands of the day are not
//! recorded: the schedule tells them. Source: Mark 5B user's manual, Haystack Observatory (2006).

use super::scan::FrameTime;
use super::time::UtcSecond;
use serde::{Deserialize, Serialize};

/// Bytes of a frame.
pub const FRAME_BYTES: usize = 10_016;
/// Bytes of its header.
pub const HEADER_BYTES: usize = 16;
const SYNC: u32 = 0xabad_deed;
/// What the recorder writes in place of data that it has lost.
const FILL: u32 = 0x1122_3344;

/// A Mark5B frame header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark5bHeader {
    /// Free for the station.
    pub user: u16,
    /// The data are those of the recorder's own generator of test patterns.
    pub test_pattern: bool,
    /// Frame number in the second.
    pub frame_number: u32,
    /// MJD modulo 1000.
    pub day: i64,
    /// Second of the day.
    pub second: i64,
}

fn word(bytes: &[u8], i: usize) -> Option<u32> {
    bytes.get(4 * i..4 * i + 4).map(|w| u32::from_le_bytes([w[0], w[1], w[2], w[3]]))
}

/// Eight decimal digits, the first in the highest bits.
fn digits(word: u32) -> Option<i64> {
    (0..8).rev().try_fold(0, |value, i| {
        let digit = i64::from(word >> (4 * i) & 15);
        (digit < 10).then_some(10 * value + digit)
    })
}

/// Whether a header begins at `bytes`.
pub fn begins(bytes: &[u8]) -> bool {
    word(bytes, 0) == Some(SYNC)
}

/// Whether the payload of a frame is what the recorder writes for lost data.
pub fn is_fill(frame: &[u8]) -> bool {
    let first = word(frame, HEADER_BYTES / 4);
    first == Some(FILL) && word(frame, FRAME_BYTES / 4 - 1) == first
}

impl Mark5bHeader {
    /// Reads a header; `None` where there is none or its digits are none.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        if !begins(bytes) {
            return None;
        }
        let (numbers, time) = (word(bytes, 1)?, digits(word(bytes, 2)?)?);
        Some(Self {
            user: (numbers >> 16) as u16,
            test_pattern: numbers >> 15 & 1 == 1,
            frame_number: numbers & 0x7fff,
            day: time / 100_000,
            second: time % 100_000,
        })
    }

    /// When the frame was taken: on the day that is nearest to that of `near`.
    pub fn time(&self, near: UtcSecond) -> FrameTime {
        let thousands = (near.mjd() - self.day + 500).div_euclid(1000);
        let second = UtcSecond::new(1000 * thousands + self.day, self.second);
        FrameTime { second, number: self.frame_number }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(numbers: u32, time: u32) -> Vec<u8> {
        [SYNC, numbers, time, 0].iter().flat_map(|w| w.to_le_bytes()).collect()
    }

    #[test]
    fn the_day_is_the_nearest() {
        let parsed = Mark5bHeader::parse(&header(0xbead_8123, 0x8211_9801)).unwrap();
        assert_eq!((parsed.user, parsed.test_pattern, parsed.frame_number), (0xbead, true, 0x123));
        assert_eq!((parsed.day, parsed.second), (821, 19_801));
        for (near, day) in [(56_821, 56_821), (57_320, 56_821), (57_322, 57_821), (56_322, 56_821)] {
            assert_eq!(parsed.time(UtcSecond::new(near, 0)).second, UtcSecond::new(day, 19_801));
        }
    }

    #[test]
    fn other_words_are_no_header() {
        assert!(Mark5bHeader::parse(&header(0, 0x8a11_9801)).is_none());
        assert!(Mark5bHeader::parse(&header(0, 0)[..10]).is_none());
        assert!(Mark5bHeader::parse(&[0; 16]).is_none());
        let mut frame = vec![0; FRAME_BYTES];
        assert!(!is_fill(&frame));
        frame[HEADER_BYTES..].as_chunks_mut::<4>().0.iter_mut().for_each(|w| *w = FILL.to_le_bytes());
        assert!(is_fill(&frame));
    }
}
