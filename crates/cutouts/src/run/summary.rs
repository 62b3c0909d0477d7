//! What is known of a shard once its files are written; kept until all shards are done.

use crate::cut::{Cutter, Reason};
use crate::kernel::statistics::{Histogram, Moments, moments};
use crate::plan::{Plan, Unused};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A small picture of a galaxy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Picture {
    /// Its number in the plan.
    pub galaxy: usize,
    /// Null, saturated and missing pixels.
    pub flagged: u64,
    /// Red, green, blue, row after row.
    pub rgb: Vec<u8>,
}

/// The summary of a shard.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Summary {
    /// Files that were to be read.
    pub files: u64,
    /// Those that cannot be used.
    pub bad_files: u64,
    /// Galaxies that can be used.
    pub used: u64,
    /// Files and objects that are not used.
    pub unused: Vec<Unused>,
    /// Moments of the stored values of each band.
    pub moments_b: Vec<Moments>,
    /// Histogram of each band.
    pub histograms_b: Vec<Vec<(u32, u64)>>,
    /// Pixels with each bit of the mask.
    pub bits: [u64; 5],
    /// Galaxies and usable galaxies of each class.
    pub classes: BTreeMap<String, [u64; 2]>,
    /// Pictures for the contact sheet.
    pub sheet: Vec<Picture>,
    /// Pictures of those with the most flagged pixels.
    pub worst: Vec<Picture>,
    /// SHA-256 of the manifest.
    pub manifest_sha256: String,
    #[serde(skip)]
    counting: Vec<Histogram>,
}

impl Summary {
    /// An empty one.
    pub fn new(plan: &Plan) -> Self {
        let bands = plan.settings.bands.len();
        Self {
            files: 0,
            bad_files: 0,
            used: 0,
            unused: Vec::new(),
            moments_b: vec![Moments::default(); bands],
            histograms_b: Vec::new(),
            bits: [0; 5],
            classes: BTreeMap::new(),
            sheet: Vec::new(),
            worst: Vec::new(),
            manifest_sha256: String::new(),
            counting: vec![Histogram::default(); bands],
        }
    }

    /// Takes the next galaxy, before and after its values become what is stored.
    pub(super) fn take(&mut self, plan: &Plan, galaxy: usize, cutter: &mut Cutter<'_>) {
        self.tell_troubles(plan, galaxy, cutter);
        self.draw(plan, galaxy, cutter);
        let used = u64::from(cutter.cut().is_used);
        let class = self.classes.entry(plan.class(galaxy)).or_default();
        *class = [class[0] + 1, class[1] + used];
        self.used += used;
        cutter.finish(|band, values, mask| {
            self.moments_b[band].join(&moments(values, mask));
            self.counting[band].add(values, mask);
        });
    }

    fn tell_troubles(&mut self, plan: &Plan, galaxy: usize, cutter: &Cutter<'_>) {
        let object = &plan.galaxies[galaxy];
        self.files += plan.settings.bands.len() as u64;
        for trouble in &cutter.cut().troubles {
            let band = trouble.band.map(|b| plan.settings.bands[b].clone()).unwrap_or_default();
            let file = trouble.band.and_then(|b| object.files.of(b, &band)).unwrap_or_default();
            self.bad_files += u64::from(trouble.band.is_some());
            tracing::debug!(id = object.id, band, file, reason = trouble.reason.word(), "{}", trouble.detail);
            let (id, reason) = (object.id.clone(), trouble.reason.word().to_owned());
            self.unused.push(Unused { id, band, file, reason, detail: trouble.detail.clone() });
        }
    }

    /// Counts the bits of the mask; pictures are drawn of those on the sheet and of the worst so far.
    fn draw(&mut self, plan: &Plan, galaxy: usize, cutter: &Cutter<'_>) {
        let cut = cutter.cut();
        let mut counts = [0u64; 5];
        let pixels = plan.settings.size * plan.settings.size;
        for (band, mask) in cut.mask_bp.chunks_exact(pixels).enumerate() {
            if !cut.facts_b[band].is_there {
                counts[4] += pixels as u64;
                continue;
            }
            let any = mask.iter().fold(0, |any, b| any | b);
            for (bit, count) in counts.iter_mut().enumerate().take(4).filter(|(bit, _)| any >> bit & 1 == 1) {
                *count += mask.iter().map(|b| u32::from(b >> bit & 1)).sum::<u32>() as u64;
            }
        }
        self.bits.iter_mut().zip(counts).for_each(|(sum, n)| *sum += n);
        let flagged = counts[0] + counts[1] + counts[4];
        let keep = plan.settings.output.sheet;
        let last = self.worst.last().map_or(0, |p| p.flagged);
        let is_bad = flagged > 0 && cut.is_used && (self.worst.len() < keep || flagged > last);
        let is_shown = plan.sheet.binary_search(&galaxy).is_ok();
        if !(is_bad || is_shown) {
            return;
        }
        let picture = Picture { galaxy, flagged, rgb: cutter.thumbnail() };
        if is_bad {
            self.worst.push(picture.clone());
            rank_worst(&mut self.worst, keep);
        }
        if is_shown {
            self.sheet.push(picture);
        }
    }

    /// The files of the plan that the system said are not there.
    pub(super) fn missed(unused: &[Unused]) -> impl Iterator<Item = &str> {
        let is_missed = |u: &&Unused| u.reason == Reason::Missing.word() && !u.file.is_empty();
        unused.iter().filter(is_missed).map(|u| u.file.as_str())
    }

    /// The shard's files are there.
    pub(super) fn close(&mut self, manifest_sha256: String) {
        self.histograms_b = self.counting.iter().map(Histogram::sparse).collect();
        self.counting.clear();
        self.manifest_sha256 = manifest_sha256;
    }
}

/// The worst first; among equals the first of the plan.
pub(super) fn rank_worst(pictures: &mut Vec<Picture>, keep: usize) {
    pictures.sort_by_key(|p| (std::cmp::Reverse(p.flagged), p.galaxy));
    pictures.truncate(keep);
}
