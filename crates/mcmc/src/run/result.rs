//! Makes the products of a finished chain: samples, tables, best fit, pictures.

use super::Fit;
use super::stage::{Product, Sampling};
use crate::chain::{self, Chain, Header, Parameter};
use crate::diagnose::{self, Diagnosis};
use crate::model::Transition;
use crate::report::{
    self, Component, Feature, FittedSpectrum, LineLabel, ParameterRow, features_text, find_features,
    table_text,
};
use mirinae_common::{atomic, provenance};
use ndarray::{ArrayView3, s};
use std::io::Write as _;
use std::ops::Range;

/// Channels whose residual exceeds this many sigma are listed.
const FEATURE_SIGMA: f64 = 5.0;
/// Above this the chains disagree (Vehtari et al. 2021).
const R_HAT_LIMIT: f64 = 1.01;
/// Draws in autocorrelation times below which the estimate of the time itself is not to be trusted (emcee's rule).
const TAUS_NEEDED: f64 = 50.0;
/// A corner picture of more parameters cannot be read.
const CORNER_PARAMETERS: usize = 30;
/// The lines that get a label: at least this bright, in units of the noise.
const LABEL_SIGMA: f64 = 5.0;

/// Writes all products on rank 0.
pub(super) fn make(fit: &Fit, sampling: &Sampling) -> anyhow::Result<Vec<Product>> {
    let (out, plan) = (fit.out, fit.plan);
    let header = header(fit, sampling);
    atomic::write(&out.join("provenance.json"), |file| writeln!(file, "{}", header.provenance))?;
    chain::merge(out, &sampling.parts, &header, &out.join("chain.h5"))?;
    let chain = chain::read(&out.join("chain.h5"))?;
    let burn = usize::try_from(plan.fit.burn)?;
    let samples = chain.samples.slice(s![burn.., .., ..]);
    let diagnosis = diagnose::diagnose(&plan.names(), samples, chain.log_density.slice(s![burn.., ..]))?;
    let rows: Vec<ParameterRow> = diagnosis
        .parameters
        .iter()
        .zip(&plan.layout.parameters)
        .map(|(summary, p)| ParameterRow::new(summary, &p.unit))
        .collect();
    report::write_summary_csv(&out.join("summary.csv"), &rows)?;
    let spectra = fitted_spectra(fit, &diagnosis.best.values)?;
    report::write_spectrum_csv(&out.join("best_fit.csv"), &joined(&spectra))?;
    let mut features = Vec::new();
    for spectrum in &spectra {
        features.extend(find_features(spectrum, FEATURE_SIGMA)?);
    }
    report::write_features_csv(&out.join("residuals.csv"), &features)?;
    let posterior = fit.evaluator.posterior();
    let chi2 = posterior.chi2(&diagnosis.best.values, &mut posterior.work())?;
    let text = summary_text(&diagnosis, &rows, chi2, &spectra, &features);
    atomic::write(&out.join("summary.txt"), |file| file.write_all(text.as_bytes()))?;
    let mut names: Vec<String> =
        ["chain.h5", "summary.csv", "summary.txt", "best_fit.csv", "residuals.csv", "provenance.json"]
            .map(String::from)
            .to_vec();
    names.extend(pictures(fit, &spectra, samples, &chain)?);
    names.into_iter().map(|name| product(fit, name)).collect()
}

fn header(fit: &Fit, sampling: &Sampling) -> Header {
    let plan = fit.plan;
    let parameters = plan
        .layout
        .parameters
        .iter()
        .map(|p| Parameter { name: p.name.clone(), unit: p.unit.clone() })
        .collect();
    let steps = sampling.state.step as f64;
    Header {
        parameters,
        accepted_fraction: sampling.state.accepted.iter().map(|&n| n as f64 / steps).collect(),
        provenance: provenance::of_plan("alma-fit", &fit.context.plan_hash, &plan.settings, &plan.inputs),
    }
}

/// The data with the model at `theta`, window by window; NaN where a channel is flagged.
fn fitted_spectra(fit: &Fit, theta: &[f64]) -> anyhow::Result<Vec<FittedSpectrum>> {
    let posterior = fit.evaluator.posterior();
    let mut work = posterior.work();
    let model_k = posterior.spectrum(theta, &mut work)?.to_vec();
    let species_k = posterior.contributions(theta, &mut work)?;
    let names: Vec<&str> = posterior.model().species_names().collect();
    let transitions = posterior.transitions(theta)?;
    let windows = fit.plan.windows.iter().zip(posterior.model().window_channels());
    Ok(windows
        .zip(posterior.window_params(theta))
        .enumerate()
        .map(|(index, ((data, channels), window))| FittedSpectrum {
            name: data.window.name.clone(),
            freq_mhz: data.window.freq_mhz.clone(),
            t_k_data: flagged_as_nan(&data.t_k, &data.sigma_k),
            sigma_k: flagged_as_nan(&window.noise_k(&data.sigma_k), &data.sigma_k),
            t_k_model: model_k[channels.clone()].to_vec(),
            species: names
                .iter()
                .zip(&species_k)
                .map(|(name, t_k)| component(name, t_k, &channels))
                .collect(),
            labels: labels(transitions.iter().filter(|t| t.window == index), &names, &data.sigma_k),
        })
        .collect())
}

fn flagged_as_nan(values: &[f64], sigma_k: &[f64]) -> Vec<f64> {
    values.iter().zip(sigma_k).map(|(&x, s)| if s.is_finite() { x } else { f64::NAN }).collect()
}

fn component(name: &str, t_k: &[f64], channels: &Range<usize>) -> Component {
    Component { name: name.to_string(), t_k: t_k[channels.clone()].to_vec() }
}

/// The lines of a window that stand out of the noise.
fn labels<'a>(
    lines: impl Iterator<Item = &'a Transition>,
    species: &[&str],
    sigma_k: &[f64],
) -> Vec<LineLabel> {
    let noise_k = sigma_k.iter().copied().fold(f64::INFINITY, f64::min);
    lines
        .filter(|line| line.peak_k > LABEL_SIGMA * noise_k)
        .map(|line| LineLabel {
            freq_mhz: line.observed_mhz,
            text: species[line.species].to_string(),
            strength_k: line.peak_k,
        })
        .collect()
}

/// All windows one after the other.
fn joined(spectra: &[FittedSpectrum]) -> FittedSpectrum {
    let all = |part: fn(&FittedSpectrum) -> &Vec<f64>| spectra.iter().flat_map(part).copied().collect();
    let species = spectra.first().map_or(&[][..], |s| &s.species);
    FittedSpectrum {
        name: "all windows".to_string(),
        freq_mhz: all(|s| &s.freq_mhz),
        t_k_data: all(|s| &s.t_k_data),
        sigma_k: all(|s| &s.sigma_k),
        t_k_model: all(|s| &s.t_k_model),
        species: (0..species.len())
            .map(|k| Component {
                name: species[k].name.clone(),
                t_k: spectra.iter().flat_map(|s| &s.species[k].t_k).copied().collect(),
            })
            .collect(),
        labels: Vec::new(),
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
