//! A search for narrow-band signals as units of work: each leaves its result as a checkpoint, rank 0 joins them.

use super::super::recorded::{self, RecordedSearch, again};
use super::filterbank::Filterbank;
use super::plan::NarrowPlan;
use super::products;
use super::unit::{Kept, UnitResult, work};
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
use std::cell::RefCell;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// Runs the search; products go to `out`.
///
/// # Errors
/// Exit 2 with the cause; exit 65 where the folder holds another search.
pub fn run(context: &Context, plan: &NarrowPlan, out: &Path) -> Result<Outcome, Failure> {
    recorded::run(context, &NarrowRun::new(context, plan, out))
}

/// A search and where its products go.
pub(crate) struct NarrowRun<'a> {
    /// What it stands on.
    pub context: &'a Context<'a>,
    /// What is searched for.
    pub plan: &'a NarrowPlan,
    /// Folder of the products.
    pub out: &'a Path,
    /// Memory of its units.
    kept: RefCell<Kept>,
}

impl<'a> NarrowRun<'a> {
    /// A search whose products go to `out`.
    pub fn new(context: &'a Context<'a>, plan: &'a NarrowPlan, out: &'a Path) -> Self {
        Self { context, plan, out, kept: RefCell::default() }
    }

    fn parts(&self) -> PathBuf {
        self.out.join("narrow-parts")
    }

    fn part(&self, unit: usize) -> Checkpoint {
        Checkpoint::new(self.parts().join(format!("{unit:08}.part")), self.context.plan_hash)
    }

    fn product(&self, ending: &str) -> PathBuf {
        self.out.join(format!("{}.narrow{ending}", self.plan.base.job.name))
    }

    /// The filterbank files of a unit's stations; of all units where `None`.
    fn filterbanks(&self, unit: Option<usize>) -> Vec<(Filterbank, usize)> {
        if !self.plan.settings.filterbank {
            return Vec::new();
        }
        let mut found: Vec<(Filterbank, usize)> = Vec::new();
        for (index, u) in self.plan.units.iter().enumerate() {
            if unit.is_some_and(|unit| unit != index) {
                continue;
            }
            for member in 0..self.plan.shared[u.shared].members.len() {
                let place = (u.scan, u.shared, member);
                let file = Filterbank::new(self.plan, place, (self.out, &self.parts()));
                let end = u.first + u.spectra;
                match found.iter_mut().find(|(other, _)| other.path == file.path) {
                    Some((_, spectra)) => *spectra = end.max(*spectra),
                    None => found.push((file, end)),
                }
            }
        }
        found
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
        for (file, _) in self.filterbanks(None) {
            gone(fs::remove_file(file.path))?;
        }
        gone(fs::remove_dir_all(self.product("")))?;
        gone(fs::remove_dir_all(self.parts()))
    }
}

impl RecordedSearch for NarrowRun<'_> {
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
        let mut todo = undone(0..self.plan.units.len(), |unit| {
            self.part(unit).load::<UnitResult>().map(|part| part.is_some())
        })?;
        let files = self.filterbanks(None);
        if files.iter().any(|(file, _)| !file.exists()) {
            // Units that are done have written into a file that is gone.
            todo = (0..self.plan.units.len()).collect();
        }
        for (file, spectra) in files {
            let made = file.create(spectra).with_context(|| format!("cannot make {}", file.path.display()));
            made.map_err(Failure::run)?;
        }
        Ok(todo)
    }

    fn unit(
        &self,
        sources: &mut [Box<dyn SampleSource>],
        unit: usize,
        tick: &mut dyn FnMut(),
    ) -> Result<(), UnitError> {
        let files = self.filterbanks(Some(unit));
        let opened = files.iter().map(|(f, _)| f.open()).collect::<io::Result<Vec<File>>>().map_err(again)?;
        let mut trouble = Ok(());
        let mut raw = |member: usize, spectrum: usize, channel: usize, powers: &[f32]| {
            if let (Some((file, _)), Some(open)) = (files.get(member), opened.get(member))
                && let Err(e) = file.put(open, spectrum, channel, powers)
            {
                trouble = Err(e);
            }
        };
        let result =
            work(self.plan, sources, &self.plan.units[unit], (&mut raw, &mut self.kept.borrow_mut()), tick);
        let result = result.map_err(run::unit_error)?;
        trouble.map_err(again)?;
        // A unit that counts as done has its powers on disk.
        opened.iter().try_for_each(File::sync_data).map_err(again)?;
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
        let trials = results.iter().map(|r| r.trials).sum();
        let rows = products::rows(self.plan, &results, trials);
        let provenance = self.plan.provenance(&self.context.plan_hash);
        let (csv, hdf5, pictures) = (self.product(".csv"), self.product(".h5"), self.product(""));
        products::write_csv(self.plan, &rows, &csv)?;
        let write = |tmp: &Path| {
            products::write_hdf5(self.plan, &rows, &provenance, tmp).map_err(anyhow::Error::from)
        };
        atomic::write_by_path(&hdf5, write, anyhow::Error::from)?;
        fs::create_dir_all(&pictures).with_context(|| format!("cannot make {}", pictures.display()))?;
        for (file, _) in self.filterbanks(None) {
            file.finish().with_context(|| format!("cannot make {}", file.path.display()))?;
        }
        let drawn = products::draw(self.plan, &rows, &pictures)?;
        let record = self.product(".run.json");
        let (hosts, started) = (&self.context.hosts, self.context.started);
        provenance::write_run_record(&record, &self.context.plan_hash, hosts, started, &[])?;
        let mut told = products::summary(self.plan, &rows, &results, trials);
        for path in [&csv, &hdf5] {
            told.push_str(&format!("\nwrote {}", path.display()));
        }
        told.push_str(&format!("\nwrote {drawn} waterfalls to {}", pictures.display()));
        for (file, _) in self.filterbanks(None) {
            told.push_str(&format!("\nwrote {}", file.path.display()));
        }
        let mut outcome = Outcome::default();
        let unused = |(unit, result): (&super::grid::NarrowUnit, &UnitResult)| {
            result.used_m.iter().map(|used| (unit.spectra - used) as u64).sum::<u64>()
        };
        let unused = self.plan.units.iter().zip(&results).map(unused).sum();
        outcome.count("spectra of stations without enough samples", unused);
        // The products are there, whether or not anyone listens.
        let _ = writeln!(std::io::stdout().lock(), "{told}");
        Ok(outcome)
    }
}
