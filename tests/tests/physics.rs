//! Groups, foreground layers, dust and continuum, as a user asks alma-fit for them.
#![allow(clippy::unwrap_used)]

use mirinae_tests::{CH3CN_SPECTRUM, Run, assert_same, ch3cn_fit};
use std::fs;
use std::path::Path;

const HEAD: &str = r#"
[fit]
seed = 7
walkers = 20
steps = 40
burn = 10
search = 20
part = 10
"#;

/// The configuration without species.
fn head() -> String {
    HEAD.to_string() + CH3CN_SPECTRUM
}

/// CH3CN twice: two velocity components.
fn species(first: &str, second: &str) -> String {
    let one = |name: &str, v: &str, more: &str| {
        format!(
            "[[species]]\nname = \"{name}\"\ncat = \"CH3CN.cat\"\nqpart = \"CH3CN.qpart\"\n\
             logn = {{ uniform = [13, 19] }}\ntex_k = {{ uniform = [30, 300] }}\n\
             fwhm_kms = {{ fixed = 3.0 }}\nv_kms = {{ fixed = {v} }}\n{more}\n"
        )
    };
    one("A", "0.0", first) + &one("B", "0.5", second)
}

/// The model spectrum (K) of a configuration, with these settings besides those of both species.
fn spectrum(config: &str, settings: &[&str]) -> Vec<f64> {
    let folder = ch3cn_fit(config);
    let path = |name: &str| folder.path().join(name).display().to_string();
    let mut args = vec!["model".to_string(), path("fit.toml"), "--csv".into(), path("model.csv")];
    for setting in ["A.logn=16", "A.tex_k=150", "B.logn=16", "B.tex_k=100"].iter().chain(settings) {
        args.extend(["--set".to_string(), (*setting).to_string()]);
    }
    Run::alone("alma-fit").args(args).end().expect(0);
    let text = fs::read_to_string(folder.path().join("model.csv")).unwrap();
    let values = text.lines().skip(1).filter(|line| !line.starts_with('#'));
    values.map(|line| line.split(',').nth(1).unwrap().parse().unwrap()).collect()
}

fn highest(t_k: &[f64]) -> f64 {
    t_k.iter().copied().fold(f64::NEG_INFINITY, f64::max)
}

#[test]
fn groups_layers_and_continuum_change_the_spectrum_as_they_should() {
    let beside = spectrum(&(head() + &species("", "")), &[]);
    let group = "group = \"core\"";
    let together = spectrum(&(head() + &species(group, group)), &[]);
    // Opaque lines hide one another: less than the sum, no less than the hotter alone would give.
    assert!(highest(&together) < 0.8 * highest(&beside), "{} {}", highest(&together), highest(&beside));
    let continuum = "[continuum]\nt_k = { uniform = [0, 100] }\nnu0 = \"220 GHz\"\n";
    let layer = head() + &species("", "layer = 1\n") + continuum;
    let settings = ["continuum.t_k=40", "B.tex_k=30", "B.logn=17"];
    let absorbed = spectrum(&layer, &settings);
    let lowest = absorbed.iter().copied().fold(f64::INFINITY, f64::min);
    assert!(lowest < -5.0, "a cold layer absorbs the continuum: {lowest}");
    let kept = spectrum(&(layer + "[model]\ncontinuum_subtracted = false\n"), &settings);
    for (kept, absorbed) in kept.iter().zip(&absorbed) {
        assert!((kept - absorbed - 40.0).abs() < 1e-3, "{kept} {absorbed}");
    }
}

#[test]
fn a_fit_of_groups_does_not_depend_on_the_ranks() {
    let dust = "[dust]\nlogn_h2 = { uniform = [22, 26] }\nt_k = { same_as = \"A.tex_k\" }\n";
    let group = "group = \"core\"\nlorentz_kms = { fixed = 0.3 }";
    let folder = ch3cn_fit(&(head() + &species(group, group) + dust));
    let out = |ranks: usize| folder.path().join(format!("out{ranks}"));
    for ranks in [1, 3] {
        let text = |p: &Path| p.display().to_string();
        let config = text(&folder.path().join("fit.toml"));
        let args = ["run".to_string(), config, "--out".into(), text(&out(ranks)), "--no-progress".into()];
        Run::mpi("alma-fit", ranks).args(args).end().expect(0);
    }
    assert_same(&out(1), &out(3), "1 and 3 ranks");
}

#[test]
fn a_group_of_two_sizes_is_refused() {
    let sized = "group = \"core\"\nsize_arcsec = { fixed = 1.0 }";
    let folder = ch3cn_fit(&(head() + &species(sized, "group = \"core\"")));
    let config = folder.path().join("fit.toml").display().to_string();
    let ended = Run::alone("alma-fit").args(["run", &config, "--dry-run"]).end().expect(65);
    ended.expect_message(&["group core", "share one", "size_arcsec"]);
}
