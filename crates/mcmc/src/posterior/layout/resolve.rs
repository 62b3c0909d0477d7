//! Reads the quantities of species as they are given, and resolves what names other quantities.

use super::{Binding, Extra, Layout, LayoutError, Parameter, QUANTITIES, Source};
use crate::config::ParameterConfig;
use crate::model::Structure;
use crate::posterior::prior::Prior;
use std::borrow::Cow;

/// A quantity before `same_as` is resolved.
pub(super) enum Raw<'a> {
    Prior(Prior),
    Fixed(f64),
    SameAs(Cow<'a, str>),
    FillsBeam,
    /// A column density by a ratio, which has a slot of its own.
    RatioTo(&'a str),
}

/// A number with a name.
pub(super) struct Slot<'a> {
    pub name: String,
    pub unit: &'static str,
    pub raw: Raw<'a>,
    /// The slot of the ratio, of a column density by a ratio.
    pub ratio: Option<usize>,
}

/// A quantity as it is given; a ratio's own slot is read by [`read_way`].
pub(super) fn read<'a>(
    name: &str,
    quantity: &str,
    config: &'a ParameterConfig,
) -> Result<Raw<'a>, LayoutError> {
    if let Some(target) = &config.ratio_to {
        if quantity != "logn" || !target.ends_with(".logn") || target == name {
            return Err(LayoutError::RatioOf { parameter: name.to_string(), target: target.clone() });
        }
        return Ok(Raw::RatioTo(target));
    }
    read_way(name, matches!(quantity, "tex_k" | "fwhm_kms" | "size_arcsec" | "lorentz_kms"), config)
}

/// The one way in which a quantity is given.
pub(super) fn read_way<'a>(
    name: &str,
    positive: bool,
    config: &'a ParameterConfig,
) -> Result<Raw<'a>, LayoutError> {
    let parameter = || name.to_string();
    let found = [
        config.uniform.is_some(),
        config.log_uniform.is_some(),
        config.normal.is_some(),
        config.fixed.is_some(),
        config.same_as.is_some(),
    ];
    let found = found.iter().filter(|&&is_there| is_there).count();
    if found != 1 {
        return Err(LayoutError::Ways { parameter: parameter(), found });
    }
    if config.limits.is_some() && config.normal.is_none() {
        return Err(LayoutError::Limits { parameter: parameter() });
    }
    if let Some(target) = &config.same_as {
        return Ok(Raw::SameAs(target.into()));
    }
    if let Some(value) = config.fixed {
        if !value.is_finite() || (positive && value <= 0.0) {
            return Err(LayoutError::NotPositive { parameter: parameter(), low: value });
        }
        return Ok(Raw::Fixed(value));
    }
    let prior = prior_of(config, positive)
        .checked()
        .map_err(|source| LayoutError::Prior { parameter: parameter(), source })?;
    if positive && prior.limits().0 < 0.0 {
        return Err(LayoutError::NotPositive { parameter: parameter(), low: prior.limits().0 });
    }
    Ok(Raw::Prior(prior))
}

/// How many standard deviations of a normal prior count where no limits are given: what lies beyond is 1e-15, and a
/// finite range tells which lines can ever be seen.
const WHOLE_NORMAL: f64 = 8.0;

/// The prior as given; a normal prior of a positive quantity ends at zero.
fn prior_of(config: &ParameterConfig, positive: bool) -> Prior {
    if let Some([low, high]) = config.uniform {
        return Prior::Uniform { low, high };
    }
    if let Some([low, high]) = config.log_uniform {
        return Prior::LogUniform { low, high };
    }
    let [mean, sd] = config.normal.unwrap_or([f64::NAN; 2]);
    let low = mean - WHOLE_NORMAL * sd;
    let whole = [if positive { low.max(0.0) } else { low }, mean + WHOLE_NORMAL * sd];
    let [low, high] = config.limits.unwrap_or(whole);
    Prior::Normal { mean, sd, low, high }
}

/// The free parameters and where every quantity comes from: slots of `n_species` species first (their ratios among
/// them), then those of no species.
pub(super) fn resolve(slots: &[Slot], n_species: usize, structure: Structure) -> Result<Layout, LayoutError> {
    let mut parameters = Vec::new();
    let mut free = vec![None; slots.len()];
    for (number, slot) in free.iter_mut().zip(slots) {
        if let Raw::Prior(prior) = slot.raw {
            *number = Some(parameters.len());
            parameters.push(Parameter { name: slot.name.clone(), unit: slot.unit.to_string(), prior });
        }
    }
    let (mut bindings, mut at) = (Vec::with_capacity(n_species), 0);
    for _ in 0..n_species {
        let mut quantities = [Binding::FillsBeam; QUANTITIES.len()];
        for (binding, slot) in quantities.iter_mut().zip(at..) {
            *binding = bind(slots, &free, slot)?;
        }
        bindings.push(quantities);
        at += QUANTITIES.len() + usize::from(slots[at].ratio.is_some());
    }
    let extra =
        |slot: usize| Ok(Extra { name: slots[slot].name.clone(), binding: bind(slots, &free, slot)? });
    let extras = (at..slots.len()).map(extra).collect::<Result<_, LayoutError>>()?;
    Ok(Layout { parameters, bindings, windows: Vec::new(), extras, structure })
}

/// Where the quantity of a slot comes from.
fn bind(slots: &[Slot], free: &[Option<usize>], slot: usize) -> Result<Binding, LayoutError> {
    let source = follow(slots, slot)?;
    Ok(match &slots[source].raw {
        Raw::Fixed(x) => Binding::Fixed(*x),
        Raw::FillsBeam => Binding::FillsBeam,
        Raw::RatioTo(target) => {
            let parameter = || slots[source].name.clone();
            let ratio_of_ratio =
                || LayoutError::RatioOfRatio { parameter: parameter(), target: target.to_string() };
            let main = bind_plain(slots, free, find(slots, source, target)?)?.ok_or_else(ratio_of_ratio)?;
            let not_a_ratio =
                |own: usize| LayoutError::RatioOf { parameter: slots[own].name.clone(), target: parameter() };
            let own = slots[source].ratio.unwrap_or(source);
            Binding::Ratio { main, ratio: bind_plain(slots, free, own)?.ok_or_else(|| not_a_ratio(own))? }
        }
        Raw::Prior(_) | Raw::SameAs(_) => {
            Binding::Free(free[source].ok_or_else(|| unknown(slots, slot, &slots[source].name))?)
        }
    })
}

/// A slot that is a number, fixed or fitted; None: it is something else.
fn bind_plain(slots: &[Slot], free: &[Option<usize>], slot: usize) -> Result<Option<Source>, LayoutError> {
    let source = follow(slots, slot)?;
    Ok(match (&slots[source].raw, free[source]) {
        (Raw::Fixed(x), _) => Some(Source::Fixed(*x)),
        (_, Some(number)) => Some(Source::Free(number)),
        _ => None,
    })
}

/// The slot of the name that slot `from` gives.
fn find(slots: &[Slot], from: usize, target: &str) -> Result<usize, LayoutError> {
    slots.iter().position(|slot| slot.name == target).ok_or_else(|| unknown(slots, from, target))
}

fn unknown(slots: &[Slot], from: usize, target: &str) -> LayoutError {
    LayoutError::Unknown {
        parameter: slots[from].name.clone(),
        target: target.to_string(),
        known: slots.iter().map(|slot| slot.name.as_str()).collect::<Vec<_>>().join(", "),
    }
}

/// The slot that `same_as` leads to in the end.
fn follow(slots: &[Slot], start: usize) -> Result<usize, LayoutError> {
    let mut slot = start;
    for _ in 0..=slots.len() {
        let Raw::SameAs(target) = &slots[slot].raw else { return Ok(slot) };
        slot = find(slots, slot, target)?;
    }
    Err(LayoutError::Circle { parameter: slots[start].name.clone(), by_way_of: slots[slot].name.clone() })
}
