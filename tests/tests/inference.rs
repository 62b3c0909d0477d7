//! What a fit says about which species are there, of simulated spectra: detections, limits, degenerate pairs, unidentified lines.
#![allow(clippy::unwrap_used)]

use mirinae_tests::{Run, next_random, root};
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use tempfile::TempDir;

const HEAD: &str = r#"
[fit]
seed = 1
sampler = "nuts"
ess = 400
draws = 200
[model]
channels = "point"
[[spectrum]]
file = "spectrum.txt"
freq_unit = "MHz"
intensity_unit = "K"
noise = "0.1 K"
beam = ["0.5 arcsec", "0.4 arcsec"]
"#;

/// Made-up species: name, lowest log10 N of the prior, lines as (offset in MHz, LGINT, lower energy in cm^-1).
type Made = (&'static str, f64, &'static [(f64, f64, f64)]);

/// The prior of the first begins where it would be seen; the last two have the same line.
const SPECIES: [Made; 5] = [
    ("CLEAR", 13.5, &[(10.0, -3.9, 10.0), (30.0, -4.2, 90.0)]),
    ("WEAK", 11.0, &[(18.0, -3.9, 10.0), (50.0, -4.2, 60.0)]),
    ("ABSENT", 11.0, &[(24.0, -4.0, 15.0), (56.0, -4.1, 60.0)]),
    ("TWIN1", 11.0, &[(40.0, -4.0, 20.0)]),
    ("TWIN2", 11.0, &[(40.1, -4.0, 20.0)]),
];

struct Simulated {
    folder: TempDir,
}

impl Simulated {
    fn new(species: &[Made]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut config = HEAD.to_string();
        for (k, (name, low, lines)) in species.iter().enumerate() {
            let line = |(offset, lgint, e_low): &(f64, f64, f64)| {
                let freq_mhz = 100_000.0 + offset;
                format!("{freq_mhz:13.4}  0.0100{lgint:8.4} 3{e_low:10.4} 21  3350{} 303\n", k + 1)
            };
            let cat: String = lines.iter().map(line).collect();
            fs::write(folder.path().join(format!("{name}.cat")), cat).unwrap();
            let qpart = root().join("examples/calibration/A.qpart");
            fs::copy(qpart, folder.path().join(format!("{name}.qpart"))).unwrap();
            config += &format!(
                "[[species]]\nname = \"{name}\"\ncat = \"{name}.cat\"\nqpart = \"{name}.qpart\"\nlogn = {{ uniform = [{low}, 16] }}\n\
                 tex_k = {{ log_uniform = [30, 200] }}\nfwhm_kms = {{ normal = [3.0, 0.7], limits = [1.0, 6.0] }}\n\
                 v_kms = {{ normal = [0.0, 0.5] }}\n"
            );
        }
        fs::write(folder.path().join("fit.toml"), config).unwrap();
        let simulated = Self { folder };
        simulated.write(&[0.0; 160], 100_000.0, 0.4);
        simulated
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, t_k: &[f64], first_mhz: f64, step_mhz: f64) {
        let rows =
            t_k.iter().enumerate().map(|(i, t)| format!("{:.4} {t:.6}\n", first_mhz + step_mhz * i as f64));
        fs::write(self.path("spectrum.txt"), rows.collect::<String>()).unwrap();
    }

    /// The model at these column densities, in K.
    fn model(&self, logn: &[(&str, f64)]) -> Vec<f64> {
        let text = |name: &str| self.path(name).display().to_string();
        let mut args = vec!["model".to_string(), text("fit.toml"), "--csv".to_string(), text("model.csv")];
        for (name, logn) in logn {
            for value in [format!("logn={logn}"), "tex_k=90".into(), "fwhm_kms=3".into(), "v_kms=0.1".into()]
            {
                args.extend(["--set".to_string(), format!("{name}.{value}")]);
            }
        }
        Run::alone("alma-fit").args(args).end().expect(0);
        let text = fs::read_to_string(self.path("model.csv")).unwrap();
        text.lines().skip(1).map(|l| l.split(',').nth(1).unwrap().parse().unwrap()).collect()
    }

    /// Fits and returns standard error.
    fn fit(&self) -> String {
        let text = |name: &str| self.path(name).display().to_string();
        let run =
            Run::mpi("alma-fit", 2).args(["run", &text("fit.toml"), "--out", &text("out"), "--no-progress"]);
        run.end().expect(0).stderr
    }

    fn product(&self, name: &str) -> String {
        fs::read_to_string(self.path("out").join(name)).unwrap()
    }

    /// Verdict, significance and limit of each species.
    fn detections(&self) -> BTreeMap<String, (String, f64, f64)> {
        let row = |line: &str| {
            let f: Vec<&str> = line.split(',').collect();
            (f[0].to_string(), (f[1].to_string(), f[2].parse().unwrap(), f[5].parse().unwrap()))
        };
        self.product("detection.csv").lines().skip(1).map(row).collect()
    }
}

/// Nearly normal noise of `sigma`.
fn noise(random: &mut u64, sigma: f64) -> f64 {
    let uniform = |random: &mut u64| next_random(random) as f64 / 2.0_f64.powi(31);
    sigma * ((0..12).map(|_| uniform(random)).sum::<f64>() - 6.0)
}

#[test]
fn clear_weak_absent_and_twin_species_are_told_as_they_are() {
    let simulated = Simulated::new(&SPECIES);
    let truth = [("CLEAR", 14.8), ("WEAK", 14.2), ("ABSENT", 11.0), ("TWIN1", 14.8), ("TWIN2", 11.0)];
    let mut random = 5;
    let t_k: Vec<f64> = simulated.model(&truth).iter().map(|t| t + noise(&mut random, 0.1)).collect();
    simulated.write(&t_k, 100_000.0, 0.4);
    let log = simulated.fit();
    let found = simulated.detections();
    // Its prior begins at 13.5: without it means that it is not there, not that it is as faint as can be.
    assert_eq!(found["CLEAR"].0, "detected", "{found:?}");
    assert!(found["CLEAR"].1 > 10.0, "{found:?}");
    let (verdict, sigma, limit) = &found["WEAK"];
    assert!(verdict != "degenerate" && *sigma > 1.0 && *sigma < found["CLEAR"].1, "{found:?}");
    assert!(*limit > 14.2 && *limit < 15.3, "{found:?}");
    let (verdict, sigma, limit) = &found["ABSENT"];
    assert!(verdict == "not detected" && *sigma < 3.0 && *limit > 12.0 && *limit < 14.5, "{found:?}");
    for twin in ["TWIN1", "TWIN2"] {
        assert!(found[twin].0 == "degenerate" && found[twin].1 < 5.0, "{found:?}");
    }
    let warning = "TWIN1 and TWIN2 are degenerate: neither is detected alone";
    let pairs = simulated.product("degenerate.csv");
    assert!(pairs.lines().count() == 2 && pairs.contains("\nTWIN1,TWIN2,"), "{pairs}");
    for place in [&log, &simulated.product("summary.txt"), &simulated.product("report.html")] {
        assert!(place.contains(warning), "{place}");
    }
    // Control: one twin alone is detected, and there is nothing to warn of.
    let alone = Simulated::new(&SPECIES[..4]);
    alone.write(&t_k, 100_000.0, 0.4);
    let log = alone.fit();
    assert_eq!(alone.detections()["TWIN1"].0, "detected");
    assert!(!log.contains("degenerate") && alone.product("degenerate.csv").lines().count() == 1, "{log}");
}

#[test]
fn a_line_that_the_model_lacks_is_named_with_its_candidates() {
    let simulated = Simulated::new(&SPECIES[..1]);
    // HNCO 10(1,9)-9(1,8) at 220584.75 MHz, 5 km/s wide.
    let (first_mhz, step_mhz) = (220_560.0, 0.5);
    let mut random = 9;
    let line = |freq: f64, centre: f64| 2.0 * f64::exp(-0.5 * ((freq - centre) / 1.56).powi(2));
    let with: Vec<f64> = (0..120)
        .map(|i| {
            let freq = first_mhz + step_mhz * f64::from(i);
            line(freq, 220_584.75) + noise(&mut random, 0.1)
        })
        .collect();
    simulated.write(&with, first_mhz, step_mhz);
    let config = fs::read_to_string(simulated.path("fit.toml")).unwrap();
    let near = |text: &str| text.replace("logn = { uniform = [13.5, 16] }", "logn = { uniform = [10, 12] }");
    fs::write(simulated.path("fit.toml"), near(&config)).unwrap();
    // The species has its line in the window and is too faint to be seen.
    let cat = fs::read_to_string(simulated.path("CLEAR.cat")).unwrap();
    fs::write(simulated.path("CLEAR.cat"), cat.replace("  1000", "  2206")).unwrap();
    simulated.fit();
    let rows = simulated.product("unidentified.csv");
    let line = rows.lines().nth(1).unwrap_or_default().to_string();
    let fields: Vec<&str> = line.split(',').collect();
    assert_eq!(rows.lines().count(), 2, "{rows}");
    let (freq, t_k): (f64, f64) = (fields[1].parse().unwrap(), fields[2].parse().unwrap());
    assert!((freq - 220_584.75).abs() < 0.3 && (t_k - 2.0).abs() < 0.3 && line.contains("HNCO"), "{rows}");
    assert!(simulated.product("report.html").contains("220584"), "the report has it");
    // Control: without the line there is none.
    let mut random = 9;
    let without: Vec<f64> = (0..120).map(|_| noise(&mut random, 0.1)).collect();
    simulated.write(&without, first_mhz, step_mhz);
    fs::remove_dir_all(simulated.path("out")).unwrap();
    simulated.fit();
    assert_eq!(simulated.product("unidentified.csv").lines().count(), 1);
}
