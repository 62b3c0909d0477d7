//! Turns one station's samples into spectra.
