//! Samples of 2 bits by their number, as they were recorded: sixteen times less memory than as numbers.

use super::samples::{SampleLayout, Validity};

/// Bytes behind the last sample of a channel that may be read.
const BEHIND: usize = 16;

/// A piece of a recording of real 2-bit samples: one run of bytes for each channel, four samples in each byte, the first
/// one in the lowest bits. What is not valid holds whatever was there.
#[derive(Debug, Clone, Default)]
pub struct Codes {
    first: i64,
    n: usize,
    stride: usize,
    channels_per_thread: usize,
    bytes: Vec<u8>,
    valid: Vec<Validity>,
    /// Values of the four samples of each byte.
    table: Vec<f32>,
}

impl Codes {
    /// Makes room for samples `start .. start + n` of every channel, none valid: from the last multiple of four up to
    /// `start` on. Keeps its memory.
    pub(super) fn make_room(&mut self, layout: &SampleLayout, (start, n): (i64, usize), table: &[f32]) {
        self.first = start.div_euclid(4) * 4;
        self.n = (n + (start - self.first) as usize).next_multiple_of(4);
        self.stride = self.n / 4 + BEHIND;
        self.channels_per_thread = layout.channels_per_thread;
        self.bytes.resize(self.stride * layout.channels, 0);
        self.valid.resize(layout.channels / layout.channels_per_thread, Validity::default());
        self.valid.iter_mut().for_each(Validity::clear);
        if self.table.is_empty() {
            self.table.extend_from_slice(table);
        }
    }

    /// Number of the first sample, in the source's count.
    pub fn first(&self) -> i64 {
        self.first
    }

    /// Samples per channel.
    pub fn len(&self) -> usize {
        self.n
    }

    /// Whether there are no samples.
    pub fn is_empty(&self) -> bool {
        self.n == 0
    }

    /// The values of the four samples of each byte.
    pub fn table(&self) -> &[f32] {
        &self.table
    }

    /// The bytes of a channel, some more behind its last sample.
    pub fn channel(&self, channel: usize) -> &[u8] {
        &self.bytes[channel * self.stride..(channel + 1) * self.stride]
    }

    /// Threads that share their validity.
    pub fn validities(&self) -> &[Validity] {
        &self.valid
    }

    /// Which samples of a channel are valid, counted from the first.
    pub fn validity(&self, channel: usize) -> &Validity {
        &self.valid[channel / self.channels_per_thread]
    }

    /// Values of samples `first ..` of a channel, those that are not valid 0.
    pub fn numbers(&self, channel: usize, first: usize, out: &mut [f32]) {
        out.fill(0.0);
        for (from, to) in self.validity(channel).within(first, first + out.len()) {
            self.values(channel, from, &mut out[from - first..to - first]);
        }
    }

    /// Values of samples `first ..` of a channel, whatever those that are not valid hold.
    pub fn values(&self, channel: usize, first: usize, out: &mut [f32]) {
        let (bytes, table) = (self.channel(channel), self.table.as_chunks::<4>().0);
        let before = (first.next_multiple_of(4) - first).min(out.len());
        let (ragged, whole) = out.split_at_mut(before);
        if let Some(byte) = bytes.get(first / 4).filter(|_| before > 0) {
            ragged.copy_from_slice(&table[usize::from(*byte)][first % 4..][..before]);
        }
        let (fours, rest) = whole.as_chunks_mut::<4>();
        let bytes = bytes.get(first.div_ceil(4)..).unwrap_or_default();
        fours.iter_mut().zip(bytes).for_each(|(four, byte)| *four = table[usize::from(*byte)]);
        if let Some(byte) = bytes.get(fours.len()).filter(|_| !rest.is_empty()) {
            rest.copy_from_slice(&table[usize::from(*byte)][..rest.len()]);
        }
    }

    /// Puts the payload's samples `from ..` (a multiple of four) of all channels of a thread to places `at ..` (counted
    /// from the first sample, a multiple of four).
    pub(super) fn put(&mut self, thread: usize, payload: &[u8], from: usize, (at, count): (usize, usize)) {
        let channels = self.channels_per_thread;
        let bytes = &payload[from * channels / 4..(from + count) * channels / 4];
        let out = &mut self.bytes[thread * channels * self.stride + at / 4..];
        match channels {
            1 => out[..bytes.len()].copy_from_slice(bytes),
            2 => two_channels(bytes, out, self.stride),
            16 => {
                let done = sixteen(bytes, out, self.stride);
                quads(&bytes[4 * 4 * done..], &mut out[done..], self.stride, 4);
            }
            _ => quads(bytes, out, self.stride, channels / 4),
        }
        self.valid[thread].push(at, at + count);
    }
}

/// Two channels: a byte holds two samples of both.
fn two_channels(bytes: &[u8], out: &mut [u8], stride: usize) {
    let (first, second) = out.split_at_mut(stride);
    let even = |x: u16| {
        let x = x & 0x3333;
        let x = (x | x >> 2) & 0x0f0f;
        (x | x >> 4) as u8
    };
    for ((pair, a), b) in bytes.as_chunks::<2>().0.iter().zip(first).zip(second) {
        let word = u16::from_le_bytes(*pair);
        (*a, *b) = (even(word), even(word >> 2));
    }
}

/// Turns four samples (bytes) of four channels (2 bits) into four channels of four samples.
fn turned(x: u32) -> u32 {
    let odd = (x ^ x >> 6) & 0x00cc_00cc;
    let x = x ^ odd ^ odd << 6;
    let far = (x ^ x >> 12) & 0x0000_f0f0;
    x ^ far ^ far << 12
}

/// Groups of four samples that sixteen channels are sorted by at once.
const GROUPS: usize = 16;

/// Exchanges the bits of `mask` of `b` with those `shift` higher of `a`, word by word.
#[inline(always)]
fn exchange(a: &mut [u32; GROUPS], b: &mut [u32; GROUPS], shift: u32, mask: u32) {
    for (a, b) in a.iter_mut().zip(b) {
        let other = (*a >> shift ^ *b) & mask;
        *a ^= other << shift;
        *b ^= other;
    }
}

/// Sixteen channels, the commonest: as [`quads`], word by word of all channels and many samples at once, which the
/// compiler turns into vectors. Returns how many groups of four samples it has done.
fn sixteen(bytes: &[u8], out: &mut [u8], stride: usize) -> usize {
    let blocks = bytes.as_chunks::<{ 16 * GROUPS }>().0;
    for (i, block) in blocks.iter().enumerate() {
        // Samples 0 to 3 of every group, 16 channels in each word.
        let mut words = [[0u32; GROUPS]; 4];
        for (group, four) in block.as_chunks::<16>().0.iter().enumerate() {
            for (sample, word) in four.as_chunks::<4>().0.iter().enumerate() {
                words[sample][group] = u32::from_le_bytes(*word);
            }
        }
        // A table of 4 samples by 4 channels of each byte, turned: then word c holds channels c, c + 4, c + 8, c + 12.
        let [a, b, c, d] = &mut words;
        exchange(a, c, 4, 0x0f0f_0f0f);
        exchange(b, d, 4, 0x0f0f_0f0f);
        exchange(a, b, 2, 0x3333_3333);
        exchange(c, d, 2, 0x3333_3333);
        for (channel, row) in out.chunks_mut(stride).take(16).enumerate() {
            let Some(row) = row.get_mut(i * GROUPS..(i + 1) * GROUPS) else { continue };
            let shift = 8 * (channel / 4);
            for (to, word) in row.iter_mut().zip(&words[channel % 4]) {
                *to = (word >> shift) as u8;
            }
        }
    }
    blocks.len() * GROUPS
}

/// Four channels or a multiple of them: every byte of a sample holds one of each of four channels.
fn quads(bytes: &[u8], out: &mut [u8], stride: usize, quads: usize) {
    for quad in 0..quads {
        let mut rows = out[4 * quad * stride..].chunks_mut(stride);
        let mut row = || rows.next().unwrap_or_default();
        let (a, b, c, d) = (row(), row(), row(), row());
        let samples = bytes.chunks_exact(4 * quads);
        for ((((x, a), b), c), d) in samples.zip(a).zip(b).zip(c).zip(d) {
            let at = |i: usize| x[quad + i * quads];
            [*a, *b, *c, *d] = turned(u32::from_le_bytes([at(0), at(1), at(2), at(3)])).to_le_bytes();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::decode::Decoder;
    use super::super::{FrameFormat, Levels, UtcSecond};
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn numbers_are_those_of_the_decoder(
            payload in proptest::collection::vec(any::<u8>(), 1024),
            log2_channels in 0u32..5, from in 0usize..4, skip in 0usize..3, cut in 0usize..3,
        ) {
            let channels = 1usize << log2_channels;
            let format = FrameFormat { frame_bytes: 1056, header_bytes: 32, channels, bits: 2, complex: false };
            let samples = format.samples_per_frame();
            let layout = SampleLayout {
                channels,
                components: 1,
                channels_per_thread: channels,
                sample_rate_hz: 1000,
                reference: UtcSecond(0),
            };
            let mut codes = Codes::default();
            codes.make_room(&layout, (103, samples + 8), &Levels::DIFX.byte_table(2));
            prop_assert_eq!(codes.first(), 100);
            let (from, count) = (4 * from, samples - 4 * (from + cut));
            codes.put(0, &payload, from, (4 * skip, count));
            let mut slow = vec![0.0; channels * samples];
            Decoder::new(format, Levels::DIFX).decode(&payload, 0, samples, &mut slow, samples);
            for c in 0..channels {
                let mut fast = vec![9.0; codes.len()];
                codes.numbers(c, 0, &mut fast);
                prop_assert!(fast[..4 * skip].iter().chain(&fast[4 * skip + count..]).all(|x| *x == 0.0));
                prop_assert_eq!(&fast[4 * skip..][..count], &slow[c * samples + from..][..count]);
            }
        }
    }
}
