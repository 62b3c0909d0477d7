//! kvn-corr search narrow from recordings to hits: signals of the sky pass with their place, interference is refused with the reason.
#![allow(clippy::unwrap_used)]

use mirinae_tests::{Run, simulate};
use std::fs;
use std::path::PathBuf;
use tempfile::TempDir;

const SKY: &str = r#"
name = "seti"
seed = 8
start_mjd = 60000
start_second = 36000
duration_s = 9.0
bits = 2
frame_bytes = 1032
channels = 64
integration_s = 0.064
ra_deg = 343.5
dec_deg = 16.1
[[bands]]
edge_mhz = 22000.0
bandwidth_mhz = 0.25
sideband = "upper"
polarization = "L"
[[bands]]
edge_mhz = 22003.0
bandwidth_mhz = 0.25
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
"#;

/// Sky frequency (MHz), drift (Hz/s), amplitude, east and north (arcsec).
const SIGNALS: [[f64; 5]; 2] = [[22_000.1, 3.0, 0.02, 30.0, -20.0], [22_002.85, -5.0, 0.016, -12.0, 41.0]];

const INTERFERENCE: &str = r#"
[[transmitters]]
name = "beside one"
sky_mhz = 22000.06
amplitude = 0.05
station = "KU"
[[transmitters]]
name = "strong"
sky_mhz = 22002.9
drift_hz_per_s = 2.0
amplitude = 0.3
station = "KT"
[[bursts]]
station = "KY"
at_s = 2.3
duration_ms = 700.0
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
}

impl Sky {
    fn new(signals: &[[f64; 5]], more: &str) -> Self {
        Self::with(SKY, signals, more)
    }

    /// Simulates a configuration's sky with signals and what comes after them.
    fn with(config: &str, signals: &[[f64; 5]], more: &str) -> Self {
        let sky = Self { folder: tempfile::tempdir().unwrap() };
        fs::write(sky.path("sat.oem"), orbit()).unwrap();
        let mut text = config.to_owned();
        for (k, [mhz, drift, amplitude, east, north]) in signals.iter().enumerate() {
            text += &format!(
                "[[transmitters]]\nname = \"S{k}\"\nsky_mhz = {mhz:?}\ndrift_hz_per_s = {drift:?}\namplitude = {amplitude:?}\n\
                 east_arcsec = {east:?}\nnorth_arcsec = {north:?}\n"
            );
        }
        simulate(sky.folder.path(), &(text + more));
        sky
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A search on so many ranks into a folder.
    fn run(&self, ranks: usize, out: &str, more: &[&str]) -> Run {
        let (job, out) = (self.path("seti"), self.path(out));
        // Recorders that differ need a job of our own.
        let job = [job.with_extension("toml"), job.with_extension("input")].into_iter().find(|j| j.exists());
        let args =
            ["search", "narrow", job.as_ref().unwrap().to_str().unwrap(), "--out", out.to_str().unwrap()];
        Run::mpi("kvn-corr", ranks).args(args).args(["--stretch", "8", "--no-progress"]).args(more)
    }

    /// Searches; what it said.
    fn search(&self, ranks: usize, out: &str, more: &[&str]) -> String {
        let ended = self.run(ranks, out, more).end();
        assert_eq!(ended.code, Some(0), "{}\n{}", ended.stdout, ended.stderr);
        ended.stdout
    }

    /// Asserts that products in two folders are the same; how many these are.
    fn same(&self, one: &str, two: &str, what: &str) -> usize {
        let mut compared = 0;
        for entry in fs::read_dir(self.path(one)).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            if [".csv", ".h5", ".fil"].iter().any(|end| name.ends_with(end)) {
                let read = |out: &str| fs::read(self.path(&format!("{out}/{name}"))).unwrap();
                assert!(read(one) == read(two), "{what}: {name}");
                compared += 1;
            }
        }
        compared
    }

    fn table(&self, out: &str) -> Table {
        let text = fs::read_to_string(self.path(&format!("{out}/seti.narrow.csv"))).unwrap();
        let words = |line: &str| line.split(',').map(str::to_owned).collect::<Vec<_>>();
        let mut lines = text.lines();
        Table { header: words(lines.next().unwrap()), rows: lines.map(words).collect() }
    }
}

#[test]
fn signals_of_the_sky_pass_and_interference_does_not() {
    let sky = Sky::new(&SIGNALS, INTERFERENCE);
    let told = sky.search(2, "two", &["--filterbank"]);
    assert!(told.contains("hits: passes") && told.contains("hits: at one station alone"), "{told}");
    let table = sky.table("two");
    let mut stations = [0; 2];
    for row in 0..table.rows.len() {
        let (mhz, outcome) = (table.number(row, "sky_mhz"), table.of(row, "outcome"));
        // The signal's line is told for the middle of the stretch: 4 s after its beginning.
        let middle_s = table.number(row, "start_s") + 0.5 * table.number(row, "length_s");
        let near = |s: &[f64; 5]| (mhz - s[0] - 1e-6 * s[1] * middle_s).abs() < 3e-5;
        let Some(k) = SIGNALS.iter().position(near) else {
            assert_eq!(outcome, "at one station alone", "{:?}", table.rows[row]);
            continue;
        };
        assert_eq!(outcome, "passes", "{:?}", table.rows[row]);
        stations[k] += 1;
        let [_, drift, _, east, north] = SIGNALS[k];
        assert!((table.number(row, "drift_hz_per_s") - drift).abs() < 1.1, "{:?}", table.rows[row]);
        for (column, wanted) in [("east", east), ("north", north)] {
            let found = table.number(row, &format!("{column}_arcsec"));
            let error = table.number(row, &format!("{column}_error_arcsec"));
            // What is left of the scan is in a stretch of a second.
            let most = if table.number(row, "length_s") > 4.0 { 20.0 } else { 60.0 };
            assert!((found - wanted).abs() < 5.0 * error && error < most, "{:?}", table.rows[row]);
        }
    }
    // All three stations have both, in both stretches.
    assert!(stations.iter().all(|n| *n >= 3), "{stations:?}");
    // A carrier beside a station stands still there.
    let of_station = (0..table.rows.len()).filter(|r| table.of(*r, "station") != "all");
    let local = of_station.filter(|r| (table.number(*r, "station_mhz") - 22_000.06).abs() < 5e-6);
    let local: Vec<usize> = local.collect();
    assert!(!local.is_empty());
    for row in local {
        assert_eq!(table.of(row, "station"), "KU");
        assert!(table.number(row, "station_drift_hz_per_s").abs() < 1.1, "{:?}", table.rows[row]);
    }
    // One rank makes the same bytes.
    sky.search(1, "one", &["--filterbank"]);
    assert_eq!(
        sky.same("one", "two", "ranks"),
        2 + 6,
        "table, HDF5 and a filterbank for each band and station"
    );
    // What is done is not done again; another search is refused there.
    sky.search(2, "two", &["--filterbank"]);
    let (job, out) = (sky.path("seti.input"), sky.path("two"));
    let other = ["search", "narrow", job.to_str().unwrap(), "--out", out.to_str().unwrap(), "--stretch", "4"];
    assert_eq!(Run::alone("kvn-corr").args(other).end().code, Some(65));
}

/// An orbit ephemeris message: a circle of 42164 km through the pointing, four seconds after the start, to the east.
fn orbit() -> String {
    let (ra, dec) = (343.5f64.to_radians(), 16.1f64.to_radians());
    let toward = [dec.cos() * ra.cos(), dec.cos() * ra.sin(), dec.sin()];
    let east = [-ra.sin(), ra.cos(), 0.0];
    let (radius_km, turn) = (42_164.0, 7.292e-5);
    let mut text =
        "CCSDS_OEM_VERS = 2.0\nMETA_START\nOBJECT_NAME = SAT\nCENTER_NAME = EARTH\nREF_FRAME = ICRF\n\
                    TIME_SYSTEM = UTC\nMETA_STOP\n"
            .to_owned();
    for minute in -2i32..=3 {
        let (sin, cos) = (turn * (60.0 * f64::from(minute) - 4.0)).sin_cos();
        let hour = if minute < 0 { 9 } else { 10 };
        text += &format!("2023-02-25T{hour:02}:{:02}:00", minute.rem_euclid(60));
        for (along, across) in
            [(radius_km * cos, radius_km * sin), (-turn * radius_km * sin, turn * radius_km * cos)]
        {
            (0..3).for_each(|k| text += &format!(" {:.12}", along * toward[k] + across * east[k]));
        }
        text.push('\n');
    }
    text
}

#[test]
fn a_satellite_that_crosses_the_field_is_refused() {
    let satellite =
        "[[transmitters]]\nname = \"GEO\"\nsky_mhz = 22000.12\namplitude = 0.03\norbit = \"sat.oem\"\n";
    let sky = Sky::new(&SIGNALS[1..], satellite);
    let told = sky.search(2, "out", &[]);
    assert!(told.contains("hits: rates of no position in the field"), "{told}");
    let table = sky.table("out");
    let strongest = |station: &str| {
        let rows = (0..table.rows.len())
            .filter(|r| table.of(*r, "station") == station && table.number(*r, "sky_mhz") < 22_001.0);
        rows.max_by(|a, b| table.number(*a, "sigma").total_cmp(&table.number(*b, "sigma"))).unwrap()
    };
    let rows = ["KY", "KU", "KT"].map(strongest);
    for row in rows {
        assert_eq!(table.of(row, "outcome"), "rates of no position in the field", "{:?}", table.rows[row]);
    }
    // Its ways to the stations change at other rates.
    let hz = rows.map(|row| 1e6 * table.number(row, "sky_mhz"));
    assert!((hz[0] - hz[1]).abs() > 100.0 && (hz[0] - hz[2]).abs() > 100.0, "{hz:?}");
    // What is on the sky passes beside it, and nothing else does.
    let passed: Vec<usize> = (0..table.rows.len()).filter(|r| table.of(*r, "outcome") == "passes").collect();
    assert!(!passed.is_empty());
    assert!(
        passed.iter().all(|r| (table.number(*r, "sky_mhz") - SIGNALS[1][0]).abs() < 1e-4),
        "{:?}",
        table.rows
    );
}

#[test]
fn gaps_complex_samples_and_cut_bands_are_searched() {
    let mut config = SKY.replace("edge_mhz = 22003.0", "edge_mhz = 22002.75").replace("lower", "upper");
    for (at, keys) in [
        ("3867374.3313]\n", "lost_frames = 0.1\n"),
        ("3687379.9883]\n", "[stations.recorder]\ncomplex = true\n"),
        ("3481038.7880]\n", "invalid_frames = 0.05\n[stations.recorder]\nsplit = 2\n"),
    ] {
        config = config.replace(at, &format!("{at}{keys}"));
    }
    // In the middles of half bands, which are all that the third station has.
    let signals = [[22_000.062_5, 3.0, 0.02, 30.0, -20.0], [22_002.937_5, -5.0, 0.02, -12.0, 41.0]];
    let sky = Sky::with(&config, &signals, "");
    sky.search(2, "out", &["--filterbank"]);
    let table = sky.table("out");
    let (mut found, mut noise) = ([0; 2], 0);
    for row in 0..table.rows.len() {
        let k = usize::from(table.number(row, "sky_mhz") > 22_001.0);
        if (table.number(row, "sky_mhz") - signals[k][0]).abs() > 1e-4 {
            noise += 1;
            continue;
        }
        assert_eq!(table.of(row, "outcome"), "passes", "{:?}", table.rows[row]);
        for (column, wanted) in [("east", signals[k][3]), ("north", signals[k][4])] {
            let error = table.number(row, &format!("{column}_error_arcsec"));
            let off = table.number(row, &format!("{column}_arcsec")) - wanted;
            let most = if table.number(row, "length_s") > 4.0 { 10.0 } else { 80.0 };
            assert!(off.abs() < 5.0 * error && error < most, "{:?}", table.rows[row]);
        }
        found[k] += 1;
    }
    // 3.3e8 lines of 1e-9: hits of noise are rare, but there may be one.
    assert!(found.iter().all(|n| *n >= 3) && noise < 3, "{found:?} {noise}");
}

#[test]
fn a_search_that_is_killed_goes_on_to_the_same_products() {
    let sky = Sky::new(&SIGNALS, INTERFERENCE);
    // Many small units.
    let more = ["--filterbank", "--memory-mib", "3"];
    sky.search(2, "whole", &more);
    let files = |out: &str| fs::read_dir(sky.path(out)).unwrap().filter_map(Result::ok);
    let filterbanks =
        |out: &str| files(out).filter(|f| f.path().extension().is_some_and(|e| e == "fil")).count();
    for fault in ["kill:unit:0:2", "kill:unit:1:3", "kill:write:1:2", "kill:rename:1:1", "kill:write:0:4"] {
        let killed = sky.run(2, "killed", &more).env("MIRINAE_FAULT", fault).end();
        assert_ne!(killed.code, Some(0), "{fault} did not strike");
        assert_eq!(filterbanks("killed"), 0, "{fault}: not whole, and among the products");
        sky.search(2, "killed", &more);
        assert_eq!(sky.same("whole", "killed", fault), 2 + 6);
        fs::remove_dir_all(sky.path("killed")).unwrap();
    }
    // Powers that are gone are made again.
    let gone = files("whole").map(|f| f.path()).find(|f| f.extension().is_some_and(|e| e == "fil")).unwrap();
    let bytes = fs::read(&gone).unwrap();
    fs::remove_file(&gone).unwrap();
    sky.search(2, "whole", &more);
    assert!(fs::read(&gone).unwrap() == bytes);
}

#[test]
fn noise_alone_has_no_candidates_and_hardly_a_hit() {
    let sky = Sky::new(&[], "");
    let told = sky.search(2, "out", &[]);
    assert!(told.contains("lines tried") && !told.contains("passes"), "{told}");
    // 6e8 lines of 1e-9: one hit of noise is likely enough, three are not.
    assert!(sky.table("out").rows.len() < 3, "{:?}", sky.table("out").rows);
}

#[test]
fn what_cannot_be_searched_is_told() {
    let sky = Sky::new(&[], "");
    let job = sky.path("seti.input");
    for (args, told) in [
        (["--channel-hz", "1e6"], "can have"),
        (["--drift-hz-per-s", "100"], "cross a channel"),
        (["--channel-hz", "0"], "positive"),
        (["--memory-mib=0", "--stretch=8"], "more --memory-mib"),
    ] {
        let ended = Run::alone("kvn-corr").args(["search", "narrow", job.to_str().unwrap()]).args(args).end();
        assert_eq!(ended.code, Some(64), "{args:?}");
        assert!(ended.stderr.contains(told), "{}", ended.stderr);
    }
}
