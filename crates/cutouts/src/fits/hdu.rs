//! Walks over the HDUs of a file.

use super::error::FitsError;
use super::header::{CARD, Header};
use std::ops::Range;

/// Headers and data fill whole blocks.
pub const BLOCK: usize = 2880;

/// One header with its data.
#[derive(Debug, Clone)]
pub struct Hdu<'a> {
    /// From 0.
    pub index: usize,
    /// Its cards.
    pub header: Header<'a>,
    /// Where its cards and their padding lie.
    pub head: Range<usize>,
    /// Where its data lie, without padding.
    pub data: Range<usize>,
}

impl Hdu<'_> {
    /// The error of a keyword: `problem` goes on the sentence that the keyword begins.
    pub(super) fn wrong(&self, keyword: &str, problem: impl Into<String>) -> FitsError {
        FitsError::Header { hdu: self.index, keyword: keyword.to_owned(), problem: problem.into() }
    }
}

/// The HDUs of a file, in order; an error is the last item.
pub fn hdus(bytes: &[u8]) -> Hdus<'_> {
    Hdus { bytes, next: 0, index: 0, failed: false }
}

/// Whether the bytes are a plain FITS file that ends where its last HDU ends: nothing more can be there to read.
pub fn is_complete(bytes: &[u8]) -> bool {
    let mut end = 0;
    for hdu in hdus(bytes) {
        match hdu {
            Ok(hdu) => end = padded(hdu.data.end),
            Err(_) => return false,
        }
    }
    end == bytes.len() && end > 0
}

/// Iterator of [`hdus`].
pub struct Hdus<'a> {
    bytes: &'a [u8],
    next: usize,
    index: usize,
    failed: bool,
}

fn padded(at: usize) -> usize {
    at.next_multiple_of(BLOCK)
}

impl<'a> Iterator for Hdus<'a> {
    type Item = Result<Hdu<'a>, FitsError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed || (self.index > 0 && self.is_over()) {
            return None;
        }
        let hdu = self.read();
        match &hdu {
            Ok(hdu) => {
                self.next = padded(hdu.data.end);
                self.index += 1;
            }
            Err(_) => self.failed = true,
        }
        Some(hdu)
    }
}

impl<'a> Hdus<'a> {
    /// What follows the last HDU and is no extension does not belong to the file: the standard allows special records.
    fn is_over(&self) -> bool {
        self.bytes.get(self.next..).is_none_or(|rest| !rest.starts_with(b"XTENSION"))
    }

    fn read(&self) -> Result<Hdu<'a>, FitsError> {
        let rest = &self.bytes[self.next..];
        if rest.is_empty() {
            return Err(FitsError::Empty);
        }
        if self.index == 0 && !rest.starts_with(b"SIMPLE  =") {
            let start = String::from_utf8_lossy(&rest[..rest.len().min(8)]).into_owned();
            return Err(FitsError::NotFits { start });
        }
        let end = rest.chunks_exact(CARD).position(|card| card.starts_with(b"END     "));
        let no_end = FitsError::NoEnd { hdu: self.index, have: self.bytes.len() };
        let end = end.ok_or(no_end)?;
        let header = Header::new(&rest[..end * CARD]);
        let start = padded(self.next + (end + 1) * CARD);
        let length = data_bytes(self.index, &header)?;
        let need = (start as u64).saturating_add(length);
        if need > self.bytes.len() as u64 && length > 0 {
            return Err(FitsError::Truncated { hdu: self.index, need, have: self.bytes.len() });
        }
        // A file may end with a header that is not padded, without data.
        let start = start.min(self.bytes.len());
        Ok(Hdu { index: self.index, header, head: self.next..start, data: start..start + length as usize })
    }
}

/// Bytes of an HDU's data: |BITPIX|/8 GCOUNT (PCOUNT + NAXIS1 NAXIS2 ...) (FITS 4.0, equation 2).
fn data_bytes(hdu: usize, header: &Header<'_>) -> Result<u64, FitsError> {
    let wrong = |keyword: &str, problem: &str| FitsError::Header {
        hdu,
        keyword: keyword.to_owned(),
        problem: problem.to_owned(),
    };
    let bitpix = header.integer("BITPIX").ok_or_else(|| wrong("BITPIX", "is missing"))?;
    if ![8, 16, 32, 64, -32, -64].contains(&bitpix) {
        return Err(wrong("BITPIX", &format!("is {bitpix}, not 8, 16, 32, 64, -32 or -64")));
    }
    let naxis = header.integer("NAXIS").ok_or_else(|| wrong("NAXIS", "is missing"))?;
    if !(0..=999).contains(&naxis) {
        return Err(wrong("NAXIS", &format!("is {naxis}")));
    }
    if naxis == 0 {
        return Ok(0);
    }
    let groups = header.logical("GROUPS") == Some(true) && header.integer("NAXIS1") == Some(0);
    let mut pixels = 1u64;
    for axis in 1 + i64::from(groups)..=naxis {
        let keyword = format!("NAXIS{axis}");
        let length = header.integer(&keyword).ok_or_else(|| wrong(&keyword, "is missing"))?;
        let length = u64::try_from(length).map_err(|_| wrong(&keyword, "is negative"))?;
        pixels = pixels.checked_mul(length).ok_or_else(|| wrong(&keyword, "makes the image too large"))?;
    }
    let count = |keyword: &str, absent: i64| match header.integer(keyword).unwrap_or(absent) {
        n if n >= 0 => Ok(n as u64),
        _ => Err(wrong(keyword, "is negative")),
    };
    let (pcount, gcount) = (count("PCOUNT", 0)?, count("GCOUNT", 1)?);
    let bytes = pixels.checked_add(pcount).and_then(|n| n.checked_mul(gcount));
    let bytes = bytes.and_then(|n| n.checked_mul(bitpix.unsigned_abs() / 8));
    bytes.filter(|&n| n < 1 << 60).ok_or_else(|| wrong("NAXIS", "makes the image too large"))
}
