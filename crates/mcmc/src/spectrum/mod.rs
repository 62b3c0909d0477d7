//! Reads observed spectra and cubes.
