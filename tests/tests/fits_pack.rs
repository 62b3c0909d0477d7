//! fits-pack as a user runs it: any number of ranks, interruptions, errors, damaged files, degraded volumes.
#![allow(clippy::unwrap_used)]

use mirinae_tests::{Ended, Run, SmallDisk, assert_same, next_random, products, program, root, until_struck};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;

const BANDS: [&str; 3] = ["g", "r", "i"];
const GALAXIES: usize = 60;
/// Galaxies of a shard: there are at least so many shards as units of work.
const SHARD: usize = 4;
const SIZE: usize = 32;

const CONFIG: &str = r#"
[input]
catalog = "galaxies.csv"
path = "images/{dir}/{id}-{band}.fits"
labels = ["class", "z"]
in_flight = 3

[bands]
names = ["g", "r", "i"]
nulls = { g = "interpolate", r = "zero", i = "sky" }
saturation = 500.0

[image]
size = 24
planes = "asinh"

[output]
galaxies = 4
zarr = true
hdf5 = true
webdataset = true
stop_above = 0.5
sheet = 9
"#;

/// A FITS file of a disc in noise; some pixels are null.
fn image(seed: u64, extra: &[String]) -> Vec<u8> {
    let mut random = seed;
    let mut cards = vec![
        "SIMPLE  =                    T".to_string(),
        "BITPIX  =                  -32".to_string(),
        "NAXIS   =                    2".to_string(),
        format!("NAXIS1  = {SIZE:>20}"),
        format!("NAXIS2  = {SIZE:>20}"),
        "SEEING  =                 1.25".to_string(),
    ];
    cards.extend_from_slice(extra);
    cards.push("END".to_string());
    let mut bytes: Vec<u8> = cards.iter().flat_map(|card| format!("{card:<80}").into_bytes()).collect();
    bytes.resize(2880, b' ');
    for at in 0..SIZE * SIZE {
        let (x, y) = ((at % SIZE) as f64 - 15.5, (at / SIZE) as f64 - 15.5);
        let noise = next_random(&mut random) as f64 / f64::from(u32::MAX >> 1) - 0.5;
        let value = 900.0 * (-(x * x + y * y).sqrt() / 3.0).exp() + 3.0 * noise + 10.0;
        let value = if next_random(&mut random).is_multiple_of(97) { f64::NAN } else { value };
        bytes.extend_from_slice(&(value as f32).to_be_bytes());
    }
    bytes.resize(bytes.len().next_multiple_of(2880), 0);
    bytes
}

/// Galaxies on disk with their catalogue and configuration.
struct Sky {
    folder: TempDir,
}

impl Sky {
    fn new() -> Self {
        let sky = Self { folder: tempfile::tempdir().unwrap() };
        let mut catalogue = "id,ra,dec,dir,class,z\n".to_string();
        for g in 0..GALAXIES {
            let (dir, class) = (g % 3, ["disc", "ball"][g % 2]);
            writeln!(catalogue, "g{g:03},{},{},d{dir},{class},0.{g}", (g * 53) % 360, g as i64 - 30).unwrap();
            for (b, band) in BANDS.iter().enumerate() {
                sky.write(&sky.name(g, band), &image((3 * g + b) as u64, &[]));
            }
        }
        sky.write("galaxies.csv", catalogue.as_bytes());
        sky.write("pack.toml", CONFIG.as_bytes());
        sky
    }

    fn name(&self, galaxy: usize, band: &str) -> String {
        format!("images/d{}/g{galaxy:03}-{band}.fits", galaxy % 3)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    fn configure(&self, from: &str, to: &str) {
        let text = fs::read_to_string(self.path("pack.toml")).unwrap();
        assert!(text.contains(from), "\"{from}\" is not in the configuration");
        self.write("pack.toml", text.replacen(from, to, 1).as_bytes());
    }

    fn mpi(&self, ranks: usize, out: &str) -> Run {
        mpi(ranks, &self.path("pack.toml"), &self.path(out))
    }

    fn run(&self, ranks: usize, out: &str) -> Ended {
        self.mpi(ranks, out).end().expect(0)
    }

    fn verify(&self, out: &str) -> Run {
        let (out, root) = (self.path(out), self.folder.path());
        let args = ["verify".as_ref(), out.as_os_str(), "--root".as_ref(), root.as_os_str()];
        Run::alone("fits-pack").args(args)
    }

    fn shards(&self, out: &str) -> u64 {
        let is_shard = |name: &String| name.ends_with("/image.npy") && !name.contains("zarr");
        products(&self.path(out)).keys().filter(|name| is_shard(name)).count() as u64
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

fn mpi(ranks: usize, config: &Path, out: &Path) -> Run {
    let args = ["run".as_ref(), config.as_os_str(), "--out".as_ref(), out.as_os_str()];
    Run::mpi("fits-pack", ranks).args(args).args(["--no-progress"])
}

#[test]
fn products_are_the_same_at_any_number_of_ranks() {
    let sky = Sky::new();
    sky.run(1, "np1");
    let names: Vec<String> = products(&sky.path("np1")).into_keys().collect();
    for part in [
        "image.npy",
        "mask.npy",
        "table.parquet",
        "manifest.json",
        "zarr.json",
        ".hdf5",
        ".tar",
        "index.json",
    ] {
        assert!(names.iter().any(|n| n.ends_with(part)), "{part}: {names:?}");
    }
    assert!(sky.shards("np1") >= (GALAXIES / SHARD) as u64 && !names.iter().any(|n| n.ends_with(".tmp")));
    for ranks in [2, 3, 5] {
        sky.run(ranks, "np");
        assert_same(&sky.path("np1"), &sky.path("np"), &format!("np {ranks}"));
        fs::remove_dir_all(sky.path("np")).unwrap();
    }
    sky.write(&sky.name(7, "r"), &image(4711, &[]));
    sky.run(1, "other");
    assert!(products(&sky.path("np1")) != products(&sky.path("other")), "control: another image");
}

#[test]
#[ignore = "long: 128 ranks share the machine"]
fn a_hundred_and_twenty_eight_ranks_give_the_products_of_one() {
    let sky = Sky::new();
    sky.run(1, "np1");
    sky.run(128, "np128");
    assert_same(&sky.path("np1"), &sky.path("np128"), "np 128");
}

#[test]
fn a_killed_run_goes_on_to_the_same_products() {
    killed_runs_go_on(16);
}

#[test]
#[ignore = "long: a run is killed forty-eight times"]
fn a_run_killed_often_goes_on_to_the_same_products() {
    killed_runs_go_on(48);
}

/// Kills a run so often, at places that are random but the same each time.
fn killed_runs_go_on(cases: usize) {
    let sky = Sky::new();
    sky.run(2, "whole");
    let shards = sky.shards("whole");
    let (mut random, mut struck) = (20_250_101, 0);
    for case in 0..cases {
        let ranks = [1, 3][case % 2];
        // On one rank it is known how often each point is passed: nine files and a summary for each shard.
        let (point, most) =
            [("unit", shards), ("write", 9 * shards), ("rename", 9 * shards), ("read", 3 * GALAXIES as u64)]
                [case / 2 % 4];
        let most = if ranks == 1 { most } else { 3 };
        let rank = next_random(&mut random) % ranks as u64;
        let fault = format!("kill:{point}:{rank}:{}", 1 + next_random(&mut random) % most);
        let killed = sky.mpi(ranks, "killed").env("MIRINAE_FAULT", &fault).end();
        // Which rank gets how many shards differs from run to run.
        assert!(ranks > 1 || killed.code != Some(0), "{fault} did not strike");
        struck += usize::from(killed.code != Some(0));
        sky.run(1 + case % 3, "killed");
        assert_same(&sky.path("whole"), &sky.path("killed"), &fault);
        fs::remove_dir_all(sky.path("killed")).unwrap();
    }
    println!("{struck} of {cases} faults struck");
    assert!(struck >= cases * 5 / 6, "{struck} of {cases}");
}

#[test]
fn a_panic_or_a_lasting_error_ends_all_ranks_with_one_message() {
    let sky = Sky::new();
    for (ranks, fault, rank) in [(3, "panic:unit:1:1", 1), (3, "panic:unit:0:1", 0), (2, "panic:read:1:2", 1)]
    {
        let ended = until_struck(|| {
            let _ = fs::remove_dir_all(sky.path("broken"));
            sky.mpi(ranks, "broken").env("MIRINAE_FAULT", fault)
        });
        let ended = ended.expect(2);
        ended.expect_message(&[&format!("rank {rank} of {ranks} on "), "injected at "]);
        assert!(ended.took < Duration::from_secs(20), "{fault}: {:?}", ended.took);
    }
    sky.run(3, "broken");
    sky.run(1, "whole");
    assert_same(&sky.path("whole"), &sky.path("broken"), "gone on after errors");
}

#[test]
fn what_fails_once_is_done_again() {
    let sky = Sky::new();
    sky.run(1, "whole");
    for fault in ["error:unit:1:1", "error:write:0:3", "error:rename:1:2", "error:read:0:5"] {
        sky.mpi(2, "out").env("MIRINAE_FAULT", fault).end().expect(0);
        assert_same(&sky.path("whole"), &sky.path("out"), fault);
        fs::remove_dir_all(sky.path("out")).unwrap();
    }
}

#[test]
fn a_full_disk_is_told_and_a_larger_one_goes_on() {
    let sky = Sky::new();
    sky.run(2, "whole");
    for kib in [200, 900] {
        let Some(disk) = SmallDisk::mount(kib) else { return };
        let out = disk.path().join("out");
        let ended = mpi(2, &sky.path("pack.toml"), &out).end().expect(2);
        ended.expect_message(&["of 2 on ", "out"]);
        let full =
            ended.stderr.contains("No space left on device") || ended.stderr.contains("file write failed");
        assert!(full, "{kib} KiB: {}", ended.stderr);
        let moved = sky.path("moved");
        assert!(Command::new("cp").arg("-r").args([&out, &moved]).status().unwrap().success());
        sky.run(2, "moved");
        assert_same(&sky.path("whole"), &moved, "gone on after a full disk");
        fs::remove_dir_all(&moved).unwrap();
    }
}

#[test]
fn damaged_files_are_counted_with_code_1() {
    let sky = Sky::new();
    let good = image(5, &[]);
    let summed = |value: u32| image(5, &[format!("DATASUM = '{value:<18}'")]);
    let mut zeroed = good.clone();
    zeroed[2880..2880 + 4096].fill(0);
    let integers = |blank: &str| {
        let mut bytes = image(5, &[format!("BLANK   = {blank:>20}")]);
        bytes[80..160].copy_from_slice(format!("{:<80}", "BITPIX  =                   32").as_bytes());
        bytes
    };
    let damage: [(&str, &str, Vec<u8>); 8] = [
        ("g", "truncated", good[..4000].to_vec()),
        ("r", "truncated", Vec::new()),
        ("g", "header", b"<html>404 not found</html>".to_vec()),
        ("i", "header", String::from_utf8_lossy(&good[..2880]).replace("-32", "-33").into_bytes()),
        ("r", "checksum", summed(1)),
        ("g", "zeros", zeroed),
        ("i", "decode", [&[0x1f, 0x8b, 8, 0][..], &good[..900]].concat()),
        ("r", "nulls", vec![0xff; 0]),
    ];
    for (g, (band, reason, bytes)) in damage.iter().enumerate() {
        let bytes = if *reason == "nulls" {
            let mut all = good.clone();
            all[2880..2880 + 4 * SIZE * SIZE].fill(0xff);
            all
        } else {
            bytes.clone()
        };
        sky.write(&sky.name(g, band), &bytes);
    }
    // Integers with a BLANK that does not occur are fine; a link that leads round in a circle cannot be opened.
    sky.write(&sky.name(20, "g"), &integers("77"));
    let knot = sky.path(&sky.name(21, "g"));
    fs::remove_file(&knot).unwrap();
    std::os::unix::fs::symlink(&knot, &knot).unwrap();
    fs::remove_file(sky.path(&sky.name(22, "i"))).unwrap();
    let mut rows = fs::read_to_string(sky.path("galaxies.csv")).unwrap();
    rows.push_str("g030,1,2,d0,disc,0.5\n");
    sky.write("galaxies.csv", rows.as_bytes());
    // One missing file of the twelve of a shard.
    sky.configure("in_flight = 3", "in_flight = 3\nmissing_above = 0.3");
    let ended = sky.mpi(2, "out").end().expect(1);
    assert!(ended.stderr.contains("1 objects not used (duplicate)"), "{}", ended.stderr);
    let list = fs::read_to_string(sky.path("out/report/unused.csv")).unwrap();
    for (g, (band, reason, _)) in damage.iter().enumerate() {
        let line = format!("g{g:03},{band},{reason},{},", sky.name(g, band));
        assert_eq!(list.matches(&line).count(), 1, "{line}\n{list}");
    }
    for line in ["g021,g,open,", "g022,i,missing,", "g030,,duplicate,"] {
        assert!(list.contains(line), "{line}\n{list}");
    }
    assert_eq!(list.lines().count(), 1 + 8 + 3, "{list}");
    sky.mpi(1, "np1").end().expect(1);
    assert_same(&sky.path("np1"), &sky.path("out"), "with damaged files");
    sky.verify("out").end().expect(0);
    // The same command again finds the products and tells the same.
    sky.mpi(2, "out").end().expect(1);
}

/// Files in tiles that make cfitsio hang, crash, or take all memory.
#[test]
fn damaged_tiles_are_counted_and_stop_no_rank() {
    let sky = Sky::new();
    let findings = root().join("crates/cutouts/fuzz/findings");
    let wanted = [
        ("cfitsio-hang.fits.fz", "decode"),
        ("cfitsio-crash.fits", "header"),
        ("cfitsio-memory.fits.fz", "decode"),
    ];
    for (g, (name, _)) in wanted.iter().enumerate() {
        sky.write(&sky.name(5 * g, "r"), &fs::read(findings.join(name)).unwrap());
    }
    for ranks in [2, 1] {
        let out = format!("np{ranks}");
        let ended = sky.mpi(ranks, &out).end().expect(1);
        assert!(ended.stderr.contains("trouble in the data"), "{}", ended.stderr);
        let list = fs::read_to_string(sky.path(&out).join("report/unused.csv")).unwrap();
        for (g, (_, reason)) in wanted.iter().enumerate() {
            let line = format!("g{:03},r,{reason},{},", 5 * g, sky.name(5 * g, "r"));
            assert_eq!(list.matches(&line).count(), 1, "{line}\n{list}");
        }
        assert_eq!(list.lines().count(), 1 + wanted.len(), "{list}");
    }
    assert_same(&sky.path("np1"), &sky.path("np2"), "with damaged tiles");
    sky.verify("np2").end().expect(0);
}

#[test]
fn too_many_bad_files_stop_the_run() {
    let sky = Sky::new();
    for g in 0..GALAXIES {
        sky.write(&sky.name(g, "g"), b"broken");
    }
    sky.configure("stop_above = 0.5", "stop_above = 0.2");
    sky.mpi(2, "out").end().expect(2).expect_message(&["files cannot be used", "stop_above"]);
    assert!(!sky.path("out/index.json").exists());
    sky.mpi(1, "out").end().expect(2).expect_message(&["stop_above"]);
}

#[test]
fn a_degraded_volume_is_an_outage_not_an_absent_galaxy() {
    let sky = Sky::new();
    let away = |from: &str, to: &str| fs::rename(sky.path(from), sky.path(to)).unwrap();
    // A brick of a distributed volume is gone: a third of all files vanishes, from the listings too.
    away("images/d1", "images/hidden");
    sky.mpi(2, "out").end().expect(2).expect_message(&[
        "cannot be listed",
        "degraded",
        "run the same command",
    ]);
    fs::create_dir(sky.path("images/d1")).unwrap();
    sky.mpi(2, "out").end().expect(2).expect_message(&["is empty", "degraded"]);
    fs::remove_dir(sky.path("images/d1")).unwrap();
    away("images/hidden", "images/d1");
    fs::create_dir(sky.path("away")).unwrap();
    for g in 0..GALAXIES {
        away(&sky.name(g, "r"), &format!("away/{g}"));
    }
    sky.mpi(2, "out").end().expect(2).expect_message(&["files of shard", "degraded"]);
    for g in 0..GALAXIES {
        away(&format!("away/{g}"), &sky.name(g, "r"));
    }
    sky.run(2, "out");
    sky.run(1, "whole");
    assert_same(&sky.path("whole"), &sky.path("out"), "gone on when the volume was whole");
    // A brick that dies when a shard is nearly read: one file of it is missed, which is no sign. The shard is made again.
    away(&sky.name(3, "g"), "away/3");
    let last = format!("kill:unit:0:{}", sky.shards("whole"));
    assert!(sky.mpi(1, "late").env("MIRINAE_FAULT", &last).end().code != Some(0));
    away("away/3", &sky.name(3, "g"));
    sky.run(2, "late");
    assert_same(&sky.path("whole"), &sky.path("late"), "a file that was missed came back");
    // One file that is not there is an absent file, unless that is said to be an outage.
    away(&sky.name(3, "g"), "away/3");
    sky.configure("in_flight = 3", "missing = \"outage\"");
    sky.mpi(2, "strict").end().expect(2).expect_message(&["g003-g.fits", "outage"]);
    sky.configure("\"outage\"", "\"absent\"");
    sky.mpi(2, "lax").end().expect(1);
}

#[test]
fn verify_finds_what_has_changed() {
    let sky = Sky::new();
    sky.run(2, "out");
    let ended = sky.verify("out").args(["--sample", "60"]).end().expect(0);
    assert!(ended.stdout.contains("0 wrong"), "{}", ended.stdout);
    let image = sky.path("out/train-00000/image.npy");
    let bytes = fs::read(&image).unwrap();
    let mut changed = bytes.clone();
    *changed.last_mut().unwrap() ^= 1;
    fs::write(&image, changed).unwrap();
    assert!(sky.verify("out").end().expect(1).stdout.contains("train-00000/image.npy: its checksum"));
    fs::write(&image, bytes).unwrap();
    for g in 0..GALAXIES {
        sky.write(&sky.name(g, "i"), &self::image(1, &[]));
    }
    let ended = sky.verify("out").end().expect(1);
    assert!(ended.stdout.contains("the image is not what its files give"), "{}", ended.stdout);
    Run::alone("fits-pack").args(["verify", "/nowhere"]).end().expect(65).expect_message(&["no products"]);
}

#[test]
fn folders_are_scanned_over_the_ranks() {
    let sky = Sky::new();
    sky.configure("catalog = \"galaxies.csv\"", "scan = [\"images\"]");
    sky.configure("images/{dir}/{id}-{band}.fits", "{id}-{band}.fits");
    sky.configure("labels = [\"class\", \"z\"]", "");
    let twin = sky.path("images/extra/g003-g.fits");
    fs::create_dir(twin.parent().unwrap()).unwrap();
    fs::copy(sky.path(&sky.name(3, "g")), twin).unwrap();
    sky.mpi(1, "np1").end().expect(1);
    for ranks in [2, 3] {
        sky.mpi(ranks, "np").end().expect(1);
        assert_same(&sky.path("np1"), &sky.path("np"), &format!("np {ranks}"));
    }
    let index = fs::read_to_string(sky.path("np1/index.json")).unwrap();
    assert!(index.contains("\"galaxies\": 60") && index.contains("\"duplicate\": 1"), "{index}");
    sky.verify("np1").end().expect(0);
}

#[test]
fn resume_and_fresh_do_what_they_say() {
    let sky = Sky::new();
    let run = |flag: &str| sky.mpi(2, "out").args([flag]).end();
    run("--resume").expect(65).expect_message(&["holds no run to go on with"]);
    sky.run(2, "out");
    let before = products(&sky.path("out"));
    run("--resume").expect(0);
    run("--fresh").expect(0);
    assert!(before == products(&sky.path("out")));
    sky.configure("size = 24", "size = 20");
    run("-q").expect(65).expect_message(&["another plan", "--fresh"]);
    run("--fresh").expect(0);
    sky.write("out/index.json", b"torn");
    run("-q").expect(65).expect_message(&["index.json", "--fresh"]);
}

#[test]
fn a_signal_stops_in_good_order_with_code_75() {
    let sky = Sky::new();
    sky.configure("galaxies = 4", "galaxies = 1");
    let child = sky.mpi(2, "out").start();
    while fs::read_dir(sky.path("out/parts")).map_or(0, Iterator::count) < 3 {
        std::thread::sleep(Duration::from_millis(2));
    }
    let ranks = Command::new("pgrep").args(["-P", &child.id().to_string()]).output().unwrap();
    let first = String::from_utf8_lossy(&ranks.stdout).lines().next().unwrap().to_string();
    Command::new("kill").args(["-TERM", &first]).status().unwrap();
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(75));
    sky.mpi(2, "out").args(["--resume"]).end().expect(0);
    sky.run(1, "whole");
    assert_same(&sky.path("whole"), &sky.path("out"), "stopped by a signal");
}

#[test]
fn what_cannot_be_used_is_refused() {
    let sky = Sky::new();
    let config = fs::read_to_string(sky.path("pack.toml")).unwrap();
    let catalogue = fs::read_to_string(sky.path("galaxies.csv")).unwrap();
    for (from, to, parts) in [
        ("size = 24", "size = 24\nsiez = 3", vec!["pack.toml", "siez", "line"]),
        ("size = 24", "size = 0", vec!["pack.toml", "image.size"]),
        ("{dir}", "{folder}", vec!["galaxies.csv", "no column folder"]),
        ("galaxies.csv", "gone.csv", vec!["gone.csv"]),
        ("\"z\"]", "\"y\"]", vec!["no column y"]),
    ] {
        sky.write("pack.toml", config.replacen(from, to, 1).as_bytes());
        sky.is_refused(&parts);
    }
    sky.write("pack.toml", config.as_bytes());
    for (from, to, parts) in [
        ("g003,159", "g003,x", vec!["galaxies.csv", "row 4", "no position"]),
        ("g003,159,-27", "g003,159", vec!["galaxies.csv", "line 5"]),
    ] {
        assert!(catalogue.contains(from));
        sky.write("galaxies.csv", catalogue.replacen(from, to, 1).as_bytes());
        sky.is_refused(&parts);
    }
    sky.write("galaxies.csv", b"");
    sky.is_refused(&["galaxies.csv"]);
}

#[test]
fn a_dry_run_tells_the_plan_and_help_needs_no_mpi() {
    let sky = Sky::new();
    let ended = sky.mpi(2, "out").args(["--dry-run"]).end().expect(0);
    for part in ["60 galaxies, bands g r i, 24 x 24 pixels", "train: ", "first file images/d"] {
        assert_eq!(ended.stdout.matches(part).count(), 1, "{}", ended.stdout);
    }
    assert!(!sky.path("out").exists());
    let broken = |args: &[&str]| Run::alone("fits-pack").args(args).env("OMPI_MCA_pml", "not-there").end();
    assert!(broken(&["--version"]).expect(0).stdout.starts_with("fits-pack 0."));
    assert!(broken(&["--help"]).expect(0).stdout.contains("Usage"));
    broken(&["run"]).expect(64);
    let file = sky.path(&sky.name(0, "g")).display().to_string();
    assert!(broken(&["inspect", &file]).expect(0).stdout.contains("\"width\":32"));
    assert!(broken(&["inspect", "/nowhere.fits"]).expect(1).stdout.contains("\"error\""));
}

/// A Python that has these packages: beside the build, or on the path.
fn python_with(packages: &str) -> Option<PathBuf> {
    let target = program("fits-pack").ancestors().nth(2).unwrap().to_path_buf();
    let all = [target.join("judge-venv/bin/python"), "python3".into(), "/usr/bin/python3".into()];
    let has = |python: &PathBuf| {
        let import = Command::new(python).args(["-c", &format!("import {packages}")]).output();
        import.is_ok_and(|done| done.status.success())
    };
    all.into_iter().find(has)
}

#[test]
fn the_example_learns_a_few_steps_from_shards() {
    let Some(python) = python_with("torch, pyarrow, numpy") else {
        println!("skipped: Python with torch, pyarrow and numpy is not there");
        return;
    };
    let (folder, example) = (tempfile::tempdir().unwrap(), root().join("examples/galaxy-classifier"));
    let run = |script: &str, args: &[&str]| {
        let done =
            Command::new(&python).arg(example.join(script)).arg(folder.path()).args(args).output().unwrap();
        let (out, err) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
        assert!(done.status.success(), "{script}: {out}{err}");
        out.into_owned()
    };
    run("simulate.py", &["--galaxies", "160", "--damage"]);
    // The folder of the products is the one that the training takes.
    let ended = mpi(2, &folder.path().join("pack.toml"), folder.path()).end().expect(1);
    assert!(ended.stderr.contains("files not used (zeros)"), "{}", ended.stderr);
    let told = run("train.py", &["--steps", "2"]);
    for part in ["step 2 of 2: loss", "spiral", "accuracy on the held-out split"] {
        assert!(told.contains(part), "{told}");
    }
}
