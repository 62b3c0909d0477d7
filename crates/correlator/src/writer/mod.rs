//! Writes visibilities as HDF5 and SWIN.

mod hdf;
mod meta;
mod part;
pub mod swin;
mod swin_file;
#[cfg(test)]
mod tests;

pub use hdf::{VisFile, VisWriter};
pub use meta::{ProductInfo, ScanInfo, VisMeta};
pub use part::Part;
pub use swin_file::write_swin;
