//! Resolves a search before MPI starts: channels, dumps, dispersion measures, field, units of work.

use super::super::narrow::plan::half_field;
use super::cross::Correlations;
use super::field::{FieldOfDelays, MOST_DIRECTIONS, Uv};
use super::grid::{BurstUnit, Grid, Group, WIDEST, WIDTHS, units};
use super::{BurstError, BurstSettings};
use crate::engine::{LOSS_TOLERANCE, RotationChoice};
use crate::geometry::DelayModel;
use crate::job::Job;
use crate::run::{self, Plan, Wishes};
use mirinae_common::checkpoint::Hash;
use mirinae_common::outcome::Failure;
use mirinae_common::provenance;
use mirinae_simd::SimdPath;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::Path;

/// The resolved search, the same on all ranks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BurstPlan {
    /// The job and its recordings.
    pub base: Plan,
    /// How to search.
    pub settings: BurstSettings,
    /// Channels and dumps.
    pub grid: Grid,
    /// Bands by polarisation.
    pub groups: Vec<Group>,
    /// Work.
    pub units: Vec<BurstUnit>,
    /// Half the width of the field of each scan, rad.
    pub half_fields: Vec<f64>,
}

/// Reads a job and the headers of its recordings, and plans the search.
///
/// # Errors
/// Exit 65 where job or recordings cannot be used, 64 where the search asked for cannot be.
pub fn prepare(
    input: &Path,
    trust_job: bool,
    settings: BurstSettings,
    simd: SimdPath,
) -> Result<BurstPlan, Failure> {
    let wishes = Wishes { trust_job, rotation: RotationChoice::Job, loss_tolerance: LOSS_TOLERANCE };
    plan_of(run::prepare(input, &wishes, simd)?, settings)
}

/// Plans the search of a job's recordings.
///
/// # Errors
/// Exit 64 where the search asked for cannot be.
pub(crate) fn plan_of(base: Plan, settings: BurstSettings) -> Result<BurstPlan, Failure> {
    let job = &base.job;
    let half_fields: Vec<f64> = (0..job.scans.len())
        .map(|scan| settings.half_field_rad.unwrap_or_else(|| half_field(job, scan)))
        .collect();
    let all: Vec<usize> = (0..job.stations.len()).collect();
    let middle_s = |scan: usize| 0.5 * (job.scans[scan].start_s + job.scans[scan].end_s) as f64;
    let fields = (0..job.scans.len()).map(|s| field(job, (s, middle_s(s)), &all, half_fields[s]));
    let largest_s = fields.map(|f| f.largest_s()).fold(0.0, f64::max);
    let grid = Grid::new(job, &settings, largest_s).map_err(Failure::usage)?;
    let groups = Group::all(job, &grid, &settings);
    if groups.is_empty() {
        return Err(Failure::usage(BurstError::Empty));
    }
    let units = units(job, &grid, &groups, &settings).map_err(Failure::usage)?;
    let plan = BurstPlan { base, settings, grid, groups, units, half_fields };
    for unit in &plan.units {
        let group = &plan.groups[unit.group];
        let span_hz = Correlations::span_hz(&group.sky_hz, &group.coherent_channels(&plan.grid));
        let field = plan.field(unit, plan.start_s(unit));
        let directions = field.directions(span_hz);
        if directions > MOST_DIRECTIONS {
            let field_arcsec = field.half.to_degrees() * 3600.0;
            return Err(Failure::usage(BurstError::Field { field_arcsec, directions }));
        }
    }
    Ok(plan)
}

/// What the directions of a field do to the delays of some stations at a time of a scan.
fn field(job: &Job, (scan, t_s): (usize, f64), stations: &[usize], half: f64) -> FieldOfDelays {
    let model = &job.scans[scan].model;
    let of = |&station: &usize| {
        let uvw = [-0.5, 0.0, 0.5].map(|d| model.uvw_m(0, station, t_s + d));
        Uv { at_m: [uvw[1][0], uvw[1][1]], rate_m_s: [0, 1].map(|k| uvw[2][k] - uvw[0][k]) }
    };
    FieldOfDelays { half, uv: stations.iter().map(of).collect() }
}

impl BurstPlan {
    /// Start of a unit's own arrivals, s from the start of the job.
    pub fn start_s(&self, unit: &BurstUnit) -> f64 {
        self.base.job.scans[unit.scan].start_s as f64 + unit.first as f64 * self.grid.dump_s()
    }

    /// What directions do to the delays of a unit's stations, at a time from the start of the job.
    pub fn field(&self, unit: &BurstUnit, t_s: f64) -> FieldOfDelays {
        let stations = &self.groups[unit.group].stations;
        field(&self.base.job, (unit.scan, t_s), stations, self.half_fields[unit.scan])
    }

    /// Bytes of a unit's powers and correlations, at most.
    pub(crate) fn work_bytes(&self) -> usize {
        self.units.iter().map(|u| u.bytes(&self.groups[u.group])).max().unwrap_or(0)
    }

    /// Names of a unit's stations.
    pub fn stations(&self, unit: &BurstUnit) -> Vec<&str> {
        let name = |s: &usize| self.base.job.stations[*s].name.as_str();
        self.groups[unit.group].stations.iter().map(name).collect()
    }

    /// How the products are made, as JSON.
    pub fn provenance(&self, hash: &Hash) -> String {
        let settings = (&self.settings, &self.grid, &self.base.recordings);
        provenance::of_plan("kvn-corr search bursts", hash, &settings, &self.base.inputs)
    }
}

impl fmt::Display for BurstPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (job, grid) = (&self.base.job, &self.grid);
        writeln!(
            f,
            "job {}: bands of {} MHz in {} channels of {:.3} kHz; dumps of {:.4} ms, {} spectra each",
            job.name,
            grid.bandwidth_hz / 1e6,
            grid.channels,
            grid.channel_hz() / 1e3,
            1e3 * grid.dump_s(),
            grid.dump_blocks
        )?;
        for group in &self.groups {
            writeln!(
                f,
                "polarisation {}: {} bands, {} dispersion measures up to {} pc cm-3 (sweep {:.3} s), {} boxcars of 1 to {WIDEST} dumps",
                group.polarisation,
                group.bands.len(),
                group.dms.len(),
                self.settings.dm_max,
                group.sweep(grid) as f64 * grid.dump_s(),
                WIDTHS.len()
            )?;
        }
        for (scan, half) in job.scans.iter().zip(&self.half_fields) {
            writeln!(f, "scan {}: field {:.1}\" either way", scan.name, half.to_degrees() * 3600.0)?;
        }
        let (most, reading) = (self.work_bytes(), self.base.reading_bytes());
        write!(
            f,
            "{} units of work, {} MiB of powers and correlations on a rank; memory of a rank: at most {} MiB",
            self.units.len(),
            most.div_ceil(1 << 20),
            (most + reading).div_ceil(1 << 20)
        )
    }
}
