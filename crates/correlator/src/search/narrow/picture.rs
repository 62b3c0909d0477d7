//! Draws waterfalls: the powers of all stations around a signal.

use super::hits::PICTURE_HALF;
use crate::fringe::colour;
use mirinae_common::atomic::WriteError;
use mirinae_common::picture;
use plotters::prelude::*;
use std::path::Path;

const PANEL: (u32, u32) = (330, 300);
const TITLE: u32 = 34;
/// Rows that are drawn: more are averaged.
const MOST_ROWS: usize = 128;

/// What a waterfall shows.
pub(super) struct Waterfall<'a> {
    pub title: String,
    pub stations: Vec<&'a str>,
    pub spectra: usize,
    pub channel_hz: f64,
    pub spectrum_s: f64,
    /// By station, spectrum and channel.
    pub power_mtf: &'a [f32],
}

/// Draws it as PNG: a panel for each station.
///
/// # Errors
/// The file cannot be written, or drawn (in words).
pub(super) fn write(waterfall: &Waterfall, path: &Path) -> Result<(), WriteError> {
    let size = (PANEL.0 * waterfall.stations.len() as u32, PANEL.1 + TITLE);
    let mut rgb = vec![0; 3 * size.0 as usize * size.1 as usize];
    let drawn = draw(waterfall, size, &mut rgb).map_err(|e| e.to_string());
    drawn.map_err(|e| WriteError { path: path.to_owned(), source: std::io::Error::other(e) })?;
    picture::write_png(path, size, &rgb)
}

fn draw(w: &Waterfall, size: (u32, u32), rgb: &mut [u8]) -> Result<(), Box<dyn std::error::Error>> {
    let root = BitMapBackend::with_buffer(rgb, size).into_drawing_area();
    root.fill(&WHITE)?;
    let root = root.titled(&w.title, ("sans-serif", 18))?;
    let width = 2 * PICTURE_HALF + 1;
    let each = w.spectra.div_ceil(MOST_ROWS);
    for ((station, area), powers) in w
        .stations
        .iter()
        .zip(root.split_evenly((1, w.stations.len())))
        .zip(w.power_mtf.chunks_exact(w.spectra * width))
    {
        let half_hz = (PICTURE_HALF as f64 + 0.5) * w.channel_hz;
        let length_s = w.spectra as f64 * w.spectrum_s;
        let mut chart = ChartBuilder::on(&area)
            .caption(station, ("sans-serif", 15))
            .margin(6)
            .x_label_area_size(32)
            .y_label_area_size(42)
            .build_cartesian_2d(-half_hz..half_hz, length_s..0.0)?;
        chart.configure_mesh().disable_mesh().x_labels(5).x_desc("Hz").y_desc("s").draw()?;
        let rows: Vec<Vec<f64>> = powers
            .chunks(width * each)
            .map(|rows| {
                let n = (rows.len() / width) as f64;
                (0..width)
                    .map(|f| rows.iter().skip(f).step_by(width).map(|p| f64::from(*p)).sum::<f64>() / n)
                    .collect()
            })
            .collect();
        let top = rows.iter().flatten().copied().fold(4.0, f64::max);
        let step_s = each as f64 * w.spectrum_s;
        let cells = rows.iter().enumerate().flat_map(|(t, row)| {
            row.iter().enumerate().map(move |(f, power)| {
                let (x, y) = (f as f64 * w.channel_hz - half_hz, t as f64 * step_s);
                let corner = (x + w.channel_hz, (y + step_s).min(length_s));
                // Logarithmic above the noise: tones are much stronger.
                let bright = libm::log(1.0 + power) / libm::log(1.0 + top);
                Rectangle::new([(x, y), corner], colour(bright).filled())
            })
        });
        chart.draw_series(cells)?;
    }
    root.present()?;
    Ok(())
}
