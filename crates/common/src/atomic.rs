//! Puts a file in its place whole or not at all.

use crate::fault;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// A file that could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {path}", path = path.display())]
pub struct WriteError {
    /// The file as it should have been called in the end.
    pub path: PathBuf,
    /// What the system said.
    pub source: io::Error,
}

/// The name under which `path` is written before it is renamed: `.NAME.tmp` beside it.
///
/// A distributed Gluster volume places a file by a hash of its name, and takes `.NAME.XXX` for `NAME` there (its
/// `rsync-hash-regex`). Under any other name the file would stay on the brick of the old one and the new one's brick
/// would hold a pointer to it: more requests for each file, and where a brick dies in between, pointers to nothing
/// that let no file of that name be made any more ("File exists").
pub fn temporary(path: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(".tmp");
    path.with_file_name(name)
}

/// Writes `path` through a buffer: to a temporary name, synced, renamed, and the folder synced.
///
/// # Errors
/// What the system says, with the path; the temporary file is removed then.
pub fn write(
    path: &Path,
    fill: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> Result<(), WriteError> {
    let write_tmp = |tmp: &Path| {
        let mut file = BufWriter::with_capacity(1 << 20, File::create(tmp)?);
        fill(&mut file)?;
        file.flush()
    };
    write_by_path(path, write_tmp, |e| e).map_err(|source| WriteError { path: path.to_path_buf(), source })
}

/// The same for libraries that open their files themselves: `fill` gets the temporary name and must have closed the
/// file when it returns.
///
/// # Errors
/// What `fill` says, or the system's word turned into the caller's error by `wrap`; the temporary file is removed then.
pub fn write_by_path<E>(
    path: &Path,
    fill: impl FnOnce(&Path) -> Result<(), E>,
    wrap: impl Fn(io::Error) -> E,
) -> Result<(), E> {
    let pending = Pending::new(path);
    fill(pending.temporary())?;
    pending.put().map_err(wrap)
}

/// A file that is being written under its temporary name. Dropped before it is put in its place, it is removed.
#[derive(Debug)]
pub struct Pending {
    path: PathBuf,
    temporary: PathBuf,
}

impl Pending {
    /// A file that will be called `path`; nothing is created yet.
    pub fn new(path: &Path) -> Self {
        Self { path: path.to_path_buf(), temporary: temporary(path) }
    }

    /// The name to write to.
    pub fn temporary(&self) -> &Path {
        &self.temporary
    }

    /// Syncs the finished temporary file, which must have been closed or flushed, and gives it its name.
    ///
    /// # Errors
    /// What the system says; the temporary file is removed then.
    pub fn commit(self) -> Result<(), WriteError> {
        let path = self.path.clone();
        self.put().map_err(|source| WriteError { path, source })
    }

    fn put(self) -> io::Result<()> {
        fault::pass("write").map_err(io::Error::other)?;
        let said = |step: &str, e: io::Error| {
            io::Error::new(e.kind(), format!("{step} {}: {e}", self.temporary.display()))
        };
        File::open(&self.temporary).and_then(|file| file.sync_all()).map_err(|e| said("syncing", e))?;
        fs::rename(&self.temporary, &self.path).map_err(|e| said("renaming", e))?;
        fault::pass("rename").map_err(io::Error::other)?;
        sync_folder(&self.path)
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        // After the rename, or where the file never came to be, there is nothing to remove.
        let _ = fs::remove_file(&self.temporary);
    }
}

/// Makes the names in the folder of `path` survive a power cut.
///
/// # Errors
/// What the system says.
pub fn sync_folder(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => File::open(folder)?.sync_all(),
        _ => File::open(".")?.sync_all(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_temporary_name_is_one_that_gluster_puts_beside_the_last() {
        assert_eq!(
            temporary(Path::new("out/parts/00000168.part")),
            Path::new("out/parts/.00000168.part.tmp")
        );
        assert_eq!(temporary(Path::new("a.h5")), Path::new(".a.h5.tmp"));
    }

    #[test]
    fn whole_or_not_at_all() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.txt");
        write(&path, |f| f.write_all(b"one")).unwrap();
        let error = write(&path, |f| {
            f.write_all(b"tw")?;
            Err(io::Error::from(io::ErrorKind::StorageFull))
        });
        assert!(error.unwrap_err().to_string().contains("a.txt"));
        assert_eq!(fs::read(&path).unwrap(), b"one");
        assert!(!temporary(&path).exists());
    }
}
