//! Makes the products of what the ranks have correlated: every rank writes, nothing goes through one of them.
//!
//! Parts go into the places that rank 0 has made for them in the file of visibilities, by a few ranks at a time. Files of
//! single phase centres are each written by the rank that is free, an integration at a time.

use super::{ATTEMPTS, Products, Run};
use crate::centres;
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
    /// On all ranks: units that ranks do as they get free, watched over.
    fn farm<W>(&self, units: usize, at_once: usize, work: W) -> anyhow::Result<()>
    where
        W: FnMut(usize, &mut dyn FnMut()) -> Result<(), UnitError>,
    {
        let units: Vec<usize> = (0..units).collect();
        let watchdog = self.context.watchdog();
        let pulse = || self.context.pulse(&watchdog);
        let farm =
            Farm { comm: self.context.comm, units: &units, attempts: ATTEMPTS, at_once, pulse: &pulse };
        let mut work = work;
        farm.run(|unit, tick| work(unit, tick).map(|()| Vec::new()), |_, _| Ok(true))
    }

    /// On all ranks: puts the parts into the file of visibilities, where that is not there.
    pub(super) fn join(&self) -> anyhow::Result<()> {
        let product = self.product();
        let pending = (self.is_first() && !product.exists()).then(|| Pending::new(&product));
        let places = match &pending {
            Some(pending) => Some(self.make_room(pending.temporary())?),
            None => None,
        };
        let Some(places) = comm::share(self.context.comm, &places)? else { return Ok(()) };
        let temporary = atomic::temporary(&product);
        let mut rows = None;
        self.farm(self.units(), MOST_WRITERS, |unit, _| {
            let told = |e: std::io::Error| UnitError {
                recoverable: true,
                error: anyhow::Error::new(e).context(format!("cannot write {}", product.display())),
            };
            fault::pass("join").map_err(|e| UnitError { recoverable: true, error: e.into() })?;
            if rows.is_none() {
                rows = Some(VisRows::open(&temporary, places.clone()).map_err(told)?);
            }
            match &rows {
                Some(rows) => self.put(rows, unit, told),
                None => Ok(()),
            }
        })?;
        if let Some(pending) = pending {
            pending.commit()?;
        }
        Ok(())
    }

    /// On rank 0: a file of visibilities with everything but the integrations.
    fn make_room(&self, path: &Path) -> anyhow::Result<VisPlaces> {
        let provenance = self.plan.provenance(&self.context.plan_hash);
        let make = || {
            let writer = VisWriter::create(path, &VisMeta::of(&self.plan.job), &provenance)?;
            let places = writer.places()?;
            writer.finish()?;
            Ok::<_, hdf5::Error>(places)
        };
        make().with_context(|| format!("cannot write {}", path.display()))
    }

    /// Puts a part into its place.
    fn put(
        &self,
        rows: &VisRows,
        unit: usize,
        told: impl Fn(std::io::Error) -> UnitError,
    ) -> Result<(), UnitError> {
        let (part, (slice, lot)) = (self.part(unit), self.slice(unit));
        let unusable = |error: anyhow::Error| UnitError { recoverable: false, error };
        let records = part.load().map_err(|e| unusable(e.into()))?;
        let missing =
            || format!("{} was there and is gone; run the same command again", part.path().display());
        let records = records.with_context(missing).map_err(unusable)?;
        for (record, index) in records.iter().zip(slice.first..) {
            rows.write(slice.scan, index, record, &self.lots[lot].kept).map_err(&told)?;
        }
        rows.sync().map_err(&told)
    }

    /// On all ranks: the files of single phase centres, with the names of those that are there in the end.
    pub(super) fn write_centres(&self, products: &Products) -> anyhow::Result<Vec<PathBuf>> {
        if !products.swin && !products.fits_idi {
            return Ok(Vec::new());
        }
        let (job, centres) = (&self.plan.job, self.plan.job.max_centres());
        let mut open = None;
        self.farm(centres, usize::MAX, |centre, tick| {
            fault::pass("centre").map_err(|e| UnitError { recoverable: true, error: e.into() })?;
            let failed = |error: anyhow::Error| UnitError {
                // What the file cannot hold it will not hold the next time.
                recoverable: error.is::<WriteError>(),
                error,
            };
            if open.is_none() {
                // Another host may not see it at once.
                let opened = VisFile::open(&self.product());
                open = Some(opened.map_err(|e| UnitError { recoverable: true, error: e.into() })?);
            }
            let Some(vis) = &open else { return Ok(()) };
            if products.swin {
                write_swin(vis, self.out, centre, tick).map_err(failed)?;
            }
            if products.fits_idi {
                write_fits_idi(job, vis, self.out, centre, tick).map_err(failed)?;
            }
            Ok(())
        })?;
        let mut made = Vec::new();
        if products.swin {
            made.push(swin_path(self.out, &job.swin_folder));
        }
        if products.fits_idi {
            made.extend((0..centres).map(|centre| fits_idi_path(self.out, &job.name, (centre, centres))));
        }
        Ok(made)
    }

    /// On rank 0: what each phase centre loses, where there are several.
    pub(super) fn write_smearing(&self) -> Result<(), WriteError> {
        let smearing = centres::smearing(&self.plan.job);
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
