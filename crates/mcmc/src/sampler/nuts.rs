//! The no-U-turn sampler with multinomial sampling along the trajectory.
//!
//! Hoffman & Gelman (2014, JMLR 15, 1593); multinomial weights and biased progressive sampling from Betancourt (2017,
//! arXiv:1701.02434, appendix A); the generalised criterion, with the checks across the joint of two halves that Stan
//! has had since 2.21.

use super::Likelihood;
use super::evidence::log_add;
use super::flow::{Flow, Phase, Place, dot};
use super::kernel::{DIVERGENCE, Transition};
use libm::exp;
use rand::{Rng, RngExt};

/// The sampler's scratch: one piece of a trajectory for each doubling.
pub struct Nuts {
    max_depth: u32,
    /// `pieces[d]` has 2^d points.
    pieces: Vec<Piece>,
    whole: Piece,
    /// The ends of the trajectory: forward and backward in time.
    ends: [Phase; 2],
    sum: Vec<f64>,
}

/// A piece of the trajectory: points in the order in which they were made.
struct Piece {
    /// Logarithm of the sum of exp(H0 - H) over the points.
    log_weight: f64,
    /// Sum of the momenta.
    momenta: Vec<f64>,
    /// Momentum of the first point.
    first: Vec<f64>,
    /// Momentum of the last point.
    last: Vec<f64>,
    /// The point drawn from the piece.
    choice: Place,
    /// Its energy.
    energy: f64,
}

/// What is counted along a trajectory.
struct Walk {
    direction: usize,
    energy: f64,
    acceptance: f64,
    points: u32,
    diverging: bool,
}

impl Piece {
    fn new(dim: usize) -> Self {
        let zeros = || vec![0.0; dim];
        Self {
            log_weight: f64::NEG_INFINITY,
            momenta: zeros(),
            first: zeros(),
            last: zeros(),
            choice: Place::empty(dim),
            energy: 0.0,
        }
    }

    /// Becomes a single point.
    fn set(&mut self, phase: &Phase, log_weight: f64, energy: f64) {
        self.log_weight = log_weight;
        for part in [&mut self.momenta, &mut self.first, &mut self.last] {
            part.copy_from_slice(&phase.momentum);
        }
        self.choice.copy_from(&phase.place);
        self.energy = energy;
    }

    /// Appends `next`, whose first point follows the last one here. The choice moves to that of `next` by its weight
    /// among both, or, `biased` to the new, by the ratio of the weights. Returns whether the whole makes no U-turn.
    fn append(&mut self, next: &mut Self, biased: bool, rng: &mut impl Rng, sum: &mut [f64]) -> bool {
        let both = log_add(self.log_weight, next.log_weight);
        let odds = exp(next.log_weight - if biased { self.log_weight } else { both });
        if rng.random::<f64>() < odds {
            std::mem::swap(&mut self.choice, &mut next.choice);
            self.energy = next.energy;
        }
        self.log_weight = both;
        // Across the joint: this piece with the first point of the next, and the other way round.
        add(&self.momenta, &next.first, sum);
        let mut straight = ahead(sum, &self.first, &next.first);
        add(&next.momenta, &self.last, sum);
        straight &= ahead(sum, &self.last, &next.last);
        add(&self.momenta, &next.momenta, sum);
        straight &= ahead(sum, &self.first, &next.last);
        self.momenta.copy_from_slice(sum);
        self.last.copy_from_slice(&next.last);
        straight
    }

    /// The same points from the other end.
    fn turn(&mut self) {
        std::mem::swap(&mut self.first, &mut self.last);
    }
}

fn add(x: &[f64], y: &[f64], sum: &mut [f64]) {
    sum.iter_mut().zip(x).zip(y).for_each(|((s, a), b)| *s = a + b);
}

/// Whether both ends still move along the way between them.
fn ahead(way: &[f64], first: &[f64], last: &[f64]) -> bool {
    dot(way, first) > 0.0 && dot(way, last) > 0.0
}

impl Nuts {
    /// For `dim` parameters and trajectories of at most 2^max_depth - 1 steps.
    pub fn new(dim: usize, max_depth: u32) -> Self {
        Self {
            max_depth,
            pieces: (0..max_depth.max(1)).map(|_| Piece::new(dim)).collect(),
            whole: Piece::new(dim),
            ends: [Phase::new(dim), Phase::new(dim)],
            sum: vec![0.0; dim],
        }
    }

    /// Moves `place` once.
    pub(super) fn step<L: Likelihood>(
        &mut self,
        flow: &mut Flow<L>,
        place: &mut Place,
        rng: &mut impl Rng,
    ) -> Transition {
        let [forward, backward] = &mut self.ends;
        flow.launch(place, rng, forward);
        backward.copy_from(forward);
        let energy = flow.energy(forward);
        self.whole.set(forward, 0.0, energy);
        let mut walk = Walk { direction: 0, energy, acceptance: 0.0, points: 0, diverging: false };
        let (mut depth, mut before) = (0, 0);
        while depth < self.max_depth {
            walk.direction = usize::from(rng.random::<bool>());
            if walk.direction != before {
                self.whole.turn();
                before = walk.direction;
            }
            let complete = self.extend(depth as usize, flow, &mut walk, rng);
            depth += 1;
            if !complete {
                break;
            }
            let next = &mut self.pieces[depth as usize - 1];
            if !self.whole.append(next, true, rng, &mut self.sum) {
                break;
            }
        }
        place.copy_from(&self.whole.choice);
        Transition {
            acceptance: walk.acceptance / f64::from(walk.points),
            gradients: walk.points * flow.scheme.gradients(),
            depth,
            diverging: walk.diverging,
            energy: self.whole.energy,
        }
    }

    /// Makes 2^depth new points beyond an end, in `pieces[depth]`; `false`: they diverge or make a U-turn.
    fn extend<L: Likelihood>(
        &mut self,
        depth: usize,
        flow: &mut Flow<L>,
        walk: &mut Walk,
        rng: &mut impl Rng,
    ) -> bool {
        if depth == 0 {
            return self.point(flow, walk);
        }
        if !self.extend(depth - 1, flow, walk, rng) {
            return false;
        }
        self.pieces.swap(depth - 1, depth);
        if !self.extend(depth - 1, flow, walk, rng) {
            return false;
        }
        let (shorter, longer) = self.pieces.split_at_mut(depth);
        longer[0].append(&mut shorter[depth - 1], false, rng, &mut self.sum)
    }

    /// One new point, in `pieces[0]`.
    fn point<L: Likelihood>(&mut self, flow: &mut Flow<L>, walk: &mut Walk) -> bool {
        let end = &mut self.ends[walk.direction];
        let step = if walk.direction == 0 { flow.tuning.step } else { -flow.tuning.step };
        walk.points += 1;
        let energy = if flow.advance(end, step) { flow.energy(end) } else { f64::INFINITY };
        let log_weight = walk.energy - energy;
        if log_weight.is_nan() || log_weight < -DIVERGENCE {
            walk.diverging = true;
            return false;
        }
        walk.acceptance += exp(log_weight.min(0.0));
        self.pieces[0].set(end, log_weight, energy);
        true
    }
}
