//! Features that the model does not explain.

use super::table::csv_field;
use super::{FittedSpectrum, ReportError};
use mirinae_common::atomic;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;

/// Speed of light in km/s.
const C_KM_S: f64 = 299_792.458;

/// A run of neighbouring channels whose residuals all lie above (or all below) the threshold.
#[derive(Debug, Clone, PartialEq)]
pub struct Feature {
    /// Name of the spectrum.
    pub spectrum: String,
    /// Frequency of the channel that stands out most, in MHz.
    pub freq_mhz: f64,
    /// Residual there in K; negative where the model is too bright.
    pub peak_k: f64,
    /// The same in units of the channel's noise.
    pub peak_sigma: f64,
    /// Number of channels.
    pub channels: usize,
    /// Width of these channels in MHz.
    pub width_mhz: f64,
    /// The same as a velocity in km/s.
    pub width_km_s: f64,
}

/// Finds the channels whose residual exceeds `threshold` times their noise, and joins neighbours of the same sign, in
/// the order of the channels. Channels without data or noise are passed over, and end a run.
///
/// # Errors
/// [`ReportError::Shape`].
pub fn find_features(spectrum: &FittedSpectrum, threshold: f64) -> Result<Vec<Feature>, ReportError> {
    spectrum.check()?;
    let residual_k = spectrum.residual_k();
    let ratio = |k: usize| residual_k[k] / spectrum.sigma_k[k];
    // 1 above, -1 below, 0 where the model is right or there is nothing to compare.
    let side = |k: usize| {
        let above = ratio(k).is_finite() && ratio(k).abs() > threshold;
        if above { ratio(k).signum() } else { 0.0 }
    };
    let mut features = Vec::new();
    let mut first = 0;
    while first < residual_k.len() {
        let last =
            (first + 1..residual_k.len()).find(|&k| side(k) != side(first)).unwrap_or(residual_k.len());
        if side(first) != 0.0 {
            let peak = (first..last)
                .fold(first, |best, k| if ratio(k).abs() > ratio(best).abs() { k } else { best });
            let width_mhz: f64 = (first..last).map(|k| channel_width_mhz(&spectrum.freq_mhz, k)).sum();
            features.push(Feature {
                spectrum: spectrum.name.clone(),
                freq_mhz: spectrum.freq_mhz[peak],
                peak_k: residual_k[peak],
                peak_sigma: ratio(peak),
                channels: last - first,
                width_mhz,
                width_km_s: width_mhz / spectrum.freq_mhz[peak] * C_KM_S,
            });
        }
        first = last;
    }
    Ok(features)
}

/// Half the distance between a channel's neighbours.
fn channel_width_mhz(freq_mhz: &[f64], k: usize) -> f64 {
    let (before, after) = (k.saturating_sub(1), (k + 1).min(freq_mhz.len() - 1));
    (freq_mhz[after] - freq_mhz[before]).abs() / ((after - before).max(1) as f64)
}

/// The features as lines of text, the strongest first.
pub fn features_text(features: &[Feature], threshold: f64) -> String {
    if features.is_empty() {
        return format!("no channel of the residual exceeds {threshold} sigma\n");
    }
    let channels: usize = features.iter().map(|f| f.channels).sum();
    let mut text =
        format!("{channels} channels of the residual exceed {threshold} sigma, strongest first:\n");
    let width = features.iter().map(|f| f.spectrum.chars().count()).max().unwrap_or(0).max(8);
    // Writing to a String cannot fail.
    let _ = writeln!(
        text,
        "{:<width$}  {:>12}  {:>9}  {:>7}  {:>8}  {:>10}",
        "spectrum", "freq (MHz)", "peak (K)", "sigma", "channels", "width km/s"
    );
    let mut order: Vec<&Feature> = features.iter().collect();
    order.sort_by(|a, b| b.peak_sigma.abs().total_cmp(&a.peak_sigma.abs()));
    for f in order {
        let _ = writeln!(
            text,
            "{:<width$}  {:>12.3}  {:>+9.3}  {:>+7.1}  {:>8}  {:>10.2}",
            f.spectrum, f.freq_mhz, f.peak_k, f.peak_sigma, f.channels, f.width_km_s
        );
    }
    text
}

/// Writes the features as CSV, in the order given.
///
/// # Errors
/// [`ReportError::Write`].
pub fn write_features_csv(path: &Path, features: &[Feature]) -> Result<(), ReportError> {
    atomic::write(path, |out| {
        writeln!(out, "spectrum,freq_mhz,peak_k,peak_sigma,channels,width_mhz,width_km_s")?;
        for f in features {
            let name = csv_field(&f.spectrum);
            write!(out, "{name},{},{},{},{}", f.freq_mhz, f.peak_k, f.peak_sigma, f.channels)?;
            writeln!(out, ",{},{}", f.width_mhz, f.width_km_s)?;
        }
        Ok(())
    })?;
    Ok(())
}

/// How well one window is fitted. NaN where there are too few channels.
#[derive(Debug, Clone, PartialEq)]
pub struct WindowStatistics {
    /// Name of the window.
    pub name: String,
    /// Channels with data.
    pub channels: usize,
    /// Root mean square of the residuals in units of their noise.
    pub rms_sigma: f64,
    /// The largest of them (absolute).
    pub largest_sigma: f64,
    /// Correlation of neighbouring channels' residuals.
    pub neighbour_correlation: f64,
}

/// The residuals of a window in numbers.
///
/// # Errors
/// [`ReportError::Shape`].
pub fn window_statistics(spectrum: &FittedSpectrum) -> Result<WindowStatistics, ReportError> {
    spectrum.check()?;
    let all: Vec<f64> =
        spectrum.residual_k().iter().zip(&spectrum.sigma_k).map(|(r, sigma)| r / sigma).collect();
    let known = || all.iter().copied().filter(|r| r.is_finite());
    let channels = known().count();
    let mean_square = known().map(|r| r * r).sum::<f64>() / channels as f64;
    let (sum, pairs) = all
        .windows(2)
        .map(|pair| pair[0] * pair[1])
        .filter(|product| product.is_finite())
        .fold((0.0, 0), |(sum, n), product| (sum + product, n + 1));
    Ok(WindowStatistics {
        name: spectrum.name.clone(),
        channels,
        rms_sigma: mean_square.sqrt(),
        largest_sigma: known().fold(f64::NAN, |a, b| a.max(b.abs())),
        neighbour_correlation: sum / f64::from(pairs) / mean_square,
    })
}
