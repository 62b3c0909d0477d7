//! The orbits of a job's near sources, and where they are seen.

use super::{JobFile, SourceEntry};
use crate::epoch::Epoch;
use crate::geometry::model::{Calculator, Direction, Target};
use crate::job::{Scan, Source};
use crate::orbit::Orbit;
use std::path::Path;

impl JobFile {
    /// The orbits of the sources that have one; files count from `folder`.
    pub(crate) fn orbits(&self, folder: &Path) -> Result<Vec<Option<Orbit>>, String> {
        let orbit = |s: &SourceEntry| match (&s.orbit, &self.model.difx_im) {
            (Some(_), Some(_)) => {
                Err(format!("source {}: it has an orbit, but the delays are those of model.difx_im", s.name))
            }
            (Some(file), None) => Orbit::open(&folder.join(file)).map(Some).map_err(|e| e.to_string()),
            (None, _) => Ok(None),
        };
        self.sources.iter().map(orbit).collect()
    }
}

/// What delays are computed to for every source: its orbit, or its direction.
pub(super) fn targets<'a>(sources: &[Source], orbits: &'a [Option<Orbit>]) -> Vec<Target<'a>> {
    let far = |s: &Source| Target::Far(Direction { ra_rad: s.ra_rad, dec_rad: s.dec_rad });
    sources.iter().zip(orbits).map(|(s, orbit)| orbit.as_ref().map_or_else(|| far(s), Target::Near)).collect()
}

/// Says of every near source how far it is at the start of each of its scans, and how far from the direction that products name.
pub(super) fn is_seen(
    calculator: &Calculator,
    start: Epoch,
    scans: &[Scan],
    (sources, targets): (&[Source], &[Target]),
) -> Result<Vec<String>, String> {
    let mut told = Vec::new();
    for scan in scans {
        let near = |i: &usize| matches!(targets[*i], Target::Near(_));
        for i in scan.centres.iter().copied().filter(near) {
            let wrong = |what: String| format!("scan {}: {what}", scan.name);
            let instant =
                calculator.instant(start.plus(scan.start_s as f64)).map_err(|e| wrong(e.to_string()))?;
            let seen = instant.seen(&targets[i]).map_err(|e| wrong(e.to_string()))?;
            let (ra_deg, dec_deg) = (seen.direction.ra_rad.to_degrees(), seen.direction.dec_rad.to_degrees());
            let named = Direction { ra_rad: sources[i].ra_rad, dec_rad: sources[i].dec_rad }.unit();
            let off = crate::geometry::model::vector::difference(named, seen.direction.unit());
            let off_arcmin =
                2.0 * (0.5 * crate::geometry::model::vector::norm(off)).asin().to_degrees() * 60.0;
            told.push(format!(
                "source {} follows its orbit: {:.0} km away at the start of scan {}, at {ra_deg:.5} {dec_deg:+.5} deg, \
                 {off_arcmin:.2}' from the direction that products name",
                sources[i].name,
                seen.distance_m.unwrap_or_default() / 1e3,
                scan.name,
            ));
        }
    }
    Ok(told)
}
