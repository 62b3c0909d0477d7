//! Turns a frame's payload into numbers, one run of samples per channel.

use super::format::FrameFormat;
use super::levels::Levels;

/// Decodes payloads of one format by a table over byte values.
#[derive(Debug, Clone)]
pub struct Decoder {
    format: FrameFormat,
    levels: Levels,
    /// Values of the elements of each byte; empty for 16 bits.
    table: Vec<f32>,
}

impl Decoder {
    /// A decoder for `format`, with sample values from `levels`.
    pub fn new(format: FrameFormat, levels: Levels) -> Self {
        let table = if format.bits == 16 { Vec::new() } else { levels.byte_table(format.bits) };
        Self { format, levels, table }
    }

    /// Values of the elements of each byte, one byte after the other; empty for 16 bits.
    pub fn table(&self) -> &[f32] {
        &self.table
    }

    /// The format of the payloads.
    pub fn format(&self) -> &FrameFormat {
        &self.format
    }

    /// Decodes samples `first .. first + count` of all channels of `payload`.
    ///
    /// Channel `c` goes to `out[c x stride ..][.. count x components]`, real and imaginary parts in turn. `payload` has
    /// the format's length, `out` at least `(channels - 1) x stride + count x components` elements.
    pub fn decode(&self, payload: &[u8], first: usize, count: usize, out: &mut [f32], stride: usize) {
        let sample_bits = self.format.elements() * self.format.bits;
        if count == 0 {
            return;
        }
        if sample_bits < 8 {
            return self.decode_narrow(payload, first, count, out, stride);
        }
        let sample_bytes = sample_bits / 8;
        let bytes = &payload[first * sample_bytes..(first + count) * sample_bytes];
        if self.format.channels == 1 && self.format.bits < 16 {
            return self.decode_bytes(bytes, &mut out[..count * self.format.components()]);
        }
        let shape = Shape { sample_bytes, stride, count, components: self.format.components() };
        match self.format.bits {
            1 => columns::<8>(&self.table, bytes, out, shape),
            2 => columns::<4>(&self.table, bytes, out, shape),
            4 => columns::<2>(&self.table, bytes, out, shape),
            8 => single_columns(bytes, out, shape, 1, |b| self.table[usize::from(b[0])]),
            _ => single_columns(bytes, out, shape, 2, |b| {
                self.levels.value(16, u16::from_le_bytes([b[0], b[1]]))
            }),
        }
    }

    /// Several samples in each byte: whole bytes by the table, the ragged ends one by one.
    fn decode_narrow(&self, payload: &[u8], first: usize, count: usize, out: &mut [f32], stride: usize) {
        let (channels, components) = (self.format.channels, self.format.components());
        let per_byte = 8 / (self.format.elements() * self.format.bits);
        let end = first + count;
        let whole = first.next_multiple_of(per_byte).min(end)..(end / per_byte * per_byte).max(first);
        let whole = if whole.start < whole.end { whole } else { end..end };
        for sample in (first..whole.start).chain(whole.end..end) {
            self.decode_one(payload, sample, &mut out[(sample - first) * components..], stride);
        }
        let bytes = &payload[whole.start / per_byte..whole.end / per_byte];
        for c in 0..channels {
            let from = c * stride + (whole.start - first) * components;
            let out = &mut out[from..from + whole.len() * components];
            if channels == 1 {
                self.decode_bytes(bytes, out);
            } else {
                self.pick(bytes, c * components, out);
            }
        }
    }

    /// One channel alone: the elements are in the order of the output.
    fn decode_bytes(&self, bytes: &[u8], out: &mut [f32]) {
        match self.format.bits {
            1 => contiguous::<8>(&self.table, bytes, out),
            2 => contiguous::<4>(&self.table, bytes, out),
            4 => contiguous::<2>(&self.table, bytes, out),
            _ => contiguous::<1>(&self.table, bytes, out),
        }
    }

    /// One of several channels that share each byte; `element` is its first element.
    fn pick(&self, bytes: &[u8], element: usize, out: &mut [f32]) {
        let (per_byte, elements) = (8 / self.format.bits, self.format.elements());
        let components = self.format.components();
        for (&byte, dest) in bytes.iter().zip(out.chunks_exact_mut(per_byte / elements * components)) {
            let values = &self.table[usize::from(byte) * per_byte..][..per_byte];
            for (to, from) in dest.chunks_exact_mut(components).zip(values.chunks_exact(elements)) {
                to.copy_from_slice(&from[element..element + components]);
            }
        }
    }

    /// The slow, obvious way: one sample of all channels, element by element, bit by bit. Twin of [`Decoder::decode`].
    pub fn decode_one(&self, payload: &[u8], sample: usize, out: &mut [f32], stride: usize) {
        let format = &self.format;
        for channel in 0..format.channels {
            for component in 0..format.components() {
                let element = sample * format.elements() + channel * format.components() + component;
                let code = (0..format.bits).fold(0u16, |code, i| {
                    let bit = element * format.bits + i;
                    code | u16::from(payload[bit / 8] >> (bit % 8) & 1) << i
                });
                out[channel * stride + component] = self.levels.value(format.bits, code);
            }
        }
    }
}

/// Where decoded columns go.
#[derive(Clone, Copy)]
struct Shape {
    sample_bytes: usize,
    stride: usize,
    count: usize,
    components: usize,
}

/// Elements in output order: each byte becomes `E` values.
fn contiguous<const E: usize>(table: &[f32], bytes: &[u8], out: &mut [f32]) {
    let (table, _) = table.as_chunks::<E>();
    let (out, _) = out.as_chunks_mut::<E>();
    for (dest, &byte) in out.iter_mut().zip(bytes) {
        *dest = table[usize::from(byte)];
    }
}

/// Byte columns of several elements: column `k` holds `E` elements of every sample, which go to `E` channels (real) or
/// `E / 2` channels (complex).
fn columns<const E: usize>(table: &[f32], bytes: &[u8], out: &mut [f32], shape: Shape) {
    let (table, _) = table.as_chunks::<E>();
    let group = E / shape.components * shape.stride;
    for (column, out) in out.chunks_mut(group).take(shape.sample_bytes).enumerate() {
        let bytes = bytes[column..].iter().step_by(shape.sample_bytes);
        if shape.components == 1 {
            let mut rest = out.chunks_mut(shape.stride);
            let mut channels: [&mut [f32]; E] =
                std::array::from_fn(|_| &mut rest.next().unwrap_or_default()[..shape.count]);
            for (t, &byte) in bytes.enumerate().take(shape.count) {
                let values = &table[usize::from(byte)];
                for (channel, &value) in channels.iter_mut().zip(values) {
                    channel[t] = value;
                }
            }
        } else {
            for (t, &byte) in bytes.enumerate() {
                let values = &table[usize::from(byte)];
                for (i, pair) in values.chunks_exact(2).enumerate() {
                    out[i * shape.stride + 2 * t..][..2].copy_from_slice(pair);
                }
            }
        }
    }
}

/// Columns of one element each (8 or 16 bits).
fn single_columns(bytes: &[u8], out: &mut [f32], shape: Shape, width: usize, value: impl Fn(&[u8]) -> f32) {
    for element in 0..shape.sample_bytes / width {
        let (channel, component) = (element / shape.components, element % shape.components);
        let out = &mut out[channel * shape.stride..][..shape.count * shape.components];
        let samples = bytes.chunks_exact(shape.sample_bytes);
        for (dest, sample) in out.chunks_exact_mut(shape.components).zip(samples) {
            dest[component] = value(&sample[element * width..][..width]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn format(log2_channels: u32, log2_bits: u32, complex: bool) -> FrameFormat {
        let (channels, bits) = (1 << log2_channels, 1 << log2_bits);
        FrameFormat { frame_bytes: 16 + 256, header_bytes: 16, channels, bits, complex }
    }

    proptest! {
        #[test]
        fn fast_is_slow(
            payload in proptest::collection::vec(any::<u8>(), 256),
            log2_channels in 0u32..5,
            log2_bits in 0u32..5,
            complex: bool,
            ends in (0.0f64..1.0, 0.0f64..1.0),
        ) {
            let format = format(log2_channels, log2_bits, complex);
            let n = format.samples_per_frame() as f64;
            let (a, b) = ((ends.0 * n) as usize, (ends.1 * n) as usize);
            let (first, count) = (a.min(b), a.abs_diff(b));
            let decoder = Decoder::new(format, Levels::OPTIMAL);
            let stride = count * format.components() + 3;
            let mut fast = vec![7.0; format.channels * stride];
            let mut slow = fast.clone();
            decoder.decode(&payload, first, count, &mut fast, stride);
            for i in 0..count {
                decoder.decode_one(&payload, first + i, &mut slow[i * format.components()..], stride);
            }
            prop_assert_eq!(fast, slow);
        }
    }

    #[test]
    fn two_bits_least_significant_first() {
        let decoder = Decoder::new(format(0, 1, false), Levels::DIFX);
        let mut out = [0.0; 4];
        decoder.decode(&[0b11_10_01_00; 256], 0, 4, &mut out, 4);
        assert_eq!(out, [-3.3359, -1.0, 1.0, 3.3359]);
    }
}
