//! Reads images from FITS files that lie in memory, and never takes a null for a number.
//!
//! Plain files, those compressed as a whole (gzip, bzip2), and images in tiles. The arithmetic of scaled integers is
//! astropy's: single precision for 8 and 16 bits, double precision for more.

mod checksum;
mod decode;
mod error;
mod hdu;
mod header;
mod image;
mod table;
#[cfg(test)]
mod tests;
mod tiles;
mod unpack;

pub use checksum::{Verdict, verify};
pub use decode::{Encoding, Pixels};
pub use error::FitsError;
pub use hdu::{Hdu, hdus, is_complete};
pub use header::Header;
pub use image::{HduChoice, Image, Section};
pub use table::{TableColumn, read_table};
pub use unpack::unpack;
