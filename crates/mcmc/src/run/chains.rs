//! Samples with chains that follow the gradient: rank 0 keeps them, all ranks compute their stretches.

use super::Fit;
use super::drawing::{Drawing, STATISTICS, empty};
use super::result::Drawn;
use super::stage::Stage;
use crate::chain::{part_path, read_part};
use crate::diagnose::{ess_bulk, r_hat};
use crate::posterior::Standard;
use crate::sampler::{Kernel, Leg, LegTask, Round, Stones, Ticking, Transition, run_leg};
use anyhow::Context as _;
use mirinae_common::comm::{self, Comm as _};
use mirinae_common::fault;
use mirinae_common::pool::{Pool, Source};
use mirinae_common::progress::Progress;
use ndarray::{Array1, Array2, ArrayView3, Axis};
use serde::{Deserialize, Serialize};

/// R-hat of chains that agree (Vehtari et al. 2021).
const R_HAT_LIMIT: f64 = 1.01;
/// Messages with stretches that each rank has a share of, at least: so that none waits for another's long one.
const STRETCHES_A_RANK: usize = 4;
/// Stretches in one message at most.
const MOST_AT_ONCE: usize = 8;

/// What rank 0 decided.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Verdict {
    GoOn,
    Enough,
    Stopped,
}

/// Rank 0's side: hands out stretches, collects rounds, decides.
struct Keeper<'f, 'a> {
    fit: &'f mut Fit<'a>,
    drawing: Drawing,
    standard: Standard<'a>,
    /// All draws so far, shape (draw, chain, parameter): what the effective samples are counted from.
    samples: Vec<f64>,
    progress: Progress,
    verdict: Verdict,
}

impl Source for Keeper<'_, '_> {
    type Task = Vec<LegTask>;
    type Result = (Vec<Leg>, bool);

    fn next(&mut self) -> Option<Vec<LegTask>> {
        if self.verdict != Verdict::GoOn {
            return None;
        }
        let tasks: Vec<_> = (0..self.at_once()).map_while(|_| self.drawing.chains.hand_out()).collect();
        (!tasks.is_empty()).then_some(tasks)
    }

    fn done(&mut self, (legs, stop): (Vec<Leg>, bool)) -> anyhow::Result<()> {
        for leg in legs {
            if self.verdict == Verdict::Enough {
                return Ok(());
            }
            if let Some(round) = self.drawing.chains.done(leg)? {
                if round.learning {
                    self.learned(&round);
                } else {
                    self.drew(&round)?;
                }
            }
        }
        if (stop || self.fit.context.stop_requested()) && self.verdict == Verdict::GoOn {
            self.verdict = Verdict::Stopped;
        }
        if self.fit.time_to_save() {
            self.save()?;
        }
        Ok(())
    }
}

impl Keeper<'_, '_> {
    /// Stretches that a rank gets in one message. Between exchanges of temperatures they are short, and a message's way through the
    /// network counts; in the warm-up all wait for the last, and one at a time ends evenly.
    fn at_once(&self) -> usize {
        let chains = &self.drawing.chains;
        let rungs = chains.tunings().len();
        if rungs == 1 || !chains.is_warm() {
            return 1;
        }
        (chains.groups() * rungs / (STRETCHES_A_RANK * self.fit.context.comm.size())).clamp(1, MOST_AT_ONCE)
    }

    fn save(&mut self) -> anyhow::Result<()> {
        self.fit.save(&Stage::Chains(Some(Box::new(self.drawing.clone()))))
    }

    /// A round of the warm-up.
    fn learned(&mut self, round: &Round) {
        self.drawing.effort.warm_up += gradients(round);
        if let Some(lesson) = self.drawing.chains.warm_up().lessons.last() {
            let (n, acceptance, step) = (lesson.round, lesson.acceptance, lesson.step);
            tracing::debug!(
                "warm-up round {n}: acceptance {acceptance:.3}, step {step:.3}, scales changed by {:.2}, nested R-hat {:.3}",
                lesson.change,
                lesson.nested_r_hat
            );
            if self.drawing.chains.is_warm() {
                tracing::info!(
                    "warm after {n} rounds: step {step:.3}, nested R-hat {:.4}",
                    lesson.nested_r_hat
                );
            }
        }
    }

    /// A round of draws.
    fn drew(&mut self, round: &Round) -> anyhow::Result<()> {
        self.drawing.effort.sampling += gradients(round);
        let layout = &self.fit.plan.layout;
        let (chains, dim) = (round.legs.len(), layout.parameters.len());
        if self.drawing.chains.tunings().len() > 1 {
            let tunings = self.drawing.chains.tunings();
            self.drawing.stones.get_or_insert_with(|| Stones::new(tunings, chains)).add(&round.legs);
        }
        let draws = self.drawing.chains.spec().round;
        for draw in 0..draws {
            let mut positions = Array2::zeros((chains, dim));
            let mut ln_density = Array1::zeros(chains);
            let mut statistics = Array2::zeros((STATISTICS.len(), chains));
            for (c, leg) in round.legs.iter().map(|group| &group[0]).enumerate() {
                let theta = self.standard.theta(&leg.z[draw * dim..(draw + 1) * dim]);
                ln_density[c] = leg.ln_like[draw] + layout.ln_prior(&theta);
                positions.row_mut(c).iter_mut().zip(&theta).for_each(|(p, t)| *p = *t);
                self.samples.extend_from_slice(&theta);
                let told = &leg.transitions[draw];
                self.drawing.effort.diverging += u64::from(told.diverging);
                self.drawing.effort.acceptance[c] += told.acceptance;
                for (s, value) in statistics.column_mut(c).iter_mut().zip(told_values(told)) {
                    *s = value;
                }
            }
            self.drawing.pending.push(positions.view(), ln_density.view());
            self.drawing.pending.push_statistics(statistics.view());
        }
        self.drawing.draws += draws as u64;
        let most = self.fit.plan.fit.draws;
        if self.drawing.draws >= most {
            self.verdict = Verdict::Enough;
        } else if self.drawing.draws >= self.drawing.check_at {
            self.check()?;
        }
        let draws = self.drawing.draws;
        self.progress.set(draws.min(most), String::new);
        let full = self.drawing.pending.len() as u64 >= self.fit.plan.fit.part;
        self.drawing.enough = self.verdict == Verdict::Enough;
        if full || self.drawing.enough {
            self.close_part()?;
        }
        Ok(())
    }

    /// The end of this run: saves what a signal interrupted, or tells what was drawn.
    fn end(mut self) -> anyhow::Result<Drawn> {
        if self.verdict == Verdict::Stopped {
            self.save()?;
        }
        self.progress.finish();
        let Drawing { parts, draws, effort, .. } = &self.drawing;
        let accepted_fraction = effort.acceptance.iter().map(|a| a / *draws as f64).collect();
        let told = self.drawing.told();
        Ok(Drawn {
            parts: parts.clone(),
            accepted_fraction,
            burn: 0,
            statistics: &STATISTICS,
            gradients: effort.sampling,
            told,
        })
    }

    fn close_part(&mut self) -> anyhow::Result<()> {
        let next = empty(self.fit.plan, self.drawing.chains.groups(), self.drawing.draws);
        let segment = std::mem::replace(&mut self.drawing.pending, next);
        self.fit.write_part(&mut self.drawing.parts, &segment)?;
        self.save()
    }

    /// Counts the effective samples, and says when to count again: where they should be enough, but not too far off.
    fn check(&mut self) -> anyhow::Result<()> {
        let (draws, fit) = (self.drawing.draws, &self.fit.plan.fit);
        let dim = self.fit.plan.layout.parameters.len();
        let samples = ArrayView3::from_shape(
            (usize::try_from(draws)?, self.drawing.chains.groups(), dim),
            &self.samples,
        )?;
        let one = |k: usize| samples.index_axis(Axis(2), k);
        let ess = (0..dim).map(|k| ess_bulk(one(k))).fold(f64::INFINITY, f64::min);
        if ess >= fit.ess && (0..dim).all(|k| r_hat(one(k)) < R_HAT_LIMIT) {
            self.verdict = Verdict::Enough;
        }
        let needed = (draws as f64 * 1.02 * fit.ess / ess.max(1.0)) as u64;
        self.drawing.check_at = needed.clamp(draws + draws / 10, 2 * draws);
        Ok(())
    }
}

fn gradients(round: &Round) -> u64 {
    round.legs.iter().flatten().flat_map(|l| &l.transitions).map(|t| u64::from(t.gradients)).sum()
}

/// In the order of [`STATISTICS`].
fn told_values(t: &Transition) -> [f64; STATISTICS.len()] {
    [t.acceptance, f64::from(t.gradients), f64::from(t.depth), f64::from(u8::from(t.diverging)), t.energy]
}

impl<'a> Fit<'a> {
    /// Warms up and samples until there is enough; `None`: a signal stopped it. Rank 0 comes with the chains.
    pub(super) fn chains(&mut self, drawing: Option<Box<Drawing>>) -> anyhow::Result<Option<Stage>> {
        let (context, posterior) = (self.context, self.evaluator.posterior());
        let (comm, seed) = (context.comm, self.plan.fit.seed);
        let spec = comm::share(comm, &drawing.as_ref().map(|d| d.chains.spec().kernel))?;
        let spec = spec.context("rank 0 has no chains")?;
        let mut kernel = Kernel::new(spec, self.plan.layout.parameters.len());
        let mut standard = Standard::new(posterior);
        let mut keeper = match drawing.filter(|_| self.is_root()) {
            Some(drawing) => Some(self.keeper(*drawing)?),
            None => None,
        };
        let watchdog = context.watchdog();
        let pulse = || context.pulse(&watchdog);
        let verdict = loop {
            let mine = keeper.as_ref().map(|k| k.drawing.chains.tunings().to_vec());
            let tunings = comm::share(comm, &mine.unwrap_or_default())?;
            if let Some(keeper) = &mut keeper {
                keeper.drawing.chains.resume();
            }
            Pool::new(comm).with_pulse(&pulse).run(keeper.as_mut(), |tasks: Vec<LegTask>, tick| {
                // A look at the messages takes under a microsecond, a gradient tens to thousands.
                let mut likelihood = Ticking::new(&mut standard, 1, tick);
                let mut one = |task: &LegTask| {
                    let tuning = (seed, &tunings[task.rung]);
                    run_leg(tuning, task, &mut kernel, &mut likelihood, || fault::pass("step"))
                };
                let legs = tasks.iter().map(&mut one).collect::<Result<Vec<_>, _>>()?;
                Ok((legs, context.stop_requested()))
            })?;
            let verdict = comm::share(comm, &keeper.as_ref().map_or(Verdict::GoOn, |k| k.verdict))?;
            if verdict != Verdict::GoOn {
                break verdict;
            }
        };
        let drawn = match keeper {
            Some(keeper) => keeper.end()?,
            None => Drawn::default(),
        };
        if verdict == Verdict::Stopped { Ok(None) } else { self.finish(&drawn).map(Some) }
    }

    /// Rank 0's side, with the draws that lie on disk.
    fn keeper<'f>(&'f mut self, drawing: Drawing) -> anyhow::Result<Keeper<'f, 'a>> {
        let mut samples = Vec::new();
        for part in &drawing.parts {
            let (_, positions, _) = read_part(&part_path(self.out, part.index))?;
            samples.extend(positions.iter());
        }
        samples.extend(drawing.pending.samples());
        let progress = self.progress("draws of each chain", drawing.draws, self.plan.fit.draws);
        let standard = Standard::new(self.evaluator.posterior());
        let verdict = if drawing.enough { Verdict::Enough } else { Verdict::GoOn };
        Ok(Keeper { fit: self, drawing, standard, samples, progress, verdict })
    }
}
