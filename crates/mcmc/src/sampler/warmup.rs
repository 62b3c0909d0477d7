//! What all chains learn together in their warm-up: the step and the metric of each temperature.
//!
//! The chains pool their draws after each round, a fixed number of transitions of every chain, in the order of chains.
//! With hundreds of transitions a round the mean acceptance is known to a few per cent and the step needs no averaging
//! over iterations. The warm-up ends as soon as the chains have forgotten their starts (nested R-hat) and learn nothing new.

use super::leg::Leg;
use super::{Tuning, metric, spacing};
use crate::diagnose::nested_r_hat;
use ndarray::ArrayView2;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// Transitions of each chain in a round.
pub(super) const ROUND: usize = 8;
/// Rounds of the warm-up at least.
const LEAST: usize = 3;
/// The temperatures are spaced anew after these rounds, the number of them included.
const SPACED: [usize; 7] = [1, 2, 3, 4, 6, 8, 11];
/// Rounds that follow the last spacing at least: step and metric settle.
const SETTLE: usize = 4;
/// The starts are forgotten below this.
const FORGOTTEN: f64 = 1.01;
/// A metric that changes a scale by less than this is taken for known.
const STEADY: f64 = 1.5;
/// A step that changes by less than this (in its logarithm) is taken for known.
const STEADY_STEP: f64 = 0.1;

/// What a round said, for the log and the product.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Lesson {
    /// Number of the round, from 1.
    pub round: usize,
    /// Mean acceptance probability at the posterior's temperature.
    pub acceptance: f64,
    /// The new step.
    pub step: f64,
    /// Largest change of a scale by the new metric.
    pub change: f64,
    /// Largest nested R-hat over the parameters.
    pub nested_r_hat: f64,
    /// Gradients that all chains computed in the round.
    pub gradients: u64,
}

/// What follows from a round.
pub(super) struct Learned {
    /// Whether the warm-up is over.
    pub over: bool,
    /// Where the temperatures are new: from which of the old ones each has its place and tuning.
    pub taken_from: Option<Vec<usize>>,
}

/// The draws of one round at one temperature, chain after chain.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Pooled {
    z: Vec<f64>,
    gradients: Vec<f64>,
}

/// The warm-up so far.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WarmUp {
    /// Mean acceptance probability that the steps aim for.
    acceptance: f64,
    /// Groups of chains with the same start.
    superchains: usize,
    /// Rounds at most.
    most: usize,
    /// The latest half of the rounds: per round, the draws at each temperature.
    recent: VecDeque<Vec<Pooled>>,
    /// Logarithms of the steps that the rounds have led to, at each temperature.
    steps: Vec<Vec<f64>>,
    /// What each round said.
    pub lessons: Vec<Lesson>,
}

impl WarmUp {
    /// A warm-up of at most `most` rounds for chains that make up `superchains`.
    pub fn new(acceptance: f64, superchains: usize, most: usize) -> Self {
        let (recent, steps, lessons) = (VecDeque::new(), Vec::new(), Vec::new());
        Self { acceptance, superchains, most, recent, steps, lessons }
    }

    /// Learns from a round, `legs` of shape (group, temperature), a step of at most `longest` and a metric for each
    /// temperature, and the temperatures.
    pub(super) fn learn(&mut self, legs: &[Vec<Leg>], tunings: &mut Vec<Tuning>, longest: f64) -> Learned {
        let round = self.lessons.len() + 1;
        let pooled = (0..tunings.len()).map(|rung| pool(legs, rung)).collect();
        self.recent.push_back(pooled);
        while self.recent.len() > round.div_ceil(2) {
            self.recent.pop_front();
        }
        let (mut change, mut step_change) = (1.0_f64, 0.0_f64);
        for (rung, tuning) in tunings.iter_mut().enumerate() {
            let joined = |part: fn(&Pooled) -> &Vec<f64>| -> Vec<f64> {
                self.recent.iter().flat_map(|r| part(&r[rung]).iter().copied()).collect()
            };
            let update = metric::learn(tuning, &joined(|p| &p.z), &joined(|p| &p.gradients));
            let aimed =
                libm::log(tuning.step) + step_update(mean_acceptance(legs, rung), self.acceptance, round);
            let step = self.average(rung, aimed.min(libm::log(longest)));
            change = change.max(update.change);
            step_change = step_change.max((step - libm::log(tuning.step)).abs());
            (tuning.factor, tuning.step) = (update.factor, libm::exp(step));
        }
        let nested_r_hat = self.nested_r_hat(legs.len());
        let gradients =
            legs.iter().flatten().flat_map(|l| &l.transitions).map(|t| u64::from(t.gradients)).sum();
        let (acceptance, step) = (mean_acceptance(legs, 0), tunings[0].step);
        self.lessons.push(Lesson { round, acceptance, step, change, nested_r_hat, gradients });
        // Many temperatures hold one that few draws leave unsteady: there the number of rounds counts.
        let tempered = tunings.len() > 2;
        let taken_from = (tempered && SPACED.contains(&round)).then(|| self.respace(legs, tunings));
        let steady = change < STEADY && step_change < STEADY_STEP;
        let learned = if tempered { round >= SPACED[SPACED.len() - 1] + SETTLE } else { steady };
        let over = round >= self.most || (round >= LEAST && learned && nested_r_hat < FORGOTTEN);
        Learned { over, taken_from }
    }

    /// Spaces the temperatures anew; each takes over what the nearest of the old ones has learned.
    fn respace(&mut self, legs: &[Vec<Leg>], tunings: &mut Vec<Tuning>) -> Vec<usize> {
        let betas: Vec<f64> = tunings.iter().map(|t| t.beta).collect();
        let distances = spacing::distances(&betas, legs);
        let spaced = spacing::spread(&betas, &distances, spacing::enough(&distances));
        let from = spacing::nearest(&betas, &spaced);
        let tuned = |(&k, &beta): (&usize, &f64)| Tuning { beta, ..tunings[k].clone() };
        *tunings = from.iter().zip(&spaced).map(tuned).collect();
        for round in &mut self.recent {
            *round = from.iter().map(|&k| round[k].clone()).collect();
        }
        self.steps = from.iter().map(|&k| self.steps[k].clone()).collect();
        from
    }

    /// Mean logarithm of the steps of the latest half of the rounds, `step` the latest.
    fn average(&mut self, rung: usize, step: f64) -> f64 {
        if self.steps.len() <= rung {
            self.steps.push(Vec::new());
        }
        let steps = &mut self.steps[rung];
        steps.push(step);
        let recent = &steps[steps.len() / 2..];
        recent.iter().sum::<f64>() / recent.len() as f64
    }

    /// Largest nested R-hat of the recent draws at the posterior's temperature.
    fn nested_r_hat(&self, groups: usize) -> f64 {
        let dim = self.recent[0][0].z.len() / (groups * ROUND);
        let mut largest = 0.0;
        for k in 0..dim {
            let mut values = Vec::new();
            for round in &self.recent {
                for draw in 0..ROUND {
                    values.extend((0..groups).map(|g| round[0].z[(g * ROUND + draw) * dim + k]));
                }
            }
            let shape = (self.recent.len() * ROUND, groups);
            let value = ArrayView2::from_shape(shape, &values)
                .map_or(f64::NAN, |samples| nested_r_hat(samples, self.superchains));
            if value.is_nan() || value > largest {
                largest = value;
            }
        }
        largest
    }
}

fn pool(legs: &[Vec<Leg>], rung: usize) -> Pooled {
    let joined = |part: fn(&Leg) -> &Vec<f64>| -> Vec<f64> {
        legs.iter().flat_map(|group| part(&group[rung]).iter().copied()).collect()
    };
    Pooled { z: joined(|l| &l.z), gradients: joined(|l| &l.gradients) }
}

fn mean_acceptance(legs: &[Vec<Leg>], rung: usize) -> f64 {
    let all = || legs.iter().flat_map(|group| &group[rung].transitions);
    all().map(|t| t.acceptance).sum::<f64>() / all().count() as f64
}

/// Change of the logarithm of the step: the share of proposals that are refused grows with its square, as long as the
/// scheme is stable. Later rounds change less, so that steps near that limit do not swing.
fn step_update(acceptance: f64, aim: f64, round: usize) -> f64 {
    let refused = (1.0 - acceptance).max(1e-3);
    let most = 1.0 / (round as f64).sqrt();
    (0.5 * libm::log((1.0 - aim) / refused)).clamp(-most, 0.7 * most)
}

/// A first step for `dim` parameters that are about white.
pub fn first_step(dim: usize) -> f64 {
    // The variance of the energy error grows as step^4 times the number of parameters.
    1.4 / (dim as f64).sqrt().sqrt()
}
