//! Resolves a pass before MPI starts: the correlation, its searches, what memory holding the recordings needs.

use super::slices::{Slice, Task, slices};
use crate::baseband::RecordingIndex;
use crate::run::{CutWishes, Plan};
use crate::search::bursts::{self, BurstPlan};
use crate::search::narrow::{self, NarrowPlan};
use crate::search::recorded::Span;
use crate::search::{CompactWishes, SearchWishes};
use mirinae_common::checkpoint::Hash;
use mirinae_common::outcome::Failure;
use mirinae_common::plan;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Recordings are held so much longer on both sides than units last, s: delays, and blocks that reach beyond.
pub(super) const AROUND_S: f64 = 0.1;

/// The resolved pass, the same on all ranks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PassPlan {
    /// The correlation.
    pub correlation: Plan,
    /// The search for narrow-band signals.
    pub narrow: Option<NarrowPlan>,
    /// The search for bursts.
    pub bursts: Option<BurstPlan>,
    /// The search for compact sources, planned when the visibilities are there.
    pub compact: Option<CompactWishes>,
    /// Bytes of recordings that a rank may hold.
    pub hold_bytes: u64,
}

/// Plans the searches of a correlation.
///
/// # Errors
/// Exit 64 where a search asked for cannot be.
pub fn prepare(correlation: Plan, wishes: SearchWishes) -> Result<PassPlan, Failure> {
    let base = correlation.of_searches();
    let narrow = wishes.narrow.map(|wishes| narrow::plan_of(base.clone(), wishes.settings()?)).transpose()?;
    let bursts = wishes.bursts.map(|wishes| bursts::plan_of(base, wishes.settings()?)).transpose()?;
    wishes.compact.as_ref().map(CompactWishes::options).transpose()?;
    let hold_bytes = (wishes.hold_mib as u64).saturating_mul(1 << 20);
    Ok(PassPlan { correlation, narrow, bursts, compact: wishes.compact, hold_bytes })
}

/// The hash of a plan as its own program has it.
///
/// # Errors
/// Exit 2: a plan that cannot be encoded is a mistake in the program.
pub(super) fn hash_of(plan: &impl Serialize) -> Result<Hash, Failure> {
    Ok(plan::hash(&postcard::to_stdvec(plan).map_err(Failure::run)?))
}

/// A search of the recordings as a pass sees it.
pub(super) trait Timed {
    /// Units of work.
    fn count(&self) -> usize;
    /// What a unit reads.
    fn span(&self, unit: usize) -> Span;
    /// The first band that it reads.
    fn band(&self, unit: usize) -> usize;
}

impl Timed for NarrowPlan {
    fn count(&self) -> usize {
        self.units.len()
    }

    fn span(&self, unit: usize) -> Span {
        let unit = &self.units[unit];
        let (middle_s, half_s) = (self.middle_s(unit), 0.5 * unit.spectra as f64 * self.grid.spectrum_s());
        Span { scan: unit.scan, from_s: middle_s - half_s, to_s: middle_s + half_s }
    }

    fn band(&self, unit: usize) -> usize {
        self.shared[self.units[unit].shared].band
    }
}

impl Timed for BurstPlan {
    fn count(&self) -> usize {
        self.units.len()
    }

    fn span(&self, unit: usize) -> Span {
        let unit = &self.units[unit];
        let start_s = self.base.job.scans[unit.scan].start_s as f64;
        let at_s = |dump: usize| start_s + dump as f64 * self.grid.dump_s();
        let end = unit.data_first + unit.data_dumps;
        Span { scan: unit.scan, from_s: at_s(unit.data_first), to_s: at_s(end) }
    }

    fn band(&self, unit: usize) -> usize {
        self.groups[self.units[unit].group].bands.first().map_or(0, |shared| shared.band)
    }
}

impl PassPlan {
    /// The searches of recordings, in the order of [`Task::Search`].
    pub(super) fn searches(&self) -> Vec<&dyn Timed> {
        let narrow = self.narrow.iter().map(|plan| plan as &dyn Timed);
        narrow.chain(self.bursts.iter().map(|plan| plan as &dyn Timed)).collect()
    }

    /// Slices of the units that are to be done: those of the correlation, which has so many lots, and of each search.
    pub(super) fn slices(&self, lots: usize, correlate: &[usize], search: &[Vec<usize>]) -> Vec<Slice> {
        let (job, searches) = (&self.correlation.job, self.searches());
        let spans = searches.iter().flat_map(|s| (0..s.count()).map(|unit| s.span(unit)));
        let length_s = spans.map(|span| span.to_s - span.from_s).fold(job.integration_s, f64::max);
        let correlations = correlate.iter().map(|&unit| {
            let of = &self.correlation.units[unit / lots];
            let at_s = |index: u64| job.scans[of.scan].start_s as f64 + index as f64 * job.integration_s;
            let span = Span { scan: of.scan, from_s: at_s(of.first), to_s: at_s(of.first + of.count) };
            (Task::Correlate(unit), unit % lots, span)
        });
        let searched = searches.iter().zip(search).enumerate().flat_map(|(place, (search, units))| {
            // With the lot that reads the same band, where lots are groups of bands.
            let lot = |unit| search.band(unit) * lots / job.bands.len().max(1);
            units.iter().map(move |&unit| (Task::Search(place, unit), lot(unit), search.span(unit)))
        });
        let tasks: Vec<(Task, usize, Span)> = correlations.chain(searched).collect();
        let starts_s: Vec<f64> = job.scans.iter().map(|scan| scan.start_s as f64).collect();
        slices(&tasks, length_s, &starts_s)
    }

    /// Slices of all units.
    fn all_slices(&self, lots: usize) -> Vec<Slice> {
        let correlate: Vec<usize> = (0..self.correlation.units.len() * lots).collect();
        let search: Vec<Vec<usize>> = self.searches().iter().map(|s| (0..s.count()).collect()).collect();
        self.slices(lots, &correlate, &search)
    }

    /// Lots that the correlation is cut into, so that every rank has something to do.
    pub(super) fn lots(&self, cut: CutWishes, ranks: usize) -> Vec<crate::job::Lot> {
        cut.lots(&self.correlation, self.all_slices(1).len(), ranks)
    }

    /// Bytes of recordings that a slice reads.
    pub(super) fn bytes_of(&self, slice: &Slice) -> u64 {
        let seconds = slice.span.to_s - slice.span.from_s + 2.0 * AROUND_S;
        let each = self.correlation.indexes.iter().map(RecordingIndex::bytes_per_second);
        (seconds * each.sum::<f64>()).ceil() as u64
    }
}

impl fmt::Display for PassPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.correlation)?;
        if let Some(plan) = &self.narrow {
            writeln!(f, "search for narrow-band signals:\n{plan}")?;
        }
        if let Some(plan) = &self.bursts {
            writeln!(f, "search for bursts:\n{plan}")?;
        }
        if self.compact.is_some() {
            writeln!(f, "search for compact sources: planned when the visibilities are there")?;
        }
        let slices = self.all_slices(1);
        let most = slices.iter().map(|slice| self.bytes_of(slice)).max().unwrap_or(0);
        let (most_mib, may_mib) = (most.div_ceil(1 << 20), self.hold_bytes >> 20);
        let longest_s = slices.iter().map(|s| s.span.to_s - s.span.from_s).fold(0.0, f64::max);
        write!(f, "one pass in {} slices of up to {longest_s:.1} s, ", slices.len())?;
        let held = if most <= self.hold_bytes {
            writeln!(f, "whose recordings a rank reads once and holds: {most_mib} MiB at most")?;
            most as usize
        } else {
            writeln!(
                f,
                "whose recordings, {most_mib} MiB at most, are too long to be held in {may_mib} MiB (hold_mib): those are read again for each search"
            )?;
            0
        };
        let searching = [
            self.narrow.as_ref().map(NarrowPlan::work_bytes),
            self.bursts.as_ref().map(BurstPlan::work_bytes),
        ];
        let all = self.correlation.rank_bytes() + held + searching.into_iter().flatten().sum::<usize>();
        write!(f, "memory of a rank in the pass: at most {} MiB", all.div_ceil(1 << 20))
    }
}
