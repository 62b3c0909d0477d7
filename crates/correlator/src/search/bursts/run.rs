//! A search for bursts as units of work: each leaves its result as a checkpoint, rank 0 joins them.

use super::super::kept::Kept;
use super::super::recorded::{self, RecordedSearch};
use super::hdf;
use super::plan::BurstPlan;
use super::products;
use super::snippets;
use super::unit::{UnitResult, work};
use crate::baseband::SampleSource;
use crate::run::{self, Plan};
use anyhow::Context as _;
use mirinae_common::atomic;
use mirinae_common::farm::UnitError;
use mirinae_common::outcome::{Failure, Outcome};
use mirinae_common::runtime::Context;
use std::fs;
use std::io::Write as _;
use std::path::Path;

/// Runs the search; products go to `out`.
///
/// # Errors
/// Exit 2 with the cause; exit 65 where the folder holds another search.
pub fn run(context: &Context, plan: &BurstPlan, out: &Path) -> Result<Outcome, Failure> {
    recorded::run(context, &BurstRun::new(context, plan, out))
}

/// A search and what it keeps.
pub(crate) struct BurstRun<'a> {
    plan: &'a BurstPlan,
    kept: Kept<'a>,
}

impl<'a> BurstRun<'a> {
    /// A search whose products go to `out`.
    pub fn new(context: &'a Context<'a>, plan: &'a BurstPlan, out: &'a Path) -> Self {
        Self { plan, kept: Kept { context, out, job: &plan.base.job.name, kind: "bursts" } }
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
        self.kept.open(&[])?;
        self.kept.undone::<UnitResult>(0..self.units())
    }

    fn unit(
        &self,
        sources: &mut [Box<dyn SampleSource>],
        unit: usize,
        tick: &mut dyn FnMut(),
    ) -> Result<(), UnitError> {
        let result = work(self.plan, sources, &self.plan.units[unit], tick).map_err(run::unit_error)?;
        self.kept.save(unit, &result)
    }

    fn finish(&self) -> anyhow::Result<Outcome> {
        let results: Vec<UnitResult> = self.kept.results(0..self.units())?;
        let rows = products::rows(self.plan, &results);
        let provenance = self.plan.provenance(&self.kept.context.plan_hash);
        let (csv, hdf5, folder) =
            (self.kept.product(".csv"), self.kept.product(".h5"), self.kept.product(""));
        products::write_csv(self.plan, &rows, &csv)?;
        let write = |tmp: &Path| hdf::write(self.plan, &rows, &provenance, tmp).map_err(anyhow::Error::from);
        atomic::write_by_path(&hdf5, write, anyhow::Error::from)?;
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let drawn = products::draw(self.plan, &rows, &folder)?;
        let kept = if self.plan.settings.snippets { snippets::keep(self.plan, &rows, &folder)? } else { 0 };
        self.kept.record()?;
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
