//! Powers of a weighted sum of visibilities at the delays and rates of a window.
//!
//! Of the padded transform, only the delays of the window are transformed along time, and only its rates are kept: a field on the
//! sky has a small part of all delays and rates that channels and integrations can tell.

use super::search::Grid;
use crate::transforms::Transforms;
use num_complex::Complex32;

/// Weighted visibilities of one baseline.
pub(crate) struct Weighted<'a> {
    /// `[time][channel]`.
    pub(crate) values_tf: &'a [Complex32],
    /// Integrations.
    pub(crate) times: usize,
    /// Width of a channel, Hz.
    pub(crate) step_hz: f64,
    /// Length of an integration, s.
    pub(crate) step_s: f64,
}

/// Powers in units of what noise has on average.
pub(crate) struct PowerGrid {
    /// Points of the transform per second of delay, and per hertz of rate.
    points: [f64; 2],
    /// Points that are kept either way of 0.
    most: [usize; 2],
    /// `[delay][rate]`, each from the lowest on.
    power: Vec<f32>,
}

impl PowerGrid {
    /// The powers up to a delay and a rate either way (`window`, s and Hz) of a sum whose noise has the mean power `noise`.
    pub(crate) fn new(vis: &Weighted, noise: f64, window: [f64; 2], transforms: &mut Transforms) -> Self {
        let channels = vis.values_tf.len() / vis.times.max(1);
        let grid = Grid::new([vis.times, channels], [vis.step_s, vis.step_hz]);
        let points = [grid.step_hz * grid.columns as f64, grid.step_s * grid.rows as f64];
        let most = [kept(window[0] * points[0], grid.columns), kept(window[1] * points[1], grid.rows)];
        let delays_ct = along_channels(&grid, vis, most[0], transforms);
        let mut power = Vec::with_capacity((2 * most[0] + 1) * (2 * most[1] + 1));
        let per_noise = (1.0 / noise) as f32;
        let mut rates = vec![Complex32::default(); grid.rows];
        for values_t in delays_ct.chunks_exact(grid.times) {
            rates[..grid.times].copy_from_slice(values_t);
            rates[grid.times..].fill(Complex32::default());
            transforms.forward(&mut rates);
            let (negative, positive) = (&rates[grid.rows - most[1]..], &rates[..=most[1]]);
            power.extend(negative.iter().chain(positive).map(|v| v.norm_sqr() * per_noise));
        }
        Self { points, most, power }
    }

    /// The power at the nearest point of the window; 0 beyond what the data can tell.
    pub(crate) fn at(&self, delay_s: f64, rate_hz: f64) -> f64 {
        let index = |value: f64, k: usize| {
            // Below 0 is far above the window as well.
            let from_lowest =
                nearest(value * self.points[k]).wrapping_add(self.most[k] as i32) as u32 as usize;
            (from_lowest <= 2 * self.most[k]).then_some(from_lowest)
        };
        let (delay, rate) = (index(delay_s, 0), index(rate_hz, 1));
        delay.zip(rate).map_or(0.0, |(c, r)| f64::from(self.power[c * (2 * self.most[1] + 1) + r]))
    }
}

/// Points of `n` that are kept either way for a window's edge; the one of the highest frequency has no sign and is left out.
fn kept(edge: f64, n: usize) -> usize {
    ((edge.min(n as f64) + 1.0) as usize).min((n - 1) / 2)
}

/// The padded transform along channels, from the lowest delay that is kept to the highest, `[delay][time]`.
fn along_channels(grid: &Grid, vis: &Weighted, most: usize, transforms: &mut Transforms) -> Vec<Complex32> {
    let mut delays_ct = vec![Complex32::default(); (2 * most + 1) * grid.times];
    let mut row = vec![Complex32::default(); grid.columns];
    for (t, values) in vis.values_tf.chunks_exact(grid.channels).enumerate() {
        row[..grid.channels].copy_from_slice(values);
        row[grid.channels..].fill(Complex32::default());
        transforms.forward(&mut row);
        let (negative, positive) = (&row[grid.columns - most..], &row[..=most]);
        let ours = delays_ct[t..].iter_mut().step_by(grid.times);
        ours.zip(negative.iter().chain(positive)).for_each(|(to, v)| *to = *v);
    }
    delays_ct
}

/// The nearest whole number, for values below 2^31: at 1.5 * 2^52 the last bit of a double is worth 1.
fn nearest(value: f64) -> i32 {
    const SHIFT: f64 = 6_755_399_441_055_744.0;
    (value + SHIFT).to_bits() as i32
}

#[cfg(test)]
mod tests {
    use super::super::Visibilities;
    use super::*;
    use mirinae_simd::SimdPath;
    use rand::RngExt as _;

    /// The power by the whole transform.
    fn slow(grid: &Grid, amplitude: &[f32], noise: f64, [delay_s, rate_hz]: [f64; 2]) -> f64 {
        let index = |value: f64, n: usize| {
            let nearest = (value * n as f64).round();
            let inside = 2.0 * nearest.abs() < n as f64 || nearest == 0.0;
            inside.then(|| (nearest as i64).rem_euclid(n as i64) as usize)
        };
        let (column, row) =
            (index(delay_s * grid.step_hz, grid.columns), index(rate_hz * grid.step_s, grid.rows));
        row.zip(column).map_or(0.0, |(r, c)| f64::from(amplitude[r * grid.columns + c]).powi(2) / noise)
    }

    #[test]
    fn powers_are_those_of_the_whole_transform() {
        let mut rng = mirinae_common::random::stream(8, 0, 0);
        let (step_hz, step_s, noise) = (0.5e6, 0.25, 7.0);
        let mut transforms = Transforms::new(SimdPath::Portable);
        for [times, channels] in [[30, 48], [1, 17], [9, 1], [1, 1]] {
            let mut number = || rng.random_range(-1.0f32..1.0);
            let values_tf: Vec<_> =
                (0..times * channels).map(|_| Complex32::new(number(), number())).collect();
            let whole = Visibilities {
                vis_tf: values_tf.clone(),
                weight_t: vec![1.0; times],
                first_hz: 22e9,
                step_hz,
                first_s: 0.0,
                step_s,
            };
            let grid = Grid::new([times, channels], [step_s, step_hz]);
            let amplitude = grid.transform(&whole, &mut transforms);
            let vis = Weighted { values_tf: &values_tf, times, step_hz, step_s };
            // A tenth of a turn, and more than there is.
            for share in [0.1, 0.8] {
                let window = [share / step_hz, share / step_s];
                let fast = PowerGrid::new(&vis, noise, window, &mut transforms);
                for _ in 0..2000 {
                    let at = window.map(|edge| edge * rng.random_range(-1.0..1.0));
                    let (fast, slow) = (fast.at(at[0], at[1]), slow(&grid, &amplitude, noise, at));
                    assert!(
                        (fast - slow).abs() < 1e-5 * (1.0 + slow),
                        "{times} {channels} {at:?}: {fast} {slow}"
                    );
                }
            }
        }
    }

    #[test]
    fn nearest_is_that_of_the_library() {
        for value in [0.0, 0.4, -0.4, 0.6, -0.6, 1e6 + 0.3, -2e9 - 0.3] {
            assert_eq!(f64::from(nearest(value)), f64::round(value));
        }
    }
}
