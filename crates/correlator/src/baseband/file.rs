//! Finds the frames of one recording by time, reading it in large blocks.

use super::bytes::{ByteIndex, ByteSource};
use super::error::BasebandError;
use super::format::FrameFormat;
use super::header::FULL_HEADER_BYTES;
use super::kind::FirstHeader;
use super::order::BitOrder;
use super::scan::{FrameRef, FrameTime, Pattern, scan};
use super::time::UtcSecond;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

/// Bytes of a block, about: one request to the file system.
pub const BLOCK_TARGET: u64 = 4 << 20;
/// How far into a file the first header may lie.
const SEARCH_BYTES: u64 = 4 << 20;
/// Blocks held in memory: where the reader is, its neighbours, and one that was read ahead.
const CACHED_BLOCKS: usize = 4;
/// Block keys remembered before all are forgotten: bounds the memory for recordings of any length. There is room for them
/// from the start.
const KEYS_KEPT: usize = 1 << 12;
/// Frames whose median time is the key of a block: one wrong time stamp does no harm.
const KEY_FRAMES: usize = 3;

/// The latest time: after any frame.
const NEVER: FrameTime = FrameTime { second: UtcSecond(i64::MAX), number: u32::MAX };

/// One file, or files that are one recording, cut into blocks of a few MB.
///
/// Which frames are found does not depend on what was read before. A frame may lie one block away from where its time
/// stamp says (some 4 MB out of order); beyond that it is not found.
#[derive(Debug)]
pub struct FrameFile {
    source: ByteSource,
    known: Known,
    /// How the bits of payloads lie, where not as in VDIF; with channels and bits per sample.
    order: Option<(BitOrder, usize, usize)>,
    home: u64,
    /// The block that was asked for last is the last one.
    cache: Vec<Block>,
    /// Blocks that are held in memory at most.
    room: usize,
    keys: HashMap<u64, Option<FrameTime>>,
    /// Room for a header.
    head: Vec<u8>,
}

/// What opening a file tells of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Known {
    origin: u64,
    pattern: Pattern,
    header: FirstHeader,
    block_bytes: u64,
    /// Seconds to be added to the time stamps of each thread: zero for healthy ones.
    clocks: BTreeMap<u16, i64>,
}

/// All that is known of a file that was opened once: others need not look at its beginning again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FileIndex {
    bytes: ByteIndex,
    known: Known,
}

/// The frames whose headers begin in one block.
#[derive(Debug, Default)]
pub struct Block {
    index: u64,
    bytes: Vec<u8>,
    /// Ordered by time, thread, valid first, then as in the file.
    frames: Vec<FrameRef>,
    key: Option<FrameTime>,
}

impl Block {
    /// The frames by time, thread, valid ones first.
    pub fn frames(&self) -> &[FrameRef] {
        &self.frames
    }

    /// The bytes of a frame of this block, header and payload.
    pub fn frame_bytes(&self, frame: &FrameRef, length: usize) -> &[u8] {
        &self.bytes[frame.offset..frame.offset + length]
    }

    fn find(&self, time: FrameTime, thread: u16) -> Option<&FrameRef> {
        let at = self.frames.partition_point(|f| (f.time, f.thread) < (time, thread));
        self.frames.get(at).filter(|f| f.time == time && f.thread == thread && !f.invalid)
    }
}

impl FileIndex {
    /// The threads that it begins with.
    pub fn threads(&self) -> impl Iterator<Item = u16> {
        self.known.clocks.keys().copied()
    }
}

impl FrameFile {
    /// Opens a file and finds its first header. A day of Mark5B is the one nearest to `near`.
    ///
    /// # Errors
    /// The file is missing, empty, unreadable or holds no frames in its first 4 MiB.
    pub fn open(path: &Path, near: UtcSecond) -> Result<Self, BasebandError> {
        Self::of(ByteSource::joined(&[path.to_owned()])?, near, BLOCK_TARGET)
    }

    /// The same of the bytes of a recording, with blocks of about `block_target` bytes.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn of(mut source: ByteSource, near: UtcSecond, block_target: u64) -> Result<Self, BasebandError> {
        let size = source.size();
        let mut head = Vec::new();
        for length in [SEARCH_BYTES / 16, SEARCH_BYTES] {
            let length = length.min(size);
            source.read_at(0, length as usize, &mut head)?;
            if let Some((origin, pattern, header)) = Pattern::find(&head, length == size, near) {
                let frame_bytes = pattern.frame_bytes as u64;
                let known = Known {
                    origin: origin as u64,
                    pattern,
                    header,
                    block_bytes: (block_target / frame_bytes).max(KEY_FRAMES as u64) * frame_bytes,
                    clocks: BTreeMap::new(),
                };
                let mut opened = Self::with(source, known);
                opened.find_threads()?;
                return Ok(opened);
            }
        }
        Err(BasebandError::NotVdif { path: source.path().to_owned(), searched: size.min(SEARCH_BYTES) })
    }

    fn with(source: ByteSource, known: Known) -> Self {
        Self {
            source,
            known,
            order: None,
            home: 0,
            cache: Vec::new(),
            room: CACHED_BLOCKS,
            keys: HashMap::new(),
            head: Vec::new(),
        }
    }

    /// What is known of it.
    pub fn index(&self) -> FileIndex {
        FileIndex { bytes: self.source.index().clone(), known: self.known.clone() }
    }

    /// A file that was opened before: it is opened again when something is read.
    pub fn asleep(index: FileIndex) -> Self {
        Self::with(ByteSource::asleep(index.bytes), index.known)
    }

    /// Closes it, and forgets what was read, until something is read again.
    pub fn sleep(&mut self) {
        self.source.sleep();
        self.cache.clear();
        self.cache.shrink_to_fit();
        self.keys = HashMap::new();
    }

    /// Holds so many bytes in memory, besides what reading on needs: what was read of them is not read again.
    pub fn hold(&mut self, bytes: u64) {
        self.room = CACHED_BLOCKS + bytes.div_ceil(self.known.block_bytes) as usize;
        self.cache.drain(..self.cache.len().saturating_sub(self.room));
    }

    /// Whether it is open.
    pub fn is_awake(&self) -> bool {
        self.source.is_awake()
    }

    /// Says how the bits of the payloads lie: from now on payloads are given in VDIF's order.
    pub fn set_order(&mut self, order: BitOrder, format: &FrameFormat) {
        self.order = (order != BitOrder::Vdif).then_some((order, format.channels, format.bits));
        self.cache.clear();
    }

    /// The file, or the first of several.
    pub fn path(&self) -> &Path {
        self.source.path()
    }

    /// All its files.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.source.paths()
    }

    /// Its length, in bytes.
    pub fn size(&self) -> u64 {
        self.source.size()
    }

    /// Where its first header begins, in bytes.
    pub fn origin(&self) -> u64 {
        self.known.origin
    }

    /// Length of a frame, in bytes.
    pub fn frame_bytes(&self) -> u64 {
        self.known.pattern.frame_bytes as u64
    }

    /// Bytes that the last frame lacks, if nothing was lost among the frames before it.
    pub fn missing_bytes(&self) -> u64 {
        let over = (self.size() - self.known.origin) % self.frame_bytes();
        if over == 0 { 0 } else { self.frame_bytes() - over }
    }

    /// Its first header, as written.
    pub fn header(&self) -> &FirstHeader {
        &self.known.header
    }

    /// When its first frame was taken.
    pub fn first_time(&self) -> FrameTime {
        self.corrected(self.known.header.thread(), self.known.header.time())
    }

    /// Frames in a block, when none is lost.
    pub fn frames_per_block(&self) -> u64 {
        self.known.block_bytes / self.known.pattern.frame_bytes as u64
    }

    /// Number of blocks: at least 1.
    pub fn blocks(&self) -> u64 {
        (self.size() - self.known.origin).div_ceil(self.known.block_bytes)
    }

    /// Where block `index` begins in the file, in bytes.
    pub fn block_start(&self, index: u64) -> u64 {
        self.known.origin + index * self.known.block_bytes
    }

    /// Whether a header of this recording begins at `offset`.
    pub fn has_header_at(&mut self, offset: u64) -> Result<bool, BasebandError> {
        let length = self.size().saturating_sub(offset).min(FULL_HEADER_BYTES as u64) as usize;
        let mut bytes = Vec::new();
        self.source.read_at(offset, length, &mut bytes)?;
        Ok(self.known.pattern.matches(&bytes))
    }

    /// The threads in the first part (at least 128 frames) of the file, ascending.
    pub fn threads(&self) -> Vec<u16> {
        self.known.clocks.keys().copied().collect()
    }

    /// Threads whose seconds are wrong by a constant, and what is added to them.
    ///
    /// Some recorders fill in the date for some of their threads only. Frames of all threads lie side by side, so a
    /// thread that begins more than two seconds from the others is put right by whole seconds.
    pub fn corrected_threads(&self) -> Vec<(u16, i64)> {
        self.known.clocks.iter().filter(|(_, add)| **add != 0).map(|(&thread, &add)| (thread, add)).collect()
    }

    fn find_threads(&mut self) -> Result<(), BasebandError> {
        let length = (128 * self.known.pattern.frame_bytes as u64).clamp(1 << 18, SEARCH_BYTES);
        let mut bytes = Vec::new();
        let length = length.min(self.size() - self.known.origin) as usize;
        self.source.read_at(self.known.origin, length, &mut bytes)?;
        let mut frames = Vec::new();
        scan(
            &bytes,
            length,
            self.known.origin + length as u64 == self.size(),
            &self.known.pattern,
            &mut frames,
        );
        let mut begins = BTreeMap::new();
        for frame in &frames {
            begins.entry(frame.thread).or_insert(frame.time.second.0);
        }
        // What most threads say; the later one when two say the same, since lost bits make a time too early.
        let votes = |second: i64| begins.values().filter(|other| (second - **other).abs() <= 2).count();
        let agreed = begins.values().copied().max_by_key(|&second| (votes(second), second)).unwrap_or(0);
        let add = |second: i64| if (agreed - second).abs() > 2 { agreed - second } else { 0 };
        self.known.clocks = begins.into_iter().map(|(thread, second)| (thread, add(second))).collect();
        Ok(())
    }

    /// The time that a frame of `thread` should have borne.
    fn corrected(&self, thread: u16, time: FrameTime) -> FrameTime {
        let add = self.known.clocks.get(&thread).copied().unwrap_or(0);
        FrameTime { second: UtcSecond(time.second.0 + add), ..time }
    }

    /// The payload of the valid frame of a thread at a time; of several the first in the file.
    pub fn payload(&mut self, time: FrameTime, thread: u16) -> Result<Option<&[u8]>, BasebandError> {
        let header_bytes = self.known.pattern.header_bytes;
        Ok(self.frame(time, thread)?.map(|bytes| &bytes[header_bytes..]))
    }

    /// The same with its header.
    pub fn frame(&mut self, time: FrameTime, thread: u16) -> Result<Option<&[u8]>, BasebandError> {
        let home = self.home_of(time)?;
        for index in [Some(home), home.checked_sub(1), Some(home + 1)].into_iter().flatten() {
            if index < self.blocks() && self.block(index)?.find(time, thread).is_some() {
                let length = self.known.pattern.frame_bytes;
                let block = self.block(index)?;
                return Ok(block.find(time, thread).map(|f| block.frame_bytes(f, length)));
            }
        }
        Ok(None)
    }

    /// The times of the first block and the last block: frames are within a block's length of them.
    pub fn rough_span(&mut self) -> Result<(FrameTime, FrameTime), BasebandError> {
        let first = self.key(0)?;
        let mut last = self.blocks() - 1;
        while last > 0 && self.key(last)? == NEVER {
            last -= 1;
        }
        Ok((first, self.key(last)?))
    }

    /// The times of the first and the last frame, from the first block and the last two.
    pub fn span(&mut self) -> Result<(FrameTime, FrameTime), BasebandError> {
        let (mut first, mut last) = self.rough_span()?;
        for index in [0, self.blocks().saturating_sub(2), self.blocks() - 1] {
            let frames = self.block(index)?.frames();
            if let (Some(a), Some(b)) = (frames.first(), frames.last()) {
                first = first.min(a.time);
                last = last.max(b.time);
            }
        }
        Ok((first, last))
    }

    /// Frames per second and thread, where a second ends in the file: one more than the last frame number in it.
    pub fn frames_per_second(&mut self) -> Result<Option<u64>, BasebandError> {
        let (first, last) = self.span()?;
        if first.second == last.second {
            return Ok(None);
        }
        let wrap = FrameTime { number: u32::MAX, ..first };
        let home = self.home_of(wrap)?;
        let mut most = first.number;
        for index in home..(home + 2).min(self.blocks()) {
            let of_second = self.block(index)?.frames().iter().filter(|f| f.time.second == first.second);
            most = of_second.map(|f| f.time.number).fold(most, u32::max);
        }
        Ok(Some(u64::from(most) + 1))
    }

    /// The block that a time belongs to: the last one whose key is not after it.
    fn home_of(&mut self, time: FrameTime) -> Result<u64, BasebandError> {
        for guess in [self.home, self.home + 1] {
            if self.key(guess)? <= time && time < self.key(guess + 1)? {
                self.home = guess;
                return Ok(guess);
            }
        }
        let (mut low, mut high) = (0, self.blocks());
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if self.key(middle)? <= time {
                low = middle;
            } else {
                high = middle;
            }
        }
        self.home = low;
        Ok(low)
    }

    /// The time of a block: that of the next one with frames if it has none.
    fn key(&mut self, index: u64) -> Result<FrameTime, BasebandError> {
        for index in index..self.blocks() {
            if let Some(key) = self.own_key(index)? {
                return Ok(key);
            }
        }
        Ok(NEVER)
    }

    fn own_key(&mut self, index: u64) -> Result<Option<FrameTime>, BasebandError> {
        if let Some(key) = self.keys.get(&index) {
            return Ok(*key);
        }
        let key = match self.probe(index)? {
            Some(key) => Some(key),
            None => self.block(index)?.key,
        };
        if self.keys.len() >= KEYS_KEPT {
            self.keys.clear();
        }
        if self.keys.capacity() < KEYS_KEPT {
            self.keys.reserve(KEYS_KEPT);
        }
        self.keys.insert(index, key);
        Ok(key)
    }

    /// The key of a block that begins with undamaged frames, without reading all of it.
    fn probe(&mut self, index: u64) -> Result<Option<FrameTime>, BasebandError> {
        if self.cache.iter().any(|block| block.index == index) {
            return Ok(None);
        }
        let frame_bytes = self.known.pattern.frame_bytes;
        let start = self.block_start(index);
        let length = KEY_FRAMES * frame_bytes + FULL_HEADER_BYTES;
        if start + length as u64 > self.size() {
            return Ok(None);
        }
        let mut times = [NEVER; KEY_FRAMES + 1];
        for (i, time) in times.iter_mut().enumerate() {
            let at = start + (i * frame_bytes) as u64;
            self.source.read_at(at, FULL_HEADER_BYTES, &mut self.head)?;
            let head = Some(&self.head).filter(|b| self.known.pattern.matches(b));
            let Some((stamp, thread)) = head.and_then(|b| self.known.pattern.stamp(b)) else {
                return Ok(None);
            };
            *time = self.corrected(thread, stamp);
        }
        Ok(median(times.into_iter().take(KEY_FRAMES)))
    }

    /// Block `index`, from memory or from the file.
    pub fn block(&mut self, index: u64) -> Result<&Block, BasebandError> {
        if let Some(at) = self.cache.iter().rposition(|block| block.index == index) {
            let block = self.cache.remove(at);
            self.cache.push(block);
        } else {
            let mut block =
                if self.cache.len() < self.room { Block::default() } else { self.cache.remove(0) };
            self.load(index, &mut block)?;
            // Who has read the block before this one will read the next one.
            if index > 0 && self.cache.iter().any(|block| block.index + 1 == index) {
                self.source.will_need(self.block_start(index + 1), self.known.block_bytes);
            }
            self.cache.push(block);
        }
        Ok(&self.cache[self.cache.len() - 1])
    }

    fn load(&mut self, index: u64, block: &mut Block) -> Result<(), BasebandError> {
        let start = self.block_start(index);
        let left = self.size() - start;
        let length =
            (self.known.block_bytes + (self.known.pattern.frame_bytes + FULL_HEADER_BYTES) as u64).min(left);
        self.source.read_at(start, length as usize, &mut block.bytes)?;
        block.index = index;
        block.frames.clear();
        let limit = self.known.block_bytes as usize;
        scan(&block.bytes, limit, length == left, &self.known.pattern, &mut block.frames);
        block.frames.iter_mut().for_each(|frame| frame.time = self.corrected(frame.thread, frame.time));
        if let Some((order, channels, bits)) = self.order {
            for frame in &block.frames {
                let payload = frame.offset + self.known.pattern.header_bytes
                    ..frame.offset + self.known.pattern.frame_bytes;
                order.to_vdif(&mut block.bytes[payload], channels, bits);
            }
        }
        block.key = median(block.frames.iter().take(KEY_FRAMES).map(|f| f.time));
        block.frames.sort_unstable_by_key(|f| (f.time, f.thread, f.invalid, f.offset));
        Ok(())
    }
}

/// The median of at most [`KEY_FRAMES`] times.
fn median(times: impl Iterator<Item = FrameTime>) -> Option<FrameTime> {
    let (mut sorted, mut count) = ([NEVER; KEY_FRAMES], 0);
    for (place, time) in sorted.iter_mut().zip(times) {
        (*place, count) = (time, count + 1);
    }
    sorted.sort_unstable();
    (count > 0).then(|| sorted[count / 2])
}
