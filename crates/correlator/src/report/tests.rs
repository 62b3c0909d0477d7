//! The report of a simulated observation, and of what is none.
use super::*;
use crate::engine::{Engine, RotationChoice, choose};
use crate::job::{Job, units};
use crate::sim::{SimConfig, simulate};
use crate::writer::{VisMeta, VisWriter};
use mirinae_simd::SimdPath;

const SKY: &str = r#"
name = "small"
seed = 5
start_mjd = 60000
start_second = 36000
duration_s = 1.0
bits = 2
frame_bytes = 1032
channels = 32
integration_s = 0.128
ra_deg = 343.5
dec_deg = 16.1
[[bands]]
edge_mhz = 22000.0
bandwidth_mhz = 2.0
sideband = "upper"
polarization = "L"
[[stations]]
code = "KY"
position_m = [-3042281.0290, 4045902.6673, 3867374.3313]
[[stations]]
code = "KU"
position_m = [-3287268.6591, 4023450.1291, 3687379.9883]
[[sources]]
name = "S"
power_fraction = 0.4
"#;

/// Visibilities of a simulation.
fn visibilities(folder: &Path) -> PathBuf {
    std::fs::write(folder.join("sky.toml"), SKY).unwrap();
    let config = SimConfig::read(&folder.join("sky.toml")).unwrap();
    let job = Job::open(&simulate(&config, folder).unwrap().input).unwrap();
    let rotations = choose(&job, RotationChoice::Job, 0.0);
    let sources = job.streams.iter().map(|s| -> Box<dyn crate::baseband::SampleSource> {
        Box::new(crate::run::open_stream(&job, s, false).unwrap())
    });
    let mut engine = Engine::new(&job, &rotations, sources.collect(), SimdPath::detect());
    let path = folder.join("small.h5");
    let writer = VisWriter::create(&path, &VisMeta::of(&job), "{\"plan\": 1}").unwrap();
    for unit in units(&job, 0.0) {
        let mut sums = engine.accumulators(unit.scan);
        for index in unit.first..unit.first + unit.count {
            let mut record = crate::integrate::Record::new(&job, 1);
            engine.integrate(&job.integration(unit.scan, index), &mut sums, &mut record, &mut || {}).unwrap();
            writer.write(unit.scan, index as usize, &record).unwrap();
        }
    }
    writer.finish().unwrap();
    path
}

#[test]
fn a_page_holds_all_pictures() {
    let dir = tempfile::tempdir().unwrap();
    let file = visibilities(dir.path());
    let written = write_report(&file, dir.path()).unwrap();
    let html = std::fs::read_to_string(&written.page).unwrap();
    assert_eq!((written.pictures.len(), html.matches("data:image/png;base64,").count()), (4, 4));
    for path in &written.pictures {
        assert_eq!(std::fs::read(path).unwrap()[1..4], *b"PNG", "{}", path.display());
    }
    for text in [
        "1 of 1 fringes detected",
        "KY-KU",
        "Scan No0001",
        "How this was made",
        "&quot;plan&quot;",
        "Sample states",
    ] {
        assert!(html.contains(text), "{text}");
    }
    assert!(!html.contains("<script") && !html.contains("http"), "nothing from elsewhere");
    // Again: the same bytes.
    let again = write_report(&file, dir.path()).unwrap();
    assert_eq!(std::fs::read_to_string(&again.page).unwrap(), html);
}

#[test]
fn what_is_no_file_of_visibilities_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.h5");
    assert!(matches!(write_report(&path, dir.path()), Err(ReportError::Read { .. })));
    std::fs::write(&path, "no HDF5").unwrap();
    let told = write_report(&path, dir.path()).unwrap_err().to_string();
    assert!(told.contains("x.h5"), "{told}");
}

const SEARCH: &str = "centre,ra_deg,dec_deg,east_arcsec,east_error_arcsec,north_arcsec,north_error_arcsec,sigma,false_alarm,remnant,known,flux_jy,flux_error_jy\n\
    S,343.501,16.102,3.4,0.2,7.2,0.3,12.5,1e-20,false,J2254,1.5e-1,1e-2\nS,343.500,16.100,0.1,0.2,0.2,0.3,7.5,1e-3,true,,,\n";
const NARROW: &str = "outcome,sky_mhz,ra_deg,dec_deg,east_arcsec,east_error_arcsec,north_arcsec,north_error_arcsec,sigma\n\
    at one station alone,22001.5,,,,,,,9.0\npasses,22001.25,343.499,16.099,-3.4,1,-3.6,1,11.0\n";
const BURSTS: &str = "outcome,east_arcsec,north_arcsec,dm\npasses,12.5,-4.25,300\nno place,,,\n";

#[test]
fn the_field_shows_what_searches_found() {
    let dir = tempfile::tempdir().unwrap();
    let file = visibilities(dir.path());
    for (name, text) in [("search", SEARCH), ("narrow", NARROW), ("bursts", BURSTS)] {
        std::fs::write(dir.path().join(format!("small.{name}.csv")), text).unwrap();
    }
    std::fs::create_dir(dir.path().join("small.search")).unwrap();
    std::fs::write(dir.path().join("small.search/0.png"), "PNG").unwrap();
    std::fs::create_dir(dir.path().join("small.narrow")).unwrap();
    std::fs::write(dir.path().join("small.narrow/000001.png"), "PNG").unwrap();
    let known = [Known { name: "J2254".to_owned(), ra_deg: 343.501, dec_deg: 16.102 }];
    let written = write_report_of(&file, dir.path(), &known).unwrap();
    let html = std::fs::read_to_string(&written.page).unwrap();
    assert!(written.pictures[0].ends_with("small.report/field.png"));
    for text in [
        "small.search.csv: 2 candidates.",
        "small.narrow.csv: 1 candidates; 1 rows more",
        "<a href=\"small.search/0.png\">picture</a>",
        "<a href=\"small.narrow/000001.png\">picture</a>",
        "known: J2254",
        "remnant of a stronger one?",
        "1.5e-1 ± 1e-2",
        "22001.25 MHz",
        "300 pc/cm³",
        // Of a burst only the offset is told; its place follows.
        "16.0988194",
        "12.500 ± 0.000",
    ] {
        assert!(html.contains(text), "{text}");
    }
    // Only what is there is linked, and the map differs without its marks.
    assert!(!html.contains("small.search/1.png") && !html.contains(".fits"));
    let map = std::fs::read(&written.pictures[0]).unwrap();
    std::fs::remove_file(dir.path().join("small.bursts.csv")).unwrap();
    write_report_of(&file, dir.path(), &known).unwrap();
    assert_ne!(std::fs::read(&written.pictures[0]).unwrap(), map);
}
