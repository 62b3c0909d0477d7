//! A search whose units of work read the recordings of a job: alone over all ranks, or beside others in one pass.

use crate::baseband::SampleSource;
use crate::run::{self, Plan};
use mirinae_common::comm::Comm;
use mirinae_common::farm::{Farm, UnitError};
use mirinae_common::fault;
use mirinae_common::outcome::{Failure, Outcome};
use mirinae_common::progress::Progress;
use mirinae_common::runtime::Context;

/// How often a unit is tried: read errors of a network file system go away.
const ATTEMPTS: u32 = 3;

/// A stretch of a scan, in s from the start of the job.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Span {
    /// Index of the scan.
    pub scan: usize,
    /// Where it begins.
    pub from_s: f64,
    /// Where it ends.
    pub to_s: f64,
}

/// A search of recordings.
pub(crate) trait RecordedSearch {
    /// The job and its recordings.
    fn base(&self) -> &Plan;

    /// Units of work.
    fn units(&self) -> usize;

    /// On rank 0: makes the folder ready and lists the units that are not done.
    fn open(&self) -> Result<Vec<usize>, Failure>;

    /// Does a unit and keeps its result.
    fn unit(
        &self,
        sources: &mut [Box<dyn SampleSource>],
        unit: usize,
        tick: &mut dyn FnMut(),
    ) -> Result<(), UnitError>;

    /// On rank 0, when all is done: joins the results, writes the products, tells how it went.
    fn finish(&self) -> anyhow::Result<Outcome>;
}

/// Runs a search alone.
///
/// # Errors
/// Exit 2 with the cause; exit 65 where the folder holds another search.
pub(super) fn run(context: &Context, search: &dyn RecordedSearch) -> Result<Outcome, Failure> {
    let todo = if context.comm.rank() == 0 { search.open()? } else { Vec::new() };
    let complete = all_units(context, search, &todo).map_err(Failure::run)?;
    if context.comm.rank() > 0 {
        return Ok(Outcome::default());
    }
    if !complete {
        return Ok(Outcome::stopped());
    }
    search.finish().map_err(Failure::run)
}

/// Does the units; false where a signal stopped it before the end.
fn all_units(context: &Context, search: &dyn RecordedSearch, todo: &[usize]) -> anyhow::Result<bool> {
    let total = search.units();
    let mut done = total - todo.len();
    let mut progress =
        Progress::new(context.comm.rank(), context.options, "units", done as u64, total as u64);
    let mut sources = None;
    let watchdog = context.watchdog();
    let pulse = || context.pulse(&watchdog);
    let farm =
        Farm { comm: context.comm, units: todo, attempts: ATTEMPTS, at_once: usize::MAX, pulse: &pulse };
    farm.run(
        |unit, tick| {
            fault::pass("unit").map_err(again)?;
            let sources = sources.get_or_insert_with(|| run::sources(search.base()));
            search.unit(sources, unit, tick).map(|()| Vec::new())
        },
        |_, _| {
            done += 1;
            progress.set(done as u64, String::new);
            Ok(!context.stop_requested())
        },
    )?;
    progress.finish();
    Ok(done == total)
}

/// An error that may go away.
pub(crate) fn again(error: impl Into<anyhow::Error>) -> UnitError {
    UnitError { recoverable: true, error: error.into() }
}
