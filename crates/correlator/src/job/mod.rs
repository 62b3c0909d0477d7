//! The resolved and checked correlation.
