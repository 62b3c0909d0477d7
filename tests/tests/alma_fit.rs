//! alma-fit as a user runs it: any number of ranks, interruptions, errors, bad input.
#![allow(clippy::unwrap_used)]

use mirinae_tests::{Run, SmallDisk, assert_same, ch3cn_config, ch3cn_fit, next_random, root};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;

/// A fit of one species that takes a second, in a folder of its own.
struct Small {
    folder: TempDir,
}

const SMALL: &str = r#"
[fit]
seed = 7
walkers = 16
steps = 60
burn = 20
search = 30
part = 10
"#;

/// The whole configuration.
fn config() -> String {
    ch3cn_config(SMALL)
}

impl Small {
    fn new() -> Self {
        Self::with(|text| text)
    }

    fn with(change: impl FnOnce(String) -> String) -> Self {
        Self { folder: ch3cn_fit(&change(config())) }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn args(&self, out: &str) -> Vec<String> {
        self.args_to(&self.path(out))
    }

    fn args_to(&self, out: &Path) -> Vec<String> {
        let text = |p: &Path| p.display().to_string();
        vec!["run".into(), text(&self.path("fit.toml")), "--out".into(), text(out), "--no-progress".into()]
    }

    fn mpi(&self, ranks: usize, out: &str) -> Run {
        Run::mpi("alma-fit", ranks).args(self.args(out))
    }

    fn run(&self, ranks: usize, out: &str) {
        self.mpi(ranks, out).end().expect(0);
    }

    /// Bad input: exit 65 and a message with all of `parts`, at np 1 and 2.
    #[track_caller]
    fn is_refused(&self, parts: &[&str]) {
        for ranks in [1, 2] {
            self.mpi(ranks, "bad").end().expect(65).expect_message(parts);
        }
        assert!(!self.path("bad").exists(), "a refused fit leaves no folder behind");
    }
}

#[test]
fn products_are_the_same_at_any_number_of_ranks() {
    let small = Small::new();
    small.run(1, "np1");
    for ranks in [2, 3, 5] {
        small.run(ranks, "np");
        assert_same(&small.path("np1"), &small.path("np"), &format!("np {ranks}"));
        fs::remove_dir_all(small.path("np")).unwrap();
    }
    Run::alone("alma-fit").args(small.args("alone")).end().expect(0);
    assert_same(&small.path("np1"), &small.path("alone"), "without mpirun");
    let other = Small::with(|text| text.replace("seed = 7", "seed = 8"));
    other.run(1, "np1");
    let chain = |s: &Small| fs::read(s.path("np1/chain.h5")).unwrap();
    assert!(chain(&small) != chain(&other), "control: another seed gives another chain");
}

#[test]
fn a_killed_run_goes_on_to_the_same_products() {
    killed_runs_go_on(12);
}

#[test]
#[ignore = "long: a run is killed forty-eight times"]
fn a_run_killed_often_goes_on_to_the_same_products() {
    killed_runs_go_on(48);
}

/// Kills a run so often, at places that are random but the same each time.
fn killed_runs_go_on(cases: usize) {
    let small = Small::new();
    small.run(2, "whole");
    let mut random = 20_240_101;
    for case in 0..cases {
        let (point, most) = [("step", 85), ("write", 33), ("rename", 33)][case % 3];
        let rank = if point == "step" { next_random(&mut random) % 3 } else { 0 };
        let count = 1 + next_random(&mut random) % most;
        let fault = format!("kill:{point}:{rank}:{count}");
        let killed = small.mpi(3, "killed").env("MIRINAE_FAULT", &fault).end();
        assert_ne!(killed.code, Some(0), "{fault} did not strike");
        assert!(killed.took < Duration::from_secs(60));
        small.run(1 + case % 3, "killed");
        assert_same(&small.path("whole"), &small.path("killed"), &fault);
        fs::remove_dir_all(small.path("killed")).unwrap();
    }
}

#[test]
fn kill_9_from_outside_at_any_moment_does_no_harm() {
    let small = Small::with(|text| text.replace("steps = 60", "steps = 4000"));
    small.run(2, "whole");
    let mut random = 7;
    for _ in 0..4 {
        let child = small.mpi(2, "killed").start();
        std::thread::sleep(Duration::from_millis(600 + next_random(&mut random) % 900));
        let me = child.id().to_string();
        let killed = std::process::Command::new("pkill").args(["-9", "-P", &me]).status().unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(!killed.success() || !output.status.success(), "a killed run does not end well");
        small.run(2, "killed");
        assert_same(&small.path("whole"), &small.path("killed"), "killed from outside");
        fs::remove_dir_all(small.path("killed")).unwrap();
    }
}

#[test]
fn a_panic_or_an_error_on_one_rank_ends_all_with_one_message() {
    let small = Small::new();
    for (action, rank) in [("panic", 1), ("panic", 0), ("error", 2), ("error", 0)] {
        let fault = format!("{action}:step:{rank}:15");
        let ended = small.mpi(3, "broken").env("MIRINAE_FAULT", &fault).end().expect(2);
        ended.expect_message(&[&format!("rank {rank} of 3 on "), "injected at step"]);
        assert!(ended.took < Duration::from_secs(10), "{fault}: {:?}", ended.took);
    }
    // An error that all ranks meet at once is told once too.
    small.mpi(3, "broken").end().expect(0);
    fs::write(small.path("broken/checkpoint"), "torn").unwrap();
    small.mpi(3, "broken").end().expect(65).expect_message(&["checkpoint", "damaged"]);
}

#[test]
fn a_full_disk_is_told_and_a_larger_one_goes_on() {
    let Some(disk) = SmallDisk::mount(160) else { return };
    let small = Small::with(|text| text.replace("steps = 60", "steps = 600"));
    let out = disk.path().join("out");
    let ended = Run::mpi("alma-fit", 2).args(small.args_to(&out)).end().expect(2);
    ended.expect_message(&["rank 0 of 2 on ", "out/"]);
    assert!(ended.stderr.contains("No space left on device"), "{}", ended.stderr);
    assert!(!ended.stderr.contains("HDF5-DIAG"), "{}", ended.stderr);
    let moved = small.path("moved");
    assert!(std::process::Command::new("cp").arg("-r").args([&out, &moved]).status().unwrap().success());
    small.run(2, "moved");
    small.run(2, "whole");
    assert_same(&small.path("whole"), &moved, "gone on after a full disk");
}

#[test]
fn a_signal_stops_with_a_checkpoint_and_code_75() {
    let small = Small::with(|text| text.replace("steps = 60", "steps = 20000"));
    let child = small.mpi(2, "out").start();
    while !small.path("out/parts").exists() {
        std::thread::sleep(Duration::from_millis(20));
    }
    let id = child.id().to_string();
    let ranks = std::process::Command::new("pgrep").args(["-P", &id]).output().unwrap();
    let first = String::from_utf8_lossy(&ranks.stdout).lines().next().unwrap().to_string();
    std::process::Command::new("kill").args(["-TERM", &first]).status().unwrap();
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(75));
    assert!(small.path("out/checkpoint").exists());
}

#[test]
fn resume_and_fresh_do_what_they_say() {
    let small = Small::new();
    let run = |flag: &str| Run::mpi("alma-fit", 2).args(small.args("out")).args([flag]).end();
    run("--resume").expect(65).expect_message(&["there is no checkpoint"]);
    small.run(2, "out");
    let before = mirinae_tests::products(&small.path("out"));
    run("--resume").expect(0);
    run("--fresh").expect(0);
    assert!(before == mirinae_tests::products(&small.path("out")));
    fs::write(small.path("fit.toml"), config().replace("seed = 7", "seed = 9")).unwrap();
    run("-q").expect(65).expect_message(&["another plan", "--fresh"]);
    run("--fresh").expect(0);
    fs::remove_file(small.path("out/chain.h5")).unwrap();
    run("-q").expect(65).expect_message(&["chain.h5"]);
}

/// The gradient samplers' keys in place of the ensemble's.
fn with_gradients(text: String) -> String {
    let of_ensemble = "walkers = 16\nsteps = 60\nburn = 20\nsearch = 30\n";
    assert!(text.contains(of_ensemble));
    text.replace(of_ensemble, "chains = 4\ness = 50\ndraws = 60\n")
}

#[test]
fn a_report_makes_the_same_products_from_the_chain_alone() {
    for small in [Small::new(), Small::with(with_gradients)] {
        small.run(2, "out");
        fs::create_dir(small.path("again")).unwrap();
        fs::copy(small.path("out/chain.h5"), small.path("again/chain.h5")).unwrap();
        let again = small.path("again");
        let report =
            |folder: &Path| Run::alone("alma-fit").args(["report".as_ref(), folder.as_os_str()]).end();
        // Nothing but the chain is needed: neither spectra nor line lists.
        fs::remove_file(small.path("spectrum.txt")).unwrap();
        fs::remove_file(small.path("CH3CN.cat")).unwrap();
        let told = report(&again).expect(0);
        assert!(told.stdout.contains("report.html"), "{}", told.stdout);
        assert_same(&small.path("out"), &again, "report");
        let page = fs::read_to_string(again.join("report.html")).unwrap();
        assert!(page.contains("CH3CN.tex_k") && page.contains("data:image/png;base64,"), "the page has all");
        for foreign in ["http://", "https://", "<script", "src=\"file", "@import"] {
            assert!(!page.contains(foreign), "the page needs nothing but itself: {foreign}");
        }
        let whole = fs::read(again.join("chain.h5")).unwrap();
        fs::write(again.join("chain.h5"), &whole[..whole.len() / 2]).unwrap();
        report(&again).expect(65).expect_message(&["chain.h5"]);
        fs::remove_file(again.join("chain.h5")).unwrap();
        report(&again).expect(65).expect_message(&["chain.h5", "is not there"]);
    }
}

#[test]
fn a_dry_run_tells_the_plan_and_writes_nothing() {
    let small = Small::new();
    let ended = small.mpi(2, "out").args(["--dry-run"]).end().expect(0);
    for part in ["CH3CN.tex_k", "1 windows", "16 walkers"] {
        assert_eq!(ended.stdout.matches(part).count(), 1, "{}", ended.stdout);
    }
    assert!(!small.path("out").exists());
}

#[test]
fn help_version_and_usage_do_not_touch_mpi() {
    // With this setting MPI_Init fails: the control shows it.
    let broken = |args: &[&str]| Run::alone("alma-fit").args(args).env("OMPI_MCA_pml", "not-there").end();
    let small = Small::new();
    let args = small.args("out");
    assert_ne!(broken(&args.iter().map(String::as_str).collect::<Vec<_>>()).code, Some(0), "control");
    assert!(broken(&["--version"]).expect(0).stdout.starts_with("alma-fit 0."));
    assert!(broken(&["--help"]).expect(0).stdout.contains("Usage"));
    assert!(broken(&["run"]).expect(64).stderr.contains("CONFIG"));
    let ended = Run::mpi("alma-fit", 3).args(["fly"]).end().expect(64);
    assert_eq!(ended.stderr.matches("unrecognized subcommand").count(), 1, "{}", ended.stderr);
}

#[test]
fn bad_configurations_are_refused() {
    let with = |from: &str, to: &str| Small::with(|text| text.replace(from, to));
    with("walkers", "walker").is_refused(&["fit.toml", "line 4", "did you mean `walkers`?"]);
    with("0.15 K", "0.15 GHz").is_refused(&["0.15 GHz", "temperature"]);
    with("intensity_unit = \"K\"", "intensity_unit = \"furlong\"").is_refused(&["furlong", "Jy/beam"]);
    with("\"220.70 GHz\"", "\"100 GHz\"").run(1, "wide");
    with("[[\"220.70 GHz\", \"220.75 GHz\"]]", "[[\"100 GHz\", \"101 GHz\"]]")
        .is_refused(&["spectrum.txt", "no channel"]);
    with("[30.0, 300.0]", "[30.0, 3000.0]").is_refused(&["CH3CN.tex_k", "q_extrapolate"]);
    with("walkers = 16", "walkers = 5").is_refused(&["walkers = 5", "even"]);
}

#[test]
fn bad_files_are_refused() {
    let small = Small::new();
    fs::remove_file(small.path("CH3CN.cat")).unwrap();
    small.is_refused(&["CH3CN.cat", "No such file"]);
    fs::create_dir(small.path("CH3CN.cat")).unwrap();
    small.is_refused(&["CH3CN.cat", "directory"]);

    let small = Small::new();
    let cat = fs::read_to_string(small.path("CH3CN.cat")).unwrap();
    let mut lines: Vec<&str> = cat.lines().collect();
    let broken = lines[4].replacen('-', "x", 1);
    lines[4] = &broken;
    fs::write(small.path("CH3CN.cat"), lines.join("\n")).unwrap();
    small.is_refused(&["CH3CN.cat", "line 5", "columns"]);

    let small = Small::new();
    let shifted: String = (0..200).map(|i| format!("{} 0.1\n", 300_000.0 + f64::from(i))).collect();
    fs::write(small.path("spectrum.txt"), shifted).unwrap();
    fs::write(small.path("fit.toml"), config().replace("windows = [[\"220.70 GHz\", \"220.75 GHz\"]]\n", ""))
        .unwrap();
    small.is_refused(&["CH3CN", "no line between"]);

    let small = Small::new();
    fs::write(small.path("spectrum.txt"), "220700.0 1.0\n220701.0 fish\n").unwrap();
    small.is_refused(&["spectrum.txt", "line 2", "fish"]);
}

#[test]
fn a_truncated_fits_file_is_refused() {
    let small = Small::with(|text| {
        text.replace("spectrum.txt", "cube.fits")
            .replace("freq_unit = \"MHz\"\nintensity_unit = \"K\"\n", "pixel = [1, 1]\n")
    });
    let card = |key: &str, value: &str| format!("{:<80}", format!("{key:<8}= {value:>20}"));
    let mut header: String = [
        ("SIMPLE", "T"),
        ("BITPIX", "-32"),
        ("NAXIS", "3"),
        ("NAXIS1", "4"),
        ("NAXIS2", "4"),
        ("NAXIS3", "500"),
        ("CTYPE3", "'FREQ    '"),
        ("CUNIT3", "'Hz      '"),
        ("CRPIX3", "1.0"),
        ("CRVAL3", "2.2070E11"),
        ("CDELT3", "1.0E5"),
        ("BUNIT", "'K       '"),
        ("BMAJ", "1.4E-4"),
        ("BMIN", "1.1E-4"),
    ]
    .iter()
    .map(|(key, value)| card(key, value))
    .collect();
    header.push_str(&format!("{:<80}", "END"));
    let mut bytes = format!("{header:<2880}").into_bytes();
    bytes.resize(2880 + 4 * 4 * 500 * 4 / 2, 0);
    fs::write(small.path("cube.fits"), &bytes).unwrap();
    small.is_refused(&["cube.fits"]);
    bytes.truncate(1000);
    fs::write(small.path("cube.fits"), &bytes).unwrap();
    small.is_refused(&["cube.fits"]);
}

#[test]
fn ninety_six_ranks_give_the_products_of_one() {
    // The demo's fit, with fewer steps: 96 ranks share two cores here.
    let folder = tempfile::tempdir().unwrap();
    let demo = root().join("examples/hotcore");
    let text = fs::read_to_string(demo.join("fit.toml")).unwrap();
    let absolute = |text: &str, key: &str| {
        text.replace(&format!("{key} = \""), &format!("{key} = \"{}/", demo.display()))
    };
    let text = ["file", "cat", "qpart"].iter().fold(text, |t, key| absolute(&t, key));
    let text: String = text
        .lines()
        .filter(|line| {
            !["steps", "burn", "search", "part"].iter().any(|key| line.starts_with(&format!("{key} =")))
        })
        .map(|line| {
            if line == "[fit]" {
                "[fit]\nsteps = 40\nburn = 20\nsearch = 10\n".to_string()
            } else {
                format!("{line}\n")
            }
        })
        .collect();
    let config = folder.path().join("fit.toml");
    fs::write(&config, text).unwrap();
    let run = |ranks: usize| {
        let out = folder.path().join(format!("np{ranks}"));
        let args = ["run".as_ref(), config.as_os_str(), "--out".as_ref(), out.as_os_str(), "-q".as_ref()];
        Run::mpi("alma-fit", ranks).args(args).end().expect(0);
        out
    };
    assert_same(&run(1), &run(96), "np 96");
}
