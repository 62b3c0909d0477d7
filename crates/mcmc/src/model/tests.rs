//! Tests of the model: against its slow twin, against references, and of its limits.

mod golden;
mod twin;
