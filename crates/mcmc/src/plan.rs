//! The resolved and checked fit.
