//! Keeps the recordings around what passes, as VDIF.

use super::plan::BurstPlan;
use super::products::{Row, Rows};
use super::verdict::Outcome;
use crate::baseband::{Recording, VdifHeader};
use crate::dispersion::delay_s;
use crate::geometry::DelayModel;
use anyhow::Context as _;
use mirinae_common::atomic;
use std::collections::BTreeSet;
use std::io;
use std::path::Path;

/// Before and after a burst, s, and in widths of it.
const AROUND: (f64, f64) = (2e-3, 2.0);

/// Writes, for every burst that passes, a file of each stream that has its polarisation: `ROW.STATION.vdif` (`.STREAM` before the
/// ending where a station has several). How many.
///
/// # Errors
/// A recording cannot be read, a file not be written.
pub(super) fn keep(plan: &BurstPlan, rows: &Rows, folder: &Path) -> anyhow::Result<usize> {
    let job = &plan.base.job;
    let (mut seen, mut kept) = (BTreeSet::new(), 0);
    for (index, row) in rows.rows.iter().enumerate() {
        if row.hit.outcome != Outcome::Passes || !seen.insert(row.signal) {
            continue;
        }
        let group = &plan.groups[plan.units[row.unit].group];
        let members = group.bands.iter().flat_map(|b| &b.members);
        let streams: BTreeSet<usize> = members.map(|m| m.stream).collect();
        for &stream in &streams {
            let station = job.streams[stream].station;
            let name = &job.stations[station].name;
            let several = streams.iter().filter(|s| job.streams[**s].station == station).count() > 1;
            let which = if several { format!(".{stream}") } else { String::new() };
            let path = folder.join(format!("{index:06}.{name}{which}.vdif"));
            copy(plan, row, stream, &path).with_context(|| format!("cannot keep {}", path.display()))?;
            kept += 1;
        }
    }
    Ok(kept)
}

/// Copies the frames of a stream that hold a burst over all of its dispersion.
fn copy(plan: &BurstPlan, row: &Row, stream: usize, path: &Path) -> anyhow::Result<()> {
    let (job, unit) = (&plan.base.job, &plan.units[row.unit]);
    let of = &job.streams[stream];
    let group = &plan.groups[unit.group];
    let width_s = row.hit.width as f64 * plan.grid.dump_s();
    let around_s = AROUND.0 + AROUND.1 * width_s;
    let least_hz = group.sky_hz.first().copied().unwrap_or(group.top_hz);
    let sweep_s = delay_s(row.dm_pc_cm3, least_hz) - delay_s(row.dm_pc_cm3, group.top_hz);
    // A station's samples begin at geocentric time less its delay.
    let delay_at = |t_s: f64| job.scans[unit.scan].model.delay(0, of.station, t_s).delay_s;
    let from_s = row.arrival_s - around_s - delay_at(row.arrival_s);
    let to_s = row.arrival_s + sweep_s + around_s - delay_at(row.arrival_s + sweep_s);
    let rate_hz = of.sample_rate_hz as f64;
    let (from, to) = ((from_s * rate_hz).floor() as i64, (to_s * rate_hz).ceil() as i64);
    let mut recording = Recording::asleep(&plan.base.indexes[stream]);
    let station = VdifHeader::station_from_code(&job.stations[of.station].name).unwrap_or(0);
    atomic::write(path, |file| {
        recording.copy_frames((from, (to - from).max(0) as usize), station, file).map_err(io::Error::other)
    })?;
    Ok(())
}
