//! Files of samples: round trip, same bytes, damage.

use super::*;
use ndarray::{Array1, Array2, s};
use std::fs;
use std::path::Path;

const WALKERS: usize = 4;
const DIM: usize = 3;

fn segment(first_step: u64, steps: usize) -> Segment {
    let mut segment = Segment::new(first_step, WALKERS, DIM).with_statistics(&["energy", "depth"]);
    for step in first_step..first_step + steps as u64 {
        let value = |k: usize| (step * 1000) as f64 + k as f64 + 0.1;
        let positions = Array2::from_shape_fn((WALKERS, DIM), |(w, p)| value(w * DIM + p));
        let log_density = Array1::from_shape_fn(WALKERS, |w| -value(w));
        segment.push(positions.view(), log_density.view());
        segment.push_statistics(Array2::from_shape_fn((2, WALKERS), |(s, w)| value(w) + s as f64).view());
    }
    segment
}

fn header() -> Header {
    let parameter = |name: &str, unit: &str| Parameter { name: name.into(), unit: unit.into() };
    Header {
        parameters: vec![parameter("a.tex", "K"), parameter("a.fwhm", "km/s"), parameter("a.logn", "")],
        accepted_fraction: vec![0.25, 0.3, 0.2, 0.28],
        statistics: vec!["energy".into(), "depth".into()],
        burn: 2,
        gradients: 0,
        told: "ensemble\n".into(),
        plan: vec![1, 2, 0, 255],
        // Longer than the 64 KiB that an attribute can hold in itself.
        provenance: "seed 1, μ\n".repeat(10_000),
    }
}

fn write_all(dir: &Path) -> Vec<PartRecord> {
    [(0, 0, 5), (1, 5, 5), (2, 10, 2)]
        .map(|(index, first, steps)| write_part(dir, index, &segment(first, steps)).unwrap())
        .to_vec()
}

/// The message with its causes, as a user reads it.
fn chain_of(error: ChainError) -> String {
    format!("{:#}", anyhow::Error::new(error))
}

#[test]
fn a_chain_comes_back_as_it_was_written() {
    let dir = tempfile::tempdir().unwrap();
    let parts = write_all(dir.path());
    let path = dir.path().join("chain.h5");
    let sha256 = merge(dir.path(), &parts, &header(), &path).unwrap();
    verify(&path, &sha256).unwrap();
    let chain = read(&path).unwrap();
    assert_eq!(chain.header, header());
    assert_eq!((chain.first_step, chain.samples.dim()), (0, (12, WALKERS, DIM)));
    let (first_step, samples, log_density) = read_part(&part_path(dir.path(), 1)).unwrap();
    assert_eq!(first_step, 5);
    assert_eq!(chain.samples.slice(s![5..10, .., ..]), samples);
    assert_eq!(chain.log_density.slice(s![5..10, ..]), log_density);
    assert_eq!(chain.samples[(11, 1, 2)], 11_005.1);
    assert_eq!(read_statistics(&path, "depth").unwrap()[(11, 2)], 11_003.1);
    assert!(read_statistics(&path, "length").is_err());
    remove_parts(dir.path()).unwrap();
    remove_parts(dir.path()).unwrap();
    let left: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left, ["chain.h5"]);
}

#[test]
fn the_same_samples_give_the_same_bytes() {
    let write = || {
        let dir = tempfile::tempdir().unwrap();
        let parts = write_all(dir.path());
        let path = dir.path().join("chain.h5");
        merge(dir.path(), &parts, &header(), &path).unwrap();
        (parts, fs::read(&path).unwrap())
    };
    let first = write();
    // HDF5's times of objects have a resolution of a second.
    std::thread::sleep(std::time::Duration::from_millis(1100));
    assert!(first == write());
}

#[test]
fn damage_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let parts = write_all(dir.path());
    let path = part_path(dir.path(), 1);
    verify(&path, &parts[1].sha256).unwrap();
    let whole = fs::read(&path).unwrap();
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 1;
    fs::write(&path, &flipped).unwrap();
    let merged = merge(dir.path(), &parts, &header(), &dir.path().join("chain.h5"));
    assert!(merged.unwrap_err().to_string().contains("chain-000001.h5"));
    fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    assert!(matches!(verify(&path, &parts[1].sha256), Err(ChainError::Damaged { .. })));
    let error = read_part(&path).unwrap_err().to_string();
    assert!(error.contains("cannot read") && error.contains("chain-000001.h5"), "{error}");
    fs::remove_file(&path).unwrap();
    let error = chain_of(verify(&path, &parts[1].sha256).unwrap_err());
    assert!(error.contains("chain-000001.h5") && error.contains("No such file"), "{error}");
    assert!(!dir.path().join("chain.h5").exists() && !dir.path().join(".chain.h5.tmp").exists());
}

#[test]
fn parts_must_follow_one_another() {
    let dir = tempfile::tempdir().unwrap();
    let mut parts = write_all(dir.path());
    parts.remove(1);
    let error = merge(dir.path(), &parts, &header(), &dir.path().join("chain.h5")).unwrap_err();
    assert!(matches!(error, ChainError::Gap { found: 10, expected: 5, .. }), "{error}");
    let mut short = header();
    short.parameters.pop();
    let error = merge(dir.path(), &parts[..1], &short, &dir.path().join("chain.h5")).unwrap_err();
    assert!(matches!(error, ChainError::Shape { .. }), "{error}");
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("occupied");
    fs::write(&file, "").unwrap();
    let error = chain_of(write_part(&file, 0, &segment(0, 1)).unwrap_err());
    assert!(error.contains("occupied/parts") && error.contains("Not a directory"), "{error}");
    let error = chain_of(merge(dir.path(), &[], &header(), Path::new("/nowhere/chain.h5")).unwrap_err());
    assert!(error.contains("/nowhere/chain.h5") && error.contains("No such file"), "{error}");
}

#[test]
fn a_full_disk_is_named_with_its_cause() {
    // /dev/full takes no byte, as a full disk.
    let error = hdf::create(Path::new("/dev/full")).map_err(ChainError::hdf5("write", Path::new("chain.h5")));
    let text = error.unwrap_err().to_string();
    assert_eq!(text, "cannot write chain.h5: No space left on device");
}
