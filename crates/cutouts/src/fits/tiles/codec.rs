//! The methods that tiles are compressed with, and numbers that are not.

use super::super::error::FitsError;
use super::super::hdu::Hdu;
use super::gzip::{Gunzip, WRONG_SIZE};
use super::rice::Rice;
use super::{Problem, Shape, hcompress, plio};

/// ZCMPTYPE with what it needs to know.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Codec {
    Rice(Rice),
    Gzip,
    /// All first bytes of the numbers, then all second ones.
    GzipShuffled,
    Hcompress {
        smooth: bool,
    },
    Plio,
    Nothing,
}

impl Codec {
    pub(super) fn of(hdu: &Hdu<'_>) -> Result<Self, FitsError> {
        let header = &hdu.header;
        // By name, as the order is free; files older than the names have them in this order.
        let value = |name: &str, place: usize, absent: i64| {
            let named =
                (1..=99).find(|n| header.text(&format!("ZNAME{n}")).is_some_and(|found| found == name));
            let place = match named {
                None if header.has(&format!("ZNAME{place}")) => return absent,
                None => place,
                Some(place) => place,
            };
            header.real(&format!("ZVAL{place}")).map_or(absent, |v| v as i64)
        };
        let kind = header.text("ZCMPTYPE").ok_or_else(|| hdu.wrong("ZCMPTYPE", "is missing"))?;
        Ok(match kind.as_str() {
            "RICE_1" | "RICE_ONE" => {
                let (block, bytes) = (value("BLOCKSIZE", 1, 32), value("BYTEPIX", 2, 4));
                let block = usize::try_from(block).ok().filter(|&n| n > 0);
                let block = block.ok_or_else(|| hdu.wrong("ZVAL1", "is no size of a block"))?;
                if ![1, 2, 4].contains(&bytes) {
                    return Err(hdu.wrong("ZVAL2", format!("gives {bytes} bytes a pixel, not 1, 2 or 4")));
                }
                Self::Rice(Rice { block, bytes: bytes as usize })
            }
            "GZIP_1" => Self::Gzip,
            "GZIP_2" => Self::GzipShuffled,
            "HCOMPRESS_1" => Self::Hcompress { smooth: value("SMOOTH", 2, 0) != 0 },
            "PLIO_1" => Self::Plio,
            "NOCOMPRESS" => Self::Nothing,
            other => return Err(hdu.wrong("ZCMPTYPE", format!("is {other}, which is not known"))),
        })
    }

    /// The integers of a tile.
    pub(super) fn integers(
        self,
        gunzip: &mut Gunzip,
        bytes: &[u8],
        shape: Shape,
        out: &mut Vec<i64>,
    ) -> Result<(), Problem> {
        match self {
            Self::Rice(rice) => rice.unpack(bytes, shape, out),
            Self::Hcompress { smooth } => hcompress::unpack(bytes, shape, smooth, out),
            Self::Plio => plio::unpack(bytes, shape, out),
            Self::Gzip => integers(gunzip.unpack(bytes, shape.count)?, shape.count, out),
            Self::GzipShuffled => {
                integers(&ordered(gunzip.unpack(bytes, shape.count)?, shape.count), shape.count, out)
            }
            Self::Nothing => integers(bytes, shape.count, out),
        }
    }

    /// The numbers of a tile that are packed as they are.
    pub(super) fn numbers(
        self,
        gunzip: &mut Gunzip,
        bytes: &[u8],
        count: usize,
        out: &mut Vec<f64>,
    ) -> Result<(), Problem> {
        match self {
            Self::Gzip => numbers(gunzip.unpack(bytes, count)?, count, out),
            Self::GzipShuffled => numbers(&ordered(gunzip.unpack(bytes, count)?, count), count, out),
            Self::Nothing => numbers(bytes, count, out),
            _ => Err("it holds integers, and no scale makes numbers of them"),
        }
    }
}

/// The bytes of `count` numbers, each number's together.
fn ordered(shuffled: &[u8], count: usize) -> Vec<u8> {
    let width = shuffled.len() / count;
    let mut bytes = vec![0; shuffled.len()];
    for (place, plane) in shuffled.chunks_exact(count).enumerate() {
        for (number, byte) in bytes.chunks_exact_mut(width).zip(plane) {
            number[place] = *byte;
        }
    }
    bytes
}

/// Integers; their width follows from their number.
pub(super) fn integers(bytes: &[u8], count: usize, out: &mut Vec<i64>) -> Result<(), Problem> {
    out.clear();
    match bytes.len().checked_div(count).filter(|width| width * count == bytes.len()) {
        Some(1) => out.extend(bytes.iter().map(|&b| i64::from(b))),
        Some(2) => out.extend(bytes.as_chunks().0.iter().map(|b| i64::from(i16::from_be_bytes(*b)))),
        Some(4) => out.extend(bytes.as_chunks().0.iter().map(|b| i64::from(i32::from_be_bytes(*b)))),
        Some(8) => out.extend(bytes.as_chunks().0.iter().map(|b| i64::from_be_bytes(*b))),
        _ => return Err(WRONG_SIZE),
    }
    Ok(())
}

/// Floating-point numbers of either precision.
pub(super) fn numbers(bytes: &[u8], count: usize, out: &mut Vec<f64>) -> Result<(), Problem> {
    out.clear();
    match bytes.len().checked_div(count).filter(|width| width * count == bytes.len()) {
        Some(4) => out.extend(bytes.as_chunks().0.iter().map(|b| f64::from(f32::from_be_bytes(*b)))),
        Some(8) => out.extend(bytes.as_chunks().0.iter().map(|b| f64::from_be_bytes(*b))),
        _ => return Err(WRONG_SIZE),
    }
    Ok(())
}
