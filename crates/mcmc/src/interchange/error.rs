//! What can be wrong with a file of another program.

/// A file that cannot be taken over.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum InterchangeError {
    /// A line that cannot be understood.
    #[error("{file}, line {line}: {problem}")]
    Line {
        /// The file.
        file: String,
        /// Line number, from 1.
        line: usize,
        /// What is wrong with it.
        problem: String,
    },
    /// The file as a whole.
    #[error("{file}: {problem}")]
    File {
        /// The file.
        file: String,
        /// What is wrong with it.
        problem: String,
    },
}
