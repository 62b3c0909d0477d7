//! Runs a correlation over all ranks.
//!
//! Units of work (a few integrations each) are handed out as ranks get free; each writes what it made as a part, whole
//! or not at all. When all are there, they go into the product, each to its place. What is done already is not done again.

mod news;
mod plan;
mod products;
mod status;
mod summary;
#[cfg(test)]
mod tests;

pub(crate) use news::News;
pub use plan::{Plan, RecordingFile, Wishes, open_stream, prepare, sources};
pub(crate) use status::Status;
pub use summary::{States, Summary};

use crate::baseband::{BasebandError, SampleSource};
use crate::engine::{Engine, groups};
use crate::integrate::{Accumulator, Mean, Record};
use crate::job::{Cut, Job, Kept, Lot, Unit};
use crate::writer::{Part, VisFile, fits_idi_files, pack};
use anyhow::Context as _;
use mirinae_common::checkpoint::CheckpointError;
use mirinae_common::comm::{self, Comm};
use mirinae_common::farm::{Farm, UnitError};
use mirinae_common::fault;
use mirinae_common::outcome::{Failure, Outcome};
use mirinae_common::progress::Progress;
use mirinae_common::provenance;
use mirinae_common::runtime::Context;
use mirinae_common::undone::undone;
use news::Frames;
use std::cell::{Cell, RefCell};
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// How often a unit is tried: read errors of a network file system go away.
const ATTEMPTS: u32 = 3;

/// What is made besides the HDF5 file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Products {
    /// DiFX's output folder.
    pub swin: bool,
    /// FITS-IDI, a file for each phase centre.
    pub fits_idi: bool,
    /// A file that tells how the run goes.
    pub status: Option<PathBuf>,
}

/// Groups of bands and of baselines that a stretch of time is cut into; absent: as many as give every rank something to
/// do. Products do not depend on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CutWishes {
    /// Groups of bands.
    pub bands: Option<usize>,
    /// Groups of baselines.
    pub baselines: Option<usize>,
}

impl CutWishes {
    /// Lots of a job that is cut into so many stretches of time.
    pub(crate) fn lots(self, plan: &Plan, stretches: usize, ranks: usize) -> Vec<Lot> {
        let cut = match (self.bands, self.baselines) {
            (None, None) => plan.cut(stretches, ranks),
            (bands, baselines) => Cut { bands: bands.unwrap_or(1), baselines: baselines.unwrap_or(1) },
        };
        cut.lots(&plan.job, &groups(&plan.job))
    }
}

/// Runs the correlation; products go to `out`.
///
/// # Errors
/// Exit 2 with the cause; exit 65 where the folder holds another correlation.
pub fn run(
    context: &Context,
    plan: &Plan,
    out: &Path,
    (products, cut): (Products, CutWishes),
) -> Result<Outcome, Failure> {
    let lots = cut.lots(plan, plan.units.len(), context.comm.size());
    let run = Run::new(context, plan, out, lots);
    let todo = if context.comm.rank() == 0 { run.open()? } else { Vec::new() };
    // Every rank looks for fringes where somebody wants to see them, rank 0 writes the file.
    let file = products.status.clone().filter(|_| context.comm.rank() == 0);
    let mut status = Status::new(plan, run.lots.len(), &todo, context.comm.size(), file);
    let complete = run.correlate(&todo, &mut status, products.status.is_some()).map_err(Failure::run)?;
    if !complete {
        status.write("stopped");
        return Ok(Outcome::stopped());
    }
    run.products(&products, &mut status).map_err(Failure::run)
}

/// A correlation and where its products go.
pub(crate) struct Run<'a> {
    context: &'a Context<'a>,
    plan: &'a Plan,
    out: &'a Path,
    lots: Vec<Lot>,
    /// How often something had to be tried again.
    pub tried_again: Cell<u64>,
}

impl<'a> Run<'a> {
    /// A correlation in lots.
    pub fn new(context: &'a Context<'a>, plan: &'a Plan, out: &'a Path, lots: Vec<Lot>) -> Self {
        Self { context, plan, out, lots, tried_again: Cell::new(0) }
    }
}

impl Run<'_> {
    /// The file of visibilities of the job or of a view of it.
    pub fn product(&self, job: &Job) -> PathBuf {
        self.out.join(format!("{}.h5", job.name))
    }

    /// What a lot keeps of a record of the job or of a view of it.
    fn kept(&self, job: &Job, lot: usize) -> Kept {
        Kept { output_channels: job.output_channels(), ..self.lots[lot].kept.clone() }
    }

    fn part(&self, unit: usize) -> Part {
        let name = &self.lots[unit % self.lots.len()].name;
        Part::new(self.out, (unit / self.lots.len(), name), self.context.plan_hash)
    }

    /// Lots of a stretch of time.
    pub fn lots(&self) -> usize {
        self.lots.len()
    }

    /// Every lot of every stretch of time.
    pub fn units(&self) -> usize {
        self.plan.units.len() * self.lots.len()
    }

    /// The stretch of time and the lot of a unit.
    fn slice(&self, unit: usize) -> (&Unit, usize) {
        (&self.plan.units[unit / self.lots.len()], unit % self.lots.len())
    }

    /// On rank 0: makes the folder ready and lists the units that are not done.
    pub fn open(&self) -> Result<Vec<usize>, Failure> {
        let options = self.context.options;
        if options.fresh {
            self.clear().context("cannot start over").map_err(Failure::run)?;
        }
        // Those of views are put in their places before it.
        let product = self.product(&self.plan.job);
        if product.exists() {
            self.check_product(&product)?;
            return Ok(Vec::new());
        }
        let parts = Part::folder(self.out);
        if options.resume && !parts.exists() {
            let what = format!("{} holds no run to go on with; leave out --resume", self.out.display());
            return Err(Failure::input(anyhow::anyhow!(what)));
        }
        let made = fs::create_dir_all(&parts).with_context(|| format!("cannot make {}", parts.display()));
        made.map_err(Failure::run)?;
        undone(0..self.units(), |unit| self.part(unit).load().map(|part| part.is_some()))
    }

    /// Removes what an earlier run left.
    fn clear(&self) -> std::io::Result<()> {
        let gone = |result: std::io::Result<()>| match result {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(e),
            _ => Ok(()),
        };
        for job in self.plan.job.all() {
            gone(fs::remove_file(self.product(job)))?;
            gone(fs::remove_dir_all(self.out.join(&job.swin_folder)))?;
            for old in fits_idi_files(self.out, &job.name)? {
                gone(fs::remove_file(old))?;
            }
        }
        gone(fs::remove_dir_all(Part::folder(self.out)))
    }

    /// A product that is there must be this plan's.
    fn check_product(&self, product: &Path) -> Result<(), Failure> {
        let found = VisFile::open(product).and_then(|file| file.provenance());
        let ours = self.plan.provenance(&self.plan.job, &self.context.plan_hash);
        match found {
            Ok(found) if found == ours => Ok(()),
            Ok(_) => Err(Failure::input(CheckpointError::ForeignPlan { path: product.to_owned() })),
            Err(error) => Err(Failure::input(anyhow::anyhow!(
                "{}: {error}; choose another folder with --out, or start over with --fresh",
                product.display()
            ))),
        }
    }

    fn is_first(&self) -> bool {
        self.context.comm.rank() == 0
    }

    /// On all ranks: all products of what has been correlated, told as they come.
    pub fn products(&self, products: &Products, status: &mut Status) -> anyhow::Result<Outcome> {
        status.write("writing");
        let outcome = self.write(products)?;
        status.write(if outcome.is_none() { "stopped" } else { "done" });
        Ok(outcome.unwrap_or_else(Outcome::stopped))
    }

    /// On all ranks: all products of what has been correlated; none where a signal stopped it.
    fn write(&self, products: &Products) -> anyhow::Result<Option<Outcome>> {
        if !self.join()? {
            return Ok(None);
        }
        if self.is_first() {
            self.remove_parts()?;
        }
        let Some(made) = self.write_centres(products)? else { return Ok(None) };
        let peaks = self.peaks()?;
        let outcome = if self.is_first() { self.finish(made, &peaks)? } else { Outcome::default() };
        Ok(Some(outcome))
    }

    /// Does the units; false, on all ranks, where a signal stopped it before the end.
    fn correlate(&self, todo: &[usize], status: &mut Status, fringes: bool) -> anyhow::Result<bool> {
        let total = self.units();
        let mut done = total - todo.len();
        let rank = self.context.comm.rank();
        let mut progress = Progress::new(rank, self.context.options, "units", done as u64, total as u64);
        let mut worker = None;
        let (watchdog, status) = (self.context.watchdog(), RefCell::new(status));
        let pulse = || {
            self.context.pulse(&watchdog);
            status.borrow_mut().write_now_and_then();
        };
        let farm = Farm {
            comm: self.context.comm,
            units: todo,
            attempts: ATTEMPTS,
            at_once: usize::MAX,
            pulse: &pulse,
        };
        let again = farm.run(
            |unit, tick| {
                fault::pass("unit").map_err(|e| UnitError { recoverable: true, error: e.into() })?;
                let news = self.unit(
                    worker.get_or_insert_with(|| self.worker(sources(self.plan))),
                    unit,
                    fringes,
                    tick,
                )?;
                postcard::to_stdvec(&news).map_err(|e| UnitError { recoverable: false, error: e.into() })
            },
            |_, news| {
                done += 1;
                status.borrow_mut().take(postcard::from_bytes(&news)?);
                progress.set(done as u64, || status.borrow().in_words());
                Ok(!self.context.stop_requested())
            },
        )?;
        self.tried_again.set(self.tried_again.get() + again);
        progress.finish();
        Ok(comm::share(self.context.comm, &(done == total))?)
    }

    /// Makes what a rank works with, on sources of its streams.
    pub fn worker(&self, sources: Vec<Box<dyn SampleSource>>) -> Worker<'_> {
        let frames_s = self.plan.indexes.iter().map(Frames::of).collect();
        let engine = Engine::new(&self.plan.job, &self.plan.rotations, sources, self.plan.simd)
            .with_lots(self.lots.clone());
        Worker { engine, frames_s, scan: usize::MAX, accumulators: None }
    }

    /// Correlates a unit and writes its part.
    pub fn unit(
        &self,
        worker: &mut Worker,
        unit: usize,
        fringes: bool,
        tick: &mut dyn FnMut(),
    ) -> Result<News, UnitError> {
        let (job, (slice, lot)) = (&self.plan.job, self.slice(unit));
        let (kept, whole) = (&self.lots[lot].kept, self.lots.len() == 1);
        let packed = |job: &Job, record| if whole { record } else { pack(&record, &self.kept(job, lot)) };
        let mut of_views: Vec<(Mean, Vec<Record>)> = job.views.iter().map(|_| Default::default()).collect();
        if worker.scan != slice.scan {
            worker.accumulators = Some(worker.engine.accumulators(slice.scan));
            worker.scan = slice.scan;
        }
        let Some(accumulators) = worker.accumulators.as_mut() else { return Ok(News::default()) };
        let mut news = News::default();
        let mut records = Vec::new();
        for index in slice.first..slice.first + slice.count {
            let mut record = Record::new(job, job.scans[slice.scan].centres.len());
            let integration = job.integration(slice.scan, index);
            let made = worker.engine.integrate_lot(lot, &integration, accumulators, &mut record, tick);
            made.map_err(unit_error)?;
            news.add(self.plan, (&worker.frames_s, kept, self.lots.len()), &integration, &record);
            if fringes && index + 1 == slice.first + slice.count {
                news.see(job, &integration, &record);
            }
            records.push(packed(job, record));
            for (number, (view, (mean, made))) in job.views.iter().zip(&mut of_views).enumerate() {
                let all = view.integrations_of(job);
                mean.add(worker.engine.view(number));
                if (index + 1).is_multiple_of(all) || index + 1 == job.integrations(slice.scan) {
                    made.push(packed(view, mean.take(all)));
                }
            }
        }
        records.extend(of_views.into_iter().flat_map(|(_, made)| made));
        self.part(unit).save(&records).map_err(|e| UnitError { recoverable: true, error: e.into() })?;
        Ok(news)
    }

    /// On rank 0, when all products are there but the small ones: writes these, tells how it went.
    fn finish(&self, made: Vec<PathBuf>, peak_bytes: &[u64]) -> anyhow::Result<Outcome> {
        let record = self.out.join(format!("{}.run.json", self.plan.job.name));
        let (hosts, started) = (&self.context.hosts, self.context.started);
        provenance::write_run_record(&record, &self.context.plan_hash, hosts, started, peak_bytes)?;
        self.write_smearing()?;
        let summary = Summary::of(&VisFile::open(&self.product(&self.plan.job))?)?;
        let paths: Vec<PathBuf> = self.plan.job.all().map(|job| self.product(job)).chain(made).collect();
        // The products are there, whether or not anyone listens.
        let again = match self.tried_again.get() {
            0 => String::new(),
            times => format!("\nunits tried again after errors: {times}"),
        };
        let _ = writeln!(std::io::stdout().lock(), "{summary}{again}{}", products::in_words(&paths));
        Ok(summary.outcome())
    }

    /// On all ranks: bytes of memory that each of them held at most; on rank 0 only.
    fn peaks(&self) -> anyhow::Result<Vec<u64>> {
        let mine = postcard::to_stdvec(&provenance::peak_memory_bytes())?;
        let all = self.context.comm.gather(0, &mine);
        all.iter().map(|peak| Ok(postcard::from_bytes(peak)?)).collect()
    }
}

/// What a rank keeps from unit to unit.
pub(crate) struct Worker<'a> {
    engine: Engine<'a>,
    frames_s: Vec<Frames>,
    scan: usize,
    accumulators: Option<(Accumulator, Accumulator)>,
}

/// A read that the system refused may go well later, and a recording that was there and is not has a brick that is away;
/// recordings that do not fit the job never will.
pub(crate) fn unit_error(error: BasebandError) -> UnitError {
    let recoverable = matches!(error, BasebandError::Read { .. } | BasebandError::Missing { .. });
    UnitError { recoverable, error: error.into() }
}
