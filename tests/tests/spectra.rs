//! alma-fit with all that a spectrum may ask for: correlated noise, calibration, continuum, extra noise, masks, smoothing.
#![allow(clippy::unwrap_used)]

use mirinae_tests::{Run, assert_same, ch3cn_fit};
use std::fs;

const FIT: &str = r#"
[fit]
seed = 7
walkers = 24
steps = 40
burn = 10
search = 20
part = 10

[model]
mask = [["220.712 GHz", "220.713 GHz"]]

[[spectrum]]
name = "spw1"
file = "spectrum.txt"
noise = "0.15 K"
beam = ["0.5 arcsec", "0.4 arcsec"]
windows = [["220.70 GHz", "220.72 GHz"]]
noise_correlation = [0.46, 0.05]
calibration = { normal = [1, 0.1] }
offset_k = { normal = [0, 0.1] }
slope_k_per_ghz = { normal = [0, 5] }
jitter_k = { uniform = [0, 0.5] }
hanning = true

[[spectrum]]
name = "spw2"
file = "spectrum.txt"
noise = "0.15 K"
beam = ["0.5 arcsec", "0.4 arcsec"]
windows = [["220.72 GHz", "220.75 GHz"]]
mask = [["220.7301 GHz", "220.7312 GHz"]]
calibration = { same_as = "spw1.calibration" }
likelihood = "student"
dof = 5
channel_width = "600 kHz"

[[species]]
name = "CH3CN"
cat = "CH3CN.cat"
qpart = "CH3CN.qpart"
logn = { uniform = [13.0, 19.0] }
tex_k = { uniform = [30.0, 300.0] }
fwhm_kms = { uniform = [1.0, 6.0] }
v_kms = { normal = [0.0, 2.0] }
size_arcsec = { fixed = 0.5 }
"#;

#[test]
fn all_options_together_on_any_number_of_ranks() {
    let folder = ch3cn_fit(FIT);
    let config = folder.path().join("fit.toml");
    let mut products = Vec::new();
    for np in [1, 2, 3] {
        let out = folder.path().join(format!("np{np}"));
        let arguments =
            ["run".as_ref(), config.as_os_str(), "--out".as_ref(), out.as_os_str(), "-q".as_ref()];
        Run::mpi("alma-fit", np).args(arguments).end().expect(0);
        products.push(out);
    }
    for out in &products[1..] {
        assert_same(&products[0], out, "ranks");
    }
    let summary = fs::read_to_string(products[0].join("summary.csv")).unwrap();
    for name in ["CH3CN.logn", "spw1.calibration", "spw1.offset_k", "spw1.slope_k_per_ghz", "spw1.jitter_k"] {
        assert!(summary.contains(name), "{name}: {summary}");
    }
    assert!(!summary.contains("spw2.calibration"), "{summary}");
    let provenance = fs::read_to_string(products[0].join("provenance.json")).unwrap();
    assert!(provenance.contains("noise_correlation") && provenance.contains("channel_width"));
    let table = fs::read_to_string(products[0].join("best_fit.csv")).unwrap();
    let masked = table.lines().filter(|line| line.contains("NaN")).count();
    assert!(masked > 2, "{masked} masked channels");
}

#[test]
fn what_makes_no_sense_ends_before_anything_is_written() {
    let folder = ch3cn_fit(&FIT.replace("dof = 5", "noise_correlation = [0.3]"));
    let config = folder.path().join("fit.toml");
    let ended = Run::mpi("alma-fit", 2).args(["run".as_ref(), config.as_os_str()]).end().expect(65);
    ended.expect_message(&["cannot go with noise_correlation", "spw2"]);
    assert!(!folder.path().join("fit.out").exists());
}
