//! Reads tables of vectors as JPL Horizons writes them: of type 2 or 3, as CSV or not, in km and s.

use super::{Centre, Orbit, Scale, State, Wrong, state};
use crate::epoch::Epoch;

/// Reads a table. Its head must say centre, units, frame and scale of time.
pub(super) fn parse(text: &str) -> Result<Orbit, Wrong> {
    let lines: Vec<&str> = text.lines().collect();
    let begin = lines.iter().position(|l| l.trim() == "$$SOE").unwrap_or(0);
    let wrong = |line: usize, what: String| Wrong { line: line + 1, what };
    let end = lines.iter().position(|l| l.trim() == "$$EOE");
    let end = end.ok_or_else(|| {
        wrong(lines.len().saturating_sub(1), "$$EOE is missing: the file is cut".to_owned())
    })?;
    let head = &lines[..begin];
    let body =
        said(head, "Target body name").unwrap_or("the body").split('{').next().unwrap_or_default().trim();
    let centre = centre(said(head, "Center body name").unwrap_or_default()).map_err(|w| wrong(0, w))?;
    let units = said(head, "Output units").unwrap_or_default();
    if units != "KM-S" {
        return Err(wrong(0, format!("its units are \"{units}\": ask for km and seconds (KM-S)")));
    }
    if !said(head, "Reference frame").unwrap_or_default().starts_with("ICRF") {
        return Err(wrong(0, "its reference frame is not said to be ICRF".to_owned()));
    }
    let output = said(head, "Output type").unwrap_or_default();
    if !output.to_uppercase().starts_with("GEOMETRIC") {
        return Err(wrong(
            0,
            format!("\"{output}\" in place of geometric states: light time is corrected for here"),
        ));
    }
    let names = lines[..begin].iter().rev().find(|l| l.contains("JDTDB"));
    let scale = if names.is_some() { Scale::Tdb } else { Scale::Utc };
    if scale == Scale::Utc && !head.iter().any(|l| l.contains("JDUT")) {
        return Err(wrong(begin, "no heading says whether its times are JDTDB or JDUT".to_owned()));
    }
    let table = &lines[begin + 1..end.max(begin + 1)];
    let csv = table.iter().find(|l| !l.trim().is_empty()).is_some_and(|l| l.contains(','));
    let states = if csv { by_commas(table, begin + 1) } else { by_blocks(table, begin + 1) }?;
    Orbit::new(body.to_owned(), centre, scale, vec![states]).map_err(|what| wrong(begin, what))
}

/// What stands after `key:` in the head.
fn said<'a>(head: &[&'a str], key: &str) -> Option<&'a str> {
    head.iter().find_map(|line| line.trim().strip_prefix(key)?.split_once(':').map(|(_, value)| value.trim()))
}

fn centre(name: &str) -> Result<Centre, String> {
    match name {
        _ if name.starts_with("Earth (399)") => Ok(Centre::Earth),
        _ if name.starts_with("Sun (10)") => Ok(Centre::Sun),
        _ if name.starts_with("Solar System Barycenter (0)") => Ok(Centre::Barycentre),
        _ => Err(format!(
            "its centre is \"{name}\": ask for that of the Earth (500@399), the Sun (500@10) or the barycentre (500@0)"
        )),
    }
}

/// Rows such as `2460000.5, A.D. 2023-Feb-25 00:00:00.0000, x, y, z, vx, vy, vz,`.
fn by_commas(table: &[&str], first: usize) -> Result<Vec<State>, Wrong> {
    let mut states = Vec::new();
    for (index, line) in table.iter().enumerate().filter(|(_, l)| !l.trim().is_empty()) {
        let fields: Vec<&str> = line.split(',').collect();
        let read = calendar(fields.get(1).copied().unwrap_or_default())
            .and_then(|time| state(time, fields.get(2..).unwrap_or_default()));
        states.push(read.map_err(|what| Wrong { line: first + index + 1, what })?);
    }
    Ok(states)
}

/// Blocks of `2460000.5 = A.D. 2023-Feb-25 00:00:00.0000 TDB`, ` X = ... Y = ... Z = ...`, ` VX= ... VY= ... VZ= ...`.
fn by_blocks(table: &[&str], first: usize) -> Result<Vec<State>, Wrong> {
    let mut states: Vec<State> = Vec::new();
    let mut open: Option<(usize, Epoch, Vec<String>)> = None;
    for (index, line) in table.iter().enumerate() {
        let wrong = |what: String| Wrong { line: first + index + 1, what };
        if let Some((_, date)) = line.split_once("= A.D.") {
            open = Some((index, calendar(date).map_err(wrong)?, Vec::new()));
        } else if let Some((_, time, numbers)) = &mut open {
            if numbers.len() < 6 {
                let spaced = line.replace('=', " ");
                numbers.extend(
                    spaced.split_whitespace().filter(|w| w.parse::<f64>().is_ok()).map(str::to_owned),
                );
            }
            if numbers.len() >= 6 {
                let fields: Vec<&str> = numbers.iter().map(String::as_str).collect();
                states.push(state(*time, &fields).map_err(wrong)?);
                open = None;
            }
        }
    }
    match open {
        Some((index, ..)) => {
            Err(Wrong { line: first + index + 1, what: "less than six numbers follow".to_owned() })
        }
        None => Ok(states),
    }
}

/// `A.D. 2023-Feb-25 00:00:00.0000 TDB`.
fn calendar(text: &str) -> Result<Epoch, String> {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let plain = text.trim().trim_start_matches("A.D.").trim();
    let mut words = plain.split_whitespace();
    let (date, clock) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let month = date.split('-').nth(1).unwrap_or_default();
    let number = MONTHS.iter().position(|m| *m == month).map(|m| m + 1);
    let read =
        number.and_then(|n| Epoch::parse(&format!("{}T{clock}", date.replace(month, &format!("{n:02}")))));
    read.ok_or_else(|| format!("\"{}\" is no time like A.D. 2023-Feb-25 00:00:00.0000", text.trim()))
}
