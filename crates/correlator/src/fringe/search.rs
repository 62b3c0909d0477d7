//! The search itself: numbers in, numbers out.

use super::significance::false_alarm;
use crate::transforms::Transforms;
use mirinae_simd::SimdPath;
use num_complex::{Complex32, Complex64};
use serde::Serialize;
use std::f64::consts::TAU;

/// The transform has so many times as many points as there are data in each direction.
const PADDING: usize = 4;
/// Points of the transform above which padding is halved: bounds the memory.
const MOST_POINTS: usize = 1 << 24;
/// Newton steps at most; five are enough from a padded grid.
const STEPS: usize = 20;
/// Half the width of the kept plane, in points of the padded transform.
const PLANE_HALF: usize = 48;

/// Visibilities of one baseline and band.
#[derive(Debug, Clone, PartialEq)]
pub struct Visibilities {
    /// Visibilities, `[time][channel]`.
    pub vis_tf: Vec<Complex32>,
    /// Weight of each integration: the share of its samples that were there; 0 leaves it out.
    pub weight_t: Vec<f32>,
    /// Sky frequency of the first channel, Hz.
    pub first_hz: f64,
    /// Width of a channel, Hz.
    pub step_hz: f64,
    /// Middle of the first integration, s.
    pub first_s: f64,
    /// Length of an integration, s.
    pub step_s: f64,
}

impl Visibilities {
    fn channels(&self) -> usize {
        self.vis_tf.len() / self.weight_t.len().max(1)
    }
}

/// Where to search; all that the data can tell if `None`.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Window {
    /// Largest delay either way, s.
    pub delay_s: Option<f64>,
    /// Largest fringe rate either way, Hz.
    pub rate_hz: Option<f64>,
}

/// A peak of the search, with one standard deviation of each value.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Fringe {
    /// Residual delay: the slope of phase over 2 pi times frequency, s.
    pub delay_s: f64,
    /// Its error, s.
    pub delay_error_s: f64,
    /// Residual fringe rate: the slope of phase over 2 pi times time, Hz.
    pub rate_hz: f64,
    /// Its error, Hz.
    pub rate_error_hz: f64,
    /// Amplitude, in the units of the visibilities.
    pub amplitude: f64,
    /// Phase at `frequency_hz` and `time_s`, rad.
    pub phase_rad: f64,
    /// Its error, rad.
    pub phase_error_rad: f64,
    /// Mean sky frequency, Hz.
    pub frequency_hz: f64,
    /// Mean time, s.
    pub time_s: f64,
    /// Amplitude over the standard deviation of one of its components, which the data's scatter about the fringe tells.
    pub snr: f64,
    /// Probability that noise alone reaches this signal-to-noise ratio somewhere in the search.
    pub false_alarm: f64,
}

/// The amplitude of the transform about a peak: rows are rates, columns delays.
#[derive(Debug, Clone, PartialEq)]
pub struct Plane {
    /// Delays of the columns, s, ascending.
    pub delay_s: Vec<f64>,
    /// Rates of the rows, Hz, ascending.
    pub rate_hz: Vec<f64>,
    /// Amplitude in the units of the visibilities, `[rate][delay]`.
    pub amplitude: Vec<f64>,
}

/// One visibility with its coordinates from the weighted mean.
struct Datum {
    f_hz: f64,
    t_s: f64,
    weight: f64,
    vis: Complex64,
}

/// Searches for a fringe; `None` when fewer than three visibilities have weight, or all of these are zero.
pub fn search(vis: &Visibilities, window: &Window) -> Option<(Fringe, Plane)> {
    let data = centred(vis)?;
    let grid = Grid::new([vis.weight_t.len(), vis.channels()], [vis.step_s, vis.step_hz]);
    let amplitude = grid.transform(vis, &mut Transforms::new(SimdPath::detect()));
    let total: f64 = data.data.iter().map(|d| d.weight).sum();
    let (row, column) = grid.peak(&amplitude, window)?;
    let start = [grid.delay_s(column), grid.rate_hz(row)];
    let [delay_s, rate_hz] = refine(&data.data, start);
    let sum = rotated_sum(&data.data, delay_s, rate_hz);
    let (mean, amplitude_found) = (sum / total, sum.norm() / total);
    let squares: f64 = data
        .data
        .iter()
        .map(|d| {
            let model = mean * Complex64::from_polar(1.0, TAU * (d.f_hz * delay_s + d.t_s * rate_hz));
            d.weight * (d.vis - model).norm_sqr()
        })
        .sum();
    // Two components each, four parameters; the variance of one component of a visibility of weight 1.
    let variance = squares / (2 * data.data.len() - 4) as f64;
    let snr = amplitude_found / (variance / total).sqrt();
    let spread = |of: fn(&Datum) -> f64| -> f64 {
        (data.data.iter().map(|d| d.weight * of(d).powi(2)).sum::<f64>() / total).sqrt()
    };
    let fringe = Fringe {
        delay_s,
        delay_error_s: 1.0 / (TAU * snr * spread(|d| d.f_hz)),
        rate_hz,
        rate_error_hz: 1.0 / (TAU * snr * spread(|d| d.t_s)),
        amplitude: amplitude_found,
        phase_rad: mean.arg(),
        phase_error_rad: 1.0 / snr,
        frequency_hz: data.mean_hz,
        time_s: data.mean_s,
        snr,
        false_alarm: false_alarm(snr, grid.cells(window)),
    };
    Some((fringe, grid.plane(&amplitude, row, column, total)))
}

struct Centred {
    data: Vec<Datum>,
    mean_hz: f64,
    mean_s: f64,
}

fn centred(vis: &Visibilities) -> Option<Centred> {
    let channels = vis.channels();
    let mut data = Vec::new();
    for (t, &weight) in vis.weight_t.iter().enumerate().filter(|(_, weight)| **weight > 0.0) {
        for (f, v) in vis.vis_tf[t * channels..(t + 1) * channels].iter().enumerate() {
            data.push(Datum {
                f_hz: vis.first_hz + f as f64 * vis.step_hz,
                t_s: vis.first_s + t as f64 * vis.step_s,
                weight: f64::from(weight),
                vis: Complex64::new(v.re.into(), v.im.into()),
            });
        }
    }
    if data.len() < 3 || data.iter().all(|d| d.vis.norm_sqr() == 0.0) {
        return None;
    }
    let total: f64 = data.iter().map(|d| d.weight).sum();
    let mean_hz = data.iter().map(|d| d.weight * (d.f_hz - vis.first_hz)).sum::<f64>() / total + vis.first_hz;
    let mean_s = data.iter().map(|d| d.weight * (d.t_s - vis.first_s)).sum::<f64>() / total + vis.first_s;
    data.iter_mut().for_each(|d| (d.f_hz, d.t_s) = (d.f_hz - mean_hz, d.t_s - mean_s));
    Some(Centred { data, mean_hz, mean_s })
}

fn rotated_sum(data: &[Datum], delay_s: f64, rate_hz: f64) -> Complex64 {
    let turn = |d: &Datum| Complex64::from_polar(d.weight, -TAU * (d.f_hz * delay_s + d.t_s * rate_hz));
    data.iter().map(|d| d.vis * turn(d)).sum()
}

/// Newton steps towards the maximum of `|S|`: with the phase of `S` taken out, the gradient is the weighted imaginary
/// part times the coordinate, the curvature minus the weighted real part times its square.
fn refine(data: &[Datum], start: [f64; 2]) -> [f64; 2] {
    let mut at = start;
    let mut best = rotated_sum(data, at[0], at[1]);
    for _ in 0..STEPS {
        let turn = best.conj() / best.norm();
        let (mut g, mut h) = ([0.0; 2], [0.0; 3]);
        for d in data {
            let phase = -TAU * (d.f_hz * at[0] + d.t_s * at[1]);
            let v = d.vis * Complex64::from_polar(d.weight, phase) * turn;
            let (x, y) = (TAU * d.f_hz, TAU * d.t_s);
            g = [g[0] + v.im * x, g[1] + v.im * y];
            h = [h[0] + v.re * x * x, h[1] + v.re * x * y, h[2] + v.re * y * y];
        }
        let Some(step) = solve(g, h) else { break };
        // Shorter steps until the sum grows; none left: this is the maximum.
        let tried = (0..12).map(|i| 0.5_f64.powi(i)).find_map(|scale| {
            let to = [at[0] + scale * step[0], at[1] + scale * step[1]];
            let sum = rotated_sum(data, to[0], to[1]);
            (sum.norm() > best.norm()).then_some((to, sum))
        });
        let Some((to, sum)) = tried else { break };
        let gain = sum.norm() / best.norm() - 1.0;
        (at, best) = (to, sum);
        if gain < 1e-14 {
            break;
        }
    }
    at
}

/// Solves the symmetric system `h x = g`; a direction without data (one channel, one integration) stays where it is.
fn solve(g: [f64; 2], h: [f64; 3]) -> Option<[f64; 2]> {
    let determinant = h[0] * h[2] - h[1] * h[1];
    if h[0] > 0.0 && h[2] > 0.0 && determinant > 1e-9 * h[0] * h[2] {
        return Some([(g[0] * h[2] - g[1] * h[1]) / determinant, (g[1] * h[0] - g[0] * h[1]) / determinant]);
    }
    let alone = |g: f64, h: f64| if h > 0.0 { g / h } else { 0.0 };
    let step = [alone(g[0], h[0]), alone(g[1], h[2])];
    (step != [0.0; 2]).then_some(step)
}

/// The padded transform: rows are rates, columns delays.
pub(super) struct Grid {
    pub(super) times: usize,
    pub(super) channels: usize,
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) step_hz: f64,
    pub(super) step_s: f64,
}

impl Grid {
    pub(super) fn new([times, channels]: [usize; 2], [step_s, step_hz]: [f64; 2]) -> Self {
        let padded = |n: usize, padding: usize| if n == 1 { 1 } else { (n * padding).next_power_of_two() };
        let large = padded(times, PADDING) * padded(channels, PADDING) > MOST_POINTS;
        let padding = if large { PADDING / 2 } else { PADDING };
        let (rows, columns) = (padded(times, padding), padded(channels, padding));
        Self { times, channels, rows, columns, step_hz, step_s }
    }

    /// Amplitude of the weighted sum at every point.
    pub(super) fn transform(&self, vis: &Visibilities, transforms: &mut Transforms) -> Vec<f32> {
        let mut grid = vec![Complex32::default(); self.rows * self.columns];
        for (t, row) in grid.chunks_exact_mut(self.columns).enumerate().take(self.times) {
            let weight = vis.weight_t[t].max(0.0);
            let values = &vis.vis_tf[t * self.channels..(t + 1) * self.channels];
            row.iter_mut().zip(values).for_each(|(to, &v)| *to = if weight > 0.0 { v * weight } else { *to });
            transforms.forward(row);
        }
        let mut column = vec![Complex32::default(); self.rows];
        let mut amplitude = vec![0.0; grid.len()];
        for c in 0..self.columns {
            column.iter_mut().enumerate().for_each(|(r, x)| *x = grid[r * self.columns + c]);
            transforms.forward(&mut column);
            column.iter().enumerate().for_each(|(r, x)| amplitude[r * self.columns + c] = x.norm());
        }
        amplitude
    }

    fn delay_s(&self, column: usize) -> f64 {
        signed(column, self.columns) as f64 / (self.columns as f64 * self.step_hz)
    }

    fn rate_hz(&self, row: usize) -> f64 {
        signed(row, self.rows) as f64 / (self.rows as f64 * self.step_s)
    }

    /// The highest point within the window.
    fn peak(&self, amplitude: &[f32], window: &Window) -> Option<(usize, usize)> {
        let inside = |value: f64, limit: Option<f64>| limit.is_none_or(|limit| value.abs() <= limit);
        let columns: Vec<usize> =
            (0..self.columns).filter(|&c| inside(self.delay_s(c), window.delay_s)).collect();
        let rows = (0..self.rows).filter(|&r| inside(self.rate_hz(r), window.rate_hz));
        let points = rows.flat_map(|r| columns.iter().map(move |&c| (r, c)));
        points.max_by(|a, b| {
            let height = |p: &(usize, usize)| amplitude[p.0 * self.columns + p.1];
            height(a).total_cmp(&height(b))
        })
    }

    /// Independent cells in the window.
    fn cells(&self, window: &Window) -> f64 {
        let cells = |n: usize, step: f64, limit: Option<f64>| {
            limit.map_or(n as f64, |limit| (2.0 * limit * step * n as f64).clamp(1.0, n as f64))
        };
        cells(self.channels, self.step_hz, window.delay_s) * cells(self.times, self.step_s, window.rate_hz)
    }

    fn plane(&self, amplitude: &[f32], row: usize, column: usize, total: f64) -> Plane {
        let around = |centre: usize, n: usize| -> Vec<i64> {
            let half = PLANE_HALF.min(n.saturating_sub(1) / 2) as i64;
            (-half..=half).map(|i| signed(centre, n) + i).collect()
        };
        let (rows, columns) = (around(row, self.rows), around(column, self.columns));
        let at = |r: i64, c: i64| {
            let (r, c) = (r.rem_euclid(self.rows as i64), c.rem_euclid(self.columns as i64));
            f64::from(amplitude[r as usize * self.columns + c as usize]) / total
        };
        Plane {
            delay_s: columns.iter().map(|&c| c as f64 / (self.columns as f64 * self.step_hz)).collect(),
            rate_hz: rows.iter().map(|&r| r as f64 / (self.rows as f64 * self.step_s)).collect(),
            amplitude: rows.iter().flat_map(|&r| columns.iter().map(move |&c| at(r, c))).collect(),
        }
    }
}

/// The signed frequency index of point `i` of `n`.
fn signed(i: usize, n: usize) -> i64 {
    if i < n.div_ceil(2) { i as i64 } else { i as i64 - n as i64 }
}
