//! Where line lists are: the folder that the programs ship, and the user's own.

use super::LibraryError;
use std::path::{Path, PathBuf};

/// The folder with the shipped data: that of the environment's `MIRINAE_DATA`; else `share/mirinae` of the prefix
/// that the program is installed under; else `data` of the source tree that it was built from. None: not there.
///
/// # Errors
/// Where `MIRINAE_DATA` names a folder that has no line list: the user meant it to have one.
pub fn data_folder() -> Result<Option<PathBuf>, LibraryError> {
    find(std::env::var_os("MIRINAE_DATA").map(PathBuf::from), &candidates())
}

/// Where shipped data are looked for without the environment's word.
pub(super) fn candidates() -> Vec<PathBuf> {
    let program = std::env::current_exe().and_then(|path| path.canonicalize()).ok();
    let prefix = program.as_deref().and_then(Path::parent).and_then(Path::parent);
    let installed = prefix.map(|prefix| prefix.join("share/mirinae"));
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).map(|root| root.join("data"));
    installed.into_iter().chain(source).collect()
}

fn find(environment: Option<PathBuf>, candidates: &[PathBuf]) -> Result<Option<PathBuf>, LibraryError> {
    let has_lines = |folder: &Path| folder.join("lines/MANIFEST.toml").is_file();
    match environment {
        Some(path) if has_lines(&path) => Ok(Some(path)),
        Some(path) => Err(LibraryError::Environment { path }),
        None => Ok(candidates.iter().find(|folder| has_lines(folder)).cloned()),
    }
}

/// The folder of the lines that the user imports: `mirinae/lines` of the environment's `XDG_DATA_HOME`, which is
/// `~/.local/share` unless set. None: there is no home.
pub fn user_folder() -> Option<PathBuf> {
    let absolute = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    absolute("XDG_DATA_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".local/share")))
        .map(|share| share.join("mirinae/lines"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_wins_and_must_be_right() {
        let dir = tempfile::tempdir().unwrap();
        let (first, second) = (dir.path().join("a"), dir.path().join("b"));
        for folder in [&first, &second] {
            std::fs::create_dir_all(folder.join("lines")).unwrap();
        }
        std::fs::write(second.join("lines/MANIFEST.toml"), "").unwrap();
        let both = [first.clone(), second.clone()];
        assert_eq!(find(None, &both).unwrap(), Some(second.clone()));
        assert_eq!(find(None, &both[..1]).unwrap(), None);
        assert_eq!(find(Some(second.clone()), &[]).unwrap(), Some(second));
        assert!(find(Some(first), &both).unwrap_err().to_string().contains("MIRINAE_DATA"));
    }

    #[test]
    fn the_source_tree_has_a_list() {
        let source = candidates().pop().unwrap();
        assert!(source.join("lines/MANIFEST.toml").is_file(), "{}", source.display());
    }
}
