//! A page of the walkers' ways through each parameter.

use super::ReportError;
use super::canvas::{
    Area, Drawn, Figure, INK, SCALE, axis_number, plain_style, species_colour, text_style, write_figure,
};
use crate::diagnose::{quantile, sorted};
use ndarray::{ArrayView2, ArrayView3, Axis};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};

const WIDTH: u32 = 1500;
const PANEL_HEIGHT: u32 = 120;
const FOOT: u32 = 44;
/// More walkers than these would only make a solid block.
const WALKERS: usize = 24;
/// More draws than these cannot be told apart in a panel.
const DRAWS: usize = 400;

/// Draws the samples of each parameter over the steps: single walkers thin, the median of all walkers thick.
///
/// `labels` are one text a parameter; `samples` have the shape (draw, walker, parameter); the first draw is that of
/// step `first_step`.
///
/// # Errors
/// [`ReportError`] of any kind.
pub fn write_trace_figure(
    figure: &Figure,
    labels: &[String],
    samples: ArrayView3<'_, f64>,
    first_step: u64,
) -> Result<(), ReportError> {
    let (draws, _, dim) = samples.dim();
    let columns = if dim > 8 { 2 } else { 1 };
    let rows = dim.div_ceil(columns).max(1);
    write_figure(figure, (WIDTH, PANEL_HEIGHT * rows as u32 + FOOT), |page, font| {
        let (body, foot) = page.split_vertically((PANEL_HEIGHT * rows as u32) as i32 * SCALE);
        for (k, area) in body.split_evenly((rows, columns)).iter().enumerate().take(dim) {
            let label = labels.get(k).map_or("", String::as_str);
            draw_panel(area, font, label, samples.index_axis(Axis(2), k), first_step)?;
        }
        let last = first_step + draws.saturating_sub(1) as u64;
        let text = format!("steps {first_step} to {last}; thin: single walkers, thick: median of all");
        let place = (WIDTH as i32 * SCALE / 2, FOOT as i32 * SCALE / 2);
        foot.draw(&Text::new(text, place, text_style(font, 15.0, (HPos::Center, VPos::Center))))?;
        Ok(())
    })
}

fn draw_panel(
    area: &Area<'_>,
    font: &'static str,
    label: &str,
    samples: ArrayView2<'_, f64>,
    first_step: u64,
) -> Drawn {
    let (draws, walkers) = samples.dim();
    let values = sorted(samples.iter().copied().filter(|v| v.is_finite()));
    // The outermost thousandths would set the scale otherwise.
    let (low, high) = (quantile(&values, 0.0005), quantile(&values, 0.9995));
    let (low, high) = if low < high { (low, high) } else { (-1.0, 1.0) };
    let room = 0.08 * (high - low);
    let step = |draw: usize| (first_step + draw as u64) as f64;
    let mut chart = ChartBuilder::on(area)
        .margin_right(16 * SCALE)
        .margin_top(6 * SCALE)
        .set_label_area_size(LabelAreaPosition::Left, 84 * SCALE)
        .set_label_area_size(LabelAreaPosition::Bottom, 22 * SCALE)
        .build_cartesian_2d(step(0)..step(draws.max(2) - 1), low - room..high + room)?;
    chart
        .configure_mesh()
        .disable_mesh()
        .axis_style(INK.stroke_width(SCALE as u32))
        .set_all_tick_mark_size(3 * SCALE)
        .x_labels(6)
        .x_label_formatter(&|v| format!("{v:.0}"))
        .y_labels(3)
        .y_label_formatter(&axis_number(high - low))
        .label_style(plain_style(font, 12.0))
        .draw()?;
    let stride = draws.div_ceil(DRAWS).max(1);
    let shown: Vec<usize> = (0..draws).step_by(stride).collect();
    for walker in (0..walkers).step_by(walkers.div_ceil(WALKERS).max(1)) {
        let line = shown.iter().map(|&t| (step(t), samples[(t, walker)].clamp(low - room, high + room)));
        chart
            .draw_series(LineSeries::new(line, species_colour(0).mix(0.16).stroke_width(SCALE as u32 / 2)))?;
    }
    let median = shown.iter().map(|&t| (step(t), quantile(&sorted(samples.row(t).iter().copied()), 0.5)));
    chart.draw_series(LineSeries::new(median, INK.stroke_width(SCALE as u32)))?;
    let style = text_style(font, 14.0, (HPos::Left, VPos::Top));
    area.draw(&Text::new(label.to_string(), (92 * SCALE, 9 * SCALE), style))?;
    Ok(())
}
