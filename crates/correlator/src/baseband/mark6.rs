//! Finds the blocks of files that a Mark6 wrote in scatter-gather mode: each disk has some of a scan's blocks.
//!
//! A file begins with five 32-bit words (little-endian): a sync word, the version (1 or 2), the length of a block with
//! its header, the format of the packets (0 VDIF, 1 Mark5B) and their length. Then come blocks: their number and, from
//! version 2 on, their length with this header, since the last ones may be shorter. Source: the recorder's program
//! dplane, as several readers of its files have it.

use super::error::BasebandError;
use std::fs::File;
use std::io::ErrorKind;
use std::os::unix::fs::FileExt;
use std::path::Path;

const SYNC: u32 = 0xfeed_6666;
const FILE_HEADER_BYTES: usize = 20;

/// The bytes of a block without its header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SgBlock {
    /// Its number among those of all disks.
    pub number: u32,
    /// Where its packets begin in the file.
    pub offset: u64,
    /// Their length.
    pub bytes: u64,
}

fn words<const N: usize>(bytes: &[u8]) -> [u32; N] {
    std::array::from_fn(|i| {
        u32::from_le_bytes([bytes[4 * i], bytes[4 * i + 1], bytes[4 * i + 2], bytes[4 * i + 3]])
    })
}

/// Whether a file is one of a scatter-gather set; what cannot be read is none.
pub fn is_scattered(path: &Path) -> bool {
    let mut head = [0; 4];
    File::open(path).and_then(|file| file.read_exact_at(&mut head, 0)).is_ok() && words(&head) == [SYNC]
}

/// The blocks of a file of `size` bytes, in the order in which they lie there. A last one cut short is as long as it is.
///
/// # Errors
/// The file is of another kind or cannot be read.
pub fn blocks(file: &File, path: &Path, size: u64) -> Result<Vec<SgBlock>, BasebandError> {
    let unusable = |what: String| BasebandError::Scattered { path: path.to_owned(), what };
    let mut head = [0; FILE_HEADER_BYTES];
    read(file, path, 0, &mut head)?;
    let [sync, version, block_bytes, ..] = words::<5>(&head);
    if sync != SYNC || !matches!(version, 1 | 2) {
        return Err(unusable(format!(
            "no file of a Mark6 scatter-gather set (sync {sync:#x}, version {version})"
        )));
    }
    let header_bytes = 4 * u64::from(version);
    if u64::from(block_bytes) <= header_bytes {
        return Err(unusable(format!("its header says that blocks have {block_bytes} bytes")));
    }
    let mut found = Vec::new();
    let mut at = FILE_HEADER_BYTES as u64;
    while at + header_bytes < size {
        let mut header = [0; 8];
        read(file, path, at, &mut header[..header_bytes as usize])?;
        let [number, own_bytes] = words(&header);
        let bytes = if version == 1 { block_bytes } else { own_bytes };
        if u64::from(bytes) <= header_bytes || bytes > block_bytes {
            return Err(unusable(format!("block {number} at byte {at} has a length of {bytes} bytes")));
        }
        let end = (at + u64::from(bytes)).min(size);
        found.push(SgBlock { number, offset: at + header_bytes, bytes: end - at - header_bytes });
        at = end;
    }
    Ok(found)
}

fn read(file: &File, path: &Path, offset: u64, into: &mut [u8]) -> Result<(), BasebandError> {
    file.read_exact_at(into, offset).map_err(|source| match source.kind() {
        ErrorKind::UnexpectedEof => BasebandError::Scattered {
            path: path.to_owned(),
            what: "it ends within its first header".to_owned(),
        },
        _ => BasebandError::Read { path: path.to_owned(), offset, source },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::baseband::bytes::ByteSource;

    /// A file of blocks (number, bytes).
    fn scattered(version: u32, blocks: &[(u32, &[u8])]) -> Vec<u8> {
        let header = 4 * version;
        let mut bytes: Vec<u8> =
            [SYNC, version, 64 + header, 0, 32].iter().flat_map(|w| w.to_le_bytes()).collect();
        for (number, block) in blocks {
            bytes.extend(number.to_le_bytes());
            if version == 2 {
                bytes.extend((block.len() as u32 + header).to_le_bytes());
            }
            bytes.extend(*block);
        }
        bytes
    }

    #[test]
    fn blocks_of_two_disks_are_put_in_order() {
        let dir = tempfile::tempdir().unwrap();
        let paths = [dir.path().join("a"), dir.path().join("b")];
        let content = |i: u8| [i; 64];
        for version in [1, 2] {
            let a = scattered(version, &[(1, &content(1)), (2, &content(2))]);
            let b = scattered(version, &[(0, &content(0)), (5, &content(5)[..40])]);
            for (path, bytes) in paths.iter().zip([a, b]) {
                std::fs::write(path, bytes).unwrap();
                assert!(is_scattered(path));
            }
            let mut source = ByteSource::gathered(&paths).unwrap();
            let mut got = Vec::new();
            source.read_at(0, 3 * 64 + 40, &mut got).unwrap();
            let wanted = [&content(0)[..], &content(1), &content(2), &content(5)[..40]].concat();
            assert_eq!((got, source.size()), (wanted, 3 * 64 + 40));
        }
    }

    #[test]
    fn damage_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        let whole = scattered(2, &[(0, &[0; 64]), (1, &[1; 64])]);
        for (from, to, what) in
            [(0, 4, "no file"), (4, 8, "no file"), (8, 12, "blocks have"), (24, 28, "length")]
        {
            let mut bad = whole.clone();
            bad[from..to].fill(0);
            std::fs::write(&path, bad).unwrap();
            let told = ByteSource::gathered(std::slice::from_ref(&path)).unwrap_err().to_string();
            assert!(told.contains(what), "{told}");
        }
        std::fs::write(&path, &whole[..10]).unwrap();
        assert!(ByteSource::gathered(&[path]).unwrap_err().to_string().contains("ends within"));
    }
}
