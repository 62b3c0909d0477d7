//! The table of parameters, for people and for programs.

use super::ReportError;
use mirinae_common::atomic;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;

/// One parameter of the table. Figures that could not be had are NaN.
#[derive(Debug, Clone, PartialEq)]
pub struct ParameterRow {
    /// Its name.
    pub name: String,
    /// Its unit, empty where it has none.
    pub unit: String,
    /// Median.
    pub median: f64,
    /// Ends of the 68 % interval.
    pub interval_68: (f64, f64),
    /// Ends of the 95 % interval.
    pub interval_95: (f64, f64),
    /// Quantile 95 %, the upper limit of what is not detected.
    pub limit_95: f64,
    /// Value in the best sample.
    pub best: f64,
    /// Bulk effective sample size.
    pub ess_bulk: f64,
    /// Tail effective sample size.
    pub ess_tail: f64,
    /// Integrated autocorrelation time in draws.
    pub tau: f64,
    /// R-hat.
    pub r_hat: f64,
}

impl ParameterRow {
    /// The row of a summary.
    pub fn new(summary: &crate::diagnose::ParameterSummary, unit: &str) -> Self {
        Self {
            name: summary.name.clone(),
            unit: unit.to_string(),
            median: summary.median,
            interval_68: (summary.lower_68, summary.upper_68),
            interval_95: (summary.lower_95, summary.upper_95),
            limit_95: summary.limit_95,
            best: summary.best,
            ess_bulk: summary.ess_bulk,
            ess_tail: summary.ess_tail,
            tau: summary.tau,
            r_hat: summary.r_hat,
        }
    }
}

/// The table as lines of text, with as many decimals as the errors justify.
pub fn table_text(rows: &[ParameterRow]) -> String {
    let titles = ["parameter", "unit", "median", "+", "-", "ESS", "R-hat", "tau"];
    let mut lines = vec![titles.map(str::to_string)];
    for row in rows {
        let (minus, plus) = (row.median - row.interval_68.0, row.interval_68.1 - row.median);
        let decimals = decimals(minus.min(plus));
        lines.push([
            row.name.clone(),
            row.unit.clone(),
            format!("{:.decimals$}", row.median),
            format!("{plus:.decimals$}"),
            format!("{minus:.decimals$}"),
            or_dash(row.ess_bulk, 0),
            or_dash(row.r_hat, 3),
            or_dash(row.tau, 1),
        ]);
    }
    let width = |k: usize| lines.iter().map(|l| l[k].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..titles.len()).map(width).collect();
    let mut text = String::new();
    for line in &lines {
        let mut cells = String::new();
        for (k, (cell, &width)) in line.iter().zip(&widths).enumerate() {
            // Names and units to the left, numbers to the right. Writing to a String cannot fail.
            let _ = if k < 2 { write!(cells, "{cell:<width$}  ") } else { write!(cells, "{cell:>width$}  ") };
        }
        text.push_str(cells.trim_end());
        text.push('\n');
    }
    text
}

/// Decimals that show two digits of an error.
pub(super) fn decimals(error: f64) -> usize {
    if error > 0.0 && error.is_finite() { (1.0 - error.log10().floor()).clamp(0.0, 9.0) as usize } else { 4 }
}

pub(super) fn or_dash(value: f64, decimals: usize) -> String {
    if value.is_finite() { format!("{value:.decimals$}") } else { "-".to_string() }
}

/// Writes the table with all its columns as CSV.
///
/// # Errors
/// [`ReportError::Write`].
pub fn write_summary_csv(path: &Path, rows: &[ParameterRow]) -> Result<(), ReportError> {
    atomic::write(path, |f| {
        writeln!(
            f,
            "parameter,unit,median,lower_68,upper_68,lower_95,upper_95,limit_95,best,ess_bulk,ess_tail,tau,r_hat"
        )?;
        for row in rows {
            write!(f, "{},{}", csv_field(&row.name), csv_field(&row.unit))?;
            let intervals = [row.interval_68.0, row.interval_68.1, row.interval_95.0, row.interval_95.1];
            let rest = [row.limit_95, row.best, row.ess_bulk, row.ess_tail, row.tau, row.r_hat];
            for value in [row.median].iter().chain(&intervals).chain(&rest) {
                write!(f, ",{value}")?;
            }
            writeln!(f)?;
        }
        Ok(())
    })?;
    Ok(())
}

/// A text as a field of a CSV file: in quotes where it needs them.
pub(crate) fn csv_field(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_string()
    }
}
