//! Reads orbit ephemeris messages: CCSDS 502.0-B, in its form of keywords and values.

use super::{Centre, Orbit, Scale, Segment, State, Wrong, icrf_from_j2000, state};
use crate::epoch::{DAY_S, Epoch};

/// What the metadata of a part say.
#[derive(Debug, Clone, Default, PartialEq)]
struct Meta {
    body: String,
    centre: String,
    frame: String,
    scale: String,
}

/// Which part of the message a line is in.
#[derive(PartialEq)]
enum Part {
    Header,
    Meta,
    States,
    Covariance,
}

/// Reads a message. Parts must agree in body, centre, frame and time system; covariances are left out.
pub(super) fn parse(text: &str) -> Result<Orbit, Wrong> {
    let mut part = Part::Header;
    let mut meta = Meta::default();
    let mut agreed: Option<Meta> = None;
    let mut segments: Vec<Segment> = Vec::new();
    let mut j2000 = false;
    let mut last = 0;
    for (index, line) in text.lines().enumerate() {
        last = index + 1;
        let line = line.trim();
        let wrong = |what: String| Wrong { line: index + 1, what };
        match line {
            "" => {}
            _ if line.starts_with("COMMENT") => {}
            "META_START" => (part, meta) = (Part::Meta, Meta::default()),
            "META_STOP" => {
                j2000 = frame(&meta.frame).map_err(wrong)?;
                if agreed.get_or_insert_with(|| meta.clone()) != &meta {
                    return Err(wrong(
                        "this part is of another body, centre, frame or time system".to_owned(),
                    ));
                }
                segments.push(Vec::new());
                part = Part::States;
            }
            "COVARIANCE_START" => part = Part::Covariance,
            "COVARIANCE_STOP" => part = Part::States,
            _ => match part {
                Part::Header | Part::Covariance => {}
                Part::Meta => meta.keep(line),
                Part::States => {
                    let state = row(line, j2000).map_err(wrong)?;
                    segments.last_mut().into_iter().for_each(|s| s.push(state));
                }
            },
        }
    }
    let wrong = |what: String| Wrong { line: last, what };
    let meta = agreed.ok_or_else(|| wrong("it has no META_START ... META_STOP".to_owned()))?;
    let (centre, scale) = (centre(&meta.centre).map_err(wrong)?, scale(&meta.scale).map_err(wrong)?);
    Orbit::new(meta.body, centre, scale, segments).map_err(wrong)
}

impl Meta {
    fn keep(&mut self, line: &str) {
        let Some((key, value)) = line.split_once('=') else { return };
        let value = value.trim().to_owned();
        match key.trim() {
            "OBJECT_NAME" => self.body = value,
            "CENTER_NAME" => self.centre = value.to_uppercase(),
            "REF_FRAME" => self.frame = value.to_uppercase(),
            "TIME_SYSTEM" => self.scale = value.to_uppercase(),
            _ => {}
        }
    }
}

/// Whether a frame is that of J2000; else it is the ICRF.
fn frame(name: &str) -> Result<bool, String> {
    match name {
        "ICRF" | "GCRF" => Ok(false),
        "EME2000" | "J2000" => Ok(true),
        _ => Err(format!(
            "REF_FRAME = {name}: only ICRF, GCRF and EME2000 are known; turn the orbit to one of them"
        )),
    }
}

fn centre(name: &str) -> Result<Centre, String> {
    match name {
        "EARTH" => Ok(Centre::Earth),
        "SUN" => Ok(Centre::Sun),
        "SOLAR SYSTEM BARYCENTER" | "SSB" => Ok(Centre::Barycentre),
        _ => Err(format!("CENTER_NAME = {name}: only EARTH, SUN and SOLAR SYSTEM BARYCENTER are known")),
    }
}

fn scale(name: &str) -> Result<Scale, String> {
    match name {
        "UTC" => Ok(Scale::Utc),
        "TAI" => Ok(Scale::Tai),
        "TT" | "TDT" => Ok(Scale::Tt),
        "GPS" => Ok(Scale::Gps),
        "TDB" => Ok(Scale::Tdb),
        _ => Err(format!("TIME_SYSTEM = {name}: only UTC, TAI, TT, GPS and TDB are known")),
    }
}

/// A line of states: time, position, velocity; accelerations are left out.
fn row(line: &str, j2000: bool) -> Result<State, String> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let time =
        time(fields[0]).ok_or_else(|| format!("\"{}\" is no time like 2024-01-10T12:00:00.5", fields[0]))?;
    let read = state(time, &fields[1..])?;
    let turned = |v| if j2000 { icrf_from_j2000(v) } else { v };
    Ok(State { position_m: turned(read.position_m), velocity_m_s: turned(read.velocity_m_s), ..read })
}

/// A time with a calendar date or with the day of the year (2024-010T12:00:00).
fn time(text: &str) -> Option<Epoch> {
    let (date, clock) = text.split_once('T')?;
    let (year, day) = date.split_once('-')?;
    if day.contains('-') {
        return Epoch::parse(text);
    }
    let day: f64 = day.parse().ok().filter(|d| (1.0..367.0).contains(d))?;
    Some(Epoch::parse(&format!("{year}-01-01T{clock}"))?.plus((day - 1.0) * DAY_S))
}
