//! The tools of alma-fit as a user runs them: plan, first-look, rotation, identify, lines and import.
#![allow(clippy::unwrap_used)]

use mirinae_tests::{Ended, Run, root};
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

fn alma_fit<S: AsRef<std::ffi::OsStr>>(args: impl IntoIterator<Item = S>) -> Ended {
    Run::alone("alma-fit").args(args).end()
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

/// The hot core of the examples: two species of it in one window.
fn hotcore() -> (TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let from = root().join("examples/hotcore");
    fs::copy(from.join("spectrum_1.txt"), folder.path().join("spectrum.txt")).unwrap();
    for name in ["CH3CN.cat", "CH3CN.qpart", "CH3OCHO.cat", "CH3OCHO.qpart"] {
        fs::copy(from.join("lines").join(name), folder.path().join(name)).unwrap();
    }
    let species = |name: &str, n: &str| {
        format!(
            "[[species]]\nname = \"{name}\"\ncat = \"{name}.cat\"\nqpart = \"{name}.qpart\"\nlogn = {{ uniform = {n} }}\n\
             tex_k = {{ uniform = [30.0, 300.0] }}\nfwhm_kms = {{ uniform = [1.0, 6.0] }}\n\
             v_kms = {{ normal = [0.0, 2.0] }}\nsize_arcsec = {{ fixed = 0.5 }}\n"
        )
    };
    let config = format!(
        "[fit]\nsteps = 500\nburn = 100\n[[spectrum]]\nfile = \"spectrum.txt\"\nnoise = \"0.15 K\"\n\
         beam = [\"0.5 arcsec\", \"0.4 arcsec\"]\nwindows = [[\"220.29 GHz\", \"220.77 GHz\"]]\n{}{}",
        species("CH3CN", "[13.0, 19.0]"),
        species("CH3OCHO", "[15.0, 20.0]")
    );
    let path = folder.path().join("fit.toml");
    fs::write(&path, config).unwrap();
    let path = text(&path);
    (folder, path)
}

fn json(ended: &Ended) -> serde_json::Value {
    serde_json::from_str(&ended.stdout).unwrap_or_else(|e| panic!("{e}\n{}", ended.stdout))
}

#[test]
fn plan_measures_the_likelihood_and_counts() {
    let (_folder, config) = hotcore();
    let plan = json(&alma_fit(["plan", &config, "--json", "--ranks", "4"]).expect(0));
    let number = |key: &str| plan[key].as_f64().unwrap();
    assert!(number("likelihood_ms") > 1e-4 && number("likelihood_ms") < 100.0, "{plan}");
    assert!(number("gradient_ms") > number("likelihood_ms"), "{plan}");
    assert_eq!(plan["parameters"].as_array().unwrap().len(), 8);
    assert_eq!(plan["parameters"][0]["name"], "CH3CN.logn");
    assert!(plan["species"][0]["lines"].as_u64().unwrap() > 5, "{plan}");
    assert_eq!(plan["evaluations"]["sampling"].as_u64().unwrap() % 501, 0);
    assert!(number("wall_s") < number("cpu_s"));
    assert_eq!(plan["measured"]["at"], "points drawn from the prior");
    let told = alma_fit(["plan", &config]).expect(0).stdout;
    for part in ["CH3CN.logn", "one likelihood", "memory", "with 1 ranks"] {
        assert!(told.contains(part), "{part}: {told}");
    }
    alma_fit(["plan", &config, "--ranks", "0"]).expect(64).expect_message(&["--ranks"]);
}

#[test]
fn a_first_look_finds_the_hot_core_and_is_the_same_every_time() {
    let folder = tempfile::tempdir().unwrap();
    let config = text(&root().join("examples/hotcore/fit.toml"));
    let out = folder.path().join("look");
    let told = alma_fit(["first-look", &config, "--out", &text(&out)]).expect(0).stdout;
    assert!(told.contains("converged in"), "{told}");
    for name in ["summary.csv", "covariance.csv", "best_fit.csv", "spectrum-01.png", "provenance.json"] {
        assert!(out.join(name).is_file(), "{name}");
    }
    let summary = fs::read_to_string(out.join("summary.csv")).unwrap();
    // examples/hotcore/truth.toml.
    for (name, truth) in
        [("CH3OH.logn", 18.0), ("CH3OH.tex_k", 150.0), ("CH3CN.tex_k", 180.0), ("CH3CN.v_kms", -0.3)]
    {
        let row = summary.lines().find(|l| l.starts_with(name)).unwrap();
        let cells: Vec<f64> = row.split(',').skip(2).take(2).map(|c| c.parse().unwrap()).collect();
        assert!((cells[0] - truth).abs() < 4.0 * cells[1], "{row}");
    }
    // The same again gives the same bytes.
    let again = folder.path().join("again");
    alma_fit(["first-look", &config, "--out", &text(&again)]).expect(0);
    let bytes = |folder: &Path, name: &str| fs::read(folder.join(name)).unwrap();
    for name in ["summary.csv", "covariance.csv", "best_fit.csv", "spectrum-01.png"] {
        assert!(bytes(&out, name) == bytes(&again, name), "{name}");
    }
    let bad = alma_fit(["first-look", &config, "--set", "CH3OH.logn=17"]);
    bad.expect(64).expect_message(&["has no value"]);
}

#[test]
fn rotation_and_lines_write_their_tables_and_pictures() {
    let (folder, config) = hotcore();
    let out = folder.path().join("rot");
    let told = alma_fit(["rotation", &config, "--species", "CH3CN", "--out", &text(&out)]).expect(0).stdout;
    assert!(told.contains("CH3CN"), "{told}");
    for name in ["rotation.csv", "lines.csv", "rotation.png"] {
        assert!(out.join(name).is_file(), "{name}");
    }
    alma_fit(["rotation", &config, "--species", "XYZ"]).expect(64).expect_message(&["XYZ"]);
    let mut args = vec!["lines".to_owned(), config, "--min-k".into(), "1".into(), "--range".into()];
    args.extend(["220.7GHz..220.75GHz".into(), "--csv".into(), text(&out.join("all.csv"))]);
    args.extend(["--plot".into(), text(&out)]);
    let values = ["CH3CN.logn=16", "CH3CN.tex_k=150", "CH3CN.fwhm_kms=3", "CH3CN.v_kms=0"];
    let more = ["CH3OCHO.logn=17", "CH3OCHO.tex_k=120", "CH3OCHO.fwhm_kms=3", "CH3OCHO.v_kms=0"];
    values.iter().chain(&more).for_each(|v| args.extend(["--set".to_owned(), (*v).to_owned()]));
    alma_fit(&args).expect(0);
    let csv = fs::read_to_string(out.join("all.csv")).unwrap();
    assert!(csv.lines().count() > 4 && out.join("spectrum-01.png").is_file(), "{csv}");
    let inside =
        |l: &str| (220_700.0..220_750.0).contains(&l.split(',').nth(2).unwrap().parse::<f64>().unwrap());
    assert!(csv.lines().skip(1).all(inside), "{csv}");
}

/// Reference data, or nothing where they are absent (told, but in CI, where they must be).
fn shared(name: &str) -> Option<PathBuf> {
    let path = root().join("../shared").join(name);
    if !path.exists() {
        eprintln!("skipped: {} is not there", path.display());
        return None;
    }
    Some(path)
}

fn species_of(folder: &Path) -> Vec<String> {
    let table = fs::read_to_string(folder.join("species.csv")).unwrap();
    let mut names: Vec<String> =
        table.lines().skip(1).map(|l| l.split(',').next().unwrap().to_owned()).collect();
    names.sort();
    names
}

#[test]
fn identify_finds_all_species_of_b5_and_no_other() {
    let Some(spectrum) = shared("data/alma/bench/B5_spectrum.txt") else { return };
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("b5.toml");
    let beam = "beam = [\"0.5 arcsec\", \"0.4 arcsec\"]";
    fs::write(&config, format!("[[spectrum]]\nfile = \"{}\"\nnoise = \"0.5 K\"\n{beam}\n", text(&spectrum)))
        .unwrap();
    let out = folder.path().join("out");
    let told =
        alma_fit(["identify", &text(&config), "--velocity=-10km/s..10km/s", "--out", &text(&out)]).expect(0);
    assert_eq!(species_of(&out), ["C2H5OH", "CH3CHO", "CH3COCH3", "CH3OCHO", "CH3OH"], "{}", told.stdout);
    let peaks = fs::read_to_string(out.join("peaks.csv")).unwrap();
    let (all, unknown) =
        (peaks.lines().count() - 1, peaks.lines().filter(|l| l.contains(",unidentified,")).count());
    // B5's old list of CH3OCHO has some rows twice over, which the shipped list has once.
    assert!(all > 140 && unknown < all / 8, "{unknown} of {all}");
}

#[test]
fn identify_tells_the_content_of_afgl_2591() {
    if shared("data/alma/observed").is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let config = root().join("examples/afgl2591/fit.toml");
    alma_fit(["identify", &text(&config), "--out", &text(folder.path())]).expect(0);
    assert_eq!(species_of(folder.path()), ["CH3OH", "H2CO", "HC3N", "HC3N_v7", "HNCO", "OCS"]);
    let peaks = fs::read_to_string(folder.path().join("peaks.csv")).unwrap();
    let rest: Vec<&str> =
        peaks.lines().filter(|l| l.contains(",OCS,")).map(|l| l.split(',').nth(6).unwrap()).collect();
    // 218198.998 MHz, which some lists call OCS, is O13CS.
    assert_eq!(rest, ["218903.3550"], "{peaks}");
}

#[test]
fn import_takes_over_models_and_spectra_and_says_what_it_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let molfit = folder.path().join("core.molfit");
    let rows = "y 0.1 1.0 0.4 y 10 220 100 y 1E+14 1E+19 1E+16 y 0.5 20 5 y -12 6 -5.5 c\n";
    fs::write(&molfit, format!("OCS;v=0; 1\n{rows}XYZ;v=0; 1\n0.4 100 1e15 5 -5 f\n")).unwrap();
    let iso = folder.path().join("iso.dat");
    fs::write(&iso, "% name main ratio\nOC-13-S;v=0; OCS;v=0; 69\n").unwrap();
    let out = folder.path().join("fit.toml");
    let args = [
        "import",
        &text(&molfit),
        "--isotopologues",
        &text(&iso),
        "--spectrum",
        "s.txt",
        "--out",
        &text(&out),
    ];
    let told = alma_fit(args).expect(0).stdout;
    for part in ["XYZ", "foreground", "written: "] {
        assert!(told.contains(part), "{part}: {told}");
    }
    let config = fs::read_to_string(&out).unwrap();
    assert!(config.contains("name = \"O13CS\"") && config.contains("ratio_to = \"OCS.logn\""), "{config}");
    // With the species that no list has taken out, and data, it is a configuration that can be planned.
    let known = config[..config.find("\n[[species]]\nname = \"XYZ\"").unwrap()].to_owned();
    let config = known.replace(
        "file = \"s.txt\"\n",
        "file = \"s.txt\"\nnoise = \"1 K\"\nbeam = [\"1 arcsec\", \"1 arcsec\"]\n",
    );
    fs::write(&out, config).unwrap();
    let rows: String = (0..300).map(|i| format!("{} {}\n", 218_850.0 + 0.4 * f64::from(i), i % 3)).collect();
    fs::write(folder.path().join("s.txt"), rows).unwrap();
    alma_fit(["plan", &text(&out)]).expect(0);
    let bad = folder.path().join("bad.molfit");
    fs::write(&bad, "OCS;v=0; 2\n0.4 100 1e15 5 -5 c\n").unwrap();
    alma_fit(["import", &text(&bad)]).expect(65).expect_message(&["bad.molfit", "2 components"]);
    if let Some(lis) = shared("data/alma/observed/ChaMMS1_DSN/cha-mms1-hc5n-example.lis") {
        let csv = folder.path().join("cha.csv");
        alma_fit(["import", &text(&lis), "--out", &text(&csv)]).expect(0);
        assert_eq!(
            fs::read_to_string(&csv).unwrap().lines().filter(|l| l.as_bytes()[0].is_ascii_digit()).count(),
            561
        );
    }
}
