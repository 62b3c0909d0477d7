//! Keeps the samples in HDF5 files.
