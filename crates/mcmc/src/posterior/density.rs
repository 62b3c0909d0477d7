//! The log density: Gaussian likelihood of the channels times the priors.

use super::Layout;
use crate::catalog::Species;
use crate::model::{
    EvalError, LteModel, ModelError, ModelOptions, Scratch, SpeciesParams, Transition, Window,
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
    t_k: Vec<f64>,
    weight_per_k: Vec<f64>,
    constant: f64,
}

/// Work space of one evaluating thread.
pub struct Work {
    scratch: Scratch,
    species: Vec<SpeciesParams>,
    model_k: Vec<f64>,
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
        let constant = used.map(|w| w.ln() - 0.5 * (2.0 * PI).ln()).sum();
        Ok(Self { layout, model, t_k: joined(|w| &w.t_k), weight_per_k, constant })
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
        }
    }

    /// Natural logarithm of prior density times likelihood at `theta`; minus infinity outside of the prior and where
    /// the model is not defined. Allocates nothing.
    pub fn ln_density(&self, theta: &[f64], work: &mut Work) -> f64 {
        let ln_prior = self.layout.ln_prior(theta);
        if ln_prior == f64::NEG_INFINITY {
            return f64::NEG_INFINITY;
        }
        match self.spectrum(theta, work) {
            Ok(model_k) => ln_prior + self.constant - 0.5 * chi2(&self.t_k, model_k, &self.weight_per_k),
            Err(_) => f64::NEG_INFINITY,
        }
    }

    /// The model spectrum in K at `theta`.
    ///
    /// # Errors
    /// Where the model is not defined (Q(T) beyond its table).
    pub fn spectrum<'a>(&self, theta: &[f64], work: &'a mut Work) -> Result<&'a [f64], EvalError> {
        work.species.clear();
        work.species.extend(self.layout.values(theta).map(SpeciesParams::from_array));
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

/// Sum of squares of (data - model) / sigma, in four sums whose order is fixed so that every rank adds alike.
fn chi2(t_k: &[f64], model_k: &[f64], weight_per_k: &[f64]) -> f64 {
    let mut sums = [0.0; 4];
    let square = |t: f64, m: f64, w: f64| {
        let r = (t - m) * w;
        r * r
    };
    let (t4, t_rest) = t_k.as_chunks::<4>();
    let (m4, m_rest) = model_k.as_chunks::<4>();
    let (w4, w_rest) = weight_per_k.as_chunks::<4>();
    for ((t, m), w) in t4.iter().zip(m4).zip(w4) {
        for k in 0..4 {
            sums[k] += square(t[k], m[k], w[k]);
        }
    }
    let rest: f64 = t_rest.iter().zip(m_rest).zip(w_rest).map(|((&t, &m), &w)| square(t, m, w)).sum();
    (sums[0] + sums[1]) + (sums[2] + sums[3]) + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn chi2_is_the_plain_sum(rows in prop::collection::vec((-9.0f64..9.0, -9.0f64..9.0, 0.0f64..3.0), 0..40)) {
            let column = |k: usize| -> Vec<f64> { rows.iter().map(|r| [r.0, r.1, r.2][k]).collect() };
            let plain: f64 = rows.iter().map(|r| ((r.0 - r.1) * r.2).powi(2)).sum();
            let fast = chi2(&column(0), &column(1), &column(2));
            prop_assert!((fast - plain).abs() <= 1e-12 * plain.max(1.0));
        }
    }

    #[test]
    fn flagged_channels_count_for_nothing() {
        assert_eq!(chi2(&[1.0, 5.0], &[0.0, 0.0], &[2.0, 1.0 / f64::INFINITY]), 4.0);
    }
}
