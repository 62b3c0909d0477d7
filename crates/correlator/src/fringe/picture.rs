//! Draws fringes: the delay-rate plane, amplitude and phase over frequency.

use super::FringeError;
use super::report::{FringeReport, FringeRow};
use super::search::{Fringe, Plane};
use mirinae_common::picture;
use plotters::coord::Shift;
use plotters::prelude::*;
use std::f64::consts::TAU;
use std::path::Path;

type Area<'a> = DrawingArea<BitMapBackend<'a>, Shift>;
type Drawn = Result<(), Box<dyn std::error::Error>>;

const PANEL: (u32, u32) = (430, 250);
/// Baselines drawn at most: more do not fit a page.
const MOST_ROWS: usize = 15;

/// Draws the report as PNG: for each scan, source and baseline the plane of its most significant band, and amplitude and
/// phase of all its bands over sky frequency (rate taken out, delay drawn as a line). At most 15 of them.
pub fn write_fringe_png(report: &FringeReport, path: &Path) -> Result<(), FringeError> {
    let failed = |message: String| FringeError::Write { path: path.to_owned(), message };
    let groups = groups(report);
    let size = (PANEL.0 * 3, PANEL.1 * groups.len().max(1) as u32);
    let mut rgb = vec![0; 3 * size.0 as usize * size.1 as usize];
    draw(&groups, size, &mut rgb).map_err(|e| failed(e.to_string()))?;
    picture::write_png(path, size, &rgb).map_err(|e| failed(e.source.to_string()))
}

/// Rows of the same scan, source and baseline.
fn groups(report: &FringeReport) -> Vec<Vec<&FringeRow>> {
    let key = |row: &FringeRow| (row.scan.clone(), row.source.clone(), row.baseline.clone());
    let mut groups: Vec<Vec<&FringeRow>> = Vec::new();
    for row in report.rows.iter().filter(|row| row.fringe.is_some()) {
        match groups.iter_mut().find(|group| key(group[0]) == key(row)) {
            Some(group) => group.push(row),
            None => groups.push(vec![row]),
        }
    }
    groups.truncate(MOST_ROWS);
    groups
}

fn draw(groups: &[Vec<&FringeRow>], size: (u32, u32), rgb: &mut [u8]) -> Drawn {
    let rows = groups.len().max(1);
    let root = BitMapBackend::with_buffer(rgb, size).into_drawing_area();
    root.fill(&WHITE)?;
    for (group, areas) in groups.iter().zip(root.split_evenly((rows, 3)).chunks(3)) {
        let snr = |row: &FringeRow| row.fringe.map_or(0.0, |fringe| fringe.snr);
        let Some(best) = group.iter().max_by(|a, b| snr(a).total_cmp(&snr(b))) else { continue };
        if let (Some(fringe), Some(plane)) = (&best.fringe, &best.plane) {
            let title = format!(
                "{} {} {:.0} MHz: SNR {:.1}",
                best.source,
                best.baseline,
                best.low_hz / 1e6,
                fringe.snr
            );
            draw_plane(&areas[0], &title, fringe, plane)?;
        }
        draw_spectrum(&areas[1], "amplitude", group, false)?;
        draw_spectrum(&areas[2], "phase", group, true)?;
    }
    root.present()?;
    Ok(())
}

/// Dark blue to yellow, even in lightness.
pub(crate) fn colour(x: f64) -> RGBColor {
    const STOPS: [(f64, f64, f64); 5] = [
        (68.0, 1.0, 84.0),
        (59.0, 82.0, 139.0),
        (33.0, 145.0, 140.0),
        (94.0, 201.0, 98.0),
        (253.0, 231.0, 37.0),
    ];
    let at = x.clamp(0.0, 1.0) * 4.0;
    let i = (at as usize).min(3);
    let mix = |a: f64, b: f64| (a + (b - a) * (at - i as f64)) as u8;
    let (a, b) = (STOPS[i], STOPS[i + 1]);
    RGBColor(mix(a.0, b.0), mix(a.1, b.1), mix(a.2, b.2))
}

fn draw_plane(area: &Area, title: &str, fringe: &Fringe, plane: &Plane) -> Drawn {
    let half_step = |axis: &[f64]| if axis.len() > 1 { (axis[1] - axis[0]) / 2.0 } else { 0.5 };
    let range = |axis: &[f64], scale: f64| {
        let half = half_step(axis);
        (axis[0] - half) * scale..(axis[axis.len() - 1] + half) * scale
    };
    let mut chart = ChartBuilder::on(area)
        .caption(title, ("sans-serif", 15))
        .margin(6)
        .x_label_area_size(32)
        .y_label_area_size(56)
        .build_cartesian_2d(range(&plane.delay_s, 1e9), range(&plane.rate_hz, 1e3))?;
    chart.configure_mesh().disable_mesh().x_labels(6).x_desc("delay (ns)").y_desc("rate (mHz)").draw()?;
    let top = plane.amplitude.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
    let (dx, dy) = (half_step(&plane.delay_s) * 1e9, half_step(&plane.rate_hz) * 1e3);
    let cells = plane.amplitude.iter().enumerate().map(|(i, amplitude)| {
        let (x, y) =
            (plane.delay_s[i % plane.delay_s.len()] * 1e9, plane.rate_hz[i / plane.delay_s.len()] * 1e3);
        Rectangle::new([(x - dx, y - dy), (x + dx, y + dy)], colour(amplitude / top).filled())
    });
    chart.draw_series(cells)?;
    let (x, y) = (fringe.delay_s * 1e9, fringe.rate_hz * 1e3);
    chart.draw_series([Circle::new((x, y), 12, RED.stroke_width(1))])?;
    Ok(())
}

/// Amplitude, or phase in degrees with the fringe's delay as a line, of all bands of a baseline.
fn draw_spectrum(area: &Area, title: &str, group: &[&FringeRow], phase: bool) -> Drawn {
    let points = group.iter().flat_map(|row| &row.spectrum_f);
    let (mut low, mut high, mut top) = (f64::INFINITY, f64::NEG_INFINITY, f64::MIN_POSITIVE);
    for (f, re, im) in points {
        (low, high, top) = (low.min(*f), high.max(*f), top.max(re.hypot(*im)));
    }
    if low > high {
        return Ok(());
    }
    let y = if phase { -180.0..180.0 } else { 0.0..top * 1.05 };
    let mut chart = ChartBuilder::on(area)
        .caption(title, ("sans-serif", 15))
        .margin(6)
        .x_label_area_size(32)
        .y_label_area_size(56)
        .build_cartesian_2d(low / 1e6..high / 1e6 + 1e-6, y)?;
    let unit = if phase { "degrees" } else { "correlation" };
    chart
        .configure_mesh()
        .light_line_style(WHITE)
        .x_labels(5)
        .x_desc("sky frequency (MHz)")
        .y_desc(unit)
        .draw()?;
    for (i, row) in group.iter().enumerate() {
        let colour = Palette99::pick(i);
        let value = |re: f64, im: f64| if phase { im.atan2(re).to_degrees() } else { re.hypot(im) };
        let dots = row
            .spectrum_f
            .iter()
            .map(|&(f, re, im)| Circle::new((f / 1e6, value(re, im)), 2, colour.filled()));
        chart.draw_series(dots)?;
        let Some(fringe) = row.fringe.filter(|_| row.detected) else { continue };
        let model = |&(f, ..): &(f64, f64, f64)| {
            let turns = (f - fringe.frequency_hz) * fringe.delay_s + fringe.phase_rad / TAU;
            let degrees = (turns - turns.round()) * 360.0;
            Circle::new((f / 1e6, if phase { degrees } else { fringe.amplitude }), 1, BLACK.filled())
        };
        chart.draw_series(row.spectrum_f.iter().map(model))?;
    }
    Ok(())
}
