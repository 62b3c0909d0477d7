//! Joins the summaries of all shards, in order, into the index and the report.

use super::summary::{Picture, Summary, rank_worst};
use super::{PARTS, Run};
use crate::config::{Missing, Settings};
use crate::kernel::bits;
use crate::kernel::statistics::{Histogram, Moments};
use crate::plan::{Plan, Split, Unused};
use crate::read::{Outage, check_all};
use crate::report;
use crate::shard::{ShardError, write_zarr_metadata};
use anyhow::Context as _;
use mirinae_common::atomic;
use mirinae_common::outcome::{Failure, Outcome};
use mirinae_common::provenance::{self, InputFile};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::Path;

/// Name of the file that lists all shards.
pub const INDEX: &str = "index.json";
const FORMAT: &str = "mirinae-galaxies-1";
/// The quantiles that are told.
const QUANTILES: [f64; 9] = [0.001, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 0.999];

/// A shard in the index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShardEntry {
    /// Its folder.
    pub name: String,
    /// What it is for.
    pub split: Split,
    /// Its galaxies.
    pub galaxies: usize,
    /// Those that can be used.
    pub used: u64,
    /// SHA-256 of its manifest.
    pub manifest_sha256: String,
}

/// Statistics of the stored values of a band, over the pixels without any bit in the mask.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BandStatistics {
    /// The band.
    pub band: String,
    /// Pixels.
    pub pixels: u64,
    /// Their mean; none where there are no pixels.
    pub mean: Option<f64>,
    /// Their standard deviation.
    pub sd: Option<f64>,
    /// Fraction and value, from every 13th pixel, to half a hundredth of their size.
    pub quantiles: Vec<(f64, Option<f64>)>,
}

/// The index of all products.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Index {
    /// Name and version of this format.
    pub format: String,
    /// What wrote it.
    pub program: String,
    /// Hash of the plan.
    pub plan_sha256: String,
    /// The settings.
    pub settings: Settings,
    /// The configuration and the catalogue.
    pub inputs: Vec<InputFile>,
    /// Galaxies.
    pub galaxies: usize,
    /// Those that can be used.
    pub used: u64,
    /// Files.
    pub files: u64,
    /// Files and objects that are not used, by reason.
    pub unused: BTreeMap<String, u64>,
    /// Pixels with each bit of the mask.
    pub mask_pixels: BTreeMap<String, u64>,
    /// Galaxies and usable galaxies of each class.
    pub classes: BTreeMap<String, [u64; 2]>,
    /// Statistics of each band.
    pub statistics: Vec<BandStatistics>,
    /// The shards, in the plan's order.
    pub shards: Vec<ShardEntry>,
}

impl Index {
    /// Reads the index in a folder; `None` where there is none.
    ///
    /// # Errors
    /// Where it cannot be read or is none.
    pub fn read(out: &Path) -> Result<Option<Self>, ShardError> {
        let path = out.join(INDEX);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(ShardError::Io { path, source }),
        };
        let wrong = |e: serde_json::Error| ShardError::Library {
            path,
            problem: format!("{e}; choose another folder with --out, or start over with --fresh"),
        };
        serde_json::from_slice(&text).map(Some).map_err(wrong)
    }

    /// What a run that has made these products ends with.
    pub fn outcome(&self) -> Outcome {
        let mut outcome = Outcome::default();
        for (reason, n) in &self.unused {
            let what =
                if ["duplicate", "incomplete"].contains(&reason.as_str()) { "objects" } else { "files" };
            outcome.count(format!("{what} not used ({reason})"), *n);
        }
        outcome
    }
}

/// All summaries together.
pub(crate) struct Joined {
    pub(crate) unused: Vec<Unused>,
    pub(crate) sheet: Vec<Picture>,
    pub(crate) worst: Vec<Picture>,
    moments_b: Vec<Moments>,
    histograms_b: Vec<Histogram>,
    bits: [u64; 5],
    used: u64,
    files: u64,
    classes: BTreeMap<String, [u64; 2]>,
    shards: Vec<ShardEntry>,
}

impl Joined {
    fn new(plan: &Plan) -> Self {
        let bands = plan.settings.bands.len();
        Self {
            unused: plan.unused.clone(),
            sheet: Vec::new(),
            worst: Vec::new(),
            moments_b: vec![Moments::default(); bands],
            histograms_b: vec![Histogram::default(); bands],
            bits: [0; 5],
            used: 0,
            files: 0,
            classes: BTreeMap::new(),
            shards: Vec::new(),
        }
    }

    fn add(&mut self, plan: &Plan, unit: usize, summary: Summary) {
        let shard = &plan.shards[unit];
        let split = plan.galaxies[shard.galaxies.start].split;
        let (name, galaxies) = (shard.name.clone(), shard.galaxies.len());
        let entry = ShardEntry {
            name,
            split,
            galaxies,
            used: summary.used,
            manifest_sha256: summary.manifest_sha256,
        };
        self.shards.push(entry);
        self.moments_b.iter_mut().zip(&summary.moments_b).for_each(|(all, one)| all.join(one));
        self.histograms_b.iter_mut().zip(&summary.histograms_b).for_each(|(all, one)| all.join(one));
        self.bits.iter_mut().zip(summary.bits).for_each(|(all, one)| *all += one);
        for (class, [all, used]) in summary.classes {
            let entry = self.classes.entry(class).or_default();
            *entry = [entry[0] + all, entry[1] + used];
        }
        self.used += summary.used;
        self.files += summary.files;
        self.unused.extend(summary.unused);
        self.sheet.extend(summary.sheet);
        self.worst.extend(summary.worst);
        rank_worst(&mut self.worst, plan.settings.output.sheet);
    }

    fn statistics(&self, plan: &Plan) -> Vec<BandStatistics> {
        let finite = |x: f64| x.is_finite().then_some(x);
        let band = |(band, name): (usize, &String)| BandStatistics {
            band: name.clone(),
            pixels: self.moments_b[band].count,
            mean: Some(self.moments_b[band].mean).filter(|_| self.moments_b[band].count > 0),
            sd: finite(self.moments_b[band].sd()),
            quantiles: QUANTILES.map(|q| (q, finite(self.histograms_b[band].quantile(q)))).to_vec(),
        };
        plan.settings.bands.iter().enumerate().map(band).collect()
    }
}

impl Run<'_> {
    /// On rank 0: writes report and index, tells how it went.
    pub(super) fn finish(&self) -> anyhow::Result<Outcome> {
        let index = match Index::read(self.out)? {
            Some(index) => index,
            None => self.join()?,
        };
        let parts = self.out.join(PARTS);
        if parts.exists() {
            fs::remove_dir_all(&parts).with_context(|| format!("cannot remove {}", parts.display()))?;
        }
        let record = self.out.join("run.json");
        provenance::write_run_record(&record, &self.hash, &self.context.hosts, self.context.started, &[])?;
        // The products are there, whether or not anyone listens.
        let _ = writeln!(std::io::stdout().lock(), "{}", told(&index, self.out));
        Ok(index.outcome())
    }

    /// The products are there already: nothing is left to do.
    pub(super) fn tell_done(&self, index: &Index) -> Result<Vec<usize>, Failure> {
        tracing::info!(galaxies = index.galaxies, "the products are there already");
        Ok(Vec::new())
    }

    fn join(&self) -> anyhow::Result<Index> {
        let plan = self.plan;
        let mut joined = Joined::new(plan);
        for unit in 0..plan.shards.len() {
            let part = self.part(unit);
            let missing =
                || format!("{} was there and is gone; run the same command again", part.path().display());
            joined.add(plan, unit, part.load::<Summary>()?.with_context(missing)?);
        }
        self.check_missed(&joined)?;
        let mut unused = BTreeMap::new();
        joined.unused.iter().for_each(|u| *unused.entry(u.reason.clone()).or_default() += 1);
        let index = Index {
            format: FORMAT.to_owned(),
            program: format!("fits-pack {}", provenance::VERSION),
            plan_sha256: provenance::hex(&self.hash),
            settings: plan.settings.clone(),
            inputs: plan.inputs.clone(),
            galaxies: plan.galaxies.len(),
            used: joined.used,
            files: joined.files,
            unused,
            mask_pixels: bits::NAMES.iter().map(|n| (*n).to_owned()).zip(joined.bits).collect(),
            classes: joined.classes.clone(),
            statistics: joined.statistics(plan),
            shards: joined.shards.clone(),
        };
        if plan.settings.output.zarr {
            write_zarr_metadata(plan, self.out)?;
        }
        report::write(plan, &index, &joined, self.out)?;
        let text = serde_json::to_string_pretty(&index)? + "\n";
        atomic::write(&self.out.join(INDEX), |file| file.write_all(text.as_bytes()))?;
        Ok(index)
    }
}

impl Run<'_> {
    /// Before the products are called done: no file may have been missed for an outage of the volume.
    fn check_missed(&self, joined: &Joined) -> Result<(), Outage> {
        let s = &self.plan.settings;
        if s.missing != Missing::Suspicious {
            return Ok(());
        }
        let missed: Vec<_> = Summary::missed(&joined.unused).map(|file| self.root.join(file)).collect();
        check_all(self.root, &missed, joined.files as usize, s.missing_above, self.blocks)
    }
}

/// The last lines of a run.
fn told(index: &Index, out: &Path) -> String {
    let mut text = format!("{} of {} galaxies in {} shards", index.used, index.galaxies, index.shards.len());
    for statistics in &index.statistics {
        if let (Some(mean), Some(sd)) = (statistics.mean, statistics.sd) {
            text += &format!("\nband {}: mean {mean:.6e}, standard deviation {sd:.6e}", statistics.band);
        }
    }
    text + &format!("\nwrote {}", out.join(INDEX).display())
}
