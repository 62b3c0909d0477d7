//! libFuzzer's target of the FITS reader; `scripts/fuzz` builds and runs it with the stable compiler.
#![no_main]
#![allow(dead_code, unused_imports, missing_docs)]

mod check;
#[path = "../src/fits/mod.rs"]
mod fits;
mod mutate;
#[path = "../src/wcs/mod.rs"]
mod wcs;

use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};

fuzz_target!(|bytes: &[u8]| check::check(bytes));

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    if seed % 2 == 0 {
        fuzzer_mutate(data, size, max_size)
    } else {
        mutate::cards(data, size, max_size, seed)
    }
});
