//! The fit.toml file, as the user writes it.

mod cube;
mod report;
mod species;
mod spectrum;
mod structure;

pub use cube::CubeConfig;
pub use report::ReportConfig;
pub use species::{ParameterConfig, RadiationConfig, SpeciesConfig};
pub use spectrum::{CorrelationConfig, CorrelationSource, LikelihoodKind, SpectrumConfig};
pub use structure::{ContinuumConfig, DustConfig, GroupConfig};

use crate::catalog::Duplicates;
use crate::model::ChannelMode;
use mirinae_common::units::{Hertz, Kelvin};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// A configuration that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// It cannot be read.
    #[error("cannot read {path}", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// It is not TOML, a key is unknown, or a value is of the wrong kind; with the line.
    #[error("{path}: {message}{hint}", path = path.display())]
    Toml {
        /// The file.
        path: PathBuf,
        /// Where and what.
        message: String,
        /// The nearest known key.
        hint: String,
    },
}

/// The whole file.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// How to sample.
    #[serde(default)]
    pub fit: FitConfig,
    /// What all spectra and species share.
    #[serde(default)]
    pub model: ModelConfig,
    /// What the products say.
    #[serde(default)]
    pub report: ReportConfig,
    /// Every pixel of a cube is fitted.
    pub cube: Option<CubeConfig>,
    /// The data.
    #[serde(default)]
    pub spectrum: Vec<SpectrumConfig>,
    /// What to look for.
    #[serde(default)]
    pub species: Vec<SpeciesConfig>,
    /// Species that share a sight line.
    #[serde(default)]
    pub group: Vec<GroupConfig>,
    /// Dust of the only core.
    pub dust: Option<DustConfig>,
    /// Continuum behind the cores.
    pub continuum: Option<ContinuumConfig>,
}

/// `[fit]`: how to sample. What is not given, the program chooses.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FitConfig {
    /// Seed of all random numbers.
    pub seed: u64,
    /// Which sampler.
    pub sampler: SamplerKind,
    /// Generations that the ensemble's search for a start may take at most; 0: walkers start all over the prior.
    pub search: Option<u64>,
    /// Steps or draws in one part of the chain on disk: what a killed run loses at most.
    pub part: u64,
    /// Gradient samplers: chains (tempering: groups of one chain a temperature). Twice as many as ranks or more keep all of them busy.
    pub chains: Option<usize>,
    /// Gradient samplers: draws of each chain after the warm-up, at most.
    pub draws: Option<u64>,
    /// Gradient samplers: effective samples (the smallest in the bulk over the parameters) that are enough.
    pub ess: Option<f64>,
    /// Gradient samplers: mean acceptance probability that the warm-up aims for.
    pub acceptance: Option<f64>,
    /// Gradient samplers: rounds of the warm-up, at most.
    pub warm_up: Option<usize>,
    /// Ensemble: walkers.
    pub walkers: Option<usize>,
    /// Ensemble: steps.
    pub steps: Option<u64>,
    /// Ensemble: steps at the start that the results leave out.
    pub burn: Option<u64>,
    /// Ensemble: moves and how often each is taken.
    pub moves: Option<Vec<MoveConfig>>,
}

impl Default for FitConfig {
    fn default() -> Self {
        Self {
            seed: 1,
            sampler: SamplerKind::Auto,
            search: None,
            part: 200,
            chains: None,
            draws: None,
            ess: None,
            acceptance: None,
            warm_up: None,
            walkers: None,
            steps: None,
            burn: None,
            moves: None,
        }
    }
}

/// The samplers there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SamplerKind {
    /// The program chooses, and says why.
    Auto,
    /// Walkers that need no gradient.
    Ensemble,
    /// The no-U-turn sampler.
    Nuts,
    /// Hamiltonian trajectories of a random length.
    Hmc,
    /// Chains at many temperatures, for posteriors with several peaks; gives the evidence.
    Tempering,
}

/// One move of a mixture.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MoveConfig {
    /// Which.
    pub kind: MoveKind,
    /// How often, relative to the others.
    pub weight: f64,
}

/// The moves there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MoveKind {
    /// Goodman & Weare's stretch move.
    Stretch,
    /// ter Braak's differential evolution.
    De,
    /// The same with a factor of one: jumps between separate modes.
    DeJump,
    /// ter Braak & Vrugt's snooker move.
    Snooker,
}

/// `[model]`: what all spectra and species share.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ModelConfig {
    /// Temperature of the background radiation.
    pub t_bg: Kelvin,
    /// How Q(T) is interpolated between the nodes of its table.
    pub q_interpolation: QInterpolation,
    /// Whether Q may be taken beyond the ends of its table.
    pub q_extrapolate: bool,
    /// Whether Q that counts the vibrational ground state alone is multiplied by that of the species' vibrations.
    pub q_vibration: bool,
    /// What is used of lines that an entry lists unsplit and as hyperfine components.
    pub duplicates: Duplicates,
    /// What the model's value in a channel is.
    pub channels: ChannelMode,
    /// Frequency ranges to leave out of all spectra.
    pub mask: Vec<[Hertz; 2]>,
    /// Whether the continuum has been taken off the data.
    pub continuum_subtracted: bool,
}

impl Default for ModelConfig {
    fn default() -> Self {
        // Fixsen 2009, ApJ 707, 916.
        Self {
            t_bg: Kelvin(2.7255),
            q_interpolation: QInterpolation::Smooth,
            q_extrapolate: false,
            q_vibration: false,
            duplicates: Duplicates::Components,
            channels: ChannelMode::Average,
            mask: Vec::new(),
            continuum_subtracted: true,
        }
    }
}

/// How Q(T) is interpolated in log Q over log T.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum QInterpolation {
    /// A monotone cubic: its derivative is continuous.
    Smooth,
    /// Straight pieces, as most programs do: for comparisons.
    Loglog,
}

impl Config {
    /// Reads a configuration.
    ///
    /// # Errors
    /// [`ConfigError`], with file, line and the nearest known key.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| ConfigError::Read { path: path.to_path_buf(), source })?;
        Self::parse(path, &text)
    }

    /// Reads the text of a configuration; `path` is for messages.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn parse(path: &Path, text: &str) -> Result<Self, ConfigError> {
        toml::from_str(text).map_err(|e| ConfigError::Toml {
            path: path.to_path_buf(),
            hint: nearest_key(e.message()),
            message: e.to_string().trim_end().to_string(),
        })
    }
}

/// "did you mean ...": serde's message names the unknown key and the known ones in back quotes.
fn nearest_key(message: &str) -> String {
    if !message.starts_with("unknown field") && !message.starts_with("unknown variant") {
        return String::new();
    }
    let mut words = message.split('`').skip(1).step_by(2);
    let Some(unknown) = words.next() else { return String::new() };
    words
        .map(|known| (strsim::damerau_levenshtein(unknown, known), known))
        .min()
        .map(|(_, known)| format!("\ndid you mean `{known}`?"))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Config, ConfigError> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("fit.toml");
        std::fs::write(&path, text).unwrap();
        Config::read(&path)
    }

    #[test]
    fn an_empty_file_has_the_defaults() {
        let config = read("").unwrap();
        assert_eq!((config.fit.part, config.fit.steps), (200, None));
        assert!(config.species.is_empty());
    }

    #[test]
    fn an_unknown_key_is_told_with_its_line_and_the_nearest() {
        let error = read("[fit]\nseed = 1\nwalker = 3\n").unwrap_err().to_string();
        assert!(error.contains("line 3") && error.contains("did you mean `walkers`?"), "{error}");
    }

    #[test]
    fn a_wrong_unit_is_told() {
        let error = read("[model]\nt_bg = \"3 GHz\"\n").unwrap_err().to_string();
        assert!(error.contains("temperature") && error.contains("line 2"), "{error}");
    }
}
