//! The bytes of one recording, wherever they lie: one file, parts of a split one, or the blocks of a scatter-gather set.

use super::error::BasebandError;
use super::mark6;
use std::fs::File;
use std::io::ErrorKind;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// A run of bytes of one file.
#[derive(Debug, Clone, Copy)]
struct Extent {
    /// Where it begins in the recording.
    at: u64,
    /// Which file.
    file: usize,
    /// Where it begins in the file.
    offset: u64,
    /// Its length.
    bytes: u64,
}

/// A recording as one run of bytes.
#[derive(Debug)]
pub struct ByteSource {
    files: Vec<(PathBuf, File)>,
    /// Ascending and without holes.
    extents: Vec<Extent>,
    size: u64,
}

impl ByteSource {
    /// One file, or several that follow one another.
    ///
    /// # Errors
    /// A file is missing, empty or unreadable.
    pub fn joined(paths: &[PathBuf]) -> Result<Self, BasebandError> {
        let mut source = Self { files: Vec::new(), extents: Vec::new(), size: 0 };
        for path in paths {
            let (file, bytes) = open(path)?;
            source.files.push((path.clone(), file));
            source.push(source.files.len() - 1, (0, bytes));
        }
        Ok(source)
    }

    /// The files of one scan of a Mark6 in scatter-gather mode: their blocks in the order of their numbers.
    ///
    /// # Errors
    /// A file is missing, empty, unreadable or of another kind.
    pub fn gathered(paths: &[PathBuf]) -> Result<Self, BasebandError> {
        let mut source = Self { files: Vec::new(), extents: Vec::new(), size: 0 };
        let mut blocks = Vec::new();
        for (index, path) in paths.iter().enumerate() {
            let (file, bytes) = open(path)?;
            let found = mark6::blocks(&file, path, bytes)?;
            blocks.extend(found.into_iter().map(|block| (block.number, index, block)));
            source.files.push((path.clone(), file));
        }
        blocks.sort_unstable_by_key(|(number, index, _)| (*number, *index));
        // A block that two disks have is the same block.
        blocks.dedup_by_key(|(number, ..)| *number);
        for (_, index, block) in blocks {
            source.push(index, (block.offset, block.bytes));
        }
        match source.size {
            0 => Err(BasebandError::Empty { path: source.path().to_owned() }),
            _ => Ok(source),
        }
    }

    fn push(&mut self, file: usize, (offset, bytes): (u64, u64)) {
        self.extents.push(Extent { at: self.size, file, offset, bytes });
        self.size += bytes;
    }

    /// Its first file.
    pub fn path(&self) -> &Path {
        self.files.first().map_or(Path::new(""), |(path, _)| path)
    }

    /// All its files.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().map(|(path, _)| path.as_path())
    }

    /// Its length.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Reads `n` bytes from `offset` on.
    ///
    /// # Errors
    /// [`BasebandError::Read`], with file and place, where they are not there or the system refuses.
    pub fn read_at(&self, offset: u64, n: usize, into: &mut Vec<u8>) -> Result<(), BasebandError> {
        into.resize(n, 0);
        let (mut at, mut done) = (offset, 0);
        let mut index = self.extents.partition_point(|e| e.at + e.bytes <= offset);
        while done < n {
            let Some(extent) = self.extents.get(index) else {
                let source = std::io::Error::from(ErrorKind::UnexpectedEof);
                return Err(BasebandError::Read { path: self.path().to_owned(), offset: at, source });
            };
            let (path, file) = &self.files[extent.file];
            let inside = at - extent.at;
            let count = ((extent.bytes - inside) as usize).min(n - done);
            let place = extent.offset + inside;
            file.read_exact_at(&mut into[done..done + count], place)
                .map_err(|source| BasebandError::Read { path: path.clone(), offset: place, source })?;
            (at, done, index) = (at + count as u64, done + count, index + 1);
        }
        Ok(())
    }
}

/// Opens a file that has bytes.
fn open(path: &Path) -> Result<(File, u64), BasebandError> {
    let failed = |source: std::io::Error| match source.kind() {
        ErrorKind::NotFound => BasebandError::Missing { path: path.to_owned() },
        _ => BasebandError::Read { path: path.to_owned(), offset: 0, source },
    };
    let file = File::open(path).map_err(failed)?;
    match file.metadata().map_err(failed)?.len() {
        0 => Err(BasebandError::Empty { path: path.to_owned() }),
        size => Ok((file, size)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_one_run_of_bytes() {
        let dir = tempfile::tempdir().unwrap();
        let whole: Vec<u8> = (0..251u8).cycle().take(5000).collect();
        let mut paths = Vec::new();
        for (i, part) in [&whole[..7], &whole[7..2000], &whole[2000..2001], &whole[2001..]].iter().enumerate()
        {
            paths.push(dir.path().join(format!("{i}")));
            std::fs::write(&paths[i], part).unwrap();
        }
        let source = ByteSource::joined(&paths).unwrap();
        assert_eq!(source.size(), 5000);
        let mut got = Vec::new();
        for (offset, n) in [(0, 5000), (3, 10), (1999, 3), (4999, 1), (5000, 0)] {
            source.read_at(offset, n, &mut got).unwrap();
            assert_eq!(got, whole[offset as usize..offset as usize + n]);
        }
        assert!(matches!(source.read_at(4999, 2, &mut got), Err(BasebandError::Read { offset: 5000, .. })));
    }
}
