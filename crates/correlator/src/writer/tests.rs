//! What is written is read back; the same content is the same bytes.
use super::*;
use crate::integrate::Record;
use crate::job::{Band, Baseline, Items, Kept, Source, Station, Tone};
use crate::schedule::Mount;
use num_complex::Complex32;
use std::path::{Path, PathBuf};

pub(super) fn meta() -> VisMeta {
    let product = |of: usize, polarisations: [char; 2]| ProductInfo { of, band: 1, polarisations };
    let band = |difx_index: usize| Band {
        lo_hz: 22e9 + 16e6 * difx_index as f64,
        bandwidth_hz: 16e6,
        lower_sideband: difx_index == 1,
        difx_index,
    };
    VisMeta {
        name: "job".into(),
        obscode: "TEST".into(),
        swin_folder: "job.difx".into(),
        start_mjd: 60000,
        start_second: 86_398,
        integration_s: 0.5,
        channels: 4,
        stations: ["YS", "US"]
            .iter()
            .map(|n| Station {
                name: (*n).into(),
                xyz_m: [1.0, 2.0, 3.5],
                mount: Mount::HaDec,
                axis_offset_m: 2.1,
                diameter_m: (*n == "US").then_some(21.0),
            })
            .collect(),
        stream_stations: vec![0, 1],
        recorded: [(0, 'R'), (1, 'R'), (1, 'L')]
            .map(|(stream, polarisation)| RecordedInfo { stream, band: 1, polarisation, bits: 2 })
            .to_vec(),
        tones: [(0, 22.01e9), (1, 22.005e9), (1, 22.01e9), (2, 22.005e9)]
            .map(|(recorded, frequency_hz)| Tone { recorded, frequency_hz })
            .to_vec(),
        bands: vec![band(0), band(1)],
        baselines: vec![Baseline { a: 0, b: 1 }],
        crosses: vec![product(0, ['R', 'R']), product(0, ['R', 'L'])],
        autos: vec![product(1, ['L', 'L'])],
        sources: vec![Source { name: "M87".into(), ra_rad: 3.27, dec_rad: 0.21 }; 3],
        scans: vec![ScanInfo {
            name: "No0001".into(),
            start_s: 1.0,
            end_s: 3.0,
            pointing: 0,
            centres: vec![1, 2],
            integrations: 4,
        }],
    }
}

pub(super) fn record(seed: f32) -> Record {
    let complex = |n: usize| (0..n).map(|i| Complex32::new(seed + i as f32, -seed)).collect::<Vec<_>>();
    Record {
        cross_cpf: complex(16),
        cross_weight_cp: vec![0.5, 1.0, 0.0, seed],
        auto_pf: complex(4),
        auto_weight_p: vec![0.75],
        coverage_s: vec![1.0, 0.75],
        uvw_cb: vec![[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]],
        samples_r: vec![400, 300, seed as u64],
        tones_g: complex(4),
        states_rk: vec![[60, 140, 130, 70], [50, 100, 100, 50], [0, seed as u64, 0, 0]],
    }
}

fn write(path: &Path) {
    let writer = VisWriter::create(path, &meta(), "{\"plan\": 1}").unwrap();
    (0..4).for_each(|t| writer.write(0, t, &record(t as f32)).unwrap());
    writer.finish().unwrap();
}

#[test]
fn hdf5_goes_round_and_is_deterministic() {
    let dir = tempfile::tempdir().unwrap();
    let (a, b) = (dir.path().join("a.h5"), dir.path().join("b.h5"));
    write(&a);
    // Times of objects have a resolution of a second.
    std::thread::sleep(std::time::Duration::from_millis(1100));
    write(&b);
    assert_eq!(std::fs::read(&a).unwrap(), std::fs::read(&b).unwrap());
    let file = VisFile::open(&a).unwrap();
    assert_eq!(*file.meta(), meta());
    assert_eq!(file.provenance().unwrap(), "{\"plan\": 1}");
    assert_eq!(file.record(0, 3).unwrap(), record(3.0));
    let (vis_tf, (weight_tx, _)) = (file.cross_tf(0, 1, 1).unwrap(), file.weights(0, 1).unwrap());
    assert_eq!((vis_tf[[2, 3]], weight_tx[[2, 1]]), (record(2.0).cross_cpf[15], 2.0));
    let sampled = file.sampled(0, 1..4).unwrap();
    assert_eq!((sampled.samples_tr[[1, 0]], sampled.states_trk[[2, 2, 1]]), (400, 3));
    assert_eq!(sampled.tones_tg[[0, 3]], record(1.0).tones_g[3]);
    let (vis_tf, weight_t) = file.auto_tf(0, 0).unwrap();
    assert_eq!((vis_tf[[3, 1]], weight_t[0]), (record(3.0).auto_pf[1], 0.75));
}

/// A lot that keeps what is chosen of each kind of item.
fn kept(choose: impl Fn(usize) -> bool) -> Kept {
    let record = record(0.0);
    let items =
        |all: usize| Items { all, ranges: (0..all).filter(|&i| choose(i)).map(|i| i..i + 1).collect() };
    Kept {
        output_channels: 4,
        crosses: items(record.cross_weight_cp.len() / 2),
        autos: items(record.auto_weight_p.len()),
        baselines: items(record.uvw_cb.len() / 2),
        streams: items(record.coverage_s.len()),
        channels: items(record.samples_r.len()),
        tones: items(record.tones_g.len()),
    }
}

/// A file that the library has written, and one with the same places and nothing in them.
fn written_and_empty(folder: &Path) -> (PathBuf, PathBuf, VisPlaces) {
    let (slow, fast) = (folder.join("slow.h5"), folder.join("fast.h5"));
    write(&slow);
    let writer = VisWriter::create(&fast, &meta(), "{\"plan\": 1}").unwrap();
    let places = writer.places().unwrap();
    writer.finish().unwrap();
    (slow, fast, places)
}

#[test]
fn rows_written_in_lots_make_the_same_file() {
    let dir = tempfile::tempdir().unwrap();
    let (slow, fast, places) = written_and_empty(dir.path());
    let rows = VisRows::open(&fast, places).unwrap();
    for lot in [kept(|i| i % 2 == 1), kept(|i| i % 2 == 0)] {
        assert_ne!(std::fs::read(&slow).unwrap(), std::fs::read(&fast).unwrap(), "control: a lot is missing");
        for t in 0..4 {
            rows.write(0, t, &pack(&record(t as f32), &lot), &lot).unwrap();
        }
        assert!(rows.write(0, 0, &record(0.0), &lot).is_err(), "a whole record is no lot");
    }
    assert_eq!(std::fs::read(&slow).unwrap(), std::fs::read(&fast).unwrap());
}

#[test]
fn rows_written_in_any_order_by_several_make_the_same_file() {
    let dir = tempfile::tempdir().unwrap();
    let (slow, fast, places) = written_and_empty(dir.path());
    assert_ne!(std::fs::read(&slow).unwrap(), std::fs::read(&fast).unwrap(), "control: nothing written yet");
    let writers = [places.clone(), places.clone()].map(|p| VisRows::open(&fast, p).unwrap());
    let all = kept(|_| true);
    for t in [3, 0, 2, 1] {
        writers[t % 2].write(0, t as u64, &record(t as f32), &all).unwrap();
    }
    writers[0].sync().unwrap();
    assert_eq!(std::fs::read(&slow).unwrap(), std::fs::read(&fast).unwrap());
    // What does not fit is refused and overwrites nothing.
    let mut other = record(1.0);
    other.cross_cpf.pop();
    assert!(writers[0].write(0, 1, &other, &all).unwrap_err().to_string().contains("cross_vis_tcxf"));
    assert!(writers[0].write(0, 4, &record(1.0), &all).is_err());
    assert_eq!(std::fs::read(&slow).unwrap(), std::fs::read(&fast).unwrap());
    assert!(VisRows::open(&dir.path().join("gone.h5"), places).is_err());
}

#[test]
fn other_files_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.h5");
    hdf5::File::create(&path).unwrap().close().unwrap();
    assert!(VisFile::open(&path).err().unwrap().to_string().contains("not a file of visibilities"));
}

#[test]
fn swin_folder_as_difx_has_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.h5");
    write(&path);
    let vis = VisFile::open(&path).unwrap();
    let mut ticks = 0;
    (0..2).for_each(|centre| write_swin(&vis, dir.path(), centre, &mut || ticks += 1).unwrap());
    assert_eq!(ticks, 8);
    let folder = swin_path(dir.path(), &meta().swin_folder);
    let read = |centre| {
        let name = format!("DIFX_60000_086398.s000{centre}.b0000");
        swin::read_records(&std::fs::read(folder.join(name)).unwrap(), 4).unwrap()
    };
    let (first, second) = (read(0), read(1));
    // Two crosses and an auto for each of four integrations; at the second centre one cross has weight 0, the other
    // one too in the first integration.
    assert_eq!((first.len(), second.len()), (12, 3));
    let (header, vis) = &first[0];
    assert_eq!((header.baseline, header.source, header.freq), (258, 1, 1));
    assert_eq!((header.mjd, header.seconds, header.uvw_m), (60000, 86_399.25, [1.0, 2.0, 3.0]));
    assert_eq!(*vis, record(0.0).cross_cpf[..4]);
    assert_eq!((first[2].0.baseline, first[2].0.source, first[2].0.weight), (514, 0, 0.75));
    // The third integration begins on the next day.
    assert_eq!((first[6].0.mjd, first[6].0.seconds), (60001, 0.25));
    assert_eq!((second[0].0.source, second[0].0.uvw_m), (2, [4.0, 5.0, 6.0]));
}

#[test]
fn parts_go_round_and_are_told_from_those_of_other_plans() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(Part::folder(dir.path())).unwrap();
    let part = Part::new(dir.path(), (7, ""), [1; 32]);
    assert!(part.load().unwrap().is_none());
    part.save(&[record(1.0), record(2.0)]).unwrap();
    assert_eq!(part.load().unwrap().unwrap(), [record(1.0), record(2.0)]);
    assert!(Part::new(dir.path(), (7, ""), [2; 32]).load().is_err());
    let mut bytes = std::fs::read(part.path()).unwrap();
    bytes[100] ^= 1;
    std::fs::write(part.path(), bytes).unwrap();
    assert!(part.load().is_err());
}
