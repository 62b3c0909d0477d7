//! Reads a catalogue: CSV, FITS table or Parquet, told by the name's ending.

mod csv;
mod parquet;

use crate::fits;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// A catalogue that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// It cannot be read.
    #[error("cannot read the catalogue {path}", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Its form is wrong.
    #[error("catalogue {path}: {problem}", path = path.display())]
    Form {
        /// The file.
        path: PathBuf,
        /// What and where.
        problem: String,
    },
    /// A column is not there.
    #[error("catalogue {path} has no column {column}; it has {there}", path = path.display())]
    Column {
        /// The file.
        path: PathBuf,
        /// The column.
        column: String,
        /// Those that it has.
        there: String,
    },
}

/// A column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Column {
    /// Strings.
    Text(Vec<String>),
    /// Integers.
    Integer(Vec<i64>),
    /// Real numbers; NaN where there is none.
    Real(Vec<f64>),
}

impl Column {
    /// Number of rows.
    pub fn len(&self) -> usize {
        match self {
            Self::Text(v) => v.len(),
            Self::Integer(v) => v.len(),
            Self::Real(v) => v.len(),
        }
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A value as text, as it stands in a path.
    pub fn text(&self, row: usize) -> String {
        match self {
            Self::Text(v) => v[row].clone(),
            Self::Integer(v) => v[row].to_string(),
            Self::Real(v) => v[row].to_string(),
        }
    }

    /// A value as a number.
    pub fn real(&self, row: usize) -> Option<f64> {
        match self {
            Self::Text(v) => v[row].trim().parse().ok(),
            Self::Integer(v) => Some(v[row] as f64),
            Self::Real(v) => Some(v[row]),
        }
    }

    /// The rows of a list, in its order.
    pub fn select(&self, rows: &[usize]) -> Self {
        match self {
            Self::Text(v) => Self::Text(rows.iter().map(|r| v[*r].clone()).collect()),
            Self::Integer(v) => Self::Integer(rows.iter().map(|r| v[*r]).collect()),
            Self::Real(v) => Self::Real(rows.iter().map(|r| v[*r]).collect()),
        }
    }
}

/// A catalogue in memory.
#[derive(Debug, Clone, PartialEq)]
pub struct Catalogue {
    path: PathBuf,
    columns: Vec<(String, Column)>,
}

impl Catalogue {
    /// Reads a file: `.fits`, `.fit` and their `.gz`, `.parquet`, else CSV.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub fn read(path: &Path) -> Result<Self, CatalogError> {
        let read = |source| CatalogError::Read { path: path.to_path_buf(), source };
        let form = |problem: String| CatalogError::Form { path: path.to_path_buf(), problem };
        let name = path.to_string_lossy().to_lowercase();
        let name = name.trim_end_matches(".gz");
        let columns = if name.ends_with(".parquet") {
            parquet::read(std::fs::File::open(path).map_err(read)?).map_err(form)?
        } else {
            let bytes = std::fs::read(path).map_err(read)?;
            let bytes = fits::unpack(&bytes).map_err(|e| form(e.to_string()))?;
            if name.ends_with(".fits") || name.ends_with(".fit") {
                fits::read_table(&bytes)
                    .map_err(|e| form(e.to_string()))?
                    .into_iter()
                    .map(from_fits)
                    .collect()
            } else {
                csv::read(&bytes).map_err(form)?
            }
        };
        let rows = columns.first().map_or(0, |c: &(String, Column)| c.1.len());
        if rows == 0 {
            return Err(form("it has no rows".to_owned()));
        }
        Ok(Self { path: path.to_path_buf(), columns })
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.columns[0].1.len()
    }

    /// Its file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A column, by its name in any case.
    ///
    /// # Errors
    /// [`CatalogError::Column`].
    pub fn column(&self, name: &str) -> Result<&Column, CatalogError> {
        let exact = self.columns.iter().find(|(n, _)| n == name);
        let found = exact.or_else(|| self.columns.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)));
        found.map(|(_, column)| column).ok_or_else(|| CatalogError::Column {
            path: self.path.clone(),
            column: name.to_owned(),
            there: self.columns.iter().map(|(n, _)| n.as_str()).collect::<Vec<_>>().join(", "),
        })
    }
}

fn from_fits((name, column): (String, fits::TableColumn)) -> (String, Column) {
    let column = match column {
        fits::TableColumn::Text(v) => Column::Text(v),
        fits::TableColumn::Integer(v) => Column::Integer(v),
        fits::TableColumn::Real(v) => Column::Real(v),
    };
    (name, column)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn csv_columns_get_the_type_that_all_rows_have() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("c.csv");
        std::fs::write(&path, "id,ra,n,name\n007,1.5,3,\"a, b\"\n8,-2,4,\n").unwrap();
        let catalogue = Catalogue::read(&path).unwrap();
        assert_eq!(*catalogue.column("n").unwrap(), Column::Integer(vec![3, 4]));
        assert_eq!(*catalogue.column("RA").unwrap(), Column::Real(vec![1.5, -2.0]));
        // A leading zero is part of a name.
        assert_eq!(*catalogue.column("id").unwrap(), Column::Text(vec!["007".into(), "8".into()]));
        assert_eq!(catalogue.column("name").unwrap().text(0), "a, b");
        assert!(catalogue.column("dec").unwrap_err().to_string().contains("it has id, ra, n, name"));
        std::fs::write(&path, "id,ra\n1,2\n1\n").unwrap();
        assert!(Catalogue::read(&path).unwrap_err().to_string().contains("line 3"));
        std::fs::write(&path, "id,ra\n").unwrap();
        assert!(Catalogue::read(&path).unwrap_err().to_string().contains("no rows"));
    }
}
