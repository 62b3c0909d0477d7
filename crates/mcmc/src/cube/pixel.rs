//! The fit of one pixel: climbs from the neighbours' peaks and from the prior, then draws, and what follows from them.

use super::draws::{draw, draw_tempered};
use crate::diagnose::{quantile, sorted};
use crate::posterior::{Posterior, Standard, WindowData};
use crate::sampler::modes::{self, Mode, climb_start};
use crate::sampler::{Climb, Likelihood, SamplerError, Ticking, climb};
use serde::{Deserialize, Serialize};

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
        (SEVERAL_PEAKS, "several peaks, whose shares the chains do not tell"),
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
    /// Whether chains that do not agree, or several peaks, are followed by parallel tempering.
    pub tempering: bool,
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
    let several = modes::shares(&modes).iter().filter(|&&share| share > NOTEWORTHY).count() > 1;
    // Short chains do not tell the shares of several peaks.
    let hopeless = several && settings.tempering;
    let short = if hopeless { None } else { Some(draw(&mut likelihood, seed, &modes, settings)?) };
    let agreed = short.filter(|d| !settings.tempering || d.flags & flags::NOT_CONVERGED == 0);
    let drawn = match agreed {
        Some(drawn) => drawn,
        None => draw_tempered(&mut likelihood, seed, &modes, settings)?,
    };
    fit.flags |= drawn.flags;
    if several && !drawn.travelled {
        fit.flags |= flags::SEVERAL_PEAKS;
    }
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
