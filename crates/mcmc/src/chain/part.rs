//! One part of a chain: the draws of a fixed number of steps.

use super::{ChainError, hdf};
use mirinae_common::checkpoint::Hash;
use mirinae_common::{atomic, provenance};
use ndarray::{Array2, Array3, ArrayView1, ArrayView2};
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::{Path, PathBuf};

/// Draws that wait to be written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Segment {
    first_step: u64,
    steps: usize,
    nwalkers: usize,
    dim: usize,
    samples: Vec<f64>,
    log_density: Vec<f64>,
    /// Per statistic its name and values (draw, walker).
    statistics: Vec<(String, Vec<f64>)>,
}

impl Segment {
    /// An empty segment of `nwalkers` walkers in `dim` parameters, for the draws from `first_step` on.
    pub fn new(first_step: u64, nwalkers: usize, dim: usize) -> Self {
        let (samples, log_density, statistics) = (Vec::new(), Vec::new(), Vec::new());
        Self { first_step, steps: 0, nwalkers, dim, samples, log_density, statistics }
    }

    /// The same with room for statistics of every draw.
    pub fn with_statistics(mut self, names: &[&str]) -> Self {
        self.statistics = names.iter().map(|name| (name.to_string(), Vec::new())).collect();
        self
    }

    /// Adds the values of one draw, shape (statistic, walker), in the order of their names.
    ///
    /// # Panics
    /// If they are not as many as there are names times walkers.
    pub fn push_statistics(&mut self, values: ArrayView2<'_, f64>) {
        assert_eq!(values.dim(), (self.statistics.len(), self.nwalkers), "statistics of a draw");
        for ((_, all), row) in self.statistics.iter_mut().zip(values.outer_iter()) {
            all.extend(row.iter());
        }
    }

    /// Adds the ensemble after one step: `positions` of shape (walker, parameter) and the walkers' `log_density`.
    ///
    /// # Panics
    /// If the shapes are not those of the segment.
    pub fn push(&mut self, positions: ArrayView2<'_, f64>, log_density: ArrayView1<'_, f64>) {
        assert_eq!(positions.dim(), (self.nwalkers, self.dim), "positions of a step");
        assert_eq!(log_density.len(), self.nwalkers, "log densities of a step");
        self.samples.extend(positions.iter());
        self.log_density.extend(log_density.iter());
        self.steps += 1;
    }

    /// The samples, row-major (draw, walker, parameter).
    pub fn samples(&self) -> &[f64] {
        &self.samples
    }

    /// Number of draws.
    pub fn len(&self) -> usize {
        self.steps
    }

    /// Whether there is no draw yet.
    pub fn is_empty(&self) -> bool {
        self.steps == 0
    }

    /// Number of the first draw's step.
    pub fn first_step(&self) -> u64 {
        self.first_step
    }
}

/// A part on disk, as a checkpoint remembers it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartRecord {
    /// Its number, from 0.
    pub index: u32,
    /// The step of its first draw.
    pub first_step: u64,
    /// Number of draws.
    pub draws: u64,
    /// SHA-256 of the file.
    pub sha256: Hash,
}

/// The name of part `index` of the run whose products lie in `dir`.
pub fn part_path(dir: &Path, index: u32) -> PathBuf {
    dir.join("parts").join(format!("chain-{index:06}.h5"))
}

/// Writes a segment as part `index` under `dir`, whole or not at all.
///
/// # Errors
/// [`ChainError::Io`] and [`ChainError::Hdf5`] with the file and the cause.
pub fn write_part(dir: &Path, index: u32, segment: &Segment) -> Result<PartRecord, ChainError> {
    let path = part_path(dir, index);
    let folder = dir.join("parts");
    fs::create_dir_all(&folder).map_err(ChainError::io("make the folder", &folder))?;
    atomic::sync_folder(&folder).map_err(ChainError::io("sync", dir))?;
    let fill = |tmp: &Path| fill_part(tmp, segment).map_err(ChainError::hdf5("write", &path));
    atomic::write_by_path(&path, fill, ChainError::io("write", &path))?;
    let (_, sha256) = provenance::hash_file(&path).map_err(ChainError::io("read back", &path))?;
    Ok(PartRecord { index, first_step: segment.first_step, draws: segment.steps as u64, sha256 })
}

fn fill_part(path: &Path, segment: &Segment) -> hdf5::Result<()> {
    let shape = [segment.steps, segment.nwalkers, segment.dim];
    let file = hdf::create(path)?;
    hdf::write_count(&file, "first_step", segment.first_step)?;
    hdf::new_f64(&file, "samples", &shape)?.write_raw(&segment.samples)?;
    hdf::new_f64(&file, "log_density", &shape[..2])?.write_raw(&segment.log_density)?;
    for (name, values) in &segment.statistics {
        hdf::new_f64(&file, name, &shape[..2])?.write_raw(values)?;
    }
    file.flush()?;
    file.close()
}

/// Checks that the file at `path` is the one that was written with checksum `sha256`.
///
/// # Errors
/// [`ChainError::Io`] if it cannot be read, [`ChainError::Damaged`] if it is another one.
pub fn verify(path: &Path, sha256: &Hash) -> Result<(), ChainError> {
    let (_, found) = provenance::hash_file(path).map_err(ChainError::io("read", path))?;
    if found == *sha256 { Ok(()) } else { Err(ChainError::Damaged { path: path.to_path_buf() }) }
}

/// Reads a part: first step, samples (draw, walker, parameter) and log densities (draw, walker).
///
/// # Errors
/// [`ChainError::Hdf5`] if it cannot be read, [`ChainError::Shape`] if its arrays do not fit together.
pub fn read_part(path: &Path) -> Result<(u64, Array3<f64>, Array2<f64>), ChainError> {
    let get = || {
        let file = hdf::open(path)?;
        let samples: Array3<f64> = file.dataset("samples")?.read()?;
        let log_density: Array2<f64> = file.dataset("log_density")?.read()?;
        Ok((hdf::read_count(&file, "first_step")?, samples, log_density))
    };
    let (first_step, samples, log_density) = get().map_err(ChainError::hdf5("read", path))?;
    let (draws, walkers, _) = samples.dim();
    check_shape(path, "log_density", log_density.shape(), &[draws, walkers])?;
    Ok((first_step, samples, log_density))
}

/// Reads one statistic of a part, shape (draw, walker).
///
/// # Errors
/// [`ChainError::Hdf5`] if it cannot be read.
pub(super) fn read_statistic(path: &Path, name: &str) -> Result<Array2<f64>, ChainError> {
    let get = || hdf::open(path)?.dataset(name)?.read();
    get().map_err(ChainError::hdf5("read", path))
}

pub(super) fn check_shape(
    path: &Path,
    what: &'static str,
    found: &[usize],
    expected: &[usize],
) -> Result<(), ChainError> {
    if found == expected {
        return Ok(());
    }
    Err(ChainError::Shape {
        path: path.to_path_buf(),
        what,
        found: found.to_vec(),
        expected: expected.to_vec(),
    })
}

/// Removes all parts under `dir`, if there are any.
///
/// # Errors
/// [`ChainError::Io`] with the folder.
pub fn remove_parts(dir: &Path) -> Result<(), ChainError> {
    let folder = dir.join("parts");
    match fs::remove_dir_all(&folder) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(ChainError::io("remove", &folder)(e)),
        _ => Ok(()),
    }
}
