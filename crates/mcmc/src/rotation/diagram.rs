//! The straight line through a rotation diagram, with the opacities that follow from it.

use super::curve::growth;
use super::flux::Flux;
use super::group::LineGroup;
use super::shared::Shared;
use crate::catalog::{PartitionError, PartitionFunction};
use crate::model::Beam;
use crate::physics::{C_CM_S, HK_K_PER_MHZ, rayleigh_jeans_k};
use std::f64::consts::PI;

/// Rounds of the iteration between opacities and the line.
const ROUNDS: usize = 2000;
/// It has settled when temperature and column density change by less than this part.
const SETTLED: f64 = 1.0e-9;
/// Steps of the least squares at most.
const NEWTON: usize = 100;
/// They end where a step is below 1e-4 of the errors (its square here).
const NEGLIGIBLE: f64 = 1.0e-8;
/// The smallest part of a step that is tried: less is rounding.
const LEAST_FACTOR: f64 = 1.0e-3;

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
    /// Relative error of each flux beyond the noise, independent from line to line.
    pub flux_error: f64,
    /// Errors that fluxes share.
    pub shared: &'a [Shared],
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
    pub(super) slope: f64,
    /// J(T) over J(T) - J(Tbg): how much of the flux's logarithm that of the source's temperature gives.
    source: f64,
}

impl Point {
    /// Relative error of the flux.
    fn relative(&self) -> f64 {
        self.sigma * self.slope
    }
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

/// Fits the line through all of `lines` (those that are to be used): the least squares of the logarithms of their fluxes.
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
        let next = straight(lines, &points)?;
        let moved = (next.0 / state.0).ln().abs() + (next.1 - state.1).abs();
        state = next;
        if !state.0.is_finite() || !state.1.is_finite() {
            return Err(DiagramError::Unsettled);
        }
        if moved < SETTLED {
            return finish(lines, least_squares(lines, setup, state)?, setup);
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
    let j_k = rayleigh_jeans_k(group.rest_mhz, t_k);
    let source_k = beam.filling(group.rest_mhz, setup.size_arcsec) * (j_k - background);
    let (correction, slope) = match setup.correct && n_u > 0.0 {
        true => (curve.correction(), curve.slope),
        false => (1.0, 1.0),
    };
    let relative = (flux.sigma_k_kms / flux.k_kms).hypot(setup.flux_error);
    let ln_n = libm::log(flux.k_kms / source_k * correction / strengths.iter().sum::<f64>());
    let source = j_k / (j_k - background);
    Point { ln_n, sigma: relative / slope, correction, peak_tau: curve.peak_tau, slope, source }
}

/// Where a line that was left out of the fit lies in the diagram.
pub fn place(line: &(&LineGroup, &Flux, Beam), setup: &Diagram, rotation: &Rotation) -> Point {
    point(line, setup, (rotation.t_k.0, rotation.ln_n_over_q))
}

/// Weighted fit of `y = b - E m`, as a start: temperature and constant.
fn straight(lines: &[(&LineGroup, &Flux, Beam)], points: &[Point]) -> Result<(f64, f64), DiagramError> {
    let (mut s, mut se, mut see, mut sy, mut sey) = (0.0, 0.0, 0.0, 0.0, 0.0);
    for ((group, ..), p) in lines.iter().zip(points) {
        let (w, e) = (p.slope / p.relative().powi(2), group.e_up_k);
        (s, se, see) = (s + w, se + w * e, see + w * e * e);
        (sy, sey) = (sy + w * p.ln_n, sey + w * e * p.ln_n);
    }
    let determinant = s * see - se * se;
    let (b, m) = ((sy * see - sey * se) / determinant, (se * sy - s * sey) / determinant);
    if m <= 0.0 || !m.is_finite() {
        return Err(DiagramError::Rising);
    }
    Ok((1.0 / m, b))
}

/// The line at which the fluxes are met best, and the covariance of its constant and its slope.
struct Straight {
    t_k: f64,
    ln_n_over_q: f64,
    points: Vec<Point>,
    chi2: f64,
    /// Variance of the constant, covariance, variance of 1/T.
    covariance: [f64; 3],
}

/// How far the logarithm of a flux lies above that of the line: opacities are those of the line, so that it is the point's distance.
fn residual(group: &LineGroup, p: &Point, (t_k, ln_n_over_q): (f64, f64)) -> f64 {
    p.ln_n - ln_n_over_q + group.e_up_k / t_k
}

/// Derivatives of a flux's logarithm by the line's constant and by 1/T: an opaque flux follows the source's temperature more than its
/// opacity.
fn slopes(group: &LineGroup, p: &Point, t_k: f64) -> [f64; 2] {
    [p.slope, -(p.slope * group.e_up_k + (p.source - p.slope) * t_k)]
}

/// Gauss's and Newton's method from a start nearby, with steps that are halved until chi2 falls.
fn least_squares(
    lines: &[(&LineGroup, &Flux, Beam)],
    setup: &Diagram,
    start: (f64, f64),
) -> Result<Straight, DiagramError> {
    let at = |state: (f64, f64)| {
        let points: Vec<Point> = lines.iter().map(|line| point(line, setup, state)).collect();
        let of = |((group, ..), p): (&(&LineGroup, &Flux, Beam), &Point)| {
            (residual(group, p, state) / p.relative()).powi(2)
        };
        let chi2: f64 = lines.iter().zip(&points).map(of).sum();
        (points, chi2)
    };
    let (mut state, (mut points, mut chi2)) = (start, at(start));
    for _ in 0..NEWTON {
        let (mut h, mut g) = ([0.0; 3], [0.0; 2]);
        for ((group, ..), p) in lines.iter().zip(&points) {
            let (w, [b, m]) = (p.relative().powi(-2), slopes(group, p, state.0));
            let r = residual(group, p, state);
            h = [h[0] + w * b * b, h[1] + w * b * m, h[2] + w * m * m];
            g = [g[0] + w * b * r, g[1] + w * m * r];
        }
        let determinant = h[0] * h[2] - h[1] * h[1];
        let covariance = [h[2] / determinant, -h[1] / determinant, h[0] / determinant];
        let [vb, vbm, vm] = covariance;
        let (db, dm) = (vb * g[0] + vbm * g[1], vbm * g[0] + vm * g[1]);
        if !(db.is_finite() && dm.is_finite()) {
            return Err(DiagramError::Unsettled);
        }
        // In units of the errors: below that nothing is gained.
        let settled = db * db <= NEGLIGIBLE * vb && dm * dm <= NEGLIGIBLE * vm;
        let mut factor = 1.0;
        let next = loop {
            let m = 1.0 / state.0 + factor * dm;
            let next = (1.0 / m, state.1 + factor * db);
            let (points, chi2_there) = if m > 0.0 { at(next) } else { (Vec::new(), f64::NAN) };
            if chi2_there <= chi2 {
                break Some((next, points, chi2_there));
            }
            factor *= 0.5;
            if factor < LEAST_FACTOR {
                break None;
            }
        };
        let stuck = next.is_none();
        if let Some(next) = next {
            (state, points, chi2) = next;
        }
        if settled || stuck {
            let (t_k, ln_n_over_q) = state;
            return Ok(Straight { t_k, ln_n_over_q, points, chi2, covariance });
        }
    }
    Err(DiagramError::Unsettled)
}

impl Straight {
    /// How far constant and slope go when the logarithm of each flux goes by its `moved`.
    fn follow(&self, lines: &[(&LineGroup, &Flux, Beam)], moved: impl Fn(usize) -> f64) -> [f64; 2] {
        let (mut by_b, mut by_m) = (0.0, 0.0);
        for (i, ((group, ..), p)) in lines.iter().zip(&self.points).enumerate() {
            let (w, [b, m]) = (moved(i) / p.relative().powi(2), slopes(group, p, self.t_k));
            (by_b, by_m) = (by_b + w * b, by_m + w * m);
        }
        let [vb, vbm, vm] = self.covariance;
        [vb * by_b + vbm * by_m, vbm * by_b + vm * by_m]
    }
}

fn finish(
    lines: &[(&LineGroup, &Flux, Beam)],
    line: Straight,
    setup: &Diagram,
) -> Result<Rotation, DiagramError> {
    let t_k = line.t_k;
    let q = setup.q.at(t_k)?;
    let (chi2, freedom) = (line.chi2, line.points.len() - 2);
    // Where the points scatter by more than their errors, the errors are too small.
    let scale = if freedom > 0 { (chi2 / freedom as f64).max(1.0) } else { 1.0 };
    let mut covariance = line.covariance.map(|v| v * scale);
    for shared in setup.shared {
        let moved = |i: usize| shared.moves(lines[i], &line.points[i], setup);
        let [b, m] = line.follow(lines, moved);
        covariance.iter_mut().zip([b * b, b * m, m * m]).for_each(|(v, more)| *v += more);
    }
    let [vb, vbm, vm] = covariance;
    // ln N = b + ln Q(1/m).
    let by_m = -q.slope * t_k;
    let variance = vb + by_m * by_m * vm + 2.0 * by_m * vbm;
    let log10 = |x: f64| x / std::f64::consts::LN_10;
    Ok(Rotation {
        t_k: (t_k, t_k * t_k * vm.sqrt()),
        log10_n: (log10(line.ln_n_over_q + q.ln_q), log10(variance.max(0.0).sqrt())),
        chi2: (chi2, freedom),
        ln_n_over_q: line.ln_n_over_q,
        points: line.points,
    })
}
