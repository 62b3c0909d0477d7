//! The log density: likelihood of the channels times the priors.

use super::Layout;
use crate::catalog::Species;
use crate::model::{
    EvalError, Excitation, Gradient, Likelihood, LteModel, ModelError, ModelOptions, ModelParams,
    N_SPECIES_PARAMS, N_WINDOW_PARAMS, NotPositive, Scratch, SpeciesParams, Transition, Window, WindowNoise,
    WindowParams,
};
use serde::{Deserialize, Serialize};
use std::ops::Range;
use std::sync::Arc;

/// The data of one spectral window.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WindowData {
    /// Channels and beam.
    pub window: Window,
    /// Brightness temperature of each channel in K; any finite number where the channel is flagged.
    pub t_k: Vec<f64>,
    /// Standard deviation of each channel's noise in K; infinite where the channel is flagged.
    pub sigma_k: Vec<f64>,
    /// How the noise is distributed.
    pub noise: WindowNoise,
}

/// A posterior that cannot be planned.
#[derive(Debug, thiserror::Error)]
pub enum PosteriorError {
    /// The model cannot be.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The noise cannot be.
    #[error(transparent)]
    Noise(#[from] NotPositive),
}

/// log10 of the column density of a species that is not there: nothing that could be added to an opacity.
const ABSENT: f64 = -60.0;

/// A model with its data and priors, planned once.
pub struct Posterior {
    layout: Layout,
    model: LteModel,
    likelihood: Likelihood,
}

/// Work space of one evaluating thread.
pub struct Work {
    scratch: Scratch,
    species: Vec<SpeciesParams>,
    /// Species that are taken out of the model.
    absent: Vec<usize>,
    /// One a window; none where no window has parameters.
    windows: Vec<WindowParams>,
    /// Parameters of dust and continuum.
    extra: Vec<f64>,
    model_k: Vec<f64>,
    /// Derivatives by the quantities of each species and window.
    gradient: Gradient,
}

impl Posterior {
    /// Plans the model on the windows' channels.
    ///
    /// # Errors
    /// What the model says of its species and windows.
    pub fn new(
        layout: Layout,
        species: &[Species],
        windows: &[WindowData],
        options: ModelOptions,
    ) -> Result<Self, PosteriorError> {
        let lte = vec![None; species.len()];
        Self::with_excitations(layout, species, windows, options, lte)
    }

    /// The same where some species have an excitation of their own; None: LTE.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn with_excitations(
        layout: Layout,
        species: &[Species],
        windows: &[WindowData],
        options: ModelOptions,
        excitations: Vec<Option<Arc<dyn Excitation>>>,
    ) -> Result<Self, PosteriorError> {
        let channels: Vec<Window> = windows.iter().map(|w| w.window.clone()).collect();
        let model = LteModel::with_structure(species, &channels, options, &layout.structure, excitations)?;
        let joined = |part: fn(&WindowData) -> &Vec<f64>| -> Vec<f64> {
            windows.iter().flat_map(|w| part(w).iter().copied()).collect()
        };
        let noise: Vec<WindowNoise> = windows.iter().map(|w| w.noise.clone()).collect();
        let likelihood = model.likelihood(&joined(|w| &w.t_k), &joined(|w| &w.sigma_k), &noise)?;
        Ok(Self { layout, model, likelihood })
    }

    /// The free parameters.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The likelihood of the data.
    pub fn likelihood(&self) -> &Likelihood {
        &self.likelihood
    }

    /// The spectral model.
    pub fn model(&self) -> &LteModel {
        &self.model
    }

    /// Work space for one thread.
    pub fn work(&self) -> Work {
        self.work_without(&[])
    }

    /// The same for a model without some species (by index): whatever their column densities, they have no opacity.
    pub fn work_without(&self, absent: &[usize]) -> Work {
        Work {
            scratch: self.model.scratch(),
            species: Vec::with_capacity(self.model.n_species()),
            absent: absent.to_vec(),
            windows: Vec::with_capacity(self.layout.windows.len()),
            extra: Vec::with_capacity(self.layout.structure.n_extra()),
            model_k: vec![0.0; self.model.n_channels()],
            gradient: Gradient {
                by_species: vec![[0.0; N_SPECIES_PARAMS]; self.model.n_species()],
                by_window: vec![[0.0; N_WINDOW_PARAMS]; self.layout.windows.len()],
            },
        }
    }

    /// Natural logarithm of prior density times likelihood at `theta`; minus infinity outside of the prior and where
    /// the model is not defined. Allocates nothing.
    pub fn ln_density(&self, theta: &[f64], work: &mut Work) -> f64 {
        let ln_prior = self.layout.ln_prior(theta);
        if ln_prior == f64::NEG_INFINITY {
            return f64::NEG_INFINITY;
        }
        self.set(theta, work);
        let params = ModelParams { species: &work.species, extra: &work.extra };
        match self.model.deviance(params, &work.windows, &self.likelihood, &mut work.scratch) {
            Ok(deviance) => ln_prior + self.likelihood.ln_l(deviance),
            Err(_) => f64::NEG_INFINITY,
        }
    }

    /// [`ln_density`](Self::ln_density) and its derivative by every free parameter, written to `gradient` (as long as
    /// `theta`); zeros where the density is.
    ///
    /// Point-sampled models are continuously differentiable; averages over channels are so to their precision (2e-5 of
    /// the source function), as the number of samples within a channel follows the opacity.
    ///
    /// # Panics
    /// When `gradient` is not as long as the free parameters.
    pub fn ln_density_and_gradient(&self, theta: &[f64], work: &mut Work, gradient: &mut [f64]) -> f64 {
        assert_eq!(gradient.len(), self.layout.parameters.len(), "one value a free parameter");
        gradient.fill(0.0);
        let ln_prior = self.layout.ln_prior(theta);
        if ln_prior == f64::NEG_INFINITY {
            return f64::NEG_INFINITY;
        }
        self.set(theta, work);
        let Work { species, absent, extra, windows, scratch, gradient: by, .. } = work;
        let params = ModelParams { species, extra };
        let Ok(deviance) = self.model.deviance_and_gradient(params, windows, &self.likelihood, scratch, by)
        else {
            return f64::NEG_INFINITY;
        };
        self.layout.add_window_slopes(-0.5, &by.by_window, gradient);
        for (k, (bindings, by_quantity)) in self.layout.bindings.iter().zip(&by.by_species).enumerate() {
            if absent.contains(&k) {
                continue;
            }
            for (binding, by) in bindings.iter().zip(by_quantity) {
                binding.add_slope(-0.5 * *by, theta, gradient);
            }
        }
        for (extra, by) in self.layout.extras.iter().zip(scratch.by_extra()) {
            extra.binding.add_slope(-0.5 * by, theta, gradient);
        }
        for ((g, parameter), &x) in gradient.iter_mut().zip(&self.layout.parameters).zip(theta) {
            *g += parameter.prior.slope_of_ln_density(x);
        }
        ln_prior + self.likelihood.ln_l(deviance)
    }

    fn set(&self, theta: &[f64], work: &mut Work) {
        work.species.clear();
        work.species.extend(self.layout.values(theta).map(SpeciesParams::from_quantities));
        for &k in &work.absent {
            work.species[k].log10_n_cm2 = ABSENT;
        }
        work.windows.clear();
        work.windows.extend(self.layout.window_values(theta));
        work.extra.clear();
        work.extra.extend(self.layout.extra_values(theta).take(self.layout.structure.n_extra()));
    }

    /// The windows' parameters at `theta`, one each.
    pub fn window_params(&self, theta: &[f64]) -> Vec<WindowParams> {
        let mut params: Vec<WindowParams> = self.layout.window_values(theta).collect();
        params.resize(self.model.window_channels().count(), WindowParams::default());
        params
    }

    /// chi^2 at `theta`: with correlated noise the squares of the decorrelated residuals; extra noise counts as noise.
    ///
    /// # Errors
    /// Where the model is not defined.
    pub fn chi2(&self, theta: &[f64], work: &mut Work) -> Result<f64, EvalError> {
        self.set(theta, work);
        let params = ModelParams { species: &work.species, extra: &work.extra };
        self.model.evaluate(params, &mut work.scratch, &mut work.model_k)?;
        Ok(self.model.squares(&work.model_k, &work.windows, &self.likelihood))
    }

    /// What the data should be, in K, at `theta`: the model spectrum with the windows' calibration and continuum.
    ///
    /// # Errors
    /// Where the model is not defined (Q(T) beyond its table).
    pub fn spectrum<'a>(&self, theta: &[f64], work: &'a mut Work) -> Result<&'a [f64], EvalError> {
        self.set(theta, work);
        let params = ModelParams { species: &work.species, extra: &work.extra };
        self.model.evaluate(params, &mut work.scratch, &mut work.model_k)?;
        for (params, (channels, freq_mhz)) in work.windows.iter().zip(self.windows()) {
            params.apply(freq_mhz, &mut work.model_k[channels]);
        }
        Ok(&work.model_k)
    }

    /// Place in the output and channels (MHz) of every window.
    fn windows(&self) -> impl Iterator<Item = (Range<usize>, &[f64])> {
        self.model.window_channels().zip(self.model.window_freq_mhz())
    }

    /// All transitions of all species in the windows at `theta`, species by species.
    ///
    /// # Errors
    /// Where the model is not defined.
    pub fn transitions(&self, theta: &[f64]) -> Result<Vec<Transition>, EvalError> {
        let mut all = Vec::new();
        for (species, values) in self.layout.values(theta).enumerate() {
            all.extend(self.model.transitions(species, &SpeciesParams::from_quantities(values), 0.0)?);
        }
        Ok(all)
    }

    /// The spectra of each species alone in K at `theta`, calibrated as the data are, without the continuum.
    ///
    /// # Errors
    /// Where the model is not defined.
    pub fn contributions(&self, theta: &[f64], work: &mut Work) -> Result<Vec<Vec<f64>>, EvalError> {
        self.set(theta, work);
        let params = ModelParams { species: &work.species, extra: &work.extra };
        let mut rows = self.model.contributions(params, &mut work.scratch)?;
        for (params, (channels, _)) in self.layout.window_values(theta).zip(self.windows()) {
            for row in &mut rows {
                row[channels.clone()].iter_mut().for_each(|t_k| *t_k *= params.calibration);
            }
        }
        Ok(rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{Interpolation, PartitionFunction, QTable, VelocityRange, parse_spfit};
    use crate::config::Config;
    use crate::model::{Beam, ChannelMode, ChannelResponse, Scatter, SimdPath};
    use crate::posterior::WindowConfig;
    use std::f64::consts::PI;
    use std::path::Path;

    const SPECIES: &str = r#"
        [[species]]
        name = "A"
        cat = "a.cat"
        qpart = "a.qpart"
        logn = { uniform = [13, 18] }
        tex_k = { log_uniform = [10, 300] }
        fwhm_kms = { normal = [3, 1] }
        v_kms = { normal = [0, 1] }
        size_arcsec = { uniform = [0.1, 3] }
        [[species]]
        name = "B"
        cat = "b.cat"
        qpart = "b.qpart"
        logn = { uniform = [13, 18] }
        tex_k = { same_as = "A.tex_k" }
        fwhm_kms = { fixed = 4 }
        v_kms = { same_as = "A.v_kms" }
        "#;

    fn species() -> Species {
        let lines = [(50.0, -3.9, 10.0), (55.0, -4.2, 90.0), (80.0, -4.4, 300.0)];
        let cat: String = lines
            .iter()
            .map(|(offset, lgint, e_low)| {
                format!("{:13.4}  0.0100{lgint:8.4} 3{e_low:10.4} 21  33501 303\n", 100_000.0 + offset)
            })
            .collect();
        let t_k: Vec<f64> = vec![9.375, 37.5, 75.0, 150.0, 300.0];
        let q = t_k.iter().map(|t| 5.0 * t.powf(1.5)).collect();
        let table = QTable::new(t_k, q, Some(33_501), "made up").unwrap();
        let q = PartitionFunction::new(&table, Interpolation::Smooth, false);
        Species::new("X", parse_spfit(&cat, Path::new("x.cat")).unwrap(), q, "made up").unwrap()
    }

    /// Two windows, one with an odd number of channels; the third channel is flagged.
    fn posterior(channels: ChannelMode) -> Posterior {
        let config: Config = toml::from_str(SPECIES).unwrap();
        with_noise(channels, Layout::new(&config.species).unwrap(), &WindowNoise::default(), false)
    }

    /// The same with any noise, and channels smoothed or not.
    fn with_noise(channels: ChannelMode, layout: Layout, noise: &WindowNoise, hanning: bool) -> Posterior {
        let window = |start_mhz: f64, n: usize| {
            let freq_mhz = (0..n).map(|i| start_mhz + 0.4 * i as f64).collect();
            let beam = Beam::Elliptical { bmaj_arcsec: 0.5, bmin_arcsec: 0.4 };
            let t_k = (0..n).map(|i| (i % 7) as f64).collect();
            let mut sigma_k = vec![0.5; n];
            sigma_k[2] = f64::INFINITY;
            let response = ChannelResponse { hanning, ..ChannelResponse::default() };
            let window = Window { name: "spw".into(), freq_mhz, beam, response };
            WindowData { window, t_k, sigma_k, noise: noise.clone() }
        };
        let velocity = VelocityRange::of_centroids(-20.0, 20.0, 20.0);
        let options = ModelOptions {
            channels,
            velocity,
            simd: SimdPath::detect(),
            ..ModelOptions::for_velocities(-1.0, 1.0, 1.0)
        };
        let windows = [window(100_040.0, 83), window(100_072.0, 40)];
        Posterior::new(layout, &[species(), species()], &windows, options).unwrap()
    }

    /// Calibration, continuum and extra noise of both windows, the second's calibration being that of the first.
    fn with_windows() -> Layout {
        let config: Config = toml::from_str(SPECIES).unwrap();
        let mut layout = Layout::new(&config.species).unwrap();
        let read = |text: &str| -> crate::config::ParameterConfig { toml::from_str(text).unwrap() };
        let own =
            ["normal = [1, 0.1]", "normal = [0, 1]", "uniform = [-90, 90]", "uniform = [0, 2]"].map(read);
        let tied = read("same_as = \"spw1.calibration\"");
        let mut windows =
            ["spw1", "spw2"].map(|name| WindowConfig { name: name.into(), given: own.each_ref().map(Some) });
        windows[1].given[0] = Some(&tied);
        layout.add_windows(&windows).unwrap();
        layout
    }

    const THETA: [f64; 6] = [15.3, 80.0, 3.2, 0.4, 0.9, 14.8];

    #[test]
    fn a_model_without_a_species_is_that_of_the_others() {
        for channels in [ChannelMode::Point, ChannelMode::Average] {
            let posterior = posterior(channels);
            let (mut without, mut gradient) = (posterior.work_without(&[1]), vec![0.0; 6]);
            let value = posterior.ln_density_and_gradient(&THETA, &mut without, &mut gradient);
            assert_eq!(value, posterior.ln_density(&THETA, &mut without));
            // A fainter and fainter B comes to the same, but for its prior.
            let mut faint = THETA;
            faint[5] = 13.0;
            let at_edge = posterior.ln_density(&faint, &mut posterior.work());
            assert!((at_edge - value).abs() > 1e-6 && (at_edge - value).abs() < 10.0, "{at_edge} {value}");
            let alone = posterior.spectrum(&THETA, &mut without).unwrap().to_vec();
            let parts = posterior.contributions(&THETA, &mut posterior.work()).unwrap();
            let far = alone.iter().zip(&parts[0]).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            assert!(far < 1e-9, "{far}");
            // Its column density does not count, and what the others share with it does.
            assert_eq!(gradient[5], 0.0);
            assert!(gradient[1] != 0.0);
        }
    }

    #[test]
    fn the_gradient_is_the_derivative_for_all_noise_and_windows() {
        let correlated = WindowNoise { correlation: vec![0.5, 0.1], scatter: Scatter::Gaussian };
        let student = WindowNoise { correlation: vec![], scatter: Scatter::Student { dof: 4.0 } };
        let theta: Vec<f64> = THETA.iter().copied().chain([1.07, 0.4, -8.0, 0.6, -0.3, 12.0, 0.35]).collect();
        for noise in [WindowNoise::default(), correlated, student] {
            for hanning in [false, true] {
                let posterior = with_noise(ChannelMode::Point, with_windows(), &noise, hanning);
                assert_eq!(posterior.layout().parameters.len(), theta.len());
                let (mut work, mut gradient) = (posterior.work(), vec![0.0; theta.len()]);
                let value = posterior.ln_density_and_gradient(&theta, &mut work, &mut gradient);
                assert_eq!(value, posterior.ln_density(&theta, &mut work));
                for k in 0..theta.len() {
                    let mut at = |shift: f64| {
                        let mut theta = theta.clone();
                        theta[k] += shift;
                        posterior.ln_density(&theta, &mut work)
                    };
                    let h = 1e-4;
                    let numeric = (8.0 * (at(h) - at(-h)) - (at(2.0 * h) - at(-2.0 * h))) / (12.0 * h);
                    let error = (numeric - gradient[k]).abs() / (1.0 + gradient[k].abs());
                    assert!(error < 1e-6, "{noise:?} {hanning}, parameter {k}: {} {numeric}", gradient[k]);
                }
                assert!(gradient.iter().all(|g| g.abs() > 1e-3), "{gradient:?}");
            }
        }
    }

    #[test]
    fn the_spectrum_is_what_the_data_should_be() {
        let posterior = with_noise(ChannelMode::Point, with_windows(), &WindowNoise::default(), false);
        let mut work = posterior.work();
        let plain: Vec<f64> = THETA.iter().copied().chain([1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]).collect();
        let theta: Vec<f64> = THETA.iter().copied().chain([1.1, 0.4, -8.0, 0.0, -0.3, 12.0, 0.5]).collect();
        let sky = posterior.spectrum(&plain, &mut work).unwrap().to_vec();
        let seen = posterior.spectrum(&theta, &mut work).unwrap().to_vec();
        assert!((seen[0] - (1.1 * sky[0] + 0.4 + 8.0 * 0.4e-3 * 41.0)).abs() < 1e-9);
        assert!((seen[122] - (1.1 * sky[122] - 0.3 + 12.0 * 0.4e-3 * 19.5)).abs() < 1e-9);
        let alone = posterior.contributions(&theta, &mut work).unwrap();
        assert!((alone[0][30] + alone[1][30] - 1.1 * sky[30]).abs() < 1e-9);
        let square = |i: usize, channel: usize| ((channel % 7) as f64 - seen[i]).powi(2);
        let first: f64 = (0..83).filter(|i| *i != 2).map(|i| square(i, i) / 0.25).sum();
        let second: f64 = (0..40).filter(|i| *i != 2).map(|i| square(83 + i, i) / 0.5).sum();
        let chi2 = posterior.chi2(&theta, &mut work).unwrap();
        assert!((chi2 / (first + second) - 1.0).abs() < 1e-12, "{chi2} {first} {second}");
    }

    #[test]
    fn the_density_is_the_plain_sum() {
        let posterior = posterior(ChannelMode::Point);
        let mut work = posterior.work();
        let model_k = posterior.spectrum(&THETA, &mut work).unwrap().to_vec();
        let mut expected = posterior.layout().ln_prior(&THETA);
        for (i, model) in model_k.iter().enumerate() {
            let channel = if i < 83 { i } else { i - 83 };
            if channel != 2 {
                let residual = ((channel % 7) as f64 - model) / 0.5;
                expected -= 0.5 * residual * residual + (0.5 * (2.0 * PI).sqrt()).ln();
            }
        }
        let ln_density = posterior.ln_density(&THETA, &mut work);
        assert!((ln_density - expected).abs() < 1e-9 * expected.abs(), "{ln_density} {expected}");
        assert_eq!(posterior.ln_density(&[15.3, 80.0, 3.2, 0.4, 0.9, 18.5], &mut work), f64::NEG_INFINITY);
    }

    #[test]
    fn the_gradient_is_the_derivative_through_ties_and_priors() {
        for (mode, limit) in [(ChannelMode::Point, 1e-6), (ChannelMode::Average, 1e-4)] {
            let posterior = posterior(mode);
            let (mut work, mut gradient) = (posterior.work(), [0.0; 6]);
            let value = posterior.ln_density_and_gradient(&THETA, &mut work, &mut gradient);
            assert_eq!(value, posterior.ln_density(&THETA, &mut work));
            for k in 0..THETA.len() {
                let mut at = |shift: f64| {
                    let mut theta = THETA;
                    theta[k] += shift;
                    posterior.ln_density(&theta, &mut work)
                };
                let h = 1e-4;
                let numeric = (8.0 * (at(h) - at(-h)) - (at(2.0 * h) - at(-2.0 * h))) / (12.0 * h);
                let error = (numeric - gradient[k]).abs() / (1.0 + gradient[k].abs());
                assert!(error < limit, "{mode:?}, parameter {k}: {} {numeric}", gradient[k]);
            }
            // Negative control: a tied parameter left out of the sum would show.
            assert!(gradient.iter().all(|g| g.abs() > 0.1), "{gradient:?}");
        }
    }

    #[test]
    fn outside_of_the_prior_there_is_no_slope() {
        let posterior = posterior(ChannelMode::Point);
        let mut gradient = [1.0; 6];
        let theta = [15.3, 80.0, 3.2, 0.4, 0.9, 18.5];
        let value = posterior.ln_density_and_gradient(&theta, &mut posterior.work(), &mut gradient);
        assert_eq!((value, gradient), (f64::NEG_INFINITY, [0.0; 6]));
    }
}
