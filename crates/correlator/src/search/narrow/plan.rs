//! Resolves a search before MPI starts: bands, grid, field, units of work.

use super::cross::{FieldOfRates, MOST_DIRECTIONS, slope};
use super::grid::{BINS, Grid, NarrowUnit, STEPS, SUB_BINS, Shared, shared_bands, units};
use super::strip::Strip;
use super::{NarrowError, NarrowSettings};
use crate::engine::{LOSS_TOLERANCE, RotationChoice};
use crate::geometry::{DelayModel, LIGHT_M_S};
use crate::job::{Job, known_diameter_m};
use crate::run::{self, Plan, Wishes};
use mirinae_common::checkpoint::Hash;
use mirinae_common::outcome::Failure;
use mirinae_common::provenance;
use mirinae_simd::SimdPath;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::Range;
use std::path::Path;

/// Diameter of antennas whose own is not known, m: the field is as wide as their beam.
const SOME_DIAMETER_M: f64 = 25.0;
/// Bins of the first transforms at both ends of a band, and of what a station recorded of it, that are not searched, and that tell
/// nothing of the noise: a block's window takes from beyond the edge, where there is nothing, and the noise falls off over the
/// last few bins.
const EDGE_BINS: f64 = 8.0;
/// Phase centres lie within the field by so much of their distance.
const AROUND_CENTRES: f64 = 1.1;

/// The resolved search, the same on all ranks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NarrowPlan {
    /// The job and its recordings.
    pub base: Plan,
    /// How to search.
    pub settings: NarrowSettings,
    /// Channels and drifts.
    pub grid: Grid,
    /// Bands in one polarisation.
    pub shared: Vec<Shared>,
    /// Work.
    pub units: Vec<NarrowUnit>,
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
    settings: NarrowSettings,
    simd: SimdPath,
) -> Result<NarrowPlan, Failure> {
    let wishes = Wishes { trust_job, rotation: RotationChoice::Job, loss_tolerance: LOSS_TOLERANCE };
    plan_of(run::prepare(input, &wishes, simd)?, settings)
}

/// Plans the search of a job's recordings.
///
/// # Errors
/// Exit 64 where the search asked for cannot be.
pub(crate) fn plan_of(base: Plan, settings: NarrowSettings) -> Result<NarrowPlan, Failure> {
    let grid = Grid::new(&base.job, &settings).map_err(Failure::usage)?;
    let shared = shared_bands(&base.job);
    let units = units(&base.job, &grid, &shared, settings.memory_bytes);
    if units.is_empty() {
        return Err(Failure::usage(NarrowError::Short { spectrum_s: grid.spectrum_s() }));
    }
    let half_fields: Vec<f64> = (0..base.job.scans.len())
        .map(|scan| settings.half_field_rad.unwrap_or_else(|| half_field(&base.job, scan)))
        .collect();
    let plan = NarrowPlan { base, settings, grid, shared, units, half_fields };
    let of = |unit: &NarrowUnit| grid.bytes(unit.spectra, plan.shared[unit.shared].members.len());
    let needed = plan.units.iter().map(of).max().unwrap_or(0);
    if needed > settings.memory_bytes {
        let [needed_mib, given_mib] = [needed, settings.memory_bytes].map(|bytes| bytes.div_ceil(1 << 20));
        return Err(Failure::usage(NarrowError::Memory { needed_mib, given_mib }));
    }
    for unit in &plan.units {
        let field = plan.field(unit);
        let directions = field.directions(unit.spectra as f64 * grid.spectrum_s());
        if directions > MOST_DIRECTIONS {
            let field_arcsec = field.half.to_degrees() * 3600.0;
            return Err(Failure::usage(NarrowError::Field { field_arcsec, directions }));
        }
    }
    Ok(plan)
}

/// Half the primary beam's full width at half maximum (1.2 wavelengths over the smallest diameter), and all phase centres.
pub(in crate::search) fn half_field(job: &Job, scan: usize) -> f64 {
    let diameter = |s: &crate::job::Station| s.diameter_m.or_else(|| known_diameter_m(&s.name));
    let least = job.stations.iter().map(|s| diameter(s).unwrap_or(SOME_DIAMETER_M));
    let diameter_m = least.fold(f64::INFINITY, f64::min).max(1.0);
    let low_hz = job.bands.iter().map(|b| b.low_hz()).fold(f64::INFINITY, f64::min).max(1e6);
    let pointing = &job.sources[job.scans[scan].pointing];
    let far = job.scans[scan].centres.iter().map(|&c| {
        let centre = &job.sources[c];
        let east = (centre.ra_rad - pointing.ra_rad) * pointing.dec_rad.cos();
        AROUND_CENTRES * east.abs().max((centre.dec_rad - pointing.dec_rad).abs())
    });
    far.fold(0.6 * LIGHT_M_S / low_hz / diameter_m, f64::max)
}

impl NarrowPlan {
    /// Middle of a unit's stretch, s from the start of the job.
    pub fn middle_s(&self, unit: &NarrowUnit) -> f64 {
        let spectra = unit.first as f64 + 0.5 * unit.spectra as f64;
        self.base.job.scans[unit.scan].start_s as f64 + spectra * self.grid.spectrum_s()
    }

    /// What directions do to the rates of a unit's stations.
    pub fn field(&self, unit: &NarrowUnit) -> FieldOfRates {
        let job = &self.base.job;
        let (shared, model) = (&self.shared[unit.shared], &job.scans[unit.scan].model);
        let (middle_s, half_s) = (self.middle_s(unit), 0.5);
        let band = &job.bands[shared.band];
        let sky_hz = band.low_hz() + 0.5 * band.bandwidth_hz;
        let of = |m: &super::grid::Member| {
            let station = job.streams[m.stream].station;
            let uvw = [middle_s - half_s, middle_s + half_s].map(|t| model.uvw_m(0, station, t));
            slope(uvw, 2.0 * half_s, sky_hz)
        };
        FieldOfRates {
            half: self.half_fields[unit.scan],
            slopes: shared.members.iter().map(of).collect(),
            channel_hz: self.grid.channel_hz(),
            sky_hz,
        }
    }

    /// Steps from the band's lower edge that a station has recorded over all of a unit's stretch: its motion moves
    /// frequencies by parts in a million.
    pub fn recorded(&self, unit: &NarrowUnit, member: usize) -> Range<i64> {
        let (job, shared) = (&self.base.job, &self.shared[unit.shared]);
        let station = job.streams[shared.members[member].stream].station;
        let model = &job.scans[unit.scan].model;
        let half_s = 0.5 * unit.spectra as f64 * self.grid.spectrum_s();
        let steps = (STEPS * self.grid.channels()) as f64;
        let edge = EDGE_BINS * steps / BINS as f64;
        let (mut from, mut to) = (edge, steps - edge);
        for t_s in [self.middle_s(unit) - half_s, self.middle_s(unit) + half_s] {
            let moved_hz = -model.delay(0, station, t_s).rate * job.bands[shared.band].low_hz();
            let moved = moved_hz / self.grid.step_hz();
            from = from.max(moved + edge);
            to = to.min(steps + moved - edge);
        }
        from as i64..to as i64
    }

    /// Bytes of a unit's spectra, and of all stations' that are kept for the next one.
    fn spectra_bytes(&self, unit: &NarrowUnit) -> usize {
        (unit.to - unit.from) * self.sub_band_bytes(unit)
    }

    /// Bytes of the spectra of a sub-band, of as many stations as any band has.
    fn sub_band_bytes(&self, unit: &NarrowUnit) -> usize {
        let stations = self.shared.iter().map(|shared| shared.members.len()).max().unwrap_or(0);
        self.grid.bytes(unit.spectra, stations)
    }

    /// Bytes of memory that a unit needs at most, besides what is read.
    pub(crate) fn work_bytes(&self) -> usize {
        let (grid, complex) = (&self.grid, size_of::<num_complex::Complex32>());
        let of = |unit: &NarrowUnit| {
            // The voltages of all sub-bands up to a spectrum's length, and what their transforms work in.
            let sums = (unit.to - unit.from + 4) * (grid.points + 2 * SUB_BINS) * complex;
            let drift = grid.most_drift_of(unit.spectra).div_ceil(STEPS);
            let planes = self.shared[unit.shared].members.len() + 2;
            self.spectra_bytes(unit) + sums + planes * Strip::bytes(unit.spectra, drift)
        };
        self.units.iter().map(of).max().unwrap_or(0)
    }

    /// Names of a unit's stations.
    pub fn stations(&self, unit: &NarrowUnit) -> Vec<&str> {
        let job = &self.base.job;
        let name = |m: &super::grid::Member| job.stations[job.streams[m.stream].station].name.as_str();
        self.shared[unit.shared].members.iter().map(name).collect()
    }

    /// How the products are made, as JSON.
    pub fn provenance(&self, hash: &Hash) -> String {
        let settings = (&self.settings, &self.grid, &self.base.recordings);
        provenance::of_plan("kvn-corr search narrow", hash, &settings, &self.base.inputs)
    }
}

impl fmt::Display for NarrowPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (job, grid) = (&self.base.job, &self.grid);
        let spectra = self.units.iter().map(|u| u.spectra).max().unwrap_or(0);
        writeln!(f, "job {}: {} bands of {} MHz", job.name, self.shared.len(), grid.bandwidth_hz / 1e6)?;
        writeln!(
            f,
            "channels of {:.4} Hz, {} in a band; spectra of {:.4} s, {spectra} of them added; drifts up to {:.3} Hz/s in steps of {:.4} Hz/s",
            grid.channel_hz(),
            grid.channels(),
            grid.spectrum_s(),
            grid.most_drift_of(spectra) as f64 * grid.drift_step(spectra),
            grid.drift_step(spectra)
        )?;
        for (scan, half) in job.scans.iter().zip(&self.half_fields) {
            writeln!(f, "scan {}: field {:.1}\" either way", scan.name, half.to_degrees() * 3600.0)?;
        }
        let most = self.units.iter().map(|unit| self.spectra_bytes(unit)).max().unwrap_or(0);
        let all = self.base.reading_bytes() + self.work_bytes();
        write!(
            f,
            "{} units of work, {} MiB of spectra on a rank; memory of a rank: at most {} MiB",
            self.units.len(),
            most.div_ceil(1 << 20),
            all.div_ceil(1 << 20)
        )?;
        let parts = |unit: &NarrowUnit| grid.sub_bands().div_ceil(unit.to - unit.from);
        let parts = self.units.iter().filter(|unit| unit.from == 0).map(parts).max().unwrap_or(1);
        if parts > 1 {
            let of_band = |unit: &NarrowUnit| grid.sub_bands() * self.sub_band_bytes(unit);
            let whole = self.units.iter().map(of_band).max().unwrap_or(0);
            write!(
                f,
                "\na band is searched in {parts} parts, and transformed for each of them: once with --memory-mib {}, or with a shorter --stretch",
                whole.div_ceil(1 << 20)
            )?;
        }
        Ok(())
    }
}
