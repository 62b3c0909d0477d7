//! Proposals of new positions.

use super::SamplerError;
use rand::{Rng, RngExt};
use rand_distr::StandardNormal;
use serde::{Deserialize, Serialize};

/// The walkers of the other half of the ensemble: they stand still while the first half moves.
#[derive(Clone, Copy)]
pub struct Complement<'a> {
    positions: &'a [f64],
    dim: usize,
    walkers: &'a [usize],
}

impl<'a> Complement<'a> {
    /// The `walkers` (indices) of an ensemble with row-major `positions` (walker, parameter).
    pub fn new(positions: &'a [f64], dim: usize, walkers: &'a [usize]) -> Self {
        Self { positions, dim, walkers }
    }

    /// Position of a walker drawn at random.
    fn draw_one(&self, rng: &mut dyn Rng) -> &'a [f64] {
        self.row(rng.random_range(0..self.walkers.len()))
    }

    /// Positions of two different walkers drawn at random, in random order.
    fn draw_two(&self, rng: &mut dyn Rng) -> (&'a [f64], &'a [f64]) {
        let first = rng.random_range(0..self.walkers.len());
        let other = rng.random_range(0..self.walkers.len() - 1);
        (self.row(first), self.row(if other < first { other } else { other + 1 }))
    }

    fn row(&self, k: usize) -> &'a [f64] {
        let walker = self.walkers[k];
        &self.positions[walker * self.dim..(walker + 1) * self.dim]
    }
}

/// A way to propose a new position for one walker.
pub trait Move {
    /// Writes a proposal for a walker at `current` and returns the logarithm of its Hastings factor
    /// q(current | proposal) / q(proposal | current), to be added to the difference of the log densities.
    fn propose(
        &self,
        current: &[f64],
        complement: &Complement<'_>,
        rng: &mut dyn Rng,
        proposal: &mut [f64],
    ) -> f64;
}

/// The stretch move of Goodman & Weare (2010, Comm. App. Math. Comp. Sci. 5, 65), their equations 7 to 11.
#[derive(Debug, Clone, Copy)]
pub struct Stretch {
    /// The scale a > 1: the stretch factor z lies in 1/a to a.
    pub a: f64,
}

impl Move for Stretch {
    fn propose(
        &self,
        current: &[f64],
        others: &Complement<'_>,
        rng: &mut dyn Rng,
        proposal: &mut [f64],
    ) -> f64 {
        let anchor = others.draw_one(rng);
        // Inverse of the cumulative distribution of g(z) ~ 1/sqrt(z) on [1/a, a].
        let u: f64 = rng.random();
        let root = (self.a - 1.0) * u + 1.0;
        let z = root * root / self.a;
        for ((p, &x), &c) in proposal.iter_mut().zip(current).zip(anchor) {
            *p = c + z * (x - c);
        }
        (current.len() as f64 - 1.0) * libm::log(z)
    }
}

/// The differential evolution move of ter Braak (2006, Stat. Comput. 16, 239), as emcee has it: the difference of two
/// other walkers, scaled by gamma, with a small relative jitter of gamma. It is symmetric.
#[derive(Debug, Clone, Copy)]
pub struct DifferentialEvolution {
    /// Mean factor of the difference; 2.38/sqrt(2 dim) is best for a Gaussian, 1 jumps between modes.
    pub gamma0: f64,
    /// Standard deviation of the factor, relative to `gamma0`.
    pub sigma: f64,
}

impl Move for DifferentialEvolution {
    fn propose(
        &self,
        current: &[f64],
        others: &Complement<'_>,
        rng: &mut dyn Rng,
        proposal: &mut [f64],
    ) -> f64 {
        let (first, second) = others.draw_two(rng);
        let jitter: f64 = rng.sample(StandardNormal);
        let gamma = self.gamma0 * (1.0 + self.sigma * jitter);
        for (((p, &x), &a), &b) in proposal.iter_mut().zip(current).zip(first).zip(second) {
            *p = x + gamma * (a - b);
        }
        0.0
    }
}

/// The snooker move of ter Braak & Vrugt (2008, Stat. Comput. 18, 435), their equation 3: along the line through another
/// walker, by the difference of the projections of two more on that line.
///
/// emcee 3's move of this name divides by the root of the distance to the other walker where the paper divides by the
/// distance, and takes the root of the paper's factor; the paper's is used here.
#[derive(Debug, Clone, Copy)]
pub struct Snooker {
    /// Factor of the difference of the projections; 1.7 is theirs.
    pub gamma: f64,
}

impl Move for Snooker {
    fn propose(
        &self,
        current: &[f64],
        others: &Complement<'_>,
        rng: &mut dyn Rng,
        proposal: &mut [f64],
    ) -> f64 {
        let anchor = others.draw_one(rng);
        let (first, second) = others.draw_two(rng);
        let (mut square, mut along) = (0.0, 0.0);
        for (((&x, &z), &a), &b) in current.iter().zip(anchor).zip(first).zip(second) {
            square += (x - z) * (x - z);
            along += (x - z) * (a - b);
        }
        // The proposal lies on the line x - z, at `factor` times the distance.
        let factor = 1.0 + self.gamma * along / square;
        for ((p, &x), &z) in proposal.iter_mut().zip(current).zip(anchor) {
            *p = z + factor * (x - z);
        }
        if factor.is_finite() && factor != 0.0 {
            return (current.len() as f64 - 1.0) * libm::log(factor.abs());
        }
        // Two walkers at one place have no line between them: the walker stays.
        proposal.copy_from_slice(current);
        f64::NEG_INFINITY
    }
}

/// A move and its constants, as a plan carries them.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum MoveSpec {
    /// See [`Stretch`].
    Stretch {
        /// The scale a > 1; 2 is usual.
        a: f64,
    },
    /// See [`DifferentialEvolution`].
    DifferentialEvolution {
        /// Mean factor of the difference.
        gamma0: f64,
        /// Relative jitter of the factor.
        sigma: f64,
    },
    /// See [`Snooker`].
    Snooker {
        /// Factor of the difference of the projections.
        gamma: f64,
    },
}

impl MoveSpec {
    /// The stretch move with the usual a = 2.
    pub fn stretch() -> Self {
        Self::Stretch { a: 2.0 }
    }

    /// The differential evolution move with gamma0 = 2.38/sqrt(2 dim) and a jitter of 1e-5.
    pub fn differential_evolution(dim: usize) -> Self {
        Self::DifferentialEvolution { gamma0: 2.38 / (2.0 * dim as f64).sqrt(), sigma: 1e-5 }
    }

    /// The snooker move with gamma = 1.7.
    pub fn snooker() -> Self {
        Self::Snooker { gamma: 1.7 }
    }

    fn build(self) -> Result<Box<dyn Move>, SamplerError> {
        let fail = |name, key, value, rule| Err(SamplerError::Move { name, key, value, rule });
        match self {
            Self::Stretch { a } if a > 1.0 && a.is_finite() => Ok(Box::new(Stretch { a })),
            Self::Stretch { a } => fail("stretch", "a", a, "a finite a above 1"),
            Self::DifferentialEvolution { gamma0, .. } if !(gamma0 > 0.0 && gamma0.is_finite()) => {
                fail("differential evolution", "gamma0", gamma0, "a finite gamma0 above 0")
            }
            Self::DifferentialEvolution { sigma, .. } if !(sigma >= 0.0 && sigma.is_finite()) => {
                fail("differential evolution", "sigma", sigma, "a finite sigma of 0 or more")
            }
            Self::DifferentialEvolution { gamma0, sigma } => {
                Ok(Box::new(DifferentialEvolution { gamma0, sigma }))
            }
            Self::Snooker { gamma } if gamma > 0.0 && gamma.is_finite() => Ok(Box::new(Snooker { gamma })),
            Self::Snooker { gamma } => fail("snooker", "gamma", gamma, "a finite gamma above 0"),
        }
    }
}

/// A move with the weight by which it is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct WeightedMove {
    /// Relative weight, 0 or more.
    pub weight: f64,
    /// The move.
    pub kind: MoveSpec,
}

impl WeightedMove {
    /// The program's default: differential evolution with its occasional jump between modes, and the stretch move,
    /// which keeps its efficiency where the posterior is curved and the walkers are few.
    pub fn defaults(dim: usize) -> Vec<Self> {
        vec![
            Self { weight: 0.7, kind: MoveSpec::differential_evolution(dim) },
            Self { weight: 0.1, kind: MoveSpec::DifferentialEvolution { gamma0: 1.0, sigma: 1e-5 } },
            Self { weight: 0.2, kind: MoveSpec::stretch() },
        ]
    }
}

/// Moves of which each step takes one, for all walkers.
pub struct Mixture {
    moves: Vec<(f64, Box<dyn Move>)>,
}

impl Mixture {
    /// A mixture of moves with relative weights.
    ///
    /// # Errors
    /// [`SamplerError::NoMoves`] if no weight is positive and finite, or one is negative or not a number.
    pub fn new(moves: Vec<(f64, Box<dyn Move>)>) -> Result<Self, SamplerError> {
        let total: f64 = moves.iter().map(|m| m.0).sum();
        let sound = moves.iter().all(|m| m.0 >= 0.0);
        if sound && total > 0.0 && total.is_finite() {
            Ok(Self { moves })
        } else {
            Err(SamplerError::NoMoves)
        }
    }

    /// The moves that a plan names.
    ///
    /// # Errors
    /// As [`Mixture::new`], and [`SamplerError::Move`] for a constant out of its range.
    pub fn from_plan(moves: &[WeightedMove]) -> Result<Self, SamplerError> {
        let built: Result<Vec<_>, _> = moves.iter().map(|m| Ok((m.weight, m.kind.build()?))).collect();
        Self::new(built?)
    }

    /// Chooses a move by the weights.
    pub(super) fn choose(&self, rng: &mut dyn Rng) -> &dyn Move {
        let total: f64 = self.moves.iter().map(|m| m.0).sum();
        let u: f64 = rng.random();
        let mut left = u * total;
        for (weight, kind) in &self.moves {
            left -= weight;
            if left < 0.0 {
                return kind.as_ref();
            }
        }
        // Rounding can leave a remainder of zero: the last move that has a weight then.
        let last = self.moves.iter().rposition(|m| m.0 > 0.0).unwrap_or(0);
        self.moves[last].1.as_ref()
    }
}
