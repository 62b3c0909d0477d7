//! Tests of the model: against its slow twin, against references, and of its limits.

mod average;
mod excited;
mod golden;
mod structure;
mod twin;
