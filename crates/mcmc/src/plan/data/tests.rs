//! Tests of `[[spectrum]]`: from a configuration to windows with noise and parameters.

use crate::model::Scatter;
use crate::plan::{Plan, prepare};
use rand_distr::{Distribution, StandardNormal};

/// Around CO (1-0): two runs of 150 channels of 0.2 MHz, white noise of 0.5 K smoothed by 1/4, 1/2, 1/4.
fn spectrum() -> String {
    let mut stream = mirinae_common::random::stream(3, 0, 0);
    let white: Vec<f64> = (0..302).map(|_| StandardNormal.sample(&mut stream)).collect();
    let freq = |i: usize| 115_260.0 + 0.2 * i as f64 + if i < 150 { 0.0 } else { 500.0 };
    let smooth = white.windows(3).map(|w| 0.5 * (0.25 * (w[0] + w[2]) + 0.5 * w[1]) / 0.375f64.sqrt());
    smooth.enumerate().map(|(i, t)| format!("{:.1} {t}\n", freq(i))).collect()
}

fn plan(spectrum_keys: &str, model_keys: &str) -> Result<Plan, String> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("s.txt"), spectrum()).unwrap();
    let text = format!(
        "[model]\n{model_keys}\n[[spectrum]]\nfile = \"s.txt\"\nbeam = [\"1 arcsec\", \"1 arcsec\"]\n{spectrum_keys}\n\
         [[species]]\nname = \"CO\"\nlogn = {{ uniform = [12, 18] }}\ntex_k = {{ fixed = 50.0 }}\n\
         fwhm_kms = {{ fixed = 3.0 }}\nv_kms = {{ fixed = 2.0 }}\n"
    );
    let path = folder.path().join("fit.toml");
    std::fs::write(&path, text).unwrap();
    prepare(&path).map_err(|failure| format!("{:?}", failure))
}

fn names(plan: &Plan) -> Vec<&str> {
    plan.layout.parameters.iter().map(|p| p.name.as_str()).collect()
}

#[test]
fn windows_have_noise_and_parameters_of_their_own() {
    let keys = "name = \"spw\"\nnoise_correlation = \"auto\"\ncalibration = { normal = [1, 0.1] }\n\
                offset_k = { normal = [0, 1] }\nslope_k_per_ghz = { fixed = 0.0 }\njitter_k = { uniform = [0, 1] }";
    let plan = plan(keys, "").unwrap();
    let expected = ["CO.logn", "spw-1.calibration", "spw-1.offset_k", "spw-1.jitter_k", "spw-2.calibration"];
    assert_eq!(names(&plan)[..5], expected);
    assert_eq!(plan.windows.len(), 2);
    for window in &plan.windows {
        assert!((window.sigma_k[0] / 0.5 - 1.0).abs() < 0.25, "{}", window.sigma_k[0]);
        let correlation = &window.noise.correlation;
        assert!(correlation.len() >= 2 && (correlation[0] - 0.66).abs() < 0.12, "{correlation:?}");
    }
    assert_ne!(plan.windows[0].sigma_k[0], plan.windows[1].sigma_k[0]);
    let page = plan.to_string();
    assert!(page.contains("correlated by") && page.contains("spw-2.jitter_k"), "{page}");
    // It goes through the log density with finite values and slopes.
    let posterior = plan.posterior().unwrap();
    let theta = [14.0, 1.0, 0.0, 0.1, 1.0, 0.0, 0.2];
    let mut gradient = [0.0; 7];
    let value = posterior.ln_density_and_gradient(&theta, &mut posterior.work(), &mut gradient);
    assert!(value.is_finite() && gradient.iter().all(|g| g.is_finite()), "{value} {gradient:?}");
}

#[test]
fn masks_flag_channels_and_are_counted() {
    let mask = "mask = [[\"115.2601 GHz\", \"115.2605 GHz\"], [\"115.27 GHz\", \"115.2701 GHz\"]]";
    let plan_with = plan(&format!("noise = \"0.5 K\"\n{mask}"), "").unwrap();
    let unused =
        |plan: &Plan| plan.windows.iter().flat_map(|w| &w.sigma_k).filter(|s| s.is_infinite()).count();
    // 115260.2 and .4; 115270.0.
    assert_eq!((plan_with.masked, plan_with.flagged, unused(&plan_with)), (3, 0, 3));
    let global = plan("noise = \"0.5 K\"", mask).unwrap();
    assert_eq!((global.masked, &global.windows[0].sigma_k), (3, &plan_with.windows[0].sigma_k));
    // Windows without any data left are left out.
    let one = plan("noise = \"0.5 K\"\nmask = [[\"115.7 GHz\", \"116 GHz\"]]", "").unwrap();
    assert_eq!((one.windows.len(), one.masked), (1, 0));
    assert!(one.notes.iter().any(|note| note.contains("holds no data")), "{:?}", one.notes);
    let error = plan("noise = \"0.5 K\"\nmask = [[\"116 GHz\", \"115 GHz\"]]", "").unwrap_err();
    assert!(error.contains("mask"), "{error}");
}

#[test]
fn channels_are_what_is_said() {
    let keys =
        "noise = \"0.5 K\"\nhanning = true\nchannel_width = \"400 kHz\"\nlikelihood = \"student\"\ndof = 3";
    let plan_with = plan(keys, "").unwrap();
    let window = &plan_with.windows[0];
    let response = window.window.response;
    assert!(response.hanning && (response.width_mhz.unwrap() - 0.4).abs() < 1e-12);
    assert_eq!(window.noise.scatter, Scatter::Student { dof: 3.0 });
    assert!(plan_with.to_string().contains("Hanning") && plan_with.to_string().contains("Student"));
    let hanning = plan("noise = \"0.5 K\"\nhanning = true\nnoise_correlation = [0.667, 0.167]", "").unwrap();
    assert!((hanning.windows[0].noise.correlation[0] - 0.66).abs() < 1e-3);
    assert!(hanning.notes.iter().any(|note| note.contains("reduced by a factor")), "{:?}", hanning.notes);
    // Without the key the correlation is seen and told.
    let silent = plan("", "").unwrap();
    assert!(silent.windows[0].noise.correlation.is_empty());
    assert!(
        silent.notes.iter().any(|note| note.contains("noise_correlation = \"auto\"")),
        "{:?}",
        silent.notes
    );
    let told = plan("noise_correlation = \"none\"", "").unwrap();
    assert!(!told.notes.iter().any(|note| note.contains("noise_correlation")), "{:?}", told.notes);
    // A beam of 1 arcsec at 115 GHz: 91.8 K a Jy/beam.
    let jansky = plan("noise = \"5 mJy/beam\"", "").unwrap();
    assert!((jansky.windows[0].sigma_k[0] - 0.46).abs() < 0.01, "{}", jansky.windows[0].sigma_k[0]);
    let far = plan("noise = \"5 K\"", "").unwrap();
    assert!(far.notes.iter().any(|note| note.contains("given as 5.0000 K")), "{:?}", far.notes);
}

#[test]
fn what_makes_no_sense_is_refused() {
    for (keys, model, word) in [
        ("likelihood = \"student\"\nnoise_correlation = \"auto\"", "", "cannot go with noise_correlation"),
        ("likelihood = \"student\"\nnoise_correlation = [0.4]", "", "cannot go with noise_correlation"),
        ("likelihood = \"student\"\ndof = 0", "", "positive"),
        ("dof = 3", "", "student"),
        ("noise_correlation = [0.9]", "", "no noise can be correlated so"),
        ("noise_correlation = [1.0, 0.4]", "", "no noise can be correlated so"),
        ("noise_correlation = [0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1]", "", "at most 8"),
        ("noise_correlation = \"header\"", "", "NOISEC1"),
        ("noise_correlation = \"sometimes\"", "", "noise_correlation"),
        ("noise = \"header\"", "", "gives none"),
        ("noise = \"5 Jy\"", "", "temperature"),
        ("channel_width = \"400 kHz\"", "channels = \"point\"", "channel_width"),
        ("channel_width = \"0 kHz\"", "", "channel width 0 MHz"),
        ("calibration = { normal = [1, 0.1], limits = [-1, 2] }", "", "s-1.calibration must be positive"),
        ("calibration = { same_as = \"CO.logn\" }", "", "CO.logn"),
        ("jitter_k = { uniform = [-1, 1] }", "", "s-1.jitter_k must be positive"),
        (
            "name = \"CO\"\nwindows = [[\"115 GHz\", \"115.3 GHz\"]]\ncalibration = { fixed = 1.0 }",
            "",
            "both called CO",
        ),
        ("windows = [[\"115 GHz\", \"115.27 GHz\"], [\"115.265 GHz\", \"115.3 GHz\"]]", "", "overlap"),
        ("freq_unit = \"K\"", "", "spectral axis"),
    ] {
        let error = plan(keys, model).unwrap_err();
        assert!(error.contains(word), "{keys}: {error}");
    }
}
