//! libFuzzer's target of orbits; `scripts/fuzz` builds and runs it with the stable compiler.
#![no_main]
#![allow(dead_code, missing_docs)]

mod check;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| check::orbit(bytes));
