//! What was found in a filterbank file, as CSV and in words.

use super::super::chance::{of_any, sigma};
use super::FileLines;
use super::sigproc::Filterbank;
use std::fmt::Write as _;

/// Header of the table: units are in the names.
const COLUMNS: &str =
    "start_s,length_s,sky_mhz,start_mhz,drift_hz_per_s,width_hz,excess,snr,sigma,ln_chance,false_alarm";

/// The table as CSV.
pub(super) fn csv(file: &Filterbank, found: &FileLines) -> String {
    let mut text = format!("{COLUMNS}\n");
    let length_s = found.spectra as f64 * file.spectrum_s;
    let between_s = (found.spectra - 1).max(1) as f64 * file.spectrum_s;
    for one in &found.lines {
        let line = &one.line;
        let sky_mhz = |channel: f64| (file.first_hz + channel * file.channel_hz) / 1e6;
        let _ = write!(text, "{:.6},{length_s:.6},", one.spectrum as f64 * file.spectrum_s);
        let middle = line.first as f64 + 0.5 * line.drift as f64;
        let _ = write!(text, "{:.9},{:.9},", sky_mhz(middle), sky_mhz(line.first as f64));
        let _ = write!(text, "{:.5},", line.drift as f64 * file.channel_hz / between_s);
        let _ =
            write!(text, "{:.3},{:.4},", (2 * line.wide + 1) as f64 * file.channel_hz.abs(), line.excess());
        let n = line.used as f64;
        let ln_chance = line.ln_chance();
        let _ = write!(text, "{:.3},{:.3},{ln_chance:.3},", (line.sum - n) / n.sqrt(), sigma(ln_chance));
        let _ = writeln!(text, "{:.3e}", of_any(ln_chance, found.trials));
    }
    text
}

/// How it went.
pub(super) fn summary(found: &FileLines, ln_threshold: f64) -> String {
    let expected = found.trials * libm::exp(ln_threshold);
    let mut text = format!(
        "{} lines found; stretches of {} spectra, {} powers of noise in each; {:.3e} lines tried, of noise alone fewer than {expected:.2} are expected",
        found.lines.len(),
        found.spectra,
        found.looks,
        found.trials
    );
    if found.crowded > 0 {
        let _ = write!(text, "; {} pieces were so full that only the strongest are told", found.crowded);
    }
    text
}
