//! kvn-corr search from recordings to candidates: sources off the phase centre are found where the simulation put them.
#![allow(clippy::unwrap_used)]

use mirinae_tests::Run;
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
        let field = Self { folder: tempfile::tempdir().unwrap() };
        let mut text = SKY.to_owned();
        for (k, [east, north, share]) in sources.iter().enumerate() {
            text += &format!(
                "[[sources]]\nname = \"S{k}\"\npower_fraction = {share:?}\neast_arcsec = {east:?}\nnorth_arcsec = {north:?}\n"
            );
        }
        fs::write(field.path("sim.toml"), text).unwrap();
        let (config, out) = (field.path("sim.toml"), field.path(""));
        let simulate = ["simulate".as_ref(), config.as_os_str(), "--out".as_ref(), out.as_os_str()];
        Run::alone("kvn-corr").args(simulate).end().expect(0);
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

#[test]
fn noise_alone_has_no_candidates() {
    assert!(Field::new(&[]).search().is_empty());
}
