//! Finds frames in bytes, whatever lies between them.

use super::header::{FULL_HEADER_BYTES, LEGACY_HEADER_BYTES, VdifHeader};
use super::kind::FirstHeader;
use super::mark5b::{self, Mark5bHeader};
use super::time::UtcSecond;
use serde::{Deserialize, Serialize};

/// Bits of word 3 that hold the thread: the only ones that differ between the frames of a recording.
const THREAD_MASK: u32 = 0x03ff_0000;
/// Headers that must follow one another before bytes are taken for a recording.
const CHAIN: usize = 3;

/// When a frame was taken: its UTC second and its number in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct FrameTime {
    /// The UTC second.
    pub second: UtcSecond,
    /// The frame number in the second.
    pub number: u32,
}

/// A frame found in a block of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameRef {
    /// When it was taken.
    pub time: FrameTime,
    /// Its thread.
    pub thread: u16,
    /// Marked invalid by the recorder.
    pub invalid: bool,
    /// Where its header begins in the block.
    pub offset: usize,
}

/// What all headers of a recording have in common; bytes that do not match are no header of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pattern {
    kind: Kind,
    /// Frame length, in bytes.
    pub frame_bytes: usize,
    /// Header length, in bytes.
    pub header_bytes: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Kind {
    Vdif {
        legacy: bool,
        ref_epoch: u8,
        word2: u32,
        word3: u32,
    },
    /// The day is the nearest one to this second's.
    Mark5b {
        near: UtcSecond,
    },
}

fn word(bytes: &[u8], i: usize) -> u32 {
    u32::from_le_bytes([bytes[4 * i], bytes[4 * i + 1], bytes[4 * i + 2], bytes[4 * i + 3]])
}

impl Pattern {
    /// The pattern of the VDIF recording that a header belongs to; `bytes` hold at least 16.
    fn of_vdif(bytes: &[u8]) -> Self {
        let (w0, w1, word2) = (word(bytes, 0), word(bytes, 1), word(bytes, 2));
        let legacy = w0 >> 30 & 1 == 1;
        let (ref_epoch, word3) = ((w1 >> 24 & 0x3f) as u8, word(bytes, 3) & !THREAD_MASK);
        Self {
            kind: Kind::Vdif { legacy, ref_epoch, word2, word3 },
            frame_bytes: (word2 & 0xff_ffff) as usize * 8,
            header_bytes: if legacy { LEGACY_HEADER_BYTES } else { FULL_HEADER_BYTES },
        }
    }

    /// The pattern of a Mark5B recording from about the day of `near`.
    fn of_mark5b(near: UtcSecond) -> Self {
        let (frame_bytes, header_bytes) = (mark5b::FRAME_BYTES, mark5b::HEADER_BYTES);
        Self { kind: Kind::Mark5b { near }, frame_bytes, header_bytes }
    }

    /// Whether a header of this recording begins at `bytes`; fewer than 16 bytes are none.
    pub fn matches(&self, bytes: &[u8]) -> bool {
        bytes.len() >= LEGACY_HEADER_BYTES
            && match self.kind {
                Kind::Vdif { .. } => Self::of_vdif(bytes) == *self,
                Kind::Mark5b { .. } => mark5b::begins(bytes),
            }
    }

    /// Time and thread of the frame that begins at `bytes`, and whether it is invalid; `None` where its header says
    /// nothing that can be.
    fn frame(&self, bytes: &[u8]) -> Option<(FrameTime, u16, bool)> {
        match self.kind {
            Kind::Vdif { .. } => {
                let header = VdifHeader::parse(bytes).ok()?;
                let time = FrameTime { second: header.utc_second(), number: header.frame_number };
                // Validity belongs to a thread: what lacks a channel is not used.
                Some((time, header.thread, header.invalid || header.lacks_channels()))
            }
            Kind::Mark5b { near } => {
                let header = Mark5bHeader::parse(bytes)?;
                Some((header.time(near), 0, mark5b::is_fill(bytes)))
            }
        }
    }

    /// Time and thread that a header tells.
    pub fn stamp(&self, header: &[u8]) -> Option<(FrameTime, u16)> {
        self.frame(header).map(|(time, thread, _)| (time, thread))
    }

    /// The first place in `bytes` where a chain of headers begins, with its pattern and first header.
    ///
    /// A chain is three headers a frame length apart. When the bytes are the whole file (`at_end`), fewer that fill it
    /// from its first byte will do; anywhere else they are a coincidence in data of another format.
    /// Mark5B's headers do not tell the thousands of the day: it is the one nearest to `near`.
    pub fn find(bytes: &[u8], at_end: bool, near: UtcSecond) -> Option<(usize, Self, FirstHeader)> {
        (0..bytes.len().saturating_sub(LEGACY_HEADER_BYTES)).find_map(|start| {
            let rest = &bytes[start..];
            let (pattern, header) = if mark5b::begins(rest) {
                (Self::of_mark5b(near), FirstHeader::Mark5b(Mark5bHeader::parse(rest)?, near))
            } else {
                let (pattern, header) = (Self::of_vdif(rest), VdifHeader::parse(rest).ok()?);
                let sample_bits = (1u64 << header.log2_channels) * u64::from(header.bits);
                let payload_bits = pattern.frame_bytes.checked_sub(pattern.header_bytes)? as u64 * 8;
                let sound = payload_bits >= sample_bits && header.version <= 1;
                (sound.then_some(pattern)?, FirstHeader::Vdif(header))
            };
            pattern.chain(rest, at_end && start == 0).then_some((start, pattern, header))
        })
    }

    fn chain(&self, bytes: &[u8], at_end: bool) -> bool {
        let links: Vec<&[u8]> = (0..CHAIN).map_while(|i| bytes.get(i * self.frame_bytes..)).collect();
        let whole = links.iter().filter(|link| self.matches(link)).count();
        let tail = links.last().map_or(0, |link| link.len());
        // At the end of a file fewer frames are enough if nothing but a cut-off header follows them.
        let one = bytes.len() >= self.frame_bytes && whole >= 1;
        let enough = whole == CHAIN
            || at_end && one && whole + 1 >= links.len() && {
                whole == links.len() || tail < LEGACY_HEADER_BYTES
            };
        // A constant fill repeats itself; two frames never have the same time and thread.
        let fill = whole > 1 && links[0].get(..16) == links[1].get(..16);
        enough && !fill
    }
}

/// Lists the frames whose headers begin in the first `limit` bytes of `bytes`, in file order.
///
/// `bytes` go on for a frame and a header beyond `limit`, unless the file ends (`at_end`). A frame is taken when the
/// next header follows it, the file ends after it, or nothing but damage follows; a frame that another header cuts
/// short, or the end of the file, is left out.
pub fn scan(bytes: &[u8], limit: usize, at_end: bool, pattern: &Pattern, frames: &mut Vec<FrameRef>) {
    let length = pattern.frame_bytes;
    let mut at = 0;
    while at < limit.min(bytes.len()) {
        if !pattern.matches(&bytes[at..]) {
            match next_header(bytes, at + 1, limit, pattern) {
                Some(next) => at = next,
                None => return,
            }
            continue;
        }
        let end = at + length;
        let followed =
            end == bytes.len() && at_end || bytes.get(end..).is_some_and(|next| pattern.matches(next));
        if !followed && let Some(next) = next_header(bytes, at + 1, end, pattern) {
            at = next;
            continue;
        }
        if end <= bytes.len()
            && let Some((time, thread, invalid)) = pattern.frame(&bytes[at..])
        {
            frames.push(FrameRef { time, thread, invalid, offset: at });
        }
        at = end;
    }
}

fn next_header(bytes: &[u8], from: usize, limit: usize, pattern: &Pattern) -> Option<usize> {
    (from..limit.min(bytes.len())).find(|&at| pattern.matches(&bytes[at..]))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A frame of one 2-bit channel with a payload of `fill`.
    pub fn frame(second: u32, number: u32, thread: u16, fill: u8) -> Vec<u8> {
        let header = VdifHeader {
            invalid: false,
            legacy: false,
            seconds: second,
            unassigned: 0,
            ref_epoch: 46,
            frame_number: number,
            version: 0,
            log2_channels: 0,
            frame_bytes: 96,
            complex: false,
            bits: 2,
            thread,
            station: 0x4b59,
            extended: [0; 4],
        };
        let mut bytes = header.to_bytes().unwrap();
        bytes.extend([fill; 64]);
        bytes
    }

    fn numbers(bytes: &[u8]) -> Vec<u32> {
        let (start, pattern, _) = Pattern::find(bytes, true, UtcSecond(0)).unwrap();
        let mut frames = Vec::new();
        scan(&bytes[start..], bytes.len(), true, &pattern, &mut frames);
        frames.iter().map(|f| f.time.number).collect()
    }

    #[test]
    fn garbage_before_between_and_after() {
        let frames: Vec<Vec<u8>> = (0..6).map(|i| frame(5, i, 0, 0xe4)).collect();
        let mut bytes = vec![0x55; 77];
        bytes.extend(frames[..3].concat());
        assert_eq!(numbers(&bytes), [0, 1, 2]);
        bytes.extend([9; 33]);
        bytes.extend(frames[3..].concat());
        bytes.extend([0; 50]);
        assert_eq!(numbers(&bytes), [0, 1, 2, 3, 4, 5]);
    }

    #[test]
    fn frames_cut_short_are_left_out() {
        let frames: Vec<Vec<u8>> = (0..6).map(|i| frame(5, i, 0, 0xe4)).collect();
        let mut bytes = frames[..4].concat();
        bytes.truncate(bytes.len() - 10);
        bytes.extend(frames[4..].concat());
        assert_eq!(numbers(&bytes), [0, 1, 2, 4, 5]);
        bytes.truncate(bytes.len() - 1);
        assert_eq!(numbers(&bytes), [0, 1, 2, 4]);
    }

    #[test]
    fn other_bytes_are_not_vdif() {
        assert!(Pattern::find(&[0; 4000], true, UtcSecond(0)).is_none());
        assert!(Pattern::find(&[0x11; 4000], true, UtcSecond(0)).is_none());
        let text = "recordings of another format begin with other words. ".repeat(80);
        assert!(Pattern::find(text.as_bytes(), true, UtcSecond(0)).is_none());
        // What looks like one header can be found in any long file.
        let one = frame(5, 0, 0, 0xe4);
        assert!(Pattern::find(&one, true, UtcSecond(0)).is_some());
        assert!(Pattern::find(&[vec![0x5a; 4000], one].concat(), true, UtcSecond(0)).is_none());
    }
}
