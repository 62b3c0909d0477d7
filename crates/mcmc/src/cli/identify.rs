//! `alma-fit identify`: which species of the line lists are in a spectrum, and what each of its peaks is.

mod products;

use super::table::print;
use crate::catalog::{Duplicates, Interpolation, Library, PartitionFunction, Species, without_duplicates};
use crate::config::Config;
use crate::identify::{
    Assignment, Candidate, Data, Found, Peak, Settings, Side, assign, continuum_k, find_peaks, find_velocity,
    search, turned, typical_fwhm_kms,
};
use crate::plan::{self, Observed};
use anyhow::{Context as _, anyhow, ensure};
use mirinae_common::outcome::Failure;
use mirinae_common::units::KmPerS;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// What the user asks for.
#[derive(Debug, clap::Args)]
pub(super) struct IdentifyArgs {
    /// A configuration with [[spectrum]] (species are not needed), or a spectrum as FITS or text in MHz and K
    file: PathBuf,
    /// Velocities at which the source is looked for, as "-10km/s..10km/s" [default: those of the configuration's species,
    /// else -30km/s..30km/s]
    #[arg(long, value_name = "LOW..HIGH", allow_hyphen_values = true)]
    velocity: Option<Velocities>,
    /// Width of the lines, as 3km/s [default: the median of the peaks']
    #[arg(long, value_name = "WIDTH")]
    fwhm: Option<KmPerS>,
    /// Signal to noise of a peak
    #[arg(long, value_name = "SIGMA", default_value_t = 5.0)]
    sigma: f64,
    /// Part of a species' expected lines that must be there
    #[arg(long, value_name = "PART", default_value_t = 0.7)]
    found: f64,
    /// Look at the residual in the best_fit.csv of this folder (of alma-fit run or first-look), not at the data
    #[arg(long, value_name = "FOLDER")]
    residual: Option<PathBuf>,
    /// The data have their continuum: its level is taken off each window first [default: as continuum_subtracted of the
    /// configuration says]
    #[arg(long)]
    continuum: bool,
    /// Only these species of the line lists; once for each
    #[arg(long, value_name = "NAME")]
    species: Vec<String>,
    /// Folder of the products [default: the file's name with .identify]
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
}

/// A range of velocities (km/s).
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Velocities(f64, f64);

impl FromStr for Velocities {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let (low, high) =
            text.split_once("..").ok_or("two velocities are needed, as in -10km/s..10km/s".to_owned())?;
        let kms = |text: &str| text.parse::<KmPerS>().map(|v| v.0).map_err(|e| e.to_string());
        let (low, high) = (kms(low)?, kms(high)?);
        if low < high { Ok(Self(low, high)) } else { Err("the range is empty".into()) }
    }
}

/// Most species that are taken.
const MOST_SPECIES: usize = 60;
/// Velocities at which a source is looked for where nothing is known (km/s).
const ANY_VELOCITY: (f64, f64) = (-30.0, 30.0);
/// Lines narrower than this many channels cannot be told.
const NARROWEST_CHANNELS: f64 = 1.2;

/// All that was found.
struct Report {
    candidates: Vec<Candidate>,
    /// Emission, absorption, or both.
    sides: Vec<Identified>,
    lists: usize,
}

/// What was found in emission, or in absorption.
struct Identified {
    side: Side,
    found: Vec<Found>,
    peaks: Vec<Assignment>,
    v_kms: f64,
    fwhm_kms: f64,
}

/// Identifies, writes the products and prints the tables.
pub(super) fn run(args: &IdentifyArgs) -> Result<(), Failure> {
    let config = configuration(&args.file).map_err(Failure::input)?;
    let mut observed = plan::observe(&config, &args.file)?;
    if let Some(folder) = &args.residual {
        take_residual(&mut observed, folder).map_err(Failure::input)?;
    } else if args.continuum || !config.model.continuum_subtracted {
        take_continuum(&mut observed);
    }
    let library = Library::standard().map_err(Failure::input)?;
    let species = read_library(&library, &args.species, &mut observed.notes).map_err(Failure::input)?;
    let report = identify(&observed, &species, args, known_velocities(&config)).map_err(Failure::input)?;
    let out = args.out.clone().unwrap_or_else(|| args.file.with_extension("identify"));
    let text = products::write(&observed, &report, &config, &out).map_err(Failure::run)?;
    print(&format!("{text}products in {}", out.display()))
}

/// The configuration that is given, or one for the spectrum that is.
fn configuration(path: &Path) -> anyhow::Result<Config> {
    if path.extension().is_some_and(|e| e == "toml") {
        return Ok(Config::read(path)?);
    }
    // A beam is needed to read a spectrum; a text file in K does not depend on it.
    let name = path.file_name().context("not a file")?.to_string_lossy().into_owned();
    let is_fits = std::fs::read(path)
        .with_context(|| format!("cannot read {}", path.display()))?
        .starts_with(b"SIMPLE");
    let beam = if is_fits { String::new() } else { "beam = [\"1 arcsec\", \"1 arcsec\"]".to_owned() };
    let text = format!("[[spectrum]]\nfile = {}\n{beam}\n", toml::Value::String(name));
    Ok(toml::from_str(&text)?)
}

/// The velocities that the priors of a configuration's species allow.
fn known_velocities(config: &Config) -> Option<(f64, f64)> {
    let layout = crate::posterior::Layout::new(&config.species).ok()?;
    let index = crate::posterior::QUANTITIES.iter().position(|q| q.0 == "v_kms")?;
    let ranges = (0..config.species.len()).map(|s| layout.range(s, index));
    ranges.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
}

/// Puts a fit's residual in the data's place.
fn take_residual(observed: &mut Observed, folder: &Path) -> anyhow::Result<()> {
    let path = folder.join("best_fit.csv");
    let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut rows = text.lines();
    let header: Vec<&str> = rows.next().unwrap_or_default().split(',').collect();
    let column = header
        .iter()
        .position(|name| *name == "residual_k")
        .with_context(|| format!("{}: no column residual_k", path.display()))?;
    let values: Vec<f64> = rows
        .map(|row| row.split(',').nth(column).and_then(|cell| cell.parse().ok()).unwrap_or(f64::NAN))
        .collect();
    let channels: usize = observed.windows.iter().map(|w| w.t_k.len()).sum();
    ensure!(
        values.len() == channels,
        "{}: {} channels, but the configuration's spectra have {channels}: it is of another fit",
        path.display(),
        values.len()
    );
    let mut values = values.into_iter();
    for window in &mut observed.windows {
        for (t_k, value) in window.t_k.iter_mut().zip(&mut values) {
            *t_k = if value.is_finite() { value } else { 0.0 };
        }
    }
    observed.notes.push(format!("the residual of {} is looked at", path.display()));
    Ok(())
}

/// Takes the level of the continuum off each window.
fn take_continuum(observed: &mut Observed) {
    for window in &mut observed.windows {
        if let Some(level_k) = continuum_k(&window.t_k, &window.sigma_k) {
            window.t_k.iter_mut().for_each(|t| *t -= level_k);
            let name = &window.window.name;
            observed.notes.push(format!("{name}: a continuum of {level_k:.3} K is taken off"));
        }
    }
}

/// All species, or those that are named.
fn read_library(
    library: &Library,
    names: &[String],
    notes: &mut Vec<String>,
) -> anyhow::Result<Vec<Species>> {
    let mut all = Vec::new();
    let entries = match names {
        [] => library.entries().iter().collect(),
        names => names.iter().map(|name| library.find(name)).collect::<Result<Vec<_>, _>>()?,
    };
    for entry in entries {
        let read = || -> anyhow::Result<Species> {
            let (lines, table) = entry.read()?;
            let (lines, _) = without_duplicates(lines, Duplicates::Components);
            let q = PartitionFunction::new(&table, Interpolation::Smooth, false);
            Ok(Species::new(&entry.name, lines, q, &entry.source)?)
        };
        match read() {
            Ok(species) => all.push(species),
            Err(e) => notes.push(format!("{} is left out: {e:#}", entry.name)),
        }
    }
    ensure!(!all.is_empty(), "there is no species to look for");
    Ok(all)
}

fn identify(
    observed: &Observed,
    species: &[Species],
    args: &IdentifyArgs,
    known: Option<(f64, f64)>,
) -> anyhow::Result<Report> {
    let (bright, dark) = (peaks(observed, args.sigma, 1.0), peaks(observed, args.sigma, -1.0));
    if bright.is_empty() && dark.is_empty() {
        return Err(anyhow!("no peak of {} sigma: there is nothing to identify", args.sigma));
    }
    let windows = &observed.windows;
    let per_k = |s: &f64| if s.is_finite() { 1.0 / s } else { 0.0 };
    let data = Data {
        windows: windows.iter().map(|w| w.window.clone()).collect(),
        t_k: windows.iter().flat_map(|w| w.t_k.iter().copied()).collect(),
        per_k: windows.iter().flat_map(|w| w.sigma_k.iter().map(per_k)).collect(),
        threshold: args.sigma,
    };
    let widths = (width(observed, args, &bright)?, width(observed, args, &dark)?);
    let widest = f64::max(widths.0, widths.1);
    let range = args.velocity.map(|v| (v.0, v.1)).or(known).unwrap_or(ANY_VELOCITY);
    let reach = (range.0 - 3.0 * widest, range.1 + 3.0 * widest);
    let mut candidates: Vec<Candidate> =
        species.iter().filter_map(|s| Candidate::new(s, &data, reach, 2.5 * widest)).collect();
    let mut sides = Vec::new();
    if !bright.is_empty() {
        let settings = (Side::Emission, range, widths.0, args.found);
        sides.push(of_side(&data, &mut candidates, settings, bright));
    }
    if !dark.is_empty() {
        let emission = sides.first().map_or(&[][..], |s| &s.found);
        let turned = turned(&data, &mut candidates, emission);
        let settings = (Side::Absorption, range, widths.1, args.found);
        sides.push(of_side(&turned, &mut candidates, settings, dark));
    }
    Ok(Report { candidates, sides, lists: species.len() })
}

/// Identifies the peaks of one side: with the range of velocities and the width of the lines (km/s), and the part of a species' lines that
/// must be there.
fn of_side(
    data: &Data,
    candidates: &mut [Candidate],
    (side, range_kms, fwhm_kms, part_found): (Side, (f64, f64), f64, f64),
    peaks: Vec<(usize, Peak)>,
) -> Identified {
    let v_kms = find_velocity(data, candidates, side, range_kms, fwhm_kms);
    let settings = Settings { v_kms, fwhm_kms, most: MOST_SPECIES, part_found, side };
    let found = search(data, candidates, &settings);
    let peaks = assign(data, candidates, &found, peaks, (v_kms, fwhm_kms));
    Identified { side, found, peaks, v_kms, fwhm_kms }
}

/// The peaks of all windows (with their indices) in the data times `sign`.
fn peaks(observed: &Observed, sigma: f64, sign: f64) -> Vec<(usize, Peak)> {
    let of_window = |(index, w): (usize, &crate::posterior::WindowData)| {
        let t_k: Vec<f64> = w.t_k.iter().map(|t| sign * t).collect();
        let found = find_peaks(&w.window.freq_mhz, &t_k, &w.sigma_k, sigma);
        found.into_iter().map(move |peak| (index, peak)).collect::<Vec<_>>()
    };
    observed.windows.iter().enumerate().flat_map(of_window).collect()
}

/// The width of the lines (km/s): given, or the peaks'.
fn width(observed: &Observed, args: &IdentifyArgs, peaks: &[(usize, Peak)]) -> anyhow::Result<f64> {
    let channels = observed.windows.iter().map(|w| channel_kms(&w.window.freq_mhz));
    let narrowest = channels.fold(0.0, f64::max) * NARROWEST_CHANNELS;
    let plain: Vec<Peak> = peaks.iter().map(|p| p.1.clone()).collect();
    match args.fwhm {
        Some(fwhm) if fwhm.0 > 0.0 => Ok(fwhm.0),
        Some(fwhm) => Err(anyhow!("--fwhm {fwhm}: a width must be positive")),
        None => Ok(typical_fwhm_kms(&plain).unwrap_or(narrowest).max(narrowest)),
    }
}

/// Usual width of a channel (km/s).
fn channel_kms(freq_mhz: &[f64]) -> f64 {
    let n = freq_mhz.len();
    if n < 2 {
        0.0
    } else {
        (freq_mhz[n - 1] - freq_mhz[0]) / (n - 1) as f64 / freq_mhz[n / 2] * crate::physics::C_KMS
    }
}

#[cfg(test)]
mod tests;
