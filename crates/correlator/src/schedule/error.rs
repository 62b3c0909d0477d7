//! What is wrong with a VEX file, and where: told with the line.

use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceCode};
use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// A place in a VEX text and what is wrong there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Bytes of the text that it is about.
    pub span: Range<usize>,
    /// What is wrong.
    pub what: String,
    /// What to do, or what there is instead.
    pub help: Option<String>,
}

impl Problem {
    /// Something is wrong with the text at `span`.
    pub fn new(span: Range<usize>, what: impl Into<String>) -> Self {
        Self { span, what: what.into(), help: None }
    }

    /// With what to do about it.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// Line and column (in characters) of a byte of a text, counted from 1.
pub fn line_and_column(text: &str, offset: usize) -> (usize, usize) {
    let mut end = offset.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let before = &text[..end];
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    (before.matches('\n').count() + 1, before[start..].chars().count() + 1)
}

/// Why a VEX file cannot be used.
#[derive(Debug)]
pub enum VexError {
    /// It cannot be read.
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// Something in it is wrong.
    Text(Box<TextError>),
}

/// A problem with the text that it is about.
#[derive(Debug)]
pub struct TextError {
    path: PathBuf,
    source: NamedSource<String>,
    problem: Problem,
}

impl VexError {
    /// A problem in the text of a file.
    pub fn text(path: &Path, text: &str, problem: Problem) -> Self {
        let source = NamedSource::new(path.to_string_lossy(), text.to_owned());
        Self::Text(Box::new(TextError { path: path.to_owned(), source, problem }))
    }
}

impl std::error::Error for VexError {}

impl fmt::Display for VexError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read { path, cause } => write!(f, "{}: cannot be read: {cause}", path.display()),
            Self::Text(error) => {
                let (line, column) = line_and_column(error.source.inner(), error.problem.span.start);
                writeln!(f, "{}:{line}:{column}: {}", error.path.display(), error.problem.what)?;
                let mut picture = String::new();
                let handler = GraphicalReportHandler::new_themed(GraphicalTheme::none());
                let drawn = handler.render_report(&mut picture, error.as_ref());
                // Its first line repeats what was said above.
                let picture = picture.trim_end().split_once('\n').map_or("", |(_, rest)| rest);
                if drawn.is_ok() { write!(f, "{picture}") } else { Ok(()) }
            }
        }
    }
}

impl std::error::Error for TextError {}

impl fmt::Display for TextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.problem.what)
    }
}

impl Diagnostic for TextError {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.problem.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&self.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let length = self.source.inner().len();
        let start = self.problem.span.start.min(length);
        let end = self.problem.span.end.clamp(start, length);
        Some(Box::new(std::iter::once(LabeledSpan::new(Some("here".to_owned()), start, end - start))))
    }
}
