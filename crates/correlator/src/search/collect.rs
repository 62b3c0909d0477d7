//! Reads the visibilities of a phase centre and searches around it.

use super::block::{Block, Offset, Seen, Span, joinable};
use super::find::{Detection, find};
use super::flux::{Scale, efficiencies};
use super::plan::{SearchPlan, stretch_of};
use super::sky::Field;
use super::{SearchError, cosines};
use crate::fringe::{Visibilities, auto_powers, visibilities};
use crate::job::Source;
use crate::transforms::Transforms;
use crate::writer::{VisFile, VisMeta};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// What was found around a phase centre.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FieldResult {
    /// Phase centre.
    pub centre: Source,
    /// Grid.
    pub field: Field,
    /// Powers that are added at each place.
    pub blocks: usize,
    /// Sources.
    pub found: Vec<Detection>,
}

/// Searches one phase centre after the other.
pub struct Searcher<'a> {
    plan: &'a SearchPlan,
    file: VisFile,
    transforms: Transforms,
    scans: BTreeMap<usize, ScanFacts>,
    /// Blocks of the last phase centre.
    spare: Vec<Block>,
}

/// What all phase centres of a scan share.
struct ScanFacts {
    /// Mean power of each autocorrelation; `None` without data.
    powers: Vec<Option<f64>>,
    /// Efficiency of quantisation of each recorded channel.
    efficiency_r: Vec<f64>,
}

impl<'a> Searcher<'a> {
    /// Opens the visibilities.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn open(plan: &'a SearchPlan) -> Result<Self, SearchError> {
        let file = VisFile::open(&plan.path).map_err(|e| unread(plan, e))?;
        Ok(Self {
            plan,
            file,
            transforms: Transforms::new(plan.simd),
            scans: BTreeMap::new(),
            spare: Vec::new(),
        })
    }

    /// Searches around a phase centre; `None` without data. What other phase centres have found outside of the field (right ascension and
    /// declination, rad, the most significant first) is taken out before. Calls `tick` often.
    ///
    /// # Errors
    /// The file cannot be read, or the field is too wide.
    pub fn search(
        &mut self,
        (source, outside): (usize, &[(f64, f64)]),
        tick: &mut dyn FnMut(),
    ) -> Result<Option<FieldResult>, SearchError> {
        let mut blocks = self.blocks_of(source, tick).map_err(|e| unread(self.plan, e))?;
        self.spare.clear();
        if blocks.is_empty() {
            return Ok(None);
        }
        let options = &self.plan.options;
        let field = Field::new(&blocks, options.half_width_rad)?;
        let centre = self.file.meta().sources[source].clone();
        let outside: Vec<Offset> = outside.iter().map(|&place| cosines(&centre, place)).collect();
        let found = find(&mut blocks, &field, &outside, (options, &mut self.transforms), tick);
        let count = blocks.len();
        self.spare = blocks;
        Ok(Some(FieldResult { centre, field, blocks: count, found }))
    }

    /// All that was seen of a phase centre.
    fn blocks_of(&mut self, source: usize, tick: &mut dyn FnMut()) -> hdf5::Result<Vec<Block>> {
        let mut blocks = Vec::new();
        let scans: Vec<(usize, usize)> = self
            .file
            .meta()
            .scans
            .iter()
            .enumerate()
            .flat_map(|(scan, info)| {
                let here = info.centres.iter().enumerate().filter(move |(_, s)| **s == source);
                here.map(move |(centre, _)| (scan, centre))
            })
            .collect();
        for (scan, centre) in scans {
            self.know(scan)?;
            blocks.extend(self.blocks_in(scan, centre, tick)?);
        }
        Ok(blocks)
    }

    /// Reads what all phase centres of a scan share, once.
    fn know(&mut self, scan: usize) -> hdf5::Result<()> {
        if let Entry::Vacant(place) = self.scans.entry(scan) {
            let efficiency_r = efficiencies(&self.file, &self.plan.sefds, scan)?;
            place.insert(ScanFacts { powers: auto_powers(&self.file, scan)?, efficiency_r });
        }
        Ok(())
    }

    /// What was seen of a phase centre in a scan.
    fn blocks_in(&mut self, scan: usize, centre: usize, tick: &mut dyn FnMut()) -> hdf5::Result<Vec<Block>> {
        let (file, meta, facts) = (&self.file, self.file.meta(), &self.scans[&scan]);
        let scale = Scale::new(meta, &self.plan.sefds, scan, &facts.efficiency_r);
        let coherence_s = self.plan.options.coherence_s;
        let uvw_tb3 = file.uvw_tb3(scan, centre)?;
        let (weight_tx, _) = file.weights(scan, centre)?;
        let mut blocks = Vec::new();
        for baseline in (0..meta.baselines.len()).filter(|&b| !same_station(meta, b)) {
            let names = meta.baseline_names(baseline).map(str::to_owned);
            let uvw_t: Vec<[f64; 3]> =
                (0..uvw_tb3.dim().0).map(|t| [0, 1, 2].map(|k| uvw_tb3[[t, baseline, k]])).collect();
            for polarisations in added(file, baseline, self.plan.options.coherent_polarisations) {
                let (mut bands, mut normalised) = (Vec::new(), true);
                for (product, cross) in meta.crosses.iter().enumerate() {
                    let [pa, pb] = cross.polarisations;
                    if cross.of == baseline && pa == pb && polarisations.contains(&pa) {
                        let which = [scan, centre, product];
                        let (vis, normal) = visibilities(file, which, &facts.powers, &weight_tx)?;
                        normalised &= normal;
                        bands.push(((pa, cross.band), vis));
                        tick();
                    }
                }
                for (group, bands) in groups(bands).into_iter().enumerate() {
                    let (used, bands): (Vec<(char, usize)>, Vec<Visibilities>) = bands.into_iter().unzip();
                    let seen = |start: usize| Seen {
                        baseline: names.clone(),
                        together: (scan, start, polarisations[0], group),
                        jy: scale.jy(baseline, &used, meta.time_s(scan, start)).filter(|_| normalised),
                    };
                    blocks.extend(stretches(&seen, &bands, &uvw_t, coherence_s, &mut self.spare));
                    tick();
                }
            }
        }
        Ok(blocks)
    }
}

fn unread(plan: &SearchPlan, source: hdf5::Error) -> SearchError {
    SearchError::Read { path: plan.path.clone(), source }
}

/// Whether a baseline is of two streams of one station.
pub(super) fn same_station(meta: &VisMeta, baseline: usize) -> bool {
    let info = &meta.baselines[baseline];
    meta.stream_stations[info.a] == meta.stream_stations[info.b]
}

/// Polarisations that both stations of a baseline have.
pub(super) fn parallel(file: &VisFile, baseline: usize) -> Vec<char> {
    let of =
        file.meta().crosses.iter().filter(|c| c.of == baseline && c.polarisations[0] == c.polarisations[1]);
    let mut found: Vec<char> = of.map(|c| c.polarisations[0]).collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// Polarisations of a baseline that are added with their phases.
pub(super) fn added(file: &VisFile, baseline: usize, coherent: bool) -> Vec<Vec<char>> {
    let all = parallel(file, baseline);
    if coherent && !all.is_empty() { vec![all] } else { all.into_iter().map(|p| vec![p]).collect() }
}

/// Polarisation and band, and what was seen in it.
type Of = ((char, usize), Visibilities);

/// What is added with its phases: all bands that lie on one grid, else each for itself (in all polarisations).
fn groups(bands: Vec<Of>) -> Vec<Vec<Of>> {
    let spans: Vec<Span> = bands.iter().map(|(_, v)| Span::of(v)).collect();
    if joinable(&spans).is_some() {
        return vec![bands];
    }
    let mut groups: Vec<Vec<Of>> = Vec::new();
    for band in bands {
        let same = |other: &Of| other.1.first_hz == band.1.first_hz && other.1.step_hz == band.1.step_hz;
        match groups.iter_mut().find(|group| group.iter().any(same)) {
            Some(group) => group.push(band),
            None => groups.push(vec![band]),
        }
    }
    groups
}

/// Cuts a scan into stretches of equal length that are coherent.
fn stretches(
    seen: &dyn Fn(usize) -> Seen,
    bands: &[Visibilities],
    uvw_t: &[[f64; 3]],
    coherence_s: f64,
    spare: &mut Vec<Block>,
) -> Vec<Block> {
    let Some(first) = bands.first() else { return Vec::new() };
    let each = stretch_of(uvw_t.len(), first.step_s, coherence_s);
    let cut = |start: usize| {
        let end = (start + each).min(uvw_t.len());
        Block::join(seen(start), bands, uvw_t, start..end, spare.pop())
    };
    (0..uvw_t.len()).step_by(each).filter_map(cut).collect()
}
