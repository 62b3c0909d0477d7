//! Does one unit of work: every station's powers, the bursts in them, the cross test of each.

use super::super::chance::ln_joint;
use super::super::chance::sigma;
use super::around::{Picture, picture};
use super::cross::{Correlations, Track};
use super::dynamic::Dynamic;
use super::find::{Burst, Found, Search, find};
use super::grid::{BurstUnit, WIDEST};
use super::plan::BurstPlan;
use super::powers::{Powers, Wanted};
use super::scan::Scan;
use super::verdict::{Outcome, judge};
use crate::baseband::{BasebandError, SampleSource};
use serde::{Deserialize, Serialize};

/// Bursts of a unit that did not pass and have pictures.
const MOST_PICTURES: usize = 6;

/// A burst with its outcome.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Hit {
    /// Station among the group's that has it; their number where it is their sum.
    pub stream: usize,
    /// Index of the dispersion measure.
    pub dm: usize,
    /// First dump of the boxcar at the top, from the start of the scan.
    pub start: i64,
    /// Dumps.
    pub width: usize,
    pub excess: f64,
    pub ln_chance: f64,
    /// Natural logarithm of the probability that noise has such powers and correlates as much.
    pub ln_joint: f64,
    /// By station; 0 where it has no data.
    pub ln_chance_m: Vec<f64>,
    pub outcome: Outcome,
    /// Stations of the pairs.
    pub pairs: Vec<(usize, usize)>,
    /// z of the pairs at the best direction.
    pub z_p: Vec<f64>,
    /// Delays of the pairs there, s.
    pub delay_s_p: Vec<f64>,
    pub cross_false_alarm: f64,
    /// Best direction: direction cosines from the pointing.
    pub at: Option<[f64; 2]>,
    /// Errors of l and m, and their correlation.
    pub error: Option<[f64; 3]>,
    /// Number of the burst in its unit: hits of several stations that are one have the same.
    pub signal: usize,
    pub picture: Option<Picture>,
}

/// What a unit gave.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct UnitResult {
    /// Bursts, the strongest first.
    pub hits: Vec<Hit>,
    /// Boxcars tried.
    pub trials: f64,
    /// So full of bursts that only the strongest were looked at.
    pub crowded: bool,
    /// Spectra that should be there and that are, of all stations and bands.
    pub spectra: (u64, u64),
    /// Channels of stations that were not used.
    pub channels_left_out: u64,
}

/// Does a unit.
///
/// # Errors
/// Where a recording cannot be read.
pub(super) fn work(
    plan: &BurstPlan,
    sources: &mut [Box<dyn SampleSource>],
    unit: &BurstUnit,
    tick: &mut dyn FnMut(),
) -> Result<UnitResult, BasebandError> {
    let (job, grid, group) = (&plan.base.job, &plan.grid, &plan.groups[unit.group]);
    let wanted = Wanted { job, grid, group, unit, simd: plan.base.simd };
    let mut result = UnitResult::default();
    let mut powers = Vec::new();
    for &station in &group.stations {
        let of = Powers::read(wanted, station, sources, tick)?;
        result.spectra.0 += of.spectra.0;
        result.spectra.1 += of.spectra.1;
        // Those at frequency 0 and at the edges are never used.
        let unused = of.noise_f.iter().enumerate().filter(|(f, n)| **n == 0.0 && f % grid.channels > 0);
        result.channels_left_out += unused.count() as u64;
        powers.push(of);
    }
    let noise: Vec<Vec<f64>> = powers.iter().map(|p| p.noise_f.clone()).collect();
    let shifts: Vec<Vec<usize>> = group.dms.iter().map(|dm| group.shifts(grid, *dm)).collect();
    let mut pictures = Vec::new();
    let ln_threshold = plan.settings.ln_threshold;
    let noise: Vec<&[f64]> = noise.iter().map(Vec::as_slice).collect();
    let cross = Dynamic::read(wanted, &noise, sources, tick)?;
    let field = plan.field(unit, plan.start_s(unit));
    let mut scan = Scan::new(&cross, (group, grid), &field);
    let Found { bursts, trials, crowded, weak, ln_first } = {
        let (search_range, own) = arrivals(unit, group.sweep(grid) as i64);
        let mut search = Search {
            powers: &mut powers,
            shifts: &shifts,
            band_channels: grid.channels,
            arrivals: search_range,
            own,
            ln_threshold,
        };
        let mut seen = |burst: &Burst, powers: &[Powers]| {
            pictures.push(picture(burst, powers, (&shifts, &group.dms), unit.data_first as i64));
        };
        let several = (group.stations.len() > 1).then_some(&mut scan);
        find(&mut search, several, &mut seen, tick)
    };
    (result.trials, result.crowded) = (trials, crowded);
    let mut tester = Tester { plan, wanted, noise: &noise, ln_first, sources };
    for (burst, picture) in bursts.iter().zip(pictures) {
        let mut hit = tester.test(burst, (burst, 1.0), tick)?;
        if hit.outcome != Outcome::Passes && burst.stream == group.stations.len() {
            let (other, tried) = scan.best_near(burst, &shifts);
            let again = tester.test(burst, (&other, tried), tick)?;
            if again.outcome == Outcome::Passes && again.ln_joint <= ln_threshold {
                hit = again;
            }
        }
        hit.picture = Some(picture);
        result.hits.push(hit);
    }
    let mut passed = Vec::new();
    for burst in &weak {
        let hit = tester.test(burst, (burst, 1.0), tick)?;
        if hit.outcome == Outcome::Passes && hit.ln_joint <= ln_threshold {
            passed.push((hit, burst));
        }
    }
    passed.sort_by(|a, b| a.0.ln_joint.total_cmp(&b.0.ln_joint));
    for (mut hit, burst) in passed {
        let same = |h: &Hit| h.outcome == Outcome::Passes && near(h, &hit, &shifts);
        if !result.hits.iter().any(same) {
            hit.picture = Some(picture(burst, &powers, (&shifts, &group.dms), unit.data_first as i64));
            result.hits.push(hit);
        }
    }
    result.hits.sort_by(|a, b| a.ln_chance.total_cmp(&b.ln_chance));
    number(&mut result.hits);
    keep_pictures(&mut result.hits);
    Ok(result)
}

/// Arrivals that are searched and told, in dumps from the first that is read. Those beyond a unit's ends by a boxcar are told, too:
/// its neighbours may see them a dump further.
fn arrivals(unit: &BurstUnit, sweep: i64) -> ((i64, i64), (i64, i64)) {
    let (first, end) = (unit.first as i64 - unit.data_first as i64, (unit.first + unit.dumps) as i64);
    let end = end - unit.data_first as i64;
    let (far, near) = (sweep + WIDEST as i64, WIDEST as i64);
    ((first - far, end + far), (first - near, end + near))
}

/// What the cross test needs.
struct Tester<'a, 'b> {
    plan: &'a BurstPlan,
    wanted: Wanted<'a>,
    noise: &'b [&'b [f64]],
    ln_first: f64,
    sources: &'b mut [Box<dyn SampleSource>],
}

impl Tester<'_, '_> {
    /// Correlates the stations over a burst, in a boxcar that is the best of so many, and judges it.
    fn test(
        &mut self,
        burst: &Burst,
        (boxcar, tried): (&Burst, f64),
        tick: &mut dyn FnMut(),
    ) -> Result<Hit, BasebandError> {
        let Wanted { grid, group, unit, .. } = self.wanted;
        let middle = (boxcar.start + unit.data_first as i64) as f64 + 0.5 * boxcar.width as f64;
        let late = group.late_dumps(grid, group.dms[boxcar.dm]);
        let centre_f: Vec<f64> = late.iter().map(|late| (middle + late) * grid.dump_blocks as f64).collect();
        let mean = centre_f.iter().sum::<f64>() / centre_f.len().max(1) as f64;
        let t_s = self.plan.base.job.scans[unit.scan].start_s as f64 + mean * grid.block_s();
        let track = Track::new(centre_f, boxcar.width as f64, grid.dump_blocks as f64);
        let all = Correlations::read(self.wanted, &track, self.noise, self.sources, tick)?;
        let field = self.plan.field(unit, t_s);
        let (outcome, fit) = judge(burst, &all, &field, tried);
        let delay = |at: [f64; 2]| all.pairs.iter().map(|p| field.delay_s(*p, at, 0.0)).collect();
        let ln_untested = || ln_joint(burst.ln_chance, 0.0, self.ln_first);
        let ln_joint = fit.as_ref().map_or_else(ln_untested, |f| f.ln_joint(burst.ln_chance, self.ln_first));
        Ok(Hit {
            stream: burst.stream,
            dm: burst.dm,
            start: burst.start + unit.data_first as i64,
            width: burst.width,
            excess: burst.sum.0 / burst.sum.1.max(1.0),
            ln_chance: burst.ln_chance,
            ln_joint,
            ln_chance_m: burst.ln_chance_m.clone(),
            outcome,
            delay_s_p: fit.as_ref().map(|f| delay(f.at)).unwrap_or_default(),
            pairs: all.pairs.clone(),
            z_p: fit.as_ref().map(|f| f.z_p.clone()).unwrap_or_default(),
            cross_false_alarm: fit.as_ref().map_or(1.0, |f| libm::exp(f.ln_coherence())),
            at: fit.as_ref().filter(|f| f.error.is_some()).map(|f| f.at),
            error: fit.as_ref().and_then(|f| f.error),
            signal: 0,
            picture: None,
        })
    }
}

/// Whether two hits may be the same burst with other dispersion measures: whether they share time at any frequency.
fn near(a: &Hit, b: &Hit, shifts: &[Vec<usize>]) -> bool {
    let late = |hit: &Hit| hit.start + shifts[hit.dm].iter().copied().max().unwrap_or(0) as i64;
    let far = (late(a) - a.start - late(b) + b.start).abs();
    a.start < b.start + b.width as i64 + far && b.start < a.start + a.width as i64 + far
}

/// Whether two hits share dumps at the top frequency.
pub(super) fn overlap(a: &Hit, b: &Hit) -> bool {
    a.start < b.start + b.width as i64 && b.start < a.start + a.width as i64
}

/// Gives hits that pass at one time the same number, that of the strongest; all others have their own.
fn number(hits: &mut [Hit]) {
    let mut firsts: Vec<usize> = Vec::new();
    for i in 0..hits.len() {
        let passes = |k: usize| hits[k].outcome == Outcome::Passes;
        let same = |j: &usize| passes(i) && passes(*j) && overlap(&hits[i], &hits[*j]);
        match firsts.iter().position(same) {
            Some(signal) => hits[i].signal = signal,
            None => {
                hits[i].signal = firsts.len();
                firsts.push(i);
            }
        }
    }
}

/// Keeps the pictures of what passes, and of the strongest others.
fn keep_pictures(hits: &mut [Hit]) {
    let mut others = 0;
    for hit in hits {
        if hit.outcome != Outcome::Passes {
            others += 1;
            if others > MOST_PICTURES {
                hit.picture = None;
            }
        }
    }
}

impl Hit {
    /// Standard deviations, as the search tells them.
    pub fn sigma(&self) -> f64 {
        sigma(self.ln_chance)
    }
}
