//! The whole chain in one file.
//!
//! Layout: `samples` (draw, walker, parameter), `log_density` (draw, walker), `accepted_fraction` (walker), and what the
//! sampler tells of each draw (draw, walker), all 64-bit floats; `plan` (bytes); attributes of the file: `parameters` and
//! `units` (one text a parameter), `first_step`, `burn`, `gradients`, `told` and `provenance` (texts), `format`. The chain of
//! an ensemble has a second set of names for emcee besides ([`emcee`]).

use super::part::{check_shape, read_statistic};
use super::{ChainError, PartRecord, emcee, hdf, part_path, read_part, verify};
use mirinae_common::checkpoint::Hash;
use mirinae_common::{atomic, provenance};
use ndarray::{Array1, Array2, Array3};
use std::path::Path;

/// Name and version of the layout.
const FORMAT: &str = "mirinae-chain 3";

/// A sampled parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// Its name, such as `CH3OH.tex`.
    pub name: String,
    /// Its unit, empty where it has none.
    pub unit: String,
}

/// What a chain says about itself besides its samples.
#[derive(Debug, Clone, PartialEq)]
pub struct Header {
    /// The parameters in the order of the samples' last axis.
    pub parameters: Vec<Parameter>,
    /// Fraction of each walker's proposals that it took.
    pub accepted_fraction: Vec<f64>,
    /// Names of what the sampler tells of each draw.
    pub statistics: Vec<String>,
    /// Draws at the start that results leave out.
    pub burn: u64,
    /// Gradients that were computed for the draws; 0: none.
    pub gradients: u64,
    /// How the draws were made, in lines for people.
    pub told: String,
    /// The plan of the fit as bytes: what the products are made from, besides the samples.
    pub plan: Vec<u8>,
    /// How the chain was made; the same for every run of the same plan.
    pub provenance: String,
}

/// A chain as read back.
#[derive(Debug, Clone, PartialEq)]
pub struct Chain {
    /// What it says about itself.
    pub header: Header,
    /// Step of the first draw.
    pub first_step: u64,
    /// Samples, shape (draw, walker, parameter).
    pub samples: Array3<f64>,
    /// Log densities, shape (draw, walker).
    pub log_density: Array2<f64>,
}

/// Joins the `parts` under `dir` into one file at `path`, whole or not at all, and returns its checksum. Each part is
/// checked before it is taken. One part at a time is held in memory.
///
/// # Errors
/// [`ChainError`] of any kind, with the file and the cause.
pub fn merge(dir: &Path, parts: &[PartRecord], header: &Header, path: &Path) -> Result<Hash, ChainError> {
    for part in parts {
        verify(&part_path(dir, part.index), &part.sha256)?;
    }
    let fill = |tmp: &Path| fill_chain(dir, parts, header, (tmp, path));
    atomic::write_by_path(path, fill, ChainError::io("write", path))?;
    let (_, sha256) = provenance::hash_file(path).map_err(ChainError::io("read back", path))?;
    Ok(sha256)
}

/// `tmp` is the name to write to, `path` the one to speak of.
fn fill_chain(
    dir: &Path,
    parts: &[PartRecord],
    header: &Header,
    (tmp, path): (&Path, &Path),
) -> Result<(), ChainError> {
    let wrap = ChainError::hdf5("write", path);
    let (walkers, dim) = (header.accepted_fraction.len(), header.parameters.len());
    let draws: u64 = parts.iter().map(|p| p.draws).sum();
    let first_step = parts.first().map_or(0, |p| p.first_step);
    let file = hdf::create(tmp).map_err(&wrap)?;
    write_header(&file, header, first_step).map_err(&wrap)?;
    let shape = [draws as usize, walkers, dim];
    let samples = hdf::new_f64(&file, "samples", &shape).map_err(&wrap)?;
    let log_density = hdf::new_f64(&file, "log_density", &shape[..2]).map_err(&wrap)?;
    let (mut row, mut step) = (0, first_step);
    for part in parts {
        let source = part_path(dir, part.index);
        let (found, part_samples, part_density) = read_part(&source)?;
        if found != step || part.first_step != step {
            return Err(ChainError::Gap { path: source, found, expected: step });
        }
        check_shape(&source, "samples", part_samples.shape(), &[part.draws as usize, walkers, dim])?;
        let next = row + part.draws as usize;
        samples.write_slice(&part_samples, (row..next, .., ..)).map_err(&wrap)?;
        log_density.write_slice(&part_density, (row..next, ..)).map_err(&wrap)?;
        (row, step) = (next, step + part.draws);
    }
    drop((samples, log_density));
    for name in &header.statistics {
        let all = hdf::new_f64(&file, name, &shape[..2]).map_err(&wrap)?;
        let mut row = 0;
        for part in parts {
            let source = part_path(dir, part.index);
            let values = read_statistic(&source, name)?;
            check_shape(&source, "statistic", values.shape(), &[part.draws as usize, walkers])?;
            all.write_slice(&values, (row..row + part.draws as usize, ..)).map_err(&wrap)?;
            row += part.draws as usize;
        }
    }
    // An ensemble computes no gradients.
    if header.gradients == 0 {
        emcee::add(&file, shape, &header.accepted_fraction).map_err(&wrap)?;
    }
    file.flush().and_then(|()| file.close()).map_err(&wrap)
}

fn write_header(file: &hdf5::File, header: &Header, first_step: u64) -> hdf5::Result<()> {
    hdf::write_text(file, "format", FORMAT)?;
    hdf::write_texts(file, "parameters", header.parameters.iter().map(|p| p.name.as_str()))?;
    hdf::write_texts(file, "units", header.parameters.iter().map(|p| p.unit.as_str()))?;
    hdf::write_count(file, "first_step", first_step)?;
    hdf::write_text(file, "provenance", &header.provenance)?;
    hdf::write_count(file, "burn", header.burn)?;
    hdf::write_count(file, "gradients", header.gradients)?;
    hdf::write_text(file, "told", &header.told)?;
    hdf::write_bytes(file, "plan", &header.plan)?;
    if !header.statistics.is_empty() {
        hdf::write_texts(file, "statistics", header.statistics.iter().map(String::as_str))?;
    }
    let accepted = hdf::new_f64(file, "accepted_fraction", &[header.accepted_fraction.len()])?;
    accepted.write_raw(&header.accepted_fraction)
}

/// Reads what the sampler tells of each draw of a chain, shape (draw, walker).
///
/// # Errors
/// [`ChainError::Hdf5`] if there is no such statistic or it cannot be read.
pub fn read_statistics(path: &Path, name: &str) -> Result<Array2<f64>, ChainError> {
    read_statistic(path, name)
}

/// Reads a chain that [`merge`] wrote.
///
/// # Errors
/// [`ChainError::Hdf5`] if it cannot be read, [`ChainError::Shape`] if its arrays do not fit together.
pub fn read(path: &Path) -> Result<Chain, ChainError> {
    let chain = read_arrays(path).map_err(ChainError::hdf5("read", path))?;
    let (draws, walkers, dim) = chain.samples.dim();
    check_shape(path, "log_density", chain.log_density.shape(), &[draws, walkers])?;
    check_shape(path, "accepted_fraction", &[chain.header.accepted_fraction.len()], &[walkers])?;
    check_shape(path, "parameters", &[chain.header.parameters.len()], &[dim])?;
    Ok(chain)
}

fn read_arrays(path: &Path) -> hdf5::Result<Chain> {
    let file = hdf::open(path)?;
    let format = hdf::read_text(&file, "format")?;
    if format != FORMAT {
        return Err(format!("its format is {format:?}, this program reads {FORMAT:?}").into());
    }
    let (names, units) = (hdf::read_texts(&file, "parameters")?, hdf::read_texts(&file, "units")?);
    let accepted: Array1<f64> = file.dataset("accepted_fraction")?.read()?;
    let told = file.attr_names()?.iter().any(|name| name == "statistics");
    let statistics = if told { hdf::read_texts(&file, "statistics")? } else { Vec::new() };
    let header = Header {
        parameters: names.into_iter().zip(units).map(|(name, unit)| Parameter { name, unit }).collect(),
        accepted_fraction: accepted.to_vec(),
        statistics,
        burn: hdf::read_count(&file, "burn")?,
        gradients: hdf::read_count(&file, "gradients")?,
        told: hdf::read_text(&file, "told")?,
        plan: file.dataset("plan")?.read_1d::<u8>()?.to_vec(),
        provenance: hdf::read_text(&file, "provenance")?,
    };
    Ok(Chain {
        header,
        first_step: hdf::read_count(&file, "first_step")?,
        samples: file.dataset("samples")?.read()?,
        log_density: file.dataset("log_density")?.read()?,
    })
}
