//! Finds species in the line lists at hand: the user's own, then those that the programs ship.

mod folders;
mod manifest;

pub use folders::{data_folder, user_folder};

use super::duplicates::{Duplicates, without_duplicates};
use super::error::CatalogError;
use super::interpolate::Interpolation;
use super::line::Line;
use super::partition::PartitionFunction;
use super::qtable::QTable;
use super::species::Species;
use super::spfit::read_spfit;
use mirinae_common::provenance::InputFile;
use serde::{Deserialize, Serialize};
use std::io;
use std::path::{Path, PathBuf};

/// A line list that cannot be used as a whole, or a species that is not in it.
#[derive(Debug, thiserror::Error)]
pub enum LibraryError {
    /// The folder named by the environment is not there.
    #[error("MIRINAE_DATA is {}, but there is no lines/MANIFEST.toml in it", path.display())]
    Environment {
        /// What the environment says.
        path: PathBuf,
    },
    /// The list of species, or what is told of one of the user's, cannot be read.
    #[error("{}: {problem}", path.display())]
    Manifest {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// No species of this name.
    #[error("there are no lines of a species \"{name}\"{hint}")]
    Unknown {
        /// What was looked for.
        name: String,
        /// The nearest known names, or where line lists were looked for.
        hint: String,
    },
}

/// Where an entry is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Origin {
    /// The list that comes with the programs.
    #[default]
    Shipped,
    /// The user's folder.
    User,
}

impl Origin {
    /// "shipped" or "user".
    pub fn name(self) -> &'static str {
        match self {
            Self::Shipped => "shipped",
            Self::User => "user",
        }
    }
}

/// One species of a line list: what it is, where it is from and which files hold it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Name by which a configuration asks for it.
    pub name: String,
    /// The molecule and its states, in words.
    pub title: String,
    /// Tag of the catalogue entry; 0: not known.
    pub tag: u32,
    /// Catalogue and entry, and what they came by.
    pub source: String,
    /// Version and date of the entry, as far as they are known.
    pub version: String,
    /// Licence of the files that the numbers were taken from.
    pub licence: String,
    /// Number of lines.
    pub lines: usize,
    /// First and last frequency (MHz).
    pub range_mhz: [f64; 2],
    /// First and last temperature (K) of the partition function.
    pub q_range_k: [f64; 2],
    /// File of the lines, in SPFIT's format, gzip-compressed or not.
    pub cat: String,
    /// SHA-256 of that file, in hexadecimal digits.
    pub cat_sha256: String,
    /// File of the partition function.
    pub qpart: String,
    /// SHA-256 of that file.
    pub qpart_sha256: String,
    /// What is known to be wrong or odd with it; empty where nothing is.
    #[serde(default)]
    pub note: String,
    /// Which list it is of.
    #[serde(skip)]
    pub origin: Origin,
    /// The folder of its files.
    #[serde(skip)]
    pub folder: PathBuf,
}

impl Entry {
    /// Source, version, tag and licence in one sentence: for products.
    pub fn provenance(&self) -> String {
        let tag = if self.tag == 0 { "of unknown tag".to_owned() } else { format!("tag {}", self.tag) };
        let version = if self.version.is_empty() { "not told" } else { &self.version };
        format!(
            "{} ({} list), {tag}, version {version}, licence {}",
            self.source,
            self.origin.name(),
            self.licence
        )
    }

    /// The two files, lines first, by names that do not depend on the machine ("shipped:CO.cat.gz"); refuses files
    /// that are not those that the list was made of.
    pub fn files(&self) -> Result<[InputFile; 2], CatalogError> {
        let check = |name: &str, sha256: &str| {
            let path = self.folder.join(name);
            let file = InputFile::of(&format!("{}:{name}", self.origin.name()), &path)
                .map_err(|source| CatalogError::Io { path: path.clone(), source })?;
            if file.sha256 == sha256 {
                return Ok(file);
            }
            let problem = "has changed since the list was made (its SHA-256 differs): restore it, or import your own \
                           file with `alma-fit catalog import`";
            Err(CatalogError::File { path, problem: problem.into() })
        };
        Ok([check(&self.cat, &self.cat_sha256)?, check(&self.qpart, &self.qpart_sha256)?])
    }

    /// Lines, ascending in frequency, and the table of the partition function.
    pub fn read(&self) -> Result<(Vec<Line>, QTable), CatalogError> {
        let lines = read_spfit(&self.folder.join(&self.cat))?;
        let table = QTable::read(&self.folder.join(&self.qpart), Some(self.tag))?;
        Ok((lines, table))
    }

    /// The species as searches want it: lines listed twice once, Q smooth and within its table.
    pub fn species(&self) -> Result<Species, CatalogError> {
        let (lines, table) = self.read()?;
        let (lines, _) = without_duplicates(lines, Duplicates::Components);
        let q = PartitionFunction::new(&table, Interpolation::Smooth, false);
        Species::new(&self.name, lines, q, &self.source)
    }
}

/// The species at hand, by name; the user's own hide those of the same name that are shipped.
#[derive(Debug, Clone, Default)]
pub struct Library {
    entries: Vec<Entry>,
    looked_in: Vec<PathBuf>,
}

impl Library {
    /// The user's folder ([`user_folder`]) and the shipped list ([`data_folder`]), as far as they are there.
    pub fn standard() -> Result<Self, LibraryError> {
        let shipped = data_folder()?;
        let user = user_folder();
        let mut library = Self::open(user.as_deref(), shipped.as_deref())?;
        if shipped.is_none() {
            library.looked_in = folders::candidates();
        }
        Ok(library)
    }

    /// The species of a user's folder and of a data folder (the one that holds `lines`).
    pub fn open(user: Option<&Path>, shipped: Option<&Path>) -> Result<Self, LibraryError> {
        let mut entries = match user {
            Some(folder) => user_entries(folder)?,
            None => Vec::new(),
        };
        if let Some(folder) = shipped {
            let more = manifest::read(&folder.join("lines"))?;
            let new = more.into_iter().filter(|e| entries.iter().all(|own| own.name != e.name));
            let new: Vec<Entry> = new.collect();
            entries.extend(new);
        }
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(Self { entries, looked_in: Vec::new() })
    }

    /// All species, by name.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// All species that can be read, and what is wrong with the others.
    pub fn species(&self) -> (Vec<Species>, Vec<String>) {
        let (mut all, mut left_out) = (Vec::new(), Vec::new());
        for entry in &self.entries {
            match entry.species() {
                Ok(species) => all.push(species),
                Err(e) => left_out.push(format!("{} is left out: {e}", entry.name)),
            }
        }
        (all, left_out)
    }

    /// The species of a name; the error names the nearest known ones.
    pub fn find(&self, name: &str) -> Result<&Entry, LibraryError> {
        self.entries
            .iter()
            .find(|entry| entry.name == name)
            .ok_or_else(|| LibraryError::Unknown { name: name.to_owned(), hint: self.hint(name) })
    }

    /// The known names that are nearest to one that is not known.
    fn hint(&self, name: &str) -> String {
        if self.entries.is_empty() {
            let folders: Vec<String> = self.looked_in.iter().map(|f| f.display().to_string()).collect();
            let folders = if folders.is_empty() { "nowhere".into() } else { folders.join(", ") };
            return format!(
                ": no line list is installed (looked in {folders}); set MIRINAE_DATA, or give cat and qpart"
            );
        }
        let wanted = name.to_lowercase();
        let mut near: Vec<(usize, &str)> = self
            .entries
            .iter()
            .map(|e| (strsim::damerau_levenshtein(&wanted, &e.name.to_lowercase()), e.name.as_str()))
            .collect();
        near.sort_unstable();
        let names: Vec<&str> = near.iter().take(4).map(|n| n.1).collect();
        format!("; the nearest names are {} (`alma-fit catalog list` has all)", names.join(", "))
    }
}

/// What the user has imported: a `NAME.toml` for each species.
fn user_entries(folder: &Path) -> Result<Vec<Entry>, LibraryError> {
    let error = |path: &Path, problem: String| LibraryError::Manifest { path: path.to_path_buf(), problem };
    let files = match std::fs::read_dir(folder) {
        Ok(files) => files,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(error(folder, e.to_string())),
    };
    let mut entries = Vec::new();
    for file in files {
        let path = file.map_err(|e| error(folder, e.to_string()))?.path();
        if path.extension().is_some_and(|e| e == "toml") {
            let text = std::fs::read_to_string(&path).map_err(|e| error(&path, e.to_string()))?;
            let entry: Entry = toml::from_str(&text).map_err(|e| error(&path, e.to_string()))?;
            entries.push(Entry { origin: Origin::User, folder: folder.to_path_buf(), ..entry });
        }
    }
    Ok(entries)
}

#[cfg(test)]
mod tests;
