//! alma-fit with a species out of equilibrium, on any number of ranks.
#![allow(clippy::unwrap_used)]

use mirinae_tests::{Run, assert_same, root};
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use tempfile::TempDir;

const FIT: &str = r#"
[fit]
seed = 5
walkers = 16
steps = 40
burn = 10
search = 20
part = 10

[[spectrum]]
file = "spectrum.txt"
noise = "0.3 K"
beam = ["1 arcsec", "1 arcsec"]

[[species]]
name = "rotor"
lamda = "rotor.dat"
geometry = "lvg"
logn = { uniform = [11, 16] }
tkin_k = { uniform = [10, 300] }
log10_nh2 = { uniform = [3, 8] }
fwhm_kms = { uniform = [1, 5] }
v_kms = { normal = [0, 1] }
"#;

/// A folder of its own with fit.toml, a molecule of the unit tests and spectrum.txt.
struct Fit {
    folder: TempDir,
}

impl Fit {
    /// Channels `step_mhz` apart from `first_mhz` on.
    fn new(
        config: &str,
        molecule: &str,
        (first_mhz, step_mhz): (f64, f64),
        t_k: impl Iterator<Item = u32>,
    ) -> Self {
        let fit = Self { folder: tempfile::tempdir().unwrap() };
        fs::copy(root().join("crates/mcmc/src/nonlte/tests").join(molecule), fit.path(molecule)).unwrap();
        fs::write(fit.path("fit.toml"), config).unwrap();
        let mut spectrum = String::new();
        for (i, t_k) in t_k.enumerate() {
            writeln!(spectrum, "{} {t_k}", first_mhz + step_mhz * i as f64).unwrap();
        }
        fs::write(fit.path("spectrum.txt"), spectrum).unwrap();
        fit
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }
}

#[test]
fn a_fit_out_of_equilibrium_does_not_depend_on_the_ranks() {
    // Any data will do for the model's own spectrum, which is then what is fitted.
    let fit = Fit::new(FIT, "rotor.dat", (89_178.0, 0.15), (0..120).map(|i| i % 3));
    let (path, text) = (|name: &str| fit.path(name), |name: &str| fit.text(name));
    let values = ["logn=13.5", "tkin_k=40", "log10_nh2=5", "fwhm_kms=2", "v_kms=0.3"];
    let set = values.iter().flat_map(|v| ["--set".to_owned(), format!("rotor.{v}")]);
    let lines = ["lines".to_owned(), text("fit.toml"), "--csv".into(), text("lines.csv")];
    Run::mpi("alma-fit", 1).args(lines.into_iter().chain(set.clone()).collect::<Vec<_>>()).end().expect(0);
    let line = fs::read_to_string(path("lines.csv")).unwrap();
    let column: Vec<&str> = line.lines().nth(1).unwrap().split(',').collect();
    // Far from 40 K.
    let tex_k: f64 = column[7].parse().unwrap();
    assert!((5.0..35.0).contains(&tex_k), "{line}");
    let model = ["model".to_owned(), text("fit.toml"), "--csv".into(), text("model.csv")];
    Run::mpi("alma-fit", 1).args(model.into_iter().chain(set).collect::<Vec<_>>()).end().expect(0);
    let spectrum = fs::read_to_string(path("model.csv")).unwrap().replace(',', " ");
    fs::write(path("spectrum.txt"), spectrum.split_once('\n').unwrap().1).unwrap();
    for (ranks, out) in [(1, "one"), (3, "three")] {
        let run = ["run".to_owned(), text("fit.toml"), "--out".into(), text(out), "--no-progress".into()];
        Run::mpi("alma-fit", ranks).args(run.to_vec()).end().expect(0);
    }
    assert_same(&path("one"), &path("three"), "np 3");
}

const MASER: &str = r#"
[fit]
seed = 5

[[spectrum]]
file = "spectrum.txt"
noise = "0.1 K"
beam = ["1 arcsec", "1 arcsec"]

[[species]]
name = "maser"
lamda = "maser.dat"
geometry = "sphere"
logn = { uniform = [13, 16] }
tkin_k = { fixed = 200 }
log10_nh2 = { fixed = 6 }
fwhm_kms = { fixed = 1 }
v_kms = { fixed = 0 }
"#;

#[test]
fn a_maser_is_told_and_one_too_strong_to_trust_more_so() {
    let fit = Fit::new(MASER, "maser.dat", (99_998.0, 0.02), [0; 200].into_iter());
    // Opacity and excitation temperature of the inverted line.
    let line = |logn: &str| {
        let arguments = ["lines".to_owned(), fit.text("fit.toml"), "--csv".into(), fit.text("lines.csv")];
        let set = ["--set".to_owned(), format!("maser.logn={logn}")];
        let ended = Run::mpi("alma-fit", 1)
            .args(arguments.into_iter().chain(set).collect::<Vec<_>>())
            .end()
            .expect(0);
        let table = fs::read_to_string(fit.path("lines.csv")).unwrap();
        let column: Vec<f64> =
            table.lines().nth(1).unwrap().split(',').map(|x| x.parse().unwrap_or(f64::NAN)).collect();
        (ended, column[8], column[7])
    };
    let (weak, tau, tex_k) = line("12.5");
    assert!((-0.1..0.0).contains(&tau) && tex_k < 0.0, "{tau} {tex_k}");
    assert!(!weak.stderr.contains("maser: 1"), "{}", weak.stderr);
    let (clear, tau, tex_k) = line("14");
    assert!((-1.0..-0.8).contains(&tau) && tex_k < 0.0, "{tau} {tex_k}");
    assert!(clear.stderr.contains("1 inverted lines amplify"), "{}", clear.stderr);
    assert!(!clear.stderr.contains("neither"), "{}", clear.stderr);
    let (strong, tau, _) = line("15");
    assert!(tau < -5.0 && strong.stderr.contains("neither"), "{tau} {}", strong.stderr);
}
