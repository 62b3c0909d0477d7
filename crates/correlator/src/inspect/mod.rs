//! Tells what a recording holds.
