//! Shares the evaluation of many points among the ranks.

use crate::posterior::{Posterior, Work};
use crate::sampler::Evaluator;
use mirinae_common::comm::{Comm, World};
use mirinae_common::partition;
use mirinae_common::runtime::Context;
use ndarray::ArrayView2;

/// Each rank computes a block of the points; one message joins the log densities on all ranks.
pub(super) struct RankEvaluator<'a> {
    context: &'a Context<'a>,
    comm: &'a World,
    posterior: &'a Posterior,
    work: Work,
    mine: Vec<f64>,
    all: Vec<f64>,
    stop: bool,
}

impl<'a> RankEvaluator<'a> {
    pub(super) fn new(context: &'a Context<'a>, posterior: &'a Posterior) -> Self {
        let work = posterior.work();
        let (mine, all) = (Vec::new(), Vec::new());
        Self { context, comm: context.comm, posterior, work, mine, all, stop: false }
    }

    /// What is evaluated.
    pub(super) fn posterior(&self) -> &'a Posterior {
        self.posterior
    }

    /// Whether any rank had been asked to stop by the time of the last evaluation: the same on all ranks.
    pub(super) fn stop_requested(&self) -> bool {
        self.stop
    }
}

impl Evaluator for RankEvaluator<'_> {
    type Error = anyhow::Error;

    fn log_density(&mut self, points: ArrayView2<'_, f64>, out: &mut [f64]) -> anyhow::Result<()> {
        let (n, rank, size) = (out.len(), self.comm.rank(), self.comm.size());
        self.mine.clear();
        let mut copied = Vec::new();
        for k in partition::block(n, size, rank) {
            let row = points.row(k);
            let theta = row.as_slice().unwrap_or_else(|| {
                copied = row.to_vec();
                &copied
            });
            self.mine.push(self.posterior.ln_density(theta, &mut self.work));
        }
        // A word behind each rank's values tells of a signal, so that all ranks stop at the same step.
        self.mine.push(f64::from(u8::from(self.context.stop_requested())));
        let counts: Vec<usize> = partition::block_lengths(n, size).iter().map(|n| n + 1).collect();
        self.all.resize(n + size, 0.0);
        self.comm.all_gather_f64(&self.mine, &counts, &mut self.all);
        let mut rest = self.all.as_slice();
        for (r, count) in counts.iter().enumerate() {
            let (piece, tail) = rest.split_at(*count);
            let (values, word) = piece.split_at(count - 1);
            out[partition::block(n, size, r)].copy_from_slice(values);
            self.stop |= word[0] != 0.0;
            rest = tail;
        }
        Ok(())
    }
}
