//! Reads catalogue files as text, compressed with gzip or not.

use super::error::CatalogError;
use flate2::read::MultiGzDecoder;
use std::io::Read;
use std::path::Path;

/// The first bytes of a gzip file (RFC 1952, 2.3.1).
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// The whole text of a file; what is gzip is told from its content, not from its name. Bytes that are not UTF-8
/// become U+FFFD: the parsers name the line that holds them.
pub(super) fn read_text(path: &Path) -> Result<String, CatalogError> {
    let io = |source| CatalogError::Io { path: path.to_path_buf(), source };
    let mut bytes = std::fs::read(path).map_err(io)?;
    if bytes.starts_with(&GZIP_MAGIC) {
        let mut inflated = Vec::new();
        MultiGzDecoder::new(bytes.as_slice()).read_to_end(&mut inflated).map_err(|e| CatalogError::File {
            path: path.to_path_buf(),
            problem: format!("is gzip, but cannot be uncompressed ({e}): is the file whole?"),
        })?;
        bytes = inflated;
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, write::GzEncoder};
    use std::io::Write;

    #[test]
    fn gzip_is_told_from_its_content_and_damage_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.cat");
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(b"one\ntwo\n").unwrap();
        let packed = encoder.finish().unwrap();
        std::fs::write(&path, &packed).unwrap();
        assert_eq!(read_text(&path).unwrap(), "one\ntwo\n");
        std::fs::write(&path, &packed[..packed.len() - 9]).unwrap();
        let error = read_text(&path).unwrap_err().to_string();
        assert!(error.contains("a.cat") && error.contains("whole"), "{error}");
        std::fs::write(&path, "plain").unwrap();
        assert_eq!(read_text(&path).unwrap(), "plain");
        assert!(matches!(read_text(&dir.path().join("b")), Err(CatalogError::Io { .. })));
    }
}
