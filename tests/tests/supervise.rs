//! The supervisor brings runs to their end as long as they get on, and gives up where they do not.
#![allow(clippy::unwrap_used)]

use mirinae_tests::root;
use std::process::Command;

/// The exit code of `scripts/supervise` on one process that runs these words of the shell, with `$0` its output folder,
/// and the attempts that it made.
fn supervise(words: &str) -> (Option<i32>, usize) {
    let folder = tempfile::tempdir().unwrap();
    let (out, log) = (folder.path().join("out"), folder.path().join("log"));
    std::fs::create_dir(&out).unwrap();
    let status = Command::new(root().join("scripts/supervise"))
        .args(["--tries", "2", "-np", "1", "--log", log.to_str().unwrap(), "--", "sh", "-c", words])
        .args([out.to_str().unwrap(), "--out", out.to_str().unwrap()])
        .output()
        .unwrap()
        .status;
    let log = std::fs::read_to_string(log).unwrap();
    (status.code(), log.matches(" attempt ").count())
}

#[test]
fn a_run_that_gets_on_is_started_until_it_is_done() {
    let parts = r#"n=$(ls "$0" | wc -l); [ "$n" -lt 3 ] || exit 0; touch "$0/$n.part"; exit 3"#;
    assert_eq!(supervise(parts), (Some(0), 4));
}

#[test]
fn a_run_that_brings_nothing_new_is_given_up() {
    assert_eq!(supervise("echo one more line; exit 3"), (Some(2), 2));
    let temporary = r#"touch "$0/.$$.part.tmp"; exit 3"#;
    assert_eq!(supervise(temporary), (Some(2), 2));
}

#[test]
fn what_cannot_be_used_is_told_at_once() {
    assert_eq!(supervise("exit 65"), (Some(65), 1));
}
