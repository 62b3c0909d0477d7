//! Packs one shard: reads ahead, cuts, counts, writes.

use super::Run;
use super::summary::Summary;
use crate::cut::{Cutter, FileBytes, Reason};
use crate::plan::Plan;
use crate::read::{Batch, Content, Outage, Watch, read_ahead};
use crate::shard::{ShardError, ShardWriter};
use mirinae_common::farm::UnitError;
use std::path::Path;

/// What a rank keeps from shard to shard.
pub(super) struct Worker<'a> {
    cutter: Cutter<'a>,
    watch: Watch,
}

fn outage(error: Outage) -> UnitError {
    // Another rank may reach a file that this one cannot; a file that has vanished has vanished for all.
    UnitError { recoverable: matches!(error, Outage::Reading { .. }), error: error.into() }
}

fn written(error: ShardError) -> UnitError {
    UnitError { recoverable: true, error: error.into() }
}

impl<'a> Worker<'a> {
    pub(super) fn new(plan: &'a Plan) -> Self {
        let s = &plan.settings;
        Self { cutter: Cutter::new(s), watch: Watch::new(s.missing, s.missing_above) }
    }

    /// Makes the files of a shard and returns its summary.
    pub(super) fn pack(
        &mut self,
        run: &Run<'_>,
        unit: usize,
        tick: &mut dyn FnMut(),
    ) -> Result<Summary, UnitError> {
        let (plan, shard) = (run.plan, &run.plan.shards[unit]);
        let mut writer = ShardWriter::create(plan, shard, run.out).map_err(written)?;
        let mut summary = Summary::new(plan);
        self.watch.begin();
        read_ahead(plan, run.root, shard.galaxies.clone(), |ahead| {
            for galaxy in shard.galaxies.clone() {
                let Some(batch) = ahead.next_batch() else { break };
                self.galaxy(plan, run.root, galaxy, &batch)?;
                summary.take(plan, galaxy, &mut self.cutter);
                writer.add(self.cutter.cut()).map_err(written)?;
                ahead.give_back(batch);
                tick();
            }
            Ok(())
        })?;
        let files = shard.galaxies.len() * plan.settings.bands.len();
        self.watch.end(&shard.name, files).map_err(outage)?;
        let manifest = writer.finish(&run.hash).map_err(written)?;
        summary.close(manifest.sha256().map_err(written)?);
        Ok(summary)
    }

    /// Makes the arrays of a galaxy from the files of its bands.
    fn galaxy(&mut self, plan: &Plan, root: &Path, galaxy: usize, batch: &Batch) -> Result<(), UnitError> {
        let names = &plan.settings.bands;
        let place =
            |band: usize| root.join(plan.galaxies[galaxy].files.of(band, &names[band]).unwrap_or_default());
        let mut files = Vec::with_capacity(batch.files_b.len());
        for (band, file) in batch.files_b.iter().enumerate() {
            files.push(match file.content() {
                Content::Bytes(bytes) => FileBytes::Read(bytes),
                Content::Absent => FileBytes::Unreadable(Reason::Missing, "no file of this band was found"),
                Content::NotFound => {
                    self.watch.not_found(&place(band)).map_err(outage)?;
                    FileBytes::Unreadable(Reason::Missing, "there is no such file")
                }
                Content::Refused(why) => FileBytes::Unreadable(Reason::Open, why),
                Content::Failed(why) => {
                    let (why, attempts) = (why.to_owned(), plan.settings.attempts);
                    return Err(outage(Outage::Reading { file: place(band), why, attempts }));
                }
            });
        }
        self.cutter.make(&plan.galaxies[galaxy], &files);
        Ok(())
    }
}
