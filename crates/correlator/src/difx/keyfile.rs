//! Walks the "KEY: value" lines of a DiFX file, knowing the place of each.
use super::DifxError;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// One "KEY: value" line.
#[derive(Debug, Clone)]
pub struct Line {
    /// Line number, counted from 1.
    pub number: usize,
    /// What stands before the first colon.
    pub key: String,
    /// What stands after it, without surrounding blanks.
    pub value: String,
}

/// The lines of one file without headings (`#`) and remarks (`@`), and a place in them.
#[derive(Debug)]
pub struct KeyFile {
    path: PathBuf,
    lines: Vec<Line>,
    at: usize,
}

impl KeyFile {
    /// Reads a file. Bytes that are not UTF-8 (remarks in old catalogues) are replaced, not refused.
    ///
    /// # Errors
    /// [`DifxError::Read`].
    pub fn open(path: &Path) -> Result<Self, DifxError> {
        let bytes = std::fs::read(path).map_err(|cause| DifxError::Read { path: path.to_owned(), cause })?;
        Ok(Self::parse(path, &String::from_utf8_lossy(&bytes)))
    }

    /// Takes the text of a file; `path` is for messages.
    pub fn parse(path: &Path, text: &str) -> Self {
        let mut lines = Vec::new();
        for (index, raw) in text.lines().enumerate() {
            if raw.trim().is_empty() || raw.starts_with('#') || raw.starts_with('@') {
                continue;
            }
            let (key, value) = raw.split_once(':').unwrap_or((raw, ""));
            lines.push(Line {
                number: index + 1,
                key: key.trim().to_owned(),
                value: value.trim().to_owned(),
            });
        }
        Self { path: path.to_owned(), lines, at: 0 }
    }

    /// The file that is read.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The line that would be read next.
    pub fn peek(&self) -> Option<&Line> {
        self.lines.get(self.at)
    }

    /// Takes the next line, whatever it is.
    pub fn take(&mut self) -> Option<Line> {
        let line = self.lines.get(self.at).cloned();
        self.at += usize::from(line.is_some());
        line
    }

    /// Takes the next line, which must have this key; lines that begin with one of `skip` are passed over.
    ///
    /// # Errors
    /// [`DifxError::Key`] where another line stands, [`DifxError::End`] after the last one.
    pub fn expect_skipping(&mut self, key: &str, skip: &[&str]) -> Result<Line, DifxError> {
        while let Some(line) = self.take() {
            if line.key.eq_ignore_ascii_case(key) {
                return Ok(line);
            }
            if !skip.iter().any(|s| line.key.starts_with(s)) {
                return Err(DifxError::Key {
                    path: self.path.clone(),
                    line: line.number,
                    expected: key.to_owned(),
                    found: line.key,
                });
            }
        }
        Err(DifxError::End { path: self.path.clone(), expected: key.to_owned() })
    }

    /// Takes the next line, which must have this key.
    ///
    /// # Errors
    /// As [`Self::expect_skipping`].
    pub fn expect(&mut self, key: &str) -> Result<Line, DifxError> {
        self.expect_skipping(key, &[])
    }

    /// Takes the next line if it has this key.
    pub fn optional(&mut self, key: &str) -> Option<Line> {
        let found = self.peek().is_some_and(|line| line.key.eq_ignore_ascii_case(key));
        if found { self.take() } else { None }
    }

    /// Goes on to the next line with this key, wherever it is.
    ///
    /// # Errors
    /// [`DifxError::End`] where there is none.
    pub fn seek(&mut self, key: &str) -> Result<Line, DifxError> {
        while let Some(line) = self.take() {
            if line.key.eq_ignore_ascii_case(key) {
                return Ok(line);
            }
        }
        Err(DifxError::End { path: self.path.clone(), expected: key.to_owned() })
    }

    /// The value of a line as a number, index, ...
    ///
    /// # Errors
    /// [`DifxError::Value`].
    pub fn value<T: FromStr>(&self, line: &Line, wanted: &'static str) -> Result<T, DifxError> {
        line.value.parse().map_err(|_| self.bad(line, wanted))
    }

    /// Takes the line with this key and its value.
    ///
    /// # Errors
    /// As [`Self::expect`] and [`Self::value`].
    pub fn get<T: FromStr>(&mut self, key: &str, wanted: &'static str) -> Result<T, DifxError> {
        let line = self.expect(key)?;
        self.value(&line, wanted)
    }

    /// The finite numbers of a line, separated by blanks.
    ///
    /// # Errors
    /// [`DifxError::Value`].
    pub fn numbers(&self, line: &Line) -> Result<Vec<f64>, DifxError> {
        let numbers: Option<Vec<f64>> =
            line.value.split_whitespace().map(|n| n.parse::<f64>().ok().filter(|x| x.is_finite())).collect();
        numbers.filter(|n| !n.is_empty()).ok_or_else(|| self.bad(line, "a list of finite numbers"))
    }

    /// An error about the value of a line.
    pub fn bad(&self, line: &Line, wanted: &'static str) -> DifxError {
        DifxError::Value {
            path: self.path.clone(),
            line: line.number,
            key: line.key.clone(),
            value: line.value.clone(),
            wanted,
        }
    }

    /// An error about what a line refers to.
    pub fn refers(&self, line: &Line, what: String) -> DifxError {
        DifxError::Refers { path: self.path.clone(), line: line.number, key: line.key.clone(), what }
    }

    /// An error about a thing that is not done here.
    pub fn unsupported(&self, line: &Line, what: impl Into<String>) -> DifxError {
        DifxError::Unsupported {
            path: self.path.clone(),
            line: line.number,
            key: line.key.clone(),
            what: what.into(),
        }
    }
}
