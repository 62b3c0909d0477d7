//! Reads the visibilities of a phase centre and searches around it.

use super::block::{Block, Offset, Seen, Span, joinable};
use super::find::{Detection, find};
use super::flux::Scale;
use super::plan::{SearchPlan, stretch_of};
use super::sky::Field;
use super::{SearchError, cosines};
use crate::fringe::{Visibilities, auto_powers, visibilities};
use crate::job::Source;
use crate::writer::{VisFile, VisMeta};
use serde::{Deserialize, Serialize};

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

/// Searches around a phase centre; `None` without data. What other phase centres have found outside of the field (right ascension and
/// declination, rad, the most significant first) is taken out before. Calls `tick` often.
///
/// # Errors
/// The file cannot be read, or the field is too wide.
pub fn search_centre(
    file: &VisFile,
    plan: &SearchPlan,
    (source, outside): (usize, &[(f64, f64)]),
    tick: &mut dyn FnMut(),
) -> Result<Option<FieldResult>, SearchError> {
    let failed = |e| SearchError::Read { path: plan.path.clone(), source: e };
    let mut blocks = blocks_of(file, plan, source, tick).map_err(failed)?;
    if blocks.is_empty() {
        return Ok(None);
    }
    let field = Field::new(&blocks, plan.options.half_width_rad)?;
    let centre = file.meta().sources[source].clone();
    let outside: Vec<Offset> = outside.iter().map(|&place| cosines(&centre, place)).collect();
    let found = find(&mut blocks, &field, &outside, (&plan.options, plan.simd), tick);
    Ok(Some(FieldResult { centre, field, blocks: blocks.len(), found }))
}

/// All that was seen of a phase centre.
fn blocks_of(
    file: &VisFile,
    plan: &SearchPlan,
    source: usize,
    tick: &mut dyn FnMut(),
) -> hdf5::Result<Vec<Block>> {
    let meta = file.meta();
    let mut blocks = Vec::new();
    let scans: Vec<(usize, usize)> = meta
        .scans
        .iter()
        .enumerate()
        .flat_map(|(scan, info)| {
            let here = info.centres.iter().enumerate().filter(move |(_, s)| **s == source);
            here.map(move |(centre, _)| (scan, centre))
        })
        .collect();
    for (scan, centre) in scans {
        let powers = auto_powers(file, scan)?;
        let scale = Scale::new(file, &plan.sefds, scan)?;
        let uvw_tb3 = file.uvw_tb3(scan, centre)?;
        for baseline in (0..meta.baselines.len()).filter(|&b| !same_station(meta, b)) {
            let names = meta.baseline_names(baseline).map(str::to_owned);
            let uvw_t: Vec<[f64; 3]> =
                (0..uvw_tb3.dim().0).map(|t| [0, 1, 2].map(|k| uvw_tb3[[t, baseline, k]])).collect();
            for polarisation in parallel(file, baseline) {
                let (mut bands, mut normalised) = (Vec::new(), true);
                for (product, cross) in meta.crosses.iter().enumerate() {
                    if cross.of == baseline && cross.polarisations == [polarisation; 2] {
                        let (vis, normal) = visibilities(file, scan, centre, product, &powers)?;
                        normalised &= normal;
                        bands.push((cross.band, vis));
                        tick();
                    }
                }
                let spans: Vec<Span> = bands.iter().map(|(_, v)| Span::of(v)).collect();
                let groups = match joinable(&spans) {
                    Some(_) => vec![bands],
                    None => bands.into_iter().map(|b| vec![b]).collect(),
                };
                for (group, bands) in groups.into_iter().enumerate() {
                    let (used, bands): (Vec<usize>, Vec<Visibilities>) = bands.into_iter().unzip();
                    let seen = |start: usize| Seen {
                        baseline: names.clone(),
                        together: (scan, start, polarisation, group),
                        jy: scale
                            .jy(baseline, polarisation, &used, meta.time_s(scan, start))
                            .filter(|_| normalised),
                    };
                    blocks.extend(stretches(&seen, &bands, &uvw_t, plan.options.coherence_s));
                    tick();
                }
            }
        }
    }
    Ok(blocks)
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

/// Cuts a scan into stretches of equal length that are coherent.
fn stretches(
    seen: &dyn Fn(usize) -> Seen,
    bands: &[Visibilities],
    uvw_t: &[[f64; 3]],
    coherence_s: f64,
) -> Vec<Block> {
    let Some(first) = bands.first() else { return Vec::new() };
    let each = stretch_of(uvw_t.len(), first.step_s, coherence_s);
    let cut = |start: usize| {
        let end = (start + each).min(uvw_t.len());
        let part = |v: &Visibilities| {
            let channels = v.vis_tf.len() / v.weight_t.len().max(1);
            Visibilities {
                vis_tf: v.vis_tf[start * channels..end * channels].to_vec(),
                weight_t: v.weight_t[start..end].to_vec(),
                first_s: v.first_s + start as f64 * v.step_s,
                ..*v
            }
        };
        Block::join(seen(start), &bands.iter().map(part).collect::<Vec<_>>(), &uvw_t[start..end])
    };
    (0..uvw_t.len()).step_by(each).filter_map(cut).collect()
}
