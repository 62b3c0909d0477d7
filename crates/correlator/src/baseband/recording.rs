//! A station's recording: one or several files read as one run of samples.

use super::codes::Codes;
use super::decode::Decoder;
use super::error::BasebandError;
use super::file::{BLOCK_TARGET, FileIndex, FrameFile};
use super::format::FrameFormat;
use super::gather;
use super::kind::FirstHeader;
use super::levels::Levels;
use super::order::BitOrder;
use super::samples::{SampleLayout, SampleSource, Samples};
use super::scan::FrameTime;
use super::time::UtcSecond;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// What the caller knows better than the headers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RecordingOptions {
    /// The second that samples are counted from; the first frame's second if `None`.
    pub reference: Option<UtcSecond>,
    /// Samples per second and channel; from the headers, or the wrap of the frame numbers, if `None`.
    pub sample_rate_hz: Option<u64>,
    /// A second near to the recording, which tells the thousands of Mark5B's days; the reference if `None`.
    pub near: Option<UtcSecond>,
    /// How Mark5B's bits lie; its own order if `None`.
    pub order: Option<BitOrder>,
    /// Channels in each thread, in place of the header's (Mark5B's headers do not tell).
    pub channels: Option<usize>,
    /// Bits per sample component, in place of the header's (Mark5B's headers do not tell).
    pub bits: Option<usize>,
    /// Complex samples or not, in place of the header's.
    pub complex: Option<bool>,
    /// Threads, in the order of the channels; all that the files begin with, ascending, if `None`.
    pub threads: Option<Vec<u16>>,
    /// Values of the sample codes.
    pub levels: Levels,
}

/// What a job says about a recording: [`Recording::check`] compares.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Expectation {
    /// Name of the format: VDIF or Mark5B.
    pub format: Option<&'static str>,
    /// Frame length with its header, in bytes.
    pub frame_bytes: Option<usize>,
    /// Channels of all threads together.
    pub channels: Option<usize>,
    /// Bits per sample component.
    pub bits: Option<usize>,
    /// Complex samples.
    pub complex: Option<bool>,
}

/// A station's recording: files of the same format, in time order.
///
/// Frames are laid out by their time stamps, never by their place in a file: lost, invalid, repeated or displaced
/// frames and gaps of any length leave every other sample where it belongs.
#[derive(Debug)]
pub struct Recording {
    files: Vec<TimedFile>,
    format: FrameFormat,
    kind: &'static str,
    decoder: Decoder,
    threads: Vec<u16>,
    /// Threads that are not read.
    unwanted: Vec<bool>,
    /// First and last slot of what is held in memory.
    held: Option<(i64, i64)>,
    layout: SampleLayout,
    levels: Levels,
    order: Option<BitOrder>,
}

#[derive(Debug)]
struct TimedFile {
    file: FrameFile,
    /// Threads that the file begins with.
    threads: Vec<u16>,
    /// First and last frame slot (counted from the reference) that the file may hold.
    slots: (i64, i64),
}

/// All that is known of a recording that was opened once: with it other ranks open only those of its files that they read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecordingIndex {
    /// Files, and the slots that each may hold.
    files: Vec<(FileIndex, (i64, i64))>,
    format: FrameFormat,
    threads: Vec<u16>,
    layout: SampleLayout,
    levels: Levels,
    /// Of Mark5B.
    order: Option<BitOrder>,
}

impl RecordingIndex {
    /// The layout of its frames, after overrides.
    pub fn format(&self) -> &FrameFormat {
        &self.format
    }

    /// Its threads, in the order of the channels.
    pub fn threads(&self) -> &[u16] {
        &self.threads
    }

    /// Bytes of a second of it, headers included.
    pub fn bytes_per_second(&self) -> f64 {
        let frames = self.layout.sample_rate_hz as f64 / self.format.samples_per_frame() as f64;
        frames * (self.threads.len() * self.format.frame_bytes) as f64
    }

    /// Whether every thread lies in files of its own: who needs few channels reads few files.
    pub fn is_split(&self) -> bool {
        self.threads.len() > 1 && self.files.iter().all(|(file, _)| file.threads().count() == 1)
    }
}

impl Recording {
    /// Opens the files of a station; reads little more than headers.
    ///
    /// # Errors
    /// A file is missing, empty, unreadable or not VDIF; its frames cannot be decoded; files differ; the sample rate
    /// is unknown or contradicts the frames.
    pub fn open<P: AsRef<Path>>(paths: &[P], options: &RecordingOptions) -> Result<Self, BasebandError> {
        Self::open_in_blocks(paths, options, BLOCK_TARGET)
    }

    fn open_in_blocks<P: AsRef<Path>>(
        paths: &[P],
        options: &RecordingOptions,
        block_target: u64,
    ) -> Result<Self, BasebandError> {
        let near = options.near.or(options.reference).unwrap_or(UtcSecond(0));
        let mut files = gather::open(paths, near, block_target)?;
        files.sort_by_key(FrameFile::first_time);
        warn_of_corrections(&files);
        let first = files.first().ok_or(BasebandError::NoFiles)?;
        let (header, start) = (*first.header(), first.first_time().second);
        let format = FrameFormat::of(&header, options.channels, options.bits, options.complex)
            .map_err(|what| BasebandError::Unusable { path: first.path().to_owned(), what })?;
        check_same_format(&files, options, format)?;
        let mark5b = matches!(header, FirstHeader::Mark5b(..));
        let order = mark5b.then(|| options.order.unwrap_or(BitOrder::Mark5b));
        if let Some(order) = order {
            files.iter_mut().for_each(|file| file.set_order(order, &format));
        }
        let threads = match &options.threads {
            Some(threads) => threads.clone(),
            None => all_threads(&files),
        };
        let sample_rate_hz = match options.sample_rate_hz.or_else(|| header.sample_rate_hz()) {
            Some(rate) => rate,
            None => measured_rate(&mut files, &format)?,
        };
        let layout = SampleLayout {
            channels: threads.len() * format.channels,
            components: format.components(),
            channels_per_thread: format.channels,
            sample_rate_hz,
            reference: options.reference.unwrap_or(start),
        };
        let decoder = Decoder::new(format, options.levels);
        let frames_per_second = frames_per_second(files[0].path(), &layout, &format)?;
        let files: Result<Vec<_>, _> =
            files.into_iter().map(|file| TimedFile::new(file, &layout, frames_per_second)).collect();
        let levels = options.levels;
        let (unwanted, kind) = (vec![false; threads.len()], header.format());
        Ok(Self {
            files: files?,
            format,
            kind,
            decoder,
            threads,
            unwanted,
            held: None,
            layout,
            levels,
            order,
        })
    }

    /// What is known of it.
    pub fn index(&self) -> RecordingIndex {
        RecordingIndex {
            files: self.files.iter().map(|timed| (timed.file.index(), timed.slots)).collect(),
            format: self.format,
            threads: self.threads.clone(),
            layout: self.layout.clone(),
            levels: self.levels,
            order: self.order,
        }
    }

    /// A recording that was opened before: each file is opened when something is read that it may hold, and closed when
    /// something is that it cannot.
    pub fn asleep(index: &RecordingIndex) -> Self {
        let asleep = |(file, slots): &(FileIndex, (i64, i64))| {
            let mut file = FrameFile::asleep(file.clone());
            if let Some(order) = index.order {
                file.set_order(order, &index.format);
            }
            TimedFile { threads: file.threads(), file, slots: *slots }
        };
        let files: Vec<TimedFile> = index.files.iter().map(asleep).collect();
        let kind = files.first().map_or("", |timed| timed.file.header().format());
        let decoder = Decoder::new(index.format, index.levels);
        let RecordingIndex { format, levels, order, .. } = *index;
        let (threads, layout) = (index.threads.clone(), index.layout.clone());
        let unwanted = vec![false; threads.len()];
        Self { files, format, kind, decoder, threads, unwanted, held: None, layout, levels, order }
    }

    /// Files that are open.
    pub fn awake(&self) -> usize {
        self.files.iter().filter(|timed| timed.file.is_awake()).count()
    }

    /// Holds some samples (the first, and the one after the last) in memory from when they are first read, until others are held;
    /// of none only what reading on needs.
    pub fn hold(&mut self, samples: Option<(i64, i64)>) {
        let per_frame = self.format.samples_per_frame() as i64;
        self.held = samples.map(|(from, to)| (from.div_euclid(per_frame), (to - 1).div_euclid(per_frame)));
        let slots = self.held.map_or(0, |(first, last)| (last - first + 1).max(0) as u64);
        for TimedFile { file, threads, .. } in &mut self.files {
            file.hold(slots * threads.len() as u64 * file.frame_bytes());
        }
    }

    /// Closes the files that hold nothing of some slots, nor of those that are held.
    fn sleep_beside(&mut self, (first, last): (i64, i64)) {
        for timed in &mut self.files {
            let held = self.held.is_some_and(|held| timed.overlaps(held));
            if timed.file.is_awake() && !held && !timed.overlaps((first, last)) {
                timed.file.sleep();
            }
        }
    }

    /// The layout of its frames, after overrides.
    pub fn format(&self) -> &FrameFormat {
        &self.format
    }

    /// Its threads, in the order of the channels.
    pub fn threads(&self) -> &[u16] {
        &self.threads
    }

    /// Its files, in time order.
    pub fn paths(&self) -> Vec<PathBuf> {
        self.files.iter().flat_map(|timed| timed.file.paths().map(Path::to_owned)).collect()
    }

    /// The first sample and the one after the last, counted from the reference. Reads the ends of the files.
    pub fn span(&mut self) -> Result<(i64, i64), BasebandError> {
        let samples = self.format.samples_per_frame() as i64;
        let per_second = self.layout.sample_rate_hz as i64 / samples;
        let (mut from, mut to) = (i64::MAX, i64::MIN);
        for timed in &mut self.files {
            let (first, last) = timed.file.span()?;
            from = from.min(slot(first, self.layout.reference, per_second).saturating_mul(samples));
            to = to.max((slot(last, self.layout.reference, per_second) + 1).saturating_mul(samples));
        }
        Ok((from, to))
    }

    /// Compares a job's description with the recording, and the sample rate with the frame numbers where a second
    /// ends in the first file.
    ///
    /// # Errors
    /// [`BasebandError::Contradiction`], with both values.
    pub fn check(&mut self, expected: &Expectation) -> Result<(), BasebandError> {
        let path = self.files[0].file.path().to_owned();
        let compare = |field, expected: Option<usize>, found: usize| match expected {
            Some(value) if value != found => Err(contradiction(&path, field, value, found)),
            _ => Ok(()),
        };
        if let Some(format) = expected.format.filter(|format| *format != self.kind) {
            return Err(contradiction(&path, "format", format, self.kind));
        }
        compare("frame size in bytes", expected.frame_bytes, self.format.frame_bytes)?;
        compare("channels", expected.channels, self.layout.channels)?;
        compare("bits", expected.bits, self.format.bits)?;
        compare(
            "components per sample",
            expected.complex.map(|c| 1 + usize::from(c)),
            self.layout.components,
        )?;
        if let Some(frames) = self.files[0].file.frames_per_second()? {
            let found = frames * self.format.samples_per_frame() as u64;
            if found > self.layout.sample_rate_hz {
                return Err(contradiction(&path, "samples per second", self.layout.sample_rate_hz, found));
            }
        }
        Ok(())
    }

    /// Finds the payloads of samples `start .. start + n` and hands them on: thread, payload, first sample in it, first
    /// sample from `start`, number of samples.
    fn each_payload(
        &mut self,
        (start, n): (i64, usize),
        mut take: impl FnMut(&Decoder, usize, &[u8], (usize, usize, usize)),
    ) -> Result<(), BasebandError> {
        if n == 0 {
            return Ok(());
        }
        let per_frame = self.format.samples_per_frame() as i64;
        let frames_per_second = self.layout.sample_rate_hz as i64 / per_frame;
        let end = start + n as i64;
        let (first, last) = (start.div_euclid(per_frame), (end - 1).div_euclid(per_frame));
        self.sleep_beside((first, last));
        for slot in first..=last {
            let time = FrameTime {
                second: UtcSecond(self.layout.reference.0 + slot.div_euclid(frames_per_second)),
                number: slot.rem_euclid(frames_per_second) as u32,
            };
            let (from, to) = ((slot * per_frame).max(start), ((slot + 1) * per_frame).min(end));
            let place = ((from - slot * per_frame) as usize, (from - start) as usize, (to - from) as usize);
            for (thread, number) in self.threads.iter().enumerate().filter(|(t, _)| !self.unwanted[*t]) {
                // Where threads have files of their own, others need not be looked into.
                let here = |timed: &TimedFile| timed.overlaps((slot, slot));
                let own = self.files.iter().any(|timed| here(timed) && timed.threads.contains(number));
                let files = self.files.iter_mut().filter(|timed| here(timed));
                for timed in files.filter(|timed| !own || timed.threads.contains(number)) {
                    if let Some(payload) = timed.file.payload(time, *number)? {
                        take(&self.decoder, thread, payload, place);
                        break;
                    }
                }
            }
        }
        Ok(())
    }
}

impl SampleSource for Recording {
    fn layout(&self) -> &SampleLayout {
        &self.layout
    }

    fn want(&mut self, channels: &[bool]) {
        let of_threads = channels.chunks(self.layout.channels_per_thread.max(1));
        for (unwanted, channels) in self.unwanted.iter_mut().zip(of_threads) {
            *unwanted = !channels.contains(&true);
        }
    }

    fn read(&mut self, start: i64, n: usize, out: &mut Samples) -> Result<(), BasebandError> {
        out.make_room(&self.layout, n);
        let components = self.layout.components;
        self.each_payload((start, n), |decoder, thread, payload, (first, at, count)| {
            let stride = out.len() * components;
            let (data, valid) = out.thread_mut(thread);
            decoder.decode(payload, first, count, &mut data[at * components..], stride);
            valid.push(at, at + count);
        })?;
        if n > 0 {
            out.zero_gaps();
        }
        Ok(())
    }

    fn has_codes(&self) -> bool {
        let format = &self.format;
        format.bits == 2
            && !format.complex
            && format.channels <= 64
            && format.samples_per_frame().is_multiple_of(4)
    }

    fn read_codes(&mut self, start: i64, n: usize, out: &mut Codes) -> Result<(), BasebandError> {
        out.make_room(&self.layout, (start, n), self.decoder.table());
        self.each_payload((out.first(), out.len()), |_, thread, payload, (first, at, count)| {
            out.put(thread, payload, first, (at, count));
        })
    }
}

/// Frame numbers have 24 bits.
const MOST_FRAMES: u64 = 1 << 24;

impl TimedFile {
    fn new(
        mut file: FrameFile,
        layout: &SampleLayout,
        frames_per_second: i64,
    ) -> Result<Self, BasebandError> {
        let (first, last) = file.rough_span()?;
        for time in [first, last] {
            if i64::from(time.number) >= frames_per_second {
                let expected = format!("{frames_per_second} frames per second");
                let found = format!("a frame number {}", time.number);
                return Err(contradiction(
                    file.path(),
                    "sample rate, channels and bits mean",
                    expected,
                    found,
                ));
            }
        }
        let margin = 2 * file.frames_per_block() as i64;
        let place = |time| slot(time, layout.reference, frames_per_second);
        let slots = (place(first) - margin, place(last) + margin);
        Ok(Self { threads: file.threads(), file, slots })
    }

    /// Whether it may hold one of these slots.
    fn overlaps(&self, (first, last): (i64, i64)) -> bool {
        self.slots.0 <= last && first <= self.slots.1
    }
}

/// The number of a frame's time slot, counted from the beginning of the reference second.
fn slot(time: FrameTime, reference: UtcSecond, frames_per_second: i64) -> i64 {
    (time.second.0 - reference.0) * frames_per_second + i64::from(time.number)
}

fn contradiction(
    path: &Path,
    field: &'static str,
    expected: impl ToString,
    found: impl ToString,
) -> BasebandError {
    let (expected, found) = (expected.to_string(), found.to_string());
    BasebandError::Contradiction { path: path.to_owned(), field, expected, found }
}

fn check_same_format(
    files: &[FrameFile],
    options: &RecordingOptions,
    format: FrameFormat,
) -> Result<(), BasebandError> {
    for file in files {
        let other = FrameFormat::of(file.header(), options.channels, options.bits, options.complex);
        let field = match other {
            Ok(other) if other == format && file.header().format() == files[0].header().format() => continue,
            Ok(other) if other.frame_bytes != format.frame_bytes => "frame size",
            Ok(other) if other.channels != format.channels => "channels",
            Ok(other) if other.bits != format.bits => "bits",
            Ok(_) => "sampling or header",
            Err(what) => return Err(BasebandError::Unusable { path: file.path().to_owned(), what }),
        };
        let (first, second) = (files[0].path().to_owned(), file.path().to_owned());
        return Err(BasebandError::FilesDiffer { first, second, field });
    }
    Ok(())
}

fn all_threads(files: &[FrameFile]) -> Vec<u16> {
    let mut threads: Vec<u16> = files.iter().flat_map(FrameFile::threads).collect();
    threads.sort_unstable();
    threads.dedup();
    threads
}

fn warn_of_corrections(files: &[FrameFile]) {
    for file in files {
        for (thread, add_s) in file.corrected_threads() {
            let path = file.path().display();
            tracing::warn!("{path}: thread {thread} is {} s off the others; put right", -add_s);
        }
    }
}

fn measured_rate(files: &mut [FrameFile], format: &FrameFormat) -> Result<u64, BasebandError> {
    for file in files.iter_mut() {
        if let Some(frames) = file.frames_per_second()? {
            return Ok(frames * format.samples_per_frame() as u64);
        }
    }
    Err(BasebandError::RateUnknown { path: files[0].path().to_owned() })
}

fn frames_per_second(path: &Path, layout: &SampleLayout, format: &FrameFormat) -> Result<i64, BasebandError> {
    let per_frame = format.samples_per_frame() as u64;
    let (rate, frames) = (layout.sample_rate_hz, layout.sample_rate_hz / per_frame);
    if frames > MOST_FRAMES {
        let expected = format!("{rate} per second");
        let found = format!("{per_frame} in each frame: more frames per second than can be numbered");
        return Err(contradiction(path, "samples:", expected, found));
    }
    if frames == 0 || !rate.is_multiple_of(per_frame) {
        let expected = format!("{rate} per second");
        let found = format!("{per_frame} in each frame, which is no whole number of frames");
        return Err(contradiction(path, "samples:", expected, found));
    }
    Ok(frames as i64)
}

mod copy;
#[cfg(test)]
mod tests;
