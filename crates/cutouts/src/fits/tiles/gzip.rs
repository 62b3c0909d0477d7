//! Unpacks the gzip data of a tile, one decoder for all tiles: making one takes longer than a tile does.

use super::Problem;
use flate2::{Crc, Decompress, FlushDecompress, Status};

const DAMAGED: Problem = "its gzip data are damaged";
pub(super) const WRONG_SIZE: Problem = "it unpacks to another number of bytes than its pixels take";

/// A decoder and what it has unpacked last.
pub(super) struct Gunzip {
    state: Decompress,
    unpacked: Vec<u8>,
}

impl Gunzip {
    pub(super) fn new() -> Self {
        Self { state: Decompress::new(false), unpacked: Vec::new() }
    }

    /// Unpacks `count` numbers of 1, 2, 4 or 8 bytes.
    pub(super) fn unpack(&mut self, bytes: &[u8], count: usize) -> Result<&[u8], Problem> {
        let body = body(bytes).ok_or(DAMAGED)?;
        self.state.reset(false);
        self.unpacked.clear();
        self.unpacked.reserve_exact(8 * count + 1);
        let status = self.state.decompress_vec(body, &mut self.unpacked, FlushDecompress::Finish);
        match status.map_err(|_| DAMAGED)? {
            Status::StreamEnd => {}
            _ if self.unpacked.len() > 8 * count => return Err(WRONG_SIZE),
            _ => return Err(DAMAGED),
        }
        let trailer = body.get(self.state.total_in() as usize..).and_then(|rest| rest.first_chunk::<8>());
        let mut sum = Crc::new();
        sum.update(&self.unpacked);
        if trailer
            .is_none_or(|t| u64::from_le_bytes(*t) != u64::from(sum.sum()) | u64::from(sum.amount()) << 32)
        {
            return Err(DAMAGED);
        }
        let width = self.unpacked.len() / count;
        if ![1, 2, 4, 8].contains(&width) || self.unpacked.len() != width * count {
            return Err(WRONG_SIZE);
        }
        Ok(&self.unpacked)
    }
}

/// What follows the header (RFC 1952).
fn body(bytes: &[u8]) -> Option<&[u8]> {
    const EXTRA: u8 = 4;
    const NAME: u8 = 8;
    const COMMENT: u8 = 16;
    const HEADER_SUM: u8 = 2;
    let (&[0x1f, 0x8b, 8, flags, ..], mut rest) = bytes.split_first_chunk::<10>()? else { return None };
    if flags & EXTRA != 0 {
        let (length, after) = rest.split_first_chunk()?;
        rest = after.get(usize::from(u16::from_le_bytes(*length))..)?;
    }
    for text in [NAME, COMMENT] {
        if flags & text != 0 {
            let end = rest.iter().position(|&byte| byte == 0)?;
            rest = &rest[end + 1..];
        }
    }
    if flags & HEADER_SUM != 0 { rest.get(2..) } else { Some(rest) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn every_part_of_a_header_is_passed_over() {
        let values: Vec<u8> = (0..40).collect();
        let builder = flate2::GzBuilder::new().filename("a tile").comment("of an image").extra([1, 2, 3]);
        let mut writer = builder.write(Vec::new(), flate2::Compression::default());
        writer.write_all(&values).unwrap();
        let packed = writer.finish().unwrap();
        let mut gunzip = Gunzip::new();
        for count in [40, 20, 10, 5] {
            assert_eq!(gunzip.unpack(&packed, count), Ok(&values[..]));
        }
        assert_eq!(gunzip.unpack(&packed, 30), Err(WRONG_SIZE));
        assert_eq!(gunzip.unpack(&packed, 4), Err(WRONG_SIZE));
        assert_eq!(gunzip.unpack(&packed[..packed.len() - 1], 10), Err(DAMAGED));
        let mut wrong = packed.clone();
        let at = wrong.len() - 6;
        wrong[at] ^= 1;
        assert_eq!(gunzip.unpack(&wrong, 10), Err(DAMAGED));
    }
}
