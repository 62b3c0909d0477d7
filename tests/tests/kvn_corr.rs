//! kvn-corr as a user runs it: any number of ranks, interruptions, errors, bad input, DiFX's own jobs.
#![allow(clippy::unwrap_used)]

use mirinae_tests::swin::{Swin, difference, read as read_swin};
use mirinae_tests::{Ended, KVN_SIM, Run, SmallDisk, assert_same, next_random, products, root, until_struck};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;

/// A simulated job of three stations that takes a fraction of a second, in a folder of its own.
struct Small {
    folder: TempDir,
}

/// 16 integrations, each a unit of work.
const UNITS: u64 = 16;

impl Small {
    fn new() -> Self {
        Self::with(|text| text)
    }

    /// The same with another configuration.
    fn with(change: impl FnOnce(String) -> String) -> Self {
        let small = Self { folder: tempfile::tempdir().unwrap() };
        fs::write(small.path("sim.toml"), change(KVN_SIM.to_string())).unwrap();
        simulate(&small.path("sim.toml"), small.folder.path());
        small
    }

    /// A job of many short integrations, which takes seconds: each is a file of its own until all are done.
    fn long() -> Self {
        Self::with(|text| text.replace("integration_s = 0.064", "integration_s = 0.0016"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn mpi(&self, ranks: usize, out: &str) -> Run {
        mpi(ranks, &self.path("small.input"), &self.path(out))
    }

    fn run(&self, ranks: usize, out: &str) {
        self.mpi(ranks, out).end().expect(0);
    }

    /// A recording's file.
    fn recording(&self, station: &str) -> PathBuf {
        let named = |path: &PathBuf| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            name.contains(station) && name.ends_with(".vdif")
        };
        let mut files = fs::read_dir(self.folder.path()).unwrap().map(|entry| entry.unwrap().path());
        files.find(named).unwrap_or_else(|| panic!("no recording of {station}"))
    }

    /// Changes a text of the job.
    fn edit(&self, ending: &str, from: &str, to: &str) {
        let path = self.path(&format!("small.{ending}"));
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "\"{from}\" is not in {}:\n{text}", path.display());
        fs::write(&path, text.replacen(from, to, 1)).unwrap();
    }

    /// The value of a key, as it stands in the `.input`.
    fn value(&self, key: &str) -> String {
        let text = fs::read_to_string(self.path("small.input")).unwrap();
        let line = text.lines().find(|line| line.starts_with(&format!("{key}:")));
        line.unwrap_or_else(|| panic!("no {key} in:\n{text}")).to_string()
    }

    /// Bad input: exit 65 and one message with all of `parts`, at np 1 and 2.
    #[track_caller]
    fn is_refused(&self, parts: &[&str]) {
        for ranks in [1, 2] {
            self.mpi(ranks, "bad").end().expect(65).expect_message(parts);
        }
        assert!(!self.path("bad").exists(), "a refused job leaves no folder behind");
    }
}

fn simulate(config: &Path, out: &Path) {
    let args = ["simulate".as_ref(), config.as_os_str(), "--out".as_ref(), out.as_os_str()];
    Run::alone("kvn-corr").args(args).end().expect(0);
}

fn mpi(ranks: usize, input: &Path, out: &Path) -> Run {
    let args = ["run".as_ref(), input.as_os_str(), "--out".as_ref(), out.as_os_str()];
    Run::mpi("kvn-corr", ranks).args(args).args(["--swin", "--fits-idi", "--no-progress"])
}

#[test]
fn products_are_the_same_at_any_number_of_ranks() {
    let small = Small::new();
    small.run(1, "np1");
    let names: Vec<String> = products(&small.path("np1")).into_keys().collect();
    for part in ["small.h5", "small.idi", "DIFX_"] {
        assert!(names.iter().any(|n| n.contains(part)), "{part}: {names:?}");
    }
    for ranks in [2, 3, 5] {
        small.run(ranks, "np");
        assert_same(&small.path("np1"), &small.path("np"), &format!("np {ranks}"));
        fs::remove_dir_all(small.path("np")).unwrap();
    }
    let other = Small::with(|text| text.replace("seed = 5", "seed = 6"));
    other.run(1, "np1");
    let swin = |s: &Small| products(&s.path("np1")).into_iter().find(|(n, _)| n.contains("DIFX_")).unwrap().1;
    assert!(swin(&small) != swin(&other), "control: other recordings give other visibilities");
}

#[test]
fn simulations_are_the_same_each_time() {
    let (a, b) = (Small::new(), Small::new());
    assert_same(a.folder.path(), b.folder.path(), "the same seed");
    let other = Small::with(|text| text.replace("seed = 5", "seed = 6"));
    let bytes = |s: &Small| fs::read(s.recording("KU")).unwrap();
    assert!(bytes(&a) != bytes(&other), "control: another seed");
}

#[test]
fn products_are_the_same_in_any_cut() {
    let small = Small::new();
    small.run(1, "whole");
    for (ranks, cut) in [(1, ["2", "1"]), (2, ["1", "3"]), (3, ["99", "99"])] {
        let run = small.mpi(ranks, "cut").args(["--cut-bands", cut[0], "--cut-baselines", cut[1]]);
        run.end().expect(0);
        assert_same(&small.path("whole"), &small.path("cut"), &format!("np {ranks}, cut {cut:?}"));
        fs::remove_dir_all(small.path("cut")).unwrap();
    }
    // Parts of another cut are left alone and made anew.
    let cut = |n: &str| small.mpi(2, "cut").args(["--cut-bands", n]);
    cut("2").env("MIRINAE_FAULT", "kill:unit:1:5").end();
    assert!(small.path("cut/parts").exists() && !small.path("cut/small.h5").exists());
    cut("1").end().expect(0);
    assert_same(&small.path("whole"), &small.path("cut"), "another cut after a kill");
    cut("0").end().expect(64);
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
    let (mut random, mut struck) = (20_240_202, 0);
    for case in 0..cases {
        // On one rank it is known how often each point is passed: a part for each unit, then the products.
        let ranks = [1, 3][case % 2];
        let (point, most) = [("unit", UNITS), ("write", UNITS + 2), ("rename", UNITS + 2)][case / 2 % 3];
        let most = if ranks == 1 { most } else { 3 };
        let rank = next_random(&mut random) % ranks as u64;
        let fault = format!("kill:{point}:{rank}:{}", 1 + next_random(&mut random) % most);
        let killed = small.mpi(ranks, "killed").env("MIRINAE_FAULT", &fault).end();
        // Which rank gets how many units differs from run to run.
        assert!(ranks > 1 || killed.code != Some(0), "{fault} did not strike");
        struck += usize::from(killed.code != Some(0));
        small.run(1 + case % 3, "killed");
        assert_same(&small.path("whole"), &small.path("killed"), &fault);
        fs::remove_dir_all(small.path("killed")).unwrap();
    }
    println!("{struck} of {cases} faults struck");
    assert!(struck >= cases * 5 / 6, "{struck} of {cases}");
}

#[test]
fn kill_9_from_outside_at_any_moment_does_no_harm() {
    let small = Small::long();
    small.run(2, "whole");
    let (mut random, mut unfinished) = (11, 0);
    for _ in 0..5 {
        let child = small.mpi(2, "killed").start();
        std::thread::sleep(Duration::from_millis(300 + next_random(&mut random) % 900));
        let me = child.id().to_string();
        Command::new("pkill").args(["-9", "-P", &me]).status().unwrap();
        child.wait_with_output().unwrap();
        unfinished += usize::from(small.path("killed/parts").exists());
        small.run(2, "killed");
        assert_same(&small.path("whole"), &small.path("killed"), "killed from outside");
        fs::remove_dir_all(small.path("killed")).unwrap();
    }
    assert!(unfinished >= 2, "{unfinished} of 5 were killed in the middle");
}

#[test]
fn a_signal_stops_in_good_order_with_code_75() {
    let small = Small::long();
    let child = small.mpi(2, "out").start();
    while fs::read_dir(small.path("out/parts")).map_or(0, Iterator::count) < 10 {
        std::thread::sleep(Duration::from_millis(5));
    }
    let ranks = Command::new("pgrep").args(["-P", &child.id().to_string()]).output().unwrap();
    let first = String::from_utf8_lossy(&ranks.stdout).lines().next().unwrap().to_string();
    Command::new("kill").args(["-TERM", &first]).status().unwrap();
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(75));
    assert!(small.path("out/parts").exists() && !small.path("out/small.h5").exists());
    small.mpi(2, "out").args(["--resume"]).end().expect(0);
    small.run(1, "whole");
    assert_same(&small.path("whole"), &small.path("out"), "stopped by a signal");
}

#[test]
fn a_panic_or_a_lasting_error_ends_all_ranks_with_one_message() {
    // So many units that every rank gets some, however busy the machine is.
    let small = Small::long();
    for (ranks, fault, rank) in
        [(3, "panic:unit:1:1", 1), (3, "panic:unit:0:1", 0), (1, "panic:write:0:9", 0)]
    {
        let ended = until_struck(|| {
            let _ = fs::remove_dir_all(small.path("broken"));
            small.mpi(ranks, "broken").env("MIRINAE_FAULT", fault)
        });
        let ended = ended.expect(2);
        ended.expect_message(&[&format!("rank {rank} of {ranks} on "), "injected at "]);
        assert!(ended.took < Duration::from_secs(10), "{fault}: {:?}", ended.took);
    }
    // The products cannot be written: nobody else can do it.
    let small = Small::new();
    let fault = format!("error:write:0:{}", UNITS + 1);
    let ended = small.mpi(1, "broken").env("MIRINAE_FAULT", &fault).end().expect(2);
    ended.expect_message(&["rank 0 of 1 on ", "injected at write"]);
    small.run(3, "broken");
    small.run(1, "whole");
    assert_same(&small.path("whole"), &small.path("broken"), "gone on after errors");
}

#[test]
fn a_unit_that_fails_once_is_done_again() {
    let small = Small::new();
    small.run(1, "whole");
    for fault in ["error:unit:1:1", "error:write:0:1", "error:unit:0:2", "error:rename:1:1"] {
        small.mpi(2, "out").env("MIRINAE_FAULT", fault).end().expect(0);
        assert_same(&small.path("whole"), &small.path("out"), fault);
        fs::remove_dir_all(small.path("out")).unwrap();
    }
    // It is counted and told.
    let ended = small.mpi(1, "out").env("MIRINAE_FAULT", "error:unit:0:2").end().expect(0);
    assert!(ended.stdout.contains("units tried again after errors: 1"), "{}", ended.stdout);
}

#[test]
fn a_full_disk_is_told_and_a_larger_one_goes_on() {
    let small = Small::new();
    small.run(2, "whole");
    // Full among the parts, and at the joining of them.
    for kib in [40, 104] {
        let Some(disk) = SmallDisk::mount(kib) else { return };
        let out = disk.path().join("out");
        let ended = mpi(2, &small.path("small.input"), &out).end().expect(2);
        ended.expect_message(&["of 2 on ", "out/"]);
        assert!(ended.stderr.contains("No space left on device"), "{kib} KiB: {}", ended.stderr);
        assert!(!ended.stderr.contains("HDF5-DIAG"), "{}", ended.stderr);
        let moved = small.path("moved");
        assert!(Command::new("cp").arg("-r").args([&out, &moved]).status().unwrap().success());
        small.run(2, "moved");
        assert_same(&small.path("whole"), &moved, "gone on after a full disk");
        fs::remove_dir_all(&moved).unwrap();
    }
}

#[test]
fn gaps_in_recordings_are_counted_with_code_1() {
    let small = Small::new();
    let path = small.recording("KU");
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 30 * 1032].fill(0);
    fs::write(&path, &bytes).unwrap();
    let ended = small.mpi(2, "out").end().expect(1);
    assert!((ended.stdout + &ended.stderr).contains("with missing samples"));
    small.mpi(1, "np1").end().expect(1);
    assert_same(&small.path("np1"), &small.path("out"), "with a gap");
}

#[test]
fn resume_and_fresh_do_what_they_say() {
    let small = Small::new();
    let run = |flag: &str| small.mpi(2, "out").args([flag]).end();
    run("--resume").expect(65).expect_message(&["holds no run to go on with"]);
    small.run(2, "out");
    let before = products(&small.path("out"));
    run("--resume").expect(0);
    run("--fresh").expect(0);
    assert!(before == products(&small.path("out")));
    small.edit("im", "DELAY (us):", "DELAY (us):0");
    run("-q").expect(65).expect_message(&["another plan", "--fresh"]);
    run("--fresh").expect(0);
    fs::write(small.path("out/small.h5"), "torn").unwrap();
    run("-q").expect(65).expect_message(&["small.h5", "--fresh"]);
}

#[test]
fn a_dry_run_tells_the_plan_and_writes_nothing() {
    let small = Small::new();
    let ended = small.mpi(2, "out").args(["--dry-run"]).end().expect(0);
    for part in ["16 units of work", "3 baselines", "before the transform"] {
        assert_eq!(ended.stdout.matches(part).count(), 1, "{}", ended.stdout);
    }
    assert!(!small.path("out").exists());
}

#[test]
fn help_version_and_usage_do_not_touch_mpi() {
    // With this setting MPI_Init fails: the control shows it.
    let small = Small::new();
    let broken = |run: Run| run.env("OMPI_MCA_pml", "not-there").end();
    let alone = |args: &[&str]| broken(Run::alone("kvn-corr").args(args));
    let input = small.path("small.input");
    assert_ne!(alone(&["run", &input.display().to_string()]).code, Some(0), "control");
    assert!(alone(&["--version"]).expect(0).stdout.starts_with("kvn-corr 0."));
    assert!(alone(&["--help"]).expect(0).stdout.contains("Usage"));
    assert!(alone(&["run"]).expect(64).stderr.contains("INPUT"));
    alone(&["run", "x.input", "--resume", "--fresh"]).expect(64);
    alone(&["inspect", "x.vdif", "--levels", "three"]).expect(64);
    let ended = Run::mpi("kvn-corr", 3).args(["fly"]).end().expect(64);
    assert_eq!(ended.stderr.matches("unrecognized subcommand").count(), 1, "{}", ended.stderr);
}

#[test]
fn recordings_that_cannot_be_used_are_refused() {
    let small = Small::new();
    let path = small.recording("KU");
    let name = path.file_name().unwrap().to_string_lossy().into_owned();
    let good = fs::read(&path).unwrap();
    fs::remove_file(&path).unwrap();
    small.is_refused(&[&name, "is not there"]);
    fs::create_dir(&path).unwrap();
    small.is_refused(&[&name, "is a folder"]);
    fs::remove_dir(&path).unwrap();
    fs::write(&path, "").unwrap();
    small.is_refused(&[&name, "is empty"]);
    fs::write(&path, "this is a text, not a recording. ".repeat(10_000)).unwrap();
    small.is_refused(&[&name, "is not VDIF"]);
    fs::write(&path, &good).unwrap();
    small.run(1, "control");

    let narrow = Small::with(|text| {
        let (head, rest) = text.split_once("[[bands]]").unwrap();
        let (_, tail) = rest.split_once("[[bands]]").unwrap();
        format!("{head}[[bands]]{tail}")
    });
    fs::copy(narrow.recording("KU"), &path).unwrap();
    small.is_refused(&[&name, "the job says channels 2, the recording says 1", "--trust-job"]);
    fs::write(&path, &good).unwrap();
    small.edit("input", &small.value("QUANTISATION BITS"), "QUANTISATION BITS:  4");
    small.is_refused(&["the job says bits 4, the recording says 2"]);
}

#[test]
fn jobs_that_cannot_be_used_are_refused() {
    let edited = |ending: &str, from: &str, to: &str| {
        let small = Small::new();
        small.edit(ending, from, to);
        small
    };
    let small = Small::new();
    let station = small.value("TELESCOPE INDEX");
    edited("input", &station, "TELESCOPE INDEX:    7").is_refused(&[
        "small.input:",
        "telescope 7",
        "there are 3",
    ]);
    let file = small.value("FILE 1/0");
    edited("input", &file, "FILE 1/0:           gone.vdif")
        .is_refused(&["small.input:", "gone.vdif is not there"]);
    let calc = small.value("CALC FILENAME");
    edited("input", &calc, "CALC FILENAME:      gone.calc")
        .is_refused(&["small.input:", "gone.calc is not there"]);
    edited("input", "NUM CHANNELS", "NUM CANNELS").is_refused(&[
        "small.input:",
        "NUM CHANNELS",
        "NUM CANNELS",
    ]);
    fs::write(small.path("small.input"), "").unwrap();
    small.is_refused(&["small.input", "ends before"]);

    // The polynomials reach over the first two minutes.
    let long = Small::new();
    long.edit("input", &long.value("EXECUTE TIME (SEC)"), "EXECUTE TIME (SEC): 500");
    long.edit("calc", "SCAN 0 DUR (S):     1", "SCAN 0 DUR (S):     500");
    long.is_refused(&["small.im", "polynomials"]);

    let small = Small::new();
    fs::remove_file(small.path("small.im")).unwrap();
    fs::create_dir(small.path("small.im")).unwrap();
    small.is_refused(&["small.calc:", "small.im is not there"]);
}

#[test]
fn fringes_are_found_where_they_were_put() {
    let small = Small::with(|text| {
        text.replace("code = \"KU\"\n", "code = \"KU\"\nresidual_ns = [60.0]\n").replace("0.2\n", "0.3\n")
    });
    small.run(2, "out");
    let fringe = |file: &Path| {
        let out = small.path("fringes");
        let args = ["fringe".as_ref(), file.as_os_str(), "--out".as_ref(), out.as_os_str(), "--csv".as_ref()];
        Run::alone("kvn-corr").args(args).end()
    };
    let ended = fringe(&small.path("out/small.h5")).expect(0);
    assert!(ended.stdout.contains("6 of 6 detected"), "{}", ended.stdout);
    let made: Vec<String> = products(&small.path("fringes")).into_keys().collect();
    assert!(made.iter().any(|n| n.ends_with(".png")) && made.iter().any(|n| n.ends_with(".csv")), "{made:?}");
    fringe(&small.path("gone.h5")).expect(65).expect_message(&["gone.h5"]);
    fringe(&small.recording("KU")).expect(65).expect_message(&[".vdif"]);
}

fn gives_the_products_of_one(ranks: usize) {
    let folder = tempfile::tempdir().unwrap();
    simulate(&root().join("examples/kvn3/sim.toml"), folder.path());
    let run = |ranks: usize| {
        let out = folder.path().join(format!("np{ranks}"));
        let ended = mpi(ranks, &folder.path().join("kvn3.input"), &out).end();
        (out, ended.expect(0))
    };
    assert_same(&run(1).0, &run(ranks).0, &format!("np {ranks}"));
}

#[test]
fn ninety_six_ranks_give_the_products_of_one() {
    gives_the_products_of_one(96);
}

#[test]
#[ignore = "long: 256 ranks share the machine"]
fn two_hundred_and_fifty_six_ranks_give_the_products_of_one() {
    gives_the_products_of_one(256);
}

#[track_caller]
fn compare(ours: &[Swin], theirs: &[Swin]) -> Result<f64, String> {
    let keys = |records: &[Swin]| records.iter().map(|r| r.key).collect::<Vec<_>>();
    if keys(ours) != keys(theirs) {
        return Err(format!("{} records, DiFX has {}, or other ones", ours.len(), theirs.len()));
    }
    let mut worst = 0.0;
    for (a, b) in ours.iter().zip(theirs) {
        // A record that is cut by the recording's end: a transform more or less.
        let bound = if b.weight < 0.95 { 3e-3 } else { 1e-4 };
        let off = difference(a, b);
        let uvw_off = (0..3).map(|i| (a.uvw_m[i] - b.uvw_m[i]).abs()).fold(0.0, f64::max);
        if !(off <= bound && (a.weight - b.weight).abs() <= 2e-3 && uvw_off <= 1e-3) {
            return Err(format!("{:?}: visibilities {off:e}, uvw {uvw_off} m", a.key));
        }
        worst = off.max(worst);
    }
    Ok(worst)
}

#[test]
fn visibilities_are_those_of_difx() {
    let data = root().join("../shared/data/vlbi/difx");
    if !data.is_dir() {
        assert!(std::env::var_os("CI").is_none(), "{} is missing", data.display());
        println!("skipped: {} is not there", data.display());
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let flags = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let has =
        |simd: &str| simd == "portable" || flags.contains(if simd == "avx512" { "avx512f" } else { simd });
    let all = ["G256", "G256postf", "G256clk", "G256pol"].map(|job| (job, "best"));
    for (job, simd) in all.into_iter().chain(["portable", "avx2", "avx512"].map(|simd| ("G256", simd))) {
        let out = folder.path().join(format!("{job}-{simd}"));
        let mut run = mpi(2, &data.join(job).join("job.input"), &out);
        if simd != "best" {
            run = run.args(["--simd", simd]);
            if !has(simd) {
                run.end().expect(64).expect_message(&["--simd", "not all hosts have"]);
                continue;
            }
        }
        run.end().expect(0);
        let theirs = read_swin(&data.join(job).join("job.difx"), 256);
        let mut ours = read_swin(&out.join("job.difx"), 256);
        match compare(&ours, &theirs) {
            Ok(worst) => println!("{job}, {simd}: {} records, at most {worst:.1e} off", ours.len()),
            Err(what) => panic!("{job}: {what}"),
        }
        let at = ours.len() / 2;
        ours[at].vis[7].0 = f64::NAN;
        assert!(compare(&ours, &theirs).is_err(), "control: one channel is no number");
    }
}

#[test]
fn a_closed_reader_is_no_error() {
    let small = Small::new();
    let ended: Ended = Run::alone("kvn-corr").args(["inspect".into(), small.recording("KT")]).end().expect(0);
    assert!(ended.stdout.contains("2 channels of 2 bits"), "{}", ended.stdout);
}
