//! The VDIF frame header: parse and write all of its words.

use super::error::BasebandError;
use super::time::UtcSecond;
use serde::{Deserialize, Serialize};

/// Bytes of the longest header.
pub const FULL_HEADER_BYTES: usize = 32;
/// Bytes of a legacy header.
pub const LEGACY_HEADER_BYTES: usize = 16;
/// Word 5 of extended data version 4.
const EDV_SYNC: u32 = 0xacab_feed;

/// A VDIF frame header (VDIF specification 1.1.1, 2014, section 5), kept bit for bit.
///
/// Values are as written; whether they are true is for the caller to judge: some recorders write wrong channel counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct VdifHeader {
    /// The recorder says that the payload is not to be used.
    pub invalid: bool,
    /// The header has 16 bytes instead of 32.
    pub legacy: bool,
    /// Seconds since the reference epoch, leap seconds counted (30 bits).
    pub seconds: u32,
    /// The two unassigned bits of word 1.
    pub unassigned: u8,
    /// Half-years since 2000-01-01 (6 bits).
    pub ref_epoch: u8,
    /// Frame number within the second, per thread (24 bits).
    pub frame_number: u32,
    /// VDIF version (3 bits).
    pub version: u8,
    /// log2 of the number of channels in the payload (5 bits).
    pub log2_channels: u8,
    /// Frame length with its header, in bytes (a multiple of 8, below 2^27).
    pub frame_bytes: u32,
    /// Samples are complex.
    pub complex: bool,
    /// Bits per sample component, 1 to 32.
    pub bits: u8,
    /// Thread (10 bits).
    pub thread: u16,
    /// Station: two ASCII characters or a number.
    pub station: u16,
    /// Words 4 to 7: zero in a legacy header. Kept as they are whatever the extended data version.
    pub extended: [u32; 4],
}

fn word(bytes: &[u8], i: usize) -> u32 {
    u32::from_le_bytes([bytes[4 * i], bytes[4 * i + 1], bytes[4 * i + 2], bytes[4 * i + 3]])
}

impl VdifHeader {
    /// Reads a header from the beginning of `bytes`; checks nothing but that there are enough bytes.
    pub fn parse(bytes: &[u8]) -> Result<Self, BasebandError> {
        let short = BasebandError::HeaderShort { bytes: bytes.len() };
        if bytes.len() < LEGACY_HEADER_BYTES {
            return Err(short);
        }
        let (w0, w1, w2, w3) = (word(bytes, 0), word(bytes, 1), word(bytes, 2), word(bytes, 3));
        let legacy = w0 >> 30 & 1 == 1;
        if !legacy && bytes.len() < FULL_HEADER_BYTES {
            return Err(short);
        }
        let extended = if legacy { [0; 4] } else { std::array::from_fn(|i| word(bytes, 4 + i)) };
        Ok(Self {
            invalid: w0 >> 31 == 1,
            legacy,
            seconds: w0 & 0x3fff_ffff,
            unassigned: (w1 >> 30) as u8,
            ref_epoch: (w1 >> 24 & 0x3f) as u8,
            frame_number: w1 & 0xff_ffff,
            version: (w2 >> 29) as u8,
            log2_channels: (w2 >> 24 & 0x1f) as u8,
            frame_bytes: (w2 & 0xff_ffff) * 8,
            complex: w3 >> 31 == 1,
            bits: (w3 >> 26 & 0x1f) as u8 + 1,
            thread: (w3 >> 16 & 0x3ff) as u16,
            station: (w3 & 0xffff) as u16,
            extended,
        })
    }

    /// The header's bytes: 16 if legacy, 32 otherwise.
    ///
    /// # Errors
    /// [`BasebandError::HeaderField`] when a value has more bits than the format gives it.
    pub fn to_bytes(&self) -> Result<Vec<u8>, BasebandError> {
        let fit = |field, value: u32, bits: u32| {
            let fits = value >> bits == 0;
            fits.then_some(value).ok_or(BasebandError::HeaderField { field, value: value.into() })
        };
        if !self.frame_bytes.is_multiple_of(8) || self.bits == 0 {
            let value = u64::from(self.frame_bytes);
            return Err(BasebandError::HeaderField { field: "frame length", value });
        }
        let words = [
            fit("seconds", self.seconds, 30)? | u32::from(self.legacy) << 30 | u32::from(self.invalid) << 31,
            fit("frame number", self.frame_number, 24)?
                | fit("reference epoch", self.ref_epoch.into(), 6)? << 24
                | fit("unassigned bits", self.unassigned.into(), 2)? << 30,
            fit("frame length / 8", self.frame_bytes / 8, 24)?
                | fit("log2 of channels", self.log2_channels.into(), 5)? << 24
                | fit("version", self.version.into(), 3)? << 29,
            u32::from(self.station)
                | fit("thread", self.thread.into(), 10)? << 16
                | fit("bits - 1", u32::from(self.bits) - 1, 5)? << 26
                | u32::from(self.complex) << 31,
        ];
        let extended = if self.legacy { &[][..] } else { &self.extended[..] };
        Ok(words.iter().chain(extended).flat_map(|w| w.to_le_bytes()).collect())
    }

    /// Bytes of this header.
    pub fn header_bytes(&self) -> usize {
        if self.legacy { LEGACY_HEADER_BYTES } else { FULL_HEADER_BYTES }
    }

    /// Number of channels as the header says; `None` if it is beyond any memory.
    pub fn channels(&self) -> Option<usize> {
        1usize.checked_shl(self.log2_channels.into())
    }

    /// Extended data version; 0 in legacy headers. Version 0 does not mean that the extended words are zero.
    pub fn edv(&self) -> u8 {
        (self.extended[0] >> 24) as u8
    }

    /// Whether extended data version 4 says that some of the channels are missing in this frame: a frame put together of
    /// several threads, one of which was lost.
    ///
    /// Source: VDIF extension 4: word 4, bits 16-23 length of the mask; word 5 sync word; words 6, 7 the mask, a bit set
    /// where data are there.
    pub fn lacks_channels(&self) -> bool {
        let [kind, sync, low, high] = self.extended;
        let length = kind >> 16 & 0xff;
        let told = !self.legacy && self.edv() == 4 && sync == EDV_SYNC && (1..=64).contains(&length);
        let whole = u64::MAX >> (64 - length.clamp(1, 64));
        told && (u64::from(low) | u64::from(high) << 32) & whole != whole
    }

    /// Samples per second that extended data versions 1 and 3 tell (real samples: twice the complex rate field).
    ///
    /// Source: VDIF extended user data versions 1 and 3 (NICT, VLBA): word 4, bits 0-22 rate, bit 23 unit (MHz or kHz).
    pub fn sample_rate_hz(&self) -> Option<u64> {
        let rate = u64::from(self.extended[0] & 0x7f_ffff);
        let unit_hz = if self.extended[0] >> 23 & 1 == 1 { 1_000_000 } else { 1_000 };
        let told = !self.legacy && matches!(self.edv(), 1 | 3) && rate > 0;
        told.then_some(rate * unit_hz * if self.complex { 1 } else { 2 })
    }

    /// The UTC second of the frame.
    pub fn utc_second(&self) -> UtcSecond {
        UtcSecond::from_vdif(self.ref_epoch, self.seconds)
    }

    /// The station as two characters, first character in the high byte, or as a number.
    pub fn station_name(&self) -> String {
        let [high, low] = self.station.to_be_bytes();
        if high >= b'0' && high.is_ascii_graphic() && (low.is_ascii_graphic() || low == b' ') {
            format!("{}{}", char::from(high), char::from(low)).trim_end().to_owned()
        } else {
            self.station.to_string()
        }
    }

    /// The station number of a one- or two-character code.
    pub fn station_from_code(code: &str) -> Option<u16> {
        match code.as_bytes() {
            [a] if a.is_ascii_graphic() => Some(u16::from_be_bytes([*a, b' '])),
            [a, b] if a.is_ascii_graphic() && b.is_ascii_graphic() => Some(u16::from_be_bytes([*a, *b])),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_words_go_round(words in proptest::array::uniform8(any::<u32>())) {
            let bytes: Vec<u8> = words.iter().flat_map(|w| w.to_le_bytes()).collect();
            let header = VdifHeader::parse(&bytes).unwrap();
            let back = header.to_bytes().unwrap();
            prop_assert_eq!(&back[..], &bytes[..header.header_bytes()]);
        }
    }

    #[test]
    fn a_value_too_wide_is_refused() {
        let mut header = VdifHeader::parse(&[0; 32]).unwrap();
        header.thread = 1024;
        assert!(matches!(header.to_bytes(), Err(BasebandError::HeaderField { field: "thread", .. })));
        assert!(VdifHeader::parse(&[0; 31]).is_err());
    }

    #[test]
    fn channels_are_missing_where_the_mask_says_so() {
        let mut header = VdifHeader::parse(&[0; 32]).unwrap();
        header.extended = [4 << 24 | 8 << 16, 0xacab_feed, 0xff, 0];
        assert!(!header.lacks_channels() && header.sample_rate_hz().is_none());
        header.extended[2] = 0xfb;
        assert!(header.lacks_channels());
        header.extended[0] = 4 << 24 | 2 << 16;
        assert!(!header.lacks_channels(), "beyond the mask's length");
        header.extended = [4 << 24 | 64 << 16, 0xacab_feed, u32::MAX, u32::MAX >> 1];
        assert!(header.lacks_channels());
        // Other versions, and what has no sync word, have no mask.
        for extended in [
            [3 << 24 | 8 << 16, 0xacab_feed, 0, 0],
            [4 << 24 | 8 << 16, 0, 0, 0],
            [4 << 24, 0xacab_feed, 0, 0],
        ] {
            header.extended = extended;
            assert!(!header.lacks_channels());
        }
    }

    #[test]
    fn stations_are_characters_or_numbers() {
        let mut header = VdifHeader::parse(&[0; 32]).unwrap();
        header.station = 0x4b54;
        assert_eq!(header.station_name(), "KT");
        assert_eq!(VdifHeader::station_from_code("KT"), Some(0x4b54));
        header.station = 0x0bdb;
        assert_eq!(header.station_name(), "3035");
    }
}
