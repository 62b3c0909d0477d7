//! How the channels of a species in a window are averaged: by their width in sigma alone, and with smooth transitions.

use super::lte::PlannedWindow;
use super::narrow::NARROW;
use super::nodes::COUNTS;
use super::params::SpeciesParams;
use crate::physics::{C_KMS, FWHM_PER_SIGMA};

/// One way of averaging.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Rung {
    /// Whether channels are too wide for Legendre coefficients.
    pub wide: bool,
    /// Index of the rule where samples are wanted.
    pub rule: usize,
    /// How much it counts: those of a width add to 1.
    pub weight: f64,
    /// Derivative of that by ln sigma.
    pub by_ln_sigma: f64,
}

/// The most rungs at one width.
pub(super) const MOST_RUNGS: usize = 2;
/// Numbers of nodes, and the widest channels, in sigma, for which they are right: to 4e-5 up to an opacity of 10^4, to 2e-4 up
/// to 10^6.
const STEPS: [(usize, f64); 8] =
    [(4, 0.42), (6, 0.75), (8, 1.38), (12, 2.11), (16, 2.88), (32, 5.76), (64, 11.52), (128, f64::INFINITY)];
/// From this share of the widest channels of a rung on the next one sets in.
const TRANSITION: f64 = 0.98;

/// The rungs for a species in a window, one or two. The width is that at the lowest frequency of the window: of all that lines
/// have in common it is the width of the profiles alone that moves it.
pub(super) fn rungs(window: &PlannedWindow, params: &SpeciesParams) -> impl Iterator<Item = Rung> + use<> {
    of_width(widest_channel(window, params))
}

/// Whether one of them takes channels as wide.
pub(super) fn has_wide(window: &PlannedWindow, params: &SpeciesParams) -> bool {
    widest_channel(window, params) > TRANSITION * 2.0 * NARROW
}

/// Width of the widest channel, in sigma.
pub(super) fn widest_channel(window: &PlannedWindow, params: &SpeciesParams) -> f64 {
    let sigma_mhz = params.fwhm_kms / (FWHM_PER_SIGMA * C_KMS) * window.grid.freq_mhz[0];
    2.0 * window.grid.widest_half_mhz / sigma_mhz
}

/// For channels of a width in sigma.
fn of_width(width: f64) -> impl Iterator<Item = Rung> {
    let step = STEPS.iter().position(|(_, widest)| width <= *widest).unwrap_or(STEPS.len() - 1);
    let widest = STEPS[step].1;
    // Where Legendre coefficients end the rule stays.
    let ends = 2.0 * NARROW;
    let splits = width <= ends && ends < widest;
    let end = if splits { ends } else { widest };
    let next_step = if splits { step } else { (step + 1).min(STEPS.len() - 1) };
    let (share, slope) = rise((width / end - TRANSITION) / (1.0 - TRANSITION));
    // d width / d ln sigma = - width.
    let slope = slope / (1.0 - TRANSITION) * width / end;
    let here = rung(width > ends, step, 1.0 - share, slope);
    let next = rung(end >= ends, next_step, share, -slope);
    [here, next].into_iter().filter(|rung| rung.weight > 0.0)
}

fn rung(wide: bool, step: usize, weight: f64, by_ln_sigma: f64) -> Rung {
    let rule = COUNTS.iter().position(|n| *n == STEPS[step].0).unwrap_or(COUNTS.len() - 1);
    Rung { wide, rule, weight, by_ln_sigma }
}

/// Smooth from 0 to 1, two continuous derivatives; with the first.
#[inline(always)]
pub(super) fn rise(x: f64) -> (f64, f64) {
    let x = x.clamp(0.0, 1.0);
    let rest = x * (1.0 - x);
    (x * x * x * (10.0 + x * (6.0 * x - 15.0)), 30.0 * rest * rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_add_to_one_and_change_smoothly() {
        let mut before: Option<Vec<Rung>> = None;
        for i in 0..200_000 {
            let width = 0.01 * (1.0 + 1e-4 * f64::from(i)).powi(3);
            let rungs: Vec<Rung> = of_width(width).collect();
            assert!((rungs.iter().map(|r| r.weight).sum::<f64>() - 1.0).abs() < 1e-14, "{width}");
            assert!(rungs.iter().map(|r| r.by_ln_sigma).sum::<f64>().abs() < 1e-12, "{width}");
            let weight = |rungs: &[Rung], rung: &Rung| {
                rungs.iter().find(|r| (r.wide, r.rule) == (rung.wide, rung.rule)).map_or(0.0, |r| r.weight)
            };
            for rung in &rungs {
                let old = before.as_ref().map_or(rung.weight, |old| weight(old, rung));
                assert!((rung.weight - old).abs() < 0.03, "{width}: {rung:?}, before {before:?}");
                let ahead: Vec<Rung> = of_width(width * (1.0 - 1e-6)).collect();
                let behind: Vec<Rung> = of_width(width * (1.0 + 1e-6)).collect();
                let numeric = (weight(&ahead, rung) - weight(&behind, rung)) / 2e-6;
                assert!((numeric - rung.by_ln_sigma).abs() < 1e-2, "{width}: {rung:?} {numeric}");
                // As has_wide says.
                assert!(!rung.wide || width > TRANSITION * 2.0 * NARROW, "{width}");
                assert!(rung.wide || width <= 2.0 * NARROW, "{width}");
            }
            before = Some(rungs);
        }
    }
}
