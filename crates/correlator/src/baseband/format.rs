//! How a frame's payload is laid out: channels, bits, components.

use super::header::VdifHeader;
use super::kind::FirstHeader;
use serde::{Deserialize, Serialize};

/// The layout of a frame: everything that decoding needs, after overrides.
///
/// Elements (one component of one channel of one sample) follow one another in the payload from the least significant
/// bit upwards: sample, then channel, then component (real, imaginary).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrameFormat {
    /// Frame length with its header, in bytes.
    pub frame_bytes: usize,
    /// Header length, in bytes: 16 or 32.
    pub header_bytes: usize,
    /// Channels in each thread.
    pub channels: usize,
    /// Bits per component: 1, 2, 4, 8 or 16.
    pub bits: usize,
    /// Samples are complex.
    pub complex: bool,
}

impl FrameFormat {
    /// The layout that `header` tells, with the caller's `channels`, `bits` and `complex` in place of the header's.
    ///
    /// # Errors
    /// What cannot be decoded, in words.
    pub fn new(
        header: &VdifHeader,
        channels: Option<usize>,
        bits: Option<usize>,
        complex: Option<bool>,
    ) -> Result<Self, String> {
        let format = Self {
            frame_bytes: header.frame_bytes as usize,
            header_bytes: header.header_bytes(),
            channels: channels.or_else(|| header.channels()).unwrap_or(usize::MAX),
            bits: bits.unwrap_or_else(|| header.bits.into()),
            complex: complex.unwrap_or(header.complex),
        };
        format.check()?;
        Ok(format)
    }

    /// The same of a recording of any format. Mark5B's headers tell neither channels nor bits: they must be given.
    ///
    /// # Errors
    /// What cannot be decoded, or is not told, in words.
    pub fn of(
        header: &FirstHeader,
        channels: Option<usize>,
        bits: Option<usize>,
        complex: Option<bool>,
    ) -> Result<Self, String> {
        if let FirstHeader::Vdif(header) = header {
            return Self::new(header, channels, bits, complex);
        }
        let (Some(channels), Some(bits)) = (channels, bits) else {
            return Err("headers of Mark5B do not tell channels and bits per sample".to_owned());
        };
        let (frame_bytes, header_bytes) = (header.frame_bytes(), header.header_bytes());
        let format = Self { frame_bytes, header_bytes, channels, bits, complex: complex.unwrap_or(false) };
        format.check()?;
        match (bits, format.complex) {
            (1 | 2, false) if channels * bits <= 32 => Ok(format),
            _ => Err(format!(
                "{channels} channels of {bits} bits{} are not in Mark5B: up to 32 bit streams of real samples of 1 or 2 \
                 bits are",
                if format.complex { ", complex," } else { "" }
            )),
        }
    }

    fn check(&self) -> Result<(), String> {
        if !matches!(self.bits, 1 | 2 | 4 | 8 | 16) {
            return Err(format!("{} bits per sample are not supported (1, 2, 4, 8, 16 are)", self.bits));
        }
        if !self.channels.is_power_of_two() {
            return Err(format!("{} channels are not a power of two", self.channels));
        }
        let payload_bits = self.frame_bytes.saturating_sub(self.header_bytes) * 8;
        let sample_bits = self.channels.saturating_mul(self.components() * self.bits);
        if payload_bits < sample_bits || !payload_bits.is_multiple_of(sample_bits) {
            let (channels, bits, bytes) = (self.channels, self.bits, payload_bits / 8);
            return Err(format!("{channels} channels of {bits} bits do not fill a payload of {bytes} bytes"));
        }
        Ok(())
    }

    /// Components of a sample: 1 real, 2 complex.
    pub fn components(&self) -> usize {
        if self.complex { 2 } else { 1 }
    }

    /// Payload length, in bytes.
    pub fn payload_bytes(&self) -> usize {
        self.frame_bytes - self.header_bytes
    }

    /// Elements (channels x components) of one sample.
    pub fn elements(&self) -> usize {
        self.channels * self.components()
    }

    /// Samples of each channel in a frame.
    pub fn samples_per_frame(&self) -> usize {
        self.payload_bytes() * 8 / (self.elements() * self.bits)
    }
}
