//! What can be wrong with a FITS file.

/// Why an image cannot be had from a file's bytes.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum FitsError {
    /// No bytes at all.
    #[error("the file is empty")]
    Empty,
    /// It does not start as FITS does.
    #[error("it is not FITS: it starts with {start:?}, not with SIMPLE")]
    NotFits {
        /// Its first bytes.
        start: String,
    },
    /// A header has no END card.
    #[error("the header of HDU {hdu} has no END: the file ends at byte {have}")]
    NoEnd {
        /// Which HDU, from 0.
        hdu: usize,
        /// Bytes of the file.
        have: usize,
    },
    /// The data of an HDU reach over the end of the file.
    #[error("HDU {hdu} needs {need} bytes, the file has {have}")]
    Truncated {
        /// Which HDU, from 0.
        hdu: usize,
        /// Where its data end.
        need: u64,
        /// Bytes of the file.
        have: usize,
    },
    /// A keyword that is missing, or whose value cannot be.
    #[error("HDU {hdu}: {keyword} {problem}")]
    Header {
        /// Which HDU, from 0.
        hdu: usize,
        /// The keyword.
        keyword: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The HDU that is asked for is not there, or holds no image.
    #[error("no image in {wanted}")]
    NoImage {
        /// What was looked for.
        wanted: String,
    },
    /// A plane that a cube does not have, or a cube of which none was chosen.
    #[error("it has {planes} planes; input.plane = {wanted} is none of them (0: its only one)")]
    Plane {
        /// How many it has.
        planes: usize,
        /// The one that was asked for, from 1.
        wanted: usize,
    },
    /// A section that the image does not have.
    #[error("section {section} is not within {width} x {height} pixels")]
    Section {
        /// As it was asked for.
        section: String,
        /// The image's width.
        width: usize,
        /// The image's height.
        height: usize,
    },
    /// Compressed data that cannot be unpacked.
    #[error("{what} cannot be decompressed: {problem}")]
    Decode {
        /// gzip, bzip2 or the tiles of an HDU.
        what: &'static str,
        /// What the library says.
        problem: String,
    },
}
