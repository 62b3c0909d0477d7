//! Reads the configuration and the catalogue, and checks them, before anything else is read.

use crate::catalog::Catalogue;
use crate::config::{Config, Settings, Source};
use crate::plan::{self, Plan};
use anyhow::Context as _;
use mirinae_common::outcome::Failure;
use mirinae_common::provenance::InputFile;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::{Path, PathBuf};

/// What is to be done.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Job {
    /// All galaxies are known.
    Ready(Box<Plan>),
    /// Folders have to be listed first.
    Scan(Box<Scan>),
}

/// Folders to be listed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Scan {
    /// The settings.
    pub settings: Settings,
    /// The configuration.
    pub inputs: Vec<InputFile>,
    /// Folders, and whether those below are to be listed with them.
    pub folders: Vec<(String, bool)>,
}

impl Job {
    /// The settings.
    pub fn settings(&self) -> &Settings {
        match self {
            Self::Ready(plan) => &plan.settings,
            Self::Scan(scan) => &scan.settings,
        }
    }
}

/// The folder from which the paths of files count: `input.root`, from the configuration's folder.
pub fn root(config: &Path, settings: &Settings) -> PathBuf {
    config.parent().unwrap_or(Path::new("")).join(&settings.root)
}

/// Reads configuration and catalogue.
///
/// # Errors
/// Exit 65, with the file and the place in it.
pub fn prepare(path: &Path) -> Result<Job, Failure> {
    let settings = Config::read(path).and_then(|c| c.resolve(path)).map_err(Failure::input)?;
    let name = |p: &Path| p.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let describe = |name: &str, path: &Path| {
        let input = InputFile::of(name, path).with_context(|| format!("cannot read {}", path.display()));
        input.map_err(Failure::input)
    };
    let mut inputs = vec![describe(&name(path), path)?];
    match settings.source.clone() {
        Source::Catalogue { file, .. } => {
            let place = path.parent().unwrap_or(Path::new("")).join(&file);
            inputs.push(describe(&file, &place)?);
            let catalogue = Catalogue::read(&place).map_err(Failure::input)?;
            let plan = plan::from_catalogue(settings, &catalogue, inputs).map_err(Failure::input)?;
            Ok(Job::Ready(Box::new(plan)))
        }
        Source::Scan(tops) => {
            let root = root(path, &settings);
            let mut folders = Vec::new();
            for top in tops {
                // The folders of the first level are the units of work; files beside them are found with the top.
                let listed = plan::list_folder(&root, &top, &settings, false);
                let (_, below) = listed
                    .with_context(|| format!("input.scan: cannot list {}", root.join(&top).display()))
                    .map_err(Failure::input)?;
                folders.push((top, false));
                folders.extend(below.into_iter().map(|folder| (folder, true)));
            }
            Ok(Job::Scan(Box::new(Scan { settings, inputs, folders })))
        }
    }
}

impl fmt::Display for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ready(plan) => plan.fmt(f),
            Self::Scan(scan) => {
                let s = &scan.settings;
                writeln!(f, "{} folders to be listed for {}", scan.folders.len(), s.path)?;
                write!(f, "bands {}, {} x {} pixels", s.bands.join(" "), s.size, s.size)
            }
        }
    }
}
