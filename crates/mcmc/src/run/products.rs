//! Makes the products of a chain: tables, best fit and posterior, pictures, the report. What `run` does at its end and
//! `report` does again.

use super::spectra::{fitted_spectra, joined};
use super::{bands, detection, masers, species_rows, trust, unidentified};
use crate::chain::{self, Chain};
use crate::diagnose::{self, Diagnosis};
use crate::plan::Plan;
use crate::posterior::Posterior;
use crate::report::{
    self, Feature, Figure, FitPage, FittedSpectrum, ParameterRow, SpeciesRow, TableNotes, features_text,
    find_features, table_text,
};
use anyhow::Context as _;
use mirinae_common::checkpoint::Hash;
use mirinae_common::{atomic, provenance};
use ndarray::{ArrayView2, ArrayView3, s};
use std::io::Write as _;
use std::path::Path;

/// Channels whose residual exceeds this many sigma are listed.
const FEATURE_SIGMA: f64 = 5.0;
/// Above this the chains disagree (Vehtari et al. 2021).
const R_HAT_LIMIT: f64 = 1.01;
/// Draws in autocorrelation times below which the estimate of the time itself is not to be trusted (emcee's rule).
const TAUS_NEEDED: f64 = 50.0;
/// A corner picture of more parameters cannot be read.
const CORNER_PARAMETERS: usize = 30;
/// The samples, which everything else is made from.
pub(crate) const CHAIN: &str = "chain.h5";
/// Folder of the spectra, a file a window.
const SPECTRA: &str = "spectra";

/// A finished chain, and what it is a chain of.
pub(crate) struct Material<'a> {
    /// Where the products go.
    pub(crate) out: &'a Path,
    /// The file of the samples.
    pub(crate) source: &'a Path,
    /// The fit.
    pub(crate) plan: &'a Plan,
    /// Its hash.
    pub(crate) plan_hash: Hash,
    /// The fit's log density.
    pub(crate) posterior: &'a Posterior,
    /// The samples.
    pub(crate) chain: &'a Chain,
}

impl Material<'_> {
    /// The draws that count, (draw, chain, parameter).
    pub(super) fn samples(&self) -> ArrayView3<'_, f64> {
        self.chain.samples.slice(s![self.burn().., .., ..])
    }

    fn log_density(&self) -> ArrayView2<'_, f64> {
        self.chain.log_density.slice(s![self.burn().., ..])
    }

    fn burn(&self) -> usize {
        (self.chain.header.burn as usize).min(self.chain.samples.dim().0)
    }

    /// Program, version and plan in a line.
    fn made_by(&self) -> String {
        provenance::in_a_line("alma-fit run", &self.plan_hash)
    }
}

/// What was found, before it is written.
struct Findings {
    rows: Vec<ParameterRow>,
    spectra: Vec<FittedSpectrum>,
    features: Vec<Feature>,
    /// The parameters of the best sample.
    best: Vec<f64>,
    species: Vec<SpeciesRow>,
    detections: detection::Detections,
    /// What is said of the chain, the first line being the verdict.
    told: String,
}

/// Writes all products but the chain and returns their names.
pub(crate) fn write(material: &Material) -> anyhow::Result<Vec<String>> {
    let out = material.out;
    let found = find(material)?;
    let mut names = tables(material, &found)?;
    chain::write_inference(
        &out.join("inference.nc"),
        material.source,
        material.chain,
        &observed(material, &found)?,
    )?;
    names.push("inference.nc".to_string());
    names.extend(spectra_files(material, &found.spectra)?);
    let pages = report::write_spectrum_figures(&figure(material, "spectrum"), &found.spectra)?;
    let figures = figures(material)?;
    for figure in pages.iter().chain(figures.iter().map(|f| &f.0)) {
        names.extend(["png", "svg"].map(|ending| name_within(out, &figure.file(ending))));
    }
    let reference = material.plan.reference.map(|k| material.plan.species[k].name());
    let made_by = material.made_by();
    let degenerate = found.detections.warnings();
    let page = FitPage {
        title: format!("Fit of {}", listed(material.plan)),
        converged: found.told.starts_with("converged"),
        told: found.told.lines().map(String::from).collect(),
        warnings: material.plan.notes.iter().chain(&degenerate).cloned().collect(),
        species: &found.species,
        notes: TableNotes { reference, made_by: &made_by },
        parameters: &found.rows,
        windows: &found.spectra.iter().map(report::window_statistics).collect::<Result<Vec<_>, _>>()?,
        features: &found.features,
        feature_sigma: FEATURE_SIGMA,
        spectra: &pages,
        figures: &figures,
        files: &names,
        provenance: &material.chain.header.provenance,
        settings: &material.plan.settings,
    };
    report::write_fit_page(&out.join("report.html"), &page)?;
    names.push("report.html".to_string());
    Ok(names)
}

fn find(material: &Material) -> anyhow::Result<Findings> {
    let (plan, posterior) = (material.plan, material.posterior);
    let diagnosis = diagnose::diagnose(&plan.names(), material.samples(), material.log_density())?;
    let rows: Vec<ParameterRow> = diagnosis
        .parameters
        .iter()
        .zip(&plan.layout.parameters)
        .map(|(summary, p)| ParameterRow::new(summary, &p.unit))
        .collect();
    let mut spectra = fitted_spectra(plan, posterior, &diagnosis.best.values)?;
    let mut features = Vec::new();
    for spectrum in &spectra {
        features.extend(find_features(spectrum, FEATURE_SIGMA)?);
    }
    bands::add(&mut spectra, plan, posterior, material.samples())?;
    let detections = detection::find(material, &diagnosis.best.values);
    detections.warnings().iter().for_each(|w| tracing::warn!("{w}"));
    let species = species_rows::rows(material, &detections.species);
    let chi2 = posterior.chi2(&diagnosis.best.values, &mut posterior.work())?;
    let mut told = verdict(&diagnosis);
    told.push_str(&counts(&diagnosis, chi2, &spectra));
    told.push_str(&material.chain.header.told);
    told.push_str(&trust::text(material.source, material.chain.header.gradients, &diagnosis)?);
    told.push_str(&masers::text(posterior, material.samples(), &diagnosis.best.values)?);
    told.push_str(&detections.text());
    let best = diagnosis.best.values;
    Ok(Findings { rows, spectra, features, best, species, detections, told })
}

/// The tables for people and programs.
fn tables(material: &Material, found: &Findings) -> anyhow::Result<Vec<String>> {
    let out = material.out;
    let provenance = &material.chain.header.provenance;
    atomic::write(&out.join("provenance.json"), |file| writeln!(file, "{provenance}"))?;
    report::write_summary_csv(&out.join("summary.csv"), &found.rows)?;
    report::write_spectrum_csv(&out.join("best_fit.csv"), &joined(&found.spectra))?;
    report::write_features_csv(&out.join("residuals.csv"), &found.features)?;
    let features = features_text(&found.features, FEATURE_SIGMA);
    let lines =
        unidentified::write(&out.join("unidentified.csv"), material.plan, &found.spectra, &found.best)?;
    let degenerate: String = found.detections.warnings().iter().map(|w| format!("{w}\n")).collect();
    let text = format!("{}\n{}{degenerate}{features}{lines}", table_text(&found.rows), found.told);
    atomic::write(&out.join("summary.txt"), |file| file.write_all(text.as_bytes()))?;
    let made_by = material.made_by();
    let reference = material.plan.reference.map(|k| material.plan.species[k].name());
    let notes = TableNotes { reference, made_by: &made_by };
    report::write_species_ecsv(&out.join("species.ecsv"), &found.species, notes)?;
    report::write_species_latex(&out.join("species.tex"), &found.species, notes)?;
    let mut names = vec!["summary.csv", "summary.txt", "best_fit.csv", "residuals.csv", "provenance.json"];
    names.extend(["unidentified.csv", "species.ecsv", "species.tex"]);
    names.extend(found.detections.write(out)?);
    Ok(names.into_iter().map(String::from).collect())
}

/// A CSV and a FITS file of each window.
fn spectra_files(material: &Material, spectra: &[FittedSpectrum]) -> anyhow::Result<Vec<String>> {
    let folder = material.out.join(SPECTRA);
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let mut names = Vec::new();
    for (k, spectrum) in spectra.iter().enumerate() {
        let plain = |c: char| if c.is_alphanumeric() || c == '-' || c == '.' { c } else { '_' };
        let stem = format!("{:02}-{}", k + 1, spectrum.name.chars().map(plain).collect::<String>());
        report::write_spectrum_csv(&folder.join(format!("{stem}.csv")), spectrum)?;
        report::write_spectrum_fits(&folder.join(format!("{stem}.fits")), spectrum, &material.made_by())?;
        names.extend(["csv", "fits"].map(|ending| format!("{SPECTRA}/{stem}.{ending}")));
    }
    Ok(names)
}

fn figure(material: &Material, stem: &str) -> Figure {
    Figure::new(material.out.join(stem), &material.made_by())
}

/// Trace, ranks and corner, with captions.
fn figures(material: &Material) -> anyhow::Result<Vec<(Figure, &'static str)>> {
    let parameters = &material.plan.layout.parameters;
    let labels: Vec<String> = parameters.iter().map(|p| format!("{} [{}]", p.name, p.unit)).collect();
    let (trace, ranks) = (figure(material, "trace"), figure(material, "ranks"));
    report::write_trace_figure(&trace, &labels, material.chain.samples.view(), material.chain.first_step)?;
    report::write_rank_figure(&ranks, &labels, material.samples())?;
    let mut all = Vec::new();
    if labels.len() <= CORNER_PARAMETERS {
        let corner = figure(material, "corner");
        report::write_corner_figure(&corner, &labels, material.samples())?;
        all.push((
            corner,
            "Marginal distributions of all parameters and pairs, with median and 68 % interval",
        ));
    }
    all.push((trace, "The ways of the chains: thin single chains, thick the median of all"));
    all.push((ranks, "Ranks of each chain's draws among all draws: flat where the chains agree"));
    Ok(all)
}

/// The data, for the file of samples.
fn observed(material: &Material, found: &Findings) -> anyhow::Result<chain::Observed> {
    let all = joined(&found.spectra);
    Ok(chain::Observed {
        freq_mhz: all.freq_mhz,
        t_k: all.t_k_data,
        sigma_k: all.sigma_k,
        burn: material.burn(),
    })
}

/// What a user reads after the verdict.
fn counts(diagnosis: &Diagnosis, chi2: f64, spectra: &[FittedSpectrum]) -> String {
    let used = spectra.iter().flat_map(|s| &s.t_k_data).filter(|t_k| t_k.is_finite()).count();
    let Diagnosis { draws, walkers, parameters, best, .. } = diagnosis;
    let (ln_p, n) = (best.log_density, parameters.len());
    format!(
        "{draws} draws of {walkers} walkers; best sample: ln p {ln_p:.2}, chi2 {chi2:.1} for {used} channels and {n} parameters\n"
    )
}

/// Whether the chain can be trusted.
fn verdict(diagnosis: &Diagnosis) -> String {
    let (r_hat, tau, ess) = (diagnosis.largest_r_hat(), diagnosis.largest_tau(), diagnosis.smallest_ess());
    let taus = diagnosis.draws as f64 / tau;
    let figures = format!("largest R-hat {r_hat:.4}, smallest ESS {ess:.0}, {taus:.0} autocorrelation times");
    if r_hat < R_HAT_LIMIT && taus >= TAUS_NEEDED {
        return format!("converged: {figures}\n");
    }
    format!(
        "NOT CONVERGED: {figures}; R-hat below {R_HAT_LIMIT} and {TAUS_NEEDED} autocorrelation times are needed: more steps\n"
    )
}

/// The species in a title.
fn listed(plan: &Plan) -> String {
    let names: Vec<&str> = plan.species.iter().map(|s| s.name()).collect();
    match names.as_slice() {
        [first, second, third, _, _, ..] => {
            format!("{first}, {second}, {third} and {} more species", names.len() - 3)
        }
        _ => names.join(", "),
    }
}

fn name_within(out: &Path, path: &Path) -> String {
    path.strip_prefix(out).unwrap_or(path).display().to_string()
}

/// Prints the summary and the names of the products.
pub(crate) fn tell(out: &Path, names: &[&str]) -> anyhow::Result<()> {
    println!("{}", std::fs::read_to_string(out.join("summary.txt"))?);
    println!("products in {}:", out.display());
    for name in names {
        println!("  {name}");
    }
    Ok(())
}
