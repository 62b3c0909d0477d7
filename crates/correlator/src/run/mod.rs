//! Runs a correlation over all ranks.
//!
//! Units of work (a few integrations each) are handed out as ranks get free; each writes what it made as a part, whole
//! or not at all. When all are there, rank 0 joins them in order. What is done already is not done again.

mod plan;
mod summary;
#[cfg(test)]
mod tests;

pub use plan::{Plan, RecordingFile, Wishes, open_sources, open_stream, prepare};
pub use summary::{States, Summary};

use crate::baseband::BasebandError;
use crate::centres;
use crate::engine::Engine;
use crate::integrate::{Accumulator, Record};
use crate::writer::{Part, VisFile, VisMeta, VisWriter, fits_idi_files, write_fits_idi, write_swin};
use anyhow::Context as _;
use mirinae_common::atomic;
use mirinae_common::checkpoint::CheckpointError;
use mirinae_common::comm::Comm;
use mirinae_common::farm::{Farm, UnitError};
use mirinae_common::fault;
use mirinae_common::outcome::{Failure, Outcome};
use mirinae_common::progress::Progress;
use mirinae_common::provenance;
use mirinae_common::runtime::Context;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// How often a unit is tried: read errors of a network file system go away.
const ATTEMPTS: u32 = 3;

/// What is made besides the HDF5 file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Products {
    /// DiFX's output folder.
    pub swin: bool,
    /// FITS-IDI, a file for each phase centre.
    pub fits_idi: bool,
}

/// Runs the correlation; products go to `out`.
///
/// # Errors
/// Exit 2 with the cause; exit 65 where the folder holds another correlation.
pub fn run(context: &Context, plan: &Plan, out: &Path, products: Products) -> Result<Outcome, Failure> {
    let run = Run { context, plan, out };
    let todo = if context.comm.rank() == 0 { run.open()? } else { Vec::new() };
    let complete = run.correlate(&todo).map_err(Failure::run)?;
    if context.comm.rank() > 0 {
        return Ok(Outcome::default());
    }
    if !complete {
        return Ok(Outcome::stopped());
    }
    run.finish(products).map_err(Failure::run)
}

struct Run<'a> {
    context: &'a Context<'a>,
    plan: &'a Plan,
    out: &'a Path,
}

impl Run<'_> {
    fn product(&self) -> PathBuf {
        self.out.join(format!("{}.h5", self.plan.job.name))
    }

    fn part(&self, unit: usize) -> Part {
        Part::new(self.out, unit, self.context.plan_hash)
    }

    /// On rank 0: makes the folder ready and lists the units that are not done.
    fn open(&self) -> Result<Vec<usize>, Failure> {
        let options = self.context.options;
        if options.fresh {
            self.clear().context("cannot start over").map_err(Failure::run)?;
        }
        let product = self.product();
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
        let mut todo = Vec::new();
        for unit in 0..self.plan.units.len() {
            match self.part(unit).load() {
                Ok(Some(_)) => {}
                Ok(None) => todo.push(unit),
                Err(error @ CheckpointError::Damaged { .. }) => {
                    tracing::warn!(unit, %error, "made again");
                    todo.push(unit);
                }
                Err(error @ CheckpointError::ForeignPlan { .. }) => return Err(Failure::input(error)),
                Err(error) => return Err(Failure::run(error)),
            }
        }
        Ok(todo)
    }

    /// Removes what an earlier run left.
    fn clear(&self) -> std::io::Result<()> {
        let gone = |result: std::io::Result<()>| match result {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(e),
            _ => Ok(()),
        };
        gone(fs::remove_file(self.product()))?;
        gone(fs::remove_dir_all(self.out.join(&self.plan.job.swin_folder)))?;
        for old in fits_idi_files(self.out, &self.plan.job.name)? {
            gone(fs::remove_file(old))?;
        }
        gone(fs::remove_dir_all(Part::folder(self.out)))
    }

    /// A product that is there must be this plan's.
    fn check_product(&self, product: &Path) -> Result<(), Failure> {
        let found = VisFile::open(product).and_then(|file| file.provenance());
        let ours = self.plan.provenance(&self.context.plan_hash);
        match found {
            Ok(found) if found == ours => Ok(()),
            Ok(_) => Err(Failure::input(CheckpointError::ForeignPlan { path: product.to_owned() })),
            Err(error) => Err(Failure::input(anyhow::anyhow!(
                "{}: {error}; choose another folder with --out, or start over with --fresh",
                product.display()
            ))),
        }
    }

    /// Does the units; false where a signal stopped it before the end.
    fn correlate(&self, todo: &[usize]) -> anyhow::Result<bool> {
        let total = self.plan.units.len();
        let mut done = total - todo.len();
        let rank = self.context.comm.rank();
        let mut progress = Progress::new(rank, self.context.options, "units", done as u64, total as u64);
        let mut worker = None;
        let farm = Farm { comm: self.context.comm, units: todo, attempts: ATTEMPTS };
        farm.run(
            |unit, tick| {
                fault::pass("unit").map_err(|e| UnitError { recoverable: true, error: e.into() })?;
                if worker.is_none() {
                    worker = Some(self.worker()?);
                }
                let Some(worker) = worker.as_mut() else { return Ok(Vec::new()) };
                self.unit(worker, unit, tick).map(|()| Vec::new())
            },
            |_, _| {
                done += 1;
                progress.set(done as u64, String::new);
                Ok(!self.context.stop_requested())
            },
        )?;
        progress.finish();
        Ok(done == total)
    }

    fn worker(&self) -> Result<Worker<'_>, UnitError> {
        let sources = open_sources(self.plan).map_err(unit_error)?;
        let engine = Engine::new(&self.plan.job, &self.plan.rotations, sources, self.plan.simd);
        Ok(Worker { engine, scan: usize::MAX, accumulators: None })
    }

    /// Correlates a unit and writes its part.
    fn unit(&self, worker: &mut Worker, unit: usize, tick: &mut dyn FnMut()) -> Result<(), UnitError> {
        let (job, slice) = (&self.plan.job, &self.plan.units[unit]);
        if worker.scan != slice.scan {
            worker.accumulators = Some(worker.engine.accumulators(slice.scan));
            worker.scan = slice.scan;
        }
        let Some(accumulators) = worker.accumulators.as_mut() else { return Ok(()) };
        let mut records = Vec::new();
        for index in slice.first..slice.first + slice.count {
            let mut record = Record::new(job, job.scans[slice.scan].centres.len());
            let integration = job.integration(slice.scan, index);
            worker.engine.integrate(&integration, accumulators, &mut record, tick).map_err(unit_error)?;
            records.push(record);
        }
        self.part(unit).save(&records).map_err(|e| UnitError { recoverable: true, error: e.into() })
    }

    /// On rank 0: joins the parts, writes what else is asked for, tells how it went.
    fn finish(&self, products: Products) -> anyhow::Result<Outcome> {
        let product = self.product();
        if !product.exists() {
            atomic::write_by_path(&product, |tmp| self.join(tmp), anyhow::Error::from)?;
        }
        let parts = Part::folder(self.out);
        if parts.exists() {
            fs::remove_dir_all(&parts).with_context(|| format!("cannot remove {}", parts.display()))?;
        }
        let file = VisFile::open(&product)?;
        let swin = if products.swin { Some(write_swin(&file, self.out)?) } else { None };
        let idi =
            if products.fits_idi { write_fits_idi(&self.plan.job, &file, self.out)? } else { Vec::new() };
        let record = self.out.join(format!("{}.run.json", self.plan.job.name));
        let (hosts, started) = (&self.context.hosts, self.context.started);
        provenance::write_run_record(&record, &self.context.plan_hash, hosts, started)?;
        let smearing = centres::smearing(&self.plan.job);
        if !smearing.is_empty() {
            let table = self.out.join(format!("{}.smearing.csv", self.plan.job.name));
            atomic::write(&table, |to| to.write_all(centres::smearing_csv(&smearing).as_bytes()))?;
        }
        let summary = Summary::of(&file)?;
        let mut told = summary.to_string();
        for path in std::iter::once(&product).chain(&swin).chain(&idi) {
            told.push_str(&format!("\nwrote {}", path.display()));
        }
        // The products are there, whether or not anyone listens.
        let _ = writeln!(std::io::stdout().lock(), "{told}");
        Ok(summary.outcome())
    }

    /// Streams the parts into the product.
    fn join(&self, path: &Path) -> anyhow::Result<()> {
        let provenance = self.plan.provenance(&self.context.plan_hash);
        let writer = VisWriter::create(path, &VisMeta::of(&self.plan.job), &provenance)?;
        for (unit, slice) in self.plan.units.iter().enumerate() {
            let part = self.part(unit);
            let missing =
                || format!("{} was there and is gone; run the same command again", part.path().display());
            let records = part.load()?.with_context(missing)?;
            for (record, index) in records.iter().zip(slice.first..) {
                writer.write(slice.scan, index as usize, record)?;
            }
        }
        Ok(writer.finish()?)
    }
}

/// What a rank keeps from unit to unit.
struct Worker<'a> {
    engine: Engine<'a>,
    scan: usize,
    accumulators: Option<(Accumulator, Accumulator)>,
}

/// A read that the system refused may go well later; recordings that do not fit the job never will.
fn unit_error(error: BasebandError) -> UnitError {
    UnitError { recoverable: matches!(error, BasebandError::Read { .. }), error: error.into() }
}
