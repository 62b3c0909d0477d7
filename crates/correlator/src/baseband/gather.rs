//! Puts files together that are one recording: parts of a split file, and what the disks of a Mark6 hold of one scan.

use super::bytes::ByteSource;
use super::error::BasebandError;
use super::file::FrameFile;
use super::mark6;
use super::time::UtcSecond;
use std::path::{Path, PathBuf};

/// Opens recordings that lie in files: scatter-gather files of one name (on their disks) are one, and so are a file that
/// ends within a frame and the next one in the list that goes on with it. Blocks have about `block_target` bytes, the
/// days of Mark5B are those nearest to `near`.
///
/// # Errors
/// A file is missing, empty, unreadable, or no frames are in it.
pub fn open<P: AsRef<Path>>(
    paths: &[P],
    near: UtcSecond,
    block_target: u64,
) -> Result<Vec<FrameFile>, BasebandError> {
    let paths = paths.iter().map(AsRef::as_ref);
    let (scattered, plain): (Vec<&Path>, Vec<&Path>) = paths.partition(|path| mark6::is_scattered(path));
    let mut opened = joined(&plain, near, block_target)?;
    for set in sets(&scattered) {
        opened.push(FrameFile::of(ByteSource::gathered(&set)?, near, block_target)?);
    }
    Ok(opened)
}

/// Files of the same name are those of one scan.
fn sets(scattered: &[&Path]) -> Vec<Vec<PathBuf>> {
    let mut sets: Vec<Vec<PathBuf>> = Vec::new();
    for path in scattered {
        match sets.iter_mut().find(|set| set[0].file_name() == path.file_name()) {
            Some(set) => set.push(path.to_path_buf()),
            None => sets.push(vec![path.to_path_buf()]),
        }
    }
    sets
}

/// Files one by one, those that go on where the one before them ended together with it.
fn joined(plain: &[&Path], near: UtcSecond, block_target: u64) -> Result<Vec<FrameFile>, BasebandError> {
    let mut opened: Vec<FrameFile> = Vec::new();
    // Parts too short to show what they are: they wait for the next one.
    let mut waiting: Vec<PathBuf> = Vec::new();
    let open = |parts: &[PathBuf]| FrameFile::of(ByteSource::joined(parts)?, near, block_target);
    for path in plain {
        let path = path.to_path_buf();
        let alone = match open(std::slice::from_ref(&path)) {
            Ok(file) => Some(file),
            Err(BasebandError::NotVdif { .. }) => None,
            Err(error) => return Err(error),
        };
        if waiting.is_empty()
            && let Some(last) = opened.last_mut()
            && goes_on(last, alone.as_ref(), &path)
        {
            let mut parts: Vec<PathBuf> = last.paths().map(Path::to_path_buf).collect();
            parts.push(path);
            *last = open(&parts)?;
            continue;
        }
        match alone {
            Some(file) if waiting.is_empty() || file.origin() == 0 => {
                // Parts that nothing goes on with are no recording: opening them says so.
                if !waiting.is_empty() {
                    opened.push(open(&waiting)?);
                    waiting.clear();
                }
                opened.push(file);
            }
            _ => {
                waiting.push(path);
                if let Ok(file) = open(&waiting) {
                    opened.push(file);
                    waiting.clear();
                }
            }
        }
    }
    if !waiting.is_empty() {
        opened.push(open(&waiting)?);
    }
    Ok(opened)
}

/// Whether a file goes on with the frame within which the last one ended.
fn goes_on(last: &FrameFile, next: Option<&FrameFile>, path: &Path) -> bool {
    let missing = last.missing_bytes();
    match next {
        _ if missing == 0 => false,
        Some(next) => next.origin() == missing && next.first_time() >= last.first_time(),
        // Too short for a header to be seen in it.
        None => std::fs::metadata(path).is_ok_and(|m| m.len() < missing + 3 * last.frame_bytes()),
    }
}
