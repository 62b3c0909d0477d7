//! A mosaic of phase centres with the built program: what it chooses, what a source far out in the field keeps of its amplitude.
#![allow(clippy::unwrap_used)]

use mirinae_tests::{Ended, Run, assert_same, until_struck};
use std::fs;
use std::path::Path;

/// Three Korean stations, one band; channels, times and mosaic are put in where the mark is.
const JOB: &str = r#"obscode = "field"
[correlation]
#CORRELATION
#MOSAIC
[model]
eop = [
  { mjd = 59999.0, tai_utc_s = 37.0, ut1_utc_s = -0.0151, x_arcsec = 0.0190, y_arcsec = 0.3300 },
  { mjd = 60000.0, tai_utc_s = 37.0, ut1_utc_s = -0.0153, x_arcsec = 0.0185, y_arcsec = 0.3312 },
  { mjd = 60001.0, tai_utc_s = 37.0, ut1_utc_s = -0.0155, x_arcsec = 0.0180, y_arcsec = 0.3324 },
  { mjd = 60002.0, tai_utc_s = 37.0, ut1_utc_s = -0.0158, x_arcsec = 0.0175, y_arcsec = 0.3336 },
]
[[stations]]
code = "Ky"
name = "KVNYS"
position_m = [-3042281.0290, 4045902.6673, 3867374.3313]
streams = [{ bits = 2, recordings = ["disk/sky_KY.vdif"], channels = [{ edge_mhz = 22016.0, bandwidth_mhz = 4.0, sideband = "upper", polarisation = "L" }] }]
[[stations]]
code = "Ku"
name = "KVNUS"
position_m = [-3287268.6591, 4023450.1291, 3687379.9883]
streams = [{ bits = 2, recordings = ["disk/sky_KU.vdif"], channels = [{ edge_mhz = 22016.0, bandwidth_mhz = 4.0, sideband = "upper", polarisation = "L" }] }]
[[stations]]
code = "Kt"
name = "KVNTN"
position_m = [-3171731.6818, 4292678.5318, 3481038.7880]
streams = [{ bits = 2, recordings = ["disk/sky_KT.vdif"], channels = [{ edge_mhz = 22016.0, bandwidth_mhz = 4.0, sideband = "upper", polarisation = "L" }] }]
[[sources]]
name = "P"
ra = 250.745041525
dec = 39.81027610
[[sources]]
name = "S"
ra = "RA_DEG deg"
dec = "DEC_DEG deg"
[[scans]]
name = "No0001"
start = "2023y056d22h00m00s"
duration_s = 2.0
source = "P"
#CENTRES
"#;

/// The sky has nothing but a source at the corner of an outer cell: 60" east and 17.3" north.
const SKY: &str = r#"
name = "sky"
seed = 5
start_mjd = 60000
start_second = 79200
duration_s = 2.0
bits = 2
frame_bytes = 1032
channels = 64
integration_s = 0.128
ra_deg = 250.745041525
dec_deg = 39.81027610
[[bands]]
edge_mhz = 22016.0
bandwidth_mhz = 4.0
sideband = "upper"
polarization = "L"
[[stations]]
code = "KY"
position_m = [0.0, 0.0, 0.0]
[[stations]]
code = "KU"
position_m = [0.0, 0.0, 0.0]
[[stations]]
code = "KT"
position_m = [0.0, 0.0, 0.0]
[[sources]]
name = "S"
power_fraction = 0.5
east_arcsec = 60.0
north_arcsec = 17.3
"#;

const FINE: &str = "channels = 512\nintegration_s = 0.01024\nshift_s = 0.00128";
const COARSE: &str = "channels = 16\nintegration_s = 1.0\nshift_s = 1.0";
const MOSAIC: &str = "[mosaic]\nradius_arcsec = 60.0\nspacing_arcsec = 30.0\nsmearing = 0.1";

fn ok(ended: Ended) -> String {
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    ended.stdout
}

fn write(folder: &Path, name: &str, correlation: &str, mosaic: &str, centres: &str) {
    let dec = 39.81027610f64;
    let (ra, dec_there) = (250.745041525 + 60.0 / 3600.0 / dec.to_radians().cos(), dec + 17.3 / 3600.0);
    let text = JOB
        .replace("#CORRELATION", correlation)
        .replace("#MOSAIC", mosaic)
        .replace("#CENTRES", centres)
        .replace("RA_DEG", &ra.to_string())
        .replace("DEC_DEG", &dec_there.to_string());
    fs::write(folder.join(format!("{name}.toml")), text).unwrap();
}

/// Runs a job of a folder; the product's path.
fn run(folder: &Path, name: &str, ranks: usize) -> std::path::PathBuf {
    let out = folder.join(format!("{name}{ranks}"));
    let (job, out_text) = (folder.join(format!("{name}.toml")), out.to_str().unwrap().to_owned());
    ok(Run::mpi("kvn-corr", ranks).args(["run", job.to_str().unwrap(), "--out", &out_text, "-q"]).end());
    out.join(format!("{name}.h5"))
}

/// The largest amplitude of each of the three baselines at any phase centre.
fn amplitudes(folder: &Path, product: &Path) -> [f64; 3] {
    let args = ["fringe", product.to_str().unwrap(), "--csv", "--out", folder.to_str().unwrap()];
    ok(Run::alone("kvn-corr").args(args).end());
    let stem = product.file_stem().unwrap().to_str().unwrap();
    let text = fs::read_to_string(folder.join(format!("{stem}.fringe.csv"))).unwrap();
    let header: Vec<&str> = text.lines().next().unwrap().split(',').collect();
    let column = |name: &str| header.iter().position(|h| *h == name).unwrap();
    let (baseline, amplitude) = (column("baseline"), column("amplitude"));
    ["Ky-Ku", "Ky-Kt", "Ku-Kt"].map(|wanted| {
        let rows = text.lines().skip(1).map(|line| line.split(',').collect::<Vec<_>>());
        let of = rows.filter(|row| row[baseline] == wanted).map(|row| row[amplitude].parse::<f64>().unwrap());
        of.fold(0.0, f64::max)
    })
}

#[test]
fn a_source_far_out_keeps_its_amplitude() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    let at = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    fs::write(at("sky.toml"), SKY).unwrap();
    write(folder, "mosaic", "", MOSAIC, "");
    ok(Run::alone("kvn-corr")
        .args(["simulate", &at("sky.toml"), "--delays", &at("mosaic.toml"), "--out", &at("disk")])
        .end());
    let plan = ok(Run::alone("kvn-corr").args(["plan", &at("mosaic.toml")]).end());
    let told = plan.lines().find(|l| l.starts_with("mosaic: ")).unwrap_or_else(|| panic!("{plan}"));
    println!("{told}");
    assert!(told.contains("phase centres 30 arcsec apart") && told.contains("limit 10 %"), "{told}");
    // The truth: a phase centre at the source, everything fine.
    write(folder, "truth", FINE, "", "centres = [\"P\", \"S\"]");
    let truth = amplitudes(folder, &run(folder, "truth", 2));
    let mosaic = run(folder, "mosaic", 1);
    assert!(
        fs::read(&mosaic).unwrap() == fs::read(run(folder, "mosaic", 3)).unwrap(),
        "ranks change the product"
    );
    let kept = amplitudes(folder, &mosaic);
    // Control: the pointing alone, coarse, loses most of it.
    write(folder, "coarse", COARSE, "", "");
    let coarse = amplitudes(folder, &run(folder, "coarse", 2));
    println!("{truth:?} {kept:?} {coarse:?}");
    for (truth, kept) in truth.iter().zip(kept) {
        assert!(*truth > 0.3, "{truth}");
        assert!(kept > (1.0 - 0.1) * truth, "{kept} of {truth}");
    }
    let left = truth.iter().zip(coarse).map(|(truth, coarse)| coarse / truth);
    assert!(left.fold(1.0, f64::min) < 0.7, "control: {coarse:?} of {truth:?}");
}

#[test]
fn what_contradicts_the_limit_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    fs::create_dir(folder.join("disk")).unwrap();
    for code in ["KY", "KU", "KT"] {
        fs::write(folder.join(format!("disk/sky_{code}.vdif")), b"").unwrap();
    }
    let refused = |correlation: &str, mosaic: &str, centres: &str, parts: &[&str]| {
        write(folder, "job", correlation, mosaic, centres);
        let job = folder.join("job.toml");
        let ended = Run::alone("kvn-corr").args(["plan", job.to_str().unwrap()]).end();
        ended.expect(65).expect_message(&[&["job.toml"], parts].concat());
    };
    refused(
        "channels = 16",
        MOSAIC,
        "",
        &["mosaic:", "16 channels", "more than 10 %", "leave out of [correlation]"],
    );
    refused("integration_s = 2.0", MOSAIC, "", &["mosaic:", "accumulation 2.0000 s", "more than 10 %"]);
    refused("integration_s = 1.0", "", "", &["correlation.channels is missing"]);
    refused("", &MOSAIC.replace("60.0", "60000.0"), "", &["mosaic:", "a radius of 60000 arcsec"]);
    refused("", &MOSAIC.replace("30.0", "0.01"), "", &["mosaic:", "phase centres are too many"]);
    refused("", &MOSAIC.replace("0.1", "1.5"), "", &["mosaic:", "smearing = 1.5"]);
    refused("", MOSAIC, "centres = [\"S\"]", &["mosaic:", "all scans have centres of their own"]);
    refused("", &format!("{MOSAIC}\nsource = \"Q\""), "", &["mosaic:", "points to Q"]);
    // The primary beam needs diameters: those of KVN are known, another one's is not.
    let beam = MOSAIC.replace("radius_arcsec = 60.0\n", "");
    write(folder, "other", "", &beam, "");
    let text = fs::read_to_string(folder.join("other.toml"))
        .unwrap()
        .replace("name = \"KVNUS\"", "name = \"OTHER\"");
    fs::write(folder.join("other.toml"), text).unwrap();
    let job = folder.join("other.toml");
    let ended = Run::alone("kvn-corr").args(["plan", job.to_str().unwrap()]).end();
    ended.expect(65).expect_message(&["mosaic:", "the diameter of station Ku is not known"]);
}

#[test]
fn phase_centres_have_resolutions_of_their_own() {
    const OWN: &str =
        "[[resolutions]]\nname = \"far\"\ncentres = [\"S\"]\naverage = 4\nintegration_s = 0.04096";
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    let at = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    fs::write(at("sky.toml"), SKY).unwrap();
    let centres = "centres = [\"P\", \"S\"]";
    write(folder, "all", FINE, "", centres);
    ok(Run::alone("kvn-corr")
        .args(["simulate", &at("sky.toml"), "--delays", &at("all.toml"), "--out", &at("disk")])
        .end());
    write(folder, "job", FINE, OWN, centres);
    let plan = ok(Run::alone("kvn-corr").args(["plan", &at("job.toml")]).end());
    assert!(
        plan.contains("job.far: 1 phase centres, channels averaged by 4, accumulation 0.04096 s"),
        "{plan}"
    );
    let start = |ranks: usize, out: &str, more: &[&str]| {
        let args = ["run", &at("job.toml"), "--out", &at(out), "--fits-idi", "--swin", "--no-progress"];
        Run::mpi("kvn-corr", ranks).args(args).args(more)
    };
    ok(start(1, "whole", &[]).end());
    ok(start(3, "np3", &["--cut-baselines", "3"]).end());
    assert_same(&folder.join("whole"), &folder.join("np3"), "ranks and cut");
    for fault in ["kill:unit:1:2", "kill:join:1:1", "kill:centre:0:1"] {
        until_struck(|| {
            let _ = fs::remove_dir_all(folder.join("killed"));
            start(2, "killed", &[]).env("MIRINAE_FAULT", fault)
        });
        ok(start(2, "killed", &[]).end());
        assert_same(&folder.join("whole"), &folder.join("killed"), fault);
    }
    // What is not set apart is as if all were alike; what is has fewer numbers and the same source.
    let all = run(folder, "all", 1);
    let bytes = |path: &Path| fs::metadata(path).unwrap().len();
    let (own, far) = (folder.join("whole/job.h5"), folder.join("whole/job.far.h5"));
    println!("{} bytes of both, {} and {} apart", bytes(&all), bytes(&own), bytes(&far));
    assert!(bytes(&own) < bytes(&all) && bytes(&far) * 8 < bytes(&own));
    assert!(folder.join("whole/job.far.idi").exists() && folder.join("whole/job.far.difx").exists());
    // Control: the other centre, from which the source is far, loses it at a coarse resolution.
    let coarse = OWN.replace("\"S\"", "\"P\"").replace("= 4", "= 256").replace("0.04096", "0.512");
    write(folder, "control", FINE, &coarse, centres);
    let control = run(folder, "control", 2).with_file_name("control.far.h5");
    let [truth, far, control] = [&all, &far, &control].map(|product| amplitudes(folder, product));
    println!("{truth:?} {far:?}, control {control:?}");
    assert!(truth.iter().zip(far).all(|(truth, far)| (far / truth - 1.0).abs() < 0.01));
    let left = truth.iter().zip(control).map(|(truth, control)| control / truth);
    assert!(left.fold(1.0, f64::min) < 0.7, "control: {control:?} of {truth:?}");
    let _ = fs::remove_dir_all(folder.join("whole"));

    let refused = |own: &str, what: &str| {
        write(folder, "bad", FINE, own, centres);
        let ended = Run::alone("kvn-corr").args(["plan", &at("bad.toml")]).end();
        ended.expect(65).expect_message(&["bad.toml", what]);
    };
    refused(&OWN.replace("[\"S\"]", "[\"P\", \"S\"]"), "at least one must have that of [correlation]");
    refused(&OWN.replace("[\"S\"]", "[\"Q*\"]"), "Q* is no phase centre");
    refused(&OWN.replace("average = 4", "average = 3"), "average (3) must divide channels (512)");
    refused(&OWN.replace("0.04096", "0.015"), "integration_s must be a multiple of 0.01024 s");
    refused(&format!("{OWN}\n{}", OWN.replace("far", "near")), "S has another resolution already");
    refused(&OWN.replace("far", "a/b"), "letters, digits");
}
