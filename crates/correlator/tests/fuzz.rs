//! Replays the seeds of the fuzz targets and what they have found; writes the seeds.
#![allow(missing_docs, dead_code)]

#[path = "../fuzz/check.rs"]
mod check;
#[path = "../fuzz/seeds.rs"]
mod seeds;

use std::fs;
use std::path::{Path, PathBuf};

fn folder(kind: &str, target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz").join(kind).join(target)
}

#[test]
fn seeds_and_findings_of_the_fuzzer_hold() {
    for (target, check) in check::TARGETS {
        let mut seeds = 0;
        for kind in ["corpus", "findings"] {
            for entry in fs::read_dir(folder(kind, target)).into_iter().flatten() {
                let path = entry.expect("a folder that can be read").path();
                println!("{}", path.display());
                check(&fs::read(&path).expect("a file that can be read"));
                seeds += usize::from(kind == "corpus");
            }
        }
        assert!(seeds > 1, "{target}: {seeds} seeds");
    }
}

/// What is read of the seeds is read to the end: a fuzzer that starts from refusals finds nothing.
#[test]
fn seeds_are_read() {
    let read = seeds::refused();
    assert!(read.is_empty(), "{read:?}");
}

#[test]
#[ignore = "writes the seeds"]
fn write_the_seeds() {
    for (target, name, bytes) in seeds::all() {
        let folder = folder("corpus", target);
        fs::create_dir_all(&folder).expect("a folder");
        fs::write(folder.join(name), bytes).expect("a seed");
    }
}
