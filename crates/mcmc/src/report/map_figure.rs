//! Draws maps: panels of pixels in colours, each with its scale.

use super::ReportError;
use super::canvas::{Area, Drawn, Figure, INK, SCALE, axis_number, plain_style, text_style, write_figure};
use crate::diagnose::{quantile, sorted};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};

/// The pixels of all panels.
#[derive(Debug, Clone, PartialEq)]
pub struct MapAxes {
    /// Pixels of the maps along x and y.
    pub shape: [usize; 2],
    /// First and last column to be drawn.
    pub x: [usize; 2],
    /// First and last row to be drawn.
    pub y: [usize; 2],
    /// Steps of x and y on the sky, where they are known: axes count arcseconds from the middle then, else pixels.
    pub step_arcsec: Option<[f64; 2]>,
}

/// One map.
#[derive(Debug, Clone, PartialEq)]
pub struct MapPanel {
    /// What it shows.
    pub title: String,
    /// Values, x fastest; NaN: not drawn.
    pub values: Vec<f64>,
}

const COLUMNS: usize = 3;
const SIZE: (u32, u32) = (500, 440);
/// Colours that are told apart.
const SHADES: usize = 64;
/// The outermost pixels do not set the scale.
const ENDS: [f64; 2] = [0.01, 0.99];
/// Viridis (van der Walt & Smith 2015) at five places.
const VIRIDIS: [[f64; 3]; 5] =
    [[68.0, 1.0, 84.0], [59.0, 82.0, 139.0], [33.0, 145.0, 140.0], [94.0, 201.0, 98.0], [253.0, 231.0, 37.0]];

/// Draws the panels, three in a row, on one page.
///
/// # Errors
/// [`ReportError`] of any kind.
pub fn write_map_figure(figure: &Figure, axes: &MapAxes, panels: &[MapPanel]) -> Result<(), ReportError> {
    let columns = panels.len().clamp(1, COLUMNS);
    let rows = panels.len().div_ceil(columns).max(1);
    write_figure(figure, (SIZE.0 * columns as u32, SIZE.1 * rows as u32), |page, font| {
        for (panel, area) in panels.iter().zip(page.split_evenly((rows, columns))) {
            draw(&area, font, axes, panel)?;
        }
        Ok(())
    })
}

/// A colour of the scale from 0 to 1.
fn colour(fraction: f64) -> RGBColor {
    let place = fraction.clamp(0.0, 1.0) * (VIRIDIS.len() - 1) as f64;
    let k = (place as usize).min(VIRIDIS.len() - 2);
    let mixed = |c: usize| VIRIDIS[k][c] + (place - k as f64) * (VIRIDIS[k + 1][c] - VIRIDIS[k][c]);
    RGBColor(mixed(0) as u8, mixed(1) as u8, mixed(2) as u8)
}

/// The scale: nearly all values.
fn scale(values: &[f64]) -> (f64, f64) {
    let known = sorted(values.iter().copied().filter(|v| v.is_finite()));
    if known.is_empty() {
        return (0.0, 1.0);
    }
    let [low, high] = ENDS.map(|p| quantile(&known, p));
    if low < high { (low, high) } else { (low - 0.5, low + 0.5) }
}

fn draw(area: &Area<'_>, font: &'static str, axes: &MapAxes, panel: &MapPanel) -> Drawn {
    let ends = |[first, last]: [usize; 2]| first as f64 - 0.5..last as f64 + 0.5;
    let (low, high) = scale(&panel.values);
    let bar_width = 92;
    let (left, right) = area.split_horizontally((SIZE.0 as i32 - bar_width) * SCALE);
    let middle = |[first, last]: [usize; 2]| 0.5 * (first + last) as f64;
    let label = |k: usize, range: [usize; 2]| {
        move |place: &f64| match axes.step_arcsec {
            // Without the sign of a zero.
            Some(step) => format!("{:.1}", (10.0 * (place - middle(range)) * step[k]).round() / 10.0 + 0.0),
            None => format!("{place:.0}"),
        }
    };
    let names = match axes.step_arcsec {
        Some(_) => ["RA offset (arcsec)", "Dec offset (arcsec)"],
        None => ["x (pixel)", "y (pixel)"],
    };
    let mut chart = ChartBuilder::on(&left)
        .margin_top(34 * SCALE)
        .margin_left(10 * SCALE)
        .margin_right(6 * SCALE)
        .set_label_area_size(LabelAreaPosition::Left, 62 * SCALE)
        .set_label_area_size(LabelAreaPosition::Bottom, 46 * SCALE)
        .build_cartesian_2d(ends(axes.x), ends(axes.y))?;
    for y in axes.y[0]..=axes.y[1] {
        let row: Vec<Option<usize>> =
            (axes.x[0]..=axes.x[1]).map(|x| shade(panel.values[y * axes.shape[0] + x], low, high)).collect();
        let mut x = axes.x[0] as f64 - 0.5;
        for run in row.chunk_by(|a, b| a == b) {
            let next = x + run.len() as f64;
            if let Some(shade) = run[0] {
                let corners = [(x, y as f64 - 0.5), (next, y as f64 + 0.5)];
                let colour = colour(shade as f64 / (SHADES - 1) as f64);
                chart.draw_series([Rectangle::new(corners, colour.filled())])?;
            }
            x = next;
        }
    }
    chart
        .configure_mesh()
        .disable_mesh()
        .axis_style(INK.stroke_width(SCALE as u32))
        .set_all_tick_mark_size(4 * SCALE)
        .x_labels(6)
        .y_labels(6)
        .x_label_formatter(&label(0, axes.x))
        .y_label_formatter(&label(1, axes.y))
        .x_desc(names[0])
        .y_desc(names[1])
        .label_style(plain_style(font, 13.0))
        .axis_desc_style(plain_style(font, 14.0))
        .draw()?;
    let style = text_style(font, 15.0, (HPos::Left, VPos::Top));
    area.draw(&Text::new(panel.title.clone(), (74 * SCALE, 10 * SCALE), style))?;
    draw_scale(&right, font, (low, high))
}

/// The number of a value's colour; none where there is no value.
fn shade(value: f64, low: f64, high: f64) -> Option<usize> {
    let fraction = ((value - low) / (high - low)).clamp(0.0, 1.0);
    value.is_finite().then_some((fraction * (SHADES - 1) as f64).round() as usize)
}

fn draw_scale(area: &Area<'_>, font: &'static str, (low, high): (f64, f64)) -> Drawn {
    let mut chart = ChartBuilder::on(area)
        .margin_top(34 * SCALE)
        .margin_bottom(46 * SCALE)
        .margin_right(6 * SCALE)
        .set_label_area_size(LabelAreaPosition::Right, 64 * SCALE)
        .build_cartesian_2d(0.0..1.0, low..high)?;
    let step = (high - low) / SHADES as f64;
    let bars = (0..SHADES).map(|k| {
        let bottom = low + k as f64 * step;
        let colour = colour(k as f64 / (SHADES - 1) as f64);
        Rectangle::new([(0.0, bottom), (1.0, bottom + step)], colour.filled())
    });
    chart.draw_series(bars)?;
    chart
        .configure_mesh()
        .disable_mesh()
        .disable_x_axis()
        .axis_style(INK.stroke_width(SCALE as u32))
        .y_labels(5)
        .y_label_formatter(&axis_number(high - low))
        .label_style(plain_style(font, 13.0))
        .draw()?;
    Ok(())
}
