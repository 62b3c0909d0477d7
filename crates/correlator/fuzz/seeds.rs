//! Makes the seeds of the fuzz targets: small files of each kind that are read without a complaint.

use mirinae_correlator::baseband::{Recording, RecordingOptions, VdifHeader};
use mirinae_correlator::difx::{Calc, DifxJob, Im, Input};
use mirinae_correlator::job::JobFile;
use mirinae_correlator::job::file::{convert, init, write};
use mirinae_correlator::orbit::Orbit;
use mirinae_correlator::schedule::Schedule;
use mirinae_correlator::sim::{SimConfig, simulate};
use std::fs;
use std::path::Path;

/// Target, name of the file, content.
pub type Seed = (&'static str, String, Vec<u8>);

const SCHEDULES: [(&str, &str); 2] = [
    ("kvn-1.5.vex", include_str!("../tests/kvn-1.5.vex")),
    ("kvn-2.0.vex", include_str!("../tests/kvn-2.0.vex")),
];

const ANTAB: &str = "! made up\nGAIN KY ELEV DPFU=0.07,0.08 POLY=1.0,0.01 /\n\
TSYS KY FT=1.0 TIMEOFF=0 INDEX='R1','L1:4' /\n010 12:01.00 90.5 101.2\n010 12:02.50 91 -1\n/\n\
TSYS KU INDEX='L1' /\n010 12:01.00 80.0\n/\n";

const ANTAB_GROUPS: &str = "TSYS KVNYS FT=2.0 TIMEOFF=30\nINDEX='X1|Y1','R2'\n/\n365 23:59.99 1e2 200.0 /\n\
TSYS KY TIMEOFF=-1 INDEX='L1','L2' /\n1 00:00.0 55.5 56.5 ! remark\n/\n";

const MESSAGE: &str = "CCSDS_OEM_VERS = 2.0\nCREATION_DATE = 2024-01-10T00:00:00\nORIGINATOR = US\nMETA_START\nOBJECT_NAME = MOUSE\n\
CENTER_NAME = EARTH\nREF_FRAME = EME2000\nTIME_SYSTEM = UTC\nMETA_STOP\nCOMMENT made up\n\
2024-01-10T12:00:00.5 7000.0 0.0 1.0 0.0 7.5 0.0\n2024-010T12:01:00.5 6990.0 450.0 1.0 -0.1 7.4 0.0 0 0 0\n\
COVARIANCE_START\n1.0\nCOVARIANCE_STOP\n";

const HORIZONS: &str = "Target body name: Mouse (-1) {source: mouse}\nCenter body name: Earth (399) {source: DE441}\n\
Output units    : KM-S\nOutput type     : GEOMETRIC cartesian states\nReference frame : ICRF\nJDTDB\n$$SOE\n\
2460320.0 = A.D. 2024-Jan-10 12:00:00.0000 TDB\n X = 7.0E+03 Y = 0.0E+00 Z = 1.0E+00\n VX= 0.0E+00 VY= 7.5E+00 VZ= 0.0E+00\n\
2460320.1 = A.D. 2024-Jan-10 14:24:00.0000 TDB\n X = 6.9E+03 Y = 4.5E+02 Z = 1.0E+00\n VX=-1.0E-01 VY= 7.4E+00 VZ= 0.0E+00\n$$EOE\n";

const HORIZONS_CSV: &str = "Target body name: Mouse (-1)\nCenter body name: Solar System Barycenter (0)\nOutput units : KM-S\n\
Output type : GEOMETRIC cartesian states\nReference frame : ICRF\nJDTDB, Calendar Date (TDB), X, Y, Z, VX, VY, VZ,\n$$SOE\n\
2460320.0, A.D. 2024-Jan-10 12:00:00.0000, 7.0E+03, 0.0, 1.0, 0.0, 7.5, 0.0,\n\
2460320.1, A.D. 2024-Jan-10 14:24:00.0000, 6.9E+03, 4.5E+02, 1.0, -0.1, 7.4, 0.0,\n$$EOE\n";

/// Two stations, two channels, two phase centres, some milliseconds.
const SIM: &str = r#"
name = "job"
seed = 1
start_mjd = 60000
start_second = 36000
duration_s = 0.0032
bits = 2
frame_bytes = 72
channels = 16
average = 2
integration_s = 0.0016
shift_ms = 0.5
ra_deg = 343.4906
dec_deg = 16.1482
bands = [
  { edge_mhz = 22000.0, bandwidth_mhz = 1.0, sideband = "upper", polarization = "L" },
  { edge_mhz = 22002.0, bandwidth_mhz = 1.0, sideband = "lower", polarization = "L" },
]
stations = [
  { code = "KY", position_m = [-3042281.0290, 4045902.6673, 3867374.3313] },
  { code = "KU", position_m = [-3287268.6591, 4023450.1291, 3687379.9883] },
]
sources = [{ name = "A", power_fraction = 0.1 }]
centres = [{ name = "B", east_arcsec = 10.0, north_arcsec = 0.0 }, { name = "C", east_arcsec = 0.0, north_arcsec = -10.0 }]
"#;

/// All seeds.
pub fn all() -> Vec<Seed> {
    let mut seeds: Vec<Seed> = Vec::new();
    for (name, text) in SCHEDULES {
        seeds.push(("vex", name.to_owned(), text.as_bytes().to_vec()));
        let made = schedule(name, text);
        seeds.push(("job", name.replace(".vex", ".toml"), made.into_bytes()));
    }
    seeds.push(("antab", "plain.antab".to_owned(), ANTAB.into()));
    seeds.push(("antab", "groups.antab".to_owned(), ANTAB_GROUPS.into()));
    for (name, text) in [("message.oem", MESSAGE), ("vectors.txt", HORIZONS), ("vectors.csv", HORIZONS_CSV)] {
        seeds.push(("orbit", name.to_owned(), text.into()));
    }
    seeds.extend(simulated());
    seeds.extend(recordings());
    seeds.extend(mark5b());
    seeds
}

/// A job of a schedule, with its recordings filled in.
fn schedule(name: &str, text: &str) -> String {
    let schedule = Schedule::parse(Path::new(name), text).expect("a schedule");
    let mut job = init::init(&schedule, &init::Wishes::default()).expect("a job");
    for stream in job.stations.iter_mut().flat_map(|s| &mut s.streams) {
        stream.recordings = vec!["a.vdif".to_owned()];
    }
    write::to_toml(&job, name)
}

/// The files of a simulated job.
fn simulated() -> Vec<Seed> {
    let folder = std::env::temp_dir().join(format!("mirinae-seeds-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder");
    let config = folder.join("sim.toml");
    fs::write(&config, SIM).expect("a file");
    let made = simulate(&SimConfig::read(&config).expect("a simulation"), &folder).expect("recordings");
    let read = |path: &Path| fs::read(path).expect("a file");
    let mut seeds: Vec<Seed> = Vec::new();
    let other = |ending: &str| read(&made.input.with_extension(ending));
    seeds.push(("input", "job.input".to_owned(), anywhere(&other("input"))));
    seeds.push(("input", "job.calc".to_owned(), anywhere(&other("calc"))));
    seeds.push(("im", "job.im".to_owned(), other("im")));
    seeds.push(("im", "one-centre.im".to_owned(), one_centre(&other("im"))));
    let difx = DifxJob::open(&made.input).expect("a job");
    let converted = convert::convert(&difx, &folder).expect("a job");
    seeds.push(("job", "converted.toml".to_owned(), write::to_toml(&converted, "job.input").into_bytes()));
    fs::remove_dir_all(&folder).expect("a folder");
    seeds
}

/// The same file, naming others that are there wherever it is read.
fn anywhere(text: &[u8]) -> Vec<u8> {
    let line = |line: &str| match line.split_once(':') {
        Some((key @ ("CALC FILENAME" | "IM FILENAME"), _)) => format!("{key}: /proc/self/exe"),
        Some((key, _)) if key.starts_with("FILE ") => format!("{key}: /proc/self/exe"),
        _ => line.to_owned(),
    };
    String::from_utf8_lossy(text).lines().map(line).collect::<Vec<_>>().join("\n").into_bytes()
}

/// The same `.im` without its second phase centre.
fn one_centre(im: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(im);
    let kept = text.lines().filter(|l| !l.contains("PHS CTR 1 SRC") && !l.starts_with("SRC 2 "));
    let line = |l: &str| if l.contains("NUM PHS CTRS") { l.replace('2', "1") } else { l.to_owned() };
    kept.map(line).collect::<Vec<_>>().join("\n").into_bytes()
}

/// Small VDIF recordings of many kinds, over the end of a second.
fn recordings() -> Vec<Seed> {
    let mut seeds = Vec::new();
    for (name, log2_channels, bits, complex, legacy, threads, edv) in [
        ("one.vdif", 0, 2, false, false, 1, 0),
        ("sixteen.vdif", 4, 2, false, false, 1, 1),
        ("threads.vdif", 0, 2, false, false, 4, 3),
        ("legacy.vdif", 1, 1, false, true, 1, 0),
        ("complex.vdif", 2, 8, true, false, 1, 4),
        ("wide.vdif", 0, 16, false, false, 2, 2),
        ("four-bits.vdif", 1, 4, true, false, 1, 0xab),
    ] {
        let mut bytes = Vec::new();
        for i in 0..8 {
            for thread in (0..threads).rev() {
                let header = VdifHeader {
                    invalid: i == 5,
                    legacy,
                    seconds: 14_363_767 + i / 4,
                    unassigned: 0,
                    ref_epoch: 28,
                    frame_number: 196 + i - 200 * (i / 4),
                    version: 0,
                    log2_channels,
                    frame_bytes: 96,
                    complex,
                    bits,
                    thread,
                    station: 0x4b59,
                    extended: if legacy || edv == 0 { [0; 4] } else { [edv << 24 | 64, 0xacab_feed, 3, 4] },
                };
                let header = header.to_bytes().expect("a header");
                let payload = 96 - header.len();
                bytes.extend(header);
                bytes.extend((0..payload).map(|k| (k as u32 * 37 + i * 11 + u32::from(thread)) as u8));
            }
        }
        seeds.push(("vdif", name.to_owned(), bytes));
    }
    seeds
}

/// Mark5B: two and three frames, one of them fill.
fn mark5b() -> Vec<Seed> {
    let frame = |number: u32, second: u32, fill: bool| {
        let words = [0xabad_deed, number, 0x0003_6000 + second, 0];
        let mut bytes: Vec<u8> = words.iter().flat_map(|w: &u32| w.to_le_bytes()).collect();
        for k in 0..2500u32 {
            bytes.extend(
                if fill { 0x1122_3344 } else { k.wrapping_mul(2_654_435_761) ^ number }.to_le_bytes(),
            );
        }
        bytes
    };
    let two = [frame(0, 0, false), frame(1, 0, false)].concat();
    let three = [frame(8, 0, false), frame(9, 0, true), frame(0, 1, false)].concat();
    vec![("mark5b", "two.m5b".to_owned(), two), ("mark5b", "three.m5b".to_owned(), three)]
}

/// Seeds that are not read to the end.
pub fn refused() -> Vec<String> {
    let file = std::env::temp_dir().join(format!("mirinae-seed-{}", std::process::id()));
    let mut refused = Vec::new();
    for (target, name, bytes) in all() {
        fs::write(&file, &bytes).expect("a file");
        let (path, text) = (file.as_path(), String::from_utf8_lossy(&bytes));
        let options = RecordingOptions { sample_rate_hz: Some(64_000), ..RecordingOptions::default() };
        let mark5b = RecordingOptions {
            channels: Some(4),
            bits: Some(2),
            sample_rate_hz: Some(800_000),
            ..RecordingOptions::default()
        };
        let fault = match target {
            "vex" => Schedule::parse(path, &text).err().map(|e| e.to_string()),
            "job" => JobFile::parse(path, &text).err().map(|e| e.to_string()),
            "im" => Im::open(path).err().map(|e| e.to_string()),
            "input" if name.ends_with("input") => Input::open(path).err().map(|e| e.to_string()),
            "input" => Calc::open(path).err().map(|e| e.to_string()),
            "vdif" => Recording::open(&[path], &options).err().map(|e| e.to_string()),
            "orbit" => Orbit::open(path).err().map(|e| e.to_string()),
            "mark5b" => Recording::open(&[path], &mark5b).err().map(|e| e.to_string()),
            _ => None,
        };
        refused.extend(fault.map(|fault| format!("{target} {name}: {fault}")));
    }
    fs::remove_file(&file).expect("a file");
    refused
}
