//! kvn-corr search from recordings to candidates: sources off the phase centre are found where the simulation put them.
#![allow(clippy::unwrap_used)]

use mirinae_tests::{Run, assert_same, simulate};
use std::fs;
use std::path::PathBuf;
use tempfile::TempDir;

const SKY: &str = r#"
name = "field"
seed = 8
start_mjd = 60000
start_second = 36000
duration_s = 1.0
bits = 2
frame_bytes = 1032
channels = 64
integration_s = 0.064
ra_deg = 343.5
dec_deg = 16.1
[[bands]]
edge_mhz = 22000.0
bandwidth_mhz = 2.0
sideband = "upper"
polarization = "L"
[[bands]]
edge_mhz = 22012.0
bandwidth_mhz = 2.0
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

/// East and north in arcsec, share of the power.
const SOURCES: [[f64; 3]; 2] = [[60.0, -35.0, 0.2], [-48.0, 70.0, 0.06]];

struct Field {
    folder: TempDir,
}

impl Field {
    /// Correlates a simulated field of sources.
    fn new(sources: &[[f64; 3]]) -> Self {
        Self::with(sources, "")
    }

    /// The same with more in the configuration.
    fn with(sources: &[[f64; 3]], more: &str) -> Self {
        let field = Self { folder: tempfile::tempdir().unwrap() };
        let mut text = SKY.to_owned() + more;
        for (k, [east, north, share]) in sources.iter().enumerate() {
            text += &format!(
                "[[sources]]\nname = \"S{k}\"\npower_fraction = {share:?}\neast_arcsec = {east:?}\nnorth_arcsec = {north:?}\n"
            );
        }
        simulate(field.folder.path(), &text);
        let (job, out) = (field.path("field.input"), field.path("out"));
        let run = ["run".as_ref(), job.as_os_str(), "--out".as_ref(), out.as_os_str()];
        let ended = Run::mpi("kvn-corr", 2).args(run).args(["--no-progress"]).end();
        assert!(matches!(ended.code, Some(0 | 1)), "{}\n{}", ended.stdout, ended.stderr);
        field
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Rows of the table that are no remnants, by column.
    fn search(&self) -> Vec<Vec<f64>> {
        let product = self.path("out/field.h5");
        let args = ["search".as_ref(), product.as_os_str(), "--field".as_ref(), "100".as_ref()];
        Run::alone("kvn-corr").args(args).end().expect(0);
        let text = fs::read_to_string(self.path("out/field.search.csv")).unwrap();
        let columns =
            ["east_arcsec", "east_error_arcsec", "north_arcsec", "north_error_arcsec", "ra_deg", "dec_deg"];
        let header: Vec<&str> = text.lines().next().unwrap().split(',').collect();
        let place = |name: &str| header.iter().position(|h| *h == name).unwrap();
        let row = |line: &str| {
            let words: Vec<&str> = line.split(',').collect();
            columns.iter().map(|c| words[place(c)].parse().unwrap()).collect()
        };
        let remnant = place("remnant");
        text.lines().skip(1).filter(|line| line.split(',').nth(remnant) == Some("false")).map(row).collect()
    }
}

#[test]
fn sources_off_the_phase_centre_are_found_where_they_are() {
    let field = Field::new(&SOURCES);
    let found = field.search();
    assert_eq!(found.len(), 2, "{found:?}");
    known_ones_are_marked(&field, (found[0][4], found[0][5]));
    for (row, [east, north, _]) in found.iter().zip(SOURCES) {
        assert!((row[0] - east).abs() < 5.0 * row[1] + 0.05 && row[1] < 1.0, "{row:?} {east}");
        assert!((row[2] - north).abs() < 5.0 * row[3] + 0.05 && row[3] < 1.0, "{row:?} {north}");
        // The simulation's offsets are differences of right ascension times the cosine at the phase centre.
        assert!((row[4] - 343.5 - row[0] / 3600.0 / 16.1_f64.to_radians().cos()).abs() < 1e-4, "{row:?}");
        assert!((row[5] - 16.1 - row[2] / 3600.0).abs() < 1e-4, "{row:?}");
    }
}

/// The first candidate lies at a place of the list, the second one does not.
fn known_ones_are_marked(field: &Field, (ra_deg, dec_deg): (f64, f64)) {
    let (product, list) = (field.path("out/field.h5"), field.path("known.csv"));
    let search = || {
        let args = ["search".as_ref(), product.as_os_str(), "--field".as_ref(), "100".as_ref()];
        Run::alone("kvn-corr").args(args).args(["--known".as_ref(), list.as_os_str()]).end()
    };
    fs::write(&list, format!("name,ra_deg,dec_deg\nfar,10,20\n\"J2254, a\",{ra_deg},{}\n", dec_deg + 1e-5))
        .unwrap();
    let told = search().expect(0).stdout;
    assert_eq!(told.matches("known: J2254, a").count(), 1, "{told}");
    let text = fs::read_to_string(field.path("out/field.search.csv")).unwrap();
    let known: Vec<bool> = text.lines().skip(1).map(|row| row.contains(",J2254; a,")).collect();
    assert!(known[0] && !known[1..].contains(&true), "{text}");
    fs::write(&list, "name,ra_deg,dec_deg\nA,1,200\n").unwrap();
    search().expect(65).expect_message(&["known.csv", "A at 1, 200"]);
}

/// Phase centres, arcsec east and north: all fields hold both sources.
const CENTRES: &str = r#"
[[centres]]
name = "A"
east_arcsec = 40.0
north_arcsec = -20.0
[[centres]]
name = "B"
east_arcsec = 80.0
north_arcsec = -50.0
[[centres]]
name = "C"
east_arcsec = -40.0
north_arcsec = 60.0
"#;

fn value(row: &str, header: &str, column: &str) -> String {
    let place = header.split(',').position(|h| h == column).unwrap();
    row.split(',').nth(place).unwrap().to_owned()
}

/// Flux densities of the simulated sources, with the sensitivities of the search.
#[track_caller]
fn are_as_bright_as_simulated(header: &str, rows: &[&str]) {
    for (row, [_, _, share]) in rows.iter().zip(SOURCES) {
        // All stations see the same share of their power: a source of share x SEFD on each, which are of unlike ones here.
        let truth = share
            * ((1000.0 * 2000.0f64).sqrt() + (1000.0 * 500.0f64).sqrt() + (2000.0 * 500.0f64).sqrt())
            / 3.0;
        let [jy, error] = ["flux_jy", "flux_error_jy"].map(|c| value(row, header, c).parse::<f64>().unwrap());
        assert!((jy / truth - 1.0).abs() < 0.25 && error < 0.1 * truth, "{jy} +- {error} {truth}");
        // Each baseline by itself: 2-bit samples of a strong source keep a little more than those of a weak one.
        for word in value(row, header, "fluxes_jy").split(' ') {
            let (names, found) = word.split_once(':').unwrap();
            let sefd: f64 = names
                .split('-')
                .map(|n| [("KY", 1000.0), ("KU", 2000.0), ("KT", 500.0)].iter().find(|s| s.0 == n).unwrap().1)
                .product();
            let (jy, error) = found.split_once("+-").unwrap();
            let (jy, error): (f64, f64) = (jy.parse().unwrap(), error.parse().unwrap());
            assert!((jy - share * sefd.sqrt()).abs() < 4.0 * error + 0.05 * jy, "{word} {share}");
        }
    }
}

#[test]
fn several_centres_on_any_number_of_ranks_and_after_kills_give_the_same() {
    let field = Field::with(&SOURCES, CENTRES);
    let product = field.path("out/field.h5");
    let search = |ranks: usize, out: &str| {
        let args = [
            "search",
            product.to_str().unwrap(),
            "--field",
            "60",
            "--no-progress",
            "--sefd",
            "KY=1000,KU=2000,KT=500",
        ];
        Run::mpi("kvn-corr", ranks).args(args).args(["--out".as_ref(), field.path(out).as_os_str()])
    };
    let told = search(1, "one").end().expect(0).stdout;
    assert!(["A:", "B:", "C:"].iter().all(|name| told.contains(name)), "{told}");
    let text = fs::read_to_string(field.path("one/field.search.csv")).unwrap();
    let (header, rows) = text.split_once('\n').unwrap();
    let rows: Vec<&str> = rows.lines().filter(|row| value(row, header, "remnant") == "false").collect();
    // Some show a source that others have in their sidelobes alone; each is told once, and nothing else.
    assert_eq!(rows.len(), 2, "{text}");
    are_as_bright_as_simulated(header, &rows);
    for k in 0..rows.len() {
        let fits = fs::read(field.path(&format!("one/field.search/{k}.fits"))).unwrap();
        assert!(fits.starts_with(b"SIMPLE  =                    T") && fits.len().is_multiple_of(2880));
        assert_eq!(fs::read(field.path(&format!("one/field.search/{k}.png"))).unwrap()[1..4], *b"PNG");
    }
    for ranks in [2, 3, 5] {
        search(ranks, "more").args(["--fresh"]).end().expect(0);
        assert_same(&field.path("one"), &field.path("more"), &format!("{ranks} ranks"));
    }
    // Killed at units, within writes and around renames, and started again.
    for (k, fault) in [
        "kill:unit:0:2",
        "kill:write:0:1",
        "kill:rename:0:1",
        "kill:write:0:4",
        "kill:rename:0:5",
        "kill:write:0:6",
    ]
    .iter()
    .enumerate()
    {
        let out = format!("killed{k}");
        assert_ne!(search(1, &out).env("MIRINAE_FAULT", fault).end().code, Some(0), "{fault}");
        search(2, &out).end().expect(0);
        assert_same(&field.path("one"), &field.path(&out), fault);
    }
    // The same sensitivities as system temperatures and gains: day 56 is the 25th of February.
    let antab = [("KY", 100.0), ("KU", 200.0), ("KT", 50.0)].map(|(name, kelvin)| {
        format!("GAIN {name} ELEV DPFU = 0.1 POLY = 1.0 /\nTSYS {name} FT = 1.0 INDEX = 'L1:2' /\n056 10:00.00 {kelvin}\n/\n")
    });
    fs::write(field.path("k.antab"), antab.concat()).unwrap();
    let args = ["search", product.to_str().unwrap(), "--field", "60", "--no-progress", "--antab"];
    let paths = [field.path("k.antab"), PathBuf::from("--out"), field.path("antab")];
    Run::mpi("kvn-corr", 1).args(args).args(paths.iter().map(|p| p.as_os_str())).end().expect(0);
    assert_eq!(text, fs::read_to_string(field.path("antab/field.search.csv")).unwrap());
    // What another search has left is not mixed up with this one.
    search(1, "mixed").env("MIRINAE_FAULT", "kill:unit:0:2").end();
    search(1, "mixed").args(["--threshold", "8"]).end().expect(65).expect_message(&["another"]);
    search(1, "mixed").args(["--threshold", "8", "--fresh"]).end().expect(0);
    search(1, "small")
        .args(["--memory-mib", "1"])
        .end()
        .expect(64)
        .expect_message(&["MiB on a rank", "--memory-mib"]);
    let args = ["search", product.to_str().unwrap(), "--field", "9000", "--out"];
    let wide = Run::mpi("kvn-corr", 2).args(args).args([field.path("wide").as_os_str()]).end();
    wide.expect(65).expect_message(&["a field of 9000.0", "shorter integrations"]);
    search(1, "names").args(["--sefd", "XX=3"]).end().expect(64).expect_message(&["XX=3", "KY, KU, KT"]);
}

#[test]
fn noise_alone_has_no_candidates() {
    assert!(Field::new(&[]).search().is_empty());
}
