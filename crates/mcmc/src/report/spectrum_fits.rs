//! The best fit of one spectrum and its posterior as a FITS table.

use super::{Cards, FittedSpectrum, ReportError, write_table};
use std::path::Path;

/// Writes the columns of [`FittedSpectrum::columns`] as a binary table SPECTRUM: frequencies in MHz, temperatures in K, NaN
/// where there are no data.
///
/// # Errors
/// [`ReportError::Shape`] and [`ReportError::Write`].
pub fn write_spectrum_fits(path: &Path, spectrum: &FittedSpectrum, made_by: &str) -> Result<(), ReportError> {
    let unit = |name: &str| if name == "freq_mhz" { "MHz" } else { "K" };
    let columns: Vec<(String, &str, Vec<f64>)> = spectrum
        .columns()?
        .into_iter()
        .map(|(name, values)| {
            let unit = unit(&name);
            (name, unit, values)
        })
        .collect();
    let mut cards = Cards::default();
    cards.text("OBJECT", &spectrum.name, "window").history(made_by);
    write_table(path, "SPECTRUM", &columns, &cards)
}
