//! Makes the products of a finished chain: samples, tables, best fit, pictures.

use super::spectra::{fitted_spectra, joined};
use super::stage::Product;
use super::{Fit, detection, trust};
use crate::chain::{self, Chain, Header, Parameter, PartRecord};
use crate::diagnose::{self, Diagnosis};
use crate::report::{self, Feature, FittedSpectrum, ParameterRow, features_text, find_features, table_text};
use mirinae_common::{atomic, provenance};
use ndarray::{ArrayView3, s};
use std::io::Write as _;

/// Channels whose residual exceeds this many sigma are listed.
const FEATURE_SIGMA: f64 = 5.0;
/// Above this the chains disagree (Vehtari et al. 2021).
const R_HAT_LIMIT: f64 = 1.01;
/// Draws in autocorrelation times below which the estimate of the time itself is not to be trusted (emcee's rule).
const TAUS_NEEDED: f64 = 50.0;
/// A corner picture of more parameters cannot be read.
const CORNER_PARAMETERS: usize = 30;

/// What a sampler hands over when it is done.
#[derive(Default)]
pub(super) struct Drawn {
    /// The chain on disk.
    pub(super) parts: Vec<PartRecord>,
    /// Fraction of each walker's or chain's proposals that it took.
    pub(super) accepted_fraction: Vec<f64>,
    /// Draws at the start that the results leave out.
    pub(super) burn: usize,
    /// Names of what is told of every draw.
    pub(super) statistics: &'static [&'static str],
    /// Gradients that were computed for the draws; 0: none.
    pub(super) gradients: u64,
    /// How the draws were made, in lines for the summary.
    pub(super) told: String,
}

/// Writes all products on rank 0.
pub(super) fn make(fit: &Fit, drawn: &Drawn) -> anyhow::Result<Vec<Product>> {
    let (out, plan) = (fit.out, fit.plan);
    let header = header(fit, drawn);
    atomic::write(&out.join("provenance.json"), |file| writeln!(file, "{}", header.provenance))?;
    chain::merge(out, &drawn.parts, &header, &out.join("chain.h5"))?;
    let chain = chain::read(&out.join("chain.h5"))?;
    let burn = drawn.burn;
    let samples = chain.samples.slice(s![burn.., .., ..]);
    let diagnosis = diagnose::diagnose(&plan.names(), samples, chain.log_density.slice(s![burn.., ..]))?;
    let rows: Vec<ParameterRow> = diagnosis
        .parameters
        .iter()
        .zip(&plan.layout.parameters)
        .map(|(summary, p)| ParameterRow::new(summary, &p.unit))
        .collect();
    report::write_summary_csv(&out.join("summary.csv"), &rows)?;
    let spectra = fitted_spectra(plan, fit.evaluator.posterior(), &diagnosis.best.values)?;
    report::write_spectrum_csv(&out.join("best_fit.csv"), &joined(&spectra))?;
    let mut features = Vec::new();
    for spectrum in &spectra {
        features.extend(find_features(spectrum, FEATURE_SIGMA)?);
    }
    report::write_features_csv(&out.join("residuals.csv"), &features)?;
    let posterior = fit.evaluator.posterior();
    let chi2 = posterior.chi2(&diagnosis.best.values, &mut posterior.work())?;
    let mut text = summary_text(&diagnosis, &rows, chi2, &spectra, &features);
    text.push_str(&drawn.told);
    text.push_str(&trust::text(out, drawn, &diagnosis)?);
    text.push_str(&detection::text(fit, drawn, samples, &diagnosis.best.values)?);
    atomic::write(&out.join("summary.txt"), |file| file.write_all(text.as_bytes()))?;
    let mut names: Vec<String> =
        ["chain.h5", "summary.csv", "summary.txt", "best_fit.csv", "residuals.csv", "provenance.json"]
            .map(String::from)
            .to_vec();
    if drawn.gradients > 0 {
        names.push("detection.csv".to_string());
    }
    names.extend(pictures(fit, &spectra, samples, &chain)?);
    names.into_iter().map(|name| product(fit, name)).collect()
}

fn header(fit: &Fit, drawn: &Drawn) -> Header {
    let plan = fit.plan;
    let parameters = plan
        .layout
        .parameters
        .iter()
        .map(|p| Parameter { name: p.name.clone(), unit: p.unit.clone() })
        .collect();
    Header {
        parameters,
        accepted_fraction: drawn.accepted_fraction.clone(),
        statistics: drawn.statistics.iter().map(ToString::to_string).collect(),
        provenance: provenance::of_plan("alma-fit", &fit.context.plan_hash, &plan.settings, &plan.inputs),
    }
}

/// What a user reads first.
fn summary_text(
    diagnosis: &Diagnosis,
    rows: &[ParameterRow],
    chi2: f64,
    spectra: &[FittedSpectrum],
    features: &[Feature],
) -> String {
    let mut text = table_text(rows);
    let used = spectra.iter().flat_map(|s| &s.t_k_data).filter(|t_k| t_k.is_finite()).count();
    let (draws, walkers) = (diagnosis.draws, diagnosis.walkers);
    text.push_str(&format!(
        "\n{draws} draws of {walkers} walkers; best sample: ln p {:.2}, chi2 {chi2:.1} for {used} channels and {} parameters\n",
        diagnosis.best.log_density,
        rows.len()
    ));
    text.push_str(&verdict(diagnosis));
    text.push_str(&features_text(features, FEATURE_SIGMA));
    text
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

fn pictures(
    fit: &Fit,
    spectra: &[FittedSpectrum],
    samples: ArrayView3<f64>,
    chain: &Chain,
) -> anyhow::Result<Vec<String>> {
    let pages = report::write_spectrum_figures(fit.out, "spectrum", spectra)?;
    let mut names: Vec<String> =
        pages.iter().filter_map(|p| Some(p.file_name()?.to_string_lossy().into_owned())).collect();
    let parameters = &fit.plan.layout.parameters;
    let labels: Vec<String> = parameters.iter().map(|p| format!("{} [{}]", p.name, p.unit)).collect();
    report::write_trace_figure(&fit.out.join("trace.png"), &labels, chain.samples.view(), chain.first_step)?;
    names.push("trace.png".to_string());
    if labels.len() <= CORNER_PARAMETERS {
        report::write_corner_figure(&fit.out.join("corner.png"), &labels, samples)?;
        names.push("corner.png".to_string());
    }
    Ok(names)
}

fn product(fit: &Fit, name: String) -> anyhow::Result<Product> {
    let (_, sha256) = provenance::hash_file(&fit.out.join(&name))?;
    Ok(Product { name, sha256 })
}

/// Prints the results on rank 0 and writes down how this run made them.
pub(super) fn tell(fit: &Fit, products: &[Product]) -> anyhow::Result<()> {
    let context = fit.context;
    provenance::write_run_record(
        &fit.out.join("run.json"),
        &context.plan_hash,
        &context.hosts,
        context.started,
    )?;
    println!("{}", std::fs::read_to_string(fit.out.join("summary.txt"))?);
    println!("products in {}:", fit.out.display());
    for product in products {
        println!("  {}", product.name);
    }
    Ok(())
}
