//! The table of species that a paper prints: column density, temperature, width, velocity, size and abundance with
//! asymmetric errors, as ECSV (astropy) and LaTeX.

use super::ReportError;
use super::table::{csv_field, decimals};
use mirinae_common::atomic;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;

/// A quantity with the distances to the ends of its 68 % interval; no errors where it was not fitted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measured {
    /// Median, or the value that was given.
    pub value: f64,
    /// Down to 15.865 % and up to 84.135 %.
    pub errors: Option<(f64, f64)>,
}

/// One species. `None`: the species has no such quantity.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SpeciesRow {
    /// Its name.
    pub name: String,
    /// In the order of [`SPECIES_COLUMNS`].
    pub quantities: [Option<Measured>; 6],
    /// Verdict and significance in standard deviations, where the fit without it was made.
    pub detection: Option<(String, f64)>,
    /// Upper limit of log10 N (95 %).
    pub limit_95: Option<f64>,
}

/// Name, unit (as astropy writes it), LaTeX heading and description of a species' quantities.
pub const SPECIES_COLUMNS: [(&str, &str, &str, &str); 6] = [
    ("logn", "dex(cm-2)", r"$\log_{10} N$ [cm$^{-2}$]", "log10 of the column density"),
    ("tex", "K", r"$T_{\rm ex}$ [K]", "excitation temperature (kinetic where out of equilibrium)"),
    ("fwhm", "km / s", r"FWHM [km\,s$^{-1}$]", "line width"),
    ("v", "km / s", r"$v$ [km\,s$^{-1}$]", "velocity, radio convention"),
    ("size", "arcsec", r"size [$''$]", "diameter of the source; empty where it fills the beam"),
    ("log_abundance", "dex", r"$\log_{10} X$", "log10 of the column density over that of the reference"),
];

/// What the tables say besides their rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TableNotes<'a> {
    /// The species that abundances are relative to.
    pub reference: Option<&'a str>,
    /// How the table was made.
    pub made_by: &'a str,
}

/// Writes the table as ECSV 1.0, readable by `astropy.table.Table.read`; empty fields are masked there.
///
/// # Errors
/// [`ReportError::Write`].
pub fn write_species_ecsv(
    path: &Path,
    rows: &[SpeciesRow],
    notes: TableNotes<'_>,
) -> Result<(), ReportError> {
    let mut text = String::from("# %ECSV 1.0\n# ---\n# delimiter: ','\n# datatype:\n");
    let mut names = vec!["species".to_string()];
    text.push_str("# - {name: species, datatype: string}\n");
    for (name, unit, _, about) in SPECIES_COLUMNS {
        for (end, about) in [("", about), ("_minus", "down to the 68 % interval"), ("_plus", "up to it")] {
            let unit = if end.is_empty() { unit } else { unit.trim_start_matches("dex(cm-2)") };
            let unit = if unit.is_empty() { "dex" } else { unit };
            // Writing to a String cannot fail.
            let _ = writeln!(
                text,
                "# - {{name: {name}{end}, unit: {unit}, datatype: float64, description: \"{about}\"}}"
            );
            names.push(format!("{name}{end}"));
        }
    }
    text.push_str("# - {name: verdict, datatype: string, description: of a fit without the species}\n");
    text.push_str("# - {name: significance, datatype: float64, description: in standard deviations}\n");
    text.push_str(
        "# - {name: logn_limit_95, unit: dex(cm-2), datatype: float64, description: upper limit 95 %}\n",
    );
    let reference = notes.reference.unwrap_or("none");
    let _ = writeln!(
        text,
        "# meta:\n#   reference_species: \"{}\"\n#   made_by: \"{}\"\n# schema: astropy-2.0",
        in_yaml(reference),
        in_yaml(notes.made_by)
    );
    let _ = writeln!(text, "{},verdict,significance,logn_limit_95", names.join(","));
    for row in rows {
        let _ = write!(text, "{}", csv_field(&row.name));
        for quantity in &row.quantities {
            let errors = quantity.and_then(|q| q.errors);
            for value in [quantity.map(|q| q.value), errors.map(|e| e.0), errors.map(|e| e.1)] {
                let _ = write!(text, ",{}", or_empty(value));
            }
        }
        let verdict = row.detection.as_ref().map_or("", |d| d.0.as_str());
        let sigma = or_empty(row.detection.as_ref().map(|d| d.1));
        let _ = writeln!(text, ",{},{sigma},{}", csv_field(verdict), or_empty(row.limit_95));
    }
    Ok(atomic::write(path, |file| file.write_all(text.as_bytes()))?)
}

fn or_empty(value: Option<f64>) -> String {
    value.filter(|v| v.is_finite()).map_or_else(String::new, |v| v.to_string())
}

/// Within double quotes of YAML.
fn in_yaml(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}

impl SpeciesRow {
    /// Whether its column density is an upper limit: a fit without it is as good.
    pub fn is_limit(&self) -> bool {
        self.detection.as_ref().is_some_and(|d| d.0 != "detected") && self.limit_95.is_some()
    }
}

/// Writes the table for a paper: `\begin{tabular}` and what is in it.
///
/// # Errors
/// [`ReportError::Write`].
pub fn write_species_latex(
    path: &Path,
    rows: &[SpeciesRow],
    notes: TableNotes<'_>,
) -> Result<(), ReportError> {
    let mut text = format!("% {}\n", notes.made_by);
    if let Some(reference) = notes.reference {
        let _ = writeln!(text, "% X: column density over that of {reference}");
    }
    text.push_str("% Medians with 68 % intervals; without errors: fixed; below: 95 % upper limits\n");
    let _ = writeln!(text, "\\begin{{tabular}}{{l{}}}\n\\hline", "c".repeat(SPECIES_COLUMNS.len()));
    let heads: Vec<&str> = SPECIES_COLUMNS.iter().map(|c| c.2).collect();
    let _ = writeln!(text, "Species & {} \\\\\n\\hline", heads.join(" & "));
    for row in rows {
        let _ = write!(text, "{}", in_latex(&row.name));
        for (k, quantity) in row.quantities.iter().enumerate() {
            let cell = match (k, quantity) {
                (0, _) if row.is_limit() => format!("$<{:.2}$", row.limit_95.unwrap_or(f64::NAN)),
                (5, _) if row.is_limit() => "\\dots".to_string(),
                (_, None) => "\\dots".to_string(),
                (_, Some(q)) => format!("${}$", q.latex()),
            };
            let _ = write!(text, " & {cell}");
        }
        text.push_str(" \\\\\n");
    }
    text.push_str("\\hline\n\\end{tabular}\n");
    Ok(atomic::write(path, |file| file.write_all(text.as_bytes()))?)
}

impl Measured {
    /// Decimals that show two digits of the smaller error.
    fn decimals(self) -> usize {
        self.errors.map_or(2, |(minus, plus)| decimals(minus.min(plus)))
    }

    fn latex(self) -> String {
        let n = self.decimals();
        match self.errors {
            None => format!("{}", self.value),
            Some((minus, plus)) => format!("{:.n$}_{{-{minus:.n$}}}^{{+{plus:.n$}}}", self.value),
        }
    }

    /// For HTML.
    pub(super) fn html(self) -> String {
        let n = self.decimals();
        match self.errors {
            None => format!("{} <small>(fixed)</small>", (self.value * 1e4).round() / 1e4),
            Some((minus, plus)) => format!(
                "{:.n$}<span class=\"pm\"><sup>+{plus:.n$}</sup><sub>&minus;{minus:.n$}</sub></span>",
                self.value
            ),
        }
    }
}

fn in_latex(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '&' | '%' | '$' | '#' | '_' | '{' | '}' => out.extend(['\\', c]),
            '\\' => out.push_str("\\textbackslash{}"),
            '^' => out.push_str("\\textasciicircum{}"),
            '~' => out.push_str("\\textasciitilde{}"),
            c => out.push(c),
        }
    }
    out
}
