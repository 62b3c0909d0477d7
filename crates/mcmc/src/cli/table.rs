//! Writes tables: to standard output, and as CSV files.

use mirinae_common::atomic;
use mirinae_common::outcome::Failure;
use std::io::{ErrorKind, Write};
use std::path::Path;

/// Prints text; a reader that has read enough (`| head`) is no error.
pub(super) fn print(text: &str) -> Result<(), Failure> {
    match writeln!(std::io::stdout().lock(), "{text}") {
        Err(e) if e.kind() != ErrorKind::BrokenPipe => Err(Failure::run(e)),
        _ => Ok(()),
    }
}

/// A table of texts.
pub(super) struct Csv {
    text: String,
}

impl Csv {
    pub fn new(columns: &[&str]) -> Self {
        let mut csv = Self { text: String::new() };
        csv.row(columns.iter().map(|name| (*name).to_owned()));
        csv
    }

    /// Adds a row; cells with commas or quotes are quoted (RFC 4180).
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        let quote = |cell: String| match cell.contains([',', '"', '\n']) {
            true => format!("\"{}\"", cell.replace('"', "\"\"")),
            false => cell,
        };
        self.text.push_str(&cells.into_iter().map(quote).collect::<Vec<_>>().join(","));
        self.text.push('\n');
    }

    pub fn write(&self, path: &Path) -> Result<(), Failure> {
        atomic::write(path, |file| file.write_all(self.text.as_bytes())).map_err(Failure::run)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_where_they_must_be() {
        let mut csv = Csv::new(&["a", "b"]);
        csv.row(["1,2".to_owned(), "say \"x\"".to_owned()]);
        assert_eq!(csv.text, "a,b\n\"1,2\",\"say \"\"x\"\"\"\n");
    }
}
