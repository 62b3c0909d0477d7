//! Reads the quantities of species as they are given, and resolves what names other quantities.

use super::{Binding, Layout, LayoutError, Parameter, QUANTITIES, Source};
use crate::config::ParameterConfig;
use crate::posterior::prior::Prior;

/// A quantity before `same_as` is resolved.
pub(super) enum Raw<'a> {
    Prior(Prior),
    Fixed(f64),
    SameAs(&'a str),
    FillsBeam,
    /// A column density by a ratio, which is the species' own last slot.
    RatioTo(&'a str),
    /// The slot of a ratio that is not there.
    NoRatio,
}

/// Slots of a species: its quantities, then the ratio of its column density to another's.
const SLOTS: usize = QUANTITIES.len() + 1;
/// The slot of the ratio.
const RATIO: usize = QUANTITIES.len();

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
    read_way(name, matches!(quantity, "tex_k" | "fwhm_kms" | "size_arcsec"), config)
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
        return Ok(Raw::SameAs(target));
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

/// The free parameters and where every quantity comes from.
pub(super) fn resolve(raw: &[(String, Raw)]) -> Result<Layout, LayoutError> {
    let mut parameters = Vec::new();
    let mut free = vec![None; raw.len()];
    for (slot, (name, value)) in raw.iter().enumerate() {
        if let Raw::Prior(prior) = value {
            // A ratio has no unit.
            let unit = QUANTITIES.get(slot % SLOTS).map_or("1", |quantity| quantity.1).to_string();
            free[slot] = Some(parameters.len());
            parameters.push(Parameter { name: name.clone(), unit, prior: *prior });
        }
    }
    let mut flat = Vec::with_capacity(raw.len());
    for slot in (0..raw.len()).filter(|slot| slot % SLOTS != RATIO) {
        flat.push(bind(raw, &free, slot)?);
    }
    let bindings = flat
        .chunks_exact(QUANTITIES.len())
        .map(|chunk| chunk.try_into().expect("as many as quantities"))
        .collect();
    Ok(Layout { parameters, bindings, windows: Vec::new() })
}

/// Where the quantity of a slot comes from.
fn bind(raw: &[(String, Raw)], free: &[Option<usize>], slot: usize) -> Result<Binding, LayoutError> {
    let source = follow(raw, slot)?;
    Ok(match &raw[source].1 {
        Raw::Fixed(x) => Binding::Fixed(*x),
        Raw::FillsBeam => Binding::FillsBeam,
        Raw::RatioTo(target) => {
            let parameter = || raw[source].0.clone();
            let main = match bind_plain(raw, free, find(raw, source, target)?)? {
                Some(main) => main,
                None => {
                    return Err(LayoutError::RatioOfRatio {
                        parameter: parameter(),
                        target: target.to_string(),
                    });
                }
            };
            let own = source - source % SLOTS + RATIO;
            let not_a_ratio = || LayoutError::RatioOf { parameter: raw[own].0.clone(), target: parameter() };
            Binding::Ratio { main, ratio: bind_plain(raw, free, own)?.ok_or_else(not_a_ratio)? }
        }
        Raw::Prior(_) | Raw::SameAs(_) | Raw::NoRatio => {
            let number = free[source].ok_or_else(|| unknown(raw, slot, &raw[source].0))?;
            Binding::Free(number)
        }
    })
}

/// A slot that is a number, fixed or fitted; None: it is something else.
fn bind_plain(
    raw: &[(String, Raw)],
    free: &[Option<usize>],
    slot: usize,
) -> Result<Option<Source>, LayoutError> {
    let source = follow(raw, slot)?;
    Ok(match (&raw[source].1, free[source]) {
        (Raw::Fixed(x), _) => Some(Source::Fixed(*x)),
        (_, Some(number)) => Some(Source::Free(number)),
        _ => None,
    })
}

/// The slot of the name that slot `from` gives.
fn find(raw: &[(String, Raw)], from: usize, target: &str) -> Result<usize, LayoutError> {
    let there = |(name, value): &(String, Raw)| name == target && !matches!(value, Raw::NoRatio);
    raw.iter().position(there).ok_or_else(|| unknown(raw, from, target))
}

fn unknown(raw: &[(String, Raw)], from: usize, target: &str) -> LayoutError {
    let known = raw.iter().filter(|r| !matches!(r.1, Raw::NoRatio)).map(|r| r.0.as_str());
    LayoutError::Unknown {
        parameter: raw[from].0.clone(),
        target: target.to_string(),
        known: known.collect::<Vec<_>>().join(", "),
    }
}

/// The slot that `same_as` leads to in the end.
fn follow(raw: &[(String, Raw)], start: usize) -> Result<usize, LayoutError> {
    let mut slot = start;
    for _ in 0..=raw.len() {
        let Raw::SameAs(target) = raw[slot].1 else { return Ok(slot) };
        slot = find(raw, slot, target)?;
    }
    Err(LayoutError::Circle { parameter: raw[start].0.clone(), by_way_of: raw[slot].0.clone() })
}
