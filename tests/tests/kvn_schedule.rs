//! From a VEX schedule to fringes: init, simulate, run, fringe, delay, convert with the built program.
#![allow(clippy::unwrap_used)]

use mirinae_tests::{Ended, Run, root};
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Two bands of 4 MHz, upper and lower, at three Korean stations; Ku's clock is late by 1 us.
const VEX: &str = r#"VEX_rev = 1.5;
$GLOBAL; ref $EXPER = t24001;
$EXPER; def t24001; exper_name = t24001; exper_description = "test"; enddef;
$MODE;
def K; ref $FREQ = F:Ky:Ku:Kt; ref $IF = I:Ky:Ku:Kt; ref $BBC = B:Ky:Ku:Kt; ref $TRACKS = T:Ky:Ku:Kt; enddef;
$STATION;
def Ky; ref $SITE = KVNYS; ref $ANTENNA = KVN; enddef;
def Ku; ref $SITE = KVNUS; ref $ANTENNA = KVN; enddef;
def Kt; ref $SITE = KVNTN; ref $ANTENNA = KVN; enddef;
$SITE;
def KVNYS; site_name = KVNYS; site_position = -3042281.0290 m : 4045902.6673 m : 3867374.3313 m; enddef;
def KVNUS; site_name = KVNUS; site_position = -3287268.6591 m : 4023450.1291 m : 3687379.9883 m; enddef;
def KVNTN; site_name = KVNTN; site_position = -3171731.6818 m : 4292678.5318 m : 3481038.7880 m; enddef;
$ANTENNA; def KVN; axis_type = az : el; axis_offset = 0.0 m; enddef;
$SOURCE;
def 3C345; source_name = 3C345; ra = 16h42m58.8099660s; dec = 39d48'36.993960"; ref_coord_frame = J2000; enddef;
$FREQ;
def F;
  sample_rate = 8.0 Ms/sec;
  chan_def = : 22016.00 MHz : U : 4.00 MHz : &CH01 : &BBC01 : &NoCal;
  chan_def = : 22032.00 MHz : L : 4.00 MHz : &CH02 : &BBC01 : &NoCal;
enddef;
$IF; def I; if_def = &IF_A : A : L : 13700.00 MHz : U; enddef;
$BBC; def B; BBC_assign = &BBC01 : 1 : &IF_A; enddef;
$TRACKS;
def T;
  track_frame_format = VDIF_1032-32-2-2;
  fanout_def = : &CH01 : sign : 1 : 1; fanout_def = : &CH01 : mag : 1 : 1;
  fanout_def = : &CH02 : sign : 1 : 2; fanout_def = : &CH02 : mag : 1 : 2;
enddef;
$SCHED;
scan No0001;
  start = 2023y056d22h00m00s; mode = K; source = 3C345;
  station = Ky : 0 sec : 2 sec : 0 GB : : : 1;
  station = Ku : 0 sec : 2 sec : 0 GB : : : 1;
  station = Kt : 0 sec : 2 sec : 0 GB : : : 1;
endscan;
$EOP;
def E;
  TAI-UTC = 37 sec; eop_ref_epoch = 2023y055d; num_eop_points = 4; eop_interval = 24 hr;
  ut1-utc = -0.0151 sec : -0.0153 sec : -0.0155 sec : -0.0158 sec;
  x_wobble = 0.0190 asec : 0.0185 : 0.0180 : 0.0175;
  y_wobble = 0.3300 asec : 0.3312 : 0.3324 : 0.3336;
enddef;
$CLOCK;
def Ku; clock_early = 2023y056d22h00m00s : -1.0 usec : 2023y056d22h00m00s : 0.0; enddef;
"#;

/// What the sky does: a strong source, the delays of the model, and a clock that stamps samples too early.
const SKY: &str = r#"
name = "t24001"
seed = 11
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
[[bands]]
edge_mhz = 22032.0
bandwidth_mhz = 4.0
sideband = "lower"
polarization = "L"
[[stations]]
code = "KY"
position_m = [0.0, 0.0, 0.0]
[[stations]]
code = "KU"
position_m = [0.0, 0.0, 0.0]
residual_ns = [1000.0]
[[stations]]
code = "KT"
position_m = [0.0, 0.0, 0.0]
[[sources]]
name = "3C345"
power_fraction = 0.5
"#;

fn ok(ended: Ended) -> String {
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    ended.stdout
}

fn kvn(args: &[&str]) -> String {
    ok(Run::alone("kvn-corr").args(args).end())
}

/// A folder with the schedule and recordings that the sky made of it.
fn observed() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    fs::write(at("obs.vex"), VEX).unwrap();
    fs::write(at("sky.toml"), SKY).unwrap();
    fs::write(at("model.toml"), kvn(&["init", &at("obs.vex")])).unwrap();
    kvn(&["simulate", &at("sky.toml"), "--delays", &at("model.toml"), "--out", &at("disk")]);
    let job = kvn(&["init", &at("obs.vex"), "--recordings", &at("disk")]);
    let job = job
        .replace("channels = 256 ", "channels = 64 ")
        .replace("integration_s = 0.8192", "integration_s = 0.128");
    fs::write(at("job.toml"), job).unwrap();
    dir
}

fn assert_same_file(a: &Path, b: &Path) {
    assert!(fs::read(a).unwrap() == fs::read(b).unwrap(), "{} and {} differ", a.display(), b.display());
}

/// Columns of the CSV that `kvn-corr fringe` writes: baseline, detected, delay in s, rate in Hz, phase in rad.
fn fringes(folder: &Path, product: &Path) -> Vec<(String, bool, f64, f64, f64)> {
    kvn(&["fringe", product.to_str().unwrap(), "--csv", "--out", folder.to_str().unwrap()]);
    let stem = product.file_stem().unwrap().to_str().unwrap();
    let text = fs::read_to_string(folder.join(format!("{stem}.fringe.csv"))).unwrap();
    let mut lines = text.lines();
    let header: Vec<&str> = lines.next().unwrap().split(',').collect();
    let column =
        |name: &str| header.iter().position(|h| *h == name).unwrap_or_else(|| panic!("{name}: {header:?}"));
    let columns = ["delay_s", "rate_hz", "phase_rad"].map(column);
    let (baseline, detected) = (column("baseline"), column("detected"));
    let row = |line: &str| {
        let words: Vec<&str> = line.split(',').collect();
        let [delay, rate, phase] = columns.map(|c| words[c].parse().unwrap());
        (words[baseline].to_owned(), words[detected] == "true", delay, rate, phase)
    };
    lines.map(row).collect()
}

#[test]
fn a_schedule_becomes_fringes_at_zero() {
    let dir = observed();
    let at = |name: &str| -> PathBuf { dir.path().join(name) };
    for ranks in [1, 3] {
        let out = at(&format!("out{ranks}"));
        let args = ["run", at("job.toml").to_str().unwrap(), "--out", out.to_str().unwrap(), "-q"]
            .map(str::to_owned);
        ok(Run::mpi("kvn-corr", ranks).args(args).end());
    }
    assert_same_file(&at("out1/job.h5"), &at("out3/job.h5"));
    let rows = fringes(dir.path(), &at("out1/job.h5"));
    assert_eq!(rows.len(), 6);
    for (baseline, detected, delay_s, rate_hz, phase_rad) in rows {
        assert!(detected, "{baseline}");
        // A source of half the power in 4 MHz and 2 s: some 0.3 ns, 1 mHz and 0.01 rad.
        assert!(delay_s.abs() < 2e-9, "{baseline}: {delay_s} s");
        assert!(rate_hz.abs() < 0.02, "{baseline}: {rate_hz} Hz");
        assert!(phase_rad.abs() < 0.15, "{baseline}: {phase_rad} rad");
    }
    // The control: a clock of the wrong sign is seen.
    let wrong = fs::read_to_string(at("job.toml")).unwrap().replace("late_us = [1.0", "late_us = [-1.0");
    fs::write(at("wrong.toml"), wrong).unwrap();
    let args = ["run", at("wrong.toml").to_str().unwrap(), "--out", at("wrong").to_str().unwrap(), "-q"]
        .map(str::to_owned);
    ok(Run::alone("kvn-corr").args(args).end());
    let rows = fringes(dir.path(), &at("wrong/wrong.h5"));
    let off = rows.iter().filter(|r| r.0.contains("Ku")).all(|r| (r.2.abs() - 2e-6).abs() < 1e-8);
    assert!(off, "{rows:?}");
}

#[test]
fn what_cannot_be_done_is_told_before_any_work() {
    let dir = observed();
    let job = fs::read_to_string(dir.path().join("job.toml")).unwrap();
    let refused = |from: &str, to: &str, what: &str| {
        assert!(job.contains(from), "{from}");
        let path = dir.path().join("bad.toml");
        fs::write(&path, job.replace(from, to)).unwrap();
        let ended = Run::alone("kvn-corr").args(["run", path.to_str().unwrap()]).end();
        assert_eq!(ended.code, Some(65), "{}{}", ended.stdout, ended.stderr);
        assert!(ended.stderr.contains(what), "{}", ended.stderr);
    };
    refused(
        "format = \"vdif\"",
        "format = \"mark5b\"",
        "the job says format Mark5B, the recording says VDIF",
    );
    refused("format = \"vdif\"", "format = \"mark4\"", "are not correlated, only VDIF and Mark5B");
    refused("frame_bytes = 1032", "frame_bytes = 8032", "1032");
    refused("[correlation]", "[correlation]\nspeed = 3", "speed");
    refused("mjd = 60000.0", "mjd = 60009.0", "not in the order of time");
    refused(
        "start = \"2023-02-25T22:00:00\"",
        "start = \"2023-03-25T22:00:00\"",
        "Earth orientation is given from",
    );
    let ended = Run::alone("kvn-corr")
        .args(["init", dir.path().join("obs.vex").to_str().unwrap(), "--station", "Xx"])
        .end();
    assert_eq!(ended.code, Some(65));
    assert!(ended.stderr.contains("it has Ky, Ku, Kt"), "{}", ended.stderr);
    fs::write(dir.path().join("bad.vex"), VEX.replace("ref $SITE = KVNUS;", "ref $SITE = KVNUX;")).unwrap();
    let ended = Run::alone("kvn-corr").args(["inspect", dir.path().join("bad.vex").to_str().unwrap()]).end();
    assert_eq!(ended.code, Some(65));
    assert!(
        ended.stderr.contains("bad.vex:8:") && ended.stderr.contains("def Ku; ref $SITE = KVNUX;"),
        "{}",
        ended.stderr
    );
}

#[test]
fn delays_are_a_table() {
    let dir = observed();
    let at = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    kvn(&["delay", &at("model.toml"), "--csv", &at("all.csv"), "--step", "1"]);
    kvn(&["delay", &at("model.toml"), "--csv", &at("none.csv"), "--step", "1", "--no-troposphere"]);
    let read = |name: &str| -> Vec<Vec<String>> {
        let text = fs::read_to_string(at(name)).unwrap();
        text.lines().skip(1).map(|l| l.split(',').map(str::to_owned).collect()).collect()
    };
    let (all, none) = (read("all.csv"), read("none.csv"));
    assert_eq!((all.len(), none.len()), (9, 9));
    for (a, n) in all.iter().zip(&none) {
        let number = |row: &[String], column: usize| row[column].parse::<f64>().unwrap();
        let air_s = number(a, 3) - number(n, 3);
        assert!(air_s > 7.5e-9 && air_s < 50e-9, "{a:?}");
        assert!((air_s - number(a, 10) - number(a, 11)).abs() < 1e-13);
        assert!((number(a, 7) - 299_792_458.0 * number(a, 3)).abs() < 1e-5);
    }
}

/// An orbit ephemeris message: a circle of 42000 km through the direction of the source at the start of the scan, to the east.
fn message() -> String {
    let (ra, dec) = (250.745041525f64.to_radians(), 39.81027610f64.to_radians());
    let toward = [dec.cos() * ra.cos(), dec.cos() * ra.sin(), dec.sin()];
    let east = [-ra.sin(), ra.cos(), 0.0];
    let (radius_km, turn) = (42_000.0, 7.33e-5);
    let mut text =
        "CCSDS_OEM_VERS = 2.0\nMETA_START\nOBJECT_NAME = NEAR\nCENTER_NAME = EARTH\nREF_FRAME = ICRF\n\
                    TIME_SYSTEM = UTC\nMETA_STOP\n"
            .to_owned();
    for minute in -3i32..=6 {
        let (sin, cos) = (turn * 60.0 * f64::from(minute)).sin_cos();
        let hour = if minute < 0 { 21 } else { 22 };
        text += &format!("2023-02-25T{hour}:{:02}:00", minute.rem_euclid(60));
        for (along, across) in
            [(radius_km * cos, radius_km * sin), (-turn * radius_km * sin, turn * radius_km * cos)]
        {
            for axis in 0..3 {
                text += &format!(" {:.12}", along * toward[axis] + across * east[axis]);
            }
        }
        text.push('\n');
    }
    text
}

#[test]
fn a_satellite_is_followed_on_its_orbit() {
    let dir = observed();
    let at = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    fs::write(at("near.oem"), message()).unwrap();
    let near = |name: &str| {
        let text = fs::read_to_string(at(name)).unwrap();
        text.replace("name = \"3C345\"", "name = \"3C345\"\norbit = \"near.oem\"")
    };
    fs::write(at("near-model.toml"), near("model.toml")).unwrap();
    kvn(&["simulate", &at("sky.toml"), "--delays", &at("near-model.toml"), "--out", &at("near")]);
    let disk = |text: String| text.replace(&at("disk"), &at("near"));
    fs::write(at("near.toml"), disk(near("job.toml"))).unwrap();
    fs::write(at("far.toml"), disk(fs::read_to_string(at("job.toml")).unwrap())).unwrap();
    let correlate = |name: &str| {
        kvn(&["run", &at(&format!("{name}.toml")), "--out", &at(name), "-q"]);
        fringes(dir.path(), &dir.path().join(format!("{name}/{name}.h5")))
    };
    for (baseline, detected, delay_s, rate_hz, _) in correlate("near") {
        assert!(
            detected && delay_s.abs() < 2e-9 && rate_hz.abs() < 0.02,
            "{baseline}: {delay_s} s, {rate_hz} Hz"
        );
    }
    // The control: with the delays of a far source in the same direction nothing is found at zero.
    for (baseline, detected, delay_s, rate_hz, _) in correlate("far") {
        assert!(
            !detected || delay_s.abs() > 1e-8 || rate_hz.abs() > 0.1,
            "{baseline}: {delay_s} s, {rate_hz} Hz"
        );
    }
    // An orbit that ends too early is an error.
    let short: Vec<String> = message().lines().take(10).map(str::to_owned).collect();
    fs::write(at("near.oem"), short.join("\n") + "\n").unwrap();
    let ended = Run::alone("kvn-corr").args(["run", &at("near.toml"), "--out", &at("short")]).end();
    assert_eq!(ended.code, Some(65));
    assert!(ended.stderr.contains("the orbit of NEAR has no states around"), "{}", ended.stderr);
}

#[test]
fn a_converted_job_gives_the_same_visibilities() {
    let difx = root().join("../shared/data/vlbi/difx");
    if !difx.is_dir() {
        println!("skipped: {} is not there", difx.display());
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let (input, toml) = (difx.join("G256/job.input"), dir.path().join("job.toml"));
    let text = kvn(&["convert", input.to_str().unwrap()]);
    // The job stands elsewhere than the files that it names.
    let folder = input.parent().unwrap().to_str().unwrap().to_owned();
    let text = text
        .replace("difx_im = \"job.im\"", &format!("difx_im = \"{folder}/job.im\""))
        .replace("\"../data", &format!("\"{folder}/../data"));
    fs::write(&toml, text).unwrap();
    for (job, out) in [(&input, "a"), (&toml, "b")] {
        let args =
            ["run", job.to_str().unwrap(), "--out", dir.path().join(out).to_str().unwrap(), "-q", "--swin"]
                .map(str::to_owned);
        ok(Run::mpi("kvn-corr", 2).args(args).end());
    }
    let name = "job.difx/DIFX_60000_000000.s0000.b0000";
    assert_same_file(&dir.path().join("a").join(name), &dir.path().join("b").join(name));
}
