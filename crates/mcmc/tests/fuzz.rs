//! Replays the seeds of the fuzz targets and what they have found.
#![allow(missing_docs, dead_code)]

#[path = "../fuzz/check.rs"]
mod check;

use std::fs;
use std::path::Path;

#[test]
fn seeds_and_findings_of_the_fuzzer_hold() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    for (target, check) in check::TARGETS {
        let mut seeds = 0;
        for kind in ["corpus", "findings"] {
            for entry in fs::read_dir(fuzz.join(kind).join(target)).into_iter().flatten() {
                let path = entry.expect("a folder that can be read").path();
                println!("{}", path.display());
                check(&fs::read(&path).expect("a file that can be read"));
                seeds += usize::from(kind == "corpus");
            }
        }
        assert!(seeds > 1, "{target}: {seeds} seeds");
    }
}
