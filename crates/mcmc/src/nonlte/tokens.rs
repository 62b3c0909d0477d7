//! Reads lines and numbers as Fortran's list-directed input does: numbers may go on in the next line.

use super::error::LamdaError;
use std::path::Path;

/// The lines of a file, one after the other.
pub(super) struct Tokens<'a> {
    path: &'a Path,
    lines: std::str::Lines<'a>,
    /// Number of the line that was read last, from 1.
    pub line: usize,
}

impl<'a> Tokens<'a> {
    pub fn new(text: &'a str, path: &'a Path) -> Self {
        Self { path, lines: text.lines(), line: 0 }
    }

    /// An error at the line that was read last.
    pub fn error(&self, problem: impl Into<String>) -> LamdaError {
        LamdaError::Line { path: self.path.to_owned(), line: self.line, problem: problem.into() }
    }

    /// The next line; `what` it should hold.
    pub fn next_line(&mut self, what: &str) -> Result<&'a str, LamdaError> {
        self.line += 1;
        let end = || LamdaError::Line {
            path: self.path.to_owned(),
            line: self.line,
            problem: format!("the file ends where {what} should stand"),
        };
        self.lines.next().ok_or_else(end)
    }

    /// The first number of the next line, a count between `least` and `most`.
    pub fn count(&mut self, what: &str, least: usize, most: usize) -> Result<usize, LamdaError> {
        let text = self.next_line(what)?;
        let word = split(text).next().unwrap_or("");
        match word.parse() {
            Ok(n) if (least..=most).contains(&n) => Ok(n),
            _ => Err(self.error(format!("{what} is \"{word}\": must be a number from {least} to {most}"))),
        }
    }

    /// Reads `n` numbers from `words`, the rest of a line, and the lines that follow.
    pub fn numbers<'w>(
        &mut self,
        mut words: impl Iterator<Item = &'w str>,
        n: usize,
        what: &str,
        out: &mut Vec<f64>,
    ) -> Result<(), LamdaError>
    where
        'a: 'w,
    {
        let wanted = out.len() + n;
        self.take(&mut words, wanted, what, out)?;
        while out.len() < wanted {
            let mut words = split(self.next_line(what)?);
            self.take(&mut words, wanted, what, out)?;
        }
        Ok(())
    }

    fn take<'w>(
        &self,
        words: &mut impl Iterator<Item = &'w str>,
        wanted: usize,
        what: &str,
        out: &mut Vec<f64>,
    ) -> Result<(), LamdaError> {
        while out.len() < wanted {
            let Some(word) = words.next() else { return Ok(()) };
            out.push(
                number(word)
                    .ok_or_else(|| self.error(format!("\"{word}\" stands where {what} should: no number")))?,
            );
        }
        Ok(())
    }
}

/// The words of a line: blanks, tabs and commas divide them.
pub(super) fn split(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| c.is_whitespace() || c == ',').filter(|word| !word.is_empty())
}

/// A finite number, in Fortran's notation too (`1.0D-10`).
pub(super) fn number(word: &str) -> Option<f64> {
    let value = word.parse::<f64>().ok().or_else(|| word.replace(['D', 'd'], "e").parse().ok())?;
    value.is_finite().then_some(value)
}
