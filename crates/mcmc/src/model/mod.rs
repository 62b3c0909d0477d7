//! Computes spectra from lines and physical parameters.
