//! Which species are there at all: a fit without each of them, Bayes factors, upper limits, degenerate pairs.

use super::products::Material;
use crate::diagnose::{quantile, sorted};
use crate::posterior::{Binding, Standard};
use crate::sampler::{Climb, Likelihood, climb, laplace};
use mirinae_common::atomic;
use ndarray::Axis;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;

/// Gradients of one climb at most.
const LONGEST_CLIMB: u32 = 500;
/// Significance, in standard deviations, of a detection and of a hint.
const DETECTED: f64 = 5.0;
const HINT: f64 = 3.0;
/// This far below its upper limit (in log10 N) a species changes ln likelihood by less than a tenth.
const UNSEEN_DEX: f64 = 1.5;
/// Share of the draws among which a species is unseen that is enough for the Savage-Dickey ratio.
const ENOUGH_UNSEEN: f64 = 0.01;
/// Column densities that are correlated by more than this cannot be told apart.
const DEGENERATE: f64 = 0.9;

/// The likelihood with one parameter held.
struct Held<'a, 'b> {
    standard: &'a mut Standard<'b>,
    index: usize,
    z: f64,
    point: Vec<f64>,
}

impl Likelihood for Held<'_, '_> {
    fn dim(&self) -> usize {
        self.standard.dim()
    }

    fn ln_likelihood(&mut self, z: &[f64], gradient: &mut [f64]) -> f64 {
        self.point.copy_from_slice(z);
        self.point[self.index] = self.z;
        let value = self.standard.ln_likelihood(&self.point, gradient);
        gradient[self.index] = 0.0;
        value
    }
}

/// What is found about one species.
pub(super) struct Detection {
    /// Its name.
    pub(super) species: String,
    /// Place of its column density among the free parameters.
    pub(super) parameter: usize,
    /// Twice the fall of ln likelihood at the best fit without it.
    twice_ln_ratio: f64,
    /// ln of the evidence with it over that without it.
    ln_bayes: f64,
    /// How the Bayes factor was had.
    way: &'static str,
    /// Quantile 95 % of log10 N.
    pub(super) limit_95: f64,
}

impl Detection {
    /// Significance in standard deviations.
    pub(super) fn sigma(&self) -> f64 {
        self.twice_ln_ratio.max(0.0).sqrt()
    }

    /// The verdict in words.
    pub(super) fn verdict(&self) -> &'static str {
        match self.sigma() {
            s if s >= DETECTED => "detected",
            s if s >= HINT => "hint",
            _ => "not detected",
        }
    }
}

/// Fits without each species, where the sampler knew gradients.
pub(super) fn find(material: &Material, best: &[f64]) -> anyhow::Result<Vec<Detection>> {
    if material.chain.header.gradients == 0 {
        return Ok(Vec::new());
    }
    all(material, &column_densities(material), best)
}

/// The lines of the summary: what is not detected, and what cannot be told apart.
pub(super) fn text(material: &Material, found: &[Detection]) -> String {
    let mut text = String::new();
    let samples = material.samples();
    let column_densities = column_densities(material);
    for d in found.iter().filter(|d| d.verdict() != "detected") {
        let (name, sigma, ln_bayes, limit) = (&d.species, d.sigma(), d.ln_bayes, d.limit_95);
        let verdict = d.verdict();
        let _ = writeln!(
            text,
            "{name}: {verdict} ({sigma:.1} sigma, ln Bayes factor {ln_bayes:.1}), log10 N < {limit:.2} (95 %)"
        );
    }
    for (k, (a, i)) in column_densities.iter().enumerate() {
        for (b, j) in &column_densities[..k] {
            let one = |i: usize| samples.index_axis(Axis(2), i);
            let r = correlation(one(*i).iter().copied(), one(*j).iter().copied());
            if r.abs() > DEGENERATE {
                let _ = writeln!(
                    text,
                    "{b} and {a} are degenerate: their column densities are correlated by {r:.2}"
                );
            }
        }
    }
    text
}

/// Species with a column density of their own, and its place among the free parameters.
fn column_densities(material: &Material) -> Vec<(String, usize)> {
    let layout = &material.plan.layout;
    let own = |bindings: &[Binding]| match bindings[0] {
        Binding::Free(i) => Some(i),
        _ => None,
    };
    let names = material.plan.species.iter().map(|s| s.name().to_string());
    let mut found: Vec<(String, usize)> =
        names.zip(&layout.bindings).filter_map(|(name, b)| Some((name, own(b)?))).collect();
    found.dedup_by_key(|f| f.1);
    found
}

fn all(
    material: &Material,
    column_densities: &[(String, usize)],
    best: &[f64],
) -> anyhow::Result<Vec<Detection>> {
    let mut standard = Standard::new(material.posterior);
    let samples = material.samples();
    let start = standard.z(best);
    let with = climb(&mut standard, &start, LONGEST_CLIMB);
    let ln_mass_with = ln_mass(&mut standard, &with);
    let one = |(name, index): &(String, usize)| {
        let prior = material.plan.layout.parameters[*index].prior;
        let z = prior.to_standard(prior.limits().0);
        let point = vec![0.0; start.len()];
        let mut held = Held { standard: &mut standard, index: *index, z, point };
        let without = climb(&mut held, &with.place.z, LONGEST_CLIMB);
        let laplace = ln_mass_with - ln_mass(&mut held, &without);
        let draws = sorted(samples.index_axis(Axis(2), *index).iter().copied());
        let limit_95 = quantile(&draws, 0.95);
        // The share of draws, and of the prior, in which the species is unseen (generalised Savage-Dickey ratio).
        let edge = limit_95 - UNSEEN_DEX;
        let unseen = draws.iter().filter(|&&x| x < edge).count() as f64 / draws.len() as f64;
        let of_prior = crate::normal::normal_below(prior.to_standard(edge.max(prior.limits().0)));
        let (ln_bayes, way) = if unseen > ENOUGH_UNSEEN && of_prior > 0.0 {
            (libm::log(of_prior / unseen), "Savage-Dickey")
        } else {
            (laplace, "Laplace")
        };
        let twice_ln_ratio = 2.0 * (with.place.ln_like - without.place.ln_like);
        Detection { species: name.clone(), parameter: *index, twice_ln_ratio, ln_bayes, way, limit_95 }
    };
    Ok(column_densities.iter().map(one).collect())
}

/// ln evidence of the normal distribution that fits a peak.
fn ln_mass(likelihood: &mut impl Likelihood, peak: &Climb) -> f64 {
    peak.ln_density - 0.5 * laplace(likelihood, &peak.place).ln_det
}

/// Writes detection.csv.
pub(super) fn write(path: &Path, found: &[Detection]) -> anyhow::Result<()> {
    Ok(atomic::write(path, |file| {
        writeln!(file, "species,verdict,sigma,ln_bayes_factor,ln_bayes_factor_by,logn_limit_95")?;
        found.iter().try_for_each(|d| {
            let (species, verdict, sigma) = (&d.species, d.verdict(), d.sigma());
            writeln!(file, "{species},{verdict},{sigma},{},{},{}", d.ln_bayes, d.way, d.limit_95)
        })
    })?)
}

fn correlation(x: impl Iterator<Item = f64> + Clone, y: impl Iterator<Item = f64> + Clone) -> f64 {
    let n = x.clone().count() as f64;
    let (mean_x, mean_y) = (x.clone().sum::<f64>() / n, y.clone().sum::<f64>() / n);
    let product: f64 = x.clone().zip(y.clone()).map(|(a, b)| (a - mean_x) * (b - mean_y)).sum();
    let (square_x, square_y): (f64, f64) =
        (x.map(|a| (a - mean_x).powi(2)).sum(), y.map(|b| (b - mean_y).powi(2)).sum());
    product / (square_x * square_y).sqrt()
}
