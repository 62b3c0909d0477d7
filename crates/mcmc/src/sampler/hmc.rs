//! Hamiltonian trajectories of a random length, accepted or refused at their end (Neal 2011, Handbook of MCMC, chapter 5).
//!
//! In a space that is well whitened a no-U-turn trajectory costs more than it tells: the best length is known, a little
//! over a quarter of a turn, so that the next draw lies on the other side of the mean.

use super::Likelihood;
use super::flow::{Flow, Phase, Place};
use super::kernel::{DIVERGENCE, Transition};
use libm::exp;
use rand::{Rng, RngExt};

/// The sampler's scratch.
pub struct Hmc {
    phase: Phase,
    lengths: [f64; 2],
}

impl Hmc {
    /// For `dim` parameters; trajectories between these two lengths.
    pub fn new(dim: usize, lengths: [f64; 2]) -> Self {
        Self { phase: Phase::new(dim), lengths }
    }

    /// Moves `place` once.
    pub(super) fn step<L: Likelihood>(
        &mut self,
        flow: &mut Flow<L>,
        place: &mut Place,
        rng: &mut impl Rng,
    ) -> Transition {
        let phase = &mut self.phase;
        flow.launch(place, rng, phase);
        let start = flow.energy(phase);
        let length = rng.random_range(self.lengths[0]..self.lengths[1]);
        let steps = (length / flow.tuning.step).ceil().max(1.0);
        let step = length / steps;
        let mut inside = true;
        let mut gradients = 0;
        for _ in 0..steps as u32 {
            gradients += flow.scheme.gradients();
            inside = flow.advance(phase, step);
            if !inside {
                break;
            }
        }
        let energy = if inside { flow.energy(phase) } else { f64::INFINITY };
        let log_ratio = start - energy;
        let diverging = log_ratio.is_nan() || log_ratio < -DIVERGENCE;
        let acceptance = if diverging { 0.0 } else { exp(log_ratio.min(0.0)) };
        let accepted = rng.random::<f64>() < acceptance;
        if accepted {
            place.copy_from(&phase.place);
        }
        let energy = if accepted { energy } else { start };
        Transition { acceptance, gradients, depth: 0, diverging, energy }
    }
}
