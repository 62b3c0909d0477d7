//! The first header of a recording: what it tells, whatever the format.

use super::header::VdifHeader;
use super::mark5b::{self, Mark5bHeader};
use super::scan::FrameTime;
use super::time::UtcSecond;
use serde::{Deserialize, Serialize};

/// The first header of a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum FirstHeader {
    /// VDIF's.
    Vdif(VdifHeader),
    /// Mark5B's, and a second near to it.
    Mark5b(Mark5bHeader, UtcSecond),
}

impl FirstHeader {
    /// The header of a VDIF recording.
    pub fn vdif(&self) -> Option<&VdifHeader> {
        match self {
            Self::Vdif(header) => Some(header),
            Self::Mark5b(..) => None,
        }
    }

    /// Name of the format.
    pub fn format(&self) -> &'static str {
        match self {
            Self::Vdif(_) => "VDIF",
            Self::Mark5b(..) => "Mark5B",
        }
    }

    /// The station, if it is told.
    pub fn station_name(&self) -> Option<String> {
        self.vdif().map(VdifHeader::station_name)
    }

    /// Samples per second, if they are told.
    pub fn sample_rate_hz(&self) -> Option<u64> {
        self.vdif().and_then(VdifHeader::sample_rate_hz)
    }

    /// Frame length with the header, in bytes.
    pub fn frame_bytes(&self) -> usize {
        self.vdif().map_or(mark5b::FRAME_BYTES, |h| h.frame_bytes as usize)
    }

    /// Length of the header, in bytes.
    pub fn header_bytes(&self) -> usize {
        self.vdif().map_or(mark5b::HEADER_BYTES, VdifHeader::header_bytes)
    }

    /// When the frame was taken.
    pub fn time(&self) -> FrameTime {
        match self {
            Self::Vdif(h) => FrameTime { second: h.utc_second(), number: h.frame_number },
            Self::Mark5b(h, near) => h.time(*near),
        }
    }

    /// The frame's thread.
    pub fn thread(&self) -> u16 {
        self.vdif().map_or(0, |h| h.thread)
    }
}
