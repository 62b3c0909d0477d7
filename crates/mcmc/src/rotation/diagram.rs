//! The straight line through a rotation diagram, with the opacities that follow from it.

use super::curve::growth;
use super::flux::Flux;
use super::group::LineGroup;
use crate::catalog::{PartitionError, PartitionFunction};
use crate::model::Beam;
use crate::physics::{C_CM_S, HK_K_PER_MHZ, rayleigh_jeans_k};
use std::f64::consts::PI;

/// Rounds of the iteration between opacities and the line.
const ROUNDS: usize = 2000;
/// It has settled when temperature and column density change by less than this part.
const SETTLED: f64 = 1.0e-9;

/// What is known of the source besides the fluxes.
#[derive(Debug, Clone, Copy)]
pub struct Diagram<'a> {
    /// Width of the opacity's profile (km/s).
    pub fwhm_kms: f64,
    /// Size of the source (arcsec); infinite: it fills the beam.
    pub size_arcsec: f64,
    /// Temperature of the background (K).
    pub t_bg_k: f64,
    /// The first guess of the temperature (K).
    pub tex_k: f64,
    /// Q(T) of the entry.
    pub q: &'a PartitionFunction,
    /// Whether fluxes are corrected for opacity.
    pub correct: bool,
    /// Relative error of each flux beyond the noise (calibration), independent from line to line.
    pub flux_error: f64,
}

/// A diagram that has no straight line.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum DiagramError {
    /// Too few points.
    #[error("{points} usable lines of {energies} different energies: at least 2 are needed")]
    Few {
        /// Usable lines.
        points: usize,
        /// Different energies.
        energies: usize,
    },
    /// The points rise with energy.
    #[error("the populations rise with energy: there is no temperature")]
    Rising,
    /// The temperature lies outside of Q's table.
    #[error(transparent)]
    Q(#[from] PartitionError),
    /// Opacities and line do not come to rest.
    #[error(
        "the correction for opacity does not settle: the lines are too opaque to tell the column density"
    )]
    Unsettled,
}

/// A point of the diagram.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// `ln(N_u/g_u)` (N in cm^-2).
    pub ln_n: f64,
    /// Its error.
    pub sigma: f64,
    /// Correction for opacity.
    pub correction: f64,
    /// Largest opacity.
    pub peak_tau: f64,
    /// Part of the flux's logarithm that its opacity's gives.
    slope: f64,
}

/// The result.
#[derive(Debug, Clone, PartialEq)]
pub struct Rotation {
    /// Rotational temperature and its error (K).
    pub t_k: (f64, f64),
    /// log10 of the column density (cm^-2) and its error.
    pub log10_n: (f64, f64),
    /// Sum of squares of the deviations over their errors, and degrees of freedom.
    pub chi2: (f64, usize),
    /// Points in the order of the lines.
    pub points: Vec<Point>,
    /// ln(N/Q): the line's value at zero energy.
    pub ln_n_over_q: f64,
}

/// Fits the line through all of `lines` (those that are to be used), whose beams are `beams`.
///
/// # Errors
/// [`DiagramError`].
pub fn fit(lines: &[(&LineGroup, &Flux, Beam)], setup: &Diagram) -> Result<Rotation, DiagramError> {
    let mut energies: Vec<f64> = lines.iter().map(|(g, ..)| g.e_up_k).collect();
    energies.sort_by(f64::total_cmp);
    energies.dedup_by(|a, b| (*a - *b).abs() < 1.0);
    if energies.len() < 2 {
        return Err(DiagramError::Few { points: lines.len(), energies: energies.len() });
    }
    let mut state = (setup.tex_k, f64::NEG_INFINITY);
    for _ in 0..ROUNDS {
        let points: Vec<Point> = lines.iter().map(|line| point(line, setup, state)).collect();
        let line = straight(lines, &points)?;
        let next = (line.t_k, line.ln_n_over_q);
        let moved = (next.0 / state.0).ln().abs() + (next.1 - state.1).abs();
        state = next;
        if !state.0.is_finite() || !state.1.is_finite() {
            return Err(DiagramError::Unsettled);
        }
        if moved < SETTLED {
            return finish(lines, points, &line, setup);
        }
    }
    Err(DiagramError::Unsettled)
}

/// `int tau dv` of each line of a group (km/s cm^2) over `N_u/g_u` at the group's mean energy.
fn strengths(group: &LineGroup, t_k: f64) -> Vec<f64> {
    let nu_hz = group.rest_mhz * 1.0e6;
    let emitted = libm::expm1(HK_K_PER_MHZ * group.rest_mhz / t_k);
    let unit = C_CM_S.powi(3) / (8.0 * PI * nu_hz.powi(3)) * emitted * 1.0e-5;
    let population = |beyond_k: &f64| libm::exp(-beyond_k / t_k);
    group.a_g_s.iter().zip(&group.beyond_k).map(|(a, e)| unit * a * population(e)).collect()
}

/// A point at temperature and ln(N/Q).
fn point((group, flux, beam): &(&LineGroup, &Flux, Beam), setup: &Diagram, state: (f64, f64)) -> Point {
    let (t_k, ln_n_over_q) = state;
    let strengths = strengths(group, t_k);
    let n_u = libm::exp(ln_n_over_q - group.e_up_k / t_k);
    let areas: Vec<f64> = strengths.iter().map(|s| s * n_u).collect();
    let curve = growth(&group.observed_mhz, &areas, setup.fwhm_kms, flux.range_mhz);
    let background = if setup.t_bg_k > 0.0 { rayleigh_jeans_k(group.rest_mhz, setup.t_bg_k) } else { 0.0 };
    let source_k = beam.filling(group.rest_mhz, setup.size_arcsec)
        * (rayleigh_jeans_k(group.rest_mhz, t_k) - background);
    let (correction, slope) = match setup.correct && n_u > 0.0 {
        true => (curve.correction(), curve.slope),
        false => (1.0, 1.0),
    };
    let relative = (flux.sigma_k_kms / flux.k_kms).hypot(setup.flux_error);
    let ln_n = libm::log(flux.k_kms / source_k * correction / strengths.iter().sum::<f64>());
    Point { ln_n, sigma: relative / slope, correction, peak_tau: curve.peak_tau, slope }
}

/// Where a line that was left out of the fit lies in the diagram.
pub fn place(line: &(&LineGroup, &Flux, Beam), setup: &Diagram, rotation: &Rotation) -> Point {
    point(line, setup, (rotation.t_k.0, rotation.ln_n_over_q))
}

/// A straight line and the covariance of its constant and its slope.
struct Straight {
    t_k: f64,
    ln_n_over_q: f64,
    /// Variance of the constant, covariance, variance of 1/T.
    covariance: [f64; 3],
}

/// Weighted fit of `y = b - E m`. Weights are those for which the iteration ends at the least squares of the fluxes'
/// logarithms: the residual of a flux is that of its point times the curve's slope.
fn straight(lines: &[(&LineGroup, &Flux, Beam)], points: &[Point]) -> Result<Straight, DiagramError> {
    // `beyond_k` is what the source's brightness adds to an energy: an opaque flux follows it as much as the opacity.
    let solve = |power: i32, beyond_k: f64| {
        let (mut s, mut se, mut see, mut sy, mut sey) = (0.0, 0.0, 0.0, 0.0, 0.0);
        for ((group, ..), p) in lines.iter().zip(points) {
            // One over the flux's variance, times the slope to a power.
            let w = p.slope.powi(power) / (p.sigma * p.slope).powi(2);
            let e = group.e_up_k + beyond_k * (1.0 - p.slope) / p.slope;
            (s, se, see) = (s + w, se + w * e, see + w * e * e);
            (sy, sey) = (sy + w * p.ln_n, sey + w * e * p.ln_n);
        }
        let determinant = s * see - se * se;
        let (b, m) = ((sy * see - sey * se) / determinant, (se * sy - s * sey) / determinant);
        (b, m, [see / determinant, se / determinant, s / determinant])
    };
    let (b, m, _) = solve(1, 0.0);
    let (_, _, covariance) = solve(2, 1.0 / m);
    if m <= 0.0 || !m.is_finite() {
        return Err(DiagramError::Rising);
    }
    Ok(Straight { t_k: 1.0 / m, ln_n_over_q: b, covariance })
}

fn finish(
    lines: &[(&LineGroup, &Flux, Beam)],
    points: Vec<Point>,
    line: &Straight,
    setup: &Diagram,
) -> Result<Rotation, DiagramError> {
    let t_k = line.t_k;
    let q = setup.q.at(t_k)?;
    let residual = |((group, ..), p): (&(&LineGroup, &Flux, Beam), &Point)| {
        ((p.ln_n - line.ln_n_over_q + group.e_up_k / t_k) / p.sigma).powi(2)
    };
    let chi2: f64 = lines.iter().zip(&points).map(residual).sum();
    let freedom = points.len() - 2;
    // Where the points scatter by more than their errors, the errors are too small.
    let scale = if freedom > 0 { (chi2 / freedom as f64).max(1.0) } else { 1.0 };
    let [vb, vbm, vm] = line.covariance.map(|v| v * scale);
    // ln N = b + ln Q(1/m).
    let by_m = -q.slope * t_k;
    let variance = vb + by_m * by_m * vm + 2.0 * by_m * vbm;
    let log10 = |x: f64| x / std::f64::consts::LN_10;
    Ok(Rotation {
        t_k: (t_k, t_k * t_k * vm.sqrt()),
        log10_n: (log10(line.ln_n_over_q + q.ln_q), log10(variance.max(0.0).sqrt())),
        chi2: (chi2, freedom),
        points,
        ln_n_over_q: line.ln_n_over_q,
    })
}
