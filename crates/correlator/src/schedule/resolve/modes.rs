//! Modes: `$MODE` with `$FREQ`, `$IF`, `$BBC`: the channels of each station.

use super::{Resolver, all, first, shortened};
use crate::schedule::error::Problem;
use crate::schedule::model::{Channel, Mode, Setup, Station};
use crate::schedule::syntax::{Definition, Statement};
use crate::schedule::value::{self, Kind};
use std::collections::BTreeMap;

/// Polarisation, interval and base of phase-calibration tones of an intermediate frequency.
#[derive(Clone, Copy)]
struct Receiver {
    polarisation: Option<char>,
    phase_cal_hz: f64,
    phase_cal_base_hz: f64,
}

/// A mode at a station, as text.
pub(super) struct Wiring<'a> {
    /// Statements of `$FREQ`.
    pub freq: Vec<&'a Statement>,
    /// Statements of `$TRACKS`.
    pub tracks: Vec<&'a Statement>,
    /// Statements of `$BITSTREAMS`.
    pub bitstreams: Vec<&'a Statement>,
    /// Statements of `$DATASTREAMS`.
    pub datastreams: Vec<&'a Statement>,
    /// Mode and station, for messages.
    pub name: String,
    /// Where the mode stands.
    pub at: usize,
}

impl<'a> Resolver<'a> {
    pub(super) fn modes(&mut self, stations: &[Station]) -> Result<Vec<Mode>, Problem> {
        let mut modes = Vec::new();
        for definition in self.definitions("MODE") {
            let mut setups = Vec::new();
            for (station, of) in stations.iter().enumerate() {
                setups.extend(self.setup(definition, station, of)?);
            }
            modes.push(Mode { name: definition.name.text.clone(), setups });
        }
        Ok(modes)
    }

    /// Channels and streams of a station in a mode; none where the mode has no frequencies for it.
    fn setup(
        &mut self,
        mode: &'a Definition,
        index: usize,
        station: &Station,
    ) -> Result<Option<Setup>, Problem> {
        let code = &station.code;
        let of = |block: &str| self.follow(&mode.statements, block, code);
        let (intermediate, bbc) = (of("IF")?, of("BBC")?);
        let wiring = Wiring {
            freq: of("FREQ")?,
            tracks: of("TRACKS")?,
            bitstreams: of("BITSTREAMS")?,
            datastreams: of("DATASTREAMS")?,
            name: format!("mode {} at station {code}", mode.name.text),
            at: mode.name.span.start,
        };
        if wiring.freq.is_empty() {
            return Ok(None);
        }
        let receivers = receivers(&intermediate, &bbc)?;
        let mut channels = Vec::new();
        for statement in all(&wiring.freq, "chan_def") {
            let (channel, bbc) = channel(statement)?;
            let receiver = bbc.as_ref().and_then(|name| receivers.get(name)).copied();
            if receiver.is_none_or(|r| r.polarisation.is_none()) {
                let what = format!(
                    "{}: the polarisation of a channel is not known (no BBC or IF of it)",
                    wiring.name
                );
                self.note(statement.span.start, what);
            }
            let polarisation = receiver.and_then(|r| r.polarisation);
            channels.push(Channel {
                polarisation,
                phase_cal_hz: receiver.map_or(0.0, |r| r.phase_cal_hz),
                phase_cal_base_hz: receiver.map_or(0.0, |r| r.phase_cal_base_hz),
                ..channel
            });
        }
        let streams = self.streams(&wiring, &channels)?;
        Ok(Some(Setup { station: index, channels, streams }))
    }
}

/// Removes the ampersand of a link.
pub(super) fn link(text: &str) -> &str {
    text.trim_start_matches('&')
}

/// `if_def = &IF_A : name : R : LO : sideband : tone interval : tone base` and `BBC_assign = &BBC01 : 1 : &IF_A`: the
/// receiver behind each base band converter.
fn receivers(intermediate: &[&Statement], bbc: &[&Statement]) -> Result<BTreeMap<String, Receiver>, Problem> {
    let mut by_if = BTreeMap::new();
    for statement in all(intermediate, "if_def") {
        let name = link(&value::nth(statement, 0, "the link of an IF")?.text).to_owned();
        let letter =
            statement.fields.get(2).and_then(|f| f.text.chars().next()).map(|c| c.to_ascii_uppercase());
        let polarisation = letter.filter(|c| matches!(c, 'R' | 'L' | 'X' | 'Y' | 'H' | 'V'));
        let frequency = |field: usize| {
            let tones = statement.fields.get(field).filter(|f| !f.text.is_empty());
            Ok(tones.map(|f| value::quantity(f, Kind::Frequency)).transpose()?.unwrap_or(0.0))
        };
        let (phase_cal_hz, phase_cal_base_hz) = (frequency(5)?, frequency(6)?);
        by_if.insert(name, Receiver { polarisation, phase_cal_hz, phase_cal_base_hz });
    }
    let mut by_bbc = BTreeMap::new();
    for statement in all(bbc, "BBC_assign") {
        let name = link(&value::nth(statement, 0, "the link of a BBC")?.text).to_owned();
        let source = value::nth(statement, 2, "the link of an IF")?;
        let Some(receiver) = by_if.get(link(&source.text)) else {
            let names: Vec<&str> = by_if.keys().map(String::as_str).collect();
            let problem =
                Problem::new(source.span.clone(), format!("no if_def has the link \"{}\"", source.text));
            return Err(problem.help(format!("the IFs here are: {}", shortened(&names))));
        };
        by_bbc.insert(name, *receiver);
    }
    Ok(by_bbc)
}

/// `chan_def = band : frequency : sideband : bandwidth : &CH01 : &BBC01 : &tones`: the channel and its BBC.
fn channel(statement: &Statement) -> Result<(Channel, Option<String>), Problem> {
    let edge_hz = value::quantity(value::nth(statement, 1, "a sky frequency")?, Kind::Frequency)?;
    let sideband = value::nth(statement, 2, "U or L")?;
    let lower_sideband = match sideband.text.to_ascii_uppercase().as_str() {
        "U" | "USB" => false,
        "L" | "LSB" => true,
        _ => {
            return Err(Problem::new(
                sideband.span.clone(),
                format!("\"{}\" is no sideband (U or L)", sideband.text),
            ));
        }
    };
    let width = value::nth(statement, 3, "a bandwidth")?;
    let bandwidth_hz = value::quantity(width, Kind::Frequency)?;
    if bandwidth_hz <= 0.0 {
        return Err(Problem::new(width.span.clone(), "a bandwidth is larger than 0"));
    }
    let name = link(&value::nth(statement, 4, "the link of a channel")?.text).to_owned();
    let bbc = statement.fields.get(5).map(|f| link(&f.text).to_owned()).filter(|t| !t.is_empty());
    let channel = Channel {
        link: name,
        edge_hz,
        bandwidth_hz,
        lower_sideband,
        polarisation: None,
        phase_cal_hz: 0.0,
        phase_cal_base_hz: 0.0,
    };
    Ok((channel, bbc))
}

/// The sample rate that `$FREQ` gives.
pub(super) fn sample_rate(freq: &[&Statement]) -> Result<Option<f64>, Problem> {
    first(freq, "sample_rate")
        .map(|s| value::quantity(value::nth(s, 0, "a sample rate")?, Kind::SampleRate))
        .transpose()
}
