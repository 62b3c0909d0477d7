//! Averages over channels: against the slow twin, and their derivatives wherever the way of averaging changes.

use super::twin::{evaluate, line, species, window};
use crate::catalog::{Species, VelocityRange};
use crate::model::{LteModel, ModelOptions, N_SPECIES_PARAMS, SpeciesParams, Window, reference};
use crate::physics::C_KMS;
use proptest::prelude::*;

const T_BG_K: f64 = 2.73;
/// FWHM (km/s) of lines at 100 GHz whose sigma is 1 MHz.
const FWHM_OF_MHZ: f64 = 2.354_820_045 * C_KMS / 100_000.0;

fn options() -> ModelOptions {
    let velocity = VelocityRange::of_centroids(-40.0, 40.0, 40.0);
    ModelOptions { velocity, tolerance_k: 1e-4, ..ModelOptions::for_velocities(-1.0, 1.0, 1.0) }
}

/// The twin, averaged over 200 points in each channel.
fn slow(species: &[Species], window: &Window, step_mhz: f64, params: &[SpeciesParams]) -> Vec<f64> {
    const N: usize = 200;
    let place = |k: usize| step_mhz * ((k as f64 + 0.5) / N as f64 - 0.5);
    let fine: Vec<f64> = window.freq_mhz.iter().flat_map(|f| (0..N).map(move |k| f + place(k))).collect();
    let fine = Window { freq_mhz: fine, ..window.clone() };
    let t_k = reference::evaluate(species, &[fine], T_BG_K, params).unwrap();
    t_k.chunks(N).map(|t_k| t_k.iter().sum::<f64>() / N as f64).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn agree_with_the_twin(
        lines in proptest::collection::vec(line(), 1..12),
        log10_n in 11.0f64..16.5,
        width in 0.1f64..20.0,
        tex_k in 20.0f64..300.0,
        v_kms in -5.0f64..5.0,
        uneven in any::<bool>(),
    ) {
        let species = [species(33_501, &lines)];
        let step_mhz = 0.5;
        let mut window = window(100_000.0, step_mhz, 60);
        if uneven {
            // One channel is missing: the grid is not even, while channels are as wide as before.
            window.freq_mhz.iter_mut().skip(30).for_each(|f| *f += step_mhz);
        }
        let model = LteModel::new(&species, std::slice::from_ref(&window), options());
        prop_assume!(model.is_ok());
        let fwhm_kms = FWHM_OF_MHZ * step_mhz / width;
        let params = [SpeciesParams::from_array([log10_n, tex_k, fwhm_kms, v_kms, 0.5])];
        let fast = evaluate(&model.unwrap(), &params);
        for (fast, slow) in fast.iter().zip(slow(&species, &window, step_mhz, &params)) {
            prop_assert!((fast - slow).abs() < 5e-5 * tex_k + 1e-4, "{fast} {slow}, {width} sigma wide");
        }
    }
}

/// `|g - d| / (1 + |g|)` of chi^2 by log N, Tex, FWHM and v, scaled by typical widths of a posterior; the worst.
fn gradient_error(model: &LteModel, params: SpeciesParams) -> f64 {
    const WIDTHS: [f64; 4] = [2e-3, 0.2, 5e-3, 3e-3];
    let n = model.n_channels();
    let data_k: Vec<f64> = (0..n).map(|i| 3.0 + (i % 7) as f64).collect();
    let data = model.channel_data(&data_k, &vec![2.0; n]);
    let (mut scratch, mut gradient) = (model.scratch(), [[0.0; N_SPECIES_PARAMS]]);
    model.chi2_and_gradient(&[params], &data, &mut scratch, &mut gradient).unwrap();
    let mut worst = 0.0f64;
    for (k, width) in WIDTHS.into_iter().enumerate() {
        let width = if k == 2 { width * params.fwhm_kms } else { width };
        let mut at = |shift: f64| {
            let mut values = params.to_array();
            values[k] += shift * width;
            model.chi2(&[SpeciesParams::from_quantities(values)], &data, &mut scratch).unwrap()
        };
        let h = 0.05;
        let mut d = |n: f64| (at(n * h) - at(-n * h)) / (2.0 * n * h);
        let numeric = 1.5 * d(1.0) - 0.6 * d(2.0) + 0.1 * d(3.0);
        let exact = gradient[0][k] * width;
        let error = (exact - numeric).abs() / (1.0 + exact.abs());
        if error > 1e-6 {
            println!(
                "parameter {k} of {params:?}: exact {exact:e}, differences {numeric:e}, error {error:.1e}"
            );
        }
        worst = worst.max(error);
    }
    worst
}

#[test]
fn the_gradient_is_continuous_whatever_the_width() {
    let species =
        [species(33_501, &[(20.0, -3.9, 10.0), (22.0, -4.4, 90.0), (35.0, -5.5, 200.0), (40.3, -6.5, 10.0)])];
    let model = LteModel::new(&species, &[window(100_000.0, 0.5, 120)], options()).unwrap();
    let (mut worst, mut worst_wide) = (0.0f64, 0.0f64);
    // In small steps: some fall where one way of averaging hands over to another.
    for i in 0..400 {
        let width = 0.2 * 1.01f64.powi(i);
        for log10_n in [13.0, 15.0, 17.0] {
            let fwhm_kms = FWHM_OF_MHZ * 0.5 / width;
            let error =
                gradient_error(&model, SpeciesParams::from_array([log10_n, 120.0, fwhm_kms, 0.3, 0.5]));
            let worst = if width > 1.45 { &mut worst_wide } else { &mut worst };
            *worst = worst.max(error);
        }
    }
    println!("largest error of the gradient: narrow {worst:.1e}, wide {worst_wide:.1e}");
    assert!(worst < 1e-6, "{worst}");
    assert!(worst_wide < 1e-5, "{worst_wide}");
}
