//! Samples with the ensemble: all ranks move it alike and share the evaluations.

use super::Fit;
use super::result::Drawn;
use super::stage::{Sampling, Stage, Watch};
use crate::chain::Segment;
use crate::sampler::{Ensemble, Mixture, State};
use mirinae_common::{comm, fault, provenance};
use ndarray::ArrayView2;

impl Fit<'_> {
    pub(super) fn start_in_prior(&mut self) -> anyhow::Result<Stage> {
        let positions = self.draw_prior(self.plan.fit.walkers);
        self.start_sampling(positions.view())
    }

    pub(super) fn start_sampling(&mut self, positions: ArrayView2<f64>) -> anyhow::Result<Stage> {
        let state = self.ensemble()?.initial_state(positions, &mut self.evaluator)?;
        let pending = self.empty_segment(0);
        let stage = Stage::Sample(Sampling { state, parts: Vec::new(), pending });
        self.save(&stage)?;
        Ok(stage)
    }

    fn ensemble(&self) -> anyhow::Result<Ensemble> {
        let fit = &self.plan.fit;
        let mixture = Mixture::from_plan(&fit.moves)?;
        Ok(Ensemble::new(fit.seed, fit.walkers, &self.plan.names(), mixture)?)
    }

    fn empty_segment(&self, first_step: u64) -> Segment {
        Segment::new(first_step, self.plan.fit.walkers, self.plan.layout.parameters.len())
    }

    /// Samples up to the last step and makes the results; `None`: a signal stopped it.
    pub(super) fn sample(&mut self, mut sampling: Sampling) -> anyhow::Result<Option<Stage>> {
        let mut ensemble = self.ensemble()?;
        let (steps, part) = (self.plan.fit.steps, self.plan.fit.part);
        let mut progress = self.progress("steps", sampling.state.step, steps);
        let mut watch = Watch::default();
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
        let State { step, accepted, .. } = &sampling.state;
        let drawn = Drawn {
            accepted_fraction: accepted.iter().map(|&n| n as f64 / *step as f64).collect(),
            burn: usize::try_from(self.plan.fit.burn)?,
            parts: sampling.parts,
            statistics: &[],
            gradients: 0,
            told: String::new(),
        };
        self.finish(&drawn).map(Some)
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

    /// Writes the pending draws as a part; all ranks start the next one.
    fn close_part(&mut self, sampling: &mut Sampling) -> anyhow::Result<()> {
        self.check_agreement(&sampling.state)?;
        let next = self.empty_segment(sampling.state.step);
        let segment = std::mem::replace(&mut sampling.pending, next);
        self.write_part(&mut sampling.parts, &segment)?;
        self.save(&Stage::Sample(sampling.clone()))
    }
}
