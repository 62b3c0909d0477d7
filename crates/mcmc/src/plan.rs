//! The resolved and checked fit: all that the ranks need, read once.

mod cube;
mod data;
mod fit;
mod lines;
mod noise;
mod nonlte;

use crate::catalog::{Library, Species, VelocityRange};
use crate::config::Config;
use crate::model::{ModelOptions, SimdPath};
use crate::nonlte::NonLteSpecies;
use crate::posterior::{Layout, LayoutError, Posterior, PosteriorError, QUANTITIES, WindowData};
use anyhow::Context;
pub use cube::{CubePlan, pixel_windows};
pub use fit::{FitPlan, Method};
use mirinae_common::outcome::Failure;
use mirinae_common::provenance::InputFile;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::{Path, PathBuf};

/// Abundances are mostly given relative to methanol.
const REFERENCE: &str = "CH3OH";

/// A fit, ready to run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// How to sample.
    pub fit: FitPlan,
    /// The free parameters.
    pub layout: Layout,
    /// Lines and partition functions, reduced to what the windows can show.
    pub species: Vec<Species>,
    /// How the levels of each species are populated; None: LTE.
    pub nonlte: Vec<Option<NonLteSpecies>>,
    /// The data.
    pub windows: Vec<WindowData>,
    /// Background, velocities and tolerance of the model.
    pub options: ModelOptions,
    /// The species that abundances are relative to.
    pub reference: Option<usize>,
    /// The cube, where every pixel is fitted; the rest of the plan is that of one pixel with data then.
    pub cube: Option<CubePlan>,
    /// Channels without data in the windows.
    pub flagged: u64,
    /// Channels that the configuration leaves out of the windows.
    pub masked: u64,
    /// The files that went in.
    pub inputs: Vec<InputFile>,
    /// What was assumed or found odd while reading.
    pub notes: Vec<String>,
    /// The configuration, with all defaults, as TOML.
    pub settings: String,
}

/// Reads a configuration and all that it names.
///
/// # Errors
/// Exit 65, with the file and the place in it.
pub fn prepare(path: &Path) -> Result<Plan, Failure> {
    prepare_for(path, SimdPath::detect())
}

/// The same for ranks that all have some vector instructions: results differ in their last bits between those.
///
/// # Errors
/// As [`prepare`].
pub fn prepare_for(path: &Path, simd: SimdPath) -> Result<Plan, Failure> {
    let config = Config::read(path).map_err(Failure::input)?;
    resolve(&config, path, simd).with_context(|| path.display().to_string()).map_err(Failure::input)
}

/// The data of a configuration, whatever species it has.
#[derive(Debug, Clone)]
pub struct Observed {
    /// The data.
    pub windows: Vec<WindowData>,
    /// The files that went in.
    pub inputs: Vec<InputFile>,
    /// What was assumed or found odd while reading.
    pub notes: Vec<String>,
}

/// Reads the spectra of a configuration alone; `path` is what names of files are relative to.
///
/// # Errors
/// As [`prepare`].
pub fn observe(config: &Config, path: &Path) -> Result<Observed, Failure> {
    let folder = path.parent().unwrap_or(Path::new("")).to_path_buf();
    let mut inputs = Inputs { folder, ..Inputs::default() };
    let read = data::Windows::read(config, &mut inputs);
    let windows = read.with_context(|| path.display().to_string()).map_err(Failure::input)?.data;
    if windows.is_empty() {
        return Err(Failure::input(anyhow::anyhow!("{}: no [[spectrum]]", path.display())));
    }
    Ok(Observed { windows, inputs: inputs.files, notes: inputs.notes })
}

/// Files that have been read, to be told in the products.
#[derive(Default)]
struct Inputs {
    folder: PathBuf,
    /// The files have been counted before.
    unhashed: bool,
    files: Vec<InputFile>,
    notes: Vec<String>,
    library: Option<Library>,
}

impl Inputs {
    /// The path of a file that the configuration names, counted among the inputs.
    fn take(&mut self, name: &Path) -> anyhow::Result<PathBuf> {
        let path = self.folder.join(name);
        let text = name.display().to_string();
        if !self.unhashed && !self.files.iter().any(|f| f.name == text) {
            let file =
                InputFile::of(&text, &path).with_context(|| format!("cannot read {}", path.display()))?;
            self.files.push(file);
        }
        Ok(path)
    }

    /// Counts a file of a line list among the inputs.
    fn add(&mut self, file: InputFile) {
        if !self.files.contains(&file) {
            self.files.push(file);
        }
    }

    /// The line lists at hand, looked for when the first species asks for them.
    fn library(&mut self) -> anyhow::Result<&Library> {
        if self.library.is_none() {
            self.library = Some(Library::standard()?);
        }
        Ok(self.library.get_or_insert_default())
    }
}

fn resolve(config: &Config, path: &Path, simd: SimdPath) -> anyhow::Result<Plan> {
    anyhow::ensure!(!config.spectrum.is_empty(), "no [[spectrum]]: there are no data to fit");
    anyhow::ensure!(!config.species.is_empty(), "no [[species]]: there is nothing to fit");
    let folder = path.parent().unwrap_or(Path::new("")).to_path_buf();
    let cube = config.cube.as_ref().map(|cube| CubePlan::new(config, cube, &folder)).transpose()?;
    let of_template = cube.as_ref().map(|cube| cube::of_pixel(config, cube.template));
    let (given, config) = (config, of_template.as_ref().unwrap_or(config));
    let mut inputs = Inputs { folder, ..Inputs::default() };
    let mut layout = Layout::of(config)?;
    let read = data::Windows::read(config, &mut inputs)?;
    layout.add_windows(&read.parameters(config)?)?;
    let fit = FitPlan::new(&config.fit, layout.parameters.len())?;
    let options = ModelOptions {
        t_bg_k: config.model.t_bg.0,
        velocity: velocities(&layout),
        channels: config.model.channels,
        simd,
        ..ModelOptions::for_velocities(-1.0, 1.0, 1.0)
    };
    let windows = read.data;
    let (species, nonlte) = lines::read_all(config, &layout, &options, &windows, &mut inputs)?;
    let unused = windows.iter().flat_map(|w| &w.sigma_k).filter(|s| s.is_infinite()).count() as u64;
    let settings = toml::to_string(&Config { fit: fit.filled(&config.fit), ..given.clone() })?;
    let plan = Plan {
        fit,
        layout,
        species,
        nonlte,
        windows,
        options,
        reference: reference(config)?,
        cube,
        flagged: unused - read.masked,
        masked: read.masked,
        inputs: inputs.files,
        notes: inputs.notes,
        settings,
    };
    plan.posterior()?;
    Ok(plan)
}

/// The species that abundances are relative to: the one that is asked for, else methanol where it is.
fn reference(config: &Config) -> anyhow::Result<Option<usize>> {
    let asked = config.report.reference.as_deref();
    let found = config.species.iter().position(|s| s.name == asked.unwrap_or(REFERENCE));
    let known = || config.species.iter().map(|s| s.name.as_str()).collect::<Vec<_>>().join(", ");
    if let (Some(name), None) = (asked, found) {
        anyhow::bail!(
            "[report]: no species is called {name}, which abundances are to be relative to; known: {}",
            known()
        );
    }
    Ok(found)
}

/// Every velocity that a prior allows, wings included.
fn velocities(layout: &Layout) -> VelocityRange {
    let quantity = |name: &str| QUANTITIES.iter().position(|q| q.0 == name).expect("a known quantity");
    let ranges = |name| (0..layout.bindings.len()).map(move |s| layout.range(s, quantity(name)));
    let low = ranges("v_kms").map(|r| r.0).fold(f64::INFINITY, f64::min);
    let high = ranges("v_kms").map(|r| r.1).fold(f64::NEG_INFINITY, f64::max);
    let widest = ranges("fwhm_kms").map(|r| r.1).fold(0.0, f64::max);
    // Lorentzian wings at 150 widths are 1e-5 of their peak.
    let wings = 150.0 * ranges("lorentz_kms").map(|r| r.1).fold(0.0, f64::max);
    VelocityRange::of_centroids(low - wings, high + wings, widest)
}

impl Plan {
    /// The log density of this fit.
    ///
    /// # Errors
    /// What the model says of its species and windows.
    pub fn posterior(&self) -> Result<Posterior, PosteriorError> {
        self.posterior_of(&self.windows)
    }

    /// The same with other data in windows of the same channels.
    ///
    /// # Errors
    /// As [`posterior`](Self::posterior).
    pub fn posterior_of(&self, windows: &[WindowData]) -> Result<Posterior, PosteriorError> {
        let excitations = self.nonlte.iter().map(|s| s.as_ref().map(NonLteSpecies::plan)).collect();
        Posterior::with_excitations(self.layout.clone(), &self.species, windows, self.options, excitations)
    }

    /// Names of the free parameters.
    pub fn names(&self) -> Vec<String> {
        self.layout.parameters.iter().map(|p| p.name.clone()).collect()
    }

    /// Gives parameters values that are not fitted: "CH3OH.logn=18.3".
    ///
    /// # Errors
    /// Where a name is not known, a value is not a number, or a free parameter is left without a value.
    pub fn values_from(&self, settings: &[String]) -> Result<Vec<f64>, LayoutError> {
        let names: Vec<&str> = self.species.iter().map(Species::name).collect();
        self.layout.values_from(&names, settings)
    }
}

impl Plan {
    /// The groups that are more than a species alone.
    fn describe_groups(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for group in &self.layout.structure.groups {
            if group.layer == 0 && group.members.len() == 1 && group.dust.is_none() {
                continue;
            }
            let names: Vec<&str> = group.members.iter().map(|member| self.species[*member].name()).collect();
            let dust = if group.dust.is_some() { ", with dust" } else { "" };
            writeln!(f, "  group {}, layer {}: {}{dust}", group.name, group.layer, names.join(" + "))?;
        }
        Ok(())
    }
}

impl fmt::Display for Plan {
    /// What would be done, for `--dry-run`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let channels: usize = self.windows.iter().map(|w| w.t_k.len()).sum();
        writeln!(
            f,
            "{} windows, {channels} channels, {} of them flagged, {} masked:",
            self.windows.len(),
            self.flagged,
            self.masked
        )?;
        for data in &self.windows {
            let (freq, n) = (&data.window.freq_mhz, data.window.freq_mhz.len());
            let best = data.sigma_k.iter().copied().fold(f64::INFINITY, f64::min);
            writeln!(
                f,
                "  {}: {:.3}-{:.3} MHz, {n} channels{}, noise {best:.4} K{}, beam {}",
                data.window.name,
                freq[0],
                freq[n - 1],
                data.window.response.describe(),
                data.noise.describe(),
                data.window.beam
            )?;
        }
        writeln!(f, "{} species:", self.species.len())?;
        for species in &self.species {
            let (name, lines, tag) = (species.name(), species.lines().len(), species.tag());
            writeln!(f, "  {name}: {lines} lines in range, entry {tag}, {}", species.source())?;
        }
        self.describe_groups(f)?;
        writeln!(f, "{} free parameters:", self.layout.parameters.len())?;
        for parameter in &self.layout.parameters {
            writeln!(f, "  {} [{}]: {}", parameter.name, parameter.unit, parameter.prior)?;
        }
        for note in &self.notes {
            writeln!(f, "note: {note}")?;
        }
        match &self.cube {
            None => write!(f, "{}", self.fit),
            Some(cube) => write!(f, "{cube}, seed {}", self.fit.seed),
        }
    }
}
