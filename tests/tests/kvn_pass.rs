//! kvn-corr run --search: a correlation and all searches in one pass leave what the programs leave by themselves.
#![allow(clippy::unwrap_used)]

use mirinae_tests::{Run, assert_same, products, simulate};
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

const SKY: &str = r#"
name = "sky"
seed = 8
start_mjd = 60000
start_second = 36000
duration_s = 4.0
bits = 2
frame_bytes = 1032
channels = 64
integration_s = 0.064
ra_deg = 343.5
dec_deg = 16.1
[[bands]]
edge_mhz = 600.0
bandwidth_mhz = 1.0
sideband = "upper"
polarization = "L"
[[bands]]
edge_mhz = 602.0
bandwidth_mhz = 1.0
sideband = "lower"
polarization = "L"
[[stations]]
code = "KY"
position_m = [-3042281.0290, 4045902.6673, 3867374.3313]
[[stations]]
code = "KU"
position_m = [-3287268.6591, 4023450.1291, 3687379.9883]
[[stations]]
code = "KT"
position_m = [-3171731.6818, 4292678.5318, 3481038.7880]
[[centres]]
name = "A"
east_arcsec = 0.0
north_arcsec = 0.0
[[centres]]
name = "B"
east_arcsec = 40.0
north_arcsec = 30.0
[[sources]]
name = "S"
power_fraction = 0.05
east_arcsec = 35.0
north_arcsec = 25.0
[[pulses]]
name = "P"
at_s = 1.7
width_ms = 6.0
dm_pc_cm3 = 200.0
amplitude = 0.6
east_arcsec = 30.0
north_arcsec = -20.0
[[transmitters]]
name = "T"
sky_mhz = 600.4
drift_hz_per_s = 1.5
amplitude = 0.04
east_arcsec = -12.0
north_arcsec = 41.0
[[transmitters]]
name = "beside one"
sky_mhz = 601.4
amplitude = 0.05
station = "KU"
"#;

/// Small units of work, so that a pass has several slices.
const SEARCH: &str = r#"
[compact]
field = 60
[narrow]
stretch = 1
channel_hz = 16
memory_mib = 1
[bursts]
field = 80
dm_max = 300
memory_mib = 6
"#;

struct Sky {
    folder: TempDir,
}

impl Sky {
    fn new() -> Self {
        let sky = Self { folder: tempfile::tempdir().unwrap() };
        fs::write(sky.path("search.toml"), SEARCH).unwrap();
        simulate(sky.folder.path(), SKY);
        sky
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A program on so many ranks into a folder.
    fn program(&self, ranks: usize, words: &[&str], input: &Path, out: &str, more: &[&str]) -> Run {
        let (input, out) = (input.to_str().unwrap(), self.path(out));
        let args = [input, "--out", out.to_str().unwrap(), "--no-progress"];
        Run::mpi("kvn-corr", ranks).args(words).args(args).args(more)
    }

    /// All in one pass.
    fn pass(&self, ranks: usize, out: &str, search: &str, more: &[&str]) -> Run {
        let run = self.program(ranks, &["run"], &self.path("sky.input"), out, more);
        run.args(["--search", self.path(search).to_str().unwrap()])
    }

    /// The programs one after the other.
    fn programs(&self, out: &str) {
        let job = self.path("sky.input");
        let narrow = ["--stretch", "1", "--channel-hz", "16", "--memory-mib", "1"];
        let bursts = ["--field", "80", "--dm-max", "300", "--memory-mib", "6"];
        self.program(2, &["run"], &job, out, &[]).end().expect(0);
        self.program(2, &["search", "narrow"], &job, out, &narrow).end().expect(0);
        self.program(2, &["search", "bursts"], &job, out, &bursts).end().expect(0);
        let visibilities = self.path(out).join("sky.h5");
        self.program(2, &["search"], &visibilities, out, &["--field", "60"]).end().expect(0);
    }

    /// Asserts that two folders hold the same products.
    fn same(&self, one: &str, two: &str, what: &str) {
        assert_same(&self.path(one), &self.path(two), what);
    }
}

#[test]
fn one_pass_leaves_what_the_programs_leave() {
    let sky = Sky::new();
    sky.programs("alone");
    let alone = products(&sky.path("alone"));
    for name in
        ["sky.h5", "sky.narrow.csv", "sky.narrow.h5", "sky.bursts.csv", "sky.bursts.h5", "sky.search.csv"]
    {
        assert!(alone.contains_key(name), "{name}: {:?}", alone.keys());
    }
    // There is something to be found by each.
    let rows = |name: &str| String::from_utf8(alone[name].clone()).unwrap().lines().count() - 1;
    assert!(rows("sky.search.csv") > 0 && rows("sky.narrow.csv") > 1 && rows("sky.bursts.csv") > 0);
    for ranks in [1, 3] {
        let ended = sky.pass(ranks, "pass", "search.toml", &["--fresh"]).end();
        assert_eq!(ended.code, Some(0), "{}\n{}", ended.stdout, ended.stderr);
        assert!(ended.stdout.contains("lines tried") && ended.stdout.contains("boxcars"), "{}", ended.stdout);
        sky.same("alone", "pass", &format!("{ranks} ranks"));
    }
    // No rank held more than the plan says.
    let told = sky.pass(1, "pass", "search.toml", &["--dry-run"]).end().stdout;
    let most = told.rsplit("in the pass: at most ").next().and_then(|t| t.split(' ').next()).unwrap();
    let record = fs::read_to_string(sky.path("pass/sky.run.json")).unwrap();
    let peaks = record.split("peak_memory_bytes").nth(1).unwrap().split(']').next().unwrap();
    let peaks: Vec<u64> = peaks.split(|c: char| !c.is_ascii_digit()).filter_map(|n| n.parse().ok()).collect();
    let most = most.parse::<u64>().unwrap() << 20;
    assert!(peaks.len() == 3 && peaks.iter().all(|peak| *peak > 0 && *peak < most), "{peaks:?} {most}");
    // Cut by bands, and without memory for the recordings: the same.
    sky.pass(2, "cut", "search.toml", &["--cut-bands", "2"]).end().expect(0);
    sky.same("alone", "cut", "cut by bands");
    fs::write(sky.path("none.toml"), format!("hold_mib = 0\n{SEARCH}")).unwrap();
    let told = sky.pass(1, "none", "none.toml", &["--dry-run"]).end();
    assert!(told.stdout.contains("too long to be held in 0 MiB"), "{}", told.stdout);
    sky.pass(2, "none", "none.toml", &[]).end().expect(0);
    sky.same("alone", "none", "nothing held");
    // A correlation that is there is not made again; searches that are not there are.
    fs::remove_dir_all(sky.path("alone/bursts-parts")).unwrap();
    sky.pass(2, "alone", "search.toml", &[]).end().expect(0);
    sky.same("pass", "alone", "searches added later");
}

#[test]
fn a_pass_that_is_broken_goes_on_to_the_same_products() {
    let sky = Sky::new();
    sky.pass(2, "whole", "search.toml", &[]).end().expect(0);
    // Early enough for a rank that the other one leaves less than its share.
    let faults = ["kill:unit:1:25", "kill:write:0:40"];
    for fault in faults {
        let broken = sky.pass(2, "broken", "search.toml", &["--fresh"]).env("MIRINAE_FAULT", fault).end();
        assert_ne!(broken.code, Some(0), "{fault} did not strike");
        sky.pass(2, "broken", "search.toml", &["--resume"]).end().expect(0);
        sky.same("whole", "broken", fault);
    }
    // A slice that fails is tried again, and what was done of it is not lost.
    let tried = sky.pass(2, "tried", "search.toml", &[]).env("MIRINAE_FAULT", "error:unit:1:5").end();
    assert!(
        tried.code == Some(0) && tried.stdout.contains("tried again"),
        "{}{}",
        tried.stdout,
        tried.stderr
    );
    sky.same("whole", "tried", "tried again");
    // A signal ends it between units.
    let stopped = sky.pass(1, "stopped", "search.toml", &[]).env("MIRINAE_FAULT", "term:unit:0:7").end();
    assert_eq!(stopped.code, Some(75), "{}", stopped.stderr);
    assert!(!sky.path("stopped/sky.h5").exists() && sky.path("stopped/parts").exists());
    sky.pass(2, "stopped", "search.toml", &[]).end().expect(0);
    sky.same("whole", "stopped", "stopped");
    // Other settings are another search.
    fs::write(sky.path("other.toml"), SEARCH.replace("stretch = 1", "stretch = 2")).unwrap();
    assert_eq!(sky.pass(1, "whole", "other.toml", &[]).end().code, Some(65));
}

#[test]
#[ignore = "long: 128 ranks share the machine"]
fn a_pass_over_many_ranks_leaves_the_same() {
    let sky = Sky::new();
    sky.pass(2, "two", "search.toml", &[]).end().expect(0);
    sky.pass(128, "many", "search.toml", &[]).end().expect(0);
    sky.same("two", "many", "128 ranks");
}

#[test]
fn searches_that_cannot_be_are_told() {
    let sky = Sky::new();
    let job = sky.path("sky.input");
    let of = |search: &str| {
        let ended = sky.program(1, &["run"], &job, "out", &["--search", search]).end();
        (ended.code, ended.stderr)
    };
    let (code, told) = of("narrow,wide");
    assert!(code == Some(64) && told.contains("--search wide: not compact"), "{told}");
    let write = |text: &str| {
        fs::write(sky.path("wrong.toml"), text).unwrap();
        of(sky.path("wrong.toml").to_str().unwrap())
    };
    for (text, wanted, exit) in [
        ("[narrow]\nchannel_hz = -4\n", "positive", 64),
        ("[narrow]\nchannel = 4\n", "unknown field", 65),
        ("hold_mib = 4\n", "no search", 65),
    ] {
        let (code, told) = write(text);
        assert!(code == Some(exit) && told.contains(wanted), "{code:?} {told}");
    }
}
