//! Writes integrations straight into the places that an HDF5 file has for them, from any number of ranks.
//!
//! [`super::VisWriter`] makes the file with contiguous datasets that have their places from the beginning. An integration is
//! then one run of bytes in each, which needs neither the library nor what other ranks do.

use crate::integrate::Record;
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

    /// Writes an integration of a scan.
    ///
    /// # Errors
    /// What the system says; a record of another shape, an integration that the file has no room for.
    pub fn write(&self, scan: usize, integration: usize, record: &Record) -> io::Result<()> {
        for ((place, bytes), name) in self.places.scans[scan].iter().zip(bytes(record)).zip(DATASETS) {
            let row = integration as u64;
            if place.row_bytes != bytes.len() as u64 || (row >= place.rows && !bytes.is_empty()) {
                let what = format!("{name}: {} bytes for row {row} of {place:?}", bytes.len());
                return Err(io::Error::other(what));
            }
            self.file.write_all_at(bytes, place.start + row * place.row_bytes)?;
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
