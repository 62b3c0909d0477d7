//! The fit of one pixel: climbs from the neighbours' peaks and from the prior, then short chains until there are enough draws.

use crate::diagnose::{ess_bulk, quantile, r_hat, sorted};
use crate::plan::Method;
use crate::posterior::{Posterior, Standard, WindowData};
use crate::sampler::modes::{self, Mode, climb_start, mode_of};
use crate::sampler::{
    Chains, ChainsSpec, Climb, Likelihood, Place, Round, SamplerError, Ticking, WarmUp, climb, ladder,
};
use ndarray::{ArrayView3, Axis};
use serde::{Deserialize, Serialize};
use std::ops::ControlFlow;

/// Bits of a pixel's flags; 0: fitted, and nothing is to be said.
pub mod flags {
    /// Not fitted: too faint.
    pub const FAINT: u32 = 1;
    /// Not fitted: without data.
    pub const NO_DATA: u32 = 2;
    /// Not fitted: its windows are not those of the other pixels.
    pub const OTHER_WINDOWS: u32 = 4;
    /// Not fitted: no climb came to a peak.
    pub const NO_PEAK: u32 = 8;
    /// The chains do not agree, or have too few effective samples.
    pub const NOT_CONVERGED: u32 = 16;
    /// Several peaks: short chains do not tell their shares.
    pub const SEVERAL_PEAKS: u32 = 32;
    /// More than one transition in a hundred diverged.
    pub const DIVERGENT: u32 = 64;
    /// All of them with what they mean.
    pub const MEANINGS: [(u32, &str); 7] = [
        (FAINT, "not fitted: too faint"),
        (NO_DATA, "not fitted: without data"),
        (OTHER_WINDOWS, "not fitted: blank where other pixels have channels"),
        (NO_PEAK, "not fitted: no climb came to a peak"),
        (NOT_CONVERGED, "chains that do not agree or have too few effective samples"),
        (SEVERAL_PEAKS, "several peaks, whose shares short chains do not tell"),
        (DIVERGENT, "more than one transition in a hundred diverged"),
    ];
    /// Those of pixels without a fit.
    pub const WITHOUT_FIT: u32 = FAINT | NO_DATA | OTHER_WINDOWS | NO_PEAK;
}

/// How each pixel is fitted.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PixelSettings {
    /// Chains; even.
    pub chains: usize,
    /// Effective samples that are enough: the smallest bulk ESS over the parameters.
    pub ess: f64,
    /// Draws of each chain at most.
    pub draws: usize,
}

/// What a pixel's fit gave; vectors have one value a free parameter, and are empty where there is no fit.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct PixelFit {
    /// [`flags`].
    pub flags: u32,
    /// Quantiles 15.865 %, 50 % and 84.135 %.
    pub quantiles: [Vec<f64>; 3],
    /// The highest peak, in the coordinates of the samplers: where neighbours start.
    pub peak: Vec<f64>,
    /// chi2 there.
    pub chi2: f64,
    /// Largest R-hat.
    pub r_hat: f64,
    /// Smallest bulk effective sample size.
    pub ess: f64,
    /// Gradients computed.
    pub gradients: u64,
}

/// Climbs from the prior: of a pixel without neighbours, and of others besides the climbs from their peaks.
const CLIMBS_ALONE: usize = 12;
const CLIMBS_BESIDES: usize = 2;
/// Gradients of one climb at most.
const LONGEST_CLIMB: u32 = 500;
/// Rounds of the warm-up at most.
const WARM_UP: usize = 12;
/// Draws of each chain in a round, and before effective samples are counted.
const ROUND: usize = 10;
const FIRST_CHECK: usize = 40;
/// Short chains that agree.
const R_HAT_LIMIT: f64 = 1.05;
/// A posterior this much narrower than the prior is taken for nearly normal.
const NARROW: f64 = 0.3;
/// A second peak with this share of the mass is told.
const NOTEWORTHY: f64 = 1e-2;
/// Gradients between two looks at what else is to be done.
const TICK: u64 = 32;
const QUANTILES: [f64; 3] = [0.158_655_253_931_457_05, 0.5, 0.841_344_746_068_543];

/// The seed of a pixel's random streams (SplitMix64: Steele et al. 2014, OOPSLA, 453).
pub fn pixel_seed(seed: u64, index: usize) -> u64 {
    let mut z = seed.wrapping_add((index as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The brightest channel over its noise (in modulus), over all windows; 0 without data.
pub fn signal_to_noise(windows: &[WindowData]) -> f64 {
    let ratios = windows.iter().flat_map(|w| w.t_k.iter().zip(&w.sigma_k).map(|(t, s)| (t / s).abs()));
    ratios.fold(0.0, f64::max)
}

/// Fits one pixel from the peaks of neighbours (`starts`, may be none). `tick` is called every few milliseconds.
///
/// # Errors
/// [`SamplerError`], a mistake in the program.
pub fn fit_pixel(
    posterior: &Posterior,
    seed: u64,
    starts: &[Vec<f64>],
    settings: PixelSettings,
    tick: &mut dyn FnMut(),
) -> Result<PixelFit, SamplerError> {
    let mut likelihood = Ticking::new(Standard::new(posterior), TICK, tick);
    let modes = peaks(&mut likelihood, seed, starts);
    let Some(best) = modes.first() else {
        return Ok(PixelFit {
            flags: flags::NO_PEAK,
            gradients: likelihood.gradients,
            ..PixelFit::default()
        });
    };
    let mut fit = PixelFit { peak: best.place.z.clone(), ..PixelFit::default() };
    if modes::shares(&modes).iter().filter(|&&share| share > NOTEWORTHY).count() > 1 {
        fit.flags |= flags::SEVERAL_PEAKS;
    }
    let drawn = draw(&mut likelihood, seed, &modes, settings)?;
    fit.flags |= drawn.flags;
    (fit.r_hat, fit.ess) = (drawn.r_hat, drawn.ess);
    fit.quantiles = quantiles(&likelihood.inner, &drawn.z);
    let theta = likelihood.inner.theta(&fit.peak);
    fit.chi2 = posterior.chi2(&theta, &mut posterior.work()).unwrap_or(f64::NAN);
    fit.gradients = likelihood.gradients;
    Ok(fit)
}

/// The peaks that climbs find, the highest mass first.
fn peaks(likelihood: &mut Ticking<Standard>, seed: u64, starts: &[Vec<f64>]) -> Vec<Mode> {
    let dim = likelihood.dim();
    let of_prior = if starts.is_empty() { CLIMBS_ALONE } else { CLIMBS_BESIDES };
    let of_prior = (0..of_prior).map(|k| climb_start(seed, k, dim));
    let all: Vec<Vec<f64>> = starts.iter().cloned().chain(of_prior).collect();
    let ends: Vec<Climb> = all.iter().map(|start| climb(likelihood, start, LONGEST_CLIMB)).collect();
    modes::merge(&ends, likelihood).0
}

/// Draws of all chains, row-major (draw, chain, parameter), and how far they can be trusted.
struct Drawn {
    z: Vec<f64>,
    r_hat: f64,
    ess: f64,
    flags: u32,
}

fn draw(
    likelihood: &mut Ticking<Standard>,
    seed: u64,
    modes: &[Mode],
    settings: PixelSettings,
) -> Result<Drawn, SamplerError> {
    let (dim, chains) = (likelihood.dim(), settings.chains);
    let widest = modes[0].scales().into_iter().fold(0.0, f64::max);
    let method = if widest < NARROW { Method::Hmc } else { Method::Nuts };
    let what = "chains without a kernel";
    let kernel = method.kernel().ok_or(SamplerError::Shape { what, found: 0, expected: 1 })?;
    let start = |g| ladder::starts(seed, g, mode_of(modes, g, chains), &[1.0], likelihood);
    let places: Vec<Vec<Place>> = (0..chains).map(start).collect();
    let tunings = ladder::tunings(&modes[0], &[1.0]);
    let spec = ChainsSpec { seed, kernel, round: ROUND };
    let warm_up = WarmUp::new(method.acceptance(), chains, WARM_UP);
    let mut drawn = Drawn { z: Vec::new(), r_hat: f64::NAN, ess: 0.0, flags: flags::NOT_CONVERGED };
    let (mut diverging, mut transitions, mut check_at) = (0, 0, FIRST_CHECK);
    Chains::new(spec, places, tunings, warm_up).run_alone(likelihood, |_, round| {
        if round.learning {
            return ControlFlow::Continue(());
        }
        add(&round, dim, &mut drawn.z);
        let told = || round.legs.iter().flatten().flat_map(|leg| &leg.transitions);
        diverging += told().filter(|t| t.diverging).count();
        transitions += told().count();
        let draws = drawn.z.len() / (chains * dim);
        if draws < check_at && draws < settings.draws {
            return ControlFlow::Continue(());
        }
        check_at = draws + draws / 2;
        (drawn.r_hat, drawn.ess) = convergence(&drawn.z, chains, dim);
        let enough = drawn.r_hat < R_HAT_LIMIT && drawn.ess >= settings.ess;
        if enough {
            drawn.flags &= !flags::NOT_CONVERGED;
        }
        if enough || draws >= settings.draws { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    if 100 * diverging > transitions {
        drawn.flags |= flags::DIVERGENT;
    }
    Ok(drawn)
}

/// Adds a round's draws.
fn add(round: &Round, dim: usize, z: &mut Vec<f64>) {
    for draw in 0..ROUND {
        for leg in round.legs.iter().map(|group| &group[0]) {
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

fn quantiles(standard: &Standard, z: &[f64]) -> [Vec<f64>; 3] {
    let dim = standard.dim();
    let draws: Vec<Vec<f64>> = z.chunks_exact(dim).map(|z| standard.theta(z)).collect();
    let mut found = [(); 3].map(|()| Vec::with_capacity(dim));
    for k in 0..dim {
        let values = sorted(draws.iter().map(|theta| theta[k]));
        for (of_parameter, p) in found.iter_mut().zip(QUANTILES) {
            of_parameter.push(quantile(&values, p));
        }
    }
    found
}
