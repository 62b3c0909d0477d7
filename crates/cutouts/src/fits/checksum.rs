//! Verifies DATASUM and CHECKSUM (FITS 4.0, section 4.4.2.7 and appendix J).

use super::hdu::Hdu;

/// What the checksums of an HDU say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It has none.
    Absent,
    /// They are right.
    Right,
    /// The data are not those that were written.
    WrongData,
    /// The data are right, the header is not the one that was written.
    WrongHeader,
}

/// Compares an HDU of the file `bytes` with its keywords DATASUM and CHECKSUM.
pub fn verify(bytes: &[u8], hdu: &Hdu<'_>) -> Verdict {
    let datasum = hdu.header.text("DATASUM").and_then(|text| text.trim().parse::<u32>().ok());
    let checksum = hdu.header.text("CHECKSUM").filter(|text| text.len() == 16);
    if datasum.is_none() && checksum.is_none() {
        return Verdict::Absent;
    }
    // Padding that is cut off counts as the zeros that it was.
    let end = hdu.data.end.next_multiple_of(super::hdu::BLOCK).min(bytes.len());
    let data = ones_complement_sum(bytes.get(hdu.data.start..end).unwrap_or(&[]));
    if datasum.is_some_and(|wanted| wanted != data) {
        return Verdict::WrongData;
    }
    let head = ones_complement_sum(&bytes[hdu.head.clone()]);
    let all = fold(u64::from(head) + u64::from(data));
    if checksum.is_some() && all != 0 && all != u32::MAX {
        return if datasum.is_some() { Verdict::WrongHeader } else { Verdict::WrongData };
    }
    Verdict::Right
}

/// The sum of big-endian 32-bit words with the carry added at the low end.
fn ones_complement_sum(bytes: &[u8]) -> u32 {
    let words = bytes.chunks_exact(4);
    let mut rest = [0; 4];
    rest[..words.remainder().len()].copy_from_slice(words.remainder());
    let sum: u64 = words.map(|w| u64::from(u32::from_be_bytes(w.try_into().unwrap_or([0; 4])))).sum();
    fold(sum + u64::from(u32::from_be_bytes(rest)))
}

fn fold(mut sum: u64) -> u32 {
    while sum > u64::from(u32::MAX) {
        sum = (sum >> 32) + (sum & u64::from(u32::MAX));
    }
    sum as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn carries_come_round() {
        assert_eq!(ones_complement_sum(&[0xff, 0xff, 0xff, 0xff, 0, 0, 0, 2]), 2);
        assert_eq!(ones_complement_sum(&[0, 0, 0, 1, 0x80]), 0x8000_0001);
    }
}
