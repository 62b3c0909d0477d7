//! Runs a fit over all ranks: search, sampling, results.
//!
//! The search and the ensemble are held by every rank, which move them alike and share the work of computing log
//! densities (`evaluate`). Climbs and chains are kept by rank 0, which hands out pieces of work (`climbs`, `chains`).
//! Nothing depends on the number of ranks, and rank 0 alone writes.

mod bands;
mod chains;
mod climbs;
mod cube;
mod cube_keeper;
pub(crate) mod cube_products;
mod degenerate;
mod detection;
mod drawing;
mod ensemble;
mod evaluate;
pub(crate) mod masers;
pub(crate) mod products;
mod result;
mod search;
mod significance;
mod species_rows;
pub(crate) mod spectra;
mod stage;
mod trust;
mod unidentified;

use crate::chain::{self, PartRecord, Segment};
use crate::plan::{Method, Plan};
use anyhow::Context as _;
use evaluate::RankEvaluator;
use mirinae_common::checkpoint::Checkpoint;
use mirinae_common::comm::{self, Comm};
use mirinae_common::outcome::{Failure, Outcome};
use mirinae_common::progress::Progress;
use mirinae_common::runtime::Context;
use stage::Stage;
use std::path::Path;
use std::time::{Duration, Instant};

/// What an interruption may cost at most.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(15);

/// Runs the fit; products go to `out`. `folder` is what the names of files in the configuration are relative to: of a cube,
/// every rank reads pixels.
///
/// # Errors
/// Exit 2 with the cause; exit 65 where the folder holds another fit.
pub fn run(context: &Context, plan: &Plan, folder: &Path, out: &Path) -> Result<Outcome, Failure> {
    if let Some(cube) = &plan.cube {
        return cube::run(context, (plan, cube), folder, out);
    }
    let posterior = plan.posterior().map_err(Failure::input)?;
    let mut fit = Fit {
        context,
        plan,
        out,
        checkpoint: Checkpoint::new(out.join("checkpoint"), context.plan_hash),
        evaluator: RankEvaluator::new(context, &posterior),
        last_saved: Instant::now(),
    };
    let mut stage = fit.open()?;
    loop {
        let next = match stage {
            None => fit.begin().map(Some),
            Some(Stage::Search(search)) => fit.search(search),
            Some(Stage::Climb(climbing)) => fit.climb(climbing),
            Some(Stage::Chains(chains)) => fit.chains(chains),
            Some(Stage::Sample(sampling)) => fit.sample(sampling),
            Some(Stage::Done(products)) => return fit.tell(&products),
        };
        stage = next.map_err(Failure::run)?;
        if stage.is_none() {
            return Ok(Outcome::stopped());
        }
    }
}

/// A fit that is being run.
struct Fit<'a> {
    context: &'a Context<'a>,
    plan: &'a Plan,
    out: &'a Path,
    checkpoint: Checkpoint,
    evaluator: RankEvaluator<'a>,
    last_saved: Instant,
}

impl Fit<'_> {
    fn is_root(&self) -> bool {
        self.context.comm.rank() == 0
    }

    /// Looks for an earlier run's state on rank 0 and hands it to all ranks.
    fn open(&mut self) -> Result<Option<Stage>, Failure> {
        let found = if self.is_root() { stage::find(self)? } else { None };
        comm::share(self.context.comm, &found).map_err(Failure::run)
    }

    /// The first stage.
    fn begin(&mut self) -> anyhow::Result<Stage> {
        if self.is_root() {
            tracing::info!("{}", self.plan.fit);
        }
        match self.plan.fit.method {
            Method::Ensemble if self.plan.fit.search == 0 => self.start_in_prior(),
            Method::Ensemble => Ok(Stage::Search(self.start_search()?)),
            _ => Ok(Stage::Climb(climbs::Climbing::default())),
        }
    }

    /// Writes the pending draws as a part, on rank 0.
    fn write_part(&self, parts: &mut Vec<PartRecord>, segment: &Segment) -> anyhow::Result<()> {
        if self.is_root() {
            let index = u32::try_from(parts.len()).context("too many parts: set part higher")?;
            parts.push(chain::write_part(self.out, index, segment)?);
        }
        Ok(())
    }

    /// Makes the products of a chain that is complete, and remembers that they are there.
    fn finish(&mut self, drawn: &result::Drawn) -> anyhow::Result<Stage> {
        let mut products = Vec::new();
        if self.is_root() {
            products = result::make(self, drawn).context("cannot make the results")?;
        }
        let done = Stage::Done(products);
        self.save(&done)?;
        if self.is_root() {
            chain::remove_parts(self.out)?;
        }
        Ok(done)
    }

    fn time_to_save(&self) -> bool {
        self.is_root() && self.last_saved.elapsed() >= CHECKPOINT_EVERY
    }

    fn save(&mut self, stage: &Stage) -> anyhow::Result<()> {
        if self.is_root() {
            self.checkpoint.save(stage)?;
            self.last_saved = Instant::now();
        }
        Ok(())
    }

    fn progress(&self, unit: &'static str, start: u64, total: u64) -> Progress {
        Progress::new(self.context.comm.rank(), self.context.options, unit, start, total)
    }

    /// Prints the results, also of a fit that an earlier run finished.
    fn tell(&self, products: &[stage::Product]) -> Result<Outcome, Failure> {
        let mut outcome = Outcome::default();
        outcome.count("channels without data left out", self.plan.flagged);
        if self.is_root() {
            result::tell(self, products).map_err(Failure::run)?;
        }
        Ok(outcome)
    }
}
