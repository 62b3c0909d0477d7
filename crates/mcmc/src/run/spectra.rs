//! The data of a fit with its model, window by window, as the pictures and tables want them.

use crate::model::Transition;
use crate::plan::Plan;
use crate::posterior::Posterior;
use crate::report::{Component, FittedSpectrum, LineLabel};
use std::ops::Range;

/// The lines that get a label: at least this bright, in units of the noise.
const LABEL_SIGMA: f64 = 5.0;

/// The data with the model at `theta`, window by window; NaN where a channel is flagged.
pub(crate) fn fitted_spectra(
    plan: &Plan,
    posterior: &Posterior,
    theta: &[f64],
) -> anyhow::Result<Vec<FittedSpectrum>> {
    let mut work = posterior.work();
    let model_k = posterior.spectrum(theta, &mut work)?.to_vec();
    let species_k = posterior.contributions(theta, &mut work)?;
    let names: Vec<&str> = posterior.model().species_names().collect();
    let transitions = posterior.transitions(theta)?;
    let windows = plan.windows.iter().zip(posterior.model().window_channels());
    Ok(windows
        .zip(posterior.window_params(theta))
        .enumerate()
        .map(|(index, ((data, channels), window))| FittedSpectrum {
            name: data.window.name.clone(),
            freq_mhz: data.window.freq_mhz.clone(),
            t_k_data: flagged_as_nan(&data.t_k, &data.sigma_k),
            sigma_k: flagged_as_nan(&window.noise_k(&data.sigma_k), &data.sigma_k),
            t_k_model: model_k[channels.clone()].to_vec(),
            species: names
                .iter()
                .zip(&species_k)
                .map(|(name, t_k)| component(name, t_k, &channels))
                .collect(),
            labels: labels(transitions.iter().filter(|t| t.window == index), &names, &data.sigma_k),
            bands: None,
        })
        .collect())
}

fn flagged_as_nan(values: &[f64], sigma_k: &[f64]) -> Vec<f64> {
    values.iter().zip(sigma_k).map(|(&x, s)| if s.is_finite() { x } else { f64::NAN }).collect()
}

fn component(name: &str, t_k: &[f64], channels: &Range<usize>) -> Component {
    Component { name: name.to_string(), t_k: t_k[channels.clone()].to_vec() }
}

/// The lines of a window that stand out of the noise.
fn labels<'a>(
    lines: impl Iterator<Item = &'a Transition>,
    species: &[&str],
    sigma_k: &[f64],
) -> Vec<LineLabel> {
    let noise_k = sigma_k.iter().copied().fold(f64::INFINITY, f64::min);
    lines
        .filter(|line| line.peak_k > LABEL_SIGMA * noise_k)
        .map(|line| LineLabel {
            freq_mhz: line.observed_mhz,
            text: format!("{} {}", species[line.species], opacity_text(line.peak_tau)),
            strength_k: line.peak_k,
        })
        .collect()
}

/// All windows one after the other.
pub(crate) fn joined(spectra: &[FittedSpectrum]) -> FittedSpectrum {
    let all = |part: fn(&FittedSpectrum) -> &Vec<f64>| spectra.iter().flat_map(part).copied().collect();
    let species = spectra.first().map_or(&[][..], |s| &s.species);
    FittedSpectrum {
        name: "all windows".to_string(),
        freq_mhz: all(|s| &s.freq_mhz),
        t_k_data: all(|s| &s.t_k_data),
        sigma_k: all(|s| &s.sigma_k),
        t_k_model: all(|s| &s.t_k_model),
        species: (0..species.len())
            .map(|k| Component {
                name: species[k].name.clone(),
                t_k: spectra.iter().flat_map(|s| &s.species[k].t_k).copied().collect(),
            })
            .collect(),
        labels: Vec::new(),
        bands: None,
    }
}

/// An opacity in two digits, for labels: "tau 0.043", "tau 12".
pub(crate) fn opacity_text(tau: f64) -> String {
    let digits = if tau >= 10.0 {
        0
    } else if tau >= 1.0 {
        1
    } else if tau >= 0.1 {
        2
    } else {
        3
    };
    if tau < 0.001 { format!("tau {tau:.0e}") } else { format!("tau {tau:.digits$}") }
}
