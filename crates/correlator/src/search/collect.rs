//! Reads the visibilities of each phase centre, searches around it, and joins what several centres found.

use super::block::{Block, joinable};
use super::find::find;
use super::report::{Candidate, SearchReport, Searched};
use super::sky::Field;
use super::{SearchError, SearchOptions};
use crate::fringe::{Visibilities, auto_powers, visibilities};
use crate::writer::VisFile;
use std::path::Path;

/// Searches around all phase centres of a file.
///
/// # Errors
/// The file cannot be read, holds nothing to search, or the field is too wide.
pub fn search_file(path: &Path, options: &SearchOptions) -> Result<SearchReport, SearchError> {
    let failed = |source| SearchError::Read { path: path.to_owned(), source };
    let file = VisFile::open(path).map_err(failed)?;
    let (mut candidates, mut fields) = (Vec::new(), Vec::new());
    for source in 0..file.meta().sources.len() {
        let mut blocks = blocks_of(&file, source, options.coherence_s).map_err(failed)?;
        if blocks.is_empty() {
            continue;
        }
        let field = Field::new(&blocks, options.half_width_rad)?;
        let centre = &file.meta().sources[source];
        let found = find(&mut blocks, &field, options);
        fields.push(Searched { centre: centre.name.clone(), field, blocks: blocks.len() });
        candidates.extend(found.into_iter().map(|d| Candidate::new(d, centre, &field)));
    }
    if fields.is_empty() {
        return Err(SearchError::Empty { path: path.to_owned() });
    }
    Ok(SearchReport::new(path, options.threshold, fields, candidates))
}

/// All that was seen of a phase centre.
fn blocks_of(file: &VisFile, source: usize, coherence_s: f64) -> hdf5::Result<Vec<Block>> {
    let mut blocks = Vec::new();
    let scans: Vec<(usize, usize)> = file
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
        let powers = auto_powers(file, scan)?;
        let uvw_tb3 = file.uvw_tb3(scan, centre)?;
        for (baseline, info) in file.meta().baselines.iter().enumerate() {
            if file.meta().stream_stations[info.a] == file.meta().stream_stations[info.b] {
                continue;
            }
            let names = file.meta().baseline_names(baseline).map(str::to_owned);
            let uvw_t: Vec<[f64; 3]> =
                (0..uvw_tb3.dim().0).map(|t| [0, 1, 2].map(|k| uvw_tb3[[t, baseline, k]])).collect();
            for polarisation in parallel(file, baseline) {
                let mut bands = Vec::new();
                for (product, cross) in file.meta().crosses.iter().enumerate() {
                    if cross.of == baseline && cross.polarisations == [polarisation; 2] {
                        bands.push(visibilities(file, scan, centre, product, &powers)?.0);
                    }
                }
                let groups =
                    if joinable(&bands) { vec![bands] } else { bands.into_iter().map(|b| vec![b]).collect() };
                for group in &groups {
                    blocks.extend(stretches(&names, group, &uvw_t, coherence_s));
                }
            }
        }
    }
    Ok(blocks)
}

/// Polarisations that both stations of a baseline have.
fn parallel(file: &VisFile, baseline: usize) -> Vec<char> {
    let of =
        file.meta().crosses.iter().filter(|c| c.of == baseline && c.polarisations[0] == c.polarisations[1]);
    let mut found: Vec<char> = of.map(|c| c.polarisations[0]).collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// Cuts a scan into stretches of equal length that are coherent.
fn stretches(
    names: &[String; 2],
    bands: &[Visibilities],
    uvw_t: &[[f64; 3]],
    coherence_s: f64,
) -> Vec<Block> {
    let Some(first) = bands.first() else { return Vec::new() };
    let most = (coherence_s / first.step_s).floor().max(1.0) as usize;
    let each = uvw_t.len().div_ceil(uvw_t.len().div_ceil(most).max(1)).max(1);
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
        Block::join(names.clone(), &bands.iter().map(part).collect::<Vec<_>>(), &uvw_t[start..end])
    };
    (0..uvw_t.len()).step_by(each).filter_map(cut).collect()
}
