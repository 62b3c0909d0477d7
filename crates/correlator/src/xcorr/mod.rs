//! Multiplies the spectra of station pairs.
