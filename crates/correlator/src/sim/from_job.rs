//! Takes the stations' delays from the model of a job.toml: recordings as the sky makes them, not as a simple geometry does.

use super::SimError;
use super::config::SimConfig;
use crate::epoch::Epoch;
use crate::geometry::model::{Direction, Target, fit};
use crate::job::JobFile;
use std::path::Path;

/// Replaces positions and delays of the stations by those of the job's model (clocks are not in it), towards the pointing of the
/// simulation, or the body on its orbit that the job knows by the name of its first source. The simulation may not be longer than
/// one polynomial.
///
/// # Errors
/// The job cannot be used, or has not all stations.
pub fn delays_of_job(config: &mut SimConfig, job: &Path) -> Result<(), SimError> {
    let wrong = |what: String| SimError::Config { field: format!("delays of {}", job.display()), what };
    let file = JobFile::open(job).map_err(|e| wrong(e.to_string()))?;
    let folder = job.parent().unwrap_or(Path::new(""));
    let calculator = file.calculator(folder).map_err(wrong)?;
    let named = |name: &str| config.sources.first().is_some_and(|first| first.name == *name);
    let orbits = file.orbits(folder).map_err(wrong)?;
    let near =
        file.sources.iter().zip(&orbits).find(|(s, _)| named(&s.name)).and_then(|(_, orbit)| orbit.as_ref());
    let direction = Direction { ra_rad: config.ra_deg.to_radians(), dec_rad: config.dec_deg.to_radians() };
    let start = Epoch::new(config.start_mjd, config.start_second as f64);
    if config.duration_s > fit::INTERVAL_S {
        return Err(wrong(format!("duration_s is longer than the {} s of one polynomial", fit::INTERVAL_S)));
    }
    let target = near.map_or(Target::Far(direction), Target::Near);
    let fitted = fit::fit(&calculator, start, (0.0, config.duration_s), &[target], f64::INFINITY);
    let fitted = fitted.map_err(|e| wrong(e.to_string()))?;
    for station in &mut config.stations {
        let index = file.stations.iter().position(|s| s.code.eq_ignore_ascii_case(&station.code));
        let index = index.ok_or_else(|| wrong(format!("it has no station {}", station.code)))?;
        station.position_m = file.stations[index].position_m;
        let delay = &fitted.intervals[0].by_source_station[0][index].delay_s;
        station.delay_us = Some(delay.coefficients.iter().map(|c| c * 1e6).collect());
    }
    Ok(())
}
