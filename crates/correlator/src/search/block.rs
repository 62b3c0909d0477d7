//! What one baseline saw in one stretch of time, in one polarisation: visibilities of all bands on one grid of frequencies.

use super::SPEED_OF_LIGHT;
use crate::fringe::{PowerGrid, Visibilities, Weighted};
use crate::transforms::Transforms;
use crate::writer::VisMeta;
use num_complex::{Complex32, Complex64};
use serde::{Deserialize, Serialize};
use std::f64::consts::{PI, TAU};
use std::ops::Range;

/// A direction from the phase centre: direction cosines towards east and north.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Offset {
    /// Towards east.
    pub l: f64,
    /// Towards north.
    pub m: f64,
}

impl Offset {
    /// The third cosine less one.
    pub fn n_less_one(self) -> f64 {
        let square = self.l * self.l + self.m * self.m;
        -square / (1.0 + (1.0 - square).max(0.0).sqrt())
    }
}

/// Where and when visibilities were seen.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Seen {
    /// Names of the stations.
    pub baseline: [String; 2],
    /// Scan, first integration, polarisation and group of bands: blocks that share them have the same phases of their stations.
    pub together: (usize, usize, char, usize),
    /// Jy of a visibility of 1, where known.
    pub jy: Option<f64>,
}

/// Visibilities that are added with their phases.
#[derive(Debug, Clone, PartialEq)]
pub struct Block {
    /// Where and when.
    pub seen: Seen,
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
    /// Mean power of the weighted sum of noise.
    noise_power: f64,
}

/// Points in time and in frequency to which a block is averaged around a place.
const AROUND: [usize; 2] = [16, 16];

impl Block {
    /// Joins the bands of one baseline; `None` where nothing has weight. All have the same times, channel widths, and edges a
    /// whole number of channels apart ([`joinable`]). `stretch` are the integrations that are taken;
    /// the room of a block that is not needed any more is used again.
    pub fn join(
        seen: Seen,
        bands: &[Visibilities],
        uvw_t: &[[f64; 3]],
        stretch: Range<usize>,
        spare: Option<Self>,
    ) -> Option<Self> {
        let first = bands.iter().min_by(|a, b| a.first_hz.total_cmp(&b.first_hz))?;
        let (first_hz, step_hz, step_s) = (first.first_hz, first.step_hz, first.step_s);
        let channels_of = |v: &Visibilities| v.vis_tf.len() / v.weight_t.len().max(1);
        let place = |v: &Visibilities| ((v.first_hz - first_hz) / step_hz).round() as usize;
        let channels = bands.iter().map(|v| place(v) + channels_of(v)).max()?;
        let times = stretch.len();
        let (mut weighted_tf, mut weight_tf) =
            spare.map(|b| (b.weighted_tf, b.weight_tf)).unwrap_or_default();
        weighted_tf.clear();
        weighted_tf.resize(times * channels, Complex32::default());
        weight_tf.clear();
        weight_tf.resize(times * channels, 0.0);
        for band in bands {
            let (n, at) = (channels_of(band), place(band));
            let rows = stretch.clone().zip(band.weight_t[stretch.clone()].iter()).enumerate();
            for (to, (t, &weight)) in rows.filter(|(_, (_, w))| **w > 0.0) {
                let to = to * channels + at..to * channels + at + n;
                let values = &band.vis_tf[t * n..(t + 1) * n];
                weighted_tf[to.clone()].iter_mut().zip(values).for_each(|(sum, v)| *sum += v * weight);
                weight_tf[to].iter_mut().for_each(|sum| *sum += weight);
            }
        }
        let any = weighted_tf.iter().any(|v| v.norm_sqr() > 0.0);
        let noise_power = scatter(&weighted_tf, &weight_tf);
        any.then_some(Self {
            seen,
            weighted_tf,
            weight_tf,
            uvw_t: uvw_t[stretch].to_vec(),
            first_hz,
            step_hz,
            step_s,
            origin: Offset::default(),
            noise_power,
        })
    }

    /// Averages with the phases of a source at `at` taken out: good for places within a few cells, and much smaller.
    pub fn around(&self, at: Offset) -> Self {
        self.averaged(at, AROUND)
    }

    /// The same, to so many points in time and in frequency at most.
    pub fn averaged(&self, at: Offset, [times_most, channels_most]: [usize; 2]) -> Self {
        let channels = self.channels();
        let times_each = self.uvw_t.len().div_ceil(times_most);
        let channels_each = channels.div_ceil(channels_most);
        let width = channels.div_ceil(channels_each);
        let (mut weighted_tf, mut weight_tf, mut uvw_t) = (Vec::new(), Vec::new(), Vec::new());
        let mut turns = vec![Complex64::default(); channels_each];
        for start in (0..self.uvw_t.len()).step_by(times_each) {
            let end = (start + times_each).min(self.uvw_t.len());
            let mut sums = vec![Complex64::default(); width];
            let mut weights = vec![0.0; width];
            for t in start..end {
                let (first, step) = self.phasors(t, at);
                powers_of(step.conj(), &mut turns);
                let turn_each = turns[channels_each - 1].conj() * step;
                let mut turn = first;
                let row = t * channels..(t + 1) * channels;
                let values = self.weighted_tf[row.clone()].chunks(channels_each);
                let group_weights = self.weight_tf[row].chunks(channels_each);
                for ((values, group), (sum, weight)) in
                    values.zip(group_weights).zip(sums.iter_mut().zip(&mut weights))
                {
                    *sum += dot(values, &turns) * turn.conj();
                    *weight += add_up(group);
                    turn *= turn_each;
                }
            }
            weighted_tf.extend(sums.iter().map(|v| Complex32::new(v.re as f32, v.im as f32)));
            weight_tf.extend(weights);
            let mean = |k: usize| self.uvw_t[start..end].iter().map(|uvw| uvw[k]).sum::<f64>();
            uvw_t.push([0, 1, 2].map(|k| mean(k) / (end - start) as f64));
        }
        Self {
            seen: self.seen.clone(),
            weighted_tf,
            weight_tf,
            uvw_t,
            first_hz: self.first_hz + 0.5 * (channels_each - 1) as f64 * self.step_hz,
            step_hz: channels_each as f64 * self.step_hz,
            step_s: times_each as f64 * self.step_s,
            origin: at,
            noise_power: self.noise_power,
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

    /// Mean power of the weighted sum of noise like the visibilities' scatter.
    pub fn noise_power(&self) -> f64 {
        self.noise_power
    }

    /// Delay and fringe rate (s, Hz) per direction cosine, at the block's middle: [towards east, towards north].
    pub fn slopes(&self) -> [[f64; 2]; 2] {
        [self.slope(0), self.slope(1)]
    }

    /// The same for the third cosine less one: far from the phase centre the sky is no plane.
    pub fn slope_along(&self) -> [f64; 2] {
        self.slope(2)
    }

    fn slope(&self, k: usize) -> [f64; 2] {
        let n = self.uvw_t.len();
        let (first, last, middle) = (self.uvw_t[0], self.uvw_t[n - 1], self.uvw_t[n / 2]);
        let length_s = (n - 1) as f64 * self.step_s;
        let change = if n > 1 { (last[k] - first[k]) / length_s } else { 0.0 };
        [-middle[k] / SPEED_OF_LIGHT, -change / SPEED_OF_LIGHT * self.middle_hz()]
    }

    /// Width of a cell: one over the bandwidth, s, and one over the duration, Hz.
    pub fn cell(&self) -> [f64; 2] {
        [1.0 / (self.channels() as f64 * self.step_hz), 1.0 / (self.uvw_t.len() as f64 * self.step_s)]
    }

    /// Delay and rate at which a channel and an integration have a whole turn.
    pub fn turn(&self) -> [f64; 2] {
        [1.0 / self.step_hz, 1.0 / self.step_s]
    }

    /// Power of the weighted sum up to a delay and a rate either way (s, Hz), over that of noise.
    pub(super) fn powers(&self, window: [f64; 2], transforms: &mut Transforms) -> PowerGrid {
        let vis = Weighted {
            values_tf: &self.weighted_tf,
            times: self.uvw_t.len(),
            step_hz: self.step_hz,
            step_s: self.step_s,
        };
        PowerGrid::new(&vis, self.noise_power, window, transforms)
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
        self.sum(at).norm_sqr() / self.noise_power
    }

    /// The narrowest spacing of fringes on the sky, direction cosine.
    pub fn narrowest_fringe(&self) -> f64 {
        let [u, v, _] = self.uvw_t[self.uvw_t.len() / 2];
        SPEED_OF_LIGHT / self.middle_hz() / u.hypot(v)
    }

    /// Mean squares of u and v in wavelengths at the block's middle, and their mean product.
    pub fn moments(&self) -> [f64; 3] {
        let per_m = self.middle_hz() / SPEED_OF_LIGHT;
        let mean = |of: fn(&[f64; 3]) -> f64| {
            self.uvw_t.iter().map(of).sum::<f64>() / self.uvw_t.len() as f64 * per_m * per_m
        };
        [mean(|p| p[0] * p[0]), mean(|p| p[1] * p[1]), mean(|p| p[0] * p[1])]
    }

    /// What is left of the amplitude of a source at an offset, whose phase turns within channels and integrations.
    pub fn smeared(&self, at: Offset) -> f64 {
        let slopes = self.slopes();
        let turns = |k: usize| (at.l * slopes[0][k] + at.m * slopes[1][k]) / self.turn()[k];
        let sinc = |x: f64| if x.abs() < 1e-9 { 1.0 } else { libm::sin(PI * x) / (PI * x) };
        (sinc(turns(0)) * sinc(turns(1))).abs().max(0.1)
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
        self.noise_power = scatter(&self.weighted_tf, &self.weight_tf);
    }
}

/// The powers 0, 1, ... of a phasor.
fn powers_of(step: Complex64, turns: &mut [Complex64]) {
    let mut turn = Complex64::new(1.0, 0.0);
    for to in turns {
        *to = turn;
        turn *= step;
    }
}

/// Sums that do not wait for one another.
const LANES: usize = 4;

/// Sum of the products of values and the first of the phasors.
fn dot(values: &[Complex32], turns: &[Complex64]) -> Complex64 {
    let of = |(v, turn): (&Complex32, &Complex64)| Complex64::new(v.re.into(), v.im.into()) * turn;
    let mut sums = [Complex64::default(); LANES];
    let (whole, rest) = values.as_chunks::<LANES>();
    for (values, turns) in whole.iter().zip(turns.as_chunks::<LANES>().0) {
        sums.iter_mut().zip(values.iter().zip(turns)).for_each(|(sum, pair)| *sum += of(pair));
    }
    let rest = rest.iter().zip(&turns[values.len() - rest.len()..]).map(of);
    sums.iter().sum::<Complex64>() + rest.sum::<Complex64>()
}

/// Sum of weights.
fn add_up(weights: &[f32]) -> f32 {
    let mut sums = [0.0f32; LANES];
    let (whole, rest) = weights.as_chunks::<LANES>();
    whole.iter().for_each(|ws| sums.iter_mut().zip(ws).for_each(|(sum, w)| *sum += w));
    sums.iter().chain(rest).sum()
}

/// 2 sigma^2 times the sum of weights, sigma^2 the variance of a component at weight 1.
fn scatter(weighted_tf: &[Complex32], weight_tf: &[f32]) -> f64 {
    let (mut squares, mut weights, mut count) = (0.0, 0.0, 0usize);
    for (v, &w) in weighted_tf.iter().zip(weight_tf).filter(|(_, w)| **w > 0.0) {
        squares += f64::from(v.norm_sqr() / w);
        weights += f64::from(w);
        count += 1;
    }
    squares / count.max(1) as f64 * weights
}

/// The frequencies of a band.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Span {
    /// First channel, Hz.
    pub first_hz: f64,
    /// Width of a channel, Hz.
    pub step_hz: f64,
    /// Channels.
    pub channels: usize,
}

impl Span {
    /// Those of visibilities.
    pub fn of(vis: &Visibilities) -> Self {
        let channels = vis.vis_tf.len() / vis.weight_t.len().max(1);
        Self { first_hz: vis.first_hz, step_hz: vis.step_hz, channels }
    }

    /// Those of a band of a file.
    pub fn of_band(meta: &VisMeta, band: usize) -> Self {
        let band = &meta.bands[band];
        Self {
            first_hz: band.low_hz(),
            step_hz: band.bandwidth_hz / meta.channels as f64,
            channels: meta.channels,
        }
    }

    fn width_hz(self) -> f64 {
        self.channels as f64 * self.step_hz
    }
}

/// The number of channels of bands that are joined: they lie on one grid of frequencies that is not mostly gaps.
pub fn joinable(bands: &[Span]) -> Option<usize> {
    const MOST_GAPS: f64 = 32.0;
    let first = bands.first()?;
    let on_grid = |s: &Span| {
        let steps = (s.first_hz - first.first_hz) / first.step_hz;
        s.step_hz == first.step_hz && (steps - steps.round()).abs() < 1e-3
    };
    let low = bands.iter().map(|s| s.first_hz).fold(f64::INFINITY, f64::min);
    let high = bands.iter().map(|s| s.first_hz + s.width_hz()).fold(0.0, f64::max);
    let filled: f64 = bands.iter().map(|s| s.width_hz()).sum();
    let joined = bands.iter().all(on_grid) && high - low < MOST_GAPS * filled;
    joined.then(|| ((high - low) / first.step_hz).round() as usize)
}
