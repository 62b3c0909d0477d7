//! Makes the products of what the ranks have correlated: every rank writes, nothing goes through one of them.
//!
//! Parts go into the places that rank 0 has made for them in the file of visibilities, by a few ranks at a time. Files of
//! single phase centres are each written by the rank that is free, an integration at a time.

use super::{ATTEMPTS, Products, Run};
use crate::centres;
use crate::job::Job;
use crate::writer::{
    Part, VisFile, VisMeta, VisPlaces, VisRows, VisWriter, fits_idi_path, swin_path, write_fits_idi,
    write_swin,
};
use anyhow::Context as _;
use mirinae_common::atomic::{self, Pending, WriteError};
use mirinae_common::comm;
use mirinae_common::farm::{Farm, UnitError};
use mirinae_common::fault;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Ranks that write into the file of visibilities at the same time.
const MOST_WRITERS: usize = 8;
/// Files that are named one by one.
const MOST_NAMES: usize = 8;

impl Run<'_> {
    /// On all ranks: units that ranks do as they get free, watched over; false where a signal stopped them before the end.
    fn farm<W>(&self, units: usize, at_once: usize, work: W) -> anyhow::Result<bool>
    where
        W: FnMut(usize, &mut dyn FnMut()) -> Result<(), UnitError>,
    {
        let units: Vec<usize> = (0..units).collect();
        let watchdog = self.context.watchdog();
        let pulse = || self.context.pulse(&watchdog);
        let farm =
            Farm { comm: self.context.comm, units: &units, attempts: ATTEMPTS, at_once, pulse: &pulse };
        let (mut work, mut done) = (work, 0);
        let again = farm.run(
            |unit, tick| work(unit, tick).map(|()| Vec::new()),
            |_, _| {
                done += 1;
                Ok(!self.context.stop_requested())
            },
        )?;
        self.tried_again.set(self.tried_again.get() + again);
        Ok(comm::share(self.context.comm, &(done == units.len()))?)
    }

    /// On all ranks: puts the parts into the file of visibilities, where that is not there; false where a signal stopped it.
    pub(super) fn join(&self) -> anyhow::Result<bool> {
        let job = &self.plan.job;
        let files: Vec<PathBuf> = job.all().map(|job| self.product(job)).collect();
        let is_missing = self.is_first() && !self.product(job).exists();
        let pending: Vec<Pending> =
            files.iter().filter(|_| is_missing).map(|file| Pending::new(file)).collect();
        let room = || -> anyhow::Result<Vec<VisPlaces>> {
            job.all().zip(&pending).map(|(job, pending)| self.make_room(job, pending.temporary())).collect()
        };
        let places = comm::share(self.context.comm, &room()?)?;
        if places.is_empty() {
            return Ok(true);
        }
        let mut rows = Vec::new();
        let whole = self.farm(self.units(), MOST_WRITERS, |unit, _| {
            let told = |e: std::io::Error| UnitError {
                recoverable: true,
                error: anyhow::Error::new(e).context(format!("cannot write {}", files[0].display())),
            };
            fault::pass("join").map_err(|e| UnitError { recoverable: true, error: e.into() })?;
            if rows.is_empty() {
                let open = |(file, places): (&PathBuf, &VisPlaces)| {
                    VisRows::open(&atomic::temporary(file), places.clone())
                };
                rows = files.iter().zip(&places).map(open).collect::<Result<_, _>>().map_err(told)?;
            }
            self.put(&rows, unit, told)
        })?;
        // The job's own comes last: it says that all are there.
        for pending in pending.into_iter().rev().filter(|_| whole) {
            pending.commit()?;
        }
        Ok(whole)
    }

    /// On rank 0: a file of visibilities with everything but the integrations.
    fn make_room(&self, job: &Job, path: &Path) -> anyhow::Result<VisPlaces> {
        let provenance = self.plan.provenance(job, &self.context.plan_hash);
        let make = || {
            let writer = VisWriter::create(path, &VisMeta::of(job), &provenance)?;
            let places = writer.places()?;
            writer.finish()?;
            Ok::<_, hdf5::Error>(places)
        };
        make().with_context(|| format!("cannot write {}", path.display()))
    }

    /// Puts a part into its places: the records of the job, then those of each view.
    fn put(
        &self,
        rows: &[VisRows],
        unit: usize,
        told: impl Fn(std::io::Error) -> UnitError,
    ) -> Result<(), UnitError> {
        let (part, (slice, lot)) = (self.part(unit), self.slice(unit));
        let unusable = |error: anyhow::Error| UnitError { recoverable: false, error };
        let records = part.load().map_err(|e| unusable(e.into()))?;
        let missing =
            || format!("{} was there and is gone; run the same command again", part.path().display());
        let records = records.with_context(missing).map_err(unusable)?;
        let (job, mut records) = (&self.plan.job, records.iter());
        for (of, rows) in job.all().zip(rows) {
            let (kept, per) = (self.kept(of, lot), of.integrations_of(job));
            let last = (slice.first + slice.count).div_ceil(per);
            for (index, record) in (slice.first / per..last).zip(records.by_ref()) {
                rows.write(slice.scan, index, record, &kept).map_err(&told)?;
            }
            rows.sync().map_err(&told)?;
        }
        Ok(())
    }

    /// On all ranks: the files of single phase centres, with the names of those that are there in the end; none where a
    /// signal stopped it.
    pub(super) fn write_centres(&self, products: &Products) -> anyhow::Result<Option<Vec<PathBuf>>> {
        if !products.swin && !products.fits_idi {
            return Ok(Some(Vec::new()));
        }
        let jobs: Vec<&Job> = self.plan.job.all().collect();
        let centres: Vec<(usize, usize)> = jobs
            .iter()
            .enumerate()
            .flat_map(|(j, job)| (0..job.max_centres()).map(move |c| (j, c)))
            .collect();
        let mut open: Vec<Option<VisFile>> = jobs.iter().map(|_| None).collect();
        let whole = self.farm(centres.len(), usize::MAX, |unit, tick| {
            let (number, centre) = centres[unit];
            let job = jobs[number];
            fault::pass("centre").map_err(|e| UnitError { recoverable: true, error: e.into() })?;
            let failed = |error: anyhow::Error| UnitError {
                // What the file cannot hold it will not hold the next time.
                recoverable: error.is::<WriteError>(),
                error,
            };
            if open[number].is_none() {
                // Another host may not see it at once.
                let opened = VisFile::open(&self.product(job));
                open[number] = Some(opened.map_err(|e| UnitError { recoverable: true, error: e.into() })?);
            }
            let Some(vis) = &open[number] else { return Ok(()) };
            if products.swin {
                write_swin(vis, self.out, centre, tick).map_err(failed)?;
            }
            if products.fits_idi {
                write_fits_idi(job, vis, self.out, centre, tick).map_err(failed)?;
            }
            Ok(())
        })?;
        if !whole {
            return Ok(None);
        }
        let mut made = Vec::new();
        for job in jobs {
            if products.swin {
                made.push(swin_path(self.out, &job.swin_folder));
            }
            if products.fits_idi {
                let centres = job.max_centres();
                made.extend((0..centres).map(|centre| fits_idi_path(self.out, &job.name, (centre, centres))));
            }
        }
        Ok(Some(made))
    }

    /// On rank 0: what each phase centre loses, where there are several.
    pub(super) fn write_smearing(&self) -> Result<(), WriteError> {
        let smearing: Vec<_> = self.plan.job.all().flat_map(centres::smearing).collect();
        if smearing.is_empty() {
            return Ok(());
        }
        let table = self.out.join(format!("{}.smearing.csv", self.plan.job.name));
        atomic::write(&table, |to| to.write_all(centres::smearing_csv(&smearing).as_bytes()))
    }

    /// On rank 0: takes the parts away.
    pub(super) fn remove_parts(&self) -> anyhow::Result<()> {
        let parts = Part::folder(self.out);
        if parts.exists() {
            fs::remove_dir_all(&parts).with_context(|| format!("cannot remove {}", parts.display()))?;
        }
        Ok(())
    }
}

/// A line for each file, or one for many.
pub(super) fn in_words(paths: &[PathBuf]) -> String {
    match paths {
        [first, .., last] if paths.len() > MOST_NAMES => {
            format!("\nwrote {} to {} ({} files and folders)", first.display(), last.display(), paths.len())
        }
        all => all.iter().map(|path| format!("\nwrote {}", path.display())).collect(),
    }
}
