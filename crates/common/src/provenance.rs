//! Says how a product was made: what is the same for every run of a plan goes into the product, the rest beside it.

use crate::atomic::{self, WriteError};
use crate::checkpoint::Hash;
use crate::logging;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::io::{self, Read, Write};
use std::path::Path;
use std::time::SystemTime;

/// The commit that the programs were built from.
pub const COMMIT: &str = env!("MIRINAE_COMMIT");

/// Version and commit, as `--version` prints them.
pub const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), " (", env!("MIRINAE_COMMIT"), ")");

/// A file that went into a product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputFile {
    /// Its name as the configuration has it.
    pub name: String,
    /// Its length.
    pub bytes: u64,
    /// SHA-256 of its content, in hexadecimal digits.
    pub sha256: String,
}

impl InputFile {
    /// Describes the file at `path`, which the configuration calls `name`.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn of(name: &str, path: &Path) -> io::Result<Self> {
        let (bytes, hash) = hash_file(path)?;
        Ok(Self { name: name.to_string(), bytes, sha256: hex(&hash) })
    }
}

/// SHA-256 of some bytes.
pub fn hash(bytes: &[u8]) -> Hash {
    Sha256::digest(bytes).into()
}

/// Length and SHA-256 of a file, read in pieces.
///
/// # Errors
/// Where it cannot be read.
pub fn hash_file(path: &Path) -> io::Result<(u64, Hash)> {
    let mut file = std::fs::File::open(path)?;
    let (mut hasher, mut buffer, mut length) = (Sha256::new(), vec![0; 1 << 20], 0);
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok((length, hasher.finalize().into())),
            n => {
                hasher.update(&buffer[..n]);
                length += n as u64;
            }
        }
    }
}

/// Hexadecimal digits of a hash.
pub fn hex(hash: &[u8]) -> String {
    hash.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// What is the same for every run of a plan, as JSON: for the product itself.
pub fn of_plan(program: &str, plan: &Hash, settings: &impl Serialize, inputs: &[InputFile]) -> String {
    let value = serde_json::json!({
        "program": program,
        "version": env!("CARGO_PKG_VERSION"),
        "commit": COMMIT,
        "plan_sha256": hex(plan),
        "settings": settings,
        "inputs": inputs,
    });
    format!("{value:#}")
}

/// The same in one line, for products that hold a remark at most: program, version, commit, plan.
pub fn in_a_line(program: &str, plan: &Hash) -> String {
    format!("{program} {VERSION}, plan sha256 {}", hex(plan))
}

/// A moment as text: 2026-01-31T12:00:00Z.
pub fn date(time: SystemTime) -> String {
    humantime::format_rfc3339_seconds(time).to_string()
}

/// Bytes of memory that this process has held at most; 0 where the system does not tell.
pub fn peak_memory_bytes() -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|rest| rest.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
    kib.map_or(0, |kib| kib << 10)
}

/// Writes what differs from run to run (date, hosts, ranks, command line, the ranks' [`peak_memory_bytes`] where they are known)
/// into a file beside the products.
///
/// # Errors
/// Where the file cannot be written.
pub fn write_run_record(
    path: &Path,
    plan: &Hash,
    hosts: &[String],
    started: SystemTime,
    peak_bytes: &[u64],
) -> Result<(), WriteError> {
    let mut value = serde_json::json!({
        "plan_sha256": hex(plan),
        "command_line": std::env::args().collect::<Vec<_>>(),
        "started": date(started),
        "finished": date(SystemTime::now()),
        "ranks": hosts.len(),
        "hosts": hosts,
        "written_on": logging::host(),
    });
    if !peak_bytes.is_empty() {
        value["peak_memory_bytes"] = peak_bytes.into();
    }
    atomic::write(path, |file| writeln!(file, "{value:#}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_told_by_its_content() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("in.txt");
        std::fs::write(&path, "abc").unwrap();
        let input = InputFile::of("in.txt", &path).unwrap();
        assert_eq!(input.bytes, 3);
        // The test vector of FIPS 180-4 for "abc".
        assert_eq!(input.sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }

    #[test]
    fn memory_that_was_held_is_told() {
        let before = peak_memory_bytes();
        let held = std::hint::black_box(vec![1u8; 64 << 20]);
        assert!(peak_memory_bytes() >= before.max(64 << 20), "{} bytes held", held.len());
    }

    #[test]
    fn the_plans_part_does_not_depend_on_the_run() {
        let text = of_plan("p", &[1; 32], &["a"], &[]);
        assert_eq!(text, of_plan("p", &[1; 32], &["a"], &[]));
        assert!(text.contains(COMMIT) && !text.contains("ranks"));
    }
}
