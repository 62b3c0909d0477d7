//! The distance of model and data where the noise of neighbouring channels is correlated.
//!
//! `R` holds the correlations of the channels in use: `R_ij = rho(|i - j|)`, i and j counted over all channels, so that a
//! flagged channel leaves a gap and is integrated over exactly. `R = L L'` (Cholesky) is banded as `R` is and planned once.
//! With `z = V^-1/2 r`: `r' C^-1 r = |y|^2`, `L y = z`; the derivative by `z` is `2 L'^-1 y`. Both solutions take one pass:
//! their work is the number of channels times the band.

use super::blocks::{Blocks, Forward};
use super::{Distance, N_WINDOW_PARAMS, View};
use crate::model::simd::Simd;

/// The longest correlation, in channels.
pub const MAX_BAND: usize = 8;

/// Correlations that no noise can have.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error(
    "{window}: noise cannot be correlated by {correlation:?} at lags of 1, 2, ... channels: the covariance is not positive"
)]
pub struct NotPositive {
    /// Name of the window.
    pub window: String,
    /// Correlations at lags 1, 2, ...
    pub correlation: Vec<f64>,
}

impl NotPositive {
    /// The same, of a window.
    pub(super) fn of(self, window: &str) -> Self {
        Self { window: window.to_owned(), ..self }
    }
}

/// Cholesky factor of the correlations of a window's channels.
#[derive(Debug, Clone)]
pub(super) struct Banded {
    band: usize,
    /// The channels in use, in the order of the padded window.
    used: Vec<u32>,
    /// `L_i,i-k / L_ii` for k = 1 ... band, row by row; zero before the first channel.
    rows: Vec<f64>,
    /// `1 / L_ii`.
    per_diagonal: Vec<f64>,
    blocks: Blocks,
    /// `ln det R`.
    pub ln_determinant: f64,
}

impl Banded {
    /// Factors the correlations of the channels whose weight is not zero, for the lanes of a path.
    pub fn new(correlation: &[f64], weight_per_k: &[f64], simd: Simd) -> Result<Self, NotPositive> {
        let used: Vec<u32> =
            (0..weight_per_k.len()).filter(|i| weight_per_k[*i] > 0.0).map(|i| i as u32).collect();
        let band = correlation.len();
        let rho = |i: usize, j: usize| match (used[i] - used[j]) as usize {
            0 => 1.0,
            lag => correlation.get(lag - 1).copied().unwrap_or(0.0),
        };
        // factor[i (band + 1) + k] is L_i,i-k.
        let mut factor = vec![0.0; used.len() * (band + 1)];
        let mut ln_determinant = 0.0;
        for i in 0..used.len() {
            for k in (0..=band.min(i)).rev() {
                let j = i - k;
                let mut rest = rho(i, j);
                for l in i.saturating_sub(band)..j {
                    rest -= factor[i * (band + 1) + i - l] * factor[j * (band + 1) + j - l];
                }
                if k > 0 {
                    factor[i * (band + 1) + k] = rest / factor[j * (band + 1)];
                } else if rest > 1.0e-12 {
                    factor[i * (band + 1)] = rest.sqrt();
                    ln_determinant += libm::log(rest);
                } else {
                    return Err(NotPositive { window: String::new(), correlation: correlation.to_vec() });
                }
            }
        }
        let lines = factor.chunks_exact(band + 1);
        let rows: Vec<f64> =
            lines.clone().flat_map(|line| line[1..].iter().map(move |l| l / line[0])).collect();
        let per_diagonal: Vec<f64> = lines.map(|line| 1.0 / line[0]).collect();
        let blocks = Blocks::new(&rows, &per_diagonal, band, simd);
        Ok(Self { band, used, rows, per_diagonal, blocks, ln_determinant })
    }

    /// Makes the residuals over the noise of a window's channels (padded or not) independent, in place: `y` of `L y = z`.
    /// Channels that are not in use stay as they are.
    pub fn decorrelate(&self, z: &mut [f64]) {
        for (n, (i, per_diagonal)) in self.used.iter().zip(&self.per_diagonal).enumerate() {
            let row = &self.rows[n * self.band..(n + 1) * self.band];
            let before = row[..self.band.min(n)].iter().enumerate();
            let known: f64 = before.map(|(k, l)| l * z[self.used[n - 1 - k] as usize]).sum();
            let channel = *i as usize;
            z[channel] = z[channel] * per_diagonal - known;
        }
    }

    /// The distance of one window; with `KEEP` the derivative of its half by the model in `pull_per_k`.
    pub fn distance<const KEEP: bool>(&self, simd: Simd, view: &View, pull_per_k: &mut [f64]) -> Distance {
        // The band as a constant lets the compiler unroll it.
        match self.band {
            1 => self.solve::<KEEP, 1>(simd, view, pull_per_k),
            2 => self.solve::<KEEP, 2>(simd, view, pull_per_k),
            3 => self.solve::<KEEP, 3>(simd, view, pull_per_k),
            4 => self.solve::<KEEP, 4>(simd, view, pull_per_k),
            5 => self.solve::<KEEP, 5>(simd, view, pull_per_k),
            6 => self.solve::<KEEP, 6>(simd, view, pull_per_k),
            7 => self.solve::<KEEP, 7>(simd, view, pull_per_k),
            _ => self.solve::<KEEP, MAX_BAND>(simd, view, pull_per_k),
        }
    }

    fn solve<const KEEP: bool, const BAND: usize>(
        &self,
        simd: Simd,
        view: &View,
        pull_per_k: &mut [f64],
    ) -> Distance {
        let (squares, ln_widened) =
            simd.run(Forward::<BAND> { blocks: &self.blocks, used: &self.used, view, y: pull_per_k });
        let by_params = if KEEP { self.pull::<BAND>(view, pull_per_k) } else { Default::default() };
        Distance { total: squares + ln_widened, squares, by_params }
    }

    /// Turns `y` at the start of `pull_per_k` into the derivative by the model, from the last channel to the first.
    fn pull<const BAND: usize>(&self, view: &View, pull_per_k: &mut [f64]) -> [f64; N_WINDOW_PARAMS] {
        let params = view.params;
        let mut widening = Widening::new(params.jitter_k);
        let mut sums = [0.0; N_WINDOW_PARAMS];
        // Of the channels after this one: g over its 1/L_ii, and their rows.
        let (mut after, mut rows_after) = ([0.0; BAND], [[0.0; BAND]; BAND]);
        let mut end = pull_per_k.len();
        let rows = self.rows.chunks_exact(BAND);
        for (n, ((i, per_diagonal), row)) in
            self.used.iter().zip(&self.per_diagonal).zip(rows).enumerate().rev()
        {
            let channel = *i as usize;
            let mut e = pull_per_k[n];
            for k in (0..BAND).rev() {
                e -= rows_after[k][k] * after[k];
            }
            after.copy_within(..BAND - 1, 1);
            rows_after.copy_within(..BAND - 1, 1);
            after[0] = e;
            rows_after[0].copy_from_slice(row);
            let weight = widening.of(view.weight_per_k[channel]);
            let z_pull = e * per_diagonal;
            let pull = z_pull * weight;
            // Channels that are not used pull nothing; `y` of those that are still to come stands further left.
            pull_per_k[channel + 1..end].fill(0.0);
            pull_per_k[channel] = params.calibration * pull;
            end = channel;
            sums[0] += pull * view.model_k[channel];
            sums[1] += pull;
            sums[2] += pull * view.x_ghz(channel);
            sums[3] += weight * weight * (1.0 - z_pull * view.residual_k(channel) * weight);
        }
        pull_per_k[..end].fill(0.0);
        sums[3] *= params.jitter_k;
        sums
    }
}

impl View<'_> {
    /// Frequency from the window's middle (GHz).
    #[inline(always)]
    fn x_ghz(&self, channel: usize) -> f64 {
        1.0e-3 * (self.freq_mhz[channel] - self.middle_mhz)
    }

    /// Model minus data (K).
    #[inline(always)]
    fn residual_k(&self, channel: usize) -> f64 {
        let p = self.params;
        let baseline_k = p.offset_k + p.slope_k_per_ghz * self.x_ghz(channel);
        p.calibration * self.model_k[channel] + baseline_k - self.t_k[channel]
    }
}

/// Weights with the extra noise in them; most channels have the weight of their neighbour.
struct Widening {
    jitter2: f64,
    plain: f64,
    widened: f64,
}

impl Widening {
    fn new(jitter_k: f64) -> Self {
        Self { jitter2: jitter_k * jitter_k, plain: f64::NAN, widened: 0.0 }
    }

    /// The weight (1/K).
    #[inline(always)]
    fn of(&mut self, weight_per_k: f64) -> f64 {
        if self.jitter2 == 0.0 {
            return weight_per_k;
        }
        if weight_per_k != self.plain {
            self.plain = weight_per_k;
            self.widened = weight_per_k / (1.0 + self.jitter2 * weight_per_k * weight_per_k).sqrt();
        }
        self.widened
    }
}
