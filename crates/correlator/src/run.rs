//! Runs a correlation over all ranks.
