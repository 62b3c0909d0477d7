//! A search for bursts as units of work: each leaves its result as a checkpoint, rank 0 joins them.

use super::super::recorded::{self, RecordedSearch, again};
use super::hdf;
use super::plan::BurstPlan;
use super::products;
use super::snippets;
use super::unit::{UnitResult, work};
use crate::baseband::SampleSource;
use crate::run::{self, Plan};
use anyhow::Context as _;
use mirinae_common::atomic;
use mirinae_common::checkpoint::Checkpoint;
use mirinae_common::farm::UnitError;
use mirinae_common::outcome::{Failure, Outcome};
use mirinae_common::provenance;
use mirinae_common::runtime::Context;
use mirinae_common::undone::undone;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// Runs the search; products go to `out`.
///
/// # Errors
/// Exit 2 with the cause; exit 65 where the folder holds another search.
pub fn run(context: &Context, plan: &BurstPlan, out: &Path) -> Result<Outcome, Failure> {
    recorded::run(context, &BurstRun { context, plan, out })
}

/// A search and where its products go.
pub(crate) struct BurstRun<'a> {
    /// What it stands on.
    pub context: &'a Context<'a>,
    /// What is searched for.
    pub plan: &'a BurstPlan,
    /// Folder of the products.
    pub out: &'a Path,
}

impl BurstRun<'_> {
    fn parts(&self) -> PathBuf {
        self.out.join("bursts-parts")
    }

    fn part(&self, unit: usize) -> Checkpoint {
        Checkpoint::new(self.parts().join(format!("{unit:08}.part")), self.context.plan_hash)
    }

    fn product(&self, ending: &str) -> PathBuf {
        self.out.join(format!("{}.bursts{ending}", self.plan.base.job.name))
    }

    /// Removes what an earlier search left.
    fn clear(&self) -> io::Result<()> {
        let gone = |result: io::Result<()>| match result {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
            _ => Ok(()),
        };
        for ending in [".csv", ".ecsv", ".h5"] {
            gone(fs::remove_file(self.product(ending)))?;
        }
        gone(fs::remove_dir_all(self.product("")))?;
        gone(fs::remove_dir_all(self.parts()))
    }
}

impl RecordedSearch for BurstRun<'_> {
    fn base(&self) -> &Plan {
        &self.plan.base
    }

    fn units(&self) -> usize {
        self.plan.units.len()
    }

    fn open(&self) -> Result<Vec<usize>, Failure> {
        let options = self.context.options;
        let parts = self.parts();
        if options.fresh {
            self.clear().context("cannot start over").map_err(Failure::run)?;
        }
        if options.resume && !parts.exists() {
            let what = format!("{} holds no search to go on with; leave out --resume", self.out.display());
            return Err(Failure::input(anyhow::anyhow!(what)));
        }
        let made = fs::create_dir_all(&parts).with_context(|| format!("cannot make {}", parts.display()));
        made.map_err(Failure::run)?;
        undone(0..self.plan.units.len(), |unit| {
            self.part(unit).load::<UnitResult>().map(|part| part.is_some())
        })
    }

    fn unit(
        &self,
        sources: &mut [Box<dyn SampleSource>],
        unit: usize,
        tick: &mut dyn FnMut(),
    ) -> Result<(), UnitError> {
        let result = work(self.plan, sources, &self.plan.units[unit], tick).map_err(run::unit_error)?;
        self.part(unit).save(&result).map_err(again)
    }

    fn finish(&self) -> anyhow::Result<Outcome> {
        let mut results = Vec::new();
        for unit in 0..self.plan.units.len() {
            let part = self.part(unit);
            let missing =
                || format!("{} was there and is gone; run the same command again", part.path().display());
            results.push(part.load::<UnitResult>()?.with_context(missing)?);
        }
        let rows = products::rows(self.plan, &results);
        let provenance = self.plan.provenance(&self.context.plan_hash);
        let (csv, hdf5, folder) = (self.product(".csv"), self.product(".h5"), self.product(""));
        products::write_csv(self.plan, &rows, &csv)?;
        let write = |tmp: &Path| hdf::write(self.plan, &rows, &provenance, tmp).map_err(anyhow::Error::from);
        atomic::write_by_path(&hdf5, write, anyhow::Error::from)?;
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let drawn = products::draw(self.plan, &rows, &folder)?;
        let kept = if self.plan.settings.snippets { snippets::keep(self.plan, &rows, &folder)? } else { 0 };
        let record = self.product(".run.json");
        let (hosts, started) = (&self.context.hosts, self.context.started);
        provenance::write_run_record(&record, &self.context.plan_hash, hosts, started, &[])?;
        let mut told = products::summary(self.plan, &rows);
        for path in [&csv, &hdf5] {
            told.push_str(&format!("\nwrote {}", path.display()));
        }
        told.push_str(&format!("\nwrote {drawn} pictures to {}", folder.display()));
        if self.plan.settings.snippets {
            told.push_str(&format!("\nwrote {kept} pieces of recordings to {}", folder.display()));
        }
        let mut outcome = Outcome::default();
        let lost = results.iter().map(|r| r.spectra.0 - r.spectra.1).sum();
        outcome.count("spectra without all of their samples", lost);
        let left_out = results.iter().map(|r| r.channels_left_out).sum();
        outcome.count("channels whose noise is not steady, in stretches of stations", left_out);
        // The products are there, whether or not anyone listens.
        let _ = writeln!(std::io::stdout().lock(), "{told}");
        Ok(outcome)
    }
}
