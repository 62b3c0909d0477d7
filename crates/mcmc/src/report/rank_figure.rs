//! A page of rank plots: where each chain's draws lie among all draws, one panel a parameter.
//!
//! Chains that agree have flat histograms of ranks (Vehtari et al. 2021, Bayesian Analysis 16, 667).

use super::ReportError;
use super::canvas::{Area, Drawn, Figure, INK, MODEL, SCALE, species_colour, text_style, write_figure};
use ndarray::{ArrayView2, ArrayView3, Axis};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};

const WIDTH: u32 = 1500;
const HEIGHT: u32 = 150;
const COLUMNS: usize = 3;
const FOOT: u32 = 44;
const BINS: usize = 20;
/// More chains than these make lines that nobody can follow.
const CHAINS: usize = 64;

/// Draws, for each parameter, how often each chain's draws fall into each twentieth of the ranks: a line a chain, and the
/// band in which 95 % of the counts of independent draws would lie.
///
/// `labels` are one text a parameter; `samples` have the shape (draw, chain, parameter).
///
/// # Errors
/// [`ReportError`] of any kind.
pub fn write_rank_figure(
    figure: &Figure,
    labels: &[String],
    samples: ArrayView3<'_, f64>,
) -> Result<(), ReportError> {
    let (draws, chains, dim) = samples.dim();
    let rows = dim.div_ceil(COLUMNS).max(1);
    let counts: Vec<Vec<Vec<u64>>> =
        (0..dim).map(|k| rank_counts(samples.index_axis(Axis(2), k), BINS)).collect();
    write_figure(figure, (WIDTH, HEIGHT * rows as u32 + FOOT), |page, font| {
        let (body, foot) = page.split_vertically((HEIGHT * rows as u32) as i32 * SCALE);
        for (k, area) in body.split_evenly((rows, COLUMNS)).iter().enumerate().take(dim) {
            draw_panel(area, font, labels.get(k).map_or("", String::as_str), &counts[k], draws)?;
        }
        let text = format!(
            "ranks of the draws of {chains} chains among all draws, in {BINS} bins; band: 95 % of independent draws"
        );
        let place = (WIDTH as i32 * SCALE / 2, FOOT as i32 * SCALE / 2);
        foot.draw(&Text::new(text, place, text_style(font, 15.0, (HPos::Center, VPos::Center))))?;
        Ok(())
    })
}

/// How many of each chain's draws fall into each bin of the ranks among all draws; equal draws share their places in the
/// order of draws. Shape (chain, bin).
pub(super) fn rank_counts(samples: ArrayView2<'_, f64>, bins: usize) -> Vec<Vec<u64>> {
    let (draws, chains) = samples.dim();
    let mut order: Vec<(f64, usize)> = samples.indexed_iter().map(|((_, chain), &x)| (x, chain)).collect();
    order.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut counts = vec![vec![0; bins]; chains];
    for (rank, (_, chain)) in order.into_iter().enumerate() {
        counts[chain][rank * bins / (draws * chains)] += 1;
    }
    counts
}

fn draw_panel(area: &Area<'_>, font: &'static str, label: &str, counts: &[Vec<u64>], draws: usize) -> Drawn {
    let mean = draws as f64 / BINS as f64;
    let spread = 1.96 * (mean * (1.0 - 1.0 / BINS as f64)).sqrt();
    let most = counts.iter().flatten().copied().max().unwrap_or(0) as f64;
    let mut chart = ChartBuilder::on(area)
        .margin_left(16 * SCALE)
        .margin_right(16 * SCALE)
        .margin_top(26 * SCALE)
        .margin_bottom(6 * SCALE)
        .build_cartesian_2d(0.0..1.0, 0.0..1.08 * most.max(mean + spread).max(1.0))?;
    let band = [(0.0, (mean - spread).max(0.0)), (1.0, mean + spread)];
    chart.draw_series([Rectangle::new(band, RGBColor(222, 229, 238).filled())])?;
    for counts in counts.iter().step_by(counts.len().div_ceil(CHAINS).max(1)) {
        let edges = |k: usize| [k as f64 / BINS as f64, (k + 1) as f64 / BINS as f64];
        let line = counts.iter().enumerate().flat_map(|(k, &n)| edges(k).map(|x| (x, n as f64)));
        chart
            .draw_series(LineSeries::new(line, species_colour(0).mix(0.45).stroke_width(SCALE as u32 / 2)))?;
    }
    chart.draw_series(LineSeries::new([(0.0, mean), (1.0, mean)], MODEL.stroke_width(SCALE as u32 / 2)))?;
    chart.draw_series(LineSeries::new([(0.0, 0.0), (1.0, 0.0)], INK.stroke_width(SCALE as u32)))?;
    let style = text_style(font, 14.0, (HPos::Left, VPos::Top));
    area.draw(&Text::new(label.to_string(), (18 * SCALE, 5 * SCALE), style))?;
    Ok(())
}
