//! Checks a user's lines and partition function, and writes them into the user's line list.

use super::database::{Database, is_database};
use super::error::CatalogError;
use super::interpolate::Interpolation;
use super::library::{Entry, Library, LibraryError, Origin};
use super::line::Line;
use super::partition::PartitionFunction;
use super::qtable::QTable;
use super::species::Species;
use super::spfit::{format_spfit, parse_spfit};
use super::text::read_text;
use flate2::{Compression, write::GzEncoder};
use mirinae_common::atomic::{self, WriteError};
use mirinae_common::provenance::InputFile;
use std::io::Write;
use std::path::{Path, PathBuf};

/// A species that cannot be imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The lines or the partition function cannot be used.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// The user's line list cannot be used.
    #[error(transparent)]
    Library(#[from] LibraryError),
    /// It cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The folder cannot be made.
    #[error("cannot make the folder {}: {source}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A `.cat` file without its partition function.
    #[error("{}: its partition function is needed: give --qpart, or put {} beside it", path.display(), beside.display())]
    NoPartition {
        /// The `.cat` file.
        path: PathBuf,
        /// Where it was looked for.
        beside: PathBuf,
    },
    /// A line that the `.cat` format has no room for.
    #[error("{name}: the line at {freq_mhz} MHz does not fit into the .cat format (degeneracy {g_up})")]
    Room {
        /// The species.
        name: String,
        /// Its frequency (MHz).
        freq_mhz: f64,
        /// Its degeneracy.
        g_up: u32,
    },
    /// Two names that would have the same files.
    #[error("{name}: its files would be those of \"{other}\": give another --name")]
    SameFiles {
        /// The species.
        name: String,
        /// The one that is there.
        other: String,
    },
}

/// What the user says of the files.
#[derive(Debug, Clone, Default)]
pub struct ImportOptions {
    /// Name of the species; that of the file or of the database's entry unless given.
    pub name: Option<String>,
    /// The partition function of a `.cat` file; unless given the file of the same name that ends on `.qpart`.
    pub qpart: Option<PathBuf>,
    /// The species of a database to take; all unless given.
    pub entry: Option<String>,
    /// Where the data are from (catalogue, version, paper); the file's name unless given.
    pub source: Option<String>,
    /// Their version or date.
    pub version: Option<String>,
    /// Their licence.
    pub licence: Option<String>,
}

/// A species of a file: its name, and the entry that it is now or why it could not be taken.
pub type Imported = (String, Result<Entry, ImportError>);

/// Imports a `.cat` file or a database into the user's folder, species by species.
///
/// # Errors
/// Where the file as a whole is of no use.
pub fn import(file: &Path, options: &ImportOptions, folder: &Path) -> Result<Vec<Imported>, ImportError> {
    std::fs::create_dir_all(folder)
        .map_err(|source| ImportError::Folder { path: folder.to_path_buf(), source })?;
    if !is_database(file) {
        let name = options.name.clone().unwrap_or_else(|| stem(file));
        return Ok(vec![(name.clone(), import_cat(file, &name, options, folder))]);
    }
    let database = Database::open(file)?;
    let names = match &options.entry {
        Some(name) => vec![name.clone()],
        None => database.names()?,
    };
    let one = |name: String| {
        let entry = import_entry(&database, file, &name, options, folder);
        (name, entry)
    };
    Ok(names.into_iter().map(one).collect())
}

/// "c032504.cat.gz" gives "c032504".
fn stem(file: &Path) -> String {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    name.strip_suffix(".cat").unwrap_or(name).to_owned()
}

fn import_cat(file: &Path, name: &str, options: &ImportOptions, folder: &Path) -> Result<Entry, ImportError> {
    let text = read_text(file)?;
    let lines = parse_spfit(&text, file)?;
    let beside = file.with_file_name(format!("{}.qpart", stem(file)));
    let qpart = match &options.qpart {
        Some(path) => path.clone(),
        None if beside.is_file() => beside,
        None => return Err(ImportError::NoPartition { path: file.to_path_buf(), beside }),
    };
    let table = QTable::read(&qpart, lines.first().map(|line| line.tag))?;
    let source = options.source.clone().unwrap_or_else(|| format!("the user's {}", base(file)));
    store(Import { name, title: name, text, lines, table, source }, options, folder)
}

fn import_entry(
    database: &Database,
    file: &Path,
    entry: &str,
    options: &ImportOptions,
    folder: &Path,
) -> Result<Entry, ImportError> {
    let read = database.read(entry)?;
    let name = options.name.as_deref().unwrap_or(entry);
    let mut text = String::new();
    for line in &read.lines {
        let row = format_spfit(line).ok_or_else(|| ImportError::Room {
            name: name.to_owned(),
            freq_mhz: line.freq_mhz,
            g_up: line.g_up,
        })?;
        text.push_str(&row);
        text.push('\n');
    }
    // The list holds what the file can hold: four decimals.
    let lines = parse_spfit(&text, file)?;
    let source = match &options.source {
        Some(source) => format!("{source}; {}", read.source),
        None => format!("the user's {}, {}", base(file), read.source),
    };
    let left_out = match read.unusable {
        0 => String::new(),
        n => format!(", {n} rows without frequency, energy, Einstein coefficient or degeneracy left out"),
    };
    let title = format!("{entry}{left_out}");
    store(Import { name, title: &title, text, lines, table: read.table, source }, options, folder)
}

fn base(file: &Path) -> String {
    file.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// A species that has been read.
struct Import<'a> {
    name: &'a str,
    title: &'a str,
    /// The lines as a `.cat` file.
    text: String,
    lines: Vec<Line>,
    table: QTable,
    source: String,
}

/// Checks that lines and partition function belong together, and writes both and the entry, which comes last.
fn store(import: Import, options: &ImportOptions, folder: &Path) -> Result<Entry, ImportError> {
    let Import { name, title, text, lines, table, source } = import;
    let range_mhz = [lines[0].freq_mhz, lines[lines.len() - 1].freq_mhz];
    let (n_lines, t_k) = (lines.len(), table.t_k());
    let q_range_k = [t_k[0], t_k[t_k.len() - 1]];
    let q = PartitionFunction::new(&table, Interpolation::Smooth, false);
    let tag = Species::new(name, lines, q, &source)?.tag();
    let file = file_name(name);
    if let Some(other) =
        Library::open(Some(folder), None)?.entries().iter().find(|e| e.cat == format!("{file}.cat.gz"))
        && other.name != name
    {
        return Err(ImportError::SameFiles { name: name.to_owned(), other: other.name.clone() });
    }
    let (cat, qpart) = (format!("{file}.cat.gz"), format!("{file}.qpart"));
    atomic::write(&folder.join(&cat), |out| {
        let mut encoder = GzEncoder::new(out, Compression::best());
        encoder.write_all(text.as_bytes())?;
        encoder.finish().map(|_| ())
    })?;
    atomic::write(&folder.join(&qpart), |out| {
        writeln!(out, "# {name}, tag {tag} ; T [K] and Q, from {}", table.source().replace('\n', " "))?;
        t_k.iter().zip(table.q()).try_for_each(|(t, q)| writeln!(out, "{t} {q}"))
    })?;
    let sha256 = |name: &str| {
        let path = folder.join(name);
        let file = InputFile::of(name, &path).map_err(|source| CatalogError::Io { path, source })?;
        Ok::<_, CatalogError>(file.sha256)
    };
    let entry = Entry {
        name: name.to_owned(),
        title: title.to_owned(),
        tag,
        source,
        version: options.version.clone().unwrap_or_default(),
        licence: options.licence.clone().unwrap_or_else(|| "not told".into()),
        lines: n_lines,
        range_mhz,
        q_range_k,
        cat_sha256: sha256(&cat)?,
        qpart_sha256: sha256(&qpart)?,
        cat,
        qpart,
        note: String::new(),
        origin: Origin::User,
        folder: folder.to_path_buf(),
    };
    let path = folder.join(format!("{file}.toml"));
    let record = toml::to_string(&entry)
        .map_err(|e| LibraryError::Manifest { path: path.clone(), problem: e.to_string() })?;
    atomic::write(&path, |out| out.write_all(record.as_bytes()))?;
    Ok(entry)
}

/// A name as part of a file's name: all but letters, digits and a few signs become `_`.
fn file_name(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || "+-_=,()".contains(c) { c } else { '_' };
    name.chars().map(plain).collect()
}

#[cfg(test)]
mod tests;
