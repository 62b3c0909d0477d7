//! Earth orientation: `$EOP`.

use super::{Resolver, first, own};
use crate::eop::EopPoint;
use crate::schedule::error::Problem;
use crate::schedule::syntax::{Definition, Statement};
use crate::schedule::value::{self, Kind};
use std::f64::consts::PI;

const ARCSEC_RAD: f64 = PI / 648_000.0;

impl Resolver<'_> {
    /// The points of all definitions in the order of time, each day once.
    pub(super) fn eop(&mut self) -> Result<Vec<EopPoint>, Problem> {
        let mut points: Vec<EopPoint> = Vec::new();
        let definitions: Vec<_> = self.definitions("EOP").collect();
        for definition in definitions {
            for point in points_of(definition)? {
                if points.iter().any(|p| p.mjd == point.mjd) {
                    let what = format!("EOP for MJD {} are given twice; the first are used", point.mjd);
                    self.note(definition.name.span.start, what);
                } else {
                    points.push(point);
                }
            }
            if first(&own(definition), "delta_psi").is_some() {
                let what =
                    "delta_psi and delta_eps (offsets of the nutation of 1980) are not used".to_owned();
                self.note(definition.name.span.start, what);
            }
        }
        points.sort_by(|a, b| a.mjd.total_cmp(&b.mjd));
        Ok(points)
    }
}

fn points_of(definition: &Definition) -> Result<Vec<EopPoint>, Problem> {
    let statements = own(definition);
    let needed = |key: &str| {
        let what = format!("EOP \"{}\" has no {key}", definition.name.text);
        first(&statements, key).ok_or_else(|| Problem::new(definition.name.span.clone(), what))
    };
    let tai_utc = needed("TAI-UTC")?;
    let tai_utc_s = value::quantity(value::nth(tai_utc, 0, "TAI - UTC")?, Kind::Time)?;
    let start = value::epoch(value::nth(needed("eop_ref_epoch")?, 0, "an epoch")?)?;
    let count = first(&statements, "num_eop_points")
        .map(|s| value::integer(value::nth(s, 0, "a number")?))
        .transpose()?;
    let interval = first(&statements, "eop_interval");
    let interval = interval.map(|s| value::quantity(value::nth(s, 0, "a time")?, Kind::Time)).transpose()?;
    let ut1 = match first(&statements, "ut1-utc") {
        Some(statement) => list(statement, Kind::Time, count)?,
        None => {
            let statement = needed("ut1-tai")?;
            list(statement, Kind::Time, count)?.iter().map(|ut1_tai| ut1_tai + tai_utc_s).collect()
        }
    };
    let (x, y) =
        (list(needed("x_wobble")?, Kind::Angle, count)?, list(needed("y_wobble")?, Kind::Angle, count)?);
    if x.len() != ut1.len() || y.len() != ut1.len() {
        let what = format!("{} values of UT1, {} of x and {} of y", ut1.len(), x.len(), y.len());
        return Err(Problem::new(definition.name.span.clone(), what));
    }
    let step_s = interval.unwrap_or(86_400.0);
    let point = |(i, ut1_utc_s): (usize, &f64)| EopPoint {
        mjd: start.plus(i as f64 * step_s).as_mjd(),
        tai_utc_s,
        ut1_utc_s: *ut1_utc_s,
        x_arcsec: x[i] / ARCSEC_RAD,
        y_arcsec: y[i] / ARCSEC_RAD,
        dx_mas: 0.0,
        dy_mas: 0.0,
    };
    Ok(ut1.iter().enumerate().map(point).collect())
}

/// As many values as `num_eop_points` says.
fn list(statement: &Statement, kind: Kind, count: Option<i64>) -> Result<Vec<f64>, Problem> {
    let values = value::quantities(&statement.fields, kind)?;
    let count = count.unwrap_or(values.len() as i64);
    match usize::try_from(count) {
        Ok(count) if count <= values.len() => Ok(values[..count].to_vec()),
        _ => {
            let what = format!("{} has {} values, num_eop_points says {count}", statement.key, values.len());
            Err(Problem::new(statement.span.clone(), what))
        }
    }
}
