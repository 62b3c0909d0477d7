//! Lines put into filterbank files are found where they are; noise and broken files are not.

use super::sigproc::{Filterbank, SigprocError};
use super::{FileLines, PowersSettings, run, search};
use rand::{Rng, RngExt};
use std::path::{Path, PathBuf};

const CHANNELS: usize = 70_000;
const SPECTRA: usize = 20;
const CHANNEL_HZ: f64 = -4.0;
const SPECTRUM_S: f64 = 0.25;

fn settings() -> PowersSettings {
    PowersSettings { drift_hz_per_s: 10.0, stretch_s: None, ln_threshold: libm::log(1e-9), looks: None }
}

fn header(bits: i32) -> Vec<u8> {
    let mut bytes = Vec::new();
    let text = |bytes: &mut Vec<u8>, word: &str| {
        bytes.extend((word.len() as i32).to_le_bytes());
        bytes.extend(word.as_bytes());
    };
    text(&mut bytes, "HEADER_START");
    text(&mut bytes, "source_name");
    text(&mut bytes, "nothing");
    for (word, value) in [("nchans", CHANNELS as i32), ("nbits", bits), ("nifs", 1)] {
        text(&mut bytes, word);
        bytes.extend(value.to_le_bytes());
    }
    for (word, value) in [("fch1", 22_000.0), ("foff", CHANNEL_HZ / 1e6), ("tsamp", SPECTRUM_S)] {
        text(&mut bytes, word);
        bytes.extend(f64::to_le_bytes(value));
    }
    text(&mut bytes, "HEADER_END");
    bytes
}

/// Noise whose level changes from spectrum to spectrum and over the band, with carriers: channel, channels over 16 spectra, excess.
fn powers(carriers: &[(usize, i64, f64)], rng: &mut impl Rng) -> Vec<f32> {
    let mut all = Vec::new();
    for t in 0..SPECTRA {
        for f in 0..CHANNELS {
            let slope = 1.0 + 0.3 * f as f64 / CHANNELS as f64;
            let carrier = |&&(first, drift, _): &&(usize, i64, f64)| {
                let at = first as f64 + drift as f64 * t as f64 / 15.0;
                at.round() as usize == f
            };
            let excess: f64 = carriers.iter().filter(carrier).map(|c| c.2).sum();
            let noise = -libm::log(1.0 - rng.random::<f64>()) + excess;
            all.push((100.0 * slope * (1.0 + 0.1 * (t % 3) as f64) * noise) as f32);
        }
    }
    all
}

fn write(folder: &Path, bits: i32, powers: &[f32]) -> PathBuf {
    let mut bytes = header(bits);
    for p in powers {
        match bits {
            8 => bytes.push((p / 10.0) as u8),
            16 => bytes.extend((*p as u16).to_le_bytes()),
            _ => bytes.extend(p.to_le_bytes()),
        }
    }
    let path = folder.join(format!("made{bits}.fil"));
    std::fs::write(&path, bytes).unwrap();
    path
}

fn found(path: &Path) -> FileLines {
    search(&Filterbank::open(path).unwrap(), path, &settings()).unwrap()
}

#[test]
fn carriers_are_found_where_they_are_and_told_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut rng = mirinae_common::random::stream(1, 0, 0);
    // One across the edge of two pieces, one beside the end of the file.
    let there = [(500, 3, 9.0), (32_765, 7, 9.0), (40_000, -9, 9.0), (69_990, 0, 9.0)];
    let powers = powers(&there, &mut rng);
    for bits in [32, 16, 8] {
        let path = write(folder.path(), bits, &powers);
        let found = found(&path);
        // The second stretch ends with the file and has most of the first.
        for spectrum in [0, SPECTRA - 16] {
            let here: Vec<_> = found.lines.iter().filter(|l| l.spectrum == spectrum).collect();
            assert_eq!(here.len(), there.len(), "{bits} {found:?}");
            for (first, drift, _) in there {
                let first = first as i64 + (drift as f64 * spectrum as f64 / 15.0).round() as i64;
                let near = |l: &&super::FileLine| {
                    (l.line.first as i64 - first).abs() <= 1 && (l.line.drift - drift).abs() <= 1
                };
                assert!(here.iter().any(near), "{bits} {first} {here:?}");
            }
        }
    }
    let path = write(folder.path(), 32, &powers);
    run(&path, &settings(), folder.path()).unwrap();
    let csv = std::fs::read_to_string(folder.path().join("made32.powers.csv")).unwrap();
    assert_eq!(csv.lines().count(), 1 + 2 * there.len());
    assert!(folder.path().join("made32.powers.ecsv").exists());
}

#[test]
fn noise_is_not_found_nor_what_is_no_number() {
    let folder = tempfile::tempdir().unwrap();
    let mut powers = powers(&[], &mut mirinae_common::random::stream(2, 0, 0));
    powers[CHANNELS + 7] = f32::NAN;
    powers[3 * CHANNELS + 9] = f32::INFINITY;
    // A spectrum that was lost.
    powers[5 * CHANNELS..6 * CHANNELS].fill(0.0);
    let found = found(&write(folder.path(), 32, &powers));
    assert_eq!(found.lines, []);
    assert_eq!(found.trials, 2.0 * CHANNELS as f64 * 21.0);
}

#[test]
fn broken_files_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bad.fil");
    let open = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        Filterbank::open(&path)
    };
    let good = header(32);
    for cut in 0..good.len() {
        assert!(open(&good[..cut]).is_err(), "{cut}");
    }
    assert!(matches!(open(b"nothing at all"), Err(SigprocError::Magic)));
    assert!(matches!(open(&header(4)), Err(SigprocError::Value { name: "nbits", .. })));
    assert_eq!(open(&good).unwrap().spectra, 0);
    assert!(search(&open(&good).unwrap(), &path, &settings()).is_err());
}
