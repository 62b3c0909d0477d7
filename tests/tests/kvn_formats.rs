//! Recordings of all formats through the built program: the same samples give the same visibilities, whatever holds them.
#![allow(clippy::unwrap_used)]

use mirinae_tests::Run;
use mirinae_tests::swin::{difference, read as read_swin};
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Two upper sidebands of 8 MHz: 800 frames a second of 10 000 bytes, as Mark5B has them.
const SKY: &str = r#"
name = "sky"
seed = 21
start_mjd = 60000
start_second = 36000
duration_s = 1.0
bits = 2
frame_bytes = 10032
channels = 256
integration_s = 0.128
ra_deg = 343.5
dec_deg = 16.1
[[bands]]
edge_mhz = 22000.0
bandwidth_mhz = 8.0
sideband = "upper"
polarization = "L"
[[bands]]
edge_mhz = 22012.0
bandwidth_mhz = 8.0
sideband = "upper"
polarization = "L"
[[stations]]
code = "KY"
position_m = [-3042281.0290, 4045902.6673, 3867374.3313]
#KY
[[stations]]
code = "KU"
position_m = [-3287268.6591, 4023450.1291, 3687379.9883]
residual_ns = [10.0]
#KU
[[stations]]
code = "KT"
position_m = [-3171731.6818, 4292678.5318, 3481038.7880]
residual_ns = [-6.0]
#KT
[[sources]]
name = "S"
power_fraction = 0.4
"#;

/// A folder with simulated recordings, and jobs of them.
struct Sky {
    folder: TempDir,
}

impl Sky {
    /// With lines added to stations' entries.
    fn new(recorders: &[(&str, &str)]) -> Self {
        Self::of(SKY, recorders)
    }

    /// The same of another sky.
    fn of(sky_text: &str, recorders: &[(&str, &str)]) -> Self {
        let sky = Self { folder: tempfile::tempdir().unwrap() };
        let text = recorders.iter().fold(sky_text.to_owned(), |text, (code, lines)| {
            text.replace(&format!("#{code}\n"), &format!("[stations.recorder]\n{lines}\n"))
        });
        fs::write(sky.path("sky.toml"), text).unwrap();
        let (config, out) = (sky.path("sky.toml"), sky.path(""));
        let args = ["simulate".as_ref(), config.as_os_str(), "--out".as_ref(), out.as_os_str()];
        Run::alone("kvn-corr").args(args).end().expect(0);
        sky
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn recording(&self, code: &str) -> PathBuf {
        self.path(&format!("sky_{code}.vdif"))
    }

    /// The job.toml of recordings that are all alike.
    fn converted(&self) -> String {
        Run::alone("kvn-corr").args(["convert".into(), self.path("sky.input")]).end().expect(0).stdout
    }

    /// Runs a job of this text and name on two ranks.
    fn run(&self, name: &str, job: &str) -> (Option<i32>, PathBuf) {
        self.run_cut(name, job, "1")
    }

    /// The same in so many groups of bands.
    fn run_cut(&self, name: &str, job: &str, bands: &str) -> (Option<i32>, PathBuf) {
        let file = self.path(&format!("{name}.toml"));
        fs::write(&file, job).unwrap();
        let out = self.path(&format!("{name}.out"));
        let args = ["run".as_ref(), file.as_os_str(), "--out".as_ref(), out.as_os_str()];
        let ended = Run::mpi("kvn-corr", 2).args(args).args(["--swin", "--fits-idi", "--no-progress"]);
        let ended = ended.args(["--cut-bands", bands]).end();
        assert!(matches!(ended.code, Some(0 | 1)), "{name}: {}\n{}", ended.stdout, ended.stderr);
        (ended.code, out)
    }

    /// Bursts and narrow-band signals of noise, so low is the threshold, that are found in the recordings of a job that was run.
    fn searched(&self, name: &str) -> [String; 2] {
        let (file, out) = (self.path(&format!("{name}.toml")), self.path(&format!("{name}.found")));
        let bursts = ["--dm-max", "10", "--threshold", "3.5"].as_slice();
        let narrow = ["--channel-hz", "32", "--stretch", "1", "--threshold", "5"].as_slice();
        [("bursts", bursts), ("narrow", narrow)].map(|(search, options)| {
            let args =
                ["search".as_ref(), search.as_ref(), file.as_os_str(), "--out".as_ref(), out.as_os_str()];
            Run::mpi("kvn-corr", 2).args(args).args(options).end().expect(0);
            fs::read_to_string(out.join(format!("{name}.{search}.csv"))).unwrap()
        })
    }

    /// Fringes of a run's product.
    fn fringes(&self, product: &Path) -> Vec<Fringe> {
        let out = self.path("fringes");
        let args =
            ["fringe".as_ref(), product.as_os_str(), "--csv".as_ref(), "--out".as_ref(), out.as_os_str()];
        Run::alone("kvn-corr").args(args).end().expect(0);
        let stem = product.file_stem().unwrap().to_str().unwrap();
        let text = fs::read_to_string(out.join(format!("{stem}.fringe.csv"))).unwrap();
        let header: Vec<&str> = text.lines().next().unwrap().split(',').collect();
        let column = |name: &str| {
            header.iter().position(|h| *h == name).unwrap_or_else(|| panic!("{name}: {header:?}"))
        };
        let row = |line: &str| {
            let words: Vec<&str> = line.split(',').collect();
            let number = |name: &str| words[column(name)].parse::<f64>().unwrap();
            Fringe {
                baseline: words[column("baseline")].to_owned(),
                low_mhz: number("low_hz") / 1e6,
                delay_s: number("delay_s"),
                rate_hz: number("rate_hz"),
                amplitude: number("amplitude"),
                phase_rad: number("phase_rad"),
            }
        };
        text.lines().skip(1).map(row).collect()
    }
}

#[derive(Debug)]
struct Fringe {
    baseline: String,
    low_mhz: f64,
    delay_s: f64,
    rate_hz: f64,
    amplitude: f64,
    phase_rad: f64,
}

/// DiFX's format is without the names and sizes of recordings: equal visibilities are equal bytes.
fn visibilities(out: &Path) -> Vec<u8> {
    let folder = fs::read_dir(out)
        .unwrap()
        .map(|e| e.unwrap().path())
        .find(|p| p.extension().is_some_and(|e| e == "difx"));
    let mut files: Vec<PathBuf> = fs::read_dir(folder.unwrap()).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    files.iter().flat_map(|f| fs::read(f).unwrap()).collect()
}

/// Header and payload of every frame of a VDIF file with frames of 10 032 bytes.
fn frames(vdif: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    vdif.chunks_exact(10_032).map(|frame| frame.split_at(32))
}

/// The same samples as Mark5B writes them, word by word through `order`.
fn as_mark5b(vdif: &[u8], order: impl Fn(u32) -> u32) -> Vec<u8> {
    let mut out = Vec::new();
    for (header, payload) in frames(vdif) {
        let word = |i: usize| u32::from_le_bytes(header[4 * i..4 * i + 4].try_into().unwrap());
        // VDIF's epoch 46 begins with MJD 59945, a Sunday in January 2023.
        assert_eq!(word(1) >> 24 & 0x3f, 46);
        let (seconds, number) = (word(0) & 0x3fff_ffff, word(1) & 0xff_ffff);
        let (day, second) = ((59_945 + seconds / 86_400) % 1000, seconds % 86_400);
        let digits = format!("{day:03}{second:05}").chars().fold(0, |w, c| w << 4 | c.to_digit(10).unwrap());
        for word in [0xabad_deed, number, digits, 0] {
            out.extend(word.to_le_bytes());
        }
        for word in payload.chunks_exact(4) {
            out.extend(order(u32::from_le_bytes(word.try_into().unwrap())).to_le_bytes());
        }
    }
    out
}

/// Codes of sixteen samples: 0, 1, 2, 3 are sign and magnitude 0, 2, 1, 3 in Mark5B.
fn sign_and_magnitude(word: u32) -> u32 {
    (0..16).fold(0, |out, i| out | [0, 2, 1, 3][(word >> (2 * i) & 3) as usize] << (2 * i))
}

/// KVN's order for two channels: first eight samples of one, then eight of the other.
fn kvn5b(word: u32) -> u32 {
    let word = sign_and_magnitude(word);
    (0..16).fold(0, |out, i| out | (word >> (2 * i) & 3) << (2 * (8 * (i % 2) + i / 2)))
}

/// What two disks of a Mark6 hold of a recording: blocks of ten frames, dealt out unevenly, the last one short.
fn as_mark6(packets: &[u8], packet: usize, kind: u32) -> [Vec<u8>; 2] {
    let header = |block_bytes: u32| {
        let words = [0xfeed_6666u32, 2, block_bytes, kind, packet as u32];
        words.iter().flat_map(|w| w.to_le_bytes()).collect::<Vec<u8>>()
    };
    let mut disks = [header(10 * packet as u32 + 8), header(10 * packet as u32 + 8)];
    for (number, block) in packets.chunks(10 * packet).enumerate() {
        let disk = &mut disks[usize::from(number % 5 > 2)];
        disk.extend((number as u32).to_le_bytes());
        disk.extend((block.len() as u32 + 8).to_le_bytes());
        disk.extend(block);
    }
    disks
}

const CODES: [&str; 3] = ["KY", "KU", "KT"];

#[test]
fn the_same_samples_give_the_same_visibilities() {
    let sky = Sky::new(&[]);
    let job = sky.converted();
    let (code, plain) = sky.run("plain", &job);
    assert_eq!(code, Some(0));
    let wanted = visibilities(&plain);
    assert!(wanted.len() > 10_000);
    let folders = ["disk1", "disk2"];
    folders.iter().for_each(|f| fs::create_dir(sky.path(f)).unwrap());
    for code in CODES {
        let vdif = fs::read(sky.recording(code)).unwrap();
        fs::write(sky.path(&format!("{code}.m5b")), as_mark5b(&vdif, sign_and_magnitude)).unwrap();
        fs::write(sky.path(&format!("{code}.kvn")), as_mark5b(&vdif, kvn5b)).unwrap();
        for (folder, disk) in folders.iter().zip(as_mark6(&vdif, 10_032, 0)) {
            fs::write(sky.path(&format!("{folder}/{code}.vdif")), disk).unwrap();
        }
        for (folder, disk) in folders.iter().zip(as_mark6(&as_mark5b(&vdif, sign_and_magnitude), 10_016, 1)) {
            fs::write(sky.path(&format!("{folder}/{code}.m5b")), disk).unwrap();
        }
        let cuts = [0, 10_031, 10_033, 3_000_000, 3_000_001, vdif.len()];
        for (i, cut) in cuts.windows(2).enumerate() {
            fs::write(sky.path(&format!("{code}.part{i}")), &vdif[cut[0]..cut[1]]).unwrap();
        }
    }
    let change = |ending: &str, format: &str, frame: usize| {
        CODES.iter().fold(job.clone(), |job, code| {
            job.replace(&format!("\"sky_{code}.vdif\""), &format!("\"{}\"", ending.replace("CODE", code)))
                .replace("format = \"vdif\"", &format!("format = \"{format}\""))
                .replace("frame_bytes = 10032", &format!("frame_bytes = {frame}"))
        })
    };
    for (name, files, format, frame) in [
        ("mark5b", "CODE.m5b", "mark5b", 10_016),
        ("kvn5b", "CODE.kvn", "kvn5b", 10_016),
        ("mark6", "disk?/CODE.vdif", "vdif", 10_032),
        ("mark6mark5b", "disk?/CODE.m5b", "mark5b", 0),
        ("parts", "CODE.part*", "vdif", 10_032),
    ] {
        let (code, out) = sky.run(name, &change(files, format, frame));
        assert_eq!(code, Some(0), "{name}");
        assert!(visibilities(&out) == wanted, "{name}: other visibilities");
    }
    let searched = sky.searched("plain");
    let rows = searched.each_ref().map(|table| table.lines().count());
    assert!(rows.iter().all(|rows| *rows > 2), "{rows:?}");
    for name in ["mark5b", "mark6mark5b"] {
        assert!(sky.searched(name) == searched, "{name}: other bursts or signals");
    }
    // Controls: another order of bits, a disk that is missing, a part that is missing.
    let (_, out) = sky.run("order", &change("CODE.m5b", "kvn5b", 10_016));
    assert!(visibilities(&out) != wanted && sky.searched("order") != searched, "control: KVN's order");
    let (code, out) = sky.run("disk", &change("disk1/CODE.vdif", "vdif", 10_032));
    assert!(code == Some(1) && visibilities(&out) != wanted, "control: one disk of two");
    let (code, out) = sky.run("lost", &change("CODE.part[0124]", "vdif", 10_032));
    assert!(code == Some(1) && visibilities(&out) != wanted, "control: a part is missing");
    // A format that the recordings are not in is told before any work.
    let file = sky.path("wrong.toml");
    fs::write(&file, change("CODE.m5b", "vdif", 0)).unwrap();
    let ended = Run::mpi("kvn-corr", 2).args(["run".as_ref(), file.as_os_str()]).end();
    ended.expect(65).expect_message(&["Mark5B", "KY.m5b", "KY"]);
}

/// The same samples of four channels in two threads of two channels each, the later thread first, with extended words
/// (0 to 3) of a frame's number.
fn as_threads(vdif: &[u8], [first, second]: [u32; 2], extended: impl Fn(usize) -> [u32; 4]) -> Vec<u8> {
    let mut out = Vec::new();
    for (i, (header, payload)) in frames(vdif).enumerate() {
        let word = |i: usize| u32::from_le_bytes(header[4 * i..4 * i + 4].try_into().unwrap());
        for (thread, shift) in [(second, 4), (first, 0)] {
            // Frames of 5032 bytes and two channels.
            let words =
                [word(0), word(1), word(2) & 0xe000_0000 | 1 << 24 | (5032 / 8), word(3) | thread << 16];
            out.extend(words.iter().chain(&extended(i)).flat_map(|w| w.to_le_bytes()));
            out.extend(payload.chunks_exact(2).map(|two| two[0] >> shift & 15 | (two[1] >> shift & 15) << 4));
        }
    }
    out
}

/// Threads in files of their own: whoever makes some bands reads the files of these.
fn threads_in_files_of_their_own_give_the_same(sky: &Sky, job: &str, wanted: &[u8]) {
    let split = CODES.iter().fold(job.to_owned(), |job, code| {
        let bytes = fs::read(sky.path(&format!("{code}.threads"))).unwrap();
        for (name, parity) in [("2", 0), ("7", 1)] {
            let own: Vec<&[u8]> = bytes.chunks(5032).skip(parity).step_by(2).collect();
            fs::write(sky.path(&format!("{code}.thread{name}")), own.concat()).unwrap();
        }
        job.replace(&format!("\"{code}.threads\""), &format!("\"{code}.thread2\", \"{code}.thread7\""))
    });
    for cut in ["1", "2", "4"] {
        let (code, out) = sky.run_cut(&format!("split{cut}"), &split, cut);
        assert_eq!(code, Some(0), "split, {cut} groups");
        assert!(visibilities(&out) == *wanted, "split, {cut} groups: other visibilities");
    }
    let planned = |name: &str, ranks: &str| {
        let job = sky.path(&format!("{name}.toml"));
        Run::alone("kvn-corr").args(["plan".as_ref(), job.as_os_str()]).args(["--ranks", ranks]).end().stdout
    };
    assert!(
        planned("split1", "64").contains("cut into 2 groups of bands, 3 of baselines"),
        "{}",
        planned("split1", "64")
    );
    assert!(planned("split1", "64").contains("each reads the files of its bands"));
    assert!(planned("none", "64").contains("bands lie in the same files"), "{}", planned("none", "64"));
    assert!(planned("none", "2").contains("not cut any further"), "{}", planned("none", "2"));
}

#[test]
fn several_channels_a_thread_and_all_extended_headers_give_the_same_visibilities() {
    let band = |edge: f64| {
        format!(
            "[[bands]]\nedge_mhz = {edge}\nbandwidth_mhz = 8.0\nsideband = \"upper\"\npolarization = \"L\"\n"
        )
    };
    let more = [band(22_024.0), band(22_036.0), "[[stations]]\ncode = \"KY\"".to_owned()].concat();
    let sky = Sky::of(
        &SKY.replace("[[stations]]\ncode = \"KY\"", &more).replace("= 1.0\nbits", "= 0.3\nbits"),
        &[],
    );
    let job = sky.converted();
    let (_, plain) = sky.run("plain", &job);
    let wanted = visibilities(&plain);
    assert!(wanted.len() > 10_000);
    let job = CODES
        .iter()
        .fold(job, |job, code| job.replace(&format!("\"sky_{code}.vdif\""), &format!("\"{code}.threads\"")))
        .replace("frame_bytes = 10032", "frame_bytes = 5032")
        .replace("# threads = [0, 1]", "threads = [7, 2]");
    assert_eq!(job.matches("\nthreads = [7, 2]").count(), 3, "{job}");
    let record = |kinds: [&dyn Fn(usize) -> [u32; 4]; 3]| {
        for (code, kind) in CODES.iter().zip(kinds) {
            let vdif = fs::read(sky.recording(code)).unwrap();
            fs::write(sky.path(&format!("{code}.threads")), as_threads(&vdif, [7, 2], kind)).unwrap();
        }
    };
    const SYNC: u32 = 0xacab_feed;
    let none: &dyn Fn(usize) -> [u32; 4] = &|_| [0; 4];
    // Words without a version as some recorders leave them; NICT's; ALMA's with a serial number; the VLBA's; whole frames
    // of merged threads; Mark5B's.
    let words: &dyn Fn(usize) -> [u32; 4] = &|i| [0x00ab_cdef, i as u32, !0, 5];
    let nict: &dyn Fn(usize) -> [u32; 4] = &|_| [1 << 24 | 1 << 23 | 8, SYNC, 0x4b56_4e59, 0x5320_2020];
    let alma: &dyn Fn(usize) -> [u32; 4] = &|i| [2 << 24 | 0x0a_5ae0, 0, i as u32, 0];
    let vlba: &dyn Fn(usize) -> [u32; 4] = &|_| [3 << 24 | 8000, SYNC, 0, 0x0012_3456];
    let merged: &dyn Fn(usize) -> [u32; 4] = &|_| [4 << 24 | 2 << 16, SYNC, 3, 0];
    let mark5b: &dyn Fn(usize) -> [u32; 4] = &|i| [0xab << 24, 0xabad_deed, i as u32, 0x0003_6000];
    for (name, kinds) in
        [("none", [none; 3]), ("first", [words, nict, alma]), ("second", [vlba, merged, mark5b])]
    {
        record(kinds);
        let (code, out) = sky.run(name, &job);
        assert_eq!(code, Some(0), "{name}");
        assert!(visibilities(&out) == wanted, "{name}: other visibilities");
    }
    // Control: the threads the other way round.
    let (_, out) = sky.run("turned", &job.replace("threads = [7, 2]", "threads = [2, 7]"));
    assert!(visibilities(&out) != wanted, "control: threads exchanged");
    record([none; 3]);
    threads_in_files_of_their_own_give_the_same(&sky, &job, &wanted);
    // A merged frame that lacks a channel is a gap, as is one that is marked invalid.
    let some_lack: &dyn Fn(usize) -> [u32; 4] =
        &|i| [4 << 24 | 2 << 16, SYNC, if i == 100 { 1 } else { 3 }, 0];
    record([none, some_lack, none]);
    let (_, lacking) = sky.run("lacking", &job);
    let bytes = fs::read(sky.path("KU.threads")).unwrap();
    let invalid: Vec<u8> = bytes
        .chunks_exact(5032)
        .enumerate()
        .flat_map(|(i, frame)| {
            let mut frame = frame.to_vec();
            frame[3] |= if i / 2 == 100 { 0x80 } else { 0 };
            frame[16..32].fill(0);
            frame
        })
        .collect();
    fs::write(sky.path("KU.threads"), invalid).unwrap();
    let (_, marked) = sky.run("marked", &job);
    assert!(visibilities(&lacking) == visibilities(&marked), "what is masked is not used");
    assert!(visibilities(&lacking) != wanted, "control: whole frames");
}

/// Delays, rates and amplitudes of two runs agree, within what noise does in 1 s; those of the second are where
/// the simulation put them.
#[track_caller]
fn same_fringes(name: &str, fringes: &[Fringe], width_mhz: f64, rows: usize) {
    assert_eq!(fringes.len(), rows, "{name}: {fringes:?}");
    for f in fringes {
        let residual_ns = match f.baseline.as_str() {
            "KY-KU" => -10.0,
            "KY-KT" => 6.0,
            "KU-KT" => 16.0,
            other => panic!("{name}: {other}"),
        };
        // Noise alone: 0.4 ns in 2 MHz. Frequency 0 is the other edge, too: its channel pulls the delay a little.
        let off_ns = f.delay_s * 1e9 - residual_ns;
        let noise_ns = 0.4 * (2.0 / width_mhz).powf(1.5);
        assert!(off_ns.abs() < 5.0 * noise_ns + 0.03 * residual_ns.abs(), "{name}: {f:?} is {off_ns} ns off");
        assert!(f.rate_hz.abs() < 0.02, "{name}: {f:?}");
        // 0.4 of the power, of which 2 bits on both sides leave 0.88 (on one side 0.94); less at the edges of channels.
        assert!((0.335..0.385).contains(&f.amplitude), "{name}: {f:?}");
    }
}

#[test]
fn recorders_of_all_kinds_find_the_same_fringes() {
    let plain = Sky::new(&[]);
    let (code, out) = plain.run("plain", &plain.converted());
    assert_eq!(code, Some(0));
    let wanted = plain.fringes(&out.join("plain.h5"));
    same_fringes("plain", &wanted, 8.0, 6);
    let complex = "complex = true\nframe_bytes = 5032";
    let centre = "complex = true\nzero = \"centre\"\nframe_bytes = 5032";
    let lower = "sideband = \"lower\"";
    for (name, recorders) in [
        ("complex", vec![("KU", complex)]),
        ("both complex", vec![("KY", complex), ("KU", complex)]),
        ("centre", vec![("KT", centre), ("KU", complex)]),
        ("lower", vec![("KU", lower)]),
        (
            "lower complex",
            vec![("KU", "complex = true\nframe_bytes = 5032\nsideband = \"lower\""), ("KT", centre)],
        ),
        (
            "lower centre",
            vec![("KY", "complex = true\nzero = \"centre\"\nframe_bytes = 5032\nsideband = \"lower\"")],
        ),
        (
            "bits",
            vec![
                ("KY", "bits = 1\nframe_bytes = 5032"),
                ("KU", "bits = 8\nframe_bytes = 8032"),
                ("KT", "bits = 4\nframe_bytes = 8032"),
            ],
        ),
        ("sixteen", vec![("KU", "bits = 16\nframe_bytes = 8032\ncomplex = true")]),
        (
            "legacy threads",
            vec![("KU", "legacy = true\nframe_bytes = 8016"), ("KT", "threads = true\nframe_bytes = 8032")],
        ),
    ] {
        let sky = Sky::new(&recorders);
        let job = fs::read_to_string(sky.path("sky.toml")).unwrap();
        let (code, out) = sky.run("mixed", &job);
        assert_eq!(code, Some(0), "{name}");
        let found = sky.fringes(&out.join("mixed.h5"));
        for (f, w) in found.iter().zip(&wanted) {
            println!("{name}: {f:?}, as {w:?}");
        }
        if name != "bits" {
            same_fringes(name, &found, 8.0, 6);
        }
        for (f, w) in found.iter().zip(&wanted) {
            assert_eq!((&f.baseline, f.low_mhz), (&w.baseline, w.low_mhz), "{name}");
            assert!((f.delay_s - w.delay_s).abs() < 5e-10, "{name}: {f:?} not {w:?}");
            let turn = (f.phase_rad - w.phase_rad).rem_euclid(std::f64::consts::TAU);
            let off = turn.min(std::f64::consts::TAU - turn);
            assert!(off < 0.06, "{name}: phase {off} rad off, {f:?} not {w:?}");
        }
    }
    // Control: the job says that frequency 0 is at the edge, the recording has it in the centre.
    let sky = Sky::new(&[("KU", centre)]);
    let job =
        fs::read_to_string(sky.path("sky.toml")).unwrap().replace("zero = \"centre\"", "zero = \"edge\"");
    let (_, out) = sky.run("wrong", &job);
    let strong = sky.fringes(&out.join("wrong.h5")).iter().filter(|f| f.amplitude > 0.2).count();
    assert_eq!(strong, 2, "control: only the baseline without KU has fringes");
}

#[test]
fn zoom_is_the_same_channels_of_the_wide_correlation() {
    let sky = Sky::new(&[]);
    let job = sky.converted();
    let (_, wide) = sky.run("wide", &job);
    // Channels are 31.25 kHz: 16 of them from the eighth on, and from the 40th.
    let zoom = |low: f64| format!("{{ low_mhz = {low}, bandwidth_mhz = 0.5 }}");
    let zoomed = |low: f64, other: f64| {
        job.replace("channels = 256 ", "channels = 16 ")
            .replace("[correlation]", &format!("[correlation]\nzoom = [{}, {}]", zoom(low), zoom(other)))
    };
    let (code, narrow) = sky.run("narrow", &zoomed(22_000.25, 22_013.25));
    assert_eq!(code, Some(0));
    let wide = read_swin(&wide.join("sky.difx"), 256);
    let check = |narrow: &Path, firsts: [usize; 2]| {
        let mut worst = 0.0f64;
        let narrow = read_swin(&narrow.join("sky.difx"), 16);
        assert_eq!(narrow.len(), wide.len(), "as many products, autocorrelations too");
        let bands: std::collections::BTreeSet<i32> = narrow.iter().map(|r| r.key.4).collect();
        let bands: Vec<i32> = bands.into_iter().collect();
        for mut record in narrow {
            let place = bands.iter().position(|b| *b == record.key.4).unwrap();
            record.key.4 = place as i32;
            let of = wide.iter().find(|w| w.key == record.key).unwrap_or_else(|| panic!("{:?}", record.key));
            assert_eq!(of.weight, record.weight);
            let part =
                mirinae_tests::swin::Swin { vis: of.vis[firsts[place]..firsts[place] + 16].to_vec(), ..*of };
            worst = worst.max(difference(&record, &part));
        }
        worst
    };
    let off = check(&narrow, [8, 40]);
    println!("zoom against wide: {off:e}");
    assert!(off < 1e-6, "{off:e}");
    assert!(check(&narrow, [9, 40]) > 0.01, "control: a channel further");
    // A zoom band that begins between channels is told.
    let file = sky.path("between.toml");
    fs::write(&file, zoomed(22_000.26, 22_013.25)).unwrap();
    let ended = Run::alone("kvn-corr").args(["run".as_ref(), file.as_os_str()]).end();
    ended.expect(65).expect_message(&["does not begin on a spectral channel"]);
}

#[test]
fn mixed_set_ups_find_the_same_fringes() {
    // KY records two bands of 8 MHz, KU eight of 2 MHz, KT eight of 2 MHz, lower sidebands of complex samples.
    let sky = Sky::new(&[
        ("KU", "split = 4\nframe_bytes = 5032"),
        ("KT", "split = 4\nsideband = \"lower\"\ncomplex = true\nzero = \"centre\"\nframe_bytes = 5032"),
    ]);
    let job = fs::read_to_string(sky.path("sky.toml")).unwrap();
    let (code, out) = sky.run("mixed", &job);
    assert_eq!(code, Some(0));
    let found = sky.fringes(&out.join("mixed.h5"));
    for f in &found {
        println!("{f:?}");
    }
    same_fringes("mixed", &found, 2.0, 24);
    // The same band on all baselines: the phases close.
    let phase = |low: f64, baseline: &str| {
        found.iter().find(|f| f.low_mhz == low && f.baseline == baseline).unwrap().phase_rad
    };
    for part in 0..8 {
        let low = 22_000.0 + 12.0 * f64::from(part / 4) + 2.0 * f64::from(part % 4);
        let closure = phase(low, "KY-KU") + phase(low, "KU-KT") - phase(low, "KY-KT");
        let closure =
            (closure + std::f64::consts::PI).rem_euclid(std::f64::consts::TAU) - std::f64::consts::PI;
        assert!(closure.abs() < 0.1, "{low}: {closure}");
    }
    let wrong = job.replacen("edge_mhz = 22002.0", "edge_mhz = 22001.5", 1);
    let (_, out) = sky.run("wrong", &wrong);
    let weak = sky.fringes(&out.join("wrong.h5")).iter().filter(|f| f.amplitude < 0.2).count();
    assert!(weak > 0, "control: a channel of another frequency");
}
