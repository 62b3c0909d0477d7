//! Draws rotation diagrams: one panel a species.

use super::ReportError;
use super::canvas::{
    Area, Drawn, Figure, INK, MODEL, SCALE, axis_number, plain_style, species_colour, text_style,
    write_figure,
};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};

/// A point of a diagram.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RotationPoint {
    /// Upper energy (K).
    pub e_up_k: f64,
    /// `ln(N_u/g_u)`.
    pub ln_n: f64,
    /// Its error.
    pub sigma: f64,
    /// Whether the line goes through it: filled, else hollow.
    pub used: bool,
}

/// The diagram of one species.
#[derive(Debug, Clone, PartialEq)]
pub struct RotationPanel {
    /// Name and result.
    pub title: String,
    /// Points; those that are not finite are left out.
    pub points: Vec<RotationPoint>,
    /// ln(N/Q) and T (K) of the straight line.
    pub line: Option<(f64, f64)>,
}

const SIZE: (u32, u32) = (760, 480);
const COLUMNS: usize = 2;
/// Most panels on the page: more would be too small.
const PANELS: usize = 24;
/// The colour of points that the line does not go through.
const LEFT_OUT: RGBColor = RGBColor(165, 170, 178);

/// Draws the panels, two in a row, on one page; of more than 24 the first.
///
/// # Errors
/// [`ReportError`] of any kind.
pub fn write_rotation_figure(figure: &Figure, panels: &[RotationPanel]) -> Result<(), ReportError> {
    let panels = &panels[..panels.len().min(PANELS)];
    let columns = panels.len().clamp(1, COLUMNS);
    let rows = panels.len().div_ceil(columns).max(1);
    write_figure(figure, (SIZE.0 * columns as u32, SIZE.1 * rows as u32), |page, font| {
        for (k, (panel, area)) in panels.iter().zip(page.split_evenly((rows, columns))).enumerate() {
            draw(&area, font, panel, species_colour(k))?;
        }
        Ok(())
    })
}

fn draw(area: &Area<'_>, font: &'static str, panel: &RotationPanel, colour: RGBColor) -> Drawn {
    let seen: Vec<&RotationPoint> =
        panel.points.iter().filter(|p| p.ln_n.is_finite() && p.sigma.is_finite()).collect();
    let highest = seen.iter().map(|p| p.e_up_k).fold(1.0, f64::max) * 1.08;
    let ends =
        |sign: f64| seen.iter().filter(|p| p.used || p.sigma < 1.0).map(move |p| p.ln_n + sign * p.sigma);
    let low = ends(-1.0).fold(f64::INFINITY, f64::min);
    let high = ends(1.0).fold(f64::NEG_INFINITY, f64::max);
    let (low, high) = if low < high { (low, high) } else { (0.0, 1.0) };
    let span = (high - low).max(0.5);
    let mut chart = ChartBuilder::on(area)
        .margin(14 * SCALE)
        .margin_top(34 * SCALE)
        .set_label_area_size(LabelAreaPosition::Left, 66 * SCALE)
        .set_label_area_size(LabelAreaPosition::Bottom, 46 * SCALE)
        .build_cartesian_2d(0.0..highest, low - 0.08 * span..high + 0.08 * span)?;
    chart
        .configure_mesh()
        .disable_mesh()
        .axis_style(INK.stroke_width(SCALE as u32))
        .set_all_tick_mark_size(4 * SCALE)
        .x_labels(8)
        .x_label_formatter(&axis_number(highest))
        .y_labels(6)
        .y_label_formatter(&axis_number(span))
        .x_desc("upper energy (K)")
        .y_desc("ln(Nu/gu), N in cm^-2")
        .label_style(plain_style(font, 14.0))
        .axis_desc_style(plain_style(font, 15.0))
        .draw()?;
    if let Some((b, t_k)) = panel.line {
        let line = [(0.0, b), (highest, b - highest / t_k)];
        chart.draw_series(LineSeries::new(line, MODEL.stroke_width(2 * SCALE as u32)))?;
    }
    for p in seen {
        let colour = if p.used { colour } else { LEFT_OUT };
        let bar = [(p.e_up_k, p.ln_n - p.sigma), (p.e_up_k, p.ln_n + p.sigma)];
        chart.draw_series(LineSeries::new(bar, colour.stroke_width(SCALE as u32)))?;
        let style = if p.used { colour.filled() } else { colour.stroke_width(SCALE as u32) };
        chart.draw_series([Circle::new((p.e_up_k, p.ln_n), 4 * SCALE, style)])?;
    }
    let style = text_style(font, 15.0, (HPos::Left, VPos::Bottom));
    area.draw(&Text::new(panel.title.clone(), (80 * SCALE, 28 * SCALE), style))?;
    Ok(())
}
