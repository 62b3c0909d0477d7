//! Phase centres of a `job.toml` that have a resolution of their own.

use super::JobFile;
use crate::job::{Source, View};
use serde::{Deserialize, Serialize};

/// Phase centres with a resolution of their own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResolutionEntry {
    /// Goes into the names of its products: `job.NAME.h5`.
    pub name: String,
    /// Sources; `J1234*` stands for all whose names begin so.
    pub centres: Vec<String>,
    /// How many spectral channels are averaged into one; default: as the others.
    pub average: Option<usize>,
    /// Accumulation time, a multiple of that of the others; default: theirs.
    pub integration_s: Option<f64>,
}

/// Whether a name is meant: itself, or by its beginning.
fn is_meant(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(beginning) => name.starts_with(beginning),
        None => name == pattern,
    }
}

impl JobFile {
    /// The resolutions of phase centres, checked; `average` and `integration_s` are those of all others.
    pub(super) fn views(
        &self,
        sources: &[Source],
        (channels, average, integration_s): (usize, usize, f64),
    ) -> Result<Vec<View>, String> {
        let mut views: Vec<View> = Vec::new();
        for entry in &self.resolutions {
            let wrong = |what: String| format!("resolution {}: {what}", entry.name);
            let fit = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
            if entry.name.is_empty() || !entry.name.chars().all(fit) {
                return Err(wrong("a name has letters, digits, - and _ alone".to_owned()));
            }
            if views.iter().any(|view| view.name == entry.name) {
                return Err(wrong("there are two of this name".to_owned()));
            }
            let average = entry.average.unwrap_or(average);
            if average == 0 || !channels.is_multiple_of(average) {
                return Err(wrong(format!("average ({average}) must divide channels ({channels})")));
            }
            let ratio = entry.integration_s.unwrap_or(integration_s) / integration_s;
            if !(ratio > 0.5 && (ratio - ratio.round()).abs() < 1e-6 && ratio < 1e6) {
                return Err(wrong(format!("integration_s must be a multiple of {integration_s} s")));
            }
            let centres = self.sources_meant(sources, &entry.centres).map_err(wrong)?;
            if let Some(twice) = centres.iter().find(|c| views.iter().any(|view| view.centres.contains(c))) {
                return Err(wrong(format!("{} has another resolution already", sources[*twice].name)));
            }
            views.push(View {
                name: entry.name.clone(),
                centres,
                average,
                integrations: ratio.round() as u64,
            });
        }
        // A unit of work holds whole integrations of all.
        let longest = views.iter().map(|view| view.integrations).max().unwrap_or(1);
        match views.iter().find(|view| !longest.is_multiple_of(view.integrations)) {
            Some(view) => Err(format!(
                "resolution {}: its integration_s must divide the longest one, {} s",
                view.name,
                integration_s * longest as f64
            )),
            None => Ok(views),
        }
    }

    fn sources_meant(&self, sources: &[Source], patterns: &[String]) -> Result<Vec<usize>, String> {
        let is_centre = |name: &str| {
            let of = |s: &super::ScanEntry| match s.centres.as_slice() {
                [] => s.source == name,
                centres => centres.iter().any(|c| c == name),
            };
            self.scans.iter().any(of)
        };
        let mut meant = Vec::new();
        for pattern in patterns {
            let named = |i: &usize| is_meant(pattern, &sources[*i].name) && is_centre(&sources[*i].name);
            let found: Vec<usize> = (0..sources.len()).filter(named).collect();
            if found.is_empty() {
                return Err(format!("{pattern} is no phase centre of any scan"));
            }
            meant.extend(found);
        }
        meant.sort_unstable();
        meant.dedup();
        if meant.is_empty() { Err("it names no phase centres".to_owned()) } else { Ok(meant) }
    }
}
