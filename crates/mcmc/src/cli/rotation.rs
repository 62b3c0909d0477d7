//! `alma-fit rotation`: rotation diagrams of the species of a configuration.

use super::table::{Csv, print};
use crate::model::{Beam, WindowParams};
use crate::plan::{self, Plan};
use crate::posterior::{Posterior, QUANTITIES, WindowData};
use crate::report::{Figure, RotationPanel, RotationPoint, write_rotation_figure};
use crate::rotation::{
    Diagram, DiagramError, Flux, LineGroup, Point, Rotation, Shared, Spectrum, Use, fit, group, measure,
    place,
};
use anyhow::{Context as _, anyhow};
use mirinae_common::outcome::Failure;
use mirinae_common::{atomic, provenance};
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// What the user asks for.
#[derive(Debug, clap::Args)]
pub(super) struct RotationArgs {
    /// The configuration
    config: PathBuf,
    /// Where the lines are and how wide, as CH3OH.logn=18.3; once for each free parameter [default: a first look finds it]
    #[arg(long, value_name = "NAME=VALUE")]
    set: Vec<String>,
    /// Only this species; once for each [default: all]
    #[arg(long, value_name = "NAME")]
    species: Vec<String>,
    /// Part of a line's expected flux that may be other species'
    #[arg(long, value_name = "PART", default_value_t = 0.05)]
    blend: f64,
    /// Signal to noise that a line needs
    #[arg(long, value_name = "SIGMA", default_value_t = 5.0)]
    min_sigma: f64,
    /// Relative error of every flux beyond the noise, each for itself
    #[arg(long, value_name = "PART", default_value_t = 0.0)]
    flux_error: f64,
    /// Relative error that all fluxes of a window share: 0.1 for a calibration good to 10 per cent [default: what the
    /// configuration's calibration allows]
    #[arg(long, value_name = "PART")]
    calibration_error: Option<f64>,
    /// Leave out the correction for opacity
    #[arg(long)]
    thin: bool,
    /// Folder of the products [default: the configuration's name with .rotation]
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
}

/// The diagram of one species.
struct Species {
    name: String,
    lines: Vec<(LineGroup, Flux, Beam)>,
    /// Where each line lies; None: nowhere.
    places: Vec<Option<Point>>,
    result: Result<Rotation, DiagramError>,
    /// Its levels have no common temperature in the model that lines and others come from.
    out_of_lte: bool,
}

/// Measures, fits, writes the products and prints the table.
pub(super) fn run(args: &RotationArgs) -> Result<(), Failure> {
    let plan = plan::prepare(&args.config)?;
    let posterior = plan.posterior().map_err(Failure::input)?;
    let known = |name: &&String| plan.species.iter().all(|s| s.name() != name.as_str());
    if let Some(name) = args.species.iter().find(known) {
        return Err(Failure::usage(anyhow!("--species {name}: the configuration has no such species")));
    }
    let (theta, sigma) = match args.set.is_empty() {
        true => {
            let look = super::first_look::look(&plan, &posterior, &[])?;
            let known = |k: usize| look.covariance.determined[k] && !look.minimum.at_bound[k];
            let sigma = look.covariance.sigma().into_iter().enumerate();
            let sigma = sigma.map(|(k, s)| if known(k) { s } else { 0.0 }).collect();
            (look.minimum.x, sigma)
        }
        false => (plan.values_from(&args.set).map_err(Failure::usage)?, Vec::new()),
    };
    let all = diagrams(&plan, &posterior, (&theta, &sigma), args).map_err(Failure::run)?;
    let out = args.out.clone().unwrap_or_else(|| args.config.with_extension("rotation"));
    let text = write(&plan, &all, args, &out).map_err(Failure::run)?;
    print(&format!("{text}products in {}", out.display()))
}

/// Index of a quantity of a species.
fn quantity(name: &str) -> usize {
    QUANTITIES.iter().position(|q| q.0 == name).unwrap_or_default()
}

/// The diagrams of the species that are asked for, with lines where the model has them at `theta`; `sigma`: errors of the
/// parameters, empty where they are taken as known.
fn diagrams(
    plan: &Plan,
    posterior: &Posterior,
    (theta, sigma): (&[f64], &[f64]),
    args: &RotationArgs,
) -> anyhow::Result<Vec<Species>> {
    let mut work = posterior.work();
    let contributions = posterior.contributions(theta, &mut work)?;
    let transitions = posterior.transitions(theta)?;
    let t_k: Vec<Vec<f64>> =
        plan.windows.iter().zip(posterior.window_params(theta)).map(|(w, p)| corrected(w, &p)).collect();
    let calibration: Vec<f64> = posterior.window_params(theta).iter().map(|p| p.calibration).collect();
    let channels: Vec<_> = posterior.model().window_channels().collect();
    let mut all = Vec::new();
    for (index, (species, values)) in plan.species.iter().zip(plan.layout.values(theta)).enumerate() {
        if !args.species.is_empty() && !args.species.iter().any(|name| name == species.name()) {
            continue;
        }
        let own: Vec<_> = transitions.iter().filter(|t| t.species == index).cloned().collect();
        let fwhm_kms = values[quantity("fwhm_kms")];
        let others: Vec<f64> = (0..contributions[index].len())
            .map(|i| contributions.iter().enumerate().filter(|(k, _)| *k != index).map(|(_, c)| c[i]).sum())
            .collect();
        let mut lines = Vec::new();
        for group in group(&own, fwhm_kms) {
            let (window, range) = (&plan.windows[group.window], channels[group.window].clone());
            let spectrum = Spectrum {
                freq_mhz: &window.window.freq_mhz,
                t_k: &t_k[group.window],
                sigma_k: &window.sigma_k,
                own_k: &contributions[index][range.clone()],
                others_k: &others[range],
            };
            if let Some(mut flux) = measure(&spectrum, &group, fwhm_kms, (args.blend, args.min_sigma)) {
                flux.k_kms /= calibration[group.window];
                flux.sigma_k_kms /= calibration[group.window];
                lines.push((group, flux, window.window.beam));
            }
        }
        let shared = shared(plan, args, (index, &values), sigma);
        let setup = Diagram {
            fwhm_kms,
            size_arcsec: values[quantity("size_arcsec")],
            t_bg_k: plan.options.t_bg_k,
            tex_k: values[quantity("tex_k")],
            q: species.q(),
            correct: !args.thin,
            flux_error: args.flux_error,
            shared: &shared,
        };
        all.push(Species {
            out_of_lte: plan.nonlte[index].is_some(),
            ..diagram(species.name(), lines, &setup)
        });
    }
    Ok(all)
}

/// What the fluxes of a species (index, values) share: calibration of each window, width, size.
fn shared(
    plan: &Plan,
    args: &RotationArgs,
    (species, values): (usize, &[f64]),
    sigma: &[f64],
) -> Vec<Shared> {
    let layout = &plan.layout;
    let calibrations = match args.calibration_error {
        Some(part) => (0..plan.windows.len()).map(|window| Shared::Calibration(vec![window], part)).collect(),
        None => layout
            .calibrations()
            .into_iter()
            .map(|(windows, p)| Shared::Calibration(windows, p))
            .collect::<Vec<_>>(),
    };
    let of = |name: &str| {
        let error = layout.free(species, quantity(name)).and_then(|k| sigma.get(k)).copied();
        let value = values[quantity(name)];
        error.map_or(0.0, |error| error / value)
    };
    calibrations
        .into_iter()
        .chain([Shared::Width(of("fwhm_kms")), Shared::Size(of("size_arcsec"))])
        .filter(|shared| match shared {
            Shared::Calibration(_, part) | Shared::Width(part) | Shared::Size(part) => {
                part.is_finite() && *part > 0.0
            }
        })
        .collect()
}

/// The data of a window without its continuum.
fn corrected(data: &WindowData, params: &WindowParams) -> Vec<f64> {
    let mut continuum_k = vec![0.0; data.t_k.len()];
    params.apply(&data.window.freq_mhz, &mut continuum_k);
    data.t_k.iter().zip(continuum_k).map(|(t, c)| t - c).collect()
}

fn diagram(name: &str, lines: Vec<(LineGroup, Flux, Beam)>, setup: &Diagram) -> Species {
    let refer = |(group, flux, beam)| -> (&LineGroup, &Flux, Beam) { (group, flux, beam) };
    let borrowed: Vec<_> = lines.iter().map(|(g, f, b)| refer((g, f, *b))).collect();
    let used: Vec<_> = borrowed.iter().filter(|(_, f, _)| f.verdict == Use::Used).copied().collect();
    let result = fit(&used, setup);
    let place_one = |line: &(&LineGroup, &Flux, Beam)| {
        let point = place(line, setup, result.as_ref().ok()?);
        point.ln_n.is_finite().then_some(point)
    };
    let places = borrowed.iter().map(place_one).collect();
    Species { name: name.to_owned(), places, result, lines, out_of_lte: false }
}

fn write(plan: &Plan, all: &[Species], args: &RotationArgs, out: &Path) -> anyhow::Result<String> {
    std::fs::create_dir_all(out).with_context(|| format!("cannot make {}", out.display()))?;
    let text = summary(all, args);
    let hash = provenance::hash(&postcard::to_stdvec(plan)?);
    let made = provenance::of_plan("alma-fit rotation", &hash, &plan.settings, &plan.inputs);
    atomic::write(&out.join("provenance.json"), |file| writeln!(file, "{made}"))?;
    results(all).write(&out.join("rotation.csv")).map_err(|failure| failure.error)?;
    lines(plan, all).write(&out.join("lines.csv")).map_err(|failure| failure.error)?;
    let made_by = provenance::in_a_line("alma-fit rotation", &hash);
    let figure = Figure::new(out.join("rotation"), &made_by);
    write_rotation_figure(&figure, &all.iter().map(panel).collect::<Vec<_>>())?;
    atomic::write(&out.join("summary.txt"), |file| file.write_all(text.as_bytes()))?;
    Ok(text)
}

fn results(all: &[Species]) -> Csv {
    let columns = [
        "species",
        "t_rot_k",
        "sigma_t_k",
        "log10_n_cm2",
        "sigma_log10_n",
        "chi2",
        "freedom",
        "lines_used",
        "largest_tau",
        "problem",
    ];
    let mut csv = Csv::new(&columns);
    for species in all {
        let used = species.lines.iter().filter(|l| l.1.verdict == Use::Used).count().to_string();
        let cells: Vec<String> = match &species.result {
            Ok(r) => {
                let numbers =
                    [r.t_k.0, r.t_k.1, r.log10_n.0, r.log10_n.1, r.chi2.0].map(|x| format!("{x:.5}"));
                let tau = format!("{:.4}", largest_tau(r));
                numbers.into_iter().chain([r.chi2.1.to_string(), used, tau, String::new()]).collect()
            }
            Err(e) => (0..6).map(|_| String::new()).chain([used, String::new(), e.to_string()]).collect(),
        };
        csv.row(std::iter::once(species.name.clone()).chain(cells));
    }
    csv
}

fn largest_tau(rotation: &Rotation) -> f64 {
    rotation.points.iter().map(|p| p.peak_tau).fold(0.0, f64::max)
}

fn lines(plan: &Plan, all: &[Species]) -> Csv {
    let mut csv = Csv::new(&[
        "species",
        "window",
        "rest_mhz",
        "lines",
        "e_up_k",
        "a_g_s",
        "flux_k_kms",
        "sigma_k_kms",
        "peak_k",
        "offset_kms",
        "fwhm_kms",
        "ln_nu_gu",
        "sigma_ln",
        "c_tau",
        "peak_tau",
        "use",
        "foreign_part",
        "qn",
    ]);
    for species in all {
        for ((group, flux, _), place) in species.lines.iter().zip(&species.places) {
            let number = |x: f64| if x.is_finite() { format!("{x:.5}") } else { String::new() };
            let point =
                place.map_or([f64::NAN; 4], |p| [p.ln_n, p.sigma, p.correction, p.peak_tau]).map(number);
            let foreign =
                if let Use::Blended(part) = flux.verdict { format!("{part:.3}") } else { String::new() };
            let measured =
                [flux.k_kms, flux.sigma_k_kms, flux.peak_k, flux.offset_kms, flux.fwhm_kms].map(number);
            csv.row(
                [
                    species.name.clone(),
                    plan.windows[group.window].window.name.clone(),
                    format!("{:.4}", group.rest_mhz),
                    group.a_g_s.len().to_string(),
                    format!("{:.3}", group.e_up_k),
                    format!("{:.4e}", group.a_g_s.iter().sum::<f64>()),
                ]
                .into_iter()
                .chain(measured)
                .chain(point)
                .chain([flux.verdict.name().to_owned(), foreign, group.qn.clone()]),
            );
        }
    }
    csv
}

fn panel(species: &Species) -> RotationPanel {
    let point = |((group, flux, _), place): (&(LineGroup, Flux, Beam), &Option<Point>)| {
        let place = (*place)?;
        Some(RotationPoint {
            e_up_k: group.e_up_k,
            ln_n: place.ln_n,
            sigma: place.sigma,
            used: flux.verdict == Use::Used,
        })
    };
    let title = match &species.result {
        Ok(r) => {
            let ((t, st), (n, sn)) = (r.t_k, r.log10_n);
            format!("{}: T = {t:.1} +- {st:.1} K, log N = {n:.3} +- {sn:.3}", species.name)
        }
        Err(_) => format!("{}: no line through its points", species.name),
    };
    let line = species.result.as_ref().ok().map(|r| (r.ln_n_over_q, r.t_k.0));
    RotationPanel {
        title,
        points: species.lines.iter().zip(&species.places).filter_map(point).collect(),
        line,
    }
}

fn summary(all: &[Species], args: &RotationArgs) -> String {
    let widest = all.iter().map(|s| s.name.chars().count()).max().unwrap_or(0).max(7);
    let mut text = format!(
        "{:widest$}  {:>17}  {:>17}  {:>12}  {:>11}  left out\n",
        "species", "T_rot (K)", "log10 N (cm^-2)", "chi2/freedom", "lines, tau"
    );
    for species in all {
        let count = |name: &str| species.lines.iter().filter(|l| l.1.verdict.name() == name).count();
        let left: Vec<String> = ["blended", "own blend", "weak", "incomplete", "displaced"]
            .iter()
            .filter(|name| count(name) > 0)
            .map(|name| format!("{} {name}", count(name)))
            .collect();
        let left = left.join(", ");
        // Writing to a string cannot fail.
        let _ = match &species.result {
            Ok(r) => {
                let t = format!("{:.2} +- {:.2}", r.t_k.0, r.t_k.1);
                let n = format!("{:.3} +- {:.3}", r.log10_n.0, r.log10_n.1);
                let chi2 = format!("{:.1}/{}", r.chi2.0, r.chi2.1);
                let used = format!("{}, {:.2}", r.points.len(), largest_tau(r));
                writeln!(text, "{:widest$}  {t:>17}  {n:>17}  {chi2:>12}  {used:>11}  {left}", species.name)
            }
            Err(e) => writeln!(text, "{:widest$}  {e} ({left})", species.name),
        };
    }
    for species in all.iter().filter(|s| s.out_of_lte) {
        let _ = writeln!(
            text,
            "{} is not in LTE: its T_rot is that of the levels seen, and N is too small or too large by what the others hold",
            species.name
        );
    }
    let opacity = if args.thin { "not corrected for opacity" } else { "corrected for opacity" };
    let _ = writeln!(
        text,
        "fluxes {opacity}; errors are those of the noise{}, times the scatter where that is larger; lines with more than \
         {:.0} % of other species, or below {} sigma, are left out",
        if args.flux_error > 0.0 {
            format!(" and {:.0} % of each flux", 100.0 * args.flux_error)
        } else {
            String::new()
        },
        100.0 * args.blend,
        args.min_sigma
    );
    text
}

#[cfg(test)]
mod tests;
