//! Finds delay and rate in visibilities.
