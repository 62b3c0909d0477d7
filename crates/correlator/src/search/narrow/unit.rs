//! Does one unit of work: every station's powers, their lines, the cross test of each.

use super::channelise::{Channeliser, Wanted, first_step};
use super::cross::{CrossTest, Track};
use super::find::{Found, Line, find};
use super::grid::{NarrowUnit, STEPS};
use super::plan::NarrowPlan;
use super::plane::Plane;
use super::powers::{Powers, Scale};
use super::verdict::{Outcome, Verdict, judge};
use crate::baseband::{BasebandError, SampleSource};
use crate::simd::Simd;
use num_complex::Complex32;
use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant};

/// Channels to either side of a line that are kept for its picture.
pub const PICTURE_HALF: usize = 40;
/// Signals of a unit that did not pass and have pictures.
const MOST_PICTURES: usize = 8;
/// Steps over a stretch within which the lines of two stations are one signal.
const SAME_STEPS: i64 = 3 * STEPS as i64;

/// Natural logarithm of how much likelier than the threshold the powers of all stations together may be in noise: the cross test must
/// make up for it, or nothing is told of them.
const WEAKER: f64 = 5.7;
/// The same for the first look at a station, at every other step.
const SLACK: f64 = 2.0;

/// A signal at one station or in the sum of all, with its outcome.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Hit {
    /// Place of the station among the band's; `None`: the powers of all of them together.
    pub member: Option<usize>,
    /// The line; `first` is in steps from the band's lower edge here.
    pub line: Line,
    /// Sum of the powers of all stations along the line, and how many these are.
    pub all: (f64, usize),
    /// Natural logarithm of the probability that noise has such powers on one line and is as coherent.
    pub ln_joint: f64,
    /// Outcome of the cross test.
    pub outcome: Outcome,
    /// z of the other stations at the best direction, by member.
    pub z_m: Vec<f64>,
    /// Probability that noise correlates as much anywhere in the field.
    pub cross_false_alarm: f64,
    /// Best direction: direction cosines from the pointing.
    pub at: Option<[f64; 2]>,
    /// Errors of l and m, and their correlation.
    pub error: Option<[f64; 3]>,
    /// Stations, closure phase and its error in degrees.
    pub closures: Vec<([usize; 3], f64, f64)>,
    /// Number of the signal in its unit: hits of several stations that are one have the same.
    pub signal: usize,
    /// Powers around the line by member, spectrum and channel ([`PICTURE_HALF`] to either side of the line's middle).
    pub picture_mtf: Vec<f32>,
}

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

/// Does a unit.
///
/// # Errors
/// Where a recording cannot be read.
pub(super) fn work(
    plan: &NarrowPlan,
    sources: &mut [Box<dyn SampleSource>],
    unit: &NarrowUnit,
    raw: Raw,
    tick: &mut dyn FnMut(),
) -> Result<UnitResult, BasebandError> {
    let (grid, members) = (&plan.grid, &plan.shared[unit.shared].members);
    let sub_bands: Vec<usize> = (unit.from..unit.to).collect();
    let wanted = Wanted { scan: unit.scan, first: unit.first, spectra: unit.spectra, sub_bands: &sub_bands };
    let mut result = UnitResult::default();
    let (mut lines_m, mut scales) = (Vec::new(), Vec::new());
    let (mut edges, mut together) = ((0, 0), Plane::none());
    let (simd, ln_threshold) = (Simd::new(plan.base.simd), plan.settings.ln_threshold);
    let most = grid.most_drift_of(unit.spectra);
    let (started, mut searched) = (Instant::now(), Duration::ZERO);
    let mut search = |plane: &mut Plane, threshold: (f64, f64), tick: &mut dyn FnMut()| {
        let began = Instant::now();
        let Found { lines, trials, crowded } = find(plane, most, threshold, simd, tick);
        result.trials += trials;
        result.crowded += usize::from(crowded);
        searched += began.elapsed();
        lines
    };
    let mut used_m = Vec::new();
    for (m, member) in members.iter().enumerate() {
        let source = sources[member.stream].as_mut();
        let mut channeliser = Channeliser::new(&plan.base.job, *grid, *member, source, plan.base.simd);
        let mut raw = |t: usize, channel: usize, line: &[f32]| raw(m, unit.first + t, channel, line);
        let mut powers =
            Powers::read(&mut channeliser, source, (grid, wanted, plan.recorded(unit, m)), &mut raw, tick)?;
        lines_m.push(search(&mut powers.plane, (ln_threshold, SLACK), tick));
        // Without what the station has by itself: interference at one station is none of the sum.
        together.add(&powers.plane);
        used_m.push(powers.scale.used());
        edges = (powers.first_step, powers.plane.width);
        scales.push(powers.scale);
    }
    let summed = if together.stations > 1 {
        search(&mut together, (ln_threshold + WEAKER, 0.0), tick)
    } else {
        Vec::new()
    };
    drop(together);
    result.used_m = used_m;
    tracing::debug!(?searched, all = ?started.elapsed(), "lines of a unit");
    if lines_m.iter().all(Vec::is_empty) && summed.is_empty() {
        return Ok(result);
    }
    let field = plan.field(unit);
    let rates = (field.most_rate() / grid.step_hz()).ceil() as usize + 2 * STEPS;
    let half = (STEPS * PICTURE_HALF).max(rates.min(grid.guard_steps() / 8));
    let stations = lines_m.iter().enumerate().flat_map(|(m, lines)| lines.iter().map(move |l| (Some(m), *l)));
    let all: Vec<(Option<usize>, Line)> = stations.chain(summed.into_iter().map(|l| (None, l))).collect();
    let tracks = Tracks { plan, unit, all: &all, scales: &scales, edges, half };
    let tracks = tracks.collect(sources, tick)?;
    let test = CrossTest::new(unit.spectra);
    let mut kept = Vec::new();
    for ((member, line), track) in all.iter().zip(&tracks) {
        let verdict = judge(&test, track, (*member, line), &field, &lines_m);
        tick();
        let hit = hit((*member, line), track, verdict, edges.0);
        let joint = hit.outcome == Outcome::Passes && hit.ln_joint <= ln_threshold;
        if line.ln_chance() <= ln_threshold || joint {
            result.hits.push(hit);
            kept.push(track);
        }
    }
    number(&mut result.hits, unit.spectra);
    keep_pictures(&mut result.hits, &kept);
    Ok(result)
}

fn hit((member, line): (Option<usize>, &Line), track: &Track, verdict: Verdict, first_step: i64) -> Hit {
    let mut line = *line;
    // A line of a unit's own begins in the band, or a margin below it: never far below 0.
    line.first = (line.first as i64 + first_step).max(0) as usize;
    let powers = (0..track.z_mtk.len()).map(|m| track.power(m, 0));
    let fit = verdict.fit.as_ref();
    let ln_joint = line.ln_chance() + fit.map_or(0.0, |f| f.ln_coherence);
    Hit {
        member,
        line,
        ln_joint,
        all: powers.fold((0.0, 0), |a, p| (a.0 + p.0, a.1 + p.1)),
        outcome: verdict.outcome,
        z_m: verdict.z_m,
        cross_false_alarm: fit.map_or(1.0, |f| f.false_alarm),
        at: fit.filter(|f| f.error.is_some()).map(|f| f.at),
        error: fit.and_then(|f| f.error),
        closures: verdict.closures,
        signal: 0,
        picture_mtf: Vec::new(),
    }
}

/// Gives hits of several stations that are one signal the same number: what passes is the strongest's, and those that follow its line.
fn number(hits: &mut [Hit], spectra: usize) {
    let mut order: Vec<usize> = (0..hits.len()).collect();
    order.sort_by(|&i, &j| hits[i].line.ln_chance().total_cmp(&hits[j].line.ln_chance()));
    let mut firsts: Vec<usize> = Vec::new();
    for &i in &order {
        let same = |&j: &usize| {
            let near = |t: usize| {
                let apart = hits[i].line.step(spectra, t) - hits[j].line.step(spectra, t);
                apart.abs() <= SAME_STEPS
            };
            hits[i].member != hits[j].member
                && hits[i].outcome == Outcome::Passes
                && hits[j].outcome == Outcome::Passes
                && near(0)
                && near(spectra - 1)
        };
        match firsts.iter().position(same) {
            Some(signal) => hits[i].signal = signal,
            None => {
                hits[i].signal = firsts.len();
                firsts.push(i);
            }
        }
    }
}

/// Keeps the powers around what passes, and around the strongest of the others.
fn keep_pictures(hits: &mut [Hit], tracks: &[&Track]) {
    let mut others: Vec<usize> = (0..hits.len()).filter(|&i| hits[i].outcome != Outcome::Passes).collect();
    others.sort_by(|&i, &j| hits[i].line.ln_chance().total_cmp(&hits[j].line.ln_chance()));
    let strongest = &others[..others.len().min(MOST_PICTURES)];
    for i in 0..hits.len() {
        if hits[i].outcome == Outcome::Passes || strongest.contains(&i) {
            hits[i].picture_mtf = picture(&hits[i].line, tracks[i]);
        }
    }
}

/// Powers around a line's middle, in place of around the line.
fn picture(line: &Line, track: &Track) -> Vec<f32> {
    let half = PICTURE_HALF as i64;
    let mut powers = Vec::new();
    for member in 0..track.z_mtk.len() {
        for t in 0..track.spectra {
            let above = line.middle() - line.step(track.spectra, t);
            let at = |k: i64| track.at(member, t, above + k * STEPS as i64).norm_sqr();
            powers.extend((-half..=half).map(at));
        }
    }
    powers
}

/// Collects the spectra around lines.
struct Tracks<'a> {
    plan: &'a NarrowPlan,
    unit: &'a NarrowUnit,
    all: &'a [(Option<usize>, Line)],
    scales: &'a [Scale],
    /// First step of the powers, and their number.
    edges: (i64, usize),
    half: usize,
}

impl Tracks<'_> {
    /// Reads all stations once more, for the sub-bands that hold lines alone.
    fn collect(
        &self,
        sources: &mut [Box<dyn SampleSource>],
        tick: &mut dyn FnMut(),
    ) -> Result<Vec<Track>, BasebandError> {
        let (grid, members) = (&self.plan.grid, &self.plan.shared[self.unit.shared].members);
        let spectra = self.unit.spectra;
        let room = |(_, line): &(Option<usize>, Line)| {
            // Pictures show what is around the middle of a line: further from its ends.
            let half = self.half + line.drift.unsigned_abs() as usize / 2 + 1;
            Track::new(members.len(), spectra, half)
        };
        let mut tracks: Vec<Track> = self.all.iter().map(room).collect();
        let sub_of = |line: &Line| {
            let middle = (line.middle() + self.edges.0).max(0) as usize;
            (middle / grid.own_steps()).clamp(self.unit.from, self.unit.to - 1)
        };
        let subs: Vec<usize> = self.all.iter().map(|(_, line)| sub_of(line)).collect();
        let mut sub_bands = subs.clone();
        sub_bands.sort_unstable();
        sub_bands.dedup();
        let (scan, first) = (self.unit.scan, self.unit.first);
        let wanted = Wanted { scan, first, spectra, sub_bands: &sub_bands };
        for (m, member) in members.iter().enumerate() {
            let source = sources[member.stream].as_mut();
            let mut channeliser =
                Channeliser::new(&self.plan.base.job, *grid, *member, source, self.plan.base.simd);
            let mut sink = |t: usize, place: usize, spectrum: &mut [Complex32], _: f64| {
                let here = sub_bands[place];
                for ((track, (_, line)), sub) in tracks.iter_mut().zip(self.all).zip(&subs) {
                    if *sub == here {
                        self.copy(track, line, (m, t), (here, spectrum));
                    }
                }
            };
            channeliser.run(source, wanted, &mut sink, tick)?;
        }
        Ok(tracks)
    }

    /// Copies the steps around a line from one spectrum of a sub-band.
    fn copy(
        &self,
        track: &mut Track,
        line: &Line,
        (m, t): (usize, usize),
        (sub, spectrum): (usize, &[Complex32]),
    ) {
        let row = 2 * track.half + 1;
        let centre = line.step(track.spectra, t);
        for (k, z) in track.z_mtk[m][t * row..(t + 1) * row].iter_mut().enumerate() {
            let step = centre + k as i64 - track.half as i64;
            let place = step + self.edges.0 - first_step(&self.plan.grid, sub);
            let noise = usize::try_from(step)
                .ok()
                .filter(|step| *step < self.edges.1)
                .and_then(|step| self.scales[m].at(t, step));
            let value = usize::try_from(place).ok().and_then(|p| spectrum.get(p));
            if let (Some(noise), Some(value)) = (noise, value) {
                *z = value / noise.sqrt() as f32;
            }
        }
    }
}
