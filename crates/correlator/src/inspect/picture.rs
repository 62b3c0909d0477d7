//! Draws mean spectra, one panel per channel.

use super::{InspectError, MeanSpectra};
use mirinae_common::picture;
use plotters::prelude::*;
use std::path::Path;

type Drawn = Result<(), Box<dyn std::error::Error>>;

const PANEL: (u32, u32) = (360, 220);
const COLUMNS: usize = 4;
/// Channels drawn at most: more do not fit a page; the CSV has them all.
const PANELS: usize = 64;

/// Draws the mean spectrum of each channel (dB relative to its median, over baseband frequency) as PNG.
///
/// At most 64 channels are drawn; a spectrum without valid transforms leaves its panel empty.
pub fn write_spectrum_png(spectra: &MeanSpectra, title: &str, path: &Path) -> Result<(), InspectError> {
    let failed = |message: String| InspectError::Write { path: path.to_owned(), message };
    let size = page_size(spectra);
    let mut rgb = vec![0; 3 * size.0 as usize * size.1 as usize];
    draw(spectra, title, size, &mut rgb).map_err(|e| failed(e.to_string()))?;
    picture::write_png(path, size, &rgb).map_err(|e| failed(e.source.to_string()))
}

/// Channels that are drawn, and columns and rows of their panels.
fn panels(spectra: &MeanSpectra) -> (usize, usize, usize) {
    let channels = spectra.power_cb.len().min(PANELS);
    let columns = channels.clamp(1, COLUMNS);
    (channels, columns, channels.div_ceil(columns).max(1))
}

fn page_size(spectra: &MeanSpectra) -> (u32, u32) {
    let (_, columns, rows) = panels(spectra);
    (PANEL.0 * columns as u32, PANEL.1 * rows as u32 + 40)
}

fn draw(spectra: &MeanSpectra, title: &str, size: (u32, u32), rgb: &mut [u8]) -> Drawn {
    let (channels, columns, rows) = panels(spectra);
    let root = BitMapBackend::with_buffer(rgb, size).into_drawing_area();
    root.fill(&WHITE)?;
    let root = root.titled(title, ("sans-serif", 22))?;
    let (scale, unit) = if spectra.in_hertz { (1e-6, "MHz") } else { (1.0, "cycles per sample") };
    let x: Vec<f64> = spectra.frequency.iter().map(|f| f * scale).collect();
    for (channel, area) in root.split_evenly((rows, columns)).iter().enumerate().take(channels) {
        let decibel = decibel(&spectra.power_cb[channel]);
        let low = decibel.iter().copied().fold(-3.0, f64::min).max(-30.0);
        let high = decibel.iter().copied().fold(3.0, f64::max);
        let (from, to) = (x.first().copied().unwrap_or(0.0), x.last().copied().unwrap_or(1.0));
        let mut chart = ChartBuilder::on(area)
            .caption(format!("channel {channel}"), ("sans-serif", 15))
            .margin(6)
            .x_label_area_size(30)
            .y_label_area_size(38)
            .build_cartesian_2d(from..to, low * 1.05..high * 1.05)?;
        chart
            .configure_mesh()
            .light_line_style(WHITE)
            .x_labels(6)
            .y_labels(6)
            .x_desc(unit)
            .y_desc("dB")
            .draw()?;
        let line = x.iter().copied().zip(decibel.iter().map(|d| d.max(low)));
        chart.draw_series(LineSeries::new(line, &BLUE))?;
    }
    root.present()?;
    Ok(())
}

fn decibel(power: &[f64]) -> Vec<f64> {
    let mut sorted = power.to_vec();
    sorted.sort_by(f64::total_cmp);
    let median = sorted.get(sorted.len() / 2).copied().unwrap_or(1.0).max(f64::MIN_POSITIVE);
    power.iter().map(|p| 10.0 * (p / median).max(1e-6).log10()).collect()
}
