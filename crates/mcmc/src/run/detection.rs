//! Which species are there at all: fits without each of them, Bayes factors, upper limits.

use super::degenerate::{self, Pair};
use super::products::Material;
use super::significance::sigma;
use crate::diagnose::{quantile, sorted};
use crate::posterior::{Binding, Layout, Source, Standard};
use crate::sampler::{Climb, Likelihood, climb, laplace};
use mirinae_common::atomic;
use ndarray::Axis;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;

/// Gradients of one climb at most.
const LONGEST_CLIMB: u32 = 500;
/// Significance, in standard deviations, of a detection and of a hint.
pub(super) const DETECTED: f64 = 5.0;
const HINT: f64 = 3.0;
/// This far below its upper limit (in log10 N) a species changes ln likelihood by less than a tenth.
const UNSEEN_DEX: f64 = 1.5;
/// Share of the draws among which a species is unseen that is enough for the Savage-Dickey ratio.
const ENOUGH_UNSEEN: f64 = 0.01;

/// What is found about one species.
pub(super) struct Detection {
    /// Its name.
    pub(super) species: String,
    /// Place of its column density among the free parameters.
    pub(super) parameter: usize,
    /// Twice the fall of ln likelihood without it.
    pub(super) twice_ln_ratio: f64,
    /// The same in standard deviations.
    pub(super) sigma: f64,
    /// ln of the evidence with it over that without it.
    ln_bayes: f64,
    /// How the Bayes factor was had.
    way: &'static str,
    /// Quantile 95 % of log10 N.
    pub(super) limit_95: f64,
    /// The verdict in words.
    pub(super) verdict: &'static str,
}

/// What is found about all of them.
pub(super) struct Detections {
    /// One a species with a column density of its own.
    pub(super) species: Vec<Detection>,
    /// Those that cannot be told apart.
    pub(super) pairs: Vec<Pair>,
}

/// A fit without some species.
pub(super) struct Without {
    /// Twice the fall of ln likelihood.
    pub(super) twice_ln_ratio: f64,
    /// The same in standard deviations.
    pub(super) sigma: f64,
    /// ln of the evidence, by the normal approximation.
    ln_mass: f64,
}

/// Fits with and without species.
pub(super) struct Leaving<'a> {
    material: &'a Material<'a>,
    with: Climb,
}

impl<'a> Leaving<'a> {
    fn new(material: &'a Material, best: &[f64]) -> Self {
        let mut standard = Standard::new(material.posterior);
        let start = standard.z(best);
        Self { material, with: climb(&mut standard, &start, LONGEST_CLIMB) }
    }

    /// The likelihood without the species that have their column densities from these parameters.
    fn likelihood(&self, parameters: &[usize]) -> Standard<'a> {
        Standard::without(self.material.posterior, &members(&self.material.plan.layout, parameters))
    }

    /// The fall of ln likelihood without new values for the others: more than that of a fit.
    pub(super) fn most(&self, parameters: &[usize]) -> f64 {
        let mut likelihood = self.likelihood(parameters);
        let ln_like = likelihood.ln_likelihood(&self.with.place.z, &mut vec![0.0; self.with.place.z.len()]);
        2.0 * (self.with.place.ln_like - ln_like)
    }

    /// Fits the other species, from the best fit and from the draw in which these are faintest: there the others do what they
    /// can.
    pub(super) fn fit(&self, parameters: &[usize]) -> Without {
        let mut likelihood = self.likelihood(parameters);
        let best = climb(&mut likelihood, &self.with.place.z, LONGEST_CLIMB);
        let z = likelihood.z(&faintest(self.material, parameters));
        let other = climb(&mut likelihood, &z, LONGEST_CLIMB);
        let without = if other.ln_density > best.ln_density { other } else { best };
        let twice_ln_ratio = 2.0 * (self.with.place.ln_like - without.place.ln_like);
        let sigma = sigma(twice_ln_ratio, own(&self.material.plan.layout, parameters));
        Without { twice_ln_ratio, sigma, ln_mass: ln_mass(&mut likelihood, &without) }
    }
}

/// The draw in which the largest of these parameters is smallest.
fn faintest(material: &Material, parameters: &[usize]) -> Vec<f64> {
    let samples = material.samples();
    let (draws, chains, _) = samples.dim();
    let largest = |(d, c): (usize, usize)| {
        parameters.iter().map(|&i| samples[[d, c, i]]).fold(f64::NEG_INFINITY, f64::max)
    };
    let all = (0..draws).flat_map(|d| (0..chains).map(move |c| (d, c)));
    let (d, c) = all.min_by(|a, b| largest(*a).total_cmp(&largest(*b))).unwrap_or_default();
    samples.slice(ndarray::s![d, c, ..]).to_vec()
}

/// The species whose column density is one of these parameters, or follows from it by a ratio.
fn members(layout: &Layout, parameters: &[usize]) -> Vec<usize> {
    let of = |binding: Binding| match binding {
        Binding::Free(i) | Binding::Ratio { main: Source::Free(i), .. } => parameters.contains(&i),
        _ => false,
    };
    (0..layout.bindings.len()).filter(|&k| of(layout.bindings[k][0])).collect()
}

/// Number of the free parameters that mean nothing without these species.
fn own(layout: &Layout, parameters: &[usize]) -> usize {
    let gone = members(layout, parameters);
    let uses =
        |species: usize, parameter: usize| layout.bindings[species].iter().any(|b| names(*b, parameter));
    let elsewhere = |parameter: usize| {
        layout.extras.iter().any(|e| names(e.binding, parameter))
            || (0..layout.bindings.len()).any(|k| !gone.contains(&k) && uses(k, parameter))
    };
    (0..layout.parameters.len()).filter(|&p| gone.iter().any(|&k| uses(k, p)) && !elsewhere(p)).count()
}

/// Whether a quantity follows from a free parameter.
fn names(binding: Binding, parameter: usize) -> bool {
    match binding {
        Binding::Free(i) => i == parameter,
        Binding::Ratio { main, ratio } => [main, ratio].contains(&Source::Free(parameter)),
        Binding::Fixed(_) | Binding::FillsBeam => false,
    }
}

/// Fits without each species.
pub(super) fn find(material: &Material, best: &[f64]) -> Detections {
    let leaving = Leaving::new(material, best);
    let ln_mass_with = ln_mass(&mut Standard::new(material.posterior), &leaving.with);
    let one = |(name, parameter): (String, usize)| {
        let without = leaving.fit(&[parameter]);
        let (limit_95, savage_dickey) = limit(material, parameter);
        let laplace = ln_mass_with - without.ln_mass;
        let (ln_bayes, way) =
            savage_dickey.map_or((laplace, "Laplace"), |ln_bayes| (ln_bayes, "Savage-Dickey"));
        let verdict = match without.sigma {
            s if s >= DETECTED => "detected",
            s if s >= HINT => "hint",
            _ => "not detected",
        };
        let Without { twice_ln_ratio, sigma, .. } = without;
        Detection { species: name, parameter, twice_ln_ratio, sigma, ln_bayes, way, limit_95, verdict }
    };
    let mut species: Vec<Detection> = column_densities(material).into_iter().map(one).collect();
    let pairs = degenerate::find(material, &leaving, &species);
    for pair in pairs.iter().filter(|p| p.is_there()) {
        for k in [pair.first, pair.second] {
            species[k].verdict = "degenerate";
        }
    }
    Detections { species, pairs }
}

/// Upper limit of log10 N, and the generalised Savage-Dickey ratio (share of the prior over that of the draws in which the species
/// is unseen) where there are such draws.
fn limit(material: &Material, parameter: usize) -> (f64, Option<f64>) {
    let prior = material.plan.layout.parameters[parameter].prior;
    let draws = sorted(material.samples().index_axis(Axis(2), parameter).iter().copied());
    let limit_95 = quantile(&draws, 0.95);
    let edge = limit_95 - UNSEEN_DEX;
    let unseen = draws.iter().filter(|&&x| x < edge).count() as f64 / draws.len() as f64;
    let of_prior = crate::normal::normal_below(prior.to_standard(edge.max(prior.limits().0)));
    let is_enough = unseen > ENOUGH_UNSEEN && of_prior > 0.0;
    (limit_95, is_enough.then(|| libm::log(of_prior / unseen)))
}

/// ln evidence of the normal distribution that fits a peak.
fn ln_mass(likelihood: &mut impl Likelihood, peak: &Climb) -> f64 {
    peak.ln_density - 0.5 * laplace(likelihood, &peak.place).ln_det
}

/// Species with a column density of their own, and its place among the free parameters.
fn column_densities(material: &Material) -> Vec<(String, usize)> {
    let mut found: Vec<(String, usize)> = Vec::new();
    for (species, bindings) in material.plan.species.iter().zip(&material.plan.layout.bindings) {
        if let Binding::Free(i) = bindings[0]
            && found.iter().all(|f| f.1 != i)
        {
            found.push((species.name().to_string(), i));
        }
    }
    found
}

impl Detections {
    /// The lines of the summary on what is not detected.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        for d in self.species.iter().filter(|d| d.verdict != "detected") {
            let Detection { species, verdict, sigma, ln_bayes, limit_95, .. } = d;
            let _ = writeln!(
                text,
                "{species}: {verdict} ({sigma:.1} sigma, ln Bayes factor {ln_bayes:.1}), log10 N < {limit_95:.2} (95 %)"
            );
        }
        text
    }

    /// A sentence for each pair that cannot be told apart.
    pub(super) fn warnings(&self) -> Vec<String> {
        self.pairs.iter().map(|p| p.text(&self.species)).collect()
    }

    /// Writes detection.csv and degenerate.csv; returns their names.
    pub(super) fn write(&self, out: &Path) -> anyhow::Result<[&'static str; 2]> {
        let names = ["detection.csv", "degenerate.csv"];
        atomic::write(&out.join(names[0]), |file| {
            writeln!(file, "species,verdict,sigma,ln_bayes_factor,ln_bayes_factor_by,logn_limit_95")?;
            self.species.iter().try_for_each(|d| {
                let Detection { species, verdict, sigma, ln_bayes, way, limit_95, .. } = d;
                let species = crate::report::csv_field(species);
                writeln!(file, "{species},{verdict},{sigma},{ln_bayes},{way},{limit_95}")
            })
        })?;
        degenerate::write(&out.join(names[1]), &self.pairs, &self.species)?;
        Ok(names)
    }
}
