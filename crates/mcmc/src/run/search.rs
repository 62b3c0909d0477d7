//! Looks for the mode with differential evolution, all ranks alike, and starts the ensemble there.

use super::Fit;
use super::stage::Stage;
use crate::sampler::start::{Search, recommended_population};
use mirinae_common::fault;
use mirinae_common::random;
use ndarray::Array2;

/// Stream of the draws from the prior: far from the sampler's own.
const PRIOR_STREAM: u64 = 0x0001 << 48;

impl Fit<'_> {
    pub(super) fn draw_prior(&self, n: usize) -> Array2<f64> {
        let parameters = &self.plan.layout.parameters;
        let mut draws = Array2::zeros((n, parameters.len()));
        for (k, mut row) in draws.outer_iter_mut().enumerate() {
            let mut rng = random::stream(self.plan.fit.seed, PRIOR_STREAM | k as u64, 0);
            row.iter_mut().zip(parameters).for_each(|(x, p)| *x = p.prior.draw(&mut rng));
        }
        draws
    }

    pub(super) fn start_search(&mut self) -> anyhow::Result<Search> {
        let draws = self.draw_prior(recommended_population(self.plan.layout.parameters.len()));
        Search::new(self.plan.fit.seed, &self.plan.names(), draws.view(), &mut self.evaluator)
    }

    /// Lets the search go on until it has settled; `None`: a signal stopped it.
    pub(super) fn search(&mut self, mut search: Search) -> anyhow::Result<Option<Stage>> {
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
}
