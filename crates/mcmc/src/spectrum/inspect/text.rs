//! What a text spectrum holds: its columns, and every run of adjacent channels.

use super::page::{correlation_text, range_text, row};
use crate::spectrum::{
    IntensityUnit, NO_NOISE, Spectrum, SpectrumError, TextOptions, read_text, significant,
};
use std::fmt::{self, Write as _};
use std::path::Path;

/// The page; intensities per beam, which the file cannot give, stay in their own unit.
pub(super) fn describe_text(path: &Path) -> Result<String, SpectrumError> {
    let (spectrum, unit) = match read_text(path, &TextOptions::default()) {
        Err(SpectrumError::Unit { what: "intensity", unit, .. }) => {
            let intensity_unit = Some(IntensityUnit::Kelvin(1.0));
            (read_text(path, &TextOptions { intensity_unit, ..TextOptions::default() })?, unit)
        }
        other => (other?, "K".to_owned()),
    };
    let mut page = String::new();
    // Writing to a string cannot fail.
    let _ = write_page(&mut page, &spectrum, &unit);
    Ok(page)
}

fn write_page(page: &mut String, spectrum: &Spectrum, unit: &str) -> fmt::Result {
    writeln!(page, "{}", spectrum.source)?;
    let flagged = spectrum.len() - spectrum.n_valid();
    row(page, "channels", &format!("{}, {flagged} of them without data", spectrum.len()))?;
    row(page, "unit", unit)?;
    row(page, "beam", "not given")?;
    let rest = spectrum.rest_freq_mhz.map_or("not given".to_owned(), |rest| format!("{rest:.4} MHz"));
    row(page, "rest frequency", &rest)?;
    row(page, "frame", spectrum.frame.as_deref().unwrap_or("not given"))?;
    for (k, run) in spectrum.runs().into_iter().enumerate() {
        let run = spectrum.channels(run);
        let (low, high) = (run.freq_mhz[0], run.freq_mhz[run.len() - 1]);
        row(
            page,
            &format!("window {}", k + 1),
            &range_text(low, high, run.len(), Some(run.channel_width_mhz)),
        )?;
        match run.noise() {
            Some(noise) => {
                let share = 100.0 * noise.n_used as f64 / noise.n_valid as f64;
                row(
                    page,
                    "noise",
                    &format!(
                        "{:.4} {unit} a channel ({share:.0} % of the channels free of lines)",
                        noise.sigma_k
                    ),
                )?;
                row(page, "correlation", &correlation_text(significant(&noise.correlation, noise.n_used)))?;
            }
            None => row(page, "noise", &format!("cannot be told: {NO_NOISE}"))?,
        }
        let peak = run
            .t_k
            .iter()
            .zip(&run.freq_mhz)
            .filter(|(t, _)| t.is_finite())
            .max_by(|a, b| a.0.total_cmp(b.0));
        if let Some((t, freq)) = peak {
            row(page, "highest peak", &format!("{t:.3} {unit} at {freq:.3} MHz"))?;
        }
    }
    spectrum.notes.iter().try_for_each(|note| row(page, "note", note))
}
