//! A whole fit on one rank: climbs, warm-up, draws. For small fits by the thousand.

use super::climb::climb;
use super::flow::Place;
use super::modes::{self, Mode, climb_start, mode_of};
use super::{Chains, ChainsSpec, KernelSpec, Likelihood, SamplerError, WarmUp, ladder};
use std::ops::ControlFlow;

/// How to do it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Alone {
    /// Seed of all random numbers.
    pub seed: u64,
    /// How a chain moves.
    pub kernel: KernelSpec,
    /// Mean acceptance probability that the warm-up aims for.
    pub acceptance: f64,
    /// Climbs from draws of the prior.
    pub climbs: usize,
    /// Chains; with several peaks, groups of chains at all temperatures.
    pub chains: usize,
    /// Draws of each chain, in whole rounds of 10.
    pub draws: usize,
}

/// What came out.
#[derive(Debug, Clone, PartialEq)]
pub struct AloneDraws {
    /// Draws, row-major (draw, chain, parameter).
    pub z: Vec<f64>,
    /// The peaks.
    pub modes: Vec<Mode>,
    /// Transitions that diverged.
    pub diverging: usize,
}

/// Peaks with less of the mass than this do not call for temperatures.
const NOTEWORTHY: f64 = 1e-3;
/// Fall of ln likelihood from the peak to the prior that the temperatures span at most.
const LARGEST_RANGE: f64 = 1e6;

impl Alone {
    /// Samples `likelihood`; `None` where no climb finds a place at which it is defined.
    ///
    /// # Errors
    /// [`SamplerError`], a mistake in the program.
    pub fn sample(&self, likelihood: &mut impl Likelihood) -> Result<Option<AloneDraws>, SamplerError> {
        let dim = likelihood.dim();
        let mut typical = Vec::new();
        let mut ends = Vec::new();
        for index in 0..self.climbs {
            let start = climb_start(self.seed, index, dim);
            typical.push(Place::at(&start, likelihood).ln_like);
            ends.push(climb(likelihood, &start, 500));
        }
        let (modes, _) = modes::merge(&ends, likelihood);
        let Some(best) = modes.first() else { return Ok(None) };
        let several = modes::shares(&modes).iter().filter(|&&s| s > NOTEWORTHY).count() > 1;
        typical.sort_by(f64::total_cmp);
        let range = (best.place.ln_like - typical[typical.len() / 2]).min(LARGEST_RANGE);
        let betas = if several { ladder::ladder(dim, range) } else { vec![1.0] };
        let start = |g| ladder::starts(self.seed, g, mode_of(&modes, g, self.chains), &betas, likelihood);
        let places: Vec<Vec<Place>> = (0..self.chains).map(start).collect();
        let tunings = ladder::tunings(best, &betas);
        let round = if several { 5 } else { 10 };
        let spec = ChainsSpec { seed: self.seed, kernel: self.kernel, round };
        let mut chains = Chains::new(spec, places, tunings, WarmUp::new(self.acceptance, self.chains, 20));
        let mut result = AloneDraws { z: Vec::new(), modes, diverging: 0 };
        chains.run_alone(likelihood, |_, rounds| {
            if rounds.learning {
                return ControlFlow::Continue(());
            }
            for draw in 0..round {
                for leg in rounds.legs.iter().map(|group| &group[0]) {
                    result.z.extend_from_slice(&leg.z[draw * dim..(draw + 1) * dim]);
                    result.diverging += usize::from(leg.transitions[draw].diverging);
                }
            }
            let enough = result.z.len() >= self.draws * self.chains * dim;
            if enough { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        Ok(Some(result))
    }
}
