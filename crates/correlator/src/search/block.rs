//! What one baseline saw in one stretch of time, in one polarisation: visibilities of all bands on one grid of frequencies.

use super::SPEED_OF_LIGHT;
use crate::fringe::{PowerGrid, Visibilities};
use num_complex::{Complex32, Complex64};
use std::f64::consts::TAU;

/// A direction from the phase centre: direction cosines towards east and north.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Offset {
    /// Towards east.
    pub l: f64,
    /// Towards north.
    pub m: f64,
}

impl Offset {
    /// The third cosine less one.
    fn n_less_one(self) -> f64 {
        let square = self.l * self.l + self.m * self.m;
        -square / (1.0 + (1.0 - square).max(0.0).sqrt())
    }
}

/// Visibilities that are added with their phases.
#[derive(Debug, Clone, PartialEq)]
pub struct Block {
    /// Names of the stations.
    pub baseline: [String; 2],
    /// Weighted visibilities, `[time][channel]`; zero where bands leave gaps.
    weighted_tf: Vec<Complex32>,
    /// Weights, `[time][channel]`.
    weight_tf: Vec<f32>,
    /// Baseline in m at each time: u, v, w.
    uvw_t: Vec<[f64; 3]>,
    first_hz: f64,
    step_hz: f64,
    step_s: f64,
    /// Where the phases of the visibilities are zero for a source.
    origin: Offset,
    /// Mean power of the weighted sum of noise; from the visibilities' scatter if absent.
    noise: Option<f64>,
}

/// Points in time and in frequency to which a block is averaged around a place.
const AROUND: usize = 16;

impl Block {
    /// Joins the bands of one baseline; `None` where nothing has weight. All have the same times, channel widths, and edges a
    /// whole number of channels apart ([`joinable`]).
    pub fn join(baseline: [String; 2], bands: &[Visibilities], uvw_t: &[[f64; 3]]) -> Option<Self> {
        let first = bands.iter().min_by(|a, b| a.first_hz.total_cmp(&b.first_hz))?;
        let (first_hz, step_hz, step_s) = (first.first_hz, first.step_hz, first.step_s);
        let channels_of = |v: &Visibilities| v.vis_tf.len() / v.weight_t.len().max(1);
        let place = |v: &Visibilities| ((v.first_hz - first_hz) / step_hz).round() as usize;
        let channels = bands.iter().map(|v| place(v) + channels_of(v)).max()?;
        let times = uvw_t.len();
        let mut weighted_tf = vec![Complex32::default(); times * channels];
        let mut weight_tf = vec![0.0; times * channels];
        for band in bands {
            let (n, at) = (channels_of(band), place(band));
            for (t, &weight) in band.weight_t.iter().enumerate().filter(|(_, w)| **w > 0.0) {
                for f in 0..n {
                    weighted_tf[t * channels + at + f] += band.vis_tf[t * n + f] * weight;
                    weight_tf[t * channels + at + f] += weight;
                }
            }
        }
        let any = weighted_tf.iter().any(|v| v.norm_sqr() > 0.0);
        any.then_some(Self {
            baseline,
            weighted_tf,
            weight_tf,
            uvw_t: uvw_t.to_vec(),
            first_hz,
            step_hz,
            step_s,
            origin: Offset::default(),
            noise: None,
        })
    }

    /// Averages with the phases of a source at `at` taken out: good for places within a few cells, and much smaller.
    pub fn around(&self, at: Offset) -> Self {
        let channels = self.channels();
        let [times_each, channels_each] = [self.uvw_t.len(), channels].map(|n| n.div_ceil(AROUND));
        let width = channels.div_ceil(channels_each);
        let (mut weighted_tf, mut weight_tf, mut uvw_t) = (Vec::new(), Vec::new(), Vec::new());
        for start in (0..self.uvw_t.len()).step_by(times_each) {
            let end = (start + times_each).min(self.uvw_t.len());
            let mut sums = vec![Complex64::default(); width];
            let mut weights = vec![0.0; width];
            for t in start..end {
                let (mut turn, step) = self.phasors(t, at);
                for f in 0..channels {
                    let v = self.weighted_tf[t * channels + f];
                    sums[f / channels_each] += Complex64::new(v.re.into(), v.im.into()) * turn.conj();
                    weights[f / channels_each] += self.weight_tf[t * channels + f];
                    turn *= step;
                }
            }
            weighted_tf.extend(sums.iter().map(|v| Complex32::new(v.re as f32, v.im as f32)));
            weight_tf.extend(weights);
            let mean = |k: usize| self.uvw_t[start..end].iter().map(|uvw| uvw[k]).sum::<f64>();
            uvw_t.push([0, 1, 2].map(|k| mean(k) / (end - start) as f64));
        }
        Self {
            baseline: self.baseline.clone(),
            weighted_tf,
            weight_tf,
            uvw_t,
            first_hz: self.first_hz + 0.5 * (channels_each - 1) as f64 * self.step_hz,
            step_hz: channels_each as f64 * self.step_hz,
            step_s: times_each as f64 * self.step_s,
            origin: at,
            noise: Some(self.noise_power()),
        }
    }

    fn channels(&self) -> usize {
        self.weighted_tf.len() / self.uvw_t.len()
    }

    fn middle_hz(&self) -> f64 {
        self.first_hz + 0.5 * (self.channels() - 1) as f64 * self.step_hz
    }

    /// Sum of the weights.
    pub fn weight(&self) -> f64 {
        self.weight_tf.iter().map(|&w| f64::from(w)).sum()
    }

    /// Mean power of the weighted sum of noise like the visibilities' scatter: 2 sigma^2 times the sum of weights, sigma^2 the
    /// variance of a component at weight 1.
    fn noise_power(&self) -> f64 {
        if let Some(noise) = self.noise {
            return noise;
        }
        let squares = |(v, &w): (&Complex32, &f32)| if w > 0.0 { f64::from(v.norm_sqr() / w) } else { 0.0 };
        let sum: f64 = self.weighted_tf.iter().zip(&self.weight_tf).map(squares).sum();
        let count = self.weight_tf.iter().filter(|&&w| w > 0.0).count();
        sum / count.max(1) as f64 * self.weight()
    }

    /// Delay and fringe rate (s, Hz) per direction cosine, at the block's middle: [towards east, towards north].
    pub fn slopes(&self) -> [[f64; 2]; 2] {
        let n = self.uvw_t.len();
        let (first, last, middle) = (self.uvw_t[0], self.uvw_t[n - 1], self.uvw_t[n / 2]);
        let length_s = (n - 1) as f64 * self.step_s;
        [0, 1].map(|k| {
            let change = if n > 1 { (last[k] - first[k]) / length_s } else { 0.0 };
            [-middle[k] / SPEED_OF_LIGHT, -change / SPEED_OF_LIGHT * self.middle_hz()]
        })
    }

    /// Width of a cell: one over the bandwidth, s, and one over the duration, Hz.
    pub fn cell(&self) -> [f64; 2] {
        [1.0 / (self.channels() as f64 * self.step_hz), 1.0 / (self.uvw_t.len() as f64 * self.step_s)]
    }

    /// Delay and rate at which a channel and an integration have a whole turn.
    pub fn turn(&self) -> [f64; 2] {
        [1.0 / self.step_hz, 1.0 / self.step_s]
    }

    /// Power of the weighted sum at all delays and rates, over that of noise.
    pub(super) fn powers(&self) -> PowerGrid {
        let vis = Visibilities {
            vis_tf: self.weighted_tf.clone(),
            weight_t: vec![1.0; self.uvw_t.len()],
            first_hz: self.first_hz,
            step_hz: self.step_hz,
            first_s: 0.0,
            step_s: self.step_s,
        };
        PowerGrid::new(&vis, self.noise_power())
    }

    /// The phasor that a source at an offset has in channel `f` at time `t` is `first * step^f`.
    fn phasors(&self, t: usize, at: Offset) -> (Complex64, Complex64) {
        let [u, v, w] = self.uvw_t[t];
        // V = A conj(B) and u, v, w = A - B with DiFX's signs: the delay that the model lacks there.
        let (l, m) = (at.l - self.origin.l, at.m - self.origin.m);
        let delay_s = -(u * l + v * m + w * (at.n_less_one() - self.origin.n_less_one())) / SPEED_OF_LIGHT;
        let turns = |hz: f64| {
            let turns = hz * delay_s;
            Complex64::from_polar(1.0, TAU * (turns - turns.round()))
        };
        (turns(self.first_hz), turns(self.step_hz))
    }

    /// The weighted sum with the phases of a source at an offset taken out.
    pub fn sum(&self, at: Offset) -> Complex64 {
        let channels = self.channels();
        let mut sum = Complex64::default();
        for (t, row) in self.weighted_tf.chunks_exact(channels).enumerate() {
            let (mut turn, step) = self.phasors(t, at);
            for v in row {
                sum += Complex64::new(v.re.into(), v.im.into()) * turn.conj();
                turn *= step;
            }
        }
        sum
    }

    /// Power of that sum over the power of noise.
    pub fn power(&self, at: Offset) -> f64 {
        self.sum(at).norm_sqr() / self.noise_power()
    }

    /// Takes a source out, with the amplitude and phase that fit best; these.
    pub fn subtract(&mut self, at: Offset) -> Complex64 {
        let amplitude = self.sum(at) / self.weight();
        self.add(at, -amplitude);
        amplitude
    }

    /// Adds a source.
    pub fn add(&mut self, at: Offset, amplitude: Complex64) {
        let channels = self.channels();
        for t in 0..self.uvw_t.len() {
            let (mut turn, step) = self.phasors(t, at);
            for f in t * channels..(t + 1) * channels {
                let model = amplitude * turn * f64::from(self.weight_tf[f]);
                self.weighted_tf[f] += Complex32::new(model.re as f32, model.im as f32);
                turn *= step;
            }
        }
    }
}

/// Whether bands lie on one grid of frequencies that is not mostly gaps.
pub fn joinable(bands: &[Visibilities]) -> bool {
    const MOST_GAPS: f64 = 32.0;
    let Some(first) = bands.first() else { return false };
    let channels = |v: &Visibilities| (v.vis_tf.len() / v.weight_t.len().max(1)) as f64;
    let on_grid = |v: &Visibilities| {
        let steps = (v.first_hz - first.first_hz) / first.step_hz;
        v.step_hz == first.step_hz && (steps - steps.round()).abs() < 1e-3
    };
    let low = bands.iter().map(|v| v.first_hz).fold(f64::INFINITY, f64::min);
    let high = bands.iter().map(|v| v.first_hz + channels(v) * v.step_hz).fold(0.0, f64::max);
    let filled: f64 = bands.iter().map(|v| channels(v) * v.step_hz).sum();
    bands.iter().all(on_grid) && high - low < MOST_GAPS * filled
}
