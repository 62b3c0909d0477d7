//! Groups, layers, dust, continuum and Voigt profiles: against the slow twin, differences, and what physics demands.

use super::twin::{BEAM, evaluate, line, options, params, species, window};
use crate::catalog::{Species, VelocityRange};
use crate::model::{
    ChannelMode, Continuum, Dust, Group, LteModel, ModelOptions, ModelParams, N_SPECIES_PARAMS, SimdPath,
    SpeciesParams, Structure, Window, reference,
};
use crate::physics::rayleigh_jeans_k;
use proptest::prelude::*;

const DUST: Dust = Dust { kappa0_cm2_g: 0.899, nu0_mhz: 230_000.0, gas_to_dust: 100.0 };
/// log N(H2), beta, T of the dust of two groups, then brightness and exponent of the continuum.
const EXTRA: [f64; 8] = [25.3, 1.7, 60.0, 24.9, 1.5, 20.0, 3.0, -0.7];

fn group(layer: u32, members: &[usize], dust: bool) -> Group {
    Group { name: format!("{members:?}"), layer, members: members.to_vec(), dust: dust.then_some(DUST) }
}

/// Four species: two in a core with dust, one core alone, one in a layer with dust in front.
fn layered(keeps_continuum: bool) -> Structure {
    Structure {
        groups: vec![group(1, &[3], true), group(0, &[0, 1], true), group(0, &[2], false)],
        continuum: Some(Continuum { nu0_mhz: 100_000.0 }),
        keeps_continuum,
        voigt: vec![],
    }
}

fn plan(species: &[Species], windows: &[Window], options: ModelOptions, structure: &Structure) -> LteModel {
    let excitations = vec![None; species.len()];
    LteModel::with_structure(species, windows, options, structure, excitations).unwrap()
}

fn run(model: &LteModel, params: ModelParams) -> Vec<f64> {
    let mut t_k = vec![f64::NAN; model.n_channels()];
    model.evaluate(params, &mut model.scratch(), &mut t_k).unwrap();
    t_k
}

fn largest(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

/// Four species whose lines blend.
fn four() -> Vec<Species> {
    [
        (33_501, vec![(20.0, -3.9, 10.0), (24.0, -4.4, 90.0), (70.0, -4.0, 200.0)]),
        (34_501, vec![(21.0, -4.1, 30.0), (71.5, -4.3, 5.0), (40.0, -5.0, 0.0)]),
        (35_501, vec![(22.5, -4.6, 60.0), (55.0, -4.0, 300.0)]),
        (36_501, vec![(19.0, -4.0, 2.0), (69.0, -4.4, 1.0), (39.0, -4.2, 1.0)]),
    ]
    .iter()
    .map(|(tag, lines)| species(*tag, lines))
    .collect()
}

fn four_params() -> [SpeciesParams; 4] {
    [
        [15.6, 120.0, 3.0, 0.3, 0.6],
        [15.2, 80.0, 2.0, -0.5, 0.6],
        [15.9, 200.0, 4.0, 1.0, 0.3],
        [14.4, 15.0, 1.5, -0.2, 5.0],
    ]
    .map(SpeciesParams::from_array)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn groups_and_layers_agree_with_the_twin(
        lines in proptest::collection::vec(proptest::collection::vec(line(), 1..8), 4),
        params in proptest::collection::vec(params(), 4),
        keeps_continuum in any::<bool>(),
        with_continuum in any::<bool>(),
        layer in 0u32..3,
        step_mhz in 0.1f64..2.0,
    ) {
        let species: Vec<Species> = lines.iter().enumerate().map(|(i, l)| species(33_501 + i as u32, l)).collect();
        let windows = [window(100_000.0, step_mhz, 70)];
        let mut structure = layered(keeps_continuum);
        structure.groups[0].layer = layer;
        let mut extra = EXTRA.to_vec();
        if !with_continuum {
            structure.continuum = None;
            extra.truncate(6);
        }
        let excitations = vec![None; 4];
        let options = ModelOptions { tolerance_k: 1e-4, ..options() };
        let model = LteModel::with_structure(&species, &windows, options, &structure, excitations);
        prop_assume!(model.is_ok());
        let params = ModelParams { species: &params, extra: &extra };
        let fast = run(&model.unwrap(), params);
        let slow = reference::evaluate_structure(&species, &windows, 2.73, params, &structure).unwrap();
        prop_assert!(largest(&fast, &slow) < 1e-4, "{}", largest(&fast, &slow));
    }
}

/// Derivatives of chi^2 by all parameters against differences, `|g - d| / (1 + |g|)` with a step of `h` widths.
fn worst_gradient(
    model: &LteModel,
    params: &[SpeciesParams],
    extra: &[f64],
    widths: [f64; N_SPECIES_PARAMS],
    step: f64,
) -> f64 {
    let n = model.n_channels();
    let data_k: Vec<f64> = (0..n).map(|i| 3.0 + (i % 7) as f64).collect();
    let data = model.channel_data(&data_k, &vec![0.4; n]);
    let mut scratch = model.scratch();
    let mut gradient = vec![[0.0; N_SPECIES_PARAMS]; params.len()];
    model
        .chi2_and_gradient(ModelParams { species: params, extra }, &data, &mut scratch, &mut gradient)
        .unwrap();
    let by_extra: Vec<f64> = scratch.by_extra().collect();
    let mut worst = 0.0f64;
    let mut check = |exact: f64, width: f64, name: String, f: &mut dyn FnMut(f64) -> f64| {
        let h = step * width;
        let mut d = |n: f64| (f(n * h) - f(-n * h)) / (2.0 * n * h);
        let numeric = width * (1.5 * d(1.0) - 0.6 * d(2.0) + 0.1 * d(3.0));
        let error = (exact * width - numeric).abs() / (1.0 + (exact * width).abs());
        if error > 1e-6 {
            println!("{name}: exact {:e}, differences {numeric:e}, error {error:e}", exact * width);
        }
        worst = worst.max(error);
    };
    for s in 0..params.len() {
        // The Lorentzian part where there is one.
        for k in (0..N_SPECIES_PARAMS).filter(|k| *k != 5 || params[s].lorentz_kms > 0.0) {
            check(gradient[s][k], widths[k], format!("species {s}, parameter {k}"), &mut |shift| {
                let mut moved = params.to_vec();
                let mut values = moved[s].to_array();
                values[k] += shift;
                moved[s] = SpeciesParams::from_quantities(values);
                model.chi2(ModelParams { species: &moved, extra }, &data, &mut scratch).unwrap()
            });
        }
    }
    for k in 0..extra.len() {
        check(by_extra[k], 1e-3 * extra[k].abs(), format!("extra {k}"), &mut |shift| {
            let mut moved = extra.to_vec();
            moved[k] += shift;
            model.chi2(ModelParams { species: params, extra: &moved }, &data, &mut scratch).unwrap()
        });
    }
    // Negative control: the derivatives are not zeros.
    assert!(gradient.iter().all(|row| row[0].abs() > 1e-3), "{gradient:?}");
    worst
}

/// Steps of a part in a thousand of the usual posterior widths' kind.
const WIDTHS: [f64; N_SPECIES_PARAMS] = [5e-3, 1.0, 0.02, 0.01, 1e-3, 0.01, 0.1];

#[test]
fn the_gradient_is_the_derivative() {
    let windows = [window(100_000.0, 0.5, 203), window(100_040.3, 0.7, 61)];
    let params = four_params();
    let velocity = VelocityRange::of_centroids(-200.0, 200.0, 20.0);
    for simd in SimdPath::ALL.into_iter().filter(|path| path.is_available()) {
        for (channels, limit) in [(ChannelMode::Point, 1e-6), (ChannelMode::Average, 1e-6)] {
            for keeps in [false, true] {
                let options = ModelOptions { tolerance_k: 1e-3, channels, simd, velocity, ..options() };
                let model = plan(&four(), &windows, options, &layered(keeps));
                let worst = worst_gradient(&model, &params, &EXTRA, WIDTHS, 0.05);
                println!("{simd:?} {channels:?} keeps {keeps}: {worst:.1e}");
                assert!(worst < limit, "{simd:?} {channels:?}, continuum kept: {keeps}: {worst}");
                // Voigt profiles, sizes shared in a group without dust.
                let mut lorentz = params;
                lorentz.iter_mut().enumerate().for_each(|(i, p)| p.lorentz_kms = 0.5 + 0.4 * i as f64);
                let structure = Structure { voigt: vec![0, 1, 2, 3], ..layered(keeps) };
                let model = plan(&four(), &windows, options, &structure);
                let worst = worst_gradient(&model, &lorentz, &EXTRA, WIDTHS, 0.05);
                println!("{simd:?} {channels:?} keeps {keeps}, Voigt: {worst:.1e}");
                assert!(worst < limit, "Voigt, {simd:?} {channels:?}, continuum kept: {keeps}: {worst}");
            }
        }
    }
}

/// Wherever one way of averaging passes into the next.
#[test]
fn the_gradient_is_the_derivative_at_any_width_and_column() {
    let windows = [window(100_000.0, 0.5, 203)];
    let velocity = VelocityRange::of_centroids(-200.0, 200.0, 20.0);
    let options = ModelOptions { tolerance_k: 1e-3, channels: ChannelMode::Average, velocity, ..options() };
    // Where a few per cent of a width lead from one way to the next, the derivative by it changes as fast.
    const STEP: f64 = 0.01;
    let (mut worst, mut worst_voigt) = (0.0f64, 0.0f64);
    for i in 0..60 {
        let mut params = four_params();
        for p in &mut params {
            p.fwhm_kms *= 0.4 * 1.04f64.powi(i);
            p.log10_n_cm2 += 0.05 * f64::from(i % 20) - 0.5;
        }
        let model = plan(&four(), &windows, options, &layered(true));
        worst = worst.max(worst_gradient(&model, &params, &EXTRA, WIDTHS, STEP));
        params.iter_mut().for_each(|p| p.lorentz_kms = 0.4);
        let structure = Structure { voigt: vec![0, 1, 2, 3], ..layered(true) };
        let model = plan(&four(), &windows, options, &structure);
        worst_voigt = worst_voigt.max(worst_gradient(&model, &params, &EXTRA, WIDTHS, STEP));
    }
    println!("{worst:.1e}, Voigt {worst_voigt:.1e}");
    assert!(worst < 1e-6 && worst_voigt < 1e-6, "{worst}, Voigt {worst_voigt}");
}

#[test]
fn voigt_profiles_agree_with_the_twin() {
    let windows = [window(100_000.0, 0.5, 203)];
    let velocity = VelocityRange::of_centroids(-3000.0, 3000.0, 20.0);
    let options = ModelOptions { tolerance_k: 1e-3, velocity, ..options() };
    for (lorentz_kms, log10_n) in [(0.2, 14.0), (0.2, 17.0), (3.0, 15.0), (3.0, 18.0), (30.0, 16.0)] {
        let mut params = four_params();
        for p in &mut params {
            (p.lorentz_kms, p.log10_n_cm2) = (lorentz_kms, log10_n);
        }
        let structure = Structure { voigt: vec![0, 1, 2, 3], ..Structure::default() };
        let fast = run(&plan(&four(), &windows, options, &structure), (&params).into());
        let slow = reference::evaluate(&four(), &windows, 2.73, &params).unwrap();
        assert!(largest(&fast, &slow) < 1e-3, "{lorentz_kms} km/s, {log10_n}: {}", largest(&fast, &slow));
        // Negative control: a Gaussian of the same width is something else.
        let gauss = run(&plan(&four(), &windows, options, &Structure::default()), (&params).into());
        assert!(largest(&fast, &gauss) > 0.1);
    }
}

#[test]
fn channels_are_averaged_along_sight_lines() {
    let params = four_params();
    let velocity = VelocityRange::of_centroids(-200.0, 200.0, 20.0);
    let mut voigt = params;
    voigt.iter_mut().for_each(|p| p.lorentz_kms = 0.3);
    for (params, of_voigt) in [(params, vec![]), (voigt, vec![0, 1, 2, 3])] {
        let structure = Structure { voigt: of_voigt, ..layered(true) };
        let fine = [window(100_000.0 - 0.5 + 0.005, 0.01, 20_000)];
        let coarse = [window(100_000.0, 1.0, 200)];
        let at = |windows: &[Window], channels| {
            let options = ModelOptions { tolerance_k: 1e-3, channels, velocity, ..options() };
            run(&plan(&four(), windows, options, &structure), ModelParams { species: &params, extra: &EXTRA })
        };
        let mean: Vec<f64> =
            at(&fine, ChannelMode::Point).chunks(100).map(|c| c.iter().sum::<f64>() / 100.0).collect();
        let difference = largest(&at(&coarse, ChannelMode::Average), &mean);
        assert!(difference < 5e-3, "{difference} K");
        // Negative control: the centres are no averages.
        let centres = largest(&at(&coarse, ChannelMode::Point), &mean);
        assert!(centres > 0.05, "{centres} K");
    }
}

#[test]
fn alone_in_a_group_is_alone() {
    // A group of one species, and groups beside one another, are what the fast way gives.
    let windows = [window(100_000.0, 0.5, 203)];
    let params = four_params();
    for channels in [ChannelMode::Point, ChannelMode::Average] {
        let options = ModelOptions { channels, ..options() };
        let fast = evaluate(&LteModel::new(&four(), &windows, options).unwrap(), &params);
        let groups = (0..4).map(|i| group(0, &[i], false)).collect();
        // A layer without opacity in front changes nothing, and sends all along one sight line.
        let mut with_layer = Structure { groups, ..Structure::default() };
        with_layer.groups[3].layer = 1;
        let mut nothing = params;
        nothing[3].log10_n_cm2 = -50.0;
        let without: Vec<f64> = evaluate(&LteModel::new(&four(), &windows, options).unwrap(), &nothing);
        let layered = run(&plan(&four(), &windows, options, &with_layer), (&nothing).into());
        let limit = if channels == ChannelMode::Point { 1e-4 } else { 6e-3 };
        assert!(largest(&layered, &without) < limit, "{}", largest(&layered, &without));
        // Negative control: a layer with opacity does.
        let layer = run(&plan(&four(), &windows, options, &with_layer), (&params).into());
        assert!(largest(&layer, &fast) > 0.05, "{}", largest(&layer, &fast));
    }
}

#[test]
fn thin_groups_are_sums_and_opaque_ones_are_not() {
    let windows = [window(100_000.0, 0.5, 203)];
    let together = Structure { groups: vec![group(0, &[0, 1, 2, 3], false)], ..Structure::default() };
    let at = |log10_n: f64| {
        let params = four_params().map(|p| SpeciesParams { log10_n_cm2: log10_n, theta_arcsec: 0.5, ..p });
        let beside = evaluate(&LteModel::new(&four(), &windows, options()).unwrap(), &params);
        let group = run(&plan(&four(), &windows, options(), &together), (&params).into());
        (largest(&beside, &group), group.iter().copied().fold(0.0, f64::max))
    };
    let (thin, peak) = at(12.5);
    assert!(peak > 0.01 && thin < 0.02 * peak, "{thin} of {peak}");
    assert!(at(17.0).0 > 10.0, "opaque lines hide one another");
    // As opaque as can be, a group shines as its opacity-weighted source: never above the hottest.
    let params = four_params().map(|p| SpeciesParams { log10_n_cm2: 20.0, theta_arcsec: 0.5, ..p });
    let group = run(&plan(&four(), &windows, options(), &together), (&params).into());
    let hottest = BEAM.filling(1e5, 0.5) * (rayleigh_jeans_k(1e5, 200.0) - rayleigh_jeans_k(1e5, 2.73));
    assert!(group.iter().all(|t| (0.0..=hottest + 1e-3).contains(t)));
}

#[test]
fn in_equilibrium_nothing_is_seen() {
    // Everything at the temperature of the background: no line, no dust, in front of anything.
    let windows = [window(100_000.0, 0.5, 203)];
    let params = four_params().map(|p| SpeciesParams { tex_k: 20.0, ..p });
    let extra = [25.0, 1.7, 20.0, 25.0, 1.5, 20.0];
    for keeps in [false, true] {
        let structure = Structure { continuum: None, ..layered(keeps) };
        let at = |t_bg_k| {
            let model = plan(&four(), &windows, ModelOptions { t_bg_k, ..options() }, &structure);
            run(&model, ModelParams { species: &params, extra: &extra })
        };
        assert!(at(20.0).iter().all(|t| t.abs() < 1e-6), "{:?}", at(20.0));
        assert!(at(2.73).iter().copied().fold(0.0, f64::max) > 1.0, "negative control");
    }
}

#[test]
fn a_cold_layer_absorbs_the_continuum_and_the_core() {
    let windows = [window(100_000.0, 0.5, 203)];
    // Species 3 alone, cold, opaque, filling the beam, in front of a bright continuum.
    let species = &four()[3..];
    let params = [SpeciesParams::from_array([16.0, 10.0, 2.0, 0.0, f64::INFINITY])];
    let structure = |keeps_continuum| Structure {
        groups: vec![group(1, &[0], false)],
        continuum: Some(Continuum { nu0_mhz: 100_000.0 }),
        keeps_continuum,
        voigt: vec![],
    };
    let params = ModelParams { species: &params, extra: &[50.0, 0.0] };
    let whole = run(&plan(species, &windows, options(), &structure(true)), params);
    let subtracted = run(&plan(species, &windows, options(), &structure(false)), params);
    let cold = rayleigh_jeans_k(100_019.0, 10.0) - rayleigh_jeans_k(100_019.0, 2.73);
    assert!((whole[38] - cold).abs() < 1e-2, "{} {cold}", whole[38]);
    assert!((subtracted[38] - (cold - 50.0)).abs() < 1e-2, "absorbed to {}", subtracted[38]);
    // Away from all lines there is the continuum, or nothing.
    assert!((whole[100] - 50.0).abs() < 1e-6 && subtracted[100].abs() < 1e-6);
}

#[test]
fn dust_hides_the_lines_behind_it_and_those_in_it() {
    let windows = [window(100_000.0, 0.5, 203)];
    let params = four_params();
    let structure = Structure { groups: vec![group(0, &[0, 1, 2, 3], true)], ..Structure::default() };
    let params = params.map(|p| SpeciesParams { tex_k: 100.0, theta_arcsec: 0.5, ..p });
    let peak = |log10_n_h2: f64| {
        let model = plan(&four(), &windows, options(), &structure);
        let extra = [log10_n_h2, 1.8, 100.0];
        run(&model, ModelParams { species: &params, extra: &extra }).into_iter().fold(0.0, f64::max)
    };
    let without = peak(15.0);
    let free = evaluate(
        &plan(
            &four(),
            &windows,
            options(),
            &Structure { groups: vec![group(0, &[0, 1, 2, 3], false)], ..Structure::default() },
        ),
        &params,
    )
    .into_iter()
    .fold(0.0, f64::max);
    assert!((without - free).abs() < 1e-3, "{without} {free}");
    // tau_dust = 0.899 (100/230)^1.8 N 2.8 m_H / 100 = 1 at N(H2) = 1.06e26.
    let tau = 0.899 * (100.0f64 / 230.0).powf(1.8) * 10f64.powf(26.0) * 2.8 * 1.673_557_5e-24 / 100.0;
    assert!((tau - 0.941).abs() < 1e-2, "{tau}");
    assert!(peak(26.0) < free * (-0.8 * tau).exp() && peak(28.0) < 0.01);
}

#[test]
fn contributions_are_what_is_missing_without_them() {
    let windows = [window(100_000.0, 0.5, 203)];
    let (species, params) = (four(), four_params());
    let model = plan(&species, &windows, options(), &layered(true));
    let all = ModelParams { species: &params, extra: &EXTRA };
    let rows = model.contributions(all, &mut model.scratch()).unwrap();
    let full = run(&model, all);
    for (s, row) in rows.iter().enumerate() {
        let mut without = params;
        without[s].log10_n_cm2 = -50.0;
        let rest = run(&model, ModelParams { species: &without, extra: &EXTRA });
        let difference: Vec<f64> = full.iter().zip(&rest).map(|(a, b)| a - b).collect();
        assert!(largest(row, &difference) < 1e-3, "{}", largest(row, &difference));
    }
}

#[test]
fn groups_that_cannot_be_are_named() {
    let windows = [window(100_000.0, 0.5, 203)];
    let error = |groups: Vec<Group>| {
        let structure = Structure { groups, ..Structure::default() };
        let excitations = vec![None; 4];
        LteModel::with_structure(&four(), &windows, options(), &structure, excitations)
            .unwrap_err()
            .to_string()
    };
    assert!(error(vec![group(0, &[0, 1, 2], false)]).contains("species 3"));
    assert!(error(vec![group(0, &[0, 1, 2, 3, 3], false)]).contains("each species must be in one group"));
    assert!(error(vec![group(0, &[0, 1, 2, 3, 9], false)]).contains("not there"));
    assert!(error(vec![group(0, &[], false)]).contains("no species"));
}
