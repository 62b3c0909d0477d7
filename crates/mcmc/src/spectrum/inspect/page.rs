//! The page of `alma-fit inspect`, as text.

use super::text::describe_text;
use super::{Inspection, inspect};
use crate::physics::C_KMS;
use crate::spectrum::{NO_NOISE, SpectrumError, is_fits};
use std::fmt;
use std::path::Path;

/// Medians over a cube below this are not worth writing into a configuration.
const SMALL: f64 = 0.03;

/// What a file holds, as a page of text.
///
/// # Errors
/// [`SpectrumError`], where it cannot be read.
pub fn describe(path: &Path) -> Result<String, SpectrumError> {
    if is_fits(path)? { Ok(inspect(path)?.to_string()) } else { describe_text(path) }
}

/// One row of the page.
pub(super) fn row(f: &mut dyn fmt::Write, name: &str, value: &str) -> fmt::Result {
    writeln!(f, "  {name:<16} {value}")
}

/// Correlations at lags of 1, 2, ... channels, as a configuration takes them.
pub(super) fn correlation_text(correlation: &[f64]) -> String {
    if correlation.is_empty() {
        return "none seen between channels".to_owned();
    }
    let lags: Vec<String> = correlation.iter().map(|r| format!("{r:.2}")).collect();
    format!("between channels 1, 2, ... apart: noise_correlation = [{}]", lags.join(", "))
}

/// "216000.0000 to 217874.0000 MHz, 3840 channels of 0.48828 MHz (0.6748 km/s)".
pub(super) fn range_text(low_mhz: f64, high_mhz: f64, n: usize, width_mhz: Option<f64>) -> String {
    let width = width_mhz.map_or(String::new(), |width| {
        format!(" of {width:.5} MHz ({:.4} km/s)", width / (0.5 * (low_mhz + high_mhz)) * C_KMS)
    });
    format!("{low_mhz:.4} to {high_mhz:.4} MHz, {n} channels{width}")
}

impl fmt::Display for Inspection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let or = |value: &Option<String>| value.clone().unwrap_or_else(|| "not given".to_owned());
        writeln!(f, "{}", self.path)?;
        row(f, "object", &or(&self.object))?;
        let axes: Vec<String> = self
            .axes
            .iter()
            .map(|(name, n)| format!("{} {n}", if name.is_empty() { "?" } else { name }))
            .collect();
        row(f, "axes", &axes.join(" x "))?;
        let direction = if self.descending { "descends" } else { "ascends" };
        row(f, "spectral axis", &format!("{}; frequency {direction}", self.kind.describe()))?;
        if let Some((low, high)) = self.range_mhz {
            row(f, "frequencies", &range_text(low, high, self.n_channels, self.channel_mhz))?;
        }
        let per_unit =
            self.kelvin_per_unit.map_or(String::new(), |k| format!(" ({k:.5} K per unit at the middle)"));
        row(f, "unit", &format!("{}{per_unit}", or(&self.bunit)))?;
        row(f, "beam", &self.beam_text())?;
        row(f, "rest frequency", &or(&self.rest_mhz.map(|rest| format!("{rest:.4} MHz"))))?;
        row(f, "frame", &or(&self.frame))?;
        let (n_blank, n) = self.n_blank;
        let share = 100.0 * n_blank as f64 / n.max(1) as f64;
        let blank =
            format!("{n_blank} of {n} values ({share:.2} %), {} whole channels", self.n_blank_channels);
        row(f, "blank", &blank)?;
        self.write_levels(f)?;
        self.notes.iter().try_for_each(|note| row(f, "note", note))
    }
}

impl Inspection {
    fn beam_text(&self) -> String {
        match (self.beam_table, self.beam_arcsec) {
            (Some((low, high, without)), _) => format!(
                "one a channel (table BEAMS): {low:.4} to {high:.4} arcsec (mean of the axes), {without} channels without"
            ),
            (None, Some([a, b, pa])) => format!("{a:.4} x {b:.4} arcsec, position angle {pa:.1} deg"),
            (None, None) => "not given".to_owned(),
        }
    }

    fn write_levels(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bunit = self.bunit.as_deref().unwrap_or("(no unit)");
        let unit = if self.in_kelvin { "K" } else { bunit };
        match self.noise {
            Some(noise) => {
                let text = format!(
                    "{:.4} {unit} a channel (median over {} pixels; {:.0} % of the channels free of lines)",
                    noise.sigma,
                    noise.n_pixels,
                    100.0 * noise.free_share
                );
                row(f, "noise", &text)?;
                let seen = noise.correlation.iter().take_while(|r| r.abs() >= SMALL).count();
                row(f, "correlation", &correlation_text(&noise.correlation[..seen]))?;
            }
            None => row(f, "noise", &format!("cannot be told: {NO_NOISE}"))?,
        }
        if let Some((key, noise)) = &self.stated_noise {
            row(f, "noise by header", &format!("{key} = {noise} {bunit}"))?;
        }
        if !self.stated_correlation.is_empty() {
            row(f, "correlation by header", &format!("{:?}", self.stated_correlation))?;
        }
        for (name, pixel) in [("highest peak", self.brightest), ("largest sum", self.brightest_sum)] {
            if let Some(p) = pixel {
                row(
                    f,
                    name,
                    &format!("pixel ({}, {}), peak {:.3} {unit} at {:.3} MHz", p.x, p.y, p.peak, p.freq_mhz),
                )?;
            }
        }
        Ok(())
    }
}
