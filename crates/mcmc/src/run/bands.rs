//! The posterior of every channel: quantiles of the model, of each species and of new data, from draws of the chain.

use crate::model::Scatter;
use crate::normal::normal_quantile;
use crate::plan::Plan;
use crate::posterior::Posterior;
use crate::report::{Bands, FittedSpectrum};
use ndarray::ArrayView3;

/// Draws that are used, evenly spaced over the chain.
const DRAWS: usize = 200;
/// Noise that new data may have, as quantiles of equal probability for each draw.
const NOISES: usize = 20;
const MODEL: [f64; 5] = [0.025, 0.158_655, 0.5, 0.841_345, 0.975];
const SPECIES: [f64; 3] = [0.158_655, 0.5, 0.841_345];
const PREDICTED: [f64; 2] = [0.025, 0.975];

/// Model, species and noise at the draws.
#[derive(Default)]
struct Drawn {
    /// (draw, channel of all windows), in K.
    model_k: Vec<Vec<f64>>,
    /// (draw, species, channel), in K; of half the size, as there are many.
    species_k: Vec<Vec<Vec<f32>>>,
    /// (draw, channel), in K.
    noise_k: Vec<Vec<f64>>,
}

/// Adds the quantiles to the windows' spectra, which are those of the plan. `samples`: (draw, chain, parameter).
pub(super) fn add(
    spectra: &mut [FittedSpectrum],
    plan: &Plan,
    posterior: &Posterior,
    samples: ArrayView3<f64>,
) -> anyhow::Result<()> {
    let drawn = evaluate(plan, posterior, samples)?;
    let mut first = 0;
    for (spectrum, data) in spectra.iter_mut().zip(&plan.windows) {
        let channels = first..first + spectrum.freq_mhz.len();
        first = channels.end;
        let noises = noise_quantiles(data.noise.scatter);
        let mut bands =
            Bands { species_k: vec![Default::default(); spectrum.species.len()], ..Bands::default() };
        for c in channels {
            let model: Vec<f64> = drawn.model_k.iter().map(|m| m[c]).collect();
            let new = drawn.noise_k.iter().zip(&model).flat_map(|(s, m)| noises.map(|z| m + s[c] * z));
            push(&mut bands.predicted_k, PREDICTED, new.collect());
            push(&mut bands.model_k, MODEL, model);
            for (k, of_species) in bands.species_k.iter_mut().enumerate() {
                let values = drawn.species_k.iter().map(|s| f64::from(s[k][c])).collect();
                push(of_species, SPECIES, values);
            }
        }
        spectrum.bands = Some(bands);
    }
    Ok(())
}

fn evaluate(plan: &Plan, posterior: &Posterior, samples: ArrayView3<f64>) -> anyhow::Result<Drawn> {
    let (draws, chains, _) = samples.dim();
    let all = draws * chains;
    let used = all.min(DRAWS);
    let mut work = posterior.work();
    let mut drawn = Drawn::default();
    for k in 0..used {
        // The middles of equal stretches of the chain; draws run slowest, so that all chains take part.
        let at = (2 * k + 1) * all / (2 * used);
        let theta: Vec<f64> = samples.slice(ndarray::s![at / chains, at % chains, ..]).to_vec();
        drawn.model_k.push(posterior.spectrum(&theta, &mut work)?.to_vec());
        let species = posterior.contributions(&theta, &mut work)?;
        drawn.species_k.push(species.iter().map(|s| s.iter().map(|&t_k| t_k as f32).collect()).collect());
        let windows = plan.windows.iter().zip(posterior.window_params(&theta));
        drawn.noise_k.push(windows.flat_map(|(data, params)| params.noise_k(&data.sigma_k)).collect());
    }
    Ok(drawn)
}

/// Quantiles of the noise of unit width in the middles of equal probabilities.
fn noise_quantiles(scatter: Scatter) -> [f64; NOISES] {
    std::array::from_fn(|k| {
        let z = normal_quantile((k as f64 + 0.5) / NOISES as f64);
        match scatter {
            Scatter::Gaussian => z,
            // Student's t by its expansion around the normal distribution (Abramowitz & Stegun 26.7.5).
            Scatter::Student { dof } => {
                z + (z.powi(3) + z) / (4.0 * dof)
                    + (5.0 * z.powi(5) + 16.0 * z.powi(3) + 3.0 * z) / (96.0 * dof * dof)
            }
        }
    })
}

/// Adds the quantiles of a channel's values; NaN where the channel has no noise and hence no prediction.
fn push<const N: usize>(columns: &mut [Vec<f64>; N], at: [f64; N], mut values: Vec<f64>) {
    values.sort_by(f64::total_cmp);
    let known = values.iter().all(|v| v.is_finite());
    for (column, p) in columns.iter_mut().zip(at) {
        column.push(if known { crate::diagnose::quantile(&values, p) } else { f64::NAN });
    }
}
