//! Climbs to the peaks of the posterior from draws of the prior, shared by all ranks, and starts the chains there.

use super::Fit;
use super::drawing::Drawing;
use super::stage::Stage;
use crate::plan::Method;
use crate::posterior::Standard;
use crate::sampler::modes::{self, Mode, climb_start};
use crate::sampler::{Climb, Ticking, climb};
use mirinae_common::comm;
use mirinae_common::fault;
use mirinae_common::pool::{Pool, Source};
use serde::{Deserialize, Serialize};

/// Climbs of one batch.
const BATCH: usize = 16;
/// Batches at most.
const BATCHES: usize = 16;
/// The best peak has to be found so often, from different places, to be taken for the best.
const AGREEMENT: usize = 4;
/// A second peak with this share of the mass calls for tempering.
const NOTEWORTHY: f64 = 1e-3;
/// A posterior this much narrower than the prior is taken for nearly normal.
const NARROW: f64 = 0.3;
/// Gradients of one climb at most.
const LONGEST_CLIMB: u32 = 1000;

/// The climbs so far.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Climbing {
    done: Vec<Climb>,
}

/// A batch of climbs on rank 0.
struct Batch {
    next: usize,
    last: usize,
    done: Vec<(usize, Climb)>,
    stopped: bool,
}

impl Source for Batch {
    type Task = usize;
    type Result = (usize, Climb, bool);

    fn next(&mut self) -> Option<usize> {
        let more = self.next < self.last && !self.stopped;
        more.then(|| {
            self.next += 1;
            self.next - 1
        })
    }

    fn done(&mut self, (index, climb, stop): Self::Result) -> anyhow::Result<()> {
        self.done.push((index, climb));
        self.stopped |= stop;
        Ok(())
    }
}

impl Fit<'_> {
    /// Climbs until the best peak has been found again and again; `None`: a signal stopped it.
    pub(super) fn climb(&mut self, mut climbing: Climbing) -> anyhow::Result<Option<Stage>> {
        let mut likelihood = Standard::new(self.evaluator.posterior());
        let seed = self.plan.fit.seed;
        let mut found = (Vec::new(), 0);
        let mut progress = self.progress("climbs", climbing.done.len() as u64, (BATCH * BATCHES) as u64);
        while climbing.done.len() < BATCH * BATCHES {
            let first = climbing.done.len();
            let mut batch = Batch { next: first, last: first + BATCH, done: Vec::new(), stopped: false };
            let source = self.is_root().then_some(&mut batch);
            let watchdog = self.context.watchdog();
            let pulse = || self.context.pulse(&watchdog);
            Pool::new(self.context.comm).with_pulse(&pulse).run(source, |index, tick| {
                fault::pass("step")?;
                let start = climb_start(seed, index, self.plan.layout.parameters.len());
                let end = climb(&mut Ticking::new(&mut likelihood, 1, tick), &start, LONGEST_CLIMB);
                Ok((index, end, self.context.stop_requested()))
            })?;
            if comm::share(self.context.comm, &batch.stopped)? {
                self.save(&Stage::Climb(climbing))?;
                return Ok(None);
            }
            batch.done.sort_by_key(|c| c.0);
            climbing.done.extend(batch.done.into_iter().map(|c| c.1));
            if self.is_root() {
                found = modes::merge(&climbing.done, &mut likelihood);
                let best = found.0.first().map_or(f64::NEG_INFINITY, |m: &Mode| m.ln_density);
                progress.set(climbing.done.len() as u64, || format!("best ln p {best:.2}"));
            }
            let agreed = found.0.first().is_some_and(|best| best.hits >= AGREEMENT);
            if comm::share(self.context.comm, &agreed)? {
                break;
            }
            if self.time_to_save() {
                self.save(&Stage::Climb(climbing.clone()))?;
            }
        }
        progress.finish();
        let (modes, gradients) = found;
        let spent = gradients + climbing.done.iter().map(|c| u64::from(c.gradients)).sum::<u64>();
        if self.is_root() {
            tell_modes(&modes, climbing.done.len())?;
        }
        let drawing = if self.is_root() {
            let (method, reason) = choose(self.plan.fit.method, &modes);
            tracing::info!("{}{reason}", method.name());
            Some(Box::new(Drawing::start(self.plan, (method, reason), (modes, spent), &mut likelihood)?))
        } else {
            None
        };
        let stage = Stage::Chains(drawing);
        self.save(&stage)?;
        Ok(Some(stage))
    }
}

/// The sampler, and why it was chosen: nothing where the user chose.
fn choose(method: Method, modes: &[Mode]) -> (Method, String) {
    if method != Method::Auto {
        return (method, String::new());
    }
    let peaks = modes::shares(modes).iter().filter(|&&share| share > NOTEWORTHY).count();
    if peaks > 1 {
        let why = format!(", chosen because {peaks} peaks hold more than {NOTEWORTHY} of the posterior each");
        return (Method::Tempering, why);
    }
    let widest = modes.first().map_or(1.0, |m| m.scales().into_iter().fold(0.0, f64::max));
    if widest < NARROW {
        return (
            Method::Hmc,
            format!(
                ", chosen because the posterior has one peak, at most {widest:.2} of the prior wide: nearly normal"
            ),
        );
    }
    (
        Method::Nuts,
        format!(", chosen because the posterior is {widest:.2} of the prior wide: maybe far from normal"),
    )
}

/// Tells what the climbs found, or that they found nothing.
fn tell_modes(modes: &[Mode], climbs: usize) -> anyhow::Result<()> {
    let shares = modes::shares(modes);
    let Some(best) = modes.first() else {
        anyhow::bail!(
            "none of {climbs} climbs from draws of the prior came to a peak: the model is not defined in most of the prior"
        );
    };
    let hits = best.hits;
    if hits < AGREEMENT {
        tracing::warn!(
            "only {hits} of {climbs} climbs came to the highest peak found: there may be a higher one"
        );
    }
    for (mode, share) in modes.iter().zip(&shares) {
        let (ln_p, hits) = (mode.ln_density, mode.hits);
        tracing::info!(
            "peak of {:.4} of the mass, ln p = {ln_p:.2}, found by {hits} of {climbs} climbs",
            share
        );
    }
    Ok(())
}
