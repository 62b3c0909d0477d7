//! Counts frames: how many, which are lost, invalid, repeated or displaced.

use crate::baseband::BasebandError;
use crate::baseband::file::FrameFile;
use crate::baseband::scan::{FrameRef, FrameTime};
use serde::Serialize;
use std::collections::BTreeSet;

/// The frames of a recording, over all its threads.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct FrameCounts {
    /// Frames found in the file, all kinds together.
    pub found: u64,
    /// Frames that the recorder marked invalid.
    pub invalid: u64,
    /// Frames with the time and thread of another one.
    pub repeated: u64,
    /// Frames earlier in time than one before them in the file.
    pub displaced: u64,
    /// Frames that should lie between the first and the last time and do not.
    pub lost: u64,
    /// Bytes of the file that belong to no frame (a frame cut short included).
    pub other_bytes: u64,
    /// The last frame is cut off by the end of the file.
    pub truncated: bool,
}

/// Counts block by block; remembers the frames of two blocks.
#[derive(Debug, Default)]
pub(super) struct Census {
    counts: FrameCounts,
    span: Option<(FrameTime, FrameTime)>,
    threads: BTreeSet<u16>,
    recent: [BTreeSet<(FrameTime, u16)>; 2],
    latest: Option<FrameTime>,
    end: u64,
    bytes_in_frames: u64,
}

impl Census {
    /// Adds the frames of the next block, which begins at byte `start` of the file.
    pub(super) fn add(&mut self, start: u64, frames: &[FrameRef], frame_bytes: u64) {
        self.recent.swap(0, 1);
        self.recent[1].clear();
        let mut in_file_order: Vec<&FrameRef> = frames.iter().collect();
        in_file_order.sort_by_key(|frame| frame.offset);
        for frame in in_file_order {
            self.counts.found += 1;
            self.counts.invalid += u64::from(frame.invalid);
            let (first, last) = self.span.unwrap_or((frame.time, frame.time));
            self.span = Some((first.min(frame.time), last.max(frame.time)));
            self.threads.insert(frame.thread);
            let key = (frame.time, frame.thread);
            let fresh = !self.recent[0].contains(&key) && self.recent[1].insert(key);
            self.counts.repeated += u64::from(!fresh);
            self.counts.displaced +=
                u64::from(fresh && self.latest.is_some_and(|latest| frame.time < latest));
            self.latest = self.latest.max(Some(frame.time));
            self.end = start + frame.offset as u64 + frame_bytes;
            self.bytes_in_frames += frame_bytes;
        }
    }

    /// The counts, once the file (`whole`) or its first blocks are in.
    ///
    /// Without a rate there is no second's end in the file, and the frame numbers alone tell what is lost.
    pub(super) fn finish(
        &self,
        file: &mut FrameFile,
        frames_per_second: Option<u64>,
        whole: bool,
    ) -> Result<FrameCounts, BasebandError> {
        let mut counts = self.counts.clone();
        if let Some((first, last)) = self.span {
            let seconds = (last.second.0 - first.second.0) as u64;
            let slots = seconds * frames_per_second.unwrap_or(0) + u64::from(last.number) + 1;
            let expected = slots.saturating_sub(first.number.into()) * self.threads.len() as u64;
            counts.lost = expected.saturating_sub(counts.found - counts.repeated);
        }
        counts.truncated = whole && self.end < file.size() && file.has_header_at(self.end)?;
        let looked_at = if whole { file.size() } else { self.end };
        counts.other_bytes = looked_at.saturating_sub(self.bytes_in_frames);
        Ok(counts)
    }

    pub(super) fn threads(&self) -> Vec<u16> {
        self.threads.iter().copied().collect()
    }

    pub(super) fn first(&self) -> Option<FrameTime> {
        self.span.map(|span| span.0)
    }

    pub(super) fn last(&self) -> Option<FrameTime> {
        self.span.map(|span| span.1)
    }
}
