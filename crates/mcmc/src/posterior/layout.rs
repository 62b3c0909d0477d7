//! Which numbers are fitted: from the parameters of all species to one vector, and back.

use super::prior::{Prior, PriorError};
use crate::config::{ParameterConfig, SpeciesConfig};
use serde::{Deserialize, Serialize};

/// The quantities of a species, in the order of [`Layout::values`], with their units.
pub const QUANTITIES: [(&str, &str); 5] = [
    ("logn", "log10(cm^-2)"),
    ("tex_k", "K"),
    ("fwhm_kms", "km/s"),
    ("v_kms", "km/s"),
    ("size_arcsec", "arcsec"),
];

/// Parameters that cannot be fitted as the configuration asks.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum LayoutError {
    /// None or several of the ways to give a parameter.
    #[error("{parameter} needs exactly one of uniform, log_uniform, normal, fixed, same_as; it has {found}")]
    Ways {
        /// The parameter.
        parameter: String,
        /// How many it has.
        found: usize,
    },
    /// `limits` where there is no normal prior.
    #[error("{parameter}: limits go with a normal prior only")]
    Limits {
        /// The parameter.
        parameter: String,
    },
    /// A prior that cannot be.
    #[error("{parameter}")]
    Prior {
        /// The parameter.
        parameter: String,
        /// What is wrong.
        source: PriorError,
    },
    /// `same_as` names a parameter that is not there.
    #[error("{parameter} names {target}, which is not there; known are {known}")]
    Unknown {
        /// The parameter.
        parameter: String,
        /// What it names.
        target: String,
        /// All names.
        known: String,
    },
    /// A ratio of something that is no column density.
    #[error("{parameter}: ratio_to is for logn, and names the logn of another species; not {target}")]
    RatioOf {
        /// The parameter.
        parameter: String,
        /// What it names.
        target: String,
    },
    /// A ratio to a column density that is a ratio itself.
    #[error("{parameter}: {target} is a ratio to another species itself: name that species")]
    RatioOfRatio {
        /// The parameter.
        parameter: String,
        /// What it names.
        target: String,
    },
    /// `same_as` leads back to itself.
    #[error("{parameter} is the same as itself, by way of {by_way_of}")]
    Circle {
        /// The parameter.
        parameter: String,
        /// The last parameter of the way.
        by_way_of: String,
    },
    /// Two species with one name.
    #[error("there are two species with the name {0}")]
    Twice(String),
    /// A setting that is not NAME=VALUE.
    #[error("\"{0}\" is not of the form SPECIES.QUANTITY=NUMBER")]
    Setting(String),
    /// A setting for a parameter that is fixed or the same as another.
    #[error("{parameter} cannot be set: it is {why}")]
    NotFree {
        /// The parameter.
        parameter: String,
        /// What it is instead.
        why: &'static str,
    },
    /// A free parameter without a value.
    #[error("{0} has no value: give --set {0}=NUMBER")]
    Unset(String),
    /// Prior or value outside of what the quantity can be.
    #[error("{parameter} must be positive, but may be {low}")]
    NotPositive {
        /// The parameter.
        parameter: String,
        /// The lowest value it may have.
        low: f64,
    },
}

/// One fitted number.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Parameter {
    /// "CH3OH.tex_k".
    pub name: String,
    /// Its unit.
    pub unit: String,
    /// What is known of it.
    pub prior: Prior,
}

/// Where a quantity of a species comes from.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Binding {
    /// The configuration.
    Fixed(f64),
    /// The vector of free parameters.
    Free(usize),
    /// The source fills the beam (sizes only).
    FillsBeam,
    /// A column density by its ratio to that of a main species: log10 N = log10 N(main) - log10 ratio.
    Ratio {
        /// log10 of the main species' column density.
        main: Source,
        /// Main species over this one.
        ratio: Source,
    },
}

/// A number that is fixed or fitted.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Source {
    /// The configuration.
    Fixed(f64),
    /// The vector of free parameters.
    Free(usize),
}

impl Source {
    fn value(self, theta: &[f64]) -> f64 {
        match self {
            Self::Fixed(x) => x,
            Self::Free(i) => theta[i],
        }
    }

    fn limits(self, parameters: &[Parameter]) -> (f64, f64) {
        match self {
            Self::Fixed(x) => (x, x),
            Self::Free(i) => parameters[i].prior.limits(),
        }
    }
}

impl Binding {
    /// Adds to `gradient` (by the free parameters) what a derivative by this quantity means for them.
    pub(super) fn add_slope(self, by: f64, theta: &[f64], gradient: &mut [f64]) {
        match self {
            Self::Fixed(_) | Self::FillsBeam => {}
            Self::Free(i) => gradient[i] += by,
            Self::Ratio { main, ratio } => {
                if let Source::Free(i) = main {
                    gradient[i] += by;
                }
                if let Source::Free(i) = ratio {
                    gradient[i] -= by / (theta[i] * std::f64::consts::LN_10);
                }
            }
        }
    }

    fn value(self, theta: &[f64]) -> f64 {
        match self {
            Self::Fixed(x) => x,
            Self::Free(i) => theta[i],
            Self::FillsBeam => f64::INFINITY,
            Self::Ratio { main, ratio } => main.value(theta) - libm::log10(ratio.value(theta)),
        }
    }
}

/// The free parameters and how the species' quantities follow from them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Layout {
    /// The free parameters.
    pub parameters: Vec<Parameter>,
    /// Per species, its quantities.
    pub bindings: Vec<[Binding; QUANTITIES.len()]>,
}

/// A quantity before `same_as` is resolved.
enum Raw<'a> {
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

impl Layout {
    /// Lays out the parameters of all species.
    ///
    /// # Errors
    /// [`LayoutError`], naming the parameter.
    pub fn new(species: &[SpeciesConfig]) -> Result<Self, LayoutError> {
        let mut raw: Vec<(String, Raw)> = Vec::new();
        for (i, s) in species.iter().enumerate() {
            if species[..i].iter().any(|other| other.name == s.name) {
                return Err(LayoutError::Twice(s.name.clone()));
            }
            let given =
                [Some(&s.logn), Some(&s.tex_k), Some(&s.fwhm_kms), Some(&s.v_kms), s.size_arcsec.as_ref()];
            for ((quantity, _), config) in QUANTITIES.iter().zip(given) {
                let name = format!("{}.{quantity}", s.name);
                let value = config.map_or(Ok(Raw::FillsBeam), |config| read(&name, quantity, config))?;
                raw.push((name, value));
            }
            let name = format!("{}.ratio", s.name);
            let value =
                if s.logn.ratio_to.is_some() { read_way(&name, true, &s.logn)? } else { Raw::NoRatio };
            raw.push((name, value));
        }
        resolve(&raw)
    }

    /// The quantities of every species at `theta`; infinite size: the source fills the beam.
    pub fn values(&self, theta: &[f64]) -> impl Iterator<Item = [f64; QUANTITIES.len()]> {
        self.bindings.iter().map(move |bindings| bindings.map(|binding| binding.value(theta)))
    }

    /// The range that a quantity (index into [`QUANTITIES`]) of a species can take.
    pub fn range(&self, species: usize, quantity: usize) -> (f64, f64) {
        match self.bindings[species][quantity] {
            Binding::Free(i) => self.parameters[i].prior.limits(),
            Binding::Ratio { main, ratio } => {
                let ((low, high), (least, most)) =
                    (main.limits(&self.parameters), ratio.limits(&self.parameters));
                (low - most.log10(), high - least.log10())
            }
            fixed => (fixed.value(&[]), fixed.value(&[])),
        }
    }

    /// The free parameters from settings like "CH3OH.logn=18.3"; a fixed parameter may be set to its own value.
    ///
    /// # Errors
    /// [`LayoutError`] where a setting cannot be read or names something that is not free, or a parameter is unset.
    pub fn values_from(&self, species: &[&str], settings: &[String]) -> Result<Vec<f64>, LayoutError> {
        let mut theta = vec![None; self.parameters.len()];
        for setting in settings {
            let (name, value) = read_setting(setting)?;
            match self.binding_of(species, name)? {
                Binding::Free(i) => theta[i] = Some(value),
                Binding::Fixed(fixed) if fixed == value => {}
                other => {
                    let why = match other {
                        Binding::Ratio { .. } => "tied to another species by a ratio",
                        _ => "fixed in the configuration",
                    };
                    return Err(LayoutError::NotFree { parameter: name.to_string(), why });
                }
            }
        }
        let unset = |i: usize| LayoutError::Unset(self.parameters[i].name.clone());
        theta.iter().enumerate().map(|(i, value)| value.ok_or_else(|| unset(i))).collect()
    }

    fn binding_of(&self, species: &[&str], name: &str) -> Result<Binding, LayoutError> {
        name.rsplit_once('.')
            .and_then(|(s, q)| {
                let bindings = self.bindings[species.iter().position(|&known| known == s)?];
                match (q, bindings[0]) {
                    ("ratio", Binding::Ratio { ratio: Source::Free(i), .. }) => Some(Binding::Free(i)),
                    ("ratio", Binding::Ratio { ratio: Source::Fixed(x), .. }) => Some(Binding::Fixed(x)),
                    _ => Some(bindings[QUANTITIES.iter().position(|known| known.0 == q)?]),
                }
            })
            .ok_or_else(|| LayoutError::Unknown {
                parameter: "--set".to_string(),
                target: name.to_string(),
                known: self.parameters.iter().map(|p| p.name.as_str()).collect::<Vec<_>>().join(", "),
            })
    }

    /// Natural logarithm of the prior density at `theta`.
    pub fn ln_prior(&self, theta: &[f64]) -> f64 {
        self.parameters.iter().zip(theta).map(|(p, &x)| p.prior.ln_density(x)).sum()
    }
}

fn read_setting(setting: &str) -> Result<(&str, f64), LayoutError> {
    setting
        .split_once('=')
        .and_then(|(name, value)| Some((name.trim(), value.trim().parse::<f64>().ok()?)))
        .filter(|(_, value)| value.is_finite())
        .ok_or_else(|| LayoutError::Setting(setting.to_string()))
}

fn read<'a>(name: &str, quantity: &str, config: &'a ParameterConfig) -> Result<Raw<'a>, LayoutError> {
    if let Some(target) = &config.ratio_to {
        if quantity != "logn" || !target.ends_with(".logn") || target == name {
            return Err(LayoutError::RatioOf { parameter: name.to_string(), target: target.clone() });
        }
        return Ok(Raw::RatioTo(target));
    }
    read_way(name, matches!(quantity, "tex_k" | "fwhm_kms" | "size_arcsec"), config)
}

/// The one way in which a quantity is given.
fn read_way<'a>(name: &str, positive: bool, config: &'a ParameterConfig) -> Result<Raw<'a>, LayoutError> {
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

fn resolve(raw: &[(String, Raw)]) -> Result<Layout, LayoutError> {
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
    Ok(Layout { parameters, bindings })
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

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(second_tex: &str) -> Result<Layout, LayoutError> {
        let text = format!(
            r#"
            [[species]]
            name = "A"
            cat = "a.cat"
            qpart = "a.qpart"
            logn = {{ uniform = [14, 18] }}
            tex_k = {{ log_uniform = [10, 300] }}
            fwhm_kms = {{ fixed = 3.0 }}
            v_kms = {{ normal = [0, 1] }}
            [[species]]
            name = "B"
            cat = "b.cat"
            qpart = "b.qpart"
            logn = {{ uniform = [14, 18] }}
            tex_k = {second_tex}
            fwhm_kms = {{ same_as = "A.fwhm_kms" }}
            v_kms = {{ same_as = "A.v_kms" }}
            size_arcsec = {{ fixed = 0.5 }}
            "#
        );
        let config: crate::config::Config = toml::from_str(&text).unwrap();
        Layout::new(&config.species)
    }

    #[test]
    fn shared_parameters_are_one() {
        let layout = layout("{ same_as = \"A.tex_k\" }").unwrap();
        let names: Vec<_> = layout.parameters.iter().map(|p| p.name.as_str()).collect();
        assert_eq!(names, ["A.logn", "A.tex_k", "A.v_kms", "B.logn"]);
        let values: Vec<_> = layout.values(&[15.0, 100.0, 0.5, 16.0]).collect();
        assert_eq!(values[0], [15.0, 100.0, 3.0, 0.5, f64::INFINITY]);
        assert_eq!(values[1], [16.0, 100.0, 3.0, 0.5, 0.5]);
        let set = |text: &str| {
            let settings: Vec<String> = text.split(' ').map(str::to_string).collect();
            layout.values_from(&["A", "B"], &settings).map_err(|e| e.to_string())
        };
        let all = "A.logn=15 A.tex_k=100 A.v_kms=0.5 B.logn=16 A.fwhm_kms=3";
        assert_eq!(set(all).unwrap(), [15.0, 100.0, 0.5, 16.0]);
        assert!(set("A.logn=15").unwrap_err().contains("A.tex_k has no value"));
        assert!(set("A.logm=15").unwrap_err().contains("A.logm"));
        assert!(set("A.logn=x").unwrap_err().contains("A.logn=x"));
        assert!(set("A.fwhm_kms=4").unwrap_err().contains("fixed"));
    }

    /// A, 13A and 18A, the latter two by ratios to A.
    fn ratios(second: &str, third: &str) -> Result<Layout, LayoutError> {
        let species = |name: &str, logn: &str| {
            format!(
                "[[species]]\nname = \"{name}\"\nlogn = {logn}\ntex_k = {{ fixed = 100.0 }}\n\
                 fwhm_kms = {{ fixed = 3.0 }}\nv_kms = {{ fixed = 0.0 }}\n"
            )
        };
        let text =
            [("A", "{ uniform = [14, 18] }"), ("13A", second), ("18A", third)].map(|(n, l)| species(n, l));
        let config: crate::config::Config = toml::from_str(&text.concat()).unwrap();
        Layout::new(&config.species)
    }

    #[test]
    fn isotopologues_follow_their_main_species() {
        let fitted = "{ ratio_to = \"A.logn\", log_uniform = [20, 200] }";
        let layout = ratios(fitted, "{ ratio_to = \"A.logn\", fixed = 1000.0 }").unwrap();
        let names: Vec<_> = layout.parameters.iter().map(|p| p.name.as_str()).collect();
        assert_eq!(names, ["A.logn", "13A.ratio"]);
        let logn: Vec<f64> = layout.values(&[17.0, 100.0]).map(|v| v[0]).collect();
        assert_eq!(logn, [17.0, 15.0, 14.0]);
        let (low, high) = layout.range(1, 0);
        assert!(
            (low - (14.0 - 200f64.log10())).abs() < 1e-12 && (high - (18.0 - 20f64.log10())).abs() < 1e-12
        );
        let set = |text: &str| {
            let settings: Vec<String> = text.split(' ').map(str::to_string).collect();
            layout.values_from(&["A", "13A", "18A"], &settings).map_err(|e| e.to_string())
        };
        assert_eq!(set("A.logn=17 13A.ratio=60 18A.ratio=1000").unwrap(), [17.0, 60.0]);
        assert!(set("A.logn=17 13A.logn=16").unwrap_err().contains("by a ratio"));
        assert!(set("A.logn=17 A.ratio=16").unwrap_err().contains("A.ratio"));
        // One ratio for two species, and a column density that is the same as a tied one.
        let shared = ratios(fitted, "{ ratio_to = \"A.logn\", same_as = \"13A.ratio\" }").unwrap();
        assert_eq!(shared.parameters.len(), 2);
        assert!(shared.values(&[17.0, 10.0]).all(|v| v[0] == 17.0 || v[0] == 16.0));
        let same = ratios(fitted, "{ same_as = \"13A.logn\" }").unwrap();
        assert_eq!(same.values(&[17.0, 10.0]).map(|v| v[0]).collect::<Vec<_>>(), [17.0, 16.0, 16.0]);
    }

    #[test]
    fn ratios_that_cannot_be_are_named() {
        let fitted = "{ ratio_to = \"A.logn\", log_uniform = [20, 200] }";
        let error = |third| ratios(fitted, third).unwrap_err().to_string();
        assert!(error("{ ratio_to = \"13A.logn\", fixed = 5.0 }").contains("itself"));
        assert!(error("{ ratio_to = \"B.logn\", fixed = 5.0 }").contains("B.logn"));
        assert!(error("{ ratio_to = \"A.tex_k\", fixed = 5.0 }").contains("ratio_to is for logn"));
        assert!(error("{ ratio_to = \"18A.logn\", fixed = 5.0 }").contains("another species"));
        assert!(error("{ ratio_to = \"A.logn\", fixed = -5.0 }").contains("positive"));
        assert!(error("{ ratio_to = \"A.logn\" }").contains("18A.ratio needs exactly one"));
        assert!(error("{ same_as = \"A.ratio\" }").contains("A.ratio"));
    }

    #[test]
    fn what_cannot_be_is_named() {
        let error = |text| layout(text).unwrap_err().to_string();
        assert!(error("{ same_as = \"A.tex\" }").contains("A.tex_k"));
        assert!(error("{ same_as = \"B.tex_k\" }").contains("itself"));
        assert!(error("{ fixed = 1.0, uniform = [1, 2] }").contains("it has 2"));
        assert!(error("{ uniform = [2, 1] }").contains("B.tex_k"));
        assert!(error("{ uniform = [-1, 1] }").contains("positive"));
        assert!(error("{ uniform = [1, 2], limits = [0, 3] }").contains("limits"));
    }
}
