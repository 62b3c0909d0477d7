//! Finds recordings: patterns of names, and what lies in a folder for each station.

use crate::baseband::UtcSecond;
use crate::baseband::bytes::ByteSource;
use crate::baseband::file::{BLOCK_TARGET, FrameFile};
use crate::baseband::mark6;
use std::path::{Path, PathBuf};

/// Folders below the one that is searched.
const DEEPEST: usize = 3;

/// Files that patterns name, from `folder`; each pattern's in the order of their names.
///
/// # Errors
/// A pattern that is none, or that no file has.
pub fn named(folder: &Path, patterns: &[String]) -> Result<Vec<PathBuf>, String> {
    let mut files = Vec::new();
    for pattern in patterns {
        let whole = folder.join(pattern);
        if !pattern.contains(['*', '?', '[']) {
            if !whole.is_file() {
                return Err(format!("the recording {} is not there", whole.display()));
            }
            files.push(whole);
            continue;
        }
        let found = glob::glob(&whole.to_string_lossy()).map_err(|e| format!("pattern {pattern}: {e}"))?;
        let before = files.len();
        files.extend(found.flatten().filter(|path| path.is_file()));
        if files.len() == before {
            return Err(format!("no recording is called {}", whole.display()));
        }
    }
    Ok(files)
}

/// Files in `folder` that belong to a station: its code in the VDIF header, or as a word of the file's name.
///
/// # Errors
/// The folder cannot be read.
pub fn of_station(folder: &Path, code: &str) -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    collect(folder, DEEPEST, &mut files)?;
    files.retain(|path| is_of(path, code));
    files.sort();
    Ok(files)
}

fn collect(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() && depth > 0 {
            collect(&path, depth - 1, files)?;
        } else if path.is_file() {
            files.push(path);
        }
    }
    Ok(())
}

fn is_of(path: &Path, code: &str) -> bool {
    // Only the station is asked for: any day will do.
    let set = mark6::is_scattered(path).then(|| ByteSource::gathered(&[path.to_owned()]));
    let source = set.unwrap_or_else(|| ByteSource::joined(&[path.to_owned()]));
    let Ok(file) = source.and_then(|source| FrameFile::of(source, UtcSecond(0), BLOCK_TARGET)) else {
        return false;
    };
    let name = path.file_stem().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let in_name = name.split(['_', '-', '.']).any(|word| word.eq_ignore_ascii_case(code));
    file.header().station_name().is_some_and(|name| name.eq_ignore_ascii_case(code)) || in_name
}
