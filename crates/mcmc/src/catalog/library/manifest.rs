//! Reads the list of the shipped species, `MANIFEST.toml`.

use super::{Entry, LibraryError, Origin};
use serde::Deserialize;
use std::path::Path;

/// The version of the file's layout that this program reads.
const FORMAT: u32 = 1;

#[derive(Deserialize)]
struct Manifest {
    format: u32,
    #[serde(default)]
    species: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    name: String,
    title: String,
    tag: u32,
    lines: usize,
    range_mhz: [f64; 2],
    q_range_k: [f64; 2],
    cat: String,
    cat_sha256: String,
    qpart: String,
    qpart_sha256: String,
    #[serde(default)]
    note: String,
    q_from: From,
    lines_from: Vec<From>,
}

/// A package's file, and the catalogue entry in it.
#[derive(Deserialize)]
struct From {
    package: String,
    package_version: String,
    licence: String,
    catalog: Option<String>,
    list: Option<String>,
    file: Option<String>,
    entry: Option<String>,
    entry_version: Option<String>,
    entry_date: Option<String>,
}

/// What the source's own table has where it knows nothing.
const UNKNOWN: &str = "NULL";

impl From {
    /// "CDMS entry CS, v=0-4 (astroquery 0.4.11)".
    fn what(&self) -> String {
        let list = self.catalog.as_ref().or(self.list.as_ref()).or(self.file.as_ref());
        let entry = self.entry.as_ref().map(|e| format!(" entry {e}")).unwrap_or_default();
        let list = list.map_or("", String::as_str);
        format!("{list}{entry} ({} {})", self.package, self.package_version)
    }

    /// "2*, Oct. 2008"; empty where nothing is known.
    fn version(&self) -> String {
        let known = [&self.entry_version, &self.entry_date].into_iter().flatten();
        known.filter(|text| *text != UNKNOWN).map(String::as_str).collect::<Vec<_>>().join(", ")
    }
}

/// Different texts, in order.
fn joined(texts: impl Iterator<Item = String>) -> String {
    let mut all: Vec<String> = Vec::new();
    for text in texts.filter(|text| !text.is_empty()) {
        if !all.contains(&text) {
            all.push(text);
        }
    }
    all.join("; ")
}

fn entry(item: Item, folder: &Path) -> Entry {
    let lines = || item.lines_from.iter();
    let source = format!("lines: {}; Q: {}", joined(lines().map(From::what)), item.q_from.what());
    let line_versions = joined(lines().map(From::version));
    let versions = [("lines", line_versions), ("Q", item.q_from.version())];
    let known = versions.iter().filter(|(_, text)| !text.is_empty());
    Entry {
        version: known.map(|(what, text)| format!("{what} {text}")).collect::<Vec<_>>().join("; "),
        licence: joined(lines().chain([&item.q_from]).map(|f| f.licence.clone())),
        source,
        name: item.name,
        title: item.title,
        tag: item.tag,
        lines: item.lines,
        range_mhz: item.range_mhz,
        q_range_k: item.q_range_k,
        cat: item.cat,
        cat_sha256: item.cat_sha256,
        qpart: item.qpart,
        qpart_sha256: item.qpart_sha256,
        note: item.note,
        origin: Origin::Shipped,
        folder: folder.to_path_buf(),
    }
}

/// The species of the folder with `MANIFEST.toml`.
pub(super) fn read(folder: &Path) -> Result<Vec<Entry>, LibraryError> {
    let path = folder.join("MANIFEST.toml");
    let error = |problem: String| LibraryError::Manifest { path: path.clone(), problem };
    let text = std::fs::read_to_string(&path).map_err(|e| error(e.to_string()))?;
    let manifest: Manifest = toml::from_str(&text).map_err(|e| error(e.to_string()))?;
    if manifest.format != FORMAT {
        return Err(error(format!("has format {}, this program reads format {FORMAT}", manifest.format)));
    }
    Ok(manifest.species.into_iter().map(|item| entry(item, folder)).collect())
}
