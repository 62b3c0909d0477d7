//! Level statistics: how often each state occurs, mean and power of every channel.

use crate::baseband::{FrameFormat, Levels};
use serde::Serialize;
use std::collections::BTreeMap;

/// Level statistics of one channel over all valid frames.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ChannelLevels {
    /// The thread that brings the channel.
    pub thread: u16,
    /// The channel in its thread.
    pub channel: usize,
    /// Samples counted.
    pub samples: u64,
    /// Mean of each component (real; or real and imaginary), in the units of the levels.
    pub mean: Vec<f64>,
    /// Mean of the squared modulus.
    pub power: f64,
    /// Value and number of occurrences of each state, over all components, ascending; empty above 4 bits.
    pub states: Vec<(f32, u64)>,
}

/// Counts bytes per column of a sample (16 bits: pairs of bytes): the levels' values are put in at the end.
#[derive(Debug)]
pub(super) struct LevelCounter {
    format: FrameFormat,
    threads: BTreeMap<u16, Vec<u64>>,
}

impl LevelCounter {
    pub(super) fn new(format: FrameFormat) -> Self {
        Self { format, threads: BTreeMap::new() }
    }

    /// Number of columns after which the meaning of the words repeats.
    fn columns(&self) -> usize {
        (self.format.elements() * self.format.bits / self.word_bits()).max(1)
    }

    fn word_bits(&self) -> usize {
        self.format.bits.max(8)
    }

    fn elements_per_word(&self) -> usize {
        self.word_bits() / self.format.bits
    }

    /// Adds the payload of a frame.
    pub(super) fn add(&mut self, thread: u16, payload: &[u8]) {
        let (columns, states) = (self.columns(), 1 << self.word_bits());
        let counts = self.threads.entry(thread).or_insert_with(|| vec![0; columns * states]);
        if self.format.bits == 16 {
            for (i, word) in payload.chunks_exact(2).enumerate() {
                counts[i % columns * states + usize::from(u16::from_le_bytes([word[0], word[1]]))] += 1;
            }
        } else {
            for sample in payload.chunks_exact(columns) {
                for (counts, &byte) in counts.chunks_exact_mut(states).zip(sample) {
                    counts[usize::from(byte)] += 1;
                }
            }
        }
    }

    /// How often each code occurs: `[element][code]` of a thread.
    fn codes(&self, counts: &[u64]) -> Vec<Vec<u64>> {
        let (bits, elements, per_word) = (self.format.bits, self.format.elements(), self.elements_per_word());
        let mut codes = vec![vec![0; 1 << bits]; elements];
        for (column, counts) in counts.chunks_exact(1 << self.word_bits()).enumerate() {
            for (word, &n) in counts.iter().enumerate().filter(|(_, n)| **n > 0) {
                for i in 0..per_word {
                    let code = word >> (i * bits) & ((1 << bits) - 1);
                    codes[(column * per_word + i) % elements][code] += n;
                }
            }
        }
        codes
    }

    /// The statistics of all channels of `threads`, in that order.
    pub(super) fn finish(&self, threads: &[u16], levels: &Levels) -> Vec<ChannelLevels> {
        let none = vec![0; self.columns() << self.word_bits()];
        let of_thread = |&thread: &u16| {
            let codes = self.codes(self.threads.get(&thread).unwrap_or(&none));
            let components = self.format.components();
            let channels = codes.chunks(components).enumerate();
            channels.map(|(i, codes)| self.channel(thread, i, codes, levels)).collect::<Vec<_>>()
        };
        threads.iter().flat_map(of_thread).collect()
    }

    fn channel(&self, thread: u16, channel: usize, codes: &[Vec<u64>], levels: &Levels) -> ChannelLevels {
        let bits = self.format.bits;
        let samples: u64 = codes[0].iter().sum();
        let moment = |counts: &[u64], power: i32| {
            let terms = counts.iter().enumerate();
            let sum: f64 = terms
                .map(|(code, &n)| n as f64 * f64::from(levels.value(bits, code as u16)).powi(power))
                .sum();
            sum / samples.max(1) as f64
        };
        let state = |code: usize| (levels.value(bits, code as u16), codes.iter().map(|c| c[code]).sum());
        ChannelLevels {
            thread,
            channel,
            samples,
            mean: codes.iter().map(|counts| moment(counts, 1)).collect(),
            power: codes.iter().map(|counts| moment(counts, 2)).sum(),
            states: if bits <= 4 { (0..1 << bits).map(state).collect() } else { Vec::new() },
        }
    }
}
