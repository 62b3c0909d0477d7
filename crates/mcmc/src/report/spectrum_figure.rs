//! Pages of data, model, species and residual.

use super::canvas::{
    Area, DATA, Drawn, Figure, INK, MODEL, SCALE, axis_number, plain_style, species_colour, text_style,
    write_figure,
};
use super::{FittedSpectrum, ReportError};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};
use std::ops::Range;

/// Most channels in a panel: at this many a line of 3 channels can still be seen.
const CHANNELS: usize = 700;
/// Most rows on a page.
const ROWS: usize = 4;
const WIDTH: u32 = 1500;
const ROW_HEIGHT: u32 = 440;
/// Part of a row that the residual takes.
const RESIDUAL_HEIGHT: i32 = 150;
const LEGEND_LINE: i32 = 28;
const BAND: RGBColor = RGBColor(222, 229, 238);
/// Room above a panel, for its title.
const TITLE: i32 = 26;

/// A stretch of one spectrum.
struct Row<'a> {
    spectrum: &'a FittedSpectrum,
    channels: Range<usize>,
    part: Option<(usize, usize)>,
}

/// Draws all spectra on as many pages as they need, `STEM-01` and so on, and returns the pages.
///
/// A spectrum of many channels is cut into rows of equal length. Each row shows data (steps), model (line, with the band
/// that holds 95 % of its draws) and each species (areas) above, and the residual with a band of 3 sigma below.
///
/// # Errors
/// [`ReportError`] of any kind.
pub fn write_spectrum_figures(
    figure: &Figure,
    spectra: &[FittedSpectrum],
) -> Result<Vec<Figure>, ReportError> {
    let mut rows = Vec::new();
    for spectrum in spectra {
        spectrum.check()?;
        let n = spectrum.freq_mhz.len();
        let parts = n.div_ceil(CHANNELS);
        for part in 0..parts {
            let channels = part * n / parts..(part + 1) * n / parts;
            rows.push(Row { spectrum, channels, part: (parts > 1).then_some((part + 1, parts)) });
        }
    }
    let names = species_names(spectra);
    let mut pages = Vec::new();
    for (k, rows) in rows.chunks(ROWS).enumerate() {
        let page = figure.page(k + 1);
        let legend = legend_layout(&names);
        let head = (legend.last().map_or(0, |l| l.1) + 1) * LEGEND_LINE + 20;
        let size = (WIDTH, head as u32 + ROW_HEIGHT * rows.len() as u32);
        write_figure(&page, size, |area, font| {
            let (top, body) = area.split_vertically(head * SCALE);
            draw_legend(&top, font, &legend)?;
            for (row, area) in rows.iter().zip(body.split_evenly((rows.len(), 1))) {
                draw_row(&area, font, row, &names)?;
            }
            Ok(())
        })?;
        pages.push(page);
    }
    Ok(pages)
}

/// All species of all spectra, in the order in which they first appear: a species has one colour everywhere.
fn species_names(spectra: &[FittedSpectrum]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for species in spectra.iter().flat_map(|s| &s.species) {
        if !names.contains(&species.name) {
            names.push(species.name.clone());
        }
    }
    names
}

/// Entries of the legend: x in pixels, line, text, colour and thickness.
fn legend_layout(names: &[String]) -> Vec<(i32, i32, String, RGBColor, u32)> {
    let mut entries = vec![
        ("data".to_string(), DATA, 2),
        ("model".to_string(), MODEL, 3),
        ("3 sigma".to_string(), BAND, 14),
    ];
    entries.extend(names.iter().enumerate().map(|(k, n)| (n.clone(), species_colour(k), 8)));
    let (mut x, mut line) = (90, 0);
    let mut placed = Vec::new();
    for (text, colour, thickness) in entries {
        let width = 60 + 10 * text.chars().count() as i32;
        if x + width > WIDTH as i32 - 20 {
            (x, line) = (90, line + 1);
        }
        placed.push((x, line, text, colour, thickness));
        x += width;
    }
    placed
}

fn draw_legend(area: &Area<'_>, font: &'static str, entries: &[(i32, i32, String, RGBColor, u32)]) -> Drawn {
    let style = text_style(font, 16.0, (HPos::Left, VPos::Center));
    for (x, line, text, colour, thickness) in entries {
        let y = (14 + line * LEGEND_LINE + 10) * SCALE;
        let ends = vec![(x * SCALE, y), ((x + 28) * SCALE, y)];
        area.draw(&PathElement::new(ends, colour.stroke_width(thickness * SCALE as u32)))?;
        area.draw(&Text::new(text.as_str(), ((x + 36) * SCALE, y), style.clone()))?;
    }
    Ok(())
}

/// What the two panels of a row share.
struct Panel<'a> {
    row: &'a Row<'a>,
    font: &'static str,
    /// Ends of the channels in MHz, rising.
    freq_mhz: Range<f64>,
}

fn draw_row(area: &Area<'_>, font: &'static str, row: &Row<'_>, names: &[String]) -> Drawn {
    let edges: Vec<f64> =
        row.channels.clone().flat_map(|k| channel_edges(&row.spectrum.freq_mhz, k)).collect();
    let low = edges.iter().copied().fold(f64::INFINITY, f64::min);
    let high = edges.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let panel = Panel { row, font, freq_mhz: low..high };
    let (above, below) = area.split_vertically((ROW_HEIGHT as i32 - RESIDUAL_HEIGHT) * SCALE);
    draw_spectrum(&above, &panel, names)?;
    draw_residual(&below, &panel)
}

fn draw_spectrum(area: &Area<'_>, panel: &Panel<'_>, names: &[String]) -> Drawn {
    let Panel { row, font, freq_mhz } = panel;
    let spectrum = row.spectrum;
    let shown = row.channels.clone().flat_map(|k| [spectrum.t_k_data[k], spectrum.t_k_model[k]]);
    let highest = spectrum.bands.iter().flat_map(|bands| row.channels.clone().map(|k| bands.model_k[4][k]));
    let (low, high) = finite_range(shown.chain(highest), 1.0);
    let labels = visible_labels(spectrum, freq_mhz);
    let span = high - low;
    let mut chart = ChartBuilder::on(area)
        .margin_left(12 * SCALE)
        .margin_right(24 * SCALE)
        .margin_top(TITLE * SCALE)
        .set_label_area_size(LabelAreaPosition::Left, 72 * SCALE)
        .set_label_area_size(LabelAreaPosition::Bottom, 4 * SCALE)
        .build_cartesian_2d(freq_mhz.clone(), low - 0.06 * span..high + label_room(&labels) * span)?;
    chart
        .configure_mesh()
        .disable_mesh()
        .axis_style(INK.stroke_width(SCALE as u32))
        .set_all_tick_mark_size(4 * SCALE)
        .x_labels(12)
        .x_label_formatter(&|_| String::new())
        .y_labels(5)
        .y_label_formatter(&axis_number(span))
        .y_desc("T (K)")
        .label_style(plain_style(font, 14.0))
        .axis_desc_style(plain_style(font, 15.0))
        .draw()?;
    let curve = |values: &[f64]| -> Vec<(f64, f64)> {
        row.channels.clone().map(|k| (spectrum.freq_mhz[k], values[k])).collect()
    };
    for species in &spectrum.species {
        // A species that the noise hides here would only draw a line along zero.
        let seen = row.channels.clone().any(|k| species.t_k[k].abs() > 0.3 * spectrum.sigma_k[k]);
        if let Some(place) = names.iter().position(|n| *n == species.name).filter(|_| seen) {
            let mut outline = curve(&species.t_k);
            let ends = [outline.last(), outline.first()].map(|p| p.map_or(0.0, |p| p.0));
            outline.extend(ends.map(|freq| (freq, 0.0)));
            chart.draw_series([Polygon::new(outline, species_colour(place).mix(0.55).filled())])?;
        }
    }
    for line in steps(&spectrum.freq_mhz, &spectrum.t_k_data, &row.channels) {
        chart.draw_series(LineSeries::new(line, DATA.stroke_width(SCALE as u32)))?;
    }
    if let Some(bands) = &spectrum.bands {
        let mut outline = curve(&bands.model_k[4]);
        outline.extend(curve(&bands.model_k[0]).into_iter().rev());
        chart.draw_series([Polygon::new(outline, MODEL.mix(0.25).filled())])?;
    }
    chart.draw_series(LineSeries::new(curve(&spectrum.t_k_model), MODEL.stroke_width(SCALE as u32)))?;
    let part = row.part.map(|(part, parts)| format!("  ({part}/{parts})")).unwrap_or_default();
    let title = Text::new(spectrum.name.clone() + &part, (84 * SCALE, (TITLE - 6) * SCALE), {
        text_style(font, 15.0, (HPos::Left, VPos::Bottom))
    });
    area.draw(&title)?;
    let (x, _) = chart.plotting_area().get_pixel_range();
    let left = area.get_pixel_range().0.start;
    draw_labels(area, font, &labels, (x.start - left, x.end - left), freq_mhz)
}

/// Room for the longest label above the highest peak, in units of the peak's height.
fn label_room(labels: &[&super::LineLabel]) -> f64 {
    let longest = labels.iter().map(|l| l.text.chars().count()).max().unwrap_or(0);
    if longest == 0 {
        return 0.08;
    }
    let panel = f64::from(ROW_HEIGHT as i32 - RESIDUAL_HEIGHT - TITLE);
    let label = 20.0 + 7.0 * longest as f64;
    (label / (panel - label).max(1.0)).min(1.2)
}

fn draw_residual(area: &Area<'_>, panel: &Panel<'_>) -> Drawn {
    let Panel { row, font, freq_mhz } = panel;
    let spectrum = row.spectrum;
    let residual = spectrum.residual_k();
    let sigma = &spectrum.sigma_k;
    let shown = row.channels.clone().flat_map(|k| [residual[k], 4.0 * sigma[k], -4.0 * sigma[k]]);
    let (low, high) = finite_range(shown, 1.0);
    let mut chart = ChartBuilder::on(area)
        .margin_left(12 * SCALE)
        .margin_right(24 * SCALE)
        .set_label_area_size(LabelAreaPosition::Left, 72 * SCALE)
        .set_label_area_size(LabelAreaPosition::Bottom, 46 * SCALE)
        .build_cartesian_2d(freq_mhz.clone(), 1.1 * low..1.1 * high)?;
    // Neighbours of equal noise make one rectangle: no seams between channels.
    let channels: Vec<usize> = row.channels.clone().collect();
    let equal = channels.chunk_by(|&a, &b| sigma[a] == sigma[b]).filter(|run| sigma[run[0]].is_finite());
    let band = equal.map(|run| {
        let (first, last) = (run[0], run[run.len() - 1]);
        let edges = [first, last].map(|k| channel_edges(&spectrum.freq_mhz, k));
        let (left, right) = (edges[0][0], edges[1][1]);
        Rectangle::new([(left, -3.0 * sigma[first]), (right, 3.0 * sigma[first])], BAND.filled())
    });
    chart.draw_series(band)?;
    let zero = [(freq_mhz.start, 0.0), (freq_mhz.end, 0.0)];
    chart.draw_series(LineSeries::new(zero, RGBColor(150, 155, 165).stroke_width(SCALE as u32)))?;
    chart
        .configure_mesh()
        .disable_mesh()
        .axis_style(INK.stroke_width(SCALE as u32))
        .set_all_tick_mark_size(4 * SCALE)
        .x_labels(12)
        .x_label_formatter(&axis_number(freq_mhz.end - freq_mhz.start))
        .y_labels(3)
        .y_label_formatter(&axis_number(high - low))
        .x_desc("Frequency (MHz)")
        .y_desc("Residual (K)")
        .label_style(plain_style(font, 14.0))
        .axis_desc_style(plain_style(font, 15.0))
        .draw()?;
    for line in steps(&spectrum.freq_mhz, &residual, &row.channels) {
        chart.draw_series(LineSeries::new(line, DATA.stroke_width(SCALE as u32)))?;
    }
    Ok(())
}

/// Labels inside the panel, of lines that would overlap the stronger, by falling strength.
fn visible_labels<'a>(spectrum: &'a FittedSpectrum, freq_mhz: &Range<f64>) -> Vec<&'a super::LineLabel> {
    let apart = 17.0 * (freq_mhz.end - freq_mhz.start) / f64::from(WIDTH - 104);
    // Half a label's height from the ends, so that none is written over the axis.
    let room = freq_mhz.start + 0.5 * apart..freq_mhz.end - 0.5 * apart;
    let mut inside: Vec<_> = spectrum.labels.iter().filter(|l| room.contains(&l.freq_mhz)).collect();
    inside.sort_by(|a, b| b.strength_k.total_cmp(&a.strength_k));
    let mut kept: Vec<&super::LineLabel> = Vec::new();
    for label in inside {
        if kept.iter().all(|k| (k.freq_mhz - label.freq_mhz).abs() > apart) {
            kept.push(label);
        }
    }
    kept
}

/// Writes labels upright below the upper edge, each with a tick at its frequency; `x` are the panel's ends in pixels.
fn draw_labels(
    area: &Area<'_>,
    font: &'static str,
    labels: &[&super::LineLabel],
    x: (i32, i32),
    freq_mhz: &Range<f64>,
) -> Drawn {
    let style = text_style(font, 12.0, (HPos::Right, VPos::Center)).transform(FontTransform::Rotate270);
    for label in labels {
        let fraction = (label.freq_mhz - freq_mhz.start) / (freq_mhz.end - freq_mhz.start);
        let place = x.0 + (fraction * f64::from(x.1 - x.0)) as i32;
        let tick = vec![(place, TITLE * SCALE), (place, (TITLE + 7) * SCALE)];
        area.draw(&PathElement::new(tick, INK.stroke_width(SCALE as u32)))?;
        area.draw(&Text::new(label.text.as_str(), (place, (TITLE + 11) * SCALE), style.clone()))?;
    }
    Ok(())
}

/// Both edges of a channel, half way to its neighbours.
fn channel_edges(freq_mhz: &[f64], k: usize) -> [f64; 2] {
    let here = freq_mhz[k];
    let before = k.checked_sub(1).map(|b| freq_mhz[b]);
    let after = freq_mhz.get(k + 1).copied();
    let left = before.or(after.map(|a| 2.0 * here - a)).unwrap_or(here - 0.5);
    let right = after.or(before.map(|b| 2.0 * here - b)).unwrap_or(here + 0.5);
    [0.5 * (left + here), 0.5 * (right + here)]
}

/// Values as steps, a line for each stretch without gaps.
fn steps(freq_mhz: &[f64], values: &[f64], channels: &Range<usize>) -> Vec<Vec<(f64, f64)>> {
    let mut lines = vec![Vec::new()];
    for k in channels.clone() {
        if values[k].is_finite() {
            let points = channel_edges(freq_mhz, k).map(|edge| (edge, values[k]));
            lines.last_mut().into_iter().for_each(|line| line.extend(points));
        } else if lines.last().is_some_and(|l| !l.is_empty()) {
            lines.push(Vec::new());
        }
    }
    lines
}

/// The least and the largest finite value; a range of width `least` around zero where they do not differ.
fn finite_range(values: impl Iterator<Item = f64>, least: f64) -> (f64, f64) {
    let (low, high) = values
        .filter(|v| v.is_finite())
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (a.min(v), b.max(v)));
    if low < high { (low, high) } else { (-0.5 * least, 0.5 * least) }
}
