//! Decompresses files that are compressed as a whole; the first bytes tell which are.

use super::error::FitsError;
use std::borrow::Cow;
use std::io::Read;

/// A file that unpacks to more than this is not a cutout.
const LIMIT_BYTES: u64 = 4 << 30;

/// The bytes of the FITS file: those given, or what they unpack to (gzip and bzip2, in one or several streams).
///
/// # Errors
/// [`FitsError::Decode`] where the compressed data are damaged or cut off.
pub fn unpack(bytes: &[u8]) -> Result<Cow<'_, [u8]>, FitsError> {
    match bytes {
        [0x1f, 0x8b, ..] => all("gzip", bytes, flate2::read::MultiGzDecoder::new(bytes)),
        [b'B', b'Z', b'h', ..] => all("bzip2", bytes, bzip2::read::MultiBzDecoder::new(bytes)),
        _ => Ok(Cow::Borrowed(bytes)),
    }
}

fn all<'a>(what: &'static str, packed: &[u8], reader: impl Read) -> Result<Cow<'a, [u8]>, FitsError> {
    let mut unpacked = Vec::with_capacity(4 * packed.len());
    let read = reader.take(LIMIT_BYTES).read_to_end(&mut unpacked);
    read.map_err(|e| FitsError::Decode { what, problem: e.to_string() })?;
    if unpacked.len() as u64 == LIMIT_BYTES {
        return Err(FitsError::Decode { what, problem: "more than 4 GiB".to_owned() });
    }
    Ok(Cow::Owned(unpacked))
}
