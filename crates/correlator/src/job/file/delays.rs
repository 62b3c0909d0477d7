//! The delays of a job as a table: for comparison with other models and for planning.

use super::build::resolve_centres;
use super::orbits::targets;
use super::{JobFile, epoch};
use crate::geometry::model::{Instant, LIGHT_M_S, Seen, Target};
use crate::orbit::OrbitError;
use std::io::{self, Write};
use std::path::Path;

/// Columns of the table.
const HEADER: &str = "mjd_utc,station,source,delay_s,rate_s_per_s,u_m,v_m,w_m,el_deg,az_deg,dry_s,wet_s";
/// Half the step of the rate's difference in s.
const HALF_STEP_S: f64 = 0.5;

/// Which rows are written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rows {
    /// Step between the epochs of a scan in s.
    pub step_s: f64,
    /// Lowest elevation in degrees.
    pub above_deg: f64,
}

/// Why the table was not written.
#[derive(Debug, thiserror::Error)]
pub enum DelayTableError {
    /// The job cannot be used.
    #[error("{0}")]
    Job(String),
    /// The file cannot be written.
    #[error(transparent)]
    Write(#[from] io::Error),
}

impl JobFile {
    /// Writes delays (t_station - t_geocentre, in s; without clocks), rates, u, v, w (m), elevation and azimuth (deg) of every
    /// station towards every phase centre, at whole steps of every scan.
    ///
    /// # Errors
    /// [`DelayTableError`].
    pub fn write_delays(
        &self,
        folder: &Path,
        rows: Rows,
        to: &mut impl Write,
    ) -> Result<(), DelayTableError> {
        let job = DelayTableError::Job;
        let (file, _) = self.laid_out().map_err(job)?;
        let calculator = file.calculator(folder).map_err(job)?;
        let sources = file.sources().map_err(job)?;
        let orbits = file.orbits(folder).map_err(job)?;
        let targets = targets(&sources, &orbits);
        writeln!(to, "{HEADER}")?;
        for scan in &file.scans {
            let start = epoch(&scan.start, &format!("scan {}", scan.name)).map_err(job)?;
            let (_, centres) = resolve_centres(scan, &sources).map_err(job)?;
            let steps = (scan.duration_s / rows.step_s + 1e-9).floor().max(0.0) as u64;
            for step in 0..=steps {
                let time = start.plus(step as f64 * rows.step_s);
                let instants = [-HALF_STEP_S, 0.0, HALF_STEP_S].map(|dt| calculator.instant(time.plus(dt)));
                let [before, now, after] = instants;
                // At the ends of what is known of the Earth's orientation the rate is one-sided.
                let now = now.map_err(|e| job(format!("scan {}: {e}", scan.name)))?;
                let (before, after) =
                    (before.unwrap_or_else(|_| now.clone()), after.unwrap_or_else(|_| now.clone()));
                let instants = [before, now, after];
                for &centre in &centres {
                    let seen = seen(&instants, &targets[centre]).map_err(|e| job(e.to_string()))?;
                    file.write_epoch(&instants, (&sources[centre].name, seen), rows.above_deg, to)?;
                }
            }
        }
        Ok(())
    }

    /// The rows of one epoch and source: the instants before, at and after it, and the source as it is seen then.
    fn write_epoch(
        &self,
        [before, now, after]: &[Instant; 3],
        (name, [seen_before, seen, seen_after]): (&str, [Seen; 3]),
        above_deg: f64,
        to: &mut impl Write,
    ) -> io::Result<()> {
        let between_s = after.time().since(before.time());
        for (station, site) in self.stations.iter().enumerate() {
            let parts = now.parts(station, seen);
            let elevation_deg = parts.elevation_rad.to_degrees();
            if elevation_deg < above_deg {
                continue;
            }
            let total = |instant: &Instant, seen: Seen| instant.parts(station, seen).total_s();
            let rate = (total(after, seen_after) - total(before, seen_before)) / between_s;
            let [u, v, _] = now.uvw_m(station, seen);
            let (delay_s, azimuth_deg) = (parts.total_s(), parts.azimuth_rad.to_degrees());
            let mjd = now.time().as_mjd();
            write!(to, "{mjd:.10},{},{name},{delay_s:.17e},{rate:.12e},", site.code)?;
            write!(to, "{u:.6},{v:.6},{:.6},{elevation_deg:.6},{azimuth_deg:.6},", LIGHT_M_S * delay_s)?;
            writeln!(to, "{:.6e},{:.6e}", parts.dry_s, parts.wet_s)?;
        }
        Ok(())
    }
}

/// A target at three instants; at the ends of its orbit as it is at the middle one.
fn seen(instants: &[Instant; 3], target: &Target) -> Result<[Seen; 3], OrbitError> {
    let now = instants[1].seen(target)?;
    Ok([0, 1, 2].map(|i| instants[i].seen(target).unwrap_or(now)))
}
