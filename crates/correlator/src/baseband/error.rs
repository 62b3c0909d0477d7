//! What can go wrong with a recording.

use std::path::PathBuf;

/// Why a recording cannot be used, with the file and the place in it.
#[derive(Debug, thiserror::Error)]
pub enum BasebandError {
    /// The file is not there.
    #[error("recording {path} does not exist: check the path in the job")]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// The file has no bytes.
    #[error("recording {path} is empty: was the copy or the recorder interrupted?")]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// No chain of headers was found.
    #[error("{path} is not VDIF, nor Mark5B: no two consecutive frame headers in its first {searched} bytes")]
    NotVdif {
        /// The file.
        path: PathBuf,
        /// How many bytes were searched.
        searched: u64,
    },
    /// A file of a scatter-gather set cannot be used.
    #[error("recording {path}: {what}; was the copy interrupted?")]
    Scattered {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// A header or the caller's overrides describe frames that cannot be decoded.
    #[error("recording {path}: {what}; give the right channels and bits if its headers are wrong")]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What cannot be decoded.
        what: String,
    },
    /// The job and the recording disagree.
    #[error("recording {path}: the job says {field} {expected}, the recording says {found}")]
    Contradiction {
        /// The file.
        path: PathBuf,
        /// What they disagree about.
        field: &'static str,
        /// The job's value.
        expected: String,
        /// The recording's value.
        found: String,
    },
    /// Two files of one station have different formats.
    #[error("recordings {first} and {second} of one station differ in {field}")]
    FilesDiffer {
        /// The first file in time.
        first: PathBuf,
        /// The other file.
        second: PathBuf,
        /// What differs.
        field: &'static str,
    },
    /// The sample rate is neither given nor in the headers, nor does a second end in the file.
    #[error("recording {path}: its sample rate is unknown (shorter than a second); give the rate")]
    RateUnknown {
        /// The file.
        path: PathBuf,
    },
    /// No file was named.
    #[error("a station has no recording: name at least one file")]
    NoFiles,
    /// The operating system refused to read.
    #[error("recording {path}: cannot read at byte {offset}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Where in the file, in bytes.
        offset: u64,
        /// What the system said.
        source: std::io::Error,
    },
    /// A header does not fit the bits that the format has for it.
    #[error("VDIF header: {field} = {value} does not fit its field")]
    HeaderField {
        /// The field.
        field: &'static str,
        /// The value.
        value: u64,
    },
    /// Fewer bytes than a header has.
    #[error("VDIF header: {bytes} bytes are too few")]
    HeaderShort {
        /// How many bytes there were.
        bytes: usize,
    },
}
