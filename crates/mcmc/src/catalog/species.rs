//! A species: the lines and the partition function of one catalogue entry.

use super::error::CatalogError;
use super::line::{Line, T_CATALOG_K};
use super::partition::PartitionFunction;
use super::select::{VelocityRange, lines_seen};
use serde::{Deserialize, Serialize};

/// Lines and partition function of one entry, checked to belong together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Species {
    name: String,
    tag: u32,
    lines: Vec<Line>,
    q: PartitionFunction,
    q_300: f64,
    source: String,
}

impl Species {
    /// Joins lines and partition function; `source` says where the lines are from (for the product).
    /// Refuses lines of several entries, a partition function that is known to be of another entry,
    /// and one that does not cover 300 K, the temperature of the catalogue's intensities.
    pub fn new(
        name: &str,
        mut lines: Vec<Line>,
        q: PartitionFunction,
        source: &str,
    ) -> Result<Self, CatalogError> {
        lines.sort_by(|a, b| a.freq_mhz.total_cmp(&b.freq_mhz));
        let species = name.to_owned();
        let tag = lines.first().map_or(0, |line| line.tag);
        if let Some(line) = lines.iter().find(|line| line.tag != tag) {
            return Err(CatalogError::MixedTags { species, first: tag, second: line.tag });
        }
        let q_source = q.source().to_owned();
        if let Some(q_tag) = q.tag().filter(|q_tag| *q_tag != tag) {
            return Err(CatalogError::TagMismatch { species, lines_tag: tag, q_tag, q_source });
        }
        let q_300 = match q.of_table(T_CATALOG_K) {
            Ok(value) => libm::exp(value.ln_q),
            Err(source) => return Err(CatalogError::NoReferenceQ { species, q_source, source }),
        };
        Ok(Self { name: species, tag, lines, q, q_300, source: source.to_owned() })
    }

    /// Name, as the user gave it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Tag of the catalogue entry.
    pub fn tag(&self) -> u32 {
        self.tag
    }

    /// Lines, ascending in frequency.
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// The partition function.
    pub fn q(&self) -> &PartitionFunction {
        &self.q
    }

    /// Q at the temperature of the catalogue's intensities.
    pub fn q_300(&self) -> f64 {
        self.q_300
    }

    /// Where the lines are from.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The lines that can be seen between two frequencies (MHz).
    pub fn lines_in(&self, low_mhz: f64, high_mhz: f64, velocity: VelocityRange) -> &[Line] {
        &self.lines[lines_seen(&self.lines, low_mhz, high_mhz, velocity)]
    }

    /// The same species with only the lines that can be seen in the windows `(low, high)` (MHz): what
    /// a plan needs to carry.
    pub fn for_windows(&self, windows_mhz: &[(f64, f64)], velocity: VelocityRange) -> Self {
        let mut seen = vec![false; self.lines.len()];
        for (low_mhz, high_mhz) in windows_mhz {
            seen[lines_seen(&self.lines, *low_mhz, *high_mhz, velocity)].fill(true);
        }
        let lines = self.lines.iter().zip(seen).filter(|(_, seen)| *seen).map(|(line, _)| line.clone());
        Self { lines: lines.collect(), ..self.clone() }
    }
}

#[cfg(test)]
mod tests;
