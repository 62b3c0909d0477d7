//! Runs a search for compact sources over all ranks: a phase centre is a unit, its candidates a checkpoint; rank 0 joins them.
//!
//! Where several phase centres have candidates, those are searched again, without what others have found outside of their fields: its
//! sidelobes would be candidates.

use super::collect::{FieldResult, Searcher};
use super::plan::SearchPlan;
use super::report::SearchReport;
use super::{SearchError, products};
use anyhow::Context as _;
use mirinae_common::checkpoint::Checkpoint;
use mirinae_common::comm::{self, Comm};
use mirinae_common::farm::{Farm, UnitError};
use mirinae_common::fault;
use mirinae_common::outcome::{Failure, Outcome};
use mirinae_common::progress::Progress;
use mirinae_common::provenance;
use mirinae_common::runtime::Context;
use mirinae_common::undone::undone;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// How often a unit is tried: read errors of a network file system go away.
const ATTEMPTS: u32 = 3;

/// Runs the search; "NAME.search.csv" and what belongs to it goes to `out`.
///
/// # Errors
/// Exit 2 with the cause; exit 65 where the folder holds another search, or the field is too wide.
pub fn run(context: &Context, plan: &SearchPlan, out: &Path) -> Result<Outcome, Failure> {
    let run = Run { context, plan, out };
    let todo = if context.comm.rank() == 0 { run.open()? } else { Vec::new() };
    let mut outside = vec![Vec::new(); plan.centres.len()];
    let mut refused = None;
    let mut complete = run.search((&todo, &outside), 0, &mut refused).map_err(Failure::run)?;
    if let Some(why) = refused {
        return Err(Failure::input(anyhow::anyhow!(why)));
    }
    for round in 1..=AGAIN {
        // What rank 0 says is done: the outside of each field, or that the search was stopped.
        let next =
            if context.comm.rank() == 0 && complete { Some(run.outside(round - 1, &outside)?) } else { None };
        let Some(next) = comm::share(context.comm, &next).map_err(Failure::run)? else { break };
        outside = next;
        if outside.iter().all(Vec::is_empty) {
            break;
        }
        let todo = if context.comm.rank() == 0 { run.todo(round, &outside)? } else { Vec::new() };
        complete = run.search((&todo, &outside), round, &mut None).map_err(Failure::run)?;
    }
    match (context.comm.rank(), complete) {
        (0, true) => run.finish(&outside),
        (0, false) => Ok(Outcome::stopped()),
        _ => Ok(Outcome::default()),
    }
}

/// Rounds after the first: in the second one, places that sidelobes had moved are mended.
const AGAIN: usize = 2;

/// For each phase centre what is taken out before: right ascension and declination, rad.
type Outside = Vec<Vec<(f64, f64)>>;

struct Run<'a> {
    context: &'a Context<'a>,
    plan: &'a SearchPlan,
    out: &'a Path,
}

impl Run<'_> {
    fn product(&self, ending: &str) -> PathBuf {
        let stem = self.plan.path.file_stem().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        self.out.join(format!("{stem}.search{ending}"))
    }

    fn parts(&self) -> PathBuf {
        self.product("-parts")
    }

    /// The result of a unit: the first, or one without what is outside of its field.
    fn part(&self, unit: usize, round: usize) -> Checkpoint {
        Checkpoint::new(self.parts().join(format!("{unit:08}.{round}.part")), self.context.plan_hash)
    }

    /// On rank 0: makes the folder ready and lists the units that are not done.
    fn open(&self) -> Result<Vec<usize>, Failure> {
        let (options, parts) = (self.context.options, self.parts());
        if options.fresh {
            self.clear().context("cannot start over").map_err(Failure::run)?;
        }
        if options.resume && !parts.exists() {
            let what =
                format!("{} is not there: no search to go on with; leave out --resume", parts.display());
            return Err(Failure::input(anyhow::anyhow!(what)));
        }
        let made = fs::create_dir_all(&parts).with_context(|| format!("cannot make {}", parts.display()));
        made.map_err(Failure::run)?;
        self.undone(0..self.plan.centres.len(), 0)
    }

    /// On rank 0: the units that are searched again and are not done.
    fn todo(&self, round: usize, outside: &Outside) -> Result<Vec<usize>, Failure> {
        self.undone((0..outside.len()).filter(|&unit| !outside[unit].is_empty()), round)
    }

    fn undone(&self, units: impl Iterator<Item = usize>, round: usize) -> Result<Vec<usize>, Failure> {
        undone(units, |unit| self.part(unit, round).load::<Option<FieldResult>>().map(|part| part.is_some()))
    }

    /// Removes what an earlier search left.
    fn clear(&self) -> io::Result<()> {
        let gone = |result: io::Result<()>| match result {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
            _ => Ok(()),
        };
        for ending in [".csv", ".ecsv"] {
            gone(fs::remove_file(self.product(ending)))?;
        }
        gone(fs::remove_dir_all(self.product("")))?;
        gone(fs::remove_dir_all(self.parts()))
    }

    /// Does the units; false where a signal stopped it before the end, or a field was refused.
    fn search(
        &self,
        (todo, outside): (&[usize], &Outside),
        round: usize,
        refused: &mut Option<String>,
    ) -> anyhow::Result<bool> {
        let again = outside.iter().filter(|places| !places.is_empty()).count();
        let total = if round > 0 { again } else { outside.len() };
        let mut done = total - todo.len();
        let rank = self.context.comm.rank();
        let mut progress =
            Progress::new(rank, self.context.options, "phase centres", done as u64, total as u64);
        let mut searcher = None;
        let watchdog = self.context.watchdog();
        let pulse = || self.context.pulse(&watchdog);
        let farm = Farm {
            comm: self.context.comm,
            units: todo,
            attempts: ATTEMPTS,
            at_once: usize::MAX,
            pulse: &pulse,
        };
        let failed = |error: anyhow::Error| UnitError { recoverable: true, error };
        farm.run(
            |unit, tick| {
                fault::pass("unit").map_err(|e| failed(e.into()))?;
                if searcher.is_none() {
                    searcher = Some(Searcher::open(self.plan).map_err(|e| failed(e.into()))?);
                }
                let Some(searcher) = &mut searcher else { return Ok(Vec::new()) };
                match searcher.search((self.plan.centres[unit].source, &outside[unit]), tick) {
                    // Told by rank 0, as what the user can change.
                    Err(error @ (SearchError::Wide { .. } | SearchError::Large { .. })) => {
                        Ok(format!("{}: {error}", self.plan.centres[unit].name).into_bytes())
                    }
                    Err(error) => Err(failed(error.into())),
                    Ok(result) => {
                        self.part(unit, round).save(&result).map_err(|e| failed(e.into()))?;
                        Ok(Vec::new())
                    }
                }
            },
            |_, why| {
                if !why.is_empty() {
                    *refused = Some(String::from_utf8_lossy(&why).into_owned());
                    return Ok(false);
                }
                done += 1;
                progress.set(done as u64, String::new);
                Ok(!self.context.stop_requested())
            },
        )?;
        progress.finish();
        Ok(done == total)
    }

    /// On rank 0: joins the results, writes the products, tells what was found.
    fn finish(&self, outside: &Outside) -> Result<Outcome, Failure> {
        let report = self.report(&self.results(AGAIN, outside)?).marked(&self.plan.known);
        let identity = self.plan.identity().map_err(Failure::run)?;
        let made_by = provenance::in_a_line("kvn-corr search", &identity);
        products::write(&report, &self.product(""), &made_by).map_err(Failure::run)?;
        let csv = self.product(".csv");
        report.write_csv(&csv).map_err(Failure::run)?;
        let (hosts, started) = (&self.context.hosts, self.context.started);
        provenance::write_run_record(
            &self.product(".run.json"),
            &self.context.plan_hash,
            hosts,
            started,
            &[],
        )
        .map_err(Failure::run)?;
        // The products are whole: another search of the same visibilities may begin.
        let removed = fs::remove_dir_all(self.parts());
        removed.with_context(|| format!("cannot remove {}", self.parts().display())).map_err(Failure::run)?;
        // They are there, whether or not anyone listens.
        let (sefds, csv) = (&self.plan.sefds, csv.display());
        let _ = writeln!(io::stdout().lock(), "{report}flux densities: {sefds}\ntable: {csv}");
        Ok(Outcome::default())
    }

    fn report(&self, results: &[FieldResult]) -> SearchReport {
        SearchReport::new(&self.plan.path, self.plan.options.threshold, results.to_vec())
    }

    /// On rank 0: what is outside of each unit's field by the results of a round.
    fn outside(&self, round: usize, before: &Outside) -> Result<Outside, Failure> {
        let results = self.results(round, before)?;
        let found = self.report(&results).outside(&results);
        let of = |centre: &super::plan::Centre| {
            let place = results.iter().position(|r| r.centre.name == centre.name);
            place.map_or_else(Vec::new, |place| found[place].clone())
        };
        Ok(self.plan.centres.iter().map(of).collect())
    }

    /// The results of all units: those of a round where there is something outside of a field, else the first.
    fn results(&self, round: usize, outside: &Outside) -> Result<Vec<FieldResult>, Failure> {
        let mut results = Vec::new();
        for (unit, places) in outside.iter().enumerate() {
            let part = self.part(unit, if places.is_empty() { 0 } else { round });
            let found = part.load::<Option<FieldResult>>().map_err(Failure::run)?;
            let missing =
                || format!("{} was there and is gone; run the same command again", part.path().display());
            results.extend(found.with_context(missing).map_err(Failure::run)?);
        }
        if results.is_empty() {
            return Err(Failure::input(SearchError::Empty { path: self.plan.path.clone() }));
        }
        Ok(results)
    }
}
