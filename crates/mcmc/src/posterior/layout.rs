//! Which numbers are fitted: from the parameters of all species to one vector, and back.

mod error;
mod excitation;
mod resolve;
mod structure;
mod windows;

pub use error::LayoutError;
pub use windows::{WINDOW_QUANTITIES, WindowBindings, WindowConfig};

use super::prior::Prior;
use crate::config::{Config, SpeciesConfig};
use crate::model::{N_SPECIES_PARAMS, Structure};
use resolve::{Raw, Slot, read, read_way, resolve};
use serde::{Deserialize, Serialize};

/// The quantities of a species, in the order of [`Layout::values`], with their units.
pub const QUANTITIES: [(&str, &str); N_SPECIES_PARAMS] = [
    ("logn", "log10(cm^-2)"),
    ("tex_k", "K"),
    ("fwhm_kms", "km/s"),
    ("v_kms", "km/s"),
    ("size_arcsec", "arcsec"),
    ("lorentz_kms", "km/s"),
    ("log10_nh2", "log10(cm^-3)"),
];
/// The source size among the [`QUANTITIES`].
const SIZE: usize = 4;

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

    /// The quantity at `theta`; infinite where the source fills the beam.
    pub fn value(self, theta: &[f64]) -> f64 {
        match self {
            Self::Fixed(x) => x,
            Self::Free(i) => theta[i],
            Self::FillsBeam => f64::INFINITY,
            Self::Ratio { main, ratio } => main.value(theta) - libm::log10(ratio.value(theta)),
        }
    }
}

/// A quantity that belongs to no species.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Extra {
    /// "core.logn_h2".
    pub name: String,
    /// Where it comes from.
    pub binding: Binding,
}

/// The free parameters and how the species' quantities follow from them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Layout {
    /// The free parameters.
    pub parameters: Vec<Parameter>,
    /// Per species, its quantities.
    pub bindings: Vec<[Binding; QUANTITIES.len()]>,
    /// Per window, its quantities; none where no window has any.
    pub windows: Vec<WindowBindings>,
    /// The quantities of no species: first those of the model ([`Structure::n_extra`]), in its order.
    pub extras: Vec<Extra>,
    /// How the species stand to one another.
    pub structure: Structure,
}

impl Layout {
    /// The place of a species' quantity among the free parameters; None: it is not one of them.
    pub fn free(&self, species: usize, quantity: usize) -> Option<usize> {
        match self.bindings[species][quantity] {
            Binding::Free(index) => Some(index),
            _ => None,
        }
    }

    /// Lays out the parameters of species without groups.
    ///
    /// # Errors
    /// [`LayoutError`], naming the parameter.
    pub fn new(species: &[SpeciesConfig]) -> Result<Self, LayoutError> {
        let config = Config { species: species.to_vec(), ..Config::default() };
        Self::of(&config)
    }

    /// Lays out the parameters of all species, groups and the continuum.
    ///
    /// # Errors
    /// [`LayoutError`], naming the parameter.
    pub fn of(config: &Config) -> Result<Self, LayoutError> {
        let species = &config.species;
        let mut slots: Vec<Slot> = Vec::new();
        for (i, s) in species.iter().enumerate() {
            if species[..i].iter().any(|other| other.name == s.name) {
                return Err(LayoutError::Twice(s.name.clone()));
            }
            add_species(s, structure::size_of_group(config, s), &mut slots)?;
        }
        let structure = structure::read(config, &mut slots)?;
        let layout = resolve(&slots, species.len(), structure)?;
        structure::check_sizes(config, &layout)?;
        Ok(layout)
    }

    /// The quantities of every species at `theta`; infinite size: the source fills the beam.
    pub fn values(&self, theta: &[f64]) -> impl Iterator<Item = [f64; QUANTITIES.len()]> {
        self.bindings.iter().map(move |bindings| bindings.map(|binding| binding.value(theta)))
    }

    /// The quantities of no species at `theta`, in the order of [`extras`](Self::extras).
    pub fn extra_values(&self, theta: &[f64]) -> impl Iterator<Item = f64> {
        self.extras.iter().map(move |extra| extra.binding.value(theta))
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
        if let Some(free) = self.parameters.iter().position(|p| p.name == name) {
            return Ok(Binding::Free(free));
        }
        if let Some(extra) = self.extras.iter().find(|extra| extra.name == name) {
            return Ok(extra.binding);
        }
        name.rsplit_once('.')
            .and_then(|(s, q)| {
                let bindings = self.bindings[species.iter().position(|&known| known == s)?];
                match (q, bindings[0]) {
                    ("ratio", Binding::Ratio { ratio: Source::Free(i), .. }) => Some(Binding::Free(i)),
                    ("ratio", Binding::Ratio { ratio: Source::Fixed(x), .. }) => Some(Binding::Fixed(x)),
                    _ => Some(bindings[excitation::quantity(q)?]),
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

/// The quantities of a species, then the ratio of its column density to another's; without a size of its own it has
/// that of its group.
fn add_species<'a>(
    species: &'a SpeciesConfig,
    group_size: Option<String>,
    slots: &mut Vec<Slot<'a>>,
) -> Result<(), LayoutError> {
    let s = species;
    let temperature = excitation::temperature(s)?;
    let given = [
        Some(&s.logn),
        Some(temperature),
        Some(&s.fwhm_kms),
        Some(&s.v_kms),
        s.size_arcsec.as_ref(),
        s.lorentz_kms.as_ref(),
        s.log10_nh2.as_ref(),
    ];
    let ratio = s.logn.ratio_to.is_some().then_some(slots.len() + QUANTITIES.len());
    for ((quantity, unit), config) in QUANTITIES.into_iter().zip(given) {
        let name = format!("{}.{}", s.name, excitation::name(s, quantity));
        let raw = match (quantity, config) {
            (_, Some(config)) => read(&name, quantity, config)?,
            ("size_arcsec", None) => {
                group_size.clone().map_or(Raw::FillsBeam, |size| Raw::SameAs(size.into()))
            }
            // No Lorentzian part; no density.
            (_, None) => Raw::Fixed(0.0),
        };
        slots.push(Slot { name, unit, raw, ratio: ratio.filter(|_| quantity == "logn") });
    }
    if ratio.is_some() {
        let name = format!("{}.ratio", s.name);
        let raw = read_way(&name, true, &s.logn)?;
        slots.push(Slot { name, unit: "1", raw, ratio: None });
    }
    Ok(())
}

fn read_setting(setting: &str) -> Result<(&str, f64), LayoutError> {
    setting
        .split_once('=')
        .and_then(|(name, value)| Some((name.trim(), value.trim().parse::<f64>().ok()?)))
        .filter(|(_, value)| value.is_finite())
        .ok_or_else(|| LayoutError::Setting(setting.to_string()))
}

#[cfg(test)]
mod tests;
