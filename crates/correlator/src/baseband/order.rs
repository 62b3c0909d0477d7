//! Puts the bits of recordings other than VDIF into VDIF's order, once for each frame that is read.
//!
//! VDIF: sample, channel, component, from the lowest bit on; the codes ascend. Mark5B: the same order, but the lower bit
//! of a 2-bit sample is its sign, the upper one its magnitude, so that codes 1 and 2 are exchanged. KVN's recorders
//! besides that keep the samples of a channel together within each 32-bit word: with 2 channels 8 samples each, with 4
//! channels 4 samples, with 8 channels 2 (DiFX calls it KVN5B).

use serde::{Deserialize, Serialize};

/// The order of bits in a payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum BitOrder {
    /// VDIF's.
    #[default]
    Vdif,
    /// Mark5B's.
    Mark5b,
    /// That of KVN's Mark5B recorders.
    Kvn5b,
}

/// Exchanges codes 1 and 2 of all samples: where sign and magnitude differ, both are turned over.
fn ascending(word: u32) -> u32 {
    let differ = (word ^ word >> 1) & 0x5555_5555;
    word ^ differ ^ differ << 1
}

/// Sixteen samples of 2 bits from the order channel, sample to sample, channel: the slow twin.
#[cfg(test)]
fn turned(word: u32, channels: u32) -> u32 {
    let samples = 16 / channels;
    let code = |i: u32| word >> (2 * i) & 3;
    let places = (0..samples).flat_map(|s| (0..channels).map(move |c| (s * channels + c, c * samples + s)));
    places.fold(0, |out, (to, from)| out | code(from) << (2 * to))
}

/// Sixteen samples of 2 bits from the order channel, sample to sample, channel, a few steps for all at once.
fn turned_fast(word: u32, channels: usize) -> u32 {
    let exchange = |x: u32, shift: u32, mask: u32| {
        let other = (x ^ x >> shift) & mask;
        x ^ other ^ other << shift
    };
    match channels {
        // The four bits of a sample's place in the word go round by one: three exchanges of neighbouring bits.
        2 => [(8, 0x0000_ff00), (4, 0x00f0_00f0), (2, 0x0c0c_0c0c)]
            .iter()
            .fold(word, |x, &(shift, mask)| exchange(x, shift, mask)),
        4 => exchange(exchange(word, 6, 0x00cc_00cc), 12, 0x0000_f0f0),
        8 => [(2, 0x0c0c_0c0c), (4, 0x00f0_00f0), (8, 0x0000_ff00)]
            .iter()
            .fold(word, |x, &(shift, mask)| exchange(x, shift, mask)),
        _ => word,
    }
}

impl BitOrder {
    /// Puts a payload of real samples into VDIF's order.
    pub fn to_vdif(self, payload: &mut [u8], channels: usize, bits: usize) {
        if self == Self::Vdif || bits != 2 {
            return;
        }
        let kept = if self == Self::Kvn5b { channels } else { 1 };
        for bytes in payload.as_chunks_mut::<4>().0 {
            *bytes = turned_fast(ascending(u32::from_le_bytes(*bytes)), kept).to_le_bytes();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn fast_is_slow(word: u32) {
            for channels in [1, 2, 4, 8, 16] {
                prop_assert_eq!(turned_fast(word, channels as usize), turned(word, channels));
            }
            let slow = (0..16).fold(0, |out, i| {
                let code = [0, 2, 1, 3][(word >> (2 * i) & 3) as usize];
                out | code << (2 * i)
            });
            prop_assert_eq!(ascending(word), slow);
        }
    }

    #[test]
    fn kvn_keeps_channels_together() {
        // Four channels: byte k holds four samples of channel k. All codes 3 (both bits set) in channel 2.
        let mut payload = [0, 0, 0xff, 0];
        BitOrder::Kvn5b.to_vdif(&mut payload, 4, 2);
        assert_eq!(payload, [0x30; 4]);
        // Control: Mark5B's order puts them elsewhere.
        let mut payload = [0, 0, 0xff, 0];
        BitOrder::Mark5b.to_vdif(&mut payload, 4, 2);
        assert_eq!(payload, [0, 0, 0xff, 0]);
    }
}
