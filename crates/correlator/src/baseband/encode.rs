//! Turns sample codes into a frame's payload: the inverse of decoding.

use super::format::FrameFormat;

/// Packs `codes` (element order: sample, channel, component) into `payload`, least significant bits first.
///
/// `codes` holds one frame; each code has at most the format's bits. `payload` has the format's length.
pub fn pack(format: &FrameFormat, codes: &[u16], payload: &mut [u8]) {
    match format.bits {
        16 => {
            for (bytes, code) in payload.chunks_exact_mut(2).zip(codes) {
                bytes.copy_from_slice(&code.to_le_bytes());
            }
        }
        bits => {
            for (byte, codes) in payload.iter_mut().zip(codes.chunks_exact(8 / bits)) {
                *byte = codes.iter().rev().fold(0, |byte, &code| byte << (bits & 7) | code as u8);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{decode::Decoder, levels::Levels};
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn decode_undoes_pack(raw in proptest::collection::vec(any::<u16>(), 512), log2_bits in 0u32..5) {
            let bits = 1usize << log2_bits;
            let format = FrameFormat { frame_bytes: 16 + 64, header_bytes: 16, channels: 2, bits, complex: true };
            let n = format.samples_per_frame();
            let codes: Vec<u16> = raw[..n * 4].iter().map(|&c| c & (((1u32 << bits) - 1) as u16)).collect();
            let mut payload = vec![0; 64];
            pack(&format, &codes, &mut payload);
            let mut out = vec![0.0; 4 * n];
            Decoder::new(format, Levels::OPTIMAL).decode(&payload, 0, n, &mut out, 2 * n);
            for (t, sample) in codes.chunks(4).enumerate() {
                for (e, &code) in sample.iter().enumerate() {
                    prop_assert_eq!(out[e / 2 * 2 * n + 2 * t + e % 2], Levels::OPTIMAL.value(bits, code));
                }
            }
        }
    }
}
