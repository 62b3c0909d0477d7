//! What is written is read back by an independent, naive reader, value by value.
use super::super::tests::{meta, record};
use super::*;
use crate::difx::example;
use crate::writer::VisWriter;
use std::collections::HashMap;

/// A header or table, naively read.
struct Hdu {
    keys: HashMap<String, String>,
    data: Vec<u8>,
}

fn read(bytes: &[u8]) -> Vec<Hdu> {
    let (mut hdus, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        let mut keys = HashMap::new();
        let mut cards = bytes[at..].chunks(80).map(|c| std::str::from_utf8(c).unwrap().to_owned());
        let mut count = 0;
        for card in cards.by_ref() {
            count += 1;
            if card.trim_end() == "END" {
                break;
            }
            if let Some((key, value)) = card.split_once("= ") {
                keys.insert(key.trim().to_owned(), value.trim().trim_matches('\'').trim().to_owned());
            }
        }
        at += (count * 80usize).next_multiple_of(2880);
        let number = |key: &str| keys.get(key).map_or(0, |v: &String| v.parse::<usize>().unwrap());
        let length = number("NAXIS1") * number("NAXIS2");
        let data = bytes[at..at + length].to_vec();
        at += length.next_multiple_of(2880);
        hdus.push(Hdu { keys, data });
    }
    assert_eq!(at, bytes.len(), "whole blocks");
    hdus
}

impl Hdu {
    /// Bytes of a cell.
    fn cell(&self, row: usize, column: &str) -> &[u8] {
        let mut offset = row * self.keys["NAXIS1"].parse::<usize>().unwrap();
        for n in 1.. {
            let form = &self.keys[&format!("TFORM{n}")];
            let (count, letter) = form.split_at(form.len() - 1);
            let size = match letter {
                "A" => 1,
                "D" => 8,
                _ => 4,
            };
            let length = count.parse::<usize>().unwrap() * size;
            if self.keys[&format!("TTYPE{n}")] == column {
                return &self.data[offset..offset + length];
            }
            offset += length;
        }
        unreachable!()
    }

    fn singles(&self, row: usize, column: &str) -> Vec<f32> {
        self.cell(row, column).chunks(4).map(|b| f32::from_be_bytes(b.try_into().unwrap())).collect()
    }

    fn doubles(&self, row: usize, column: &str) -> Vec<f64> {
        self.cell(row, column).chunks(8).map(|b| f64::from_be_bytes(b.try_into().unwrap())).collect()
    }

    fn integer(&self, row: usize, column: &str) -> i32 {
        i32::from_be_bytes(self.cell(row, column).try_into().unwrap())
    }
}

/// The file of the writer's test visibilities.
fn visibilities(folder: &Path, meta: &crate::writer::VisMeta) -> PathBuf {
    let path = folder.join("job.h5");
    let writer = VisWriter::create(&path, meta, "{\"plan\": 1}").unwrap();
    (0..4).for_each(|t| writer.write(0, t, &record(t as f32)).unwrap());
    writer.finish().unwrap();
    path
}

/// The files of the writer's test visibilities, with the stations of the baseline in a given order.
fn files(turned: bool) -> Vec<Vec<Hdu>> {
    let dir = tempfile::tempdir().unwrap();
    let mut job = Job::open(&example::write(dir.path(), &[])).unwrap();
    let mut meta = meta();
    if turned {
        meta.stream_stations = vec![1, 0];
    }
    (job.start_mjd, job.start_second, job.average) = (meta.start_mjd, meta.start_second, 2);
    job.scans[0].centres = meta.scans[0].centres.clone();
    job.sources = meta.sources.clone();
    let path = visibilities(dir.path(), &meta);
    // The example's model has one phase centre.
    let model = &job.scans[0].model;
    let of_pointing = model.span(0, 0, 0);
    assert!(of_pointing.length_s > 0.0);
    (job.stations[0].diameter_m, job.stations[1].diameter_m) = (Some(21.0), turned.then_some(32.0));
    let layout = Layout::new(&meta, job.average).unwrap();
    let vis = VisFile::open(&path).unwrap();
    (0..2)
        .map(|centre| {
            let file = File { job: &job, vis: &vis, layout: layout.clone(), centre };
            let mut bytes = Vec::new();
            file.primary("made by a test").write(&mut bytes).unwrap();
            file.array_geometry(&mut bytes).unwrap();
            file.antenna(&mut bytes).unwrap();
            file.frequency(&mut bytes).unwrap();
            file.source(&mut bytes).unwrap();
            if centre == 0 {
                let spans = file.spans();
                file.interferometer_model(&spans, &mut bytes).unwrap();
                file.model_comps(&spans, &mut bytes).unwrap();
            }
            file.uv_data(&mut bytes, &mut || {}).unwrap();
            read(&bytes)
        })
        .collect()
}

/// Readers take the column as it is where it is there: it is only where all diameters are known.
#[test]
fn diameters_are_all_there_or_none() {
    let geometry = |turned| files(turned).remove(0).remove(1);
    let known = geometry(true);
    assert_eq!(known.keys["EXTNAME"], "ARRAY_GEOMETRY");
    assert_eq!((known.singles(0, "DIAMETER"), known.singles(1, "DIAMETER")), (vec![21.0], vec![32.0]));
    assert!(!geometry(false).keys.values().any(|v| v == "DIAMETER"));
}

#[test]
fn visibilities_times_and_uvw() {
    let files = files(false);
    let uv = files[0].last().unwrap();
    assert_eq!((uv.keys["EXTNAME"].as_str(), uv.keys["TTYPE12"].as_str()), ("UV_DATA", "FLUX"));
    // An autocorrelation and a baseline in each of four integrations.
    assert_eq!(uv.keys["NAXIS2"], "8");
    assert_eq!((uv.integer(0, "BASELINE"), uv.integer(1, "BASELINE")), (258, 514));
    assert_eq!(uv.doubles(0, "DATE"), [2_460_000.5]);
    assert!((uv.doubles(0, "TIME")[0] * 86_400.0 - 86_399.25).abs() < 1e-6);
    // The third integration is on the next day.
    assert_eq!((uv.doubles(4, "DATE"), uv.doubles(4, "TIME")), (vec![2_460_001.5], vec![0.25 / 86_400.0]));
    assert_eq!(uv.integer(1, "SOURCE"), 2);
    let c = crate::geometry::LIGHT_M_S;
    let uvw = ["UU---SIN", "VV---SIN", "WW---SIN"].map(|x| uv.singles(6, x)[0]);
    assert_eq!(uvw, [1.0, 2.0, 3.0].map(|x: f64| (-x / c) as f32));
    // RR, LL, RL, LR of one band of four channels; RR and RL are there.
    let (weight, flux) = (uv.singles(6, "WEIGHT"), uv.singles(6, "FLUX"));
    assert_eq!(weight, [0.5, 0.0, 1.0, 0.0]);
    for channel in 0..4 {
        let rr = record(3.0).cross_cpf[channel];
        let rl = record(3.0).cross_cpf[4 + channel];
        let at = 8 * channel;
        assert_eq!(flux[at..at + 8], [rr.re, -rr.im, 0.0, 0.0, rl.re, -rl.im, 0.0, 0.0]);
    }
    let auto = record(3.0).auto_pf[1];
    assert_eq!(uv.singles(7, "FLUX")[10..12], [auto.re, -auto.im]);
    // The second phase centre: weights 0 and t; the row of the first integration has the autocorrelation alone.
    let uv = files[1].last().unwrap();
    assert_eq!((uv.keys["NAXIS2"].as_str(), uv.integer(0, "BASELINE")), ("7", 514));
    assert_eq!(uv.singles(1, "WEIGHT"), [0.0, 0.0, 1.0, 0.0]);
    assert_eq!(uv.integer(1, "SOURCE"), 3);
}

#[test]
fn a_baseline_in_the_other_order_is_turned() {
    let files = files(true);
    let uv = files[0].last().unwrap();
    let row = (0..8).find(|&r| uv.integer(r, "BASELINE") == 258).unwrap();
    let c = crate::geometry::LIGHT_M_S;
    assert_eq!(uv.singles(row, "UU---SIN")[0], (1.0 / c) as f32);
    // RL seen from the other side is LR, and the conjugate's conjugate.
    let flux = uv.singles(row, "FLUX");
    let rl = record(0.0).cross_cpf[4];
    assert_eq!(flux[..8], [0.0, -0.0, 0.0, 0.0, 0.0, 0.0, rl.re, rl.im]);
    assert_eq!(uv.singles(row, "WEIGHT"), [0.5, 0.0, 0.0, 1.0]);
}

#[test]
fn tables_say_where_and_at_which_frequency() {
    let files = files(false);
    let names: Vec<&str> = files[0][1..].iter().map(|h| h.keys["EXTNAME"].as_str()).collect();
    let wanted = [
        "ARRAY_GEOMETRY",
        "ANTENNA",
        "FREQUENCY",
        "SOURCE",
        "INTERFEROMETER_MODEL",
        "MODEL_COMPS",
        "UV_DATA",
    ];
    assert_eq!(names, wanted);
    let key = |hdu: usize, name: &str| files[0][hdu].keys[name].parse::<f64>().unwrap();
    // The lower sideband from 22.016 GHz downwards begins at 22 GHz; two channels were averaged.
    assert_eq!((key(3, "REF_FREQ"), key(3, "CHAN_BW"), key(3, "REF_PIXL")), (22e9, 4e6, 0.75));
    assert_eq!((key(3, "STK_1"), key(3, "NO_STKD"), key(3, "NO_BAND")), (-1.0, 4.0, 1.0));
    // Sidereal time at 0h of 2023-02-25: 280.46062 + 360.985647366 (JD - 2451545) degrees.
    assert!((key(1, "GSTIA0") - 154.602).abs() < 1e-3, "{}", key(1, "GSTIA0"));
    let source = &files[0][4];
    assert!((source.doubles(1, "RAEPO")[0].to_radians() - 3.27).abs() < 1e-12);
    // Precession moves it by 23 years of about 46" in right ascension.
    let moved = (source.doubles(1, "RAAPP")[0] - source.doubles(1, "RAEPO")[0]) * 3600.0;
    assert!((1000.0..1150.0).contains(&moved), "{moved}");
    let model = &files[0][5];
    assert_eq!((model.keys["NAXIS2"].as_str(), model.integer(1, "ANTENNA_NO")), ("2", 2));
    // 103.3 us - 0.2 us/s t, clock late by 1.5 us and 1e-6 us/s; the other sign here. Job and polynomials begin 10 s apart.
    let (delay, turns) = (model.doubles(1, "GDELAY_1"), model.doubles(1, "PRATE_1"));
    assert!((delay[0] + 104.8e-6).abs() < 1e-15 && (delay[1] - 0.2e-6 + 1e-12).abs() < 1e-18, "{delay:?}");
    assert!((turns[0] - 22e9 * delay[1]).abs() < 1e-9, "{turns:?}");
    assert_eq!(files[0][6].doubles(1, "CLOCK_1"), [1.5e-6]);
}

#[test]
fn what_fits_idi_cannot_hold_is_refused() {
    let mut mixed = meta();
    mixed.crosses[0].polarisations = ['X', 'R'];
    assert!(Layout::new(&mixed, 1).unwrap_err().contains("circular and linear"));
    let mut wide = meta();
    wide.bands[0].bandwidth_hz = 32e6;
    wide.autos[0].band = 0;
    assert!(Layout::new(&wide, 1).unwrap_err().contains("one bandwidth"));
    let mut left = meta();
    left.crosses.iter_mut().for_each(|p| p.polarisations = ['L', 'L']);
    let layout = Layout::new(&left, 1).unwrap();
    assert_eq!((layout.stokes.len(), layout.first_stokes), (1, -2));
}

#[test]
fn system_temperatures_are_a_table() {
    let dir = tempfile::tempdir().unwrap();
    let mut job = Job::open(&example::write(dir.path(), &[])).unwrap();
    let meta = meta();
    let vis = VisFile::open(&visibilities(dir.path(), &meta)).unwrap();
    let table = |job: &Job| {
        let file = File { job, vis: &vis, layout: Layout::new(&meta, 1).unwrap(), centre: 0 };
        let mut bytes = Vec::new();
        file.system_temperature(&mut bytes).unwrap();
        bytes
    };
    assert!(table(&job).is_empty(), "no table where nothing is known");
    let row = |time_s, values: &[(char, usize, f32)]| crate::job::Tsys { time_s, values: values.to_vec() };
    job.tsys[1] =
        vec![row(0.5, &[('R', 0, 100.0), ('L', 0, 80.0)]), row(60.5, &[('L', 0, 85.0), ('L', 9, 1.0)])];
    let hdu = &read(&table(&job))[0];
    assert_eq!((hdu.keys["EXTNAME"].as_str(), hdu.keys["NAXIS2"].as_str()), ("SYSTEM_TEMPERATURE", "2"));
    assert_eq!(
        (hdu.integer(0, "ANTENNA_NO"), hdu.integer(0, "SOURCE_ID"), hdu.integer(1, "SOURCE_ID")),
        (2, 1, 0)
    );
    assert!((hdu.doubles(0, "TIME")[0] * 86_400.0 - job.start_second as f64 - 0.5).abs() < 1e-6);
    assert!((hdu.singles(0, "TIME_INTERVAL")[0] * 86_400.0 - 60.0).abs() < 1e-3);
    assert_eq!((hdu.singles(0, "TSYS_1"), hdu.singles(0, "TSYS_2")), (vec![100.0], vec![80.0]));
    assert!(hdu.singles(1, "TSYS_1")[0].is_nan() && hdu.singles(1, "TANT_2")[0].is_nan());
    assert_eq!(hdu.singles(1, "TSYS_2"), [85.0]);
}

/// Two stations; the tests' file has tones of one polarisation of the first and of both of the second.
fn table_of(
    fill: impl Fn(&File, &mut Vec<u8>) -> io::Result<()>,
    change: impl Fn(&mut crate::writer::VisMeta),
) -> Vec<u8> {
    let dir = tempfile::tempdir().unwrap();
    let mut job = Job::open(&example::write(dir.path(), &[])).unwrap();
    let mut meta = meta();
    change(&mut meta);
    job.scans[0].centres = meta.scans[0].centres.clone();
    let vis = VisFile::open(&visibilities(dir.path(), &meta)).unwrap();
    let file = File { job: &job, vis: &vis, layout: Layout::new(&meta, 1).unwrap(), centre: 0 };
    let mut bytes = Vec::new();
    fill(&file, &mut bytes).unwrap();
    bytes
}

/// What was recorded is of a polarisation that the visibilities have not.
fn unseen(meta: &mut crate::writer::VisMeta) {
    meta.recorded.iter_mut().for_each(|r| r.polarisation = 'X');
}

#[test]
fn tones_are_a_table() {
    let bytes = table_of(|file, out| file.phase_cal(out), |_| ());
    let hdu = &read(&bytes)[0];
    let keys = ["EXTNAME", "NAXIS2", "NO_TONES", "NO_POL"].map(|key| hdu.keys[key].as_str());
    assert_eq!(keys, ["PHASE-CAL", "2", "2", "2"]);
    assert_eq!((hdu.integer(0, "ANTENNA_NO"), hdu.integer(1, "ANTENNA_NO")), (1, 2));
    assert_eq!((hdu.integer(0, "SOURCE_ID"), hdu.doubles(0, "CABLE_CAL")), (2, vec![0.0]));
    // Four integrations of 0.5 s from 1 s after the start on.
    assert!((hdu.singles(0, "TIME_INTERVAL")[0] * 86_400.0 - 2.0).abs() < 1e-3);
    // The only tone of the first station: the band's first one there.
    let frequency = hdu.doubles(0, "PC_FREQ_1");
    assert!(frequency[0] == 22.01e9 && frequency[1].is_nan(), "{frequency:?}");
    assert!(hdu.doubles(0, "PC_FREQ_2").iter().all(|f| f.is_nan()));
    assert_eq!(hdu.doubles(1, "PC_FREQ_1"), [22.005e9, 22.01e9]);
    // Tone 1 is (t + 1, -t) in integration t, all of 300 samples: its mean, conjugated.
    assert_eq!((hdu.singles(1, "PC_REAL_1")[0], hdu.singles(1, "PC_IMAG_1")[0]), (2.5, 1.5));
    // The last channel has t samples in integration t: the mean of (t + 3, -t) so weighted.
    let mean = [1.0f32, 2.0, 3.0]
        .map(|t| [t * (t + 3.0), t * t])
        .iter()
        .fold([0.0; 2], |s, x| [s[0] + x[0], s[1] + x[1]]);
    assert_eq!(
        (hdu.singles(1, "PC_REAL_2")[0], hdu.singles(1, "PC_IMAG_2")[0]),
        (mean[0] / 6.0, mean[1] / 6.0)
    );
    assert_eq!(hdu.singles(1, "STATE_1"), [200.0, 400.0, 400.0, 200.0]);
    assert_eq!(hdu.singles(1, "STATE_2"), [0.0, 6.0, 0.0, 0.0]);
    assert!(table_of(|file, out| file.phase_cal(out), unseen).is_empty());
}

#[test]
fn what_is_missing_is_flagged() {
    let bytes = table_of(|file, out| file.flag(out), |_| ());
    let hdu = &read(&bytes)[0];
    // The left-hand polarisation of the second station has no samples in the first integration.
    assert_eq!((hdu.keys["EXTNAME"].as_str(), hdu.keys["NAXIS2"].as_str()), ("FLAG", "1"));
    assert_eq!(hdu.integer(0, "SOURCE_ID"), 2);
    let integers = |column: &str| {
        let bytes = hdu.cell(0, column).chunks(4);
        bytes.map(|b| i32::from_be_bytes(b.try_into().unwrap())).collect::<Vec<_>>()
    };
    assert_eq!((integers("ANTS"), integers("BANDS")), (vec![2, 0], vec![1]));
    assert_eq!((integers("PFLAGS"), integers("CHANS")), (vec![0, 1, 1, 1], vec![0, 0]));
    let times: Vec<f32> = hdu.singles(0, "TIMERANG").iter().map(|days| days * 86_400.0).collect();
    assert!((times[1] - times[0] - 0.5).abs() < 0.02, "{times:?}");
    assert!(table_of(|file, out| file.flag(out), unseen).is_empty());
}
