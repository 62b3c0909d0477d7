//! Reads how the species stand to one another, and the numbers of groups and continuum.

use super::resolve::{Raw, Slot, read_way};
use super::{Layout, LayoutError, SIZE};
use crate::config::{Config, ContinuumConfig, DustConfig, SpeciesConfig};
use crate::model::{Continuum, Dust, Group, Structure};

/// The name of the source size that a species' group has, if any.
pub(super) fn size_of_group(config: &Config, species: &SpeciesConfig) -> Option<String> {
    let group = config.group.iter().find(|group| Some(&group.name) == species.group.as_ref())?;
    group.size_arcsec.as_ref().map(|_| format!("{}.size_arcsec", group.name))
}

/// The structure; appends the slots of its parameters in the model's order, then those of the groups' sizes.
pub(super) fn read<'a>(config: &'a Config, slots: &mut Vec<Slot<'a>>) -> Result<Structure, LayoutError> {
    let voigt = (0..config.species.len()).filter(|i| config.species[*i].lorentz_kms.is_some()).collect();
    let mut groups = groups(config)?;
    let cores: Vec<usize> = (0..groups.len()).filter(|g| groups[*g].layer == 0).collect();
    if config.dust.is_some() && cores.len() != 1 {
        return Err(LayoutError::Dust { n_cores: cores.len() });
    }
    for (g, group) in groups.iter_mut().enumerate() {
        let own = config.group.iter().find(|given| given.name == group.name).and_then(|g| g.dust.as_ref());
        let (name, dust) = match (own, &config.dust) {
            (Some(_), Some(_)) if g == cores[0] => {
                let problem = "has dust of its own, and there is a [dust]: give one of them".into();
                return Err(LayoutError::Group { group: group.name.clone(), problem });
            }
            (Some(own), _) => (group.name.as_str(), own),
            (None, Some(shared)) if g == cores[0] => ("dust", shared),
            _ => continue,
        };
        group.dust = Some(add_dust(name, dust, slots)?);
    }
    let continuum = config.continuum.as_ref().map(|c| add_continuum(c, slots)).transpose()?;
    for group in &config.group {
        if let Some(size) = &group.size_arcsec {
            let name = format!("{}.size_arcsec", group.name);
            let raw = read_way(&name, true, size)?;
            slots.push(Slot { name, unit: "arcsec", raw, ratio: None });
        }
    }
    Ok(Structure { groups, continuum, keeps_continuum: !config.model.continuum_subtracted, voigt })
}

/// The groups that are named, in the order of `[[group]]` and then of the species, and species that are alone.
fn groups(config: &Config) -> Result<Vec<Group>, LayoutError> {
    let error = |group: &str, problem: String| LayoutError::Group { group: group.to_string(), problem };
    let mut groups: Vec<Group> = Vec::new();
    for given in &config.group {
        if groups.iter().any(|group| group.name == given.name) {
            return Err(error(&given.name, "there are two of this name".into()));
        }
        groups.push(Group { name: given.name.clone(), layer: given.layer, members: Vec::new(), dust: None });
    }
    for (index, species) in config.species.iter().enumerate() {
        let name = species.group.as_ref().unwrap_or(&species.name);
        let known = groups.iter_mut().find(|group| group.name == *name);
        match (known, species.layer) {
            (Some(group), _) if species.group.is_none() => {
                let problem = format!("the species {name} has its name and is not in it");
                return Err(error(&group.name, problem));
            }
            (Some(group), Some(layer)) if layer != group.layer => {
                let (is, name) = (group.layer, &species.name);
                return Err(error(
                    &group.name,
                    format!("it is in layer {is}, its species {name} in layer {layer}"),
                ));
            }
            (Some(group), _) => group.members.push(index),
            (None, layer) => {
                let layer = layer.unwrap_or(0);
                groups.push(Group { name: name.clone(), layer, members: vec![index], dust: None });
            }
        }
    }
    match groups.iter().find(|group| group.members.is_empty()) {
        Some(group) => Err(error(&group.name, "no species is in it".into())),
        None => Ok(groups),
    }
}

/// log10 N(H2), beta, temperature: the model's order.
fn add_dust<'a>(group: &str, dust: &'a DustConfig, slots: &mut Vec<Slot<'a>>) -> Result<Dust, LayoutError> {
    let name = |quantity: &str| {
        if group == "dust" { format!("dust.{quantity}") } else { format!("{group}.dust.{quantity}") }
    };
    let (logn_h2, beta, t_k) = (name("logn_h2"), name("beta"), name("t_k"));
    let logn = read_way(&logn_h2, false, &dust.logn_h2)?;
    let exponent =
        dust.beta.as_ref().map_or(Ok(Raw::Fixed(1.8)), |beta_config| read_way(&beta, false, beta_config))?;
    let t = read_way(&t_k, true, &dust.t_k)?;
    slots.push(Slot { name: logn_h2, unit: "log10(cm^-2)", raw: logn, ratio: None });
    slots.push(Slot { name: beta, unit: "1", raw: exponent, ratio: None });
    slots.push(Slot { name: t_k, unit: "K", raw: t, ratio: None });
    let DustConfig { kappa0_cm2_g, nu0, gas_to_dust, .. } = dust;
    Ok(Dust { kappa0_cm2_g: *kappa0_cm2_g, nu0_mhz: nu0.0 * 1e-6, gas_to_dust: *gas_to_dust })
}

/// Brightness and exponent.
fn add_continuum<'a>(
    continuum: &'a ContinuumConfig,
    slots: &mut Vec<Slot<'a>>,
) -> Result<Continuum, LayoutError> {
    let (t_k, index) = ("continuum.t_k".to_string(), "continuum.index".to_string());
    let t = read_way(&t_k, false, &continuum.t_k)?;
    let exponent = continuum.index.as_ref().map_or(Ok(Raw::Fixed(0.0)), |c| read_way(&index, false, c))?;
    slots.push(Slot { name: t_k, unit: "K", raw: t, ratio: None });
    slots.push(Slot { name: index, unit: "1", raw: exponent, ratio: None });
    Ok(Continuum { nu0_mhz: continuum.nu0.0 * 1e-6 })
}

/// Species of a group share one source size.
pub(super) fn check_sizes(config: &Config, layout: &Layout) -> Result<(), LayoutError> {
    for group in &layout.structure.groups {
        let size = |member: usize| layout.bindings[member][SIZE];
        if let Some(other) = group.members.iter().find(|m| size(**m) != size(group.members[0])) {
            let species = config.species[*other].name.clone();
            return Err(LayoutError::GroupSize { group: group.name.clone(), species });
        }
    }
    Ok(())
}
