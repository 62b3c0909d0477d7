//! The report of a fit: one HTML file that holds all tables and pictures and says how they were made.

use super::table::{decimals, or_dash};
use super::{
    Feature, Figure, ParameterRow, ReportError, SPECIES_COLUMNS, SpeciesRow, TableNotes, WindowStatistics,
};
use mirinae_common::atomic;
use mirinae_common::page::{Cell, Page, escaped};
use std::io::Write as _;
use std::path::Path;

/// Everything that the report shows.
#[derive(Debug, Clone)]
pub struct FitPage<'a> {
    /// Title.
    pub title: String,
    /// Whether the chain can be trusted, and what is said of it.
    pub converged: bool,
    /// The sentences of the summary, one a line.
    pub told: Vec<String>,
    /// What was assumed or found odd: warnings.
    pub warnings: Vec<String>,
    /// The species.
    pub species: &'a [SpeciesRow],
    /// What the table of species says besides.
    pub notes: TableNotes<'a>,
    /// The parameters.
    pub parameters: &'a [ParameterRow],
    /// How well each window is fitted.
    pub windows: &'a [WindowStatistics],
    /// Lines that the model does not have.
    pub features: &'a [Feature],
    /// Threshold of the features.
    pub feature_sigma: f64,
    /// Pages of spectra.
    pub spectra: &'a [Figure],
    /// Further pictures with their captions.
    pub figures: &'a [(Figure, &'static str)],
    /// Other files in the folder.
    pub files: &'a [String],
    /// How all was made, as JSON.
    pub provenance: &'a str,
    /// The configuration with all defaults.
    pub settings: &'a str,
}

/// Writes the report.
///
/// # Errors
/// [`ReportError::Read`] of a picture, [`ReportError::Write`].
pub fn write_fit_page(path: &Path, fit: &FitPage<'_>) -> Result<(), ReportError> {
    let mut page = Page::new(&fit.title);
    summary(&mut page, fit);
    species(&mut page, fit);
    page.section("Spectra");
    page.paragraph(
        "Data (steps), model (line) with the band that holds 95 % of its draws, species (areas), lines with their opacity; \
         below the residual with a band of 3 sigma.",
    );
    for (k, figure) in fit.spectra.iter().enumerate() {
        page.picture(&figure.file("png"), &format!("Spectra, page {} of {}", k + 1, fit.spectra.len()))?;
    }
    residuals(&mut page, fit);
    parameters(&mut page, fit);
    page.section("Posterior and chains");
    for (figure, caption) in fit.figures {
        page.picture(&figure.file("png"), caption)?;
    }
    page.section("How this was made");
    page.paragraph(fit.notes.made_by);
    page.paragraph(&format!("Files beside this page: {}.", fit.files.join(", ")));
    page.details("Configuration with all defaults", fit.settings);
    page.details("Program, inputs and their checksums", fit.provenance);
    let text = page.finish();
    Ok(atomic::write(path, |file| file.write_all(text.as_bytes()))?)
}

fn summary(page: &mut Page, fit: &FitPage<'_>) {
    page.section("Summary");
    for (k, line) in fit.told.iter().enumerate() {
        match (k, fit.converged) {
            (0, true) => page.note("good", line),
            (0, false) => page.note("bad", line),
            _ => page.paragraph(line),
        };
    }
    for warning in &fit.warnings {
        page.note("note", warning);
    }
}

fn species(page: &mut Page, fit: &FitPage<'_>) {
    page.section("Species");
    let mut heads = vec!["species", "log₁₀ N [cm⁻²]", "T_ex [K]", "FWHM [km/s]", "v [km/s]", "size [″]"];
    if fit.notes.reference.is_some() {
        heads.push("log₁₀ abundance");
    }
    heads.push("detection");
    let n = heads.len() - 2;
    let row = |row: &SpeciesRow| {
        let mut cells = vec![Cell::Text(row.name.clone())];
        for (k, quantity) in row.quantities.iter().take(n).enumerate() {
            let is_column = k == 0 || k + 1 == SPECIES_COLUMNS.len();
            cells.push(match quantity {
                _ if is_column && row.is_limit() => match row.limit_95.filter(|_| k == 0) {
                    Some(limit) => Cell::Html(format!("&lt; {limit:.2} <small>(95 %)</small>")),
                    None => Cell::Number("–".to_string()),
                },
                None => Cell::Number("–".to_string()),
                Some(measured) => Cell::Html(measured.html()),
            });
        }
        cells.push(match &row.detection {
            None => Cell::Text("–".to_string()),
            Some((verdict, sigma)) => Cell::Text(format!("{verdict} ({sigma:.1} σ)")),
        });
        cells
    };
    page.table(&heads, fit.species.iter().map(row));
    let reference = fit.notes.reference.map(|r| format!(" Abundances: column density over that of {r}."));
    page.paragraph(&format!(
        "Medians with 68 % intervals; a species that is not detected has an upper limit.{}",
        reference.unwrap_or_default()
    ));
}

fn residuals(page: &mut Page, fit: &FitPage<'_>) {
    page.section("Residuals and unidentified lines");
    let heads = ["window", "channels", "chi² a channel", "rms/σ", "largest |r|/σ", "neighbours’ correlation"];
    let row = |w: &WindowStatistics| {
        vec![
            Cell::Text(w.name.clone()),
            Cell::Number(w.channels.to_string()),
            Cell::Number(or_dash(w.rms_sigma * w.rms_sigma, 3)),
            Cell::Number(or_dash(w.rms_sigma, 3)),
            Cell::Number(or_dash(w.largest_sigma, 1)),
            Cell::Number(or_dash(w.neighbour_correlation, 2)),
        ]
    };
    page.table(&heads, fit.windows.iter().map(row));
    let threshold = fit.feature_sigma;
    if fit.features.is_empty() {
        page.paragraph(&format!("No channel of the residual exceeds {threshold} sigma."));
        return;
    }
    page.paragraph(&format!(
        "Runs of channels beyond {threshold} sigma: lines that the model does not have (or, negative, too much of). \
         alma-fit identify --residual looks for their carriers."
    ));
    let heads = ["window", "frequency [MHz]", "peak [K]", "σ", "channels", "width [km/s]"];
    let row = |f: &Feature| {
        vec![
            Cell::Text(f.spectrum.clone()),
            Cell::Number(format!("{:.3}", f.freq_mhz)),
            Cell::Number(format!("{:+.3}", f.peak_k)),
            Cell::Number(format!("{:+.1}", f.peak_sigma)),
            Cell::Number(f.channels.to_string()),
            Cell::Number(format!("{:.2}", f.width_km_s)),
        ]
    };
    let mut order: Vec<&Feature> = fit.features.iter().collect();
    order.sort_by(|a, b| b.peak_sigma.abs().total_cmp(&a.peak_sigma.abs()));
    page.table(&heads, order.into_iter().map(row));
}

fn parameters(page: &mut Page, fit: &FitPage<'_>) {
    page.section("Parameters and convergence");
    let heads =
        ["parameter", "unit", "median", "95 % interval", "best", "ESS bulk", "ESS tail", "R-hat", "tau"];
    let row = |p: &ParameterRow| {
        let (minus, plus) = (p.median - p.interval_68.0, p.interval_68.1 - p.median);
        let n = decimals(minus.min(plus));
        let measured = super::Measured { value: p.median, errors: Some((minus, plus)) };
        vec![
            Cell::Text(p.name.clone()),
            Cell::Text(p.unit.clone()),
            Cell::Html(measured.html()),
            Cell::Html(escaped(&format!("{:.n$} … {:.n$}", p.interval_95.0, p.interval_95.1))),
            Cell::Number(format!("{:.n$}", p.best)),
            Cell::Number(or_dash(p.ess_bulk, 0)),
            Cell::Number(or_dash(p.ess_tail, 0)),
            Cell::Number(or_dash(p.r_hat, 4)),
            Cell::Number(or_dash(p.tau, 1)),
        ]
    };
    page.table(&heads, fit.parameters.iter().map(row));
}
