//! The log density: Gaussian likelihood of the channels times the priors.

use super::Layout;
use crate::catalog::Species;
use crate::model::{
    ChannelData, EvalError, LteModel, ModelError, ModelOptions, N_SPECIES_PARAMS, Scratch, SpeciesParams,
    Transition, Window,
};
use serde::{Deserialize, Serialize};
use std::f64::consts::PI;

/// The data of one spectral window.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WindowData {
    /// Channels and beam.
    pub window: Window,
    /// Brightness temperature of each channel in K; any finite number where the channel is flagged.
    pub t_k: Vec<f64>,
    /// Standard deviation of each channel's noise in K; infinite where the channel is flagged.
    pub sigma_k: Vec<f64>,
}

/// A model with its data and priors, planned once.
pub struct Posterior {
    layout: Layout,
    model: LteModel,
    data: ChannelData,
    constant: f64,
}

/// Work space of one evaluating thread.
pub struct Work {
    scratch: Scratch,
    species: Vec<SpeciesParams>,
    model_k: Vec<f64>,
    /// Derivatives of chi^2 by the quantities of each species.
    by_species: Vec<[f64; N_SPECIES_PARAMS]>,
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
    ) -> Result<Self, ModelError> {
        let channels: Vec<Window> = windows.iter().map(|w| w.window.clone()).collect();
        let model = LteModel::new(species, &channels, options)?;
        let joined = |part: fn(&WindowData) -> &Vec<f64>| -> Vec<f64> {
            windows.iter().flat_map(|w| part(w).iter().copied()).collect()
        };
        let weight_per_k: Vec<f64> = joined(|w| &w.sigma_k).iter().map(|sigma| 1.0 / sigma).collect();
        let used = weight_per_k.iter().filter(|&&w| w > 0.0);
        let constant = used.map(|&w| libm::log(w) - 0.5 * libm::log(2.0 * PI)).sum();
        let data = model.channel_data(&joined(|w| &w.t_k), &weight_per_k);
        Ok(Self { layout, model, data, constant })
    }

    /// The free parameters.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The spectral model.
    pub fn model(&self) -> &LteModel {
        &self.model
    }

    /// Work space for one thread.
    pub fn work(&self) -> Work {
        Work {
            scratch: self.model.scratch(),
            species: Vec::with_capacity(self.model.n_species()),
            model_k: vec![0.0; self.model.n_channels()],
            by_species: vec![[0.0; N_SPECIES_PARAMS]; self.model.n_species()],
        }
    }

    /// Natural logarithm of prior density times likelihood at `theta`; minus infinity outside of the prior and where
    /// the model is not defined. Allocates nothing, but in the first calls that average over channels.
    pub fn ln_density(&self, theta: &[f64], work: &mut Work) -> f64 {
        let ln_prior = self.layout.ln_prior(theta);
        if ln_prior == f64::NEG_INFINITY {
            return f64::NEG_INFINITY;
        }
        self.set(theta, work);
        match self.model.chi2(&work.species, &self.data, &mut work.scratch) {
            Ok(chi2) => ln_prior + self.constant - 0.5 * chi2,
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
        let Work { species, scratch, by_species, .. } = work;
        let Ok(chi2) = self.model.chi2_and_gradient(species, &self.data, scratch, by_species) else {
            return f64::NEG_INFINITY;
        };
        for (bindings, by_quantity) in self.layout.bindings.iter().zip(by_species) {
            for (binding, by) in bindings.iter().zip(by_quantity) {
                binding.add_slope(-0.5 * *by, theta, gradient);
            }
        }
        for ((g, parameter), &x) in gradient.iter_mut().zip(&self.layout.parameters).zip(theta) {
            *g += parameter.prior.slope_of_ln_density(x);
        }
        ln_prior + self.constant - 0.5 * chi2
    }

    fn set(&self, theta: &[f64], work: &mut Work) {
        work.species.clear();
        work.species.extend(self.layout.values(theta).map(SpeciesParams::from_array));
    }

    /// The model spectrum in K at `theta`.
    ///
    /// # Errors
    /// Where the model is not defined (Q(T) beyond its table).
    pub fn spectrum<'a>(&self, theta: &[f64], work: &'a mut Work) -> Result<&'a [f64], EvalError> {
        self.set(theta, work);
        self.model.evaluate(&work.species, &mut work.scratch, &mut work.model_k)?;
        Ok(&work.model_k)
    }

    /// All transitions of all species in the windows at `theta`, species by species.
    ///
    /// # Errors
    /// Where the model is not defined.
    pub fn transitions(&self, theta: &[f64]) -> Result<Vec<Transition>, EvalError> {
        let mut all = Vec::new();
        for (species, values) in self.layout.values(theta).enumerate() {
            all.extend(self.model.transitions(species, &SpeciesParams::from_array(values), 0.0)?);
        }
        Ok(all)
    }

    /// The spectra of each species alone in K at `theta`.
    ///
    /// # Errors
    /// Where the model is not defined.
    pub fn contributions(&self, theta: &[f64], work: &mut Work) -> Result<Vec<Vec<f64>>, EvalError> {
        let species: Vec<SpeciesParams> = self.layout.values(theta).map(SpeciesParams::from_array).collect();
        self.model.contributions(&species, &mut work.scratch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{Interpolation, PartitionFunction, QTable, VelocityRange, parse_spfit};
    use crate::config::Config;
    use crate::model::{Beam, ChannelMode, SimdPath};
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
        let window = |start_mhz: f64, n: usize| {
            let freq_mhz = (0..n).map(|i| start_mhz + 0.4 * i as f64).collect();
            let beam = Beam::Elliptical { bmaj_arcsec: 0.5, bmin_arcsec: 0.4 };
            let t_k = (0..n).map(|i| (i % 7) as f64).collect();
            let mut sigma_k = vec![0.5; n];
            sigma_k[2] = f64::INFINITY;
            WindowData { window: Window { name: "spw".into(), freq_mhz, beam }, t_k, sigma_k }
        };
        let velocity = VelocityRange::of_centroids(-20.0, 20.0, 20.0);
        let options = ModelOptions {
            channels,
            velocity,
            simd: SimdPath::detect(),
            ..ModelOptions::for_velocities(-1.0, 1.0, 1.0)
        };
        let windows = [window(100_040.0, 83), window(100_072.0, 40)];
        Posterior::new(Layout::new(&config.species).unwrap(), &[species(), species()], &windows, options)
            .unwrap()
    }

    const THETA: [f64; 6] = [15.3, 80.0, 3.2, 0.4, 0.9, 14.8];

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
