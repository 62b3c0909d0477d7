//! `alma-fit first-look`: a Levenberg-Marquardt fit with its covariance, and its pictures.

use super::table::{Csv, print};
use crate::first_look::{self, FirstLook};
use crate::plan::{self, Plan};
use crate::posterior::Posterior;
use crate::report::{self, Figure, FittedSpectrum, features_text, find_features};
use crate::run::masers;
use crate::run::spectra::{fitted_spectra, joined};
use anyhow::Context as _;
use mirinae_common::outcome::Failure;
use mirinae_common::{atomic, provenance};
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// What the user asks for.
#[derive(Debug, clap::Args)]
pub(super) struct FirstLookArgs {
    /// The configuration
    config: PathBuf,
    /// Start from given values rather than from a search of the priors, as CH3OH.logn=18.3; once for each free parameter
    #[arg(long, value_name = "NAME=VALUE")]
    set: Vec<String>,
    /// Folder of the products [default: the configuration's name with .first-look]
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
}

/// Channels whose residual exceeds this many sigma are listed.
const FEATURE_SIGMA: f64 = 5.0;
/// Correlations above this are printed.
const CORRELATED: f64 = 0.9;

/// Fits, writes the products and prints the table.
pub(super) fn run(args: &FirstLookArgs) -> Result<(), Failure> {
    let plan = plan::prepare(&args.config)?;
    let posterior = plan.posterior().map_err(Failure::input)?;
    let look = look(&plan, &posterior, &args.set)?;
    let out = args.out.clone().unwrap_or_else(|| args.config.with_extension("first-look"));
    let text = write(&plan, &posterior, &look, &out).map_err(Failure::run)?;
    print(&format!("{text}products in {}", out.display()))
}

/// From given values where there are any, else from a search.
pub(super) fn look(plan: &Plan, posterior: &Posterior, settings: &[String]) -> Result<FirstLook, Failure> {
    if settings.is_empty() {
        return first_look::search(posterior, &plan.windows, plan.fit.seed).map_err(Failure::input);
    }
    let theta = plan.values_from(settings).map_err(Failure::usage)?;
    first_look::from_start(posterior, &plan.windows, &theta).map_err(Failure::usage)
}

/// Writes all products and returns the summary.
fn write(plan: &Plan, posterior: &Posterior, look: &FirstLook, out: &Path) -> anyhow::Result<String> {
    std::fs::create_dir_all(out).with_context(|| format!("cannot make {}", out.display()))?;
    let spectra = fitted_spectra(plan, posterior, &look.minimum.x)?;
    let mut features = Vec::new();
    for spectrum in &spectra {
        features.extend(find_features(spectrum, FEATURE_SIGMA)?);
    }
    let chi2 = posterior.chi2(&look.minimum.x, &mut posterior.work())?;
    let mut text = summary(plan, look, chi2, &spectra) + &features_text(&features, FEATURE_SIGMA);
    for note in masers::notes(posterior, &look.minimum.x)? {
        let _ = writeln!(text, "MASERS: {note}");
    }
    let hash = provenance::hash(&postcard::to_stdvec(plan)?);
    let made = provenance::of_plan("alma-fit first-look", &hash, &plan.settings, &plan.inputs);
    atomic::write(&out.join("provenance.json"), |file| writeln!(file, "{made}"))?;
    parameters(plan, look).write(&out.join("summary.csv")).map_err(|failure| failure.error)?;
    covariance(plan, look).write(&out.join("covariance.csv")).map_err(|failure| failure.error)?;
    report::write_spectrum_csv(&out.join("best_fit.csv"), &joined(&spectra))?;
    report::write_features_csv(&out.join("residuals.csv"), &features)?;
    let made_by = provenance::in_a_line("alma-fit first-look", &hash);
    report::write_spectrum_figures(&Figure::new(out.join("spectrum"), &made_by), &spectra)?;
    atomic::write(&out.join("summary.txt"), |file| file.write_all(text.as_bytes()))?;
    Ok(text)
}

/// What is to be said of a parameter's error.
fn remark(plan: &Plan, look: &FirstLook, k: usize) -> &'static str {
    if plan.layout.parameters[k].name.ends_with(".jitter_k") {
        return "extra noise: held at the start, least squares cannot tell it";
    }
    match (look.minimum.at_bound[k], look.covariance.determined[k]) {
        (true, _) => "at the end of its prior: held there",
        (false, false) => "not determined by the data",
        (false, true) => "",
    }
}

fn parameters(plan: &Plan, look: &FirstLook) -> Csv {
    let sigma = look.covariance.sigma();
    let mut csv = Csv::new(&["parameter", "unit", "value", "sigma", "low", "high", "remark"]);
    for (k, p) in plan.layout.parameters.iter().enumerate() {
        let (low, high) = p.prior.limits();
        let numbers = [look.minimum.x[k], sigma[k], low, high].map(|x| x.to_string());
        csv.row(
            [p.name.clone(), p.unit.clone()]
                .into_iter()
                .chain(numbers)
                .chain([remark(plan, look, k).to_owned()]),
        );
    }
    csv
}

/// One row a parameter.
fn covariance(plan: &Plan, look: &FirstLook) -> Csv {
    let names = plan.names();
    let header: Vec<&str> = std::iter::once("parameter").chain(names.iter().map(String::as_str)).collect();
    let mut csv = Csv::new(&header);
    for (name, row) in names.iter().zip(look.covariance.matrix.rows()) {
        csv.row(std::iter::once(name.clone()).chain(row.iter().map(f64::to_string)));
    }
    csv
}

fn summary(plan: &Plan, look: &FirstLook, chi2: f64, spectra: &[FittedSpectrum]) -> String {
    let sigma = look.covariance.sigma();
    let widest = plan.layout.parameters.iter().map(|p| p.name.chars().count()).max().unwrap_or(0).max(9);
    let mut text = format!("{:widest$}  {:13}  {:>12}  {:>10}\n", "parameter", "unit", "value", "sigma");
    // Writing to a string cannot fail.
    for (k, p) in plan.layout.parameters.iter().enumerate() {
        let digits =
            if sigma[k] > 0.0 { (1.0 - sigma[k].log10()).ceil().clamp(0.0, 8.0) as usize } else { 4 };
        let value = look.minimum.x[k];
        let _ = writeln!(
            text,
            "{:widest$}  {:13}  {value:12.digits$}  {:10.digits$}  {}",
            p.name,
            p.unit,
            sigma[k],
            remark(plan, look, k)
        );
    }
    let channels = spectra.iter().flat_map(|s| &s.t_k_data).filter(|t_k| t_k.is_finite()).count();
    let n = plan.layout.parameters.len();
    let freedom = channels.saturating_sub(n);
    let _ = writeln!(
        text,
        "\nchi2 {chi2:.2} for {channels} channels and {n} parameters: {:.3} a degree of freedom",
        chi2 / freedom.max(1) as f64
    );
    text.push_str(&how(look));
    let mut pairs = Vec::new();
    for i in 0..n {
        for j in 0..i {
            let r = look.covariance.correlation(i, j);
            if r.abs() > CORRELATED {
                let p = &plan.layout.parameters;
                pairs.push(format!("{} and {} {r:+.3}", p[j].name, p[i].name));
            }
        }
    }
    if !pairs.is_empty() {
        let _ = writeln!(text, "correlations above {CORRELATED}: {}", pairs.join(", "));
    }
    for note in &plan.notes {
        let _ = writeln!(text, "note: {note}");
    }
    text.push_str(
        "sigma: of the linearised model, the noise as given; alma-fit run has the whole posterior\n",
    );
    text
}

fn how(look: &FirstLook) -> String {
    let from = match look.generations {
        0 => "from the given start".to_owned(),
        n => format!(
            "the best of {} fits after {n} generations of the search, {} of which ended there",
            look.fits, look.agreeing
        ),
    };
    if look.minimum.converged {
        return format!("converged in {} steps, {from}\n", look.minimum.steps);
    }
    format!("NOT CONVERGED after {} steps, {from}\n", look.minimum.steps)
}
