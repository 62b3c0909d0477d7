//! What a search of recordings keeps in its folder: a checkpoint for each unit of work, and products.

use super::recorded::again;
use anyhow::Context as _;
use mirinae_common::checkpoint::Checkpoint;
use mirinae_common::farm::UnitError;
use mirinae_common::outcome::Failure;
use mirinae_common::provenance;
use mirinae_common::runtime::Context;
use mirinae_common::undone::undone;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fs;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// A search's files.
#[derive(Clone, Copy)]
pub(super) struct Kept<'a> {
    /// What the search stands on.
    pub context: &'a Context<'a>,
    /// Folder of the products.
    pub out: &'a Path,
    /// Name of the job.
    pub job: &'a str,
    /// What is searched for: a part of all names.
    pub kind: &'static str,
}

impl Kept<'_> {
    /// Folder of the checkpoints.
    pub fn parts(&self) -> PathBuf {
        self.out.join(format!("{}-parts", self.kind))
    }

    fn part(&self, unit: usize) -> Checkpoint {
        Checkpoint::new(self.parts().join(format!("{unit:08}.part")), self.context.plan_hash)
    }

    /// A product.
    pub fn product(&self, ending: &str) -> PathBuf {
        self.out.join(format!("{}.{}{ending}", self.job, self.kind))
    }

    /// On rank 0: makes the folder of the checkpoints; all is removed first, `others` too, where a fresh start is asked for.
    ///
    /// # Errors
    /// Exit 65 where there is nothing to go on with, 2 where the folder cannot be made.
    pub fn open(&self, others: &[PathBuf]) -> Result<(), Failure> {
        let (options, parts) = (self.context.options, self.parts());
        if options.fresh {
            self.clear(others).context("cannot start over").map_err(Failure::run)?;
        }
        if options.resume && !parts.exists() {
            let what = format!("{} holds no search to go on with; leave out --resume", self.out.display());
            return Err(Failure::input(anyhow::anyhow!(what)));
        }
        let made = fs::create_dir_all(&parts).with_context(|| format!("cannot make {}", parts.display()));
        made.map_err(Failure::run)
    }

    /// Removes what an earlier search left.
    fn clear(&self, others: &[PathBuf]) -> io::Result<()> {
        let gone = |result: io::Result<()>| match result {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
            _ => Ok(()),
        };
        let tables = [".csv", ".ecsv", ".h5"].map(|ending| self.product(ending));
        for file in tables.iter().chain(others) {
            gone(fs::remove_file(file))?;
        }
        gone(fs::remove_dir_all(self.product("")))?;
        gone(fs::remove_dir_all(self.parts()))
    }

    /// The units that have no checkpoint.
    ///
    /// # Errors
    /// Exit 65 where a checkpoint is another search's, 2 where it cannot be read.
    pub fn undone<R: DeserializeOwned>(&self, units: Range<usize>) -> Result<Vec<usize>, Failure> {
        undone(units, |unit| self.part(unit).load::<R>().map(|part| part.is_some()))
    }

    /// Keeps a unit's result.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn save(&self, unit: usize, result: &impl Serialize) -> Result<(), UnitError> {
        self.part(unit).save(result).map_err(again)
    }

    /// The results of all units.
    ///
    /// # Errors
    /// Where one is gone or cannot be read.
    pub fn results<R: DeserializeOwned>(&self, units: Range<usize>) -> anyhow::Result<Vec<R>> {
        let result = |unit| {
            let part = self.part(unit);
            let missing =
                || format!("{} was there and is gone; run the same command again", part.path().display());
            part.load::<R>()?.with_context(missing)
        };
        units.map(result).collect()
    }

    /// Writes how the run went, beside the products.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn record(&self) -> anyhow::Result<()> {
        let (hosts, started) = (&self.context.hosts, self.context.started);
        Ok(provenance::write_run_record(
            &self.product(".run.json"),
            &self.context.plan_hash,
            hosts,
            started,
            &[],
        )?)
    }
}
