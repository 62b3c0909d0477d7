//! Measures the flux of a group of lines, and fits its profile at the catalogue's positions.

use super::group::LineGroup;
use super::{REACH_FWHM, Use};
use crate::levenberg::{self, LeastSquares, Limits, numerical_jacobian};
use crate::physics::C_KMS;
use ndarray::Array2;
use std::f64::consts::LN_2;

/// One window's data.
#[derive(Debug, Clone, Copy)]
pub struct Spectrum<'a> {
    /// Channel centres (MHz), ascending.
    pub freq_mhz: &'a [f64],
    /// Data (K).
    pub t_k: &'a [f64],
    /// Noise (K); infinite where there are no data.
    pub sigma_k: &'a [f64],
    /// What the model has of the species itself (K).
    pub own_k: &'a [f64],
    /// What it has of all the others (K).
    pub others_k: &'a [f64],
}

/// The flux of a group.
#[derive(Debug, Clone, PartialEq)]
pub struct Flux {
    /// `int T dv` over the range (K km/s), what the model has of other species subtracted.
    pub k_kms: f64,
    /// Its standard deviation (K km/s): of the noise, and of what was subtracted.
    pub sigma_k_kms: f64,
    /// The outer edges of its channels (MHz).
    pub range_mhz: (f64, f64),
    /// Peak (K), offset from the expected velocity and width (km/s) of the Gaussians that fit.
    pub peak_k: f64,
    /// Offset (km/s).
    pub offset_kms: f64,
    /// Full width at half maximum (km/s).
    pub fwhm_kms: f64,
    /// What is made of it.
    pub verdict: Use,
}

/// Relative error of what the model has of other species.
const SUBTRACTED: f64 = 0.5;
/// What makes a flux a point of the diagram.
const DISPLACED_FWHM: f64 = 0.5;
/// Fitted over expected width at most, and at least its inverse.
const WIDTH_RATIO: f64 = 2.0;
/// Signal to noise from which the fitted profile is believed.
const BELIEVED: f64 = 8.0;

/// Measures a group: `blend` is the part of other species that is allowed, `least_sigma` the signal to noise that is
/// needed. None: no channel of the window lies in its range.
pub fn measure(spectrum: &Spectrum, group: &LineGroup, fwhm_kms: f64, limits: (f64, f64)) -> Option<Flux> {
    let (blend, least_sigma) = limits;
    let freq = spectrum.freq_mhz;
    let (first, last) = (group.observed_mhz.first()?, group.observed_mhz.last()?);
    let reach_mhz = REACH_FWHM * fwhm_kms / C_KMS * first;
    let (low, high) = (first - reach_mhz, last + reach_mhz);
    let channels = freq.partition_point(|f| *f < low)..freq.partition_point(|f| *f <= high);
    if channels.is_empty() {
        return None;
    }
    let width_kms = |i: usize| {
        let (before, after) = (i.saturating_sub(1), (i + 1).min(freq.len() - 1));
        (freq[after] - freq[before]) / (after - before).max(1) as f64 / freq[i] * C_KMS
    };
    let sum = |values: &[f64]| channels.clone().map(|i| values[i] * width_kms(i)).sum::<f64>();
    let complete = low >= freq[0]
        && high <= freq[freq.len() - 1]
        && channels.clone().all(|i| spectrum.sigma_k[i].is_finite());
    let (own, others) = (sum(spectrum.own_k), sum(spectrum.others_k));
    let variance = |i: usize| (spectrum.sigma_k[i] * width_kms(i)).powi(2);
    let noise = channels.clone().map(variance).sum::<f64>().sqrt();
    let half_mhz = |i: usize| 0.5 * width_kms(i) / C_KMS * freq[i];
    let (start, end) = (channels.start, channels.end - 1);
    let mut flux = Flux {
        k_kms: if complete { sum(spectrum.t_k) - others } else { f64::NAN },
        sigma_k_kms: noise.hypot(SUBTRACTED * others),
        range_mhz: (freq[start] - half_mhz(start), freq[end] + half_mhz(end)),
        peak_k: f64::NAN,
        offset_kms: f64::NAN,
        fwhm_kms: f64::NAN,
        verdict: Use::Incomplete,
    };
    if !complete {
        return Some(flux);
    }
    let foreign = others.abs() / (own.abs() + others.abs()).max(f64::MIN_POSITIVE);
    let signal = flux.k_kms / flux.sigma_k_kms;
    if signal >= least_sigma {
        profile(spectrum, group, channels, fwhm_kms, &mut flux);
    }
    let believed = signal > BELIEVED;
    let displaced = believed
        && (flux.offset_kms.abs() > DISPLACED_FWHM * fwhm_kms
            || !(1.0 / WIDTH_RATIO..=WIDTH_RATIO).contains(&(flux.fwhm_kms / fwhm_kms)));
    flux.verdict = match () {
        () if !group.one_energy => Use::OwnBlend,
        () if foreign > blend => Use::Blended(foreign),
        () if signal < least_sigma => Use::Weak,
        () if displaced => Use::Displaced,
        () => Use::Used,
    };
    Some(flux)
}

/// Gaussians at the positions of a group, in proportion to their strengths: peak (K), offset and width (km/s).
struct Profile<'a> {
    freq_mhz: &'a [f64],
    t_k: &'a [f64],
    sigma_k: &'a [f64],
    lines: Vec<(f64, f64)>,
    bounds: [(f64, f64); 3],
}

impl LeastSquares for Profile<'_> {
    fn residuals(&mut self, x: &[f64], out: &mut Vec<f64>) -> bool {
        let &[peak, offset, fwhm] = x else { return false };
        let model = |f: &f64| -> f64 {
            let one = |(centre, share): &(f64, f64)| {
                let z = ((centre - f) / centre * C_KMS - offset) / fwhm;
                share * libm::exp(-4.0 * LN_2 * z * z)
            };
            peak * self.lines.iter().map(one).sum::<f64>()
        };
        let data = self.freq_mhz.iter().zip(self.t_k.iter().zip(self.sigma_k));
        out.clear();
        out.extend(data.map(|(f, (t, s))| (t - model(f)) / s));
        true
    }

    fn jacobian(&mut self, x: &[f64], at_x: &[f64]) -> Option<Array2<f64>> {
        let (bounds, scale) = (self.bounds, [x[0].abs().max(1.0e-3), x[2], x[2]]);
        numerical_jacobian(x, at_x, &scale, &bounds, |x, out| self.residuals(x, out))
    }
}

fn profile(
    spectrum: &Spectrum,
    group: &LineGroup,
    channels: std::ops::Range<usize>,
    fwhm_kms: f64,
    flux: &mut Flux,
) {
    let data = &spectrum.t_k[channels.clone()];
    let highest = data.iter().copied().fold(0.0, f64::max).max(1.0e-6);
    let mut profile = Profile {
        freq_mhz: &spectrum.freq_mhz[channels.clone()],
        t_k: data,
        sigma_k: &spectrum.sigma_k[channels],
        lines: group.observed_mhz.iter().copied().zip(group.shares.iter().copied()).collect(),
        bounds: [(0.0, 10.0 * highest), (-2.0 * fwhm_kms, 2.0 * fwhm_kms), (0.2 * fwhm_kms, 5.0 * fwhm_kms)],
    };
    let bounds = profile.bounds;
    if let Some(minimum) = levenberg::fit(&mut profile, &[highest, 0.0, fwhm_kms], &bounds, Limits::default())
    {
        [flux.peak_k, flux.offset_kms, flux.fwhm_kms] = [minimum.x[0], minimum.x[1], minimum.x[2]];
    }
}
