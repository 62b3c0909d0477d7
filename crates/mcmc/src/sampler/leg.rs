//! A stretch of one chain: what a rank computes at a time.

use super::flow::Place;
use super::kernel::{Kernel, Transition};
use super::streams::{Purpose, stream};
use super::{Likelihood, Tuning};
use serde::{Deserialize, Serialize};

/// A stretch to be computed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LegTask {
    /// Which chain.
    pub chain: usize,
    /// Which tuning.
    pub rung: usize,
    /// Transitions that the chain has made before: they key the random numbers.
    pub from: u64,
    /// Transitions to make.
    pub draws: usize,
    /// Whether the gradients at the draws are asked for.
    pub learning: bool,
    /// Where the chain stands.
    pub place: Place,
}

/// A stretch that has been computed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Leg {
    /// Which chain.
    pub chain: usize,
    /// Where it stands now.
    pub last: Place,
    /// Draws, row-major (draw, parameter).
    pub z: Vec<f64>,
    /// Derivatives of ln likelihood at the draws, of the same shape; empty unless asked for.
    pub gradients: Vec<f64>,
    /// ln likelihood of the draws.
    pub ln_like: Vec<f64>,
    /// What each transition did.
    pub transitions: Vec<Transition>,
}

/// Computes a stretch. `pass` is called before every transition; its error ends it.
///
/// # Errors
/// That of `pass`.
pub fn run_leg<E>(
    (seed, tuning): (u64, &Tuning),
    task: &LegTask,
    kernel: &mut Kernel,
    likelihood: &mut impl Likelihood,
    mut pass: impl FnMut() -> Result<(), E>,
) -> Result<Leg, E> {
    let mut leg = Leg {
        chain: task.chain,
        last: task.place.clone(),
        z: Vec::new(),
        gradients: Vec::new(),
        ln_like: Vec::new(),
        transitions: Vec::new(),
    };
    for k in 0..task.draws as u64 {
        pass()?;
        let mut rng = stream(seed, Purpose::Chain, task.chain, task.from + k);
        leg.transitions.push(kernel.step(likelihood, tuning, &mut leg.last, &mut rng));
        leg.z.extend_from_slice(&leg.last.z);
        leg.ln_like.push(leg.last.ln_like);
        if task.learning {
            leg.gradients.extend_from_slice(&leg.last.gradient);
        }
    }
    Ok(leg)
}
