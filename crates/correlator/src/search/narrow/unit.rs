//! Does one unit of work: every station's powers, their lines, the cross test of each.

use super::channelise::{Channeliser, Wanted, first_channel};
use super::cross::{CrossTest, Track};
use super::find::{Found, Line, find};
use super::grid::NarrowUnit;
use super::plan::NarrowPlan;
use super::powers::{Powers, Scale};
use super::verdict::{Outcome, Verdict, judge};
use crate::baseband::{BasebandError, SampleSource};
use num_complex::Complex32;
use serde::{Deserialize, Serialize};

/// Channels to either side of a line that are kept for its picture.
pub const PICTURE_HALF: usize = 40;
/// Signals of a unit that did not pass and have pictures.
const MOST_PICTURES: usize = 8;
/// Channels over a stretch within which the lines of two stations are one signal.
const SAME_CHANNELS: i64 = 3;

/// A signal at one station, with its outcome.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Hit {
    /// Place of the station among the band's.
    pub member: usize,
    /// The line; `first` is in channels from the band's lower edge here.
    pub line: Line,
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
    /// Signals, by station, the strongest first.
    pub hits: Vec<Hit>,
    /// Lines tried at all stations.
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
    let mut edges = (0, 0);
    for (m, member) in members.iter().enumerate() {
        let source = sources[member.stream].as_mut();
        let mut channeliser = Channeliser::new(&plan.base.job, *grid, *member, source, plan.base.simd);
        let mut raw = |t: usize, channel: usize, line: &[f32]| raw(m, unit.first + t, channel, line);
        let mut powers =
            Powers::read(&mut channeliser, source, (grid, wanted, plan.recorded(unit, m)), &mut raw, tick)?;
        let most = grid.most_drift_of(unit.spectra);
        let Found { lines, trials, crowded } = find(&mut powers, most, plan.settings.ln_threshold, tick);
        result.trials += trials;
        result.crowded += usize::from(crowded);
        result.used_m.push(powers.scale.used());
        edges = (powers.first_channel, powers.width);
        lines_m.push(lines);
        scales.push(powers.scale);
    }
    if lines_m.iter().all(Vec::is_empty) {
        return Ok(result);
    }
    let field = plan.field(unit);
    let rates = (field.most_rate() / grid.channel_hz()).ceil() as usize + 2;
    let half = PICTURE_HALF.max(rates.min(grid.guard_channels() / 8));
    let all: Vec<(usize, Line)> =
        lines_m.iter().enumerate().flat_map(|(m, lines)| lines.iter().map(move |l| (m, *l))).collect();
    let tracks = Tracks { plan, unit, all: &all, scales: &scales, edges, half };
    let tracks = tracks.collect(sources, tick)?;
    let test = CrossTest::new(unit.spectra);
    for ((member, line), track) in all.iter().zip(&tracks) {
        let verdict = judge(&test, track, (*member, line), &field, &lines_m);
        result.hits.push(hit((*member, line), verdict, edges.0));
        tick();
    }
    number(&mut result.hits, unit.spectra);
    keep_pictures(&mut result.hits, &tracks);
    Ok(result)
}

fn hit((member, line): (usize, &Line), verdict: Verdict, first_channel: i64) -> Hit {
    let mut line = *line;
    // A line of a unit's own begins in the band, or a margin below it: never far below 0.
    line.first = (line.first as i64 + first_channel).max(0) as usize;
    let fit = verdict.fit.as_ref();
    Hit {
        member,
        line,
        outcome: verdict.outcome,
        z_m: fit.map(|f| f.z_m.clone()).unwrap_or_default(),
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
                let apart = hits[i].line.channel(spectra, t) - hits[j].line.channel(spectra, t);
                apart.abs() <= SAME_CHANNELS
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
fn keep_pictures(hits: &mut [Hit], tracks: &[Track]) {
    let mut others: Vec<usize> = (0..hits.len()).filter(|&i| hits[i].outcome != Outcome::Passes).collect();
    others.sort_by(|&i, &j| hits[i].line.ln_chance().total_cmp(&hits[j].line.ln_chance()));
    let strongest = &others[..others.len().min(MOST_PICTURES)];
    for i in 0..hits.len() {
        if hits[i].outcome == Outcome::Passes || strongest.contains(&i) {
            hits[i].picture_mtf = picture(&hits[i].line, &tracks[i]);
        }
    }
}

/// Powers around a line's middle, in place of around the line.
fn picture(line: &Line, track: &Track) -> Vec<f32> {
    let half = PICTURE_HALF as i64;
    let mut powers = Vec::new();
    for member in 0..track.z_mtk.len() {
        for t in 0..track.spectra {
            let above = line.middle() - line.channel(track.spectra, t);
            powers.extend((-half..=half).map(|k| track.at(member, t, above + k).norm_sqr()));
        }
    }
    powers
}

/// Collects the spectra around lines.
struct Tracks<'a> {
    plan: &'a NarrowPlan,
    unit: &'a NarrowUnit,
    all: &'a [(usize, Line)],
    scales: &'a [Scale],
    /// First channel of the powers, and their number.
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
        let room = |(_, line): &(usize, Line)| {
            // Pictures show what is around the middle of a line: further from its ends.
            let half = self.half + line.drift.unsigned_abs() as usize / 2 + 1;
            Track::new(members.len(), spectra, half)
        };
        let mut tracks: Vec<Track> = self.all.iter().map(room).collect();
        let sub_of = |line: &Line| {
            let middle = (line.middle() + self.edges.0).max(0) as usize;
            (middle / grid.own_channels()).clamp(self.unit.from, self.unit.to - 1)
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

    /// Copies the channels around a line from one spectrum of a sub-band.
    fn copy(
        &self,
        track: &mut Track,
        line: &Line,
        (m, t): (usize, usize),
        (sub, spectrum): (usize, &[Complex32]),
    ) {
        let row = 2 * track.half + 1;
        let centre = line.channel(track.spectra, t);
        for (k, z) in track.z_mtk[m][t * row..(t + 1) * row].iter_mut().enumerate() {
            let channel = centre + k as i64 - track.half as i64;
            let place = channel + self.edges.0 - first_channel(&self.plan.grid, sub);
            let noise = usize::try_from(channel)
                .ok()
                .filter(|c| *c < self.edges.1)
                .and_then(|channel| self.scales[m].at(t, channel));
            let value = usize::try_from(place).ok().and_then(|p| spectrum.get(p));
            if let (Some(noise), Some(value)) = (noise, value) {
                *z = value / noise.sqrt() as f32;
            }
        }
    }
}
