//! What species in LTE and those out of it call their temperature, and which keys go with which.

use super::{LayoutError, QUANTITIES};
use crate::config::{ParameterConfig, SpeciesConfig};

/// The kinetic temperature of a species out of LTE, the excitation temperature of the others.
pub(super) fn temperature(species: &SpeciesConfig) -> Result<&ParameterConfig, LayoutError> {
    let (wanted, others): (_, &[(&'static str, bool)]) = if species.lamda.is_some() {
        let own =
            [species.cat.is_some(), species.qpart.is_some(), species.entry.is_some(), species.tag.is_some()];
        let tex = ("tex_k", species.tex_k.is_some());
        (
            ("tkin_k", &species.tkin_k),
            &[tex, ("cat", own[0]), ("qpart", own[1]), ("entry", own[2]), ("tag", own[3])],
        )
    } else {
        (
            ("tex_k", &species.tex_k),
            &[
                ("tkin_k", species.tkin_k.is_some()),
                ("log10_nh2", species.log10_nh2.is_some()),
                ("geometry", species.geometry.is_some()),
                ("ortho_to_para", species.ortho_to_para.is_some()),
                ("densities", !species.densities.is_empty()),
                ("radiation", species.radiation.is_some()),
            ],
        )
    };
    let parameter = |key: &str| format!("{}.{key}", species.name);
    if let Some((key, _)) = others.iter().find(|(_, given)| *given) {
        return Err(LayoutError::Misplaced {
            parameter: parameter(key),
            out_of_lte: species.lamda.is_some(),
        });
    }
    if species.lamda.is_some() && species.log10_nh2.is_none() {
        return Err(LayoutError::Missing { parameter: parameter("log10_nh2") });
    }
    wanted.1.as_ref().ok_or_else(|| LayoutError::Missing { parameter: parameter(wanted.0) })
}

/// What a species calls a quantity.
pub(super) fn name(species: &SpeciesConfig, quantity: &'static str) -> &'static str {
    if quantity == "tex_k" && species.lamda.is_some() { "tkin_k" } else { quantity }
}

/// The place of a quantity by its name.
pub(super) fn quantity(name: &str) -> Option<usize> {
    let name = if name == "tkin_k" { "tex_k" } else { name };
    QUANTITIES.iter().position(|known| known.0 == name)
}
