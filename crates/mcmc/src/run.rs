//! Runs a fit over all ranks.
