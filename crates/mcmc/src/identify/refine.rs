//! Fits all accepted species together.

use super::candidate::{Candidate, HIGHEST_LOG10_N, State};
use super::{Data, Found};
use crate::levenberg::{self, LeastSquares, Limits, numerical_jacobian};
use ndarray::{Array2, s};

/// Quantities of a species: log10 N, Tex, FWHM, v, ln filling.
const N: usize = 5;
/// Residuals above this many sigma, where the data are brighter, grow as their root: lines that no species has yet.
const SOFT: f64 = 3.0;
/// Steps of a fit.
const STEPS: usize = 12;
/// The smallest filled part of the beam.
const LEAST_FILLING: f64 = 1.0e-3;

/// What the fit may do.
#[derive(Debug, Clone, Copy)]
pub(super) struct Freedom {
    /// Velocity of the source and how far a species may be from it (km/s).
    pub v_kms: (f64, f64),
    /// Typical width of the lines (km/s).
    pub fwhm_kms: f64,
    /// The largest filled part of the beam.
    pub most_filling: f64,
}

struct Together<'a> {
    data: &'a Data,
    species: Vec<&'a mut Candidate>,
    /// Model (K) of each species at the point of the last residuals.
    parts: Vec<Vec<f64>>,
    bounds: Vec<(f64, f64)>,
}

fn state(x: &[f64]) -> State {
    State { log10_n: x[0], tex_k: x[1], fwhm_kms: x[2], v_kms: x[3], filling: x[4].exp() }
}

/// Lowers a positive residual, and says by how much its derivative is lowered.
fn soften(r: f64) -> (f64, f64) {
    if r <= 0.0 {
        return (r, 1.0);
    }
    let root = (1.0 + (r / SOFT).powi(2)).sqrt();
    let soft = SOFT * (2.0 * (root - 1.0)).sqrt();
    (soft, if soft > 0.0 { r / (soft * root) } else { 1.0 })
}

impl Together<'_> {
    fn raw(&self) -> impl Iterator<Item = f64> {
        (0..self.data.t_k.len()).map(|i| {
            let model: f64 = self.parts.iter().map(|part| part[i]).sum();
            (self.data.t_k[i] - model) * self.data.per_k[i]
        })
    }
}

impl LeastSquares for Together<'_> {
    fn residuals(&mut self, x: &[f64], out: &mut Vec<f64>) -> bool {
        for ((species, part), x) in self.species.iter_mut().zip(&mut self.parts).zip(x.chunks_exact(N)) {
            if !species.spectrum(&state(x), part) {
                return false;
            }
        }
        out.clear();
        out.extend(self.raw().map(|r| soften(r).0));
        true
    }

    /// A species changes its own part alone, which is all that has to be computed anew.
    fn jacobian(&mut self, x: &[f64], _: &[f64]) -> Option<Array2<f64>> {
        let mut out = Vec::new();
        self.residuals(x, &mut out);
        let slopes: Vec<f64> = self.raw().map(|r| soften(r).1).collect();
        let mut jacobian = Array2::zeros((out.len(), x.len()));
        for (k, (species, part)) in self.species.iter_mut().zip(&self.parts).enumerate() {
            let range = N * k..N * (k + 1);
            let scale = [1.0, 0.3 * x[N * k + 1], x[N * k + 2], x[N * k + 2], 1.0];
            let own = numerical_jacobian(
                &x[range.clone()],
                part,
                &scale,
                &self.bounds[range.clone()],
                |x, out| {
                    out.resize(part.len(), 0.0);
                    species.spectrum(&state(x), out)
                },
            )?;
            jacobian.slice_mut(s![.., range]).assign(&own);
        }
        for (mut row, (slope, per_k)) in jacobian.outer_iter_mut().zip(slopes.iter().zip(&self.data.per_k)) {
            row.mapv_inplace(|v| -v * slope * per_k);
        }
        Some(jacobian)
    }
}

/// Fits the states of `found`, whose candidates are among `candidates`, to the data.
pub(super) fn refine(data: &Data, candidates: &mut [Candidate], found: &mut [Found], freedom: &Freedom) {
    let (v, dv) = freedom.v_kms;
    let (mut start, mut bounds) = (Vec::new(), Vec::new());
    let mut chosen: Vec<(usize, &mut Candidate)> =
        candidates.iter_mut().enumerate().filter(|(k, _)| found.iter().any(|f| f.candidate == *k)).collect();
    chosen.sort_by_key(|(k, _)| found.iter().position(|f| f.candidate == *k));
    for (f, (_, candidate)) in found.iter().zip(&chosen) {
        let State { log10_n, tex_k, fwhm_kms, v_kms, filling } = f.state;
        start.extend([log10_n, tex_k, fwhm_kms, v_kms, filling.ln()]);
        bounds.extend([
            (8.0, HIGHEST_LOG10_N),
            candidate.t_range_k,
            (0.5 * freedom.fwhm_kms, 2.0 * freedom.fwhm_kms),
            (v - dv, v + dv),
            (LEAST_FILLING.ln(), freedom.most_filling.ln()),
        ]);
    }
    let parts = vec![vec![0.0; data.t_k.len()]; chosen.len()];
    let species = chosen.into_iter().map(|(_, candidate)| candidate).collect();
    let mut together = Together { data, species, parts, bounds: bounds.clone() };
    let limits = Limits { steps: STEPS, gain: 1.0e-4 };
    if let Some(minimum) = levenberg::fit(&mut together, &start, &bounds, limits) {
        for (f, x) in found.iter_mut().zip(minimum.x.chunks_exact(N)) {
            f.state = state(x);
        }
    }
}
