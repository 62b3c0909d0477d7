//! Writes visibilities as HDF5, SWIN and FITS-IDI.

mod hdf;
mod hdf_read;
mod idi;
mod meta;
mod part;
mod rows;
pub mod swin;
mod swin_file;
#[cfg(test)]
mod tests;

pub use hdf::VisWriter;
pub use hdf_read::{Sampled, VisFile};
pub(crate) use idi::Header;
pub use idi::{files as fits_idi_files, path as fits_idi_path, write as write_fits_idi};
pub use meta::{ProductInfo, RecordedInfo, ScanInfo, VisMeta};
pub use part::Part;
pub use rows::{VisPlaces, VisRows, pack};
pub use swin_file::{path as swin_path, write_swin};
