//! Keeps what a unit of work made until all are done: a small file that is whole or not there.
use crate::integrate::{Record, STATES};
use mirinae_common::checkpoint::{Checkpoint, CheckpointError, Hash};
use num_complex::Complex32;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// The records of a unit, as they are kept: complex numbers as pairs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Kept {
    cross: Vec<f32>,
    cross_weight: Vec<f32>,
    auto: Vec<f32>,
    auto_weight: Vec<f32>,
    coverage: Vec<f32>,
    uvw: Vec<[f64; 3]>,
    samples: Vec<u64>,
    states: Vec<[u64; STATES]>,
    tones: Vec<f32>,
}

/// The same, of records that stay where they are.
#[derive(Debug, Serialize)]
struct Lent<'a> {
    cross: &'a [f32],
    cross_weight: &'a [f32],
    auto: &'a [f32],
    auto_weight: &'a [f32],
    coverage: &'a [f32],
    uvw: &'a [[f64; 3]],
    samples: &'a [u64],
    states: &'a [[u64; STATES]],
    tones: &'a [f32],
}

fn lend(record: &Record) -> Lent<'_> {
    let pairs = bytemuck::cast_slice::<Complex32, f32>;
    Lent {
        cross: pairs(&record.cross_cpf),
        cross_weight: &record.cross_weight_cp,
        auto: pairs(&record.auto_pf),
        auto_weight: &record.auto_weight_p,
        coverage: &record.coverage_s,
        uvw: &record.uvw_cb,
        samples: &record.samples_r,
        states: &record.states_rk,
        tones: pairs(&record.tones_g),
    }
}

/// The place of one unit's part.
#[derive(Debug, Clone)]
pub struct Part {
    file: Checkpoint,
}

impl Part {
    /// The folder of the parts of a run whose products go into `out`.
    pub fn folder(out: &Path) -> PathBuf {
        out.join("parts")
    }

    /// The part of a lot (named, or empty for the whole) of unit `unit` of the plan with this hash.
    pub fn new(out: &Path, (unit, lot): (usize, &str), plan: Hash) -> Self {
        Self { file: Checkpoint::new(Self::folder(out).join(format!("{unit:08}{lot}.part")), plan) }
    }

    /// Writes the records of the unit.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn save(&self, records: &[Record]) -> Result<(), CheckpointError> {
        self.file.save(&records.iter().map(lend).collect::<Vec<_>>())
    }

    /// The records of the unit, or `None` where it is not done.
    ///
    /// # Errors
    /// Where the file is damaged or of another plan.
    pub fn load(&self) -> Result<Option<Vec<Record>>, CheckpointError> {
        let complex = |v: &[f32]| v.chunks_exact(2).map(|p| Complex32::new(p[0], p[1])).collect();
        let record = |k: Kept| Record {
            cross_cpf: complex(&k.cross),
            cross_weight_cp: k.cross_weight,
            auto_pf: complex(&k.auto),
            auto_weight_p: k.auto_weight,
            coverage_s: k.coverage,
            uvw_cb: k.uvw,
            samples_r: k.samples,
            states_rk: k.states,
            tones_g: complex(&k.tones),
        };
        Ok(self.file.load::<Vec<Kept>>()?.map(|kept| kept.into_iter().map(record).collect()))
    }

    /// Its file.
    pub fn path(&self) -> &Path {
        self.file.path()
    }
}
