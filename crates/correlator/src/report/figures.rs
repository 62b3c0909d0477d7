//! Draws what a report shows of a scan besides fringes: spectra of the stations, weights over time, uv coverage.

use crate::writer::VisFile;
use plotters::coord::Shift;
use plotters::prelude::*;
use std::error::Error;

type Area<'a> = DrawingArea<BitMapBackend<'a>, Shift>;
type Drawn = Result<(), Box<dyn Error>>;
/// Size and pixels of a picture.
pub(super) type Pixels = ((u32, u32), Vec<u8>);

const LIGHT_M_S: f64 = crate::geometry::LIGHT_M_S;
const PANEL: (u32, u32) = (640, 300);
/// Points of a curve at most: means of neighbours are drawn where there are more.
const MOST_POINTS: usize = 1200;
/// Stations or baselines with panels or curves of their own at most.
const MOST: usize = 24;

/// A curve, or points, with a name.
struct Curve {
    name: String,
    points: Vec<(f64, f64)>,
    joined: bool,
}

/// One diagram.
struct Panel {
    title: String,
    x: &'static str,
    y: &'static str,
    curves: Vec<Curve>,
    /// The same scale on both axes, zero in the middle.
    square: bool,
}

/// A picture of panels in two columns.
pub(super) struct Figure(Vec<Panel>);

/// The pictures of a scan: a word for the file's name, a caption, the figure.
pub(super) fn of_scan(vis: &VisFile, scan: usize) -> hdf5::Result<Vec<(&'static str, &'static str, Figure)>> {
    let mut figures = Vec::new();
    if !vis.meta().autos.is_empty() {
        figures.push((
            "spectra",
            "Mean autocorrelation of every station and band, over its mean.",
            Figure(spectra(vis, scan)?),
        ));
    }
    figures.push((
        "weights",
        "Covered share of the samples of every station, and mean weight of every baseline, over time.",
        Figure(weights(vis, scan)?),
    ));
    if !vis.meta().baselines.is_empty() {
        figures.push((
            "uv",
            "uv coverage of the first phase centre, at the middle of all bands; both halves of the plane.",
            Figure(vec![coverage(vis, scan)?]),
        ));
    }
    Ok(figures)
}

/// A panel of each station: mean power over frequency.
fn spectra(vis: &VisFile, scan: usize) -> hdf5::Result<Vec<Panel>> {
    let meta = vis.meta();
    let mut panels: Vec<Panel> = Vec::new();
    for stream in 0..meta.stream_stations.len().min(MOST) {
        let mut curves = Vec::new();
        for (index, auto) in meta.autos.iter().enumerate().filter(|(_, a)| a.of == stream) {
            if auto.polarisations[0] != auto.polarisations[1] {
                continue;
            }
            let (vis_tf, weight_t) = vis.auto_tf(scan, index)?;
            let mut sums = vec![0.0; vis_tf.ncols()];
            for (row, &weight) in vis_tf.outer_iter().zip(&weight_t) {
                sums.iter_mut().zip(row).for_each(|(sum, v)| *sum += f64::from(weight * v.re));
            }
            let mean = sums.iter().sum::<f64>() / sums.len().max(1) as f64;
            if mean <= 0.0 {
                continue;
            }
            let point = |(f, sum): (usize, &f64)| (meta.channel_hz(auto.band, f) / 1e6, sum / mean);
            let points = thinned(sums.iter().enumerate().map(point).collect());
            let name = format!("{}", auto.polarisations[0]);
            curves.push(Curve { name, points, joined: true });
        }
        let title = meta.stations[meta.stream_stations[stream]].name.clone();
        panels.push(Panel { title, x: "sky frequency (MHz)", y: "power", curves, square: false });
    }
    Ok(panels)
}

/// Two panels: stations and baselines.
fn weights(vis: &VisFile, scan: usize) -> hdf5::Result<Vec<Panel>> {
    let meta = vis.meta();
    let time = |t: usize| meta.time_s(scan, t) - meta.scans[scan].start_s;
    let coverage_ts = vis.coverage_ts(scan)?;
    let curve = |name: String, values: Vec<f64>| Curve {
        name,
        points: thinned(values.into_iter().enumerate().map(|(t, w)| (time(t), w)).collect()),
        joined: true,
    };
    let of_station = |stream: usize| {
        let values = coverage_ts.column(stream).iter().map(|&c| f64::from(c)).collect();
        curve(meta.stations[meta.stream_stations[stream]].name.clone(), values)
    };
    let stations = (0..meta.stream_stations.len().min(MOST)).map(of_station).collect();
    let (cross_tx, _) = vis.weights(scan, 0)?;
    let of_baseline = |baseline: usize| {
        let products: Vec<usize> =
            (0..meta.crosses.len()).filter(|&x| meta.crosses[x].of == baseline).collect();
        let mean = |t: usize| {
            products.iter().map(|&x| f64::from(cross_tx[[t, x]])).sum::<f64>() / products.len().max(1) as f64
        };
        curve(meta.baseline_names(baseline).join("-"), (0..cross_tx.nrows()).map(mean).collect())
    };
    let baselines = (0..meta.baselines.len().min(MOST)).map(of_baseline).collect();
    let panel = |title: &str, y, curves| Panel {
        title: title.to_owned(),
        x: "seconds of the scan",
        y,
        curves,
        square: false,
    };
    Ok(vec![panel("stations", "covered share", stations), panel("baselines", "weight", baselines)])
}

/// u and v in millions of wavelengths.
fn coverage(vis: &VisFile, scan: usize) -> hdf5::Result<Panel> {
    let meta = vis.meta();
    let used: Vec<f64> = meta
        .crosses
        .iter()
        .map(|p| meta.bands[p.band].low_hz() + 0.5 * meta.bands[p.band].bandwidth_hz)
        .collect();
    let scale = used.iter().sum::<f64>() / used.len().max(1) as f64 / LIGHT_M_S / 1e6;
    let uvw_tb3 = vis.uvw_tb3(scan, 0)?;
    let step = (uvw_tb3.dim().0 / MOST_POINTS).max(1);
    let of = |baseline: usize| {
        let at = |t: usize| (uvw_tb3[[t, baseline, 0]] * scale, uvw_tb3[[t, baseline, 1]] * scale);
        let half: Vec<(f64, f64)> = (0..uvw_tb3.dim().0).step_by(step).map(at).collect();
        let other = half.iter().map(|&(u, v)| (-u, -v));
        let points = half.iter().copied().chain(other).collect();
        Curve { name: meta.baseline_names(baseline).join("-"), points, joined: false }
    };
    let curves = (0..meta.baselines.len().min(MOST)).map(of).collect();
    Ok(Panel { title: "uv".to_owned(), x: "u (Mλ)", y: "v (Mλ)", curves, square: true })
}

/// Means of neighbours, where there are more points than can be seen.
fn thinned(points: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
    let size = points.len().div_ceil(MOST_POINTS).max(1);
    let mean = |group: &[(f64, f64)]| {
        let n = group.len() as f64;
        (group.iter().map(|p| p.0).sum::<f64>() / n, group.iter().map(|p| p.1).sum::<f64>() / n)
    };
    points.chunks(size).map(mean).collect()
}

impl Figure {
    /// Draws the panels.
    pub(super) fn draw(&self) -> Result<Pixels, Box<dyn Error>> {
        let columns = self.0.len().clamp(1, 2);
        let rows = self.0.len().div_ceil(columns).max(1);
        let square = self.0.iter().any(|panel| panel.square);
        let panel = if square { (PANEL.0, PANEL.0) } else { PANEL };
        let size = (panel.0 * columns as u32, panel.1 * rows as u32);
        let mut rgb = vec![0; 3 * size.0 as usize * size.1 as usize];
        {
            let root = BitMapBackend::with_buffer(&mut rgb, size).into_drawing_area();
            root.fill(&WHITE)?;
            for (panel, area) in self.0.iter().zip(root.split_evenly((rows, columns))) {
                panel.draw(&area)?;
            }
            root.present()?;
        }
        Ok((size, rgb))
    }
}

impl Panel {
    /// Ranges of both axes, somewhat larger than the points.
    fn ranges(&self) -> [(f64, f64); 2] {
        let all = || self.curves.iter().flat_map(|c| &c.points).copied();
        if self.square {
            let far = all().map(|(x, y)| x.abs().max(y.abs())).fold(1e-9, f64::max) * 1.08;
            return [(-far, far), (-far, far)];
        }
        let ends = |value: fn((f64, f64)) -> f64| {
            let low = all().map(value).fold(f64::INFINITY, f64::min);
            let high = all().map(value).fold(f64::NEG_INFINITY, f64::max);
            if low <= high { (low, high) } else { (0.0, 1.0) }
        };
        let (x, y) = (ends(|p| p.0), ends(|p| p.1));
        let pad = 1e-6 * x.0.abs().max(1e-3);
        [(x.0 - pad, x.1 + pad), (0.0, y.1.max(1e-9) * 1.08)]
    }

    fn draw(&self, area: &Area) -> Drawn {
        let [x, y] = self.ranges();
        let mut chart = ChartBuilder::on(area)
            .caption(&self.title, ("sans-serif", 17))
            .margin(8)
            .x_label_area_size(36)
            .y_label_area_size(58)
            .build_cartesian_2d(x.0..x.1, y.0..y.1)?;
        chart.configure_mesh().light_line_style(WHITE).x_labels(6).x_desc(self.x).y_desc(self.y).draw()?;
        for (i, curve) in self.curves.iter().enumerate() {
            let colour = Palette99::pick(i).to_rgba();
            let drawn = if curve.joined {
                chart.draw_series(LineSeries::new(curve.points.iter().copied(), colour))?
            } else {
                chart.draw_series(curve.points.iter().map(|&p| Circle::new(p, 2, colour.filled())))?
            };
            drawn
                .label(&curve.name)
                .legend(move |(x, y)| Rectangle::new([(x, y - 2), (x + 14, y + 2)], colour.filled()));
        }
        if self.curves.len() > 1 {
            chart
                .configure_series_labels()
                .border_style(RGBColor(200, 200, 205))
                .background_style(WHITE.mix(0.85))
                .position(SeriesLabelPosition::LowerRight)
                .draw()?;
        }
        Ok(())
    }
}
