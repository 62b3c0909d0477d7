//! The bytes of one recording, wherever they lie: one file, parts of a split one, or the blocks of a scatter-gather set.

use super::error::BasebandError;
use super::mark6;
use mirinae_common::ahead;
use serde::{Deserialize, Serialize};
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

/// Where the bytes of a recording lie.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ByteIndex {
    /// The files and their lengths.
    files: Vec<(PathBuf, u64)>,
    /// They are the disks of a scatter-gather set.
    scattered: bool,
    size: u64,
}

/// A recording as one run of bytes. Its files are open while they are needed.
#[derive(Debug)]
pub struct ByteSource {
    index: ByteIndex,
    open: Option<Opened>,
}

/// Open files.
#[derive(Debug, Default)]
struct Opened {
    files: Vec<(File, u64)>,
    /// Ascending and without holes.
    extents: Vec<Extent>,
    size: u64,
}

impl Opened {
    fn joined(paths: &[PathBuf]) -> Result<Self, BasebandError> {
        let mut opened = Self::default();
        for path in paths {
            let (file, bytes) = open(path)?;
            opened.files.push((file, bytes));
            opened.push(opened.files.len() - 1, (0, bytes));
        }
        Ok(opened)
    }

    fn gathered(paths: &[PathBuf]) -> Result<Self, BasebandError> {
        let mut opened = Self::default();
        let mut blocks = Vec::new();
        for (index, path) in paths.iter().enumerate() {
            let (file, bytes) = open(path)?;
            let found = mark6::blocks(&file, path, bytes)?;
            blocks.extend(found.into_iter().map(|block| (block.number, index, block)));
            opened.files.push((file, bytes));
        }
        blocks.sort_unstable_by_key(|(number, index, _)| (*number, *index));
        // A block that two disks have is the same block.
        blocks.dedup_by_key(|(number, ..)| *number);
        for (_, index, block) in blocks {
            opened.push(index, (block.offset, block.bytes));
        }
        Ok(opened)
    }

    fn push(&mut self, file: usize, (offset, bytes): (u64, u64)) {
        self.extents.push(Extent { at: self.size, file, offset, bytes });
        self.size += bytes;
    }
}

impl ByteSource {
    /// One file, or several that follow one another.
    ///
    /// # Errors
    /// A file is missing, empty or unreadable.
    pub fn joined(paths: &[PathBuf]) -> Result<Self, BasebandError> {
        Ok(Self::of(paths, false, Opened::joined(paths)?))
    }

    /// The files of one scan of a Mark6 in scatter-gather mode: their blocks in the order of their numbers.
    ///
    /// # Errors
    /// A file is missing, empty, unreadable or of another kind.
    pub fn gathered(paths: &[PathBuf]) -> Result<Self, BasebandError> {
        let source = Self::of(paths, true, Opened::gathered(paths)?);
        match source.size() {
            0 => Err(BasebandError::Empty { path: source.path().to_owned() }),
            _ => Ok(source),
        }
    }

    fn of(paths: &[PathBuf], scattered: bool, opened: Opened) -> Self {
        let files = paths.iter().cloned().zip(opened.files.iter().map(|(_, bytes)| *bytes)).collect();
        let index = ByteIndex { files, scattered, size: opened.size };
        Self { index, open: Some(opened) }
    }

    /// A recording that has been seen before: its files are opened when something is read.
    pub fn asleep(index: ByteIndex) -> Self {
        Self { index, open: None }
    }

    /// Closes its files until something is read again.
    pub fn sleep(&mut self) {
        self.open = None;
    }

    /// Whether its files are open.
    pub fn is_awake(&self) -> bool {
        self.open.is_some()
    }

    /// Where its bytes lie.
    pub fn index(&self) -> &ByteIndex {
        &self.index
    }

    fn wake(&mut self) -> Result<(), BasebandError> {
        let paths: Vec<PathBuf> = self.paths().map(Path::to_owned).collect();
        let opened = if self.index.scattered { Opened::gathered(&paths) } else { Opened::joined(&paths) }?;
        let differs = opened.files.iter().zip(&self.index.files).find(|((_, now), (_, then))| now != then);
        if let Some(((_, now), (path, then))) = differs {
            let what = format!("it has {now} bytes and had {then} when the run was planned");
            return Err(BasebandError::Read {
                path: path.clone(),
                offset: *now,
                source: std::io::Error::other(what),
            });
        }
        self.open = Some(opened);
        Ok(())
    }

    /// Its first file.
    pub fn path(&self) -> &Path {
        self.index.files.first().map_or(Path::new(""), |(path, _)| path)
    }

    /// All its files.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.index.files.iter().map(|(path, _)| path.as_path())
    }

    /// Its length.
    pub fn size(&self) -> u64 {
        self.index.size
    }

    /// Says that `n` bytes from `offset` on will be read next, where its files are open.
    pub fn will_need(&self, offset: u64, n: u64) {
        let Some(opened) = &self.open else { return };
        let end = offset + n;
        for extent in opened.extents.iter().filter(|e| e.at < end && e.at + e.bytes > offset) {
            let (from, to) = (offset.max(extent.at), end.min(extent.at + extent.bytes));
            ahead::will_need(&opened.files[extent.file].0, extent.offset + (from - extent.at), to - from);
        }
    }

    /// Reads `n` bytes from `offset` on.
    ///
    /// # Errors
    /// [`BasebandError::Read`], with file and place, where they are not there or the system refuses.
    pub fn read_at(&mut self, offset: u64, n: usize, into: &mut Vec<u8>) -> Result<(), BasebandError> {
        if self.open.is_none() {
            self.wake()?;
        }
        let (files, extents) = match &self.open {
            Some(opened) => (opened.files.as_slice(), opened.extents.as_slice()),
            None => (&[][..], &[][..]),
        };
        into.resize(n, 0);
        let (mut at, mut done) = (offset, 0);
        let mut index = extents.partition_point(|e| e.at + e.bytes <= offset);
        while done < n {
            let Some(extent) = extents.get(index) else {
                let source = std::io::Error::from(ErrorKind::UnexpectedEof);
                return Err(BasebandError::Read { path: self.path().to_owned(), offset: at, source });
            };
            let ((path, _), (file, _)) = (&self.index.files[extent.file], &files[extent.file]);
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
        let mut source = ByteSource::joined(&paths).unwrap();
        assert_eq!(source.size(), 5000);
        let mut got = Vec::new();
        for (offset, n) in [(0, 5000), (3, 10), (1999, 3), (4999, 1), (5000, 0)] {
            source.read_at(offset, n, &mut got).unwrap();
            assert_eq!(got, whole[offset as usize..offset as usize + n]);
        }
        assert!(matches!(source.read_at(4999, 2, &mut got), Err(BasebandError::Read { offset: 5000, .. })));

        // What was seen before is opened when it is read; what has changed since then is refused.
        let mut later = ByteSource::asleep(source.index().clone());
        assert!(!later.is_awake());
        later.read_at(3, 10, &mut got).unwrap();
        assert!(later.is_awake() && got == whole[3..13]);
        later.sleep();
        std::fs::write(&paths[0], &whole[..8]).unwrap();
        let told = later.read_at(3, 10, &mut got).unwrap_err();
        assert!(matches!(&told, BasebandError::Read { path, .. } if *path == paths[0]), "{told}");
        std::fs::remove_file(&paths[0]).unwrap();
        assert!(matches!(later.read_at(3, 10, &mut got), Err(BasebandError::Missing { .. })));
    }
}
