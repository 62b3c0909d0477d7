//! The species as the tables have them: medians and intervals of their quantities and abundances.

use super::detection::Detection;
use super::products::Material;
use crate::diagnose::{quantile, sorted};
use crate::posterior::Binding;
use crate::report::{Measured, SpeciesRow};

/// The probability below mean - 1 sigma of a normal distribution.
const BELOW_1_SIGMA: f64 = 0.158_655_253_931_457_05;
/// Quantities of a species that the tables have: log10 N, temperature, width, velocity, size.
const SHOWN: usize = 5;

/// A row a species, in the order of the plan.
pub(super) fn rows(material: &Material, detections: &[Detection]) -> Vec<SpeciesRow> {
    let plan = material.plan;
    let reference = plan.reference.map(|k| plan.layout.bindings[k][0]);
    let names = plan.species.iter().map(|s| s.name());
    let row = |(name, bindings): (&str, &[Binding; 7])| {
        let mut quantities = [None; SHOWN + 1];
        for (place, &binding) in quantities.iter_mut().zip(&bindings[..SHOWN]) {
            *place = measured(material, |theta| binding.value(theta), is_fixed(binding));
        }
        quantities[SHOWN] = reference.and_then(|main| {
            let fixed = bindings[0] == main || is_fixed(bindings[0]) && is_fixed(main);
            measured(material, |theta| bindings[0].value(theta) - main.value(theta), fixed)
        });
        let found = detections.iter().find(|d| Binding::Free(d.parameter) == bindings[0]);
        SpeciesRow {
            name: name.to_string(),
            quantities,
            detection: found.map(|d| (d.verdict.to_string(), d.sigma)),
            limit_95: found.map(|d| d.limit_95),
        }
    };
    names.zip(&plan.layout.bindings).map(row).collect()
}

fn is_fixed(binding: Binding) -> bool {
    matches!(binding, Binding::Fixed(_) | Binding::FillsBeam)
}

/// Median and interval over the draws; the value alone where it is fixed; none where it is infinite.
fn measured(material: &Material, value: impl Fn(&[f64]) -> f64, is_fixed: bool) -> Option<Measured> {
    let samples = material.samples();
    let theta = |draw: usize, chain: usize| samples.slice(ndarray::s![draw, chain, ..]).to_vec();
    let (draws, chains, _) = samples.dim();
    if is_fixed {
        let value = value(&theta(0, 0));
        return value.is_finite().then_some(Measured { value, errors: None });
    }
    let mut buffer = Vec::new();
    let all = (0..draws).flat_map(|draw| (0..chains).map(move |chain| (draw, chain)));
    let values = sorted(all.map(|(draw, chain)| {
        buffer.clear();
        buffer.extend(samples.slice(ndarray::s![draw, chain, ..]).iter());
        value(&buffer)
    }));
    let [low, middle, high] = [BELOW_1_SIGMA, 0.5, 1.0 - BELOW_1_SIGMA].map(|p| quantile(&values, p));
    middle.is_finite().then_some(Measured { value: middle, errors: Some((middle - low, high - middle)) })
}
