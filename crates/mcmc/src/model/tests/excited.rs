//! Lines with an excitation of their own: one that says what LTE says gives what LTE gives.

use super::twin::{options, species, window};
use crate::catalog::Species;
use crate::model::{
    ChannelMode, EvalProblem, Excitation, ExcitedLine, LteModel, ModelOptions, N_SPECIES_PARAMS,
    SpeciesParams, Structure, reference,
};
use crate::physics::{C_KMS, FWHM_PER_SIGMA, HK_K_PER_MHZ, rayleigh_jeans_k};
use std::sync::Arc;

/// LTE by the slow twin, with derivatives by differences.
#[derive(Debug)]
struct Thermal {
    species: Species,
    freq_mhz: Vec<f64>,
}

impl Thermal {
    fn lines(&self, params: &SpeciesParams) -> Vec<[f64; 2]> {
        let areas = reference::integrated_opacities_mhz(&self.species, params).unwrap();
        self.freq_mhz
            .iter()
            .zip(areas)
            .map(|(rest, area)| {
                let centre = rest * (1.0 - params.v_kms / C_KMS);
                let sigma = params.fwhm_kms / FWHM_PER_SIGMA / C_KMS * centre;
                let tau = area / (sigma * (2.0 * std::f64::consts::PI).sqrt());
                [tau, tau * rayleigh_jeans_k(centre, params.tex_k)]
            })
            .collect()
    }
}

impl Excitation for Thermal {
    fn freq_mhz(&self) -> &[f64] {
        &self.freq_mhz
    }

    fn n_work(&self) -> usize {
        0
    }

    fn excite(
        &self,
        params: &SpeciesParams,
        _work: &mut [f64],
        lines: &mut [ExcitedLine],
    ) -> Result<(), EvalProblem> {
        for (line, [tau, emission_k]) in lines.iter_mut().zip(self.lines(params)) {
            *line = ExcitedLine { tau, emission_k, ..ExcitedLine::default() };
        }
        for k in 0..4 {
            let at = |shift: f64| {
                let mut values = params.to_array();
                values[k] += shift;
                self.lines(&SpeciesParams::from_quantities(values))
            };
            let h = 1e-4;
            for (line, (up, down)) in lines.iter_mut().zip(at(h).iter().zip(at(-h))) {
                line.tau_by[k] = (up[0] - down[0]) / (2.0 * h);
                line.emission_by[k] = (up[1] - down[1]) / (2.0 * h);
            }
        }
        Ok(())
    }
}

fn models(channels: ChannelMode) -> [LteModel; 2] {
    let species = species(33_501, &[(20.0, -3.9, 10.0), (24.0, -4.4, 90.0), (70.0, -4.0, 200.0)]);
    let freq_mhz = species.lines().iter().map(|line| line.freq_mhz).collect();
    let excitation: Arc<dyn Excitation> = Arc::new(Thermal { species: species.clone(), freq_mhz });
    let options = ModelOptions { channels, ..options() };
    [None, Some(excitation)].map(|excitation| {
        let windows = [window(100_000.0, 0.5, 203)];
        let plain = Structure::default();
        LteModel::with_structure(std::slice::from_ref(&species), &windows, options, &plain, vec![excitation])
            .unwrap()
    })
}

#[test]
fn an_excitation_of_one_temperature_is_lte() {
    let params = [SpeciesParams::from_array([15.8, 120.0, 3.0, 0.3, 0.6])];
    for channels in [ChannelMode::Point, ChannelMode::Average] {
        let found = models(channels).map(|model| {
            let n = model.n_channels();
            let (mut t_k, mut scratch) = (vec![0.0; n], model.scratch());
            model.evaluate(&params, &mut scratch, &mut t_k).unwrap();
            let data = model.channel_data(&vec![4.0; n], &vec![0.5; n]);
            let mut gradient = [[0.0; N_SPECIES_PARAMS]];
            model.chi2_and_gradient(&params, &data, &mut scratch, &mut gradient).unwrap();
            (t_k, gradient[0])
        });
        let [(lte_k, lte), (own_k, own)] = found;
        // The source function stands still within a line there.
        let worst = lte_k.iter().zip(&own_k).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(worst < 2e-3, "{channels:?}: {worst}");
        for k in 0..5 {
            let error = (lte[k] - own[k]).abs() / (1.0 + lte[k].abs());
            assert!(error < 2e-3, "{channels:?}, parameter {k}: {} {}", lte[k], own[k]);
        }
    }
}

/// A line whose levels are inverted: opacity -1, brighter than its background.
#[derive(Debug)]
struct Maser;

impl Excitation for Maser {
    fn freq_mhz(&self) -> &[f64] {
        &[100_050.0]
    }

    fn n_work(&self) -> usize {
        1
    }

    fn excite(
        &self,
        params: &SpeciesParams,
        work: &mut [f64],
        lines: &mut [ExcitedLine],
    ) -> Result<(), EvalProblem> {
        work[0] = params.log10_n_cm2 - 15.0;
        lines[0] = ExcitedLine { tau: -1.0 + work[0], emission_k: 50.0, ..ExcitedLine::default() };
        lines[0].tau_by[0] = 1.0;
        Ok(())
    }
}

#[test]
fn inverted_levels_amplify() {
    let species = species(33_501, &[(50.0, -3.9, 10.0)]);
    let excitation: Arc<dyn Excitation> = Arc::new(Maser);
    let model = LteModel::with_structure(
        &[species],
        &[window(100_000.0, 0.5, 203)],
        options(),
        &Structure::default(),
        vec![Some(excitation)],
    )
    .unwrap();
    let mut scratch = model.scratch();
    let mut at = |logn: f64| {
        let mut t_k = vec![0.0; 203];
        let params = [SpeciesParams::from_array([logn, 100.0, 3.0, 0.0, f64::INFINITY])];
        model.evaluate(&params, &mut scratch, &mut t_k).unwrap();
        t_k[100]
    };
    let background = HK_K_PER_MHZ * 100_050.0 / (HK_K_PER_MHZ * 100_050.0 / 2.73).exp_m1();
    // (S - I) (1 - exp(-tau)), S = 50 / -1.
    let expected = (-50.0 - background) * (1.0 - 1f64.exp());
    assert!((at(15.0) - expected).abs() < 1e-6, "{} {expected}", at(15.0));
    // Without opacity the emission is what is left.
    assert!((at(16.0) - 50.0).abs() < 1e-6, "{}", at(16.0));
    let data = model.channel_data(&[10.0; 203], &[1.0; 203]);
    let mut chi2 = |logn: f64, gradient: &mut [[f64; N_SPECIES_PARAMS]]| {
        let params = [SpeciesParams::from_array([logn, 100.0, 3.0, 0.0, 2.0])];
        model.chi2_and_gradient(&params, &data, &mut scratch, gradient).unwrap()
    };
    let mut gradient = [[0.0; N_SPECIES_PARAMS]];
    for logn in [14.8, 15.999, 16.0, 16.3] {
        let mut other = [[0.0; N_SPECIES_PARAMS]];
        let d = |h: f64, chi2: &mut dyn FnMut(f64) -> f64| (chi2(logn + h) - chi2(logn - h)) / (2.0 * h);
        let numeric = {
            let mut chi2 = |x: f64| chi2(x, &mut other);
            (4.0 * d(1e-4, &mut chi2) - d(2e-4, &mut chi2)) / 3.0
        };
        chi2(logn, &mut gradient);
        assert!(
            (gradient[0][0] - numeric).abs() < 1e-6 * numeric.abs(),
            "{logn}: {} {numeric}",
            gradient[0][0]
        );
    }
}
