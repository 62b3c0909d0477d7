//! The products of `alma-fit identify`: tables, pictures, summary.

use super::Report;
use crate::cli::table::Csv;
use crate::config::Config;
use crate::identify::{Assignment, Found, Side};
use crate::plan::Observed;
use crate::report::{self, Component, FittedSpectrum, LineLabel};
use anyhow::Context as _;
use mirinae_common::{atomic, provenance};
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;

pub(super) fn write(
    observed: &Observed,
    report: &Report,
    config: &Config,
    out: &Path,
) -> anyhow::Result<String> {
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

    fn label(&self, side: Side, assignment: &Assignment) -> String {
        let name = match assignment.shares.first() {
            Some(share) if assignment.is_identified() => self.name(share.candidate),
            _ => "U",
        };
        if side == Side::Absorption { format!("{name} (abs.)") } else { name.to_owned() }
    }

    /// Every accepted species with its side.
    fn found(&self) -> impl Iterator<Item = (Side, &Found)> {
        self.sides.iter().flat_map(|s| s.found.iter().map(|f| (s.side, f)))
    }

    fn has_absorption(&self) -> bool {
        self.sides.iter().any(|s| s.side == Side::Absorption)
    }

    /// Every peak with its side, by window and frequency.
    fn peaks(&self) -> Vec<(Side, &Assignment)> {
        let mut all: Vec<_> = self.sides.iter().flat_map(|s| s.peaks.iter().map(|a| (s.side, a))).collect();
        all.sort_by(|(_, a), (_, b)| {
            a.window.cmp(&b.window).then(a.peak.freq_mhz.total_cmp(&b.peak.freq_mhz))
        });
        all
    }
}

fn species_csv(report: &Report) -> Csv {
    let columns = [
        "species",
        "side",
        "lines_found",
        "lines_expected",
        "signal",
        "log10_n_cm2",
        "tex_k",
        "fwhm_kms",
        "v_kms",
        "filling",
        "depth_k",
        "verdict",
    ];
    let mut csv = Csv::new(&columns);
    for (side, f) in report.found() {
        let s = f.state;
        let number = |x: Option<f64>| x.map(|x| format!("{x:.4}")).unwrap_or_default();
        csv.row([
            report.name(f.candidate).to_owned(),
            side.name().to_owned(),
            f.lines.1.to_string(),
            f.lines.0.to_string(),
            format!("{:.1}", f.gain.max(0.0).sqrt()),
            format!("{:.2}", s.log10_n),
            format!("{:.1}", s.tex_k),
            format!("{:.3}", s.fwhm_kms),
            format!("{:.3}", s.v_kms),
            number((side == Side::Emission).then_some(s.filling)),
            number((side == Side::Absorption).then(|| depth_k(report, f))),
            Report::verdict(f).to_owned(),
        ]);
    }
    csv
}

/// What an opaque line in absorption takes away (K), at the strongest of its lines.
fn depth_k(report: &Report, found: &Found) -> f64 {
    let lines = report.candidates[found.candidate].transitions(&found.state);
    let strongest = lines.iter().max_by(|a, b| a.peak_tau.total_cmp(&b.peak_tau));
    strongest.map_or(f64::NAN, |line| -line.peak_k / libm::expm1(-line.peak_tau))
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
    for (side, a) in report.peaks() {
        let sign = if side == Side::Absorption { -1.0 } else { 1.0 };
        let first = a.shares.first().filter(|_| a.is_identified());
        let line = first.and_then(|s| s.line.as_ref());
        let number = |x: Option<f64>, digits: usize| x.map(|x| format!("{x:.digits$}")).unwrap_or_default();
        let offset =
            line.map(|l| (l.observed_mhz - a.peak.freq_mhz) / a.peak.freq_mhz * crate::physics::C_KMS);
        let others: Vec<String> = a
            .shares
            .iter()
            .skip(usize::from(first.is_some()))
            .map(|s| format!("{} {:.2} K", report.name(s.candidate), sign * s.model_k))
            .collect();
        csv.row([
            observed.windows[a.window].window.name.clone(),
            format!("{:.3}", a.peak.freq_mhz),
            format!("{:.3}", sign * a.peak.t_k),
            format!("{:.1}", sign * a.peak.signal),
            if a.peak.fwhm_kms.is_finite() { format!("{:.2}", a.peak.fwhm_kms) } else { String::new() },
            first.map_or("unidentified".to_owned(), |s| report.name(s.candidate).to_owned()),
            number(line.map(|l| l.rest_mhz), 4),
            number(line.map(|l| l.e_up_k), 2),
            number(offset, 2),
            number(first.map(|s| sign * s.model_k), 3),
            format!("{:.3}", sign * a.model_k),
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
    for (side, found) in report.found() {
        let mut model_k = vec![0.0; freqs];
        report.candidates[found.candidate].spectrum_once(&found.state, &mut model_k);
        let mut name = report.name(found.candidate).to_owned();
        if side == Side::Absorption {
            model_k.iter_mut().for_each(|t| *t = -*t);
            name.push_str(" (abs.)");
        }
        parts.push((name, model_k));
    }
    let peaks = report.peaks();
    let mut first = 0;
    let mut all = Vec::new();
    for (index, w) in observed.windows.iter().enumerate() {
        let channels = first..first + w.t_k.len();
        first = channels.end;
        let flagged = |values: &[f64]| -> Vec<f64> {
            values.iter().zip(&w.sigma_k).map(|(x, s)| if s.is_finite() { *x } else { f64::NAN }).collect()
        };
        let label = |(_, a): &&(Side, &Assignment)| a.window == index;
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
            labels: peaks
                .iter()
                .filter(label)
                .map(|(side, a)| LineLabel {
                    freq_mhz: a.peak.freq_mhz,
                    text: report.label(*side, a),
                    strength_k: a.peak.t_k,
                })
                .collect(),
        });
    }
    all
}

fn summary(observed: &Observed, report: &Report) -> String {
    let peaks = report.peaks();
    let unknown = peaks.iter().filter(|(_, a)| !a.is_identified()).count();
    let mut text = format!(
        "{} peaks, {} identified, {unknown} unidentified; {} species looked for, {} of them with lines here\n",
        peaks.len(),
        peaks.len() - unknown,
        report.lists,
        report.candidates.len(),
    );
    // Writing to a string cannot fail.
    for s in &report.sides {
        let (name, n) = (s.side.name(), s.peaks.len());
        let _ = writeln!(text, "{name}: {n} peaks; v {:.1} km/s, FWHM {:.2} km/s", s.v_kms, s.fwhm_kms);
    }
    let names = report.found().map(|(_, f)| report.name(f.candidate).chars().count());
    let widest = names.max().unwrap_or(0).max(7) + if report.has_absorption() { 7 } else { 0 };
    text.push_str(&species_text(report, widest));
    text.push_str(&peaks_text(report, widest));
    text.push_str("\nColumn densities here only show that a species can explain its lines: fit them with first-look or run.\n");
    for note in &observed.notes {
        let _ = writeln!(text, "note: {note}");
    }
    text
}

fn species_text(report: &Report, widest: usize) -> String {
    let mut text = format!(
        "\n{:widest$}  {:>9}  {:>7}  {:>6}  {:>7}  {:>7}  {:>11}  verdict\n",
        "species", "lines", "signal", "log N", "Tex K", "v km/s", "filling"
    );
    for (side, f) in report.found() {
        let (s, lines) = (f.state, format!("{} of {}", f.lines.1, f.lines.0));
        let (name, filling) = match side {
            Side::Emission => (report.name(f.candidate).to_owned(), format!("{:.4}", s.filling)),
            Side::Absorption => {
                (format!("{} (abs.)", report.name(f.candidate)), format!("-{:.3} K", depth_k(report, f)))
            }
        };
        let _ = writeln!(
            text,
            "{name:widest$}  {lines:>9}  {:7.0}  {:6.2}  {:7.1}  {:7.2}  {filling:>11}  {}",
            f.gain.max(0.0).sqrt(),
            s.log10_n,
            s.tex_k,
            s.v_kms,
            Report::verdict(f)
        );
    }
    text
}

fn peaks_text(report: &Report, widest: usize) -> String {
    let mut text = format!(
        "\n{:>13}  {:>8}  {:>7}  {:widest$}  {:>12}  {:>8}  lines\n",
        "observed MHz", "peak K", "signal", "species", "rest MHz", "E_up K"
    );
    for (side, a) in report.peaks() {
        let sign = if side == Side::Absorption { -1.0 } else { 1.0 };
        let (f, t, snr) = (a.peak.freq_mhz, sign * a.peak.t_k, sign * a.peak.signal);
        let line = a.shares.first().filter(|_| a.is_identified()).and_then(|s| s.line.as_ref());
        let name = report.label(side, a);
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
                "{f:13.3}  {t:8.3}  {snr:7.1}  {name:widest$}  possible: {}",
                possibilities(report, a)
            ),
        };
    }
    text
}
