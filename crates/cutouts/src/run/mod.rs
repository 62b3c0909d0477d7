//! Packs all galaxies over all ranks.
//!
//! A shard is a unit of work: the rank that gets it reads its galaxies, writes its files, and leaves a short summary in `parts/`. When
//! all are there, rank 0 joins the summaries in order. What is done already is not done again.

mod finish;
mod job;
mod shard;
mod summary;

pub(crate) use finish::Joined;
pub use finish::{BandStatistics, INDEX, Index, ShardEntry};
pub use job::{Job, Scan, prepare, root};
pub use summary::{Picture, Summary};

use crate::config::Missing;
use crate::plan::{self, Plan};
use crate::read::volume_blocks;
use crate::shard::Manifest;
use anyhow::Context as _;
use mirinae_common::checkpoint::{Checkpoint, CheckpointError, Hash};
use mirinae_common::comm::Comm;
use mirinae_common::farm::{Farm, UnitError};
use mirinae_common::fault;
use mirinae_common::outcome::{Failure, Outcome};
use mirinae_common::plan as common_plan;
use mirinae_common::progress::Progress;
use mirinae_common::runtime::Context;
use mirinae_common::undone::undone;
use shard::Worker;
use std::fs;
use std::path::{Path, PathBuf};

/// How often a shard is tried.
const ATTEMPTS: u32 = 3;
/// Before so many files nothing can be said of their quality.
const FIRST_FILES: u64 = 100;
/// Folder of the summaries of shards that are done.
const PARTS: &str = "parts";

/// Too many files cannot be used.
#[derive(Debug, thiserror::Error)]
#[error(
    "{bad} of {files} files cannot be used, more than output.stop_above = {above}: the shards that are done have told why in the log; see their summaries with --log-dir, correct the configuration or raise output.stop_above"
)]
struct TooMany {
    bad: u64,
    files: u64,
    above: f64,
}

/// Runs a job; files count from `root`, products go to `out`.
///
/// # Errors
/// Exit 2 with the cause; exit 65 where the folder holds another plan's products, or there is nothing to pack.
pub fn run(context: &Context, job: &Job, root: &Path, out: &Path) -> Result<Outcome, Failure> {
    let scanned;
    let (plan, hash) = match job {
        Job::Ready(plan) => (&**plan, context.plan_hash),
        Job::Scan(scan) => {
            scanned = scan_all(context, scan, root)?;
            (&scanned.0, scanned.1)
        }
    };
    if plan.galaxies.is_empty() {
        return Err(Failure::input(anyhow::anyhow!("no file in the folders fits {}", plan.settings.path)));
    }
    let run = Run { context, plan, root, out, hash, blocks: volume_blocks(root) };
    let todo = match context.comm.rank() {
        0 => match run.open()? {
            Opened::Done(index) => run.tell_done(&index)?,
            Opened::Todo(todo) => todo,
        },
        _ => Vec::new(),
    };
    let complete = run.pack(&todo).map_err(Failure::run)?;
    match (context.comm.rank(), complete) {
        (0, true) => run.finish().map_err(Failure::run),
        (0, false) => Ok(Outcome::stopped()),
        _ => Ok(Outcome::default()),
    }
}

/// Lists the folders of a scan, each on the rank that is free, and shares the plan that follows.
fn scan_all(context: &Context, scan: &job::Scan, root: &Path) -> Result<(Plan, Hash), Failure> {
    let units: Vec<usize> = (0..scan.folders.len()).collect();
    let mut found = Vec::new();
    let farm =
        Farm { comm: context.comm, units: &units, attempts: ATTEMPTS, at_once: usize::MAX, pulse: &|| {} };
    let list = |unit: usize, _: &mut dyn FnMut()| {
        let (folder, deep) = &scan.folders[unit];
        let listed = plan::list_folder(root, folder, &scan.settings, *deep)
            .with_context(|| format!("cannot list {}", root.join(folder).display()))
            .and_then(|(found, _)| Ok(postcard::to_stdvec(&found)?));
        listed.map_err(|error| UnitError { recoverable: true, error })
    };
    let take = |_: usize, bytes: Vec<u8>| {
        found.extend(postcard::from_bytes::<Vec<plan::Found>>(&bytes)?);
        Ok(true)
    };
    farm.run(list, take).map_err(Failure::run)?;
    let is_first = context.comm.rank() == 0;
    let plan = is_first.then(|| plan::from_listing(scan.settings.clone(), found, scan.inputs.clone()));
    common_plan::share(context.comm, plan).map_err(Failure::run)
}

enum Opened {
    /// The products are there.
    Done(Box<Index>),
    /// These shards are not.
    Todo(Vec<usize>),
}

struct Run<'a> {
    context: &'a Context<'a>,
    plan: &'a Plan,
    root: &'a Path,
    out: &'a Path,
    hash: Hash,
    /// Of the images' volume, when the run started.
    blocks: Option<u64>,
}

impl Run<'_> {
    fn parts(&self) -> PathBuf {
        self.out.join(PARTS)
    }

    fn part(&self, unit: usize) -> Checkpoint {
        Checkpoint::new(self.parts().join(format!("{unit:08}.part")), self.hash)
    }

    /// On rank 0: makes the folder ready and lists the shards that are not done.
    fn open(&self) -> Result<Opened, Failure> {
        let options = self.context.options;
        if options.fresh {
            self.clear().context("cannot start over").map_err(Failure::run)?;
        }
        if let Some(index) = Index::read(self.out).map_err(Failure::input)? {
            if index.plan_sha256 == mirinae_common::provenance::hex(&self.hash) {
                return Ok(Opened::Done(Box::new(index)));
            }
            return Err(Failure::input(CheckpointError::ForeignPlan { path: self.out.join(INDEX) }));
        }
        let parts = self.parts();
        if options.resume && !parts.exists() {
            let what = format!("{} holds no run to go on with; leave out --resume", self.out.display());
            return Err(Failure::input(anyhow::anyhow!(what)));
        }
        let made = fs::create_dir_all(&parts).with_context(|| format!("cannot make {}", parts.display()));
        made.map_err(Failure::run)?;
        let is_done = |unit| {
            let part = self.part(unit).load::<Summary>()?;
            Ok(part.is_some_and(|summary| !self.is_doubtful(&summary) && self.is_whole(unit)))
        };
        Ok(Opened::Todo(undone(0..self.plan.shards.len(), is_done)?))
    }

    /// Whether files were missing: the run that made the shard has not come to its end, the volume may have been why.
    fn is_doubtful(&self, summary: &Summary) -> bool {
        self.plan.settings.missing == Missing::Suspicious && Summary::missed(&summary.unused).next().is_some()
    }

    /// Whether the files of a shard are there, as long as its manifest says.
    fn is_whole(&self, unit: usize) -> bool {
        let is_there = |file: &crate::shard::FileRecord| {
            fs::metadata(self.out.join(&file.name)).is_ok_and(|found| found.len() == file.bytes)
        };
        let manifest = Manifest::read(self.out, &self.plan.shards[unit].name);
        manifest.is_ok_and(|manifest| manifest.files.iter().all(is_there))
    }

    /// Removes what an earlier run left: the names that a run makes, nothing else.
    fn clear(&self) -> std::io::Result<()> {
        let entries = match fs::read_dir(self.out) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            entries => entries?,
        };
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let is_shard = plan::Split::ALL.iter().any(|s| {
                let number = name.strip_prefix(s.name()).and_then(|rest| rest.strip_prefix('-'));
                number.is_some_and(|n| n.bytes().all(|b| b.is_ascii_digit()))
            });
            if is_shard || [PARTS, "zarr", "hdf5", "webdataset", "report"].contains(&name.as_str()) {
                fs::remove_dir_all(entry.path())?;
            } else if name == INDEX {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }

    /// Does the shards; false where a signal stopped it before the end.
    fn pack(&self, todo: &[usize]) -> anyhow::Result<bool> {
        let total = self.plan.shards.len();
        let mut done = total - todo.len();
        let rank = self.context.comm.rank();
        let mut progress = Progress::new(rank, self.context.options, "shards", done as u64, total as u64);
        let mut worker = Worker::new(self.plan);
        let (mut files, mut bad) = if rank == 0 { self.counts_so_far(todo)? } else { (0, 0) };
        let watchdog = self.context.watchdog();
        let pulse = || self.context.pulse(&watchdog);
        let farm = Farm {
            comm: self.context.comm,
            units: todo,
            attempts: ATTEMPTS,
            at_once: usize::MAX,
            pulse: &pulse,
        };
        farm.run(
            |unit, tick| {
                fault::pass("unit").map_err(|e| UnitError { recoverable: true, error: e.into() })?;
                let summary = worker.pack(self, unit, tick)?;
                let saved = self.part(unit).save(&summary);
                saved.map_err(|e| UnitError { recoverable: true, error: e.into() })?;
                let about = postcard::to_stdvec(&(summary.files, summary.bad_files));
                about.map_err(|e| UnitError { recoverable: false, error: e.into() })
            },
            |_, about| {
                done += 1;
                let (f, b): (u64, u64) = postcard::from_bytes(&about)?;
                (files, bad) = (files + f, bad + b);
                self.check_quality(files, bad)?;
                progress.set(done as u64, || format!("{bad} of {files} files not used"));
                Ok(!self.context.stop_requested())
            },
        )?;
        progress.finish();
        Ok(done == total)
    }

    /// Files and unusable files of the shards that are done.
    fn counts_so_far(&self, todo: &[usize]) -> anyhow::Result<(u64, u64)> {
        let (mut files, mut bad) = (0, 0);
        for unit in (0..self.plan.shards.len()).filter(|unit| !todo.contains(unit)) {
            if let Some(summary) = self.part(unit).load::<Summary>()? {
                files += summary.files;
                bad += summary.bad_files;
            }
        }
        self.check_quality(files, bad)?;
        Ok((files, bad))
    }

    fn check_quality(&self, files: u64, bad: u64) -> anyhow::Result<()> {
        let above = self.plan.settings.output.stop_above;
        if files >= FIRST_FILES && bad as f64 > above * files as f64 {
            return Err(TooMany { bad, files, above }.into());
        }
        Ok(())
    }
}
