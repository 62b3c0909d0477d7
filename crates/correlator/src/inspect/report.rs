//! What an inspection found, for people and for programs.

use super::{ChannelLevels, FrameCounts, MeanSpectra};
use crate::baseband::scan::FrameTime;
use crate::baseband::{FirstHeader, FrameFormat, VdifHeader};
use serde::Serialize;
use std::fmt;
use std::path::PathBuf;

/// What one file holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Inspection {
    /// The file.
    pub path: PathBuf,
    /// Its length, in bytes.
    pub bytes: u64,
    /// Its first header, as written.
    pub header: FirstHeader,
    /// The layout of its frames, after overrides.
    pub format: FrameFormat,
    /// Samples per second and channel, if given, in the headers, or measurable.
    pub sample_rate_hz: Option<u64>,
    /// Its threads, in the order of the channels.
    pub threads: Vec<u16>,
    /// Threads whose seconds were wrong by a constant, and what was added to them.
    pub corrected_threads: Vec<(u16, i64)>,
    /// The time of the first frame.
    pub first: Option<FrameTime>,
    /// The time of the last frame.
    pub last: Option<FrameTime>,
    /// Frames found, lost, invalid.
    pub frames: FrameCounts,
    /// Level statistics of each channel.
    pub channels: Vec<ChannelLevels>,
    /// The first four samples of the first eight channels (complex: real and imaginary part in turn).
    pub head: Vec<Vec<f32>>,
    /// Mean spectra, if asked for.
    pub spectra: Option<MeanSpectra>,
}

/// The same as plain values with units in their names, for JSON.
#[derive(Serialize)]
struct Facts<'a> {
    file: String,
    bytes: u64,
    recorded_as: &'static str,
    station: String,
    legacy: bool,
    version: Option<u8>,
    edv: Option<u8>,
    extended_words: Option<[u32; 4]>,
    format: FrameFormat,
    header_channels: Option<usize>,
    header_bits: Option<u8>,
    threads: &'a [u16],
    corrected_threads_s: &'a [(u16, i64)],
    sample_rate_hz: Option<u64>,
    start: Option<String>,
    stop: Option<String>,
    /// Samples per channel between start and stop, channels of all threads.
    shape: Option<(u64, usize)>,
    frames: &'a FrameCounts,
    levels: &'a [ChannelLevels],
    head: &'a [Vec<f32>],
    spectra: Option<&'a MeanSpectra>,
}

impl Inspection {
    fn frames_per_second(&self) -> Option<u64> {
        self.sample_rate_hz.map(|rate| rate / self.format.samples_per_frame() as u64)
    }

    /// The beginning of a frame, or of the one `after` frames later, in ISO 8601; needs the rate.
    fn time(&self, frame: FrameTime, after: u64) -> Option<String> {
        let per_second = u128::from(self.frames_per_second()?);
        let number = u128::from(u64::from(frame.number) + after);
        let (whole, part) = ((number / per_second) as i64, number % per_second);
        let second = crate::baseband::UtcSecond(frame.second.0 + whole);
        Some(second.iso((part * 1_000_000_000 / per_second) as u32))
    }

    /// When the first sample was taken: ISO 8601, nanoseconds; `None` if the sample rate is unknown.
    pub fn start(&self) -> Option<String> {
        self.time(self.first?, 0)
    }

    /// When the last sample ends, likewise.
    pub fn stop(&self) -> Option<String> {
        self.time(self.last?, 1)
    }

    /// Samples of each channel between start and stop, the lost ones included.
    pub fn samples(&self) -> Option<u64> {
        let (first, last) = (self.first?, self.last?);
        let seconds = (last.second.0 - first.second.0) as u64;
        let per_second = if seconds > 0 { self.frames_per_second()? } else { 0 };
        let frames = (seconds * per_second + u64::from(last.number) + 1).saturating_sub(first.number.into());
        Some(frames * self.format.samples_per_frame() as u64)
    }

    /// Whether anything was lost, invalid, repeated, displaced or cut off.
    pub fn has_trouble(&self) -> bool {
        let f = &self.frames;
        f.invalid + f.repeated + f.displaced + f.lost + f.other_bytes > 0
            || f.truncated
            || !self.corrected_threads.is_empty()
    }

    /// All of it as JSON, values with their units in the names.
    pub fn to_json(&self) -> serde_json::Result<String> {
        let file = self.path.file_name().map(|name| name.to_string_lossy().into_owned());
        let vdif = self.header.vdif();
        serde_json::to_string_pretty(&Facts {
            file: file.unwrap_or_default(),
            bytes: self.bytes,
            recorded_as: self.header.format(),
            station: self.header.station_name().unwrap_or_default(),
            legacy: vdif.is_some_and(|h| h.legacy),
            version: vdif.map(|h| h.version),
            edv: vdif.map(VdifHeader::edv),
            extended_words: vdif.map(|h| h.extended),
            format: self.format,
            header_channels: vdif.and_then(VdifHeader::channels),
            header_bits: vdif.map(|h| h.bits),
            threads: &self.threads,
            corrected_threads_s: &self.corrected_threads,
            sample_rate_hz: self.sample_rate_hz,
            start: self.start(),
            stop: self.stop(),
            shape: self.samples().map(|n| (n, self.channels.len())),
            frames: &self.frames,
            levels: &self.channels,
            head: &self.head,
            spectra: self.spectra.as_ref(),
        })
    }

    fn write_frames(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let c = &self.frames;
        writeln!(f, "  frames    {} found, {} lost, {} invalid", c.found, c.lost, c.invalid)?;
        if c.repeated + c.displaced > 0 {
            writeln!(f, "            {} repeated, {} out of order", c.repeated, c.displaced)?;
        }
        if c.other_bytes > 0 {
            let end = if c.truncated { ", the last frame is cut off" } else { "" };
            writeln!(f, "            {} bytes belong to no frame{end}", c.other_bytes)?;
        }
        Ok(())
    }

    fn write_levels(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "  channel thread   samples      mean     power")?;
        for (value, _) in self.channels.first().map_or(&[][..], |c| &c.states) {
            write!(f, " {value:>7.3}")?;
        }
        writeln!(f)?;
        for (i, c) in self.channels.iter().enumerate() {
            let mean = c.mean.iter().map(|m| format!("{m:.4}")).collect::<Vec<_>>().join(",");
            write!(f, "  {i:>7} {:>6} {:>9} {mean:>9} {:>9.4}", c.thread, c.samples, c.power)?;
            let all: u64 = c.states.iter().map(|state| state.1).sum();
            for (_, n) in &c.states {
                write!(f, " {:>6.2}%", 100.0 * *n as f64 / all.max(1) as f64)?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

impl fmt::Display for Inspection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let format = &self.format;
        writeln!(f, "{}  ({} bytes)", self.path.display(), self.bytes)?;
        match &self.header {
            FirstHeader::Vdif(h) => {
                let kind = if h.legacy { "VDIF legacy" } else { "VDIF" };
                writeln!(f, "  format    {kind} version {}, extended data {}", h.version, h.edv())?;
                writeln!(f, "  station   {}", h.station_name())?;
            }
            FirstHeader::Mark5b(h, _) => {
                let pattern = if h.test_pattern { ", the recorder's own test pattern" } else { "" };
                writeln!(f, "  format    Mark5B, day {} of a thousand{pattern}", h.day)?;
            }
        }
        let sampling = if format.complex { "complex" } else { "real" };
        let (frame, samples) = (format.frame_bytes, format.samples_per_frame());
        writeln!(f, "  frame     {frame} bytes, {samples} samples of each channel")?;
        let (channels, bits) = (format.channels, format.bits);
        writeln!(f, "  payload   {channels} channels of {bits} bits, {sampling}")?;
        if let Some(h) = self.header.vdif()
            && (h.channels() != Some(channels) || usize::from(h.bits) != bits || h.complex != format.complex)
        {
            let told = h.channels().unwrap_or(0);
            let sampling = if h.complex { "complex" } else { "real" };
            writeln!(f, "            (the header says {told} channels of {} bits, {sampling})", h.bits)?;
        }
        writeln!(f, "  threads   {:?}", self.threads)?;
        for (thread, add_s) in &self.corrected_threads {
            writeln!(f, "            thread {thread} is {} s off the others, put right", -add_s)?;
        }
        match (self.sample_rate_hz, self.start(), self.stop()) {
            (Some(rate), Some(start), Some(stop)) => {
                writeln!(f, "  rate      {} MHz", rate as f64 / 1e6)?;
                writeln!(f, "  time      {start} to {stop} UTC")?;
            }
            _ => {
                writeln!(f, "  rate      unknown: give it to see times (no second ends in the file)")?;
                if let (Some(first), Some(last)) = (self.first, self.last) {
                    let (a, b) = (first.number, last.number);
                    writeln!(f, "  time      {} UTC, frame {a} to {b} of {}", first.second, last.second)?;
                }
            }
        }
        self.write_frames(f)?;
        self.write_levels(f)
    }
}
