//! Runs a pass over all ranks: slices of time are handed out, each program's products are made when all of them are done.

use super::plan::{AROUND_S, PassPlan, hash_of};
use super::slices::{Slice, Task};
use crate::baseband::{Recording, SampleSource, SharedRecording};
use crate::run::{CutWishes, News, Products, Run, Status, Worker};
use crate::search;
use crate::search::bursts::BurstRun;
use crate::search::narrow::NarrowRun;
use crate::search::recorded::{RecordedSearch, Span, again};
use mirinae_common::comm::{self, Comm};
use mirinae_common::farm::{Farm, UnitError};
use mirinae_common::fault;
use mirinae_common::options::RunOptions;
use mirinae_common::outcome::{Failure, Outcome};
use mirinae_common::plan;
use mirinae_common::progress::Progress;
use mirinae_common::runtime::Context;
use std::cell::RefCell;
use std::collections::HashMap;
use std::path::Path;

/// How often a slice is tried: read errors of a network file system go away.
const ATTEMPTS: u32 = 3;

/// Runs the correlation and its searches; products go to `out`, the same as those of the programs by themselves.
///
/// # Errors
/// Exit 2 with the cause; exit 65 where the folder holds another correlation or search.
pub fn run(
    context: &Context,
    plan: &PassPlan,
    out: &Path,
    (products, cut): (Products, CutWishes),
) -> Result<Outcome, Failure> {
    let of = |hash| context.with_plan(hash);
    let correlating = of(hash_of(&plan.correlation)?);
    let narrow = plan.narrow.as_ref().map(|plan| Ok((of(hash_of(plan)?), plan))).transpose()?;
    let bursts = plan.bursts.as_ref().map(|plan| Ok((of(hash_of(plan)?), plan))).transpose()?;
    let narrow = narrow.as_ref().map(|(context, plan)| NarrowRun::new(context, plan, out));
    let bursts = bursts.as_ref().map(|(context, plan)| BurstRun::new(context, plan, out));
    let searches: Vec<&dyn RecordedSearch> = narrow
        .iter()
        .map(|run| run as &dyn RecordedSearch)
        .chain(bursts.iter().map(|run| run as &dyn RecordedSearch))
        .collect();
    let lots = plan.lots(cut, context.comm.size());
    let correlation = Run::new(&correlating, &plan.correlation, out, lots);
    let pass = Pass { context, plan, correlation, searches };
    pass.all(out, &products)
}

struct Pass<'a> {
    context: &'a Context<'a>,
    plan: &'a PassPlan,
    correlation: Run<'a>,
    searches: Vec<&'a dyn RecordedSearch>,
}

/// What a rank keeps from slice to slice.
struct Rank<'a> {
    recordings: Vec<SharedRecording>,
    sources: Vec<Box<dyn SampleSource>>,
    worker: Worker<'a>,
    /// What is done of the slice that is worked at.
    done: HashMap<Task, News>,
}

/// What is done of a slice: news of its correlations, number of its units.
type Done = (Vec<News>, usize);

impl Pass<'_> {
    fn all(&self, out: &Path, products: &Products) -> Result<Outcome, Failure> {
        let rank = self.context.comm.rank();
        let (correlate, search) = if rank == 0 { self.open()? } else { Default::default() };
        let (correlate, search): (Vec<usize>, Vec<Vec<usize>>) =
            comm::share(self.context.comm, &(correlate, search)).map_err(Failure::run)?;
        let slices = self.plan.slices(self.correlation.lots(), &correlate, &search);
        let file = products.status.clone().filter(|_| rank == 0);
        let lots = self.correlation.lots();
        let mut status =
            Status::new(&self.plan.correlation, lots, &correlate, self.context.comm.size(), file);
        let complete = self.slices(&slices, &mut status, products.status.is_some()).map_err(Failure::run)?;
        if !complete {
            status.write("stopped");
            return Ok(Outcome::stopped());
        }
        let mut outcome = self.correlation.products(products, &mut status).map_err(Failure::run)?;
        if comm::share(self.context.comm, &outcome.is_stopped()).map_err(Failure::run)? {
            return Ok(outcome);
        }
        if rank == 0 {
            for search in &self.searches {
                outcome.add(search.finish().map_err(Failure::run)?);
            }
        }
        outcome.add(self.compact(out)?);
        Ok(outcome)
    }

    /// On rank 0: makes the folders ready and lists the units that are not done, of the correlation and of each search.
    fn open(&self) -> Result<(Vec<usize>, Vec<Vec<usize>>), Failure> {
        let correlate = self.correlation.open()?;
        let search = self.searches.iter().map(|search| search.open()).collect::<Result<_, _>>()?;
        Ok((correlate, search))
    }

    /// Does the slices; false, on all ranks, where a signal stopped it before the end.
    fn slices(&self, slices: &[Slice], status: &mut Status, fringes: bool) -> anyhow::Result<bool> {
        let searched: usize = self.searches.iter().map(|search| search.units()).sum();
        let (total, left) = (
            self.correlation.units() + searched,
            slices.iter().map(|slice| slice.tasks.len()).sum::<usize>(),
        );
        let mut done = total - left;
        let mut progress =
            Progress::new(self.context.comm.rank(), self.context.options, "units", done as u64, total as u64);
        let todo: Vec<usize> = (0..slices.len()).collect();
        let mut rank = None;
        let (watchdog, status) = (self.context.watchdog(), RefCell::new(status));
        let pulse = || {
            self.context.pulse(&watchdog);
            status.borrow_mut().write_now_and_then();
        };
        let farm = Farm {
            comm: self.context.comm,
            units: &todo,
            attempts: ATTEMPTS,
            at_once: usize::MAX,
            pulse: &pulse,
        };
        let tried_again = farm.run(
            |slice, tick| {
                let rank = rank.get_or_insert_with(|| self.rank());
                let done = self.slice(rank, &slices[slice], fringes, tick)?;
                postcard::to_stdvec(&done).map_err(|e| UnitError { recoverable: false, error: e.into() })
            },
            |_, told| {
                let (news, units): Done = postcard::from_bytes(&told)?;
                done += units;
                news.into_iter().for_each(|news| status.borrow_mut().take(news));
                progress.set(done as u64, || status.borrow().in_words());
                Ok(!self.context.stop_requested())
            },
        )?;
        self.correlation.tried_again.set(tried_again);
        progress.finish();
        Ok(comm::share(self.context.comm, &(done == total))?)
    }

    fn rank(&self) -> Rank<'_> {
        let asleep = |index| SharedRecording::new(Recording::asleep(index));
        let recordings: Vec<SharedRecording> = self.plan.correlation.indexes.iter().map(asleep).collect();
        let readers = || -> Vec<Box<dyn SampleSource>> {
            recordings.iter().map(|recording| Box::new(recording.clone()) as Box<dyn SampleSource>).collect()
        };
        let (sources, worker) = (readers(), self.correlation.worker(readers()));
        Rank { recordings, sources, worker, done: HashMap::new() }
    }

    /// Does the units of a slice, up to the end or to where a signal stops it.
    fn slice(
        &self,
        rank: &mut Rank,
        slice: &Slice,
        fringes: bool,
        tick: &mut dyn FnMut(),
    ) -> Result<Done, UnitError> {
        let holds = self.plan.bytes_of(slice) <= self.plan.hold_bytes;
        self.hold(&rank.recordings, holds.then_some(slice.span));
        if rank.done.keys().any(|task| !slice.tasks.contains(task)) {
            // Of a slice that failed here, and was tried again elsewhere.
            rank.done.clear();
        }
        for &task in &slice.tasks {
            if self.context.stop_requested() {
                break;
            }
            if rank.done.contains_key(&task) {
                continue;
            }
            fault::pass("unit").map_err(again)?;
            let news = match task {
                Task::Correlate(unit) => self.correlation.unit(&mut rank.worker, unit, fringes, tick)?,
                Task::Search(place, unit) => {
                    self.searches[place].unit(&mut rank.sources, unit, tick)?;
                    News::default()
                }
            };
            rank.done.insert(task, news);
        }
        let mut done: Vec<(Task, News)> = rank.done.drain().collect();
        done.sort_by_key(|(task, _)| *task);
        let units = done.len();
        let correlated = done.into_iter().filter(|(task, _)| matches!(task, Task::Correlate(_)));
        Ok((correlated.map(|(_, news)| news).collect(), units))
    }

    /// Says what of the recordings is to be held in memory.
    fn hold(&self, recordings: &[SharedRecording], span: Option<Span>) {
        let job = &self.plan.correlation.job;
        let start_second = job.start_mjd * 86_400 + job.start_second;
        for (recording, stream) in recordings.iter().zip(&job.streams) {
            let rate_hz = stream.sample_rate_hz as f64;
            let origin_s = (start_second - recording.layout().reference.0) as f64;
            let at = |s: f64| ((origin_s + s) * rate_hz) as i64;
            recording.hold(span.map(|span| (at(span.from_s - AROUND_S), at(span.to_s + AROUND_S))));
        }
    }

    /// On all ranks, when the visibilities are there: the search for compact sources.
    fn compact(&self, out: &Path) -> Result<Outcome, Failure> {
        let Some(wishes) = &self.plan.compact else { return Ok(Outcome::default()) };
        let file = self.correlation.product(&self.plan.correlation.job);
        let first = self.context.comm.rank() == 0;
        let plan = first.then(|| wishes.plan(&file, self.plan.correlation.simd)).transpose()?;
        let (plan, hash) = plan::share(self.context.comm, plan).map_err(Failure::run)?;
        // A pass that goes on may not have come to this search before.
        let options = RunOptions { resume: false, ..self.context.options.clone() };
        let mut context: Context<'_> = self.context.with_plan(hash);
        context.options = &options;
        search::run(&context, &plan, out)
    }
}
