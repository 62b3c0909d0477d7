//! kvn-corr search bursts from recordings to hits: bursts of the sky pass with their place, those of single stations are refused.
#![allow(clippy::unwrap_used)]

use mirinae_tests::{Run, simulate};
use std::fs;
use std::path::PathBuf;
use tempfile::TempDir;

const SKY: &str = r#"
name = "frb"
seed = 8
start_mjd = 60000
start_second = 36000
duration_s = 3.0
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
"#;

const THIRD: &str = r#"[[stations]]
code = "KT"
position_m = [-3171731.6818, 4292678.5318, 3481038.7880]
"#;

/// Arrival (s), width (ms), dispersion measure, amplitude, east and north (arcsec).
const PULSES: [[f64; 6]; 2] = [[0.7, 4.0, 150.0, 0.5, 30.0, -20.0], [1.9, 10.0, 420.0, 0.35, -50.0, 35.0]];

const LOCAL: &str = r#"
[[bursts]]
station = "KU"
at_s = 1.2
duration_ms = 5.0
amplitude = 1.0
[[bursts]]
station = "KY"
at_s = 2.4
duration_ms = 200.0
amplitude = 2.0
"#;

struct Sky {
    folder: TempDir,
}

/// A line of the table, by column.
struct Table {
    header: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    fn of(&self, row: usize, column: &str) -> &str {
        let place = self.header.iter().position(|h| h == column).unwrap();
        &self.rows[row][place]
    }

    fn number(&self, row: usize, column: &str) -> f64 {
        self.of(row, column).parse().unwrap()
    }

    /// The row nearest to an arrival.
    fn near(&self, at_s: f64) -> usize {
        let off = |row: &usize| (self.number(*row, "arrival_s") - at_s).abs();
        (0..self.rows.len()).min_by(|a, b| off(a).total_cmp(&off(b))).unwrap()
    }
}

impl Sky {
    fn new(pulses: &[[f64; 6]], third: &str, more: &str) -> Self {
        let sky = Self { folder: tempfile::tempdir().unwrap() };
        let mut text = SKY.to_owned() + third;
        for (k, [at_s, width_ms, dm, amplitude, east, north]) in pulses.iter().enumerate() {
            text += &format!(
                "[[pulses]]\nname = \"P{k}\"\nat_s = {at_s:?}\nwidth_ms = {width_ms:?}\ndm_pc_cm3 = {dm:?}\n\
                 amplitude = {amplitude:?}\neast_arcsec = {east:?}\nnorth_arcsec = {north:?}\n"
            );
        }
        simulate(sky.folder.path(), &(text + more));
        sky
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn run(&self, ranks: usize, out: &str, more: &[&str]) -> Run {
        let (job, out) = (self.path("frb.input"), self.path(out));
        let args = ["search", "bursts", job.to_str().unwrap(), "--out", out.to_str().unwrap()];
        // Little memory: several units of work.
        let small = ["--field", "80", "--dm-max", "500", "--memory-mib", "6", "--no-progress"];
        Run::mpi("kvn-corr", ranks).args(args).args(small).args(more)
    }

    /// Searches on so many ranks into a folder; what it said.
    fn search(&self, ranks: usize, out: &str, more: &[&str]) -> String {
        let ended = self.run(ranks, out, more).end();
        assert_eq!(ended.code, Some(0), "{}\n{}", ended.stdout, ended.stderr);
        ended.stdout
    }

    fn table(&self, out: &str) -> Table {
        let text = fs::read_to_string(self.path(&format!("{out}/frb.bursts.csv"))).unwrap();
        let words = |line: &str| line.split(',').map(str::to_owned).collect::<Vec<_>>();
        let mut lines = text.lines();
        Table { header: words(lines.next().unwrap()), rows: lines.map(words).collect() }
    }

    /// Names and bytes of the products: table, HDF5, pictures, pieces of recordings.
    fn products(&self, out: &str) -> Vec<(String, Vec<u8>)> {
        let folder = format!("{out}/frb.bursts");
        let inside = fs::read_dir(self.path(&folder)).unwrap();
        let inside = inside.map(|e| format!("{folder}/{}", e.unwrap().file_name().into_string().unwrap()));
        let mut names: Vec<String> = inside.collect();
        names.extend([format!("{out}/frb.bursts.csv"), format!("{out}/frb.bursts.h5")]);
        names.sort();
        let read = |name: String| (name[out.len()..].to_owned(), fs::read(self.path(&name)).unwrap());
        names.into_iter().map(read).collect()
    }

    /// Exchanges the recordings of two stations.
    fn swap(&self, a: &str, b: &str) {
        let [a, b] = [a, b].map(|s| self.path(&format!("frb_{s}.vdif")));
        let between = self.path("between");
        fs::rename(&a, &between).unwrap();
        fs::rename(&b, &a).unwrap();
        fs::rename(&between, &b).unwrap();
    }
}

#[test]
fn bursts_of_the_sky_pass_and_interference_does_not() {
    let sky = Sky::new(&PULSES, THIRD, LOCAL);
    let told = sky.search(2, "two", &["--snippets"]);
    assert!(told.contains("hits: passes") && told.contains("hits: at one station alone"), "{told}");
    let table = sky.table("two");
    for [at_s, width_ms, dm, _, east, north] in PULSES {
        let row = table.near(at_s);
        assert_eq!(table.of(row, "outcome"), "passes", "{:?}", table.rows[row]);
        assert!((table.number(row, "arrival_s") - at_s).abs() < 1e-3 * width_ms, "{:?}", table.rows[row]);
        let found = table.number(row, "dm_pc_cm3");
        assert!((found - dm).abs() < 2.5 * table.number(row, "dm_error"), "{:?}", table.rows[row]);
        assert!((table.number(row, "width_ms") / width_ms - 1.0).abs() < 0.7, "{:?}", table.rows[row]);
        for (column, wanted) in [("east", east), ("north", north)] {
            let found = table.number(row, &format!("{column}_arcsec"));
            let error = table.number(row, &format!("{column}_error_arcsec"));
            assert!((found - wanted).abs() < 4.0 * error && error < 25.0, "{:?}", table.rows[row]);
        }
    }
    let passes = |row: &usize| table.of(*row, "outcome") == "passes";
    assert_eq!((0..table.rows.len()).filter(passes).count(), 2, "{:?}", table.rows);
    for (at_s, station) in [(1.2, "KU"), (2.5, "KY")] {
        let row = table.near(at_s);
        assert_eq!(table.of(row, "outcome"), "at one station alone", "{:?}", table.rows[row]);
        assert_eq!(table.of(row, "found_in"), station);
    }
    // The other one is longer than the widest boxcar, which does not tell its dispersion.
    assert_eq!(table.of(table.near(1.2), "remark"), "not dispersed");
    // Any number of ranks makes the same bytes, and so does a run that was killed and goes on.
    let products = sky.products("two");
    let kept = products.iter().filter(|(name, _)| name.ends_with(".vdif")).count();
    assert_eq!(kept, 2 * 3, "a piece of each station's recording for each burst that passes");
    for ranks in [1, 3] {
        sky.search(ranks, "other", &["--snippets", "--fresh"]);
        assert!(sky.products("other") == products, "{ranks} ranks");
    }
    for fault in ["kill:unit:0:2", "kill:write:0:3"] {
        let killed = sky.run(1, "killed", &["--snippets", "--fresh"]).env("MIRINAE_FAULT", fault).end();
        assert_ne!(killed.code, Some(0));
        sky.search(2, "killed", &["--snippets"]);
        assert!(sky.products("killed") == products, "{fault}");
    }
    // Another search is refused there.
    assert_eq!(sky.run(1, "two", &["--snippets", "--dump-ms", "2"]).end().code, Some(65));
    pieces_are_whole_frames(&sky, &products);
}

/// Pieces of recordings are runs of whole frames of the recordings, and the program's own reader knows them.
fn pieces_are_whole_frames(sky: &Sky, products: &[(String, Vec<u8>)]) {
    for (name, piece) in products.iter().filter(|(name, _)| name.ends_with(".vdif")) {
        let station = name.rsplit('.').nth(1).unwrap();
        let whole = fs::read(sky.path(&format!("frb_{station}.vdif"))).unwrap();
        assert!(piece.len() > 10 * 1032 && piece.len() * 4 < whole.len() && piece.len() % 1032 == 0);
        let first = whole.chunks_exact(1032).position(|frame| frame == &piece[..1032]).unwrap();
        assert!(whole[1032 * first..][..piece.len()] == **piece, "{name}");
        let path = sky.path(&format!("two{name}"));
        let seen = Run::alone("kvn-corr").args(["inspect", path.to_str().unwrap()]).end();
        assert_eq!(seen.code, Some(0), "{}\n{}", seen.stdout, seen.stderr);
    }
}

#[test]
fn noise_alone_has_no_hits() {
    let sky = Sky::new(&[], THIRD, "");
    let told = sky.search(2, "out", &[]);
    assert!(told.contains("boxcars tried"), "{told}");
    assert_eq!(sky.table("out").rows.len(), 0);
}

/// Negative control: with the recordings of two stations exchanged, nothing has the delays of the sky.
#[test]
fn swapped_recordings_do_not_pass() {
    let sky = Sky::new(&PULSES, THIRD, "");
    sky.swap("KY", "KT");
    sky.search(2, "out", &["--trust-job"]);
    let table = sky.table("out");
    assert!(!table.rows.is_empty());
    assert!((0..table.rows.len()).all(|row| table.of(row, "outcome") != "passes"), "{:?}", table.rows);
}

/// Two stations pass bursts, but tell no position; lost frames are counted and told by the exit code.
#[test]
fn two_stations_tell_no_position() {
    let sky = Sky::new(&PULSES[..1], "lost_frames = 0.03\n", "");
    let ended = sky.run(2, "out", &[]).end();
    assert_eq!(ended.code, Some(1), "{}\n{}", ended.stdout, ended.stderr);
    assert!((ended.stdout + &ended.stderr).contains("spectra without all of their samples"));
    let table = sky.table("out");
    let row = table.near(PULSES[0][0]);
    assert_eq!(table.of(row, "outcome"), "passes", "{:?}", table.rows[row]);
    assert_eq!(table.of(row, "ra_deg"), "");
}

#[test]
fn what_cannot_be_searched_is_told() {
    let sky = Sky::new(&[], "", "");
    let job = sky.path("frb.input");
    for (args, told) in [
        (["--dump-ms", "0"], "positive"),
        (["--dump-ms", "0.01"], "longer dumps"),
        (["--dump-ms", "10"], "shorter dumps"),
        (["--dm-min", "2000"], "the lower one first"),
        (["--channels", "48"], "power of two"),
        (["--memory-mib", "0"], "more --memory-mib"),
    ] {
        let ended = Run::alone("kvn-corr").args(["search", "bursts", job.to_str().unwrap()]).args(args).end();
        assert_eq!(ended.code, Some(64), "{args:?}");
        assert!(ended.stderr.contains(told), "{}", ended.stderr);
    }
}

/// At 22 GHz a burst is not dispersed, and each polarisation finds it: with frames that are lost, complex samples and samples of 1 bit.
#[test]
fn polarisations_at_22_ghz_and_unlike_recorders_are_searched() {
    let (head, rest) = SKY.split_once("[[bands]]").unwrap();
    let stations = &rest[rest.find("[[stations]]").unwrap()..];
    let mut text = head.to_owned();
    for (mhz, polarisation) in [(22_000.0, 'L'), (22_000.0, 'R'), (22_002.0, 'L'), (22_002.0, 'R')] {
        text += &format!(
            "[[bands]]\nedge_mhz = {mhz:?}\nbandwidth_mhz = 2.0\nsideband = \"upper\"\npolarization = \"{polarisation}\"\n"
        );
    }
    text += stations;
    text += THIRD;
    for (at, keys) in [
        ("3867374.3313]\n", "lost_frames = 0.05\n"),
        ("3687379.9883]\n", "[stations.recorder]\ncomplex = true\n"),
        ("3481038.7880]\n", "invalid_frames = 0.02\n[stations.recorder]\nbits = 1\n"),
    ] {
        text = text.replace(at, &format!("{at}{keys}"));
    }
    text += "[[pulses]]\nname = \"P\"\nat_s = 1.2\nwidth_ms = 6.0\ndm_pc_cm3 = 100.0\namplitude = 0.6\neast_arcsec = 20.0\nnorth_arcsec = -10.0\n";
    text += "[[bursts]]\nstation = \"KU\"\nat_s = 2.2\nduration_ms = 5.0\namplitude = 1.0\n";
    let sky = Sky { folder: tempfile::tempdir().unwrap() };
    simulate(sky.folder.path(), &text);
    // Recorders that differ need a job of our own.
    let (job, out) = (sky.path("frb.toml"), sky.path("out"));
    let args = ["search", "bursts", job.to_str().unwrap(), "--out", out.to_str().unwrap(), "--no-progress"];
    let ended = Run::mpi("kvn-corr", 2).args(args).end();
    assert_eq!(ended.code, Some(1), "spectra that lack samples are counted: {}", ended.stderr);
    let table = sky.table("out");
    for polarisation in ["L", "R"] {
        let rows = || (0..table.rows.len()).filter(|r| table.of(*r, "polarisation") == polarisation);
        let passed: Vec<usize> = rows().filter(|r| table.of(*r, "outcome") == "passes").collect();
        assert!(passed.len() == 1 && rows().count() == 2, "{:?}", table.rows);
        let row = passed[0];
        assert!((table.number(row, "arrival_s") - 1.2).abs() < 6e-3, "{:?}", table.rows[row]);
        assert_eq!(table.of(row, "remark"), "not dispersed");
        for (column, wanted) in [("east", 20.0), ("north", -10.0)] {
            let found = table.number(row, &format!("{column}_arcsec"));
            let error = table.number(row, &format!("{column}_error_arcsec"));
            assert!((found - wanted).abs() < 5.0 * error && error < 25.0, "{:?}", table.rows[row]);
        }
    }
}
