//! Scans: `$SCHED`.

use super::{Resolver, all, first, own, shortened};
use crate::schedule::error::Problem;
use crate::schedule::model::{Mode, Scan, ScanStation, Source, Station};
use crate::schedule::syntax::{Definition, Field, Statement};
use crate::schedule::value::{self, Kind};

/// What scans refer to.
struct Names<'b> {
    stations: &'b [Station],
    modes: &'b [Mode],
    sources: &'b [Source],
}

impl<'a> Resolver<'a> {
    pub(super) fn scans(
        &mut self,
        stations: &[Station],
        modes: &[Mode],
        sources: &[Source],
    ) -> Result<Vec<Scan>, Problem> {
        let names = Names { stations, modes, sources };
        let definitions: Vec<_> = self.definitions("SCHED").collect();
        definitions.into_iter().map(|definition| self.scan(definition, &names)).collect()
    }

    fn scan(&mut self, definition: &'a Definition, names: &Names) -> Result<Scan, Problem> {
        let statements = own(definition);
        let needed = |key: &str| {
            let what = format!("scan {} has no {key}", definition.name.text);
            first(&statements, key).ok_or_else(|| Problem::new(definition.name.span.clone(), what))
        };
        let start = value::epoch(value::nth(needed("start")?, 0, "a time")?)?;
        let mode = value::nth(needed("mode")?, 0, "the name of a mode")?;
        let mode = find(mode, names.modes, |m| &m.name, "mode")?;
        needed("source")?;
        let (pointing, centres) = pointing(&statements, names, definition)?;
        let mut stations = Vec::new();
        for statement in all(&statements, "station") {
            stations.extend(self.scan_station(statement, names)?);
        }
        let intents = all(&statements, "intent").map(|s| {
            s.fields.iter().map(|f| f.text.as_str()).filter(|t| !t.is_empty()).collect::<Vec<_>>().join(" ")
        });
        let intents = intents.collect();
        Ok(Scan { name: definition.name.text.clone(), start, mode, pointing, centres, stations, intents })
    }

    /// `station = Ky : 0 sec : 420 sec : 0.000 GB : : : 1`: code, first and last data, ..., drives (0: not recorded).
    fn scan_station(
        &mut self,
        statement: &'a Statement,
        names: &Names,
    ) -> Result<Option<ScanStation>, Problem> {
        let code = value::nth(statement, 0, "the code of a station")?;
        let station = find(code, names.stations, |s| &s.code, "station")?;
        let from_s = value::quantity(value::nth(statement, 1, "the start of good data")?, Kind::Time)?;
        let to_s = value::quantity(value::nth(statement, 2, "the end of the data")?, Kind::Time)?;
        let drives = statement.fields.get(6).map(|f| f.text.trim());
        let records = drives.is_none_or(|d| d.is_empty() || d.parse::<i64>().map_or(true, |n| n > 0));
        if to_s <= from_s {
            self.note(statement.span.start, format!("station {} has no time in this scan", code.text));
            return Ok(None);
        }
        Ok(Some(ScanStation { station, from_s, to_s, records }))
    }
}

/// `source = NAME : pointing : correlated` (2.0), `source = NAME` (1.5): one is pointed to, the others are phase centres.
fn pointing(
    statements: &[&Statement],
    names: &Names,
    scan: &Definition,
) -> Result<(usize, Vec<usize>), Problem> {
    let mut pointing = None;
    let mut centres = Vec::new();
    let flag = |s: &Statement, n: usize| s.fields.get(n).is_none_or(|f| f.text.trim() != "0");
    for statement in all(statements, "source") {
        let name = value::nth(statement, 0, "the name of a source")?;
        let index = find(name, names.sources, |s| &s.name, "source")?;
        if flag(statement, 1) && pointing.replace(index).is_some() {
            let what = format!("scan {} points to more than one source", scan.name.text);
            return Err(Problem::new(name.span.clone(), what).help("mark the others with \": 0 :\""));
        }
        if flag(statement, 2) {
            centres.push(index);
        }
    }
    let what = format!("scan {} points to no source", scan.name.text);
    let pointing = pointing.ok_or_else(|| Problem::new(scan.name.span.clone(), what))?;
    if centres.is_empty() {
        centres.push(pointing);
    }
    Ok((pointing, centres))
}

/// The index of what a field names.
fn find<T>(field: &Field, all: &[T], name: impl Fn(&T) -> &String, kind: &str) -> Result<usize, Problem> {
    let exact = all.iter().position(|t| *name(t) == field.text);
    let loose = || all.iter().position(|t| name(t).eq_ignore_ascii_case(&field.text));
    exact.or_else(loose).ok_or_else(|| {
        let names: Vec<&str> = all.iter().map(|t| name(t).as_str()).collect();
        let problem = Problem::new(field.span.clone(), format!("there is no {kind} \"{}\"", field.text));
        problem.help(format!("there are: {}", shortened(&names)))
    })
}
