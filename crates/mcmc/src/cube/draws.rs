//! Draws for one pixel: short chains from its peaks, or chains at many temperatures, until there are enough.

use super::pixel::{PixelSettings, flags, pixel_seed};
use crate::diagnose::{ess_bulk, r_hat};
use crate::plan::Method;
use crate::posterior::Standard;
use crate::sampler::modes::{Mode, mode_of};
use crate::sampler::{
    Chains, ChainsSpec, Likelihood, Place, Round, SamplerError, Ticking, Tuning, WarmUp, ladder,
};
use ndarray::{ArrayView3, Axis};
use std::ops::ControlFlow;

/// Rounds of the warm-up at most.
const WARM_UP: usize = 12;
/// Draws of each chain in a round, and before effective samples are counted.
const ROUND: usize = 10;
const FIRST_CHECK: usize = 40;
/// The same with temperatures, which settle after 15 rounds at the earliest and exchange after each round.
const TEMPERED_WARM_UP: usize = 20;
const TEMPERED_ROUND: usize = 2;
/// Short chains that agree.
const R_HAT_LIMIT: f64 = 1.05;
/// A posterior this much narrower than the prior is taken for nearly normal.
const NARROW: f64 = 0.3;
/// Journeys from the prior to the posterior that share out several peaks.
const ARRIVALS: u64 = 10;

/// Draws of all chains, row-major (draw, chain, parameter), and how far they can be trusted.
#[derive(Debug, Default)]
pub(super) struct Drawn {
    pub z: Vec<f64>,
    pub r_hat: f64,
    pub ess: f64,
    /// [`flags`].
    pub flags: u32,
    /// Chains at many temperatures have agreed, and gone from the prior to the posterior often: they tell the peaks' shares.
    pub travelled: bool,
}

/// Chains that are about to start.
struct Start {
    chains: Chains,
    round: usize,
}

/// Short chains from the peaks.
///
/// # Errors
/// [`SamplerError`], a mistake in the program.
pub(super) fn draw(
    likelihood: &mut Ticking<Standard>,
    seed: u64,
    modes: &[Mode],
    settings: PixelSettings,
) -> Result<Drawn, SamplerError> {
    let chains = settings.chains;
    let widest = modes[0].scales().into_iter().fold(0.0, f64::max);
    let method = if widest < NARROW { Method::Hmc } else { Method::Nuts };
    let warm_up = WarmUp::new(method.acceptance(), chains, WARM_UP);
    let start = start(likelihood, (seed, method), modes, &[1.0], (chains, ROUND, warm_up))?;
    run(likelihood, start, settings)
}

/// Chains at temperatures from the posterior to the prior: for pixels whose short chains do not agree.
///
/// # Errors
/// As [`draw`].
pub(super) fn draw_tempered(
    likelihood: &mut Ticking<Standard>,
    seed: u64,
    modes: &[Mode],
    settings: PixelSettings,
) -> Result<Drawn, SamplerError> {
    let (method, dim) = (Method::Tempering, likelihood.dim());
    // Other random numbers than those of the short chains.
    let seed = pixel_seed(seed, 0);
    let peak = modes.iter().map(|m| m.place.ln_like).fold(f64::NEG_INFINITY, f64::max);
    let betas = ladder::ladder(dim, ladder::range(seed, dim, peak, likelihood));
    let groups = method.chains();
    let warm_up = WarmUp::new(method.acceptance(), groups, TEMPERED_WARM_UP);
    let start = start(likelihood, (seed, method), modes, &betas, (groups, TEMPERED_ROUND, warm_up))?;
    run(likelihood, start, settings)
}

fn start(
    likelihood: &mut Ticking<Standard>,
    (seed, method): (u64, Method),
    modes: &[Mode],
    betas: &[f64],
    (groups, round, warm_up): (usize, usize, WarmUp),
) -> Result<Start, SamplerError> {
    let what = "chains without a kernel";
    let kernel = method.kernel().ok_or(SamplerError::Shape { what, found: 0, expected: 1 })?;
    let one = |g| ladder::starts(seed, g, mode_of(modes, g, groups), betas, likelihood);
    let places: Vec<Vec<Place>> = (0..groups).map(one).collect();
    let tunings: Vec<Tuning> = ladder::tunings(&modes[0], betas);
    Ok(Start { chains: Chains::new(ChainsSpec { seed, kernel, round }, places, tunings, warm_up), round })
}

/// Draws until there is enough, or too much.
fn run(
    likelihood: &mut Ticking<Standard>,
    Start { mut chains, round }: Start,
    settings: PixelSettings,
) -> Result<Drawn, SamplerError> {
    let (dim, groups) = (likelihood.dim(), chains.groups());
    let mut drawn = Drawn { r_hat: f64::NAN, flags: flags::NOT_CONVERGED, ..Drawn::default() };
    let (mut diverging, mut transitions, mut check_at) = (0, 0, FIRST_CHECK);
    chains.run_alone(likelihood, |chains, legs| {
        if legs.learning {
            return ControlFlow::Continue(());
        }
        add(&legs, (round, dim), &mut drawn.z);
        let told = || legs.legs.iter().filter_map(|group| group.first()).flat_map(|leg| &leg.transitions);
        diverging += told().filter(|t| t.diverging).count();
        transitions += told().count();
        let draws = drawn.z.len() / (groups * dim);
        if draws < check_at && draws < settings.draws {
            return ControlFlow::Continue(());
        }
        check_at = draws + draws / 2;
        (drawn.r_hat, drawn.ess) = convergence(&drawn.z, groups, dim);
        let enough = drawn.r_hat < R_HAT_LIMIT && drawn.ess >= settings.ess;
        if enough {
            drawn.flags &= !flags::NOT_CONVERGED;
            drawn.travelled = chains.arrivals() >= ARRIVALS;
        }
        if enough || draws >= settings.draws { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    if 100 * diverging > transitions {
        drawn.flags |= flags::DIVERGENT;
    }
    Ok(drawn)
}

/// Adds a round's draws of the posterior.
fn add(legs: &Round, (round, dim): (usize, usize), z: &mut Vec<f64>) {
    for draw in 0..round {
        for leg in legs.legs.iter().map(|group| &group[0]) {
            z.extend_from_slice(&leg.z[draw * dim..(draw + 1) * dim]);
        }
    }
}

/// Largest R-hat and smallest bulk ESS: both by ranks, the same for z as for the parameters themselves.
fn convergence(z: &[f64], chains: usize, dim: usize) -> (f64, f64) {
    let Ok(samples) = ArrayView3::from_shape((z.len() / (chains * dim), chains, dim), z) else {
        return (f64::NAN, 0.0);
    };
    let one = |k: usize| samples.index_axis(Axis(2), k);
    // NaN counts as no agreement.
    let worst = (0..dim).map(|k| r_hat(one(k))).fold(0.0, |a: f64, b| if b.is_nan() { b } else { a.max(b) });
    (worst, (0..dim).map(|k| ess_bulk(one(k))).fold(f64::INFINITY, f64::min))
}
