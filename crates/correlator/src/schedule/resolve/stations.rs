//! Experiment and stations: `$EXPER`, `$STATION`, `$SITE`, `$ANTENNA`, `$DAS`, `$CLOCK`, `$TAPELOG_OBS`.

use super::{Resolver, all, first, own};
use crate::epoch::Epoch;
use crate::schedule::error::Problem;
use crate::schedule::model::{ClockEarly, Medium, Mount, Station};
use crate::schedule::syntax::{Definition, Statement};
use crate::schedule::value::{self, Kind};

/// Name, description, nominal start and end.
type Experiment = (String, String, Option<Epoch>, Option<Epoch>);

impl<'a> Resolver<'a> {
    pub(super) fn experiment(&self) -> Result<Experiment, Problem> {
        let named = self.follow(self.global(), "EXPER", "")?;
        let statements = match (named.is_empty(), self.definitions("EXPER").next()) {
            (true, Some(definition)) => own(definition),
            _ => named,
        };
        let text = |key: &str| {
            let field = first(&statements, key).and_then(|s| s.fields.first());
            field.map(|f| f.text.clone()).unwrap_or_default()
        };
        // A schedule that is not made yet has epochs that are none.
        let epoch = |key: &str| {
            first(&statements, key).and_then(|s| s.fields.first()).and_then(|f| Epoch::parse_vex(&f.text))
        };
        Ok((
            text("exper_name"),
            text("exper_description"),
            epoch("exper_nominal_start"),
            epoch("exper_nominal_stop"),
        ))
    }

    pub(super) fn stations(&mut self) -> Result<Vec<Station>, Problem> {
        self.definitions("STATION").map(|definition| self.station(definition)).collect()
    }

    fn station(&mut self, definition: &'a Definition) -> Result<Station, Problem> {
        let code = definition.name.text.clone();
        let at = definition.name.span.start;
        let site = self.follow(&definition.statements, "SITE", &code)?;
        let antenna = self.follow(&definition.statements, "ANTENNA", &code)?;
        let das = self.follow(&definition.statements, "DAS", &code)?;
        let name = first(&site, "site_name").and_then(|s| s.fields.first());
        let name = name.map_or_else(|| code.clone(), |f| f.text.clone());
        let triple = |key: &str, kind| first(&site, key).map(|s| three(s, kind)).transpose();
        let position_m = triple("site_position", Kind::Length)?;
        if position_m.is_none() {
            self.note(at, format!("station {code} has no site_position"));
        }
        let position_epoch = first(&site, "site_position_epoch").map(position_epoch).transpose()?.flatten();
        let axis_offset = first(&antenna, "axis_offset").map(axis_offset).transpose()?;
        let diameter_m = first(&antenna, "antenna_diam").map(diameter).transpose()?.filter(|d| *d > 0.0);
        Ok(Station {
            position_m,
            velocity_m_per_s: triple("site_velocity", Kind::Velocity)?.unwrap_or_default(),
            position_epoch,
            mount: first(&antenna, "axis_type").map_or(Mount::AzEl, mount),
            axis_offset_m: axis_offset.unwrap_or(0.0),
            diameter_m,
            equipment: equipment(&das),
            clocks: self.clocks(definition, &code)?,
            media: self.media(&code)?,
            code,
            name,
        })
    }

    /// Clocks that the station refers to, or (as most files have it) those of the definition with its code.
    fn clocks(&self, station: &'a Definition, code: &str) -> Result<Vec<ClockEarly>, Problem> {
        let mut statements = self.follow(&station.statements, "CLOCK", code)?;
        if statements.is_empty() {
            let same = self.definitions("CLOCK").find(|d| d.name.text.eq_ignore_ascii_case(code));
            statements = same.map(own).unwrap_or_default();
        }
        let mut clocks = all(&statements, "clock_early").map(clock).collect::<Result<Vec<_>, _>>()?;
        let key = |c: &ClockEarly| c.valid_from.map_or(f64::NEG_INFINITY, Epoch::as_mjd);
        clocks.sort_by(|a, b| key(a).total_cmp(&key(b)));
        Ok(clocks)
    }

    fn media(&self, code: &str) -> Result<Vec<Medium>, Problem> {
        let Some(definition) =
            self.definitions("TAPELOG_OBS").find(|d| d.name.text.eq_ignore_ascii_case(code))
        else {
            return Ok(Vec::new());
        };
        let medium = |s: &Statement| {
            Ok(Medium {
                drive: value::integer(value::nth(s, 0, "the number of a drive")?)?,
                label: value::nth(s, 1, "the name of a disk pack or a file")?.text.clone(),
                from: value::epoch(value::nth(s, 2, "the start of the recording")?)?,
                to: value::epoch(value::nth(s, 3, "its end")?)?,
            })
        };
        all(&own(definition), "VSN").map(medium).collect()
    }
}

fn three(statement: &Statement, kind: Kind) -> Result<[f64; 3], Problem> {
    let values = value::quantities(&statement.fields, kind)?;
    <[f64; 3]>::try_from(values).map_err(|v| {
        Problem::new(statement.span.clone(), format!("{} has {} components, not 3", statement.key, v.len()))
    })
}

/// VEX has an epoch, SCHED writes an MJD; 0 means that nobody knows.
fn position_epoch(statement: &Statement) -> Result<Option<Epoch>, Problem> {
    let field = value::nth(statement, 0, "an epoch")?;
    match Epoch::parse(&field.text) {
        Some(epoch) if epoch.mjd == 0 => Ok(None),
        Some(epoch) => Ok(Some(epoch)),
        None => Err(Problem::new(
            field.span.clone(),
            format!("\"{}\" is no epoch like 2020y001d or an MJD", field.text),
        )),
    }
}

fn axis_offset(statement: &Statement) -> Result<f64, Problem> {
    value::quantity(value::nth(statement, 0, "the distance of the axes")?, Kind::Length)
}

fn diameter(statement: &Statement) -> Result<f64, Problem> {
    value::quantity(value::nth(statement, 0, "the diameter of the antenna")?, Kind::Length)
}

fn mount(statement: &Statement) -> Mount {
    let axes: Vec<String> = statement.fields.iter().map(|f| f.text.to_ascii_lowercase()).collect();
    match axes.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["az", "el", ..] | ["azel", ..] | ["altz", ..] => Mount::AzEl,
        ["ha", "dec", ..] | ["hadec", ..] | ["equa", ..] => Mount::HaDec,
        ["x", "yew", ..] | ["xyew", ..] => Mount::XyEast,
        ["x", "yns", ..] | ["xyns", ..] => Mount::XyNorth,
        _ => Mount::Other,
    }
}

/// `equip = recorder : Mark5C : &x` (2.0), `record_transport_type` and `electronics_rack_type` (1.5).
fn equipment(das: &[&Statement]) -> Vec<String> {
    let text = |s: &Statement, n: usize| s.fields.get(n).map(|f| f.text.clone()).unwrap_or_default();
    let mut found: Vec<String> =
        all(das, "equip").map(|s| format!("{} {}", text(s, 0), text(s, 1))).collect();
    for (key, kind) in [("electronics_rack_type", "rack"), ("record_transport_type", "recorder")] {
        found.extend(first(das, key).map(|s| format!("{kind} {}", text(s, 0))));
    }
    found
}

/// `clock_early = valid from : offset : epoch : rate : acceleration : jerk`; all after the offset may be missing.
fn clock(statement: &Statement) -> Result<ClockEarly, Problem> {
    let optional = |n: usize| statement.fields.get(n).filter(|f| !f.text.is_empty());
    let valid_from = optional(0).map(value::epoch).transpose()?;
    let offset = value::quantity(value::nth(statement, 1, "how much the clock is early")?, Kind::Time)?;
    let epoch = optional(2).map(value::epoch).transpose()?;
    let mut early_s = vec![offset];
    for (n, kind) in [(3, Kind::Rate), (4, Kind::RateChange), (5, Kind::RateJerk)] {
        match optional(n) {
            Some(field) => early_s.push(value::quantity(field, kind)?),
            None => break,
        }
    }
    // A clock that does not run needs no epoch.
    let steady = early_s[1..].iter().all(|c| *c == 0.0).then(|| Epoch::new(0, 0.0));
    let without = || Problem::new(statement.span.clone(), "a clock that runs needs an epoch");
    let epoch = epoch.or(valid_from).or(steady).ok_or_else(without)?;
    Ok(ClockEarly { valid_from, epoch, early_s })
}
