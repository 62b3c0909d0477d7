//! Writes visibilities as HDF5 and SWIN.

pub mod swin;
