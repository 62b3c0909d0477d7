//! Does one unit of work: every station's spectra, lines in their powers, the cross test of each.

use super::between::Between;
use super::channelise::{Channeliser, Wanted};
use super::common::common;
use super::cross::CrossTest;
use super::find::{Found, Line, MOST_HITS, find, take_out};
use super::fine::refined;
use super::grid::{NarrowUnit, STEPS};
use super::hits::{Hit, keep_pictures, number};
use super::plan::NarrowPlan;
use super::plane::Plane;
use super::station::{Station, first_step_of};
use super::strip::{LOOKS, Made, Room, Strip};
use super::sums::Sums;
use super::tile::whole_unit;
use super::tracks::track;
use super::verdict::{NEAR, Outcome, judge};
use super::voltages::Memory;
use crate::baseband::{BasebandError, SampleSource};
use mirinae_simd::Simd;
use serde::{Deserialize, Serialize};
use std::time::Instant;

/// Natural logarithm of how much likelier than the threshold the powers of all stations together may be in noise: the cross test must
/// make up for it, or nothing is told of them.
const WEAKER: f64 = 5.7;
/// The same for the first look, in the middles of channels and between them.
const SLACK: f64 = 2.0;

/// What a unit gave.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct UnitResult {
    /// Signals, by station, the strongest first; those of all stations together are last.
    pub hits: Vec<Hit>,
    /// Lines tried at all stations and in their sum.
    pub trials: f64,
    /// Stations that are so full of signals that only the strongest were looked at.
    pub crowded: usize,
    /// Spectra that were used, by member.
    pub used_m: Vec<usize>,
}

/// Where raw powers go: member, spectrum of the scan, channel from the band's lower edge, powers.
pub(super) type Raw<'a> = &'a mut dyn FnMut(usize, usize, usize, &[f32]);
/// The same for one member: spectrum of the unit, channel, powers.
pub(super) type RawOf<'a> = &'a mut dyn FnMut(usize, usize, &[f32]);

/// Memory that one unit after the other uses.
#[derive(Default)]
pub(super) struct Memories {
    sums: Sums,
    voltages: Vec<Memory>,
}

/// Does a unit.
///
/// # Errors
/// Where a recording cannot be read.
pub(super) fn work(
    plan: &NarrowPlan,
    sources: &mut [Box<dyn SampleSource>],
    unit: &NarrowUnit,
    (raw, memories): (Raw, &mut Memories),
    tick: &mut dyn FnMut(),
) -> Result<UnitResult, BasebandError> {
    let started = Instant::now();
    let stations = read(plan, sources, unit, (raw, memories), tick)?;
    let read_s = started.elapsed().as_secs_f64();
    let mut search = Search::new(plan, unit, &stations);
    search.all(tick);
    let lines_s = started.elapsed().as_secs_f64();
    let result = search.judged(tick);
    let all_s = started.elapsed().as_secs_f64();
    tracing::debug!(read_s, lines_s, all_s, hits = result.hits.len(), "unit");
    memories.voltages.extend(stations.into_iter().map(|station| station.voltages.into_memory()));
    Ok(result)
}

/// Spectra of all stations.
fn read(
    plan: &NarrowPlan,
    sources: &mut [Box<dyn SampleSource>],
    unit: &NarrowUnit,
    (raw, memories): (Raw, &mut Memories),
    tick: &mut dyn FnMut(),
) -> Result<Vec<Station>, BasebandError> {
    let simd = Simd::new(plan.base.simd);
    let sub_bands: Vec<usize> = (unit.from..unit.to).collect();
    let wanted = Wanted { scan: unit.scan, first: unit.first, spectra: unit.spectra, sub_bands: &sub_bands };
    let members = plan.shared[unit.shared].members.iter().enumerate();
    let station = |(m, member): (usize, &super::grid::Member)| {
        let source = sources[member.stream].as_mut();
        let mut channeliser = Channeliser::new(&plan.base.job, plan.grid, *member, source, plan.base.simd);
        let mut raw = |t: usize, channel: usize, line: &[f32]| raw(m, unit.first + t, channel, line);
        let raw: Option<RawOf> = if plan.settings.filterbank { Some(&mut raw) } else { None };
        let of = (&plan.grid, wanted, plan.recorded(unit, m));
        let memory = (&mut memories.sums, memories.voltages.pop().unwrap_or_default());
        Station::read(&mut channeliser, source, of, (memory, raw, simd), tick)
    };
    members.map(station).collect()
}

/// What a strip gave: lines of each station and of all together, lines tried, and where there were too many, all together last.
#[derive(Default)]
struct Looked {
    lines_m: Vec<Vec<Line>>,
    summed: Vec<Line>,
    trials: f64,
    crowded_m: Vec<bool>,
}

/// The search of a unit's powers.
struct Search<'a> {
    plan: &'a NarrowPlan,
    unit: &'a NarrowUnit,
    stations: &'a [Station],
    simd: Simd,
    between: Between,
    /// Drift searched at most, in steps.
    most: usize,
    room: Room,
    lines_m: Vec<Vec<Line>>,
    summed: Vec<Line>,
    trials: f64,
    crowded_m: Vec<bool>,
}

impl<'a> Search<'a> {
    fn new(plan: &'a NarrowPlan, unit: &'a NarrowUnit, stations: &'a [Station]) -> Self {
        let simd = Simd::new(plan.base.simd);
        Self {
            plan,
            unit,
            stations,
            simd,
            between: Between::new(simd),
            most: plan.grid.most_drift_of(unit.spectra),
            room: Room::new(),
            lines_m: vec![Vec::new(); stations.len()],
            summed: Vec::new(),
            trials: 0.0,
            // The last one is all together.
            crowded_m: vec![false; stations.len() + 1],
        }
    }

    /// Looks for lines in all strips.
    fn all(&mut self, tick: &mut dyn FnMut()) {
        let Some(channels) = self.stations.first().map(|s| s.channels) else { return };
        for strip in Strip::all(channels, self.plan.grid.margin() / STEPS, self.most.div_ceil(STEPS)) {
            self.strip(strip, tick);
        }
        // Strips have their strongest lines each: of the unit, too, only so many are looked at.
        let ln_threshold = self.plan.settings.ln_threshold;
        let stations = self.lines_m.iter_mut().map(|lines| (lines, ln_threshold));
        let all = stations.chain([(&mut self.summed, ln_threshold + WEAKER)]);
        for ((lines, ln_chance), crowded) in all.zip(&mut self.crowded_m) {
            let most = MOST_HITS + (self.trials * libm::exp(ln_chance)) as usize;
            lines.sort_by(|a, b| a.ln_chance().total_cmp(&b.ln_chance()));
            *crowded |= lines.len() > most;
            lines.truncate(most);
        }
    }

    /// Looks for lines at each station, then in the sum of all: in whole numbers if no power is too strong for them.
    fn strip(&mut self, strip: Strip, tick: &mut dyn FnMut()) {
        let usable = self.stations.iter().filter(|s| s.is_usable()).count();
        let whole = whole_unit(self.unit.spectra, usable);
        let looked = whole.and_then(|unit| self.look::<u16>(strip, unit, tick));
        let Some(looked) = looked.or_else(|| self.look::<f32>(strip, 1.0, tick)) else { return };
        self.trials += looked.trials;
        self.lines_m.iter_mut().zip(looked.lines_m).for_each(|(lines, found)| lines.extend(found));
        self.summed.extend(looked.summed);
        self.crowded_m.iter_mut().zip(looked.crowded_m).for_each(|(all, here)| *all |= here);
    }

    /// Looks for lines in a strip; `None` where powers are too strong.
    fn look<P: Made>(&mut self, strip: Strip, unit: f32, tick: &mut dyn FnMut()) -> Option<Looked> {
        let mut looked = Looked { crowded_m: vec![false; self.crowded_m.len()], ..Looked::default() };
        let mut together: Option<Plane<P>> = None;
        for (m, station) in self.stations.iter().enumerate() {
            looked.lines_m.push(Vec::new());
            if !station.is_usable() {
                continue;
            }
            let Some(plane) = self.station((m, station), (strip, unit), &mut looked, tick) else {
                together.into_iter().for_each(|plane| P::planes(&mut self.room).push(plane.power_tf));
                return None;
            };
            let Some(sum) = &mut together else {
                together = Some(plane);
                continue;
            };
            let top = sum.add(&plane, self.simd);
            P::planes(&mut self.room).push(plane.power_tf);
            if top.number() >= P::limit(station.spectra) {
                P::planes(&mut self.room).extend(together.map(|plane| plane.power_tf));
                return None;
            }
        }
        if let Some(mut together) = together {
            if together.stations > 1 {
                self.sum(&mut together, &mut looked, strip, tick);
            }
            P::planes(&mut self.room).push(together.power_tf);
        }
        Some(looked)
    }

    /// Lines of a station, and its powers without them: interference at one station is none of the sum.
    fn station<P: Made>(
        &mut self,
        (m, station): (usize, &Station),
        (strip, unit): (Strip, f32),
        looked: &mut Looked,
        tick: &mut dyn FnMut(),
    ) -> Option<Plane<P>> {
        let ln_threshold = self.plan.settings.ln_threshold;
        let mut plane = strip.powers(station, (unit, self.simd), &mut self.room)?;
        let coarse = self.first_look((&mut plane, m), ln_threshold, looked, tick);
        if !coarse.is_empty() {
            // What is no line after all stays in the sum.
            P::planes(&mut self.room).push(plane.power_tf);
            plane = strip.powers(station, (unit, self.simd), &mut self.room)?;
        }
        let found = &mut looked.lines_m[m];
        for line in coarse {
            let around = strip.around(&line);
            let mut fine = refined(&mut self.between, &[(station, found)], (&around, self.most as i64));
            if fine.ln_chance() <= ln_threshold {
                fine.wide = STEPS / LOOKS * take_out(&mut plane, &line);
                found.push(fine);
            }
        }
        Some(plane)
    }

    /// Keeps the lines of all stations' powers together, of which those of each are taken out.
    fn sum<P: Made>(
        &mut self,
        together: &mut Plane<P>,
        looked: &mut Looked,
        strip: Strip,
        tick: &mut dyn FnMut(),
    ) {
        let weaker = self.plan.settings.ln_threshold + WEAKER;
        let coarse = self.first_look((together, self.stations.len()), weaker, looked, tick);
        let usable = self.stations.iter().zip(&looked.lines_m).filter(|(s, _)| s.is_usable());
        let stations: Vec<(&Station, &[Line])> = usable.map(|(s, lines)| (s, lines.as_slice())).collect();
        for line in coarse {
            let around = strip.around(&line);
            let fine = refined(&mut self.between, &stations, (&around, self.most as i64));
            if fine.ln_chance() <= weaker {
                looked.summed.push(Line { wide: STEPS / LOOKS * line.wide, ..fine });
            }
            tick();
        }
    }

    /// Lines in the middles of channels and between them that may be what is looked for.
    fn first_look<P: Made>(
        &self,
        (plane, place): (&mut Plane<P>, usize),
        ln_threshold: f64,
        looked: &mut Looked,
        tick: &mut dyn FnMut(),
    ) -> Vec<Line> {
        // All steps are tried around what is found: all lines on them are.
        let own = STEPS / LOOKS * (plane.width - 2 * plane.margin);
        looked.trials += (own * (2 * self.most + 1)) as f64;
        let most = (self.most * LOOKS).div_ceil(STEPS);
        let Found { lines, crowded, .. } = find(plane, most, ln_threshold + SLACK, self.simd, tick);
        looked.crowded_m[place] |= crowded;
        lines
    }

    /// Puts all lines to the test.
    fn judged(mut self, tick: &mut dyn FnMut()) -> UnitResult {
        let crowded = self.crowded_m.iter().filter(|c| **c).count();
        let used_m = self.stations.iter().map(|s| s.scale.used()).collect();
        let mut result = UnitResult { hits: Vec::new(), trials: self.trials, crowded, used_m };
        let (plan, grid, ln_threshold) = (self.plan, &self.plan.grid, self.plan.settings.ln_threshold);
        let first_step = first_step_of(grid, self.unit.from);
        let field = plan.field(self.unit);
        let rates = (field.most_rate() / grid.step_hz()).ceil() as usize + 2 * STEPS;
        let half = NEAR.max(rates.min(grid.guard_steps() / 8));
        let of_stations = self.lines_m.iter().enumerate();
        let of_stations = of_stations.flat_map(|(m, lines)| lines.iter().map(move |l| (Some(m), *l)));
        let all: Vec<(Option<usize>, Line)> =
            of_stations.chain(self.summed.iter().map(|l| (None, *l))).collect();
        let test = CrossTest::new(self.unit.spectra);
        let mut kept = Vec::new();
        for (member, line) in &all {
            let mut track = track(&mut self.between, self.stations, line, half);
            track.common = common(&test, &track, line.wide, &field);
            let verdict = judge(&test, &track, (*member, line), &field, &self.lines_m);
            tick();
            let ln_first = ln_threshold + if member.is_some() { 0.0 } else { WEAKER };
            let hit = Hit::new((*member, line), &track, verdict, (first_step, ln_first));
            let joint = hit.outcome == Outcome::Passes && hit.ln_joint <= ln_threshold;
            if hit.ln_powers <= ln_threshold || joint {
                result.hits.push(hit);
                kept.push(*line);
            }
        }
        number(&mut result.hits, self.unit.spectra);
        let mut wide = |i: usize, half: usize| track(&mut self.between, self.stations, &kept[i], half);
        keep_pictures(&mut result.hits, &kept, &mut wide);
        result
    }
}
