//! Draws a burst: the powers of all stations, the dedispersed ones, sigma over dispersion measure and time.

use super::around::Picture;
use crate::fringe::colour;
use mirinae_common::atomic::WriteError;
use mirinae_common::picture;
use plotters::prelude::*;
use std::path::Path;

const PANEL: (u32, u32) = (330, 300);
const TITLE: u32 = 34;
/// Columns of a panel: more are averaged.
const MOST_COLUMNS: usize = 160;

/// What is drawn.
pub(super) struct Sheet<'a> {
    pub title: String,
    pub stations: Vec<&'a str>,
    pub picture: &'a Picture,
    pub dump_s: f64,
    /// Lowest and highest frequency.
    pub mhz: [f64; 2],
    /// Bands, which are drawn one above the other without what lies between them.
    pub bands: usize,
}

/// A panel.
struct Panel<'a> {
    caption: &'a str,
    values: &'a [f32],
    rows: usize,
    columns: usize,
    /// Length of the time axis, ms.
    length_ms: f64,
    /// What the ends of the other axis are.
    ends: [f64; 2],
    axis: &'a str,
}

/// Draws it as PNG: a panel for each station, and two more.
///
/// # Errors
/// The file cannot be written, or drawn (in words).
pub(super) fn write(sheet: &Sheet, path: &Path) -> Result<(), WriteError> {
    let size = (PANEL.0 * (sheet.stations.len() as u32 + 2), PANEL.1 + TITLE);
    let mut rgb = vec![0; 3 * size.0 as usize * size.1 as usize];
    let drawn = draw(sheet, size, &mut rgb).map_err(|e| e.to_string());
    drawn.map_err(|e| WriteError { path: path.to_owned(), source: std::io::Error::other(e) })?;
    picture::write_png(path, size, &rgb)
}

fn draw<'a>(
    sheet: &Sheet,
    size: (u32, u32),
    rgb: &'a mut [u8],
) -> Result<(), Box<dyn std::error::Error + 'a>> {
    let root = BitMapBackend::with_buffer(rgb, size).into_drawing_area();
    root.fill(&WHITE)?;
    let root = root.titled(&sheet.title, ("sans-serif", 18))?;
    let p = sheet.picture;
    let areas = root.split_evenly((1, sheet.stations.len() + 2));
    let one = p.rows * p.columns;
    let length_ms = 1e3 * (p.columns * p.each) as f64 * sheet.dump_s;
    let axis = if sheet.bands > 1 { "MHz (gaps left out)" } else { "MHz" };
    let spectrum = |caption, values| Panel {
        caption,
        values,
        rows: p.rows,
        columns: p.columns,
        length_ms,
        ends: sheet.mhz,
        axis,
    };
    let mut panels: Vec<Panel> =
        sheet.stations.iter().zip(p.sky_mft.chunks_exact(one)).map(|(s, v)| spectrum(*s, v)).collect();
    panels.push(spectrum("dedispersed", &p.straight_ft));
    panels.push(Panel {
        caption: "standard deviations of the boxcar",
        values: &p.plane_dt,
        rows: p.dms.len(),
        columns: p.plane_columns,
        length_ms: 1e3 * p.plane_columns as f64 * sheet.dump_s,
        ends: [p.dms.first().copied().unwrap_or(0.0), p.dms.last().copied().unwrap_or(0.0)],
        axis: "pc/cm3",
    });
    for (panel, area) in panels.iter().zip(&areas) {
        draw_panel(panel, area)?;
    }
    root.present()?;
    Ok(())
}

fn draw_panel<'a>(
    panel: &Panel,
    area: &DrawingArea<BitMapBackend<'a>, plotters::coord::Shift>,
) -> Result<(), Box<dyn std::error::Error + 'a>> {
    let [low, high] = panel.ends;
    let high = if high > low { high } else { low + 1.0 };
    let mut chart = ChartBuilder::on(area)
        .caption(panel.caption, ("sans-serif", 15))
        .margin(6)
        .x_label_area_size(32)
        .y_label_area_size(52)
        .build_cartesian_2d(0.0..panel.length_ms, low..high)?;
    chart.configure_mesh().disable_mesh().x_labels(5).x_desc("ms").y_desc(panel.axis).draw()?;
    let each = panel.columns.div_ceil(MOST_COLUMNS).max(1);
    let columns = panel.columns.div_ceil(each);
    let value = |row: usize, column: usize| {
        let from = row * panel.columns + column * each;
        let to = (from + each).min((row + 1) * panel.columns);
        panel.values[from..to].iter().copied().fold(f32::NEG_INFINITY, f32::max)
    };
    let top = panel.values.iter().copied().fold(4.0, f32::max);
    let (width, height) = (panel.length_ms / columns as f64, (high - low) / panel.rows.max(1) as f64);
    let cells = (0..panel.rows).flat_map(|r| (0..columns).map(move |c| (r, c)));
    let cells = cells.map(|(r, c)| {
        let (x, y) = (c as f64 * width, low + r as f64 * height);
        let bright = f64::from((value(r, c) + 2.0) / (top + 2.0));
        Rectangle::new([(x, y), (x + width, y + height)], colour(bright).filled())
    });
    chart.draw_series(cells)?;
    Ok(())
}
