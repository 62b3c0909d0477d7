//! `alma-fit identify`: which species of the line lists are in a spectrum, and what each of its peaks is.

use super::table::{Csv, print};
use crate::catalog::{Duplicates, Interpolation, Library, PartitionFunction, Species, without_duplicates};
use crate::config::Config;
use crate::identify::{
    Assignment, Candidate, Data, Found, Peak, Settings, assign, find_peaks, find_velocity, search,
    typical_fwhm_kms,
};
use crate::plan::{self, Observed};
use crate::report::{self, Component, FittedSpectrum, LineLabel};
use anyhow::{Context as _, anyhow, ensure};
use mirinae_common::outcome::Failure;
use mirinae_common::units::KmPerS;
use mirinae_common::{atomic, provenance};
use std::fmt::Write as _;
use std::io::Write as _;
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
    found: Vec<Found>,
    peaks: Vec<Assignment>,
    v_kms: f64,
    fwhm_kms: f64,
    lists: usize,
}

/// Identifies, writes the products and prints the tables.
pub(super) fn run(args: &IdentifyArgs) -> Result<(), Failure> {
    let config = configuration(&args.file).map_err(Failure::input)?;
    let mut observed = plan::observe(&config, &args.file)?;
    if let Some(folder) = &args.residual {
        take_residual(&mut observed, folder).map_err(Failure::input)?;
    }
    let library = Library::standard().map_err(Failure::input)?;
    let species = read_library(&library, &args.species, &mut observed.notes).map_err(Failure::input)?;
    let report = identify(&observed, &species, args, known_velocities(&config)).map_err(Failure::input)?;
    let out = args.out.clone().unwrap_or_else(|| args.file.with_extension("identify"));
    let text = write(&observed, &report, &config, &out).map_err(Failure::run)?;
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
    let windows = &observed.windows;
    let mut peaks: Vec<(usize, Peak)> = Vec::new();
    for (index, w) in windows.iter().enumerate() {
        let found = find_peaks(&w.window.freq_mhz, &w.t_k, &w.sigma_k, args.sigma);
        peaks.extend(found.into_iter().map(|peak| (index, peak)));
    }
    if peaks.is_empty() {
        return Err(anyhow!("no peak of {} sigma: there is nothing to identify", args.sigma));
    }
    let plain: Vec<Peak> = peaks.iter().map(|p| p.1.clone()).collect();
    let narrowest =
        windows.iter().map(|w| channel_kms(&w.window.freq_mhz)).fold(0.0, f64::max) * NARROWEST_CHANNELS;
    let fwhm_kms = match args.fwhm {
        Some(fwhm) if fwhm.0 > 0.0 => fwhm.0,
        Some(fwhm) => return Err(anyhow!("--fwhm {fwhm}: a width must be positive")),
        None => typical_fwhm_kms(&plain).unwrap_or(narrowest).max(narrowest),
    };
    let per_k = |s: &f64| if s.is_finite() { 1.0 / s } else { 0.0 };
    let data = Data {
        windows: windows.iter().map(|w| w.window.clone()).collect(),
        t_k: windows.iter().flat_map(|w| w.t_k.iter().copied()).collect(),
        per_k: windows.iter().flat_map(|w| w.sigma_k.iter().map(per_k)).collect(),
        threshold: args.sigma,
    };
    let range = args.velocity.map(|v| (v.0, v.1)).or(known).unwrap_or(ANY_VELOCITY);
    let reach = (range.0 - 3.0 * fwhm_kms, range.1 + 3.0 * fwhm_kms);
    let mut candidates: Vec<Candidate> =
        species.iter().filter_map(|s| Candidate::new(s, &data, reach, 2.5 * fwhm_kms)).collect();
    let v_kms = find_velocity(&data, &mut candidates, range, fwhm_kms);
    let settings = Settings { v_kms, fwhm_kms, most: MOST_SPECIES, part_found: args.found };
    let found = search(&data, &mut candidates, &settings);
    let peaks = assign(&data, &mut candidates, &found, peaks, (v_kms, fwhm_kms));
    Ok(Report { candidates, found, peaks, v_kms, fwhm_kms, lists: species.len() })
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

fn write(observed: &Observed, report: &Report, config: &Config, out: &Path) -> anyhow::Result<String> {
    std::fs::create_dir_all(out).with_context(|| format!("cannot make {}", out.display()))?;
    let text = summary(observed, report);
    let settings = toml::to_string(config)?;
    let hash = provenance::hash(settings.as_bytes());
    let made = provenance::of_plan("alma-fit identify", &hash, &settings, &observed.inputs);
    atomic::write(&out.join("provenance.json"), |file| writeln!(file, "{made}"))?;
    species_csv(report).write(&out.join("species.csv")).map_err(|failure| failure.error)?;
    peaks_csv(observed, report).write(&out.join("peaks.csv")).map_err(|failure| failure.error)?;
    let made_by = provenance::in_a_line("alma-fit identify", &hash);
    let figure = report::Figure::new(out.join("spectrum"), &made_by);
    report::write_spectrum_figures(&figure, &figures(observed, report))?;
    atomic::write(&out.join("summary.txt"), |file| file.write_all(text.as_bytes()))?;
    Ok(text)
}

impl Report {
    fn name(&self, candidate: usize) -> &str {
        self.candidates[candidate].species.name()
    }

    /// What is said of how sure a species is.
    fn verdict(found: &Found) -> &'static str {
        match found.lines {
            (_, n) if n >= 3 => "sure",
            (_, 2) => "likely",
            _ => "tentative: one line",
        }
    }

    fn label(&self, assignment: &Assignment) -> String {
        match assignment.shares.first() {
            Some(share) if assignment.is_identified() => self.name(share.candidate).to_owned(),
            _ => "U".to_owned(),
        }
    }
}

fn species_csv(report: &Report) -> Csv {
    let columns = [
        "species",
        "lines_found",
        "lines_expected",
        "signal",
        "log10_n_cm2",
        "tex_k",
        "fwhm_kms",
        "v_kms",
        "filling",
        "verdict",
    ];
    let mut csv = Csv::new(&columns);
    for f in &report.found {
        let s = f.state;
        csv.row([
            report.name(f.candidate).to_owned(),
            f.lines.1.to_string(),
            f.lines.0.to_string(),
            format!("{:.1}", f.gain.max(0.0).sqrt()),
            format!("{:.2}", s.log10_n),
            format!("{:.1}", s.tex_k),
            format!("{:.3}", s.fwhm_kms),
            format!("{:.3}", s.v_kms),
            format!("{:.4}", s.filling),
            Report::verdict(f).to_owned(),
        ]);
    }
    csv
}

/// "C2H5CN (3 of 12 lines)".
fn possibilities(report: &Report, assignment: &Assignment) -> String {
    let one = |(k, expected, there): &(usize, usize, usize)| {
        format!("{} ({there} of {expected} lines)", report.name(*k))
    };
    assignment.possible.iter().map(one).collect::<Vec<_>>().join("; ")
}

fn peaks_csv(observed: &Observed, report: &Report) -> Csv {
    let mut csv = Csv::new(&[
        "window",
        "freq_mhz",
        "t_k",
        "signal",
        "fwhm_kms",
        "species",
        "rest_mhz",
        "e_up_k",
        "offset_kms",
        "model_k",
        "model_all_k",
        "qn",
        "others",
        "possible",
    ]);
    for a in &report.peaks {
        let first = a.shares.first().filter(|_| a.is_identified());
        let line = first.and_then(|s| s.line.as_ref());
        let number = |x: Option<f64>, digits: usize| x.map(|x| format!("{x:.digits$}")).unwrap_or_default();
        let offset =
            line.map(|l| (l.observed_mhz - a.peak.freq_mhz) / a.peak.freq_mhz * crate::physics::C_KMS);
        let others: Vec<String> = a
            .shares
            .iter()
            .skip(usize::from(first.is_some()))
            .map(|s| format!("{} {:.2} K", report.name(s.candidate), s.model_k))
            .collect();
        csv.row([
            observed.windows[a.window].window.name.clone(),
            format!("{:.3}", a.peak.freq_mhz),
            format!("{:.3}", a.peak.t_k),
            format!("{:.1}", a.peak.signal),
            if a.peak.fwhm_kms.is_finite() { format!("{:.2}", a.peak.fwhm_kms) } else { String::new() },
            first.map_or("unidentified".to_owned(), |s| report.name(s.candidate).to_owned()),
            number(line.map(|l| l.rest_mhz), 4),
            number(line.map(|l| l.e_up_k), 2),
            number(offset, 2),
            number(first.map(|s| s.model_k), 3),
            format!("{:.3}", a.model_k),
            line.map(|l| l.qn.clone()).unwrap_or_default(),
            others.join("; "),
            possibilities(report, a),
        ]);
    }
    csv
}

/// The data with the species' models and labels.
fn figures(observed: &Observed, report: &Report) -> Vec<FittedSpectrum> {
    let freqs: usize = observed.windows.iter().map(|w| w.t_k.len()).sum();
    let mut parts: Vec<(String, Vec<f64>)> = Vec::new();
    let mut again: Vec<(usize, crate::identify::State)> =
        report.found.iter().map(|f| (f.candidate, f.state)).collect();
    for (k, state) in again.drain(..) {
        let mut model_k = vec![0.0; freqs];
        report.candidates[k].spectrum_once(&state, &mut model_k);
        parts.push((report.name(k).to_owned(), model_k));
    }
    let mut first = 0;
    let mut all = Vec::new();
    for (index, w) in observed.windows.iter().enumerate() {
        let channels = first..first + w.t_k.len();
        first = channels.end;
        let flagged = |values: &[f64]| -> Vec<f64> {
            values.iter().zip(&w.sigma_k).map(|(x, s)| if s.is_finite() { *x } else { f64::NAN }).collect()
        };
        let label = |a: &&Assignment| a.window == index;
        all.push(FittedSpectrum {
            bands: None,
            name: w.window.name.clone(),
            freq_mhz: w.window.freq_mhz.clone(),
            t_k_data: flagged(&w.t_k),
            sigma_k: flagged(&w.sigma_k),
            t_k_model: channels.clone().map(|i| parts.iter().map(|p| p.1[i]).sum()).collect(),
            species: parts
                .iter()
                .map(|(name, t)| Component { name: name.clone(), t_k: t[channels.clone()].to_vec() })
                .collect(),
            labels: report
                .peaks
                .iter()
                .filter(label)
                .map(|a| LineLabel {
                    freq_mhz: a.peak.freq_mhz,
                    text: report.label(a),
                    strength_k: a.peak.t_k,
                })
                .collect(),
        });
    }
    all
}

fn summary(observed: &Observed, report: &Report) -> String {
    let unknown = report.peaks.iter().filter(|a| !a.is_identified()).count();
    let mut text = format!(
        "{} peaks, {} identified, {unknown} unidentified; {} species looked for, {} of them with lines here; v {:.1} km/s, \
         FWHM {:.2} km/s\n\n",
        report.peaks.len(),
        report.peaks.len() - unknown,
        report.lists,
        report.candidates.len(),
        report.v_kms,
        report.fwhm_kms
    );
    let widest =
        report.found.iter().map(|f| report.name(f.candidate).chars().count()).max().unwrap_or(0).max(7);
    // Writing to a string cannot fail.
    let _ = writeln!(
        text,
        "{:widest$}  {:>9}  {:>7}  {:>6}  {:>7}  {:>7}  {:>7}  verdict",
        "species", "lines", "signal", "log N", "Tex K", "v km/s", "filling"
    );
    for f in &report.found {
        let (s, lines) = (f.state, format!("{} of {}", f.lines.1, f.lines.0));
        let _ = writeln!(
            text,
            "{:widest$}  {lines:>9}  {:7.0}  {:6.2}  {:7.1}  {:7.2}  {:7.4}  {}",
            report.name(f.candidate),
            f.gain.max(0.0).sqrt(),
            s.log10_n,
            s.tex_k,
            s.v_kms,
            s.filling,
            Report::verdict(f)
        );
    }
    let _ = writeln!(
        text,
        "\n{:>13}  {:>8}  {:>7}  {:widest$}  {:>12}  {:>8}  lines",
        "observed MHz", "peak K", "signal", "species", "rest MHz", "E_up K"
    );
    for a in &report.peaks {
        let (f, t, snr) = (a.peak.freq_mhz, a.peak.t_k, a.peak.signal);
        let line = a.shares.first().filter(|_| a.is_identified()).and_then(|s| s.line.as_ref());
        let name = report.label(a);
        let _ = match line {
            Some(l) => writeln!(
                text,
                "{f:13.3}  {t:8.3}  {snr:7.1}  {name:widest$}  {:12.3}  {:8.1}  {}",
                l.rest_mhz, l.e_up_k, l.qn
            ),
            None if a.is_identified() => {
                writeln!(text, "{f:13.3}  {t:8.3}  {snr:7.1}  {name:widest$}  (between its lines)")
            }
            None => writeln!(
                text,
                "{f:13.3}  {t:8.3}  {snr:7.1}  {:widest$}  possible: {}",
                "U",
                possibilities(report, a)
            ),
        };
    }
    text.push_str("\nColumn densities here only show that a species can explain its lines: fit them with first-look or run.\n");
    for note in &observed.notes {
        let _ = writeln!(text, "note: {note}");
    }
    text
}

#[cfg(test)]
mod tests;
