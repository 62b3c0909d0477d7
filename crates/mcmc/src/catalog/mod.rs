//! Reads line lists and partition functions.
