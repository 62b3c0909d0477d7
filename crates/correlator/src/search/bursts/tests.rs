//! Tests of the search on made-up powers and spectra.
