//! Reads the SQLite databases of VAMDC's library and of XCLASS: tables `transitions` and `partitionfunctions`.
//!
//! A species is a name in `PF_Name`, the same as in `T_Name` of its transitions. Frequencies are in MHz, lower
//! energies in cm^-1; the columns `PF_9_375`, `PF_300_000` ... hold Q at 9.375 K, 300 K ... Intensities are computed
//! from the Einstein coefficients with Q(300 K) of the same row, so that both are of one entry.

use super::error::CatalogError;
use super::interpolate::Interpolation;
use super::line::{Line, T_CATALOG_K};
use super::partition::PartitionFunction;
use super::qtable::QTable;
use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags, Row};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// How every SQLite 3 file begins.
const MAGIC: &[u8] = b"SQLite format 3\0";

/// Whether a file is an SQLite database, told from its content.
pub fn is_database(path: &Path) -> bool {
    let mut start = [0; MAGIC.len()];
    let read =
        std::fs::File::open(path).and_then(|mut file| std::io::Read::read_exact(&mut file, &mut start));
    read.is_ok() && start == MAGIC
}

/// One species of a database.
#[derive(Debug, Clone, PartialEq)]
pub struct DatabaseEntry {
    /// Lines, ascending in frequency.
    pub lines: Vec<Line>,
    /// Table of the partition function.
    pub table: QTable,
    /// Rows left out: no Einstein coefficient, frequency, energy or (whole) degeneracy.
    pub unusable: usize,
    /// What the database says of it: its identifiers there and the comment.
    pub source: String,
}

/// An open database.
#[derive(Debug)]
pub struct Database {
    connection: Connection,
    path: PathBuf,
}

impl Database {
    /// Opens a database for reading.
    pub fn open(path: &Path) -> Result<Self, CatalogError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(|e| sql(path, &e))?;
        let database = Self { connection, path: path.to_path_buf() };
        for table in ["transitions", "partitionfunctions"] {
            if database.columns(table)?.is_empty() {
                return Err(
                    database.error(format!("is a database without the table {table} of VAMDC and XCLASS"))
                );
            }
        }
        Ok(database)
    }

    /// The names of all species, in alphabetical order.
    pub fn names(&self) -> Result<Vec<String>, CatalogError> {
        let query =
            "SELECT DISTINCT PF_Name FROM partitionfunctions WHERE PF_Name IS NOT NULL ORDER BY PF_Name";
        let read = || -> rusqlite::Result<Vec<String>> {
            self.connection.prepare(query)?.query_map([], |row| row.get(0))?.collect()
        };
        read().map_err(|e| sql(&self.path, &e))
    }

    /// Lines and partition function of a species.
    pub fn read(&self, name: &str) -> Result<DatabaseEntry, CatalogError> {
        let (table, source, tag) = self.partition(name)?;
        let q = PartitionFunction::new(&table, Interpolation::Smooth, false);
        let q_300 = q.at(T_CATALOG_K).map_err(|source| CatalogError::NoReferenceQ {
            species: name.to_owned(),
            q_source: table.source().to_owned(),
            source,
        })?;
        let q_300 = q_300.ln_q.exp();
        let columns = self.columns("transitions")?;
        // Older files lack some columns.
        let optional =
            |name| if columns.iter().any(|c| c.eq_ignore_ascii_case(name)) { name } else { "NULL" };
        let query = format!(
            "SELECT T_Frequency, T_EinsteinA, T_EnergyLower, T_UpperStateDegeneracy, {}, {}, {} \
             FROM transitions WHERE T_Name = ?1 ORDER BY T_Frequency",
            optional("T_Uncertainty"),
            optional("T_UpperStateQuantumNumbers"),
            optional("T_LowerStateQuantumNumbers")
        );
        let read = || -> rusqlite::Result<Vec<Option<Line>>> {
            let mut statement = self.connection.prepare(&query)?;
            statement.query_map([name], |row| line(row, tag, q_300))?.collect()
        };
        let rows = read().map_err(|e| sql(&self.path, &e))?;
        let n_rows = rows.len();
        let mut lines: Vec<Line> = rows.into_iter().flatten().collect();
        lines.sort_by(|a, b| a.freq_mhz.total_cmp(&b.freq_mhz));
        if lines.is_empty() {
            return Err(self.error(format!("has no usable transitions of \"{name}\" ({n_rows} rows)")));
        }
        Ok(DatabaseEntry { unusable: n_rows - lines.len(), lines, table, source })
    }

    /// The table of Q, what is known of the entry, and its tag.
    fn partition(&self, name: &str) -> Result<(QTable, String, u32), CatalogError> {
        let read = || -> rusqlite::Result<Vec<BTreeMap<String, Value>>> {
            let mut statement =
                self.connection.prepare("SELECT * FROM partitionfunctions WHERE PF_Name = ?1")?;
            let columns: Vec<String> = statement.column_names().iter().map(|c| c.to_uppercase()).collect();
            let cells =
                |row: &Row| columns.iter().enumerate().map(|(i, c)| Ok((c.clone(), row.get(i)?))).collect();
            statement.query_map([name], cells)?.collect()
        };
        let rows = read().map_err(|e| sql(&self.path, &e))?;
        let Some(row) = rows.first() else { return Err(self.unknown(name)?) };
        let nodes = q_nodes(row);
        if rows.iter().any(|other| q_nodes(other) != nodes) {
            return Err(self.error(format!(
                "has {} entries named \"{name}\" with different partition functions: keep one of them",
                rows.len()
            )));
        }
        let text = |column: &str| match row.get(column) {
            Some(Value::Text(text)) if !text.is_empty() => Some(text.clone()),
            _ => None,
        };
        let parts = ["PF_SPECIESID", "PF_RESOURCEID", "PF_COMMENT"].into_iter().filter_map(text);
        let known: Vec<String> = std::iter::once(format!("database entry \"{name}\"")).chain(parts).collect();
        // CDMS and JPL begin the comment with the entry's tag.
        let digits: String =
            text("PF_COMMENT").unwrap_or_default().chars().take_while(char::is_ascii_digit).collect();
        let tag = if (4..=6).contains(&digits.len()) { digits.parse().unwrap_or(0) } else { 0 };
        let (t_k, q) = nodes.into_iter().unzip();
        let source = format!("{}, \"{name}\"", self.path.display());
        let table =
            QTable::new(t_k, q, None, &source).map_err(|e| self.error(format!("\"{name}\": Q: {e}")))?;
        Ok((table, known.join(", "), tag))
    }

    fn unknown(&self, name: &str) -> Result<CatalogError, CatalogError> {
        let mut names = self.names()?;
        names.sort_by_key(|known| strsim::damerau_levenshtein(&known.to_lowercase(), &name.to_lowercase()));
        names.truncate(4);
        Ok(self
            .error(format!("has no species \"{name}\"; the nearest of its names are {}", names.join(", "))))
    }

    /// Names of the columns of a table; none: there is no such table.
    fn columns(&self, table: &str) -> Result<Vec<String>, CatalogError> {
        let read = || -> rusqlite::Result<Vec<String>> {
            let mut statement = self.connection.prepare(&format!("PRAGMA table_info({table})"))?;
            statement.query_map([], |row| row.get("name"))?.collect()
        };
        read().map_err(|e| sql(&self.path, &e))
    }

    fn error(&self, problem: String) -> CatalogError {
        CatalogError::File { path: self.path.clone(), problem }
    }
}

fn sql(path: &Path, error: &rusqlite::Error) -> CatalogError {
    CatalogError::File { path: path.to_path_buf(), problem: format!("as a database: {error}") }
}

/// Temperatures (K) and Q of a row, where they are given.
fn q_nodes(row: &BTreeMap<String, Value>) -> Vec<(f64, f64)> {
    let t_k = |column: &str| column.strip_prefix("PF_")?.replace('_', ".").parse::<f64>().ok();
    let q = |value: &Value| match value {
        Value::Real(q) if *q > 0.0 => Some(*q),
        Value::Integer(q) if *q > 0 => Some(*q as f64),
        _ => None,
    };
    let mut nodes: Vec<(f64, f64)> =
        row.iter().filter_map(|(column, value)| Some((t_k(column)?, q(value)?))).collect();
    nodes.sort_by(|a, b| a.0.total_cmp(&b.0));
    nodes
}

/// A row of `transitions`; None where something that is needed is missing.
fn line(row: &Row, tag: u32, q_300: f64) -> rusqlite::Result<Option<Line>> {
    let (freq, a_ul): (Option<f64>, Option<f64>) = (row.get(0)?, row.get(1)?);
    let (e_low, g_up): (Option<f64>, Option<f64>) = (row.get(2)?, row.get(3)?);
    let (Some(freq_mhz), Some(a_ul), Some(e_low_cm1), Some(g_up)) = (freq, a_ul, e_low, g_up) else {
        return Ok(None);
    };
    let whole = g_up >= 1.0 && g_up.fract() == 0.0 && g_up < f64::from(u32::MAX);
    if !(freq_mhz > 0.0 && a_ul > 0.0 && e_low_cm1.is_finite() && whole) {
        return Ok(None);
    }
    let sigma: Option<f64> = row.get(4)?;
    let (upper, lower): (Option<String>, Option<String>) = (row.get(5)?, row.get(6)?);
    Ok(Some(Line {
        freq_mhz,
        freq_sigma_mhz: sigma.unwrap_or(0.0).abs(),
        lgint: Line::lgint_of(a_ul * g_up, freq_mhz, e_low_cm1, q_300),
        dof: 0,
        e_low_cm1,
        g_up: g_up as u32,
        tag,
        measured: false,
        qn: match (upper, lower) {
            (Some(upper), Some(lower)) => format!("{} - {}", upper.trim(), lower.trim()),
            _ => String::new(),
        },
    }))
}

#[cfg(test)]
mod tests;

#[cfg(test)]
pub(crate) use tests::write_small_database;
