//! Resolves a search for compact sources before MPI starts: phase centres, memory, what flux densities are told from.

use super::block::{Span, joinable};
use super::collect::added;
use super::flux::Sefds;
use super::{Known, SearchError, SearchOptions};
use crate::writer::VisFile;
use mirinae_common::checkpoint::Hash;
use mirinae_common::outcome::Failure;
use mirinae_common::{plan, provenance};
use mirinae_simd::SimdPath;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

/// Bytes of a visibility with its weight.
const VIS_BYTES: usize = 12;
/// Bytes of a point of the padded transform: its power, and a quarter of a complex number (times before they are padded).
const POINT_BYTES: usize = 6;
/// Bytes of the sums over a field, and of the third cosines of a quarter of it, at most.
const FIELD_BYTES: usize = 10 * super::sky::MOST_POINTS;

/// The resolved search, the same on all ranks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SearchPlan {
    /// The visibilities.
    pub path: PathBuf,
    /// Their bytes, when they were written (s, ns), and the hash of how they came to be.
    pub input: (u64, (u64, u32), String),
    /// How to search.
    pub options: SearchOptions,
    /// Sources that are known.
    pub known: Vec<Known>,
    /// Sensitivities of the stations.
    pub sefds: Sefds,
    /// Work: the phase centres.
    pub centres: Vec<Centre>,
    /// Vector instructions.
    pub simd: SimdPath,
}

/// A phase centre that is searched.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Centre {
    /// Index of the source.
    pub source: usize,
    /// Its name.
    pub name: String,
    /// Memory that the search around it needs.
    pub bytes: usize,
}

/// Reads the tables of the visibilities and plans the search. `sefds` gets the sensitivities ready, with those tables.
///
/// # Errors
/// Exit 65 where the visibilities cannot be used, 64 where they need more memory than allowed.
pub fn prepare(
    path: &Path,
    options: SearchOptions,
    known: Vec<Known>,
    sefds: impl FnOnce(&VisFile) -> Result<Sefds, Failure>,
    memory_bytes: usize,
    simd: SimdPath,
) -> Result<SearchPlan, Failure> {
    let failed = |source| Failure::input(SearchError::Read { path: path.to_owned(), source });
    let file = VisFile::open(path).map_err(failed)?;
    let of_system =
        |e: std::io::Error| Failure::input(anyhow::Error::new(e).context(path.display().to_string()));
    let about = std::fs::metadata(path).map_err(of_system)?;
    let written = about.modified().map_err(of_system)?.duration_since(UNIX_EPOCH).unwrap_or_default();
    let made = provenance::hex(&provenance::hash(file.provenance().map_err(failed)?.as_bytes()));
    let meta = file.meta();
    let centres: Vec<Centre> = (0..meta.sources.len())
        .filter(|source| meta.scans.iter().any(|scan| scan.centres.contains(source)))
        .map(|source| Centre {
            source,
            name: meta.sources[source].name.clone(),
            bytes: bytes_of(&file, source, &options),
        })
        .collect();
    if let Some(large) = centres.iter().find(|c| c.bytes > memory_bytes) {
        return Err(Failure::usage(SearchError::Memory {
            centre: large.name.clone(),
            needed_mib: large.bytes.div_ceil(1 << 20),
            given_mib: memory_bytes >> 20,
        }));
    }
    let input = (about.len(), (written.as_secs(), written.subsec_nanos()), made);
    let sefds = sefds(&file)?;
    Ok(SearchPlan { path: path.to_owned(), input, options, known, sefds, centres, simd })
}

impl SearchPlan {
    /// The hash of what decides on the products, wherever the visibilities lie and whenever they were written.
    ///
    /// # Errors
    /// A plan that cannot be encoded is a mistake in the program.
    pub fn identity(&self) -> Result<Hash, postcard::Error> {
        let (bytes, _, made) = &self.input;
        let name = self.path.file_name().map(PathBuf::from).unwrap_or_default();
        let plan = Self { path: name, input: (*bytes, (0, 0), made.clone()), ..self.clone() };
        Ok(plan::hash(&postcard::to_stdvec(&plan)?))
    }
}

/// Memory for the search of one phase centre: all its visibilities, and the transform of the largest stretch.
fn bytes_of(file: &VisFile, source: usize, options: &SearchOptions) -> usize {
    let meta = file.meta();
    let (mut held, mut most) = (0, 0);
    for scan in meta.scans.iter().filter(|scan| scan.centres.contains(&source)) {
        let stretch = stretch_of(scan.integrations, meta.integration_s, options.coherence_s);
        for baseline in (0..meta.baselines.len()).filter(|&b| !super::collect::same_station(meta, b)) {
            for polarisations in added(file, baseline, options.coherent_polarisations) {
                let ours = meta.crosses.iter().filter(|x| {
                    let [a, b] = x.polarisations;
                    x.of == baseline && a == b && polarisations.contains(&a)
                });
                let spans: Vec<Span> = ours.map(|x| Span::of_band(meta, x.band)).collect();
                let alone: usize = spans.iter().map(|s| s.channels).sum();
                let joined = joinable(&spans);
                held += scan.integrations * joined.unwrap_or(alone) * VIS_BYTES;
                let channels = joined.unwrap_or(meta.channels);
                let points = 64 * stretch.next_power_of_two() * channels.next_power_of_two() / 4;
                let transform = points.min(4 * MOST_TRANSFORM) * POINT_BYTES;
                // While they are read, the bands stand there twice.
                most = most.max(transform).max(scan.integrations * alone * 2 * VIS_BYTES);
            }
        }
    }
    held + most + FIELD_BYTES
}

/// Points of a transform above which its padding is halved.
const MOST_TRANSFORM: usize = 1 << 24;

/// Integrations of each of the equal stretches that a scan is cut into.
pub(super) fn stretch_of(integrations: usize, step_s: f64, coherence_s: f64) -> usize {
    let most = (coherence_s / step_s).floor().max(1.0) as usize;
    integrations.div_ceil(integrations.div_ceil(most).max(1)).max(1)
}

impl fmt::Display for SearchPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "visibilities {}: {} phase centres, each a unit of work",
            self.path.display(),
            self.centres.len()
        )?;
        for centre in &self.centres {
            writeln!(f, "{}: {} MiB", centre.name, centre.bytes.div_ceil(1 << 20))?;
        }
        let most = self.centres.iter().map(|c| c.bytes).max().unwrap_or(0);
        write!(f, "{} MiB on a rank at most; flux densities: {}", most.div_ceil(1 << 20), self.sefds)
    }
}
