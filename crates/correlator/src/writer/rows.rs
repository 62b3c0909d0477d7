//! Writes integrations straight into the places that an HDF5 file has for them, from any number of ranks.
//!
//! [`super::VisWriter`] makes the file with contiguous datasets that have their places from the beginning. An integration is
//! then one run of bytes in each, which needs neither the library nor what other ranks do.

use crate::integrate::{Record, STATES};
use crate::job::{Items, Kept};
use hdf5::{Group, Result};
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// The datasets with a row for each integration, in the order of [`bytes`].
const DATASETS: [&str; 9] = [
    "cross_vis_tcxf",
    "cross_weight_tcx",
    "uvw_m_tcb3",
    "auto_vis_tyf",
    "auto_weight_ty",
    "coverage_ts",
    "samples_tr",
    "states_trk",
    "tones_tg",
];

/// What a record has for each dataset, as it lies in memory: HDF5's native numbers.
fn bytes(record: &Record) -> [&[u8]; 9] {
    use bytemuck::cast_slice;
    [
        cast_slice(&record.cross_cpf),
        cast_slice(&record.cross_weight_cp),
        cast_slice(&record.uvw_cb),
        cast_slice(&record.auto_pf),
        cast_slice(&record.auto_weight_p),
        cast_slice(&record.coverage_s),
        cast_slice(&record.samples_r),
        cast_slice(&record.states_rk),
        cast_slice(&record.tones_g),
    ]
}

/// What of each dataset's rows a lot keeps, and bytes of an item.
fn items(kept: &Kept) -> [(&Items, u64); 9] {
    let spectrum = 8 * kept.output_channels as u64;
    [
        (&kept.crosses, spectrum),
        (&kept.crosses, 4),
        (&kept.baselines, 24),
        (&kept.autos, spectrum),
        (&kept.autos, 4),
        (&kept.streams, 4),
        (&kept.channels, 8),
        (&kept.channels, 8 * STATES as u64),
        (&kept.tones, 8),
    ]
}

/// What a lot keeps of a record, packed: what [`VisRows::write`] takes.
pub fn pack(record: &Record, kept: &Kept) -> Record {
    let width = kept.output_channels;
    Record {
        cross_cpf: kept.crosses.pack(&record.cross_cpf, width),
        cross_weight_cp: kept.crosses.pack(&record.cross_weight_cp, 1),
        uvw_cb: kept.baselines.pack(&record.uvw_cb, 1),
        auto_pf: kept.autos.pack(&record.auto_pf, width),
        auto_weight_p: kept.autos.pack(&record.auto_weight_p, 1),
        coverage_s: kept.streams.pack(&record.coverage_s, 1),
        samples_r: kept.channels.pack(&record.samples_r, 1),
        states_rk: kept.channels.pack(&record.states_rk, 1),
        tones_g: kept.tones.pack(&record.tones_g, 1),
    }
}

/// Where a dataset begins in the file, how long its rows are, and how many there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Place {
    start: u64,
    row_bytes: u64,
    rows: u64,
}

/// Where everything lies, by scan: what a rank has to know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VisPlaces {
    scans: Vec<[Place; 9]>,
}

impl VisPlaces {
    /// The places of the scans of a file.
    ///
    /// # Errors
    /// What the library says; a dataset without a place.
    pub(super) fn of(scans: &[Group]) -> Result<Self> {
        let of_scan = |group: &Group| -> Result<[Place; 9]> {
            let mut places = [Place::default(); 9];
            for (place, name) in places.iter_mut().zip(DATASETS) {
                if !group.link_exists(name) {
                    continue;
                }
                let dataset = group.dataset(name)?;
                let rows = dataset.shape().first().copied().unwrap_or(0) as u64;
                let all_bytes = (dataset.size() * dataset.dtype()?.size()) as u64;
                if all_bytes > 0 {
                    let start = dataset.offset().ok_or_else(|| format!("{name} has no place in the file"))?;
                    *place = Place { start, row_bytes: all_bytes / rows, rows };
                }
            }
            Ok(places)
        };
        Ok(Self { scans: scans.iter().map(of_scan).collect::<Result<_>>()? })
    }
}

/// A file whose rows are being written.
#[derive(Debug)]
pub struct VisRows {
    file: File,
    places: VisPlaces,
}

impl VisRows {
    /// Opens a file that [`super::VisWriter`] has made and closed.
    ///
    /// # Errors
    /// What the system says.
    pub fn open(path: &Path, places: VisPlaces) -> io::Result<Self> {
        Ok(Self { file: OpenOptions::new().write(true).open(path)?, places })
    }

    /// Writes what a lot keeps of an integration of a scan.
    ///
    /// # Errors
    /// What the system says; a record of another shape, an integration that the file has no room for.
    pub fn write(&self, scan: usize, row: u64, record: &Record, kept: &Kept) -> io::Result<()> {
        let datasets = self.places.scans[scan].iter().zip(bytes(record)).zip(items(kept));
        for (((place, bytes), (items, item_bytes)), name) in datasets.zip(DATASETS) {
            let (all_bytes, kept_bytes) = (items.all as u64 * item_bytes, items.count() as u64 * item_bytes);
            let repeats = place.row_bytes / all_bytes.max(1);
            let fits = place.row_bytes == repeats * all_bytes && bytes.len() as u64 == repeats * kept_bytes;
            if !fits || (row >= place.rows && !bytes.is_empty()) {
                let what = format!("{name}: {} bytes for row {row} of {place:?}", bytes.len());
                return Err(io::Error::other(what));
            }
            let start = place.start + row * place.row_bytes;
            if kept_bytes == all_bytes {
                self.file.write_all_at(bytes, start)?;
                continue;
            }
            let mut rest = bytes;
            for repeat in 0..repeats {
                for range in &items.ranges {
                    let (piece, later) = rest.split_at(range.len() * item_bytes as usize);
                    let at = repeat * all_bytes + range.start as u64 * item_bytes;
                    self.file.write_all_at(piece, start + at)?;
                    rest = later;
                }
            }
        }
        Ok(())
    }

    /// Waits until what was written is on storage.
    ///
    /// # Errors
    /// What the system says.
    pub fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }
}
