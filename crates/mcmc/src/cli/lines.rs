//! `alma-fit lines`: every transition in range, and what it does at given parameters.

use super::catalog::Range;
use super::table::{Csv, print};
use crate::catalog::Species;
use crate::model::{SpeciesParams, Transition};
use crate::plan::{self, Plan};
use crate::report::{Figure, LineLabel, write_spectrum_figures};
use crate::run::spectra::{fitted_spectra, opacity_text};
use anyhow::Context as _;
use mirinae_common::outcome::Failure;
use mirinae_common::units::Kelvin;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// What the user asks for.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct LinesArgs {
    /// The configuration
    pub config: PathBuf,
    /// Value of a free parameter, as CH3OH.logn=18.3; once for each
    #[arg(long, value_name = "NAME=VALUE")]
    pub set: Vec<String>,
    /// Leave out what peaks below this brightness temperature (in K where it has no unit)
    #[arg(long, alias = "min-k", value_name = "KELVIN", default_value = "0.1K", value_parser = kelvin)]
    pub min: f64,
    /// Only what appears at these frequencies, as 217GHz..221GHz
    #[arg(long, value_name = "LOW..HIGH")]
    pub range: Option<Range>,
    /// File to write instead of a table on the screen
    #[arg(long, value_name = "FILE")]
    pub csv: Option<PathBuf>,
    /// Draw the spectra with the model and each line's species and opacity: spectrum-01.png and so on in this folder
    #[arg(long, value_name = "FOLDER")]
    pub plot: Option<PathBuf>,
}

/// A brightness temperature in K, with its unit or without.
fn kelvin(text: &str) -> Result<f64, String> {
    match text.trim().parse::<f64>() {
        Ok(k) if k.is_finite() => Ok(k),
        _ => text.parse::<Kelvin>().map(|k| k.0).map_err(|e| e.to_string()),
    }
}

/// Prints, writes or draws the transitions that peak above a brightness (in modulus), by observed frequency.
pub(super) fn run(args: &LinesArgs) -> Result<(), Failure> {
    let plan = plan::prepare(&args.config)?;
    let theta = plan.values_from(&args.set).map_err(Failure::usage)?;
    let mut transitions =
        transitions(&plan, &theta, args.min).context("no model there").map_err(Failure::usage)?;
    transitions.retain(|t| args.range.is_none_or(|range| range.contains(t.observed_mhz)));
    super::tell_masers(&plan.posterior().map_err(Failure::input)?, &theta)?;
    let names: Vec<&str> = plan.species.iter().map(Species::name).collect();
    if let Some(folder) = &args.plot {
        let pages = plot(&plan, &theta, &names, &transitions, folder).map_err(Failure::run)?;
        pages.iter().for_each(|page| println!("{}", page.display()));
    }
    match (&args.csv, &args.plot) {
        (Some(path), _) => table(&plan, &names, &transitions).write(path),
        (None, Some(_)) => Ok(()),
        (None, None) => print(&text(&names, &transitions, args.min)),
    }
}

/// Draws data and model with a label for each transition, and returns the pages.
fn plot(
    plan: &Plan,
    theta: &[f64],
    names: &[&str],
    transitions: &[Transition],
    folder: &Path,
) -> anyhow::Result<Vec<PathBuf>> {
    let mut spectra = fitted_spectra(plan, &plan.posterior()?, theta)?;
    for (index, spectrum) in spectra.iter_mut().enumerate() {
        let label = |t: &Transition| LineLabel {
            freq_mhz: t.observed_mhz,
            text: format!("{} {}", names[t.species], opacity_text(t.peak_tau)),
            strength_k: t.peak_k,
        };
        spectrum.labels = transitions.iter().filter(|t| t.window == index).map(label).collect();
    }
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let made_by = format!("alma-fit lines {}", mirinae_common::provenance::VERSION);
    let pages = write_spectrum_figures(&Figure::new(folder.join("spectrum"), &made_by), &spectra)?;
    Ok(pages.iter().map(|page| page.file("png")).collect())
}

/// The transitions of all species, a line that two windows show twice, by frequency, then species.
fn transitions(plan: &Plan, theta: &[f64], min_k: f64) -> anyhow::Result<Vec<Transition>> {
    let posterior = plan.posterior()?;
    let mut all = Vec::new();
    for (species, values) in plan.layout.values(theta).enumerate() {
        let params = SpeciesParams::from_quantities(values);
        all.extend(posterior.model().transitions(species, &params, min_k)?);
    }
    all.sort_by(|a, b| {
        a.observed_mhz.total_cmp(&b.observed_mhz).then((a.species, a.window).cmp(&(b.species, b.window)))
    });
    Ok(all)
}

fn table(plan: &Plan, names: &[&str], transitions: &[Transition]) -> Csv {
    let mut csv = Csv::new(&[
        "species",
        "window",
        "observed_mhz",
        "rest_mhz",
        "e_up_k",
        "a_ul_s",
        "g_up",
        "tex_k",
        "peak_tau",
        "peak_k",
        "qn",
    ]);
    for t in transitions {
        csv.row([
            names[t.species].to_owned(),
            plan.windows[t.window].window.name.clone(),
            format!("{:.4}", t.observed_mhz),
            format!("{:.4}", t.rest_mhz),
            format!("{:.3}", t.e_up_k),
            format!("{:.4e}", t.a_ul),
            t.g_up.to_string(),
            format!("{:.4}", t.tex_k),
            format!("{:.4e}", t.peak_tau),
            format!("{:.4}", t.peak_k),
            t.qn.clone(),
        ]);
    }
    csv
}

fn text(names: &[&str], transitions: &[Transition], min_k: f64) -> String {
    let widest = names.iter().map(|name| name.chars().count()).max().unwrap_or(0).max(7);
    let mut text = format!(
        "{:widest$}  {:>13}  {:>13}  {:>9}  {:>10}  {:>5}  {:>9}  {:>10}  {:>8}  quantum numbers\n",
        "species", "observed MHz", "rest MHz", "E_up K", "A_ul 1/s", "g_up", "Tex K", "peak tau", "peak K"
    );
    for t in transitions {
        let (name, obs, rest, e, a) = (names[t.species], t.observed_mhz, t.rest_mhz, t.e_up_k, t.a_ul);
        let (g, tex, tau, k, qn) = (t.g_up, t.tex_k, t.peak_tau, t.peak_k, &t.qn);
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{name:widest$}  {obs:13.4}  {rest:13.4}  {e:9.2}  {a:10.4e}  {g:5}  {tex:9.3}  {tau:10.3e}  {k:8.3}  {qn}"
        );
    }
    let _ =
        write!(text, "{} transitions with a peak of at least {min_k} K, each taken alone", transitions.len());
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// CO (1-0) and its neighbourhood, with a tied isotopologue that shares its lines.
    fn config(folder: &Path) -> std::path::PathBuf {
        let spectrum: String =
            (0..100).map(|i| format!("{} {}\n", 115_260.0 + 0.2 * f64::from(i), i % 2)).collect();
        std::fs::write(folder.join("s.txt"), spectrum).unwrap();
        let species = |name: &str, logn: &str| {
            format!(
                "[[species]]\nname = \"{name}\"\nentry = \"CO\"\nlogn = {logn}\ntex_k = {{ fixed = 50.0 }}\n\
                 fwhm_kms = {{ fixed = 3.0 }}\nv_kms = {{ fixed = 2.0 }}\n"
            )
        };
        let text = format!(
            "[[spectrum]]\nfile = \"s.txt\"\nnoise = \"0.5 K\"\nbeam = [\"1 arcsec\", \"1 arcsec\"]\n{}{}",
            species("main", "{ uniform = [12, 18] }"),
            species("rare", "{ ratio_to = \"main.logn\", log_uniform = [5, 500] }")
        );
        let path = folder.join("fit.toml");
        std::fs::write(&path, text).unwrap();
        path
    }

    #[test]
    fn tells_opacity_and_brightness_of_each_species() {
        let dir = tempfile::tempdir().unwrap();
        let path = config(dir.path());
        let plan = plan::prepare(&path).unwrap();
        let all = transitions(&plan, &[15.0, 100.0], 0.0).unwrap();
        assert_eq!(all.len(), 2);
        let (main, rare) = (&all[0], &all[1]);
        assert!((main.peak_tau / rare.peak_tau - 100.0).abs() < 1e-9);
        assert!((main.observed_mhz / main.rest_mhz - (1.0 - 2.0 / 299_792.458)).abs() < 1e-12);
        // Thin: T = (J(Tex) - J(Tbg)) tau, 46.4 K here.
        assert!((main.peak_k / main.peak_tau - 46.4).abs() < 0.3, "{}", main.peak_k / main.peak_tau);
        assert_eq!(transitions(&plan, &[15.0, 100.0], 0.5 * main.peak_k).unwrap().len(), 1);
        let csv = dir.path().join("lines.csv");
        let set: Vec<String> = ["main.logn=15", "rare.ratio=100"].map(str::to_owned).to_vec();
        let args = LinesArgs {
            config: path,
            set,
            min: 0.0,
            range: None,
            csv: Some(csv.clone()),
            plot: Some(dir.path().join("plot")),
        };
        run(&args).unwrap();
        assert!(dir.path().join("plot/spectrum-01.png").is_file());
        let text = std::fs::read_to_string(&csv).unwrap();
        assert!(text.starts_with("species,window,observed_mhz"), "{text}");
        assert!(text.lines().nth(1).unwrap().starts_with("main,s 1,115270.43"), "{text}");
        let range = Some("115GHz..115.1GHz".parse().unwrap());
        run(&LinesArgs { range, plot: None, ..args.clone() }).unwrap();
        assert_eq!(
            std::fs::read_to_string(&csv).unwrap().lines().count(),
            1,
            "nothing is there but the header"
        );
        assert!(run(&LinesArgs { set: args.set[..1].to_vec(), ..args }).is_err());
        assert_eq!((kelvin("0.1K"), kelvin("2")), (Ok(0.1), Ok(2.0)));
        assert!(kelvin("3 GHz").is_err());
    }
}
