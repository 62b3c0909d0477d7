//! Breaks a run on purpose, where a test asks for it: the only way to see that it ends as it should.
//!
//! `MIRINAE_FAULT=ACTION:POINT:RANK:COUNT` makes the COUNT-th passage of POINT on RANK fail: `panic`, `error`
//! (a recoverable `Err`), `kill` (SIGKILL to itself, as a machine that vanishes) or `term` (SIGTERM, as from a batch system). Points are named where they stand:
//! `step` and `unit` (a sampler's step, a unit of work), `write` (a file is written under its temporary name, before
//! the rename) and `rename` (after it). Unset, as for every user, a passage costs one load.

use crate::runtime::launched_rank;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

#[derive(Debug, PartialEq, Eq)]
struct Fault {
    action: Action,
    point: String,
    rank: usize,
    count: u64,
}

#[derive(Debug, PartialEq, Eq)]
enum Action {
    Panic,
    Error,
    Kill,
    Term,
}

/// The error that `error` makes.
#[derive(Debug, thiserror::Error)]
#[error("injected at {0} by MIRINAE_FAULT")]
pub struct Injected(String);

fn parse(text: &str) -> Option<Fault> {
    let mut fields = text.split(':');
    let action = match fields.next()? {
        "panic" => Action::Panic,
        "error" => Action::Error,
        "kill" => Action::Kill,
        "term" => Action::Term,
        _ => return None,
    };
    let point = fields.next()?.to_string();
    let rank = fields.next()?.parse().ok()?;
    let count = fields.next()?.parse().ok()?;
    fields.next().is_none().then_some(Fault { action, point, rank, count })
}

static FAULT: OnceLock<Option<Fault>> = OnceLock::new();
static PASSED: AtomicU64 = AtomicU64::new(0);

/// A passage of `point`.
///
/// # Errors
/// [`Injected`] where a test asks for it.
///
/// # Panics
/// Where a test asks for it, or `MIRINAE_FAULT` cannot be read.
pub fn pass(point: &str) -> Result<(), Injected> {
    let fault = FAULT.get_or_init(|| {
        let text = std::env::var("MIRINAE_FAULT").ok()?;
        Some(parse(&text).unwrap_or_else(|| panic!("MIRINAE_FAULT={text} is not ACTION:POINT:RANK:COUNT")))
    });
    let Some(fault) = fault else { return Ok(()) };
    if fault.point != point || fault.rank != launched_rank() {
        return Ok(());
    }
    if PASSED.fetch_add(1, Ordering::SeqCst) + 1 != fault.count {
        return Ok(());
    }
    match fault.action {
        Action::Error => Err(Injected(point.to_string())),
        Action::Panic => panic!("injected at {point} by MIRINAE_FAULT"),
        Action::Term => {
            let me = rustix::process::getpid();
            rustix::process::kill_process(me, rustix::process::Signal::TERM)
                .map_err(|_| Injected(point.to_string()))
        }
        Action::Kill => {
            let me = rustix::process::getpid();
            // Where the system does not obey, the panic below still ends the run.
            let _ = rustix::process::kill_process(me, rustix::process::Signal::KILL);
            panic!("still alive after SIGKILL at {point}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn specifications_are_read() {
        let fault = Fault { action: Action::Kill, point: "write".to_string(), rank: 1, count: 20 };
        assert_eq!(parse("kill:write:1:20"), Some(fault));
        for bad in ["", "kill", "die:write:1:2", "kill:write:x:2", "kill:write:1:2:3"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
        assert!(pass("step").is_ok());
    }
}
