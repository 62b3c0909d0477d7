//! One transition of a chain, by whichever kernel, and what is told of it.

use super::flow::{Flow, Place, Scheme};
use super::{Hmc, Likelihood, Nuts, Tuning};
use rand::Rng;
use serde::{Deserialize, Serialize};

/// Beyond this error of the energy a trajectory has left the surface that it should stay on (Stan's limit).
pub(super) const DIVERGENCE: f64 = 1000.0;

/// Which kernel, with its constants, as a plan carries it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum KernelSpec {
    /// The no-U-turn sampler.
    Nuts {
        /// Trajectories have at most 2^max_depth - 1 steps.
        max_depth: u32,
        /// How a step is made.
        scheme: Scheme,
    },
    /// Hamiltonian trajectories of a random length.
    Hmc {
        /// Shortest and longest trajectory; pi/2 is a quarter of a turn.
        lengths: [f64; 2],
        /// How a step is made.
        scheme: Scheme,
    },
}

impl KernelSpec {
    /// The longest step that makes a difference.
    pub(super) fn longest_step(self) -> f64 {
        match self {
            Self::Nuts { .. } => f64::INFINITY,
            Self::Hmc { lengths, .. } => lengths[1],
        }
    }
}

/// What one transition did.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Transition {
    /// Mean acceptance probability over the trajectory.
    pub acceptance: f64,
    /// Gradients computed.
    pub gradients: u32,
    /// Doublings of the trajectory.
    pub depth: u32,
    /// Whether the trajectory diverged.
    pub diverging: bool,
    /// The Hamiltonian at the new place, with the momentum there.
    pub energy: f64,
}

/// A kernel with its scratch.
pub struct Kernel {
    scheme: Scheme,
    motion: Motion,
}

enum Motion {
    Nuts(Box<Nuts>),
    Hmc(Hmc),
}

impl Kernel {
    /// The kernel for `dim` parameters.
    pub fn new(spec: KernelSpec, dim: usize) -> Self {
        let (scheme, motion) = match spec {
            KernelSpec::Nuts { max_depth, scheme } => {
                (scheme, Motion::Nuts(Box::new(Nuts::new(dim, max_depth))))
            }
            KernelSpec::Hmc { lengths, scheme } => (scheme, Motion::Hmc(Hmc::new(dim, lengths))),
        };
        Self { scheme, motion }
    }

    /// Moves `place` once.
    pub fn step<L: Likelihood>(
        &mut self,
        likelihood: &mut L,
        tuning: &Tuning,
        place: &mut Place,
        rng: &mut impl Rng,
    ) -> Transition {
        let mut flow = Flow::new(likelihood, tuning, self.scheme);
        match &mut self.motion {
            Motion::Nuts(nuts) => nuts.step(&mut flow, place, rng),
            Motion::Hmc(hmc) => hmc.step(&mut flow, place, rng),
        }
    }
}
