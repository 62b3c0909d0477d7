//! Lists folders for the files of a scan, without asking for a single file's properties.

use crate::config::Settings;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io;
use std::path::Path;

/// A file that a scan has found.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Found {
    /// The object.
    pub id: String,
    /// The number of its band.
    pub band: usize,
    /// Its path from the root.
    pub path: String,
}

/// Name and band of a file that fits the template `...{id}...{band}...` (or the other way round), where a suffix of a
/// compressed file may follow.
fn parse(name: &str, template: &str, bands: &[String]) -> Option<(String, usize)> {
    for (number, band) in bands.iter().enumerate() {
        let pattern = template.replace("{band}", band);
        let (before, after) = pattern.split_once("{id}")?;
        let inner = name.strip_prefix(before)?;
        let inner =
            ["", ".gz", ".bz2", ".fz"].iter().find_map(|s| inner.strip_suffix(&format!("{after}{s}")));
        if let Some(id) = inner.filter(|id| !id.is_empty()) {
            return Some((id.to_owned(), number));
        }
    }
    None
}

/// Lists a folder and, where `deep`, those below it: the files that fit the template, and the folders below.
///
/// # Errors
/// What the system says.
pub fn list_folder(
    root: &Path,
    folder: &str,
    settings: &Settings,
    deep: bool,
) -> io::Result<(Vec<Found>, Vec<String>)> {
    let (mut found, mut below) = (Vec::new(), Vec::new());
    for entry in fs::read_dir(root.join(folder))? {
        let entry = entry?;
        // The kind comes with the listing: no request of its own, unless it is a link or the file system does not tell.
        let kind = entry.file_type()?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        let path = format!("{}/{name}", folder.trim_end_matches('/'));
        if kind.is_dir() {
            below.push(path);
        } else if let Some((id, band)) = parse(&name, &settings.path, &settings.bands) {
            found.push(Found { id, band, path });
        }
    }
    if deep {
        for folder in std::mem::take(&mut below) {
            found.extend(list_folder(root, &folder, settings, true)?.0);
        }
    }
    Ok((found, below))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_apart() {
        let bands = ["g".to_owned(), "r".to_owned()];
        let parsed = |name| parse(name, "im-{id}_{band}.fits", &bands);
        assert_eq!(parsed("im-12-3_r.fits"), Some(("12-3".to_owned(), 1)));
        assert_eq!(parsed("im-x_g.fits.fz"), Some(("x".to_owned(), 0)));
        assert_eq!(parsed("im-_g.fits"), None);
        assert_eq!(parsed("im-1_z.fits"), None);
        assert_eq!(parsed("other"), None);
    }
}
