//! How probable the data are, given the model spectrum: noise of any kind, calibration and baseline of each window.
//!
//! For the channels `i` in use of a window, with the model `m`, the data `d` and `x` the frequency from the window's middle:
//! - residual `r = c m + o + s x - d`: calibration factor, continuum offset and slope
//! - variance `v = sigma^2 + j^2`: the noise and the extra noise
//! - Gaussian: `-2 ln L = r' C^-1 r + ln det C`, `C = V^1/2 R V^1/2` with the correlations `R` (see [`banded`])
//! - Student's t with nu degrees of freedom: `-2 ln L = sum ln v + (nu + 1) ln(1 + r^2 / (nu v))`
//!
//! up to constants, which [`Likelihood::ln_l`] adds.

mod banded;
mod blocks;
mod independent;
mod window;

pub use banded::{MAX_BAND, NotPositive};
pub use window::{N_WINDOW_PARAMS, Scatter, WindowNoise, WindowParams};

use super::chi2::{ChannelData, Chi2};
use super::error::EvalError;
use super::lte::LteModel;
use super::params::{ModelParams, N_SPECIES_PARAMS};
use super::scratch::Scratch;
use banded::Banded;
use independent::Independent;
use std::ops::Range;
use window::middle;

/// Distance of data and model, and what it depends on.
#[derive(Debug, Clone, Copy, Default)]
struct Distance {
    /// `-2 ln L` up to a constant.
    total: f64,
    /// The squares in it: `r' C^-1 r`.
    squares: f64,
    /// Derivatives of half the total by the window's parameters.
    by_params: [f64; N_WINDOW_PARAMS],
}

/// The data with their noise, planned once for a model.
#[derive(Debug, Clone)]
pub struct Likelihood {
    data: ChannelData,
    /// One a window.
    windows: Vec<PlannedNoise>,
    /// Whether all noise is Gaussian and independent.
    plain: bool,
    constant: f64,
}

/// The noise of one window as planned.
#[derive(Debug, Clone)]
struct PlannedNoise {
    /// Its place among the padded channels.
    padded: Range<usize>,
    middle_mhz: f64,
    scatter: Scatter,
    /// Where its channels are correlated.
    banded: Option<Banded>,
}

/// One window at one model spectrum, padded.
#[derive(Clone, Copy)]
struct View<'a> {
    model_k: &'a [f64],
    t_k: &'a [f64],
    weight_per_k: &'a [f64],
    freq_mhz: &'a [f64],
    middle_mhz: f64,
    params: &'a WindowParams,
}

impl LteModel {
    /// Plans the likelihood of data (K) with noise (K; infinite: the channel is not used) in all channels, and the kind
    /// of noise of each window.
    ///
    /// # Errors
    /// [`NotPositive`], where correlations cannot be those of any noise.
    ///
    /// # Panics
    /// When the lengths do not fit the model, or Student's t is asked for with correlated noise.
    pub fn likelihood(
        &self,
        t_k: &[f64],
        sigma_k: &[f64],
        noise: &[WindowNoise],
    ) -> Result<Likelihood, NotPositive> {
        assert_eq!(noise.len(), self.windows.len(), "one kind of noise a window");
        let weight_per_k: Vec<f64> = sigma_k.iter().map(|sigma| 1.0 / sigma).collect();
        let data = self.channel_data(t_k, &weight_per_k);
        let (mut windows, mut constant) = (Vec::with_capacity(noise.len()), 0.0);
        for (planned, noise) in self.windows.iter().zip(noise) {
            let weights = &data.weight_per_k[planned.padded.clone()];
            let banded = match noise.correlation.as_slice() {
                [] => None,
                correlation => {
                    assert!(noise.scatter == Scatter::Gaussian, "correlated noise is Gaussian");
                    Some(
                        Banded::new(correlation, weights, self.simd)
                            .map_err(|e| e.of(&planned.window.name))?,
                    )
                }
            };
            constant += weights.iter().filter(|w| **w > 0.0).map(|w| noise.scatter.constant(*w)).sum::<f64>();
            constant -= 0.5 * banded.as_ref().map_or(0.0, |banded| banded.ln_determinant);
            windows.push(PlannedNoise {
                padded: planned.padded.clone(),
                middle_mhz: middle(&planned.window.freq_mhz).unwrap_or(0.0),
                scatter: noise.scatter,
                banded,
            });
        }
        let plain = windows.iter().all(|w| w.banded.is_none() && w.scatter == Scatter::Gaussian);
        Ok(Likelihood { data, windows, plain, constant })
    }

    /// `-2 ln L` up to the constant of [`Likelihood::ln_l`]; `windows` is empty or has one entry a window. Allocates
    /// nothing.
    ///
    /// # Errors
    /// Where the model is not defined.
    ///
    /// # Panics
    /// When the lengths do not fit the model.
    pub fn deviance<'a>(
        &self,
        params: impl Into<ModelParams<'a>>,
        windows: &[WindowParams],
        likelihood: &Likelihood,
        scratch: &mut Scratch,
    ) -> Result<f64, EvalError> {
        self.set(params.into(), scratch)?;
        self.forward::<false>(scratch);
        Ok(likelihood.distance::<false>(self, windows, scratch, &mut []))
    }

    /// [`deviance`](Self::deviance) and its derivatives by the parameters of each species and of each window (where
    /// there are any).
    ///
    /// # Errors
    /// Where the model is not defined.
    ///
    /// # Panics
    /// When the lengths do not fit the model.
    pub fn deviance_and_gradient<'a>(
        &self,
        params: impl Into<ModelParams<'a>>,
        windows: &[WindowParams],
        likelihood: &Likelihood,
        scratch: &mut Scratch,
        gradient: &mut Gradient,
    ) -> Result<f64, EvalError> {
        assert_eq!(gradient.by_species.len(), self.n_species(), "one row a species");
        self.set(params.into(), scratch)?;
        self.forward::<true>(scratch);
        let total = likelihood.distance::<true>(self, windows, scratch, &mut gradient.by_window);
        self.reverse(scratch, &mut gradient.by_species);
        Ok(total)
    }

    /// The squares in [`deviance`](Self::deviance) (chi^2 where the noise is Gaussian) of a model spectrum (K, before
    /// calibration and baseline).
    ///
    /// # Panics
    /// When the lengths do not fit the model.
    pub fn squares(&self, model_k: &[f64], windows: &[WindowParams], likelihood: &Likelihood) -> f64 {
        let mut scratch = self.scratch();
        scratch.sum_k = self.pad(model_k, 0.0);
        let of_window = |index| likelihood.of_window::<false>(self, index, windows, &mut scratch).squares;
        (0..self.windows.len()).map(of_window).sum()
    }
}

/// Derivatives of the deviance.
#[derive(Debug, Clone)]
pub struct Gradient {
    /// By the parameters of each species.
    pub by_species: Vec<[f64; N_SPECIES_PARAMS]>,
    /// By the parameters of each window.
    pub by_window: Vec<[f64; N_WINDOW_PARAMS]>,
}

impl Likelihood {
    /// Natural logarithm of the likelihood for a deviance.
    pub fn ln_l(&self, deviance: f64) -> f64 {
        self.constant - 0.5 * deviance
    }

    /// Turns the residuals over the noise of a window's channels into values whose squares add up to the window's part
    /// of the deviance but for its determinant: decorrelated, or with Student's wings drawn in. For least squares.
    ///
    /// # Panics
    /// Where there are fewer values than channels.
    pub fn whiten(&self, window: usize, z: &mut [f64]) {
        let noise = &self.windows[window];
        match (&noise.banded, noise.scatter) {
            (Some(banded), _) => banded.decorrelate(z),
            (None, Scatter::Gaussian) => {}
            (None, Scatter::Student { dof }) => {
                let drawn_in = |z: f64| ((dof + 1.0) * libm::log1p(z * z / dof)).sqrt().copysign(z);
                z.iter_mut().for_each(|z| *z = drawn_in(*z));
            }
        }
    }

    /// The distance of `scratch.sum_k` from the data; with `KEEP` the derivative of its half by the model in
    /// `scratch.pull_per_k`, and of the whole by the windows' parameters.
    fn distance<const KEEP: bool>(
        &self,
        model: &LteModel,
        windows: &[WindowParams],
        scratch: &mut Scratch,
        by_window: &mut [[f64; N_WINDOW_PARAMS]],
    ) -> f64 {
        if self.plain && windows.is_empty() {
            return model.simd.run(Chi2::<KEEP> { data: &self.data, scratch });
        }
        let mut total = 0.0;
        for index in 0..self.windows.len() {
            let distance = self.of_window::<KEEP>(model, index, windows, scratch);
            total += distance.total;
            if let (true, Some(by)) = (KEEP, by_window.get_mut(index)) {
                *by = distance.by_params.map(|half| 2.0 * half);
            }
        }
        total
    }

    fn of_window<const KEEP: bool>(
        &self,
        model: &LteModel,
        index: usize,
        windows: &[WindowParams],
        scratch: &mut Scratch,
    ) -> Distance {
        let noise = &self.windows[index];
        let range = noise.padded.clone();
        let params = if windows.is_empty() { &WindowParams::default() } else { &windows[index] };
        let view = View {
            model_k: &scratch.sum_k[range.clone()],
            t_k: &self.data.t_k[range.clone()],
            weight_per_k: &self.data.weight_per_k[range.clone()],
            freq_mhz: &model.windows[index].grid.padded_mhz,
            middle_mhz: noise.middle_mhz,
            params,
        };
        let pull_per_k = &mut scratch.pull_per_k[range];
        match (&noise.banded, noise.scatter) {
            (Some(banded), _) => banded.distance::<KEEP>(model.simd, &view, pull_per_k),
            (None, Scatter::Gaussian) => {
                model.simd.run(Independent::<KEEP, false> { view, pull_per_k, dof: 0.0 })
            }
            (None, Scatter::Student { dof }) => {
                model.simd.run(Independent::<KEEP, true> { view, pull_per_k, dof })
            }
        }
    }
}

#[cfg(test)]
mod tests;
