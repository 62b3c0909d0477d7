//! One step of the affine-invariant ensemble sampler.
//!
//! Goodman & Weare (2010, Comm. App. Math. Comp. Sci. 5, 65) with the red-blue split of Foreman-Mackey et al. (2013,
//! PASP 125, 306): the walkers of one half move at the same time, each with the help of the other half, which stands
//! still; then the halves change places. The halves are drawn anew each step.

use super::error::{check_log_density, point_text};
use super::state::rows;
use super::streams::{Purpose, stream};
use super::{Complement, Evaluator, Mixture, Move, SamplerError, State};
use ndarray::ArrayView2;
use rand::RngExt;
use rand::seq::SliceRandom;

/// Counts of one step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StepSummary {
    /// Number of walkers that took their proposal.
    pub accepted: usize,
    /// Number of walkers.
    pub walkers: usize,
}

/// The sampler: its moves, its seed and its scratch. All that changes is in [`State`].
pub struct Ensemble {
    seed: u64,
    names: Vec<String>,
    nwalkers: usize,
    mixture: Mixture,
    half: Half,
}

impl Ensemble {
    /// A sampler for `nwalkers` walkers in the parameters `names` (which errors cite).
    ///
    /// # Errors
    /// [`SamplerError::NoParameters`] and [`SamplerError::Walkers`] unless the number of walkers is even and at least
    /// twice the number of parameters.
    pub fn new(seed: u64, nwalkers: usize, names: &[String], mixture: Mixture) -> Result<Self, SamplerError> {
        let dim = names.len();
        let least = (2 * dim).max(4);
        if dim == 0 {
            return Err(SamplerError::NoParameters);
        }
        if nwalkers < least || !nwalkers.is_multiple_of(2) {
            return Err(SamplerError::Walkers { walkers: nwalkers, dim, least });
        }
        Ok(Self { seed, names: names.to_vec(), nwalkers, mixture, half: Half::new(nwalkers / 2, dim) })
    }

    /// The state before the first step, from start positions of shape (walker, parameter).
    ///
    /// # Errors
    /// [`SamplerError::Shape`], [`SamplerError::OutsidePrior`], [`SamplerError::NotANumber`] and what the evaluator
    /// reports.
    pub fn initial_state<E: Evaluator>(
        &self,
        positions: ArrayView2<'_, f64>,
        evaluator: &mut E,
    ) -> Result<State, E::Error> {
        let dim = self.names.len();
        let mut state = State {
            step: 0,
            dim: positions.ncols(),
            positions: positions.iter().copied().collect(),
            log_density: vec![0.0; positions.nrows()],
            accepted: vec![0; positions.nrows()],
        };
        state.check(self.nwalkers, dim)?;
        evaluator.log_density(positions, &mut state.log_density)?;
        check_log_density(&self.names, positions, &state.log_density)?;
        if let Some(walker) = state.log_density.iter().position(|&l| l == f64::NEG_INFINITY) {
            let point = point_text(&self.names, state.walker(walker));
            return Err(SamplerError::OutsidePrior { walker, point }.into());
        }
        Ok(state)
    }

    /// Moves every walker once. After an error the state is in the middle of a step: go on from a stored one.
    ///
    /// # Errors
    /// [`SamplerError::Shape`] if the state is not of this ensemble, [`SamplerError::NotANumber`], and what the
    /// evaluator reports.
    pub fn step<E: Evaluator>(
        &mut self,
        state: &mut State,
        evaluator: &mut E,
    ) -> Result<StepSummary, E::Error> {
        state.check(self.nwalkers, self.names.len())?;
        let mut rng = stream(self.seed, Purpose::Step, 0, state.step);
        let mut order: Vec<usize> = (0..self.nwalkers).collect();
        order.shuffle(&mut rng);
        let (red, blue) = order.split_at(self.nwalkers / 2);
        let kind = self.mixture.choose(&mut rng);
        let mut accepted = 0;
        for (moving, resting) in [(red, blue), (blue, red)] {
            let complement = Complement::new(&state.positions, state.dim, resting);
            self.half.propose(kind, self.seed, state, moving, &complement);
            let points = rows(&self.half.proposals, state.dim);
            evaluator.log_density(points, &mut self.half.proposed)?;
            check_log_density(&self.names, points, &self.half.proposed)?;
            accepted += self.half.accept(state, moving);
        }
        state.step += 1;
        Ok(StepSummary { accepted, walkers: self.nwalkers })
    }
}

/// What is proposed for the half of the walkers that moves.
struct Half {
    /// Row-major (walker of the half, parameter).
    proposals: Vec<f64>,
    log_hastings: Vec<f64>,
    log_uniform: Vec<f64>,
    proposed: Vec<f64>,
}

impl Half {
    fn new(n: usize, dim: usize) -> Self {
        Self {
            proposals: vec![0.0; n * dim],
            log_hastings: vec![0.0; n],
            log_uniform: vec![0.0; n],
            proposed: vec![0.0; n],
        }
    }

    /// Fills in a proposal for each of the `moving` walkers, and the uniform number that will decide on it.
    fn propose(
        &mut self,
        kind: &dyn Move,
        seed: u64,
        state: &State,
        moving: &[usize],
        complement: &Complement<'_>,
    ) {
        let dim = state.dim;
        for (i, (&walker, row)) in moving.iter().zip(self.proposals.chunks_mut(dim)).enumerate() {
            let mut rng = stream(seed, Purpose::Walker, walker, state.step);
            self.log_hastings[i] = kind.propose(state.walker(walker), complement, &mut rng, row);
            // 1 - u lies in (0, 1]: the logarithm is finite.
            self.log_uniform[i] = libm::log(1.0 - rng.random::<f64>());
        }
    }

    /// Takes or leaves the proposals; returns how many were taken.
    fn accept(&self, state: &mut State, moving: &[usize]) -> usize {
        let mut accepted = 0;
        for (i, &walker) in moving.iter().enumerate() {
            let log_ratio = self.log_hastings[i] + self.proposed[i] - state.log_density[walker];
            if self.proposed[i] > f64::NEG_INFINITY && self.log_uniform[i] < log_ratio {
                let dim = state.dim;
                let place = &mut state.positions[walker * dim..(walker + 1) * dim];
                place.copy_from_slice(&self.proposals[i * dim..(i + 1) * dim]);
                state.log_density[walker] = self.proposed[i];
                state.accepted[walker] += 1;
                accepted += 1;
            }
        }
        accepted
    }
}
