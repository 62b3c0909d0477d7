//! What the user wishes of the searches: options of the command line, or tables of a TOML file by the same names.

use super::bursts::BurstSettings;
use super::narrow::NarrowSettings;
use super::{SearchError, SearchOptions, SearchPlan, Sefds, prepare, read_known};
use crate::writer::VisFile;
use clap::{Args, FromArgMatches};
use mirinae_common::outcome::Failure;
use mirinae_simd::SimdPath;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// The defaults of options.
fn defaults<A: Args + FromArgMatches>() -> A {
    let none = A::augment_args(clap::Command::new("defaults")).no_binary_name(true).get_matches_from([""; 0]);
    // Every option has a default or is optional: a test makes all of them.
    A::from_arg_matches(&none).unwrap_or_else(|error| error.exit())
}

/// Checks a number.
pub(crate) fn positive(name: &str, value: f64) -> Result<f64, Failure> {
    let wrong = || Failure::usage(anyhow::anyhow!("--{name} {value}: a positive number is needed"));
    if value > 0.0 && value.is_finite() { Ok(value) } else { Err(wrong()) }
}

fn arcsec_to_rad(name: &str, field: Option<f64>) -> Result<Option<f64>, Failure> {
    field.map(|field| Ok((positive(name, field)? / 3600.0).to_radians())).transpose()
}

/// Natural logarithm of the probability that a threshold in standard deviations means.
pub(crate) fn ln_threshold(threshold: f64) -> Result<f64, Failure> {
    Ok(-0.5 * positive("threshold", threshold)?.powi(2))
}

/// Checks the largest drift.
pub(crate) fn drift(hz_per_s: f64) -> Result<f64, Failure> {
    if hz_per_s >= 0.0 && hz_per_s.is_finite() {
        return Ok(hz_per_s);
    }
    Err(Failure::usage(anyhow::anyhow!("--drift-hz-per-s {hz_per_s}: 0 or more is needed")))
}

/// A search for compact sources.
#[derive(Debug, Clone, PartialEq, Args, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CompactWishes {
    /// Half the width of the field around each phase centre [default: as far as channels and integrations allow]
    #[arg(long, value_name = "ARCSEC")]
    pub field: Option<f64>,
    /// Standard deviations of one amplitude that noise exceeds as rarely as it may at one place
    #[arg(long, value_name = "SIGMA", default_value_t = 6.44)]
    pub threshold: f64,
    /// Time within which phases are stable
    #[arg(long, value_name = "SECONDS", default_value_t = 60.0)]
    pub coherence: f64,
    /// Add polarisations with their phases, which must be calibrated [default: add their powers]
    #[arg(long)]
    pub coherent_polarisations: bool,
    /// Mark sources of a list: CSV with the columns name, ra_deg, dec_deg (J2000)
    #[arg(long, value_name = "CSV")]
    pub known: Option<PathBuf>,
    /// System equivalent flux densities, for flux densities of candidates: as KVNYS=1200,KVNUS=1500
    #[arg(long, value_name = "STATION=JY", value_delimiter = ',')]
    pub sefd: Vec<String>,
    /// The same from system temperatures and gains (TSYS, DPFU) of stations; unless given, the job's own files are looked for
    #[arg(long, value_name = "FILE")]
    pub antab: Vec<PathBuf>,
    /// Memory for the visibilities of a phase centre and their transform on a rank
    #[arg(long, value_name = "MIB", default_value_t = 1024)]
    pub memory_mib: usize,
}

impl Default for CompactWishes {
    fn default() -> Self {
        defaults()
    }
}

impl CompactWishes {
    /// How to search.
    ///
    /// # Errors
    /// Exit 64 where a number makes no sense.
    pub fn options(&self) -> Result<SearchOptions, Failure> {
        Ok(SearchOptions {
            threshold: libm::exp(ln_threshold(self.threshold)?),
            half_width_rad: arcsec_to_rad("field", self.field)?,
            coherence_s: positive("coherence", self.coherence)?,
            coherent_polarisations: self.coherent_polarisations,
        })
    }

    /// Plans the search of a file of visibilities.
    ///
    /// # Errors
    /// Exit 64 where a wish makes no sense, 65 where a file cannot be used.
    pub fn plan(&self, visibilities: &Path, simd: SimdPath) -> Result<SearchPlan, Failure> {
        let known = self.known.as_deref().map(read_known).transpose();
        let known = known.map_err(|error: SearchError| Failure::input(error))?.unwrap_or_default();
        let sefds = |file: &VisFile| {
            let mut sefds = Sefds::default();
            sefds.add_words(&self.sefd, file.meta()).map_err(|e| Failure::usage(anyhow::anyhow!(e)))?;
            for antab in &self.antab {
                sefds.add_antab(antab, file.meta()).map_err(|e| Failure::input(anyhow::anyhow!(e)))?;
            }
            if self.antab.is_empty() {
                sefds.add_job_antabs(&file.provenance().unwrap_or_default(), visibilities, file.meta());
            }
            Ok(sefds)
        };
        let memory_bytes = self.memory_mib.saturating_mul(1 << 20);
        prepare(visibilities, self.options()?, known, sefds, memory_bytes, simd)
    }
}

/// A search for narrow-band signals.
#[derive(Debug, Clone, Copy, PartialEq, Args, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NarrowWishes {
    /// Width of a channel: the nearest that the bands can be cut into
    #[arg(long, value_name = "HZ", default_value_t = 4.0)]
    pub channel_hz: f64,
    /// Largest drift up or down, at the geocentre
    #[arg(long, value_name = "RATE", default_value_t = 10.0)]
    pub drift_hz_per_s: f64,
    /// Length of the stretches over which powers are added along drifting lines; the nearest power of two of spectra: longer ones see weaker signals, and
    /// cost more
    #[arg(long, value_name = "SECONDS", default_value_t = 8.0)]
    pub stretch: f64,
    /// Standard deviations of one amplitude that noise exceeds as rarely as it may on one line
    #[arg(long, value_name = "SIGMA", default_value_t = 6.44)]
    pub threshold: f64,
    /// Half the width of the field around the pointing [default: the primary beam and all phase centres]
    #[arg(long, value_name = "ARCSEC")]
    pub field: Option<f64>,
    /// Memory for the spectra of a rank: with more, bands are cut into fewer parts, and a search costs less
    #[arg(long, value_name = "MIB", default_value_t = 1024)]
    pub memory_mib: usize,
    /// Write the powers of all stations as filterbank files, for blimpy and turbo_seti
    #[arg(long)]
    pub filterbank: bool,
}

impl Default for NarrowWishes {
    fn default() -> Self {
        defaults()
    }
}

impl NarrowWishes {
    /// How to search.
    ///
    /// # Errors
    /// Exit 64 where a number makes no sense.
    pub fn settings(&self) -> Result<NarrowSettings, Failure> {
        Ok(NarrowSettings {
            channel_hz: positive("channel-hz", self.channel_hz)?,
            stretch_s: positive("stretch", self.stretch)?,
            drift_hz_per_s: drift(self.drift_hz_per_s)?,
            ln_threshold: ln_threshold(self.threshold)?,
            half_field_rad: arcsec_to_rad("field", self.field)?,
            memory_bytes: self.memory_mib.saturating_mul(1 << 20),
            filterbank: self.filterbank,
        })
    }
}

/// A search for bursts.
#[derive(Debug, Clone, Copy, PartialEq, Args, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BurstWishes {
    /// Length of a dump: boxcars have 1 to 64 of them
    #[arg(long, value_name = "MS", default_value_t = 1.0)]
    pub dump_ms: f64,
    /// Lowest dispersion measure
    #[arg(long, value_name = "PC_CM3", default_value_t = 0.0)]
    pub dm_min: f64,
    /// Highest dispersion measure
    #[arg(long, value_name = "PC_CM3", default_value_t = 1000.0)]
    pub dm_max: f64,
    /// Channels of a band, a power of two [default: as many as dispersion and field need]
    #[arg(long, value_name = "N")]
    pub channels: Option<usize>,
    /// Standard deviations of one amplitude that noise exceeds as rarely as it may in one trial
    #[arg(long, value_name = "SIGMA", default_value_t = 6.44)]
    pub threshold: f64,
    /// Half the width of the field around the pointing [default: the primary beam and all phase centres]
    #[arg(long, value_name = "ARCSEC")]
    pub field: Option<f64>,
    /// Memory for the powers of a rank
    #[arg(long, value_name = "MIB", default_value_t = 512)]
    pub memory_mib: usize,
    /// Keep the recordings of all stations around what passes, as VDIF
    #[arg(long)]
    pub snippets: bool,
}

impl Default for BurstWishes {
    fn default() -> Self {
        defaults()
    }
}

impl BurstWishes {
    /// How to search.
    ///
    /// # Errors
    /// Exit 64 where a number makes no sense.
    pub fn settings(&self) -> Result<BurstSettings, Failure> {
        let (low, high) = (self.dm_min, self.dm_max);
        if !(0.0 <= low && low <= high && high.is_finite()) {
            let what = format!("--dm-min {low} --dm-max {high}: 0 or more is needed, the lower one first");
            return Err(Failure::usage(anyhow::anyhow!(what)));
        }
        Ok(BurstSettings {
            dump_s: 1e-3 * positive("dump-ms", self.dump_ms)?,
            channels: self.channels,
            dm_min: low,
            dm_max: high,
            ln_threshold: ln_threshold(self.threshold)?,
            half_field_rad: arcsec_to_rad("field", self.field)?,
            memory_bytes: self.memory_mib.saturating_mul(1 << 20),
            snippets: self.snippets,
        })
    }
}

/// Searches that are made in the pass of a correlation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SearchWishes {
    /// Memory of a rank for recordings, so that they are read once, MiB.
    pub hold_mib: usize,
    /// For compact sources, in the visibilities.
    pub compact: Option<CompactWishes>,
    /// For narrow-band signals.
    pub narrow: Option<NarrowWishes>,
    /// For bursts.
    pub bursts: Option<BurstWishes>,
}

impl Default for SearchWishes {
    fn default() -> Self {
        Self { hold_mib: 4096, compact: None, narrow: None, bursts: None }
    }
}

impl SearchWishes {
    /// Of the command line: names of searches, with commas between them, or a TOML file.
    ///
    /// # Errors
    /// Exit 64 where there is no such search, 65 where the file cannot be used.
    pub fn of(words: &str) -> Result<Self, Failure> {
        if words.ends_with(".toml") {
            return Self::read(Path::new(words));
        }
        let mut wishes = Self::default();
        for name in words.split(',') {
            match name.trim() {
                "compact" => wishes.compact = Some(CompactWishes::default()),
                "narrow" => wishes.narrow = Some(NarrowWishes::default()),
                "bursts" => wishes.bursts = Some(BurstWishes::default()),
                other => {
                    return Err(Failure::usage(anyhow::anyhow!(
                        "--search {other}: not compact, narrow or bursts, with commas between them, nor a file NAME.toml"
                    )));
                }
            }
        }
        Ok(wishes)
    }

    /// Of a TOML file; names of files count from its folder.
    fn read(path: &Path) -> Result<Self, Failure> {
        let failed = |error: anyhow::Error| Failure::input(error.context(path.display().to_string()));
        let text = std::fs::read_to_string(path).map_err(|e| failed(e.into()))?;
        let mut wishes: Self = toml::from_str(&text).map_err(|e| failed(e.into()))?;
        if (&wishes.compact, &wishes.narrow, &wishes.bursts) == (&None, &None, &None) {
            return Err(failed(anyhow::anyhow!(
                "no search: a table [compact], [narrow] or [bursts] is needed"
            )));
        }
        let folder = path.parent().unwrap_or(Path::new(""));
        if let Some(compact) = &mut wishes.compact {
            compact.known.iter_mut().chain(&mut compact.antab).for_each(|file| *file = folder.join(&*file));
        }
        Ok(wishes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn searches_are_named_or_described_in_a_file() {
        let some = SearchWishes::of("narrow, bursts").unwrap();
        assert_eq!((some.compact, some.bursts), (None, Some(BurstWishes::default())));
        assert!((some.narrow.unwrap().channel_hz - 4.0).abs() < 1e-12);
        assert_eq!(SearchWishes::of("narrow,burst").unwrap_err().exit as u8, 64);

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("search.toml");
        let of = |text: &str| {
            std::fs::write(&path, text).unwrap();
            SearchWishes::of(path.to_str().unwrap())
        };
        let all = of(
            "hold_mib = 7\n[compact]\nknown = \"k.csv\"\nsefd = [\"KVNYS=1200\"]\n[narrow]\nstretch = 8\n",
        )
        .unwrap();
        let compact = all.compact.unwrap();
        assert_eq!((all.hold_mib, compact.memory_mib), (7, 1024));
        assert_eq!(compact.known, Some(folder.path().join("k.csv")));
        assert_eq!(all.narrow, Some(NarrowWishes { stretch: 8.0, ..NarrowWishes::default() }));
        for (wrong, told) in [
            ("", "no search"),
            ("[narrow]\nwidth = 3\n", "unknown field `width`"),
            ("[narrow]\nstretch = \"long\"\n", "line 2"),
        ] {
            let error = of(wrong).unwrap_err();
            assert!(error.exit as u8 == 65 && error.to_string().contains(told), "{error}");
        }
    }

    #[test]
    fn numbers_that_make_no_sense_are_told() {
        let narrow = NarrowWishes::default();
        narrow.settings().unwrap();
        assert!(NarrowWishes { channel_hz: 0.0, ..narrow }.settings().is_err());
        assert!(NarrowWishes { drift_hz_per_s: f64::NAN, ..narrow }.settings().is_err());
        let bursts = BurstWishes::default();
        bursts.settings().unwrap();
        assert!(BurstWishes { dm_min: 2000.0, ..bursts }.settings().is_err());
        CompactWishes::default().options().unwrap();
        assert!(CompactWishes { threshold: -1.0, ..CompactWishes::default() }.options().is_err());
    }
}
