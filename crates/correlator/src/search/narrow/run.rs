//! A search for narrow-band signals as units of work: each leaves its result as a checkpoint, rank 0 joins them.

use super::super::kept::Kept;
use super::super::recorded::{self, RecordedSearch, again};
use super::filterbank::Filterbank;
use super::plan::NarrowPlan;
use super::products;
use super::unit::{Memories, UnitResult, work};
use crate::baseband::SampleSource;
use crate::run::{self, Plan};
use anyhow::Context as _;
use mirinae_common::atomic;
use mirinae_common::farm::UnitError;
use mirinae_common::outcome::{Failure, Outcome};
use mirinae_common::runtime::Context;
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

/// A search and what it keeps.
pub(crate) struct NarrowRun<'a> {
    plan: &'a NarrowPlan,
    kept: Kept<'a>,
    /// Memory of its units.
    memories: RefCell<Memories>,
}

impl<'a> NarrowRun<'a> {
    /// A search whose products go to `out`.
    pub fn new(context: &'a Context<'a>, plan: &'a NarrowPlan, out: &'a Path) -> Self {
        let kept = Kept { context, out, job: &plan.base.job.name, kind: "narrow" };
        Self { plan, kept, memories: RefCell::default() }
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
                let file = Filterbank::new(self.plan, place, (self.kept.out, &self.kept.parts()));
                let end = u.first + u.spectra;
                match found.iter_mut().find(|(other, _)| other.path == file.path) {
                    Some((_, spectra)) => *spectra = end.max(*spectra),
                    None => found.push((file, end)),
                }
            }
        }
        found
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
        let files = self.filterbanks(None);
        let paths: Vec<PathBuf> = files.iter().map(|(file, _)| file.path.clone()).collect();
        self.kept.open(&paths)?;
        let mut todo = self.kept.undone::<UnitResult>(0..self.units())?;
        if files.iter().any(|(file, _)| !file.exists()) {
            // Units that are done have written into a file that is gone.
            todo = (0..self.units()).collect();
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
        let result = work(
            self.plan,
            sources,
            &self.plan.units[unit],
            (&mut raw, &mut self.memories.borrow_mut()),
            tick,
        );
        let result = result.map_err(run::unit_error)?;
        trouble.map_err(again)?;
        // A unit that counts as done has its powers on disk.
        opened.iter().try_for_each(File::sync_data).map_err(again)?;
        self.kept.save(unit, &result)
    }

    fn finish(&self) -> anyhow::Result<Outcome> {
        let results: Vec<UnitResult> = self.kept.results(0..self.units())?;
        let trials = results.iter().map(|r| r.trials).sum();
        let rows = products::rows(self.plan, &results, trials);
        let provenance = self.plan.provenance(&self.kept.context.plan_hash);
        let (csv, hdf5, pictures) =
            (self.kept.product(".csv"), self.kept.product(".h5"), self.kept.product(""));
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
        self.kept.record()?;
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
