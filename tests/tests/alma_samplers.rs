//! The samplers of alma-fit on a short fit: any number of ranks, interruptions, the same posterior from each.
#![allow(clippy::unwrap_used)]

use mirinae_tests::{Run, assert_same, ch3cn_config, ch3cn_fit, next_random, until_struck};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use tempfile::TempDir;

const FIT: &str = r#"
[fit]
seed = 11
SAMPLER
part = 20
"#;

/// What every sampler here is run with: few, short chains.
const SAMPLERS: [(&str, &str); 4] = [
    ("nuts", "sampler = \"nuts\"\nchains = 8\ndraws = 60\ness = 300"),
    ("hmc", "sampler = \"hmc\"\nchains = 8\ndraws = 60\ness = 300"),
    ("tempering", "sampler = \"tempering\"\nchains = 4\nwarm_up = 4\ndraws = 20\ness = 1000"),
    (
        "snooker",
        "sampler = \"ensemble\"\nwalkers = 16\nsteps = 80\nburn = 20\nsearch = 30\n\
         moves = [{ kind = \"snooker\", weight = 0.5 }, { kind = \"de\", weight = 0.5 }]",
    ),
];

struct Fit {
    folder: TempDir,
}

impl Fit {
    fn new(sampler: &str) -> Self {
        Self { folder: ch3cn_fit(&ch3cn_config(&FIT.replace("SAMPLER", sampler))) }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn mpi(&self, ranks: usize, out: &str) -> Run {
        let text = |p: &Path| p.display().to_string();
        let (config, out) = (text(&self.path("fit.toml")), text(&self.path(out)));
        Run::mpi("alma-fit", ranks).args(["run", &config, "--out", &out, "--no-progress"])
    }

    fn run(&self, ranks: usize, out: &str) {
        self.mpi(ranks, out).end().expect(0);
    }

    /// Median and half of the 68 % interval of each parameter.
    fn summary(&self, out: &str) -> Vec<(f64, f64)> {
        let text = fs::read_to_string(self.path(out).join("summary.csv")).unwrap();
        let titles: Vec<&str> = text.lines().next().unwrap().split(',').collect();
        let column = |name: &str| titles.iter().position(|t| *t == name).unwrap();
        let (median, low, high) = (column("median"), column("lower_68"), column("upper_68"));
        text.lines()
            .skip(1)
            .map(|line| {
                let values: Vec<&str> = line.split(',').collect();
                let value = |k: usize| values[k].parse::<f64>().unwrap();
                (value(median), 0.5 * (value(high) - value(low)))
            })
            .collect()
    }
}

#[test]
fn chains_are_the_same_at_any_number_of_ranks() {
    for (name, sampler) in SAMPLERS {
        let fit = Fit::new(sampler);
        fit.run(1, "np1");
        for ranks in [2, 3, 5] {
            fit.run(ranks, "np");
            assert_same(&fit.path("np1"), &fit.path("np"), &format!("{name}, np {ranks}"));
            fs::remove_dir_all(fit.path("np")).unwrap();
        }
        let other =
            Fit::new(&sampler.replace("chains = ", "chains = 1").replace("walkers = 16", "walkers = 18"));
        other.run(2, "np1");
        let chain = |f: &Fit| fs::read(f.path("np1/chain.h5")).unwrap();
        assert!(chain(&fit) != chain(&other), "control: other chains");
    }
}

#[test]
fn killed_chains_go_on_to_the_same_products() {
    killed_chains_go_on(6);
}

#[test]
#[ignore = "long: chains are killed eighty times"]
fn chains_killed_often_go_on_to_the_same_products() {
    killed_chains_go_on(20);
}

/// Kills each sampler's chains so often, at places that are random but the same each time.
fn killed_chains_go_on(cases: usize) {
    for (name, sampler) in SAMPLERS {
        let fit = Fit::new(sampler);
        fit.run(2, "whole");
        let mut random = 20_250_101;
        for case in 0..cases {
            let (point, most) = [("step", 80), ("write", 13), ("rename", 13)][case % 3];
            let rank = if point == "step" { next_random(&mut random) % 3 } else { 0 };
            let count = 1 + next_random(&mut random) % most;
            let fault = format!("kill:{point}:{rank}:{count}");
            let killed = until_struck(|| {
                let _ = fs::remove_dir_all(fit.path("killed"));
                fit.mpi(3, "killed").env("MIRINAE_FAULT", &fault)
            });
            assert!(killed.took < Duration::from_secs(60));
            fit.run(1 + case % 3, "killed");
            assert_same(&fit.path("whole"), &fit.path("killed"), &format!("{name}: {fault}"));
            fs::remove_dir_all(fit.path("killed")).unwrap();
        }
    }
}

#[test]
fn a_signal_leaves_a_checkpoint_that_goes_on() {
    let fit = Fit::new("sampler = \"nuts\"\nchains = 8\ndraws = 3000\ness = 100000");
    fit.run(2, "whole");
    let child = fit.mpi(2, "out").start();
    let (parts, started) = (fit.path("out/parts"), Instant::now());
    while !parts.exists() {
        assert!(started.elapsed() < Duration::from_secs(60), "it draws at last");
        std::thread::sleep(Duration::from_millis(20));
    }
    let id = child.id().to_string();
    let ranks = Command::new("pgrep").args(["-P", &id]).output().unwrap();
    let first = String::from_utf8_lossy(&ranks.stdout).lines().next().unwrap().to_string();
    Command::new("kill").args(["-TERM", &first]).status().unwrap();
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(75));
    assert!(fit.path("out/checkpoint").exists());
    fit.run(3, "out");
    assert_same(&fit.path("whole"), &fit.path("out"), "stopped and gone on");
}

#[test]
fn all_samplers_agree() {
    let fits = [
        "sampler = \"ensemble\"\nwalkers = 32\nsteps = 2000\nburn = 500",
        "sampler = \"nuts\"\ness = 2000",
        "sampler = \"hmc\"\ness = 2000",
        "",
    ];
    let found: Vec<Vec<(f64, f64)>> = fits
        .iter()
        .map(|sampler| {
            let fit = Fit::new(sampler);
            fit.run(2, "out");
            fit.summary("out")
        })
        .collect();
    for other in &found[1..] {
        for (a, b) in found[0].iter().zip(other) {
            assert!((a.0 - b.0).abs() < 0.25 * a.1 && (a.1 / b.1 - 1.0).abs() < 0.2, "{found:?}");
        }
    }
}
