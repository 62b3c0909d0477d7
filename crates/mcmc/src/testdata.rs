//! Finds the shared reference data that some tests compare with.

use std::path::PathBuf;

/// The path of reference data, or nothing where they are absent (said on standard error). Where the
/// environment has `CI=true` absence is a failure: there the data must be.
pub fn shared(name: &str) -> Option<PathBuf> {
    let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared")).join(name);
    if path.exists() {
        return Some(path);
    }
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{} is not there", path.display());
    eprintln!("skipped: {} is not there", path.display());
    None
}
