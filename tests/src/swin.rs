//! Reads DiFX's own format of visibilities, without the program under test.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;

/// A record of DiFX's format: what it is of, weight, uvw, visibilities.
pub struct Swin {
    /// Baseline, seconds' day, time in 0.1 ms, source, frequency and polarisations.
    pub key: (i32, i32, i64, i32, i32, [u8; 2]),
    /// Weight.
    pub weight: f64,
    /// u, v, w.
    pub uvw_m: [f64; 3],
    /// Visibilities: real and imaginary parts.
    pub vis: Vec<(f64, f64)>,
}

/// Reads the records of `channels` channels of all files in a folder, in the order of their keys.
///
/// # Panics
/// Where they are none.
pub fn read(folder: &Path, channels: usize) -> Vec<Swin> {
    let int = |b: &[u8], at: usize| i32::from_le_bytes(b[at..at + 4].try_into().unwrap());
    let float = |b: &[u8], at: usize| f64::from_le_bytes(b[at..at + 8].try_into().unwrap());
    let single = |b: &[u8]| f64::from(f32::from_le_bytes(b.try_into().unwrap()));
    let mut records = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let bytes = fs::read(entry.unwrap().path()).unwrap();
        assert_eq!(bytes.len() % (74 + 8 * channels), 0);
        for r in bytes.chunks(74 + 8 * channels) {
            assert_eq!(int(r, 0) as u32, 0xff00_ff00);
            let time = (float(r, 16) * 1e4).round() as i64;
            records.push(Swin {
                key: (int(r, 8), int(r, 12), time, int(r, 28), int(r, 32), [r[36], r[37]]),
                weight: float(r, 42),
                uvw_m: [50, 58, 66].map(|at| float(r, at)),
                vis: r[74..].chunks(8).map(|v| (single(&v[..4]), single(&v[4..]))).collect(),
            });
        }
    }
    records.sort_by_key(|record| record.key);
    records
}

/// The largest difference of a record's visibilities, relative to their root mean square.
pub fn difference(ours: &Swin, theirs: &Swin) -> f64 {
    let power = |sum: f64, v: (f64, f64)| sum + v.0 * v.0 + v.1 * v.1;
    let pairs = ours.vis.iter().zip(&theirs.vis);
    let off = pairs.map(|(a, b)| (a.0 - b.0, a.1 - b.1)).fold(0.0, power);
    (off / theirs.vis.iter().copied().fold(0.0, power)).sqrt()
}
