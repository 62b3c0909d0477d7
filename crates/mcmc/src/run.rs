//! Runs a fit over all ranks: search, sampling, results.
//!
//! Every rank holds the whole ensemble and moves it alike; the ranks share the work of computing log densities
//! (`evaluate`). So nothing depends on the number of ranks, and rank 0 alone writes.

mod evaluate;
mod result;
pub(crate) mod spectra;
mod stage;

use crate::chain::{self, Segment};
use crate::plan::Plan;
use crate::sampler::start::{Search, recommended_population};
use crate::sampler::{Ensemble, Mixture, State};
use anyhow::Context as _;
use evaluate::RankEvaluator;
use mirinae_common::checkpoint::Checkpoint;
use mirinae_common::comm::{self, Comm};
use mirinae_common::fault;
use mirinae_common::outcome::{Failure, Outcome};
use mirinae_common::progress::Progress;
use mirinae_common::runtime::Context;
use mirinae_common::{provenance, random};
use ndarray::{Array2, ArrayView2};
use stage::{Sampling, Stage};
use std::path::Path;
use std::time::{Duration, Instant};

/// Stream of the draws from the prior: far from the sampler's own.
const PRIOR_STREAM: u64 = 0x0001 << 48;
/// What an interruption may cost at most.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(15);

/// Runs the fit; products go to `out`.
///
/// # Errors
/// Exit 2 with the cause; exit 65 where the folder holds another fit.
pub fn run(context: &Context, plan: &Plan, out: &Path) -> Result<Outcome, Failure> {
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
        stage = match stage {
            None if plan.fit.search == 0 => Some(fit.start_in_prior().map_err(Failure::run)?),
            None => Some(Stage::Search(fit.start_search().map_err(Failure::run)?)),
            Some(Stage::Search(search)) => fit.search(search).map_err(Failure::run)?,
            Some(Stage::Sample(sampling)) => fit.sample(sampling).map_err(Failure::run)?,
            Some(Stage::Done(products)) => return fit.tell(&products),
        };
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

    fn draw_prior(&self, n: usize) -> Array2<f64> {
        let parameters = &self.plan.layout.parameters;
        let mut draws = Array2::zeros((n, parameters.len()));
        for (k, mut row) in draws.outer_iter_mut().enumerate() {
            let mut rng = random::stream(self.plan.fit.seed, PRIOR_STREAM | k as u64, 0);
            row.iter_mut().zip(parameters).for_each(|(x, p)| *x = p.prior.draw(&mut rng));
        }
        draws
    }

    fn start_search(&mut self) -> anyhow::Result<Search> {
        let draws = self.draw_prior(recommended_population(self.plan.layout.parameters.len()));
        Search::new(self.plan.fit.seed, &self.plan.names(), draws.view(), &mut self.evaluator)
    }

    fn start_in_prior(&mut self) -> anyhow::Result<Stage> {
        let positions = self.draw_prior(self.plan.fit.walkers);
        self.start_sampling(positions.view())
    }

    /// Lets the search go on until it has settled; `None`: a signal stopped it.
    fn search(&mut self, mut search: Search) -> anyhow::Result<Option<Stage>> {
        let most = self.plan.fit.search;
        let mut progress = self.progress("generations of the search", search.generation, most);
        while search.generation < most && !search.settled() {
            search.advance(&mut self.evaluator)?;
            fault::pass("step")?;
            progress.set(search.generation, || format!("best ln p {:.2}", search.best().1));
            let stop = self.evaluator.stop_requested();
            if stop || self.time_to_save() {
                self.save(&Stage::Search(search.clone()))?;
            }
            if stop {
                return Ok(None);
            }
        }
        progress.finish();
        if self.is_root() {
            let (generation, ln_p) = (search.generation, search.best().1);
            if search.settled() {
                tracing::info!("the search found ln p = {ln_p:.2} in {generation} generations");
            } else {
                tracing::warn!(
                    "the search had not settled after {generation} generations (ln p = {ln_p:.2}); sampling starts from its best members"
                );
            }
        }
        let positions = search.ensemble(self.plan.fit.walkers, &mut self.evaluator)?;
        self.start_sampling(positions.view()).map(Some)
    }

    fn ensemble(&self) -> anyhow::Result<Ensemble> {
        let fit = &self.plan.fit;
        let mixture = Mixture::from_plan(&fit.moves)?;
        Ok(Ensemble::new(fit.seed, fit.walkers, &self.plan.names(), mixture)?)
    }

    fn start_sampling(&mut self, positions: ArrayView2<f64>) -> anyhow::Result<Stage> {
        let state = self.ensemble()?.initial_state(positions, &mut self.evaluator)?;
        let pending = self.empty_segment(0);
        let stage = Stage::Sample(Sampling { state, parts: Vec::new(), pending });
        self.save(&stage)?;
        Ok(stage)
    }

    fn empty_segment(&self, first_step: u64) -> Segment {
        Segment::new(first_step, self.plan.fit.walkers, self.plan.layout.parameters.len())
    }

    /// Samples up to the last step and makes the results; `None`: a signal stopped it.
    fn sample(&mut self, mut sampling: Sampling) -> anyhow::Result<Option<Stage>> {
        let mut ensemble = self.ensemble()?;
        let (steps, part) = (self.plan.fit.steps, self.plan.fit.part);
        let mut progress = self.progress("steps", sampling.state.step, steps);
        let mut watch = stage::Watch::default();
        while sampling.state.step < steps {
            ensemble.step(&mut sampling.state, &mut self.evaluator)?;
            fault::pass("step")?;
            let State { step, .. } = sampling.state;
            sampling.pending.push(sampling.state.positions(), sampling.state.log_density());
            watch.push(&sampling.state);
            progress.set(step, || watch.message(&sampling.state));
            if step.is_multiple_of(part) || step == steps {
                self.close_part(&mut sampling)?;
            }
            if self.evaluator.stop_requested() {
                self.save(&Stage::Sample(sampling))?;
                return Ok(None);
            }
            if self.time_to_save() {
                self.save(&Stage::Sample(sampling.clone()))?;
            }
        }
        progress.finish();
        let mut products = Vec::new();
        if self.is_root() {
            products = result::make(self, &sampling).context("cannot make the results")?;
        }
        let done = Stage::Done(products);
        self.save(&done)?;
        if self.is_root() {
            chain::remove_parts(self.out)?;
        }
        Ok(Some(done))
    }

    /// Every rank moves the ensemble by itself: a processor that rounds otherwise would part them unseen.
    fn check_agreement(&self, state: &State) -> anyhow::Result<()> {
        let differ = comm::differing(self.context.comm, &provenance::hash(&postcard::to_stdvec(state)?))?;
        anyhow::ensure!(
            differ.is_empty(),
            "ranks {differ:?} have come to another state of the ensemble than rank 0: their hosts compute otherwise \
             (another processor or C library); run on hosts of one kind"
        );
        Ok(())
    }

    /// Writes the pending draws as a part, on rank 0; all ranks start the next one.
    fn close_part(&mut self, sampling: &mut Sampling) -> anyhow::Result<()> {
        self.check_agreement(&sampling.state)?;
        let next = self.empty_segment(sampling.state.step);
        let segment = std::mem::replace(&mut sampling.pending, next);
        if self.is_root() {
            let index = u32::try_from(sampling.parts.len()).context("too many parts: set part higher")?;
            sampling.parts.push(chain::write_part(self.out, index, &segment)?);
        }
        self.save(&Stage::Sample(sampling.clone()))
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
