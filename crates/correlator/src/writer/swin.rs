//! Writes and reads DiFX's own output format, SWIN.
//!
//! A file is a run of records without a file header: 74 bytes of header (little-endian: sync word 0xff00ff00,
//! version, baseline number, MJD, seconds as f64, configuration, source and frequency index, two letters of
//! polarisation, pulsar bin, weight, u, v, w in m as f64), then the channels as pairs of f32.

use num_complex::Complex32;
use std::io::{self, Write};

/// What stands before the version of every record.
const SYNC: u32 = 0xff00_ff00;
/// The binary version that mpifxcorr writes.
const VERSION: i32 = 1;
/// Bytes before the channels.
const HEADER_BYTES: usize = 74;

/// The header of a record.
#[derive(Debug, Clone, PartialEq)]
pub struct SwinHeader {
    /// 256 (A + 1) + (B + 1).
    pub baseline: i32,
    /// Day of the centre of the integration.
    pub mjd: i32,
    /// Second of that day.
    pub seconds: f64,
    /// Index of the configuration.
    pub config: i32,
    /// Index of the source in the `.calc`.
    pub source: i32,
    /// Index of the frequency in the `.input`.
    pub freq: i32,
    /// Polarisations of A and B.
    pub polarisations: [char; 2],
    /// Covered fraction.
    pub weight: f64,
    /// u, v, w in m; zero for autocorrelations.
    pub uvw_m: [f64; 3],
}

/// Why bytes are not SWIN.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SwinError {
    /// Another word stands where a record should begin.
    #[error("byte {offset}: no record of a SWIN file begins here")]
    NoSync {
        /// Place in the file.
        offset: usize,
    },
    /// The last record is cut short.
    #[error("byte {offset}: the record that begins here is cut short")]
    Short {
        /// Place in the file.
        offset: usize,
    },
}

/// Writes one record.
///
/// # Errors
/// What the writer says.
pub fn write_record(out: &mut impl Write, header: &SwinHeader, channels: &[Complex32]) -> io::Result<()> {
    let mut bytes = [0u8; HEADER_BYTES];
    let mut at = 0;
    let mut put = |field: &[u8]| {
        bytes[at..at + field.len()].copy_from_slice(field);
        at += field.len();
    };
    put(&SYNC.to_le_bytes());
    put(&VERSION.to_le_bytes());
    put(&header.baseline.to_le_bytes());
    put(&header.mjd.to_le_bytes());
    put(&header.seconds.to_le_bytes());
    put(&header.config.to_le_bytes());
    put(&header.source.to_le_bytes());
    put(&header.freq.to_le_bytes());
    put(&header.polarisations.map(|p| p as u8));
    put(&0i32.to_le_bytes());
    put(&header.weight.to_le_bytes());
    header.uvw_m.iter().for_each(|x| put(&x.to_le_bytes()));
    out.write_all(&bytes)?;
    channels.iter().try_for_each(|v| {
        out.write_all(&v.re.to_le_bytes())?;
        out.write_all(&v.im.to_le_bytes())
    })
}

/// Reads all records of a file that has `channels` channels in each.
///
/// # Errors
/// [`SwinError`], with the place.
pub fn read_records(bytes: &[u8], channels: usize) -> Result<Vec<(SwinHeader, Vec<Complex32>)>, SwinError> {
    let size = HEADER_BYTES + 8 * channels;
    let mut records = Vec::new();
    for (index, record) in bytes.chunks(size).enumerate() {
        let offset = index * size;
        if record.len() < 4 || word(record, 0).to_le_bytes() != SYNC.to_le_bytes() {
            return Err(SwinError::NoSync { offset });
        }
        if record.len() < size {
            return Err(SwinError::Short { offset });
        }
        let values = record[HEADER_BYTES..].chunks_exact(8);
        let float = |b: &[u8]| f32::from_le_bytes([b[0], b[1], b[2], b[3]]);
        let channels = values.map(|v| Complex32::new(float(v), float(&v[4..]))).collect();
        records.push((header(record), channels));
    }
    Ok(records)
}

fn word(bytes: &[u8], at: usize) -> i32 {
    i32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

fn double(bytes: &[u8], at: usize) -> f64 {
    let mut eight = [0u8; 8];
    eight.copy_from_slice(&bytes[at..at + 8]);
    f64::from_le_bytes(eight)
}

fn header(bytes: &[u8]) -> SwinHeader {
    SwinHeader {
        baseline: word(bytes, 8),
        mjd: word(bytes, 12),
        seconds: double(bytes, 16),
        config: word(bytes, 24),
        source: word(bytes, 28),
        freq: word(bytes, 32),
        polarisations: [bytes[36] as char, bytes[37] as char],
        weight: double(bytes, 42),
        uvw_m: [double(bytes, 50), double(bytes, 58), double(bytes, 66)],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn example(baseline: i32, seconds: f64, weight: f64) -> SwinHeader {
        SwinHeader {
            baseline,
            mjd: 60000,
            seconds,
            config: 0,
            source: 2,
            freq: 3,
            polarisations: ['R', 'L'],
            weight,
            uvw_m: [1.5, -2.5, 3.25],
        }
    }

    proptest! {
        #[test]
        fn goes_round(
            values in prop::collection::vec((-1e3f32..1e3, -1e3f32..1e3), 8),
            baseline in 257i32..5000, seconds in 0f64..86400.0, weight in 0f64..1.0
        ) {
            let channels: Vec<Complex32> = values.iter().map(|v| Complex32::new(v.0, v.1)).collect();
            let mut bytes = Vec::new();
            for (b, c) in [(baseline, &channels[..4]), (baseline + 1, &channels[4..])] {
                write_record(&mut bytes, &example(b, seconds, weight), c).unwrap();
            }
            let read = read_records(&bytes, 4).unwrap();
            prop_assert_eq!(&read[0], &(example(baseline, seconds, weight), channels[..4].to_vec()));
            prop_assert_eq!(&read[1], &(example(baseline + 1, seconds, weight), channels[4..].to_vec()));
        }
    }

    #[test]
    fn damage_is_told_with_its_place() {
        let mut bytes = Vec::new();
        for b in 0..2 {
            write_record(&mut bytes, &example(b, 0.0, 1.0), &[Complex32::default(); 4]).unwrap();
        }
        assert_eq!(read_records(&bytes[..bytes.len() - 1], 4), Err(SwinError::Short { offset: 106 }));
        bytes[106] ^= 1;
        assert_eq!(read_records(&bytes, 4), Err(SwinError::NoSync { offset: 106 }));
    }
}
