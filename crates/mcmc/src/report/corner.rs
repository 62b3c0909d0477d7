//! A page of the marginal distributions of all parameters and pairs.

use super::ReportError;
use super::canvas::{
    Area, Drawn, Figure, INK, MODEL, SCALE, axis_number, species_colour, text_style, write_figure,
};
use crate::diagnose::{quantile, sorted};
use ndarray::{ArrayView3, Axis};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};
use std::ops::Range;

/// Room for the numbers and names at the left and the bottom.
const MARGIN: i32 = 110;
/// Steps of the densities.
const SHADES: f64 = 9.0;

/// One parameter's samples.
struct Marginal<'a> {
    label: &'a str,
    values: Vec<f64>,
    range: Range<f64>,
    /// Quantiles 15.865 %, 50 % and 84.135 %.
    quantiles: [f64; 3],
}

/// Draws a histogram of each parameter (with median and 68 % interval) and the density of each pair.
///
/// `labels` are one text a parameter; `samples` have the shape (draw, walker, parameter).
///
/// # Errors
/// [`ReportError`] of any kind.
pub fn write_corner_figure(
    figure: &Figure,
    labels: &[String],
    samples: ArrayView3<'_, f64>,
) -> Result<(), ReportError> {
    let dim = samples.dim().2;
    let marginals: Vec<Marginal<'_>> = (0..dim)
        .map(|k| {
            let values: Vec<f64> = samples.index_axis(Axis(2), k).iter().copied().collect();
            marginal(labels.get(k).map_or("", String::as_str), values)
        })
        .collect();
    // Small panels show no more; an SVG has a rectangle for each.
    let bins = if dim > 8 { 22 } else { 36 };
    let panel = (1700 / dim.max(1) as i32).clamp(80, 280);
    let side = MARGIN + panel * dim as i32 + 40;
    // The last title starts above the last panel and may be longer than that.
    let title = 8 * labels.last().map_or(0, |label| label.chars().count()) as i32;
    let size = ((side + (title - panel).max(0)) as u32, side as u32);
    write_figure(figure, size, |page, font| {
        for (row, y) in marginals.iter().enumerate() {
            for (column, x) in marginals[..=row].iter().enumerate() {
                let corner = (MARGIN + panel * column as i32, 40 + panel * row as i32 - 20);
                let [left, top] = [corner.0 * SCALE, corner.1 * SCALE];
                let inside = (left, top, left + (panel - 6) * SCALE, top + (panel - 6) * SCALE);
                let area =
                    page.clone().shrink((inside.0, inside.1), ((panel - 6) * SCALE, (panel - 6) * SCALE));
                if row == column {
                    draw_histogram(&area, x)?
                } else {
                    draw_density(&area, x, y, bins)?
                }
                if row + 1 == dim {
                    draw_x_axis(page, font, x, (inside.0, inside.2, inside.3))?;
                }
                if column == 0 && row > 0 {
                    draw_y_axis(page, font, y, (inside.1, inside.3, inside.0))?;
                }
            }
        }
        draw_titles(page, font, &marginals, panel)
    })
}

fn marginal(label: &str, values: Vec<f64>) -> Marginal<'_> {
    let ordered = sorted(values.iter().copied().filter(|v| v.is_finite()));
    let (low, high) = (quantile(&ordered, 0.001), quantile(&ordered, 0.999));
    let room = 0.05 * (high - low);
    let range = if low < high { low - room..high + room } else { -1.0..1.0 };
    let quantiles = [0.158_655_253_931_457_05, 0.5, 0.841_344_746_068_543].map(|p| quantile(&ordered, p));
    Marginal { label, values, range, quantiles }
}

/// The bin of a value, of `n` over the range.
fn bin(value: f64, range: &Range<f64>, n: usize) -> Option<usize> {
    range.contains(&value).then(|| (((value - range.start) / (range.end - range.start)) * n as f64) as usize)
}

fn draw_histogram(area: &Area<'_>, x: &Marginal<'_>) -> Drawn {
    let n = 36;
    let mut counts = vec![0_u64; n];
    x.values.iter().filter_map(|&v| bin(v, &x.range, n)).for_each(|b| counts[b.min(n - 1)] += 1);
    let highest = counts.iter().copied().max().unwrap_or(0).max(1) as f64;
    let mut chart = ChartBuilder::on(area).build_cartesian_2d(x.range.clone(), 0.0..1.15 * highest)?;
    let width = (x.range.end - x.range.start) / n as f64;
    let bars = counts.iter().enumerate().map(|(k, &c)| {
        let left = x.range.start + k as f64 * width;
        Rectangle::new([(left, 0.0), (left + width, c as f64)], species_colour(0).mix(0.35).filled())
    });
    chart.draw_series(bars)?;
    for (k, &q) in x.quantiles.iter().enumerate() {
        let colour = if k == 1 { MODEL.to_rgba() } else { MODEL.mix(0.5) };
        let line = [(q, 0.0), (q, 1.15 * highest)];
        chart.draw_series(LineSeries::new(line, colour.stroke_width(SCALE as u32)))?;
    }
    frame(area)
}

fn draw_density(area: &Area<'_>, x: &Marginal<'_>, y: &Marginal<'_>, n: usize) -> Drawn {
    let mut counts = vec![0_u64; n * n];
    for (&vx, &vy) in x.values.iter().zip(&y.values) {
        if let (Some(bx), Some(by)) = (bin(vx, &x.range, n), bin(vy, &y.range, n)) {
            counts[by.min(n - 1) * n + bx.min(n - 1)] += 1;
        }
    }
    let highest = counts.iter().copied().max().unwrap_or(0).max(1) as f64;
    let mut chart = ChartBuilder::on(area).build_cartesian_2d(0.0..n as f64, 0.0..n as f64)?;
    // In steps, so that neighbours of one shade make one rectangle: an SVG of many panels stays small.
    let shades: Vec<usize> =
        counts.iter().map(|&c| (SHADES * (c as f64 / highest).sqrt()).ceil() as usize).collect();
    for (row, shades) in shades.chunks(n).enumerate() {
        let low = row as f64;
        let runs = runs(shades).filter(|(_, shade)| *shade > 0).map(|(columns, shade)| {
            let corners = [(columns.start as f64, low), (columns.end as f64, low + 1.0)];
            Rectangle::new(corners, species_colour(0).mix(shade as f64 / SHADES).filled())
        });
        chart.draw_series(runs)?;
    }
    frame(area)
}

/// Stretches of equal values, with their value.
fn runs(values: &[usize]) -> impl Iterator<Item = (Range<usize>, usize)> {
    let mut first = 0;
    values.chunk_by(|a, b| a == b).map(move |run| {
        first += run.len();
        (first - run.len()..first, run[0])
    })
}

fn frame(area: &Area<'_>) -> Drawn {
    let (width, height) = area.dim_in_pixel();
    let corners = [(0, 0), (width as i32 - 1, height as i32 - 1)];
    area.draw(&Rectangle::new(corners, INK.stroke_width(SCALE as u32 / 2)))?;
    Ok(())
}

/// Two round numbers inside the range.
fn ticks(range: &Range<f64>) -> Vec<f64> {
    let span = range.end - range.start;
    let power = 10.0_f64.powf((span / 2.0).log10().floor());
    let unit = [5.0, 2.0, 1.0].map(|m| m * power).into_iter().find(|u| span / u >= 2.0).unwrap_or(power);
    let first = (range.start / unit).ceil() as i64;
    let all: Vec<f64> = (first..first + 8).map(|k| k as f64 * unit).filter(|v| range.contains(v)).collect();
    if all.len() > 3 { all.into_iter().step_by(2).collect() } else { all }
}

fn draw_x_axis(page: &Area<'_>, font: &'static str, x: &Marginal<'_>, at: (i32, i32, i32)) -> Drawn {
    let (left, right, bottom) = at;
    let number = axis_number(x.range.end - x.range.start);
    let style = text_style(font, 11.0, (HPos::Right, VPos::Center)).transform(FontTransform::Rotate270);
    for tick in ticks(&x.range) {
        let fraction = (tick - x.range.start) / (x.range.end - x.range.start);
        let place = left + (fraction * f64::from(right - left)) as i32;
        let line = vec![(place, bottom), (place, bottom + 4 * SCALE)];
        page.draw(&PathElement::new(line, INK.stroke_width(SCALE as u32)))?;
        page.draw(&Text::new(number(&tick), (place, bottom + 7 * SCALE), style.clone()))?;
    }
    Ok(())
}

fn draw_y_axis(page: &Area<'_>, font: &'static str, y: &Marginal<'_>, at: (i32, i32, i32)) -> Drawn {
    let (top, bottom, left) = at;
    let number = axis_number(y.range.end - y.range.start);
    let style = text_style(font, 11.0, (HPos::Right, VPos::Center));
    for tick in ticks(&y.range) {
        let fraction = (tick - y.range.start) / (y.range.end - y.range.start);
        let place = bottom - (fraction * f64::from(bottom - top)) as i32;
        let line = vec![(left - 4 * SCALE, place), (left, place)];
        page.draw(&PathElement::new(line, INK.stroke_width(SCALE as u32)))?;
        page.draw(&Text::new(number(&tick), (left - 7 * SCALE, place), style.clone()))?;
    }
    Ok(())
}

/// Names on the diagonal, above each histogram, where there is nothing to the right of it.
fn draw_titles(page: &Area<'_>, font: &'static str, marginals: &[Marginal<'_>], panel: i32) -> Drawn {
    for (k, x) in marginals.iter().enumerate() {
        let place = ((MARGIN + panel * k as i32 + 2) * SCALE, (20 + panel * k as i32 - 6) * SCALE);
        let style = text_style(font, 13.0, (HPos::Left, VPos::Bottom));
        page.draw(&Text::new(x.label.to_string(), place, style))?;
    }
    Ok(())
}
